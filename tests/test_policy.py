"""The library as an embedding program meets it."""

from __future__ import annotations

import asyncio
import itertools
import json
import pickle
import sys
import threading
from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from pydantic import BaseModel, ValidationError

import lawful
from lawful.checker import Checker
from lawful.deciding import ruling
from lawful.engines import rete
from lawful.engines.reference import Outcome
from lawful.engines.situation import Situation

ACCOUNT = {"type": "subscription", "subject": "enterprise", "certified_until": "2026-01-31"}
ASKED: dict[str, Any] = {"account": ACCOUNT, "change": {"set": {"type": "service"}}, "history": [], "at": "2025-03-01"}
UPGRADED = ("lifecycle.type.upgrade.limit",)
DAILY = ("actions.mass_send.limits.daily",)


@pytest.fixture(scope="module")
def wechat() -> lawful.Policy:
    return lawful.load("wechat")


def test_a_request_is_given_in_whichever_form(wechat: lawful.Policy) -> None:
    text = json.dumps(ASKED)
    forms = [ASKED, text, text.encode(), bytearray(text.encode()), lawful.Request(**ASKED)]
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
        policy.check(ASKED, at="2026-02-01")
    assert "please report this" in str(told.value)


def test_reasons_that_contradict_a_bare_verdict_raise(monkeypatch: pytest.MonkeyPatch) -> None:
    policy = lawful.load("wechat")
    allowed = lawful.Ruling("allow", (), ())
    monkeypatch.setattr(policy._ruler, "ruling", lambda question: allowed)
    decision = policy.check(ASKED, at="2026-02-01", engine="direct")
    with pytest.raises(lawful.EngineDisagreement, match="the reference says deny, direct says allow"):
        _ = decision.reasons


def test_where_durable_rules_cannot_be_imported_direct_serves(
    wechat: lawful.Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rete, "engine", None)
    decision = wechat.check(ASKED)
    assert (decision.verdict, decision.engine) == ("allow", "direct")


@pytest.mark.parametrize("at", ["2025-03-01", "2026-02-01"])
def test_direct_says_what_the_default_says(wechat: lawful.Policy, at: str) -> None:
    quick, usual = wechat.check(ASKED, at=at, engine="direct"), wechat.check(ASKED, at=at)
    assert quick.engine == "direct"
    assert quick.model_dump() | {"engine": ""} == usual.model_dump() | {"engine": ""}


def test_a_list_of_changes_is_left_to_the_reference(wechat: lawful.Policy) -> None:
    asked = {**ASKED, "changes": [ASKED["change"], {"do": "mass_send"}]}
    del asked["change"]
    decision = wechat.check(asked, engine="direct")
    assert (decision.verdict, decision.engine) == (wechat.check(asked).verdict, "reference")


@pytest.mark.parametrize(
    ("changes", "events"),
    [
        ([{"set": {"type": "service"}}], ("upgrade",)),
        ([{"set": {"type": "service"}}, {"enable": "wechat_pay"}], ("upgrade", "enable.wechat_pay")),
        ([{"do": "mass_send"}], ("mass_send",)),
        ([{"set": {"type": "subscription"}}], ()),
        ([{"do": "log_in"}, {"set": {"type": "enterprise"}}], ()),
    ],
)
@pytest.mark.parametrize("engine", ["rete", "direct"])
def test_a_decision_names_the_events_of_what_it_allows(
    engine: Any, changes: list[Any], events: tuple[str, ...], wechat: lawful.Policy
) -> None:
    parts: Any = {"account": {**ACCOUNT, "features": []}, "history": [], "at": "2025-03-01"}
    assert wechat.check(changes=changes, engine=engine, **parts).events == events


def test_recorded_events_count_as_those_of_a_list_do(wechat: lawful.Policy) -> None:
    at, sent = "2025-03-01T09:00", {"do": "mass_send"}
    first = wechat.check(account=ACCOUNT, change=sent, history=[], at=at)
    history = [{"event": each, "at": first.at} for each in first.events]
    second = wechat.check(account=ACCOUNT, change=sent, history=history, at=at)
    listed = wechat.check(account=ACCOUNT, changes=[sent, sent], history=[], at=at)
    assert second.verdict == listed.verdict == "deny"
    assert second.reasons[0].rule == listed.reasons[0].rule == DAILY[0]


def test_an_engine_that_does_not_exist_is_named(wechat: lawful.Policy) -> None:
    with pytest.raises(lawful.RequestError, match="there is no engine `quick`") as told:
        wechat.check(ASKED, engine="quick")  # type: ignore[arg-type]
    assert "`rete`, `reference`, `direct`" in str(told.value)


