"""celine-regorus: Microsoft's Rego interpreter in Rust. A set `deny` of the ids of the rules that are broken.

The quicker of its two ways, the virtual machine (`Program` compiled once, `Rvm`), which takes its input as JSON text:
there is no prepared form. The rules of an action are a package, found by `data.moves[input.change.do]`, which is how
Rego dispatches. A program has at most 65 535 instructions; beyond, the interpreter (`Engine`) has to do, on rules
sorted under their actions. It tells no more of why than ids.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, assert_never

from regorus.regorus import Engine, Program, Rvm  # `Program` and `Rvm` are in its stubs, but not exported above

from peers.peer import Peer
from peers.requests import Request
from peers.rules import Comparison, Condition, Every, Policy, Prefixed, Rule, Some

_HEAD = "import rego.v1\n"


def load(policy: Policy) -> Peer:
    try:
        return _peer(_compiled(policy))
    except RuntimeError as error:
        if "max instructions" not in str(error):
            raise
    return _peer(_interpreted(policy), note="interpreted: too large for its virtual machine")


Ask = Callable[[str, str], Any]
"""The value of `allow` or `deny` for a request as JSON text."""


def _peer(ask: Ask, note: str = "") -> Peer:
    def from_dict(request: Request) -> Iterable[str]:
        found: Iterable[str] = ask("deny", json.dumps(request))
        return found

    return Peer(
        prepare=json.dumps,
        allows=lambda text: ask("allow", text),
        broken=lambda text: ask("deny", text),
        from_dict=from_dict,
        from_json=lambda text: ask("deny", text.decode()),
        note=note,
    )


def _compiled(policy: Policy) -> Ask:
    program = Program.compile_from_modules("{}", list(_modules(policy)), ["data.policy.deny", "data.policy.allow"])
    machine = Rvm()
    machine.load_program(program)

    def ask(what: str, text: str) -> Any:
        machine.set_input_json(text)
        return json.loads(machine.execute_entry_point(f"data.policy.{what}"))

    return ask


def _modules(policy: Policy) -> Iterator[tuple[str, str]]:
    allow = "allow if count(deny) == 0\n"
    if not policy.actions:
        yield "policy.rego", f"package policy\n{_HEAD}default allow := false\n{allow}{_denials('deny', policy.rules)}"
        return
    yield (
        "policy.rego",
        f"package policy\n{_HEAD}default allow := false\n{allow}deny := data.moves[input.change.do].deny\n",
    )
    for action, rules in policy.by_action():
        yield f"{action}.rego", f"package moves.{action}\n{_HEAD}{_denials('deny', rules)}"


def _interpreted(policy: Policy) -> Ask:
    groups = "\n".join(
        f'deny := of_{action} if input.change.do == "{action}"\n{_denials(f"of_{action}", rules)}'
        for action, rules in policy.by_action()
    )
    engine = Engine()
    engine.add_policy(
        "policy.rego", f"package policy\n{_HEAD}default allow := false\nallow if count(deny) == 0\n{groups}"
    )

    def ask(what: str, text: str) -> Any:
        engine.set_input_json(text)
        return engine.eval_rule(f"data.policy.{what}")

    return ask


def _denials(name: str, rules: Iterable[Rule]) -> str:
    return "\n".join(
        f'{name} contains "{rule.id}" if {{ {"; ".join(body)} }}' for rule in rules for body in _bodies(rule.broken)
    )


def _bodies(condition: Condition) -> list[list[str]]:
    """Rego's *or* is another rule of the same name: a body for each way to hold."""
    match condition:
        case Comparison(field, operator, value):
            return [[f"input.account.{field} {operator} {json.dumps(value)}"]]
        case Prefixed(field, prefix, holds):
            return [[f'{"" if holds else "not "}startswith(input.account.{field}, "{prefix}")']]
        case Every(parts):
            bodies: list[list[str]] = [[]]
            for part in parts:
                bodies = [[*body, *more] for body in bodies for more in _bodies(part)]
            return bodies
        case Some(parts):
            return [body for part in parts for body in _bodies(part)]
        case _:
            assert_never(condition)
