"""What a hot loop holds: requests in, verdicts and ids of rules out, and nothing more."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from msgspec import convert

from lawful.deciding.ruling import Function, Ruler
from lawful.decision import Ruling
from lawful.ir import Program
from lawful.question import Question
from lawful.reading import Reader
from lawful.row import Row
from lawful.trusting import LEFT

Asked: TypeAlias = Question | Mapping[str, Any] | str | bytes | bytearray


class Checker:
    """Rules on requests by one policy, with the engine `direct`. Safe to share between threads.

    It takes what `Policy.read` gives, a dict of a request's shape, or its JSON. Raises RequestError as `check` does.
    """

    __slots__ = ("_allowing", "_json", "_program", "_python", "_reader", "_ruler", "_ruling", "unvalidated")

    unvalidated: Callable[[Asked], Ruling]
    """The same of a request that is **trusted**: a dict or bytes are taken at their word, and read sooner.

    A wrong one may be ruled on: passed over are bounds of numbers and a key of JSON that stands twice. What the policy
    does not declare is refused, and a value of another type.
    """

    def __init__(self, program: Program, reader: Reader, ruler: Ruler) -> None:
        self._program = program
        self._reader = reader
        self._ruler = ruler
        self._ruling, self._allowing = ruler.functions
        self._python, self._json = reader.validator.python, reader.validator.json

    def __getattr__(self, name: str) -> Any:
        """What reads trusted rows is made when it is first asked for: most who hold a checker have none."""
        if name != "unvalidated":
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        self.unvalidated = _unvalidated(self, self._reader, self._ruler)
        return self.unvalidated

    def __reduce__(self) -> tuple[type[Checker], tuple[Program, Reader, Ruler]]:
        return type(self), (self._program, self._reader, self._ruler)

    # Each of the two is written out: a call would take as long as half of what is done here.

    def __call__(self, request: Asked, /) -> Ruling:
        """The verdict, the ids of the rules that refuse, and of those that leave it open."""
        question: Question | Row
        if type(request) is Question and request.program is self._program:
            question = request
        elif type(request) is bytes:
            question = self._json(request) or self._reader.unusual(request)
        elif type(request) is dict:
            question = self._python(request) or self._reader.unusual(request)
        else:
            question = self._reader.any(request)
        function = self._ruling.get(question.key)
        return function(question) if function is not None else self._ruler.ruling(question)

    def allows(self, request: Asked, /) -> bool:
        """Whether the change is surely allowed; looks no further than the first rule that does not hold."""
        question: Question | Row
        if type(request) is Question and request.program is self._program:
            question = request
        elif type(request) is bytes:
            question = self._json(request) or self._reader.unusual(request)
        elif type(request) is dict:
            question = self._python(request) or self._reader.unusual(request)
        else:
            question = self._reader.any(request)
        function = self._allowing.get(question.key)
        return function(question) if function is not None else self._ruler.allows(question)


def _unvalidated(validated: Checker, reader: Reader, ruler: Ruler) -> Callable[[Asked], Ruling]:
    """A function with all it needs beside it: looking that up in an object takes longer than some rules."""
    trusting = reader.trusting
    row_type, decoded, settle, is_plain = trusting.row, trusting.decoded, trusting.settle, trusting.is_plain
    by_key, _ = ruler.functions
    doing: dict[str, Function] = {}
    """By the action, where nothing else is to be worked out; others are seldom asked in a hot loop."""
    of_action = doing.get

    def unvalidated(request: Asked, /) -> Ruling:
        try:
            if type(request) is bytes:
                row = decoded(request)
            elif type(request) is dict:
                row = convert(request, row_type)
            else:
                return validated(request)
            change = row.changes
            function = of_action(change.do)
            if (
                function is not None
                and row.recorded is None
                and change.set is None
                and change.register is None
                and change.enable is None
                and change.disable is None
            ):
                return function(row)
            settle(row)
            function = by_key.get(row.key)
            if function is None:
                return ruler.ruling(row)
            if is_plain and change.do is not None:
                doing[change.do] = function
            return function(row)
        except LEFT:
            return validated(request)

    return unvalidated
