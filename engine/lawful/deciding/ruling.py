"""The verdict and the ids of the rules behind it, and nothing else: a function is written for each kind of change.

What `judging` does with situations and outcomes is written down once as straight lines of Python: of the rules that can
apply, with what is known of the change filled in. Lists of changes, and fields that are seldom set together, go through
`judging`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import Any, Final, TypeAlias, TypeVar, cast

from lawful.deciding.counting import counting
from lawful.deciding.judging import Judge
from lawful.deciding.rulebook import facts_read, triggers_of
from lawful.decision import Ruling
from lawful.engines.direct import Writer, all_of, any_of, compiled, conjunction, negated, source
from lawful.ir import (
    BOOL,
    FALSE,
    AtMost,
    ConditionOf,
    Constant,
    Count,
    Effect,
    Expr,
    Field,
    Move,
    Program,
    Rule,
    Value,
    rebuilt,
    with_known,
)
from lawful.question import EARLIEST, Asked, Key, Question
from lawful.record import slot
from lawful.row import Row

Function: TypeAlias = Callable[[Question | Row], Ruling]
Allows: TypeAlias = Callable[[Question | Row], bool]
Written = TypeVar("Written", Function, Allows)
_ALLOWED: Final = Ruling("allow", (), ())
_MOST_RULINGS: Final = 1024
PATIENCE: Final = 32
"""How often a combination of fields is left to the reference before a function is written for it."""
_PARTS: Final = {
    "account": "account",
    "features": "features",
    "facts": "facts",
    "changes": "changes",
    "recorded": "recorded",
    "whole_from": "whole_from",
    "now": "at",
    "today": "today",
}
"""What functions call the parts of a question."""
_MOST_COMBINATIONS: Final = 64
_MOST_RARE: Final = 1024


class _Rulings(dict[int, Ruling]):
    """What a function answers, by the bits it has set: most come again, and to make one takes longer.

    Each rule has a bit for where it refuses and the next for where it leaves the change open. Which rules are broken
    together is for strangers to choose, so not all of them are kept.
    """

    def __init__(self) -> None:
        super().__init__()
        self[0] = _ALLOWED
        self._ids: list[str] = []

    def bits(self, rule: Rule) -> tuple[int, int]:
        """Of a rule that refuses, and that leaves open; asked in the order in which rulings name the rules."""
        if rule.id not in self._ids:
            self._ids.append(rule.id)
        refuses = 1 << 2 * self._ids.index(rule.id)
        return refuses, refuses << 1

    def __missing__(self, bits: int) -> Ruling:
        broken = tuple(name for place, name in enumerate(self._ids) if bits >> 2 * place & 1)
        unknown = tuple(name for place, name in enumerate(self._ids) if bits >> 2 * place & 2)
        ruling = Ruling("deny" if broken else "undetermined", broken, unknown)
        if len(self) >= _MOST_RULINGS:
            self.clear()
            self[0] = _ALLOWED
        self[bits] = ruling
        return ruling


class Ruler:
    """Rules on requests by one program; safe from several threads, which may at worst write a function twice."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._book = judge.rulebook
        self._turns = judge.rulebook.turns
        self._ruling: dict[Key | None, Function] = {}
        self._allowing: dict[Key | None, Allows] = {}
        self._rare: Counter[Key] = Counter()

    def __reduce__(self) -> tuple[type[Ruler], tuple[Judge]]:
        """What it has written stays here: another process writes its own."""
        return type(self), (self._judge,)

    @property
    def functions(self) -> tuple[Mapping[Key | None, Function], Mapping[Key | None, Allows]]:
        """What `ruling` and `allows` come to for a key, as far as it is written, whatever the day; more come later."""
        return ({}, {}) if self._turns else (self._ruling, self._allowing)

    def ruling(self, question: Question | Row) -> Ruling:
        """The verdict, and the ids of the rules that refuse or leave it open."""
        key = self._key(question)
        if key is not None:
            function = self._ruling.get(key) or self._written(self._ruling, key, question, bare=False)
            if function is not None:
                return function(question)
        return self._by_reference(question)

    def allows(self, question: Question | Row) -> bool:
        """Whether the verdict is *allow*: nothing is looked at after the first rule that does not hold."""
        key = self._key(question)
        if key is not None:
            function = self._allowing.get(key) or self._written(self._allowing, key, question, bare=True)
            if function is not None:
                return function(question)
        return self._by_reference(question).allowed

    def _key(self, question: Question | Row) -> Key | None:
        """By what the function for a change is found: with the turn of rules, where rules come and go."""
        key: Key | None = question.key
        return (self._book.turn(question.today), *key) if self._turns and key is not None else key

    def _by_reference(self, question: Question | Row) -> Ruling:
        judgement = self._judge.judge(question.question() if isinstance(question, Row) else question, "reference")
        judged = [each for step in judgement.steps for each in step.judged]
        broken = tuple(each.rule.id for each in judged if each.refuses)
        return Ruling(judgement.verdict, broken, tuple(each.rule.id for each in judged if each.leaves_open))

    def _written(
        self, kept: dict[Key | None, Written], key: Key, question: Question | Row, *, bare: bool
    ) -> Written | None:
        """The function, made now; None for a combination of fields that is not asked for often.

        Strangers choose which fields they set together: they must not have a function made for each combination.
        """
        asked = question.changes[0]
        if len(asked.values) > 1 and not self._is_frequent(key, kept):
            return None
        function = _script(self._judge, asked, question.today, bare=bare).compiled()
        return kept.setdefault(key, cast("Written", function))

    def _is_frequent(self, key: Key, kept: Mapping[Key | None, object]) -> bool:
        if len(self._rare) > _MOST_RARE:
            self._rare.clear()
        self._rare[key] += 1
        # a list first, in one step: another thread may be adding a function
        longest = 3 if self._turns else 2
        combinations = sum(len(each or ()) > longest for each in list(kept))
        return self._rare[key] > PATIENCE and combinations < _MOST_COMBINATIONS


