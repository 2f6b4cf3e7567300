"""From what a person names to a table of an engine: files, frames, tables of a server, of Spark, of Ibis."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from lawful.audit.errors import AuditError
from lawful.audit.failures import telling, told
from lawful.audit.local import connected, through_ibis
from lawful.audit.rowwise import Kind, converted, literally, refuse_own
from lawful.audit.views import kept
from lawful.diagnostics import legible, near

if TYPE_CHECKING:
    import ibis.expr.types as ibis_types
    from ibis.backends import BaseBackend

__all__ = ["Opened", "opened", "told"]

_KINDS: Final[Mapping[str, Kind | Literal["parquet"]]] = {
    ".parquet": "parquet",
    ".parq": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "json",
    ".ndjson": "json",
    ".json": "json",
    ".xlsx": "excel",
    ".xlsm": "excel",
}
_KNOWN_FILES: Final = (
    "an inventory is Parquet (.parquet), CSV (.csv, .tsv), JSON Lines (.jsonl, .ndjson, .json) or Excel (.xlsx)"
)
_SCHEME: Final = re.compile(r"([a-z][a-z0-9+.-]+)://", re.IGNORECASE)
_SERVER_SCHEMES: Final = ("postgres", "postgresql")
_PATTERN: Final = re.compile(r"[*?\[]")
_SECONDS_TO_CONNECT: Final = "10"
_MOST_MEMORY: Final = "1GB"


@dataclass(frozen=True, slots=True)
class Opened:
    """A table as it was found."""

    connection: BaseBackend
    table: ibis_types.Table
    name: str
    """For people: no password is in it."""
    files: tuple[str, ...] = ()
    """The Parquet files it is read from, spelled as DuckDB is told them; none for tables of servers and frames."""
    scratch: Path | None = None
    """Where the Parquet files lie that were made of CSV, JSON Lines or Excel; None where it was none of these."""
    server_table: str | None = None
    """The full name that PostgreSQL knows the table by, quoted; None where it is no table of such a server."""
    is_ours: bool = False
    """Whether the connection was made for this table."""
    stamps: Mapping[Path, object] = field(default_factory=dict)
    """Of the files that are read more than once: what changes with them."""

    def must_be_as_it_was(self) -> None:
        """Raises AuditError where a file is another one now: what was found would be of two."""
        for path, stamp in self.stamps.items():
            if _stamp(path) != stamp:
                raise AuditError(f"`{legible(str(path), 200)}` was changed while it was audited", "audit it once more")

    def close(self) -> None:
        """Ends the connection, where it was made for this table: nothing can be asked of it then."""
        if self.is_ours and self.connection.name != "pyspark":  # a session of Spark's is the process's
            self.connection.disconnect()


def opened(
    where: object,
    *,
    scratch: Path,
    on: str | None = None,
    table: str | None = None,
    encoding: str | None = None,
    memory_limit: int | None = None,
    beside: Opened | None = None,
) -> Opened:
    """The table that is meant by a path, a glob, a folder, an address, a frame or a table of Ibis.

    `scratch` is a folder of the caller's, who removes it after the last query. `on`: `spark` or a Spark master.
    `table`: of a database, or the sheet of a workbook. `beside`: a table that this one will be joined with: both
    must be in one engine. Raises AuditError.
    """
    if beside is not None:
        return _opened(where, scratch, on, table, encoding, memory_limit, beside)
    found = _opened(where, scratch, on, table, encoding, memory_limit, None)
    return found if type(where).__module__.partition(".")[0] in ("ibis", "pyspark") else replace(found, is_ours=True)


def _opened(
    where: object,
    scratch: Path,
    on: str | None,
    table: str | None,
    encoding: str | None,
    memory_limit: int | None,
    beside: Opened | None,
) -> Opened:
    if isinstance(where, (str, os.PathLike)):
        text = os.fspath(where)
        scheme = _SCHEME.match(text)
        if scheme is not None and scheme[1].lower() in _SERVER_SCHEMES:
            return _on_postgres(text, table, beside)
        connection = _connection(on, scratch, memory_limit, beside)
        if connection.name == "postgres":
            raise AuditError(
                f"`{legible(text)}` is a file, the inventory is a table of a server",
                "both must be in one place: give the address of a table of that server",
            )
        if scheme is not None:
            return _remote(connection, text, scheme[1])
        if connection.name == "pyspark" and _is_name(text):
            return _spark_table(connection, text)
        return _in_files(connection, text, scratch=scratch, encoding=encoding, sheet=table)
    kind = type(where).__module__.partition(".")[0]
    if kind == "ibis":
        return _of_ibis(where, scratch, memory_limit, beside)
    if kind == "pyspark":
        return _of_spark_frame(where, beside)
    return _of_frame(where, _connection(on, scratch, memory_limit, beside))


# --------------------------------------------------------------------------------------------------------- connections


def _connection(on: str | None, scratch: Path, memory_limit: int | None, beside: Opened | None) -> BaseBackend:
    if beside is not None:
        return beside.connection
    if on is not None and on != "duckdb":
        return _spark(on, memory_limit)
    return duckdb(scratch, memory_limit)


def duckdb(scratch: Path, memory_limit: int | None = None) -> BaseBackend:
    """A DuckDB in memory that spills into `scratch` and fetches nothing from the network."""

    settings: dict[str, Any] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "preserve_insertion_order": False,
        "temp_directory": str(scratch / "spill"),
    }
    if memory_limit is not None:
        settings["memory_limit"] = f"{memory_limit}MB"
    with telling("DuckDB cannot be started"):
        return through_ibis(**settings)


_LOCAL_MEMORY: Final = 4096
"""MB at the most: Spark's own gigabyte is not enough to plan an audit of many limits."""
_SHUFFLED: Final = "spark.sql.shuffle.partitions"
_FOR_A_CLUSTER: Final = "200"
"""Spark's own default: here a history of ten events would take minutes, a tenth of a second for each of 200 tasks."""


