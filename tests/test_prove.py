"""`lawful prove`, from a shell and from a program: exit codes, wrong usage, time that is over."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

import lawful
from lawful import schemas
from lawful.cli import main
from lawful.proofs.answers import KINDS, SEVERITIES
from lawful.proofs.asking import questions
from lawful.proofs.errors import ProofError

ROOT = Path(__file__).resolve().parents[1]
DEFECTS = ROOT / "fixtures" / "defects"


def test_wechat_is_proved(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prove", "wechat", "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    jsonschema.validate(told, json.loads(schemas.published("proof")))
    assert {each["status"] for each in told["answers"] if each["severity"] == "error"} == {"proved"}
    assert [each["id"] for each in told["answers"] if each["status"] != "proved"] == ["prove.stuck.type.enterprise"]
    assert [each["id"] for each in told["answers"]] == [each.id for each in questions(lawful.load("wechat").program)]


@pytest.mark.parametrize(
    ("name", "options", "code"),
    [
        ("third-type", [], 1),
        ("third-type", ["--question", "final"], 0),
        ("no-way-out", [], 0),
        ("no-way-out", ["--strict"], 1),
        ("third-type", ["--timeout", "0.001"], 3),
    ],
)
def test_the_exit_code_is_the_answer(
    name: str, options: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["prove", str(DEFECTS / name / "defect.yaml"), *options]) == code
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("lang", "told"), [("en", "not settled within 0.001 s"), ("zh", "0.001秒内未能判定")])
def test_what_is_not_settled_says_so(lang: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(DEFECTS / "third-type" / "repaired.yaml")
    assert main(["prove", path, "--timeout", "0.001", "--question", "invariant", "--lang", lang]) == 3
    assert told in capsys.readouterr().out


def test_a_refutation_is_told_step_by_step(capsys: pytest.CaptureFixture[str]) -> None:
    main(["prove", str(DEFECTS / "third-type" / "defect.yaml"), "--question", "invariant", "--lang", "en"])
    steps = [
        line.split(maxsplit=2)[2] for line in capsys.readouterr().out.splitlines() if line.startswith(" " * 8 + "20")
    ]
    assert steps == [
        "registered: type: subscription",
        "set type: service",
        "set type: frozen",
        "set type: subscription",
        "the account: type: subscription",
    ]


def test_once_by_a_counter_alone_is_told_from_once_by_the_history(capsys: pytest.CaptureFixture[str]) -> None:
    path = str(DEFECTS / "counter-reset" / "defect.yaml")
    assert main(["prove", path, "--question", "once", "--format", "json"]) == 1
    told = json.loads(capsys.readouterr().out)
    (answer,) = told["answers"]
    assert answer["counted_by"] == "account.upgrades"
    assert (
        answer["told"]["zh"]
        == "申请不提供历史记录、仅凭account.upgrades计数时：5步之后不成立；提供完整历史记录时已证明"
    )
    assert all("history" not in each["request"] for each in answer["witness"])
    assert (
        told["assumptions"][1]["en"]
        == f"the history given is whole; {answer['id']} is asked of requests that state none, too"
    )
    assert main(["prove", path, "--question", "final", "--question", "invariant", "--lang", "en"]) == 0
    assert "assumed: the history given is whole\n" in capsys.readouterr().out


def test_what_never_is_by_the_clock_is_told_with_the_days_that_were_looked_at() -> None:
    answers = (
        lawful.loads("""
policy: far
version: "1"
account: {fields: {n: {type: int, outside: true}}}
actions:
  late: {requires: today.getFullYear() > 2150}
  odd: {requires: account.n > 3 && account.n < 4}
