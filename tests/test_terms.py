"""The terms that Z3 is given mean what the reference says: drawn expressions in drawn situations."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import product
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import drawing
from drawing import Pen, World
from lawful import calendar, ir
from lawful.calendar import Window
from lawful.engines.reference import evaluate
from lawful.engines.situation import History, Situation
from lawful.ir import Expr, Owner, Period, Type
from lawful.proofs import dates, state
from lawful.proofs.logic import Bool, equal, opposite
from lawful.proofs.space import Space
from lawful.proofs.state import Before, Made, Now
from lawful.proofs.terms import Terms
from proving import scene_of, space_of, value_of

EVERYTHING = datetime(1, 1, 1, tzinfo=UTC)
UNSHRUNK = [Phase.explicit, Phase.generate]


@dataclass(frozen=True)
class Drawn:
    world: World
    type: Type
    expr: Expr
    situation: Situation


@st.composite
def drawn(draw: st.DrawFn) -> Drawn:
    pen = Pen(draw)
    world = drawing.draw_world(pen, drawing.SMALL)
    conditions = drawing.draw_conditions(pen, world)
    world = replace(world, conditions=tuple(conditions))
    wanted = pen.one([each for each in world.types(drawing.FIELD_KINDS) if each.kind != "bool"] + [ir.BOOL] * 6)
    expr = drawing.draw_expr(pen, world, wanted, 3)
    rule = ir.Rule("r", "requires", "move", "do.it", ir.Known(expr), ir.TRUE, "error", ir.ALWAYS, drawing.PLACE)
    read = drawing.fields_read([rule], conditions)
    situation = drawing.draw_situation(pen, world, conditions, read)
    whole = situation.history.whole_from is not None
    known = History(situation.history.events, EVERYTHING) if whole else History((), None)
    situation = situation.with_history(known)
    situation.initial = situation.records["account"]  # of one change: nothing is listed
    return Drawn(world, wanted, expr, situation)


@settings(max_examples=drawing.examples(250), deadline=None, phases=UNSHRUNK)
@given(drawn())
def test_a_term_has_the_value_that_the_reference_gives(drawn: Drawn) -> None:
    fields: dict[Owner, dict[str, Type]] = defaultdict(dict)
    for each in drawn.world.fields:
        fields[each.owner][each.name] = each.type
    space = space_of(drawn.situation.zone)
    meaning = Terms(scene_of(drawn.situation, fields, space)).meaning(drawn.expr)
    model = space.satisfiable()
    assert model is not None
    assert value_of(model, meaning, drawn.type, space) == evaluate(drawn.expr, drawn.situation)


@pytest.mark.parametrize(
    ("zone", "day"), [("America/Sao_Paulo", "2017-10-15"), ("America/Sao_Paulo", "2018-02-17"), ("UTC", "2018-02-17")]
)
@pytest.mark.parametrize("minutes", range(-30, 24 * 60 + 90, 90))
def test_the_end_of_a_window_of_days_is_one_instant(zone: str, day: str, minutes: int) -> None:
    """Also where the clocks are moved on that day: a local time that there is twice, or not at all."""
    where = ZoneInfo(zone)
    event = calendar.start_of(date.fromisoformat(day), where) + timedelta(minutes=minutes, days=-3)
    space = Space(where, (date(2017, 1, 1).toordinal(), date(2019, 1, 1).toordinal()))
    leaves, _ = dates.expiry(space, dates.micros(event), "days", 3)
    truth = calendar.expiry(Window("days", 3), event, where)
    assert truth is not None
    assert space.satisfiable(equal(leaves, dates.micros(truth))) is not None
    assert space.satisfiable(opposite(equal(leaves, dates.micros(truth)))) is None


ROLLING = (Window("days", 30), Window("months", 6), Window("days", 40, date(2025, 10, 26)))


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York"])
def test_an_event_of_a_trace_counts_as_long_as_the_calendar_says(zone: str) -> None:
    where, random = ZoneInfo(zone), Random(zone)
    space = Space(where, (date(2000, 1, 1).toordinal(), date(2100, 12, 31).toordinal()))
    before = Now(space)
    moment = Now(space, before)
    made = state.History(space).then([Made("e", before, True)])
    held = {window: equal(made.count(("e",), window, moment), 1) for window in ROLLING}
    for _ in range(2):
        event = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(microseconds=random.randrange(4 * 366 * dates.DAY))
        for window in ROLLING:
            end = calendar.expiry(window, event, where)
            assert end is not None
            for at in (end - timedelta(microseconds=1), end, event, end + timedelta(hours=random.randrange(-25, 25))):
                if at < event:
                    continue
                there = (*_is_then(before, event), *_is_then(moment, at))
                counts = calendar.counts(window, event, at, where)
                assert space.satisfiable(*there, held[window] if counts else opposite(held[window])) is not None
                assert space.satisfiable(*there, opposite(held[window]) if counts else held[window]) is None


@settings(max_examples=drawing.examples(40), deadline=None, phases=UNSHRUNK)
@given(st.data())
def test_what_was_before_a_trace_may_be_any_history(data: st.DataObject) -> None:
    """Windows, from a day on or not, hold one another: what is said of that leaves out nothing that can be."""
    pen = Pen(data.draw)
    where = ZoneInfo(pen.one(("Asia/Shanghai", "America/Sao_Paulo", "Europe/London")))
    moments = sorted(pen.one(drawing.MOMENTS[:9]) + timedelta(days=pen.one((0, 1, 20, 200))) for _ in range(2))
    events = drawing.draw_events(pen, ("e",), moments[0], where)
    windows = [pen.one(drawing.WINDOWS) for _ in range(3)]
    windows += [each.whole for each in windows] + [replace(each, since=windows[0].since) for each in windows]
    space = Space(where, (date(2000, 1, 1).toordinal(), date(2100, 12, 31).toordinal()))
    before, past, claims = Before(space), History(events, EVERYTHING), list[Bool]()
    now: Now | None = None
    for at in moments:
        now = Now(space, now)
        counts = {each: before.count("e", each, now) for each in windows}
        claims += _is_then(now, at)
        claims += [equal(made, past.count(("e",), each, at, where)[0]) for each, made in counts.items()]
    assert space.satisfiable(*claims) is not None


def _is_then(moment: Now, at: datetime) -> list[Bool]:
    """Told by the day, too: numbers of microseconds alone take Z3 long."""
    day = equal(moment.today, calendar.day_of(at, moment.space.zone).toordinal())
    return [day, equal(moment.now, dates.micros(at))]


def test_days_in_both_periods() -> None:
    days = [None, date(2024, 1, 1), date(2024, 1, 2), date(2024, 1, 3)]
    periods = [Period(start, until) for start in days for until in days if None in (start, until) or start < until]
    looked_at = [date(2023, 12, 31) + timedelta(days=n) for n in range(5)]
    for one, other in product(periods, periods):
        assert one.meets(other) == any(one.holds(day) and other.holds(day) for day in looked_at), (one, other)
