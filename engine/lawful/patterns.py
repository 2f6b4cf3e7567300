"""The regular expressions that `matches` takes: those that every engine reads the same way.

RE2 (CEL, DuckDB), Python's `re`, PostgreSQL and Z3 agree on literals, `.`, classes of ASCII characters, groups, `|`,
`^`, `$` and greedy repetition; whatever may differ is refused. A pattern is searched for, it need not match the whole
text. `$` is the very end of the text, as in RE2.
"""

from __future__ import annotations

import re
from functools import lru_cache
from random import Random
from typing import Any, Final

MOST_REPETITIONS: Final = 1000
"""RE2 refuses more, and multiplies those of nested groups."""

DEEPEST_NESTING: Final = 50
MOST_STATES: Final = 10_000
"""Repetitions written out: RE2 has a limit on the memory of a compiled pattern."""

_ESCAPED: Final = frozenset(r"""!"#$%&'()*+,-./:;<=>?@[\]^`{|}~""")  # not `_`: RE2 differs
_REPETITION: Final = re.compile(r"\{([0-9]{1,4})(?:(,)([0-9]{1,4})?)?\}")


class _Unreadable(Exception):
    """What is wrong with a pattern, as a phrase."""


def problem(pattern: str) -> str | None:
    """What keeps a pattern out of the profile, as a phrase; None where nothing does.

    >>> problem("^wx[0-9a-f]{16}$")
    >>> problem("a*?")
    '`*?`: a repetition of a repetition is outside the profile'
    """
    try:
        _Reader(pattern).read()
    except _Unreadable as why:
        return str(why)
    return None


def matches(text: str, pattern: str) -> bool:
    """Whether the pattern of the profile is found in the text.

    RE2 searches, by way of CEL's library: its time grows with the text, where Python's `re` can be made to hang.
    """
    if "\0" in text:
        return _matches_with_nul(text, pattern)
    return bool(_search(pattern, "string").eval(data={"text": text}).value())


def _matches_with_nul(text: str, pattern: str) -> bool:
    """The library cuts a Python text at its first NUL, not one in a message."""
    from google.protobuf.wrappers_pb2 import StringValue  # only for such a text

    found = _search(pattern, "google.protobuf.StringValue").eval(data={"text": StringValue(value=text)})
    return bool(found.value())


@lru_cache(maxsize=1024)
def _search(pattern: str, given: str) -> Any:
    from cel_expr_python import cel  # 30 ms: only where a policy has a pattern

    escaped = "".join(f"\\U{ord(char):08X}" for char in pattern)
    return cel.NewEnv(variables={"text": cel.Type(given)}).compile(f"text.matches('{escaped}')")


