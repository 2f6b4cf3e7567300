"""Mutants: what may be changed is; a mutant is what the compiler makes of the policy written so; equivalence is never
said of what can be told apart; a request that is found is a case that catches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import get_args

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import drawing
import lawful
import policies
from lawful import ir
from lawful.cases import Case, read_cases, run
from lawful.engines.reference import evaluate, outcome
from lawful.library import policy_root, shipped_names
from lawful.mutation import operators
from lawful.mutation.answering import Decider, told_apart
from lawful.mutation.calendars import is_of_calendar, ways
from lawful.mutation.distinguishing import Search
from lawful.mutation.equivalence import equivalent
from lawful.mutation.killing import asked, comes_upon, tried, triggers
from lawful.mutation.mutants import Mutant, mutants
from lawful.mutation.noticing import Delta
from lawful.mutation.operators import Operator, changed
from lawful.mutation.pasting import case, yaml_of
from lawful.mutation.score import scored
from lawful.mutation.solving import Solver
from lawful.proofs.diffing import Differ
from lawful.source import Source
from policies import Drawn

ROOT = Path(__file__).parent.parent
PACKS = (ROOT / "policies" / "wechat", ROOT / "fixtures" / "library-cards")
SHIPPED = tuple(policy_root() / name for name in shipped_names())
EACH = [pytest.param(each, id=each.name, marks=pytest.mark.xdist_group(each.name)) for each in (*SHIPPED, PACKS[-1])]
"""Tests of one folder go to one worker: it takes longer to make the mutants of a large pack than to look at them."""
MANY = 120
"""Of larger packs so many mutants, or up to twice as many, are tried; `lawful test PACK --mutants` tries them all."""
UNSHRUNK = [Phase.explicit, Phase.generate]


def silent(step: str, share: float | None = None, /) -> None:
    """Nobody watches."""


def cases_of(folder: Path) -> tuple[Case, ...]:
    path = folder / "cases.yaml"
    return read_cases(Source(path.name, path.read_text(encoding="utf-8"))).cases


@cache
def loaded(folder: Path) -> lawful.Policy:
    return lawful.load(folder)


@cache
def mutants_of(folder: Path) -> tuple[Mutant, ...]:
    return tuple(mutants(loaded(folder).program))


# ----------------------------------------------------------------------------------------------------- operators

UNCHANGED_KINDS = {ir.Clock, ir.Variable}
"""The two clocks have different types. A variable stands beside what is changed, unless it is a truth value itself."""
UNCHANGED_FUNCTIONS = {"size", "date"}
"""Another function of the same operands and type there is none; what they are compared with changes."""


def test_every_kind_of_node_is_changed() -> None:
    met: set[type] = set()

    @settings(max_examples=400, phases=UNSHRUNK)
    @given(drawing.expressions())
    def draw(expr: ir.Expr) -> None:
        for node in ir.walk(expr):
            if any(True for _ in operators._here(node)):
                met.add(type(node))

    draw()
    assert met - {ir.Variable} == set(get_args(ir.Expr)) - UNCHANGED_KINDS


@pytest.mark.parametrize("function", get_args(ir.Function))
def test_every_function_is_changed(function: ir.Function) -> None:
    for operands, _ in ir.SIGNATURES[function]:
        call = ir.Call(function, tuple(ir.Field("account", f"f{n}", each) for n, each in enumerate(operands)))
        assert any(True for _ in operators._here(call)) == (function not in UNCHANGED_FUNCTIONS)


@settings(max_examples=drawing.examples(300))
@given(drawing.expressions())
def test_what_is_changed_differs_in_one_place_and_keeps_its_type(expr: ir.Expr) -> None:
    found = [*changed(expr)]
    assert len({each.expr for each in found}) == len(found)
    for each in found:
        assert each.expr != expr
        assert ir.type_of(each.expr) == ir.type_of(expr)
        assert all((each.words.en, each.words.zh))


@settings(max_examples=drawing.examples(200))
@given(drawing.expressions())
def test_a_node_with_its_own_operands_is_itself(expr: ir.Expr) -> None:
    for node in ir.walk(expr):
        assert operators.with_children(node, ir.children(node)) == node


def test_every_operator_is_used_on_the_packs() -> None:
    used = {each.operator for folder in PACKS for each in mutants_of(folder)}
    assert used == set(get_args(Operator))


# -------------------------------------------------------------------------------------------------------- mutants

WRITTEN = """
policy: small
version: "1"
account:
  fields:
    type: {enum: [a, b, c]}
    fee: {type: int, min: 0, max: 9, settable: {requires: account.type == 'a', in_force: {from: 2020-01-01}}}
    until: date
