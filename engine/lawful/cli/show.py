"""`lawful show`: the shipped policies, or one of them in words, as a diagram, as the engines get it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from lawful.cli import exit_code
from lawful.cli.layout import GAP, Row, columns, row
from lawful.cli.options import Format, Lang, Quiet
from lawful.cli.terminal import Terminal, spoken

if TYPE_CHECKING:
    from lawful.ir import Program, Text
    from lawful.policy import Policy

Schema = Literal["policy", "request", "decision", "possibilities", "plan", "choice", "proof", "diff", "cases"]


def show(
    policy: Annotated[
        str | None, typer.Argument(metavar="[POLICY]", help="A shipped policy's name, or a path. Without: list them.")
    ] = None,
    ir: Annotated[bool, typer.Option("--ir", help="The rules as the engines get them.")] = False,
    diagram: Annotated[
        Literal["mermaid"] | None, typer.Option("--diagram", help="Each life cycle as a state diagram.")
    ] = None,
    schema: Annotated[
        Schema | None, typer.Option("--schema", help="The JSON Schema of what goes in or comes out.")
    ] = None,
    stubs: Annotated[
        bool, typer.Option("--stubs", help="A Python module with the types of accounts, changes and requests.")
    ] = False,
    direct: Annotated[bool, typer.Option("--direct", help="The Python that the engine `direct` runs.")] = False,
    at: Annotated[
        str | None,
        typer.Option(
            "--at", metavar="TIME", help="With --direct: the day whose rules are in force; without it, today."
        ),
    ] = None,
    matrix: Annotated[
        str | None,
        typer.Option("--matrix", metavar="FILE.xlsx", help="Write which account has which feature, as a workbook."),
    ] = None,
    html: Annotated[bool, typer.Option("--html", help="The rules as one page for a browser.")] = False,
    output: Annotated[
        str | None, typer.Option("--output", metavar="FILE", help="Where the page goes; to stdout without it.")
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Beside the words, each condition as it is written.")
    ] = False,
    form: Format = "text",
    lang: Lang = None,
    quiet: Quiet = False,
) -> int:
    """Show policies, their rules in words, life cycles, schemas.

    Without a policy: those that are shipped.

    \b
    Examples:
      lawful show
      lawful show wechat --lang zh
      lawful show wechat --verbose
      lawful show wechat --diagram mermaid
      lawful show wechat --stubs > wechat_types.py
      lawful show wechat-official --direct --at 2015-03-01
      lawful show wechat --html --output wechat.html
      lawful show wechat --matrix wechat.xlsx
      lawful show --schema policy > policy.schema.json
    """
    from lawful.cli import written
    from lawful.cli.errors import WrongUsage

    terminal = Terminal(spoken(lang), quiet)
    wanted: dict[str, object] = {
        "--ir": ir,
        "--diagram": diagram,
        "--schema": schema,
        "--stubs": stubs,
        "--direct": direct,
    }
    wanted |= {"--matrix": matrix, "--html": html}
    given = [f"`{name}`" for name, value in wanted.items() if value]
    if len(given) > 1:
        raise WrongUsage(f"{' and '.join(given)} show different things", "give one of them")
    if output is not None and not html:
        raise WrongUsage("`--output` is where `--html` goes", "without `--html`, write `> FILE`")
    if at is not None and not direct:
        raise WrongUsage("`--at` is of `--direct`: what else is shown has the dates of all its rules", "leave it out")
    if verbose and (given or policy is None or form == "json"):
        raise WrongUsage("`--verbose` is of a policy in words", "`lawful show POLICY --verbose`")
    if schema is not None:
        _schema(schema, policy, terminal)
    elif policy is None:
        if given:
            raise WrongUsage("there is no policy to show", "name one: `lawful show` lists those that are shipped")
        _shipped(terminal, as_json=form == "json")
    elif stubs:
        _python("--stubs", _stubs(policy), terminal, as_json=form == "json")
    elif direct:
        _python("--direct", _direct(policy, at), terminal, as_json=form == "json")
    elif matrix is not None:
        _no_other_format("--matrix", "a workbook", as_json=form == "json")
        written.matrix(policy, matrix, terminal)
    elif html:
        _no_other_format("--html", "a page", as_json=form == "json")
        written.page(policy, output, terminal)
    else:
        _policy(policy, terminal, ir=ir, diagram=diagram is not None, verbose=verbose, as_json=form == "json")
    return exit_code.FINE


def _policy(name: str, terminal: Terminal, *, ir: bool, diagram: bool, verbose: bool, as_json: bool) -> None:
    from lawful.loading import load
    from lawful.show.listing import ir_text, program_json
    from lawful.show.rules import rules_in_words

    program = load(name).program
    if diagram:
        _diagrams(program, terminal, as_json=as_json)
    elif as_json:
        terminal.text(_json(program_json(program)))
    elif ir:
        terminal.text(ir_text(program))
    else:
        terminal.lines(rules_in_words(program, terminal.language), verbose=verbose)


def _stubs(name: str) -> str:
    import shlex

    from lawful.loading import load
    from lawful.show.stubs import stubs

    return stubs(load(name).program, f"lawful show {shlex.quote(name)} --stubs")


def _direct(name: str, at: str | None) -> str:
    from lawful.cli.asking import day_of
    from lawful.loading import load

    policy = load(name)
    return policy.direct_source(None if at is None else day_of(at, policy.zone))


def _no_other_format(option: str, what: str, *, as_json: bool) -> None:
    from lawful.cli.errors import WrongUsage

    if as_json:
        raise WrongUsage(f"`{option}` shows {what}, which has no other format", "leave `--format` out")


def _python(option: str, module: str, terminal: Terminal, *, as_json: bool) -> None:
    import sys

    _no_other_format(option, "Python", as_json=as_json)
    if sys.stdout.encoding.lower() not in ("utf-8", "utf8"):
        # Python reads a module as UTF-8: what would come out in another encoding is written by number.
        module = module.encode("ascii", "backslashreplace").decode()
    terminal.text(module)


def _diagrams(program: Program, terminal: Terminal, *, as_json: bool) -> None:
    from lawful.show.diagram import diagram

    drawn = {field: diagram(program, field, terminal.language) for field in program.lifecycles}
    if as_json:
        terminal.text(_json(drawn))
    elif drawn:
        terminal.text("\n".join(drawn.values()))
    else:
        terminal.remark(terminal.say("the policy has no life cycles", "该策略没有生命周期"))


# --------------------------------------------------------------------------------------------- the shipped policies


def _shipped(terminal: Terminal, *, as_json: bool) -> None:
    from lawful.library import shipped_names
    from lawful.loading import load

    policies = [(name, load(name)) for name in shipped_names()]
    if as_json:
        terminal.text(_json([_named(name, policy) for name, policy in policies]))
    else:
        terminal.rows(_rows(policies, terminal))


def _rows(policies: list[tuple[str, Policy]], terminal: Terminal) -> Iterator[Row]:
    wide = max((columns(name) for name, _ in policies), default=0)
    newest = max((columns(policy.program.version) for _, policy in policies), default=0)
    for name, policy in policies:
        title, scope = policy.program.title, policy.program.scope
        told = title.best(terminal.language) if title is not None else ""
        yield row(0, (name.ljust(wide), "bold"), GAP, (policy.program.version.ljust(newest), "dim"), GAP, told)
        if scope is not None:
            yield row(1, scope.best(terminal.language))


def _named(name: str, policy: Policy) -> dict[str, Any]:
    program = policy.program
    return {
        "name": name,
        "id": program.id,
        "version": program.version,
        "title": _both(program.title),
        "scope": _both(program.scope),
        "digest": program.digest,
    }


def _both(text: Text | None) -> dict[str, str | None] | None:
    return None if text is None else {"en": text.en, "zh": text.zh}


# ---------------------------------------------------------------------------------------------------------- schemas


def _schema(name: Schema, policy: str | None, terminal: Terminal) -> None:
    from lawful import schemas
    from lawful.cli.errors import WrongUsage

    if policy is not None:
        raise WrongUsage("a schema is of every policy", f"`lawful show --schema {name}`, without `{policy}`")
    terminal.text(schemas.published(name))
    if name in ("policy", "cases"):
        english = "save it, and an editor completes a file whose first line is"
        terminal.remark(terminal.say(f"{english}:", "保存后，首行写有下列内容的文件可由编辑器补全："))
        terminal.remark(f"# yaml-language-server: $schema=./{name}.schema.json")
        terminal.remark(terminal.say(f"or point it at {schemas.path(name)}", f"也可指向 {schemas.path(name)}"))


def _json(data: Any) -> str:
    import json

    return json.dumps(data, ensure_ascii=False)
