"""The usual request, validated by msgspec at the speed of C; what is not usual is left to `reading`.

Types are made from the policy's schema: strict, unknown keys refused. What they take is a part of what `reading`
takes, and they read it alike: the tests hold them to that. They give up without a word, since `reading` has the words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from types import GenericAlias
from typing import Annotated, Any, Final, Literal, TypeAlias, TypedDict
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta
from msgspec.structs import force_setattr

from lawful import calendar, values
from lawful.calendar import Instant
from lawful.ir import INT_MAX, INT_MIN, FieldDeclaration, Program, Schema
from lawful.question import EARLIEST, MAX_CHANGES, Asked, Key, Question, Recorded, key_of
from lawful.record import Record, record_type, slot

Form = Literal["python", "json"]
Type: TypeAlias = Any
"""What msgspec is told to expect; made while the program runs, where no type checker sees it."""
_typed_dict: Final[Any] = TypedDict  # with names that a checker cannot know
# Years of four digits that no offset leads out of the calendar.
_INSTANT: Final = re.compile(
    r"[12][0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})"
).fullmatch
# Below a microsecond msgspec rounds; `reading` does not take it.
_TOO_FINE: Final = re.compile(rb"\.[0-9]{7}").search
_TOO_FINE_TEXT: Final = re.compile(r"\.[0-9]{7}").search
_FIRST: Final = datetime(1000, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(2999, 12, 31, tzinfo=UTC)
_NOT_TAKEN: Final = (msgspec.MsgspecError, ValueError, OverflowError, RecursionError)
_DAYS_KEPT: Final = 512
_encoded: Final = msgspec.json.Encoder().encode
_plain: Final = msgspec.json.Decoder().decode
_asking: Final = tuple.__new__
"""Makes an `Asked` in half the time."""


class Validator:
    """Reads requests about accounts of one policy."""

    def __init__(self, program: Program, zone: ZoneInfo) -> None:
        self._program = program
        self._zone = zone
        self._day: tuple[Instant, Instant, date] = (_LAST, _FIRST, date.min)
        """The local day last asked about, and between which instants it is; first of all no day at all."""
        self._request_in_python = _request_type(program, "python")
        msgspec.convert({}, self._request_in_python)  # prepared here: threads that were first together would crash
        self._decoded = msgspec.json.Decoder(_request_type(program, "json")).decode
        self._account = _Owner(program.account)
        self._facts = _Owner(program.request)
        self._has_timestamps = self._account.has_timestamps or self._facts.has_timestamps
        self._disabled = dict.fromkeys(program.features, False)
        # One day is asked about many times; the texts are short, and so few of them are kept.
        self._midnight = lru_cache(_DAYS_KEPT)(self._moment)

    def python(self, given: Mapping[str, object]) -> Question | None:
        """The request of a mapping; None where it is not usual, or wrong."""
        try:
            if not isinstance(given, dict):  # of other mappings msgspec passes over keys that it does not know
                return None
            found = msgspec.convert(given, self._request_in_python)
            return self._question(found) if self._is_usual(given, found) else None
        except _NOT_TAKEN:
            return None

    def json(self, text: str | bytes) -> Question | None:
        """The request of a JSON text; likewise."""
        try:
            raw = text.encode() if isinstance(text, str) else text
            found = self._decoded(raw)
            if (b"\\" in raw and _hides(raw)) or not _is_all(raw, found):
                return None
            if (found.history or self._has_timestamps) and b"." in raw and _TOO_FINE(raw):
                return None
            return self._question(found)
        except _NOT_TAKEN:
            return None

    # ------------------------------------------------------------------------------------ from what was validated

    def _question(self, found: Any) -> Question | None:
        """In one piece: where there are calls, half of the time goes into them."""
        change = found.change
        if found.changes is None and change is not None and len(change) == 1:
            ((kind, given),) = change.items()
            if kind != "set":
                key: Key | None = (kind, given or "")
                changes: tuple[Asked, ...] | None = (_asking(Asked, (kind, given or "", {})),)
            elif given:
                changes = (self._setting(given),)
                key = key_of(changes, self._program)
            else:
                return None
        else:
            changes = self._several(found)
            key = None if changes is None else key_of(changes, self._program)
        at = found.at
        moment = self._midnight(at) if type(at) is str and len(at) == 10 else self._moment(at)
        if changes is None or moment is None:
            return None
        account, facts = found.account, found.request
        enabled: list[str] | None = None
        if account is None:
            account = self._account.nothing
        else:
            enabled = account.features
            if not self._account.is_plain:
                self._account.finish(account)
        if facts is None:
            facts = self._facts.nothing
        elif not self._facts.is_plain:
            self._facts.finish(facts)
        registers = changes[0][0] == "register"
        features = self._disabled.copy() if enabled is not None or registers else {}
        if enabled:
            if registers:
                return None
            for name in enabled:
                features[name] = True
        recorded: Sequence[Recorded] | None = found.history
        for event in recorded or ():
            if not 1000 < event.at.year < 2999:  # no offset leads it out of the calendar
                return None
        whole_from: Instant | None = EARLIEST
        if recorded is None or found.history_from is not None:
            history = self._history(found, registers=registers)
            if history is None:
                return None
            recorded, whole_from = history
        at, today = moment
        return Question(account, features, facts, changes, recorded, whole_from, at, today, self._program, key)

    def _several(self, found: Any) -> tuple[Asked, ...] | None:
        if found.change is not None or not found.changes:
            return None
        listed: list[Asked] = []
        for each in found.changes:
            if len(each) != 1:
                return None
            ((kind, given),) = each.items()
            if (kind == "set" and not given) or (kind == "register" and listed):
                return None
            listed.append(self._setting(given) if kind == "set" else Asked(kind, given or "", {}))
        return tuple(listed)

    def _setting(self, wanted: dict[str, Any]) -> Asked:
        return _asking(Asked, ("set", "", self._account.asked(wanted)))

    def _history(self, found: Any, *, registers: bool) -> tuple[Sequence[Recorded], Instant | None] | None:
        """What is recorded, and from when on it is whole."""
        if found.history_from is not None:
            begins = self._moment(found.history_from)
            return None if begins is None or found.history is None else (found.history, begins[0])
        # nothing has happened to an account that is only being registered
        return (), EARLIEST if registers else None

    def _moment(self, given: object) -> tuple[Instant, date] | None:
        """The instant, and its local day; None for what `reading` should look at."""
        try:
            if given is None:
                at = datetime.now(UTC)
            elif type(given) is str and _INSTANT(given):
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

    # ------------------------------------------------------------------------------------------ what Python gives

    def _is_usual(self, given: Mapping[str, Any], found: Any) -> bool:
        """Whether msgspec read all of it, and as `reading` does: texts of Python may be of any type, and broken."""
        account, facts, change = found.account, found.request, found.change
        if account is not None and not (
            self._account.is_usual(given["account"]) and _is_text(given["account"].get(self._program.account_id))
        ):
            return False
        if found.history is not None and not isinstance(given["history"], (list, tuple)):
            return False
        if facts is not None and not self._facts.is_usual(given["request"]):
            return False
        if change is not None and not self._is_usual_change(given["change"], change):
            return False
        for one, other in zip(given.get("changes") or (), found.changes or (), strict=True):
            if not self._is_usual_change(one, other):
                return False
        for event in given.get("history") or ():  # noqa: SIM110 - a generator takes longer
            if not isinstance(event, dict) or _is_odd(event["at"]):
                return False
        return True

    def _is_usual_change(self, given: Mapping[str, Any], found: dict[str, Any]) -> bool:
        return _is_all_of(given, found) and ("set" not in found or self._account.is_usual(given["set"]))


class _Owner:
    """What is still to be done with the facts of an owner, once msgspec has read them."""

    def __init__(self, schema: Schema) -> None:
        self._names = tuple(schema)
        self._texts = _named(schema, "string")
        self._timestamps = _named(schema, "timestamp")
        self._bounded = [
            (name, each)
            for name, each in schema.items()
            if each.type.kind in ("date", "timestamp") and (each.minimum is not None or each.maximum is not None)
        ]
        self._defaults = [(slot(name), each.default) for name, each in schema.items() if each.default is not None]
        self.has_timestamps = bool(self._timestamps)
        self.is_plain = not (self._timestamps or self._bounded or self._defaults)
        """Whether there is nothing to be done."""
        self.nothing = record_type(self._names)()
        """Where nothing is said."""
        self.finish(self.nothing)

    def finish(self, record: Record) -> None:
        """Timestamps in UTC, defaults filled in. Raises ValueError for what is beyond a bound.

        The record was made by msgspec a moment ago, and nobody has it yet.
        """
        for name in self._timestamps:
            value = getattr(record, slot(name))
            if value is not None:
                force_setattr(record, slot(name), value.astimezone(UTC))
        for name, declaration in self._bounded:
            value = getattr(record, slot(name))
            if value is not None:
                values.within(value, declaration)
        for place, default in self._defaults:
            if getattr(record, place) is None:
                force_setattr(record, place, default)

    def asked(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """What a `set` asks for, in one order, however it was given: several effects on one field are told alike."""
        if len(wanted) > 1:
            wanted = {name: wanted[name] for name in self._names if name in wanted}
        for name in self._timestamps:
            if name in wanted:
                wanted[name] = wanted[name].astimezone(UTC)
        for name, declaration in self._bounded:
            if name in wanted:
                values.within(wanted[name], declaration)
        return wanted

    def is_usual(self, given: Mapping[str, Any]) -> bool:
        """Whether its texts and instants are such as `reading` and msgspec read alike."""
        if not isinstance(given, dict):
            return False
        for name in self._texts:
            if not _is_text(given.get(name)):
                return False
        for name in self._timestamps:  # noqa: SIM110 - a generator takes longer
            if _is_odd(given.get(name)):
                return False
        return True


def _named(schema: Schema, kind: str) -> tuple[str, ...]:
    return tuple(name for name, each in schema.items() if each.type.kind == kind)


def _is_text(given: object) -> bool:
    """Whether it is nothing but a text, or no text at all; no member of an enumeration, no half of a character."""
    if type(given) is str:
        return given.isascii() or bool(given.encode())
    return not isinstance(given, str)


def _is_odd(given: object) -> bool:
    """Whether an instant may be finer than a microsecond, as a text or as a class of somebody else's."""
    if isinstance(given, str):
        return "." in given and _TOO_FINE_TEXT(given) is not None
    return isinstance(given, datetime) and type(given) is not datetime


