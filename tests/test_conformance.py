"""Cases of expressions: what each engine, and CEL's own evaluator, is asked and gives."""

from __future__ import annotations

import json
import runpy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import drawing
import lawful
from drawing import Pen
from lawful import conformance, ir
from lawful.conformance import Judges, Result, read_case
from lawful.diagnostics import RequestError
from lawful.engines import direct, reference
from lawful.reading import from_json

ROOT = Path(__file__).parent.parent
T = {"timestamp": "2024-02-29T12:00:00Z"}


def result(expr: str, value: Any = None, program: ir.Program | None = None, **bindings: Any) -> Result:
    return Judges(program).result(read_case({"expr": expr, "bindings": bindings, "value": value}))


@pytest.mark.parametrize(
    ("expr", "bindings", "value"),
    [
        ("x", {"x": True}, True),
        ("x * 2", {"x": 2**62 - 1}, 2**63 - 2),
        ("x * 2", {"x": 2**62}, None),
        ("x", {"x": "订阅号 😀"}, "订阅号 😀"),
        ("x", {"x": {"string": ""}}, ""),
        ("x.matches('b')", {"x": "a\0b"}, True),
        ("x in xs", {"x": 3, "xs": [1, 2, 3]}, True),
        ("xs", {"xs": [{"duration": "1s"}, {"duration": "60s"}]}, [{"duration": "1s"}, {"duration": "1m"}]),
        ("xs.exists(x, x == 'b')", {"xs": {"set": ["a", "b"]}}, True),
        ("xs", {"xs": {"set": ["b", "a"]}}, {"set": ["a", "b"]}),
        ("xs", {"xs": {"set": ["b", "a"]}}, ["a", "b"]),
        ("[]", {}, []),
        ("t + d", {"t": T, "d": {"duration": "-0.000001s"}}, {"timestamp": "2024-02-29T11:59:59.999999Z"}),
        ("t - timestamp('1970-01-01T00:00:00Z')", {"t": T}, {"duration": "474780h"}),
        ("t - u", {"t": T, "u": {"timestamp": "1700-01-01T00:00:00Z"}}, None),
        ("d < duration('1h')", {"d": {"duration": "59m"}}, True),
        ("addMonths(day, 1)", {"day": {"date": "2024-01-31"}}, {"date": "2024-02-29"}),
        ("daysBetween(date(t), day)", {"t": T, "day": {"date": "2024-03-01"}}, 1),
        ("false && x / 0 > 1", {"x": 1}, False),
        ("x / 0 > 1 ? 1 : 2", {"x": 1}, None),
        ("true", {"true": False}, True),
    ],
)
def test_what_is_right(expr: str, bindings: dict[str, Any], value: Any) -> None:
    found = result(expr, value, **bindings)
    assert (found.outcome, found.outside, found.wrong) == ("right", (), ())
    assert {"reference", "direct"} <= set(found.given)


@pytest.mark.parametrize(
    ("expr", "value"),
    [
        ("1 == 1", 1),
        ("1", True),
        ("1", None),
        ("1 / 0", 1),
        ("[1]", [True]),
        ("[1, 2]", [2, 1]),
        ("'a'", {"date": "2024-01-01"}),
        ("1 == 1", None),
    ],
)
def test_what_is_wrong_is_wrong_of_every_engine(expr: str, value: Any) -> None:
    found = result(expr, value)
    assert found.outcome == "wrong"
    assert set(found.wrong) == set(found.given)
    assert "cel" in found.given


def test_an_engine_that_gives_another_value_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(direct, "value", lambda expr, situation: 7)
    found = result("x + 1", 6, x=5)
    assert (found.outcome, found.wrong, found.given["direct"]) == ("wrong", ("direct",), 7)
    monkeypatch.setattr(reference, "evaluate", lambda expr, situation: 7)
    assert "reference" in result("x + 1", 6, x=5).wrong


@pytest.mark.parametrize(
    ("expr", "value", "reason"),
    [
        ("1.5", 1, ("not-in-profile", "numbers with a fraction are outside the profile")),
        ("nothing", 1, ("unknown-name", "there is no condition or name `nothing`")),
        ("1", 1.5, ("other-type", "a number with a fraction")),
        ("1", 2**64, ("other-type", "a number of more than 64 bits")),
        ("1", {"bytes": "YQ=="}, ("other-type", "bytes")),
        ("1", {"null": None}, ("other-type", "null")),
        ("1", [1, "a"], ("other-type", "a list of several types")),
        ("1", [[1]], ("other-type", "a list of lists")),
        ("1", {"set": [1]}, ("other-type", "a set of what is no text")),
        (
            "1",
            {"timestamp": "2024-01-01T00:00:00.123456789Z"},
            ("other-type", "a timestamp finer than a microsecond"),
        ),
    ],
)
def test_what_is_outside(expr: str, value: Any, reason: tuple[str, str]) -> None:
    found = result(expr, value)
    assert found.outcome == "outside"
    assert (found.outside[0].code, found.outside[0].message) == reason


