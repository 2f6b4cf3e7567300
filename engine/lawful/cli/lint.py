"""`lawful lint`: what is wrong with a policy, or doubtful?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from lawful.cli import exit_code
from lawful.cli.layout import row
from lawful.cli.options import Format, Lang, PolicyName, Quiet
from lawful.cli.terminal import Terminal, spoken, tell

if TYPE_CHECKING:
    from lawful.diagnostics import Diagnostic
    from lawful.matrix.comparing import Compared
    from lawful.policy import Policy


_A_MOMENT: Final = 2.0
"""Seconds for what is asked of Z3."""


def lint(
    policy: PolicyName,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 if there are warnings.")] = False,
    matrix: Annotated[
        str | None,
        typer.Option(
            "--matrix", metavar="FILE.xlsx", help="Compare a workbook that `show --matrix` wrote, cell by cell."
        ),
    ] = None,
    form: Format = "text",
    lang: Lang = None,
    quiet: Quiet = False,
) -> int:
    """Tell everything that is wrong with a policy, or doubtful.

    The cases beside it are read too. Where Z3 is installed, rules are looked for that never apply or never decide, as
    far as two seconds go: `lawful prove` asks all of it. With --matrix, also how an edited workbook differs from the
    policy.

    Exit code: 4 if there are errors; 1 if the workbook differs or, with --strict, if there are warnings; else 0.

    \b
    Examples:
      lawful lint wechat
      lawful lint ./my-policy --strict
      lawful lint ./my-policy --matrix edited.xlsx
    """
    from lawful.cli import compared
    from lawful.cli.diagnosed import all_of
    from lawful.cli.policy_files import is_missing
    from lawful.diagnostics import PolicyError
    from lawful.loading import load

    terminal = Terminal(spoken(lang), quiet)
    found: list[Diagnostic] = []
    differing: Compared | None = None
    loaded: Policy | None = None
    try:
        loaded = load(policy, warnings=found)
        found += of_versions(loaded)
        found += of_rules(loaded)
        found += _of_cases(loaded)
    except PolicyError as error:
        if is_missing(error):
            raise
        found = list(error.diagnostics)
    if matrix is not None and loaded is not None:
        differing = compared.compared(loaded, policy, matrix)
    errors = sum(each.severity == "error" for each in found)
    if quiet and errors:
        tell(all_of(each for each in found if each.severity == "error"))
    elif form == "json":
        told = None if matrix is None or differing is None else compared.as_data(differing, matrix)
        terminal.text(_json(found, told))
    else:
        if found or differing is None or not compared.differs(differing.differences):
            _tell(found, errors, terminal)
        if matrix is not None and loaded is not None and differing is not None:
            terminal.rows(compared.rows(differing, loaded, matrix, terminal))
    if errors:
        return exit_code.WRONG_POLICY
    if differing is not None and compared.differs(differing.differences):
        return exit_code.DENIED
    return exit_code.DENIED if found and strict else exit_code.FINE


def of_versions(policy: Policy) -> list[Diagnostic]:
    """What `lawful prove` asks that needs no solver."""
    from lawful.diagnostics import Diagnostic
    from lawful.proofs.versions import gaps

    return [
        Diagnostic("in-force-gap", str(each), None, "let one version begin where the other ends", "warning")
        for each in gaps(policy.program)
    ]


def of_rules(policy: Policy) -> list[Diagnostic]:
    """What `lawful prove` asks of rules, as far as it is answered in a moment; nothing where Z3 is not installed."""
    from lawful.diagnostics import Diagnostic
    from lawful.proofs.errors import ProofError, installed

    try:
        with installed():
            from lawful.proofs.proving import doubtful
    except ProofError:
        return []
    found = []
    for each in doubtful(policy.program, policy.zone, seconds=_A_MOMENT):
        place = each.question.place
        where = "" if place is None else f" ({place.file}:{place.line})"
        message = f"of `{each.question.subject}`: {each.told.en}{where}"
        help = f"`lawful prove … --question {each.question.id}` tells more"
        match each.question.kind:
            case "dead":
                found.append(Diagnostic("dead-rule", message, None, help, "warning"))
            case "shadowed":
                found.append(Diagnostic("shadowed-rule", message, None, help, "warning"))
            case _:
                found.append(Diagnostic("conflict-rule", message, None, help, "warning"))
    return found


def _of_cases(policy: Policy) -> list[Diagnostic]:
    from lawful.cases import read_cases, unfit
    from lawful.cli.reading import text_source
    from lawful.cli.test import own_cases
    from lawful.diagnostics import Diagnostic

    if policy.folder is None or not (Path(policy.folder) / "cases.yaml").is_file():
        help = "`lawful init` shows what they look like"
        return [Diagnostic("no-cases", "the policy has no `cases.yaml`", None, help, "warning")]
    cases = read_cases(text_source(own_cases(policy)))
    return [*cases.diagnostics, *unfit(cases, policy)]


def _tell(found: list[Diagnostic], errors: int, terminal: Terminal) -> None:
    from lawful.cli.diagnosed import coloured

    for each in found:
        terminal.text(coloured(each) + "\n")
    warnings = len(found) - errors
    if not found:
        terminal.rows([row(0, (terminal.say("✓ nothing to tell", "✓ 没有问题"), "good"))])
        return
    counted = (
        f"{errors} {'error' if errors == 1 else 'errors'}, {warnings} {'warning' if warnings == 1 else 'warnings'}"
    )
    told = terminal.say(counted, f"{errors}个错误，{warnings}个警告")
    terminal.rows([row(0, (told, "bad" if errors else "warning"))])


def _json(found: list[Diagnostic], matrix: dict[str, Any] | None) -> str:
    def one(each: Diagnostic) -> dict[str, Any]:
        span = each.span
        place = None if span is None else {"file": span.source.name, "line": span.line, "column": span.column}
        return {
            "code": each.code,
            "severity": each.severity,
            "message": each.message,
            "help": each.help,
            "place": place,
        }

    told: dict[str, Any] = {"schema": "lawful/lint/v1", "diagnostics": [one(each) for each in found]}
    return json.dumps(told if matrix is None else {**told, "matrix": matrix}, ensure_ascii=False)
