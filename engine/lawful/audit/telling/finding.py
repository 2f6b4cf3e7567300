"""The findings that are told one by one: a few read out of their file, however many it holds."""

from __future__ import annotations

import glob
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal
from zoneinfo import ZoneInfo

from lawful.audit.sql import parquet_rows
from lawful.audit.summary import About
from lawful.ir import Severity, Text

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

COLUMNS: Final = (
    "account_id",
    "rule",
    "severity",
    "status",
    "about",
    "at",
    "explanation_en",
    "explanation_zh",
    "facts",
    "source",
    "excused",
)
_LONGEST: Final = 4_000
_SHORTENED: Final = ("explanation_en", "explanation_zh", "facts")
_READ: Final = ", ".join(
    f"left({name}, {_LONGEST})" if name in _SHORTENED else 'epoch_us("at")' if name == "at" else name
    for name in COLUMNS
)
"""Texts as long as a person may read; instants in microseconds: no zone of the connection's has a say."""
_ORDER: Final = "excused IS NOT NULL, status <> 'violated', {}left(account_id, 400), epoch_us(\"at\"), rule"
"""Those that count, the violated, then by account: the same order whatever the file's."""
_RANK: Final = "CASE severity WHEN 'error' THEN 0 WHEN 'warning' THEN 1 ELSE 2 END, "


@dataclass(frozen=True, slots=True)
class Finding:
    """One row of the findings; `at` in microseconds since 1970, `facts` a JSON object."""

    account: str
    rule: str
    severity: Severity
    status: Literal["violated", "unknown"]
    about: About
    at: int
    explanation: Text
    facts: str
    source: str | None
    excused: str | None


@dataclass(frozen=True, slots=True)
class Findings:
    """The Parquet file of an audit's findings, what gives a connection to read it with, and the zone of the policy's
    days.
    """

    path: Path
    connected: Callable[[], DuckDBPyConnection]
    """Always the same one, asked for when there is something to be read: a DuckDB takes a while to start."""
    zone: ZoneInfo

    @property
    def connection(self) -> DuckDBPyConnection:
        return self.connected()

    @property
    def literal(self) -> str:
        """The path inside SQL: of this very file, whatever signs its name holds."""
        return "'" + glob.escape(str(self.path)).replace("'", "''") + "'"

    @property
    def rows(self) -> str:
        """As SQL selects from them."""
        return parquet_rows(self.literal)

    def count(self) -> int:
        found = self.connection.execute(f"SELECT count(*) FROM {self.rows}").fetchone()
        return int(found[0]) if found is not None else 0

    def first_of_each_rule(self, most: int) -> dict[str, list[Finding]]:
        """At most so many of each rule: those that count first."""
        order = _ORDER.format("")
        found = self._told(
            f"SELECT unnest(arg_min(file_row_number, row({order}), {most})) AS file_row_number"
            f" FROM {self._numbered} GROUP BY rule",
            f"rule, {order}",
        )
        return {rule: list(those) for rule, those in groupby(found, key=lambda each: each.rule)}

    def first(self, most: int) -> list[Finding]:
        """At most so many: those that count first, the worst of them first."""
        order = _ORDER.format(_RANK)
        return self._told(f"SELECT file_row_number FROM {self._numbered} ORDER BY {order} LIMIT {most}", order)

    @property
    def _numbered(self) -> str:
        return parquet_rows(self.literal, "file_row_number = true")

    def _told(self, numbers: str, order: str) -> list[Finding]:
        """The findings of those numbers. They are looked for by their numbers: texts would fill the memory."""
        found = self.connection.execute(
            f"SELECT {_READ} FROM {self._numbered} SEMI JOIN ({numbers}) USING (file_row_number) ORDER BY {order}"
        ).fetchall()
        return [_finding(*each) for each in found]

    def excuses(self, most: int) -> list[tuple[str, int]]:
        """The baseline and the waivers, and how many findings each excuses; those that excuse most first."""
        return self.connection.execute(
            f"SELECT excused, count(*) FROM {self.rows}"
            f" WHERE excused IS NOT NULL GROUP BY excused ORDER BY count(*) DESC, excused LIMIT {most}"
        ).fetchall()


def _finding(
    account: str,
    rule: str,
    severity: Severity,
    status: Literal["violated", "unknown"],
    about: About,
    at: int,
    english: str | None,
    chinese: str | None,
    facts: str | None,
    source: str | None,
    excused: str | None,
) -> Finding:
    return Finding(account, rule, severity, status, about, at, Text(english, chinese), facts or "{}", source, excused)
