"""Pairs of small policies, one a mutant of the other, and what asking both of everything finds."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import lawful
from enumerated import AT, TYPES, Author
from lawful import ir
from lawful.deciding.judging import Judge, Step
from lawful.engines.reference import evaluate
from lawful.engines.situation import History, Situation
from lawful.ir import Program, Value
from lawful.proofs.differences import VERDICTS, Kind
from lawful.question import EARLIEST, Asked

MANY = 2
"""Nothing is counted beyond: no number is compared with more than 1."""


class Twins(Author):
    """Writes a small policy, and a mutant of it."""

    def pair(self) -> tuple[dict[str, Any], dict[str, Any]]:
        old = self.policy()
        old["invariants"] = {}
        new = copy.deepcopy(old)
        for _ in range(self.random.choice((1, 1, 1, 2))):
            self.one(self._mutations(new))()
        return old, new

    def _mutations(self, written: dict[str, Any]) -> list[Any]:
        guarded = [*written["actions"].values(), *written["lifecycle"]["type"]["transitions"].values()]
        one = self.one(guarded)
        feature = written["features"]["pay"]
        constraints = list(written["constraints"].values())
        found = [
            lambda: one.update(requires=[self.condition()]),
            lambda: one.pop("requires", None),
            lambda: (
                one.update(limits=[{"at_most": self.one((0, 1)), "per": "lifetime", "of": [self.counted]}])
                or one.pop("limit", None)
            ),
            lambda: one.pop("limit", None) or one.pop("limits", None),
            lambda: one.update(effects=self._effects(always=True)),
            lambda: one.update(obligations=[{"en": "pay"}, {"en": "sign", "when": self.condition(feature=False)}]),
            lambda: feature.update(requires=[self.condition(feature=False, count=False)]),
            lambda: written["lifecycle"]["type"].update(initial=self._some(TYPES)),
            lambda: written["account"]["fields"]["type"].update(enum=["c", "b", "a"]),
            lambda: written["account"]["fields"]["type"].update(enum=["d", *TYPES]),
            lambda: written["features"].update(extra={"requires": [self.condition(feature=False, count=False)]}),
            lambda: written["account"]["fields"][self.fields[0]].update(default=self.one(self._defaults())),
            lambda: written["account"]["fields"].update(added={"type": "bool", "outside": "true"}),
            lambda: written.update(version="2"),
        ]
        if constraints:
            rule = self.one(constraints)
            found += [
                lambda: rule.update(severity=self.one(("error", "warning"))),
                lambda: rule.update(requires=self.condition(count=False)),
            ]
        return found

    def _defaults(self) -> tuple[str, ...]:
        return ("true", "false") if self.fields[0] == "flag" else ("0", "1")


def twins(seed: int) -> tuple[lawful.Policy, lawful.Policy] | None:
    """The pair of a seed; None where one of them makes no sense to the compiler."""
    try:
        old, new = (lawful.loads(json.dumps(each)) for each in Twins(seed).pair())
    except lawful.PolicyError:
        return None
    return old, new


# ----------------------------------------------------------------------------------------------------- looking whole


@dataclass(frozen=True)
class Compared:
    """One request, as both judged it."""

    change: str
    old: Step
    new: Step
    kinds: frozenset[Kind]


@dataclass
class Both:
    """Every request that both policies can be asked, judged by the reference."""

    old: lawful.Policy
    new: lawful.Policy
    passed_over: frozenset[str] = frozenset()
    """Changes that need not be looked at."""
    judges: tuple[Judge, Judge] = field(init=False)
    found: set[tuple[str, Kind]] = field(default_factory=set)
    asked: list[Compared] = field(default_factory=list)
    """Everything that was asked, where it is kept."""
    keeps: bool = False

    def __post_init__(self) -> None:
        self.programs = (self.old.program, self.new.program)
        self.judges = (Judge(self.programs[0], self.old.zone), Judge(self.programs[1], self.new.zone))
        self.counted = sorted(
            set().union(*(_counted(each) for each in self.programs))
            & self.programs[0].event_names
            & self.programs[1].event_names
        )
        self.fields = [name for name in self.programs[0].account if name in self.programs[1].account]

    @property
    def size(self) -> int:
        """How many requests there are, roughly."""
        accounts = len(list(self.accounts()))
        return accounts * (accounts + 4) * 3 * ((MANY + 1) ** len(self.counted) + 1)

    def look(self) -> set[tuple[str, Kind]]:
        """Of each change the kinds of differences that it shows, as `diff` tells them."""
        changes = [each for each in self.changes() if each[0] not in self.passed_over]
        for account in self.accounts():
            for pays in (None, False, True) if changes else ():
                for history in self.histories():
                    situations = self._situations(account, pays, history)
                    for name, asked in changes:
                        self._ask(situations, name, asked)
            if "register" not in self.passed_over:
                situations = self._situations(account, False, History((), EARLIEST))
                self._ask(situations, "register", Asked("register", "", {}))
        alone = {kind for change, kind in self.found if change.startswith("set.")}
        return {(change, kind) for change, kind in self.found if change != "set" or kind not in alone}

    def _ask(self, situations: Sequence[Situation], name: str, asked: Asked) -> None:
        old, new = (judge.step(asked, each, "reference") for judge, each in zip(self.judges, situations, strict=True))
        kinds = frozenset(self._kinds(old, new))
        self.found |= {(name, kind) for kind in kinds}
        if self.keeps:
            self._left(0, old), self._left(1, new)  # what a change takes away is taken from the state after it
            self.asked.append(Compared(name, old, new, kinds))

    def _kinds(self, old: Step, new: Step) -> Iterator[Kind]:
        for kind, verdicts in VERDICTS.items():
            if (old.verdict, new.verdict) == verdicts:
                yield kind
        if old.verdict == new.verdict:
            if _reasons(old) != _reasons(new):
                yield "reasons"
            if old.verdict == "allow" and self._left(0, old) != self._left(1, new):
                yield "consequences"

    def _left(self, place: int, step: Step) -> object:
        after = self.judges[place].left_by(step)
        account, features = after.records["account"], after.records["features"]
        due = {
            each.text
            for move, applies in step.moves
            if applies is not False
            for each in move.obligations
            if evaluate(each.when, step.before) is not False
        }
        happened = sorted((move.event, str(applies)) for move, applies in step.moves if applies is not False)
        return [account.get(name) for name in self.fields], features.get("pay"), happened, due

    def _situations(self, account: dict[str, Value], pays: bool | None, history: History) -> list[Situation]:
        return [
            self._situation(judge, program, account, pays, history)
            for judge, program in zip(self.judges, self.programs, strict=True)
        ]

    def _situation(
        self, judge: Judge, program: Program, account: dict[str, Value], pays: bool | None, history: History
    ) -> Situation:
        filled = {name: account.get(name, each.default) for name, each in program.account.items()}
        known = {name: value for name, value in filled.items() if value is not None}
        features = {} if pays is None else {**dict.fromkeys(program.features, False), "pay": pays}
        return Situation(
            records={"account": known, "features": features},
            at=AT,
            today=AT.date(),
            zone=judge.zone,
            history=history,
            conditions=program.conditions,
            initial=known,
        )

    # ------------------------------------------------------------------------------------------------- all there is

    def values(self, name: str) -> list[Value]:
        kind = self.programs[0].account[name].type.kind
        return list(TYPES) if kind == "enum" else [False, True] if kind == "bool" else [0, 1]

    def accounts(self) -> Iterator[dict[str, Value]]:
        choices = [[(name, value) for value in (None, *self.values(name))] for name in self.fields]
        for each in product(*choices):
            yield {name: value for name, value in each if value is not None}

    def histories(self) -> Iterator[History]:
        yield History((), None)
        for numbers in product(range(MANY + 1), repeat=len(self.counted)):
            events = [(event, AT) for event, number in zip(self.counted, numbers, strict=True) for _ in range(number)]
            yield History(tuple(events), EARLIEST)

    def changes(self) -> Iterator[tuple[str, Asked]]:
        for wanted in self.accounts():
            if len(wanted) == 1:
                yield f"set.{next(iter(wanted))}", Asked("set", "", wanted)
            elif wanted:
                yield "set", Asked("set", "", wanted)
        yield "enable.pay", Asked("enable", "pay", {})
        yield "disable.pay", Asked("disable", "pay", {})
        for name in self.programs[0].actions:
            yield f"do.{name}", Asked("do", name, {})


def _reasons(step: Step) -> set[tuple[str, str, str]]:
    return {
        (each.rule.id, each.rule.severity, each.outcome)
        for each in step.judged
        if each.outcome != "satisfied" and not each.standing
    }


def _counted(program: Program) -> set[str]:
    exprs = [expr for rule in program.rules for expr in (rule.when, rule.requires)]
    exprs += [effect.value for move in program.moves for effect in move.effects]
    return {
        event
        for expr in exprs
        for node in ir.walk(expr)
        if isinstance(node, (ir.Count, ir.AtMost))
        for event in (node.count.events if isinstance(node, ir.AtMost) else node.events)
    }
