"""Which column is which fact, and how it is written there: by a mapping, and by `--map column=field`.

A column may lie deep in objects: `authorizer_info.service_type_info.id`. What a mapping does not mention is looked for
under its own name.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from lawful import values
from lawful.audit.errors import AuditError
from lawful.diagnostics import legible, near
from lawful.ir import FieldDeclaration, Program, Value
from lawful.scalar import Scalar

EPOCHS: Final = {"epoch_seconds": 1_000_000, "epoch_milliseconds": 1_000, "epoch_microseconds": 1}
"""What one of these is in microseconds."""
DAY_OF: Final = "timestamp"
"""The format of a date that is written as a timestamp: its local day is meant."""
EVENT_COLUMNS: Final = ("account_id", "event", "at")


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
    """Where the column is missing every account has the field's default, and is without the feature."""


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
    from lawful.audit.mapping_file import read_mapping  # with what reads YAML: most audits have none

    return read_mapping(program, raw, name_or_path)


def value_of(declared: FieldDeclaration, given: str | None, zone: ZoneInfo) -> Value | None:
    """What a mapping's text stands for. One value of a set, where the field is one. Raises BadValue."""
    if given is None:
        return None
    if declared.type.kind == "set":
        return next(iter(values.read(declared, [given], zone) or ()))  # type: ignore[arg-type]  # it is a set
    return values.read(declared, Scalar(given), zone)


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
    if event != name and (event in EVENT_COLUMNS or event.removeprefix("before.") in program.account):
        return replace(mapping, events={**mapping.events, event: _moved(mapping.events.get(event), path)})
    known = [*program.account, program.account_id, "features", *program.features]
    known += [f"events.{each}" for each in EVENT_COLUMNS]
    raise AuditError(f"the account has no field `{legible(name)}`", near(name, known) or "it is `column=field`")


def _with_default(program: Program, mapping: Mapping, name: str) -> Mapping:
    """`=field`: there is no column of it. `=features.f`, `=features`: no account has the feature, or any."""
    if name == "features":
        listed = mapping.feature_list or Column("features")
        return replace(mapping, feature_list=replace(listed, is_named=False, else_default=True))
    feature = name.removeprefix("features.")
    if name not in program.account and feature in program.features:
        column = replace(mapping.features.get(feature) or Column(name), is_named=False, else_default=True)
        return replace(mapping, features={**mapping.features, feature: column})
    if name not in program.account:
        known = near(name, [*program.account, *program.features]) or "it is `=field`, of a field that has a default"
        raise AuditError(f"the account has no field `{legible(name)}`", known)
    if program.account[name].default is None:
        raise AuditError(f"`{name}` has no default in the policy", "it is `column=field`")
    column = replace(mapping.fields.get(name) or Column(name), is_named=False, else_default=True)
    return replace(mapping, fields={**mapping.fields, name: column})


def _moved(column: Column | None, path: str) -> Column:
    return Column(path) if column is None else replace(column, path=path, is_named=True)