conditions: {paid: account.fee > 0}
lifecycle:
  type:
    initial: [a, b]
    final: [c]
    transitions:
      go: {from: a, to: [b, c], requires: paid, limit: once, in_force: {from: 2020-01-01}}
      end: {from: b, to: c, never_after: [act], obligations: [{en: settle, when: account.fee > 5}]}
features:
  pay: {requires: [paid, account.type == 'a'], obligations: [sign]}
  shop: {needs: pay}
actions:
  act:
    limits: [{id: daily, at_most: 2, per: day, when: paid}]
    effects: {fee: account.fee + 1, until: "addDays(today, 30)"}
constraints:
  rich:
    - {when: account.type == 'c', requires: account.fee >= 3, in_force: {until: 2021-01-01}}
    - {when: account.type == 'c', requires: account.fee >= 4, in_force: {from: 2021-01-01}}
"""

REWRITTEN = {
    "conditions.paid: `account.fee > 0` becomes `account.fee >= 0`": ("account.fee > 0", "account.fee >= 0"),
    "lifecycle.type.initial: `initial: b` is dropped": ("[a, b]\n", "[a]\n"),
    "lifecycle.type.final: `c` is not final": ("final: [c]", "final: []"),
    "lifecycle.type.go: `to: b` is dropped": ("to: [b, c]", "to: c"),
    "lifecycle.type.initial: `initial` lets in `c` as well": ("[a, b]\n", "[a, b, c]\n"),
    "lifecycle.type.end: `to` lets in `a` as well": ("from: b, to: c,", "from: b, to: [c, a],"),
    "lifecycle.type.go: `paid` becomes `!paid`": ("requires: paid, limit", "requires: '!paid', limit"),
    "lifecycle.type.go: what changes on 2020-01-01 changes on 2020-01-02": (
        "limit: once, in_force: {from: 2020-01-01}",
        "limit: once, in_force: {from: 2020-01-02}",
    ),
    "fields.fee: what changes on 2020-01-01 changes on 2019-12-31": (
        "'a', in_force: {from: 2020-01-01}",
        "'a', in_force: {from: 2019-12-31}",
    ),
    "constraints.rich: what changes on 2021-01-01 changes on 2021-01-02": ("2021-01-01", "2021-01-02"),
    "features.pay: `paid` is dropped": ("requires: [paid, ", "requires: ["),
    "features.pay: the obligation “sign” is dropped": (", obligations: [sign]", ""),
    "lifecycle.type.end: `account.fee > 5` becomes `account.fee >= 5`": ("account.fee > 5", "account.fee >= 5"),
    "actions.act.limits.daily: at most 2 becomes at most 3": ("at_most: 2", "at_most: 3"),
    "actions.act.limits.daily: `when: paid` is dropped": (", when: paid", ""),
    "actions.act.limits.daily: `count('act', 'day')` becomes `count('act', 'month')`": ("per: day", "per: month"),
    "actions.act.effects.fee: the effect on `fee` is dropped": ("fee: account.fee + 1, ", ""),
    "actions.act.effects.fee: `1` becomes `2`": ("account.fee + 1", "account.fee + 2"),
}


@pytest.mark.parametrize("what", REWRITTEN)
def test_a_mutant_is_what_the_compiler_makes_of_the_policy_written_so(what: str) -> None:
    old, new = REWRITTEN[what]
    assert old in WRITTEN
    [made] = [each for each in mutants(lawful.loads(WRITTEN).program) if f"{each.subject}: {each.words.en}" == what]
    assert in_essence(made.program) == in_essence(lawful.loads(WRITTEN.replace(old, new)).program)


def in_essence(program: ir.Program) -> ir.Program:
    """Without where it is written, and without what it was computed from."""
    nowhere = ir.Place("", 1, 1)
    return replace(
        program,
        digest="",
        rules=tuple(replace(each, place=nowhere) for each in program.rules),
        moves=tuple(replace(each, place=nowhere) for each in program.moves),
        conditions={name: replace(each, place=nowhere) for name, each in program.conditions.items()},
        features={name: replace(each, place=nowhere) for name, each in program.features.items()},
        lifecycles={name: replace(each, place=nowhere) for name, each in program.lifecycles.items()},
    )


@pytest.mark.parametrize("folder", PACKS, ids=lambda folder: folder.name)
def test_mutants_are_the_same_every_time_and_each_has_its_name(folder: Path) -> None:
    names = [each.name for each in mutants_of(folder)]
    assert len(set(names)) == len(names)
    assert names == [each.name for each in mutants(lawful.load(folder).program)]


def assert_each_is_another(made: Iterable[Mutant]) -> None:
    found: dict[tuple[str, str], list[ir.Program]] = {}
    without_step: dict[int, tuple[ir.Move, ir.Move]] = {}  # most moves are those of the policy, the very same objects
    for each in made:
        alike = found.setdefault((each.subject, each.words.best("en")), [])
        for move in each.program.moves:
            if id(move) not in without_step:
                without_step[id(move)] = (move, replace(move, step=None))
        other = replace(each.program, moves=tuple(without_step[id(move)][1] for move in each.program.moves))
        assert other not in alike, each.name
        alike.append(other)


@pytest.mark.parametrize("folder", EACH)
def test_no_two_mutants_are_one(folder: Path) -> None:
    assert_each_is_another(mutants_of(folder))


def test_a_transition_is_dropped_once() -> None:
    program = lawful.loads(
        """
