"""`lawful init`: a small policy to begin with."""

from __future__ import annotations

import re
import shlex
import shutil
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from lawful.cli import exit_code
from lawful.cli.errors import WrongUsage
from lawful.cli.options import Lang, Quiet
from lawful.cli.terminal import Terminal, spoken

_FILES = ("policy.yaml", "cases.yaml")
_NAME = "starter"


def init(
    folder: Annotated[str, typer.Argument(metavar="FOLDER", help="Where the policy goes: a new or an empty folder.")],
    lang: Lang = None,
    quiet: Quiet = False,
) -> int:
    """Write a small commented policy with cases that pass.

    \b
    Example:
      lawful init ./my-policy && lawful test ./my-policy
    """
    terminal = Terminal(spoken(lang), quiet)
    target = Path(folder)
    try:
        _refuse_taken(target)
        _write(target)
    except OSError as error:
        raise WrongUsage(f"`{target}` cannot be written: {(error.strerror or str(error)).lower()}") from None
    path = shlex.quote(target.as_posix() if "/" in target.as_posix() else f"./{target}")
    terminal.remark(terminal.say(f"{path} is written. What next:", f"已写入 {path}。接下来："))
    for command in ("test", "show"):
        terminal.remark(f"  lawful {command} {path}")
    shipped = terminal.say("the policies that are shipped, to learn from", "随附的策略，可供参考")
    terminal.remark(f"  lawful show{' ' * (len(path) + 3)}{shipped}")
    return exit_code.FINE


def _refuse_taken(target: Path) -> None:
    if target.is_dir():
        if any(target.iterdir()):
            raise WrongUsage(f"`{target}` is not empty", "name a new folder: nothing is overwritten")
    elif target.exists() or target.is_symlink():
        raise WrongUsage(f"`{target}` is no folder")


def _write(target: Path) -> None:
    """All of it or nothing: written beside the folder, then renamed."""
    parent = target.resolve().parent
    parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=parent))
    try:
        for name in _FILES:
            text = (files("lawful.cli") / "starter" / name).read_text(encoding="utf-8")
            (beside / name).write_text(text.replace(f"policy: {_NAME}", f"policy: {_id(target)}", 1), encoding="utf-8")
        beside.chmod(0o755)
        beside.replace(target.resolve())
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise


def _id(target: Path) -> str:
    """The folder's name, where it can name a policy."""
    name = re.sub(r"[^a-z0-9]+", "-", target.resolve().name.lower()).strip("-")
    return name if re.fullmatch(r"[a-z][a-z0-9-]*", name) else _NAME
