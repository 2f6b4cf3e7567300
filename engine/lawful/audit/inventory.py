"""A stranger's table as the accounts of a policy, and another as their events.

First every column is read (`Readings`), so that `checks` can say what cannot be taken; then the table is made with the
columns that everything after it knows: see `rows`.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.operations as ops

from lawful.audit import dialects, problems
from lawful.audit.columns import Reader, Reading, default_of, required
from lawful.audit.dialects import Dialect
from lawful.audit.errors import AuditError
from lawful.audit.failures import telling
from lawful.audit.instants import Instants
from lawful.audit.local import parquet
from lawful.audit.mapping import NOTHING, Column, Mapping
from lawful.audit.rows import (
    HOLDS_FEATURES,
    ID,
    Counted,
    Row,
    SetColumn,
    facts_of,
    feature_column,
    field_column,
    value_column,
)
from lawful.audit.rowwise import literally
from lawful.audit.sources import Opened
from lawful.audit.views import kept
from lawful.diagnostics import legible, near
from lawful.ir import BOOL, TIMESTAMP, Count, FieldDeclaration, Program

if TYPE_CHECKING:
    import ibis.expr.types as ibis_types

ACCOUNT_ID: Final = "account_id"
EVENT: Final = "event"
AT: Final = "at"
_MOST_LISTED: Final = 20


@dataclass(frozen=True, slots=True)
class Readings:
    """The columns of a source, each read as what it stands for."""

    opened: Opened
    program: Program
    dialect: Dialect
    identity: Reading
    fields: MappingOf[str, Reading]
    features: MappingOf[str, Reading] = field(default_factory=dict)
    """By columns of their own."""
    feature_list: Reading | None = None
    event: Reading | None = None
    at: Reading | None = None
    ignored: Any = None
    """Where events are of kinds that the mapping says are nothing to this policy; None: nowhere."""
    unmatched: MappingOf[str, str | None] = field(default_factory=dict)
    """What has no column, and the column that may have been meant."""
    defaulted: frozenset[str] = frozenset()
    """The fields without a column that have their default throughout."""
    without: frozenset[str] = frozenset()
    """The features without a column that no account has."""

    def all(self) -> list[Reading]:
        """Every column, the identity first."""
        lists = [each for each in (self.feature_list, self.event, self.at) if each is not None]
        return [self.identity, *self.fields.values(), *self.features.values(), *lists]


@dataclass(frozen=True, slots=True)
class Inventory:
    """The accounts, as every part of an audit reads them: the names of the columns are those of `rows`."""

    connection: Any
    accounts: ibis_types.Table
    program: Program
    fields: frozenset[str]
    features: frozenset[str]
    name: str
    dialect: Dialect
    id_column: str | None
    """The source's own column that is the id, where it is taken as it is."""
    unmatched: MappingOf[str, str | None]
    """The fields and features without a column, and the column that may have been meant."""
    opened: Opened

    def row(
        self,
        today: date,
        now: int,
        counts: MappingOf[Count, Counted] | None = None,
        *,
        table: ibis_types.Table | None = None,
    ) -> Row:
        """What rules may read of an account, on that day: of `accounts`, or of another table with its columns."""
        facts = facts_of(self.program, self.accounts if table is None else table)
        return Row(facts, today, now, counts or {})

    def hints(self) -> list[str]:
        """Of each fact without a column for which another may have been meant."""
        return [f"no column is called `{name}`: {hint}" for name, hint in self.unmatched.items() if hint is not None]


@dataclass(frozen=True, slots=True)
class History:
    """The events: `account_id`, `event`, `at` (microseconds), `b_<field>`, of a set `bs_<field>__<i>` beside it.

    Events in the future and of unknown accounts are among them; `checks` finds them.
    """

    events: ibis_types.Table
    fields: frozenset[str]
    """That events carry of the account before them."""
    name: str
    opened: Opened


# ------------------------------------------------------------------------------------------------------------ reading


