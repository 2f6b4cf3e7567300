"""A request as the policy's schema reads it: every value of its declared type, or every problem it has.

The usual request is validated by `validation` and gets no further; here is every other form, and the words.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final
from zoneinfo import ZoneInfo

from msgspec.structs import replace
from pydantic import BaseModel

from lawful import calendar, values
from lawful.diagnostics import MOST_MISTAKES, Problem, RequestError, legible, near
from lawful.ir import Program, Schema, Value
from lawful.kept import kept
from lawful.question import EARLIEST, KEYS, KINDS, MAX_BYTES, MAX_CHANGES, Asked, Question, Recorded, key_of
from lawful.record import record_type
from lawful.row import Row
from lawful.scalar import Scalar
from lawful.trusting import Trusting
from lawful.validation import Validator

_KEYS_ARE: Final = f"the keys are {', '.join(f'`{key}`' for key in KEYS)}"
_KINDS_ARE: Final = ", ".join(f"`{kind}`" for kind in KINDS)


class Reader:
    """Reads requests about accounts of one policy."""

    def __init__(self, program: Program, zone: ZoneInfo) -> None:
        self.program = program
        self.zone = zone
        self._account = record_type(tuple(program.account))
        self._facts = record_type(tuple(program.request))

    def __reduce__(self) -> tuple[type[Reader], tuple[Program, ZoneInfo]]:
        return type(self), (self.program, self.zone)

    @kept
    def validator(self) -> Validator:
        """What reads the usual request, made when first needed: a policy may be loaded to be shown."""
        return Validator(self.program, self.zone)

    @kept
    def trusting(self) -> Trusting:
        """What reads requests that are taken at their word."""
        return Trusting(self.program, self.validator)

    def question(self, given: Mapping[str, object]) -> Question:
        """The request as the schema has it. Raises RequestError with every problem found."""
        row = self.validator.python(given)
        return row.question() if row is not None else self._thorough(given, asks=True)

    def any(self, request: object) -> Question:
        """Likewise, of a request in whatever form: what was read already is taken as it is."""
        row: Row | None = None
        if isinstance(request, dict):
            row = self.validator.python(request)
        elif isinstance(request, Question):
            return self._own(request)
        elif isinstance(request, (bytes, bytearray)):
            row = self.validator.json(bytes(request))
        elif isinstance(request, str) and len(request) <= MAX_BYTES:
            # half a character stays one, and is found to be no UTF-8
            row = self.validator.json(request.encode(errors="surrogatepass"))
        return row.question() if row is not None else self.unusual(request)

    def unusual(self, request: object) -> Question:
        """Likewise, where the validator has looked and left it."""
        return self._thorough(mapping_of(request), asks=True)

    def unvalidated(
        self,
        account: Mapping[str, Any],
        change: Mapping[str, object],
        features: Iterable[str] | None,
        facts: Mapping[str, Any],
        history: Iterable[Mapping[str, Any]] | None,
        at: datetime | None,
    ) -> Question:
        """The facts as they are given; only the change and the date are read."""
        question = self.question({"change": change, "at": at})
        if question.changes[0].kind != "register":
            enabled = {} if features is None else dict.fromkeys(self.program.features, False)
            question = replace(
                question,
                features=enabled | dict.fromkeys(features or (), True),
                whole_from=None if history is None else EARLIEST,
            )
        return replace(
            question,
            account=self._account.of({name: account[name] for name in self.program.account if name in account}),
            facts=self._facts.of({name: facts[name] for name in self.program.request if name in facts}),
            recorded=tuple([Recorded(each["event"], each["at"]) for each in history or ()]),
        )

    def _own(self, question: Question) -> Question:
        if question.program is not self.program and question.program.digest != self.program.digest:
            named = f"{question.program.id} {question.program.version}"
            raise RequestError([Problem("", f"the request was read by another policy, {named}", "read it by this one")])
        return question

    def account(self, given: Mapping[str, object]) -> Question:
        """Likewise, of a question about the account as it is: no change is needed."""
        return self._thorough(given, asks=False)

    def _thorough(self, given: Mapping[str, object], *, asks: bool) -> Question:
        """Whatever form a value has, and whatever is wrong with it."""
        reading = _Reading(self.program, self.zone)
        for key in reading.mapping("", given) or {}:
            if key not in KEYS:
                help = near(key, KEYS) or _KEYS_ARE
                if key in self.program.account:
                    help = "it is a field of the account: give it under `account`"
                reading.problem(key, "a request has no such key", help)
        changes = reading.changes(given, asks=asks)
        account, features = reading.account(given.get("account"))
        registers = bool(changes) and changes[0].kind == "register"
        if registers and any(features.values()):
            reading.problem("account.features", "an account that is being registered has no features yet")
        if registers:
            features = dict.fromkeys(self.program.features, False)
        facts = reading.facts("request", given.get("request"), self.program.request)
        at = reading.at(given.get("at"))
        recorded, whole_from = reading.history(given, registers=registers)
        if reading.problems:
            raise RequestError(reading.problems)
        today = calendar.day_of(at, self.zone)
        account_record, facts_record = self._account.of(account), self._facts.of(facts)
        return Question(
            account_record,
            features,
            facts_record,
            changes,
            recorded,
            whole_from,
            at,
            today,
            self.program,
            key_of(changes, self.program),
        )


class _Reading:
    """One request on its way in; problems are collected."""

    def __init__(self, program: Program, zone: ZoneInfo) -> None:
        self.program = program
        self.zone = zone
        self.problems: list[Problem] = []

    def problem(self, field: str, message: str, help: str | None = None) -> None:
        self.problems.append(Problem(legible(field), message, help))
        if len(self.problems) >= MOST_MISTAKES:
            raise RequestError(self.problems)

    def mapping(self, field: str, given: object) -> Mapping[str, object] | None:
        """The object that was given, an empty one for null; None where it is none, which has then been told."""
        if given is None:
            return {}
        if isinstance(given, BaseModel):
            return given.model_dump(exclude_none=True, by_alias=True)
        if not isinstance(given, Mapping):
            self.problem(field, f"{values.shown(given)} stands where an object should be")
            return None
        wrong = [key for key in given if not isinstance(key, str)]
        for key in wrong:
            self.problem(field, f"{values.shown(key)} stands where the name of something should be")
        return {key: value for key, value in given.items() if isinstance(key, str)} if wrong else given

    def value(self, prefix: str, owner: str, name: str, raw: object, schema: Schema) -> Value | None:
        """The value of a field by that name; None where it is null, or wrong, which has then been told."""
        declaration = schema.get(name)
        if declaration is None:
            self.problem(f"{prefix}.{name}", f"the {owner} has no field {values.shown(name)}", near(name, schema))
            return None
        try:
            return values.read(declaration, raw, self.zone)
        except values.BadValue as error:
            shown = "the value of this private field cannot be taken" if declaration.private else error.message
            self.problem(f"{prefix}.{name}", shown, error.help)
            return None

    def facts(self, owner: str, given: object, schema: Schema) -> dict[str, Value]:
        """The known facts, defaults filled in."""
        found: dict[str, Value] = {}
        for name, raw in (self.mapping(owner, given) or {}).items():
            value = self.value(owner, owner, name, raw, schema)
            if value is not None:
                found[name] = value
        for name, declaration in schema.items():
            if declaration.default is not None and name not in found:
                found[name] = declaration.default
        return found

    def account(self, given: object) -> tuple[dict[str, Value], dict[str, bool]]:
        mapping = dict(self.mapping("account", given) or {})
        features = self._features(mapping.pop("features", None))
        id_field = self.program.account_id
        if id_field not in self.program.account:
            identity = mapping.pop(id_field, None)
            self._check_identity(f"account.{id_field}", identity)
        return self.facts("account", mapping, self.program.account), features

    def _check_identity(self, field: str, given: object) -> None:
        """Nothing is decided by an account's id: it may be a number or a text."""
        if isinstance(given, str):
            try:
                given.encode()
            except UnicodeEncodeError:
                self.problem(field, "the text holds half a character (a lone surrogate)")
        elif given is not None and (not isinstance(given, int) or isinstance(given, bool)):
            self.problem(field, f"{values.shown(given)} is no id")

    def _features(self, given: object) -> dict[str, bool]:
        """Each feature enabled or not; empty where nothing is said, which leaves each unknown."""
        if given is None:
            return {}
        if not isinstance(given, (list, tuple, set, frozenset)):
            self.problem("account.features", f"{values.shown(given)} is not a list of features")
            return {}
        for name in given:
            if not isinstance(name, str):
                self.problem("account.features", f"{values.shown(name)} is not the name of a feature")
            elif name not in self.program.features:
                help = near(name, self.program.features)
                self.problem("account.features", f"there is no feature {values.shown(name)}", help)
        return {name: name in given for name in self.program.features}

    # --------------------------------------------------------------------------------------------------- changes

    def changes(self, given: Mapping[str, object], *, asks: bool) -> tuple[Asked, ...]:
        one, many = given.get("change"), given.get("changes")
        if not asks:
            return ()
        if (one is None) == (many is None):
            self.problem("change", "a request has exactly one of `change` and `changes`")
            return ()
        if one is not None:
            return self._listed([self._change("change", one)])
        if not isinstance(many, (list, tuple)):
            self.problem("changes", f"{values.shown(many)} is not a list of changes")
            return ()
        if not many:
            self.problem("changes", "the list is empty")
            return ()
        if len(many) > MAX_CHANGES:
            self.problem("changes", f"there are more than {MAX_CHANGES} changes", "ask for them in several requests")
            return ()
        return self._listed([self._change(f"changes.{index}", each) for index, each in enumerate(many)])

    def _listed(self, read: Sequence[Asked | None]) -> tuple[Asked, ...]:
        if any(each is not None and each.kind == "register" for each in read[1:]):
            self.problem("changes", "an account is registered before anything else happens to it")
        return tuple(each for each in read if each is not None)

    def _change(self, field: str, given: object) -> Asked | None:
        mapping = self.mapping(field, given)
        if mapping is None:
            return None
        strange = [key for key in mapping if key not in KINDS]
        for key in strange:
            help = near(key, KINDS) or f"the changes are {_KINDS_ARE}"
            self.problem(f"{field}.{key}", "there is no such change", help)
        kinds = [key for key in KINDS if mapping.get(key) is not None]
        if not kinds and strange:
            return None
        if len(kinds) != 1:
            self.problem(field, f"a change is exactly one of {_KINDS_ARE}")
            return None
        return self._asked(field, kinds[0], mapping[kinds[0]])

    def _asked(self, field: str, kind: str, given: object) -> Asked | None:
        match kind:
            case "set":
                return self._set(f"{field}.set", given)
            case "enable" | "disable":
                return self._named(f"{field}.{kind}", kind, "feature", given, self.program.features)
            case "do":
                return self._named(f"{field}.do", "do", "action", given, self.program.actions)
            case _:
                if self.mapping(f"{field}.register", given):
                    self.problem(f"{field}.register", "what is registered is the `account`: this stays empty")
                return Asked("register", "", {})

    def _set(self, field: str, given: object) -> Asked | None:
        mapping = self.mapping(field, given)
        if mapping is None:
            return None
        if not mapping:
            self.problem(field, "nothing is set")
            return None
        for name in mapping:
            if name == "features":
                self.problem(f"{field}.features", "features are not set", "`enable` or `disable` one")
            elif mapping[name] is None:
                self.problem(f"{field}.{name}", "a value cannot be set to null: say what it becomes")
        wanted = {name: value for name, value in mapping.items() if name != "features"}
        found: dict[str, Value] = {}
        for name, raw in wanted.items():
            value = self.value(field, "account", name, raw, self.program.account)
            if value is not None:
                found[name] = value
        # in one order, however they were given: several effects on one field are told alike
        return Asked("set", "", {name: found[name] for name in self.program.account if name in found})

    def _named(self, field: str, kind: Any, what: str, given: object, known: Mapping[str, object]) -> Asked | None:
        if not isinstance(given, str):
            self.problem(field, f"{values.shown(given)} is not the name of {'an' if what == 'action' else 'a'} {what}")
            return None
        if given in known:
            return Asked(kind, values.plain(given), {})
        self.problem(field, f"there is no {what} {values.shown(given)}", near(given, known))
        return None

    # -------------------------------------------------------------------------------------------------- instants

    def at(self, given: object) -> datetime:
        if given is None:
            return datetime.now(UTC)
        return self._instant("at", given) or EARLIEST

    def _instant(self, field: str, given: object) -> datetime | None:
        try:
            return values.instant(given, self.zone)
        except values.BadValue as error:
            self.problem(field, error.message, error.help)
            return None

    def history(self, given: Mapping[str, object], *, registers: bool) -> tuple[tuple[Recorded, ...], datetime | None]:
        listed, since = given.get("history"), given.get("history_from")
        start = None if since is None else self._instant("history_from", since)
        if listed is None:
            if since is not None:
                self.problem("history_from", "there is no `history` that could begin then", "an empty one is `[]`")
            # nothing has happened to an account that is only being registered
            return (), EARLIEST if registers else None
        if not isinstance(listed, (list, tuple)):
            self.problem("history", f"{values.shown(listed)} is not a list of events")
            return (), None
        events = [self._event(f"history.{index}", each) for index, each in enumerate(listed)]
        return tuple(each for each in events if each is not None), start if start is not None else EARLIEST

    def _event(self, field: str, given: object) -> Recorded | None:
        mapping = self.mapping(field, given)
        if mapping is None:
            return None
        for key in mapping:
            if key not in ("event", "at"):
                self.problem(f"{field}.{key}", "an event has no such key", near(key, ("event", "at")))
        name = self._event_name(f"{field}.event", mapping.get("event"))
        if mapping.get("at") is None:
            self.problem(f"{field}.at", "the key `at` is missing")
            return None
        instant = self._instant(f"{field}.at", mapping["at"])
        return None if instant is None or name is None else Recorded(name, instant)

    def _event_name(self, field: str, given: object) -> str | None:
        if isinstance(given, str) and given in self.program.event_names:
            return values.plain(given)
        if given is None:
            self.problem(field, "the key `event` is missing")
        elif isinstance(given, str):
            self.problem(field, f"there is no event {values.shown(given)}", near(given, self.program.event_names))
        else:
            self.problem(field, f"{values.shown(given)} is not the name of an event")
        return None


