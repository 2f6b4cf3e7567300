"""The usual request, validated by pydantic-core at the speed of Rust; what is not usual is left to `reading`.

Validators are made from the policy's schema: strict, unknown keys refused. What they take is a part of what `reading`
takes, and they read it alike: the tests hold them to that. They give up without a word, since `reading` has the words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
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
_NOTHING: Final = object()
_LOOKS_USUAL: Final = re.compile(_INSTANT[:-1] + r"\Z").match
_FIRST: Final = datetime(1000, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(2999, 12, 31, tzinfo=UTC)
_TEXTS: Final = ("enum", "string", "date", "timestamp")
_DAYS_KEPT: Final = 512


class Validator:
    """Reads requests about accounts of one policy."""

    def __init__(self, program: Program, zone: ZoneInfo) -> None:
        self._program = program
        self._zone = zone
        self._day: tuple[Instant, Instant, date] = (_LAST, _FIRST, date.min)
        """The local day last asked about, and between which instants it is; first of all no day at all."""
        self._from_python = SchemaValidator(_request_schema(program, "python"))
        self._from_json = SchemaValidator(_request_schema(program, "json"))
        self._identity = None if program.account_id in program.account else program.account_id
        self._account = _Owner(program.account)
        self._request = _Owner(program.request)
        self._disabled = dict.fromkeys(program.features, False)
        # One day is asked about many times; the texts are short, and so few of them are kept.
        self._midnight = lru_cache(_DAYS_KEPT)(self._moment)

    def python(self, given: Mapping[str, object]) -> Question | None:
        """The request of a mapping; None where it is not usual, or wrong."""
        try:
            return self._question(self._from_python.validate_python(given), None)
        except ValidationError:
            return None

    def json(self, text: str | bytes) -> Question | None:
        """The request of a JSON text; likewise."""
        try:
            return self._question(self._from_json.validate_json(text), text)
        except ValidationError:
            return None

    # ------------------------------------------------------------------------------------ from what was validated

    def _question(self, found: dict[str, Any], text: str | bytes | None) -> Question | None:
        """In one piece: where there are calls, half of the time goes into them. `text`: the JSON it was read from."""
        account, recorded, at = found.get("account") or {}, found.get("history"), found.get("at")
        facts: dict[str, Any] = found.get("request") or {}
        changes = self._changes(found)
        moment = self._midnight(at) if type(at) is str and len(at) == 10 else self._moment(at)
        if changes is None or moment is None:
            return None
        keys = len(account) + len(facts)
        enabled, identity = account.pop("features", None), account.pop(self._identity, None)
        if None in account.values():
            account = _without_nulls(account)
        if facts and None in facts.values():
            facts = _without_nulls(facts)
        if text is not None:
            strings = keys + self._account.texts(account) + len(enabled or ()) + (type(identity) is str)
            if facts:
                strings += self._request.texts(facts)
            if _quotes(text) != 2 * (strings + self._strings(found, changes)):
                return None
        registers = changes[0][0] == "register"
        if (registers and enabled) or not (identity is None or _is_identity(identity)):
            return None
        whole_from: Instant | None = EARLIEST
        if recorded is None or "history_from" in found:
            history = self._history(found, registers=registers)
            if history is None:
                return None
            recorded, whole_from = history
        features = self._disabled.copy() if enabled is not None or registers else {}
        for name in enabled or ():
            features[name] = True
        if not self._account.is_plain:
            account = self._account.finished(account)
            changes = tuple([self._with_values(each) for each in changes])
        if facts or not self._request.is_plain:
            facts = self._request.finished(facts)
        return Question(account, features, facts, changes, recorded, whole_from, *moment, self._program)

    def _changes(self, found: dict[str, Any]) -> tuple[Asked, ...] | None:
        change = found.get("change")
        if change is not None and "changes" not in found:
            asked = _asked(change)
            return None if asked is None else (asked,)
        listed = tuple([asked for each in found.get("changes") or () if (asked := _asked(each)) is not None])
        if not listed or change is not None or len(listed) < len(found["changes"]):
            return None
        return None if any(each.kind == "register" for each in listed[1:]) else listed

    def _with_values(self, asked: Asked) -> Asked:
        return asked._replace(values=self._account.converted(asked.values))

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
            if given is None:
                at = datetime.now(UTC)
            elif type(given) is str and _LOOKS_USUAL(given):
                at = datetime.fromisoformat(given).astimezone(UTC)
            else:
                at = values.instant(given, self._zone)
        except ValueError:
            return None
        begins, ends, day = self._day
        return at, day if begins <= at < ends else self._day_of(at)

    def _day_of(self, at: Instant) -> date:
        day = calendar.day_of(at, self._zone)
        period = calendar.period("day", day, self._zone)
        if period is not None:
            self._day = (*period, day)
        return day

    def _strings(self, found: dict[str, Any], changes: tuple[Asked, ...]) -> int:
        """How many strings the JSON text of this request has, keys included, besides those of the facts."""
        strings = len(found) + (type(found.get("at")) is str)
        if "history" in found:
            strings += 4 * len(found["history"] or ())
        if "history_from" in found:
            strings += type(found["history_from"]) is str
        for kind, _, asked in changes:
            strings += 1 + (len(asked) + self._account.texts(asked) if kind == "set" else kind != "register")
        return strings


class _Owner:
    """What is to be done with the facts of an owner once pydantic-core has read them."""

    def __init__(self, schema: Schema) -> None:
        self._others = frozenset(name for name, each in schema.items() if each.type.kind not in _TEXTS)
        """The fields whose values are no strings of JSON."""
        self._sets = tuple(name for name, each in schema.items() if each.type.kind == "set")
        self._timestamps = tuple(name for name, each in schema.items() if each.type.kind == "timestamp")
        self._defaults = {name: each.default for name, each in schema.items() if each.default is not None}
        self.is_plain = not (self._sets or self._timestamps or self._defaults)
        """Whether there is nothing to be done."""

    def texts(self, facts: Mapping[str, Any]) -> int:
        """How many strings of JSON their values were."""
        texts = len(facts) - len(self._others & facts.keys())
        return texts + sum(len(facts.get(name, ())) for name in self._sets) if self._sets else texts

    def finished(self, facts: dict[str, Any]) -> dict[str, Value]:
        """Converted, and the defaults filled in."""
        return facts if self.is_plain else {**self._defaults, **self.converted(facts)}

    def converted(self, facts: Mapping[str, Any]) -> dict[str, Value]:
        """Timestamps in UTC, lists as sets."""
        converted = {**facts}
        for name in self._timestamps:
            if name in facts:
                converted[name] = facts[name].astimezone(UTC)
        for name in self._sets:
            if name in facts:
                converted[name] = frozenset(facts[name])
        return converted


def _without_nulls(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if value is not None}


def _asked(change: dict[str, Any]) -> Asked | None:
    if len(change) != 1:
        return None
    ((kind, given),) = change.items()
    if kind == "set":
        return Asked("set", "", given) if given else None
    return None if given is None else Asked(cast("Kind", kind), given or "", {})


def _is_identity(given: object) -> bool:
    """Nothing is decided by an account's id: it may be a number or a text."""
    return type(given) is int or (type(given) is str and given.isascii())


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
    account["features"] = core.nullable_schema(core.list_schema(_one_of(features), strict=True, fail_fast=True))
    account.setdefault(program.account_id, core.any_schema())
    wanted = {name: _value_schema(each, mode) for name, each in program.account.items()}
    change = _object(
        mode,
        {
            "set": _object(mode, wanted),
            "enable": _one_of(features),
            "disable": _one_of(features),
            "do": _one_of(actions),
            "register": _object(mode, {}),
        },
    )
    event = _object(mode, {"event": _one_of(sorted(program.event_names)), "at": _instant_schema(mode)}, required=True)
    facts = {name: core.nullable_schema(_value_schema(each, mode)) for name, each in program.request.items()}
    return _object(
        mode,
        {
            "account": core.nullable_schema(_object(mode, account)),
            "change": core.nullable_schema(change),
            "changes": core.nullable_schema(
                core.list_schema(change, strict=True, fail_fast=True, max_length=MAX_CHANGES)
            ),
            "request": core.nullable_schema(_object(mode, facts)),
            "history": core.nullable_schema(core.list_schema(event, strict=True, fail_fast=True)),
            "history_from": core.any_schema(),
            "at": core.any_schema(),
        },
    )


