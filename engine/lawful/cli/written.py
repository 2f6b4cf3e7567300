"""What `show` writes for people who open files: the matrix as a workbook, the rules as a page."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from lawful.cli.errors import WrongUsage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lawful.cli.terminal import Terminal
    from lawful.pages.rules import Example
    from lawful.policy import Policy
    from lawful.question import Asked, Question


@contextmanager
def installed(what: str, extra: str) -> Iterator[None]:
    """What is imported inside comes with an extra. Raises WrongUsage where it is not installed."""
    try:
        yield
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in ("openpyxl", "jinja2", "markupsafe"):
            raise
        raise WrongUsage(f"{what} needs `{error.name}`, which is not installed", f"pip install '{extra}'") from None


def matrix(name: str, target: str, terminal: Terminal) -> None:
    """Write the matrix of a policy. Raises WrongUsage, AuditError."""
    from lawful.audit.writing import beside
    from lawful.loading import load

    policy = load(name)
    path = _target(policy, target, ".xlsx", "--matrix")
    with installed("a workbook", "lawful[excel]"):
        from lawful.matrix.grid import matrix as made
        from lawful.matrix.workbook import write

        found = made(policy.program, policy.layouts)
        if not found.grids:
            raise no_matrix(name)
        with beside(path) as part:
            write(found, part)
    sheets = ", ".join(f"{grid.key}: {len(grid.lines)}" for grid in found.grids)
    terminal.remark(terminal.say(f"features by sheet ({sheets}): {target}", f"各表功能数（{sheets}）：{target}"))


def no_matrix(name: str) -> WrongUsage:
    return WrongUsage(
        f"`{name}` has no features, and so no matrix", f"`lawful show {name} --html` shows everything that it has"
    )


def page(name: str, target: str | None, terminal: Terminal) -> None:
    """Write the rules as a page, or tell it on stdout. Raises WrongUsage, AuditError."""
    from lawful.audit.writing import beside
    from lawful.loading import load

    policy = load(name)
    path = _target(policy, target, ".html", "--output") if target is not None else None
    with installed("a page", "lawful[html]"):
        from lawful.matrix.grid import matrix as made
        from lawful.pages.rules import page as paged

        told = paged(made(policy.program, policy.layouts), terminal.language, list(_examples(policy)))
    if path is None:
        if sys.stdout.encoding.lower() not in ("utf-8", "utf8"):
            raise WrongUsage("stdout takes no UTF-8, in which the page is written", "name a file by `--output`")
        terminal.text(told)
        return
    with beside(path) as part:
        part.write_text(told, encoding="utf-8", newline="\n")


def _examples(policy: Policy) -> Iterator[Example]:
    """The cases beside the policy that one change decides; none where they cannot be read, which `lint` tells."""
    from lawful.cases import read_cases
    from lawful.cli.reading import text_source
    from lawful.cli.test import own_cases
    from lawful.diagnostics import LawfulError
    from lawful.pages.rules import Example

    try:
        cases = read_cases(text_source(own_cases(policy)))
    except LawfulError:
        return
    for case in cases.cases:
        try:
            question = policy.read(case.request)
        except LawfulError:
            continue
        rules = tuple(case.expect.rules or ())
        asked = question.changes[0] if len(question.changes) == 1 else None
        moves = tuple(_moves(policy, question, asked)) if asked is not None and not rules else ()
        yield Example(case.name, case.expect.verdict, rules or moves, question.at.astimezone(policy.zone).date())


def _moves(policy: Policy, question: Question, asked: Asked) -> Iterator[str]:
    """The changes that a request asks for, by the ids of their rules."""
    triggers = {f"set.{name}" for name in asked.values} | {f"{asked.kind}.{asked.name}", str(asked.kind)}
    before = question.account.known()
    for move in policy.program.moves:
        if move.trigger not in triggers:
            continue
        step = move.step
        if step is None or (before.get(step.field) in step.sources and asked.values.get(step.field) in step.targets):
            yield move.id


def _target(policy: Policy, given: str, ending: str, option: str) -> Path:
    """Where to write: never over what the policy is made of. Raises WrongUsage, AuditError."""
    from lawful.audit.originals import must_spare, of_policy

    path = Path(given)
    if path.suffix.lower() != ending:
        raise WrongUsage(f"`{option}` writes a file that ends in `{ending}`, not `{given}`")
    must_spare(given, of_policy(policy.files))
    return path
