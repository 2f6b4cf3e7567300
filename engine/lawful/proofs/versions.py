"""The versions of a rule: gaps between them, and on which days something is so of some. Nothing of Z3 is needed:
`lint` tells of gaps, too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from lawful.ir import ALWAYS, Period, Place, Program, Rule, Text
from lawful.proofs.asking import versions_of


@dataclass(frozen=True, slots=True)
class Gap:
    """Days on which no version of a rule is in force, though one was before and one is after."""

    rule: str
    first: date
    until: date
    """Exclusive."""
    place: Place
    is_move: bool
    """Whether it is the change itself that has versions, not a limit or a constraint."""
    before: Rule
    """The version before."""

    def __str__(self) -> str:
        days = f"from {self.first} until {self.until}"
        return f"no version of `{self.rule}` is in force {days} ({self.place.file}:{self.place.line})"


def gaps(program: Program) -> Iterator[Gap]:
    for id, versions in versions_of(program).items():
        yield from _between(id, versions, _fixed(program, versions[0]))


def _between(id: str, versions: list[Rule], fixed: Period | None) -> Iterator[Gap]:
    for one, other in pairwise(versions):
        until, start = one.in_force.until, other.in_force.start
        if until is not None and start is not None and until < start:
            for first, end in _without(until, start, fixed):
                yield Gap(id, first, end, other.place, one.scope == "move" and one.kind != "limit", one)


def _fixed(program: Program, rule: Rule) -> Period | None:
    """The days on which the field that a rule is about is fixed: then nobody sets it, and nothing wants a version."""
    kind, _, name = rule.subject.partition(".")
    return program.account[name].fixed if rule.scope == "move" and kind == "set" else None


def _without(first: date, end: date, fixed: Period | None) -> Iterator[tuple[date, date]]:
    """What is left of the days from the first until the end (exclusive)."""
    days = Period(first, end)
    rest = (ALWAYS,) if fixed is None else fixed.rest()
    for both in (common(days, each) for each in rest if each.meets(days)):
        if both.start is not None and both.until is not None:
            yield both.start, both.until


# -------------------------------------------------------------------------------------------------- on which days


def common(one: Period, other: Period) -> Period:
    """The days that are in both; there are some (`meets`)."""
    starts = [each for each in (one.start, other.start) if each is not None]
    ends = [each for each in (one.until, other.until) if each is not None]
    return Period(max(starts, default=None), min(ends, default=None))


def dated(told: Text, periods: Iterable[Period]) -> Text:
    """What is so on the days of these periods, with the days; without, if it is so always."""
    days = _joined(periods)
    if ALWAYS in days:
        return told
    en = ", ".join(" ".join(_ends(each, "from {}", "until {}")) for each in days)
    zh = "、".join("".join(_ends(each, "自{}起", "{}之前")) for each in days)
    return Text(f"{told.en} ({en})", f"{told.zh}（{zh}）")


def _joined(periods: Iterable[Period]) -> list[Period]:
    """Those that overlap, or of which one begins where the other ends, as one; in the order of their days."""
    found: list[Period] = []
    for each in sorted(periods, key=lambda period: period.start or date.min):
        last = found[-1] if found else None
        if last is None or (last.until is not None and last.until < (each.start or date.min)):
            found.append(each)
        elif last.until is not None and (each.until is None or last.until < each.until):
            found[-1] = Period(last.start, each.until)
    return found


def _ends(period: Period, start: str, until: str) -> list[str]:
    ends = ((start, period.start), (until, period.until))
    return [words.format(day) for words, day in ends if day is not None]
