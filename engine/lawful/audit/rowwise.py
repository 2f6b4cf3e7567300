"""CSV, JSON Lines and Excel, read once and kept as Parquet: an audit looks at its inventory several times.

In CSV and Excel everything is a text (`010` stays so): the policy says what it is. JSON has types of its own, and
those are kept; a text in it that looks like a date stays a text.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from pathlib import Path
from tempfile import mkdtemp
from typing import IO, TYPE_CHECKING, Any, Final, Literal

from lawful.audit.errors import AuditError, option
from lawful.audit.failures import telling
from lawful.audit.local import connected
from lawful.audit.sql import literal, quoted
from lawful.diagnostics import legible, near

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Kind = Literal["csv", "json", "excel"]

_CHUNK: Final = 1 << 20
_LONGEST_HEADER: Final = 8 << 20
_SEPARATORS: Final = ",;\t|"
_ROWS_AT_ONCE: Final = 20_000
_BOMS: Final = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_TOO_WIDE: Final = re.compile(r'(?<![\w"])U?HUGEINT(?![\w"(])')
"""What DuckDB takes whole numbers for of which some are negative, some large. Parquet has them as fractions."""
_WIDEST: Final = "DECIMAL(38, 0)"
_FILE: Final = "the file of lawful's"
_GUESSED_TYPES: Final = re.compile(r'(?<![\w"])(?:UUID|TIME|DATE|TIMESTAMP|"NULL")(?![\w"(])')
"""What DuckDB takes texts of JSON for: they are to stay as they are written. Field names in types are quoted."""


def converted(
    files: list[Path],
    kind: Kind,
    partitions: Mapping[Path, Mapping[str, str]],
    *,
    scratch: Path,
    encoding: str | None,
    sheet: str | None,
) -> dict[Path, Path]:
    """The Parquet files that hold what is in these, and which each was made of; they lie in `scratch`, the caller's."""
    folder = Path(mkdtemp(dir=scratch))
    if encoding is not None and kind != "excel":
        _check_encoding(encoding)
    with _engine(scratch) as engine:
        match kind:
            case "csv":
                made = {}
                for number, file in enumerate(files):
                    target = folder / f"{number:05}.parquet"
                    _from_csv(engine, file, target, partitions.get(file, {}), encoding)
                    made[target] = file
                return made
            case "json":
                target = folder / "lines.parquet"
                _from_json(engine, files, target, partitions, encoding)
                return {target: files[0]}
            case "excel":
                made = {}
                for number, file in enumerate(files):
                    target = folder / f"{number:05}.parquet"
                    _from_excel(file, target, sheet)
                    made[target] = file
                return made


@contextmanager
def _engine(scratch: Path) -> Iterator[DuckDBPyConnection]:
    """A DuckDB of its own, that keeps the rows in their order: their numbers are told."""
    settings: dict[str, Any] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "temp_directory": str(scratch / "spill"),
        "preserve_insertion_order": True,
    }
    with connected(**settings) as engine:
        yield engine


def literally(path: Path) -> str:
    """The path, spelled so that DuckDB finds no pattern in it."""
    return re.sub(r"[\[*?]", lambda found: f"[{found[0]}]", str(path))


def _copy(engine: DuckDBPyConnection, query: str, target: Path) -> None:
    engine.execute(f"COPY ({query}) TO {literal(target)} (FORMAT parquet, COMPRESSION zstd)")


def refuse_own(names: Iterable[str], partition: Iterable[str], file: str) -> None:
    """Of a file in a folder such as `region=east`: it may have no such column itself. Raises AuditError."""
    own = {name.casefold() for name in names}
    twice = next((name for name in partition if name.casefold() in own), None)
    if twice is not None:
        raise AuditError(
            f"`{legible(file, 200)}` has a column `{legible(twice)}`, and so has its folder `{legible(twice)}=…`",
            "rename one of them",
        )


# ----------------------------------------------------------------------------------------------------------- encodings


def _check_encoding(name: str) -> None:
    try:
        codecs.lookup(name)
    except (LookupError, UnicodeError):
        known = ("utf-8", "gb18030", "gbk", "big5", "utf-16", "latin-1")
        help = near(name, known) or f"for instance {', '.join(f'`{each}`' for each in known)}"
        raise AuditError(f"there is no encoding `{legible(name)}`", help) from None


