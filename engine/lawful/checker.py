"""What a hot loop holds: requests in, verdicts and ids of rules out, and nothing more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from lawful.deciding.ruling import Ruler
from lawful.decision import Ruling
from lawful.ir import Program
from lawful.question import Question
from lawful.reading import Reader

Asked: TypeAlias = Question | Mapping[str, Any] | str | bytes


class Checker:
    """Rules on requests by one policy, with the engine `direct`. Safe to share between threads.

    It takes what `Policy.read` gives, a dict of a request's shape, or its JSON. Raises RequestError as `check` does.
    """

    __slots__ = ("_allows", "_program", "_reader", "_ruling")

    def __init__(self, program: Program, reader: Reader, ruler: Ruler) -> None:
        self._program = program
        self._reader = reader
        self._ruling = ruler.ruling
        self._allows = ruler.allows

    def __call__(self, request: Asked, /) -> Ruling:
        """The verdict, the ids of the rules that refuse, and of those that leave it open."""
        if type(request) is Question and request.program is self._program:
            return self._ruling(request)
        if type(request) is bytes:
            return self._ruling(self._reader.question_in_json(request))
        return self._ruling(self._reader.any(request))

    def allows(self, request: Asked, /) -> bool:
        """Whether the change is surely allowed; looks no further than the first rule that does not hold."""
        if type(request) is Question and request.program is self._program:
            return self._allows(request)
        return self._allows(self._reader.any(request))
