"""Words for what has none of its author's: expressions as CEL again, values in a language, the sentences of built-in
rules, and texts with their facts filled in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from datetime import date, datetime, timedelta
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

from lawful import values
from lawful.calendar import Window
from lawful.ir import (
    LANGUAGES,
    And,
    AtMost,
    Call,
    Clock,
    Compare,
    Conditional,
    ConditionOf,
    Constant,
    Count,
    Expr,
    Field,
    FieldDeclaration,
    Known,
    Language,
    ListOf,
    Member,
    Not,
    Or,
    Program,
    Quantifier,
    Rule,
    Text,
    Value,
    Variable,
)

MASKED: Final = "•••"
UNKNOWN: Final = Text("unknown", "未知")
PLACEHOLDER: Final = re.compile(r"\{\{|\}\}|\{([^{}]*)\}")


def clause(name: str | None, language: Language) -> str:
    """What stands behind a source's title where a place in it is cited: numbers and letters alone are marked as one.

    >>> clause("90", "en"), clause("(c)(1)", "zh"), clause("Annex II", "en"), clause(None, "en")
    (', § 90', '，§ (c)(1)', ', Annex II', '')
    """
    if name is None:
        return ""
    marked = name if name[0].isalpha() or name[0] == "§" else f"§ {name}"
    return f", {marked}" if language == "en" else f"，{marked}"


# ---------------------------------------------------------------------------------------------- expressions as CEL

_TIGHTNESS: Final = {"||": 1, "&&": 2, "compare": 3, "+": 4, "-": 4, "*": 5, "/": 5, "%": 5, "!": 6, "primary": 7}
_OWNERS: Final = {"change": "change", "before": "before.account", "after": "after.account"}
_AS_OPERATORS: Final = {"add_duration": "+", "subtract_duration": "-", "between": "-"}


def cel(expr: Expr) -> str:
    """The expression in the author's language; what only the compiler makes (a limit) in its likeness."""
    return _cel(expr)[0]


def _cel(expr: Expr) -> tuple[str, int]:
    """The text and how tightly it binds."""
    primary = _TIGHTNESS["primary"]
    match expr:
        case Constant():
            return _constant(expr.value), primary
        case Field():
            return _field(expr)
        case Clock() | Variable():
            return expr.name, primary
        case ConditionOf():
            return expr.name if expr.state == "account" else f"{expr.state}.{expr.name}", primary
        case Count():
            return " + ".join(f"count('{name}', '{expr.window}')" for name in expr.events), _TIGHTNESS["+"]
        case AtMost():
            return _at_most(expr), _TIGHTNESS["compare"]
        case Known():
            return f"has({cel(expr.operand)})", primary
        case Not():
            return "!" + _within(expr.operand, _TIGHTNESS["!"]), _TIGHTNESS["!"]
        case And() | Or():
            operator = "&&" if isinstance(expr, And) else "||"
            tightness = _TIGHTNESS[operator]
            return f" {operator} ".join(_within(each, tightness + 1) for each in expr.operands), tightness
        case Compare():
            tightness = _TIGHTNESS["compare"]
            return (
                f"{_within(expr.left, tightness + 1)} {expr.operator} {_within(expr.right, tightness + 1)}",
                tightness,
            )
        case ListOf():
            return "[" + ", ".join(cel(each) for each in expr.items) + "]", primary
        case Member():
            tightness = _TIGHTNESS["compare"]
            return f"{_within(expr.item, tightness + 1)} in {_within(expr.collection, tightness + 1)}", tightness
        case Conditional():
            return f"{_within(expr.test, 1)} ? {_within(expr.then, 1)} : {cel(expr.otherwise)}", 0
        case Quantifier():
            head = f"{_within(expr.collection, primary)}.{expr.kind}"
            return f"{head}({expr.variable.name}, {cel(expr.body)})", primary
        case Call():
            return _call(expr)


