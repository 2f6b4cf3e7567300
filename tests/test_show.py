"""Policies for people to read: in words and as diagrams, against golden files; and the schemas."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

import lawful
from lawful import schemas
from lawful.document import read
from lawful.ir import Language
from lawful.matrix.grid import matrix
from lawful.schemas.made import made
from lawful.show.diagram import diagram
from lawful.show.line import plain
from lawful.show.listing import ir_text, program_json
from lawful.show.rules import rules_in_words
from lawful.show.words import Words
from lawful.source import Source

ROOT = Path(__file__).parent.parent
PACKS = [ROOT / "policies" / "wechat", ROOT / "fixtures" / "library-cards"]
Golden = Callable[[str, str], None]

pack = pytest.mark.parametrize("folder", PACKS, ids=lambda folder: folder.name)
language = pytest.mark.parametrize("language", ["en", "zh"])


@pack
@language
def test_rules_in_words(folder: Path, language: Language, golden: Golden) -> None:
    program = lawful.load(folder).program
    golden(f"show/{folder.name}.{language}.txt", plain(rules_in_words(program, language)))


@pack
@language
def test_diagrams(folder: Path, language: Language, golden: Golden) -> None:
    program = lawful.load(folder).program
    drawn = [diagram(program, field, language) for field in program.lifecycles]
    golden(f"show/{folder.name}.{language}.mmd", "\n".join(drawn))


@pack
def test_ir(folder: Path, golden: Golden) -> None:
    golden(f"show/{folder.name}.ir.txt", ir_text(lawful.load(folder).program))


@pack
def test_the_program_is_json(folder: Path) -> None:
    program = lawful.load(folder).program
    data = json.loads(json.dumps(program_json(program)))
    assert [each["id"] for each in data["rules"]] == [each.id for each in program.rules]


# --------------------------------------------------------------------------------------------------------- diagrams

AWKWARD = """
policy: awkward
version: '1: "a"'
title: {en: 'Say "so": a; b'}
account:
  fields:
    type:
      enum:
        end: {en: 'the end: "really"; #1 {x}', zh: 终点}
        订阅号: {en: subscription}
        a-b: {en: dash}
lifecycle:
  type:
    transitions:
      there: {from: [订阅号, a-b], to: end, title: {en: 'go: there; <b>now</b>'}}
      back: {from: 订阅号, to: a-b}
      again: {from: a-b, to: 订阅号, in_force: {until: 2019-01-01}}
