"""Validation: what msgspec takes is read as the thorough reading reads it; the rest it leaves to that."""

from __future__ import annotations

import copy
import json
import pickle
import re
import sqlite3
import subprocess
import sys
from collections import ChainMap, UserDict
from contextlib import closing
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import IntEnum, StrEnum
from fractions import Fraction
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import drawing
import lawful
from lawful.question import Question
from lawful.reading import Reader, from_json
from lawful.scalar import Scalar

POLICY = lawful.loads("""
policy: forms
version: "1"
timezone: America/Sao_Paulo
account:
  id: key
  fields:
    kind: {enum: [a, b, 2025-03-01]}
    flag: bool
    number: int
    small: {type: int, min: 0, max: 10, default: 3}
    name: string
    day: date
    late: {type: date, min: 2025-01-01, max: 2025-12-31}
    moment: timestamp
    soon: {type: timestamp, min: 2025-01-01T00:00:00Z, max: 2025-12-31T00:00:00Z}
    tags: {set: [a, b]}
    stage: {enum: [x, y, z]}
lifecycle:
  stage: {initial: [x], transitions: {step: {from: x, to: y}, leap: {from: [x, y], to: z}}}
request:
  fields:
    consent: bool
    since: {type: date, default: 2020-01-01}
    with: {set: [a, b]}
features:
  chat: {}
  pay: {}
actions:
  send: {}
  a: {}
""")
READER = Reader(POLICY.program, ZoneInfo("America/Sao_Paulo"))


class Word(StrEnum):
    A = "a"


class Digit(IntEnum):
    ONE = 1


class Own(dict[str, Any]):
    """A dict of somebody else's."""


class Stamp(datetime):
    """As pandas' own: finer than Python's."""

    nanosecond = 789


ODD = "2025-03-01 2025-02-30 0000-01-01 0999-12-31 2025-W10-1 2025-03-01T09:00:00+08:00 2025-03-01T24:00:00+08:00"
ODD += " 2025-W10-1T09:00:00+08:00 2025-03-01T09:00:00.5Z 2025-03-01T09:00:00.1234567Z 2025-03-01T09:00:60Z"
ODD += " 0001-01-01T00:00:00+08:00 9999-12-31T23:59:59-08:00 2025-03-01T09:00:00+25:00 2025-03-01T09:00:00Z"
ODD += " 2025-03-01T09:00:00-00:00 2025-03-01T09:00:00+23:59 2025-03-01T09:00 2025-03-01T09:00:00 1735689600 1e3"
ODD += " 2025-03-01T09:00:00+0800 2025-03-01T09:00:00+08 0001-01-01T00:00:00Z 2025-03-01T09:00:00.9999999Z"
ODD += " 2018-11-04T00:30:00 2018-11-04 20250301 2025-3-1 2025-03-01T09:00:00−08:00"
ODD += " ２025-03-01 2025-03-01t09:00:00+08:00 a b A true 1 chat pay send register set.kind enable.chat"
TEXTS = st.sampled_from(
    [*ODD.split(), "", "\ud800", "2025-03-01 09:00:00+08:00", '"', "\\", 'a"', "公众号", "2025-03-01\n"]
)
ZONES = st.sampled_from([UTC, timezone(timedelta(hours=8)), ZoneInfo("Asia/Shanghai")])
GIVEN = st.one_of(
    TEXTS,
    TEXTS.map(Scalar),
    st.sampled_from([Word.A, "a", b"2025-03-01", bytearray(b"2025-03-01T09:00:00Z"), b"a"]),
    st.sampled_from([Digit.ONE, 1.0, -0.0, Decimal(1), Fraction(1), np.int64(1), np.float64(1), np.bool_(True)]),
    st.sampled_from([np.str_("a"), np.datetime64("2025-03-01"), Stamp(2025, 3, 1, tzinfo=UTC), ("a",), [["a"]], {}]),
    st.sampled_from([Own(kind="a"), Own(), UserDict(kind="a"), frozenset(["a"]), np.array(["a"]), [[[[[]]]]]]),
    st.text(max_size=26),
    st.integers(-(2**70), 2**70),
    st.integers(-1, 11),
    st.booleans(),
    st.none(),
    st.floats(),
    st.dates(),
    st.datetimes(),
    st.datetimes(timezones=ZONES),
    st.lists(TEXTS, max_size=3),
    st.sets(TEXTS, max_size=2),
    st.datetimes(timezones=ZONES).map(datetime.isoformat),
    st.datetimes().map(datetime.isoformat),
    st.datetimes(timezones=ZONES).map(lambda each: each.replace(microsecond=0).isoformat()),
    st.dates().map(date.isoformat),
)
FITTING = {
    "kind": st.sampled_from(["a", "b", "2025-03-01"]),
    "flag": st.booleans(),
    "number": st.integers(-(2**63), 2**63 - 1),
    "small": st.integers(0, 10),
    "name": st.text(max_size=8),
    "day": st.dates().map(date.isoformat),
    "late": st.dates(date(2025, 1, 1), date(2025, 12, 31)).map(date.isoformat),
    "moment": st.datetimes(timezones=ZONES).map(datetime.isoformat),
    "soon": st.sampled_from(["2025-03-01T09:00:00+08:00", "2025-01-01T00:00:00Z"]),
    "tags": st.lists(st.sampled_from("ab"), max_size=3),
    "stage": st.sampled_from("xyz"),
    "features": st.lists(st.sampled_from(["chat", "pay"]), max_size=3),
    "key": st.one_of(st.integers(), st.text(max_size=4)),
    "consent": st.booleans(),
    "since": st.dates().map(date.isoformat),
    "with": st.lists(st.sampled_from("ab"), max_size=3),
    "extra": GIVEN,
}