def mapping_of(request: object) -> Mapping[str, Any]:
    """The request's parts, whichever way it was given."""
    match request:
        case None:
            return {}
        case Question():
            raise RequestError([Problem("", "a request that was read takes no further parts", "read it with them")])
        case str() | bytes():
            return from_json(request)
        case bytearray():
            return from_json(bytes(request))
        case BaseModel():
            return request.model_dump(by_alias=True, exclude_none=True)
        case Mapping():
            return request
        case _:
            raise RequestError([Problem("", f"{values.shown(request)} stands where a request should be")])


# ---------------------------------------------------------------------------------------------------- from JSON


def from_json(text: str | bytes, what: str = "request") -> dict[str, object]:
    """The request of a JSON text, or `what` it is called: repeated keys and what is no object are refused.

    Raises RequestError. Numbers that no field can hold (NaN, 1e400) are kept as written: whoever reads the field tells
    of them.
    """
    if _is_too_large(text):
        raise RequestError([Problem("", f"the {what} is larger than {MAX_BYTES // 1024 // 1024} MiB")])
    try:
        decoded = text.decode() if isinstance(text, bytes) else text
        if not decoded.strip():
            raise RequestError([Problem("", f"the {what} is empty")])
        given = json.loads(
            decoded.removeprefix("\ufeff"),
            object_pairs_hook=_object,
            parse_constant=values.Fractional,
            parse_float=values.Fractional,
            parse_int=_number,
        )
    except UnicodeDecodeError as error:
        raise RequestError([Problem("", f"the {what} is not UTF-8: byte {error.start} cannot be read")]) from None
    except json.JSONDecodeError as error:
        why = error.msg[:1].lower() + error.msg[1:].removesuffix(" at")
        message = f"this is not JSON: {why}, line {error.lineno}, column {error.colno}"
        raise RequestError([Problem("", message)]) from None
    except RecursionError:
        raise RequestError([Problem("", f"the {what} is nested too deeply")]) from None
    if not isinstance(given, dict):
        raise RequestError([Problem("", f"{values.shown(given)} stands where a {what} should be", "an object")])
    repeated = list(islice(_repeated(given), MOST_MISTAKES))
    if repeated:
        raise RequestError(repeated)
    return given


