"""What an audit answers to `--can` is what the judge says of each account."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import replace as copied
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import product
from random import Random
from typing import Any

import ibis
import pytest
from hypothesis import Phase, given, settings
from msgspec.structs import replace

import columns
import drawing
import lawful
import policies
from lawful import ir
from lawful.audit import questions, stepping
from lawful.audit.dialects import Dialect
from lawful.audit.errors import AuditError
from lawful.audit.rows import Row
from lawful.audit.stepping import Step
from lawful.audit.zones import Zone
from lawful.calendar import day_of
from lawful.deciding.judging import Judge
from lawful.deciding.ruling import askable
from lawful.decision import Verdict
from lawful.engines.reference import evaluate
from lawful.engines.situation import Situation
from lawful.question import EARLIEST, Asked, Question, Recorded
from lawful.record import Record, record_type
from policies import Drawn

# A drawn policy is large: shrinking one takes minutes and makes it little plainer.
UNSHRUNK = [Phase.explicit, Phase.generate]
AT = datetime(2024, 6, 1, 4, tzinfo=UTC)

CROWDED = """
policy: crowded
version: "1"
timezone: Asia/Shanghai
account:
  fields:
    type: {enum: [a, b, c]}
    region: {enum: [x, y], settable: {effects: {region: "account.seats > 1 ? 'y' : 'x'"}}}
    seats: {type: int, min: 0, max: 9, settable: {requires: "!crowd", limits: [{at_most: 2, per: lifetime, counted_by: account.seats}]}}
    founded: {enum: [x, y], fixed: true}
    spare: {type: bool, outside: true, default: true}
request:
  fields:
    others: {type: int}
conditions:
  few: account.seats < 2
  crowd: "!few"
  plain: has(account.type) && account.type != 'c'
lifecycle:
  type:
    initial: [a, b]
    final: [c]
    transitions:
      up: {from: a, to: c, limit: once, effects: {seats: "1", region: "'y'"}}
      over: {from: [b], to: c, requires: few, effects: {seats: "account.seats + 1"}}
      side: {from: a, to: b, effects: {spare: "false"}, in_force: {until: 2030-01-01}}
registration: {requires: "count('register', 'lifetime') < 1"}
features:
  menu: {requires: plain}
  pay: {requires: [few, "request.others < 3"], needs: [menu]}
  shop: {needs: [pay, menu], requires: account.type != 'b'}
actions:
  grow: {effects: {seats: account.seats + 1}, limits: [{at_most: 1, within: {days: 30}}], never_after: [shrink]}
  shrink: {effects: {seats: "account.seats - 1", region: "account.region"}, requires: has(account.region)}
constraints:
  paying-needs-room: {when: "'pay' in account.features", requires: few}
  shops-are-plain: {when: "'shop' in account.features", requires: account.region == 'x'}
  menu-or-crowd: {when: crowd, requires: "'menu' in account.features"}
  warned: {requires: account.type != 'c', severity: warning}
  shared: {per: account.region, at_most: 2, when: "account.seats > 0 || 'shop' in account.features", counted_by: request.others}