def _bytes(path: Path) -> IO[bytes] | gzip.GzipFile:
    return gzip.open(path) if path.suffix == ".gz" else path.open("rb")


def _as_utf8(path: Path, encoding: str | None, folder: Path) -> Path:
    """The file itself where it is UTF-8 without a mark; else one beside the results that says the same in UTF-8."""
    with _bytes(path) as stream:
        start = stream.read(4)
    marked = next((name for mark, name in _BOMS.items() if start.startswith(mark)), None)
    found = marked or encoding or "utf-8"
    if codecs.lookup(found).name == "utf-8":
        return path
    target = Path(mkdtemp(dir=folder)) / f"utf-8{path.with_suffix('').suffix if path.suffix == '.gz' else path.suffix}"
    decoder = codecs.getincrementaldecoder(found)()
    read = 0
    with _bytes(path) as stream, target.open("wb") as written:
        try:
            while chunk := stream.read(_CHUNK):
                written.write(decoder.decode(chunk).encode())
                read += len(chunk)
            written.write(decoder.decode(b"", final=True).encode())
        except UnicodeError as error:
            at = read + getattr(error, "start", 0)
            raise AuditError(f"`{path}` is not {found.upper()}: it cannot be read from byte {at} on") from None
    return target


_NOT_UTF8: Final = f"say what it is with {option('encoding')}; Chinese Excel saves CSV as `gb18030`"


# ----------------------------------------------------------------------------------------------------------------- CSV


def _from_csv(
    engine: DuckDBPyConnection, path: Path, target: Path, partition: Mapping[str, str], encoding: str | None
) -> None:
    with telling(f"`{path}` cannot be read"):
        source = _as_utf8(path, encoding, target.parent)
        names, separator = _header(source, path)
        refuse_own(names, partition, str(path))
        columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in names)
        extra = "".join(f", {literal(value)} AS {quoted(name)}" for name, value in partition.items())
        query = (
            f"SELECT *{extra} FROM read_csv({literal(literally(source))}, auto_detect=false, header=true,"
            f" delim={literal(separator)}, quote='\"', escape='\"', strict_mode=true,"
            f" columns={{{columns}}}, hive_partitioning=false)"
        )
        try:
            _copy(engine, query, target)
        except Exception as error:
            told = _csv_mistake(str(error), path)
            if told is None:
                raise
            raise told from None


def _csv_mistake(told: str, path: Path) -> AuditError | None:
    """DuckDB's page about a line as one phrase; None for what is not about a line."""
    line = re.search(r"CSV Error on Line: (\d+)", told)
    if line is None:
        return None
    where = f"line {line[1]} of `{path}`"
    counts = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", told)
    if counts is not None:
        help = "put quotes around values that hold the separator"
        return AuditError(f"{where} has {counts[2]} values where there are {counts[1]} columns", help)
    if "unterminated quote" in told:
        return AuditError(f"{where} begins a quote that is not closed")
    if "unicode" in told.lower() or "utf-8" in told:
        return AuditError(f"{where} is not UTF-8", _NOT_UTF8)
    reason = next((each for each in told.splitlines()[2:] if each.strip()), "it cannot be read")
    return AuditError(f"{where}: {legible(reason[:1].lower() + reason[1:], 200)}")


def _header(source: Path, path: Path) -> tuple[list[str], str]:
    """The names of the columns, and what separates them."""
    with _bytes(source) as stream:
        start = stream.read(_LONGEST_HEADER)
    if not start.strip():
        raise AuditError(f"`{path}` is empty", "its first line names the columns")
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError as error:
        line = start.count(b"\n", 0, error.start) + 1
        raise AuditError(f"line {line} of `{path}` is not UTF-8", _NOT_UTF8) from None
    first = text.lstrip("\r\n").splitlines()[0]
    separator = max(_SEPARATORS, key=first.count)
    try:
        names = next(csv.reader(io.StringIO(text.lstrip("\r\n")), delimiter=separator, strict=True))
    except (csv.Error, StopIteration):
        raise AuditError(f"the first line of `{path}` names no columns") from None
    names = [each.strip() for each in names]
    _check_names(names, path)
    return names, separator


