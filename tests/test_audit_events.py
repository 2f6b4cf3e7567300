"""Recorded moves are judged by columns as the replay judges them: random policies, random histories, random snapshots."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import ibis
import pyarrow as pa
from hypothesis import given, note, reject, settings
from hypothesis import strategies as st

import columns
import drawing
import lawful
from drawing import Pen
from lawful import calendar, ir
from lawful.audit import events, replay, snapshots, windows, zones
from lawful.audit.dialects import Dialect
from lawful.audit.events import Judged
from lawful.audit.replay import Found, Happened
from lawful.audit.zones import Zone
from lawful.engines.situation import Facts, History

ARROW = {
    "bool": pa.bool_(),
    "int": pa.int64(),
    "string": pa.string(),
    "enum": pa.string(),
    "date": pa.date32(),
    "timestamp": pa.int64(),
    "set": pa.bool_(),
}


@cache
def duckdb() -> Any:
    return ibis.duckdb.connect(threads=1)


# ------------------------------------------------------------------------------------------------- accounts as tables


@dataclass(frozen=True)
class Account:
    """An account as an inventory has it, what happened to it, and how it was in an earlier snapshot (None: not)."""

    id: str
    present: Facts
    events: tuple[Happened, ...] = ()
    earlier: Facts | None = None


@dataclass(frozen=True, repr=False)
class World:
    """What one audit is given. `fields` and `carried`: which have columns in the inventory, in the history."""

    program: ir.Program
    accounts: tuple[Account, ...]
    at: datetime
    fields: tuple[str, ...]
    carried: tuple[str, ...] = ()
    history_from: datetime | None = None
    before_at: datetime | None = None
    written: str = ""
    """The policy's text."""

    def __repr__(self) -> str:
        return "<World>"  # `noted` tells of it

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))

    def noted(self) -> None:
        """Tell of it if the test fails, more briefly than its repr would."""
        note(self.written)
        note(f"{self.at} {self.fields} {self.carried} from {self.history_from} before {self.before_at}")
        for each in self.accounts:
            note(f"{each.id}: {dict(each.present)} earlier {each.earlier}")
            for one in each.events:
                note(f"  {one.at} {one.event} {dict(one.before)}")

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.program.timezone)

    @property
    def zones(self) -> Zone:
        instants = [zones.micros(each.at) for account in self.accounts for each in account.events]
        return Zone.of(self.zone, min([*instants, zones.micros(self.at)]), zones.micros(self.at))

    def inventory(self, connection: Any) -> Any:
        present = {each.id: each.present for each in self.accounts}
        return table(connection, "inventory", self.facts_table(present))

    def before(self, connection: Any) -> Any:
        earlier = {each.id: each.earlier for each in self.accounts if each.earlier is not None}
        return table(connection, "before", self.facts_table(earlier))

    def facts_table(self, accounts: Mapping[str, Facts]) -> pa.Table:
        columns: dict[str, Any] = {"id": pa.array(list(accounts), type=pa.string())}
        for name in self.fields:
            columns |= fact_columns(self.program, name, list(accounts.values()), "f_", "s_")
        return pa.table(columns)

    def history(self, connection: Any) -> Any:
        rows = [(account.id, each) for account in self.accounts for each in account.events]
        columns: dict[str, Any] = {
            "account_id": pa.array([id for id, _ in rows], type=pa.string()),
            "event": pa.array([each.event for _, each in rows], type=pa.string()),
            "at": pa.array([zones.micros(each.at) for _, each in rows], type=pa.int64()),
        }
        for name in self.carried:
            columns |= fact_columns(self.program, name, [each.before for _, each in rows], "b_", "bs_")
        return table(connection, "history", pa.table(columns))


def table(connection: Any, name: str, arrow: pa.Table) -> Any:
    return columns.placed(arrow, connection, name)


def fact_columns(program: ir.Program, name: str, rows: Iterable[Facts], prefix: str, set_prefix: str) -> dict[str, Any]:
    of, held = program.account[name].type, [facts.get(name) for facts in rows]
    if of.kind != "set":
        return {f"{prefix}{name}": pa.array([stored(value) for value in held], type=ARROW[of.kind])}
    found = {f"{prefix}{name}": pa.array([value is not None for value in held], type=pa.bool_())}
    for i, value in enumerate(of.values):
        found[f"{set_prefix}{name}__{i}"] = pa.array([value in (one or ()) for one in held], type=pa.bool_())
    return found


