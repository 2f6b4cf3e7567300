"""What `show` writes for people who open files: the matrix as a workbook, the rules as a page."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from lawful.cli.errors import WrongUsage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lawful.cli.terminal import Terminal
    from lawful.policy import Policy


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
    """Write the rules as a page. Raises WrongUsage, AuditError."""


def _target(policy: Policy, given: str, ending: str, option: str) -> Path:
    """Where to write: never over what the policy is made of."""
    path = Path(given)
    if path.suffix.lower() != ending:
        raise WrongUsage(f"`{option}` writes a file that ends in `{ending}`, not `{given}`")
    if policy.folder is not None:
        own = {policy.folder / each.file for each in policy.layouts} | {policy.folder / "policy.yaml"}
        if path.resolve() in {each.resolve() for each in own}:
            raise WrongUsage(f"`{given}` is a part of the policy", "name another file")
    return path