def read(opened: Opened, program: Program, mapping: Mapping = NOTHING) -> Readings:
    """The columns of an inventory. Raises AuditError where the id's or a mapped column is missing."""
    dialect = dialects.of(opened.connection)
    reader = Reader(dialect, ZoneInfo(program.timezone))
    wanted = {name: (mapping.of(mapping.fields.get(name), name), each) for name, each in program.account.items()}
    with telling(f"`{legible(opened.name, 200)}` cannot be read"):
        columns, fields = _fields(reader, opened, wanted)
        identity = _identity(reader, columns, mapping.of(mapping.id, program.account_id))
        features = {}
        for name in program.features:
            found = _feature_column(columns, program, mapping, name)
            if found is not None:
                features[name] = reader.field(*found, FieldDeclaration(name, BOOL, "effects"))
        listed = mapping.of(mapping.feature_list, "features")
        given = columns.find(listed)
        feature_list = None
        if given is not None and not given.type().is_struct():  # of an object each feature is a column
            feature_list = reader.members(given, listed, tuple(program.features), problems.THE_FEATURES)
    defaulted = frozenset(name for name, (column, _) in wanted.items() if column.else_default and name not in fields)
    lacking = [name for name in program.account if name not in fields and name not in defaulted]
    unlisted = [name for name in program.features if name not in features and feature_list is None]
    without = frozenset(name for name in unlisted if _nobody_has(mapping, name))
    lacking += [name for name in unlisted if name not in without]
    unmatched = _unmatched(opened, lacking, program)
    read = replace(opened, table=columns.table)
    return Readings(
        read,
        program,
        dialect,
        identity,
        fields,
        features,
        feature_list,
        unmatched=unmatched,
        defaulted=defaulted,
        without=without,
    )


def _nobody_has(mapping: Mapping, feature: str) -> bool:
    columns = (mapping.features.get(feature), mapping.feature_list)
    return any(each is not None and each.else_default for each in columns)


def read_history(opened: Opened, program: Program, mapping: Mapping = NOTHING) -> Readings:
    """The columns of a history. Raises AuditError where one of the three that it must have is missing."""
    dialect = dialects.of(opened.connection)
    reader = Reader(dialect, ZoneInfo(program.timezone))
    wanted = {
        name: (mapping.of(mapping.events.get(f"before.{name}"), f"before.{name}"), each)
        for name, each in program.account.items()
    }
    # no field is called so: `at` is told apart by the dot
    wanted[".at"] = (mapping.of(mapping.events.get(AT), AT), FieldDeclaration(AT, TIMESTAMP, "outside"))
    with telling(f"`{legible(opened.name, 200)}` cannot be read"):
        columns = _Columns(opened.table, opened)
        columns.needed(wanted[".at"][0])
        columns, carried = _fields(reader, opened, wanted)
        identity = _identity(reader, columns, mapping.of(mapping.events.get(ACCOUNT_ID), ACCOUNT_ID))
        column = mapping.of(mapping.events.get(EVENT), EVENT)
        given = columns.needed(column)
        event = reader.event(given, column, sorted(program.event_names))
    at = required(carried.pop(".at"), wanted[".at"][0], problems.NO_INSTANT)
    read = replace(opened, table=columns.table)
    ignored = reader.ignored(given, column)
    return Readings(read, program, dialect, identity, carried, event=event, at=at, ignored=ignored)


def _fields(
    reader: Reader, opened: Opened, wanted: MappingOf[str, tuple[Column, FieldDeclaration]]
) -> tuple[_Columns, dict[str, Reading]]:
    """Each that has a column, and the table that it is read from: the source's, or a view with dates made of texts."""
    columns = _Columns(opened.table, opened)
    there = {name: each for name, each in wanted.items() if columns.find(each[0]) is not None}
    written, days = {}, {}
    for name, (column, declared) in there.items():
        given = columns.find(column)
        instant, day = reader.written(given, column, declared), reader.day(given, column, declared)
        if instant is not None:
            written[name] = instant
        elif day is not None:
            days[name] = day
    table, instants, found = Instants(reader.dialect, reader.iana, written, days).settled(
        opened.connection, opened.table
    )
    columns = _Columns(table, opened)
    return columns, {
        name: reader.field(columns.find(column), column, declared, instant=instants.get(name), day=found.get(name))
        for name, (column, declared) in there.items()
    }


def _identity(reader: Reader, columns: _Columns, column: Column) -> Reading:
    given = columns.needed(column)
    found = reader.identity(given, column)
    if found is None:
        source = legible(columns.opened.name, 200)
        held = problems.called(given.type()).en
        message = f"the column `{legible(column.path)}` of `{source}` holds {held}, which are no ids"
        raise AuditError(message, "an id is a text or a whole number")
    return found