def stored(value: Any) -> Any:
    return zones.micros(value) if isinstance(value, datetime) else value


# ----------------------------------------------------------------------------------------------------- what is found

Told = tuple[str, int, str, int, bool | None, int | None, str]
"""Account, which rule, its id, the instant, whether it is violated, how many there were, and the facts told."""


def by_columns(world: World, judged: Iterable[Judged], connection: Any) -> list[Told]:
    """All that the tables hold, with facts in words."""
    parts = []
    for each in judged:
        facts = [in_words(each.table, name) for name in each.table.columns if name.startswith(("f_", "c_"))]
        words = facts[0] if facts else ibis.literal("")
        for one in facts[1:]:
            words += one
        parts.append(
            each.table.select(
                account=each.table.account_id,
                rule=ibis.literal(index_of(world.program, each.rule), type="int64"),
                about=ibis.literal(each.about),
                at=each.table.at,
                violated=each.table.violated,
                count=each.table["count"],
                facts=words,
            )
        )
    if not parts:
        return []
    found = connection.to_pyarrow(ibis.union(*parts) if len(parts) > 1 else parts[0]).to_pylist()
    rules = world.program.rules
    return sorted(
        (row["account"], row["rule"], rules[row["rule"]].id, row["at"], row["violated"], row["count"], row["facts"])
        for row in found
    )


def in_words(table: Any, name: str) -> Any:
    parts = [each for each in table.columns if each.startswith(f"s_{name[2:]}__")]
    if name.startswith("f_") and parts:
        words = ibis.literal("{")
        for each in parts:
            words += table[each].ifelse("1", "0")
        return table[name].ifelse(f"{name}=" + words + ";", "")
    column = table[name]
    value = column.ifelse("yes", "no") if column.type().is_boolean() else column.cast("string")
    return ibis.coalesce(f"{name}=" + value + ";", "")


def by_replay(world: World) -> list[Told]:
    found = []
    for account in world.accounts:
        judged = replay.judged(
            world.program,
            {name: value for name, value in account.present.items() if name in world.fields},
            account.events,
            at=world.at,
            fields=frozenset(world.fields),
            history_from=world.history_from,
            before=None if account.earlier is None else shown(account.earlier, world.fields),
            before_at=world.before_at,
        )
        found += [told(world.program, account, each) for each in judged]
    return sorted(found)


def shown(facts: Facts, fields: Iterable[str]) -> Facts:
    return {name: facts[name] for name in fields if name in facts}


def told(program: ir.Program, account: Account, found: Found) -> Told:
    words = {name.replace("account.", "f_").replace("change.", "c_"): value for name, value in found.facts.items()}
    names = [f"f_{name}" for name in program.account] + [f"c_{name}" for name in program.lifecycles]
    violated = True if found.status == "violated" else None
    text = "".join(f"{name}={worded(program, name, words[name])};" for name in names if name in words)
    return (
        account.id,
        index_of(program, found.rule),
        found.rule.id,
        zones.micros(found.at),
        violated,
        found.count,
        text,
    )


def worded(program: ir.Program, name: str, value: Any) -> str:
    if isinstance(value, frozenset):
        return "{" + "".join("1" if each in value else "0" for each in program.account[name[2:]].type.values)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(stored(value))


def index_of(program: ir.Program, rule: ir.Rule) -> int:
    return next(i for i, each in enumerate(program.rules) if each is rule)


def of_events(world: World, connection: Any) -> list[Judged]:
    return events.findings(
        world.program,
        world.inventory(connection),
        world.history(connection),
        at_micros=zones.micros(world.at),
        zone=world.zones,
        dialect=Dialect(connection.name),
        history_from=None if world.history_from is None else zones.micros(world.history_from),
        before=world.before(connection) if any(each.earlier is not None for each in world.accounts) else None,
        before_at=None if world.before_at is None else zones.micros(world.before_at),
    )


# -------------------------------------------------------------------------------------------------------- by example