""")
        .prove("unusable")
        .answers
    )
    assert [each.told.en for each in answers if each.question.subject.startswith("actions.")] == [
        "nobody can ever use it: no account can satisfy actions.late, from 2000-01-01 to 2100-12-31",
        "nobody can ever use it: no account can satisfy actions.odd",
    ]


def test_a_question_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prove", "wechat", "--question", "finl"]) == 2
    assert capsys.readouterr().err == "error: there is no question `finl`\n  = help: did you mean `final`?\n"
    with pytest.raises(ProofError):
        lawful.load("wechat").prove("finl")


def test_a_kind_of_which_there_is_nothing_is_answered() -> None:
    assert lawful.load("wechat").prove("feature_table").answers == ()


def test_without_z3_it_says_what_to_install() -> None:
    code = "import sys; sys.modules['z3'] = None; from lawful.cli import main; sys.exit(main(['prove', 'wechat']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == ("error: a proof needs `z3`, which is not installed\n  = help: pip install 'lawful[prove]'\n")


def test_lint_tells_of_doubtful_rules_where_z3_is_installed() -> None:
    path = str(DEFECTS / "shadowed-deny" / "defect.yaml")
    code = "import sys; {}; from lawful.cli import main; sys.exit(main(['lint', sys.argv[1]]))"
    for first, told in (("pass", 1), ("sys.modules['z3'] = None", 0)):
        command = [sys.executable, "-c", code.format(first), path]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout.count("warning[shadowed-rule]"), done.stderr) == (0, told, "")


def test_every_kind_of_question_has_its_heading() -> None:
    page = (ROOT / "docs" / "proofs.md").read_text("utf-8")
    assert re.findall(r"^## prove\.(\w+)$", page, re.MULTILINE) == list(KINDS)
    told = re.findall(r"^## prove\.\w+\n\n(\w+)\.", page, re.MULTILINE)
    assert told == [SEVERITIES[kind].capitalize() for kind in KINDS]


PIT = """
policy: pit
version: "1"
account:
  fields:
    type: {enum: [sub, pit, other]}
    city: {enum: [a, b], fixed: true, default: a}
lifecycle:
  type:
    initial: sub
    transitions:
      fall: {from: sub, to: pit}
      crawl: {from: pit, to: other}
      again: {from: other, to: sub}
constraints:
  in-a: {when: account.type == 'other', requires: account.city == 'a'}
  in-b: {when: account.type == 'other', requires: account.city == 'b'}
"""


def test_what_nobody_can_leave_is_stuck_and_no_trap() -> None:
    answers = {each.question.id: each for each in lawful.loads(PIT).prove("stuck", "trap").answers}
    told = {id.removeprefix("prove."): (each.status, each.told.en) for id, each in answers.items()}
    assert told == {
        "stuck.type.sub": ("proved", "some account can leave it"),
        "stuck.type.pit": ("refuted", "transitions that leave it are declared, and nobody can ever make one"),
        "stuck.type.other": ("refuted", "no account ever has it, so that nobody leaves it"),
        "trap.type.sub": ("proved", "whoever can leave it can do so without a finding"),
        "trap.type.pit": ("proved", "nobody can leave it at all, as prove.stuck tells"),
        "trap.type.other": ("proved", "nobody can leave it at all, as prove.stuck tells"),
    }


STAGES = """
policy: stages
version: "1"
account:
  fields:
    stage: {enum: [basic, plus]}
    FIELD
lifecycle:
  stage:
    initial: [basic]
    transitions:
      upgrade: {from: basic, to: plus}
      back: {from: plus, to: basic, EFFECT}
ACTIONS
constraints:
  enough: {when: WHEN, requires: REQUIRES, severity: warning}
