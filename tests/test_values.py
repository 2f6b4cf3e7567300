"""Values: the quick way in gives what the careful one gives, or nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

import drawing
from lawful import ir, values
from lawful.scalar import Scalar

ZONE = ZoneInfo("America/Sao_Paulo")
KINDS = [kind for kind in get_args(ir.Kind) if kind not in ("duration", "list")]
ODD = "2025-03-01 2025-02-30 0000-01-01 2025-W10-1 2025-03-01T09:00:00+08:00 2025-03-01T24:00:00+08:00"
ODD += " 0001-01-01T00:00:00+08:00 9999-12-31T23:59:59-08:00 2025-03-01T09:00:00+25:00 2025-03-01T09:00:00Z"
ODD += " ２025-03-01 2025-03-01t09:00:00+08:00 a b A true 1"
TEXTS = st.sampled_from([*ODD.split(), "", "\ud800", "2025-03-01 09:00:00+08:00"])
GIVEN = st.one_of(
    TEXTS,
    TEXTS.map(Scalar),
    st.text(max_size=26),
    st.integers(-(2**70), 2**70),
    st.booleans(),
    st.none(),
    st.floats(),
    st.dates(),
    st.datetimes(),
    st.lists(TEXTS, max_size=2),
    st.datetimes(timezones=st.just(UTC)).map(lambda each: each.replace(microsecond=0).isoformat()),
)


def declared(kind: Any, *, bounded: bool) -> ir.FieldDeclaration:
    bounds = {"int": (0, 10), "date": (date(2025, 1, 1), date(2025, 12, 31))}
    low, high = bounds.get(kind, (None, None)) if bounded else (None, None)
    domain = ("a", "b") if kind in ("enum", "set") else ()
    return ir.FieldDeclaration("f", ir.Type(kind, domain), "outside", minimum=low, maximum=high)


@pytest.mark.parametrize("bounded", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_read_quickly_is_what_is_read(kind: str, bounded: bool) -> None:
    declaration = declared(kind, bounded=bounded)
    quick = values.quick(declaration)

    @drawing.settings(max_examples=200)
    @given(GIVEN)
    def hold(raw: object) -> None:
        found = quick(raw)
        if found is not None:
            assert found == values.read(declaration, raw, ZONE)
            assert type(found) is type(values.read(declaration, raw, ZONE))

    hold()


@given(GIVEN)
def test_an_instant_that_is_read_quickly_is_the_instant(raw: object) -> None:
    found = values.quick_instant(raw)
    if found is not None:
        assert found == values.instant(raw, ZONE)


def test_the_usual_forms_are_read_quickly() -> None:
    assert values.quick_instant("2025-03-01T09:00:00+08:00") == datetime(2025, 3, 1, 1, tzinfo=UTC)
    assert values.quick(declared("date", bounded=False))("2025-03-01") == date(2025, 3, 1)
    assert values.quick(declared("enum", bounded=False))("a") == "a"