policy: one
version: "1"
account: {fields: {k: {enum: [a, b, c]}}}
lifecycle: {k: {transitions: {ab: {from: a, to: b}}}}
"""
    ).program
    assert_each_is_another(mutants(program))
    words = [each.words.en for each in mutants(program) if each.subject == "lifecycle.k.ab"]
    assert words.count("the transition is dropped") == 1


def test_no_mutant_has_two_transitions_for_one_step_on_one_day() -> None:
    """Nor would the compiler take the policy that is written so."""
    policy = lawful.loads(
        """
policy: two
version: "1"
account: {fields: {k: {enum: [a, b]}}}
lifecycle:
  k:
    transitions:
      early: {from: a, to: b, in_force: {until: 2020-01-01}}
      late: {from: a, to: b, in_force: {from: 2020-01-01}}
"""
    )
    made = [(each.subject, each.words.en) for each in mutants(policy.program) if each.operator == "period"]
    assert made == [
        ("lifecycle.k.early", "what changes on 2020-01-01 changes on 2019-12-31"),
        ("lifecycle.k.late", "what changes on 2020-01-01 changes on 2020-01-02"),
    ]


@settings(max_examples=drawing.examples(40), phases=UNSHRUNK)
@given(policies.drawn(requests=3))
def test_a_case_that_cannot_come_upon_a_change_is_answered_alike(drawn: Drawn) -> None:
    """What `killing` leaves out for speed could not have caught anything."""
    policy = lawful.loads(drawn.policy)
    decider = Decider(policy.program)
    questions = [policy.read(request) for request in readable(policy, drawn)]
    for mutant in [*mutants(policy.program)][::7]:
        other, delta = Decider(mutant.program), Delta(policy.program, mutant.program)
        for each in questions:
            judgement = decider.judge.judge(each, "reference")
            if not (comes_upon(triggers(each), mutant) and delta.may_show(judgement)):
                assert told_apart(decider.answer(each), other.answer(each)) is None


def test_a_case_that_is_not_asked_would_catch_nothing() -> None:
    """Cases also expect facts to be missing, which no answer that is compared says."""
    policy = loaded(PACKS[1])
    cases = asked(policy, cases_of(PACKS[1])[::5])
    passed_over = 0
    for mutant in mutants_of(PACKS[1])[::17]:
        decider, delta = Decider(mutant.program), Delta(policy.program, mutant.program)
        for each in cases:
            if comes_upon(each.triggers, mutant) and not each.may_notice(mutant, delta):
                passed_over += 1
                assert not each.catches(decider), (mutant.words.en, each.case.name)
    assert passed_over > 100


# ---------------------------------------------------------------------------------------------------- equivalence

CALENDAR = [
    "now.getDate('Asia/Shanghai') == now.getDate('America/Sao_Paulo')",
    "now.getMonth('Asia/Shanghai') == today.getMonth()",
    "now.getFullYear('UTC') == now.getFullYear('Asia/Shanghai')",
    "now.getDayOfWeek('America/Sao_Paulo') < today.getDayOfWeek()",
    "[1, 2, 3].exists(d, d == now.getDayOfWeek('Pacific/Auckland'))",
    "today.getMonth() == 1 && today.getDate() == 29",
    "today.getFullYear() >= 2017",
]


def test_what_parts_of_dates_come_to_together_is_what_they_may_come_to() -> None:
    """Every instant of which the reference is asked comes to something that is listed; and not everything is."""
    policy = lawful.loads(
        "policy: p\nversion: '1'\ntimezone: Europe/Berlin\naccount: {fields: {a: bool}}\nactions: {go: {}}\n"
    )
    atoms = [policy.condition(each) for each in CALENDAR]
    parts = [part for each in atoms for part in (each.operands if isinstance(each, ir.And) else (each,))]
    assert all(is_of_calendar(each) for each in parts)
    found = set(ways(parts, policy.zone))
    random = Random(7)
    for _ in range(drawing.examples(1000)):
        at = datetime(1950, 1, 1, tzinfo=UTC) + timedelta(minutes=random.randrange(150 * 365 * 1440))
        question = policy._reader.account({"account": {}, "at": at.isoformat()})
        situation = policy._judge.situation(question)
        assert tuple(evaluate(each, situation) for each in parts) in found, at
    assert len(found) < 2 ** len(parts) / 2
    assert not any(is_of_calendar(policy.condition(each)) for each in ("today >= date('2020-01-01')", "account.a"))


@settings(max_examples=drawing.examples(300), phases=UNSHRUNK)
@given(drawing.cases(drawing.SMALL))
def test_what_is_proved_equivalent_has_the_same_outcome_everywhere(drawn: drawing.Case) -> None:
    base = lawful.loads(WRITTEN).program
    for rule in drawn.rules:
        program = replace(
            base,
            account=drawn.world.account,
            request=drawn.world.request,
            conditions=drawn.conditions,
            rules=(rule,),
            moves=(),
        )
        for each in changed(rule.requires):
            other = replace(rule, requires=each.expr)
            for situation in drawn.situations:
                zoned = replace(program, timezone=situation.zone.key)
                if equivalent(zoned, replace(zoned, rules=(other,))):
                    assert outcome(rule, situation) == outcome(other, situation), each.words.en


MANY_FACTS = "account.fee % 4 == 3 && " + " && ".join(
    f"count('act', '{window}') == 0" for window in ("day", "month", "year", "2 days", "3 days")
)
PROVED = [
    ("account.fee > 0", "account.fee >= 1", True),
    ("account.fee > 0", "account.fee != 0", True),  # it has no values below
    ("account.fee > 0", "account.fee >= 2", None),
    ("account.fee % 4 == 3", "account.fee % 4 > 2", True),
    ("account.type == 'a' && account.type != 'b'", "account.type == 'a'", True),
    ("account.type == 'a' || !has(account.type)", "account.type == 'a'", None),
    ("account.until >= date('2024-01-01')", "account.until > date('2023-12-31')", True),
    ("addDays(account.until, 1) > date('2024-01-01')", "account.until >= date('2024-01-01')", None),  # fails later
    ("account.until >= today && account.fee > 0", "account.fee > 0 && account.until >= today", True),
    ("account.until >= today", "account.until > today", None),
    ("count('act', 'day') == 0", "count('act', 'day') <= 0", True),
    ("count('act', 'day') == 0", "count('act', 'month') == 0", None),
    ("date(now) < date('2024-01-02')", "now < timestamp('2024-01-02T00:00:00Z')", True),
    ("today.getMonth() == 11", "today.getMonth() >= 11", True),
    ("today.getMonth() == 11", "today.getMonth() >= 10", None),
    # too many cells for all facts, and what rules each other out is not just anything
    (f"account.type == 'a' && account.type != 'b' && {MANY_FACTS}", f"account.type == 'a' && {MANY_FACTS}", True),
    (f"account.type == 'a' && account.fee != 3 && {MANY_FACTS}", f"account.type == 'a' && {MANY_FACTS}", None),
]


@pytest.mark.parametrize(("one", "other", "expected"), PROVED)
def test_what_is_equivalent(one: str, other: str, expected: bool | None) -> None:
    text = WRITTEN.replace("paid: account.fee > 0", 'paid: "{}"')
    first, second = (lawful.loads(text.replace("{}", each)).program for each in (one, other))
    assert equivalent(first, second) is expected


@pytest.mark.parametrize("folder", PACKS, ids=lambda folder: folder.name)
def test_nothing_equivalent_is_ever_caught(folder: Path) -> None:
    policy = loaded(folder)
    same = [each for each in mutants_of(folder) if equivalent(policy.program, each.program)]
    assert [
        each.mutant.name
        for each in tried(policy.program, same, asked(policy, cases_of(folder)), every=False)
        if each.caught_by
    ] == []


@settings(max_examples=drawing.examples(40), phases=UNSHRUNK)
@given(policies.drawn(requests=6), st.data())
def test_what_is_equivalent_is_answered_alike(drawn: Drawn, data: st.DataObject) -> None:
    policy = lawful.loads(drawn.policy)
    decider = Decider(policy.program)
    questions = [policy.read(request) for request in readable(policy, drawn)]
    for mutant in mutants(policy.program):
        if equivalent(policy.program, mutant.program):
            other = Decider(mutant.program)
            for each in questions:
                assert told_apart(decider.answer(each), other.answer(each)) is None, mutant.words.en


SOLVED = [
    # no cell tells two facts that are compared with each other
    ("account.fee < account.paid || account.fee == account.paid", "account.fee <= account.paid", True),
    ("account.fee < account.paid", "account.fee <= account.paid", False),
    ("account.fee < account.paid || account.fee >= account.paid", "true", False),  # one of them may be unknown
    # Sundays are no last days of 2017
    (
        "today.getFullYear() >= 2017 && today == date('2017-12-31') && today.getDayOfWeek() != 0",
        "today.getFullYear() > 2017 && today == date('2017-12-31') && today.getDayOfWeek() != 0",
        True,
    ),
    # a history that begins today tells of today, not of the year: the one is refused, the other open
    ("count('act', 'year') == 0 && count('act', 'day') == 0", "count('act', 'year') == 0", False),
    ("count('act', 'year') == 0", "count('act', 'year') < 1", True),
]


@pytest.mark.parametrize(("one", "other", "expected"), SOLVED)
@pytest.mark.parametrize("place", ["guard", "standing", "effect"])
def test_what_z3_proves_equivalent(one: str, other: str, expected: bool, place: str) -> None:
    first, second = (lawful.loads(SOLVABLE[place].replace("{}", each)).program for each in (one, other))
    assert Solver(first).solved(second).equivalent is expected


SOLVABLE = {
    place: f"""