"""
IN_PLUS = "account.stage == 'plus'"


def asked_of_stages(**parts: str) -> tuple[str, str]:
    written = STAGES
    for name in ("field", "effect", "actions", "when", "requires"):
        written = written.replace(name.upper(), parts.get(name, ""))
    (answer,) = lawful.loads(written).prove("trap.stage.basic", timeout=20).answers
    return answer.status, answer.told.en


def test_a_trap_is_a_matter_of_what_lasts() -> None:
    """Some account leaves it clean in each of these."""
    city = {"field": "city: {enum: [a, b], fixed: true}", "when": IN_PLUS, "requires": "account.city == 'a'"}
    assert asked_of_stages(**city) == (
        "refuted",
        "while city is b, whoever leaves it has a finding (constraints.enough), and nothing ever changes that",
    )
    set_free = {**city, "field": "city: {enum: [a, b], settable: {}}"}
    assert asked_of_stages(**set_free) == ("proved", "whoever can leave it can do so without a finding")
    waits = {
        "field": "since: date",
        "effect": "effects: {since: today}",
        "actions": 'registration: {requires: "!has(account.since)"}',
        "when": f"{IN_PLUS} && has(account.since)",
        "requires": '"daysBetween(account.since, today) >= 45"',
    }
    assert asked_of_stages(**waits)[0] == "proved"


def test_what_is_found_anyway_is_not_found_for_leaving() -> None:
    city = {"field": "city: {enum: [a, b], fixed: true}", "requires": "account.city == 'a'"}
    assert asked_of_stages(when=IN_PLUS, **city)[0] == "refuted"
    assert asked_of_stages(when="has(account.stage)", **city)[0] == "proved"


def test_a_way_out_that_is_too_long_to_be_found_is_not_settled() -> None:
    points = {
        "field": "points: {type: int, min: 0, default: 0}",
        "actions": "actions: {collect: {effects: {points: account.points + 1}}}",
        "when": IN_PLUS,
    }
    assert asked_of_stages(**points, requires="account.points >= 2")[0] == "proved"
    assert asked_of_stages(**points, requires="account.points >= 9")[0] == "unsettled"


def test_everything_in_the_language_is_settled() -> None:
    policy = lawful.load(ROOT / "fixtures" / "library-cards")
    answers = policy.prove(timeout=60).answers
    late = [each.question.id for each in answers if each.status == "unsettled"]
    assert len(late) <= 1  # of two hundred, on a busy machine: then it is asked by itself
    answers = [*answers, *(policy.prove(each, timeout=60).answers[0] for each in late)]
    assert [each for each in late if answers[-1].status == "unsettled"] == []
    assert {each.question.id for each in answers if each.status == "refuted"} == {
        "prove.dead.features.catalogue",
        "prove.dead.features.maker_space",
        "prove.conflict.constraints.pickup-open",
        "prove.effect.actions.extend.effects.expires",
        "prove.effect.events.email_bounced.effects.email_verified",
        "prove.feature_table.services.csv",
    }


ON_THE_31ST = """
policy: rolling
version: "1"
account: {fields: {sent: {type: int, min: 0, default: 0}}}
actions:
  send: {limit: {at_most: 1, within: {months: 6}}, in_force: {from: 2018-12-31, until: 2019-01-01}}
"""


def test_what_happened_within_months_is_told_on_a_day_that_the_month_before_did_not_have() -> None:
    answers = lawful.loads(ON_THE_31ST).prove("dead").answers
    assert [each.status for each in answers if "limit" in each.question.id] == ["proved"]


ADDRESS = """
policy: address
version: "1"
account:
  fields: {email: {type: string, settable: {requires: "size(request.code) == 8 && request.code.startsWith('wx')"}}}
request: {fields: {code: string}}
constraints:
  form: {when: has(account.email), requires: "account.email.matches('^[a-z]{2,9}@([a-z]+[.])+[a-z]{2,9}$')"}