def _hides(raw: bytes) -> bool:
    """Whether a quote may stand in a text, where it would be counted."""
    return b'\\"' in raw or b"\\u0022" in raw


def _is_all(raw: bytes, found: Any) -> bool:
    """Whether no key stands there twice, and none was passed over: of a text in which something is null, for example.

    Written again, it would have fewer strings. What was found says less than the text where something is null, so all
    of it is read once more without types; then those keys are looked for that no type refuses.
    """
    quotes = raw.count(b'"')
    if _encoded(found).count(b'"') == quotes:
        return True
    plain = _plain(raw)
    if _encoded(plain).count(b'"') != quotes:
        return False
    one, several = found.change, zip(plain.get("changes") or (), found.changes or (), strict=True)
    return (one is None or _is_all_of(plain["change"], one)) and all(_is_all_of(*each) for each in several)


def _is_all_of(given: Mapping[str, Any], change: dict[str, Any]) -> bool:
    """Whether no key of a change was passed over."""
    if not isinstance(given, dict) or len(given) != len(change):
        return False
    return "set" not in change or (isinstance(given["set"], dict) and len(given["set"]) == len(change["set"]))


# ------------------------------------------------------------------------------------------------------------ types


def _request_type(program: Program, form: Form) -> Type:
    moment = Any if form == "python" else str
    change = _change_type(program)
    event = msgspec.defstruct(
        "Event", [("event", _one_of(program.event_names))], bases=(Recorded,), frozen=True, forbid_unknown_fields=True
    )
    return _struct(
        "Request",
        {
            "account": _account_type(program),
            "change": change,
            "changes": Annotated[_list(change), Meta(max_length=MAX_CHANGES)],
            "request": _record_type(program.request),
            "history": _list(event),
            "history_from": moment,
            "at": moment,
        },
    )