SHOP = """
policy: shop
version: "1"
timezone: Asia/Shanghai
account:
  fields:
    type: {enum: [small, large, closed]}
    country: {enum: [cn, uk], fixed: true}
    seen: {type: date, outside: true}
    name: {type: string, settable: {limits: [{at_most: 2, per: year}]}}
    plan: {enum: [p, q], fixed: {in_force: {from: 2024-03-01}}, settable: {in_force: {until: 2024-03-01}}}
lifecycle:
  type:
    initial: small
    final: [closed]
    transitions:
      grow: {from: small, to: large, limit: once}
      shrink: {from: large, to: small, in_force: {until: 2024-06-01}}
      close: {from: [small, large], to: closed, never_after: [fined]}
actions:
  fined: {}
  send:
    limits:
      - {id: daily, at_most: 1, per: day, when: account.type == 'small'}
      - {id: rolling, at_most: 2, within: {days: 30}, when: account.type == 'large'}
      - {id: unseen, at_most: 0, per: lifetime, when: "!has(account.seen)"}
  mail: {limits: [{at_most: 0, per: lifetime, when: account.plan == 'p'}]}
"""


def shop(
    *happened: str,
    present: str = "type=large country=cn",
    at: str = "2025-01-01",
    history_from: str | None = None,
    earlier: str | None = None,
    before_at: str | None = None,
    told: str = "violated",
) -> list[str]:
    """What the columns and the replay both find: `2024-02-01 09:00 send` is an event in local time; `type=x` carries."""
    program = lawful.loads(SHOP).program
    zone = ZoneInfo(program.timezone)

    def instant(text: str) -> datetime:
        return calendar.instant_of(datetime.fromisoformat(text), zone)

    def facts(text: str) -> Facts:
        return dict(pair.split("=") for pair in text.split())

    recorded = []
    for each in happened:
        day, time, name, *carried = each.split()
        recorded.append(Happened(name, instant(f"{day} {time}"), facts(" ".join(carried))))
    account = Account("gh_1", facts(present), tuple(recorded), None if earlier is None else facts(earlier))
    world = World(
        program,
        (account,),
        at=instant(at),
        fields=("type", "country", "seen", "plan"),
        carried=("type",),
        history_from=None if history_from is None else instant(history_from),
        before_at=None if before_at is None else instant(before_at),
    )
    found = by_replay(world)
    assert by_columns(world, of_events(world, duckdb()), duckdb()) == found
    lines = []
    for _, _, rule, when, violated, count, _ in found:
        if ("violated" if violated else "unknown") == told:
            local = zones.instant(when).astimezone(zone).strftime("%Y-%m-%d %H:%M")
            lines.append(f"{local} {rule}" + ("" if count is None else f" {count}"))
    return lines


def test_a_second_upgrade_leaves_a_state_it_may_not_and_is_one_too_many() -> None:
    assert shop("2024-02-01 09:00 grow", "2024-03-01 09:00 grow") == [
        "2024-03-01 09:00 lifecycle.type.grow.limit 2",
        "2024-03-01 09:00 lifecycle.type.unlisted",
    ]


def test_nothing_leaves_a_final_state() -> None:
    assert shop("2024-02-01 09:00 close", "2024-03-01 09:00 grow") == ["2024-03-01 09:00 lifecycle.type.final"]


def test_a_move_is_judged_by_the_rules_of_its_day() -> None:
    moves = ("2024-02-01 09:00 grow", "2024-05-31 23:59 shrink")
    assert shop(*moves) == []
    assert shop("2024-02-01 09:00 grow", "2024-06-01 00:00 shrink") == ["2024-06-01 00:00 lifecycle.type.unlisted"]


def test_what_an_event_carries_of_the_account_is_believed() -> None:
    assert shop("2024-02-01 09:00 grow type=large") == ["2024-02-01 09:00 lifecycle.type.unlisted"]


def test_of_two_transitions_at_one_instant_nobody_knows_which_came_first() -> None:
    moves = ("2024-02-01 00:00 grow", "2024-02-01 00:00 shrink")
    assert shop(*moves) == []
    assert shop(*moves, told="unknown") == ["2024-02-01 00:00 lifecycle.type.unlisted"]


def test_each_exceeded_day_is_one_finding_that_begins_where_it_was_exceeded() -> None:
    sent = [f"2024-02-0{day} {hour}:00 send" for day in (1, 2) for hour in ("08", "09", "10")]
    assert shop(*sent, "2024-02-03 08:00 send", "2024-03-01 09:00 grow")[:2] == [
        "2024-02-01 09:00 actions.send.limits.daily 3",
        "2024-02-02 09:00 actions.send.limits.daily 3",
    ]


