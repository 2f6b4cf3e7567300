"""What was compared, as text for a terminal or as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import inf

from peers.comparing import Compared, Row
from peers.listed import DIRECT, FLOOR, UNVALIDATED

COLUMNS = (
    ("allows", "verdict"),
    ("broken", "+ ids"),
    ("from_dict", "from dict"),
    ("from_json", "from JSON"),
    ("dict_validated", "dict, valid."),
    ("json_validated", "JSON, valid."),
    ("explain", "explained"),
)
Table = list[list[str]]


def cells(compared: Compared) -> Table:
    """A row a peer; beside each time, how many times that of the floor it is."""
    floor = _floor(compared)
    head = ["", *(title for _, title in COLUMNS), "MB", "growth"]
    table = [head]
    for row in _quickest_first(compared.rows):
        if row.failed is not None and not row.microseconds:
            table.append([row.title, row.failed])
            continue
        times = [_cell(row, cell, floor.get(cell)) for cell, _ in COLUMNS]
        table.append([row.title, *times, f"{row.load_megabytes:.1f}", _growth(row)])
    return table


def places(compared: Compared) -> Iterator[str]:
    """Where the direct engine stands among the engines, column by column: each column has like beside like."""
    engines = [row for row in compared.rows if row.title != FLOOR and row.microseconds and not row.behind]
    found = []
    for cell, title in COLUMNS:
        times = {row.title: row.microseconds[cell] for row in engines if cell in row.microseconds}
        ours = next((each for each in (DIRECT, UNVALIDATED) if each in times), None)
        if ours is not None:
            place = sorted(times, key=times.__getitem__).index(ours) + 1
            found.append(f"{title} {place} of {len(times)}")
    if found and not all(row.ours for row in engines):
        yield f"{DIRECT}, its place among the engines: {'; '.join(found)}"
        yield ""


def growth(compared: Sequence[Compared], cell: str) -> Table:
    """A row a peer, a column a size."""
    titles = list(dict.fromkeys(row.title for each in compared for row in each.rows if _takes_part(row, cell)))
    found = {(each.policy, row.title): row for each in compared for row in each.rows}
    table = [["", *(f"{each.policy.removeprefix('moves-')} rules" for each in compared), "last / first"]]

    def first(title: str) -> float:
        return found[compared[0].policy, title].microseconds.get(cell, float("inf"))

    for title in sorted(titles, key=first):
        rows = [found[each.policy, title] for each in compared]
        times = [row.microseconds.get(cell) for row in rows]
        ratio = f"{times[-1] / times[0]:.1f} ×" if times[0] and times[-1] else ""
        if all(row.failed for row in rows):
            table.append([title, rows[0].failed or ""])
        else:
            table.append([title, *(_growing(row, cell, each) for row, each in zip(rows, compared, strict=True)), ratio])
    return table


def _takes_part(row: Row, cell: str) -> bool:
    return row.failed is not None or cell in row.microseconds or cell in row.over


def _growing(row: Row, cell: str, compared: Compared) -> str:
    return "fails" if row.failed is not None else _cell(row, cell, _floor(compared).get(cell))


def notes(compared: Sequence[Compared]) -> Iterator[str]:
    """What was told of a peer beside its times."""
    for each in compared:
        for row in each.rows:
            if row.failed is not None and not row.failed.startswith("not installed"):
                yield f"{row.title}, {each.policy}: {row.failed}"
            if row.note:
                yield f"{row.title}, {each.policy}: {row.note}"


def text(table: Table) -> str:
    widths = [
        max(len(row[index]) for row in table if len(row) > 2 and index < len(row)) for index in range(len(table[0]))
    ]
    widths[0] = max(len(row[0]) for row in table)
    return "\n".join("  ".join([f"{row[0]:{widths[0]}}", *_aligned(row[1:], widths[1:])]).rstrip() for row in table)


def _aligned(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    # a single cell is a sentence about the whole row
    return list(row) if len(row) == 1 else [f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True)]


def markdown(table: Table) -> str:
    width = len(table[0])
    lines = [f"| {' | '.join([*row, *([''] * (width - len(row)))])} |" for row in table]
    lines.insert(1, f"|---|{'---:|' * (width - 1)}")
    return "\n".join(lines)


def _floor(compared: Compared) -> dict[str, float]:
    return next((row.microseconds for row in compared.rows if row.title == FLOOR), {})


def _cell(row: Row, cell: str, floor: float | None) -> str:
    if cell in row.over:
        return f"over {row.over[cell] * 1000:.0f} ms"
    time = row.microseconds.get(cell)
    if time is None:
        return "–"
    return f"{_digits(time)} ({_digits(time / floor)} ×)" if floor and row.title != FLOOR else _digits(time)


def _digits(number: float) -> str:
    if number >= 1000:
        return f"{number:,.0f}".replace(",", " ")
    return f"{number:.2f}" if number < 10 else f"{number:.1f}" if number < 100 else f"{number:.0f}"


def _growth(row: Row) -> str:
    if row.growth_megabytes is None:
        return "–"
    return f"{row.growth_megabytes:+.1f} / {row.growth_checks // 1000}k"


def _quickest_first(rows: Sequence[Row]) -> list[Row]:
    """By the time for ids from the readiest form that is timed."""

    def time(row: Row) -> float:
        return next((row.microseconds[cell] for cell in ("broken", "from_dict") if cell in row.microseconds), inf)

    return sorted(rows, key=time)
