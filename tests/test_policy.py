"""The library as an embedding program meets it."""

from __future__ import annotations

import json
import pickle
import threading
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

import lawful
from lawful.engines import rete
from lawful.engines.reference import Outcome
from lawful.engines.situation import Situation

ACCOUNT = {"type": "subscription", "subject": "enterprise", "certified_until": "2026-01-31"}
ASKED: dict[str, Any] = {"account": ACCOUNT, "change": {"set": {"type": "service"}}, "history": [], "at": "2025-03-01"}


@pytest.fixture(scope="module")
def wechat() -> lawful.Policy:
    return lawful.load("wechat")


def test_a_request_is_given_in_whichever_form(wechat: lawful.Policy) -> None:
    forms = [ASKED, json.dumps(ASKED), json.dumps(ASKED).encode(), lawful.Request(**ASKED)]
    decisions = [wechat.check(form) for form in forms] + [wechat.check(**ASKED)]
    assert len({decision.model_dump_json() for decision in decisions}) == 1
    assert wechat.allows(ASKED)


def test_python_dates_and_sets_are_taken_as_they_are(wechat: lawful.Policy) -> None:
    account = {**ACCOUNT, "certified_until": date(2026, 1, 31), "features": {"wechat_pay"}}
    assert wechat.allows(ASKED, account=account, at=datetime(2025, 3, 1, tzinfo=UTC))


def test_parts_override_the_request(wechat: lawful.Policy) -> None:
    assert not wechat.allows(ASKED, at="2026-02-01")


def test_a_part_that_no_request_has_is_refused(wechat: lawful.Policy) -> None:
    with pytest.raises(lawful.RequestError, match="did you mean `account`"):
        wechat.check(acount=ACCOUNT)


def test_a_wrong_policy_raises_with_all_its_mistakes() -> None:
    with pytest.raises(lawful.PolicyError) as told:
        lawful.loads("policy: p\nversion: 1\naccount: {fields: {n: integer, m: {type: int, min: x}}}\n")
    assert [each.code for each in told.value.diagnostics] == ["wrong-value", "wrong-value"]
    assert pickle.loads(pickle.dumps(told.value)).diagnostics == told.value.diagnostics


def test_a_policy_that_is_not_shipped_is_named_with_one_that_is() -> None:
    with pytest.raises(lawful.PolicyError, match="did you mean `wechat`"):
        lawful.load("wechta")


@pytest.mark.skipif(not rete.available(), reason="durable_rules does not run on this Python")
def test_engines_that_disagree_raise_and_allow_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    true_outcomes = rete.Network.outcomes

    def all_satisfied(network: rete.Network, situation: Situation) -> tuple[Outcome, ...]:
        return ("satisfied",) * len(true_outcomes(network, situation))

    monkeypatch.setattr(rete.Network, "outcomes", all_satisfied)
    policy = lawful.load("wechat")
    with pytest.raises(
        lawful.EngineDisagreement, match=r"lifecycle\.type\.upgrade: the reference says violated"
    ) as told:
        policy.allows(ASKED, at="2026-02-01")
    assert "please report this" in str(told.value)


def test_where_durable_rules_cannot_be_imported_the_reference_serves(
    wechat: lawful.Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rete, "engine", None)
    decision = wechat.check(ASKED)
    assert (decision.verdict, decision.engine) == ("allow", "reference")


