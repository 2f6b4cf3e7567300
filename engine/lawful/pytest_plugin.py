"""A policy's cases as tests of pytest: a plug-in, which pytest loads by itself where lawful is installed.

Only what pytest asks of every plug-in at its start is here at once. The rest of lawful is imported when a cases file
is found, so that a run without one pays for nothing.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args

import pytest

from lawful.diagnostics import Diagnostic, LawfulError, PolicyError, legible, near

if TYPE_CHECKING:
    from lawful.cases import Case, Cases, Outcome
    from lawful.decision import Reason
    from lawful.policy import Engine, Policy

_KEY: Final = re.compile(r"""^(?:\{\s*)?(["']?)(\w{1,80})\1\s*:""", re.MULTILINE)
_MOST_BYTES: Final = 4 * 1024 * 1024


def pytest_addoption(parser: pytest.Parser) -> None:
    told = "which engine judges the cases of a policy; repeatable, then each case is run on each"
    group = parser.getgroup("lawful")
    group.addoption("--lawful-engine", action="append", metavar="ENGINE", help=told)
    parser.addini("lawful_engine", told, type="args", default=[])


def pytest_configure(config: pytest.Config) -> None:
    asked = _engines(config)
    if not asked:
        return
    from lawful.policy import Engine

    known = get_args(Engine)
    for name in asked:
        if name not in known:
            listed = ", ".join(f"`{each}`" for each in known)
            raise pytest.UsageError(f"lawful has no engine `{legible(name)}`: the engines are {listed}")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> CasesFile | None:
    """A file called `cases.yaml` or `….cases.yaml` with a key `policy`; any other is somebody else's.

    One with `cases` and a key that is nearly `policy` is ours too: that it is misspelt is told, not passed over.
    """
    if file_path.name != "cases.yaml" and not file_path.name.endswith(".cases.yaml"):
        return None
    return CasesFile.from_parent(parent, path=file_path) if _names_a_policy(file_path) else None


def _names_a_policy(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            text = file.read(_MOST_BYTES).decode("utf-8-sig", "replace")
    except OSError:
        return False
    keys = {name for _, name in _KEY.findall(text)}
    return "policy" in keys or ("cases" in keys and any(near(each, ("policy",)) for each in keys))


def _engines(config: pytest.Config) -> list[Any]:
    """Those asked for, on the command line or else in the settings."""
    return list(dict.fromkeys(config.getoption("--lawful-engine") or config.getini("lawful_engine")))


class CasesFile(pytest.File):
    """A file of cases, with the policy beside it, or the shipped one that it names."""

    def collect(self) -> Iterator[CaseItem]:
        cases, wrong = self._cases()
        policy, wrong_policy = self._policy(cases)
        wrong += wrong_policy
        if policy is not None:
            wrong += _unfit(cases, policy)
        if wrong or policy is None:
            raise self.CollectError("\n\n".join(str(each) for each in wrong) or "these cases name no policy")
        engines: list[Engine | None] = [_runnable(each) for each in _engines(self.config)]
        engines = engines or [None]  # the default of `check`
        for case, name in _named(cases.cases):
            for engine in engines:
                told = name if len(engines) == 1 else f"{name} [{engine}]"
                yield CaseItem.from_parent(self, name=told, case=case, policy=policy, engine=engine)

    def _cases(self) -> tuple[Cases, list[Diagnostic]]:
        from lawful.cases import Cases, read_cases
        from lawful.document import Unreadable, decode

        try:
            cases = read_cases(decode(_shown(self.path, self.config), self.path.read_bytes()))
        except Unreadable as error:
            return Cases(None, (), ()), error.diagnostics
        return cases, list(cases.errors)

    def _policy(self, cases: Cases) -> tuple[Policy | None, list[Diagnostic]]:
        """The policy, or what is wrong with it; neither where the file could not be read far enough to name one."""
        from lawful.library import shipped, shipped_names
        from lawful.loading import load

        beside = self.path.with_name("policy.yaml")
        place: Path | str | None = beside if beside.is_file() else cases.policy
        if place is None:
            return None, []
        if isinstance(place, str) and shipped(place) is None:
            message = f"there is no policy `{legible(place)}` for these cases"
            help = near(place, shipped_names()) or "it is looked for in a `policy.yaml` beside them, else it is shipped"
            span = cases.cases[0].document.span(("policy",)) if cases.cases else None
            return None, [Diagnostic("no-such-policy", message, span, help)]
        try:
            return load(place), []
        except PolicyError as error:
            return None, list(error.diagnostics)


def _shown(path: Path, config: pytest.Config) -> str:
    """A path as one may open it from where pytest was started."""
    try:
        return path.relative_to(config.invocation_params.dir).as_posix()
    except ValueError:
        return os.fspath(path)


def _unfit(cases: Cases, policy: Policy) -> list[Diagnostic]:
    from lawful.cases import unfit

    return [each for each in unfit(cases, policy) if each.severity == "error"]


def _runnable(engine: Engine) -> Engine:
    """The engine, where it can run. Raises CollectError."""
    if engine == "rete":
        from lawful.engines import rete

        if not rete.available():
            raise pytest.Collector.CollectError("the engine `rete` does not run here: durable_rules cannot be imported")
    return engine


def _named(cases: Iterable[Case]) -> Iterator[tuple[Case, str]]:
    """Each case with a name that no other one of the file has."""
    cases = list(cases)
    times = Counter(each.name for each in cases)
    for case in cases:
        name = legible(case.name, 200)
        yield case, name if times[case.name] == 1 else f"{name} (line {case.span.line})"


class CaseItem(pytest.Item):
    """A case, on one engine."""

    def __init__(self, *, case: Case, policy: Policy, engine: Engine | None, **given: Any) -> None:
        super().__init__(**given)
        self.case = case
        self.policy = policy
        self.engine = engine

    def runtest(self) -> None:
        from lawful.cases import run

        outcome = run(self.case, self.policy, self.engine)
        if not outcome.passed:
            raise CaseFailed(outcome)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *given: Any, **more: Any) -> Any:
        """What differs, in words. Only what is a defect of lawful has a traceback."""
        match excinfo.value:
            case CaseFailed() as failed:
                return "\n".join(self._failure(failed.outcome))
            case LawfulError() as error:
                return f"{self.case.place}: {error}"
            case _:
                return super().repr_failure(excinfo, *given, **more)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, self.case.span.line - 1, self.name

    def _failure(self, outcome: Outcome) -> Iterator[str]:
        """What was expected and what came, then each rule that was not satisfied."""
        for each in outcome.differences:
            where = f" (line {each.span.line})" if each.span.line != self.case.span.line else ""
            yield f"{self.case.place}: {each.what}: expected {each.expected}, found {each.found}{where}"
        if outcome.decision is None:
            return
        for reason in outcome.decision.reasons:
            yield f"  {_told(reason)}   {self._place(reason)}"
        if outcome.decision.missing:
            yield f"  missing: {' or '.join(' and '.join(each) for each in outcome.decision.missing)}"

    def _place(self, reason: Reason) -> str:
        """Where a rule is written; of a policy from elsewhere, such as a shipped one, without the way there."""
        file, folder = reason.place.file, self.policy.folder
        if folder is not None:
            shown = _shown(folder / file, self.config)
            file = f"{folder.name}/{file}" if Path(shown).is_absolute() else shown
        return f"{file}:{reason.place.line}"


class CaseFailed(Exception):
    """A case was not answered as it expects."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        super().__init__(outcome.case.name)


def _told(reason: Reason) -> str:
    """A rule, what became of it, and why."""
    severity = "" if reason.severity == "error" else f", {reason.severity}"
    before = ", standing" if reason.standing else ""
    return f"{reason.rule} ({reason.status}{severity}{before}): {reason.explanation.best('en')}"
