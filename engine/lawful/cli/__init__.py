"""The command line: the edge where errors become text and verdicts exit codes.

`main` holds the one `except LawfulError` of the package. Each command is a module; what it needs to run it imports when
it runs, so that the others do not pay for it.
"""

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Annotated, Any, Final, TextIO

import typer
from typer.core import TyperCommand

from lawful.audit.errors import AuditError
from lawful.cli import exit_code
from lawful.cli.diagnosed import all_of, error
from lawful.cli.errors import BadInput, PipeClosed, WrongUsage
from lawful.cli.policy_files import is_missing
from lawful.cli.terminal import make_writable, tell, unwritable
from lawful.diagnostics import EngineDisagreement, LawfulError, PolicyError, RequestError
from lawful.proofs.errors import ProofError

_CONTEXT: Final = {"help_option_names": ["-h", "--help"]}

_COMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    "check": ("lawful.cli.check", "check"),
    "can": ("lawful.cli.can", "can"),
    "plan": ("lawful.cli.plan", "plan"),
    "audit": ("lawful.cli.audit", "audit"),
    "sample": ("lawful.cli.sample", "sample"),
    "prove": ("lawful.cli.prove", "prove"),
    "diff": ("lawful.cli.diff", "diff"),
    "test": ("lawful.cli.test", "run_cases"),
    "lint": ("lawful.cli.lint", "lint"),
    "show": ("lawful.cli.show", "show"),
    "eval": ("lawful.cli.evaluate", "evaluate"),
    "init": ("lawful.cli.init", "init"),
}


class Command(TyperCommand):
    """A command that takes an option of one value no more than once, and none that is empty.

    Of two values none is passed over in silence; an empty one, as of a variable that a script never set, would be the
    present folder wherever a file is asked for.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        try:
            values, _, given = self.make_parser(ctx).parse_args(list(args))
        except typer.TyperException as problem:
            if getattr(problem, "ctx", ctx) is None:
                problem.ctx = ctx  # type: ignore[attr-defined]  # its help tells of the option
            raise
        for option, times in Counter(given).items():
            if times > 1 and not getattr(option, "multiple", True) and not getattr(option, "is_flag", False):
                raise WrongUsage(f"`{option.opts[0]}` is given twice", "give it once")
            value = values.get(option.name or "")
            if value == "" or (isinstance(value, list) and "" in value):
                raise WrongUsage(f"`{option.opts[0]}` is given an empty value", "give one, or leave it out")
        return super().parse_args(ctx, args)


def application(wanted: str | None = None) -> typer.Typer:
    """The commands; only the wanted one where that is known, which starts sooner."""
    app = typer.Typer(
        add_completion=False,
        context_settings=_CONTEXT,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback(invoke_without_command=True)(_lawful)
    for name in [wanted] if wanted is not None and wanted in _COMMANDS else _COMMANDS:
        module, function = _COMMANDS[name]
        app.command(name, cls=Command, context_settings=_CONTEXT)(getattr(import_module(module), function))
    return app


def _version(wanted: bool) -> None:
    if wanted:
        from lawful import __version__

        typer.echo(f"lawful {__version__}")
        raise typer.Exit


def _lawful(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Tell the version.")
    ] = False,
) -> None:
    """Decide whether a change of an account is lawful under a written policy, and say why.

    \b
    Examples:
      lawful check wechat --account account.json --set type=service
      lawful show wechat
      lawful init ./my-policy
    """
    if context.invoked_subcommand is None:
        tell(context.get_help())
        raise typer.Exit(exit_code.WRONG_USAGE)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit code is its answer."""
    make_writable()
    try:
        code = _run(sys.argv[1:] if arguments is None else arguments)
        sys.stdout.flush()
    except (PipeClosed, BrokenPipeError):
        _stop_writing(sys.stdout, sys.stderr)
        return exit_code.PIPE_CLOSED
    except KeyboardInterrupt:
        return exit_code.INTERRUPTED
    except OSError as problem:
        _stop_writing(sys.stdout)
        return _told(unwritable(problem))
    return code


