"""Whether two programs with the same fields answer every request alike: not of one change only, as a comparison is.

A list of changes leads to states that no request can tell (a field is unknown that has a default, of several features
one is known), an undetermined answer has consequences, too, and what stood wrong before is told: all of it is asked.
A history that begins late knows one count and not another: what reads more than one is not proved to be equal.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from lawful.ir import AtMost, Count, Expr, Move, Program, everything
from lawful.proofs.compared import Alike, Asking, Compared, changes, meant
from lawful.proofs.differences import SIDES, Difference, Side
from lawful.proofs.diffing import Differ
from lawful.proofs.logic import FALSE, Bool, Meaning, both, disjunction, either, equal, given, opposite
from lawful.proofs.space import Deadline, NotSettled


@dataclass(frozen=True, slots=True)
class Equality:
    """`proved`, or not: then there may be a difference that was found on the way."""

    proved: bool
    difference: Difference | None = None


def equality(old: Program, new: Program, *, seconds: float) -> Equality:
    """Whether they are equal, looked for about that long. They have the same fields, features, actions and events."""
    deadline = Deadline.after(seconds)
    touched = _touched(old, new)
    differ = Differ(_without_defaults(old), _without_defaults(new), seconds=seconds)
    alike = Alike(differ.shared)
    asked = [each for each in changes(differ.shared) if not alike.has(each)]
    try:
        if not _counts_apart(touched.reads) and all(
            _is_equal(differ, each, alike, touched, deadline) for each in asked
        ):
            return Equality(True)
    except NotSettled:
        return Equality(False)
    return Equality(False, _shown(Differ(old, new, seconds=seconds), asked, deadline))


def _is_equal(differ: Differ, asking: Asking, alike: Alike, touched: Touched, deadline: Deadline) -> bool:
    """Raises NotSettled."""
    if deadline.passed():
        raise NotSettled
    two = _Anyhow(differ.shared, differ.moves, asking, differ.clock)
    differ.leave_out(two, alike)
    two.space.deadline = deadline
    return two.space.satisfiable(two.anything(touched)) is None


def _shown(differ: Differ, asked: Iterable[Asking], deadline: Deadline) -> Difference | None:
    """A difference in one change of an account that a request can tell; None where none was found in time."""
    alike = Alike(differ.shared)
    for asking in asked:
        differ.seconds = deadline.left()
        if differ.seconds <= 0:
            return None
        for each in differ.differences(asking, set(), alike):
            if each.settled:
                return each
    return None


class _Anyhow(Compared):
    """One change in any state that a list of changes may lead to."""

    def held(self) -> dict[str, Meaning]:
        """Each feature may be known, whatever is known of the others."""
        if self.registers:
            return dict.fromkeys(self.shared.features, FALSE)
        return {
            name: given(self.space.boolean(f"features.{name}"), self.space.boolean(f"told.{name}"))
            for name in self.shared.features
        }

    def anything(self, touched: Touched) -> Bool:
        """Where something that an answer tells is different."""
        denied = both(self.rulings["old"].deny, self.rulings["new"].deny)
        return either(
            disjunction(formula for kind, formula in self.kinds().items() if kind != "consequences"),
            both(opposite(denied), self.consequences()),
            self._standing(touched),
        )

    def _standing(self, touched: Touched) -> Bool:
        """Where the account is found to be wrong, before the change or after it, by one of them alone."""
        parts: list[Bool] = []
        for after in (False, True):
            old, new = (self._found(side, touched, after=after) for side in SIDES)
            parts += [opposite(equal(old.get(each, False), new.get(each, False))) for each in {**old, **new}]
        return disjunction(parts)

    def _found(self, side: Side, touched: Touched, *, after: bool) -> dict[str, Bool]:
        """By the id of a rule that an account must keep at any time: where it is broken."""
        terms = self.terms(side, after=after)
        found: dict[str, Bool] = {}
        for rule in self.shared.program(side).rules:
            if rule.scope != "move" and rule.id in touched.rules:
                found[rule.id] = either(found.get(rule.id, False), self.moves[side].finding(rule, terms))
        return found


# ------------------------------------------------------------------------------------------------- what is different


@dataclass(frozen=True, slots=True)
class Touched:
    """The ids of rules that are other ones; whether moves are; everything that those of either read."""

    rules: frozenset[str]
    moves: bool
    reads: tuple[Expr, ...]


def _touched(old: Program, new: Program) -> Touched:
    names = dict.fromkeys(rule.id for program in (old, new) for rule in program.rules)
    rules = frozenset(each for each in names if _of(old, each) != _of(new, each))
    moves = meant(old, [], old.moves) != meant(new, [], new.moves)
    exprs = [
        (program, expr)
        for program in (old, new)
        for rule in program.rules
        if moves or rule.id in rules
        for expr in (rule.when, rule.requires)
    ]
    exprs += [(program, expr) for program in (old, new) if moves for move in program.moves for expr in _of_move(move)]
    return Touched(rules, moves, tuple(n for program, expr in exprs for n in everything(expr, program.conditions)))


def _of(program: Program, name: str) -> object:
    return meant(program, [rule for rule in program.rules if rule.id == name], [])


def _of_move(move: Move) -> Iterator[Expr]:
    yield move.applies
    yield from (each.value for each in move.effects)
    yield from (each.when for each in move.obligations)


def _counts_apart(reads: Iterable[Expr]) -> bool:
    """Whether more than one number of events is read: a history may tell the one and not the other."""
    nodes = [*reads]
    limits = [each for each in nodes if isinstance(each, AtMost)]
    counts = [each for each in nodes if isinstance(each, Count)]  # that of a limit among them
    if limits:
        return len({*limits}) > 1 or len(counts) > len(limits)
    return len({*counts}) > 1


def _without_defaults(program: Program) -> Program:
    """Where an effect leaves a field unknown, the next change of a list finds no default there."""
    return replace(program, account={name: replace(each, default=None) for name, each in program.account.items()})
