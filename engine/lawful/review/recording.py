"""Cases added to a file of cases: at the end of its list, with everything that is there left as it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lawful.audit.errors import AuditError
from lawful.audit.writing import beside, must_be_writable
from lawful.cases import Cases, read_cases, run
from lawful.document import Document
from lawful.mutation.pasting import CaseData, distinct, yaml_of
from lawful.policy import Policy
from lawful.source import Source

_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class CaseFile:
    """The file of a policy's cases, there or not yet. Raises AuditError where it cannot be written."""

    path: Path
    policy: Policy

    def check(self) -> None:
        """Raise AuditError where nothing could be added, before anybody is asked anything."""
        must_be_writable(self.path)
        _with(self._text(), [])

    def add(self, cases: Sequence[CaseData]) -> None:
        """Write the cases to the end of the list, once it is known that the file can be read and that they pass."""
        raw = self.path.read_bytes() if self.path.exists() else b""
        taken = {each.name for each in read_cases(Source(self.path.name, self._text())).cases} if raw else set()
        cases = named(cases, taken)
        text = _with(self._text(), cases) if raw else _new(self.policy, cases)
        self._must_pass(text, len(cases))
        if b"\r\n" in raw:
            text = text.replace("\n", "\r\n")
        with beside(self.path) as part:
            part.write_bytes((_BOM if raw.startswith(_BOM) else b"") + text.encode())

    def _text(self) -> str:
        if not self.path.exists():
            return ""
        return self.path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")

    def _must_pass(self, text: str, many: int) -> None:
        found = read_cases(Source(self.path.name, text))
        wrong = [each.message for each in found.errors]
        added = found.cases[len(found.cases) - many :]
        wrong += [f"the case `{each.name}` would not pass" for each in added if not run(each, self.policy).passed]
        if wrong:
            raise AuditError(f"`{self.path}` is left as it was: {wrong[0]}")


def named(cases: Iterable[CaseData], taken: Iterable[str] = ()) -> list[CaseData]:
    """The cases, each with a name of its own."""
    names = set(taken)
    found = []
    for each in cases:
        found.append({**each, "name": distinct(each["name"], names)})
        names.add(found[-1]["name"])
    return found


def _new(policy: Policy, cases: Sequence[CaseData]) -> str:
    return f"policy: {policy.program.id}\ncases:\n" + "".join(map(yaml_of, cases))


def _with(text: str, cases: Sequence[CaseData]) -> str:
    """The text with the cases at the end of its list. Raises AuditError where the list is written in brackets."""
    if not text:
        return text
    found = read_cases(Source("cases.yaml", text))
    if not found.cases or found.errors:
        return _with_first(text, cases)
    document = found.cases[0].document
    first = document.span(("cases", 0)).start
    line = text.rfind("\n", 0, first) + 1
    indent = text[line:first]
    if indent.strip() != "-":
        raise AuditError("the cases are a list in brackets", help="write it with a line `- name: …` for each")
    end = text.find("\n", _end(document, found))
    head, tail = (text, "") if end < 0 else (text[: end + 1], text[end + 1 :])
    head = head if head.endswith("\n") else head + "\n"
    return head + "".join(yaml_of(each, indent[: indent.index("-")]) for each in cases) + tail


def _end(document: Document, found: Cases) -> int:
    """Where the last case ends: after the last of its values."""
    last = ("cases", len(found.cases) - 1)
    return max(span.end for path, span in document.values.items() if path[:2] == last and len(path) > 2)


def _with_first(text: str, cases: Sequence[CaseData]) -> str:
    """Into an empty list."""
    head, found, tail = text.partition("cases: []")
    if not found:
        raise AuditError("the file has no list of cases that one could be added to", help="end it with `cases: []`")
    if not cases:
        return text
    return head + "cases:\n" + "".join(map(yaml_of, cases)).rstrip("\n") + tail