def _within(expr: Expr, tightness: int) -> str:
    text, own = _cel(expr)
    return text if own >= tightness else f"({text})"


def _field(field: Field) -> tuple[str, int]:
    if field.owner.endswith("features"):
        owner = "account" if field.owner == "features" else f"{field.owner.partition('.')[0]}.account"
        return f"'{field.name}' in {owner}.features", _TIGHTNESS["compare"]
    return f"{_OWNERS.get(field.owner, field.owner)}.{field.name}", _TIGHTNESS["primary"]


def _at_most(limit: AtMost) -> str:
    counted = cel(limit.count)
    if limit.counted_by is not None:
        counted = f"max({counted}, {cel(limit.counted_by)})"
    return f"{counted}{' + 1' if limit.own else ''} <= {limit.at_most}"


def _constant(value: Value) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return f"'{''.join(_escaped(char) for char in value)}'"
        case datetime():
            return f"timestamp('{value.isoformat().replace('+00:00', 'Z')}')"
        case date():
            return f"date('{value.isoformat()}')"
        case timedelta():
            return f"duration('{values.written(value, None)}')"
        case frozenset() | tuple():
            return "[" + ", ".join(_constant(each) for each in sorted(value, key=str)) + "]"
        case _:
            return str(value)


def _escaped(char: str) -> str:
    """A character of a text as CEL writes it: what cannot be seen by its number."""
    if char in "\\'":
        return "\\" + char
    return char if char.isprintable() else f"\\U{ord(char):08x}"


def _call(call: Call) -> tuple[str, int]:
    function, arguments = call.function, call.arguments
    operator = _AS_OPERATORS.get(function, function)
    if operator in _TIGHTNESS and len(arguments) == 2:
        tightness = _TIGHTNESS[operator]
        return f"{_within(arguments[0], tightness)} {operator} {_within(arguments[1], tightness + 1)}", tightness
    match function:
        case "negate":
            return "-" + _within(arguments[0], _TIGHTNESS["!"]), _TIGHTNESS["!"]
        case "size" | "date" | "addDays" | "addMonths" | "addYears" | "daysBetween":
            return f"{function}({', '.join(cel(each) for each in arguments)})", _TIGHTNESS["primary"]
        case _:
            rest = ", ".join(cel(each) for each in arguments[1:])
            return f"{_within(arguments[0], _TIGHTNESS['primary'])}.{function}({rest})", _TIGHTNESS["primary"]


# ------------------------------------------------------------------------------------------- values in a language


def of_field(declaration: FieldDeclaration | None, value: Value | None, language: Language, zone: ZoneInfo) -> str:
    """A fact for a person: an enum's title, an ISO date, *unknown* / 未知; a private one is masked."""
    if value is None:
        return UNKNOWN.best(language)
    if declaration is None:
        return values.written(value, zone)
    if declaration.private:
        return MASKED
    if isinstance(value, bool):
        return ("yes" if value else "no") if language == "en" else ("是" if value else "否")
    if isinstance(value, str):
        title = declaration.values.get(value)
        return title.best(language) if title is not None else value
    if isinstance(value, frozenset):
        titles = [of_field(declaration, each, language, zone) for each in sorted(value)]
        return (", " if language == "en" else "、").join(titles)
    return values.written(value, zone)


def is_private(program: Program, field: Field) -> bool:
    """Whether the field's value is masked in every output."""
    if field.owner.endswith("features"):
        return False
    schema = program.request if field.owner == "request" else program.account
    return field.name in schema and schema[field.name].private


def field_title(declaration: FieldDeclaration, language: Language) -> str:
    if declaration.title is None:
        return declaration.name.replace("_", " ") if language == "en" else declaration.name
    return declaration.title.best(language)


# --------------------------------------------------------------------------------------------------------- windows