def _spark(on: str, memory_limit: int | None) -> BaseBackend:
    if on != "spark" and not re.match(r"(local(\[.*\])?|spark://.+|yarn|k8s://.+)$", on):
        raise AuditError(f"there is no engine `{legible(on)}`", "`spark`, or a Spark master such as `local[2]`")
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise AuditError("Spark is not installed here", "pip install 'lawful[spark]'") from None
    import ibis

    with telling("Spark cannot be started"):
        builder = SparkSession.builder.appName("lawful").config("spark.ui.enabled", "false")
        builder = builder.config("spark.ui.showConsoleProgress", "false").config("spark.log.level", "OFF")
        if on != "spark":
            builder = builder.master(on)
        if memory_limit is None and on.startswith("local"):
            memory_limit = _LOCAL_MEMORY
        if memory_limit is not None:
            builder = builder.config("spark.driver.memory", f"{memory_limit}m")
        # The expressions of many rules are one huge method, which Java would interpret for ever (nine times slower).
        builder = builder.config("spark.driver.extraJavaOptions", "-XX:-DontCompileHugeMethods")
        builder = builder.config("spark.executor.extraJavaOptions", "-XX:-DontCompileHugeMethods")
        session = builder.getOrCreate()
        session.sparkContext.setLogLevel("OFF")  # what goes wrong is told once, and without Java's stack
        session.conf.set("spark.sql.session.timeZone", "UTC")
        session.conf.set("spark.sql.sources.partitionColumnTypeInference.enabled", "false")
        if on.startswith("local") and session.conf.get(_SHUFFLED) == _FOR_A_CLUSTER:
            session.conf.set(_SHUFFLED, str(2 * session.sparkContext.defaultParallelism))
        return ibis.pyspark.connect(session)


# --------------------------------------------------------------------------------------------------------------- files


@dataclass(frozen=True, slots=True)
class _Found:
    """Files of one kind, and the folder that their partitions are counted from."""

    files: tuple[Path, ...]
    kind: Kind | Literal["parquet"]
    base: Path


