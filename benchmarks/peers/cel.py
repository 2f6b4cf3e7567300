"""cel-expr-python: Google's CEL. Expressions compiled once, which give the ids of the rules that are broken.

As its README has it for speed: a protobuf message of the account, whose fields are checked when the expression is
compiled, and an Activation for several expressions on one request. (An Activation keeps the memory of whatever was
evaluated with it, so none is kept between requests: what is prepared is the message.) One expression holds as many
rules as go into CEL's 100 000 code points, sorted under their actions. It tells nothing of why a condition has its
value.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, assert_never

from cel_expr_python import cel
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from peers.peer import Peer
from peers.requests import Request
from peers.rules import NUMBERS, TEXTS, WORDS, Comparison, Condition, Every, Policy, Prefixed, Rule, Some

_MOST = 95_000
"""Code points of one expression; CEL refuses more than 100 000."""


def load(policy: Policy) -> Peer:
    pool = descriptor_pool.DescriptorPool()
    pool.Add(_file())
    account = message_factory.GetMessageClass(pool.FindMessageTypeByName("peers.Account"))
    env = cel.NewEnv(pool, variables={"account": cel.Type("peers.Account"), "action": cel.Type.STRING})
    groups = list(policy.by_action())
    if policy.actions:
        # a list of the broken ids for each action, of which the empty ones go: at most one is left
        terms = (f'action == "{action}" ? {_ids(rules)} : []' for action, rules in groups)
        listing = [env.compile(f"[{', '.join(chunk)}].filter(ids, ids.size() > 0)") for chunk in _chunks(terms)]
        terms = (f'action == "{action}" && ({_any(rules)})' for action, rules in groups)
    else:
        listing = [env.compile(_ids(policy.rules))]
        terms = (_any(rules) for _, rules in groups)
    refusing = [env.compile(" || ".join(chunk)) for chunk in _chunks(terms)]

    def prepare(request: Request) -> dict[str, Any]:
        return {"account": account(**request["account"]), "action": request["change"].get("do", "")}

    def allows(data: dict[str, Any]) -> bool:
        activation = env.Activation(data)
        return not any(each.eval(activation).value() for each in refusing)

    def record(data: dict[str, Any]) -> Iterable[str]:
        ids: Iterable[str] = listing[0].eval(data=data).plain_value()
        return ids

    def moves(data: dict[str, Any]) -> Iterable[str]:
        activation = env.Activation(data)
        return [id for each in listing for ids in each.eval(activation).plain_value() for id in ids]

    broken = moves if policy.actions else record
    return Peer(
        prepare=prepare,
        allows=allows,
        broken=broken,
        from_dict=lambda request: broken(prepare(request)),
        from_json=lambda text: broken(prepare(json.loads(text))),
    )


def _file() -> descriptor_pb2.FileDescriptorProto:
    """A schema of the account: field by field as the rules know it."""
    file = descriptor_pb2.FileDescriptorProto(name="peers.proto", package="peers", syntax="proto3")
    message = file.message_type.add(name="Account")
    kinds = {**dict.fromkeys((*WORDS, *TEXTS), "STRING"), **dict.fromkeys(NUMBERS, "INT64")}
    for number, (name, kind) in enumerate(kinds.items(), 1):
        message.field.add(name=name, number=number, label="LABEL_OPTIONAL", type=f"TYPE_{kind}")
    return file


def _chunks(terms: Iterable[str]) -> Iterator[list[str]]:
    chunk: list[str] = []
    for term in terms:
        if chunk and sum(map(len, chunk)) + 4 * len(chunk) + len(term) > _MOST:
            yield chunk
            chunk = []
        chunk.append(term)
    yield chunk


def _ids(rules: Iterable[Rule]) -> str:
    """A list of the ids of those that are broken."""
    listed = ", ".join(f"{_written(rule.broken)} ? {_text(rule.id)} : ''" for rule in rules)
    return f"[{listed}].filter(id, id != '')"


def _any(rules: Iterable[Rule]) -> str:
    return " || ".join(_written(rule.broken) for rule in rules)


def _text(value: str | int) -> str:
    return json.dumps(value)


def _written(condition: Condition) -> str:
    match condition:
        case Comparison(field, operator, value):
            return f"account.{field} {operator} {_text(value)}"
        case Prefixed(field, prefix, holds):
            return f"{'' if holds else '!'}account.{field}.startsWith({_text(prefix)})"
        case Every(parts):
            return f"({' && '.join(map(_written, parts))})"
        case Some(parts):
            return f"({' || '.join(map(_written, parts))})"
        case _:
            assert_never(condition)
