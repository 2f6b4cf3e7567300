"""The usual request, validated by pydantic-core at the speed of Rust; what is not usual is left to `reading`.

Validators are made from the policy's schema: strict, unknown keys refused. What they take is a part of what `reading`
takes, and they read it alike: the tests hold them to that. They give up without a word, since `reading` has the words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, Final, Literal, cast
from zoneinfo import ZoneInfo

from pydantic_core import SchemaValidator, ValidationError
from pydantic_core import core_schema as core

from lawful import calendar, values
from lawful.calendar import Instant
from lawful.ir import INT_MAX, INT_MIN, FieldDeclaration, Program, Schema, Value
from lawful.question import EARLIEST, MAX_CHANGES, Asked, Kind, Question, Recorded

Mode = Literal["python", "json"]
# Years of four digits that no offset leads out of the calendar; pydantic alone would take `"1735689600"` as a date.
_DAY: Final = r"^[12][0-9]{3}-[0-9]{2}-[0-9]{2}$"
_INSTANT: Final = r"^[12][0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})$"
_FIRST: Final = datetime(1000, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(2999, 12, 31, tzinfo=UTC)
_TEXTS: Final = ("enum", "string", "date", "timestamp")
_DAYS_KEPT: Final = 512


class Validator:
    """Reads requests about accounts of one policy."""

    def __init__(self, program: Program, zone: ZoneInfo) -> None:
        self._program = program
        self._zone = zone
        self._from_python = SchemaValidator(_request_schema(program, "python"))
        self._from_json = SchemaValidator(_request_schema(program, "json"))
        self._identity = None if program.account_id in program.account else program.account_id
        self._account = _Finish(program.account)
        self._request = _Finish(program.request)
        self._disabled = dict.fromkeys(program.features, False)
        # One day is asked about many times; the texts are short, and so few of them are kept.
        self._midnight = lru_cache(_DAYS_KEPT)(self._moment)

    def python(self, given: Mapping[str, object]) -> Question | None:
        """The request of a mapping; None where it is not usual, or wrong."""
        try:
            return self._question(self._from_python.validate_python(given))
        except ValidationError:
            return None

    def json(self, text: str | bytes) -> Question | None:
        """The request of a JSON text; likewise."""
        try:
            found = self._from_json.validate_json(text)
        except ValidationError:
            return None
        return self._question(found) if _quotes(text) == 2 * self._strings(found) else None

    # ------------------------------------------------------------------------------------ from what was validated

    def _question(self, found: dict[str, Any]) -> Question | None:
        changes = self._changes(found)
        if changes is None:
            return None
        at = found.get("at")
        moment = self._midnight(at) if type(at) is str and len(at) == 10 else self._moment(at)
        if moment is None:
            return None
        account = found.get("account") or {}
        enabled = account.pop("features", None)
        registers = changes[0][0] == "register"
        if registers and enabled:
            return None
        if self._identity in account and not _is_identity(account.pop(self._identity)):
            return None
        features = self._disabled.copy() if enabled is not None or registers else {}
        for name in enabled or ():
            features[name] = True
        recorded: Sequence[Recorded] | None = found.get("history")
        whole_from: Instant | None = EARLIEST
        if recorded is None or "history_from" in found:
            history = self._history(found, registers=registers)
            if history is None:
                return None
            recorded, whole_from = history
        account = self._account.finished(account)
        facts = self._request.finished(found.get("request") or {})
        return Question(account, features, facts, changes, recorded, whole_from, *moment, self._program)

    def _changes(self, found: dict[str, Any]) -> tuple[Asked, ...] | None:
        one, many = found.get("change"), found.get("changes")
        if one is not None:
            asked = _asked(one, self._account)
            return None if asked is None or many is not None else (asked,)
        listed = [asked for each in many or () if (asked := _asked(each, self._account)) is not None]
        if not listed or len(listed) < len(many or ()) or any(each.kind == "register" for each in listed[1:]):
            return None
        return tuple(listed)

    def _history(self, found: dict[str, Any], *, registers: bool) -> tuple[Sequence[Recorded], Instant | None] | None:
        """What is recorded, and from when on it is whole."""
        recorded, since = found.get("history"), found.get("history_from")
        if since is None:
            if recorded is not None:
                return recorded, EARLIEST
            # nothing has happened to an account that is only being registered
            return (), EARLIEST if registers else None
        begins = self._moment(since)
        return None if begins is None or recorded is None else (recorded, begins[0])

    def _moment(self, given: object) -> tuple[Instant, date] | None:
        """The instant, and its local day; None for what `reading` should look at."""
        try:
            at = datetime.now(UTC) if given is None else values.instant(given, self._zone)
        except values.BadValue:
            return None
        return at, calendar.day_of(at, self._zone)

    def _strings(self, found: dict[str, Any]) -> int:
        """How many strings the JSON text of this request has, keys included."""
        strings = len(found) + (type(found.get("at")) is str)
        history, account, change = found.get("history"), found.get("account"), found.get("change")
        if history is not None:
            strings += 4 * len(history) + (type(found.get("history_from")) is str)
        if account:
            strings += self._account.strings(account)
            if "features" in account:
                strings += len(account["features"] or ())
            strings += type(account.get(self._identity)) is str
        if "request" in found:
            strings += self._request.strings(found["request"] or {})
        for each in found["changes"] or () if change is None and "changes" in found else (change or {},):
            for asked in each.values():
                strings += 2 if type(asked) is str else 1 + self._account.strings(asked)
        return strings


class _Finish:
    """What is left to be done with the facts of an owner once pydantic-core has read them."""

    def __init__(self, schema: Schema) -> None:
        self._texts = frozenset(name for name, each in schema.items() if each.type.kind in _TEXTS)
        self._sets = tuple(name for name, each in schema.items() if each.type.kind == "set")
        self._timestamps = tuple(name for name, each in schema.items() if each.type.kind == "timestamp")
        self._defaults = {name: each.default for name, each in schema.items() if each.default is not None}
        self._is_plain = not (self._sets or self._timestamps or self._defaults)

    def finished(self, facts: dict[str, Any]) -> dict[str, Value]:
        """The known ones, defaults filled in."""
        if None in facts.values():
            facts = {name: value for name, value in facts.items() if value is not None}
        return facts if self._is_plain else {**self._defaults, **self.converted(facts)}

    def converted(self, facts: dict[str, Any]) -> dict[str, Value]:
        """Timestamps in UTC, lists as sets."""
        if self._is_plain:
            return facts
        for name in self._timestamps:
            if name in facts:
                facts[name] = facts[name].astimezone(UTC)
        for name in self._sets:
            if name in facts:
                facts[name] = frozenset(facts[name])
        return facts

    def strings(self, facts: dict[str, Any]) -> int:
        """How many strings their JSON text has."""
        strings = len(facts) + len(self._texts & facts.keys())
        if None in facts.values():
            strings -= sum(facts.get(name, "") is None for name in self._texts)
        if self._sets:
            strings += sum(len(facts.get(name) or ()) for name in self._sets)
        return strings


def _asked(change: dict[str, Any], facts: _Finish) -> Asked | None:
    if len(change) != 1:
        return None
    ((kind, given),) = change.items()
    if kind == "set":
        return Asked("set", "", facts.converted(given)) if given else None
    return None if given is None else Asked(cast("Kind", kind), given or "", {})


def _is_identity(given: object) -> bool:
    """Nothing is decided by an account's id: it may be a number or a text."""
    return given is None or type(given) is int or (type(given) is str and given.isascii())


