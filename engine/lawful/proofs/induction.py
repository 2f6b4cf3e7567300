"""Whether something can ever be: proofs by induction over the moves, and traces that refute.

What holds of every account that can be registered, and goes on holding whatever is allowed next, holds always. Where
that is not enough by itself, what is known of all reachable states is found first, then sequences of several moves are
looked at. Traces from a registration are looked for in between, the shortest first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Final

from lawful.proofs.answers import Why
from lawful.proofs.logic import Bool, both, conjunction, disjunction, opposite
from lawful.proofs.moves import Moves
from lawful.proofs.property import Property, helpful
from lawful.proofs.reach import Slice, Toward, Ways
from lawful.proofs.space import Deadline, Model, NotSettled, Space
from lawful.proofs.state import Now, State
from lawful.proofs.trace import Option, Trace

if TYPE_CHECKING:
    import z3

_AT_ONCE: Final = 1
_SOON: Final = 3
"""Steps of the traces that are looked at before anything costly is tried, and before anything costlier is."""
_DEEPEST: Final = 10
_LONGEST_INDUCTION: Final = 4
_NONE: Final = frozenset[str]()


@dataclass(frozen=True, slots=True)
class Refutation:
    """A trace at whose last state, or between it and an earlier one, it is so."""

    trace: Trace
    model: Model
    formula: Bool
    """What the model is a model of, beside the trace."""


@dataclass(frozen=True, slots=True)
class Found:
    """Proved: by what; or refuted. Neither: not settled, why, and within how many steps it surely is not so."""

    proof: str | None = None
    refutation: Refutation | None = None
    within: int | None = None
    why: Why = "steps"


@dataclass(slots=True)
class Lemmas:
    """What was found to hold of every reachable state, and of every two of one account."""

    states: list[Property] = field(default_factory=list)
    pairs: list[Property] = field(default_factory=list)

    def of(self, moves: Moves, space: Space, state: State, moment: Now, earlier: State | None = None) -> Bool:
        """What they say of a state; and of it and an earlier one, where there is one."""
        found = [opposite(each.broken(moves, space, state, moment)) for each in self.states]
        if earlier is not None:
            found += [opposite(each.broken(moves, space, state, moment, earlier)) for each in self.pairs]
        return conjunction(found)


class Induction:
    """Proofs about one policy."""

    def __init__(self, moves: Moves, spaces: Callable[..., Space]) -> None:
        self.moves = moves
        self.ways = Ways(moves)
        self._spaces = spaces
        self.deadline = Deadline()
        self.history_known = True
        self._begins: bool | None = None
        self._lemmas: dict[tuple[Slice, frozenset[str], bool, bool], Lemmas] = {}

    # ------------------------------------------------------------------------------------------------ the strategy

    def never(self, claim: Property, confirmed: Callable[[Refutation], bool]) -> Found:
        """Whether the property is never broken. A refutation that is not confirmed does not count."""
        part = self.ways.slice(claim.reads(self.moves.program))
        depth = -1
        try:
            if self._holds_by_induction(claim, part, Lemmas(), 1):
                return Found("induction")
            if not self.begins():
                return Found("no registration")
            search = _Search(self, claim, part)
            for deepest, about in ((_AT_ONCE, self._near(claim, part)), (_SOON, part.facts), (_DEEPEST, None)):
                while depth < deepest:
                    depth += 1
                    refutation = search.next()
                    if refutation is not None:
                        is_so = confirmed(refutation)
                        return Found(refutation=refutation) if is_so else Found(within=depth, why="check")
                if about is not None:
                    lemmas = self.lemmas(part, about, pairs=claim.pair)
                    for length in range(1, _LONGEST_INDUCTION + 1 if about is part.facts else 2):
                        if self._holds_by_induction(claim, part, lemmas, length):
                            return Found("induction with lemmas" if length == 1 else f"{length}-induction")
        except NotSettled:
            return Found(within=max(depth - 1, 0) if depth >= 0 else None, why=self.deadline.why())
        return Found(within=depth)

    def begins(self) -> bool:
        """Whether any account can be registered at all."""
        if self._begins is None:
            trace = self.trace(Slice(frozenset(), frozenset()))
            trace.register()
            self._begins = trace.space.satisfiable() is not None
        return self._begins

    def space(self, context: z3.Context | None = None) -> Space:
        """A space; `context`: another one's, for making one takes a while."""
        space = self._spaces() if context is None else self._spaces(context=context)
        space.deadline = self.deadline
        return space

    def trace(self, part: Slice, day: date | None = None) -> Trace:
        return Trace(self.moves, self.space(), part, history_known=self.history_known, day=day)

    # --------------------------------------------------------------------------------------------------- induction

    def _holds_by_induction(self, claim: Property, part: Slice, lemmas: Lemmas, length: int) -> bool:
        """Whether it holds at the beginning, and after so many steps in which it held."""
        return self._begins_with(claim, part, lemmas, length) and self._goes_on(claim, part, lemmas, length)

    def _begins_with(self, claim: Property, part: Slice, lemmas: Lemmas, length: int) -> bool:
        trace = self.trace(part)
        if claim.pair:  # the earlier state is any reachable one
            trace.anywhere()
            trace.space.assume(lemmas.of(self.moves, trace.space, trace.state, trace.moment, trace.state))
        else:
            trace.register()
        first = trace.state
        for step in range(length):
            if step:
                trace.extend()
            if not self.stands_still(claim):
                trace.pass_time()
            broken = claim.broken(self.moves, trace.space, trace.state, trace.moment, first)
            if trace.space.satisfiable(broken) is not None:
                return False
        return True

    def _goes_on(self, claim: Property, part: Slice, lemmas: Lemmas, length: int) -> bool:
        trace = self.trace(part)
        space = trace.space
        earlier: State | None = None
        if claim.pair:
            trace.anywhere()
            earlier = trace.state
            space.assume(lemmas.of(self.moves, space, earlier, trace.moment, earlier))
            self.later(trace)
        else:
            trace.anywhere()
        for step in range(length):
            if step:
                trace.extend()
                trace.pass_time()
            held = opposite(claim.broken(self.moves, space, trace.state, trace.moment, earlier))
            space.assume(both(held, lemmas.of(self.moves, space, trace.state, trace.moment, earlier)))
        return self._goes_on_from(trace, claim, earlier)

    def _goes_on_from(self, trace: Trace, claim: Property, earlier: State | None) -> bool:
        """Whether nothing that may happen next breaks it."""
        space, reads = trace.space, claim.reads(self.moves.program)
        state, moment = trace.state, trace.moment
        for option in trace.options(state, moment, self.ways.moving(trace.part, reads)):
            if not _touched(state, option.after) & reads:
                continue
            broken = claim.broken(self.moves, space, option.after, moment, earlier)
            if space.satisfiable(option.allowed, broken) is not None:
                return False
        if self.stands_still(claim):
            return True
        trace.pass_time()
        broken = claim.broken(self.moves, space, trace.state, trace.moment, earlier)
        return space.satisfiable(broken) is None

    def later(self, trace: Trace) -> None:
        """A state some time after the last one of the trace, by whatever way."""
        other = Trace(self.moves, trace.space, trace.part, history_known=trace.history_known)
        other.anywhere()
        trace.space.assume(trace.moment.today <= other.moment.today)
        trace.states.append(other.state)
        trace.moments.append(other.moment)

    def stands_still(self, claim: Property) -> bool:
        """Whether time and the world cannot break it: only changes can."""
        program = self.moves.program
        outside = {f"account.{name}" for name, each in program.account.items() if each.motion == "outside"}
        return claim.is_timeless(program) and not claim.reads(program) & outside

    # ------------------------------------------------------------------------------------------------------ lemmas

    def _near(self, claim: Property, part: Slice) -> frozenset[str]:
        """What a claim reads itself, and the life cycles that matter to it."""
        cycles = {f"account.{name}" for name in self.moves.program.lifecycles}
        return claim.reads(self.moves.program) | (part.facts & cycles)

    def lemmas(self, part: Slice, about: frozenset[str], *, pairs: bool = False) -> Lemmas:
        """The most of the candidates that hold together, by induction: those that a model breaks are dropped."""
        key = (part, about, pairs, self.history_known)
        if key not in self._lemmas:
            candidates = list(helpful(self.moves.program, about))
            states = self._kept([each for each in candidates if not each.pair], part, Lemmas())
            found = Lemmas(states)
            if pairs:
                found.pairs = self._kept([each for each in candidates if each.pair], part, found)
            self._lemmas[key] = found
        return self._lemmas[key]

    def _kept(self, candidates: list[Property], part: Slice, known: Lemmas) -> list[Property]:
        if not candidates:
            return []
        kept = self._kept_at_first(candidates, part, known)
        return self._kept_by_steps(kept, part, known)

    def _kept_at_first(self, candidates: list[Property], part: Slice, known: Lemmas) -> list[Property]:
        trace = self.trace(part)
        if candidates[0].pair:
            trace.anywhere()
            trace.space.assume(known.of(self.moves, trace.space, trace.state, trace.moment))
            first = trace.state
        else:
            trace.register()
            first = trace.state
            trace.pass_time()
        broken = [(each, each.broken(self.moves, trace.space, trace.state, trace.moment, first)) for each in candidates]
        return _surviving(trace.space, broken, ())

    def _kept_by_steps(self, candidates: list[Property], part: Slice, known: Lemmas) -> list[Property]:
        return Steps(self, candidates, part, known).kept(candidates)

    def toward(
        self, toward: Toward, steps: int, day: date | None = None, last: frozenset[str] = _NONE
    ) -> tuple[Trace, list[Option]]:
        """A registration and so many steps that may be of use to a change, and what may be next: that change, and those
        of `last`."""
        trace = self.trace(Slice(toward.facts, toward.within(steps) | last), day)
        trace.register()
        trace.pass_time()
        for left in range(steps, 0, -1):
            trace.extend(trace.options(trace.state, trace.moment, toward.within(left)))
            trace.pass_time()
        return trace, trace.options(trace.state, trace.moment, toward.within(0) | last)