def test_a_limit_applies_in_the_state_of_its_time() -> None:
    sent = ("2024-02-01 08:00 send", "2024-02-01 09:00 send")
    assert shop("2024-01-01 09:00 grow", *sent) == []
    assert shop("2024-03-01 09:00 grow", *sent) == ["2024-02-01 09:00 actions.send.limits.daily 2"]


def test_each_run_that_exceeds_a_rolling_limit_is_one_finding_with_the_most_there_were() -> None:
    sent = [f"2024-0{month}-{day} 08:00 send" for month in (2, 7) for day in ("01", "10", "20", "25")]
    assert shop("2024-01-01 09:00 grow", *sent) == [
        "2024-02-20 08:00 actions.send.limits.rolling 4",
        "2024-07-20 08:00 actions.send.limits.rolling 4",
    ]


def test_what_was_not_recorded_is_not_taken_to_have_been_absent() -> None:
    """The event itself is no count worth telling."""
    assert shop("2024-02-01 08:00 send", told="unknown") == ["2024-02-01 08:00 actions.send.limits.unseen"]


def test_a_history_that_begins_late_leaves_open_what_came_before() -> None:
    sent = "2024-02-01 08:00 send"
    assert "2024-02-01 08:00 actions.send.limits.daily" in shop(
        sent, present="type=small", history_from="2024-02-01T07:00", told="unknown"
    )
    assert "2024-02-01 08:00 actions.send.limits.daily" not in shop(
        sent, present="type=small", history_from="2024-02-01", told="unknown"
    )


def test_what_must_never_have_been_is_found_whenever_it_was() -> None:
    assert shop("2019-02-01 08:00 fined", "2024-02-01 08:00 close") == [
        "2024-02-01 08:00 lifecycle.type.close.never_after 1"
    ]
    assert shop("2024-02-01 08:00 close", "2024-02-02 08:00 fined") == []


def test_no_request_sets_a_fixed_field_or_what_the_world_moves() -> None:
    assert shop("2024-02-01 08:00 set.country", "2024-02-01 08:00 set.seen") == [
        "2024-02-01 08:00 fields.country.fixed",
        "2024-02-01 08:00 fields.seen.unlisted",
    ]


def test_a_field_that_is_fixed_from_a_day_on_is_known_and_kept_from_then_on() -> None:
    assert shop("2024-02-29 08:00 set.plan", "2024-03-01 08:00 set.plan") == ["2024-03-01 08:00 fields.plan.fixed"]
    sent = ("2024-02-28 08:00 mail", "2024-03-02 08:00 mail")
    assert shop(*sent, present="type=small plan=p") == ["2024-03-02 08:00 actions.mail.limits.1 2"]


def test_a_field_that_was_not_fixed_throughout_may_have_moved_between_snapshots() -> None:
    moved = ("type=small plan=p", "type=small plan=q")
    assert differences(*moved, fields="type plan") == []
    assert differences(*moved, since=None, fields="type plan") == []
    assert differences(*moved, since="2024-03-01", fields="type plan") == [("fields.plan.fixed", "violated")]


def test_who_sets_a_field_is_taken_to_have_changed_it() -> None:
    names = [f"2024-0{month}-01 08:00 set.name" for month in (1, 2, 3)]
    assert shop(*names) == ["2024-03-01 08:00 fields.name.set.limits.1 3"]


def test_an_account_begins_as_it_must() -> None:
    assert shop("2024-02-01 08:00 register", present="type=large") == ["2024-02-01 08:00 lifecycle.type.initial"]
    assert shop("2024-02-01 08:00 register", "2024-03-01 08:00 grow", present="type=large") == []


def test_an_earlier_snapshot_says_what_was_then() -> None:
    moves, said = ("2024-03-01 09:00 grow",), {"before_at": "2024-02-01"}
    assert shop(*moves, earlier="type=large", **said) == ["2024-03-01 09:00 lifecycle.type.unlisted"]
    assert shop(*moves, earlier="type=small", **said) == []


def test_events_after_the_audit_are_not_judged() -> None:
    assert shop("2024-02-01 08:00 set.country", at="2024-01-01") == []


