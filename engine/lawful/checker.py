"""What a hot loop holds: requests in, verdicts and ids of rules out, and nothing more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from lawful.deciding.ruling import Ruler
from lawful.decision import Ruling
from lawful.ir import Program
from lawful.question import Question
from lawful.reading import Reader
from lawful.row import Row

Asked: TypeAlias = Question | Mapping[str, Any] | str | bytes | bytearray


class Checker:
    """Rules on requests by one policy, with the engine `direct`. Safe to share between threads.

    It takes what `Policy.read` gives, a dict of a request's shape, or its JSON. Raises RequestError as `check` does.
    """

    __slots__ = ("_allowing", "_json", "_program", "_python", "_reader", "_ruler", "_ruling")

    def __init__(self, program: Program, reader: Reader, ruler: Ruler) -> None:
        self._program = program
        self._reader = reader
        self._ruler = ruler
        self._ruling, self._allowing = ruler.functions
        self._python, self._json = reader.validator.python, reader.validator.json

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
