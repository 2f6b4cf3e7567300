"""What a rule may read of one row of a table, as columns: unknown is NULL, everywhere.

Instants are whole microseconds since 1970 in UTC, so that no engine's own idea of time zones has a say; dates are
dates; an enum is its value's name; a set is a column of truth for each of its values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Final, TypeAlias

from lawful.ir import Count, Owner, Program

if TYPE_CHECKING:
    import ibis.expr.types as ibis_types

    Column: TypeAlias = "ibis_types.Value | SetColumn"


@dataclass(frozen=True, slots=True)
class SetColumn:
    """A set: whether it is known, and whether it holds each value of its domain (never NULL where it is known)."""

    known: ibis_types.BooleanValue
    holds: Mapping[str, ibis_types.BooleanValue]


@dataclass(frozen=True, slots=True)
class Counted:
    """How many events there are in a window: so many at least, and no more where the history covers the window."""

    least: ibis_types.IntegerValue
    whole: ibis_types.BooleanValue | bool


@dataclass(frozen=True, slots=True)
class Row:
    """The facts of one row, by owner and name, and the clock.

    A fact that is not here has no column: no rule that reads it may be translated. `today` and `now` (microseconds)
    are constants where all rows are judged on one day, columns where each has its own.
    """

    facts: Mapping[tuple[Owner, str], Column]
    today: date | ibis_types.DateValue
    now: int | ibis_types.IntegerValue
    counts: Mapping[Count, Counted] = field(default_factory=dict)
    holds_features: ibis_types.BooleanValue | None = None
    """Whether the account holds any feature, where that is cheaper to ask than which (NULL: unknown)."""


# ----------------------------------------------------------------------------------- what the columns are called

ID: Final = "id"


def field_column(name: str) -> str:
    """Of a field; of a set, whether it is known."""
    return f"f_{name}"


def value_column(name: str, index: int) -> str:
    """Whether a set holds the value of its domain at that index."""
    return f"s_{name}__{index}"


def feature_column(name: str) -> str:
    return f"e_{name}"


HOLDS_FEATURES: Final = "holds"
"""Whether there is any feature, where they come as a list; else there is no such column."""


def facts_of(program: Program, table: ibis_types.Table) -> dict[tuple[Owner, str], Column]:
    """The account's facts in a table whose columns are called so; what has no column is left out."""
    facts: dict[tuple[Owner, str], Column] = {}
    for name, declaration in program.account.items():
        if field_column(name) not in table.columns:
            continue
        column = table[field_column(name)]
        if declaration.type.kind == "set":
            holds = {value: table[value_column(name, index)] for index, value in enumerate(declaration.type.values)}
            column = SetColumn(column, holds)
        facts["account", name] = column
    for name in program.features:
        if feature_column(name) in table.columns:
            facts["features", name] = table[feature_column(name)]
    return facts
