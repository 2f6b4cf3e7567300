"""What keeps an audit from being made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from lawful.diagnostics import Diagnostic, LawfulError

_NEEDED: Final = ("duckdb", "ibis", "jinja2", "pyarrow", "sqlglot")
_OPTIONS: Final = {"columns": "map"}
"""Those of another name on the command line."""


@contextmanager
def installed() -> Iterator[None]:
    """What an audit needs is imported inside; raises AuditError where it is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _NEEDED:
            raise
        raise AuditError(
            f"an audit needs `{error.name}`, which is not installed", "pip install 'lawful[audit]'"
        ) from None


def option(name: str) -> str:
    """What is asked for, as Python and as the command line have it.

    >>> option("before_at")
    '`before_at` (`--before-at`)'
    """
    return f"`{name}` (`--{_OPTIONS.get(name, name).replace('_', '-')}`)"


class AuditError(LawfulError):
    """An inventory, a mapping or an output that cannot be used, in words for a person."""

    def __init__(self, message: str, help: str | None = None, diagnostics: Iterable[Diagnostic] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.help = help
        self.diagnostics = tuple(diagnostics)
        """Of a file that people write: every mistake in it, with its place."""


class WrongFile(AuditError):
    """A mapping or a file of waivers is wrong: every mistake found in it."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        found = tuple(diagnostics)
        super().__init__("\n\n".join(str(each) for each in found), diagnostics=found)
