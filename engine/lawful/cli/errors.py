"""What goes wrong before anything is judged: a command that makes no sense, a file that cannot be read."""

from __future__ import annotations

from collections.abc import Iterable

from lawful.diagnostics import Diagnostic, LawfulError


class WrongUsage(LawfulError):
    """The command cannot be carried out as it was given."""

    def __init__(self, message: str, help: str | None = None) -> None:
        self.message = message
        self.help = help
        super().__init__(message)


class BadInput(LawfulError):
    """A file that is no policy cannot be read: every mistake found in it."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("\n\n".join(str(each) for each in self.diagnostics))


class PipeClosed(Exception):
    """Whoever read the output has stopped reading."""