def facts(names: str, *, odd: bool) -> st.SearchStrategy[dict[str, Any]]:
    """Some of those fields, mostly as they should be."""
    optional = {name: st.one_of(FITTING[name], FITTING[name], st.none(), GIVEN) if odd else FITTING[name]
                for name in names.split()}  # fmt: skip
    return st.fixed_dictionaries({}, optional=optional)


def changes(*, odd: bool) -> st.SearchStrategy[Any]:
    features, actions = st.sampled_from(["chat", "pay"]), st.sampled_from(["send", "a"])
    usual = st.one_of(
        facts("kind flag number small name day late moment soon tags stage", odd=odd).map(lambda each: {"set": each}),
        facts("stage", odd=odd).map(lambda each: {"set": each}),
        features.map(lambda each: {"enable": each}),
        features.map(lambda each: {"disable": each}),
        actions.map(lambda each: {"do": each}),
        st.just({"register": {}}),
    )
    strange = st.dictionaries(st.sampled_from(["set", "do", "enable", "register", "x"]), GIVEN, max_size=2)
    return st.one_of(usual, usual, usual, strange, GIVEN) if odd else usual


def _to_the_second(at: datetime) -> str:
    return at.replace(microsecond=0).isoformat()


def requests(*, odd: bool) -> st.SearchStrategy[dict[str, Any]]:
    happened = st.sampled_from(["send", "a", "set.kind", "enable.chat", "register", "step"])
    moments = st.one_of(*[st.datetimes(timezones=each).map(_to_the_second) for each in (ZONES, ZONES, st.none())])
    event = st.fixed_dictionaries({"event": happened, "at": moments})
    if odd:
        event = st.one_of(
            event, event, event.map(Own), st.fixed_dictionaries({}, optional={"event": GIVEN, "at": GIVEN, "x": GIVEN})
        )
    account = "kind flag number small name day late moment soon tags stage features key" + (" extra" if odd else "")
    optional: dict[str, Any] = {
        "account": facts(account, odd=odd),
        "request": facts("consent since with" + (" extra" if odd else ""), odd=odd),
        "history": st.lists(event, max_size=3),
        "history_from": st.one_of(FITTING["day"], moments),
        "at": st.one_of(FITTING["day"], moments, GIVEN) if odd else st.one_of(FITTING["day"], moments),
    }
    if odd:
        optional |= {"x": GIVEN, "changes": st.lists(changes(odd=True), max_size=3), "change": changes(odd=True)}
        return st.fixed_dictionaries({}, optional=optional)
    one = st.fixed_dictionaries({"change": changes(odd=False)}, optional=optional)
    many = st.fixed_dictionaries({"changes": st.lists(changes(odd=False), min_size=1, max_size=3)}, optional=optional)
    return st.one_of(one, many)


def thorough(given: dict[str, Any]) -> Question | None:
    try:
        return READER._thorough(given, asks=True)
    except lawful.RequestError:
        return None


def forms(value: object) -> object:
    """What tells values apart that are equal: `True` from 1, a text from a member of an enumeration."""
    if isinstance(value, dict):
        return {name: forms(each) for name, each in value.items()}
    return (type(value), value)