def _quotes(text: str | bytes) -> int:
    """How many quotes a JSON text has, two for each string; -1 where some may be part of one.

    A key that stands there twice is one string more than what was read has: so nothing repeated is taken for read.
    """
    if isinstance(text, bytes):
        escaped = b"\\" in text and (b'\\"' in text or b"\\\\" in text)
        return -1 if escaped else text.count(b'"')
    escaped = "\\" in text and ('\\"' in text or "\\\\" in text)
    return -1 if escaped else text.count('"')


# ---------------------------------------------------------------------------------------------------------- schemas


def _request_schema(program: Program, mode: Mode) -> core.CoreSchema:
    features, actions = list(program.features), list(program.actions)
    account: dict[str, Any] = {
        name: core.nullable_schema(_value_schema(each, mode)) for name, each in program.account.items()
    }
    account["features"] = core.nullable_schema(core.list_schema(_one_of(features), strict=True))
    account.setdefault(program.account_id, core.any_schema())
    wanted = {name: _value_schema(each, mode) for name, each in program.account.items()}
    change = _object(
        {
            "set": _object(wanted),
            "enable": _one_of(features),
            "disable": _one_of(features),
            "do": _one_of(actions),
            "register": _object({}),
        }
    )
    event = _object({"event": _one_of(sorted(program.event_names)), "at": _instant_schema(mode)}, required=True)
    facts = {name: core.nullable_schema(_value_schema(each, mode)) for name, each in program.request.items()}
    return _object(
        {
            "account": core.nullable_schema(_object(account)),
            "change": core.nullable_schema(change),
            "changes": core.nullable_schema(core.list_schema(change, strict=True, max_length=MAX_CHANGES)),
            "request": core.nullable_schema(_object(facts)),
            "history": core.nullable_schema(core.list_schema(event, strict=True)),
            "history_from": core.any_schema(),
            "at": core.any_schema(),
        }
    )