"""


def test_names_and_texts_of_every_kind_are_safe_in_a_diagram() -> None:
    drawn = diagram(lawful.loads(AWKWARD).program, "type")
    assert drawn == (
        '---\ntitle: "Say \\"so\\": a; b 1: \\"a\\": type"\n---\nstateDiagram-v2\n'
        '    state "the end#58; #34;really#34;#59; #35;1 #123;x#125;" as state_1\n'
        '    state "subscription" as state_2\n'
        '    state "dash" as state_3\n'
        "    state_2 --> state_1 : go#58; there#59; #60;b#62;now#60;/b#62;<br>⇥ one way\n"
        "    state_3 --> state_1 : go#58; there#59; #60;b#62;now#60;/b#62;<br>⇥ one way\n"
        "    state_2 --> state_3 : back\n"
        "    state_3 --> state_2 : again<br>until 2019-01-01\n"
    )
    assert 'state "终点" as state_1' in diagram(lawful.loads(AWKWARD).program, "type", "zh")


# ---------------------------------------------------------------------------------------------------------- schemas


@cache
def validator(name: str) -> Any:
    schema = json.loads(schemas.published(name))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def mistakes(name: str, data: Any) -> list[str]:
    return [f"{each.json_path}: {each.message}" for each in validator(name).iter_errors(data)]


class Untimed(yaml.SafeLoader):
    """YAML as editors read it: dates are texts, the rest has the types of YAML."""


Untimed.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def as_an_editor_reads(text: str) -> Any:
    return json.loads(json.dumps(yaml.load(text, Untimed)))


def as_lawful_reads(text: str) -> Any:
    return read(Source("x.yaml", text))[0].data


@pytest.mark.parametrize("name", schemas.NAMES)
def test_the_published_schemas_are_current(name: str) -> None:
    assert schemas.published(name) == made(name), "run python -m lawful.schemas"


@pytest.mark.parametrize("reads", [as_an_editor_reads, as_lawful_reads])
@pytest.mark.parametrize("folder", [*PACKS, ROOT / "engine/lawful/cli/starter"], ids=lambda folder: folder.name)
@pytest.mark.parametrize("name", ["policy", "cases"])
def test_every_policy_fits_its_schema(folder: Path, name: str, reads: Callable[[str], Any]) -> None:
    assert mistakes(name, reads((folder / f"{name}.yaml").read_text(encoding="utf-8"))) == []


SMALL = "policy: p\nversion: 1.0\naccount: {fields: {a: bool, b: {enum: [x, y]}}}\n"


@pytest.mark.parametrize(
    "text",
    [
        "conditions: {c: account.a, d: {when: account.a}}",
        "actions: {a: {requires: account.a, limit: once, effects: {a: true}, cost: 5}}",
        "actions: {a: [{in_force: {until: 2019-01-01}}, {in_force: {from: 2019-01-01}, cost: {days: '7'}}]}",
        "features: {f: {needs: g, obligations: pay}, g: {obligations: [{en: pay, zh: 付款}]}}",
        "feature_tables: [{file: t.csv, columns: {C: account.a}, cells: {'1': yes, '0': no, A: {obligations: pay}}}]",
        "constraints: {c: {per: account.b, at_most: 2}}\ninvariants: {i: {never: account.a}}",
        "lifecycle: {b: {initial: x, transitions: {t: {from: x, to: [y], limits: [{at_most: 1, within: {days: 3}}]}}}}",
        "title: P\nrequest: {fields: {r: {type: int, min: 0, max: 9, default: 1}}}\nregistration: {requires: account.a}",
    ],
)
def test_every_short_form_fits_the_schema(text: str) -> None:
    assert mistakes("policy", as_an_editor_reads(SMALL + text)) == []
    assert mistakes("policy", as_lawful_reads(SMALL + text)) == []


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("titel: P", "$"),
        ("conditions: {c: {wenn: account.a}}", "$.conditions.c"),
        ("actions: {a: {limit: twice}}", "$.actions.a"),
        ("lifecycle: {b: {transitions: {t: {from: x}}}}", "$.lifecycle.b.transitions.t"),
        ("constraints: {c: {requires: account.a, severity: fatal}}", "$.constraints.c"),
    ],
)
def test_what_is_not_of_the_language_does_not_fit(text: str, place: str) -> None:
    [mistake] = mistakes("policy", as_an_editor_reads(SMALL + text))
    assert mistake.startswith(f"{place}:")


REQUESTS: list[dict[str, Any]] = [
    {"account": {"type": "subscription"}, "change": {"set": {"type": "service"}}, "at": "2025-03-01"},
    {
        "account": {"type": "service", "features": []},
        "change": {"enable": "wechat_pay"},
        "history": [],
        "at": "2025-03-01",
    },
    {"account": {"type": "service"}, "changes": [{"do": "log_in"}, {"do": "mass_send"}], "at": "2025-03-01"},
    {"account": {"type": "service", "subject": "individual"}, "change": {"register": {}}, "at": "2025-03-01"},
]


@pytest.mark.parametrize("request_", REQUESTS)
def test_requests_and_decisions_fit_their_schemas(request_: dict[str, Any]) -> None:
    assert mistakes("request", request_) == []
    decision = lawful.load("wechat").check(request_)
    assert mistakes("decision", json.loads(decision.model_dump_json(by_alias=True))) == []


def test_possibilities_fit_their_schema() -> None:
    found = lawful.load("wechat").can(account={"type": "service"}, history=[], at="2025-03-01")
    assert mistakes("possibilities", json.loads(found.model_dump_json(by_alias=True))) == []


def test_a_limit_of_a_transition_is_told_without_the_step_it_limits() -> None:
    policy = lawful.loads(
        """
policy: small
version: "1"
account: {fields: {type: {enum: [a, b, c]}, busy: bool}}
lifecycle:
  type:
    transitions:
      go: {from: [a, b], to: c, limit: {at_most: 1, within: {months: 6}, when: account.busy}}
"""
    )
    words = plain(rules_in_words(policy.program, "en"))
    assert "    at most 1 within 6 months, if busy   lifecycle.type.go.limit\n" in words


def test_what_belongs_to_a_rule_stands_indented_under_it() -> None:
    policy = lawful.loads(
        """
