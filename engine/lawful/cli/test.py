"""`lawful test`: does the policy answer as its cases expect?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lawful.cli import exit_code
from lawful.cli.layout import GAP, Row, row
from lawful.cli.options import Engine, Format, Lang, PolicyName, Quiet
from lawful.cli.terminal import Terminal, spoken

if TYPE_CHECKING:
    from lawful.cases import Cases, Outcome
    from lawful.policy import Policy


def run_cases(
    policy: PolicyName,
    cases: Annotated[
        list[str] | None, typer.Argument(metavar="[CASES]...", help="Files of cases, instead of the policy's own.")
    ] = None,
    mutants: Annotated[
        bool,
        typer.Option("--mutants", help="Change the policy's rules one at a time: do the cases notice?"),
    ] = False,
    review: Annotated[
        bool,
        typer.Option("--review", help="Confirm an account on either side of each rule; they become cases."),
    ] = False,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="FILE", help="With --review: ask nothing, write the cases there."),
    ] = None,
    min_score: Annotated[
        float | None,
        typer.Option("--min-score", metavar="PERCENT", help="With --mutants: fail below this share of them caught."),
    ] = None,
    caught: Annotated[
        bool, typer.Option("--caught", help="With --mutants: list those that are caught, too, and by which cases.")
    ] = False,
    engine: Engine = None,
    form: Format = "text",
    lang: Lang = None,
    quiet: Quiet = False,
) -> int:
    """Run a policy's cases. Exit code: 0 if all pass, 1 if one does not.

    With --mutants: 0, or 1 if fewer are caught than --min-score asks for.

    \b
    Examples:
      lawful test wechat
      lawful test ./my-policy more-cases.yaml
      lawful test wechat --mutants --min-score 95
      lawful test ./my-policy --review
    """
    from lawful.cases import run
    from lawful.cli import asking
    from lawful.loading import load

    _check_options(mutants=mutants, min_score=min_score, caught=caught, review=review, output=output, cases=cases)
    terminal = Terminal(spoken(lang), quiet)
    loaded = load(policy)
    judging = asking.engine(engine)
    beginning = review and not cases and not _own_path(loaded).is_file()
    given = [] if beginning else [case for file in _given(loaded, cases) for case in file.cases]
    outcomes = [run(case, loaded, judging) for case in given]
    failed = [each for each in outcomes if not each.passed]
    if mutants and not failed:
        from lawful.cli.mutants import run_mutants

        return run_mutants(loaded, given, terminal, form=form, min_score=min_score, caught=caught)
    if review and not failed:
        from lawful.cli.review import run_review

        return run_review(loaded, policy, given, _own_path(loaded), terminal, form=form, output=output)
    if mutants or review:
        terminal.remark(terminal.say("these cases fail: mend them first", "以下用例未通过，请先修正"))
    if form == "json":
        terminal.text(_json(outcomes))
    else:
        terminal.rows(row for outcome in failed for row in _failure(outcome, terminal))
        terminal.rows([_summary(len(outcomes), len(failed), terminal)])
    return exit_code.DENIED if failed else exit_code.FINE


def _check_options(
    *,
    mutants: bool,
    min_score: float | None,
    caught: bool,
    review: bool,
    output: str | None,
    cases: list[str] | None,
) -> None:
    """Raises WrongUsage."""
    from lawful.cli.errors import WrongUsage

    if mutants and review:
        raise WrongUsage("`--mutants` and `--review` are two things", "do one after the other")
    if review and cases:
        raise WrongUsage("a review adds to the policy's own cases: it takes no other files")
    if output is not None and not review:
        raise WrongUsage("`--output` is of use with `--review` only")
    if min_score is not None and not 0 <= min_score <= 100:
        raise WrongUsage(f"`--min-score {min_score:g}` is no percentage", "give a number from 0 to 100")
    for option, given in (("--min-score", min_score is not None), ("--caught", caught)):
        if given and not mutants:
            raise WrongUsage(f"`{option}` is of use with `--mutants` only")


def _given(policy: Policy, names: list[str] | None) -> list[Cases]:
    """The files of cases, each readable. Raises BadInput, WrongUsage."""
    from lawful.cases import read_cases, unfit
    from lawful.cli.errors import BadInput
    from lawful.cli.reading import text_source

    found = []
    for name in names or [own_cases(policy)]:
        cases = read_cases(text_source(name))
        wrong = [each for each in (*cases.errors, *unfit(cases, policy)) if each.severity == "error"]
        if wrong:
            raise BadInput(wrong)
        found.append(cases)
    return found


def own_cases(policy: Policy) -> str:
    """The cases beside a policy, as one may open them from here. Raises WrongUsage."""
    from lawful.cli.errors import WrongUsage

    path = _own_path(policy)
    if not path.is_file():
        raise WrongUsage(f"the policy has no cases: there is no `{path}`", "name files of cases after the policy")
    try:
        return path.resolve().relative_to(Path.cwd()).as_posix()
    except ValueError:
        return str(path)


def _own_path(policy: Policy) -> Path:
    return (policy.folder or Path()) / "cases.yaml"


def _failure(outcome: Outcome, terminal: Terminal) -> Iterator[Row]:
    case = outcome.case
    yield row(0, ("✗ ", "bad"), case.name, right=case.place)
    for each in outcome.differences:
        expected = terminal.say(f"expected {each.expected}", f"预期 {each.expected}")
        found = terminal.say(f"found {each.found}", f"实际 {each.found}")
        where = "" if each.span.line == case.span.line else f"{each.span.source.name}:{each.span.line}"
        yield row(1, (f"{each.what}: ", "dim"), f"{expected}{GAP}{found}", right=where)


def _summary(total: int, failed: int, terminal: Terminal) -> Row:
    if failed:
        told = terminal.say(f"{failed} of {total} cases failed", f"{total}个用例中{failed}个未通过")
        return row(0, (f"✗ {told}", "bad"))
    cases = "case" if total == 1 else "cases"
    told = terminal.say(f"{total} {cases} passed", f"{total}个用例全部通过")
    return row(0, (f"✓ {told}", "good"))


def _json(outcomes: list[Outcome]) -> str:
    import json

    def one(outcome: Outcome) -> dict[str, Any]:
        span = outcome.case.span
        return {
            "name": outcome.case.name,
            "passed": outcome.passed,
            "verdict": None if outcome.decision is None else outcome.decision.verdict,
            "place": {"file": span.source.name, "line": span.line, "column": span.column},
            "differences": [
                {"what": each.what, "expected": each.expected, "found": each.found, "line": each.span.line}
                for each in outcome.differences
            ],
        }

    failed = sum(not each.passed for each in outcomes)
    data = {
        "schema": "lawful/test/v1",
        "cases": len(outcomes),
        "failed": failed,
        "outcomes": [one(o) for o in outcomes],
    }
    return json.dumps(data, ensure_ascii=False)
