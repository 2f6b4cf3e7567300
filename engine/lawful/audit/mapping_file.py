"""A mapping as a file has it, and what it means for a policy."""

from __future__ import annotations

import re
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field

from lawful import values
from lawful.audit.errors import WrongFile
from lawful.audit.mapping import DAY_OF, EPOCHS, EVENT_COLUMNS, Column, Mapping, value_of
from lawful.diagnostics import Diagnostic, in_file_order, legible, near
from lawful.document import Document, Unreadable, decode, read
from lawful.document import Path as DocumentPath
from lawful.ir import BOOL, FieldDeclaration, Program
from lawful.written import OneOrMany, Written, validated

_DIRECTIVE: Final = re.compile(r"%(.)")
_DIRECTIVES: Final = "YmdHMS"


# ------------------------------------------------------------------------------------------------------ as written


def _of_a_column(value: object) -> object:
    return {"column": value} if isinstance(value, str) else value


class ColumnWritten(Written):
    column: str | None = None
    values: dict[str, str | None] | None = None
    others: str | None = None
    format: str | None = None
    split: str | None = None
    nulls: Annotated[list[str], OneOrMany] | None = None
    optional: bool | Literal["default"] = False


_Column = Annotated[ColumnWritten, BeforeValidator(_of_a_column)]


class EventsWritten(Written):
    account_id: _Column | None = None
    event: _Column | None = None
    at: _Column | None = None
    before: dict[str, _Column] = Field(default_factory=dict)


class MappingWritten(Written):
    mapping: str | None = None
    policy: str | None = None
    title: str | None = None
    nulls: Annotated[list[str], OneOrMany] = Field(default_factory=list)
    id: _Column | None = None
    fields: dict[str, _Column] = Field(default_factory=dict)
    features: dict[str, _Column] = Field(default_factory=dict)
    feature_list: _Column | None = None
    events: EventsWritten = EventsWritten()


# --------------------------------------------------------------------------------------------------------- as meant


def read_mapping(program: Program, raw: bytes, name: str) -> Mapping:
    """The mapping of a text, for that policy. Raises WrongFile."""
    try:
        document, found = read(decode(name, raw))
    except Unreadable as error:
        raise WrongFile(error.diagnostics) from None
    written = validated(MappingWritten, document)
    if isinstance(written, list):
        raise WrongFile(in_file_order([*found, *written]))
    meant = _Reader(program, document)
    made = meant.mapping(written)
    stranger = _of_another(program, document, written)
    if stranger is not None:
        raise WrongFile([stranger])
    mistakes = in_file_order([*found, *meant.mistakes])
    if mistakes:
        raise WrongFile(mistakes)
    return made


_MOST_NAMED: Final = 8
_FEWEST_LACKING: Final = 3
"""Fewer may be slips."""


def _of_another(program: Program, document: Document, written: MappingWritten) -> Diagnostic | None:
    """That it maps another policy: by what it says, or because most of the fields it names are not this one's."""
    named = [*written.fields, *written.features]
    lacking = [name for name in written.fields if name not in program.account]
    lacking += [name for name in written.features if name not in program.features]
    says_so = written.policy not in (None, program.id)
    mostly_lacking = len(lacking) >= _FEWEST_LACKING and 2 * len(lacking) > len(named)
    if not lacking or not (says_so or mostly_lacking):
        return None
    listed = ", ".join(f"`{name}`" for name in lacking[:_MOST_NAMED])
    more = f" and {len(lacking) - _MOST_NAMED} more" if len(lacking) > _MOST_NAMED else ""
    lacks = f"`{program.id}` has no {listed}{more}"
    if says_so:
        message = f"this mapping is for `{written.policy}`, and the policy is `{program.id}`"
        help = f"{lacks}: audit `{written.policy}`, or give a mapping for `{program.id}`"
        return Diagnostic("bad-mapping", message, document.span(("policy",)), help)
    called = f" `{written.mapping}`" if written.mapping is not None else ""
    message = f"the mapping{called} is for another policy: {lacks}"
    help = f"give a mapping for `{program.id}`, or audit the policy that this one is for"
    first = ("fields" if written.fields else "features",)
    return Diagnostic("bad-mapping", message, document.key_span(first), help)


