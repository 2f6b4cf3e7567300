"""A Python module of types: what `check` takes under one policy, for editors and type checkers.

The policy's texts go into it as data alone. Whatever they hold, they stand inside docstrings and literals, where no
type checker and no formatter looks for instructions; the few that stand in comments hold no `#` of their own.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from unicodedata import combining, east_asian_width

from lawful import values
from lawful.diagnostics import legible
from lawful.ir import FieldDeclaration, Program, Schema, Text

_WIDTH: Final = 88
"""Where a formatter breaks a line unless it is told otherwise. What is broken here stays so in wider lines."""
_LONGEST_NAME: Final = 60
_INDENT: Final = "    "
_OWN_NAMES: Final = ("Account", "AccountValues", "RequestFacts", "RequestOfChange", "RequestOfChanges", "RequestParts")
"""Names of this module that a field's values could otherwise get."""
_FACTS: Final = {
    "bool": "bool",
    "int": "int",
    "string": "str",
    "date": "Date",
    "timestamp": "Timestamp",
}

_FRAME: Final = '''\
from datetime import date, datetime
from typing import Literal, Never, TypeAlias, TypedDict, TypeVar

_Value = TypeVar("_Value")

Date: TypeAlias = date | str
"""A day: a text such as `2025-03-01`, or a `date`; a `datetime` is refused."""

Timestamp: TypeAlias = datetime | date | str
"""An instant: a text such as `2025-03-01T09:00:00+08:00`, or a `datetime`.

Without an offset it is local in {zone}; a day is its local midnight.
"""

SetOf: TypeAlias = list[_Value] | tuple[_Value, ...] | set[_Value] | frozenset[_Value]
"""Some of the values of a set, in any order."""
'''

_CHANGES: Final = '''\
class Set(TypedDict):
    """Fields of the account become these values."""

    set: AccountValues


class Enable(TypedDict):
    """A feature is enabled."""

    enable: Feature


class Disable(TypedDict):
    """A feature is disabled."""

    disable: Feature


class Do(TypedDict):
    """Something is done."""

    do: Action


class Register(TypedDict):
    """The account is registered as it is given; `{"register": {}}` says no more."""

    register: dict[str, Never]


Change: TypeAlias = Set | Enable | Disable | Do | Register
"""A change that is asked for."""


class HistoryEvent(TypedDict):
    """Something that happened to the account."""

    event: Event
    at: Timestamp


class RequestParts(TypedDict, total=False):
    """What a request may say beside the change."""

    account: Account | None
    request: RequestFacts | None
    history: list[HistoryEvent] | tuple[HistoryEvent, ...] | None
    """What happened to the account. Left out, it is unknown: `[]` if nothing did."""
    history_from: Timestamp | None
    """The history is whole from there on, and unknown before."""
    at: Timestamp | None
    """When the change is asked for; now, where it is left out."""


class RequestOfChange(RequestParts):
    """One change is asked for."""

    change: Change


class RequestOfChanges(RequestParts):
    """Several changes are asked for, one after the other."""

    changes: list[Change] | tuple[Change, ...]


Request: TypeAlias = RequestOfChange | RequestOfChanges
"""A proposed change of an account, as `check` takes it."""
'''


def stubs(program: Program, command: str) -> str:
    """The module. `command` is what made it, for those who make it anew."""
    return "\n".join(_Module(program).lines(command)) + "\n"


@dataclass(frozen=True, slots=True)
class _Entry:
    """A field of a record, with the name of its type."""

    name: str
    type: str
    told: str = ""
    """What is known of it, for people."""