def _check_names(names: list[str], path: Path) -> None:
    for number, name in enumerate(names, 1):
        if not name.strip():
            raise AuditError(f"column {number} of `{path}` has no name", "the first line names the columns")
    seen: dict[str, str] = {}
    for name in names:
        if name.casefold() in seen:
            raise AuditError(f"`{path}` has two columns `{legible(name)}`", "rename one: case makes no difference")
        seen[name.casefold()] = name


# ---------------------------------------------------------------------------------------------------------------- JSON


def _from_json(
    engine: DuckDBPyConnection,
    files: list[Path],
    target: Path,
    partitions: Mapping[Path, Mapping[str, str]],
    encoding: str | None,
) -> None:
    for path in files:
        with telling(f"`{path}` cannot be read"), _bytes(path) as stream:
            if not stream.read(_CHUNK).strip():
                raise AuditError(f"`{path}` is empty")
    sources = []
    for path in files:
        with telling(f"`{path}` cannot be read"):
            sources.append(_as_utf8(path, encoding, target.parent))
    with telling(f"`{files[0]}` cannot be read" if len(files) == 1 else "the JSON files cannot be read"):
        listed = ", ".join(literal(literally(each)) for each in sources)
        layout = "newline_delimited" if all(_is_lines(each) for each in files) else "auto"
        # A format of dates that nothing has: texts stay texts. All rows are looked at: none has a surprise.
        options = f"format='{layout}', sample_size=-1, map_inference_threshold=-1, union_by_name=true"
        options += ", dateformat='%Y lawful', timestampformat='%Y lawful', hive_partitioning=false"
        query = f"SELECT * FROM read_json([{listed}], {options})"
        try:
            described = engine.execute(f"DESCRIBE {query}").fetchall()
            types = {
                name: _TOO_WIDE.sub(_WIDEST, _GUESSED_TYPES.sub("VARCHAR", found)) for name, found, *_ in described
            }
            if list(types) == ["json"]:
                raise AuditError(f"`{files[0]}` holds no objects", "each line is an object of JSON, one account")
            for file in files:
                refuse_own(types, partitions.get(file, {}), str(file))
            if any(types[name] != found for name, found, *_ in described):
                columns = ", ".join(f"{literal(name)}: {literal(wanted)}" for name, wanted in types.items())
                query = query[:-1] + f", columns={{{columns}}}, auto_detect=false)"
            of_sources = {str(source): partitions.get(file, {}) for source, file in zip(sources, files, strict=True)}
            _copy(engine, _with_partitions(query, of_sources), target)
        except AuditError:
            raise
        except Exception as error:
            told = _json_mistake(str(error), dict(zip(map(str, sources), files, strict=True)))
            if told is None:
                raise
            raise told from None


def _with_partitions(query: str, of_files: Mapping[str, Mapping[str, str]]) -> str:
    """The rows of JSON with what the folders of their files say, as texts."""
    names = dict.fromkeys(name for each in of_files.values() for name in each)
    if not names:
        return query
    columns = []
    for name in names:
        said = " ".join(
            f"WHEN {literal(file)} THEN {literal(each[name])}" for file, each in of_files.items() if name in each
        )
        columns.append(f"CASE {quoted(_FILE)} {said} END AS {quoted(name)}")
    rows = query[:-1] + f", filename={literal(_FILE)})"
    return f"SELECT * EXCLUDE ({quoted(_FILE)}), {', '.join(columns)} FROM ({rows})"


def _is_lines(path: Path) -> bool:
    return not path.name.lower().removesuffix(".gz").endswith(".json")


def _json_mistake(told: str, originals: Mapping[str, Path]) -> AuditError | None:
    found = re.search(
        r'JSON(?: transform error)? in file "(?P<file>.*?)", (?:at byte (?P<byte>\d+) )?in (?P<what>line|record/value)'
        r" (?P<line>\d+): (?P<reason>[^\n]*)",
        told,
    )
    if found is None:
        return None
    path = originals.get(found["file"], Path(found["file"]))
    bad = _bad_line(Path(found["file"])) if found["what"] == "line" and found["byte"] else None
    place = (
        f"line {bad}"
        if bad is not None
        else f"line {found['line']}"
        if found["what"] == "line"
        else f"value {found['line']}"
    )
    twice = re.search(r'has duplicate key "(.*?)"', found["reason"])
    if twice is not None:
        return AuditError(f"{place} of `{path}` gives `{legible(twice[1])}` twice")
    reason = re.sub(r"\bJSON transform error\b", "it cannot be read", found["reason"]).strip().rstrip(".")
    help = _NOT_UTF8 if "UTF-8" in reason else None
    return AuditError(f"{place} of `{path}` is not JSON: {legible(reason, 200)}", help)