@dataclass(slots=True)
class _Reader:
    program: Program
    document: Document
    mistakes: list[Diagnostic] = field(default_factory=list)

    def mapping(self, written: MappingWritten) -> Mapping:
        program, nulls = self.program, tuple(written.nulls)
        features = FieldDeclaration("features", BOOL, "effects")
        fields = {}
        for name, each in written.fields.items():
            declared = self._declared(name, program.account, ("fields", name), "the account has no field")
            if declared is not None:
                fields[name] = self._column(each, name, declared, ("fields", name), nulls)
        columns = {}
        for name, each in written.features.items():
            if self._declared(
                name, dict.fromkeys(program.features, features), ("features", name), "there is no feature"
            ):
                columns[name] = self._column(each, name, features, ("features", name), nulls)
        return Mapping(
            self._plain(written.id, program.account_id, ("id",), nulls),
            fields,
            columns,
            self._feature_list(written.feature_list, nulls),
            self._events(written.events, nulls),
            nulls,
        )

    def _declared(
        self, name: str, known: MappingOf[str, FieldDeclaration], path: DocumentPath, phrase: str
    ) -> FieldDeclaration | None:
        if name not in known:
            span = self.document.key_span(path)
            self.mistakes.append(Diagnostic("unknown-field", f"{phrase} `{name}`", span, near(name, known)))
        return known.get(name)

    def _column(
        self, written: ColumnWritten, name: str, declared: FieldDeclaration, path: DocumentPath, nulls: tuple[str, ...]
    ) -> Column:
        kind = declared.type.kind
        if (
            written.optional == "default"
            and path[0] != "features"
            and (declared.default is None or path[0] != "fields")
        ):
            message = f"`{declared.name}` has no default in the policy"
            self._mistake(message, (*path, "optional"), "`true`: then nothing is known of it")
        for key, kinds in (("format", ("date", "timestamp")), ("split", ("set",))):
            if getattr(written, key) is not None and kind not in kinds:
                self._mistake(f"`{key}` means nothing for a field that is {_a(kind)}", (*path, key), is_key=True)
        if written.values is not None and (written.format is not None):
            self._mistake("`values` and `format` exclude each other", (*path, "format"), is_key=True)
        self._check_format(written.format, kind, path)
        if kind == "set":
            self._refuse_others(written, path)
        else:
            self._check_others(written, path)
        for given, value in (written.values or {}).items():
            self._check_value(declared, value, (*path, "values", given))
        self._check_value(declared, written.others, (*path, "others"))
        return self._made(written, name, nulls)

    def _made(self, written: ColumnWritten, name: str, nulls: tuple[str, ...]) -> Column:
        own = tuple(written.nulls) if written.nulls is not None else nulls
        others = (written.others,) if "others" in written.model_fields_set else None
        return Column(
            written.column or name,
            written.values,
            others,
            written.format,
            written.split,
            own,
            written.column is not None and not written.optional,
            written.optional == "default",
        )

    def _plain(
        self, written: ColumnWritten | None, name: str, path: DocumentPath, nulls: tuple[str, ...]
    ) -> Column | None:
        """Of a text that is no field's: nothing but the column's name means anything."""
        if written is None:
            return None
        for key in ("values", "format", "split"):
            if getattr(written, key) is not None:
                self._mistake(f"`{key}` means nothing here", (*path, key), is_key=True)
        self._refuse_others(written, path)
        self._refuse_optional(written, path)
        return self._made(written, name, nulls)

    def _feature_list(self, written: ColumnWritten | None, nulls: tuple[str, ...]) -> Column | None:
        if written is None:
            return None
        if written.format is not None:
            self._mistake("`format` means nothing here", ("feature_list", "format"), is_key=True)
        self._refuse_others(written, ("feature_list",))
        for given, value in (written.values or {}).items():
            if value is not None and value not in self.program.features:
                help = near(value, self.program.features)
                self._mistake(f"there is no feature `{legible(value)}`", ("feature_list", "values", given), help)
        return self._made(written, "features", nulls)

    def _events(self, written: EventsWritten, nulls: tuple[str, ...]) -> dict[str, Column]:
        found = {}
        for name in EVENT_COLUMNS:
            column: ColumnWritten | None = getattr(written, name)
            if column is not None:
                found[name] = self._event_column(column, name, nulls)
        for name, each in written.before.items():
            path: DocumentPath = ("events", "before", name)
            declared = self._declared(name, self.program.account, path, "the account has no field")
            if declared is not None:
                found[f"before.{name}"] = self._column(each, f"before.{name}", declared, path, nulls)
        return found

    def _event_column(self, written: ColumnWritten, name: str, nulls: tuple[str, ...]) -> Column:
        path: DocumentPath = ("events", name)
        if written.split is not None:
            self._mistake("`split` means nothing here", (*path, "split"), is_key=True)
        if written.format is not None and name != "at":
            self._mistake("`format` means nothing here", (*path, "format"), is_key=True)
        if written.values is not None and name != "event":
            self._mistake("`values` means nothing here", (*path, "values"), is_key=True)
        if name == "event":
            self._check_others(written, path)
        else:
            self._refuse_others(written, path)
        self._refuse_optional(written, path)
        self._check_format(written.format, "timestamp", path)
        told: list[tuple[DocumentPath, str | None]] = [
            ((*path, "values", given), value) for given, value in (written.values or {}).items()
        ]
        for where, value in [*told, ((*path, "others"), written.others)]:
            if value is not None and value not in self.program.event_names:
                help = near(value, self.program.event_names)
                self._mistake(f"there is no event `{legible(value)}`", where, help)
        return self._made(written, name, nulls)

    def _check_others(self, written: ColumnWritten, path: DocumentPath) -> None:
        if "others" in written.model_fields_set and written.values is None:
            help = "it is the value of what `values` does not list"
            self._mistake("`others` needs `values` beside it", (*path, "others"), help, is_key=True)

    def _refuse_others(self, written: ColumnWritten, path: DocumentPath) -> None:
        if "others" in written.model_fields_set:
            self._mistake("`others` means nothing here", (*path, "others"), is_key=True)

    def _refuse_optional(self, written: ColumnWritten, path: DocumentPath) -> None:
        """Of what must be there: an account's id, an event, its time."""
        if written.optional:
            self._mistake("`optional` means nothing here", (*path, "optional"), is_key=True)

    def _check_format(self, given: str | None, kind: str, path: DocumentPath) -> None:
        if given is None or given in EPOCHS or (given == DAY_OF and kind == "date"):
            return
        found = _DIRECTIVE.findall(given)
        needed = "Ymd"
        if (
            any(each not in _DIRECTIVES for each in found)
            or len(set(found)) < len(found)
            or not set(needed) <= {*found}
        ):
            help = near(given, [*EPOCHS, DAY_OF]) or (
                "such as `%Y/%m/%d`, from %Y %m %d %H %M %S, each once; or " + ", ".join(f"`{each}`" for each in EPOCHS)
            )
            self._mistake(f"`{legible(given)}` is no format of dates", (*path, "format"), help)
        elif kind == "date" and len(found) > len(needed):
            self._mistake("a date has no time of day", (*path, "format"), f"`{DAY_OF}` takes a timestamp's local day")

    def _check_value(self, declared: FieldDeclaration, given: str | None, path: DocumentPath) -> None:
        try:
            value_of(declared, given, ZoneInfo(self.program.timezone))
        except values.BadValue as error:
            self._mistake(error.message, path, error.help)

    def _mistake(self, message: str, path: DocumentPath, help: str | None = None, *, is_key: bool = False) -> None:
        span = self.document.key_span(path) if is_key else self.document.span(path)
        self.mistakes.append(Diagnostic("bad-mapping", message, span, help))


def _a(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"
