"""What keeps a proof from being looked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lawful.diagnostics import LawfulError


class ProofError(LawfulError):
    """A question that cannot be asked, in words for a person."""

    def __init__(self, message: str, help: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.help = help


@contextmanager
def installed() -> Iterator[None]:
    """What a proof needs is imported inside; raises ProofError where it is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "z3":
            raise
        raise ProofError("a proof needs `z3`, which is not installed", "pip install 'lawful[prove]'") from None


def check_timeout(seconds: object) -> None:
    """Raises ProofError where that is not a number of seconds greater than 0."""
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not seconds > 0:
        raise ProofError(f"`timeout` is {seconds!r}", "give a number of seconds greater than 0, such as 30")
