"""The usual request, validated by msgspec at the speed of C; what is not usual is left to `reading`.

Types are made from the policy's schema: strict, unknown keys refused. What they take is a part of what `reading`
takes, and they read it alike: the tests hold them to that. They give up without a word, since `reading` has the words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from types import GenericAlias
from typing import Annotated, Any, Final, Literal, TypeAlias, TypedDict, cast
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta
from msgspec.structs import astuple, force_setattr

from lawful import calendar, values
from lawful.calendar import Instant
from lawful.ir import INT_MAX, INT_MIN, FieldDeclaration, Program, Schema
from lawful.question import EARLIEST, MAX_BYTES, MAX_CHANGES, Asked, Key, Kind, Question, Recorded, key_of
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
_LENGTH_TOO_FINE: Final = len("2025-03-01T09:00:00.0000000Z")
_FIRST: Final = datetime(1000, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(2999, 12, 31, tzinfo=UTC)
_NOT_TAKEN: Final = (msgspec.MsgspecError, ValueError, OverflowError, RecursionError)
_DAYS_KEPT: Final = 512
_LENGTH_OF_DAY: Final = len("2025-03-01")
_encoded: Final = msgspec.json.Encoder().encode
_plain: Final = msgspec.json.Decoder().decode
_POINT: Final = ord(".")  # of one byte it is sooner known whether it is there than of bytes
_BACKSLASH: Final = ord("\\")
_asking: Final = tuple.__new__
"""Makes an `Asked` in half the time."""
_Change: TypeAlias = tuple[Key | None, tuple[Asked, ...]]
"""As a question has it: by what it is judged, and what is asked."""


class Validator:
    """Reads requests about accounts of one policy."""

    def __init__(self, program: Program, zone: ZoneInfo) -> None:
        self._program = program
        self._zone = zone
        self._day: tuple[Instant, Instant, date] = (_LAST, _FIRST, date.min)
        """The local day last asked about, and between which instants it is; first of all no day at all."""
        self._request_in_python = _request_type(program, "python")
        # prepared here: threads that were first together would crash
        empty = msgspec.convert({"account": {}, "request": {}}, self._request_in_python)
        self._most_of_account, self._most_of_facts = len(astuple(empty.account)), len(astuple(empty.request))
        self._decoded = msgspec.json.Decoder(_request_type(program, "json")).decode
        self._account = _Owner(program.account, program.account_id)
        self._facts = _Owner(program.request)
        self._has_timestamps = self._account.has_timestamps or self._facts.has_timestamps
        self._account_is_plain, self._facts_are_plain = self._account.is_plain, self._facts.is_plain
        self._disabled = dict.fromkeys(program.features, False)
        # Questions share the changes that are the same in many of them: nobody writes in what is asked.
        self._named = _named_changes(program)
        self._in_cycles = _changes_in_cycles(program)
        self._days: dict[str, tuple[Instant, date]] = {}
        """Midnights: one day is asked about many times. The texts are short, and so few of them are kept."""

    def python(self, given: Mapping[str, object]) -> Question | None:
        """The request of a mapping; None where it is not usual, or wrong."""
        try:
            if not isinstance(given, dict):  # of other mappings msgspec passes over keys that it does not know
                return None
            found = msgspec.convert(given, self._request_in_python)
            return self._question(found) if self._is_usual(given, found) else None
        except _NOT_TAKEN:
            return None

    def json(self, text: bytes) -> Question | None:
        """The request of a JSON text; likewise."""
        try:
            if len(text) > MAX_BYTES:
                return None
            found = self._decoded(text)
            # One comma stands before each member of an object, and before each value of a list, but the first. In a
            # text that has no more than what was found takes, no key stands twice and none was passed over. Sets,
            # several fields and several changes are not counted, nor what is null, nor commas in texts: there are more.
            commas = 0  # before the change, let us say; without one nothing is taken
            account, facts, history = found.account, found.request, found.history
            if account is not None:
                commas += (self._most_of_account - astuple(account).count(None)) or 1
                if account.features:
                    commas += len(account.features) - 1
            if facts is not None:
                commas += (self._most_of_facts - astuple(facts).count(None)) or 1
            if history is not None:
                commas += 2 * len(history) or 1
            if found.at is not None:
                commas += 1
            if text.count(b",") != commas and not _is_all(text, found):
                return None
            if (self._has_timestamps or history) and _POINT in text and _TOO_FINE(text):
                return None
            return self._question(found)
        except _NOT_TAKEN:
            return None

    # ------------------------------------------------------------------------------------ from what was validated

    def _question(self, found: Any) -> Question | None:
        """In one piece: where there are calls, half of the time goes into them."""
        change = found.change
        if change is not None and found.changes is None and len(change) == 1:
            kind, given = change.popitem()
            registers = kind == "register"
            if kind != "set":
                key, changes = self._named[kind]["" if registers else given]
            elif len(given) == 1:
                (name,) = given
                if name in self._in_cycles:
                    key, changes = self._in_cycles[name][given[name]]
                else:
                    key, changes = ("set", name), (self._setting(given),)
            elif given:
                changes = (self._setting(given),)
                key = key_of(changes, self._program)
            else:
                return None
        else:
            several = self._several(found)
            if several is None:
                return None
            changes, key, registers = several, key_of(several, self._program), several[0][0] == "register"
        at = found.at
        moment = (self._days.get(at) if type(at) is str else None) or self._moment(at)
        if moment is None:
            return None
        account, facts = found.account, found.request
        features = self._disabled.copy() if registers else {}
        if account is None:
            account = self._account.nothing
        else:
            enabled = account.features
            if enabled is not None:
                features = self._disabled.copy()
                if enabled:
                    if registers:
                        return None
                    for name in enabled:
                        features[name] = True
            if not self._account_is_plain:
                self._account.finish(account)
        if facts is None:
            facts = self._facts.nothing
        elif not self._facts_are_plain:
            self._facts.finish(facts)
        recorded: Sequence[Recorded] | None = found.history
        whole_from: Instant | None = EARLIEST
        if found.history_from is not None:
            begins = self._moment(found.history_from)
            if begins is None or recorded is None:
                return None
            whole_from = begins[0]
        elif recorded is None:
            # nothing has happened to an account that is only being registered
            recorded, whole_from = (), EARLIEST if registers else None
        for event in recorded:
            if not 1000 < event.at.year < 2999:  # no offset leads it out of the calendar
                return None
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
        moment = at, day if begins <= at < ends else self._day_of(at)
        if type(given) is str and len(given) == _LENGTH_OF_DAY:
            if len(self._days) >= _DAYS_KEPT:
                self._days.clear()
            self._days[given] = moment
        return moment

    def _day_of(self, at: Instant) -> date:
        day = calendar.day_of(at, self._zone)
        period = calendar.period("day", day, self._zone)
        if period is not None:
            self._day = (*period, day)
        return day

    # ------------------------------------------------------------------------------------------ what Python gives

    def _is_usual(self, given: Mapping[str, Any], found: Any) -> bool:
        """Whether msgspec read all of it, and as `reading` does: texts of Python may be of any type, and broken."""
        change = found.change
        if change is not None and not self._is_usual_change(given["change"], change):
            return False
        if found.changes is not None:
            for one, other in zip(given["changes"], found.changes, strict=True):
                if not self._is_usual_change(one, other):
                    return False
        if found.history is not None and not _is_usual_history(given["history"]):
            return False
        if found.account is not None and not self._account.is_usual(given["account"]):
            return False
        return found.request is None or self._facts.is_usual(given["request"])

    def _is_usual_change(self, given: Mapping[str, Any], found: dict[str, Any]) -> bool:
        if not isinstance(given, dict) or len(given) != len(found):
            return False
        if "set" not in found:
            return True
        wanted = given["set"]
        return self._account.is_usual(wanted) and len(wanted) == len(found["set"])


class _Owner:
    """What is still to be done with the facts of an owner, once msgspec has read them."""

    def __init__(self, schema: Schema, identity: str | None = None) -> None:
        self._names = tuple(schema)
        self._texts = _named(schema, "string") if identity is None else (*_named(schema, "string"), identity)
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
            text = given.get(name)
            if text is not None and not (type(text) is str and text.isascii()) and not _is_text(text):
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


def _is_usual_history(given: object) -> bool:
    if not isinstance(given, (list, tuple)):
        return False
    for event in given:
        if not isinstance(event, dict):
            return False
        at = event["at"]
        if (type(at) is not str or len(at) >= _LENGTH_TOO_FINE) and _is_odd(at):
            return False
    return True


def _hides(raw: bytes) -> bool:
    """Whether a quote may stand in a text, where it would be counted."""
    return b'\\"' in raw or b"\\u0022" in raw


def _is_all(raw: bytes, found: Any) -> bool:
    """Whether no key stands there twice, and none was passed over: of a text in which something is null, for example.

    Written again, it would have fewer strings. What was found says less than the text where something is null, so all
    of it is read once more without types; then those keys are looked for that no type refuses.
    """
    if _BACKSLASH in raw and _hides(raw):
        return False
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


def _named_changes(program: Program) -> dict[str, dict[str, _Change]]:
    """By kind and name, of those that are nothing but named."""
    names = {"enable": program.features, "disable": program.features, "do": program.actions, "register": ("",)}
    return {
        kind: {name: ((kind, name), (Asked(cast("Kind", kind), name, {}),)) for name in those}
        for kind, those in names.items()
    }


def _changes_in_cycles(program: Program) -> dict[str, dict[str, _Change]]:
    """Of fields with a life cycle: by field, and by the value it is set to."""
    found: dict[str, dict[str, _Change]] = {}
    for name in program.lifecycles:
        asked = {value: (Asked("set", "", {name: value}),) for value in program.account[name].type.values}
        found[name] = {value: (key_of(changes, program), changes) for value, changes in asked.items()}
    return found


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
    return msgspec.defstruct(name, fields, forbid_unknown_fields=True, omit_defaults=True, gc=False, **options)


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