"""


def test_texts_are_made_up_that_are_what_the_policy_asks_for() -> None:
    policy = lawful.loads(ADDRESS)
    answers = {each.question.id: each for each in policy.prove().answers}
    assert {each.status for each in answers.values()} == {"proved"}
    used = answers["prove.unusable.fields.email.set"].witness
    assert used is not None
    assert policy.check(used.happenings[-1].request).verdict == "allow"


def test_a_gap_is_shown_by_a_change_that_is_refused() -> None:
    policy = lawful.load(DEFECTS / "in-force-gap" / "defect.yaml")
    (answer,) = policy.prove("in_force").answers
    assert answer.witness is not None
    (happening,) = answer.witness.happenings
    assert (happening.at.date().isoformat(), happening.verdict) == ("2024-05-01", "deny")
    assert policy.check(happening.request).reasons[0].rule == "lifecycle.type.unlisted"


EXPIRING = """
policy: expiring
version: "1"
account: {fields: {verified: {type: bool, settable: {}}, badge: {type: bool, settable: {}}}}
constraints: {badge: {when: account.badge, requires: account.verified}}
events: {lapse: {moves: {verified: "false"}}}
"""


def test_an_event_that_breaks_a_constraint_is_told_and_no_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (answer,) = lawful.loads(EXPIRING).prove("effect").answers
    assert (answer.status, answer.question.severity) == ("refuted", "info")
    assert answer.told.en == "its effect can break constraints.badge"
    assert answer.witness is not None
    assert [each.kind for each in answer.witness.happenings] == ["state", "event"]
    path = tmp_path / "expiring.yaml"
    path.write_text(EXPIRING, encoding="utf-8")
    assert main(["prove", str(path), "--question", "effect", "--strict", "--lang", "en"]) == 0
    assert "lapse happens [verified: yes → no]" in capsys.readouterr().out


def test_steps_that_are_not_tried_are_no_time() -> None:
    counter = """
policy: q
version: "1"
account: {fields: {n: {type: int, default: 0}}}
actions: {add: {}}
invariants: {few: {always: "count('add', 'lifetime') < 20"}}
"""
    (answer,) = lawful.loads(counter).prove("invariant").answers
    assert answer.told.en == "not settled by up to 10 steps; more were not tried"
    assert answer.seconds < 30


SLOW = """
import time
from lawful.cli.progress import working
with working(wanted=True) as at:
    at("one long step", 0.0)
    time.sleep(2)
"""


def test_on_a_terminal_one_long_step_is_shown() -> None:
    pty = pytest.importorskip("pty")
    master, slave = pty.openpty()
    subprocess.run([sys.executable, "-c", SLOW], stderr=slave, stdout=subprocess.DEVNULL, check=True)
    assert "one long step" in os.read(master, 10_000).decode()
    os.close(slave)
    os.close(master)


def test_the_gap_is_shown_whatever_else_is_asked() -> None:
    gap = """
policy: gap
version: "1"
account: {fields: {st: {enum: [a, b, c]}, w: {type: bool, default: no}}}
lifecycle:
  st:
    initial: a
    final: b
    transitions:
      go:
        - {from: a, to: b, in_force: {until: 2024-01-01}}
        - {from: a, to: b, in_force: {from: 2024-02-01}}
"""
    policy = lawful.loads(gap)
    for asked in ((), ("in_force",)):
        answers = {each.id: each for each in policy.prove(*asked).answers}
        witness = answers["prove.in_force.lifecycle.st.go"].witness
        assert witness is not None
        (happening,) = witness.happenings
        assert (happening.what, happening.rules) == ({"set": {"st": "b"}}, ("lifecycle.st.unlisted",))
    stuck = answers_of(policy, "stuck")
    assert stuck["prove.stuck.st.c"] == (
        "refuted",
        "no account ever has it: it is no initial value, and nothing leads to it",
    )


def answers_of(policy: lawful.Policy, *questions: str) -> dict[str, tuple[str, str | None]]:
    return {each.id: (each.status, each.told.en) for each in policy.prove(*questions).answers}


def test_what_stands_in_the_way_is_named() -> None:
    policy = lawful.loads("""
policy: way
version: "1"
account: {fields: {st: {enum: [a, b]}, n: {type: int, outside: true}, m: {type: int, outside: true}}}
lifecycle: {st: {initial: a, transitions: {ab: {from: a, to: b, requires: account.n > 10}}}}
constraints: {small: {when: account.st == 'b', requires: account.n < 5}}
actions:
  both: {requires: [account.m == 1, account.st == 'a']}
  never: {requires: account.m / 0 == 1}
