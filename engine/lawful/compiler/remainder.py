"""What is left of a policy when what has the wrong shape is taken out: its other mistakes can be told with those."""

from __future__ import annotations

import re
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from lawful.diagnostics import Diagnostic, near
from lawful.document import Data, Document, Path, paths
from lawful.scalar import Scalar
from lawful.written import PolicyWritten

_NAMED: Final = ("sources", "conditions", "lifecycle", "features", "actions", "events", "constraints", "invariants")
_NEEDED: Final = ("when", "requires", "type", "at_most", "from", "to", "never", "always")
_ATTEMPTS: Final = 5


class Remainder:
    """The rest of a document, and the names that went with the mistakes."""

    def __init__(self, document: Document) -> None:
        self._data: Data = _copied(document.data)
        self._gone: set[str] = set()
        self.written = self._validated()

    def consequence(self, diagnostic: Diagnostic) -> bool:
        """Whether the mistake may be there only because something was taken out."""
        if diagnostic.code == "missing-key":
            return True
        if diagnostic.code == "unknown-feature" and "feature_tables" in self._gone:
            return True
        words = set(re.findall(r"[\w-]+", diagnostic.message))
        return diagnostic.code.startswith("unknown-") and not self._gone.isdisjoint(words)

    def _validated(self) -> PolicyWritten | None:
        for _ in range(_ATTEMPTS):
            try:
                return PolicyWritten.model_validate(self._data)
            except ValidationError as error:
                told = error.errors(include_url=False)
            if not isinstance(self._data, dict):
                return None
            for each in told:
                self._take_out(each, self._data)
        return None

    def _take_out(self, error: ErrorDetails, data: dict[str, Data]) -> None:
        path = error["loc"]
        if path in (("policy",), ("version",)):
            data[str(path[0])] = Scalar("0")
            return
        *above, last = _part(error)
        parent: Data = data
        for key in above:
            parent = parent.get(str(key)) if isinstance(parent, dict) else None
        if isinstance(parent, dict) and last in parent:
            removed = parent.pop(str(last))
            self._gone.add(str(last))
            if not above or above == ["lifecycle"]:
                self._gone.update(str(path[-1]) for path, _ in paths(removed) if path)


def _part(error: ErrorDetails) -> Path:
    """The path of what goes: an unknown key alone, else the whole of what it belongs to."""
    path = error["loc"]
    alone = error["type"] == "extra_forbidden" and all(isinstance(each, str) for each in path)
    if alone and not near(str(path[-1]), _NEEDED):
        return path
    match path:
        case ("account" | "request", "fields", _, *_):
            return path[:3]
        case ("lifecycle", _, "transitions", _, *_):
            return path[:4]
        case (str() as section, _, *_) if section in _NAMED:
            return path[:2]
        case _:
            return path[:1]


def _copied(data: Data) -> Data:
    if isinstance(data, dict):
        return {key: _copied(value) for key, value in data.items()}
    return [_copied(each) for each in data] if isinstance(data, list) else data