def test_a_checker_rules_on_requests_in_every_form(wechat: lawful.Policy) -> None:
    checker = wechat.checker()
    late = {**ASKED, "at": "2026-02-01"}
    for given in (
        late,
        json.dumps(late),
        bytearray(json.dumps(late).encode()),
        wechat.read(late),
        lawful.Request(**late),
    ):
        assert checker(given) == lawful.Ruling("deny", ("lifecycle.type.upgrade",), ())
        assert not checker.allows(given)
    assert checker(wechat.read(ASKED)).allowed
    with pytest.raises(lawful.RequestError, match="there is no action"):
        checker({**ASKED, "change": {"do": "nothing"}})


def test_a_verdict_has_no_truth_value_that_would_let_everybody_in(wechat: lawful.Policy) -> None:
    for answer in (wechat.check(ASKED), wechat.checker()(ASKED)):
        with pytest.raises(TypeError, match=r"ask `\.allowed`"):
            bool(answer)


def test_what_is_unknown_is_named_by_its_rule(wechat: lawful.Policy) -> None:
    unsure = {**ASKED, "account": {"type": "subscription", "certified_until": "2026-01-31"}}
    found = wechat.checker()(unsure)
    decision = wechat.check(unsure)
    assert (found.verdict, found.broken) == (decision.verdict, ()) == ("undetermined", ())
    assert found.unknown == tuple(each.rule for each in decision.reasons if each.status == "unknown")


@pytest.mark.parametrize("value", [1.0, b"true", object()])
def test_a_request_model_converts_nothing(value: Any) -> None:
    with pytest.raises(ValidationError):
        lawful.Request(account={"type": "subscription"}, change={"do": "reprint"}, request={"author_consent": value})


def test_many_are_decided_in_order_and_a_wrong_one_stops_nothing(wechat: lawful.Policy) -> None:
    decisions = wechat.check_many([ASKED, {**ASKED, "at": "never"}, {**ASKED, "at": "2026-02-01"}], engine="direct")
    assert next(decisions).verdict == "allow"
    with pytest.raises(lawful.RequestError):
        next(decisions)
    assert [each.verdict for each in decisions] == ["deny"]


def test_an_event_loop_gets_its_turn_while_many_are_decided(wechat: lawful.Policy) -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0)

    async def requests() -> AsyncIterator[dict[str, Any]]:
        for _ in range(3):
            yield ASKED

    async def run() -> tuple[int, list[str]]:
        ticking = asyncio.create_task(tick())
        verdicts = [each.verdict async for each in wechat.acheck_many(ASKED for _ in range(400))]
        ticked = ticks
        few = [each.verdict async for each in wechat.acheck_many(requests(), engine="direct")]
        ticking.cancel()
        assert few == ["allow"] * 3
        return ticked, verdicts

    ticked, verdicts = asyncio.run(run())
    assert verdicts == ["allow"] * 400
    assert ticked > 3


def test_a_trusted_row_is_judged_unread(wechat: lawful.Policy) -> None:
    row = {"type": "subscription", "subject": "enterprise", "certified_until": date(2026, 1, 1)}
    change = {"set": {"type": "service"}}
    question = wechat.read_unvalidated(account=row, change=change, history=[], at=datetime(2025, 3, 1, tzinfo=UTC))
    assert wechat.allows(question)
    upgraded = [{"event": "upgrade", "at": datetime(2024, 3, 1, tzinfo=UTC)}]
    again = wechat.read_unvalidated(account=row, change=change, history=upgraded, at=datetime(2025, 3, 1, tzinfo=UTC))
    assert wechat.checker()(again).broken == ("lifecycle.type.upgrade.limit",)
    with pytest.raises(lawful.RequestError, match="there is no value `servce`"):
        wechat.read_unvalidated(account=row, change={"set": {"type": "servce"}})


@pytest.fixture
def only_trusted(wechat: lawful.Policy, monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], lawful.Ruling]:
    """A checker's entrance for trusted rows, where nothing is left to who validates."""
    checker = wechat.checker()
    monkeypatch.setattr(Checker, "__call__", lambda *_: pytest.fail("it was validated"))
    return checker.unvalidated


