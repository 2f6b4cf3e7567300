"""The usual request, validated by msgspec at the speed of C; what is not usual is left to `reading`.

Types are made from the policy's schema: strict, unknown keys refused. What they take is a part of what `reading`
takes, and they read it alike: the tests hold them to that. They give up without a word, since `reading` has the words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias, cast
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import astuple, force_setattr

from lawful import values
from lawful.ir import Program, Schema
from lawful.moments import Moments
from lawful.question import EARLIEST, KINDS, MAX_BYTES, Asked, Key, Kind, Recorded, key_of
from lawful.record import Record, slot
from lawful.row import Row
from lawful.shapes import row_type

# Below a microsecond msgspec rounds; `reading` does not take it.
_TOO_FINE: Final = re.compile(rb"\.[0-9]{7}").search
_TOO_FINE_TEXT: Final = re.compile(r"\.[0-9]{7}").search
_LENGTH_TOO_FINE: Final = len("2025-03-01T09:00:00.0000000Z")
NOT_TAKEN: Final = (msgspec.MsgspecError, ValueError, OverflowError, RecursionError)
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
        self.moments = Moments(zone)
        self._row_of_python = row_type(program, self.moments, "python")
        row_of_json = row_type(program, self.moments, "json")
        # prepared here: threads that were first together would crash
        empty = msgspec.convert({"account": {}, "request": {}}, self._row_of_python)
        self._most_of_account, self._most_of_facts = len(astuple(empty.account)), len(astuple(empty.facts))
        self._decoded = msgspec.json.Decoder(row_of_json).decode
        self._account = Owner(program.account, empty.account, program.account_id)
        self._facts = Owner(program.request, empty.facts)
        self._has_timestamps = self._account.has_timestamps or self._facts.has_timestamps
        # Requests share the changes that are the same in many of them: nobody writes in what is asked.
        self._named = _named_changes(program)
        self._doing = self._named["do"]
        self._in_cycles = _changes_in_cycles(program)
        self._texts = self._account.texts
        self._account_is_plain, self._facts_are_plain = self._account.is_plain, self._facts.is_plain

    def python(self, given: Mapping[str, object]) -> Row | None:
        """The request of a mapping; None where it is not usual, or wrong."""
        try:
            if not isinstance(given, dict):  # of other mappings msgspec passes over keys that it does not know
                return None
            row = msgspec.convert(given, self._row_of_python)
            change, account = row.changes, given.get("account")
            if (
                change is None
                or change.set is not None
                or type(given["change"]) is not dict
                or type(account) is not dict
                or row.recorded is not None
                or row.facts is not None
                or self._has_timestamps
            ):
                return self._settled(row) if self._is_usual(given, row) else None
            # What is asked most: there is nothing to be looked at but the texts of the account.
            for name in self._texts:
                text = account.get(name)
                if text is not None and not (type(text) is str and text.isascii()) and not _is_text(text):
                    return None
            return self._settled(row)
        except NOT_TAKEN:
            return None

    def json(self, text: bytes) -> Row | None:
        """The request of a JSON text; likewise."""
        try:
            if len(text) > MAX_BYTES:
                return None
            row = self._decoded(text)
            # One comma stands before each member of an object, and before each value of a list, but the first. In a
            # text that has no more than what was found takes, no key stands twice and none was passed over. Sets,
            # several fields and several changes are not counted, nor what is null, nor commas in texts: there are more.
            commas = 0  # before the change, let us say; without one nothing is taken
            account, facts, history = row.account, row.facts, row.recorded
            if account is not None:
                commas += (self._most_of_account - astuple(account).count(None)) or 1
                if account.features:
                    commas += len(account.features) - 1
            if facts is not None:
                commas += (self._most_of_facts - astuple(facts).count(None)) or 1
            if history is not None:
                commas += 2 * len(history) or 1
            if row.moment is not None:
                commas += 1
            if text.count(b",") != commas and not _is_all(text, row):
                return None
            if (self._has_timestamps or history) and _POINT in text and _TOO_FINE(text):
                return None
            return self._settled(row)
        except NOT_TAKEN:
            return None

    # ------------------------------------------------------------------------------------ from what was validated

    def _settled(self, row: Row) -> Row | None:
        """In one piece: where there are calls, half of the time goes into them."""
        if row.changes is not None and row.key is None:
            change = row.changes
            name, registers = change.do, change.register is not None
            if name is not None:
                if change.set is not None or registers or change.enable is not None or change.disable is not None:
                    return None
                row.key, row.changes = self._doing[name]
            elif not self.one(row, change):
                return None
        elif self._several(row):
            registers = row.changes[0].kind == "register"
        else:
            return None
        at = row.moment
        row.moment = (self.moments.midnights.get(at) if type(at) is str else None) or self.moments.of(at)
        if row.account is None:
            row.account = self._account.nothing
        else:
            if registers and row.account.features:
                return None
            if not self._account_is_plain:
                self._account.finish(row.account)
        if row.facts is None:
            row.facts = self._facts.nothing
        elif not self._facts_are_plain:
            self._facts.finish(row.facts)
        recorded: Sequence[Recorded] | None = row.recorded
        if recorded is None:
            if row.whole_from is not None:
                return None
            # nothing has happened to an account that is only being registered
            row.recorded, row.whole_from = (), EARLIEST if registers else None
        else:
            row.whole_from = EARLIEST if row.whole_from is None else self.moments.of(row.whole_from)[0]
            for event in recorded:
                if not 1000 < event.at.year < 2999:  # no offset leads it out of the calendar
                    return None
        return row

    def one(self, row: Row, change: Any) -> bool:
        """Whether one change is asked for; then the row holds it."""
        if astuple(change).count(None) != len(KINDS) - 1:
            return False
        wanted = change.set
        if wanted is None:
            named = self._named
            if change.register is not None:
                row.key, row.changes = named["register"][""]
            elif change.do is not None:
                row.key, row.changes = named["do"][change.do]
            elif change.enable is not None:
                row.key, row.changes = named["enable"][change.enable]
            else:
                row.key, row.changes = named["disable"][change.disable]
        elif len(wanted) == 1:
            ((name, value),) = wanted.items()
            if name in self._in_cycles:
                row.key, row.changes = self._in_cycles[name][value]
            else:
                row.key, row.changes = ("set", name), (self._setting(wanted),)
        elif wanted:
            row.changes = (self._setting(wanted),)
            row.key = key_of(row.changes, self._program)
        else:
            return False
        return True

    def _several(self, row: Row) -> bool:
        """Likewise, where several are."""
        given: Any = row.key
        listed: list[Asked] = []
        if row.changes is not None or not given:
            return False
        for each in given:
            if not self.one(row, each) or (each.register is not None and listed):
                return False
            listed += cast("tuple[Asked, ...]", row.changes)
        row.changes = tuple(listed)
        row.key = key_of(row.changes, self._program)
        return True

    def _setting(self, wanted: dict[str, Any]) -> Asked:
        return _asking(Asked, ("set", "", self._account.asked(wanted)))

    # ------------------------------------------------------------------------------------------ what Python gives

    def _is_usual(self, given: Mapping[str, Any], row: Row) -> bool:
        """Whether msgspec read all of it, and as `reading` does: texts of Python may be of any type, and broken."""
        change = row.changes
        if (
            change is not None
            and (change.set is not None or type(given["change"]) is not dict)
            and not self._is_usual_change(given["change"], change)
        ):
            return False
        if row.key is not None:
            for one, other in zip(given["changes"], row.key, strict=True):
                if not self._is_usual_change(one, other):
                    return False
        if row.recorded is not None and not _is_usual_history(given["history"]):
            return False
        if row.account is not None and not self._account.is_usual(given["account"]):
            return False
        return row.facts is None or self._facts.is_usual(given["request"])

    def _is_usual_change(self, given: Mapping[str, Any], found: Any) -> bool:
        if not isinstance(given, dict):
            return False
        if found.set is None:
            return True
        wanted = given["set"]
        return self._account.is_usual(wanted) and len(wanted) == len(found.set)


class Owner:
    """What is still to be done with the facts of an owner, once msgspec has read them."""

    def __init__(self, schema: Schema, nothing: Record, identity: str | None = None) -> None:
        self._names = tuple(schema)
        self.texts = _named(schema, "string") if identity is None else (*_named(schema, "string"), identity)
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
        self.nothing = nothing
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
        for name in self.texts:
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


def _is_all(raw: bytes, row: Row) -> bool:
    """Whether no key stands there twice, and none was passed over: of a text in which something is null, for example.

    Written again, it would have fewer strings. What was found says less than the text where something is null, so all
    of it is read once more without types; then those keys are looked for that no type refuses.
    """
    if _BACKSLASH in raw and _hides(raw):
        return False
    quotes = raw.count(b'"')
    if _encoded(row).count(b'"') == quotes:
        return True
    plain = _plain(raw)
    if _encoded(plain).count(b'"') != quotes:
        return False
    one, several = row.changes, zip(plain.get("changes") or (), row.key or (), strict=True)
    return (one is None or _is_all_of(plain["change"], one)) and all(_is_all_of(*each) for each in several)


def _is_all_of(given: Mapping[str, Any], change: Any) -> bool:
    """Whether no key of what is set was passed over."""
    return change.set is None or len(given["set"]) == len(change.set)


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