def _object(fields: Mapping[str, Any], *, required: bool = False) -> core.CoreSchema:
    members = {name: core.typed_dict_field(each, required=required) for name, each in fields.items()}
    return core.typed_dict_schema(members, extra_behavior="forbid", strict=True)


def _one_of(names: list[str]) -> core.CoreSchema:
    # a literal needs a value: nothing is one of none
    return core.literal_schema(names) if names else core.none_schema()


def _value_schema(declaration: FieldDeclaration, mode: Mode) -> core.CoreSchema:
    low, high = declaration.minimum, declaration.maximum
    bounds: dict[str, Any] = {"ge": low, "le": high}
    match declaration.type.kind:
        case "enum":
            return core.literal_schema(list(declaration.type.values))
        case "bool":
            return core.bool_schema(strict=True)
        case "int":
            least, most = low if type(low) is int else INT_MIN, high if type(high) is int else INT_MAX
            return core.int_schema(strict=True, ge=least, le=most)
        case "string":
            return core.str_schema(strict=True)
        case "date":
            return _day_schema(mode, bounds)
        case "timestamp":
            return _instant_schema(mode, bounds)
        case "set":
            return core.list_schema(_one_of(list(declaration.type.values)), strict=True)
        case kind:
            raise TypeError(kind)  # no field is declared so


def _day_schema(mode: Mode, bounds: dict[str, Any]) -> core.CoreSchema:
    written = core.chain_schema([core.str_schema(pattern=_DAY), core.date_schema(**bounds)])
    return written if mode == "json" else _either(written, core.date_schema(strict=True, **bounds))


def _instant_schema(mode: Mode, bounds: dict[str, Any] | None = None) -> core.CoreSchema:
    bounds = bounds or {}
    written = core.chain_schema(
        [core.str_schema(pattern=_INSTANT), core.datetime_schema(tz_constraint="aware", **bounds)]
    )
    if mode == "json":
        return written
    within = {"ge": _FIRST, "le": _LAST} | {name: each for name, each in bounds.items() if each is not None}
    return _either(written, core.datetime_schema(strict=True, tz_constraint="aware", **within))


def _either(written: core.CoreSchema, given: core.CoreSchema) -> core.CoreSchema:
    return core.union_schema([written, given], mode="left_to_right")