class Steps:
    """Any state of which lemmas are known, all that may happen next, and which of some properties each thing breaks."""

    def __init__(self, induction: Induction, candidates: list[Property], part: Slice, known: Lemmas) -> None:
        """The candidates are all of states, or all of pairs."""
        trace = induction.trace(part)
        space, moves = trace.space, induction.moves
        trace.anywhere()
        earlier: State | None = None
        if candidates and candidates[0].pair:
            earlier = trace.state
            space.assume(known.of(moves, space, earlier, trace.moment))
            induction.later(trace)
        space.assume(known.of(moves, space, trace.state, trace.moment))
        state, moment = trace.state, trace.moment
        self.space = space
        self._held = {id(each): opposite(each.broken(moves, space, state, moment, earlier)) for each in candidates}
        self._afterwards: list[tuple[Bool, list[tuple[Property, Bool]]]] = []
        reads = [(each, each.reads(moves.program)) for each in candidates]
        moving = induction.ways.moving(part, frozenset().union(*(read for _, read in reads)))
        for option in trace.options(state, moment, moving):
            after = option.after
            touched = _touched(state, after)
            moved = [each for each, read in reads if touched & read]
            if moved:
                broken = [(each, each.broken(moves, space, after, moment, earlier)) for each in moved]
                self._afterwards.append((option.allowed, broken))
        trace.pass_time()
        later = [each for each in candidates if not induction.stands_still(each)]
        broken = [(each, each.broken(moves, space, trace.state, trace.moment, earlier)) for each in later]
        self._afterwards.append((True, broken))

    def kept(self, candidates: Sequence[Property]) -> list[Property]:
        """The most of them that nothing breaks while all of them hold."""
        kept = list(candidates)
        held = conjunction(self._held[id(each)] for each in kept)
        dropping = True
        while dropping:
            dropping = False
            for allowed, broken in self._afterwards:
                alive = {id(each) for each in kept}
                asked = [pair for pair in broken if id(pair[0]) in alive]
                survivors = _surviving(self.space, asked, (allowed, held))
                if len(survivors) < len(asked):
                    gone = {id(each) for each, _ in asked} - {id(each) for each in survivors}
                    kept, dropping = [each for each in kept if id(each) not in gone], True
                    held = conjunction(self._held[id(each)] for each in kept)
        return kept


