"""Rules that exclude each other though they are judged apart: a guard, of the account before a change, and a
constraint, of the account after it.

The guard is satisfied and the constraint is, or is again: that is what must be possible. Where the constraint was
broken before, it refuses nothing, and the two are not at odds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lawful.ir import Rule, Value
from lawful.proofs.asking import conditions_of
from lawful.proofs.logic import Bool, both, opposite, same
from lawful.proofs.moves import Judged, Moves, Ruling
from lawful.proofs.reach import rests_on
from lawful.proofs.terms import Terms, constant
from lawful.proofs.view import View


@dataclass(frozen=True, slots=True)
class Pair:
    """A guard and a constraint that read something in common, and what is asked for where that is one of few values."""

    guard: Rule
    constraint: Rule
    value: Value | None = None

    @property
    def change(self) -> str:
        """As the command line has it."""
        kind, _, name = self.guard.subject.partition(".")
        told = self.value if not isinstance(self.value, bool) else str(self.value).lower()
        return f"{kind} {name}={told}" if told is not None else f"{kind} {name}".strip()


@dataclass(frozen=True, slots=True)
class Together:
    """Two rules of one change."""

    apply: Bool
    """The guard applies, and the constraint does and can refuse."""
    guard: Bool
    """The guard applies and is satisfied."""
    constraint: Bool
    """The constraint applies and is satisfied after the change, whatever was before it."""


class Conflicts:
    """Finds them, of one program."""

    def __init__(self, moves: Moves) -> None:
        self.moves = moves
        self.program = moves.program

    def pairs(self, guard: Rule, constraint: Rule) -> Iterator[Pair]:
        """The two, for each value that may be asked for where these are few; nothing if they have nothing in common."""
        if not (guard.in_force.meets(constraint.in_force) and self._share(guard, constraint)):
            return
        kind, _, name = guard.subject.partition(".")
        type = self.program.account[name].type if kind == "set" else None
        few: Sequence[Value] = () if type is None else (False, True) if type.kind == "bool" else type.values
        if type is None or type.kind not in ("bool", "enum"):
            yield Pair(guard, constraint)
        else:
            yield from (Pair(guard, constraint, each) for each in few)

    def at_odds(self, view: View, pairs: Sequence[Pair]) -> list[Pair]:
        """Those that are never satisfied together, of guards of one change. Raises NotSettled."""
        asked = [self._together(view, view.ruling(each.guard.subject), each) for each in pairs]
        held = view.sweep([both(each.guard, each.constraint) for each in asked])
        return [
            pair
            for pair, each, shown in zip(pairs, asked, held, strict=True)
            if not shown.possible
            and view.can(each.apply, each.guard)
            and view.can(each.apply, each.constraint)
            and not self._with_others(view, pair)
        ]

    def _with_others(self, view: View, pair: Pair) -> bool:
        """Whether both are satisfied where other fields are set at once."""
        others = self._set_beside(pair)
        if not others:
            return False
        together = self._together(view, view.ruling_beside(pair.guard.subject, others), pair)
        return view.can(together.guard, together.constraint)

    def _set_beside(self, pair: Pair) -> tuple[str, ...]:
        """The other fields that may be set and so move what the constraint reads."""
        kind, _, name = pair.guard.subject.partition(".")
        if kind != "set":
            return ()
        reads = self.moves.book.reads[id(pair.constraint)]
        return tuple(
            each
            for each, declaration in self.program.account.items()
            if each != name
            and declaration.motion in ("lifecycle", "settable")
            and self.moves.book.may_move(f"set.{each}") & reads
        )

    def _together(self, view: View, ruling: Ruling, pair: Pair) -> Together:
        guard = next(each for each in ruling.guards if each.rule is pair.guard)
        constraint = next((each for each in ruling.constraints if each.rule is pair.constraint), None)
        if constraint is None:
            return Together(False, False, False)
        before = Terms(ruling.scene_before)
        applies = both(guard.asked, before.truth(pair.guard.when).true, self._asks(view, ruling, pair))
        after = Terms(ruling.scene_after)
        meets = both(constraint.asked, after.truth(pair.constraint.when).true)
        can_refuse = opposite(self._stood(view, ruling, constraint))
        return Together(
            both(applies, meets, can_refuse),
            both(applies, guard.outcome.true),
            both(meets, after.truth(pair.constraint.requires).true),
        )

    def _asks(self, view: View, ruling: Ruling, pair: Pair) -> Bool:
        if pair.value is None:
            return True
        name = pair.guard.subject.removeprefix("set.")
        _, wanted = ruling.change.values[name]
        return same(wanted, constant(view.space, pair.value, self.program.account[name].type))

    def _stood(self, view: View, ruling: Ruling, constraint: Judged) -> Bool:
        """Whether the account was found wrong before."""
        if ruling.change.kind == "register":
            return False
        return view.now.outcome(constraint.rule.when, constraint.rule.requires).false

    def _share(self, guard: Rule, constraint: Rule) -> bool:
        """Whether what the constraint reads after the change rests on something that the guard asks before it."""
        reads = self.moves.book.reads[id(constraint)]
        values = [
            effect.value
            for move in self.moves.moves_of(guard.subject)
            for effect in move.effects
            if f"account.{effect.field}" in reads
        ]
        asked = rests_on(self.program, guard.requires, *conditions_of(self.program, guard))
        told = rests_on(self.program, constraint.when, constraint.requires, *values)
        return bool(asked & (told | self._entitling(reads)))

    def _entitling(self, reads: frozenset[str]) -> set[str]:
        """What decides whether a change takes features away that are read."""
        features = [name for name in self.program.features if f"features.{name}" in reads]
        for name in features:  # which grows
            features += [each for each in self.program.features[name].needs if each not in features]
        return {fact for name in features for fact in self.moves.book.entitlements.reads[name]}
