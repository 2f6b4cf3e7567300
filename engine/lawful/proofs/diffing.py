"""The order of things in comparing two policies: change by change, for how long, and what may be assumed."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import astuple
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

from lawful.deciding.judging import Judge
from lawful.ir import Place, Program, Text
from lawful.proofs.bounds import clock_of
from lawful.proofs.compared import Alike, Asking, Compared, changes
from lawful.proofs.differences import Diff, Difference, Example, Kind, Side
from lawful.proofs.examples import USUAL, Peer, Shown
from lawful.proofs.logic import Bool, both, conjunction, disjunction, opposite
from lawful.proofs.moves import Moves
from lawful.proofs.proving import Told
from lawful.proofs.regions import where
from lawful.proofs.retold import retold
from lawful.proofs.shared import Shared
from lawful.proofs.space import Deadline, Model, NotSettled
from lawful.reading import Reader

_MANY: Final = 12
"""More events than these make no readable history."""
_TRIES: Final = 3
"""How many models of one kind are asked of the policies, where they do not confirm the first."""


class Differ:
    """Compares two policies. Not to be shared between threads."""

    def __init__(self, old: Program, new: Program, *, seconds: float) -> None:
        self.shared = Shared(old, new)
        self.seconds = seconds
        clocks = [clock_of(each) for each in (old, new)]
        self.clock = (min(first for first, _ in clocks), max(last for _, last in clocks))
        self.moves: dict[Side, Moves] = {"old": Moves(old), "new": Moves(new)}
        self.shown = Shown(_peer(old), _peer(new), tuple(self.shared.account), self.shared.features)

    def diff(self, told: Told = lambda _, __: None) -> Diff:
        begun = time.monotonic()
        alike = Alike(self.shared)
        asked = changes(self.shared)
        identical = tuple(each.name for each in asked if alike.has(each))
        found: list[Difference] = []
        for number, asking in enumerate(asked):
            told(asking.name, number / len(asked))
            if asking.name not in identical:
                found += self.differences(asking, _alone(found) if asking.name == "set" else set(), alike)
        return Diff(
            self.shared.old,
            self.shared.new,
            tuple(found),
            tuple(each.name for each in asked),
            identical,
            tuple(self.shared.only),
            tuple(self._assumptions()),
            self.seconds,
            time.monotonic() - begun,
            tuple(retold(self.shared.old, self.shared.new)),
        )

    def differences(self, asking: Asking, known: set[Kind], alike: Alike) -> Iterator[Difference]:
        """Those in one change, but for the kinds that are known."""
        compared = Compared(self.shared, self.moves, asking, self.clock)
        self.leave_out(compared, alike)
        compared.space.deadline = Deadline.after(self.seconds)
        kinds = {kind: formula for kind, formula in compared.kinds().items() if formula is not False}
        try:
            if compared.space.satisfiable(disjunction(kinds.values())) is None:
                return
        except NotSettled:
            pass  # which of them is the hard one
        for kind, formula in kinds.items():
            if kind in known:
                continue
            try:
                found = self._difference(compared, kind, formula)
            except NotSettled:
                yield Difference(asking.name, kind, None, None, compared.space.deadline.why())
            else:
                if found is not None:
                    yield found

    def leave_out(self, compared: Compared, alike: Alike) -> None:
        """Of several fields one is set whose rules are other ones, where nothing else is different."""
        if compared.asking.name == "set" and alike.context:
            triggers = {name: Asking(f"set.{name}", (f"set.{name}",)) for name in compared.wanted}
            different = [name for name, each in triggers.items() if not alike.has(each)]
            compared.space.assume(disjunction(compared.wanted[name][0] for name in different))

    def _difference(self, compared: Compared, kind: Kind, formula: Bool) -> Difference | None:
        """None where it is proved that there is no such difference. Raises NotSettled."""
        formula, more = self._determined(compared, kind, formula)
        tried: list[Bool] = []
        while True:
            model = _plainest(compared, conjunction([formula, *tried]))
            if model is None and not tried:
                return None
            if model is None or len(tried) == _TRIES:
                return Difference(compared.asking.name, kind, None, None, "check")
            shown = self.shown.example(compared, kind, formula, model)
            if shown is not None:
                readable, example = shown
                place = where(compared, formula, readable, more)
                further, surveyed = self._further(compared, kind, formula, example)
                return Difference(compared.asking.name, kind, example, place, further=further, surveyed=surveyed)
            tried.append(_another(compared, model))

    def _further(
        self, compared: Compared, kind: Kind, formula: Bool, example: Example
    ) -> tuple[tuple[Example, ...], bool]:
        """Requests that show what else decides, and whether all that can be shown is."""
        found = [example]
        try:
            for side, place, so in compared.deciding(kind):
                if so is not False and not any(_shows(each, side, place) for each in found):
                    there = both(formula, so)
                    model = _plainest(compared, there)
                    shown = None if model is None else self.shown.example(compared, kind, there, model)
                    if shown is not None and _shows(shown[1], side, place):
                        found.append(shown[1])
        except NotSettled:
            return tuple(found[1:]), False
        return tuple(found[1:]), True

    def _determined(self, compared: Compared, kind: Kind, formula: Bool) -> tuple[Bool, Bool]:
        """Of other reasons those for a verdict that is certain, if there are any; and the others."""
        undetermined = compared.rulings["new"].undetermined
        if kind == "reasons" and compared.space.satisfiable(formula, opposite(undetermined)) is not None:
            return both(formula, opposite(undetermined)), both(formula, undetermined)
        return formula, False

    def _assumptions(self) -> Iterator[Text]:
        first, last = (date.fromordinal(each) for each in self.clock)
        yield Text(f"decisions are made from {first} to {last}", f"判断日期在{first}至{last}之间")
        yield Text("a history that is given is whole", "给出的历史记录是完整的")


def _peer(program: Program) -> Peer:
    zone = ZoneInfo(program.timezone)
    return Peer(Judge(program, zone), Reader(program, zone))


def _plainest(compared: Compared, formula: Bool) -> Model | None:
    """A model on a usual day and with a short history, if there is one. Raises NotSettled."""
    for plain in (compared.plain(USUAL, _MANY), compared.short(_MANY), True):
        model = compared.space.satisfiable(formula, plain)
        if model is not None:
            return model
    return None


def _shows(example: Example, side: Side, place: Place) -> bool:
    """Whether the rule that stands there makes the verdict."""
    answered = example.old if side == "old" else example.new
    return any((each.place.file, each.place.line, each.place.column) == astuple(place) for each in answered.deciding())


def _another(compared: Compared, model: Model) -> Bool:
    """That something which is given is given otherwise."""
    parts: list[Bool] = []
    for meaning in (
        *compared.raw.values(),
        *compared.asked.values(),
        *(value for _, value in compared.wanted.values()),
    ):
        known = model.holds(meaning.known)
        parts.append(opposite(meaning.known) if known else meaning.known)
        if known and not isinstance(meaning.value, tuple):
            value = model.value(meaning.value)
            parts.append(
                meaning.value != value
                if not isinstance(value, bool)
                else (opposite(meaning.value) if value else meaning.value)
            )
    parts += [count != model.number(count) for _, count in compared.past.counts.values()]
    return disjunction(parts)


def _alone(found: Iterable[Difference]) -> set[Kind]:
    """What a change of one field shows: where several are changed, it is not told again."""
    return {each.kind for each in found if each.change.startswith("set.") and each.settled}