def askable(program: Program) -> Iterator[Asked]:
    """One change of each kind for which there is a function: of fields without a life cycle the value is read."""
    yield Asked("register", "", {})
    for name, declaration in program.account.items():
        for value in declaration.type.values if name in program.lifecycles else ("",):
            yield Asked("set", "", {name: value})
    for name in program.features:
        yield Asked("enable", name, {})
        yield Asked("disable", name, {})
    for name in program.actions:
        yield Asked("do", name, {})


def written(judge: Judge, asked: Asked, today: date) -> str:
    """The function that rules on such a change on a day, to be read."""
    return _script(judge, asked, today, bare=False).source()


def _script(judge: Judge, asked: Asked, today: date, *, bare: bool) -> _Script:
    """Written twice: the second time it is known what is used more than once."""
    return _Script(judge, asked, today, bare=bare, uses=_Script(judge, asked, today, bare=bare).uses)


class _Script:
    """The function for one kind of change: what of the change is known here is filled in.

    `bare`: it says whether the change is allowed, and no more.
    """

    def __init__(
        self, judge: Judge, asked: Asked, today: date, *, bare: bool, uses: Mapping[Expr, int] | None = None
    ) -> None:
        self._program = judge.program
        self._book = judge.rulebook
        self._zone = judge.zone
        self._asked = asked
        self._today = today
        self._bare = bare
        self._triggers = triggers_of(asked)
        self._registers = asked.kind == "register"
        self._writer = Writer(judge.zone, self, uses)
        self._rulings = _Rulings()
        self._known: list[tuple[Field, Value]] = [(Field("change", "register", BOOL), self._registers)]
        """What is filled in."""
        self._moved: dict[str, str] = {}
        """The facts that may move, and the test of whether they did."""
        self._differing: set[str] = set()
        """The facts that have a value of their own in the state after."""
        self._clashes: dict[str, str] = {}
        """The rules of effects that may give a field a second value, and the name of whether they do."""
        self._write()

    @property
    def uses(self) -> Mapping[Expr, int]:
        return self._writer.uses

    def compiled(self) -> Callable[..., Any]:
        return compiled(self._name(), ("question",), self._writer)

    def source(self) -> str:
        return source(self._name(), ("question",), self._writer)

    def _name(self) -> str:
        cycles = self._program.lifecycles
        fields = [f"{name}_{each}" if name in cycles else name for name, each in self._asked.values.items()]
        words = "_".join(each for each in (self._asked.kind, self._asked.name, *fields) if each)
        return "".join(each if each.isascii() and each.isalnum() else "_" for each in words).strip("_")

    # ------------------------------------------------------------------------------------------------- the way

    def _write(self) -> None:
        writer = self._writer
        if not self._bare:
            writer.line("found = 0")
        self._write_values_asked()
        self._write_effects()
        for trigger in self._triggers:
            for rule in self._book.guards(trigger, self._today):
                if rule.severity == "error":
                    self._write_guard(rule)
        if self._registers:
            self._moved = dict.fromkeys(self._book.everything, "True")
        if self._moved and self._book.constraints:
            moved = any_of(self._moved.values())
            with self._writer.condition(moved):
                if not self._registers and self._book.entitlements.watched:
                    self._write_losses()
                self._write_constraints(moved)
        if self._bare:
            writer.line("return True")
        else:
            writer.line(f"return {writer.constant('rulings', self._rulings)}[found]")
        self._write_parts()

    def _write_parts(self) -> None:
        """What the lines above speak of, first of all; the rest of the question is not asked for."""
        lines = [line for line in self._writer.lines if not line.lstrip().startswith("#")]
        words = {word for line in lines for word in re.findall(r"[a-z_]+", line)}  # in texts, too: one too many at most
        parts = [f"    {name} = question.{part}" for name, part in _PARTS.items() if name in words]
        self._writer.lines[:0] = parts

    def _write_values_asked(self) -> None:
        """Of a life cycle's field each value has its function; other values are read."""
        writer = self._writer
        for name, value in self._asked.values.items():
            type = self._program.account[name].type
            if name in self._program.lifecycles:
                self._known += [(Field("change", name, type), value), (Field("after", name, type), value)]
                asked = writer.value(Constant(value, type))
            else:
                asked = writer.sure(writer.assigned(f"{name}_asked", f"changes[0][2][{name!r}]"))
                writer.let(Field("change", name, type), asked)
                writer.let(Field("after", name, type), asked)
            self._differs(f"account.{name}", f"{writer.value(Field('account', name, type))} != {asked}")
        if self._asked.kind in ("enable", "disable"):
            enables = self._asked.kind == "enable"
            self._known.append((Field("after.features", self._asked.name, BOOL), enables))
            had = writer.value(Field("features", self._asked.name, BOOL))
            self._differs(f"features.{self._asked.name}", f"{had} is not {enables}")

    def _differs(self, fact: str, moved: str) -> None:
        self._differing.add(fact)
        self._moved[fact] = moved

    # ------------------------------------------------------------------------------------------------ the effects

    def _write_effects(self) -> None:
        effects: dict[str, list[tuple[Move, Expr, Effect]]] = {}
        for trigger in self._triggers:
            for move in self._book.moves(trigger, self._today):
                applies = self._before(move.applies)
                for effect in move.effects if applies != FALSE else ():
                    effects.setdefault(effect.field, []).append((move, applies, effect))
        for name, writing in effects.items():
            self._write_field(name, writing)

    def _write_field(self, name: str, writing: list[tuple[Move, Expr, Effect]]) -> None:
        """The field's value after all effects: unknown where it is not known whether a move takes place."""
        writer = self._writer
        type = self._program.account[name].type
        present = writer.value(Field("account", name, type))
        asked = name in self._asked.values
        contested = asked or len(writing) > 1
        after = writer.assigned(f"{name}_after", writer.value(Field("after", name, type)) if asked else present)
        is_written = writer.assigned(f"{name}_written", repr(asked))
        if contested:
            for move, _, _ in writing:
                self._clashes[f"{move.id}.effects.{name}"] = writer.assigned("clash", "False")
        for move, applies, effect in writing:
            value = self._before(effect.value)
            writer.prepare(applies, value)
            true, false, _ = writer.rails(applies)
            with writer.condition(negated(false)):
                new = writer.value(value)
                if true != "True":
                    new = writer.assigned(f"{name}_new", f"{new} if {true} or {new} == {present} else None")
                if contested:
                    with writer.block(f"if {is_written} and {after} != {new}:"):
                        writer.line(f"{self._clashes[f'{move.id}.effects.{name}']} = True")
                writer.line(f"{after} = {new}")
                writer.line(f"{is_written} = True")
        writer.let(Field("after", name, type), after)
        self._differs(f"account.{name}", f"{is_written} and ({after} is None or {after} != {present})")

    # -------------------------------------------------------------------------------------------------- the rules

    def _write_guard(self, rule: Rule) -> None:
        when, requires = self._before(rule.when), self._before(rule.requires)
        if when == FALSE:
            return
        self._writer.line(f"# {_told(rule)}")
        clash = self._clashes.get(rule.id) if rule.kind == "effect" else None
        if clash is not None:
            with self._writer.block(f"if {clash}:"):
                self._refuse(rule)
            with self._writer.block("else:"):
                self._write_rule(rule, when, requires, self._refuse)
        else:
            self._write_rule(rule, when, requires, self._refuse)

    def _write_constraints(self, moved: str) -> None:
        """Those that read what moved; one that was violated before is standing and does not refuse."""
        for rule in self._constraints():
            if rule.severity != "error":
                continue
            self._writer.line(f"# {_told(rule)}")
            reads = self._book.reads[id(rule)]
            test = any_of(each for fact, each in self._moved.items() if fact in reads)
            alone = self._registers or rule.scope != "account"
            with self._writer.condition("True" if test == moved else test):
                when, requires = self._after(rule.when), self._after(rule.requires)
                self._write_rule(rule, when, requires, self._refuse if alone else self._refuse_unless_standing)

    def _constraints(self) -> list[Rule]:
        """In the order of the reference: by what each part of the change may move, then by the features it may lose."""
        parts = [self._book.may_move(each) for each in (*self._triggers, "features")]

        def place(rule: Rule) -> int:
            reads = self._book.reads[id(rule)]
            return next((number for number, part in enumerate(parts) if reads & part), len(parts))

        return sorted(self._book.constraints_reading(frozenset(self._moved), self._today), key=place)

    def _write_rule(self, rule: Rule, when: Expr, requires: Expr, refuse: Callable[[Rule], None]) -> None:
        writer = self._writer
        writer.prepare(when, requires)
        applies = writer.rails(when)
        if applies.false == "True":
            return
        with writer.condition(negated(applies.false)):
            holds = writer.rails(requires)
            if holds.true == "True":
                return
            with writer.condition(negated(holds.true)):
                self._write_outcome(rule, all_of([applies.true, holds.false]), refuse)

    def _write_outcome(self, rule: Rule, violated: str, refuse: Callable[[Rule], None]) -> None:
        """Of a rule that is not satisfied."""
        if violated == "False" or (self._bare and refuse == self._refuse):
            self._leave_open(rule)
        elif violated == "True":
            refuse(rule)
        else:
            with self._writer.block(f"if {violated}:"):
                refuse(rule)
            with self._writer.block("else:"):
                self._leave_open(rule)

    def _refuse(self, rule: Rule) -> None:
        refuses, _ = self._rulings.bits(rule)
        self._writer.line("return False" if self._bare else f"found |= {refuses:#x}  # refused")

    def _leave_open(self, rule: Rule) -> None:
        _, leaves_open = self._rulings.bits(rule)
        self._writer.line("return False" if self._bare else f"found |= {leaves_open:#x}  # left open")

    def _refuse_unless_standing(self, rule: Rule) -> None:
        writer = self._writer
        writer.line("# violated: before the change as well?")
        when, requires = self._before(rule.when), self._before(rule.requires)
        writer.prepare(when, requires)
        applies, holds = writer.rails(when), writer.rails(requires)
        satisfied = any_of([applies.false, holds.true])
        violated = all_of([applies.true, holds.false])
        with writer.condition(negated(violated)):
            if satisfied == "True":
                self._refuse(rule)
            elif satisfied == "False":
                self._leave_open(rule)
            else:
                with writer.block(f"if {satisfied}:"):
                    self._refuse(rule)
                with writer.block("else:"):
                    self._leave_open(rule)

    # ----------------------------------------------------------------------------------------------- the features

    def _write_losses(self) -> None:
        """Of the features that some constraint reads: entitled before and surely not after, and those in need of them.

        They are off in the state after.
        """
        writer = self._writer
        disabled = self._asked.name if self._asked.kind == "disable" else None
        lost: dict[str, str] = {}
        with writer.scope():  # here no feature is lost yet
            for name in self._program.features:
                if name in self._book.entitlements.watched and name != disabled:
                    self._write_loss(name, lost)
            self._write_losses_in_need(disabled, lost)
        for name, is_lost in lost.items():
            had = writer.value(self._after(Field("features", name, BOOL)))
            after = writer.assigned(f"{name}_after", f"False if {is_lost} else {had}")
            self._known = [(fact, value) for fact, value in self._known if fact != Field("after.features", name, BOOL)]
            writer.let(Field("after.features", name, BOOL), after)
            fact = f"features.{name}"
            self._differs(fact, any_of([self._moved.get(fact, "False"), is_lost]))

    def _write_loss(self, name: str, lost: dict[str, str]) -> None:
        writer = self._writer
        entitlements = self._book.entitlements
        moved = any_of(each for fact, each in self._moved.items() if fact in entitlements.reads[name])
        required = entitlements.required(name, self._today)
        if moved == "False" or not required:
            return
        lost[name] = writer.assigned(f"{name}_lost", "False")
        had = writer.value(Field("features", name, BOOL))
        with writer.condition(all_of([f"{had} is not False", moved])):
            before = conjunction([writer.rails(self._before(each)) for each in required])
            with writer.condition(before.true):
                after = conjunction([writer.rails(self._after(each)) for each in required])
                with writer.condition(after.false):
                    writer.line(f"{lost[name]} = True")

    def _write_losses_in_need(self, disabled: str | None, lost: dict[str, str]) -> None:
        needs = self._book.entitlements.needs_on(self._today)
        for name in _needed_first(needs, self._book.entitlements.watched):
            gone = any_of(
                "True" if each == disabled else lost.get(each, "False") for each in sorted(needs.get(name, ()))
            )
            if gone == "False" or name == disabled:
                continue
            if name not in lost:
                lost[name] = self._writer.assigned(f"{name}_lost", "False")
            had = self._writer.value(Field("features", name, BOOL))
            with self._writer.condition(all_of([f"{had} is not False", gone])):
                self._writer.line(f"{lost[name]} = True")

    # ------------------------------------------------------------------------------------------------- the states

    def _before(self, expr: Expr) -> Expr:
        """As it is said of the state before."""
        for fact, value in self._known:
            expr = with_known(expr, fact, value)
        return expr

    def _after(self, expr: Expr) -> Expr:
        """As it is said of the state after: what cannot have moved is what it was before."""
        return self._before(rebuilt(expr, self._seen_after))

    def _seen_after(self, node: Expr) -> Expr | None:
        match node:
            case Field(owner="account" | "after"):
                return replace(node, owner="after" if f"account.{node.name}" in self._differing else "account")
            case Field(owner="features" | "after.features"):
                moved = f"features.{node.name}" in self._differing
                return replace(node, owner="after.features" if moved else "features")
            case Field(owner="before"):
                return replace(node, owner="account")
            case Field(owner="before.features"):
                return replace(node, owner="features")
            case AtMost(counted_by=Field() as field):
                return replace(node, counted_by=cast("Field", self._seen_after(field) or field))
            case ConditionOf(state="before"):
                return replace(node, state="account")
            case ConditionOf():
                moves = facts_read(self._program, node) & self._differing
                return replace(node, state="after" if moves else "account")
            case _:
                return None

    # -------------------------------------------------------------------------------------- what the writer asks

    def fact(self, writer: Writer, field: Field) -> str:
        match field.owner:
            case "account":
                return writer.assigned(field.name, f"account.{slot(field.name)}")
            case "request":
                return writer.assigned(field.name, f"facts.{slot(field.name)}")
            case "features":
                return writer.assigned(field.name, f"features.get({field.name!r})")
            case _:
                return "None"  # a state that this change does not have

    def condition(self, writer: Writer, condition: ConditionOf) -> Expr:
        holds = self._program.conditions[condition.name].holds
        return self._after(holds) if condition.state == "after" else self._before(holds)

    def counted(self, writer: Writer, limit: AtMost) -> tuple[str, str]:
        least, most = writer.name("least"), writer.name("most")
        if limit.counted_by is None:
            self._write_count(limit.count, least, most)
        else:
            held = writer.value(limit.counted_by)
            # a number below nothing is nothing
            alone = held if limit.at_most >= limit.own else f"{held} if {held} > 0 else 0"
            with writer.block(f"if whole_from is None and {held} is not None:"):
                writer.line(f"{least} = {most} = {alone}")
            with writer.block("else:"):
                self._write_count(limit.count, least, most)
                with writer.block(f"if {held} is not None:"):
                    writer.line(f"{least} = {held} if {held} > {least} else {least}")
                    writer.line(f"{most} = {least} if {most} is None else {held} if {held} > {most} else {most}")
        if limit.guaranteed:
            with writer.block(f"if {most} is None:"):
                writer.line(f"{most} = {least}")
        return least, most

    def count(self, writer: Writer, count: Count) -> tuple[str, str]:
        least, most = writer.name("least"), writer.name("most")
        self._write_count(count, least, most)
        return least, most

    def _write_count(self, count: Count, least: str, most: str) -> None:
        writer = self._writer
        counter = writer.constant(f"count_{'_'.join(count.events)}", counting(count, self._zone))
        # Of most accounts no history is given, or a whole one without events.
        since = writer.constant("earliest", EARLIEST)
        nothing = f"(0, None) if whole_from is None else (0, 0) if whole_from is {since} and not recorded"
        writer.line(f"{least}, {most} = {nothing} else {counter}(question)")


def _told(rule: Rule) -> str:
    return rule.id if rule.id.isprintable() else repr(rule.id)


def _needed_first(needs: dict[str, set[str]], among: Iterable[str]) -> list[str]:
    """Those features, each after the ones it needs: they need each other in no circle."""
    ordered: dict[str, None] = {}

    def add(name: str) -> None:
        if name not in ordered:
            for each in sorted(needs.get(name, ())):
                add(each)
            ordered[name] = None

    for name in sorted(among):
        add(name)
    return list(ordered)
