"""What is asked of Z3: variables with their domains, what always holds of them, and a model of what may be.

Some terms are first told loosely (the day a year later is 365 or 366 days off) and made exact where a model says
otherwise: most proofs need no calendar. Each such term is a doubt.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol, TypeVar
from zoneinfo import ZoneInfo

import z3

from lawful.proofs.logic import Bool, Number, conjunction, disjunction, less, no_more

T = TypeVar("T")

_MOST_ROUNDS: Final = 60
"""How often a model may be wrong about a doubtful term before its question is given up."""
_UNTOLD: Final = 3
"""So often a model may go on to where nothing was told yet."""
_PATIENCE: Final = (1.0, 3.0, float("inf"))
"""Seconds for each beginning: what Z3 has not found in one it often finds at once from another. It is partly luck."""
_FOREVER: Final = 2**31 - 1
_A_MOMENT: Final = 0.01
"""Z3 is told its time in milliseconds, and may come back a little early."""


class NotSettled(Exception):
    """The time is over, or Z3 does not know."""


class Model:
    """What a satisfiable question may look like: a value for every term."""

    def __init__(self, model: z3.ModelRef) -> None:
        self._model = model

    def number(self, term: Number) -> int:
        if isinstance(term, int):
            return term
        return int(self._model.eval(term, model_completion=True).as_long())

    def holds(self, term: Bool) -> bool:
        if isinstance(term, bool):
            return term
        return bool(z3.is_true(self._model.eval(term, model_completion=True)))

    def value(self, term: Any) -> Any:
        """Of a number, a truth, or a tuple of truths."""
        if isinstance(term, tuple):
            return tuple(self.holds(each) for each in term)
        return self.holds(term) if isinstance(term, (bool, z3.BoolRef)) else self.number(term)


class Doubt(Protocol):
    """A term that is told loosely."""

    @property
    def told(self) -> list[Bool]:
        """Where it has been told exactly so far, if not everywhere."""
        ...

    def lemmas(self, model: Model) -> list[Bool]:
        """What is so in truth, where the model says otherwise."""
        ...


@dataclass(slots=True)
class Deadline:
    """When to give up."""

    at: float = float("inf")

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        return cls(time.monotonic() + seconds)

    def left(self) -> float:
        return self.at - time.monotonic()

    def passed(self) -> bool:
        return self.left() <= 0

    def why(self) -> Literal["time", "given up"]:
        """Why a question that was asked until now is not settled."""
        return "time" if self.left() < _A_MOMENT else "given up"


@dataclass(frozen=True, slots=True)
class Atom:
    """A function of texts as it was asked for: what a made-up text has to come up to."""

    function: str
    text: Number
    argument: Number | None
    value: Any


@dataclass(slots=True)
class Texts:
    """Texts as numbers: those that the policy names have the first codes, all others any greater one."""

    codes: dict[str, int] = field(default_factory=dict)
    named: list[str] = field(default_factory=list)
    atoms: list[Atom] = field(default_factory=list)
    functions: dict[tuple[str, int], Any] = field(default_factory=dict)
    open: list[Number] = field(default_factory=list)
    """The variables that stand for texts."""

    def code(self, text: str) -> int:
        if text not in self.codes:
            self.codes[text] = len(self.named)
            self.named.append(text)
        return self.codes[text]

    def known(self) -> Bool:
        """Whether every text is one that has a name: of those, functions are exact."""
        return conjunction(less(each, len(self.named)) for each in self.open if self.named)


class Space:
    """One solver and its variables. Not to be shared between threads."""

    def __init__(
        self,
        zone: ZoneInfo,
        clock: tuple[int, int],
        samples: Iterable[str] = (),
        *,
        context: z3.Context | None = None,
    ) -> None:
        """`samples`: texts of which functions are exact. `context`: another space's, for making one takes a while."""
        self.context = z3.Context() if context is None else context
        self.zone = zone
        self.clock = clock
        """The first and the last day that decisions may be made on, as ordinals."""
        self.texts = Texts()
        for each in samples:
            self.texts.code(each)
        self.doubts: list[Doubt] = []
        self.deadline = Deadline()
        self._made: dict[tuple[object, ...], tuple[tuple[Any, ...], Any]] = {}
        self._solver = z3.Solver(ctx=self.context)
        self._count = 0

    # ------------------------------------------------------------------------------------------------- variables

    def integer(self, name: str, low: int | None = None, high: int | None = None) -> z3.ArithRef:
        """A fresh number between the bounds."""
        self._count += 1
        made = z3.Int(f"{name}!{self._count}", self.context)
        if low is not None:
            self.assume(no_more(low, made))
        if high is not None:
            self.assume(no_more(made, high))
        return made

    def boolean(self, name: str) -> z3.BoolRef:
        self._count += 1
        return z3.Bool(f"{name}!{self._count}", self.context)

    def text(self, name: str) -> z3.ArithRef:
        """A fresh text, as its code."""
        made = self.integer(name, 0)
        self.texts.open.append(made)
        return made

    def function(self, name: str, arity: int, *, truth: bool) -> Any:
        """An uninterpreted function of texts."""
        key = (name, arity)
        if key not in self.texts.functions:
            number = z3.IntSort(self.context)
            sorts = [number] * arity + [z3.BoolSort(self.context) if truth else number]
            self.texts.functions[key] = z3.Function(name, *sorts)
        return self.texts.functions[key]

    def once(self, name: str, terms: tuple[Any, ...], make: Callable[[], T]) -> T:
        """What is made of terms, made once for the same ones: two of the same would have to be proved equal."""
        key = (name, *(each.get_id() if isinstance(each, z3.ExprRef) else each for each in terms))
        if key not in self._made:
            self._made[key] = (terms, make())  # keeping the terms keeps their ids
        made: T = self._made[key][1]
        return made

    # ------------------------------------------------------------------------------------------------- questions

    def assume(self, constraint: Bool) -> None:
        """For good."""
        if constraint is not True:
            self._solver.add(self._bool(constraint))

    def satisfiable(self, *parts: Bool) -> Model | None:
        """A model of all parts together; None where there is none. Raises NotSettled."""
        if any(part is False for part in parts):
            return None
        wanted = [part for part in parts if part is not True]
        for turn in range(_MOST_ROUNDS):
            # A model that goes on to where nothing was told yet may be kept where something was.
            model = self._once([*wanted, *self._where_told()]) if turn > _UNTOLD else None
            model = model or self._once(wanted)
            if model is None:
                return None
            lemmas = [lemma for doubt in self.doubts for lemma in doubt.lemmas(model)]
            if not lemmas:
                return model
            for lemma in lemmas:
                self.assume(lemma)
        raise NotSettled

    def _where_told(self) -> list[Bool]:
        return [disjunction(each.told) for each in self.doubts if each.told]

    def _once(self, parts: Iterable[Bool]) -> Model | None:
        """A model, whatever it is wrong about."""
        asked = [self._bool(part) for part in parts]
        for turn, patience in enumerate(_PATIENCE, 1):
            left = min(self.deadline.left(), patience)
            if left <= 0:
                break
            try:
                return self._asked(asked, left)
            except NotSettled:
                self._begin_anew(turn)
        raise NotSettled

    def _asked(self, parts: Iterable[z3.BoolRef], seconds: float) -> Model | None:
        self._solver.set("timeout", max(1, min(int(seconds * 1000), _FOREVER)) if seconds < _FOREVER else _FOREVER)
        self._solver.push()
        try:
            for part in parts:
                self._solver.add(part)
            match self._solver.check():
                case z3.unsat:
                    return None
                case z3.sat:
                    return Model(self._solver.model())
                case _:
                    raise NotSettled
        finally:
            self._solver.pop()

    def _begin_anew(self, seed: int) -> None:
        solver = z3.Solver(ctx=self.context)
        solver.set("random_seed", seed)
        solver.add(self._solver.assertions())
        self._solver = solver

    def _bool(self, part: Bool) -> z3.BoolRef:
        return z3.BoolVal(part, self.context) if isinstance(part, bool) else part