_EVERY: Final = {
    "lifetime": Text("in all", "累计"),
    "day": Text("a day", "每天"),
    "month": Text("a calendar month", "每个自然月"),
    "year": Text("a calendar year", "每个自然年"),
}


def span(window: Window, language: Language) -> str:
    """`a day`, `within 30 days`, `since 1997-01-02`: how a limit's window is said."""
    if window.since is not None:
        stretch = span(window.whole, language)
        if language == "zh":
            return f"自{window.since}起{stretch}"
        return f"since {window.since}" if window.unit == "lifetime" else f"{stretch} (since {window.since})"
    if window.unit in _EVERY:
        return _EVERY[window.unit].best(language)
    unit = window.unit if window.length != 1 else window.unit[:-1]
    if language == "en":
        return f"within {window.length} {unit}"
    return f"{window.length}{'天' if window.unit == 'days' else '个月'}内"


# ------------------------------------------------------------------------------------- sentences of built-in rules


Teller: TypeAlias = Callable[[str, Language], str]
"""Gives the value of a placeholder, `account.type` or `count`, in a language."""


def turning_on(rule: Rule) -> tuple[str, ...]:
    """The facts without which a built-in sentence has to be another one: placeholders, as `account.type`."""
    section, name = (*rule.id.split("."), "")[:2]
    match rule.kind:
        case "unlisted" | "final" if section == "lifecycle":
            return f"account.{name}", f"change.{name}"
        case "initial":
            return (f"account.{name}",)
        case "group":
            return ("count",)
        case _:
            return ()


def sentence(
    program: Program,
    rule: Rule,
    teller: Teller,
    language: Language,
    *,
    unknown: Collection[str] = (),
    unmoved: bool = False,
) -> str | None:
    """What a rule of the language itself says where its author says nothing; None for what only an author can say.

    `unknown`: which of the facts that it is `turning_on` are not known; `unmoved`: both ends of a move are the same.
    """

    def told(name: str) -> str:
        return teller(name, language)

    name = rule.id.split(".")[1] if "." in rule.id else ""
    declaration = program.account.get(name)
    english = language == "en"
    what = field_title(declaration, language) if declaration is not None else name
    match rule.kind:
        case "final" | "initial" if f"account.{name}" in unknown:
            before = "when it was registered" if rule.kind == "initial" else "before the change"
            when = "注册时" if rule.kind == "initial" else "变更前"
            return f"the {what} {before} is not known" if english else f"{when}的{what}未知"
        case "final":
            state = told(f"account.{name}")
            if unknown:
                now = f"{what} was {state}, which is final; what it became is not known"
                return now if english else f"{what}原为终态“{state}”，变更后的值未知"
            return f"{what} is {state}, which is final" if english else f"{what}已是{state}，不可再变更"
        case "unlisted":
            if rule.id.startswith("lifecycle."):
                return _no_change(what, told, turning_on(rule), unknown, language, unmoved=unmoved)
            return _unlisted(program, rule, what, language)
        case "initial":
            state = told(f"account.{name}")
            return f"no account begins with the {what} {state}" if english else f"不能以{what}“{state}”注册"
        case "fixed":
            return _fixed(rule, what).best(language)
        case "needs":
            needed = feature_title(program, rule.id.rpartition(".")[2], language)
            return f"{needed} must be enabled first" if english else f"须先开通{needed}"
        case "limit":
            return _limit(rule, told, language)
        case "group":
            return _group(told, language, is_known=not unknown)
        case "never_after":
            return _never_after(program, rule, language)
        case "effect":
            moved = program.account.get(rule.id.rpartition(".")[2])
            label = field_title(moved, language) if moved is not None else name
            return f"{label} would leave its bounds" if english else f"{label}将超出允许范围"
        case "clash":
            moved = program.account.get(rule.id.rpartition(".")[2])
            label = field_title(moved, language) if moved is not None else name
            return f"the changes give {label} different values" if english else f"各项变更对{label}的取值不一致"
        case "requires" | "constraint":
            return None


