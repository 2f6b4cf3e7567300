"""Conditions as phrases: by the titles of what they speak of where they have any, as written otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Final, assert_never
from zoneinfo import ZoneInfo

from lawful import values, wording
from lawful.calendar import LIFETIME, Window
from lawful.ir import (
    ALWAYS,
    BOOL,
    FALSE,
    TRUE,
    And,
    AtMost,
    Call,
    Clock,
    Compare,
    Comparison,
    Conditional,
    ConditionOf,
    Constant,
    Count,
    Expr,
    Field,
    FieldDeclaration,
    Function,
    Known,
    Language,
    ListOf,
    Member,
    Not,
    Or,
    Period,
    Program,
    Quantifier,
    Severity,
    Text,
    Type,
    Variable,
    conjunction,
    negation,
    type_of,
    walk,
)

_SYMBOLS: Final = {"==": "=", "!=": "≠", "<=": "≤", ">=": "≥", "<": "<", ">": ">"}
_SIGNS: Final[Mapping[Function, str]] = {
    "+": "+",
    "-": "−",
    "*": "×",
    "/": "÷",
    "%": "mod",
    "add_duration": "+",
    "subtract_duration": "−",
}
_OF_TEXTS: Final[Mapping[Function, Text]] = {
    "startsWith": Text("{} begins with {}", "{}以{}开头"),
    "endsWith": Text("{} ends with {}", "{}以{}结尾"),
    "contains": Text("{} contains {}", "{}包含{}"),
    "matches": Text("{} has the form {}", "{}符合格式{}"),
}
_PARTS_OF_DAYS: Final[Mapping[Function, tuple[str, str]]] = {
    "getFullYear": ("the year", "年份"),
    "getMonth": ("the month (January is 0)", "月份（一月为0）"),
    "getDate": ("the day of the month", "日"),
    "getDayOfWeek": ("the weekday (Sunday is 0)", "星期（星期日为0）"),
}
_CURRENT: Final[Mapping[str, Text]] = {
    "day": Text("on the same day", "当天"),
    "month": Text("in the same calendar month", "当月"),
    "year": Text("in the same year", "当年"),
}
NOT: Final = Text("it is not so that ", "并非：")
"""Before what is denied, where it has no opposite."""
_COUNTED: Final[Mapping[Comparison, Text]] = {
    "==": Text("exactly", "恰好"),
    "!=": Text("other than", "不是"),
    "<": Text("less than", "少于"),
    "<=": Text("at most", "至多"),
    ">": Text("more than", "多于"),
    ">=": Text("at least", "至少"),
}
_DAY: Final = timedelta(days=1)
_OPPOSITES: Final[dict[Comparison, Comparison]] = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


class Phrases:
    """Says things about one program in one language."""

    def __init__(self, program: Program, language: Language) -> None:
        self.program = program
        self.language = language
        self.zone = ZoneInfo(program.timezone)

    def say(self, english: str, chinese: str) -> str:
        return english if self.language == "en" else chinese

    def text(self, text: Text | None, otherwise: str = "") -> str:
        return otherwise if text is None else text.best(self.language)

    def listed(self, parts: list[str]) -> str:
        return self.say(", ", "、").join(parts)

    def only(self, severity: Severity) -> str:
        """What is added where a rule refuses nothing; empty where it does."""
        match severity:
            case "error":
                return ""
            case "warning":
                return self.say(" (only a warning)", "（仅警告）")
            case "info":
                return self.say(" (only for information)", "（仅提示）")
            case _:
                assert_never(severity)

    # --------------------------------------------------------------------------------------------- conditions

    def condition(self, expr: Expr) -> str:
        """A phrase that is true where the expression is; the expression itself where there are no words for it."""
        match expr:
            case ConditionOf():
                return self.named(expr)
            case Not():
                return self._negated(expr.operand)
            case And():
                return self.say(" and ", "，且").join(self.within(each) for each in expr.operands)
            case Or():
                return self._either(expr)
            case Known(operand=Field() as field):
                return self._known(field, True)
            case Field() if expr.owner.endswith("features"):
                title = wording.feature_title(self.program, expr.name, self.language)
                return self.say(f"{title} is enabled", f"已开通{title}")
            case Field():
                return self._fact(expr)
            case Known():
                known = self.term(expr.operand)
                return self.say(f"{known} is known", f"已知{known}")
            case Compare():
                return self._comparison(expr)
            case Member():
                return self._membership(expr)
            case Conditional():
                test, then, otherwise = map(self.within, (expr.test, expr.then, expr.otherwise))
                return self.say(f"{then} if {test}, else {otherwise}", f"{test}时{then}，否则{otherwise}")
            case Quantifier():
                return self._quantified(expr)
            case Call(arguments=(text, other)) if expr.function in _OF_TEXTS:
                return self._of_text(expr, text, other)
            case _ if expr == TRUE:
                return self.say("always", "总是")
            case _ if expr == FALSE:
                return self.say("never", "从不")
            case _:
                return self.term(expr)

    def _as_written(self, expr: Expr) -> str:
        return f"`{wording.cel(expr)}`"

    def named(self, expr: ConditionOf) -> str:
        """By its title; by what it says where that is short; by its name."""
        condition = self.program.conditions[expr.name]
        if condition.title is not None:
            return self.text(condition.title)
        phrase = self.condition(condition.holds)
        return self._as_written(expr) if "`" in phrase or isinstance(condition.holds, (And, Or)) else phrase

    def within(self, expr: Expr) -> str:
        """A part of a longer phrase; in brackets where it is one itself."""
        phrase = self.condition(expr)
        longer = isinstance(expr, (And, Or, Conditional, Quantifier)) or phrase.startswith(self.text(NOT))
        return self.say(f"({phrase})", f"（{phrase}）") if longer else phrase

    def _either(self, expr: Or) -> str:
        """Of what is not so the opposite is given: `if …, then …`; where nothing is left to follow, `unless …`."""
        if self.is_by_days(expr):
            return self._by_days(expr)
        given = self._given(expr)
        then = self.say(" or ", "，或").join(self.within(each) for each in expr.operands if each not in given)
        if not given:
            return then
        if then:
            so = self.say(" and ", "，且").join(self.within(negation(each)) for each in given)
            return self.say(f"if {so}, then {then}", f"若{so}，则{then}")
        so = self.condition(And(tuple(map(negation, given))))
        return self.say(f"unless {so}", f"除非{so}")

    def _given(self, expr: Or) -> list[Expr]:
        """The operands whose opposite is a condition of the others: the first that says what is not so, and those that
        have no better words than *it is not so that*.
        """
        first, *others = expr.operands
        begins = isinstance(first, Not) or (isinstance(first, Compare) and first.operator == "!=")
        return [*([first] if begins else []), *(each for each in others if self._is_denied(each))]

    def is_implication(self, expr: Or) -> bool:
        """Whether it is told as what follows from what."""
        return bool(self._given(expr))

    def _is_denied(self, expr: Expr) -> bool:
        return isinstance(expr, Not) and self.condition(expr).startswith(self.text(NOT))

    def is_by_days(self, expr: Or) -> bool:
        """Whether some parts hold on some days only, and none is a day alone."""
        on_days = [dated(each)[0] != ALWAYS for each in expr.operands]
        return any(on_days) and not any(
            isinstance(each, Compare) and each.left == Clock("today") for each in expr.operands
        )

    def _by_days(self, expr: Or) -> str:
        """`from 2017-02-28: …, or until …: …`, each part once."""
        periods: dict[Expr, list[Period]] = {}
        for period, rest in map(dated, expr.operands):
            periods.setdefault(rest, []).append(period)
        told = []
        for rest, found in sorted(periods.items(), key=lambda each: each[1] != [ALWAYS]):  # no days follow others'
            days = self.say(" and ", "、").join(filter(None, map(self.period, joined(found))))
            said = self.within(rest)
            told.append(self.say(f"{days}: {said}", f"{days}：{said}") if days else said)
        return self.say(", or ", "，或").join(told)

    def _negated(self, expr: Expr) -> str:
        if isinstance(expr, Or) and any(isinstance(each, Not) for each in expr.operands):
            opposites = And(tuple(map(negation, expr.operands)))
            if not any(map(self._is_denied, opposites.operands)):
                return self.condition(opposites)
        if isinstance(expr, ConditionOf):
            condition = self.program.conditions[expr.name]
            holds = condition.holds
            # What its author has a title for is not taken apart, unless its opposite is a word or two.
            calculated = condition.title is not None and any(isinstance(each, Call) for each in walk(holds))
            opposite = None if calculated else self._opposite(holds)
        else:
            opposite = self._opposite(expr)
        if opposite is not None and "`" not in opposite:
            return opposite
        return self.text(NOT) + self.within(expr)

    def _opposite(self, expr: Expr) -> str | None:
        """The negated phrase, where saying it needs no *not* in front."""
        match expr:
            case Compare():
                return self.condition(Compare(_OPPOSITES[expr.operator], expr.left, expr.right))
            case Not():
                return self.condition(expr.operand)
            case Known(operand=Field() as field):
                return self._known(field, False)
            case Member():
                return self._membership(expr, denied=True)
            case Field() if expr.owner.endswith("features"):
                title = wording.feature_title(self.program, expr.name, self.language)
                return self.say(f"{title} is not enabled", f"未开通{title}")
            case _:
                return None

    def _known(self, field: Field, known: bool) -> str:
        """Of what is yes or no the title is often a sentence."""
        fact = self._fact(field)
        if field.type == BOOL:
            told = self.say(f"it is known whether {fact}", f"已知是否{fact}")
            return told if known else self.say(f"it is not known whether {fact}", f"未知是否{fact}")
        told = self.say(f"{fact} is known", f"已知{fact}")
        return told if known else self.say(f"{fact} is not known", f"{fact}未知")

    def _comparison(self, expr: Compare) -> str:
        return self._of_events(expr) or self._of_two(expr) or self._of_values(expr)

    def _of_values(self, expr: Compare) -> str:
        field = next((each for each in (expr.left, expr.right) if isinstance(each, Field)), None)
        left, right = self.term(expr.left, field), self.term(expr.right, field)
        if isinstance(expr.left, (Field, Variable)) and expr.left.type.kind in ("enum", "string", "bool"):
            relation = {"==": self.say("is", "为"), "!=": self.say("is not", "不为")}.get(expr.operator)
            if relation is not None:
                return self.say(f"{left} {relation} {right}", f"{left}{relation}{right}")
        return self.related(expr.operator, left, right, type_of(expr.left))

    def _of_events(self, expr: Compare) -> str | None:
        """Of a number of events that is compared with one that is said."""
        match expr:
            case Compare("==" | "<=", Count() as count, Constant(0)) | Compare("<", Count() as count, Constant(1)):
                return self._happened(count, never=True)
            case Compare("!=" | ">", Count() as count, Constant(0)) | Compare(">=", Count() as count, Constant(1)):
                return self._happened(count, never=False)
            case Compare(operator, Count() as count, Constant(int() as number)):
                return self._so_often(count, operator, number)
            case _:
                return None

    def _of_two(self, expr: Compare) -> str | None:
        """Of a field on both sides of a change, and of two conditions that go together or never do."""
        match expr:
            case Compare("!=", Field("before", before), Field("after", after)) if before == after:
                return self.say(f"{self._titled(before)} changes", f"{self._titled(before)}变更")
            case Compare("==", Field("before", before), Field("after", after)) if before == after:
                return self.say(f"{self._titled(before)} stays the same", f"{self._titled(before)}不变")
            case Compare(operator="==" | "!=", left=left, right=right) if _is_condition(left) and _is_condition(right):
                one, other = self.within(left), self.within(right)
                if expr.operator == "!=":
                    return self.say(f"either {one} or {other}, not both", f"{one}与{other}二者恰居其一")
                return self.say(f"{one} exactly if {other}", f"当且仅当{other}时{one}")
            case _:
                return None

    def _titled(self, name: str) -> str:
        return wording.field_title(self.program.account[name], self.language)

    def _so_often(self, count: Count, operator: Comparison, number: int) -> str:
        """`“upgrade” happened more than once in all`."""
        names, window, how = self.events(count.events), self._within(count.window), self.text(_COUNTED[operator])
        times = {1: "once", 2: "twice"}.get(number, f"{number} times")
        return self.say(f"{names} happened {how} {times} {window}", f"{window}{names}{how}{number}次")

    def _happened(self, count: Count, *, never: bool) -> str:
        names, lifetime = self.events(count.events), count.window == LIFETIME
        window = "" if lifetime else self._within(count.window)
        within = f" {window}" if window else ""
        if never:
            no, chinese = ("never", "从未有") if lifetime else ("no", "未有")
            return self.say(f"there was {no} {names}{within}", f"{window}{chinese}{names}")
        return self.say(f"there was {names}{within}", f"{window}有过{names}")

    def _within(self, window: Window) -> str:
        """When what is counted happened: of the calendar's, in the one in which the day of the question is."""
        told = _CURRENT.get(window.unit)
        if told is None:
            return wording.span(window, self.language)
        if window.since is None:
            return self.text(told)
        return self.say(f"{told.en} (since {window.since})", f"自{window.since}起{told.zh}")

    def related(self, operator: Comparison, left: str, right: str, _: Type) -> str:
        """How two terms of that type compare."""
        return f"{left} {_SYMBOLS[operator]} {right}"

    def _membership(self, expr: Member, *, denied: bool = False) -> str:
        beside = next((each for each in (expr.item, expr.collection) if isinstance(each, Field)), None)
        item = self.term(expr.item, beside)
        if isinstance(expr.collection, ListOf):
            names = self.listed([self.term(each, beside) for each in expr.collection.items])
            if denied:
                return self.say(f"{item} is none of {names}", f"{item}不属于{names}")
            return self.say(f"{item} is one of {names}", f"{item}为{names}之一")
        collection = self.term(expr.collection)
        if denied:
            return self.say(f"{item} is not among {collection}", f"{collection}不包含{item}")
        return self.say(f"{item} is among {collection}", f"{collection}包含{item}")

    def _quantified(self, expr: Quantifier) -> str:
        collection, body = self.term(expr.collection), self.condition(expr.body)
        if expr.kind == "exists":
            return self.say(f"for some of {collection}: {body}", f"{collection}中有一项满足：{body}")
        return self.say(f"for each of {collection}: {body}", f"{collection}中每一项均满足：{body}")

    def _of_text(self, expr: Call, text: Expr, other: Expr) -> str:
        second = self.term(other)
        if expr.function == "matches" and isinstance(other, Constant):
            second = f"`{other.value}`"
        return self.text(_OF_TEXTS[expr.function]).format(self.term(text), second)

    # ------------------------------------------------------------------------------------------------- operands

    def term(self, expr: Expr, beside: Field | None = None) -> str:
        """What an operand stands for; `beside` is the fact it is compared with, whose titles its value has."""
        match expr:
            case Field() if not expr.owner.endswith("features"):
                return self._fact(expr)
            case Constant():
                return self.value(self._declaration(beside) if beside is not None else None, expr)
            case Clock():
                return self.say(expr.name, {"today": "今天", "now": "现在"}[expr.name])
            case Count():
                return self._count(expr)
            case Variable():
                return self.say("it", "该项")
            case ListOf():
                return self.listed([self.term(each) for each in expr.items])
            case Conditional() if type_of(expr) != BOOL:
                then, otherwise = (self.term(each, beside) for each in (expr.then, expr.otherwise))
                test = self._test(expr.test)
                return self.say(f"({then} if {test}, else {otherwise})", f"（{test}时为{then}，否则为{otherwise}）")
            case Call() if expr.function not in _OF_TEXTS:
                return self._called(expr)
            case AtMost():
                return self._as_written(expr)
            case _:
                return f"({self.condition(expr)})"

    def _test(self, expr: Expr) -> str:
        """Behind an *if*: in brackets where it has one of its own."""
        return self.within(expr) if isinstance(expr, Or) and self.is_implication(expr) else self.condition(expr)

    def _called(self, call: Call) -> str:
        parts = [self.term(each) for each in call.arguments]
        if call.function in _SIGNS:
            sides = (
                f"({part})" if _is_sum(each, call) else part for each, part in zip(call.arguments, parts, strict=True)
            )
            return f" {_SIGNS[call.function]} ".join(sides)
        first = parts[0]
        match call.function:
            case "negate":
                return f"−{first}"
            case "addDays" | "addMonths" | "addYears":
                return self._moved(call.function, call.arguments[1], first)
            case "daysBetween":
                return self.say(f"the days from {first} to {parts[1]}", f"{first}至{parts[1]}的天数")
            case "between":
                return self.say(f"the time from {parts[1]} to {first}", f"{parts[1]}至{first}的时长")
            case "date":
                return self.say(f"the day of {first}", f"{first}当天")
            case "size":
                return self.say(f"the length of {first}", f"{first}的长度")
            case "getFullYear" | "getMonth" | "getDate" | "getDayOfWeek":
                english, chinese = _PARTS_OF_DAYS[call.function]
                where = self.say(f" in {parts[1][1:-1]}", f"（{parts[1][1:-1]}）") if len(parts) > 1 else ""
                return self.say(f"{english} of {first}{where}", f"{first}{where}的{chinese}")
            case _:
                return self._as_written(call)

    def _moved(self, function: Function, by: Expr, start: str) -> str:
        """`210 days after …`, `1 year before …`."""
        unit = function.removeprefix("add").lower()
        zh = {"days": "天", "months": "个月", "years": "年"}[unit]
        if isinstance(by, Constant) and isinstance(by.value, int):
            number = abs(by.value)
            english = f"{number} {unit if number != 1 else unit[:-1]} {'after' if by.value >= 0 else 'before'}"
            return self.say(f"{english} {start}", f"{start}{'后' if by.value >= 0 else '前'}{number}{zh}")
        if isinstance(by, Conditional):
            then, otherwise = (self._moved(function, each, start) for each in (by.then, by.otherwise))
            test = self._test(by.test)
            return self.say(f"{then} if {test}, else {otherwise}", f"{test}时为{then}，否则为{otherwise}")
        number_of = self.term(by)
        return self.say(f"({number_of}) {unit} after {start}", f"{start}后（{number_of}）{zh}")

    def value(self, declaration: FieldDeclaration | None, constant: Constant) -> str:
        # What a policy's own text says is no secret: only an account's value of a private field is.
        if declaration is not None and not declaration.private:
            return wording.of_field(declaration, constant.value, self.language, self.zone)
        match constant.value:
            case bool() as truth:
                return self.say("yes", "是") if truth else self.say("no", "否")
            case str() as text:
                return f"“{text}”"
            case timedelta() as length:
                return self._length(length)
            case tuple() | frozenset():
                return wording.cel(constant)
            case other:
                return values.written(other, self.zone)

    def _length(self, length: timedelta) -> str:
        """In the largest unit that leaves no rest."""
        seconds = int(length.total_seconds())
        if length > 2 * _DAY and not length % _DAY:
            return self.say(f"{length // _DAY} × 24 hours", f"{length // _DAY}×24小时")
        for size, english, chinese in ((3600, "hour", "小时"), (60, "minute", "分钟"), (1, "second", "秒")):
            if seconds % size == 0 and not length.microseconds:
                number = seconds // size
                return self.say(f"{number} {english}{'' if abs(number) == 1 else 's'}", f"{number}{chinese}")
        return values.written(length, None)

    def _fact(self, field: Field) -> str:
        declaration = self._declaration(field)
        title = wording.field_title(declaration, self.language) if declaration is not None else field.name
        match field.owner:
            case "before":
                return self.say(f"{title} before the change", f"变更前的{title}")
            case "after":
                return self.say(f"{title} after the change", f"变更后的{title}")
            case "change":
                return self.say(f"the {title} asked for", f"申请的{title}")
            case "request" if declaration is None or declaration.title is None:
                return self.say(f"{title} (of the request)", f"{title}（申请所述）")
            case _:
                return title

    def _declaration(self, field: Field) -> FieldDeclaration | None:
        if field.owner.endswith("features"):
            return None
        return (self.program.request if field.owner == "request" else self.program.account).get(field.name)

    def _count(self, count: Count) -> str:
        names = self.events(count.events)
        window = self._within(count.window)
        return self.say(f"number of {names} {window}", f"{window}{names}的次数")

    # -------------------------------------------------------------------------------------------------- others

    def events(self, names: tuple[str, ...]) -> str:
        return self.listed([f"“{self.event(name)}”" for name in names])

    def event(self, name: str) -> str:
        """What an entry of a history is called."""
        kind, _, subject = name.partition(".")
        if kind in ("enable", "disable") and subject in self.program.features:
            title = wording.feature_title(self.program, subject, self.language)
            return self.say(f"{kind} {title}", {"enable": "开通", "disable": "关闭"}[kind] + title)
        return wording.event_title(self.program, name, self.language)

    def period(self, period: Period) -> str:
        """`from 2016-09-01 until 2018-12-27`; empty for always."""
        parts = []
        if period.start is not None:
            parts.append(self.say(f"from {period.start}", f"自{period.start}起"))
        if period.until is not None:
            parts.append(self.say(f"until {period.until}", f"{period.until}之前"))
        return self.say(" ", "，").join(parts)