def _stamp(path: Path) -> object:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _in_files(connection: BaseBackend, where: str, *, scratch: Path, encoding: str | None, sheet: str | None) -> Opened:
    found = _found(where)
    partitions = {each: _partition(each, found.base) for each in found.files}
    files, origins = list(found.files), {each: each for each in found.files}
    stamps = {each: _stamp(each) for each in files} if found.kind == "parquet" else {}
    if found.kind != "parquet":
        with telling(f"`{legible(where, 200)}` cannot be read"):
            origins = converted(files, found.kind, partitions, scratch=scratch, encoding=encoding, sheet=sheet)
        files = list(origins)
    with telling(f"`{legible(where, 200)}` cannot be read"):
        own = _check_parquet(connection, files, origins)
        inherited = _inherited(own, partitions) if found.kind == "parquet" else []
        if connection.name == "pyspark":
            table = _spark_parquet(connection, files, found.base if found.kind == "parquet" else None)
        else:
            table = connection.read_parquet(
                [literally(each) for each in files],
                hive_partitioning=any(partitions.values()) and found.kind == "parquet",
                hive_types_autocast=False,
            )
            table = table.drop(*(name for name in inherited if name in table.columns))
        table = _in_microseconds(connection, table)
    names = tuple(literally(each) for each in files)
    made_in = scratch if found.kind != "parquet" else None
    return Opened(connection, table, where, names, made_in, stamps=stamps)


def _in_microseconds(connection: BaseBackend, table: ibis_types.Table) -> ibis_types.Table:
    """With instants as Ibis knows them: those in nanoseconds, as pandas used to write them, are a type of DuckDB's."""
    instants = [name for name, kind in table.schema().items() if kind.is_unknown() and "TIMESTAMPTZ_NS" in str(kind)]
    if not instants:
        return table
    return kept(connection, table.mutate(**{name: table[name].cast("timestamp('UTC', 6)") for name in instants}))


def _found(where: str) -> _Found:
    path = Path(where)
    if path.is_dir():
        return _of_one_kind(where, path, _inside(path))
    if path.exists() or not _PATTERN.search(where):
        _check_file(path, where)
        return _of_one_kind(where, path.parent, [path])
    parts = path.parts
    fixed = next(index for index, part in enumerate(parts) if _PATTERN.search(part))
    base = Path(*parts[:fixed])
    matching = sorted(base.glob(str(Path(*parts[fixed:]))))
    files = [each for found in matching for each in (_inside(found) if found.is_dir() else [found])]
    return _of_one_kind(where, base, files)


def _check_file(path: Path, where: str) -> None:
    if not path.exists():
        beside = [each.name for each in path.parent.iterdir()] if path.parent.is_dir() else []
        raise AuditError(f"there is no file `{legible(where, 200)}`", near(path.name, beside))
    if not path.is_file():
        raise AuditError(f"`{legible(where, 200)}` is not a file")
    if path.stat().st_size == 0:
        raise AuditError(f"`{legible(where, 200)}` is empty")


def _inside(folder: Path) -> list[Path]:
    """The files below a folder, without those that engines leave there for themselves."""
    found = []
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(("_", ".")) and "=" not in part for part in path.relative_to(folder).parts)
        if path.is_file() and not hidden:
            found.append(path)
    return found


def _of_one_kind(where: str, base: Path, files: list[Path]) -> _Found:
    kinds = {each: kind_of(each) for each in files}
    known = {each: kind for each, kind in kinds.items() if kind is not None}
    shown = legible(where, 200)
    if not files:
        raise AuditError(f"there are no files in `{shown}`" if Path(where).is_dir() else f"no file is like `{shown}`")
    if not known:
        raise AuditError(f"`{shown}` is of no kind that can be read", _KNOWN_FILES)
    if len(set(known.values())) > 1:
        first, second = (next(iter(known)), next(each for each in known if known[each] != known[next(iter(known))]))
        raise AuditError(f"`{shown}` holds files of two kinds: `{first.name}` and `{second.name}`", "name one of them")
    stray = next((each for each in files if each not in known), None)
    if stray is not None:
        raise AuditError(f"`{shown}` holds `{stray.name}`, which is of no kind that can be read", _KNOWN_FILES)
    for each in known:
        _check_file(each, str(each))
    return _Found(tuple(known), next(iter(known.values())), base)


def kind_of(path: Path) -> Kind | Literal["parquet"] | None:
    name = path.name.lower()
    if name.endswith(".gz"):
        kind = _KINDS.get(Path(name[:-3]).suffix)
        return kind if kind in ("csv", "json") else None
    return _KINDS.get(Path(name).suffix)


def _partition(path: Path, base: Path) -> dict[str, str]:
    """What a path such as `region=east/part-0.parquet` says of its rows."""
    parts = path.parent.relative_to(base).parts
    return {name: unquote(value) for name, _, value in (part.partition("=") for part in parts) if name and value}