def _fixed(rule: Rule, what: str) -> Text:
    start, until = rule.in_force.start, rule.in_force.until
    if start is None and until is None:
        return Text(f"{what} is fixed at registration", f"{what}注册后不可变更")
    english = " ".join([*([f"from {start}"] if start else []), *([f"until {until}"] if until else [])])
    chinese = (f"自{start}起" if start else "") + (f"{until}之前" if until else "")
    return Text(f"{what} is fixed {english}", f"{what}{chinese}不可变更")


def _no_change(
    what: str,
    told: Callable[[str], str],
    ends: tuple[str, ...],
    unknown: Collection[str],
    language: Language,
    *,
    unmoved: bool,
) -> str:
    before, after = map(told, ends)
    match tuple(each in unknown for each in ends):
        case True, True:
            texts = Text(f"a change of {what}, from what to what is not known", f"{what}变更前后的值均未知")
        case True, False:
            texts = Text(
                f"a change of {what} to {after}, from what is not known", f"{what}变更为{after}，变更前的值未知"
            )
        case False, True:
            texts = Text(
                f"a change of {what} from {before}, to what is not known", f"{what}由{before}变更，变更后的值未知"
            )
        case _ if unmoved:
            texts = Text(
                f"a change of {what} to {after}, which it was already", f"{what}变更为{after}，而此前已是{before}"
            )
        case _:
            texts = Text(f"{what} has no change from {before} to {after}", f"{what}不支持由{before}变更为{after}")
    return texts.best(language)


def _unlisted(program: Program, rule: Rule, what: str, language: Language) -> str:
    english = language == "en"
    section, name = rule.id.split(".")[:2]
    if section == "features":
        feature = feature_title(program, name, language)
        return f"{feature} is not offered on this date" if english else f"{feature}在该日期不提供"
    if section == "actions":
        title = action_title(program, name, language)
        return f"{title} is not possible on this date" if english else f"{title}在该日期不可用"
    return f"{what} cannot be set by a request" if english else f"{what}不能通过申请修改"


def _group(told: Callable[[str], str], language: Language, *, is_known: bool) -> str:
    most = told("limit")
    if not is_known:
        return Text(
            f"at most {most} of one group: how many there are is not known", f"同组至多{most}个，现有数量未知"
        ).best(language)
    count = told("count")
    return Text(f"at most {most} of one group: {count} with this one", f"同组至多{most}个，含本帐号共{count}个").best(
        language
    )


def _never_after(program: Program, rule: Rule, language: Language) -> str | None:
    if not isinstance(rule.requires, AtMost):
        return None
    english = language == "en"
    names = [event_title(program, each, language) for each in rule.requires.count.events]
    if english:
        return "never after " + " or ".join(f"“{each}”" for each in names)
    return "曾有" + "或".join(f"“{each}”" for each in names) + "的不可进行"


def _limit(rule: Rule, told: Callable[[str], str], language: Language) -> str | None:
    english = language == "en"
    count, most = told("count"), told("limit")
    if not isinstance(rule.requires, AtMost):
        return None
    window = span(rule.requires.count.window, language)
    if english:
        return f"at most {most} {window}: {count} so far"
    return f"{window}至多{most}次，已有{count}次"


# ---------------------------------------------------------------------------------------- titles of built-in rules


def built_in_title(program: Program, rule: Rule) -> Text | None:
    """What a rule is called where its author gives no title; None for what only an author can name."""
    english, chinese = (_built_in_title(program, rule, language) for language in LANGUAGES)
    return None if english is None or chinese is None else Text(english, chinese)