def _account_type(program: Program) -> Type:
    beside: dict[str, Type] = {"features": _listed(program.features)}
    key = program.account_id
    is_taken = key in program.account or key == "features"
    if not is_taken and key.isprintable() and not {'"', "\\"} & {*key}:  # msgspec takes no other keys
        beside["identity"] = str | int
    return _record_type(program.account, beside, {"identity": key} if "identity" in beside else None)


def _record_type(
    schema: Schema, beside: Mapping[str, Type] | None = None, called: Mapping[str, str] | None = None
) -> Type:
    """Of records with a slot for each field, and for what else is given with them; `called`: by which key."""
    return _struct(
        "Facts",
        {slot(name): _value_type(each) for name, each in schema.items()} | dict(beside or {}),
        bases=(Record,),
        frozen=True,
        namespace={"names": tuple(schema)},
        rename={slot(name): name for name in schema} | dict(called or {}),
    )


def _struct(name: str, members: Mapping[str, Type], **options: Any) -> Type:
    """Of what may be left out, or null."""
    fields = [(key, each | None, None) for key, each in members.items()]
    return msgspec.defstruct(name, fields, forbid_unknown_fields=True, omit_defaults=True, **options)


def _change_type(program: Program) -> Type:
    """The only ones that are dicts, in which msgspec passes over what it does not know: their keys are counted."""
    kinds: dict[str, Type] = {
        "set": _typed_dict("Wanted", {name: _value_type(each) for name, each in program.account.items()}, total=False),
        "register": Annotated[dict[str, bool], Meta(max_length=0)],
    }
    if program.features:
        kinds |= dict.fromkeys(("enable", "disable"), _one_of(program.features))
    if program.actions:
        kinds["do"] = _one_of(program.actions)
    return _typed_dict("Change", kinds, total=False)


def _list(of: Type) -> Type:
    return GenericAlias(list, of)


def _one_of(names: Iterable[str]) -> Type:
    return Literal[tuple(names)]


def _value_type(declaration: FieldDeclaration) -> Type:
    match declaration.type.kind:
        case "enum":
            return _one_of(declaration.type.values)
        case "bool":
            return bool
        case "int":
            low, high = declaration.minimum, declaration.maximum
            least, most = low if type(low) is int else INT_MIN, high if type(high) is int else INT_MAX
            return Annotated[int, Meta(ge=least, le=most)]
        case "string":
            return str
        case "date":
            return date
        case "timestamp":
            return Annotated[datetime, Meta(tz=True)]
        case "set":
            return GenericAlias(frozenset, _one_of(declaration.type.values))
        case kind:
            raise TypeError(kind)  # no field is declared so


def _listed(names: Iterable[str]) -> Type:
    """A list of them, and of nothing if there are none: a literal needs a value."""
    listed = [*names]
    return _list(_one_of(listed)) if listed else Annotated[list[str], Meta(max_length=0)]
