"""What every part of the compiler shares: the document, the mistakes found so far, the names that are known."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from lawful.conditions import ConditionError, Conditions, Where
from lawful.diagnostics import MOST_MISTAKES, Diagnostic, near
from lawful.document import Document, Path
from lawful.ir import (
    ALWAYS,
    TRUE,
    Citation,
    Condition,
    Expr,
    Field,
    FieldDeclaration,
    Period,
    Place,
    Schema,
    Source,
    Text,
    disjunction,
    in_force,
)
from lawful.source import Span
from lawful.written import InForce, TextWritten

_ID: Final = re.compile(r"[a-z0-9]+([_-][a-z0-9]+)*")
_PLACEHOLDER: Final = re.compile(r"\{\{|\}\}|\{([^{}]*)\}")


class TooMany(Exception):
    """There are more mistakes than anyone reads: no more are looked for."""


class Told(list[Diagnostic]):
    """The mistakes found so far, each once."""

    def __init__(self, found: Iterable[Diagnostic] = ()) -> None:
        super().__init__(found)
        self._seen = set(self)

    def append(self, each: Diagnostic) -> None:
        if each in self._seen:
            return
        self._seen.add(each)
        super().append(each)
        if len(self) >= MOST_MISTAKES:
            raise TooMany


@dataclass(slots=True)
class Context:
    """One compilation. Parts report mistakes here and go on, so that all are told at once."""

    document: Document
    zone: ZoneInfo
    account: Schema = field(default_factory=dict)
    request: Schema = field(default_factory=dict)
    sources: Mapping[str, Source] = field(default_factory=dict)
    events: frozenset[str] = frozenset()
    actions: frozenset[str] = frozenset()
    features: frozenset[str] = frozenset()
    named: Mapping[str, Condition] = field(default_factory=dict)
    bilingual: bool = False
    """Whether the policy's texts are in two languages, so that one in a single language is lacking."""
    diagnostics: Told = field(default_factory=Told)
    _conditions: Conditions | None = None

    # ------------------------------------------------------------------------------------------------- mistakes

    def mistake(self, code: str, message: str, where: Path | Span, help: str | None = None) -> None:
        """An error at a value."""
        span = where if isinstance(where, Span) else self.document.span(where)
        self.diagnostics.append(Diagnostic(code, message, span, help))

    def key_mistake(self, code: str, message: str, path: Path, help: str | None = None) -> None:
        """An error at the key that the path ends with."""
        self.diagnostics.append(Diagnostic(code, message, self.document.key_span(path), help))

    def warning(self, code: str, message: str, span: Span, help: str | None = None) -> None:
        self.diagnostics.append(Diagnostic(code, message, span, help, "warning"))

    def place(self, path: Path) -> Place:
        """Of the key that the path ends with."""
        span = self.document.key_span(path)
        return Place(span.source.name.rpartition("/")[2], span.line, span.column)

    # ---------------------------------------------------------------------------------------------------- names

    def check_id(self, name: str, where: Path | Span) -> bool:
        """Whether the name is an id; a mistake at the key where it is not."""
        if _ID.fullmatch(name):
            return True
        span = where if isinstance(where, Span) else self.document.key_span(where)
        message = f"`{name}` is no id: ids are small letters and digits, joined by `-` or `_`"
        self.diagnostics.append(Diagnostic("bad-id", message, span))
        return False

    def known(self, code: str, what: str, name: str, names: Iterable[str], path: Path) -> bool:
        """Whether the name is one of those; a mistake at the path where it is not."""
        names = list(names)
        if name in names:
            return True
        self.mistake(code, f"there is no {what} `{name}`", path, near(name, names))
        return False

    def field_of(self, name: str, path: Path) -> FieldDeclaration | None:
        """The account's field that the path's key names; None, and told, where there is none."""
        found = self.account.get(name)
        if found is None:
            self.key_mistake("unknown-field", f"the account has no field `{name}`", path, near(name, self.account))
        return found

    # ----------------------------------------------------------------------------------------------- conditions

    def speak(self, conditions: Conditions) -> None:
        """From here on conditions can be compiled."""
        self._conditions = conditions

    @property
    def conditions(self) -> Conditions:
        assert self._conditions is not None
        return self._conditions

    def boolean(self, text: str, path: Path, where: Where = "rule") -> Expr:
        """The condition at the path; true where it is wrong, which has then been told."""
        try:
            return self.conditions.boolean(text, where)
        except ConditionError as error:
            self._wrong(error, path)
            return TRUE

    def all_of(self, texts: Iterable[str], path: Path, where: Where = "rule") -> list[Expr]:
        return [self.boolean(text, (*path, index), where) for index, text in enumerate(texts)]

    def value(self, text: str, wanted: FieldDeclaration, path: Path, where: Where = "rule") -> Expr | None:
        try:
            return self.conditions.value(text, wanted, where)
        except ConditionError as error:
            self._wrong(error, path)
            return None

    def fact(self, text: str, path: Path) -> Field | None:
        try:
            return self.conditions.fact(text)
        except ConditionError as error:
            self._wrong(error, path)
            return None

    def _wrong(self, error: ConditionError, path: Path) -> None:
        for each in error.mistakes:
            span = self.document.within(path, each.start, each.length)
            self.diagnostics.append(Diagnostic(each.code, each.message, span, each.help))

    # ------------------------------------------------------------------------------- what every rule may carry

    def period(self, written: InForce | None, path: Path, outer: Period = ALWAYS) -> Period:
        """The period at the path, within the outer one."""
        if written is None:
            return outer
        own = Period(written.from_, written.until)
        starts = [day for day in (own.start, outer.start) if day is not None]
        ends = [day for day in (own.until, outer.until) if day is not None]
        both = Period(max(starts, default=None), min(ends, default=None))
        if both.start is not None and both.until is not None and both.start >= both.until:
            message = f"this is never in force: it begins {both.start} and ends {both.until}"
            self.mistake("in-force-empty", message, (*path, "in_force"), "`until` is the first day it holds no more")
        return both

    def citation(self, written: str | None, path: Path, outer: Citation | None = None) -> Citation | None:
        """`id` or `id#clause`; the rule around it where it cites nothing itself."""
        if written is None:
            return outer
        name, _, clause = written.partition("#")
        if not self.known("unknown-source", "source", name, self.sources, (*path, "source")):
            return outer
        return Citation(self.sources[name], clause or None)

    def text(self, written: TextWritten | None, path: Path, *, limit: bool | None = None) -> Text | None:
        """A text for people. `limit`: its placeholders are checked, and may be those of a limit where it is true."""
        if written is None:
            return None
        for language in ("en", "zh"):
            text = getattr(written, language)
            if text is not None and limit is not None:
                self._check_placeholders(text, self._spoken(path, language), limit=limit)
        if self.bilingual and (written.en is None or written.zh is None):
            lacking = "zh" if written.zh is None else "en"
            span = self.document.span(path)
            self.warning("untranslated", f"this text has no `{lacking}`", span, "write it as `{en: …, zh: …}`")
        return Text(written.en, written.zh)

    def note(self, written: TextWritten | None) -> Text | None:
        """A note is for those who keep the policy: in whichever language they write."""
        return None if written is None else Text(written.en, written.zh)

    def _spoken(self, path: Path, language: str) -> Path:
        inner = (*path, language)
        return inner if inner in self.document.values else path

    def _check_placeholders(self, text: str, path: Path, *, limit: bool) -> None:
        names = [f"account.{name}" for name in self.account] + [f"request.{name}" for name in self.request]
        names += ["today", "now", *(["count", "limit"] if limit else [])]
        for found in _PLACEHOLDER.finditer(text):
            name = found[1]
            if name is not None and name not in names:
                span = self.document.within(path, found.start(), len(found[0]))
                help = near(name, names) or "`{{` is a brace"
                if name in ("count", "limit"):
                    help = "only a limit has a count"
                self.diagnostics.append(
                    Diagnostic("unknown-placeholder", f"nothing stands for `{found[0]}`", span, help)
                )


def some_in_force(periods: Iterable[Period]) -> Expr:
    """Whether any of the versions is in force today: of versions that follow each other, their whole stretch."""
    stretches: list[Period] = []
    for each in sorted(periods, key=lambda period: period.start or date.min):
        if stretches and stretches[-1].until is not None and stretches[-1].until == each.start:
            stretches[-1] = Period(stretches[-1].start, each.until)
        else:
            stretches.append(each)
    return disjunction([in_force(each) for each in stretches])


def overlaps(first: Period, second: Period) -> bool:
    starts_in_time = second.until is None or first.start is None or first.start < second.until
    return starts_in_time and (first.until is None or second.start is None or second.start < first.until)


def check_versions(context: Context, name: str, periods: list[Period], path: Path) -> None:
    """Versions of one rule may not overlap."""
    by_start = sorted(range(len(periods)), key=lambda index: periods[index].start or date.min)
    for one, two in pairwise(by_start):
        if overlaps(periods[one], periods[two]):
            message = f"two versions of `{name}` are in force on one day"
            later = (*path, max(one, two))
            context.mistake("overlapping-versions", message, later, "end one before the other with `in_force`")