class _Module:
    """Writes the types of one program."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.taken = set(_OWN_NAMES)
        self.aliases = {
            owner: {each.name: self._alias(owner, each.name) for each in schema.values() if each.type.values}
            for owner, schema in (("Account", program.account), ("Request", program.request))
        }

    def _alias(self, owner: str, field: str) -> str:
        """What the values of a field are called: `AccountType`; two fields never share a name."""
        parts = re.findall(r"[A-Za-z0-9]+", field)
        plain = (owner + "".join(part[:1].upper() + part[1:] for part in parts))[:_LONGEST_NAME]
        name, number = plain, 1
        while name in self.taken or name == owner:
            number += 1
            name = f"{plain}_{number}"
        self.taken.add(name)
        return name

    def lines(self, command: str) -> Iterator[str]:
        program = self.program
        yield from _header(program, command)
        yield from _FRAME.format(zone=_told(program.timezone)).splitlines()
        yield from self._names()
        for owner, schema in (("Account", program.account), ("Request", program.request)):
            for name, alias in self.aliases[owner].items():
                yield ""
                yield from _domain(alias, schema[name])
        yield from self._records()
        yield ""
        yield ""
        yield from _CHANGES.splitlines()

    def _names(self) -> Iterator[str]:
        program = self.program
        features = {name: each.title for name, each in program.features.items()}
        events = {name: each.title for name, each in program.events.items()}
        events |= {move.event: move.title for move in program.moves if move.step is not None}
        events |= program.actions
        listed: list[tuple[str, str, Mapping[str, Text | None]]] = [
            ("Feature", "A feature of an account.", features),
            ("Action", "What an account may do.", program.actions),
            ("Event", "What a history may record.", {name: events.get(name) for name in sorted(program.event_names)}),
        ]
        for name, head, titles in listed:
            yield ""
            yield from _literal(name, tuple(titles))
            yield from _doc([head, *_values_told(titles)])

    def _records(self) -> Iterator[str]:
        program = self.program
        known = "A fact that is left out, or None, is unknown or has the policy's default."
        account = [*self._identity(), *self._entries("Account", program.account, " | None")]
        account.append(_Entry("features", "SetOf[Feature] | None", "those that are enabled; `[]` where none is"))
        yield from _record("Account", ["An account.", known], account)
        values_ = [_Entry(each.name, each.type) for each in self._entries("Account", program.account, "")]
        yield from _record("AccountValues", ["What fields may be set to: known values, never None."], values_)
        facts = list(self._entries("Request", program.request, " | None"))
        yield from _record("RequestFacts", ["What a request says beside the change.", known], facts)

    def _identity(self) -> Iterator[_Entry]:
        """The account's id, where it is no field: nothing is decided by it."""
        name = self.program.account_id
        if name not in self.program.account and name != "features":
            yield _Entry(name, "str | int | None", "the account's id: nothing is decided by it")

    def _entries(self, owner: str, schema: Schema, ending: str) -> Iterator[_Entry]:
        for each in schema.values():
            alias = self.aliases[owner].get(each.name, "")
            kind = f"SetOf[{alias}]" if each.type.kind == "set" else alias or _FACTS[each.type.kind]
            yield _Entry(each.name, kind + ending, _facts_told(each))


# --------------------------------------------------------------------------------------------------------- the parts


def _header(program: Program, command: str) -> Iterator[str]:
    # The first two lines are ours: Python looks there for the name of an encoding.
    yield "# Made from a policy by lawful. Do not edit this file: make it anew."
    yield "#"
    yield f"#   policy   {_comment(program.id)} {_comment(program.version)}"
    yield f"#   digest   {_comment(program.digest)}"
    yield f"#   command  {_comment(command)}"
    yield from _doc([f"Types of what `check` takes under the policy {program.id}.", _both(program.title)])
    yield ""


def _domain(alias: str, field: FieldDeclaration) -> Iterator[str]:
    """The values of an enum or a set."""
    yield from _literal(alias, field.type.values)
    head = _both(field.title) or f"Values of {field.name}."
    yield from _doc([head, *_values_told({value: field.values.get(value) for value in field.type.values})])


def _literal(name: str, listed: Sequence[str]) -> Iterator[str]:
    """An alias for one of the texts, a line each."""
    if not listed:
        yield f"{name}: TypeAlias = Never"
        return
    line = f"{name}: TypeAlias = Literal[{_quoted(listed[0])}]"
    if len(listed) == 1 and _columns(line) <= _WIDTH:
        yield line
        return
    comma = "," if len(listed) > 1 else ""
    yield f"{name}: TypeAlias = Literal["
    yield from (f"{_INDENT}{_quoted(each)}{comma}" for each in listed)
    yield "]"


def _record(name: str, told: list[str], entries: Sequence[_Entry]) -> Iterator[str]:
    """A TypedDict of which nothing must be there: as a class, or by a call where a name cannot stand in a class."""
    yield ""
    yield ""
    if _fit_a_class(entries):
        yield f"class {name}(TypedDict, total=False):"
        yield from _doc(told, _INDENT)
        if entries:
            yield ""
        for each in entries:
            yield from _in_class(each)
            if each.told:
                yield from _doc([each.told], _INDENT)
    else:
        yield f"{name} = TypedDict("
        yield f'{_INDENT}"{name}",'
        yield f"{_INDENT}{{"
        for each in entries:
            yield from _in_call(each)
        yield f"{_INDENT}}},"
        yield f"{_INDENT}total=False,"
        yield ")"
        yield from _doc([*told, *(f"- `{each.name}`: {each.told}" for each in entries if each.told)])