def same(quick: Question, careful: Question) -> None:
    for one, other in zip(quick.changes, careful.changes, strict=True):
        assert (one.kind, one.name, forms(one.values)) == (other.kind, other.name, forms(other.values))
    for part in ("account", "facts"):
        assert forms(getattr(quick, part).known()) == forms(getattr(careful, part).known())
    assert forms(quick.features) == forms(careful.features)
    assert quick.events() == careful.events()
    assert (quick.whole_from, quick.at, quick.today, quick.key) == (
        careful.whole_from,
        careful.at,
        careful.today,
        careful.key,
    )
    assert all(each.tzinfo is UTC for each in (quick.at, *quick.account.known().values()) if isinstance(each, datetime))


def shown(value: object) -> object:
    """As `repr`, whatever order a set has."""
    if isinstance(value, dict):
        return {name: shown(each) for name, each in value.items()}
    return sorted(value) if isinstance(value, set) else repr(value)


def pinned(request: dict[str, Any]) -> dict[str, Any]:
    return request if request.get("at") is not None else {**request, "at": "2025-03-01"}


@drawing.settings(max_examples=drawing.examples(800))
@given(requests(odd=True))
def test_a_mapping_that_is_validated_is_read_alike(request: dict[str, Any]) -> None:
    request = pinned(request)
    was = shown(request)
    quick = READER.validator.python(request)
    assert shown(request) == was, "what was given is changed"
    if quick is not None:
        careful = thorough(request)
        assert careful is not None
        same(quick.question(), careful)


@drawing.settings(max_examples=drawing.examples(800))
@given(requests(odd=True), st.booleans())
def test_a_text_that_is_validated_is_read_alike(request: dict[str, Any], escaped: bool) -> None:
    text = json.dumps(pinned(request), default=str, ensure_ascii=escaped)
    quick = READER.validator.json(text.encode(errors="surrogatepass"))
    if quick is not None:
        careful = thorough(json.loads(text))
        assert careful is not None
        same(quick.question(), careful)


TOKEN = re.compile(rb'"(?:[^"\\\\]|\\\\.)*"|[-0-9.eE+]+|null|true|false|[][{},:]| +')
DAMAGE = rb"""1.0 1e2 -0 01 3 1.5 NaN -Infinity null true "a" "a,b" "\u0061" "\ud800" "x" {} [] [null] ["a","a"] {"a":1} , : [ ] { } "
9223372036854775808 18446744073709551616 1e999 "2025-03-01T09:00:00+0800" "2025-03-01t09:00:00Z" "2025-03-01T09:00:60Z"
"2025-03-01T09:00:00.1234567Z" "2025-03-01T24:00:00Z" "2025-03-01" "2025-02-30" "kind" "set" "features" "at" "x":1,
"kind":null, "stage":"x", ,"small":1 "set":{}, "\u0061t":null, /**/""".split()
DAMAGE += [b'"\xff"', b'"\xed\xa0\x80"', b"\xef\xbb\xbf", b"\xc3", b"\x00", b"\n", b" ", b"[" * 2000]


@drawing.settings(max_examples=drawing.examples(500))
@given(requests(odd=False), st.data())
def test_a_damaged_text_that_is_validated_is_read_alike(request: dict[str, Any], data: st.DataObject) -> None:
    """In one to three places: some of it is put in, taken out, put in the place of other, or repeated elsewhere."""
    tokens = TOKEN.findall(json.dumps(pinned(request)).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(tokens)))
        cut = data.draw(st.sampled_from([0, 1, 1, 4]))
        begin = data.draw(st.integers(0, len(tokens)))
        again = tokens[begin : begin + data.draw(st.sampled_from([4, 5, 8]))]
        tokens[place : place + cut] = data.draw(st.sampled_from([again, [], *([each] for each in DAMAGE)]))
    text = b"".join(tokens)
    quick = READER.validator.json(text)
    if quick is not None:
        given = from_json(text)
        careful = thorough(given)
        assert careful is not None
        if given.get("at") is not None:  # without it each is of its own moment
            same(quick.question(), careful)


