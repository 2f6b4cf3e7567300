"""Whether a mutant answers every request as its policy does, where that can be proved by looking at finitely many.

Rules compare facts with constants, which cuts the values of a fact into cells that no rule can look into: one value of
each, and unknown, stand for all. What is not of this form (two facts compared with each other, a limit) is taken to be
anything, if it stands in both programs alike. So *equivalent* is proved, and what is not proved may be so all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import product
from math import prod
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

from lawful.audit.candidates import number_of, turns, value_of
from lawful.engines.reference import Outcome, evaluate, outcome
from lawful.engines.situation import History, Situation
from lawful.ir import (
    ALWAYS,
    BOOL,
    INT_MAX,
    INT_MIN,
    And,
    AtMost,
    Call,
    Clock,
    Compare,
    Condition,
    Conditional,
    ConditionOf,
    Constant,
    Count,
    Expr,
    Field,
    Known,
    ListOf,
    Member,
    Move,
    Not,
    Or,
    Place,
    Program,
    Rule,
    Type,
    Value,
    children,
    rebuilt,
    type_of,
    walk,
)
from lawful.mutation.calendars import is_of_calendar, ways
from lawful.mutation.edges import declaration, fact_of
from lawful.mutation.mutants import expressions, in_state
from lawful.question import EARLIEST

_FEW_CELLS: Final = 3_000
_MOST_CELLS: Final = 20_000
_MOST_VALUES: Final = 256
"""Bounded whole numbers up to here are all looked at."""
_PARTS: Final[Mapping[str, tuple[int, int]]] = {"getMonth": (0, 11), "getDate": (1, 31), "getDayOfWeek": (0, 6)}
_STEADY: Final = frozenset(
    {"+", "-", "negate", "addDays", "addMonths", "addYears", "daysBetween", "date", "add_duration", "subtract_duration"}
)
"""What only rises or only falls with one of its operands, and fails at one end of it at the most."""

Cells: TypeAlias = "tuple[Value | None, ...]"


def equivalent(program: Program, mutant: Program) -> bool | None:
    """True: every request is answered alike, as far as a case can state. None: that was not proved."""
    if len(program.rules) != len(mutant.rules) or len(program.moves) != len(mutant.moves):
        return None
    rules = zip(program.rules, mutant.rules, strict=True)
    moves = zip(program.moves, mutant.moves, strict=True)
    proof = _Proof(program, mutant)
    same = all(proof.same_rule(*each) for each in rules) and all(proof.same_move(*each) for each in moves)
    return True if same and reaches(program) == reaches(mutant) else None


def reaches(program: Program) -> set[tuple[str, str, str, object]]:
    """Which states lead to which others: what makes a change irreversible."""
    steps = [(move.step, move.in_force) for move in program.moves if move.step is not None]
    return {
        (step.field, source, target, period)
        for step, period in steps
        for source in step.sources
        for target in step.targets
        if source != target
    }


class _Proof:
    """Compares rules and moves of two programs over all their cells."""

    def __init__(self, program: Program, mutant: Program) -> None:
        self.program = program
        self.mutant = mutant
        self._touched = {name for name, each in program.conditions.items() if mutant.conditions.get(name) != each}

    def same_rule(self, one: Rule, other: Rule) -> bool:
        if one is other and not self._uses(one.when, one.requires):
            return True
        frame = (one.id, one.kind, one.scope, one.subject, one.severity, one.in_force)
        if frame != (other.id, other.kind, other.scope, other.subject, other.severity, other.in_force):
            return False
        return self._same((one.when, one.requires), (other.when, other.requires), _outcome)

    def same_move(self, one: Move, other: Move) -> bool:
        exprs, others = expressions(one), expressions(other)
        if one is other and not self._uses(*exprs):
            return True
        if (one.in_force, [each.field for each in one.effects], [each.text for each in one.obligations]) != (
            other.in_force,
            [each.field for each in other.effects],
            [each.text for each in other.obligations],
        ):
            return False
        return all(self._same((was,), (now,), _value) for was, now in zip(exprs, others, strict=True))

    def _uses(self, *exprs: Expr) -> bool:
        inlined = [node for expr in exprs for node in walk(expr) if isinstance(node, ConditionOf)]
        return any(
            each.name in self._touched or self._uses(self.program.conditions[each.name].holds) for each in inlined
        )

    def _same(
        self,
        exprs: tuple[Expr, ...],
        others: tuple[Expr, ...],
        judged: Callable[[tuple[Expr, ...], Situation], object],
    ) -> bool:
        was = tuple(inlined(each, self.program.conditions) for each in exprs)
        now = tuple(inlined(each, self.mutant.conditions) for each in others)
        if was == now:
            return True
        before, after = (frozenset(atom for each in some for atom in _atoms(each)) for some in (was, now))
        common = before & after
        # What stands in both may be anything: fewer cells. Where that proves nothing it is looked into, too; then the
        # present date, which comparisons of its parts have in common.
        # In between, what compares one enum is looked into: columns of a table rule each other out.
        spaces = [_Space(self.program, common, _FEW_CELLS)]
        spaces += [_Space(self.program, common - each, _MOST_CELLS) for each in _of_one_enum(before | after)]
        spaces.append(_Space(self.program, frozenset(), _MOST_CELLS))
        if any(is_of_calendar(atom) for each in (*was, *now) for atom in _atoms(each)):
            spaces.append(_Space(self.program, frozenset(), _MOST_CELLS, by_calendar=True))
        return any(self._same_in(each, was, now, judged) for each in spaces)

    def _same_in(
        self,
        space: _Space,
        exprs: tuple[Expr, ...],
        others: tuple[Expr, ...],
        judged: Callable[[tuple[Expr, ...], Situation], object],
    ) -> bool:
        was = tuple(space.placed(each) for each in exprs)
        now = tuple(space.placed(each) for each in others)
        cells = space.cells()
        if cells is None:
            return False
        for number, each in enumerate(cells):
            if number == _MOST_CELLS or judged(was, each) != judged(now, each):
                return False
        return True


def _outcome(exprs: tuple[Expr, ...], situation: Situation) -> Outcome:
    when, requires = exprs
    return outcome(Rule("", "requires", "move", "", when, requires, "error", ALWAYS, Place("", 1, 1)), situation)


def _value(exprs: tuple[Expr, ...], situation: Situation) -> Value | None:
    return evaluate(exprs[0], situation)


def inlined(expr: Expr, conditions: Mapping[str, Condition]) -> Expr:
    """The expression with what its conditions stand for."""

    def there(node: Expr) -> Expr | None:
        if not isinstance(node, ConditionOf):
            return None
        holds = inlined(conditions[node.name].holds, conditions)
        return holds if node.state == "account" else in_state(holds, node.state)

    return rebuilt(expr, there)


# --------------------------------------------------------------------------------------------------------- cells


@dataclass(slots=True)
class _Fact:
    """Something that an expression reads, under a name of its own."""

    place: Field
    of: Expr
    low: int = 0
    high: int = 0
    edges: set[int] = field(default_factory=set)
    """Where a cell begins, as a number; of ordered facts only."""
    finite: Cells | None = None
    """All the values that it may have, where they have no order."""
    is_whole: bool = False
    """Each of the few values is a cell of its own."""

    @property
    def is_small(self) -> bool:
        return self.finite is not None or self.high - self.low < _MOST_VALUES

    def values(self) -> Cells:
        if self.finite is not None:
            return self.finite
        kind = self.place.type.kind
        starts = sorted({self.low, *(each for each in self.edges if self.low <= each <= self.high)})
        starts = [*range(self.low, self.high + 1)] if self.is_whole else starts
        known = tuple(value_of(kind, each) for each in starts)
        return known if isinstance(self.of, Clock) else (*known, None)


class _Space:
    """Everything that some expressions read, each with its cells."""

    def __init__(self, program: Program, unseen: frozenset[Expr], most: int, *, by_calendar: bool = False) -> None:
        """`unseen` are atoms that are taken to be anything; `most` is how many cells are looked at.

        `by_calendar`: what reads parts of the present date is looked at together.
        """
        self.program = program
        self.zone = ZoneInfo(program.timezone)
        self._unseen = unseen
        self._most = most
        self._facts: dict[Expr, _Fact] = {}
        self._by_calendar = by_calendar
        self._calendar: dict[Expr, Field] = {}
        self._is_blind = False

    def placed(self, expr: Expr) -> Expr:
        """The expression over facts of this space: what cannot be looked into is one of them, whatever its value."""
        match expr:
            case And() | Or():
                return type(expr)(tuple(self.placed(each) for each in expr.operands))
            case Not():
                return Not(self.placed(expr.operand))
            case Conditional() if type_of(expr) == BOOL:
                return Conditional(self.placed(expr.test), self.placed(expr.then), self.placed(expr.otherwise))
            case Constant():
                return expr
            case _:
                return self._atom(expr)

    def cells(self) -> Iterator[Situation] | None:
        """A situation for every cell of the space; None where they are too many, or some value is not to be seen.

        How many there are by the calendar is seen only while they are gone through.
        """
        facts = [*self._facts.values()]
        values = [each.values() for each in facts]
        if self._is_blind or prod(map(len, values)) > self._most:
            return None
        places = [*(each.place for each in facts), *self._calendar.values()]
        days = ways([*self._calendar], self.zone) if self._calendar else iter([()])
        return (self._situation(places, (*each, *day)) for day in days for each in product(*values))

    def _situation(self, places: Sequence[Field], values: Iterable[Value | None]) -> Situation:
        pairs = zip(places, values, strict=True)
        return self._knowing({place.name: value for place, value in pairs if value is not None})

    def _knowing(self, known: Mapping[str, Value]) -> Situation:
        at = datetime(2024, 1, 1, tzinfo=UTC)
        return Situation(
            records={"request": known},
            at=at,
            today=at.date(),
            zone=self.zone,
            history=History((), EARLIEST),
            conditions={},
            initial={},
        )

    def _atom(self, expr: Expr) -> Expr:
        """A comparison or the like: exactly, where its facts are few or it cuts one of them into cells."""
        if expr in self._unseen:
            return self._anything(expr)
        if self._by_calendar and is_of_calendar(expr):
            return self._calendar.setdefault(expr, Field("request", f"calendar {len(self._calendar)}", BOOL))
        read = [*dict.fromkeys(_leaves(expr))]
        facts = [self._fact(each) for each in read]
        placed = rebuilt(expr, lambda node: self._facts[node].place if node in self._facts else None)
        known = [each for each in facts if each is not None]
        if len(known) < len(facts):
            return self._anything(expr)
        ordered = [each for each in known if each.finite is None]
        if len(known) == len(ordered) == 1 and type_of(expr) == BOOL and self._cuts(placed, ordered[0]):
            return placed
        if not all(each.is_small for each in known):
            return self._anything(expr)
        for each in ordered:
            each.is_whole = True
        return placed

    def _anything(self, expr: Expr) -> Expr:
        if type_of(expr) != BOOL:
            self._is_blind = True
            return expr
        if expr not in self._facts:
            place = Field("request", f"#{len(self._facts)}", BOOL)
            self._facts[expr] = _Fact(place, expr, finite=(True, False, None))
        return self._facts[expr].place

    def _fact(self, leaf: Expr) -> _Fact | None:
        """The fact of a leaf; None where its values are neither few nor ordered."""
        if leaf not in self._facts:
            made = self._made(leaf, Field("request", f"#{len(self._facts)}", type_of(leaf)))
            if made is None:
                return None
            self._facts[leaf] = made
        return self._facts[leaf]

    def _made(self, leaf: Expr, place: Field) -> _Fact | None:
        finite = self._finite(leaf)
        if finite is not None:
            return _Fact(place, leaf, finite=finite)
        match place.type.kind:
            case "int" if isinstance(leaf, Call):
                low, high = _PARTS[leaf.function]
            case "int":
                low, high = (0, INT_MAX) if isinstance(leaf, Count) else self._bounds(leaf, INT_MIN, INT_MAX)
            case "date":
                low, high = self._bounds(leaf, number_of(date.min), number_of(date.max))
            case "timestamp":
                first = datetime.min.replace(tzinfo=UTC)
                low, high = self._bounds(leaf, number_of(first), number_of(datetime.max.replace(tzinfo=UTC)))
            case _:
                return None
        return _Fact(place, leaf, low, high)

    def _finite(self, leaf: Expr) -> Cells | None:
        match leaf:
            case Field(type=Type(kind="bool")):
                return (True, False, None)
            case Field(type=Type(kind="enum")):
                return (*leaf.type.values, None)
            case Field(type=Type(kind="set")) if 2 ** len(leaf.type.values) <= _MOST_VALUES:
                chosen = product((False, True), repeat=len(leaf.type.values))
                return (*(_members(leaf.type.values, each) for each in chosen), None)
            case _:
                return None

    def _bounds(self, leaf: Expr, low: int, high: int) -> tuple[int, int]:
        fact = fact_of(self.program, leaf) if isinstance(leaf, Field) else None
        if fact is None:
            return low, high
        of = declaration(self.program, fact)
        least = low if of.minimum is None else number_of(of.minimum)
        return least, high if of.maximum is None else number_of(of.maximum)

    def _cuts(self, atom: Expr, fact: _Fact) -> bool:
        """Whether the atom cuts its one fact into cells; they are noted."""
        match atom:
            case Known(operand=operand):
                return operand == fact.place or (_is_steady(operand, fact) and self._cut(atom, atom, fact))
            case Compare():
                if not (_is_steady(atom.left, fact) or _is_steady(atom.right, fact)):
                    return False
                return self._cut(Compare("<", atom.left, atom.right), Compare("==", atom.left, atom.right), fact)
            case Member(item=item, collection=ListOf(items=items)) if item == fact.place:
                if not all(isinstance(each, Constant) for each in items):
                    return False
                numbers = [number_of(each.value) for each in items if isinstance(each, Constant)]
                fact.edges.update(edge for number in numbers for edge in (number, number + 1))
                return True
            case _:
                return False

    def _cut(self, first: Expr, second: Expr, fact: _Fact) -> bool:
        def side(number: int) -> tuple[Value | None, Value | None]:
            situation = self._knowing({fact.place.name: value_of(fact.place.type.kind, number)})
            return evaluate(first, situation), evaluate(second, situation)

        ends = side(fact.low), side(fact.high)
        if ends[0] == ends[1] and ends[0] in ((None, None), (False, False)) and not _is_plain(first, fact):
            return False  # it fails at both ends: what lies between is not to be seen from there
        fact.edges.update(turns(fact.low, fact.high, *ends, side))
        return True


def _members(values: Sequence[str], chosen: Iterable[bool]) -> frozenset[str]:
    return frozenset(value for value, is_in in zip(values, chosen, strict=True) if is_in)


def _atoms(expr: Expr) -> Iterator[Expr]:
    """The parts that are not made of truth values."""
    match expr:
        case And() | Or() | Not() | Conditional() if type_of(expr) == BOOL:
            for each in children(expr):
                yield from _atoms(each)
        case Constant():
            return
        case _:
            yield expr


def _of_one_enum(atoms: Iterable[Expr]) -> list[frozenset[Expr]]:
    """The atoms that read an enum, for each that several of them read."""
    found: dict[Expr, set[Expr]] = {}
    for atom in atoms:
        for leaf in _leaves(atom):
            if type_of(leaf).kind == "enum":
                found.setdefault(leaf, set()).add(atom)
    return [frozenset(each) for each in found.values() if len(each) > 1]


def _leaves(expr: Expr) -> Iterator[Expr]:
    """What an expression reads; parts of dates that have few values are leaves, too."""
    match expr:
        case Field() | Clock() | Count() | AtMost():
            yield expr
        case Call() if expr.function in _PARTS:
            yield expr
        case _:
            for each in children(expr):
                yield from _leaves(each)


def _is_steady(expr: Expr, fact: _Fact) -> bool:
    """Whether one side of a comparison is the fact, below functions that only rise or only fall with it."""
    if expr == fact.place:
        return True
    if not isinstance(expr, Call) or expr.function not in _STEADY:
        return False
    moving = [each for each in expr.arguments if any(node == fact.place for node in walk(each))]
    return len(moving) == 1 and _is_steady(moving[0], fact)


def _is_plain(expr: Expr, fact: _Fact) -> bool:
    return isinstance(expr, Compare) and fact.place in (expr.left, expr.right)