def _feature_column(
    columns: _Columns, program: Program, mapping: Mapping, name: str
) -> tuple[ibis_types.Value, Column] | None:
    """A feature's own column: `features.<name>`, or `<name>` where no field is called so."""
    mapped = mapping.features.get(name)
    names = [f"features.{name}"] if name in program.account else [f"features.{name}", name]
    for column in [mapping.of(mapped, name)] if mapped is not None else [mapping.of(None, each) for each in names]:
        given = columns.find(column)
        if given is not None:
            return given, column
    return None


@dataclass(frozen=True, slots=True)
class _Columns:
    """The columns of a table, by their names and by paths into objects."""

    table: ibis_types.Table
    opened: Opened

    def find(self, column: Column) -> Any:
        """None where there is none. Raises AuditError where somebody has said that there is."""
        found = self._at(column.path)
        if found is None and column.is_named:
            raise self._missing(column.path)
        return found

    def needed(self, column: Column) -> Any:
        found = self._at(column.path)
        if found is None:
            raise self._missing(column.path)
        return found

    def _missing(self, path: str) -> AuditError:
        there = self.opened.table.columns  # without what has been made of them
        help = near(path, there) or near(path.partition(".")[0], there)
        if help is None:
            names = [f"`{legible(each)}`" for each in there[:_MOST_LISTED]]
            more = len(there) - len(names)
            help = f"the columns are {', '.join(names)}" + (f" and {more} more" if more else "")
            help += "; `columns` (`--map column=field`) says which is which"
        return AuditError(f"`{legible(self.opened.name, 200)}` has no column `{legible(path)}`", help)

    def _at(self, path: str) -> Any:
        """The column of that name, else what lies deeper in the one whose name the path begins with."""
        parts = path.split(".")
        for length in range(len(parts), 0, -1):
            name = self._called(".".join(parts[:length]))
            if name is not None:
                return _within(self.table[name], parts[length:])
        return None

    def _called(self, name: str) -> str | None:
        """The column of that name; else the only one that is called so but for blanks around it, as headers have."""
        if name in self.table.columns:
            return name
        bare = name.strip()
        alike = [each for each in self.table.columns if each.strip() == bare]
        return alike[0] if len(alike) == 1 else None


def _unmatched(opened: Opened, lacking: Iterable[str], program: Program) -> dict[str, str | None]:
    """The facts that have no column, each with a *did you mean* of a column that is nothing else."""
    facts = {*program.account, *program.features, program.account_id, "features"}
    others = [each for each in opened.table.columns if each not in facts]
    return {name: near(name, others) for name in lacking}


def _within(given: Any, parts: list[str]) -> Any:
    """What lies at a path in an object; None where there is no such thing."""
    for index, part in enumerate(parts):
        kind = given.type()
        if kind.is_struct():
            longer = next((n for n in range(len(parts), index, -1) if ".".join(parts[index:n]) in kind.names), None)
            if longer is None:
                return None
            return _within(given[".".join(parts[index:longer])], parts[longer:])
        if kind.is_map():
            given = given.get(part)
        elif kind.is_json():
            given = given[part]
        else:
            return None
    return given


# -------------------------------------------------------------------------------------------------------- normalised


def normalised(readings: Readings, *, lenient: bool = False) -> Inventory:
    """The accounts. Without `lenient`, `checks` must have found nothing: what is faulty is taken as it is.

    With it, what cannot be taken is unknown, as if nothing stood there.
    """
    opened, program = readings.opened, readings.program
    columns: dict[str, Any] = {ID: readings.identity.strict}
    for name, reading in readings.fields.items():
        value = reading.lenient if lenient else reading.strict
        columns |= _field_columns(program.account[name], value)
    for name in readings.defaulted:
        columns |= _defaults(program.account[name])
    columns |= {feature_column(name): ibis.literal(False) for name in program.features if name in readings.without}
    if readings.feature_list is not None:
        listed = readings.feature_list.lenient if lenient else readings.feature_list.strict
        assert isinstance(listed, SetColumn)
        for name in program.features:
            held = listed.holds[name]  # of a list that is not there it is NULL by itself, which is quicker
            columns[feature_column(name)] = listed.known.ifelse(held, ibis.null("boolean")) if lenient else held
        given = readings.feature_list.given
        if given.type().is_array() and not lenient and not readings.features:
            columns[HOLDS_FEATURES] = given.length() > 0
    for name, reading in readings.features.items():
        columns[feature_column(name)] = reading.lenient if lenient else reading.strict
    with telling(f"`{legible(opened.name, 200)}` cannot be read"):
        accounts = _settled(opened, opened.table.select(**columns), columns)
    return Inventory(
        opened.connection,
        accounts,
        program,
        frozenset(readings.fields) | readings.defaulted,
        frozenset(name for name in program.features if feature_column(name) in columns),
        opened.name,
        readings.dialect,
        readings.identity.column if readings.identity.column in opened.table.columns else None,
        readings.unmatched,
        opened,
    )