def _inherited(own: Iterable[str], partitions: Mapping[Path, Mapping[str, str]]) -> list[str]:
    """What DuckDB takes for columns of partitioned files because folders above the inventory are called so.

    Raises AuditError where files have such a column themselves: DuckDB would put the folder's value in its place.
    """
    for file, partition in partitions.items():
        refuse_own(own, partition, str(file))
    if not any(partitions.values()):
        return []
    path, below = next((file, each) for file, each in partitions.items() if each)
    above = [part.partition("=")[0] for part in path.parent.parts if "=" in part[1:]]
    others = [name for name in dict.fromkeys(above) if name not in below]
    named = {name.casefold() for name in own}
    replaced = next((name for name in others if name.casefold() in named), None)
    if replaced is not None:
        raise AuditError(
            f"the files have a column `{legible(replaced)}`, for which the folder `{legible(replaced)}=…` above them"
            " would be taken",
            "name them by a path that begins below that folder",
        )
    return others


def _check_parquet(connection: BaseBackend, files: list[Path], origins: Mapping[Path, Path]) -> list[str]:
    """Each file can be opened, and all have the same columns of the same types: their names."""

    columns: dict[Path, dict[str, str]] = {}
    query = "SELECT name, coalesce(logical_type, ''), coalesce(duckdb_type, type, '') FROM parquet_schema(?)"
    with connection.con.cursor() if connection.name == "duckdb" else connected() as engine:
        for file in files:
            with telling(f"`{legible(str(origins[file]), 200)}` cannot be read"):
                rows = engine.execute(f"{query} ORDER BY column_id", [literally(file)]).fetchall()
            columns[file] = {name: f"{kind} {logical}" for name, logical, kind in rows[1:]}
    first = files[0]
    for file in files[1:]:
        if columns[file] != columns[first]:
            _refuse_two(str(origins[first]), columns[first], str(origins[file]), columns[file])
    return list(columns[first])


def _refuse_two(first: str, of_first: Mapping[str, str], second: str, of_second: Mapping[str, str]) -> None:
    for name in [*of_first, *of_second]:
        if of_first.get(name) == of_second.get(name):
            continue
        if name in of_first and name in of_second:
            difference = f"`{legible(name)}` is of another type in `{second}` than in `{first}`"
        else:
            has, lacks = (first, second) if name in of_first else (second, first)
            difference = f"`{has}` has a column `{legible(name)}`, `{lacks}` has none"
        raise AuditError(f"the files have different columns: {difference}", "audit them apart, or make them alike")


# --------------------------------------------------------------------------------------------------------------- Spark


def _spark_parquet(connection: BaseBackend, files: Iterable[Path], base: Path | None) -> ibis_types.Table:
    reader = _session(connection).read
    if base is not None:
        reader = reader.option("basePath", f"file://{base.absolute()}")
    return _spark_view(connection, reader.parquet(*[f"file://{each.absolute()}" for each in files]))


def _spark_view(connection: BaseBackend, frame: Any) -> ibis_types.Table:
    import ibis

    name = ibis.util.gen_name("lawful")
    frame.createOrReplaceTempView(name)
    table = connection.table(name)
    # Ibis takes Spark's instants for local times.
    instants = [each.name for each in frame.schema.fields if each.dataType.typeName() == "timestamp"]
    return table.mutate(**{each: table[each].cast("timestamp('UTC', 6)") for each in instants}) if instants else table


def _is_name(text: str) -> bool:
    """Whether it is a table of Spark's catalogue that is meant, `name` or `schema.name`, and no file."""
    is_path = "/" in text or _PATTERN.search(text) is not None or Path(text).suffix.lower() in _KINDS
    return not is_path and not Path(text).exists()


def _session(connection: BaseBackend) -> Any:
    return connection._session


def _spark_table(connection: BaseBackend, table: str) -> Opened:
    with telling(f"the table `{legible(table)}` cannot be read"):
        frame = _session(connection).table(table)
        return Opened(connection, _spark_view(connection, frame), table)


