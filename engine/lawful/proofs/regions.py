"""Where something is so, in the words that the policies have for it.

A formula over a policy's own conditions: as few of them as imply it, case by case, until no case is left over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from lawful import ir
from lawful.ir import (
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
    Not,
    Or,
    walk,
)
from lawful.proofs.compared import Compared
from lawful.proofs.differences import Moving, Part, Setting, Side, Statement, Where
from lawful.proofs.logic import Bool, Truth, both, conjunction, opposite
from lawful.proofs.space import Model, NotSettled, Space

_MOST_CASES: Final = 6
"""More than these nobody would read."""


@dataclass(frozen=True, slots=True)
class Atom:
    """A condition that a policy speaks of."""

    side: Side
    expr: Expr
    truth: Truth
    after: bool
    setting: str = ""
    """In its place: whether a change of several fields sets that one."""
    moving: str = ""
    """In its place: whether the change moves that fact."""
    apart: bool = False
    """Whether the same expression means something else to the other policy."""

    def part(self, model: Model) -> tuple[Part, Bool]:
        """What it is in a model, and the formula that says so."""
        if self.setting:
            sets = model.holds(self.truth.true)
            return Setting(self.setting, sets), self.truth.true if sets else self.truth.false
        if self.moving:
            moves = model.holds(self.truth.true)
            return Moving(self.side, self.moving, moves), self.truth.true if moves else self.truth.false
        if model.holds(self.truth.true):
            return Statement(self.side, self.expr, True, self.after, self.apart), self.truth.true
        if model.holds(self.truth.false):
            return Statement(self.side, self.expr, False, self.after, self.apart), self.truth.false
        unknown = both(opposite(self.truth.true), opposite(self.truth.false))
        return Statement(self.side, self.expr, None, self.after, self.apart), unknown


def where(compared: Compared, wanted: Bool, first: Model, more: Bool = False) -> Where:
    """Where the formula holds, the case of that model first, as far as the time goes; `more`: what is not told of."""
    found = _where(compared, wanted, first)
    try:
        unknown = more is not False and compared.space.satisfiable(more) is not None
    except NotSettled:
        unknown = True
    return Where(found.cases, found.whole, unknown)


def _where(compared: Compared, wanted: Bool, first: Model) -> Where:
    space = compared.space
    atoms = _told_apart(list(_atoms(compared)))
    cases: list[tuple[Part, ...]] = []
    told: list[Bool] = []
    model: Model | None = first
    try:
        while model is not None and len(cases) < _MOST_CASES:
            parts = [each.part(model) for each in atoms]
            if space.satisfiable(opposite(wanted), *(formula for _, formula in parts)) is not None:
                return Where(tuple(cases), whole=False)  # these conditions do not decide it
            kept = _since_when(compared, opposite(wanted), _fewest(space, opposite(wanted), parts), atoms)
            cases.append(_readable(kept))
            told.append(conjunction(formula for _, formula in kept))
            model = space.satisfiable(wanted, *(opposite(each) for each in told))
    except NotSettled:
        return Where(tuple(cases), whole=False)
    return Where(tuple(cases), whole=model is None)


def _fewest(space: Space, against: Bool, parts: Sequence[tuple[Part, Bool]]) -> list[tuple[Part, Bool]]:
    """As few of the parts as still exclude the opposite; what is least readable is left out first."""
    needed = sorted(parts, key=lambda each: _weight(each[0]))

    def without(some: list[tuple[Part, Bool]], kept: list[tuple[Part, Bool]]) -> list[tuple[Part, Bool]]:
        """Those of `some` that are needed beside `kept`."""
        if not some:
            return []
        if space.satisfiable(against, *(formula for _, formula in kept)) is None:
            return []
        if len(some) == 1:
            return some
        half = len(some) // 2  # what is readable stands before what is not
        readable, other = some[:half], some[half:]
        rest = without(other, [*kept, *readable])
        return [*without(readable, [*kept, *rest]), *rest]

    return without(needed, [])


def _since_when(
    compared: Compared, against: Bool, kept: Sequence[tuple[Part, Bool]], atoms: Sequence[Atom]
) -> list[tuple[Part, Bool]]:
    """The same with days as early, and as late, as still exclude the opposite: since when it is so, and until when."""
    found = list(kept)
    for place, (part, _) in enumerate(kept):
        bound = day_bound(part)
        if bound is None or not isinstance(part, Statement):
            continue
        wider = [
            each for each in _days(compared, atoms, part.side) if each[0].lower == bound.lower and each[0].wider(bound)
        ]
        wider.sort(key=lambda each: each[0].day, reverse=not bound.lower)  # the widest first
        others = [formula for number, (_, formula) in enumerate(found) if number != place]
        first, last = 0, len(wider)
        while first < last:  # what a wide bound excludes a narrow one does, too
            middle = (first + last) // 2
            if compared.space.satisfiable(against, wider[middle][2], *others) is None:
                last = middle
            else:
                first = middle + 1
        if first < len(wider):
            found[place] = wider[first][1:]
    return found


@dataclass(frozen=True, slots=True)
class DayBound:
    """The first day on which something is so, or (not `lower`) the first one on which it is not."""

    day: int
    lower: bool

    def wider(self, other: DayBound) -> bool:
        return self.day < other.day if self.lower else self.day > other.day


def day_bound(part: Part) -> DayBound | None:
    """Of a statement about today's date: the day; None of any other."""
    match part:
        case Statement(
            expr=Compare(
                operator=("<" | ">=") as operator, left=Clock(name="today"), right=Constant(value=date() as day)
            ),
            value=bool() as value,
        ):
            return DayBound(day.toordinal(), (operator == ">=") is value)
        case _:
            return None