def differences(
    earlier: str | None, later: str, since: str | None = "2024-01-01", fields: str = "type country"
) -> list[tuple[str, str]]:
    program = lawful.loads(SHOP).program
    days = (None if since is None else date.fromisoformat(since), date(2024, 12, 31))
    before, after = (
        {} if text is None else dict(pair.split("=") for pair in text.split()) for text in (earlier, later)
    )
    found = replay.compared(
        program, None if earlier is None else before, after, days=days, fields=frozenset(fields.split())
    )
    return [(rule.id, status) for rule, status in found]


def test_a_difference_that_some_transitions_explain_is_no_finding() -> None:
    assert differences("type=small country=cn", "type=closed country=cn") == []
    assert differences("type=large country=cn", "type=small country=cn") == []
    assert differences("type=large country=cn", "type=small country=cn", since="2024-06-01") == [
        ("lifecycle.type.unlisted", "violated")
    ]
    assert differences("type=large country=cn", "type=small country=cn", since=None) == []


def test_nothing_explains_what_left_a_final_state_or_moved_a_fixed_field() -> None:
    assert differences("type=closed country=cn", "type=small country=uk") == [
        ("fields.country.fixed", "violated"),
        ("lifecycle.type.final", "violated"),
    ]


def test_a_new_account_has_an_initial_value() -> None:
    assert differences(None, "type=small") == []
    assert differences(None, "type=large") == [("lifecycle.type.initial", "violated")]


# ------------------------------------------------------------------------------------------------- drawn at random

STATES = ("a", "b", "c")
MOODS = ("calm", "wild")
TURNS = ("2018-11-05", "2024-02-29", "2024-03-31", "2024-10-27")
WINDOWS: tuple[dict[str, Any], ...] = (
    {"per": "lifetime"},
    {"per": "day"},
    {"per": "month"},
    {"per": "year"},
    {"within": {"days": 1}},
    {"within": {"days": 30}},
    {"within": {"months": 1}},
    {"within": {"months": 12}},
    {"within": {"months": 99999}},
)
WHENS = (
    "account.state == 'a'",
    "account.state != 'b' && account.mood == 'calm'",
    "account.region == 'north'",
    "!('vip' in account.tags)",
    "has(account.seen)",
    "!has(account.nick)",
    "!has(account.region) || account.region == 'south'",
    "!has(account.state)",
    "account.quota > 1",
    "count('send', 'month') > 1",
    "count('note', '30 days') == 0 || account.state == 'c'",
    "count('note', 'lifetime since 2024-03-31') == 0",
    "today >= date('2024-03-01')",
    "now < timestamp('2024-10-27T01:00:00Z')",
    "quiet",
    "request.ok",
    "'pay' in account.features",
    "account.level >= 2",
)
COUNTERS = ("account.quota", "account.level", "request.asked")
NAMES = (
    "send",
    "note",
    "go",
    "back",
    "turn",
    "expired",
    "register",
    "enable.pay",
    "set.nick",
    "set.region",
    "set.seen",
)
MOMENTS = tuple(each for each in drawing.MOMENTS if 1980 < each.year < 2100) + tuple(
    datetime(2024, month, day, hour, tzinfo=UTC)
    for month, day in ((1, 31), (2, 29), (3, 30), (3, 31))
    for hour in (0, 15, 16)
)
SHIFTS = (*drawing.SHIFTS, timedelta(days=1), timedelta(days=29), timedelta(days=30), timedelta(days=31))


