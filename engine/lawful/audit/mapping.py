"""Which column is which fact, and how it is written there: a small YAML file, and `--map column=field`.

A column may lie deep in objects: `authorizer_info.service_type_info.id`. What a mapping does not mention is looked for
under its own name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field

from lawful import values
from lawful.audit.errors import AuditError, WrongFile
from lawful.diagnostics import Diagnostic, in_file_order, legible, near
from lawful.document import Document, Unreadable, decode, read
from lawful.document import Path as DocumentPath
from lawful.ir import BOOL, FieldDeclaration, Program, Value
from lawful.scalar import Scalar
from lawful.written import OneOrMany, Written, validated

EPOCHS: Final = {"epoch_seconds": 1_000_000, "epoch_milliseconds": 1_000, "epoch_microseconds": 1}
"""What one of these is in microseconds."""
DAY_OF: Final = "timestamp"
"""The format of a date that is written as a timestamp: its local day is meant."""
_DIRECTIVE: Final = re.compile(r"%(.)")
_DIRECTIVES: Final = "YmdHMS"
_EVENT_COLUMNS: Final = ("account_id", "event", "at")


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
    title: str | None = None
    nulls: Annotated[list[str], OneOrMany] = Field(default_factory=list)
    id: _Column | None = None
    fields: dict[str, _Column] = Field(default_factory=dict)
    features: dict[str, _Column] = Field(default_factory=dict)
    feature_list: _Column | None = None
    events: EventsWritten = EventsWritten()


# --------------------------------------------------------------------------------------------------------- as meant


@dataclass(frozen=True, slots=True)
class Column:
    """Where a fact stands in the source, and how it is written there."""

    path: str
    values: MappingOf[str, str | None] | None = None
    """What stands there -> the value as the policy writes it; None: unknown."""
    others: tuple[str | None] | None = None
    """The value of whatever `values` does not list; None: then it is a mistake to stand there."""
    format: str | None = None
    split: str | None = None
    nulls: tuple[str, ...] = ()
    is_named: bool = True
    """Somebody has said that the column is there, and not that it may be missing: it is a mistake if it is."""
    else_default: bool = False
    """Where the column is missing every account has the field's default."""


@dataclass(frozen=True, slots=True)
class Mapping:
    """The columns that are not called as their facts are, or not written as a policy writes values."""

    id: Column | None = None
    fields: MappingOf[str, Column] = field(default_factory=dict)
    features: MappingOf[str, Column] = field(default_factory=dict)
    feature_list: Column | None = None
    events: MappingOf[str, Column] = field(default_factory=dict)
    """Of `account_id`, `event` and `at`, and of `before.<field>`."""
    nulls: tuple[str, ...] = ()
    """Texts that mean that nothing is known, in every column."""

    def of(self, mapped: Column | None, name: str) -> Column:
        """The column of a fact: as mapped, else of its own name."""
        found = mapped if mapped is not None else Column(name, is_named=False)
        return found if found.nulls or not self.nulls else replace(found, nulls=self.nulls)


NOTHING: Final = Mapping()


def mapping(program: Program, name_or_path: str | None = None, columns: Iterable[str] = ()) -> Mapping:
    """The mapping of a file, or a shipped one by its name, with `column=field` options over it. Raises AuditError."""
    found = NOTHING if name_or_path is None else _of_file(program, name_or_path)
    for option in columns:
        found = _with_option(program, found, option)
    return found


def shipped_mappings() -> list[str]:
    """The names of the shipped ones."""
    return sorted(each.stem for each in _folder().glob("*.yaml"))


def _folder() -> Path:
    return Path(__file__).resolve().parent / "mappings"


def _of_file(program: Program, name_or_path: str) -> Mapping:
    path = Path(name_or_path)
    if "/" not in name_or_path and path.suffix not in (".yaml", ".yml"):
        names = shipped_mappings()
        if name_or_path not in names:
            help = near(name_or_path, names) or f"the shipped ones are {', '.join(names)}; a path has a `/`"
            raise AuditError(f"there is no shipped mapping `{legible(name_or_path)}`", help)
        path = _folder() / f"{name_or_path}.yaml"
    try:
        raw = path.read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise AuditError(f"`{legible(name_or_path, 200)}` cannot be read: {reason}") from None
    return read_mapping(program, raw, name_or_path)


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
    mistakes = in_file_order([*found, *meant.mistakes])
    if mistakes:
        raise WrongFile(mistakes)
    return made


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
        if written.optional == "default" and (declared.default is None or path[0] != "fields"):
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
        for name in _EVENT_COLUMNS:
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


def value_of(declared: FieldDeclaration, given: str | None, zone: ZoneInfo) -> Value | None:
    """What a mapping's text stands for. One value of a set, where the field is one. Raises BadValue."""
    if given is None:
        return None
    if declared.type.kind == "set":
        return next(iter(values.read(declared, [given], zone) or ()))  # type: ignore[arg-type]  # it is a set
    return values.read(declared, Scalar(given), zone)


def _a(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


# ---------------------------------------------------------------------------------------------------------- options


def _with_option(program: Program, mapping: Mapping, option: str) -> Mapping:
    path, equals, name = option.rpartition("=")
    if not equals or not name.strip():
        raise AuditError(f"`{legible(option)}` maps nothing", "it is `column=field`")
    path, name = path.strip(), name.strip()
    if not path:
        return _with_default(program, mapping, name)
    if name == program.account_id and name not in program.account:
        return replace(mapping, id=_moved(mapping.id, path))
    if name in program.account:
        return replace(mapping, fields={**mapping.fields, name: _moved(mapping.fields.get(name), path)})
    if name == "features":
        return replace(mapping, feature_list=_moved(mapping.feature_list, path))
    feature = name.removeprefix("features.")
    if feature in program.features:
        return replace(mapping, features={**mapping.features, feature: _moved(mapping.features.get(feature), path)})
    event = name.removeprefix("events.")
    if event != name and (event in _EVENT_COLUMNS or event.removeprefix("before.") in program.account):
        return replace(mapping, events={**mapping.events, event: _moved(mapping.events.get(event), path)})
    known = [*program.account, program.account_id, "features", *program.features]
    known += [f"events.{each}" for each in _EVENT_COLUMNS]
    raise AuditError(f"the account has no field `{legible(name)}`", near(name, known) or "it is `column=field`")


def _with_default(program: Program, mapping: Mapping, name: str) -> Mapping:
    """`=field`: there is no column of it."""
    if name not in program.account:
        known = near(name, program.account) or "it is `=field`, of a field that has a default"
        raise AuditError(f"the account has no field `{legible(name)}`", known)
    if program.account[name].default is None:
        raise AuditError(f"`{name}` has no default in the policy", "it is `column=field`")
    column = replace(mapping.fields.get(name) or Column(name), is_named=False, else_default=True)
    return replace(mapping, fields={**mapping.fields, name: column})


def _moved(column: Column | None, path: str) -> Column:
    return Column(path) if column is None else replace(column, path=path, is_named=True)
