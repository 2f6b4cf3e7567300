"""A policy as sentences, for a person who reads no code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import zip_longest
from typing import Final, Literal

from lawful import wording
from lawful.calendar import Window
from lawful.ir import (
    ALWAYS,
    FALSE,
    LANGUAGES,
    TRUE,
    And,
    AtMost,
    Citation,
    Clock,
    Condition,
    Constant,
    Effect,
    Expr,
    Field,
    FieldDeclaration,
    Group,
    Instead,
    Language,
    Lifecycle,
    Move,
    Not,
    Or,
    Period,
    Place,
    Program,
    Rule,
    Severity,
    Text,
    Type,
    Value,
)
from lawful.show.line import Line
from lawful.show.phrases import NOT
from lawful.show.words import Words

_CURRENCIES: Final = frozenset(
    {"AUD", "BRL", "CAD", "CHF", "CNY", "EUR", "GBP", "HKD", "INR", "JPY", "KRW", "SGD", "TWD", "USD"}
)
"""Codes of ISO 4217: a cost of such a name is an amount of it."""


def rules_in_words(program: Program, language: Language) -> list[Line]:
    """The whole policy, section by section."""
    return list(Teller(program, language).everything())


class Teller(Words):
    """Tells a whole policy: the same lines in every language."""

    def everything(self) -> Iterator[Line]:
        yield from self._header()
        yield from self._section("sources", self.say("Sources", "依据"), self._sources())
        accounts, requests = self.program.account.values(), self.program.request.values()
        yield from self._section("account", self.say("The account", "帐号字段"), self._fields(accounts))
        yield from self._section("request", self.say("What a request says", "申请字段"), self._fields(requests))
        yield from self._section("conditions", self.say("Conditions", "条件"), self.meanings())
        for cycle in self.program.lifecycles.values():
            title = wording.field_title(self.program.account[cycle.field], self.language)
            named = self.say(f"Life cycle: {title}", f"生命周期：{title}")
            yield from self._section(f"lifecycle.{cycle.field}", named, self._lifecycle(cycle))
        guarded = self._guarded("registration", "register")
        yield from self._section("registration", self.say("Registration", "注册"), guarded)
        yield from self._section("fields", self.say("Fields that may be set", "可修改的字段"), self._settable())
        yield from self._section("features", self.say("Features", "功能"), self._features())
        yield from self._section("actions", self.say("Actions", "操作"), self._actions())
        yield from self._section("events", self.say("Events", "事件"), self._events())
        yield from self._section("constraints", self.say("Always", "任何时候"), self._constraints())
        yield from self._section("invariants", self.say("Whatever happens", "不变量"), self._invariants())

    # -------------------------------------------------------------------------------------------------- frame

    def _header(self) -> Iterator[Line]:
        program = self.program
        yield Line(0, self.text(program.title, program.id), f"{program.id} {program.version}", heading=True)
        if program.scope is not None:
            yield Line(1, self.text(program.scope))
        yield Line(
            1,
            self.say(f"days begin at midnight in {program.timezone}", f"日期以{program.timezone}的零点为界"),
            program.digest[:19],
        )
        yield from self.noted(program.note, 1)

    def _section(self, name: str, title: str, lines: Iterable[Line]) -> Iterator[Line]:
        """Nothing where there is nothing to say."""
        found = list(lines)
        if found:
            yield Line(0, "")
            yield Line(0, title, heading=True, of=name)
            yield from found

    def _sources(self) -> Iterator[Line]:
        for source in self.program.sources.values():
            published = f" ({source.published})" if source.published else ""
            yield Line(
                1, f"{source.id}: {self.text(source.title)}{published}", source.url or "", kind="source", of=source.id
            )
            yield from self.noted(source.note)

    # -------------------------------------------------------------------------------------------------- facts

    def _fields(self, declarations: Iterable[FieldDeclaration]) -> Iterator[Line]:
        for each in declarations:
            title = wording.field_title(each, self.language)
            parts = [self._kind(each), *self._bounds(each)]
            if each.name in self.program.account and self.program.account[each.name] is each:
                parts.append(self._motion(each))
            told = self.say(f"{title}: {'; '.join(parts)}", f"{title}：{'；'.join(parts)}")
            yield Line(1, told, each.name, kind="field", of=each.name)
            yield from self.noted(each.note)

    def _kind(self, declaration: FieldDeclaration) -> str:
        kind = declaration.type.kind
        names = [self.text(declaration.values.get(value), value) for value in declaration.type.values]
        match kind:
            case "enum":
                return self.say(f"one of {self.listed(names)}", f"{self.listed(names)}之一")
            case "set":
                return self.say(f"any of {self.listed(names)}", f"可包含{self.listed(names)}")
            case "bool":
                return self.say("yes or no", "是或否")
            case "int":
                return self.say("a whole number", "整数")
            case "date":
                return self.say("a date", "日期")
            case "timestamp":
                return self.say("a date and time", "日期时间")
            case _:
                return self.say("a text", "文本")

    def _bounds(self, declaration: FieldDeclaration) -> Iterator[str]:
        type_ = declaration.type
        if declaration.minimum is not None:
            least = self._constant(declaration.minimum, type_)
            yield self.say(f"at least {least}", f"不小于{least}")
        if declaration.maximum is not None:
            most = self._constant(declaration.maximum, type_)
            yield self.say(f"at most {most}", f"不大于{most}")
        if declaration.default is not None:
            default = self.value(declaration, Constant(declaration.default, type_))
            yield self.say(f"{default} unless said otherwise", f"默认为{default}")
        if declaration.private:
            yield self.say("private", "不公开")
        if declaration.ask_cost != 1:
            cost = declaration.ask_cost
            yield self.say(f"costs {cost} to find out, others cost 1", f"查明代价为{cost}（其他为1）")

    def _constant(self, value: object, type_: Type) -> str:
        return str(value) if type_.kind != "timestamp" else f"{value:%Y-%m-%dT%H:%M:%SZ}"

    def _motion(self, declaration: FieldDeclaration) -> str:
        fixed = declaration.fixed
        if fixed is None or fixed == ALWAYS:
            return self._moving(declaration)
        period, else_ = self.period(fixed), self._moving(declaration)
        return self.say(f"fixed {period}, else {else_}", f"{period}不可变更，其余时间{else_}")

    def _moving(self, declaration: FieldDeclaration) -> str:
        match declaration.motion:
            case "lifecycle":
                return self.say("changes by its life cycle", "按生命周期变更")
            case "fixed":
                return self.say("fixed at registration", "注册后不可变更")
            case "settable":
                return self.say("may be set by a request", "可申请修改")
            case "outside":
                return self.say("changes outside these rules", "由外部决定")
            case "effects":
                return self.say("changes only with other changes", "仅随其他变更而变")

    def meanings(self) -> Iterator[Line]:
        """Each condition's title, below it what it is about."""
        for each in self.program.conditions.values():
            yield Line(1, self.word(each.name), each.name, kind="condition", of=each.name)
            if not self._is_called_alike(each):
                yield from self._meaning(each.holds)
            yield from self.noted(each.note)
            if each.source is not None:
                yield from self.origin(each.source, each.place)

    def _is_called_alike(self, condition: Condition) -> bool:
        """Whether it is a fact, and no more is said of it than what the fact is called."""
        match condition.holds:
            case Field(owner="account", name=name):
                return self.program.account[name].title == condition.title
            case Field(owner="request", name=name):
                return self.program.request[name].title == condition.title
            case _:
                return False

    def _meaning(self, holds: Expr) -> Iterator[Line]:
        """Part by part: titles have their own *and* and *or*."""
        match holds:
            case And(parts):
                joined = self.say("and", "且")
            case Or(parts) if not self.is_implication(holds):
                joined = self.say("or", "或")
            case _:
                parts, joined = (holds,), ""
        for part in parts:
            phrase, word = self.condition(part), self.say("that is", "即") if part is parts[0] else joined
            yield Line(2, self.say(f"{word}: {phrase}", f"{word}：{phrase}"), written=wording.cel(part), kind="must")

    # ------------------------------------------------------------------------------------------------- changes

    def _lifecycle(self, cycle: Lifecycle) -> Iterator[Line]:
        declaration = self.program.account[cycle.field]

        def names(values: Iterable[str]) -> str:
            return self.listed([self.text(declaration.values.get(value), value) for value in values])

        if cycle.initial:
            yield Line(
                1, self.say(f"registered as {names(cycle.initial)}", f"可注册为{names(cycle.initial)}"), kind="said"
            )
        seen: set[str] = set()
        for move in self.program.moves:
            if move.step is not None and move.step.field == cycle.field and move.id not in seen:
                seen.add(move.id)
                title = wording.event_title(self.program, move.event, self.language)
                yield from self._guarded(move.id, _titled(title, move.event))
        if cycle.final:
            final = names(cycle.final)
            yield Line(1, self.say(f"final: {final}; nothing leaves it", f"终态：{final}，此后不可再变更"), kind="said")
        yield Line(1, self.say("any other change of it is refused", "不支持其他变更"), kind="said")

    def _settable(self) -> Iterator[Line]:
        for name, declaration in self.program.account.items():
            if declaration.motion == "settable":
                yield from self._guarded(f"fields.{name}.set", wording.field_title(declaration, self.language))

    def _features(self) -> Iterator[Line]:
        for name in self.program.features:
            yield from self._guarded(f"features.{name}", wording.feature_title(self.program, name, self.language))

    def _actions(self) -> Iterator[Line]:
        for name in self.program.actions:
            title = wording.action_title(self.program, name, self.language)
            yield from self._guarded(f"actions.{name}", _titled(title, name))

    def _guarded(self, id: str, name: str) -> Iterator[Line]:
        """A change, each of its versions with what it requires and what follows from it."""
        moves = [move for move in self.program.moves if move.id == id]
        for move, rules in zip_longest(moves, _versions(self.program, id), fillvalue=None):
            if move is not None:
                yield from self._version(move, rules or [], name)

    def _version(self, move: Move, rules: list[Rule], name: str) -> Iterator[Line]:
        """What the change itself requires and does, with its source; then each rule beside it, indented under its own
        head.
        """
        guard = next((rule for rule in rules if rule.kind == "requires"), None)
        further = [rule for rule in rules if rule.kind == "requires" and rule is not guard]
        lines = [*self._guards(guard, [rule for rule in rules if rule not in further]), *self._effects(move)]
        if move.trigger == "register" and not (lines or further):
            return
        yield Line(1, self._head(move, name), move.id, kind="rule", of=move.id)
        yield from lines
        if guard is not None:
            yield from self._remarks(guard, 2)
        for rule in further:
            yield from self.further(rule)

    def told(self, _: Text | None, depth: int) -> Iterator[Line]:
        """What is said where a rule is violated: the sentences above say it too."""
        yield from ()

    def _head(self, move: Move, name: str) -> str:
        head = self.text(move.title, name)
        if move.step is not None:
            values = self.program.account[move.step.field].values

            def names(states: Iterable[str]) -> str:
                return self.say(" or ", "或").join(self.text(values.get(state), state) for state in states)

            step = f"{names(move.step.sources)} → {names(move.step.targets)}"
            head = self.say(f"{step}: {head}", f"{step}：{head}")
        elif move.trigger.startswith("set.") and head != name:
            head = self.say(f"{name}: {head}", f"{name}：{head}")
        period = self.period(move.in_force)
        return self.say(f"{head} ({period})", f"{head}（{period}）") if period else head

    def _guards(self, guard: Rule | None, rules: Iterable[Rule]) -> Iterator[Line]:
        for rule in rules:
            match rule.kind:
                case "requires":
                    yield from self._requirements(rule, 2)
                case "limit" | "never_after":
                    yield self._limit(rule)
                    yield from self.told(rule.explanation, 3)
                    if guard is None or rule.source != guard.source:
                        yield from self.origin(rule.source, rule.place, 3)
                case "needs":
                    needed = wording.feature_title(self.program, rule.id.rpartition(".")[2], self.language)
                    told = self.say(f"needs {needed}", f"须先开通{needed}") + self.only(rule.severity)
                    yield Line(2, told, kind="needs")
                case _:
                    pass

    def further(self, rule: Rule) -> Iterator[Line]:
        """A rule beside what the change requires: what it is about, what must hold, what it rests on."""
        name = self.text(rule.title, _as_words(rule.id.rpartition(".")[2]))
        period = self.period(rule.in_force) if not self._is_version(rule) else ""
        head = self.say(f"{name} ({period})", f"{name}（{period}）") if period else name
        yield Line(2, head, rule.id, kind="limit", of=rule.id)
        for part in _flat(rule.when):
            if part not in self._applies(rule):
                yield self._where(part, 3)
        yield from self._requirements(rule, 3)
        yield from self._remarks(rule, 3)

    def _requirements(self, rule: Rule, depth: int) -> Iterator[Line]:
        """What must hold. A table's columns may say the same: that one applies, and that no other one does."""
        languages = [Words(self.program, language) for language in LANGUAGES]  # the same lines in every language
        said = {tuple(each.condition(part) for each in languages): part for part in reversed(_parts(rule.requires))}
        for part in reversed(said.values()):
            phrase = self.condition(part)
            told = self._required(part, phrase, rule.severity) + self.only(rule.severity)
            yield Line(depth, told, written=self._written(part, phrase), kind="requires")

    def _required(self, part: Expr, phrase: str, severity: Severity) -> str:
        """`requires: …`; of what must not be, where it is refused."""
        if part == FALSE:
            return self.say("never allowed", "一概不可")
        unwanted = self._unwanted(part, phrase)
        if severity == "error" and unwanted != phrase:
            return self.say(f"refused where {unwanted}", f"不可：{unwanted}")
        return self.say(f"requires: {phrase}", f"须：{phrase}")

    def _unwanted(self, part: Expr, phrase: str) -> str:
        """What must not be, where the phrase is that it is not so; else the phrase."""
        if isinstance(part, Not) and phrase.startswith(self.text(NOT)):
            return self.condition(part.operand)
        return phrase.removeprefix(self.text(NOT))

    def _written(self, expr: Expr, phrase: str) -> str:
        """The condition as written, where the phrase is not that already."""
        text = wording.cel(expr)
        return "" if f"`{text}`" in phrase else text

    def _limit(self, rule: Rule) -> Line:
        limit = rule.requires
        assert isinstance(limit, AtMost)  # every limit is one
        names = self.events(limit.count.events)
        window = wording.span(limit.count.window, self.language)
        if rule.kind == "never_after":
            never = self.say(f"never after {names}", f"曾有{names}者不可") + self.only(rule.severity)
            return Line(2, never, kind="limit", of=rule.id)
        if limit.own and len(limit.count.events) == 1:
            sentence = self.say(f"at most {limit.at_most} {window}", f"{window}至多{limit.at_most}次")
        else:
            sentence = self.say(
                f"at most {limit.at_most} of {names} {window}", f"{window}{names}合计至多{limit.at_most}次"
            )
        if limit.counted_by is not None:
            counter = self.condition(limit.counted_by)
            sentence += self.say(f", counted by {counter}", f"，以{counter}计")
        applies = [part for part in _flat(rule.when) if part not in self._applies(rule)]
        if applies:
            phrase = self.say(" and ", "，且").join(self.condition(part) for part in applies)
            sentence += self.say(f", if {phrase}", f"，当{phrase}")
        sentence += self.only(rule.severity)
        title = self.text(rule.title)
        period = "" if self._is_version(rule) else self.period(_beside(limit.count.window, rule.in_force))
        told = [sentence, *([title] if title else []), *([period] if period else [])]
        return Line(2, self.say(" — ", "——").join(told), rule.id, kind="limit", of=rule.id)

    def _applies(self, rule: Rule) -> set[Expr]:
        """What the change itself is: no condition of the limit's author."""
        return {
            part for move in self.program.moves if rule.id.startswith(f"{move.id}.") for part in _flat(move.applies)
        }

    def _is_version(self, rule: Rule) -> bool:
        """Whether the rule is in force exactly as long as the change it guards: then the change says it."""
        return any(rule.id.startswith(f"{move.id}.") and move.in_force == rule.in_force for move in self.program.moves)

    def _effects(self, move: Move) -> Iterator[Line]:
        yield from map(self._effect, move.effects)
        for owed in move.obligations:
            when = "" if owed.when == TRUE else self.say(" — if ", "——当") + self.condition(owed.when)
            yield Line(2, self.say("still to do: ", "尚需：") + self.text(owed.text) + when, kind="owed")
        if move.cost:
            parts = [amount_of(name, amount) for name, amount in move.cost]
            yield Line(2, self.say("costs: ", "费用：") + self.listed(parts), kind="cost")
        if move.instead is not None:
            when = "" if move.instead.when == TRUE else self.say(" — if ", "——当") + self.condition(move.instead.when)
            told = (
                self.say("where it is refused, ask instead for: ", "不可行时可改为：")
                + self._instead(move.instead)
                + when
            )
            yield Line(2, told, kind="owed")

    def _instead(self, instead: Instead) -> str:
        """`account status set to being migrated, with type of the target account: service account`."""
        if instead.kind == "set":
            english, chinese = "{} set to {}", "{}变为{}"
            told = self.listed(self._told("account", instead.values, english, chinese))
        else:
            titles = wording.feature_title if instead.kind == "enable" else wording.action_title
            told = titles(self.program, instead.name, self.language)
        facts = self.listed(self._told("request", instead.facts, "{}: {}", "{}：{}"))
        return told + (self.say(f", with {facts}", f"（{facts}）") if facts else "")

    def _told(
        self, owner: Literal["account", "request"], values: Mapping[str, Value], english: str, chinese: str
    ) -> list[str]:
        form = self.say(english, chinese)
        schema = self.program.account if owner == "account" else self.program.request
        return [
            form.format(
                wording.field_title(schema[name], self.language),
                self.term(Constant(value, schema[name].type), Field(owner, name, schema[name].type)),
            )
            for name, value in values.items()
        ]

    def _effect(self, effect: Effect) -> Line:
        declaration = self.program.account[effect.field]
        title = wording.field_title(declaration, self.language)
        value = self.term(effect.value, Field("account", effect.field, declaration.type))
        written = "" if isinstance(effect.value, (Clock, Constant)) else wording.cel(effect.value)
        return Line(
            2, self.say(f"then {title} becomes {value}", f"此后{title}变为{value}"), written=written, kind="then"
        )

    # --------------------------------------------------------------------------------- events, always, whatever

    def _events(self) -> Iterator[Line]:
        for event in self.program.events.values():
            yield Line(
                1,
                self.text(event.title, _as_words(event.id)),
                f"events.{event.id}",
                kind="rule",
                of=f"events.{event.id}",
            )
            yield from map(self._effect, event.moves)

    def _constraints(self) -> Iterator[Line]:
        groups: dict[str, list[Group]] = {}
        for group in self.program.groups:
            groups.setdefault(group.rule, []).append(group)
        for rule in self.program.rules:
            if rule.kind == "constraint":
                yield from self._constraint(rule)
            elif rule.kind == "group" and groups.get(rule.id):
                yield from self._across(rule, groups[rule.id].pop(0))

    def _constraint_head(self, rule: Rule) -> Line:
        name = self.text(rule.title, _as_words(rule.id.partition(".")[2]))
        marks = {"error": "", "warning": self.say("warning", "警告"), "info": self.say("for information", "提示")}
        said = [mark for mark in (marks[rule.severity], self.period(rule.in_force)) if mark]
        note = self.say(f" ({', '.join(said)})", f"（{'，'.join(said)}）") if said else ""
        return Line(1, name + note, rule.id, kind="rule", of=rule.id)

    def _constraint(self, rule: Rule) -> Iterator[Line]:
        yield self._constraint_head(rule)
        if rule.when != TRUE:
            yield self._where(rule.when, 2)
        for part in _parts(rule.requires):
            phrase = self.condition(part)
            yield Line(2, self._standing(part, phrase, rule.severity), written=self._written(part, phrase), kind="must")
        yield from self._remarks(rule, 2)

    def _where(self, expr: Expr, depth: int) -> Line:
        phrase = self.condition(expr)
        return Line(
            depth, self.say(f"where {phrase}", f"当{phrase}"), written=self._written(expr, phrase), kind="where"
        )

    def _standing(self, part: Expr, phrase: str, severity: Severity) -> str:
        """What must be so of an account that stands; what is only warned of is expected."""
        unwanted = self._unwanted(part, phrase)
        if unwanted == phrase:
            word = self.say("required", "须") if severity == "error" else self.say("expected", "应为")
        else:
            word = self.say("not allowed", "不得") if severity == "error" else self.say("not expected", "不应")
        return self.say(f"{word}: {unwanted}", f"{word}：{unwanted}")

    def _remarks(self, rule: Rule, depth: int) -> Iterator[Line]:
        yield from self.told(rule.explanation, depth)
        yield from self.noted(rule.note, depth)
        yield from self.origin(rule.source, rule.place, depth)

    def noted(self, note: Text | None, depth: int = 2) -> Iterator[Line]:
        if note is not None:
            yield Line(depth, self.say("note: ", "注：") + self.text(note), kind="note")

    def _across(self, rule: Rule, group: Group) -> Iterator[Line]:
        yield self._constraint_head(rule)
        shared = self.condition(group.per)
        many = f"{group.at_most} account{'s' if group.at_most != 1 else ''}"
        sentence = self.say(f"at most {many} with one {shared}", f"同一{shared}至多{group.at_most}个帐号")
        if group.when != TRUE:
            phrase = self.condition(group.when)
            sentence += self.say(f" where {phrase}", f"满足：{phrase}")
        yield Line(2, sentence, written="" if group.when == TRUE else wording.cel(group.when), kind="must")
        if group.as_of is not None:
            day = self.condition(group.as_of)
            english = f"each account is judged as of its {day}: by what was in force then, among those of no later day"
            yield Line(2, self.say(english, f"每个帐号按其{day}当日的规则判定，只计不晚于该日的帐号"), kind="must")
        if group.counted_by is not None:
            counter = self.condition(group.counted_by)
            yield Line(2, self.say(f"the others are counted by {counter}", f"其他帐号数以{counter}计"), kind="must")
        yield from self._remarks(rule, 2)

    def _invariants(self) -> Iterator[Line]:
        for each in self.program.invariants:
            id = f"invariants.{each.id}"
            yield Line(1, self.text(each.title, _as_words(each.id)), id, kind="rule", of=id)
            kind = {"never": self.say("never", "从不"), "always": self.say("always", "总是")}[each.kind]
            phrase = self.condition(each.expr)
            yield Line(2, self.say(f"{kind}: {phrase}", f"{kind}：{phrase}"), kind="must")
            yield from self.noted(each.note)
            yield from self.origin(each.source, each.place)

    def origin(self, citation: Citation | None, place: Place, depth: int = 2) -> Iterator[Line]:
        where = f"{place.file.rpartition('/')[2]}:{place.line}"
        if citation is None:
            yield Line(depth, self.say("no source given", "未注明依据"), where, kind="source")
            return
        source = citation.source
        clause = wording.clause(citation.clause, self.language)
        yield Line(
            depth, self.say("source: ", "依据：") + self.text(source.title) + clause, where, kind="source", of=source.id
        )


