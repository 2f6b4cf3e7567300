"""What a policy is expected to answer: `cases.yaml` as written, and one case run against a policy.

The same file serves `lawful test` and pytest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC
from os import PathLike
from pathlib import Path as FilePath
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from lawful import values
from lawful.decision import Decision, JsonValue
from lawful.diagnostics import Diagnostic, PolicyError, Problem, RequestError, in_file_order, near
from lawful.document import Document, Path, Unreadable, decode, read
from lawful.policy import Engine, Policy
from lawful.question import KEYS, Question
from lawful.source import Source, Span
from lawful.written import OneOrMany, Truth, Written, validated

# ------------------------------------------------------------------------------------------------------ as written


Facts = dict[str, Any] | None
"""Of any shape: the policy's schema reads them, not this file's."""


class Expected(Written):
    """What the decision must be; what is not mentioned may be anything.

    `rules: []` is that none is violated, a warning included; `after` holds fields of the account once it is changed.
    """

    verdict: Literal["allow", "deny", "undetermined"]
    rules: Annotated[list[str], OneOrMany] | None = None
    missing: Annotated[list[str], OneOrMany] | None = None
    obligations: Annotated[list[str], OneOrMany] | None = None
    irreversible: Truth | None = None
    lost: Annotated[list[str], OneOrMany] | None = None
    after: Facts = None
    next_allowed_at: str | None = None


class CaseWritten(Written):
    """A request, with a name that says what is expected of it."""

    name: str
    note: str | None = None
    account: Facts = None
    change: Facts = None
    changes: list[dict[str, Any]] | None = None
    request: Facts = None
    history: list[dict[str, Any]] | None = None
    history_from: str | None = None
    at: str | None = None
    expect: Expected


class CasesWritten(Written):
    """The cases of one policy; `at` is for those that have none of their own."""

    policy: str | None = None
    at: str | None = None
    cases: list[CaseWritten]


# --------------------------------------------------------------------------------------------------------- as meant


@dataclass(frozen=True, slots=True)
class Case:
    """One case, and where it stands."""

    name: str
    request: Mapping[str, Any]
    expect: Expected
    document: Document
    path: Path
    note: str | None = None

    @property
    def span(self) -> Span:
        return self.document.span((*self.path, "name"))

    @property
    def place(self) -> str:
        return f"{self.span.source.name}:{self.span.line}"


@dataclass(frozen=True, slots=True)
class Cases:
    """A file of cases, and what is wrong with it; without errors in it every case can be run."""

    policy: str | None
    cases: tuple[Case, ...]
    diagnostics: tuple[Diagnostic, ...]

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        return tuple(each for each in self.diagnostics if each.severity == "error")


def read_cases(source: Source) -> Cases:
    """The cases of a text, with everything that is wrong with it."""
    try:
        document, found = read(source)
    except Unreadable as error:
        return Cases(None, (), tuple(error.diagnostics))
    written = validated(CasesWritten, document)
    if isinstance(written, list):
        return Cases(None, (), tuple(in_file_order([*found, *written])))
    cases = tuple(_case(written, each, document, index) for index, each in enumerate(written.cases))
    return Cases(written.policy, cases, tuple(in_file_order([*found, *_doubtful(written, cases)])))


def load_cases(policy: Policy, path: str | PathLike[str] | None = None) -> tuple[Case, ...]:
    """The cases of a file; without one the policy's own, those of the `cases.yaml` beside it.

    Raises PolicyError with every mistake in it, OSError where there is no such file.
    """
    file = FilePath(path) if path is not None else (policy.folder or FilePath()) / "cases.yaml"
    try:
        cases = read_cases(decode(str(file), file.read_bytes()))
    except Unreadable as error:
        raise PolicyError(error.diagnostics) from None
    wrong = [each for each in (*cases.errors, *unfit(cases, policy)) if each.severity == "error"]
    if wrong:
        raise PolicyError(wrong)
    return cases.cases


def _case(written: CasesWritten, case: CaseWritten, document: Document, index: int) -> Case:
    request = {key: getattr(case, key) for key in KEYS if key in case.model_fields_set}
    if case.at is None and written.at is not None:
        request["at"] = written.at
    return Case(case.name, request, case.expect, document, ("cases", index), case.note)


def _doubtful(written: CasesWritten, cases: Iterable[Case]) -> Iterable[Diagnostic]:
    """What is no mistake, yet seldom meant."""
    first: dict[str, Case] = {}
    for case in cases:
        if "at" not in case.request:
            message = f"the case `{case.name}` has no `at`: it asks about another day whenever it is run"
            yield Diagnostic("case-without-at", message, case.span, "give it one, or the file", "warning")
        if case.name in first:
            message = f"two cases are called `{case.name}`"
            help = f"the first is in line {first[case.name].span.line}"
            yield Diagnostic("repeated-case", message, case.span, help, "warning")
        first.setdefault(case.name, case)


def unfit(cases: Cases, policy: Policy) -> list[Diagnostic]:
    """What of the cases does not fit the policy: another policy's name, expected rules that it does not have."""
    found = []
    if cases.policy is not None and cases.policy != policy.program.id and cases.cases:
        span = cases.cases[0].document.span(("policy",))
        message = f"these are cases of `{cases.policy}`, the policy is `{policy.program.id}`"
        found.append(Diagnostic("other-policy", message, span))
    known = {rule.id for rule in policy.program.rules}
    for case in cases.cases:
        for index, rule in enumerate(case.expect.rules or ()):
            if rule not in known:
                span = case.document.span((*case.path, "expect", "rules", index))
                message = f"the policy has no rule `{rule}`"
                found.append(Diagnostic("unknown-rule", message, span, near(rule, known), "warning"))
    return in_file_order(found)