class Author:
    """Writes a policy whose moves histories record, and accounts with such histories."""

    def __init__(self, pen: Pen, most: int = 20) -> None:
        self.pen = pen
        self.most = most
        """So many accounts: to translate a policy takes longer than to judge them."""

    def policy(self) -> dict[str, Any]:
        pen = self.pen
        return {
            "policy": "drawn",
            "version": "1",
            "timezone": pen.one(drawing.ZONES),
            "account": {
                "fields": {
                    "state": {"enum": list(STATES)},
                    "mood": {"enum": list(MOODS)},
                    "region": {"enum": ["north", "south"], **self.fixed()},
                    "tags": {"set": ["vip", "test"], **self.fixed()},
                    "quota": {"type": "int", **self.fixed()},
                    "joined": {"type": "timestamp", "fixed": True},
                    "level": "int",
                    "nick": {"type": "string", "settable": self.versions(self.guarded) if pen.chance(50) else {}},
                    "seen": {"type": "date", "outside": True},
                }
            },
            "request": {"fields": {"ok": "bool", "asked": "int"}},
            "conditions": {"quiet": "has(account.level) ? account.level < 2 : account.mood == 'calm'"},
            "lifecycle": {
                "state": {**self.ends(STATES), "transitions": {"go": self.steps(STATES), "back": self.steps(STATES)}},
                "mood": {**self.ends(MOODS), "transitions": {"turn": self.steps(MOODS)} if pen.chance(50) else {}},
            },
            "features": {"pay": self.versions(dict)},
            "actions": {
                "send": self.versions(self.guarded),
                "note": self.versions(self.guarded) if pen.chance(50) else {},
            },
            "events": {"expired": {}},
        }

    def fixed(self) -> dict[str, Any]:
        """Always, or on some days, on the others of which it may be set or not."""
        pen = self.pen
        if pen.chance(60):
            return {"fixed": True}
        turn = pen.one(TURNS)
        if pen.chance(50):
            period = {"from": turn, "until": "2024-11-01"} if pen.chance(30) else {"from": turn}
            settable = {**self.guarded(), "in_force": {"until": turn}}
        else:
            period, settable = {"until": turn}, {**self.guarded(), "in_force": {"from": turn}}
        return {"fixed": {"in_force": period}, **({"settable": settable} if pen.chance(60) else {})}

    def ends(self, states: tuple[str, ...]) -> dict[str, Any]:
        written: dict[str, Any] = {}
        if self.pen.chance(80):
            written["initial"] = list(self.pen.several(states, 2) or states[:1])
        self.final = states[-1:] if self.pen.chance(40) else ()
        return {**written, "final": list(self.final)}

    def steps(self, states: tuple[str, ...]) -> Any:
        def one() -> dict[str, Any]:
            leaving = [each for each in states if each not in self.final]
            sources = self.pen.several(leaving, 2) or tuple(leaving[:1])
            targets = self.pen.several(states, 2) or states[-1:]
            if set(sources) == set(targets) and len(targets) == 1:
                targets = tuple(each for each in states if each not in sources)[:1]
            return {**self.guarded(), "from": list(sources), "to": list(targets)}

        return self.versions(one)

    def versions(self, one: Any) -> Any:
        pen = self.pen
        if pen.chance(65):
            return one()
        turn = pen.one(TURNS)
        later = {"from": turn} if pen.chance(50) else {"from": "2024-11-01"}
        return [{**one(), "in_force": {"until": turn}}, {**one(), "in_force": later}]

    def guarded(self) -> dict[str, Any]:
        pen = self.pen
        written: dict[str, Any] = {}
        if pen.chance(50):
            written["limits"] = [self.limit() for _ in range(1 if pen.chance(80) else 2)]
        elif pen.chance(30):
            written["limit"] = "once"
        if pen.chance(25):
            written["never_after"] = list(pen.several(NAMES[:8], 2) or NAMES[:1])
        return written

    def limit(self) -> dict[str, Any]:
        pen = self.pen
        written: dict[str, Any] = {"at_most": pen.number(0, 2), **pen.one(WINDOWS)}
        if pen.chance(25):
            written["since"] = pen.one(TURNS)
        if pen.chance(40):
            written["of"] = list(pen.several(NAMES, 2) or NAMES[:1])
        if pen.chance(50):
            written["when"] = pen.one(WHENS)
        if pen.chance(20):
            written["counted_by"] = pen.one(COUNTERS)
        if pen.chance(30):
            written["in_force"] = {"from": pen.one(TURNS)}
            written["explanation"] = "{count} of {limit}, {account.region}, {account.level}, {account.mood}"
        return written

    def facts(self, known: int) -> dict[str, Any]:
        pen = self.pen
        pool: dict[str, Any] = {
            "state": pen.one(STATES),
            "mood": pen.one(MOODS),
            "region": pen.one(("north", "south")),
            "tags": frozenset(pen.several(("vip", "test"), 2)),
            "quota": pen.number(0, 3),
            "joined": pen.one(MOMENTS),
            "level": pen.number(0, 3),
            "nick": pen.one(("x", "")),
            "seen": pen.one((date(2024, 3, 1), date(1999, 1, 1))),
        }
        return {name: value for name, value in pool.items() if pen.chance(known)}

    def instant(self) -> datetime:
        if not hasattr(self, "around") or self.pen.chance(15):
            self.around = self.pen.one(MOMENTS)
        return self.around + self.pen.one(SHIFTS)

    def account(self, id: str, carried: tuple[str, ...]) -> Account:
        pen = self.pen
        self.around = pen.one(MOMENTS)
        names = pen.several(NAMES, 3) or NAMES[:1]
        happened = []
        for _ in range(pen.number(0, 7)):
            before = self.facts(pen.one((0, 50, 0))) if carried else {}
            name = pen.one(names)
            happened.append(Happened(name, self.instant(), {each: before[each] for each in carried if each in before}))
        earlier = self.facts(80) if pen.chance(60) else None
        return Account(id, self.facts(pen.one((90, 60))), tuple(happened), earlier)

    def world(self) -> World:
        pen = self.pen
        written, program = self.program()
        every = tuple(program.account)
        carried = pen.several(every, 4) if pen.chance(40) else ()
        fields = every if pen.chance(70) else tuple(each for each in every if pen.chance(70))
        accounts = tuple(self.account(f"gh_{n}", carried) for n in range(pen.number(1, self.most)))
        return World(
            program,
            accounts,
            at=datetime(2025, 1, 1, tzinfo=UTC) if pen.chance(70) else self.instant(),
            fields=fields,
            carried=carried,
            history_from=self.instant() if pen.chance(35) else None,
            before_at=self.instant() if pen.chance(50) else None,
            written=written,
        )

    def program(self) -> tuple[str, ir.Program]:
        """Two transitions may not make one step: where they do, others are drawn."""
        for _ in range(5):
            written = json.dumps(self.policy())
            try:
                return written, lawful.loads(written).program
            except lawful.PolicyError:
                continue
        return reject()  # type: ignore[return-value]  # it never returns


