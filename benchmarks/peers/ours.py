"""lawful itself: the direct engine, the default one, and the reference.

The direct engine as an embedding program uses it: `checker()` for a hot loop, `read()` for a request that is validated
once. There every value is validated and what is strange refused; what comes is taken by `checker().unvalidated` alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path
from typing import Any

import lawful
from lawful.policy import Engine
from peers.peer import Peer
from peers.rules import PACK25, Policy, allowances

_HERE = Path(__file__).parent


def direct(policy: Policy) -> Peer:
    loaded = _loaded(policy)
    check = loaded.checker()
    return Peer(
        prepare=loaded.read,
        allows=check.allows,
        broken=check,
        dict_validated=check,
        json_validated=check,
        explain=lambda request: loaded.check(request, engine="direct").reasons,
        ids=attrgetter("broken"),
    )


def unvalidated(policy: Policy) -> Peer:
    """The direct engine where it takes what comes, as the peers do."""
    check = _loaded(policy).checker().unvalidated
    return Peer(from_dict=check, from_json=check, ids=attrgetter("broken"))


def default(policy: Policy) -> Peer:
    """The production rules on durable_rules, each outcome compared with the reference's."""
    return _deciding(policy, "rete")


def reference(policy: Policy) -> Peer:
    return _deciding(policy, "reference")


def _deciding(policy: Policy, engine: Engine) -> Peer:
    """Whole decisions: the ids stand in their reasons, so that whoever wants the ids has the words worked out, too."""
    loaded = _loaded(policy)

    def broken(request: Any) -> list[str]:
        return [
            reason.rule
            for reason in loaded.check(request, engine=engine).reasons
            if reason.status == "violated" and reason.severity == "error" and not reason.standing
        ]

    return Peer(
        prepare=loaded.read,
        allows=lambda question: loaded.check(question, engine=engine).verdict == "allow",
        broken=broken,
        dict_validated=broken,
        json_validated=broken,
        explain=lambda request: loaded.check(request, engine=engine).reasons,
    )


def _loaded(policy: Policy) -> lawful.Policy:
    if policy == PACK25:
        return lawful.load(_HERE.parent / "pack25.yaml")
    if policy.actions:
        return lawful.loads(written_moves(policy))
    return lawful.load(_HERE / "record.yaml")


def written_moves(policy: Policy) -> str:
    """The many actions as a policy.yaml, on the account of the 25 rules."""
    account = (_HERE / "record.yaml").read_text("utf-8").partition("constraints:")[0]
    return "".join([account.replace("policy: record", f"policy: {policy.name}"), "actions:\n", *_actions(policy)])


def _actions(policy: Policy) -> Iterator[str]:
    for index, action in enumerate(policy.actions):
        warned, daily, monthly, yearly, ever = allowances(index)
        yield f"""\
  {action}:
    requires: account.status == 'active' && account.warnings < {warned}
    limits:
      - {{at_most: {daily}, per: day, when: account.type == 'subscription', counted_by: account.sent_today}}
      - {{at_most: {monthly}, per: month, when: account.type == 'service', counted_by: account.sent_this_month}}
      - {{at_most: {yearly}, per: year, when: account.subject == 'individual', counted_by: account.renames}}
      - {{at_most: {ever}, per: lifetime, when: mainland, counted_by: account.upgrades}}
"""