@drawing.settings(max_examples=drawing.examples(300))
@given(requests(odd=False))
def test_the_usual_forms_are_validated_and_read_alike(request: dict[str, Any]) -> None:
    """Validated where the thorough reading finds nothing wrong, and nothing is rare: a year 1, an old offset, a local time."""
    request = pinned(request)
    text = json.dumps(request, ensure_ascii=False)
    careful = thorough(request)
    for quick in (READER.validator.python(request), READER.validator.json(text.encode(errors="surrogatepass"))):
        if quick is not None:
            assert careful is not None
            same(quick.question(), careful)
    local = re.search(r"T[0-9:.]+\"", text)
    rare = re.search(r'"0|\\|"[3-9][0-9]{3}-|[+-][0-9]{2}:[0-9]{2}:[0-9]{2}"', text)
    if careful is not None and not rare and not local:
        assert READER.validator.python(request) is not None
        assert READER.validator.json(text.encode(errors="surrogatepass")) is not None


@drawing.settings(max_examples=drawing.examples(300))
@given(requests(odd=False), st.data())
def test_a_key_that_stands_twice_is_never_validated(request: dict[str, Any], data: st.DataObject) -> None:
    text = json.dumps(pinned(request), ensure_ascii=data.draw(st.booleans()))
    members = [each.end() for each in re.finditer(r"[{,] ?(?=\")", text) if _is_member(text, each.end())]
    place = data.draw(st.sampled_from(members))
    key = json.loads(re.match(r'"(?:[^"\\]|\\.)*"', text[place:])[0])  # type: ignore[index]
    written = data.draw(st.sampled_from([json.dumps(key), "".join(f"\\u{ord(each):04x}" for each in key).join('""')]))
    value = data.draw(st.sampled_from(["null", "1", '"a"', '"2025-03-01"', "{}", "[]", "true", '"\\""']))
    for twice in (
        text[:place] + f"{written}: {value}, " + text[place:],
        text[:place] + f"{written} :{value}," + text[place:],
    ):
        assert READER.validator.json(twice.encode()) is None
        with pytest.raises(lawful.RequestError):
            READER.any(twice)


def _is_member(text: str, place: int) -> bool:
    """Whether a key stands there: the texts that were drawn hold neither braces nor commas in an odd place."""
    try:
        doubled = json.loads(text[:place] + '"?": 0, ' + text[place:])
    except ValueError:
        return False
    return _keys(doubled) == _keys(json.loads(text)) + 1


def _keys(value: object) -> int:
    if isinstance(value, dict):
        return len(value) + sum(_keys(each) for each in value.values())
    return sum(_keys(each) for each in value) if isinstance(value, list) else 0


@pytest.mark.parametrize("change", [{"set": {"name": "\ud800"}}, {"do": "send"}])
def test_half_a_character_is_refused_in_every_form(change: dict[str, Any]) -> None:
    request = {"account": {"name": "a\ud800"}, "change": change}
    forms = [request, json.dumps(request), json.dumps(request).encode(), {**request, "account": {"key": "\ud800"}}]
    for form in forms:
        with pytest.raises(lawful.RequestError, match="half a character"):
            POLICY.check(form)


def test_no_more_than_a_thousand_mistakes_are_told() -> None:
    many = 20_000
    wrong: list[dict[str, Any]] = [
        {"history": [None] * many},
        {"history": [{"event": "sent", "at": "x"}] * many},
        {"account": {f"k{index}": 1 for index in range(many)}},
        {"account": {"features": [f"f{index}" for index in range(many)]}},
        {"request": {f"k{index}": 1 for index in range(many)}},
        {f"k{index}": 1 for index in range(many)},
    ]
    for part in wrong:
        with pytest.raises(lawful.RequestError) as told:
            POLICY.check({"change": {"do": "send"}, **part})
        assert len(told.value.problems) == 1000
    with pytest.raises(lawful.RequestError) as told:
        POLICY.check("{" + ", ".join(f'"k{index}": 1, "k{index}": 2' for index in range(many)) + "}")
    assert len(told.value.problems) == 1000


def test_an_instant_that_is_told_can_be_read_again() -> None:
    shanghai = lawful.load("wechat")
    early = shanghai.check(account={}, change={"do": "certify"}, at="1850-01-01T00:00:00Z")
    assert early.at.endswith("+08:05:43")
    assert shanghai.check(account={}, change={"do": "certify"}, at=early.at).at == early.at