""")
    answers = answers_of(policy, "unusable", "dead")
    assert {id: told for id, told in answers.items() if told[0] == "refuted"} == {
        "prove.unusable.lifecycle.st.ab": (
            "refuted",
            "nobody can ever use it: no account can satisfy lifecycle.st.ab and constraints.small together",
        ),
        "prove.unusable.actions.never": ("refuted", "nobody can ever use it: no account can satisfy actions.never"),
        "prove.dead.actions.never": (
            "refuted",
            "what it requires is never known, whatever the account and the day",
        ),
    }


def test_both_defects_of_a_table_are_told_with_their_columns(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(
        """
policy: table
version: "1"
account: {fields: {kind: {enum: [x, z], fixed: true}, n: {type: int, min: 0, outside: true}}}
feature_tables:
  - file: t.csv
    columns: {small: account.n < 10, large: account.n > 10, zed: account.kind == 'z'}
    cells: {"1": yes, "0": no}
""",
        encoding="utf-8",
    )
    (tmp_path / "t.csv").write_text("feature,small,large,zed\npay,0,1,1\nmenu,1,1,1\n", encoding="utf-8")
    (answer,) = lawful.load(tmp_path).prove("feature_table").answers
    assert (answer.status, answer.told.en) == (
        "refuted",
        (
            "no column applies to the first account; for pay the column of `account.kind == 'z'` says yes to the second, "
            "and that of `account.n < 10` no"
        ),
    )
    assert answer.witness is not None
    first, second = ((each.request or {})["account"] for each in answer.witness.happenings)
    assert first["n"] == 10
    assert first.get("kind") != "z"
    assert second["n"] < 10
    assert second["kind"] == "z"


ONCE = """
policy: once
version: "1"
account:
  fields: {{st: {{enum: [a, b], settable: {{}}}}, done: {{type: int, min: 0, max: 9, default: 0}}}}
registration: {{requires: account.done == 0}}
actions:
  act:
    limits: [{{id: o, at_most: 1, per: lifetime, when: account.st == 'a', counted_by: account.done}}]
    effects: {{done: account.done + 1}}
  reset: {{effects: {{done: {left}}}}}
"""


def test_once_is_asked_where_it_has_a_condition() -> None:
    (kept,) = lawful.loads(ONCE.format(left="account.done")).prove("once").answers
    assert (kept.id, kept.status) == ("prove.once.actions.act.limits.o", "proved")
    assert kept.question.title.en == "act happens at most once where account.st == 'a'"
    policy = lawful.loads(ONCE.format(left="0"))
    (lost,) = policy.prove("once").answers
    assert lost.status == "refuted"
    assert lost.witness is not None
    assert [each.what for each in lost.witness.happenings if each.what == {"do": "act"}] == [{"do": "act"}] * 2
    for each in lost.witness.happenings:
        if each.kind in ("register", "change"):
            assert policy.check(each.request).verdict == "allow"


def test_what_was_proved_helps_to_prove_the_rest() -> None:
    policy = lawful.loads("""
policy: counted
version: "1"
account:
  fields: {lvl: {type: int, min: 0, max: 3, default: 0}, n: {type: int, default: 0}, seen: {type: bool, default: no}}
registration: {requires: [account.lvl == 0, account.n == 0]}
actions:
  up: {effects: {lvl: account.lvl + 1}}
  seven: {effects: {n: account.n + 7}}
  three: {requires: account.n == 3}
  send: {limit: {at_most: 2, per: month}, effects: {seen: "true"}}
  often: {requires: "count('send', 'month') >= 3"}
  unseen: {requires: "!account.seen && count('send', 'lifetime') > 0"}
invariants:
  few: {never: "count('up', 'lifetime') > 3"}
  counted: {never: "count('up', 'lifetime') != account.lvl"}
  sevens: {always: account.n % 7 == 0}
""")
    answers = answers_of(policy, "invariant", "unusable")
    assert {id for id, told in answers.items() if told[0] == "refuted"} == {
        "prove.unusable.actions.three",
        "prove.unusable.actions.often",
        "prove.unusable.actions.unseen",
    }
    assert {told[0] for id, told in answers.items() if id.startswith("prove.invariant.")} == {"proved"}


def test_dates_that_are_free_are_usual_ones() -> None:
    policy = lawful.loads("""