"""
"""Small, and with every way for a change to move what it does not name."""


# ------------------------------------------------------------------------------------------------------- the judge


def judged(judge: Judge, question: Question) -> tuple[Verdict, tuple[str, ...]]:
    """The verdict on one change, and the rules behind it."""
    judgement = judge.judge(question, "reference")
    (step,) = judgement.steps
    broken = tuple(each.rule.id for each in step.judged if each.refuses)
    return judgement.verdict, broken or tuple(each.rule.id for each in step.judged if each.leaves_open)


def record(schema: ir.Schema, facts: Mapping[str, ir.Value | None]) -> Record:
    return record_type(tuple(schema)).of({name: each for name, each in facts.items() if each is not None})


def asking(account: Question, asked: Asked) -> Question:
    """The question of one account; one that is being registered has no features, and no past that is not told."""
    if asked.kind != "register":
        return account.asking(asked)
    whole_from = EARLIEST if account.whole_from is None else account.whole_from
    features = dict.fromkeys(account.program.features, False)
    return replace(account.asking(asked), features=features, whole_from=whole_from)


def answered(step: Step, situation: Situation) -> tuple[Verdict, tuple[str, ...]]:
    """The same, by expressions over the state before."""
    found = [(each.rule.id, evaluate(each.refuses, situation)) for each in step.objections]
    broken = tuple(id for id, refuses in found if refuses)
    unknown = tuple(id for id, refuses in found if refuses is None)
    return ("deny", broken) if broken else ("undetermined", unknown) if unknown else ("allow", ())


def asked_alone(policy: lawful.Policy, request: Mapping[str, Any]) -> Iterator[Question]:
    """Each change of a request alone, and each field of one that sets several."""
    for change in request["changes"]:
        fields = change.get("set", {})
        for one in [{"set": {name: value}} for name, value in fields.items()] or [change]:
            try:
                yield policy.read({**request, "changes": [one]})
            except lawful.RequestError:
                continue  # of a change that is wrong without those before it


# --------------------------------------------------------------------------------------------------- the inventory


@dataclass(frozen=True)
class Asking:
    """Accounts of one policy, asked the same at the same instant."""

    policy: lawful.Policy
    accounts: Sequence[Question]
    """Their changes do not matter."""
    changes: Sequence[Asked]

    @property
    def has_history(self) -> bool:
        return self.accounts[0].whole_from is not None

    def expected(self) -> dict[tuple[str, str], tuple[str, str]]:
        """What the judge says, by account and question."""
        judge = Judge(self.policy.program, self.policy.zone)
        found = {}
        for number, account in enumerate(self.accounts):
            for asked in self.changes:
                verdict, rules = judged(judge, asking(account, asked))
                found[str(number), stepping.told(asked)] = (verdict, " ".join(rules))
        return found

    def answers(self, connection: Any, present: Iterable[str] | None = None, *, already: bool = False) -> Any:
        """What the columns say, as a table; `present`: only these fields have columns. Or how many have it `already`."""
        program, first = self.policy.program, self.accounts[0]
        judge = Judge(program, self.policy.zone)
        situations = [judge.situation(each) for each in self.accounts]
        facts = [
            ir.Field("account", name, each.type)
            for name, each in program.account.items()
            if present is None or name in present
        ]
        facts += [ir.Field("features", name, ir.BOOL) for name in program.features]
        row = Row({(each.owner, each.name): None for each in facts}, first.today, columns.zones.micros(first.at))
        steps = questions.asked(program, self.changes, row, has_history=self.has_history)
        spread = columns.spread(situations, facts, steps.counts() if self.has_history else ())
        table = columns.placed(spread.arrow, connection, "accounts")
        table = table.mutate(id=table.row.cast("string"))
        row = spread.row(table, row.today, row.now)
        row = copied(row, facts={**row.facts, **questions.request_facts(program, first.facts.known())})
        asked = questions.already if already else questions.answers
        return asked(steps, table, row, Zone.of(self.policy.zone), Dialect(connection.name))


def by_account(answers: Any) -> dict[tuple[str, str], tuple[str, str]]:
    found = answers.to_pyarrow().to_pylist()
    assert list(found[0]) == ["account_id", "question", "verdict", "rules"]
    return {(each["account_id"], each["question"]): (each["verdict"], each["rules"]) for each in found}


def differing(asking: Asking, connection: Any) -> dict[Any, Any]:
    expected, found = asking.expected(), by_account(asking.answers(connection))
    return {
        key: (expected.get(key), found.get(key)) for key in {*expected, *found} if expected.get(key) != found.get(key)
    }


@cache
def duckdb() -> Any:
    return ibis.duckdb.connect(threads=1)


def crowd(policy: lawful.Policy, facts: Mapping[str, Any], *, has_history: bool) -> list[Question]:
    """Accounts with every mix of what is known, unknown, enabled and not."""
    pasts = Random(1)
    found = []
    for type, region, seats, menu, pay, shop in product(
        (None, "a", "b", "c"), (None, "x", "y"), (None, 0, 1, 2, 9), *[(None, True, False)] * 3
    ):
        fields = {"type": type, "region": region, "seats": seats, "founded": region, "spare": True}
        features = {"menu": menu, "pay": pay, "shop": shop}
        recorded = [
            Recorded(event, AT - timedelta(days=days)) for event in EVENTS if pasts.random() < 0.2 for days in (2, 40)
        ]
        found.append(
            Question(
                record(policy.program.account, fields),
                {name: each for name, each in features.items() if each is not None},
                record(policy.program.request, facts),
                (),
                recorded if has_history else (),
                pasts.choice((EARLIEST, EARLIEST, AT - timedelta(days=31))) if has_history else None,
                AT,
                day_of(AT, policy.zone),
                policy.program,
                None,
            )
        )
    return found


EVENTS = ("up", "over", "grow", "shrink", "register")
CHANGES = (
    *(f"set type={each}" for each in "abc"),
    *(f"set region={each}" for each in "xy"),
    *("set seats=0", "set seats=2", "set founded=x", "set spare=true", "do grow", "do shrink", "register"),
    *(f"{kind} {each}" for kind in ("enable", "disable") for each in ("menu", "pay", "shop")),
)


# ----------------------------------------------------------------------------------------------------------- tests


@settings(max_examples=drawing.examples(150), phases=UNSHRUNK)
@given(policies.drawn(requests=6))
def test_a_change_of_any_account_at_all_comes_to_what_the_judge_says_of_each(drawn: Drawn) -> None:
    policy = lawful.loads(drawn.policy)
    judge = Judge(policy.program, policy.zone)
    for request in drawn.requests:
        for question in asked_alone(policy, request):
            made = stepping.steps(policy.program, question.changes, question.today, has_history="history" in request)
            situation = judge.situation(question)
            situation.conditions = made.program.conditions
            assert answered(made.steps[0], situation) == judged(judge, question)


@settings(max_examples=drawing.examples(20), phases=UNSHRUNK)
@given(policies.drawn(requests=8))
def test_an_inventory_is_answered_as_the_judge_answers_each_account(drawn: Drawn) -> None:
    assert differing(inventory_of(drawn), duckdb()) == {}


def inventory_of(drawn: Drawn) -> Asking:
    """The accounts of the requests, at the instant of the first and with what it says, asked the changes of all."""
    policy = lawful.loads(drawn.policy)
    shared = {key: drawn.requests[0][key] for key in ("at", "request")}
    has_history = "history" in drawn.requests[0]
    accounts, changes = [], {}
    for request in drawn.requests:
        changes |= {stepping.told(each.changes[0]): each.changes[0] for each in asked_alone(policy, request)}
        past = {"history": request.get("history", [])} if has_history else {}
        if has_history and "history_from" in request:
            past["history_from"] = request["history_from"]
        accounts.append(policy.read({"account": request["account"], "change": {"do": "send"}, **past, **shared}))
    return Asking(policy, accounts, tuple(changes.values()))


@pytest.mark.parametrize("has_history", [True, False])
@pytest.mark.parametrize("others", [None, 0, 5])
def test_what_a_change_moves_unasked_is_judged_as_well(others: int | None, has_history: bool) -> None:
    policy = lawful.loads(CROWDED)
    accounts = crowd(policy, {} if others is None else {"others": others}, has_history=has_history)
    changes = [questions.parsed(text, policy.program) for text in CHANGES]
    assert differing(Asking(policy, accounts, changes), duckdb()) == {}


def wechat_accounts(policy: lawful.Policy, many: int) -> list[Question]:
    """Of every kind, with dates around today; some have a past."""
    draw = Random(7)
    today = day_of(AT, policy.zone)
    accounts = []
    for _ in range(many):
        fields: dict[str, ir.Value | None] = {
            "type": draw.choice((None, "subscription", "service", "enterprise")),
            "subject": draw.choice((None, "individual", "media", "enterprise", "government")),
            "certified_until": draw.choice((None, today, today - timedelta(days=1), today + timedelta(days=300))),
            "last_active": draw.choice((None, today, today - timedelta(days=210), today - timedelta(days=209))),
        }
        recorded = [Recorded("upgrade", AT - timedelta(days=700))] * draw.choice((0, 0, 1))
        recorded += [
            Recorded("mass_send", AT - timedelta(hours=each)) for each in (1, 5, 90, 200) if draw.random() < 0.4
        ]
        accounts.append(
            Question(
                record(policy.program.account, fields),
                draw.choice(({}, {"wechat_pay": True}, {"wechat_pay": False})),
                record(policy.program.request, {"whitelisted": True}),
                (),
                recorded,
                draw.choice((EARLIEST, AT - timedelta(days=20))),
                AT,
                today,
                policy.program,
                None,
            )
        )
    return accounts


def test_the_shipped_policy_answers_thousands_of_accounts_alike() -> None:
    policy = lawful.load("wechat")
    changes = [each for each in askable(policy.program) if "" not in each.values.values()]
    changes += [
        questions.parsed(text, policy.program) for text in ("set subject=media", "set certified_until=2025-01-01")
    ]
    asking = Asking(policy, wechat_accounts(policy, 3000), changes)
    assert differing(asking, duckdb()) == {}


def test_who_has_it_already_is_counted_apart() -> None:
    policy = lawful.load("wechat")
    asked = (
        "set type=service",
        "enable wechat_pay",
        "disable wechat_pay",
        "set certified_until=2025-01-01",
        "do certify",
    )
    asking = Asking(policy, wechat_accounts(policy, 200), [questions.parsed(text, policy.program) for text in asked])
    accounts = [(each.account.known(), each.features.get("wechat_pay")) for each in asking.accounts]
    expected = {
        "set type=service": sum(each.get("type") == "service" for each, _ in accounts),
        "enable wechat_pay": sum(pays is True for _, pays in accounts),
        "disable wechat_pay": sum(pays is False for _, pays in accounts),
        "set certified_until=2025-01-01": sum(each.get("certified_until") == date(2025, 1, 1) for each, _ in accounts),
    }
    found = asking.answers(duckdb(), already=True)
    assert found == {text: number for text, number in expected.items() if number}
    assert {"set type=service", "disable wechat_pay"} <= set(found)


def test_totals_count_accounts_by_question_and_verdict() -> None:
    policy = lawful.load("wechat")
    changes = [questions.parsed(text, policy.program) for text in ("set type=service", "disable wechat_pay")]
    asking = Asking(policy, wechat_accounts(policy, 200), changes)
    found = questions.totals(asking.answers(duckdb()))
    verdicts = Counter((question, verdict) for (_, question), (verdict, _) in asking.expected().items())
    assert found == {
        question: {verdict: verdicts[question, verdict] for verdict in ("allow", "deny", "undetermined")}
        for question in ("disable wechat_pay", "set type=service")
    }


# ------------------------------------------------------------------------------------------ columns that are not there


def without(
    policy: lawful.Policy, absent: set[str], text: str, account: Mapping[str, Any], **features: bool
) -> tuple[str, str]:
    """What one account is answered by an inventory without some columns."""
    fields = {name: each for name, each in policy.program.account.items() if name not in absent}
    asking = Asking(
        policy,
        [
            replace(
                policy.read({"account": account, "change": {"register": {}}, "at": AT, "history": []}),
                features=features,
            )
        ],
        [questions.parsed(text, policy.program)],
    )
    return by_account(asking.answers(duckdb(), fields))["0", text]


CERTIFIED = {"type": "service", "subject": "media", "certified_until": "2030-01-01"}


def test_what_rests_on_a_column_that_is_not_there_is_undetermined_and_named() -> None:
    policy = lawful.load("wechat")
    asked = "enable wechat_pay"
    off = {"wechat_pay": False}
    assert without(policy, set(), asked, CERTIFIED, **off) == ("allow", "")
    assert without(policy, set(), asked, {"type": "service"}, **off) == ("deny", "features.wechat_pay")
    assert without(policy, {"certified_until"}, asked, CERTIFIED, **off) == ("undetermined", "features.wechat_pay")
    assert without(policy, {"subject"}, "do certify", CERTIFIED) == ("undetermined", "actions.certify")


def test_what_does_not_need_a_column_that_is_not_there_is_answered() -> None:
    policy = lawful.load("wechat")
    off = {"wechat_pay": False}
    refused = ("deny", "features.wechat_pay")
    assert without(policy, {"certified_until"}, "enable wechat_pay", {"type": "subscription"}, **off) == refused
    assert without(policy, {"subject", "last_active"}, "enable wechat_pay", CERTIFIED, **off) == ("allow", "")
    assert without(policy, {"type", "last_active", "certified_until"}, "do log_in", {"subject": "media"}) == (
        "allow",
        "",
    )


# ------------------------------------------------------------------------------------------------- what may be asked


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("enable wechat_pay", Asked("enable", "wechat_pay", {})),
        (" disable  wechat_pay ", Asked("disable", "wechat_pay", {})),
        ("do mass_send", Asked("do", "mass_send", {})),
        ("register", Asked("register", "", {})),
        ("set type=service", Asked("set", "", {"type": "service"})),
        ("set certified_until = 2025-01-31", Asked("set", "", {"certified_until": date(2025, 1, 31)})),
    ],
)
def test_a_question_is_a_change_in_words(text: str, asked: Asked) -> None:
    assert questions.parsed(text, lawful.load("wechat").program) == asked


@pytest.mark.parametrize(
    ("text", "message", "help"),
    [
        (
            "",
            "an empty text asks for no change",
            "a change is `enable FEATURE`, `disable FEATURE`, `set FIELD=VALUE`, `do ACTION` or `register`",
        ),
        ("enabel wechat_pay", "`enabel wechat_pay` asks for no change", "did you mean `enable`?"),
        ("enable", "`enable` names no feature", "there are `wechat_pay`"),
        ("enable wechatpay", "there is no feature `wechatpay` to enable", "did you mean `wechat_pay`?"),
        ("do masssend", "there is no action `masssend` to do", "did you mean `mass_send`?"),
        ("do x", "there is no action `x` to do", "there are `certify`, `mass_send`, `reprint`, `follow`, `log_in`"),
        ("register now", "`register now`: nothing follows `register`", "what is registered is the account"),
        ("set type", "`set type` is not `set FIELD=VALUE`", "as in `set type=service`"),
        ("set typ=service", "the account has no field `typ`", "did you mean `type`?"),
        ("set features=wechat_pay", "features are not set", "`enable FEATURE` or `disable FEATURE`"),
        ("set type=servce", "`set type=servce`: there is no value `servce`", "did you mean `service`?"),
        ("set certified_until=soon", "`set certified_until=soon`: `soon` is not a date such as `2024-04-12`", None),
    ],
)
def test_a_question_that_cannot_be_asked_is_told(text: str, message: str, help: str | None) -> None:
    with pytest.raises(AuditError) as told:
        questions.parsed(text, lawful.load("wechat").program)
    assert (told.value.message, told.value.help) == (message, help)


@settings(max_examples=drawing.examples(60), phases=UNSHRUNK)
@given(policies.drawn(requests=3))
def test_a_question_in_words_asks_for_the_same_again(drawn: Drawn) -> None:
    policy = lawful.loads(drawn.policy)
    for request in drawn.requests:
        for question in asked_alone(policy, request):
            asked = question.changes[0]
            assert questions.parsed(stepping.told(asked), policy.program) == asked


def test_what_is_asked_twice_is_answered_once() -> None:
    policy = lawful.load("wechat")
    changes = [questions.parsed(text, policy.program) for text in ("set type=service", "set type = service")]
    assert len(stepping.steps(policy.program, changes, AT.date()).steps) == 1


def test_more_rules_than_one_number_holds_are_all_named() -> None:
    limits = [{"id": f"l{number}", "at_most": 1, "per": "day"} for number in range(70)]
    policy = lawful.loads(
        f"policy: many\nversion: '1'\ntimezone: UTC\naccount: {{fields: {{a: {{type: bool}}}}}}\nactions: {{post: {{limits: {json.dumps(limits)}}}}}"
    )
    account = policy.read({"account": {"a": True}, "change": {"do": "post"}, "at": AT})
    found = by_account(Asking(policy, [account], account.changes).answers(duckdb()))
    assert found["0", "do post"] == ("undetermined", " ".join(f"actions.post.limits.l{number}" for number in range(70)))