def test_a_policy_without_features_knows_none() -> None:
    gate = lawful.loads(
        "policy: g\nversion: '1'\naccount: {fields: {age: int}}\nactions: {in: {requires: account.age >= 18}}\n"
    )
    nothing = '{"account": {"features": [null], "age": 18}, "change": {"do": "in"}}'
    twice = '{"account": {"features": [null], "age": 17, "age": 18}, "change": {"do": "in"}}'
    unknown = '{"account": {"features": [null], "agee": 17, "age": 18}, "change": {"do": "in"}}'
    for text in (nothing, twice, unknown):
        with pytest.raises(lawful.RequestError):
            gate.check(text)
    for asked in ({"enable": None}, {"enable": "x"}, {"disable": None}):
        with pytest.raises(lawful.RequestError):
            gate.check(account={"age": 18}, change=asked)
    with pytest.raises(lawful.RequestError):
        gate.check(json.loads(nothing))


def test_the_order_in_which_fields_are_set_decides_nothing() -> None:
    both = lawful.loads("""
policy: both
version: "1"
account: {fields: {a: {type: int, settable: {effects: {m: "1"}}}, b: {type: int, settable: {effects: {m: "2"}}}, m: int}}
constraints: {few: {requires: account.m < 2}}
""")
    rulings = {
        both.checker()({"account": {"m": 0}, "change": {"set": asked}, "history": history})
        for asked in ({"a": 1, "b": 1}, {"b": 1, "a": 1})
        for history in ([], ())
    }
    assert len(rulings) == 1


def test_a_question_shows_no_facts_and_survives_copying() -> None:
    question = POLICY.read({"account": {"name": "secret"}, "change": {"do": "send"}, "at": "2025-03-01"})
    assert repr(question) == "<Question do send at 2025-03-01T03:00:00+00:00, read by forms 1>"
    for other in (copy.deepcopy(question), pickle.loads(pickle.dumps(question))):
        assert POLICY.checker()(other).verdict == "allow"


def test_a_checker_that_was_used_can_be_pickled() -> None:
    checker = POLICY.checker()
    request = {"account": {"kind": "a"}, "change": {"do": "send"}}
    assert checker(request).allowed
    assert checker.allows(request)
    assert pickle.loads(pickle.dumps(checker))(request).allowed


def test_a_number_in_quotes_is_no_date() -> None:
    for day in ("1735689600", "1e3", "20250301"):
        with pytest.raises(lawful.RequestError, match="is not a date"):
            POLICY.read(json.dumps({"account": {"day": day}, "change": {"do": "send"}}))


def test_a_week_is_no_day() -> None:
    event = {"event": "send", "at": "2025-W09-1T08:00:00+08:00"}
    with pytest.raises(lawful.RequestError, match="is not a timestamp"):
        POLICY.read({"history": [event], "change": {"do": "send"}})


def test_what_was_read_is_asked_again() -> None:
    request = {"account": {"kind": "a"}, "change": {"do": "send"}, "at": "2025-03-01"}
    question = POLICY.read(request)
    assert POLICY.check(question) == POLICY.check(request)
    assert POLICY.read(question) is question


def test_another_policy_refuses_what_this_one_read() -> None:
    question = POLICY.read({"account": {"kind": "a"}, "change": {"do": "send"}})
    with pytest.raises(lawful.RequestError, match="was read by another policy, forms 1"):
        lawful.load("wechat").check(question)
    with pytest.raises(lawful.RequestError, match="takes no further parts"):
        POLICY.check(question, at="2025-03-01")


class NoTime(datetime):
    """As pandas' `NaT`: an instant by its type, and none."""

    def date(self) -> Any:
        raise ValueError("no time")


@pytest.mark.parametrize("given", [Stamp(2025, 3, 1, tzinfo=UTC), NoTime(2025, 3, 1, tzinfo=UTC)])
def test_instants_of_another_class_are_refused_where_python_has_none_such(given: datetime) -> None:
    event = {"event": "send", "at": given}
    for request in ({"account": {"moment": given}}, {"history": [event]}, {"at": given}):
        with pytest.raises(lawful.RequestError):
            POLICY.check({"change": {"do": "send"}, **request})


def test_an_instant_is_exact_to_the_microsecond() -> None:
    fine, finer = "2025-03-01T09:00:00.123456Z", "2025-03-01T09:00:00.1234567Z"
    for at in (fine, finer):
        for part in ({"account": {"moment": at}}, {"history": [{"event": "send", "at": at}]}, {"at": at}):
            request = {"change": {"do": "send"}, **part}
            for form in (request, json.dumps(request), json.dumps(request).encode()):
                if at == fine:
                    assert POLICY.checker()(form).allowed
                else:
                    with pytest.raises(lawful.RequestError, match="is not a timestamp"):
                        POLICY.checker()(form)