def history(readings: Readings, *, lenient: bool = False) -> History:
    """The events. Those that cannot be told are left out under `lenient`: `checks` has counted them."""
    assert readings.event is not None
    assert readings.at is not None
    event, at = (each.lenient if lenient else each.strict for each in (readings.event, readings.at))
    columns: dict[str, Any] = {ACCOUNT_ID: readings.identity.strict, EVENT: event, AT: at}
    for name, reading in readings.fields.items():
        declared = readings.program.account[name]
        value = reading.lenient if lenient else reading.strict
        if isinstance(value, SetColumn):
            columns[f"b_{name}"] = value.known
            columns |= {f"bs_{name}__{i}": value.holds[each] for i, each in enumerate(declared.type.values)}
        else:
            columns[f"b_{name}"] = value
    table = readings.opened.table
    if readings.ignored is not None:
        table = table.filter(~ibis.coalesce(readings.ignored, False))
    events = table.select(**columns)
    if lenient:
        events = events.filter(events.account_id.notnull() & events.event.notnull() & events.at.notnull())
    with telling(f"`{legible(readings.opened.name, 200)}` cannot be read"):
        events = _settled(readings.opened, events, columns)
    return History(events, frozenset(readings.fields), readings.opened.name, readings.opened)


_HEAVY: Final = 12
"""More operations than a column's own reading needs where its type fits: a default, a cast, the values of an enum."""


def _settled(opened: Opened, table: ibis_types.Table, columns: MappingOf[str, Any]) -> ibis_types.Table:
    """The table itself where its columns are the source's own; else kept, so that no rule repeats how they are read.

    What was CSV, JSON Lines or Excel is written once more, in its types now; of others a view of this session is made.
    """
    if opened.scratch is not None and opened.connection.name == "duckdb":
        target = opened.scratch / f"{ibis.util.gen_name('lawful')}.parquet"
        opened.connection.to_parquet(table, target)
        return parquet(opened.connection, literally(target))
    if all(len(each.op().find(ops.Node, filter=ops.Value)) <= _HEAVY for each in columns.values()):
        return table
    return kept(opened.connection, table)


def _field_columns(declared: FieldDeclaration, value: Any) -> dict[str, Any]:
    """A field's columns, with its default where nothing is known."""
    name = declared.name
    if isinstance(value, SetColumn):
        if declared.default is None:
            return {
                field_column(name): value.known,
                **{value_column(name, i): value.holds[each] for i, each in enumerate(declared.type.values)},
            }
        filled = {
            value_column(name, i): value.known.ifelse(value.holds[each], each in declared.default)  # type: ignore[operator]  # a set's default
            for i, each in enumerate(declared.type.values)
        }
        return {field_column(name): ibis.literal(True), **filled}
    default = default_of(declared)
    return {field_column(name): value if default is None else ibis.coalesce(value, default)}


def _defaults(declared: FieldDeclaration) -> dict[str, Any]:
    """The columns of a field that has its default throughout."""
    if isinstance(declared.default, frozenset):
        nothing = SetColumn(ibis.literal(False), dict.fromkeys(declared.type.values, ibis.literal(False)))
        return _field_columns(declared, nothing)
    return {field_column(declared.name): default_of(declared)}


def refuse_missing(inventory: Inventory, needed: Iterable[str]) -> None:
    """Raises AuditError where a fact that rules read has no column: for `--require-columns`."""
    lacking = [name for name in dict.fromkeys(needed) if name in inventory.unmatched]
    if not lacking:
        return
    listed = ", ".join(f"`{name}`" for name in lacking)
    hints = [hint for name in lacking if (hint := inventory.unmatched[name]) is not None]
    raise AuditError(f"`{legible(inventory.name, 200)}` has no column for {listed}", hints[0] if hints else None)