# ---------------------------------------------------------------------------------------------------------- running


@dataclass(frozen=True, slots=True)
class Difference:
    """What was expected, what was found, and where the expectation (or the request's mistake) stands."""

    what: str
    expected: str
    found: str
    span: Span


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a case. There is no decision where the request itself is wrong."""

    case: Case
    decision: Decision | None
    differences: tuple[Difference, ...]

    @property
    def passed(self) -> bool:
        return not self.differences


def run(case: Case, policy: Policy, engine: Engine | None = None) -> Outcome:
    """The case against the policy. Raises EngineDisagreement."""
    try:
        question = policy.read(case.request)
        decision = policy.check(question, engine=engine)
    except RequestError as error:
        return Outcome(case, None, tuple(_unreadable(case, each) for each in error.problems))
    return Outcome(case, decision, tuple(differences(case, question, decision)))


def _unreadable(case: Case, problem: Problem) -> Difference:
    """A mistake in the case's request, at the value that is wrong."""
    parts = [int(part) if part.isdigit() else part for part in problem.field.split(".")]
    span = case.document.span((*case.path, *parts)) if problem.field else case.span
    if span == case.document.span(case.path):
        span = case.span  # the whole case: its name says where
    return Difference("request", case.expect.verdict, f"an error: {problem}", span)