def test_eight_threads_share_a_policy_and_no_verdict_is_wrong(wechat: lawful.Policy) -> None:
    wrong: list[str] = []

    def check(number: int) -> None:
        for turn in range(150):
            late = (turn + number) % 2 == 1
            decision = wechat.check(ASKED, at="2026-02-01" if late else "2025-03-01")
            if decision.verdict != ("deny" if late else "allow") or bool(decision.reasons) != late:
                wrong.append(decision.verdict)

    threads = [threading.Thread(target=check, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_policy_and_a_decision_survive_pickling(wechat: lawful.Policy) -> None:
    policy = pickle.loads(pickle.dumps(wechat))
    refused = policy.check(ASKED, at="2026-02-01")
    again = pickle.loads(pickle.dumps(refused))
    assert again.reasons == refused.reasons
    assert again.model_dump_json() == refused.model_dump_json()


def test_reasons_are_computed_when_they_are_read(wechat: lawful.Policy) -> None:
    decision = wechat.check(ASKED, at="2026-02-01")
    assert "reasons" not in vars(decision)
    assert decision.reasons[0].rule == "lifecycle.type.upgrade"
    assert decision.reasons is decision.reasons


def test_a_private_fact_is_masked_in_every_output(tmp_path: Path) -> None:
    policy = lawful.loads(
        "policy: p\nversion: '1'\naccount: {fields: {phone: {type: string, private: true, settable: "
        "{requires: account.phone.startsWith('1'), explanation: 'not {account.phone}'}}}}\n"
    )
    decision = policy.check(account={"phone": "secret"}, change={"set": {"phone": "secret two"}})
    assert decision.verdict == "deny"
    assert "secret" not in decision.model_dump_json()
    with pytest.raises(lawful.RequestError) as told:
        policy.check(account={"phone": 5550123}, change={"set": {"phone": "x"}})
    assert "5550123" not in str(told.value)


def test_what_is_missing_is_found_however_deep_conditions_rest_on_one_another() -> None:
    named = "".join(f"  c{n}: c{n - 1} && c{n - 1} || !c{n - 1}\n" for n in range(1, 59))
    policy = lawful.loads(
        "policy: p\nversion: '1'\naccount: {fields: {a: bool}}\n"
        f"conditions:\n  c0: account.a\n{named}actions: {{go: {{requires: c58}}}}\n"
    )
    decision = policy.check(account={}, change={"do": "go"}, history=[])
    assert decision.missing == (("account.a",),)


def test_a_long_list_of_open_changes_is_explained(wechat: lawful.Policy) -> None:
    decision = wechat.check(account={"type": "enterprise"}, changes=[{"do": "follow"}] * 900, history=[])
    assert decision.missing == (("request.follower_verified",),)


def test_a_model_of_ones_own_is_a_request_with_its_defaults(wechat: lawful.Policy) -> None:
    class Mine(BaseModel):
        account: dict[str, Any]
        change: dict[str, Any] = {"do": "mass_send"}
        history: list[dict[str, str]] = []
        at: str = "2025-03-01"

    assert wechat.check(Mine(account=ACCOUNT)) == wechat.check(Mine(account=ACCOUNT).model_dump())


def test_what_a_private_field_counts_is_masked_too() -> None:
    policy = lawful.loads(
        "policy: p\nversion: '1'\naccount: {fields: {n: {type: int, private: true}}}\n"
        "actions: {go: {limits: [{at_most: 2, per: lifetime, counted_by: account.n, explanation: '{count} of {limit}'}]}}\n"
    )
    decision = policy.check(account={"n": 6789}, change={"do": "go"}, history=[])
    assert decision.verdict == "deny"
    assert "6789" not in decision.model_dump_json()
    assert "6789" not in policy.can(account={"n": 6789}, history=[]).model_dump_json()


def test_the_same_answer_is_equal(wechat: lawful.Policy) -> None:
    assert wechat.check(ASKED) == wechat.check(ASKED)
    assert wechat.check(ASKED) != wechat.check(ASKED, at="2026-02-01")


def test_a_policy_is_immutable(wechat: lawful.Policy) -> None:
    with pytest.raises(AttributeError, match="a policy is immutable"):
        wechat.program = lawful.load("wechat").program


def test_an_engine_that_is_not_there_is_refused(wechat: lawful.Policy) -> None:
    with pytest.raises(lawful.RequestError, match="there is no engine"):
        wechat.check(ASKED, engine="retee")  # type: ignore[arg-type]  # on purpose