@st.composite
def worlds(draw: st.DrawFn) -> World:
    return Author(Pen(draw)).world()


SHARES = 3
"""Each example looks at so large a part of the rules: Ibis takes long to write their queries."""


@settings(max_examples=drawing.examples(10))
@given(worlds(), st.integers(0, SHARES - 1))
def test_columns_judge_recorded_moves_as_the_replay_does(world: World, share: int) -> None:
    world.noted()
    judged = [each for n, each in enumerate(of_events(world, duckdb())) if n % SHARES == share]
    rules = {index_of(world.program, each.rule) for each in judged}
    assert by_columns(world, judged, duckdb()) == [each for each in by_replay(world) if each[1] in rules]


@settings(max_examples=drawing.examples(9))
@given(worlds())
def test_columns_compare_snapshots_as_the_replay_does(world: World) -> None:
    world.noted()
    connection = duckdb()
    expected: Counter[tuple[str, int, bool | None]] = Counter()
    days = (
        None if world.before_at is None else calendar.day_of(world.before_at, world.zone),
        calendar.day_of(world.at, world.zone),
    )
    for each in world.accounts:
        for rule, status in replay.compared(
            world.program, each.earlier, each.present, days=days, fields=frozenset(world.fields)
        ):
            expected[each.id, index_of(world.program, rule), True if status == "violated" else None] += 1
    judged = snapshots.findings(
        world.program,
        world.inventory(connection),
        world.before(connection),
        at_micros=zones.micros(world.at),
        before_at=None if world.before_at is None else zones.micros(world.before_at),
        zone=world.zones,
    )
    found = Counter((one[0], one[1], one[4]) for one in by_columns(world, judged, connection))
    assert found == expected


STEP = ("field", "source", "target", "move", "in_force")


@settings(max_examples=drawing.examples(9))
@given(worlds())
def test_columns_see_the_steps_that_the_replay_sees(world: World) -> None:
    world.noted()
    connection = duckdb()
    expected = Counter(
        step for each in world.accounts for step in replay.edges(world.program, each.present, each.events, at=world.at)
    )
    found = connection.to_pyarrow(
        events.edges(
            world.program,
            world.history(connection),
            at_micros=zones.micros(world.at),
            zone=world.zones,
            dialect=Dialect(connection.name),
        )
    ).to_pylist()
    assert {tuple(r[name] for name in STEP): r["count"] for r in found} == expected