@pytest.mark.parametrize(
    ("account", "change", "history", "broken"),
    [
        ({}, {"set": {"type": "service"}}, [], ()),
        ({}, {"set": {"type": "service"}}, [{"event": "upgrade", "at": "2024-06-01T09:00:00+08:00"}], UPGRADED),
        ({"certified_until": date(2025, 1, 31)}, {"set": {"type": "service"}}, [], ("lifecycle.type.upgrade",)),
        ({"features": []}, {"enable": "wechat_pay"}, [], ("features.wechat_pay",)),
        ({}, {"do": "mass_send"}, [], ()),
        (
            {},
            {"do": "mass_send"},
            [{"event": "mass_send", "at": "2025-02-28T16:00:00Z"}],
            DAILY,
        ),
        ({"subject": "individual"}, {"register": {}}, None, ()),
    ],
)
def test_a_trusted_row_is_ruled_on_unvalidated(
    wechat: lawful.Policy,
    only_trusted: Callable[[Any], lawful.Ruling],
    account: dict[str, Any],
    change: dict[str, Any],
    history: list[Any] | None,
    broken: tuple[str, ...],
) -> None:
    row = {"account": {**ACCOUNT, **account}, "change": change, "history": history, "at": "2025-03-01"}
    assert only_trusted(row).broken == broken
    assert only_trusted(json.dumps(row, default=date.isoformat).encode()) == only_trusted(row)
    wrong = [each.rule for each in wechat.check(row, engine="reference").reasons if each.status == "violated"]
    assert set(broken) <= set(wrong)


GATE = """
policy: gate
version: "1"
account: {fields: {level: {type: int, max: 9}, name: string, "off": date}}
features: {pay: {}}
actions:
  enter: {requires: "'pay' in account.features || account.level > 3"}
  call: {requires: "!account.name.matches('^x+$') && !has(account.off)"}
"""


def test_bounds_and_a_key_that_stands_twice_are_passed_over_in_a_trusted_row() -> None:
    checker = lawful.loads(GATE).checker()
    beyond = {"account": {"level": 12}, "change": {"do": "enter"}}
    twice = b'{"change": {"do": "enter"}, "account": {"level": 2, "level": 5}}'
    for trusted in (beyond, json.dumps(beyond).encode(), twice) * 2:
        assert checker.unvalidated(trusted).allowed


def test_an_action_that_asks_for_features_is_ruled_on_where_none_are_told() -> None:
    policy = lawful.loads(GATE)
    checker = policy.checker()
    for level in (5, 5, 5, 2, 2):
        row = {"account": {"level": level}, "change": {"do": "enter"}}
        for trusted in (row, json.dumps(row).encode()):
            assert checker.unvalidated(trusted) == checker(row)


def test_half_a_character_in_a_trusted_row_is_refused_where_a_pattern_is_asked_of_it() -> None:
    checker = lawful.loads(GATE).checker()
    for _ in range(2):
        with pytest.raises(lawful.RequestError):
            checker.unvalidated({"account": {"name": "\ud800"}, "change": {"do": "call"}})


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"account": {**ACCOUNT, "certified_until": 20260131}}, "is not a date"),
        ({"account": {**ACCOUNT, "type": "servce"}}, "there is no value `servce`"),
        ({"account": {**ACCOUNT, "subjct": "enterprise"}}, "the account has no field `subjct`"),
        ({"request": {"amuont": 1}}, "amuont"),
        ({"account": [ACCOUNT]}, "stands where an object should be"),
        ({"change": {"do": "mass_sent"}}, "there is no action `mass_sent`"),
        ({"change": {"do": "mass_send", "enable": "wechat_pay"}}, "a change is exactly one of"),
        ({"change": {"sett": {"type": "service"}}}, "there is no such change"),
        ({"change": {"set": {"type": "service", "typ": "service"}}}, "the account has no field `typ`"),
        ({"change": {"set": {"type": None}}}, "cannot be set to null"),
        ({"change": {}}, "a change is exactly one of"),
        ({"change": None}, "exactly one of `change` and `changes`"),
        ({"at": "never"}, "is not a timestamp"),
        ({"histories": []}, "a request has no such key"),
    ],
)
def test_a_trusted_row_that_cannot_be_taken_at_its_word_is_refused(
    wechat: lawful.Policy, part: dict[str, Any], message: str
) -> None:
    checker, wrong = wechat.checker(), {**ASKED, **part}
    for row in (wrong, json.dumps(wrong).encode()):
        with pytest.raises(lawful.RequestError, match=message):
            checker.unvalidated(row)
    with pytest.raises(lawful.RequestError, match="JSON"):
        checker.unvalidated(b"{")


def test_what_is_rare_in_a_trusted_row_is_read_with_care(wechat: lawful.Policy) -> None:
    checker = wechat.checker()
    for row in (
        {**ASKED, "change": None, "changes": [ASKED["change"]]},
        {**ASKED, "history_from": "2024-01-01"},
        {**ASKED, "account": None},
        {**ASKED, "account": {**ACCOUNT, "certified_until": None}},
        {**ASKED, "history": [{"event": "upgrade", "at": "2024-06-01"}]},
        json.dumps(ASKED),
        lawful.Request(**ASKED),
        wechat.read(ASKED),
    ):
        assert checker.unvalidated(row) == checker(row)