policy: small
version: "1"
sources: {law: {title: the law}, guide: {title: the guide}}
account: {fields: {followers: {type: int, outside: true}, type: {enum: [a, b], fixed: true}}}
actions:
  send:
    requires: "account.type == 'a'"
    limit: {at_most: 4, per: month, source: guide}
    rules: {many: {when: account.followers > 9, requires: account.followers < 99, source: guide}}
    source: law
"""
    )
    words = plain(rules_in_words(policy.program, "en"))
    assert words.endswith(
        """
Actions
  send   actions.send
    requires: type is a
    at most 4 a calendar month   actions.send.limit
      source: the guide   policy.yaml:9
    source: the law   policy.yaml:8
    many   actions.send.rules.many
      where followers is more than 9
      requires: followers is less than 99
      source: the guide   policy.yaml:10
"""
    )


def test_what_refuses_nothing_is_told_to_be_only_a_warning() -> None:
    policy = lawful.loads(
        """
policy: small
version: "1"
account: {fields: {followers: {type: int, outside: true}, type: {enum: [a, b], fixed: true}}}
features:
  plain: {}
  gifts: {requires: account.followers >= 3, needs: plain, severity: warning}
  closed: {requires: "account.type == 'a'", severity: warning}
actions:
  hint: {requires: account.followers >= 5, never_after: [hint], severity: info, cost: {cny: 300, days: 2}}
"""
    )
    english, chinese = (plain(rules_in_words(policy.program, language)) for language in ("en", "zh"))
    assert "    requires: followers is at least 3 (only a warning)\n" in english
    verbose = plain(rules_in_words(policy.program, "en"), verbose=True)
    assert "    requires: followers is at least 3 (only a warning)   account.followers >= 3\n" in verbose
    assert "    needs plain\n" in english
    assert "    requires: followers is at least 5 (only for information)\n" in english
    assert "    never after “hint” (only for information)" in english
    assert "    costs: 300 CNY, days 2\n" in english
    assert "    须：followers不少于3（仅警告）\n" in chinese
    gifts, closed = matrix(policy.program, policy.layouts).grids[0].lines[1:]
    assert gifts.cells[0].text.en == "if followers is at least 3 (only a warning) and plain is enabled"
    assert [(each.text.en, each.answer) for each in closed.cells] == [
        ("yes", "yes"),
        ("no (only a warning)", "depends"),
    ]


def test_what_may_be_done_is_called_as_the_version_in_force_is() -> None:
    policy = lawful.loads(
        """
policy: small
version: "1"
account: {fields: {type: {enum: [a, b], fixed: true}}}
actions:
  send:
    - {title: send 10, in_force: {until: 2014-01-01}}
    - {title: send 100, in_force: {from: 2014-01-01}}
"""
    )
    for day, title in (("2013-06-01", "send 10"), ("2026-10-15", "send 100")):
        (found,) = policy.can(account={"type": "a"}, history=[], at=day).possibilities
        assert found.title is not None
        assert found.title.en == title


@pytest.mark.parametrize(
    ("written", "english", "chinese"),
    [
        ("!(!open || !asked)", "it is open and it was asked for", "已开放，且已申请"),
        ("!open || !asked", "unless it is open and it was asked for", "除非已开放，且已申请"),
        ("account.n > 1 || !asked", "if it was asked for, then n is more than 1", "若已申请，则n大于1"),
        (
            "(today >= date('2020-01-01') && today < date('2021-01-01') && open) || today >= date('2021-01-01') && open || asked",
            "it was asked for, or from 2020-01-01: it is open",
            "已申请，或自2020-01-01起：已开放",
        ),
    ],
)
def test_what_is_not_so_is_told_by_what_is_and_days_once(written: str, english: str, chinese: str) -> None:
    policy = lawful.loads(
        f"""
policy: small
version: "1"
account: {{fields: {{n: int, open: bool, asked: bool}}}}
conditions:
  open: {{when: account.open, title: {{en: it is open, zh: 已开放}}}}
  asked: {{when: account.asked, title: {{en: it was asked for, zh: 已申请}}}}
  told: {{when: "{written}"}}
"""
    )
    holds = policy.program.conditions["told"].holds
    assert [Words(policy.program, "en").condition(holds), Words(policy.program, "zh").condition(holds)] == [
        english,
        chinese,
    ]
