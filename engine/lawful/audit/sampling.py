"""Inventories that look like real ones, of any policy: the same seed gives the same files, to the byte.

A few thousand records are drawn in Python and judged by the reference (`candidates`, `pasts`); DuckDB makes millions of
accounts of them. Everything an account is follows from its number and the seed by way of one hash, written out in
arithmetic: how many threads there are, and what DuckDB's own hash is today, makes no difference.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from zoneinfo import ZoneInfo

from lawful.audit.candidates import ENDINGS, PLACES, TRADES, Candidates, Pools, Record, number_of
from lawful.audit.errors import AuditError
from lawful.audit.failures import told
from lawful.audit.local import connected
from lawful.audit.pasts import JITTER, Pasts
from lawful.audit.writing import beside
from lawful.calendar import Instant
from lawful.ir import FieldDeclaration, Program, Value
from lawful.version import __version__

if TYPE_CHECKING:
    import duckdb

Progress: TypeAlias = Callable[[str, "float | None"], None]
"""Told what is being done now, and the share of it that is done, where that is known."""

MOST_ROWS: Final = 2**31
"""The numbers of accounts have 32 bits, and products of two of them 64."""
_FIRST_YEAR: Final = 100
"""Years before it there is no calendar, and a sample has earlier snapshots and events of years ago."""
_POOL: Final = 4000
_THREADS: Final = 8
_MEMORY: Final = "768MB"
_OFTEN: Final = 0.2
"""Seconds between two looks at how far it has come."""
_VANISHED: Final = 100
"""Of so many accounts of the earlier snapshot one is gone."""
_WORD: Final = 2**32
_ORDERED: Final = ("int", "date", "timestamp")
_UNITS: Final[Mapping[str, int]] = {"": 1, "k": 1000, "m": 1_000_000, "g": 1_000_000_000}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be made."""

    rows: int
    at: Instant
    """The instant at which the accounts are lawful or not."""
    seed: int = 1
    violations: float = 0.05
    """The share of accounts that break a rule; of accounts whose events do; of accounts that differ from the earlier
    snapshot as nothing can explain; of groups that are too large."""
    unknown: float = 0.01
    """The share of accounts that break nothing and leave something open."""
    events: bool = False
    before: bool = False
    feature_columns: bool = False
    """A column of truth for each feature, instead of one list."""


@dataclass(frozen=True, slots=True)
class Files:
    """Where it goes."""

    accounts: Path
    events: Path
    before: Path


@dataclass(frozen=True, slots=True)
class Sampled:
    """What was made."""

    accounts: int
    events: int | None
    before: int | None
    snapshot_on: str | None
    """The day of the earlier snapshot."""
    unbroken: tuple[str, ...]
    """Rules that no account was found to break."""
    missing: tuple[str, ...]
    """Of `lawful`, `violating` and `unknown`, what no account was found to be."""


def rows_of(text: str) -> int | None:
    """The number of rows that a text means; None where it means none.

    >>> rows_of("20_000_000"), rows_of("1.5M"), rows_of("many")
    (20000000, 1500000, None)
    """
    found = re.fullmatch(r"([0-9][0-9_,]*)(\.[0-9]+)?([kKmMgG]?)", text.strip())
    if found is None:
        return None
    unit = _UNITS[found[3].lower()]
    whole = int(found[1].replace("_", "").replace(",", "")) * unit
    if found[2] is None:
        return whole
    part = int(found[2][1:]) * unit
    tens = 10 ** (len(found[2]) - 1)
    return None if part % tens else whole + part // tens


def files_in(output: Path) -> Files:
    """Of a folder the files in it; of a `.parquet` file, that one and others beside it."""
    if output.suffix == ".parquet":
        stem = output.stem
        return Files(output, output.with_name(f"{stem}-events.parquet"), output.with_name(f"{stem}-before.parquet"))
    return Files(output / "accounts.parquet", output / "events.parquet", output / "before.parquet")