def dated(expr: Expr) -> tuple[Period, Expr]:
    """The days on which a part holds, where it names any beside something else; and what else it says."""
    starts: list[date] = []
    ends: list[date] = []
    rest: list[Expr] = []
    for each in _flat(expr):
        match each:
            case Compare(">=", Clock("today"), Constant(date() as day)):
                starts.append(day)
            case Compare("<", Clock("today"), Constant(date() as day)):
                ends.append(day)
            case _:
                rest.append(each)
    if not rest or max(len(starts), len(ends)) != 1:
        return ALWAYS, expr
    return Period(next(iter(starts), None), next(iter(ends), None)), conjunction(rest)


def joined(periods: Iterable[Period]) -> list[Period]:
    """Those that follow each other as one."""
    found: list[Period] = []
    for each in sorted(periods, key=lambda period: period.start or date.min):
        if found and found[-1].until is not None and found[-1].until == each.start:
            found[-1] = Period(found[-1].start, each.until)
        else:
            found.append(each)
    return found


def _flat(expr: Expr) -> list[Expr]:
    return [each for part in expr.operands for each in _flat(part)] if isinstance(expr, And) else [expr]


def _is_sum(expr: Expr, within: Call) -> bool:
    """Whether an operand needs brackets inside another calculation."""
    return isinstance(expr, Call) and expr.function in _SIGNS and not expr.function == within.function == "+"


def _is_condition(expr: Expr) -> bool:
    """Whether it is no value, but says something of values."""
    return isinstance(expr, (ConditionOf, Not, And, Or, Compare, Member, Known))