def _surviving(space: Space, broken: Sequence[tuple[Property, Bool]], given: Iterable[Bool]) -> list[Property]:
    """Those that no model of what is given breaks."""
    kept = list(broken)
    assumed = list(given)
    while kept:
        model = space.satisfiable(*assumed, disjunction(each for _, each in kept))
        if model is None:
            break
        kept = [pair for pair in kept if not model.holds(pair[1])]
    return [each for each, _ in kept]


def _touched(before: State, after: State) -> frozenset[str]:
    """The facts and events that may differ."""
    found = {f"event.{each.event}" for each in after.history.made[len(before.history.made) :]}
    found |= {f"account.{name}" for name, fact in after.account.items() if fact is not before.account[name]}
    found |= {f"features.{name}" for name, fact in after.features.items() if fact is not before.features[name]}
    return frozenset(found)


class _Search:
    """Ever longer traces from a registration."""

    def __init__(self, induction: Induction, claim: Property, part: Slice) -> None:
        self.moves = induction.moves
        self.claim = claim
        self.trace = induction.trace(part)
        self.begun = False

    def next(self) -> Refutation | None:
        """A refutation with one more step than was looked at before."""
        trace = self.trace
        if self.begun:
            trace.extend()
        else:
            trace.register()
            self.begun = True
        trace.pass_time()
        earlier = trace.states if self.claim.pair else [trace.state]
        broken = [self.claim.broken(self.moves, trace.space, trace.state, trace.moment, each) for each in earlier]
        formula = disjunction(broken)
        model = trace.space.satisfiable(formula)
        return None if model is None else Refutation(trace, model, formula)