def test_some_names_are_outside() -> None:
    assert result("x", True, **{"x.y": True}).outside[0].message == "a name within a name, `a.b`"
    for name in ("today", "account", "int", "type"):
        assert result(name, True, **{name: True}).outside[0].message == f"`{name}`, which is no name to be bound"


def test_half_a_character_is_no_text() -> None:
    with pytest.raises(RequestError, match=r"bindings.x\[1\]: the text holds half a character"):
        result("'a' in x", True, x=["a", "\ud800"])


@pytest.mark.parametrize(
    "expr", ["date(t) == day", "day == date('2024-01-01')", "addDays(day, 1) > day", "s == 'a\\n'"]
)
def test_cel_is_not_asked_what_it_cannot_know(expr: str) -> None:
    found = result(expr, False, t=T, day={"date": "2024-01-01"}, s="a\0")
    assert "cel" not in found.given
    assert "direct" in found.given


def test_cel_is_asked_of_a_policy_where_the_facts_are_known() -> None:
    program = lawful.load("wechat").program
    account = {"type": "service", "certified_until": "2026-01-01"}
    asked = result("certified", True, program, account=account, at="2025-03-01")
    assert asked.given["cel"] is True
    assert "cel" not in result("account.subject == 'media'", None, program, account=account).given
    assert "cel" not in result("count('upgrade', 'day') == 0", True, program, history=[]).given
    # The day begins in the policy's zone, and CEL is told so.
    late = {"at": "2024-12-31T17:00:00Z"}
    assert result("now.getFullYear()", 2025, program, **late).given["cel"] == 2025


@given(st.data())
def test_a_value_is_told_as_it_is_read(data: st.DataObject) -> None:
    pen = Pen(data.draw)
    kinds = [ir.Type(kind) for kind in ("bool", "int", "string", "date", "timestamp", "duration")]
    type = pen.one([*kinds, *(ir.Type("list", element=each) for each in kinds)])
    value = drawing.draw_value(pen, type)
    told = from_json(json.dumps({"value": conformance.told(value)}))["value"]
    read_type, read = conformance.typed(told, "value")
    assert read == value
    assert read_type == type or value == ()


def test_a_set_and_what_is_no_value_are_told() -> None:
    assert conformance.told(frozenset("ba")) == {"set": ["a", "b"]}
    assert conformance.told(None) is None
    assert conformance.told(conformance.Another.ANOTHER) == {"another": True}
    assert conformance.told(datetime(1, 1, 1, tzinfo=UTC)) == {"timestamp": "0001-01-01T00:00:00Z"}
    assert conformance.told(timedelta(microseconds=-1)) == {"duration": "-0.000001s"}


def test_the_published_suite_becomes_cases() -> None:
    converter = runpy.run_path(str(ROOT / "benchmarks" / "conformance.py"))
    moment = {"@type": "type.googleapis.com/google.protobuf.Duration", "value": "1.5s"}
    test = {
        "name": "t",
        "expr": "x",
        "bindings": {"x": {"value": {"int64Value": "5"}}, "d": {"value": {"objectValue": moment}}},
        "value": {"listValue": {"values": [{"uint64Value": "1"}, {"stringValue": "a"}]}},
    }
    suite = {"name": "all", "suites": [{"name": "s", "tests": [{"original": test}]}]}
    ((path, original),) = ((path, each["original"]) for path, each in converter["tests"](suite, []))
    assert converter["case"]("/".join(path), original) == {
        "name": "s/t",
        "expr": "x",
        "bindings": {"x": 5, "d": {"duration": "1.5s"}},
        "value": [{"uint": "1"}, "a"],
    }
    assert converter["case"]("e", {"expr": "1/0", "evalError": {}}) == {"name": "e", "expr": "1/0", "error": True}
    assert converter["case"]("b", {"expr": "1 == 1"})["value"] is True
    assert converter["case"]("c", {"expr": "1", "checkOnly": True, "typedResult": {"deducedType": {}}}) is None
    assert converter["value"]({"objectValue": {"@type": "x/a.B"}}) == {"message": "a.B"}