def _remote(connection: BaseBackend, where: str, scheme: str) -> Opened:
    """What only Spark can fetch: `s3a://`, `hdfs://`, `abfss://`."""
    if connection.name != "pyspark":
        help = "a table of a server is `postgres://user@host/database?table=schema.name`; Spark fetches other addresses"
        raise AuditError(f"`{legible(scheme)}://` is no address that DuckDB is let to fetch", help)
    with telling(f"`{legible(where, 200)}` cannot be read"):
        return Opened(connection, _spark_view(connection, _session(connection).read.parquet(where)), where)


def _of_spark_frame(frame: Any, beside: Opened | None) -> Opened:
    import ibis

    with telling("the frame cannot be read"):
        connection = beside.connection if beside is not None else ibis.pyspark.connect(frame.sparkSession)
        _session(connection).conf.set("spark.sql.session.timeZone", "UTC")
        return Opened(connection, _spark_view(connection, frame), "a Spark frame")


# ---------------------------------------------------------------------------------------------------------- PostgreSQL


@dataclass(frozen=True, slots=True)
class _Address:
    """Of a table on a server."""

    host: str | None
    port: int
    database: str | None
    user: str | None
    password: str | None = field(repr=False)
    options: Mapping[str, str]
    """The driver's own, such as `sslmode`."""
    table: str | None

    @property
    def shown(self) -> str:
        """Without the password."""
        return f"{self.host or 'localhost'}/{self.database or ''}"

    def name(self) -> tuple[str | None, str]:
        """Of the schema, and of the table. Raises AuditError."""
        if self.table is None:
            raise AuditError(f"which table of `{self.shown}` is meant?", "end the address with `?table=schema.name`")
        parts = [quoted or plain for quoted, plain in re.findall(r'"([^"]+)"|([^."]+)', self.table)]
        if not 1 <= len(parts) <= 2:
            raise AuditError(f"`{legible(self.table)}` is no name of a table", "it is `name` or `schema.name`")
        return (parts[0] if len(parts) == 2 else None), parts[-1]


def _address(text: str, table: str | None) -> _Address:
    try:
        parts = urlsplit(text)
        port = parts.port or 5432
        options = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
    except ValueError:
        help = "it is `postgres://user@host:5432/database?table=schema.name`"
        raise AuditError("the address of the server cannot be read", help) from None
    named = options.pop("table", None)
    return _Address(
        unquote(parts.hostname or options.pop("host", "")) or None,
        port,
        unquote(parts.path.lstrip("/")) or None,
        unquote(parts.username) if parts.username else None,
        unquote(parts.password) if parts.password else None,
        options,
        table or named,
    )


def server(address: str) -> tuple[BaseBackend, str | None, str]:
    """A new connection, and the schema and the name of the table that an address ends with. Raises AuditError."""
    found = _address(address, None)
    schema, name = found.name()
    return _connected(found), schema, name


def _on_postgres(text: str, table: str | None, beside: Opened | None) -> Opened:
    address = _address(text, table)
    schema, name = address.name()
    if beside is None:
        connection = _connected(address)
    elif beside.connection.name != "postgres":
        help = "both must be in one place: audit two tables of the server, or two files"
        raise AuditError(f"`{address.shown}` is a server, the inventory is not on it", help)
    elif not _is_on(beside.connection, address):
        raise AuditError(f"`{address.shown}` is another database than the inventory's", "both must be in one database")
    else:
        connection = beside.connection
    full = _quoted_name(schema, name)
    try:
        found = _server_table(connection, schema, name, address.shown)
        with telling(f"`{address.shown}` cannot be read"):
            found = _with_texts(found, full)
    except AuditError:
        if beside is None:
            connection.disconnect()
        raise
    return Opened(connection, found, f"{address.table} on {address.shown}", server_table=full)


def _quoted_name(schema: str | None, name: str) -> str:
    return ".".join('"' + each.replace('"', '""') + '"' for each in (schema, name) if each is not None)


_ENUMS: Final = """
SELECT a.attname FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
WHERE a.attrelid = to_regclass(%s) AND t.typtype = 'e' AND NOT a.attisdropped
"""


def _with_texts(table: ibis_types.Table, full: str) -> ibis_types.Table:
    """With columns of the server's own enums as texts: it refuses to compare them with a value they do not have."""
    import ibis
    import ibis.expr.datatypes as dt

    @ibis.udf.scalar.builtin(name="text", signature=((dt.string,), dt.string))
    def as_text(value: Any) -> Any: ...

    connection = table.get_backend().con
    with connection.cursor() as cursor, connection.transaction():
        names = [name for (name,) in cursor.execute(_ENUMS, (full,)).fetchall()]
    return table.mutate(**{name: as_text(table[name]) for name in names}) if names else table


