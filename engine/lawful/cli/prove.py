"""`lawful prove`: can it ever come to what the policy says must not be?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lawful.cli import exit_code
from lawful.cli.interrupt import interruptible
from lawful.cli.options import Format, Lang, PolicyName, Quiet
from lawful.cli.terminal import Terminal, spoken

if TYPE_CHECKING:
    from lawful.proofs.answers import Answers


def prove(
    policy: PolicyName,
    questions: Annotated[
        list[str] | None,
        typer.Option(
            "--question",
            metavar="ID",
            help="Ask only that question, such as prove.final.type, or all of a kind, such as `dead`. Repeatable.",
        ),
    ] = None,
    timeout: Annotated[
        float,
        typer.Option("--timeout", metavar="SECONDS", min=0.001, help="How long to try each question."),
    ] = 30.0,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 1 for what is doubtful as well, not only for what is refuted.")
    ] = False,
    form: Format = "text",
    lang: Lang = None,
    quiet: Quiet = False,
) -> int:
    """Prove a policy's invariants over every sequence of allowed changes, or refute them.

    And ask what can be asked of every policy: whether final states are final, `once` means once, each rule can apply
    and can fail, each change can be used by somebody. Each refutation is an account and steps that `check` confirms.

    Exit code: 0 proved, 1 an invariant, a `final` or a `once` is refuted (with --strict: anything is), 2 wrong usage,
    3 not settled in the time given, 4 wrong policy.

    \b
    Examples:
      lawful prove wechat
      lawful prove ./my-policy --question final --question dead --timeout 5
      lawful prove wechat --format json --lang zh
    """
    from lawful.loading import load
    from lawful.proofs.errors import installed

    with interruptible():
        with installed():
            from lawful.cli import proving

        terminal = Terminal(spoken(lang), quiet)
        loaded = load(policy, cached=True)
        answers = proving.run(loaded, tuple(questions or ()), timeout, terminal, as_json=form == "json")
    return code_of(answers, strict=strict)


def code_of(answers: Answers, *, strict: bool) -> int:
    """What the answers come to."""
    if answers.of("refuted", "error") or (strict and answers.of("refuted", "warning")):
        return exit_code.DENIED
    return exit_code.UNDETERMINED if answers.of("unsettled") else exit_code.FINE