def _silent(step: str, share: float | None) -> None:
    """A progress that nobody watches."""


def sample(program: Program, files: Files, wanted: Wanted, progress: Progress = _silent) -> Sampled:
    """Write an inventory of accounts of the policy.

    Columns are named as the fields; features are a list. Raises AuditError where nothing can be written; then nothing
    is left behind, and what stood there stands.
    """
    _check(wanted, program)
    _must_be_installed()
    progress("drawing", None)
    zone = ZoneInfo(program.timezone)
    candidates = Candidates(program, wanted.at, zone, wanted.seed)
    pools = candidates.pools(max(64, min(wanted.rows // 2, _POOL)))
    pasts = Pasts(program, wanted.at, zone, wanted.seed)
    maker = _Maker(program, wanted, candidates, pools, pasts)
    writing = [(files.accounts, maker.accounts())]
    if wanted.events:
        writing.append((files.events, maker.events()))
    if wanted.before:
        writing.append((files.before, maker.before()))
    counts = _written(maker, writing, progress)
    broken = {rule.id for rule in candidates.rules} - set(pools.broken)
    named = {"lawful": pools.lawful, "violating": pools.violating, "unknown": pools.unknown}
    return Sampled(
        accounts=counts[files.accounts],
        events=counts.get(files.events) if wanted.events else None,
        before=counts.get(files.before) if wanted.before else None,
        snapshot_on=pasts.snapshot_on.isoformat() if wanted.before else None,
        unbroken=tuple(sorted(broken)),
        missing=tuple(name for name, each in named.items() if not each),
    )


def _check(wanted: Wanted, program: Program) -> None:
    if not 1 <= wanted.rows <= MOST_ROWS:
        raise AuditError("a sample has at least 1 row" if wanted.rows < 1 else f"a sample has at most {MOST_ROWS} rows")
    if wanted.at.year < _FIRST_YEAR:
        raise AuditError(f"a sample is of the year {_FIRST_YEAR:04} or a later one: it looks years back")
    for name in ("violations", "unknown"):
        if not 0 <= getattr(wanted, name) <= 1:
            raise AuditError(f"`{name}` is a share of the accounts, between 0 and 1")
    if wanted.violations + wanted.unknown > 1:
        raise AuditError("`violations` and `unknown` are more than all accounts together")
    both = [name for name in program.features if name in program.account or name == program.account_id]
    if wanted.feature_columns and both:
        raise AuditError(f"`{both[0]}` is a feature and a field: they cannot both have a column of that name")


def _must_be_installed() -> None:
    if find_spec("duckdb") is None or find_spec("pyarrow") is None:
        raise AuditError("samples are made by DuckDB and pyarrow", "pip install 'lawful[audit]'")


# ------------------------------------------------------------------------------------------------ accounts by numbers


class _Maker:
    """The tables of records, and the queries that make accounts of them."""

    def __init__(self, program: Program, wanted: Wanted, candidates: Candidates, pools: Pools, pasts: Pasts) -> None:
        self._program, self._wanted = program, wanted
        self._candidates, self._pools = candidates, pools
        self._records: list[Record] = [*pools.lawful, *pools.violating, *pools.unknown]
        self._weights = _weights(pools, wanted)
        self._stride = _stride(wanted.rows)
        self._keys = _group_keys(program, candidates)
        self.tables: dict[str, Mapping[str, Sequence[Any]]] = {"pool": self._pool()}
        self._differing = self._wrong = 0.0
        self._fixed = pasts.fixed
        if wanted.events or wanted.before:
            self._add_pasts(pasts)

    # --------------------------------------------------------------------------------------------------- queries

    def accounts(self) -> str:
        columns = [f"{self._id()} AS {_name(self._program.account_id)}"]
        columns += [f"{self._value(each)} AS {_name(each.name)}" for each in self._declared()]
        return f"SELECT {', '.join(columns + self._features())} FROM ({self._chosen('range')}) JOIN pool USING (rec)"

    def before(self) -> str:
        """The accounts half a year ago: some were not there yet, some are gone since."""
        columns = [f"{self._id()} AS {_name(self._program.account_id)}"]
        columns += [f"{self._value_before(each)} AS {_name(each.name)}" for each in self._declared()]
        chosen = self._chosen("range", more=self._wanted.rows // _VANISHED + 1)
        source = f"FROM ({chosen}) JOIN pool USING (rec) WHERE there OR i >= {self._wanted.rows}"
        return f"SELECT {', '.join(columns + self._features())} {source}"

    def events(self) -> str:
        """What happened: first all registrations, then all else, in no order of accounts or times."""
        spread = JITTER.total_seconds() * 1e6
        at = f"make_timestamp(past.micros + {_fraction('jitter', str(spread))}) :: TIMESTAMPTZ"
        wrong = f"(w_past < {_share(self._wrong)} AND has_wrong)"
        halves = []
        for place, is_first in enumerate((True, False)):
            number = f"((range * {self._stride} + {place * 7}) % {self._wanted.rows})"
            chosen = f"SELECT * FROM ({self._chosen(number)}) JOIN pool USING (rec)"
            joined = f"past ON past.script = 2 * rec + {wrong} :: INT AND past.is_first = {is_first}"
            columns = f'{self._id()} AS account_id, past.event, {at} AS "at"'
            halves.append(f"SELECT {columns} FROM ({chosen}) JOIN {joined}")
        return " UNION ALL ".join(halves)

    def _chosen(self, number: str, more: int = 0) -> str:
        """The number of each account, its words, and which record it is one of."""
        rows = self._wanted.rows
        words = _words(number, rows + more, self._word_inputs(), self._wanted.seed)
        branches = []
        first, upto = 0, 0.0
        for size, weight in self._weights:
            upto += weight
            if size and weight:
                place = f"{first} + ((w_record * {size} :: UBIGINT) >> 32)"
                branches.append(f"WHEN w_verdict < {_share(upto)} THEN {place}")
            first += size
        return f"SELECT *, (CASE {' '.join(branches)} END) :: UINTEGER AS rec FROM ({words})"

    def _word_inputs(self) -> dict[str, str]:
        """The words that are drawn for each account, and the numbers that they are drawn of."""
        names = ["verdict", "record", "id", "past", "jitter", "differs"]
        for each in self._declared():
            names += [f"f_{each.name}", f"b_{each.name}"]
        inputs = dict.fromkeys(names, "x")
        for name, most in self._keys.items():
            inputs[f"k_{name}"] = f"((i * {self._stride} % {self._wanted.rows}) // {4 * max(most, 1)}) :: UBIGINT"
        return inputs

    def noted(self) -> dict[str, Any]:
        """What the same files can be made of again."""
        wanted = self._wanted
        return {
            "lawful": __version__,
            "policy": {"id": self._program.id, "version": self._program.version, "digest": self._program.digest},
            "at": wanted.at.isoformat(),
            "rows": wanted.rows,
            "seed": wanted.seed,
            "violations": wanted.violations,
            "unknown": wanted.unknown,
        }

    # --------------------------------------------------------------------------------------------------- columns

    def _declared(self) -> list[FieldDeclaration]:
        return [each for name, each in self._program.account.items() if name != self._program.account_id]

    def _id(self) -> str:
        number = "((w_id & 65535 :: UBIGINT) * 4294967296 :: UBIGINT + x)"
        declared = self._program.account.get(self._program.account_id)
        if declared is not None and declared.type.kind == "int":
            return f"{number} :: BIGINT"
        return f"'gh_' || lpad(lower(to_hex({number})), 12, '0')"

    def _value(self, each: FieldDeclaration, words: str = "f") -> str:
        name = each.name
        if name in self._keys:
            return self._key(each)
        if each.type.kind == "string" and not self._candidates.is_read(name):
            return _called(f"w_{words}_{name}")
        if each.type.kind not in _ORDERED:
            return _name(f"v_{name}")
        # more small numbers than large ones
        power = 2 if each.type.kind == "int" else 1
        return _as_type(each, f"{_name(f'low_{name}')} + {_fraction(f'{words}_{name}', _name(f'width_{name}'), power)}")

    def _value_before(self, each: FieldDeclaration) -> str:
        """What may move by itself has another value of the same stretch; a life cycle the state of then."""
        if each.motion == "lifecycle":
            then = _name(f"then_{each.name}")
        else:
            then = self._value(each, "f" if each.name in self._fixed else "b")
        if each.motion != "lifecycle" and each.name not in self._fixed:
            return then
        other = _name(f"other_{each.name}")
        other = _as_type(each, other) if each.type.kind in _ORDERED else other
        return f"CASE WHEN w_differs < {_share(self._differing)} AND {other} IS NOT NULL THEN {other} ELSE {then} END"

    def _key(self, each: FieldDeclaration) -> str:
        """A value that few accounts share, or, of some groups, a few too many."""
        most = self._keys[each.name]
        place = f"(i * {self._stride} % {self._wanted.rows})"
        large = f"w_k_{each.name} < {_share(self._wanted.violations)}"
        group = f"CASE WHEN {large} THEN {place} // {4 * max(most, 1)} * 4 ELSE {place} // {max(most, 1)} END"
        key = f"({group})" if each.type.kind == "int" else f"'{each.name}_' || lpad(({group}) :: VARCHAR, 9, '0')"
        known = f"w_f_{each.name} >= {_share(self._wanted.unknown)}" + (f" AND {large}" if most == 0 else "")
        return f"CASE WHEN {known} THEN {key} END"

    def _features(self) -> list[str]:
        if not self._wanted.feature_columns:
            return ["features"] if self._program.features else []
        return [f"{_name(f'has_{name}')} AS {_name(name)}" for name in self._program.features]

    # ---------------------------------------------------------------------------------------------------- tables

    def _pool(self) -> dict[str, Sequence[Any]]:
        columns: dict[str, Sequence[Any]] = {"rec": range(len(self._records))}
        for each in self._declared():
            values = [record[f"account.{each.name}"] for record in self._records]
            if each.type.kind in _ORDERED:
                found = [None if value is None else self._candidates.stretch(each.name, value) for value in values]
                columns[f"low_{each.name}"] = [None if one is None else one.low for one in found]
                columns[f"width_{each.name}"] = [None if one is None else one.width for one in found]
            else:
                columns[f"v_{each.name}"] = [_plain(each, value) for value in values]
        features = self._program.features
        if self._wanted.feature_columns:
            columns |= {f"has_{name}": [record[f"features.{name}"] for record in self._records] for name in features}
        else:
            columns["features"] = [_enabled(record, features) for record in self._records]
        return columns

    def _add_pasts(self, pasts: Pasts) -> None:
        """What happened to each record's accounts, and what else may be said to have."""
        script: list[int] = []
        events: list[str] = []
        at: list[int] = []
        first: list[bool] = []
        pool = dict(self.tables["pool"])
        then: list[Mapping[str, Value | None] | None] = []
        other: list[Mapping[str, Value | None]] = []
        has_wrong: list[bool] = []
        for number, record in enumerate(self._records):
            past = pasts.lawful(record)
            wrong = pasts.wrong(record) if self._wanted.events else None
            for place, happened in enumerate((past.events, wrong or ())):
                for index, (event, instant) in enumerate(happened):
                    script.append(2 * number + place)
                    events.append(event)
                    at.append(number_of(instant))
                    first.append(index == 0)
            has_wrong.append(wrong is not None)
            then.append(past.lifecycle)
            drawn = {name: self._candidates.fresh(name) for name in self._fixed}
            other.append((pasts.differing(record, past, drawn) if self._wanted.before else None) or {})
        pool["there"] = [each is not None for each in then]
        pool["has_wrong"] = has_wrong
        for each in self._declared():
            if each.motion == "lifecycle" or each.name in self._fixed:
                pool[f"then_{each.name}"] = [None if states is None else states.get(each.name) for states in then]
                pool[f"other_{each.name}"] = [_plain(each, values.get(each.name)) for values in other]
        self.tables["pool"] = pool
        self.tables["past"] = {"script": script, "event": events, "micros": at, "is_first": first}
        self._wrong = self._rate(has_wrong)
        self._differing = self._rate([bool(each) for each in other])

    def _rate(self, able: Sequence[bool]) -> float:
        """How often an account that can be made wrong must be, for the wanted share of all accounts to be."""
        share, first = 0.0, 0
        for size, weight in self._weights:
            if size:
                share += weight * sum(able[first : first + size]) / size
            first += size
        return min(1.0, self._wanted.violations / share) if share else 0.0


def _weights(pools: Pools, wanted: Wanted) -> list[tuple[int, float]]:
    """Of lawful, violating and unknown records how many there are, and the share of accounts made of them."""
    violations = wanted.violations if pools.violating else 0.0
    unknown = wanted.unknown if pools.unknown else 0.0
    lawful = 1.0 - violations - unknown
    if not pools.lawful:
        if pools.violating:
            violations += lawful
        else:
            unknown += lawful
        lawful = 0.0
    return [(len(pools.lawful), lawful), (len(pools.violating), violations), (len(pools.unknown), unknown)]


def _group_keys(program: Program, candidates: Candidates) -> dict[str, int]:
    """The fields that groups of accounts share a value of, and how many may."""
    most: dict[str, int] = {}
    for group in program.groups:
        name = group.per.name
        if program.account[name].type.kind in ("string", "int") and not candidates.is_read(name):
            most[name] = min(most.get(name, group.at_most), group.at_most)
    return most


def _plain(each: FieldDeclaration, value: Value | None) -> object:
    if isinstance(value, frozenset):
        return [name for name in each.type.values if name in value]
    if value is not None and each.type.kind in _ORDERED:
        return number_of(value)
    return value


def _enabled(record: Record, features: Iterable[str]) -> list[str] | None:
    if any(record[f"features.{name}"] is None for name in features):
        return None
    return [name for name in features if record[f"features.{name}"]]


# ---------------------------------------------------------------------------------------------------------------- SQL


def _words(number: str, rows: int, inputs: Mapping[str, str], seed: int) -> str:
    """The number `i` of each account, `x` (no two have the same), and a word of 32 bits for each input, `w_…`.

    Each is mixed by the rounds of Chris Wellons's `lowbias32`, which is one to one.
    """
    mixed = f"SELECT {number} AS i, xor(({number}) :: UBIGINT, {_salt(seed, 'id')}) AS x FROM range({rows})"
    for one in _ROUNDS:
        mixed = f"SELECT i, {one.format('x')} AS x FROM ({mixed})"
    salted = [f"xor({of}, {_salt(seed, name)}) AS {_name(f'w_{name}')}" for name, of in inputs.items()]
    found = f"SELECT i, x, {', '.join(salted)} FROM ({mixed})"
    for one in _ROUNDS:
        columns = [_name(f"w_{name}") for name in inputs]
        found = f"SELECT i, x, {', '.join(f'{one.format(each)} AS {each}' for each in columns)} FROM ({found})"
    return found


_ROUNDS: Final = (
    "(xor({0}, {0} >> 16) * 2146121005 :: UBIGINT & 4294967295 :: UBIGINT)",
    "(xor({0}, {0} >> 15) * 2221713035 :: UBIGINT & 4294967295 :: UBIGINT)",
    "xor({0}, {0} >> 16)",
)


def _salt(seed: int, name: str) -> str:
    return f"{int.from_bytes(sha256(f'{seed} {name}'.encode()).digest()[:4])} :: UBIGINT"


def _share(share: float) -> str:
    return f"{round(min(share, 1.0) * _WORD)} :: UBIGINT"


def _fraction(word: str, of: str, power: int = 1) -> str:
    """A whole number from 0 to below `of`."""
    part = f"({_name(f'w_{word}')} / 4294967296.0 :: DOUBLE)"
    return f"floor({of} * {' * '.join([part] * power)}) :: BIGINT"


def _as_type(each: FieldDeclaration, number: str) -> str:
    match each.type.kind:
        case "date":
            return f"(DATE '1970-01-01' + ({number}) :: INTEGER)"
        case "timestamp":
            return f"(make_timestamp({number}) :: TIMESTAMPTZ)"
        case _:
            return f"({number})"


def _called(word: str) -> str:
    """A name, made of a word."""
    word = _name(word)
    parts = []
    shift = 0
    for names in (PLACES, TRADES, ENDINGS):
        listed = ", ".join(f"'{each}'" for each in names)
        parts.append(f"[{listed}][(1 + ({word} >> {shift}) % {len(names)}) :: BIGINT]")
        shift += 8
    return f"CASE WHEN {word} % 50 > 0 THEN {' || '.join(parts)} END"


def _name(name: str) -> str:
    return f'"{name}"'


def _stride(rows: int) -> int:
    """A number that leads from row to row in no order, past each of them once."""
    import math

    stride = max(int(rows * 0.6180339887), 1)
    while math.gcd(stride, rows) != 1:
        stride += 1
    return stride


# ------------------------------------------------------------------------------------------------------------ writing


def _written(maker: _Maker, writing: Sequence[tuple[Path, str]], progress: Progress) -> dict[Path, int]:
    """Each query's rows as a file, and how many there are: written beside its place, renamed once all are whole."""
    counts: dict[Path, int] = {}
    with _connected(maker.tables) as connection, ExitStack() as files:
        for path, query in writing:
            _make_folder(path.parent)
            part = files.enter_context(beside(path))
            counts[path] = _run(connection, _copy(query, part, maker), partial(progress, f"writing {path.name}"))
    return counts


def _run(connection: duckdb.DuckDBPyConnection, copy: str, progress: Callable[[float], None]) -> int:
    """In a thread of its own, so that this one can tell how far it has come, and hear Ctrl-C, which DuckDB may not."""
    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(lambda: int(connection.execute(copy).fetchall()[0][0]))
        while True:
            try:
                return running.result(timeout=_OFTEN)
            except TimeoutError:
                progress(max(connection.query_progress(), 0) / 100)
            except BaseException:
                while not running.done():  # it may not have begun: then it has not heard the first
                    connection.interrupt()
                    wait([running], timeout=_OFTEN)
                raise


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise AuditError(f"`{path}` is no folder") from None
    except OSError as error:
        raise told(error, f"the folder `{path}` cannot be made") from None


def _copy(query: str, path: Path, maker: _Maker) -> str:
    noted = json.dumps(maker.noted(), ensure_ascii=False)
    return f"COPY ({query}) TO {_text(str(path))} (FORMAT parquet, KV_METADATA {{'lawful.sample': {_text(noted)}}})"


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@contextmanager
def _connected(tables: Mapping[str, Mapping[str, Sequence[Any]]]) -> Iterator[duckdb.DuckDBPyConnection]:
    import pyarrow as pa

    threads = min(os.cpu_count() or 1, _THREADS)
    connection = connected(threads=threads, memory_limit=_MEMORY, temp_directory="")
    try:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET enable_progress_bar = true")  # so that there is progress to be asked for
        for name, columns in tables.items():
            connection.register("given", pa.table(dict(columns)))
            connection.execute(f"CREATE TABLE {name} AS SELECT * FROM given")
            connection.unregister("given")
        yield connection
    finally:
        connection.close()