class _Reader:
    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0
        # Of each open group: the states so far, and whether a repetition may follow. The product of repetitions
        # and the states are judged where a repetition closes.
        self.open: list[tuple[int, int]] = []
        self.states = 0
        self.repeated = 1  # the greatest product of bounds within what stands so far
        self.last: tuple[int, int] | None = None  # states and product of the atom just read

    def read(self) -> None:
        if "\x00" in self.pattern:
            raise _Unreadable("a pattern holds no NUL")
        while self.at < len(self.pattern):
            self._part(self.pattern[self.at])
        if self.open:
            raise _Unreadable("a `(` is not closed")

    def _part(self, char: str) -> None:
        match char:
            case "(":
                self._open()
            case ")":
                self._close()
            case "|" | "^" | "$":
                self.at += 1
                self.last = None
            case "*" | "+" | "?" | "{":
                self._repetition()
            case "[":
                self._class()
                self._atom()
            case "\\":
                self._escape()
                self._atom()
            case "]" | "}":
                raise _Unreadable(f"`{char}` alone: write `\\{char}`")
            case _:
                self.at += 1
                self._atom()

    def _atom(self, states: int = 1, repeated: int = 1) -> None:
        self.last = (states, repeated)
        self.states += states
        self.repeated = max(self.repeated, repeated)
        if self.states > MOST_STATES:
            raise _Unreadable("the pattern is too long when its repetitions are written out")

    def _open(self) -> None:
        if self.pattern.startswith("(?", self.at):
            shown = self.pattern[self.at : self.at + 3]
            raise _Unreadable(f"`{shown}`: flags, names and lookaround are outside the profile")
        if len(self.open) >= DEEPEST_NESTING:
            raise _Unreadable(f"groups are nested deeper than {DEEPEST_NESTING}")
        self.open.append((self.states, self.repeated))
        self.states, self.repeated, self.last = 0, 1, None
        self.at += 1

    def _close(self) -> None:
        if not self.open:
            raise _Unreadable("a `)` closes nothing")
        states, repeated = self.states, self.repeated
        self.states, self.repeated = self.open.pop()
        self.at += 1
        self._atom(states + 1, repeated)

    def _repetition(self) -> None:
        written, times = self._times()
        if self.last is None:
            raise _Unreadable(f"`{written}` has nothing to repeat")
        self.at += len(written)
        following = self.pattern[self.at : self.at + 1]
        if following and following in "*+?{":
            shown = written + following
            raise _Unreadable(f"`{shown}`: a repetition of a repetition is outside the profile")
        states, repeated = self.last
        if repeated * times > MOST_REPETITIONS:
            raise _Unreadable(f"`{written}` repeats more than {MOST_REPETITIONS} times")
        self.states -= states
        self._atom(states * max(times, 1), repeated * max(times, 1))
        self.last = None

    def _times(self) -> tuple[str, int]:
        """The repetition as written, and how often it repeats what stands before it at least, or at most."""
        char = self.pattern[self.at]
        if char != "{":
            return char, 1
        found = _REPETITION.match(self.pattern, self.at)
        if found is None:
            raise _Unreadable("`{` begins no `{m,n}`: write `\\{`")
        least, most = int(found[1]), int(found[3] or found[1])
        if most < least:
            raise _Unreadable(f"`{found[0]}` ends before it begins")
        return found[0], most

    def _escape(self) -> str:
        char = self.pattern[self.at + 1 : self.at + 2]
        if char not in _ESCAPED:
            raise _Unreadable(f"`\\{char}`: only punctuation is escaped")
        self.at += 2
        return char

    def _class(self) -> None:
        self.at += 2 if self.pattern.startswith("[^", self.at) else 1
        first = self.at
        while not self.pattern.startswith("]", self.at):
            low = self._member(first)
            dash = self.pattern[self.at : self.at + 2]
            if dash[:1] != "-" or dash == "-]":
                continue
            self.at += 1
            high = self._member(first)
            if high < low:
                raise _Unreadable(f"`{low}-{high}` ends before it begins")
        if self.at == first:
            raise _Unreadable("a class `[…]` is empty, or begins with `]`: write `\\]`")
        self.at += 1

    def _member(self, first: int) -> str:
        char = self.pattern[self.at : self.at + 1]
        if not char:
            raise _Unreadable("a `[` is not closed")
        if char == "\\":
            return self._escape()
        if char == "[" or not char.isascii():
            raise _Unreadable(f"`{char}` in a class: classes are of ASCII characters, `[` as `\\[`")
        if char == "-" and self.at != first and not self.pattern.startswith("-]", self.at):
            raise _Unreadable("`-` within a class: write `\\-`, or put it first or last")
        if char in "&|~-" and self.pattern.startswith(char * 2, self.at):
            raise _Unreadable(f"`{char}{char}` in a class: write `\\{char}`")
        self.at += 1
        return char


def text_for(pattern: str, random: Random) -> str:
    """A text that the pattern may find."""
    return _Writer(pattern, random).text()


class _Writer:
    """Writes a text that a pattern may find. The reference tells whether it does."""

    def __init__(self, pattern: str, random: Random) -> None:
        self._pattern = pattern
        self._random = random
        self._place = 0

    def text(self) -> str:
        return self._alternatives()

    def _peek(self) -> str:
        return self._pattern[self._place : self._place + 1]

    def _next(self) -> str:
        self._place += 1
        return self._pattern[self._place - 1]

    def _alternatives(self) -> str:
        written = [self._sequence()]
        while self._peek() == "|":
            self._next()
            written.append(self._sequence())
        return self._random.choice(written)

    def _sequence(self) -> str:
        text = ""
        while self._peek() not in ("", "|", ")"):
            start = self._place
            piece = self._atom()
            end, times = self._repeated()
            for _ in range(times):
                text += piece
                self._place = start
                piece = self._atom()
            self._place = end
        return text

    def _repeated(self) -> tuple[int, int]:
        """Where the repetition ends, and how often to repeat."""
        least, most = 1, 1
        match self._peek():
            case "*" | "+" | "?" as sign:
                least, most = {"*": (0, 4), "+": (1, 4), "?": (0, 1)}[sign]
                self._next()
            case "{":
                end = self._pattern.index("}", self._place)
                low, comma, high = self._pattern[self._place + 1 : end].partition(",")
                least = int(low)
                most = int(high) if high else least + 3 if comma else least
                self._place = end + 1
            case _:
                pass
        return self._place, self._random.randint(least, most)

    def _atom(self) -> str:
        match self._next():
            case "(":
                text = self._alternatives()
                self._next()
                return text
            case "[":
                return self._of_class()
            case "\\":
                return self._next()
            case ".":
                return self._random.choice("abcxyz019")
            case "^" | "$":
                return ""
            case char:
                return char

    def _of_class(self) -> str:
        is_negated = self._peek() == "^"
        if is_negated:
            self._next()
        members: set[str] = set()
        while self._peek() != "]":
            first = self._member()
            if self._peek() == "-" and self._pattern[self._place + 1 : self._place + 2] != "]":
                self._next()
                members.update(chr(code) for code in range(ord(first), ord(self._member()) + 1))
            else:
                members.add(first)
        self._next()
        if is_negated:
            members = {chr(code) for code in range(32, 127)} - members
        return self._random.choice(sorted(members) or [""])

    def _member(self) -> str:
        char = self._next()
        return self._next() if char == "\\" else char