def _run(arguments: Sequence[str]) -> int:
    try:
        app = application(arguments[0] if arguments else None)
        code: Any = app(args=arguments, prog_name="lawful", standalone_mode=False)
    except LawfulError as problem:
        return _told(problem)
    except typer.TyperException as problem:
        return _usage(problem)
    except typer.Abort as problem:
        if isinstance(
            problem.__cause__, EOFError
        ):  # typer takes it for the end of stdin: nobody is asked anything here
            return _unexpected(problem.__cause__)
        return exit_code.INTERRUPTED
    except PipeClosed:
        raise
    except Exception as problem:  # noqa: BLE001 - the edge: nothing may leave as a traceback
        return _unexpected(problem)
    return code if isinstance(code, int) else exit_code.FINE


def _say(text: str) -> None:
    """Tell what went wrong; where that cannot be written, the exit code says it alone."""
    try:
        tell(text)
    except (PipeClosed, WrongUsage):
        _stop_writing(sys.stderr)


def _told(problem: LawfulError) -> int:
    """Say what went wrong; the code for it."""
    match problem:
        case PolicyError():
            _say(all_of(problem.diagnostics))
            return exit_code.WRONG_USAGE if is_missing(problem) else exit_code.WRONG_POLICY
        case BadInput():
            _say(all_of(problem.diagnostics))
            return exit_code.WRONG_USAGE
        case RequestError():
            _say("\n".join(error(str(each)) for each in problem.problems))
            return exit_code.WRONG_USAGE
        case WrongUsage():
            _say(error(problem.message, problem.help))
            return exit_code.WRONG_USAGE
        case AuditError():
            first, *rest = problem.message.split("\n")
            told = error(first, None if rest else problem.help)
            told = "\n".join([told, *rest, *([f"  = help: {problem.help}"] if rest and problem.help else [])])
            _say(all_of(problem.diagnostics) if problem.diagnostics else told)
            return exit_code.WRONG_USAGE
        case ProofError():
            _say(error(problem.message, problem.help))
            return exit_code.WRONG_USAGE
        case EngineDisagreement():
            _say(str(problem))
            return exit_code.INTERNAL
        case _:
            _say(error(str(problem)))
            return exit_code.INTERNAL


def _usage(problem: typer.TyperException) -> int:
    """A command that typer refuses, in our words: which option, and which one is near."""
    name, near = getattr(problem, "option_name", None), getattr(problem, "possibilities", None)
    message = problem.format_message().replace("Value error, ", "").rstrip(".")
    help = None
    if name is not None and near is not None:
        message = f"there is no option `{name}`"
        help = f"did you mean {' or '.join(f'`{each}`' for each in near)}?" if near else None
    elif found := re.fullmatch(r"No such command '(.*?)'(?:\. Did you mean (.*)\?)?", message):
        message = f"there is no command `{found[1]}`"
        help = f"did you mean {found[2].replace(chr(39), '`')}?" if found[2] else None
    context = getattr(problem, "ctx", None)
    path = context.command_path if context is not None else "lawful"
    _say(error(message[:1].lower() + message[1:], help or f"`{path} --help` tells what there is"))
    return exit_code.WRONG_USAGE


def _unexpected(problem: Exception) -> int:
    if os.environ.get("LAWFUL_TRACEBACK") == "1":
        import traceback

        _say("".join(traceback.format_exception(problem)).rstrip("\n"))
    what = f"{type(problem).__name__}: {problem}".split("\n", maxsplit=1)[0]
    advice = "this is a defect of lawful, nothing was decided; please report it with what LAWFUL_TRACEBACK=1 adds"
    _say(error(f"internal error: {what}", advice))
    return exit_code.INTERNAL


def _stop_writing(*streams: TextIO) -> None:
    """Let what is still buffered go nowhere, so that Python does not complain about it on its way out."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in streams:
        try:
            os.dup2(nowhere, stream.fileno())
        except (OSError, ValueError):
            continue