policy: dated
version: "1"
account: {fields: {st: {enum: [a, b]}, cert: {type: date, outside: true}}}
lifecycle: {st: {initial: a, transitions: {ab: {from: a, to: b, requires: has(account.cert)}}}}
actions: {send: {limit: {at_most: 1, per: month}}}
invariants:
  good: {never: account.st == 'b' && account.cert < today}
  apart: {never: "count('send', '30 days') > 1"}
""")
    for answer in policy.prove("invariant").answers:
        assert answer.status == "refuted"
        assert answer.witness is not None
        for each in answer.witness.happenings:
            assert each.at.year in (2025, 2026)
            assert (each.request or {}).get("account", {}).get("cert", "2025")[:4] > "2014"


def test_what_is_no_longer_in_force_is_shown_on_a_day_that_is_known() -> None:
    policy = lawful.loads("""
policy: ended
version: "1"
account: {fields: {paid: {type: bool, outside: true}}}
actions: {renew: [{requires: account.paid, in_force: {until: 2016-03-01}}]}
""")
    for kind in ("dead", "unusable"):
        answer = policy.prove(f"prove.{kind}.actions.renew").answers[0]
        assert answer.witness is not None
        assert {each.at.date().isoformat() for each in answer.witness.happenings} == {"2016-02-29"}


VERSIONS = """
policy: versions
version: "1"
account: {fields: {n: {type: int, min: 0, max: 9, settable: {}}}}
actions:
  turn:
    rules:
      one: [{requires: account.n > 5, in_force: {until: 2024-01-01}}, {requires: account.n > 7, in_force: {from: 2024-01-01}}]
      two: [{requires: account.n > 8, in_force: {until: 2024-01-01}}, {requires: account.n < 7, in_force: {from: 2024-01-01}}]
  always:
    rules:
      one: {requires: account.n > 5}
      two: [{requires: account.n > 6, in_force: {until: 2024-01-01}}, {requires: account.n > 7, in_force: {from: 2024-01-01}}]
  never:
    rules:
      one: {requires: account.n > 5}
      six: [{requires: account.n < 6, in_force: {until: 2024-01-01}}, {requires: account.n < 5, in_force: {from: 2024-01-01}}]
  thrice:
    rules:
      one: {requires: account.n > 5}
      two:
        - {requires: account.n < 7, in_force: {until: 2020-01-01}}
        - {requires: account.n < 3, in_force: {from: 2020-01-01, until: 2022-01-01}}
        - {requires: account.n < 7, in_force: {from: 2022-01-01, until: 2024-01-01}}
        - {requires: account.n < 2, in_force: {from: 2024-01-01}}
  spread:
    rules:
      low: {requires: account.n > 2}
      high: {requires: account.n < 7}
      mid: {requires: account.n > 0 && account.n < 9}
      ends: {requires: account.n != 1 && account.n != 8}
"""


def test_what_is_so_of_one_version_is_told_with_its_days() -> None:
    answers = lawful.loads(VERSIONS).prove("conflict", "shadowed").of("refuted")
    told = {each.question.id.removeprefix("prove."): each.told.en.replace("actions.", "") for each in answers}
    apart = "where it and {} apply, they are never satisfied together"
    assert told == {
        "shadowed.actions.turn.rules.one": "whenever it is broken, so is turn.rules.two (until 2024-01-01)",
        "conflict.actions.turn.rules.two": apart.format("turn.rules.one") + " (from 2024-01-01)",
        "shadowed.actions.always.rules.one": "whenever it is broken, so is always.rules.two",
        "conflict.actions.never.rules.six": apart.format("never.rules.one"),
        "conflict.actions.thrice.rules.two": apart.format("thrice.rules.one")
        + " (from 2020-01-01 until 2022-01-01, from 2024-01-01)",
        "shadowed.actions.spread.rules.mid": "whenever it is broken, so is one of spread.rules.low, spread.rules.high",
        "shadowed.actions.spread.rules.ends": "whenever it is broken, so is one of spread.rules.low, spread.rules.high",
    }
    (turned,) = [each for each in answers if each.question.subject == "actions.turn.rules.two"]
    assert turned.told.zh.endswith("不可能都满足（自2024-01-01起）")


def test_a_pause_makes_no_rule_needless_but_a_denial_may() -> None:
    asked = lawful.load("wechat-official").prove("shadowed.lifecycle.type.upgrade.limit").answers
    assert [each.status for each in asked] == ["proved"]
    rules = '{a: {when: account.n > 3, requires: "false"}, b: {when: account.n > 5, requires: "false"}}'
    policy = f"""
