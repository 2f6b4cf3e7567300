"""A mistake as a value, how it is drawn, and the exceptions that carry mistakes out of the package."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final, Literal

from lawful.source import Span

MOST_MISTAKES: Final = 1000
"""More are not looked for: nobody reads them, and a file that is wrong everywhere would take long."""

_WIDEST_LINE: Final = 160
_AROUND: Final = 50
_LONGEST_FIELD: Final = 200
_LONGEST_MESSAGE: Final = 500
_MOST_COMPARED: Final = 2000


@dataclass(frozen=True, slots=True)
class Mistake:
    """A mistake within one value, before it is known where that value stands: `start` and `length` in code points."""

    code: str
    message: str
    help: str | None = None
    start: int | None = None
    length: int = 1


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """A mistake and its place. The code is a slug: the heading in docs/diagnostics.md and the fixture's name."""

    code: str
    message: str
    span: Span | None = None
    help: str | None = None
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        return "\n".join(_drawn(self))


class LawfulError(Exception):
    """Everything this package raises on purpose."""


class PolicyError(LawfulError):
    """A policy is wrong: every mistake found, in the order of the file."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics: tuple[Diagnostic, ...] = tuple(diagnostics)
        super().__init__("\n\n".join(str(each) for each in self.diagnostics))

    def __reduce__(self) -> tuple[type[PolicyError], tuple[tuple[Diagnostic, ...]]]:
        return type(self), (self.diagnostics,)


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a request: the field is its path, `account.certified_until`."""

    field: str
    message: str
    help: str | None = None

    def __str__(self) -> str:
        text = f"{legible(self.field, _LONGEST_FIELD)}: {self.message}" if self.field else self.message
        return f"{text} ({self.help})" if self.help else text


class RequestError(LawfulError):
    """A request cannot be judged: every problem found."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__("\n".join(str(each) for each in self.problems))

    def __reduce__(self) -> tuple[type[RequestError], tuple[tuple[Problem, ...]]]:
        return type(self), (self.problems,)


class EngineDisagreement(LawfulError):
    """Two engines judged a rule differently. There is no decision, and nothing is allowed."""

    def __init__(self, policy: str, differences: Sequence[str]) -> None:
        self.policy = policy
        self.differences = tuple(differences)
        listed = "\n".join(f"  {each}" for each in differences)
        super().__init__(
            f"internal error: the engines disagree about the policy {policy}; nothing is allowed\n{listed}\n"
            "please report this with the policy, the request and these lines: it is a defect of lawful, not of either"
        )

    def __reduce__(self) -> tuple[type[EngineDisagreement], tuple[str, tuple[str, ...]]]:
        return type(self), (self.policy, self.differences)


def legible(text: str, longest: int = 60) -> str:
    """A stranger's text on one line, not endless, with nothing in it that a terminal would obey.

    >>> legible("a\\nb")
    'a\\\\u000ab'
    """
    shown = text if len(text) <= longest else text[: longest - 3] + "..."
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in shown)


def near(word: str, known: Iterable[str]) -> str | None:
    """A *did you mean* for a word, where one is near enough to be meant.

    >>> near("certifed_until", ["type", "certified_until"])
    'did you mean `certified_until`?'
    >>> near("pya", ["pay"])
    'did you mean `pay`?'
    """
    asked, names = word[:80].casefold(), list(known)
    if len(names) > _MOST_COMPARED:
        return None  # to compare takes time, and so many names are no person's
    similar = {each.casefold(): each for each in names if abs(len(each) - len(asked)) <= max(4, len(asked) // 2)}
    letters = sorted(asked)
    found = get_close_matches(asked, similar, n=1, cutoff=0.7)
    found = found or [each for each in similar if len(asked) > 2 and sorted(each) == letters]
    found = found or [each for each in similar if len(each) > 2 and asked.startswith(each)]
    return f"did you mean `{legible(similar[found[0]])}`?" if found else None


def in_file_order(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """As a reader meets them; the same mistake at the same place is told once."""
    unique = dict.fromkeys(diagnostics)
    return sorted(unique, key=lambda each: (each.span.source.name, each.span.start) if each.span else ("", 0))


def _drawn(diagnostic: Diagnostic) -> list[str]:
    lines = [f"{diagnostic.severity}[{diagnostic.code}]: {legible(diagnostic.message, _LONGEST_MESSAGE)}"]
    span = diagnostic.span
    margin = " "
    if span is not None:
        line, column = span.source.position(span.start)
        margin = " " * len(str(line))
        lines.append(f"{margin}--> {legible(span.source.name, _LONGEST_MESSAGE)}:{line}:{column}")
        lines.extend(_excerpt(span, line, column, margin))
    if diagnostic.help:
        lines.append(f"{margin} = help: {diagnostic.help}")
    return lines


def _excerpt(span: Span, line: int, column: int, margin: str) -> list[str]:
    text = span.source.line(line)
    if not text.strip():
        return []
    text = "".join(char if char.isprintable() or char == "\t" else "\ufffd" for char in text)
    start = column - 1
    marked = text[start : start + max(span.end - span.start, 1)]
    if len(text) > _WIDEST_LINE:  # too long to read whole: what stands around the place
        left = max(start - _AROUND, 0)
        right = min(start + min(len(marked), _AROUND) + _AROUND, len(text))
        marked = marked[: right - start]
        text, start = (
            f"{'…' if left else ''}{text[left:right]}{'…' if right < len(text) else ''}",
            start - left + bool(left),
        )
    before = "".join(" " * _width(char) if char != "\t" else "\t" for char in text[:start])
    marks = "^" * max(sum(_width(char) for char in marked), 1)
    return [f"{margin} |", f"{line} | {text}", f"{margin} | {before}{marks}"]


def _width(char: str) -> int:
    """Columns on a terminal: Chinese characters and their punctuation take two."""
    return 2 if "\u1100" <= char <= "\u115f" or "\u2e80" <= char <= "\ua4cf" or "\uac00" <= char <= "\uff60" else 1