def _is_too_large(text: str | bytes) -> bool:
    """In UTF-8, of which a character takes four bytes at the most."""
    if isinstance(text, bytes) or 4 * len(text) <= MAX_BYTES or len(text) > MAX_BYTES:
        return len(text) > MAX_BYTES
    return len(text.encode(errors="surrogatepass")) > MAX_BYTES


class _Repeating(dict[str, object]):
    """An object in which keys were given twice."""

    twice: tuple[str, ...] = ()


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    repeating = _Repeating(found)
    times = Counter(key for key, _ in pairs)
    repeating.twice = tuple(key for key in found if times[key] > 1)
    return repeating


def _repeated(given: object) -> Iterator[Problem]:
    """Every key that was given twice, with its path."""
    pending: list[tuple[str, object]] = [("", given)]
    while pending:
        path, value = pending.pop()
        if isinstance(value, _Repeating):
            yield from (Problem(legible(f"{path}{key}"), "the key is given twice") for key in value.twice)
        if isinstance(value, dict):
            pending.extend((f"{path}{key}.", each) for key, each in reversed(value.items()))
        elif isinstance(value, list):
            pending.extend((f"{path}{index}.", each) for index, each in enumerate(value))


def _number(digits: str) -> int:
    # Beyond this Python itself refuses to read a number, with an exception of its own; 64 bits have 19 digits.
    return int(digits) if len(digits) <= 40 else 10**40


def written(scalar: str) -> Scalar:
    """A value from a command line, without a type of its own."""
    return Scalar(scalar)