policy: denials
version: "1"
account: {{fields: {{n: {{type: int, min: 0, max: 9, settable: {{}}}}}}}}
actions: {{deny: {{rules: {rules}}}}}
"""
    (answer,) = lawful.loads(policy).prove("shadowed", "dead").of("refuted")
    assert answer.question.id == "prove.shadowed.actions.deny.rules.b"


PAUSED = """
policy: paused
version: "1"
account: {fields: {n: {type: int, min: 0, max: 9, settable: {}}}}
actions:
  send:
    rules:
      gate:
        - {requires: "false", in_force: {until: 2024-01-01}}
        - {requires: account.n > 5, in_force: {from: 2024-01-01}}
      many: {requires: account.n > 3}
  call:
    rules:
      stop: {requires: "false", in_force: {until: 2020-01-01}}
      gate:
        - {requires: account.n > 4, in_force: {from: 2020-01-01, until: 2024-01-01}}
        - {requires: account.n > 5, in_force: {from: 2024-01-01}}
      many: {requires: account.n > 3}
  mail:
    - {requires: "false", in_force: {until: 2024-01-01}, rules: {most: {requires: account.n > 3}}}
    - {requires: account.n < 3, in_force: {from: 2024-01-01}}
"""


def test_what_alone_can_refuse_does_so_while_nothing_is_paused() -> None:
    answers = lawful.loads(PAUSED).prove("shadowed").answers
    told = {each.question.subject.removeprefix("actions."): each.told.en for each in answers}
    assert told["send.rules.many"] == "whenever it is broken, so is actions.send.rules.gate (from 2024-01-01)"
    assert told["call.rules.many"] == "whenever it is broken, so is actions.call.rules.gate (from 2020-01-01)"
    assert told["mail.rules.most"] == "it can fail only while the change is paused"
    assert told["mail"] == told["send.rules.gate"] == "it alone can refuse"


CLOCKED = """
policy: clocked
version: "1"
account:
  fields:
    state: {enum: [a, b], default: a, settable: {requires: "today < date('2024-01-01')"}}
actions:
  week: {rules: {a: {requires: today.getDayOfWeek() == 1}, b: {requires: today.getDayOfWeek() == 2}}}
  days: {rules: {a: {requires: "today < date('2024-01-01')"}, b: {requires: "today < date('2025-01-01')"}}}
constraints: {late: {when: account.state == 'b', requires: "today > date('2025-01-01')"}}
"""


def test_rules_share_the_clock() -> None:
    answers = lawful.loads(CLOCKED).prove("conflict", "shadowed").answers
    assert {each.question.id: each.told.en for each in answers if each.status == "refuted"} == {
        "prove.conflict.actions.week.rules.b": "where it and actions.week.rules.a apply, they are never satisfied together",
        "prove.conflict.constraints.late": "where it and fields.state.set apply to `set state=b`, they are never satisfied together",
        "prove.shadowed.actions.days.rules.b": "whenever it is broken, so is actions.days.rules.a",
    }
    assert {each.told.en for each in answers if each.question.kind == "conflict" and each.status == "proved"} == {
        "it excludes no other rule that speaks of the same"
    }