@settings(max_examples=drawing.examples(9))
@given(worlds(), st.data())
def test_columns_count_for_constraints_as_the_reference_does(world: World, data: st.DataObject) -> None:
    world.noted()
    connection, pen = duckdb(), Pen(data.draw)
    asked = [ir.Count(pen.several(NAMES, 3) or NAMES[:1], pen.one(drawing.WINDOWS)) for _ in range(pen.number(1, 3))]
    found = connection.to_pyarrow(
        events.counts(
            world.history(connection),
            asked,
            at_micros=zones.micros(world.at),
            zone=world.zones,
            dialect=Dialect(connection.name),
        )
    ).to_pylist()
    by_account = {row["account_id"]: [row[f"n_{i}"] for i in range(len(asked))] for row in found}
    since = None if world.history_from is None else zones.micros(world.history_from)
    for account in world.accounts:
        happened = tuple((each.event, each.at) for each in account.events if each.at <= world.at)
        whole_from = replay.EARLIEST if world.history_from is None else world.history_from
        history = History(happened, whole_from)
        for i, count in enumerate(asked):
            least, most = history.count(count.events, count.window, world.at, world.zone)
            assert by_account.get(account.id, [0] * len(asked))[i] == least
            assert events.covered(count, zones.micros(world.at), since, world.zones) == (most is not None)


# ------------------------------------------------------------------------------------------------- windows by themselves


@dataclass(frozen=True)
class Lapse:
    """Events of a few accounts, close to one another, and what is counted of them."""

    zone: str
    events: tuple[tuple[str, str, datetime], ...]
    counts: tuple[ir.Count, ...]
    history_from: datetime


@st.composite
def lapses(draw: st.DrawFn) -> Lapse:
    pen = Pen(draw)
    found = []
    for account in ("gh_0", "gh_1"):
        around = pen.one(MOMENTS)
        for _ in range(pen.number(1, 8)):
            if pen.chance(10):
                around = pen.one(MOMENTS)
            shift = timedelta(days=pen.one((0, 0, 1, 29, 30, 31, 60)), hours=pen.one((0, 0, -1, 1, 9)))
            found.append((account, pen.one(NAMES[:3]), around + shift + timedelta(microseconds=pen.one((0, 0, 1, -1)))))
    counts = (ir.Count(pen.several(NAMES[:3], 2) or NAMES[:1], pen.one(drawing.WINDOWS)) for _ in range(3))
    return Lapse(pen.one(drawing.ZONES), tuple(found), tuple(dict.fromkeys(counts)), pen.one(found)[2])


@settings(max_examples=drawing.examples(120))
@given(lapses())
def test_windows_count_at_every_event_as_the_reference_does(lapse: Lapse) -> None:
    connection, zone = duckdb(), ZoneInfo(lapse.zone)
    instants = [zones.micros(at) for _, _, at in lapse.events]
    whole = Zone.of(zone, min(instants), max(instants))
    clock = windows.Clock(whole, Dialect(connection.name))
    rows = table(
        connection,
        "events",
        pa.table(
            {
                "row": pa.array(range(len(instants)), type=pa.int64()),
                "account_id": pa.array([account for account, _, _ in lapse.events]),
                "event": pa.array([event for _, event, _ in lapse.events]),
                "at": pa.array(instants, type=pa.int64()),
            }
        ),
    )
    since = zones.micros(lapse.history_from)
    counted = windows.running(clock.dated(rows), lapse.counts, clock, max(instants))
    covered = {f"c_{i}": clock.covered(each.window, counted, since) for i, each in enumerate(lapse.counts)}
    found = {row["row"]: row for row in connection.to_pyarrow(counted.mutate(**covered)).to_pylist()}
    assert sorted(found) == list(range(len(instants)))
    for row, (account, _, at) in enumerate(lapse.events):
        by_then = History(
            tuple((event, when) for one, event, when in lapse.events if one == account and when <= at),
            lapse.history_from,
        )
        for i, each in enumerate(lapse.counts):
            least, most = by_then.count(each.events, each.window, at, zone)
            assert found[row][f"n_{i}"] == least, each
            assert found[row][f"c_{i}"] == (most is not None), each