def _bad_line(path: Path) -> int | None:
    """The first line that is no JSON: what DuckDB calls its number may be the next one's."""
    with _bytes(path) as stream:
        for number, line in enumerate(stream, 1):
            try:
                if line.strip():
                    json.loads(line)
            except ValueError:
                return number
    return None


# --------------------------------------------------------------------------------------------------------------- Excel


def _from_excel(path: Path, target: Path, sheet: str | None) -> None:
    import pyarrow
    import pyarrow.parquet

    with telling(f"`{path}` cannot be read"):
        rows = _excel_rows(path, sheet)
        header = next(rows, None)
        if header is None:
            raise AuditError(f"`{path}` is empty", "its first row names the columns")
        names = [(_text(each) or "").strip() for each in header]
        while names and not names[-1]:
            names.pop()
        _check_names(names, path)
        schema = pyarrow.schema([(name, pyarrow.string()) for name in names])
        with pyarrow.parquet.ParquetWriter(target, schema, compression="zstd") as writer:
            for batch in _batches(rows, len(names), path):
                columns = [pyarrow.array(column, pyarrow.string()) for column in zip(*batch, strict=True)]
                writer.write_table(pyarrow.table(columns, schema=schema))


def _excel_rows(path: Path, sheet: str | None) -> Iterator[tuple[Any, ...]]:
    try:
        import openpyxl
    except ImportError:
        raise AuditError("Excel files need openpyxl", "pip install 'lawful[excel]'") from None
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (KeyError, ValueError, EOFError, SyntaxError):  # of parts that are not there; XML's mistake is a SyntaxError
        raise AuditError(f"`{path}` cannot be read: it is not an Excel workbook") from None
    try:
        if sheet is not None and sheet not in book.sheetnames:
            listed = ", ".join(f"`{each}`" for each in book.sheetnames)
            raise AuditError(
                f"`{path}` has no sheet `{legible(sheet)}`", near(sheet, book.sheetnames) or f"it has {listed}"
            )
        found = book[sheet] if sheet is not None else book.worksheets[0]
        found.reset_dimensions()  # what the file says of its own size is often wrong
        yield from found.iter_rows(values_only=True)
    except (KeyError, ValueError, EOFError, SyntaxError):
        raise AuditError(f"`{path}` cannot be read: it is damaged") from None
    finally:
        book.close()


def _batches(rows: Iterator[tuple[Any, ...]], width: int, path: Path) -> Iterator[list[list[str | None]]]:
    """The rows as texts, some thousand at a time; empty ones at the end are nobody's."""
    batch: list[list[str | None]] = []
    empty = 0
    for number, row in enumerate(rows, 2):
        texts = [_text(each) for each in row]
        if any(each is not None for each in texts[width:]):
            raise AuditError(f"row {number} of `{path}` has a value beyond the last column that has a name")
        if not any(each is not None for each in texts):
            empty += 1
            continue
        batch += [[None] * width for _ in range(empty)]
        empty = 0
        batch.append((texts + [None] * width)[:width])
        if len(batch) >= _ROWS_AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


def _text(cell: Any) -> str | None:
    """What a cell shows, as one would write it in CSV. A day is kept as an instant in Excel: midnight is a date."""
    match cell:
        case None | "":
            return None
        case bool():
            return "true" if cell else "false"
        case datetime():
            at = (cell + timedelta(milliseconds=500)).replace(microsecond=0)  # kept as a fraction of days: not exact
            return at.date().isoformat() if at.time() == time() else at.isoformat()
        case date() | time():
            return cell.isoformat()
        case timedelta():
            return str(cell)
        case float() if cell.is_integer():
            return str(int(cell))
        case _:
            return str(cell)