def _fit_a_class(entries: Iterable[_Entry]) -> bool:
    """Whether each name can be annotated in a class, and hides none that an annotation there needs (pyright minds)."""
    entries = list(entries)
    needed = {word for each in entries for word in re.findall(r"\w+", each.type)}
    return all(
        re.fullmatch(r"(?!__)[A-Za-z_][A-Za-z0-9_]*", each.name)  # after `__` Python would put the class's name before
        and not keyword.iskeyword(each.name)
        and each.name not in needed
        for each in entries
    )


def _in_class(each: _Entry) -> Iterator[str]:
    line = f"{_INDENT}{each.name}: {each.type}"
    if len(line) <= _WIDTH or each.type.isidentifier():
        yield line
    elif "|" in each.type:
        yield from (f"{_INDENT}{each.name}: (", f"{_INDENT * 2}{each.type}", f"{_INDENT})")
    else:
        yield from _opened(f"{_INDENT}{each.name}: {each.type}", _INDENT)


def _in_call(each: _Entry) -> Iterator[str]:
    indent = _INDENT * 2
    start = f"{indent}{_quoted(each.name)}: "
    if _columns(f"{start}{each.type},") <= _WIDTH or each.type.isidentifier():
        yield f"{start}{each.type},"
        return
    first, *others = each.type.split(" | ")
    ends = ["" for _ in others] + [","]
    line = f"{start}{first}{ends[0]}"
    yield from _opened(line, indent) if "[" in first and _columns(line) > _WIDTH else [line]
    yield from (f"{indent}| {other}{end}" for other, end in zip(others, ends[1:], strict=True))


def _opened(line: str, indent: str) -> Iterator[str]:
    """A line with what stands in its brackets on one of its own."""
    before, _, rest = line.rpartition("[")
    inside, _, after = rest.partition("]")
    yield from (f"{before}[", f"{indent}{_INDENT}{inside}", f"{indent}]{after}")


# --------------------------------------------------------------------------------------------------- texts as data


def _facts_told(field: FieldDeclaration) -> str:
    """A field's title, bounds and default."""
    told = [_both(field.title)]
    if field.minimum is not None:
        told.append(f"at least {values.written(field.minimum, zone=None)}")
    if field.maximum is not None:
        told.append(f"at most {values.written(field.maximum, zone=None)}")
    if field.default is not None:
        told.append(f"`{values.written(field.default, zone=None)}` unless said otherwise")
    return "; ".join(each for each in told if each)


def _values_told(titles: Mapping[str, Text | None]) -> list[str]:
    return [f"- `{value}`: {both}" for value, title in titles.items() if (both := _both(title))]


def _both(text: Text | None) -> str:
    """In each language the text has, on one line: the module is the same whoever makes it."""
    if text is None:
        return ""
    return " · ".join(" ".join(each.split()) for each in (text.en, text.zh) if each and each.strip())


def _doc(lines: list[str], indent: str = "") -> Iterator[str]:
    """A docstring: a line, or a heading with a list below."""
    head, *rest = (_told(each) for each in lines if each)
    if not rest:
        yield f'{indent}"""{head}"""'
        return
    yield f'{indent}"""{head}'
    yield ""
    yield from (f"{indent}{each}" for each in rest)
    yield f'{indent}"""'


def _told(text: str) -> str:
    """A text on one line inside a docstring."""
    return _escaped(" ".join(text.split())).replace('"', '\\"')


def _quoted(text: str) -> str:
    """A text as a literal, in the quotes that need fewer escapes."""
    mark = "'" if text.count('"') > text.count("'") else '"'
    return mark + _escaped(text).replace(mark, "\\" + mark) + mark


def _escaped(text: str) -> str:
    """A text inside quotes, before the quotes in it are seen to: what does not print is written as its number."""
    return "".join(char if char in "'\"" else repr(char)[1:-1] for char in text)


def _columns(line: str) -> int:
    """How wide a formatter takes a line to be: Chinese characters count two."""
    return sum(0 if combining(char) else 1 + (east_asian_width(char) in "WF") for char in line)


def _comment(text: str) -> str:
    """A text inside a comment, in which nobody finds a second comment."""
    return legible(text, 500).strip().replace("#", "\\u0023")