def differences(case: Case, question: Question, decision: Decision, *, missing: bool = True) -> Iterable[Difference]:
    """What of a decision on the case's request, as it was read, is not as expected.

    `missing`: or not to look for the facts that are, which takes longest.
    """
    expect = case.expect

    def differs(key: str, expected: object, found: object) -> Difference:
        return Difference(key, _listed(expected), _listed(found), case.document.span((*case.path, "expect", key)))

    if decision.verdict != expect.verdict:
        yield differs("verdict", expect.verdict, _told(decision))
    if expect.rules is not None:
        violated = [each.rule for each in decision.reasons if each.status == "violated"]
        if not set(expect.rules) <= set(violated) or (not expect.rules and violated):
            yield differs("rules", expect.rules, violated)
    if missing:
        yield from _lacking(decision, expect.missing, differs)
    if expect.obligations is not None:
        yield from _owed(decision, expect.obligations, differs)
    if expect.irreversible is not None:
        irreversible = decision.consequences.irreversible is not None
        if irreversible != expect.irreversible:
            yield differs("irreversible", expect.irreversible, irreversible)
    if expect.lost is not None and set(expect.lost) != set(decision.consequences.lost):
        yield differs("lost", expect.lost, list(decision.consequences.lost))
    for name, given in (expect.after or {}).items():
        yield from _left(case, question, decision, name, given)
    if "next_allowed_at" in expect.model_fields_set:
        yield from _when(question, decision, expect.next_allowed_at, differs)


def _lacking(decision: Decision, expected: list[str] | None, differs: Any) -> Iterable[Difference]:
    """One of the sets of facts that would settle it is the expected one."""
    if expected is not None and set(expected) not in (set(each) for each in decision.missing or [()]):
        yield differs("missing", " and ".join(expected), [" and ".join(each) for each in decision.missing])


def _owed(decision: Decision, expected: list[str], differs: Any) -> Iterable[Difference]:
    """Each expected text is owed, in whichever language; an empty list expects that nothing is."""
    owed = [each.text for each in decision.obligations]
    in_any = {text for each in owed for text in (each.en, each.zh) if text is not None}
    if not set(expected) <= in_any or (not expected and owed):
        yield differs("obligations", expected, [each.best("en") for each in owed])


def _left(case: Case, question: Question, decision: Decision, name: str, given: object) -> Iterable[Difference]:
    """A field of the account as the change leaves it; as it was where the change is refused."""
    program, zone = question.program, ZoneInfo(question.program.timezone)
    span = case.document.span((*case.path, "expect", "after", name))
    declaration = program.account.get(name)
    if declaration is None or declaration.private:
        found = "no such field" if declaration is None else "private: no decision tells it"
        yield Difference(f"after.{name}", str(given), found, span)
        return
    try:
        wanted = values.to_json(values.read(declaration, given, zone), zone)
    except values.BadValue as error:
        yield Difference(f"after.{name}", str(given), error.message, span)
        return
    left = after(question, decision)[name]
    if left != wanted:
        yield Difference(f"after.{name}", _as_json(wanted), _as_json(left), span)


def _as_json(value: JsonValue) -> str:
    return "null" if value is None else _listed(value)


def after(question: Question, decision: Decision) -> dict[str, JsonValue]:
    """The fields of the account once the change is made, as JSON has them; null is unknown, private ones are masked."""
    zone = ZoneInfo(question.program.timezone)
    known = question.account.known()
    left: dict[str, JsonValue] = {name: values.to_json(known.get(name), zone) for name in question.program.account}
    left.update({each.field: each.to for each in decision.consequences.changed})
    return left


def _when(question: Question, decision: Decision, expected: str | None, differs: Any) -> Iterable[Difference]:
    found = decision.next_allowed_at
    shown = None if found is None else found.isoformat()
    try:
        wanted = None if expected is None else values.instant(expected, ZoneInfo(question.program.timezone))
    except values.BadValue as error:
        yield differs("next_allowed_at", f"an instant ({error.message})", shown)
        return
    # In UTC: Python calls instants of two zones different where the local time of one is doubled.
    if wanted != (None if found is None else found.astimezone(UTC)):
        yield differs("next_allowed_at", expected, shown)


def _told(decision: Decision) -> str:
    """The verdict, and the rules that led to it."""
    rules = [each.rule for each in decision.reasons if each.severity == "error" and not each.standing]
    return f"{decision.verdict} ({', '.join(rules)})" if rules else decision.verdict


def _listed(value: object) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(str(each) for each in value) or "none"
        case _:
            return str(value) or "none"
