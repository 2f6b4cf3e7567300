"""Which features an account may go on having, and which a change takes from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from lawful.engines.reference import evaluate
from lawful.engines.situation import Facts, Situation
from lawful.ir import Expr, Field, Period, Program, Rule, entitlement


@dataclass(frozen=True, slots=True)
class Change:
    """What of a change matters to features."""

    before: Situation
    after: Situation
    moved: frozenset[str]
    """The facts that differ."""
    disabled: str | None


class Entitlements:
    """The features of one program."""

    def __init__(self, program: Program, reads: Mapping[int, frozenset[str]]) -> None:
        self._features = tuple(program.features)
        self._rules: dict[str, list[Rule]] = {}
        self._needs: dict[str, list[Rule]] = {}
        self.conditions: dict[str, list[tuple[Period, Expr]]] = {}
        """What must hold for an account to go on having each feature, needs apart, and when."""
        for rule in program.rules:
            if rule.scope == "feature":
                kept = self._needs if rule.kind == "needs" else self._rules
                kept.setdefault(rule.subject, []).append(rule)
                if rule.kind != "needs":
                    self.conditions.setdefault(rule.subject, []).append((rule.in_force, entitlement(rule)))
        self.reads = {
            name: frozenset[str]().union(*(reads[id(rule)] for rule in self._rules.get(name, ())))
            for name in self._features
        }
        """The facts that decide whether an account may go on having each feature."""
        self.watched = self._watched(program, reads)
        """The features that some constraint reads, and those that they need."""

    def rules(self) -> list[Rule]:
        """The rules of having a feature."""
        return [rule for kept in (self._rules, self._needs) for rules in kept.values() for rule in rules]

    def lost(self, change: Change, among: frozenset[str] | None = None) -> tuple[str, ...]:
        """The features entitled before and surely not after, with all that need them; none that is known to be off.

        `among`: only these are looked at, where no other matters.
        """
        had = change.before.records["features"]
        lost = [
            name
            for name in self._features
            if (among is None or name in among)
            and had.get(name) is not False
            and name != change.disabled
            and self.reads[name] & change.moved
            and self._entitled(name, change.before) is True
            and self._entitled(name, change.after) is False
        ]
        if lost or change.disabled is not None:
            self._add_those_in_need(lost, had, change)
        return tuple(name for name in self._features if name in lost)

    def _entitled(self, feature: str, situation: Situation) -> bool | None:
        """Whether an account in that state may go on having the feature, what it needs apart."""
        entitled: bool | None = True
        for requires in self.required(feature, situation.today):
            value = evaluate(requires, situation)
            if value is False:
                return False
            if value is None:
                entitled = None
        return entitled

    def required(self, feature: str, today: date) -> list[Expr]:
        """What must hold for an account to go on having the feature."""
        return [each for period, each in self.conditions.get(feature, ()) if period.holds(today)]

    def _add_those_in_need(self, lost: list[str], had: Facts, change: Change) -> None:
        needs = self.needs_on(change.before.today)
        growing = True
        while growing:
            growing = False
            gone = {*lost, change.disabled}
            for name, needed in needs.items():
                if name not in gone and had.get(name) is not False and needed & gone:
                    lost.append(name)
                    growing = True

    def needs_on(self, today: date) -> dict[str, set[str]]:
        """The features that each one needs."""
        return {
            name: {
                rule.requires.name for rule in rules if rule.in_force.holds(today) and isinstance(rule.requires, Field)
            }
            for name, rules in self._needs.items()
        }

    def _watched(self, program: Program, reads: Mapping[int, frozenset[str]]) -> frozenset[str]:
        constraints = [rule for rule in program.rules if rule.scope in ("account", "group")]
        read = {name for rule in constraints for name in reads[id(rule)] if name.startswith("features.")}
        watched = {name.removeprefix("features.") for name in read}
        frontier = list(watched)
        while frontier:
            for needed in program.features[frontier.pop()].needs:
                if needed not in watched:
                    watched.add(needed)
                    frontier.append(needed)
        return frozenset(watched)