def _beside(window: Window, in_force: Period) -> Period:
    """When a limit is in force, without the day from which its window says already that it counts."""
    return Period(None, in_force.until) if window.since is not None and window.since == in_force.start else in_force


def amount_of(name: str, amount: int) -> str:
    if name == "cost":
        return str(amount)
    return f"{amount} {name.upper()}" if name.upper() in _CURRENCIES else f"{name} {amount}"


def _titled(title: str, id: str) -> str:
    """The title; where there is none, what stands for it is the id."""
    return title if title != id else _as_words(id)


def _as_words(id: str) -> str:
    return id.replace("_", " ").replace("-", " ")


def _parts(expr: Expr) -> tuple[Expr, ...]:
    """What must hold, one by one; nothing where nothing must."""
    if expr == TRUE:
        return ()
    return expr.operands if isinstance(expr, And) else (expr,)


def _flat(expr: Expr) -> tuple[Expr, ...]:
    """The same, through every *and* within an *and*."""
    return tuple(each for part in _parts(expr) for each in (_flat(part) if isinstance(part, And) else (part,)))


def _versions(program: Program, id: str) -> list[list[Rule]]:
    """The rules over a change, version by version: each begins with what it requires."""
    found: list[list[Rule]] = []
    for rule in program.rules:
        if rule.scope != "move" or not (rule.id == id or rule.id.startswith(f"{id}.")):
            continue
        if rule.id == id and rule.kind == "requires":
            found.append([])
        if found:
            found[-1].append(rule)
    return found
