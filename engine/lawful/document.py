"""YAML as plain data, with the span of every key and value.

No scalar is given a type here: the reader's schema decides (`no`, `on`, `1:30`, `010` are strings where a string is
wanted). Only a plain empty scalar, `~` and `null` are null. Built from the parser's events rather than by a composer,
so that depth is bounded, aliases are refused and every repeated key is found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

import yaml

from lawful.diagnostics import MOST_MISTAKES, Diagnostic
from lawful.scalar import Scalar
from lawful.source import Source, Span

if TYPE_CHECKING:
    from yaml.events import Event

MAX_BYTES: Final = 4 * 1024 * 1024
MAX_DEPTH: Final = 60
MAX_VALUES: Final = 80_000

CONTROL: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f]")

# The C parser reads a large policy ten times faster; both give the same events for what passes our checks.
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


Data: TypeAlias = "Scalar | list[Data] | dict[str, Data] | None"
Path: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """`data` is made of dicts, lists, `Scalar`s and None; `values` and `keys` hold the span of each by its path."""

    source: Source
    data: Data
    values: dict[Path, Span]
    keys: dict[Path, Span]
    verbatim: frozenset[Path]
    """Scalars that stand in the file exactly as they read: an offset in them is an offset in the file."""

    def span(self, path: Sequence[str | int]) -> Span:
        """Of the value at the path; of the nearest thing around it where there is none.

        An index that the file does not have (a single value read as a list of one) is passed over.
        """
        return self.values[self._real(path)]

    def key_span(self, path: Sequence[str | int]) -> Span:
        """Of the key that the path ends with."""
        found = self.keys.get((*self._real(path[:-1]), *path[-1:]))
        return found if found is not None else self.span(path)

    def within(self, path: Sequence[str | int], start: int | None, length: int) -> Span:
        """A stretch inside the scalar at the path; the whole scalar where its text is folded or escaped."""
        whole = self.span(path)
        real = self._real(path)
        if start is None or real not in self.verbatim:
            return whole
        begin = min(whole.start + start, whole.end)
        return Span(self.source, begin, max(min(begin + length, whole.end), begin))

    def _real(self, path: Sequence[str | int]) -> Path:
        real: Path = ()
        for part in path:
            if (*real, part) in self.values:
                real = (*real, part)
        return real


class Unreadable(Exception):
    """The text is no YAML that can be taken; nothing of it is."""

    def __init__(self, diagnostics: list[Diagnostic]) -> None:
        self.diagnostics = diagnostics
        super().__init__(diagnostics[0].message)


def read(source: Source) -> tuple[Document, list[Diagnostic]]:
    """The document and the mistakes that leave the rest readable (repeated keys). Raises Unreadable."""
    if len(source.text.encode(errors="surrogatepass")) > MAX_BYTES:
        _refuse_size(source.name)
    _check_characters(source)
    builder = _Builder(source)
    try:
        for event in yaml.parse(source.text, Loader=_LOADER):
            builder.take(event)
    except yaml.YAMLError as error:
        raise Unreadable([_syntax(source, error)]) from None
    return builder.document(), builder.diagnostics


def decode(name: str, raw: bytes) -> Source:
    """The text of a file that should be UTF-8. Raises Unreadable."""
    if len(raw) > MAX_BYTES:
        _refuse_size(name)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        good = raw[: error.start].decode("utf-8", "replace")
        where = Source(name, good.replace("\r\n", "\n"))
        message = f"the file is not UTF-8: byte {raw[error.start]:#04x} at {error.start}"
        raise Unreadable(
            [Diagnostic("not-utf8", message, Span(where, len(where.text), len(where.text)), "save it as UTF-8")]
        ) from None
    return Source(name, text.replace("\r\n", "\n"))


def _refuse(code: str, message: str, span: Span, help: str | None = None) -> None:
    raise Unreadable([Diagnostic(code, message, span, help)])


def _refuse_size(name: str) -> None:
    _refuse("too-large", f"the file is larger than {MAX_BYTES // 1024 // 1024} MiB", Span(Source(name, ""), 0, 0))


def _check_characters(source: Source) -> None:
    try:
        source.text.encode()
    except UnicodeEncodeError as error:
        phrase = f"half a character, U+{ord(source.text[error.start]):04X}"
        _refuse("bad-text", phrase, Span(source, error.start, error.start + 1))


_QUOTE_IT: Final = "put quotes around a text or a condition with such characters"
_BACKSLASHES: Final = "write two backslashes for one, or use single quotes"
_PROBLEMS: Final = {  # libyaml's words, ours and what can be done; where it says a line or two later what began before
    "mapping values are not allowed": (
        "a `: ` stands where no key can be", "put quotes around a text or a condition that holds `: `"
    ),
    "did not find expected ',' or ']'": ("a `[` is not closed, or a `,` is missing", _QUOTE_IT),
    "did not find expected ',' or '}'": ("a `{` is not closed, or a `,` is missing", _QUOTE_IT),
    "found unexpected end of stream": ("a quote is not closed", None),
    "could not find expected ':'": ("a key without its `:`, or a text that begins too far left", None),
    "did not find expected key": ("nothing can stand here", "look at the indentation and at quotes within quotes"),
    "did not find expected '-'": ("a `-` is expected here", "look at the indentation"),
    "found unknown escape": ("an escape in this text names no character", _BACKSLASHES),
    "found invalid Unicode character escape": ("an escape in this text names no character", _BACKSLASHES),
    "block sequence entries are not allowed": ("a list cannot begin on this line", "begin it on a line of its own"),
    "control characters are not allowed": ("a control character", None),
}  # fmt: skip
_BEGAN_BEFORE: Final = ("found unexpected end of stream", "could not find expected ':'")


def _syntax(source: Source, error: yaml.YAMLError) -> Diagnostic:
    problem = str(getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be read")
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    begun = getattr(error, "context_mark", None)
    if begun is not None and mark is not None:
        earlier = "','" in problem and begun.line < mark.line
        mark = begun if earlier or problem.startswith(_BEGAN_BEFORE) else mark
    offset = min(mark.index, len(source.text)) if mark is not None else getattr(error, "position", 0) or 0
    char = source.text[offset : offset + 1]
    ours, help = next((each for told, each in _PROBLEMS.items() if problem.startswith(told)), (problem, None))
    if problem.startswith("found character that cannot start any token"):
        ours, help = f"no text begins with `{char}` unless it is quoted", _QUOTE_IT
        if char == "\t":
            ours, help = "a tab indents this line", "indent with spaces"
    return Diagnostic("yaml", f"this is not YAML: {ours}", Span(source, offset, offset + 1), help)


@dataclass(slots=True)
class _Open:
    """A mapping or sequence whose end has not come yet."""

    path: Path
    start: int
    items: dict[str, Data] | list[Data]
    key: str | None = None
    skips: bool = False
    """The key at hand is a repeat: its value is read for its mistakes and dropped."""


@dataclass(slots=True)
class _Builder:
    source: Source
    diagnostics: list[Diagnostic] = field(default_factory=list)
    values: dict[Path, Span] = field(default_factory=dict)
    keys: dict[Path, Span] = field(default_factory=dict)
    verbatim: set[Path] = field(default_factory=set)
    root: Data = None
    stack: list[_Open] = field(default_factory=list)
    documents: int = 0

    def take(self, event: Event) -> None:
        start, end = self._offsets(event)
        if getattr(event, "tag", None) is not None:
            span = Span(self.source, start, max(end, start + 1))
            _refuse("yaml-tag", "tags are not part of the language", span, "put quotes around what begins with `!`")
        match event:
            case yaml.DocumentStartEvent():
                self.documents += 1
                if self.documents > 1:
                    _refuse("yaml", "a second document begins here", Span(self.source, start, end), "keep one per file")
            case yaml.AliasEvent():
                _refuse(
                    "yaml-alias", "aliases are not part of the language", Span(self.source, start, end), "repeat it"
                )
            case yaml.ScalarEvent():
                self._check_scalar(event, start, end)
                self._scalar(event, start, end)
            case yaml.MappingStartEvent():
                self._open(start, {})
            case yaml.SequenceStartEvent():
                self._open(start, [])
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                done = self.stack.pop()
                self.values[done.path] = Span(self.source, done.start, max(start, done.start + 1))
            case _:
                pass

    def document(self) -> Document:
        self.values.setdefault((), Span(self.source, 0, 0))
        return Document(self.source, self.root, self.values, self.keys, frozenset(self.verbatim))

    def _offsets(self, event: Event) -> tuple[int, int]:
        start, end = event.start_mark, event.end_mark
        return (start.index if start else 0), (end.index if end else 0)

    def _check_number(self, start: int, end: int) -> None:
        if len(self.values) + len(self.keys) > MAX_VALUES:
            _refuse("too-large", f"the file has more than {MAX_VALUES} keys and values", Span(self.source, start, end))

    def _check_scalar(self, event: yaml.ScalarEvent, start: int, end: int) -> None:
        self._check_number(start, end)
        found = CONTROL.search(event.value)
        if found is not None:
            phrase = f"a text holds no control character, this one holds U+{ord(found[0]):04X}"
            _refuse("bad-text", phrase, Span(self.source, start, end))

    def _scalar(self, event: yaml.ScalarEvent, start: int, end: int) -> None:
        top = self.stack[-1] if self.stack else None
        if top is not None and isinstance(top.items, dict) and top.key is None:
            self._key(top, event.value, start, end)
            return
        plain = event.style is None or event.style == ""
        value = None if plain and event.value in ("", "~", "null") else Scalar(event.value)
        path = self._place(value)
        begin, finish = (start, end) if plain else (start + 1, end - 1)
        if self.source.text[begin:finish] == event.value:
            self.values[path] = Span(self.source, begin, finish)
            self.verbatim.add(path)
        else:
            self.values[path] = Span(self.source, start, end)

    def _key(self, top: _Open, key: str, start: int, end: int) -> None:
        span = Span(self.source, start, end)
        top.key = key
        top.skips = key in top.items
        if top.skips:
            first = self.keys[(*top.path, key)]
            message = f"`{key}` is given twice"
            self.diagnostics.append(Diagnostic("repeated-key", message, span, f"the first is in line {first.line}"))
            if len(self.diagnostics) >= MOST_MISTAKES:
                raise Unreadable(self.diagnostics)
        else:
            self.keys[(*top.path, key)] = span

    def _open(self, start: int, items: dict[str, Data] | list[Data]) -> None:
        self._check_number(start, start + 1)
        if self.stack and isinstance(self.stack[-1].items, dict) and self.stack[-1].key is None:
            _refuse("yaml", "a key must be a plain text", Span(self.source, start, start + 1))
        if len(self.stack) >= MAX_DEPTH:
            _refuse("yaml-depth", f"nested deeper than {MAX_DEPTH} levels", Span(self.source, start, start + 1))
        path = self._place(items)
        self.stack.append(_Open(path, start, items))

    def _place(self, value: Data) -> Path:
        """Put a value where the reading stands, and say at what path."""
        if not self.stack:
            self.root = value
            return ()
        top = self.stack[-1]
        if isinstance(top.items, list):
            top.items.append(value)
            return (*top.path, len(top.items) - 1)
        key, top.key = top.key, None
        assert key is not None
        if top.skips:
            return (*top.path, key, -1)  # a path nobody asks for
        top.items[key] = value
        return (*top.path, key)


def paths(data: Data, path: Path = ()) -> Iterator[tuple[Path, Data]]:
    """Every value below, with its path."""
    yield path, data
    if isinstance(data, dict):
        for key, value in data.items():
            yield from paths(value, (*path, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from paths(value, (*path, index))