@pytest.mark.parametrize("change", [{"do": "send", "x": 1}, {"set": {"flag": True, "flg": True}}])
def test_unknown_keys_of_a_change_are_refused(change: dict[str, Any]) -> None:
    for request in ({"change": change}, {"changes": [{"do": "a"}, change]}):
        for form in (request, json.dumps(request), json.dumps(request).encode()):
            with pytest.raises(lawful.RequestError):
                POLICY.checker()(form)


@pytest.mark.parametrize("kind", [MappingProxyType, UserDict, ChainMap])
def test_unknown_keys_are_refused_in_mappings_of_every_class(kind: Any) -> None:
    known = {
        "account": kind({"kind": "a"}),
        "change": kind({"do": "send"}),
        "history": [kind({"event": "a", "at": "2025-03-01"})],
    }
    assert POLICY.checker()(kind(known)).allowed
    for wrong in (
        {**known, "x": 1},
        {**known, "account": kind({"knd": "a"})},
        {**known, "request": kind({"consnt": True})},
        {**known, "change": kind({"set": kind({"flag": True, "flg": True})})},
        {**known, "history": [kind({"event": "a", "at": "2025-03-01", "x": 1})]},
        {"change": {"do": "send"}, "account": kind({"knd": "a"})},
        {"change": {"do": "send"}, "request": kind({"consnt": True})},
        {"change": {"set": kind({"flag": True, "flg": True})}},
        {"change": {"do": "send"}, "history": [kind({"event": "a", "at": "2025-03-01T09:00:00Z", "x": 1})]},
    ):
        for form in (wrong, kind(wrong)):
            with pytest.raises(lawful.RequestError):
                POLICY.checker()(form)


def test_a_row_that_is_no_mapping_is_told_to_be_none() -> None:
    row = sqlite3.connect(":memory:")
    row.row_factory = sqlite3.Row
    with closing(row), pytest.raises(lawful.RequestError, match="account"):
        POLICY.check(account=row.execute("select 'a' as kind").fetchone(), change={"do": "send"})


@pytest.mark.parametrize(
    "name", ["class", "__module_", "__v", "__slots_", "__post_init_", "names", "known", "identity"]
)
def test_fields_may_have_any_name(name: str) -> None:
    policy = lawful.loads(f"""
policy: p
version: "1"
account: {{fields: {{{name}: {{type: int, settable: {{requires: "account.{name} > 1"}}}}}}}}
actions: {{go: {{requires: account.{name} == 5}}}}
""")
    for value, verdict in ((5, "allow"), (4, "deny"), (None, "undetermined")):
        request = {"account": {name: value}, "change": {"do": "go"}}
        for form in (request, json.dumps(request).encode(), policy.read(request)):
            assert policy.checker()(form).verdict == policy.check(form).verdict == verdict
    assert pickle.loads(pickle.dumps(policy.read({"account": {name: 1}, "change": {"do": "go"}}))).account.known() == {
        name: 1
    }


def test_an_account_may_be_identified_by_its_features() -> None:
    policy = lawful.loads('policy: p\nversion: "1"\naccount: {id: features, fields: {a: int}}\nactions: {go: {}}\n')
    assert policy.check({"change": {"do": "go"}, "account": {"a": 1}}).verdict == "allow"


def test_a_text_may_look_like_the_end_of_a_line_of_python() -> None:
    policy = lawful.loads("""
policy: p
version: "1"
account: {fields: {a: string}}
actions: {go: {requires: "account.a == '# ' && today > date('2020-01-01')"}}
""")
    assert policy.checker()({"account": {"a": "# "}, "change": {"do": "go"}}).allowed
    assert policy.allows({"account": {"a": "# "}, "change": {"do": "go"}})


CROWD = """
import sys, threading
import lawful

fields = ", ".join(f"f{n}: {{type: int, settable: {{}}}}" for n in range(200))
program = lawful.loads(f'policy: p\\nversion: "1"\\naccount: {{fields: {{{fields}}}}}\\n').program
request = {"account": {"f1": 1}, "change": {"set": {"f1": 2}}, "history": [], "at": "2025-03-01"}
sys.setswitchinterval(1e-6)
for _ in range(40):
    checker, all_here = lawful.Policy(program).checker(), threading.Barrier(8)

    def ask():
        all_here.wait()
        assert all(checker(request).allowed for _ in range(5))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
"""


def test_threads_may_be_the_first_to_ask_together() -> None:
    """In a process of its own: what went wrong here ended it."""
    done = subprocess.run([sys.executable, "-c", CROWD], capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