def _connected(address: _Address) -> BaseBackend:
    try:
        import psycopg  # noqa: F401 - what ibis connects with
    except ImportError:
        raise AuditError("PostgreSQL needs psycopg", "pip install 'lawful[postgres]'") from None
    import ibis

    options = {"connect_timeout": _SECONDS_TO_CONNECT, "application_name": "lawful", **address.options}
    with telling(f"`{address.shown}` cannot be reached"):
        return ibis.postgres.connect(
            host=address.host,
            port=address.port,
            database=address.database,
            user=address.user,
            password=address.password,
            **options,
        )


def _is_on(connection: BaseBackend, address: _Address) -> bool:
    info = connection.con.info
    hosts = {info.host, "localhost"} if info.host in ("", "localhost", "127.0.0.1") else {info.host}
    same_host = (address.host or "localhost") in hosts or address.host == info.host
    return same_host and (info.port, info.dbname) == (address.port, address.database or info.dbname)


def _server_table(connection: BaseBackend, schema: str | None, name: str, shown: str) -> ibis_types.Table:
    import ibis.common.exceptions

    with telling(f"`{shown}` cannot be read"):
        try:
            return connection.table(name, database=schema)
        except ibis.common.exceptions.TableNotFound:
            help = near(name, connection.list_tables(database=schema))
            full = name if schema is None else f"{schema}.{name}"
            raise AuditError(f"there is no table `{legible(full)}` in `{shown}`", help) from None


# -------------------------------------------------------------------------------------------- from Python, as a library


def _of_ibis(table: Any, scratch: Path, memory_limit: int | None, beside: Opened | None) -> Opened:
    import ibis.expr.operations as ops

    with telling("the table cannot be read"):
        backends, has_unbound = table._find_backends()
        if has_unbound:
            raise AuditError("the table belongs to no connection: it is unbound", "take it from a connection")
        if not backends:  # a memtable
            return _of_frame(table.to_pyarrow(), _connection(None, scratch, memory_limit, beside))
        if len(backends) > 1:
            raise AuditError("the table belongs to two connections")
        if beside is not None and backends[0] is not beside.connection:
            raise AuditError("the tables belong to two connections", "both must be in one place")
        operation = table.op()
        if not isinstance(operation, ops.DatabaseTable):
            return Opened(backends[0], table, f"a table of {backends[0].name}")
        if backends[0].name != "postgres":
            return Opened(backends[0], table, operation.name)
        full = _quoted_name(operation.namespace.database, operation.name)
        return Opened(backends[0], _with_texts(table, full), operation.name, server_table=full)


def _of_frame(frame: Any, connection: BaseBackend) -> Opened:
    import ibis

    kind = type(frame).__module__.partition(".")[0]
    with telling("the frame cannot be read"):
        rows = _arrow(frame, kind)
        name = ibis.util.gen_name("lawful")
        match connection.name:
            case "duckdb":
                connection.con.register(name, rows)
                table = _in_microseconds(connection, connection.table(name))
            case "pyspark":
                table = _spark_view(connection, _session(connection).createDataFrame(rows))
            case _:
                table = connection.create_table(name, rows, temp=True)
        return Opened(connection, table, f"a frame of {kind}")


def _arrow(frame: Any, kind: str) -> Any:
    """The frame as Arrow has it: not copied, where it is kept so already."""
    import pyarrow

    if kind == "pandas":
        names = [str(each) for each in frame.columns]
        twice = next((each for each in names if names.count(each) > 1), None)
        if twice is not None:
            raise AuditError(f"the frame has two columns `{legible(twice)}`")
        return pyarrow.Table.from_pandas(frame, preserve_index=False)
    if kind == "polars" and hasattr(frame, "collect"):
        frame = frame.collect()
    if not hasattr(frame, "__arrow_c_stream__"):
        raise AuditError(
            f"`{type(frame).__name__}` is no inventory",
            "a path, an address, a table of Ibis, or a frame of pandas, Polars or Arrow",
        )
    return pyarrow.table(frame)