policy: small
version: "1"
account:
  fields:
    fee: {{type: int, min: 0, outside: true}}
    paid: {{type: int, min: 0, outside: true}}
    good: bool
    told: {{type: bool, outside: true}}
actions:
  act: {act}
{constraints}
"""
    for place, act, constraints in (
        ("guard", '{requires: "{}"}', ""),
        ("standing", "{requires: account.told}", 'constraints: {fair: {requires: "{}", severity: warning}}'),
        ("effect", '{effects: {good: "{}"}}', ""),
    )
}


def test_a_history_that_begins_late_tells_one_number_of_events_and_not_another() -> None:
    """So what a comparison of all whole histories calls equal is not taken for it."""
    one, other = (
        lawful.loads(SOLVABLE["guard"].replace("{}", f"!({each})"))
        for each in ("count('act', 'year') == 0 && count('act', 'day') == 0", "count('act', 'year') == 0")
    )
    request = {
        "account": {},
        "change": {"do": "act"},
        "at": "2024-04-12T09:00:00Z",
        "history_from": "2024-04-12T00:00:00Z",
        "history": [{"event": "act", "at": "2024-04-12T08:00:00Z"}],
    }
    assert [one.check(request).verdict, other.check(request).verdict] == ["allow", "undetermined"]
    assert Differ(one.program, other.program, seconds=10).diff().equal


def test_what_z3_shows_tells_the_mutant_apart() -> None:
    first, second = (
        lawful.loads(SOLVABLE["guard"].replace("{}", f"account.fee * 7 != account.paid * 5 + {each}"))
        for each in (123_457, 123_458)
    )
    [mutant] = [each for each in mutants(first.program) if each.program.rules == second.program.rules] or [None]
    request = Solver(first.program).solved(second.program).request
    assert request is not None
    assert mutant is not None
    assert Search(first, []).near(mutant) is Search(first, []).anywhere(mutant) is None  # too rare to be come upon
    assert Search(first, []).shown(request, mutant) is not None


@settings(max_examples=drawing.examples(6), phases=UNSHRUNK)
@given(policies.drawn(requests=6))
def test_what_z3_proves_equivalent_is_answered_alike(drawn: Drawn) -> None:
    """Of lists of changes, too, and with histories that begin late."""
    policy = lawful.loads(drawn.policy)
    solver = Solver(policy.program)
    decider = Decider(policy.program)
    questions = [policy.read(request) for request in readable(policy, drawn)]
    answers = [decider.answer(each) for each in questions]
    for mutant in [*mutants(policy.program)][::11][:12]:
        others = [Decider(mutant.program).answer(each) for each in questions]
        if any(told_apart(*each) is not None for each in zip(answers, others, strict=True)):
            assert not solver.solved(mutant.program).equivalent, mutant.words.en


def readable(policy: lawful.Policy, drawn: Drawn) -> Iterator[dict[str, object]]:
    for request in drawn.requests:
        try:
            policy.read(request)
        except lawful.RequestError:
            continue
        yield request


# ------------------------------------------------------------------------------------------------- distinguishing


@pytest.mark.parametrize("folder", PACKS, ids=lambda folder: folder.name)
def test_what_is_found_is_a_case_that_passes_and_catches_the_mutant(folder: Path) -> None:
    """From a few cases only, so that nearly every mutant survives; written as YAML and read again."""
    policy = loaded(folder)
    few = asked(policy, cases_of(folder)[::12])
    search = Search(policy, few, patience=400)
    found = 0
    for mutant in mutants_of(folder)[::9]:
        told = search.near(mutant) or search.anywhere(mutant)
        if told is None:
            continue
        found += 1
        text = yaml_of(case(policy.program, told.request, told.policy, told.mutant))
        cases = read_cases(Source("cases.yaml", f"cases:\n{text}"))
        assert cases.errors == (), text
        assert run(cases.cases[0], policy).passed, text
        [again] = asked(policy, cases.cases)
        assert again.catches(Decider(mutant.program)), f"{mutant.words.en}\n{text}"
    assert found > 5


def test_a_remainder_of_any_number_is_looked_at_near_its_edges_only() -> None:
    policy = lawful.loads(
        "policy: p\nversion: '1'\nrequest: {fields: {k: int}}\naccount: {fields: {t: bool}}\n"
        "actions: {r: {requires: request.k % 3 == 1}}\n"
    )
    [mutant, *_] = [each for each in mutants(policy.program) if "becomes" in each.words.en]
    assert Search(policy, []).near(mutant) is not None


# ---------------------------------------------------------------------------------------------------------- scores


@pytest.mark.parametrize("folder", EACH)
def test_the_cases_of_the_packs_catch_their_mutants(folder: Path) -> None:
    policy = loaded(folder)
    made = mutants_of(folder)[:: max(len(mutants_of(folder)) // MANY, 1)]
    score = scored(policy, asked(policy, cases_of(folder)), silent, every=False, patience=0, made=made)
    share, survivors = score.share, [each.mutant.name for each in score.survivors]
    assert share >= 0.95, survivors
    assert len(score.caught) + len(score.survivors) + len(score.equivalent) == len(made)