def _days(compared: Compared, atoms: Sequence[Atom], side: Side) -> Iterator[tuple[DayBound, Part, Bool]]:
    """Each day of which a policy speaks, as a bound of either kind; of another zone's days none."""
    for atom in atoms:
        if atom.side != side and compared.moments["old"] is not compared.moments["new"]:
            continue
        for value, formula in ((True, atom.truth.true), (False, atom.truth.false)):
            part = Statement(atom.side, atom.expr, value, atom.after, atom.apart)
            bound = day_bound(part)
            if bound is not None:
                yield bound, part, formula


def _weight(part: Part) -> int:
    """How much a reader has to understand."""
    if isinstance(part, Setting):
        return 0 if part.value else 6
    if isinstance(part, Moving):
        return 20
    weight = {True: 0, False: 2, None: 4}[part.value] + 3 * part.after
    if isinstance(part.expr, (AtMost, Count)) or any(isinstance(each, (Count, Call)) for each in walk(part.expr)):
        weight += 1
    facts = [each for each in walk(part.expr) if isinstance(each, Field)]
    return 2 * weight + (4 if len(facts) > 1 else 0)


def _readable(parts: Sequence[tuple[Part, Bool]]) -> tuple[Part, ...]:
    """In the order in which one would say them: what is asked for, the account, its past, the day."""
    return tuple(sorted((part for part, _ in parts), key=_order))


def _order(part: Part) -> int:
    if isinstance(part, Setting):
        return 0
    if isinstance(part, Moving):
        return 6
    nodes = list(walk(part.expr))
    if any(isinstance(each, Field) and each.owner == "change" for each in nodes):
        return 1
    if any(isinstance(each, (Count, AtMost)) for each in nodes):
        return 3
    if any(isinstance(each, Field) for each in nodes) or any(isinstance(each, ConditionOf) for each in nodes):
        return 2 if not part.after else 5
    return 4


# ----------------------------------------------------------------------------------------------------- conditions


def _atoms(compared: Compared) -> Iterator[Atom]:
    """Everything that either policy asks about the change, each thing once."""
    seen: set[tuple[object, ...]] = set()
    if compared.asking.name == "set":
        for name, (asked, _) in compared.wanted.items():
            yield Atom("new", ir.TRUE, Truth(asked, opposite(asked)), False, setting=name)
    for side in _SIDES:
        for fact, moves in compared.rulings[side].moved.items():
            key: tuple[object, ...] = (_identity(moves),)
            if key not in seen and not isinstance(moves, bool):
                seen.add(key)
                yield Atom(side, ir.TRUE, Truth(moves, opposite(moves)), False, moving=fact)
        for expr, after in _asked(compared, side):
            terms = compared.terms(side, after=after)
            for leaf in _leaves(compared, side, expr, after=after):
                truth = terms.truth(leaf)
                key = (_identity(truth.true), _identity(truth.false))
                if key not in seen and not (isinstance(truth.true, bool) and isinstance(truth.false, bool)):
                    seen.add(key)
                    yield Atom(side, leaf, truth, after)


def _told_apart(atoms: list[Atom]) -> list[Atom]:
    alike = Counter((each.expr, each.after) for each in atoms if not each.setting and not each.moving)
    return [replace(each, apart=alike[each.expr, each.after] > 1) for each in atoms]


_SIDES: Final[tuple[Side, Side]] = ("new", "old")


def _asked(compared: Compared, side: Side) -> Iterator[tuple[Expr, bool]]:
    """What is evaluated, and whether in the state after the change."""
    ruling, program = compared.rulings[side], compared.shared.program(side)
    for each in ruling.guards:
        yield from ((expr, False) for expr in (ir.in_force(each.rule.in_force), each.rule.when, each.rule.requires))
    for trigger in compared.asking.triggers:
        for move in compared.moves[side].moves_of(trigger):
            yield ir.in_force(move.in_force), False
            yield move.applies, False
            yield from ((each.when, False) for each in move.obligations)
    watched = {f"features.{name}" for name in program.features} & set(ruling.moved)
    for rule in program.rules:
        if rule.scope == "feature" and (watched or ruling.moved):
            yield from ((expr, after) for after in (False, True) for expr in (rule.when, rule.requires))
    for each in ruling.constraints:
        rule = each.rule
        yield ir.in_force(rule.in_force), False
        yield from ((expr, after) for after in (False, True) for expr in (rule.when, rule.requires))


def _leaves(compared: Compared, side: Side, expr: Expr, *, after: bool) -> Iterator[Expr]:
    """The conditions that an expression is made of; a named one is one, where the name means the same to both."""
    match expr:
        case Constant():
            return
        case And() | Or():
            for each in expr.operands:
                yield from _leaves(compared, side, each, after=after)
        case Not():
            yield from _leaves(compared, side, expr.operand, after=after)
        case Conditional() if ir.type_of(expr) == ir.BOOL:
            for each in (expr.test, expr.then, expr.otherwise):
                yield from _leaves(compared, side, each, after=after)
        case ConditionOf():
            if _means_one_thing(compared, expr, after=after):
                yield expr
            else:
                yield from _leaves(
                    compared, side, compared.shared.program(side).conditions[expr.name].holds, after=after
                )
        case _:
            yield expr


def _means_one_thing(compared: Compared, expr: ConditionOf, *, after: bool) -> bool:
    if expr.state != "account":
        return False
    sides = [side for side in _SIDES if expr.name in compared.shared.program(side).conditions]
    truths = [compared.terms(side, after=after).truth(expr) for side in sides]
    return len({(_identity(each.true), _identity(each.false)) for each in truths}) == 1


def _identity(term: Bool) -> Any:
    return term if isinstance(term, bool) else term.get_id()