def _built_in_title(program: Program, rule: Rule, language: Language) -> str | None:
    section, name, *_ = (*rule.id.split("."), "")
    last = rule.id.rpartition(".")[2]
    what = _subject(program, rule, section, name, language)
    texts: Text | None = None
    match rule.kind:
        case "final":
            texts = Text(f"{what} never leaves a final state", f"{what}处于终态后不可变更")
        case "unlisted" if section == "lifecycle":
            texts = Text(f"{what} changes by its transitions alone", f"{what}仅可按规定途径变更")
        case "unlisted" if section in ("features", "actions"):
            texts = Text(f"{what} only while it is offered", f"{what}仅限提供期间")
        case "unlisted":
            texts = Text(f"{what} cannot be set by a request", f"{what}不能通过申请修改")
        case "initial":
            texts = Text(f"{what} begins with an initial value", f"注册时{what}须为允许的初始值")
        case "fixed":
            texts = _fixed(rule, what)
        case "needs":
            needed = feature_title(program, last, language)
            texts = Text(f"{what} needs {needed}", f"{what}须先开通{needed}")
        case "limit" if isinstance(rule.requires, AtMost):
            window, most = span(rule.requires.count.window, language), rule.requires.at_most
            texts = Text(f"{what}: at most {most} {window}", f"{what}：{window}至多{most}次")
        case "never_after":
            texts = Text(f"{what}: not after what rules it out", f"{what}：发生特定事件后不可进行")
        case "group":
            return _title_of_group(program, rule, language)
        case "effect":
            label = _field_label(program, last, language)
            texts = Text(f"{what}: {label} stays within its bounds", f"{what}：{label}不超出允许范围")
        case "requires":
            texts = Text(f"what {what} requires", f"{what}的条件")
        case "limit" | "clash" | "constraint":
            texts = None
    return None if texts is None else texts.best(language)


def _subject(program: Program, rule: Rule, section: str, name: str, language: Language) -> str:
    """What a rule is about: a transition, an action, a feature, else a field."""
    if section == "features":
        return feature_title(program, name, language)
    if section == "actions":
        return action_title(program, name, language)
    if section == "registration":
        return Text("registration", "注册").best(language)
    if section == "lifecycle" and rule.kind not in ("final", "unlisted", "initial"):
        return event_title(program, rule.id.split(".")[2], language)
    return _field_label(program, name, language)


def _field_label(program: Program, name: str, language: Language) -> str:
    declaration = program.account.get(name)
    return field_title(declaration, language) if declaration is not None else name


def _title_of_group(program: Program, rule: Rule, language: Language) -> str | None:
    group = next((each for each in program.groups if (each.rule, each.in_force) == (rule.id, rule.in_force)), None)
    if group is None:
        return None
    shared = _field_label(program, group.per.name, language)
    return Text(f"at most {group.at_most} accounts of one {shared}", f"同一{shared}至多{group.at_most}个帐号").best(
        language
    )


def feature_title(program: Program, name: str, language: Language) -> str:
    feature = program.features.get(name)
    return feature.title.best(language) if feature is not None and feature.title is not None else name


def action_title(program: Program, name: str, language: Language) -> str:
    title = program.actions.get(name)
    return title.best(language) if title is not None else name


def event_title(program: Program, name: str, language: Language) -> str:
    """What an entry of a history is called."""
    if name in program.actions:
        return action_title(program, name, language)
    declared = program.events.get(name)
    if declared is not None and declared.title is not None:
        return declared.title.best(language)
    move = next((each for each in program.moves if each.event == name and each.title is not None), None)
    return move.title.best(language) if move is not None and move.title is not None else name


# ----------------------------------------------------------------------------------------------- texts filled in


def filled(text: Text, told: Teller) -> Text:
    """The text with each `{account.type}` replaced by its value; `{{` and `}}` are braces."""

    def fill(written: str | None, language: Language) -> str | None:
        if written is None:
            return None

        def value(found: re.Match[str]) -> str:
            return told(found[1], language) if found[1] is not None else found[0][0]

        return PLACEHOLDER.sub(value, written)

    return Text(fill(text.en, "en"), fill(text.zh, "zh"))