def test_texts_of_a_policy_and_a_request_never_become_code() -> None:
    nasty = "'); raise SystemExit('"
    policy = lawful.loads(
        json.dumps(
            {
                "policy": "texts",
                "version": "1",
                "account": {"fields": {"name": {"type": "string"}}},
                "actions": {"say": {"requires": f"account.name != {json.dumps(nasty)}"}},
            }
        )
    )
    assert policy.checker()({"account": {"name": nasty}, "change": {"do": "say"}}).verdict == "deny"
    assert policy.allows({"account": {"name": nasty[:-1]}, "change": {"do": "say"}})


def test_the_code_of_direct_can_be_read(wechat: lawful.Policy) -> None:
    code = wechat.direct_source(date(2025, 3, 1))
    compile(code, "direct", "exec")
    assert "# lifecycle.type.upgrade\n" in code
    assert all(f"def do_{action}(question):" in code for action in wechat.program.actions)


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


def test_a_fact_of_the_request_may_be_called_features() -> None:
    """As a field of the account it may not: there it is the list of those that are enabled."""
    policy = lawful.loads(
        'policy: p\nversion: "1"\naccount: {fields: {a: bool}}\nrequest: {fields: {features: bool}}\n'
        "actions: {go: {requires: request.features && has(request.features)}}\n"
    )
    verdicts = [
        policy.check(change={"do": "go"}, request=said).verdict
        for said in ({"features": True}, {"features": False}, {})
    ]
    assert verdicts == ["allow", "deny", "deny"]


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


def test_fields_that_are_seldom_set_together_get_no_function() -> None:
    fields = [f"f{number}" for number in range(12)]
    policy = lawful.loads(
        json.dumps(
            {
                "policy": "wide",
                "version": "1",
                "account": {"fields": {each: {"type": "int", "settable": {}} for each in fields}},
                "constraints": {f"{each}-small": {"requires": f"account.{each} < 9"} for each in fields},
            }
        )
    )
    checker = policy.checker()
    for one, other in itertools.permutations(fields, 2):
        assert checker({"account": {}, "change": {"set": {one: 1, other: 2}}}).allowed
    assert policy._ruler._ruling == {}
    often = {"account": {"f0": 0, "f1": 0}, "change": {"set": {"f0": 1, "f1": 10}}}
    for _ in range(ruling.PATIENCE + 1):
        assert checker(often).broken == ("constraints.f1-small",)
    assert len(policy._ruler._ruling) == 1


@patch.object(ruling, "PATIENCE", 0)
def test_threads_that_set_many_combinations_of_fields_do_not_meet() -> None:
    fields = [f"f{number}" for number in range(8)]
    written = {each: {"type": "int", "settable": {}} for each in fields}
    policy = lawful.loads(json.dumps({"policy": "wide", "version": "1", "account": {"fields": written}}))
    checker = policy.checker()
    asked = [dict.fromkeys(each, 1) for number in (2, 3) for each in itertools.combinations(fields, number)]
    raised: list[BaseException] = []

    def ask(number: int) -> None:
        try:
            for values in asked[number:] + asked[:number]:
                checker({"account": {}, "change": {"set": values}})
        except RuntimeError as error:
            raised.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=ask, args=(number * 10,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert raised == []


def test_a_decision_on_several_fields_is_the_references(wechat: lawful.Policy) -> None:
    asked = {**ASKED, "change": {"set": {"type": "service", "subject": "enterprise"}}}
    decision = wechat.check(asked, engine="direct")
    assert (decision.verdict, decision.engine) == (wechat.check(asked).verdict, "reference")


LIMITS = """
policy: limits
version: "1"
account: {fields: {n: int}}
actions:
  once: {limit: {at_most: 1, per: lifetime, in_force: {until: 2027-01-01}}}
  month: {limits: [{id: m, at_most: 1, per: month, in_force: {until: 2025-03-10}}]}
  year:
    limits:
      - {id: before, at_most: 1, per: month, in_force: {until: 2025-03-10}}
      - {id: after, at_most: 1, per: year, in_force: {from: 2025-03-10}}
  ever: {limits: [{id: e, at_most: 1, per: lifetime}, {id: m, at_most: 1, per: month}]}
"""


@pytest.mark.parametrize(
    ("action", "day"), [("once", "2027-01-01"), ("month", "2025-03-10"), ("year", "2026-01-01"), ("ever", None)]
)
def test_a_limit_that_goes_out_of_force_refuses_no_more(action: str, day: str | None) -> None:
    policy = lawful.loads(LIMITS)
    asked = {"account": {}, "change": {"do": action}, "history": [{"event": action, "at": "2025-03-01"}]}
    found = policy.check(**asked, at="2025-03-02").next_allowed_at
    assert (None if found is None else found.date().isoformat()) == day
    if day is not None:
        assert policy.check(**asked, at=date.fromisoformat(day) - timedelta(days=1)).verdict == "deny"
        assert policy.check(**asked, at=day).verdict == "allow"