def _object(mode: Mode, fields: Mapping[str, Any], *, required: bool = False) -> core.CoreSchema:
    members = {name: core.typed_dict_field(each, required=required) for name, each in fields.items()}
    # A key of JSON that is not known is a string too many: that is found when they are counted, a microsecond sooner.
    return core.typed_dict_schema(members, extra_behavior="ignore" if mode == "json" else "forbid", strict=True)


def _one_of(names: list[str]) -> core.CoreSchema:
    return core.literal_schema([*names] or [_NOTHING])  # a literal needs a value: nothing is equal to this one


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
            # with a pattern the text is looked at: half a character is none
            return core.str_schema(strict=True, pattern="") if mode == "python" else core.str_schema(strict=True)
        case "date":
            return _day_schema(mode, bounds)
        case "timestamp":
            return _instant_schema(mode, bounds)
        case "set":
            return core.list_schema(_one_of(list(declaration.type.values)), strict=True, fail_fast=True)
        case kind:
            raise TypeError(kind)  # no field is declared so


def _day_schema(mode: Mode, bounds: dict[str, Any]) -> core.CoreSchema:
    written = _written(_DAY, date.fromisoformat)
    if any(each is not None for each in bounds.values()):
        written = core.chain_schema([written, core.date_schema(strict=True, **bounds)])
    return written if mode == "json" else _either(written, core.date_schema(strict=True, **bounds))


def _instant_schema(mode: Mode, bounds: dict[str, Any] | None = None) -> core.CoreSchema:
    within = {name: each for name, each in (bounds or {}).items() if each is not None}
    written = _written(_INSTANT, datetime.fromisoformat)
    if within:
        written = core.chain_schema([written, core.datetime_schema(strict=True, **within)])
    if mode == "json":
        return written
    within = {"ge": _FIRST, "le": _LAST} | within
    return _either(written, core.datetime_schema(strict=True, tz_constraint="aware", **within))


def _written(pattern: str, parse: Callable[[str], date]) -> core.CoreSchema:
    """A text that looks so, parsed by Python: a third faster than by pydantic, and moved to UTC sooner, too."""
    return core.chain_schema(
        [core.str_schema(strict=True, pattern=pattern), core.no_info_plain_validator_function(parse)]
    )


def _either(written: core.CoreSchema, given: core.CoreSchema) -> core.CoreSchema:
    return core.union_schema([written, given], mode="left_to_right")
