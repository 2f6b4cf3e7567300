"""The production-rule engine at its limits: size, depth, odd values, threads, memory, and failure."""

from __future__ import annotations

import gc
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from lawful import ir
from lawful.calendar import LIFETIME, Window, day_of
from lawful.engines import forms, productions, reference, rete
from lawful.engines.situation import Facts, History, Situation
from lawful.ir import BOOL, DATE, INT, INT_MAX, INT_MIN, STRING, TIMESTAMP, TRUE, Expr, Owner, Type, Value

engine = pytest.importorskip("durable_rules_engine", reason="durable_rules does not run on this Python")

PLACE = ir.Place("policy.yaml", 1, 1)
ZONE = ZoneInfo("Asia/Shanghai")
AT = datetime(2025, 3, 1, 1, tzinfo=UTC)


def account(name: str, type: Type = BOOL) -> ir.Field:
    return ir.Field("account", name, type)


def compare(operator: ir.Comparison, field: ir.Field, value: Value) -> Expr:
    return ir.Compare(operator, field, ir.Constant(value, field.type))


def rule(requires: Expr, when: Expr = TRUE) -> ir.Rule:
    return ir.Rule("rule", "requires", "move", "do.it", when, requires, "error", ir.ALWAYS, PLACE)


def condition(name: str, holds: Expr) -> ir.Condition:
    return ir.Condition(name, holds, None, None, None, PLACE)


def situation(
    facts: Facts,
    conditions: Mapping[str, ir.Condition] | None = None,
    *,
    history: History | None = None,
    **others: Facts,
) -> Situation:
    records: dict[Owner, Facts] = {"account": facts, **others}  # type: ignore[dict-item]  # the tests name owners
    return Situation(
        records=records,
        at=AT,
        today=day_of(AT, ZONE),
        zone=ZONE,
        history=history or History((), None),
        conditions=conditions or {},
        initial=facts,
    )


def outcome(requires: Expr, facts: Facts) -> reference.Outcome:
    """What the network makes of one rule; the reference must make the same of it."""
    network = rete.Network((rule(requires),), {})
    [found] = network.outcomes(situation(facts))
    assert found == reference.outcome(rule(requires), situation(facts))
    return found


# ------------------------------------------------------------------------------------------------------------- size


@pytest.mark.parametrize("join", [ir.And, ir.Or])
def test_ten_thousand_terms(join: type[ir.And | ir.Or]) -> None:
    terms = [account(f"f{number}") for number in range(10_000)]
    network = rete.Network((rule(join(tuple(terms))),), {})
    neutral = join is ir.And
    facts: dict[str, Value] = {term.name: neutral for term in terms}
    decided: reference.Outcome = "violated" if neutral else "satisfied"
    assert network.outcomes(situation(facts)) == ("satisfied" if neutral else "violated",)
    assert network.outcomes(situation({**facts, "f7777": not neutral})) == (decided,)
    del facts["f5"]
    assert network.outcomes(situation(facts)) == ("unknown",)
    assert network.outcomes(situation({**facts, "f7777": not neutral})) == (decided,)


def test_products_of_branches() -> None:
    pairs = [ir.Or((account(f"a{number}"), account(f"b{number}"))) for number in range(40)]
    facts: dict[str, Value] = {f"{side}{number}": True for side in "ab" for number in range(40)}
    assert outcome(ir.And(tuple(pairs)), facts) == "satisfied"
    assert outcome(ir.And(tuple(pairs)), {**facts, "a3": False, "b3": False}) == "violated"


def test_three_hundred_rules_in_one_network() -> None:
    followers = account("followers", INT)
    rules = tuple(rule(compare("<", followers, number), account("big")) for number in range(300))
    network = rete.Network(rules, {})
    outcomes = network.outcomes(situation({"followers": 100, "big": True}))
    assert outcomes == ("violated",) * 101 + ("satisfied",) * 199
    assert network.outcomes(situation({"big": False})) == ("satisfied",) * 300
    assert network.outcomes(situation({})) == ("unknown",) * 300


def test_no_rules() -> None:
    assert rete.Network((), {}).outcomes(situation({})) == ()


def test_a_chain_of_sixty_conditions() -> None:
    conditions = {"c0": condition("c0", account("certified"))}
    for number in range(1, 60):
        conditions[f"c{number}"] = condition(f"c{number}", ir.Not(ir.ConditionOf(f"c{number - 1}")))
    network = rete.Network((rule(ir.ConditionOf("c59")),), conditions)
    assert network.outcomes(situation({"certified": True}, conditions)) == ("violated",)
    assert network.outcomes(situation({"certified": False}, conditions)) == ("satisfied",)
    assert network.outcomes(situation({}, conditions)) == ("unknown",)


def test_nested_choices_do_not_double() -> None:
    expr: Expr = account("f0")
    for number in range(1, 30):
        expr = ir.Conditional(expr, account(f"f{number}"), ir.Not(account(f"f{number}")))
    facts: dict[str, Value] = {f"f{number}": number % 3 == 0 for number in range(30)}
    assert outcome(expr, facts) in ("satisfied", "violated")
    assert outcome(expr, {**facts, "f10": True}) != outcome(expr, {**facts, "f10": False})


def test_every_shard_is_within_the_limits() -> None:
    pairs = [ir.Conditional(account(f"a{n}"), account(f"b{n}"), account(f"c{n}")) for n in range(200)]
    translation = productions.Translation([rule(ir.Or(tuple(pairs))), rule(ir.And(tuple(pairs)))], {})
    shards = [shard for goals in [*translation.strata(), translation.goals] for shard in productions.shards(goals)]
    for shard in shards:
        sizes = [forms.size(each.form) for each in shard.productions]
        assert sum(each.literals for each in sizes) <= 60
        assert sum(each.branches for each in sizes) <= 60
        assert all(each.ruleset.count("$and") + each.ruleset.count("$or") <= 15 for each in one_by_one(shard))


def one_by_one(shard: productions.Shard) -> list[productions.Shard]:
    return [productions.Shard((each,)) for each in shard.productions]


# ------------------------------------------------------------------------------------------------------- odd values

TEXTS = [
    "",
    "a",
    "x61",
    "h",
    '"',
    "'",
    "\\",
    "\\u0061",
    "\0",
    "\n\t\r",
    "{}",
    "null",
    "0",
    "订阅号",
    "😀",
    "é",
    "e\u0301",
]
TEXTS += ["a" * 32, "a" * 33, "a" * 34, "号" * 70_000, "号" * 70_000 + "a", "a" * 65_536, "a" * 131_072]


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_a_text_equals_itself_alone(text: str) -> None:
    name = account("name", STRING)
    rules = tuple(rule(compare("==", name, each)) for each in TEXTS)
    expected = tuple("satisfied" if each == text else "violated" for each in TEXTS)
    assert rete.Network(rules, {}).outcomes(situation({"name": text})) == expected


def test_texts_reach_the_engine_short_and_plain() -> None:
    for text in TEXTS:
        encoded = productions.text(text)
        assert encoded.isascii()
        assert encoded.isalnum()
        assert len(encoded) <= 65


NUMBERS = (INT_MIN, INT_MIN + 1, -(2**53) - 1, -(2**53), -1, 0, 1, 2**53, 2**53 + 1, INT_MAX - 1, INT_MAX)


@pytest.mark.parametrize("operator", ["==", "!=", "<", "<=", ">", ">="])
def test_numbers_at_the_edges(operator: ir.Comparison) -> None:
    followers = account("followers", INT)
    rules = tuple(rule(compare(operator, followers, number)) for number in NUMBERS)
    network = rete.Network(rules, {})
    for number in NUMBERS:
        given = situation({"followers": number})
        assert network.outcomes(given) == tuple(reference.outcome(each, given) for each in rules)


def test_dates_and_instants_to_the_microsecond() -> None:
    instant = datetime(2024, 2, 29, 16, tzinfo=UTC)
    seen, until = account("seen", TIMESTAMP), account("until", DATE)
    assert outcome(compare("<=", seen, instant), {"seen": instant}) == "satisfied"
    assert outcome(compare("<=", seen, instant), {"seen": instant + timedelta(microseconds=1)}) == "violated"
    assert outcome(compare(">", seen, datetime.min.replace(tzinfo=UTC)), {"seen": instant}) == "satisfied"
    assert outcome(compare("<", until, date.max), {"until": date(9999, 12, 30)}) == "satisfied"
    assert outcome(compare("<", until, date.min), {"until": date.min}) == "violated"


def test_a_count_beyond_64_bits() -> None:
    limit = ir.AtMost(ir.Count(("upgrade",), LIFETIME), INT_MAX, 1, account("upgrades", INT))
    assert outcome(limit, {"upgrades": INT_MAX}) == "violated"
    assert outcome(limit, {"upgrades": INT_MAX - 1}) == "satisfied"
    assert outcome(replace(limit, at_most=3), {"upgrades": INT_MAX}) == "violated"


def test_an_incomplete_history_gives_at_least_a_number() -> None:
    limit = rule(ir.AtMost(ir.Count(("mass_send",), Window("month")), 1, 1))
    network = rete.Network((limit,), {})
    lately = ("mass_send", AT - timedelta(minutes=5))
    for events, whole_from, expected in [
        ((), None, "unknown"),
        ((), AT, "unknown"),
        ((), AT - timedelta(days=40), "satisfied"),
        ((lately,), None, "violated"),
        ((lately,), AT - timedelta(days=40), "violated"),
    ]:
        assert network.outcomes(situation({}, history=History(events, whole_from))) == (expected,)


def test_a_condition_is_judged_in_the_state_it_is_asked_for() -> None:
    conditions = {"big": condition("big", compare(">=", account("followers", INT), 10))}
    rules = tuple(rule(ir.ConditionOf("big", state)) for state in ("account", "before", "after"))
    given = situation({"followers": 9}, conditions, before={"followers": 10}, after={})
    assert rete.Network(rules, conditions).outcomes(given) == ("violated", "satisfied", "unknown")


# ---------------------------------------------------------------------------------------------------------- running


def network_of_twenty() -> tuple[rete.Network, tuple[ir.Rule, ...], dict[str, ir.Condition]]:
    conditions = {"big": condition("big", compare(">=", account("followers", INT), 10))}
    rules = tuple(rule(compare("<", account("followers", INT), number), ir.ConditionOf("big")) for number in range(20))
    return rete.Network(rules, conditions), rules, conditions


def test_threads_share_a_network() -> None:
    network, rules, conditions = network_of_twenty()
    wrong: list[str] = []

    def check(seed: int) -> None:
        for turn in range(400):
            given = situation({"followers": (seed * 7 + turn) % 25}, conditions)
            expected = tuple(reference.outcome(each, given) for each in rules)
            if network.outcomes(given) != expected:
                wrong.append(f"{seed} {turn}")

    threads = [threading.Thread(target=check, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def resident() -> int:
    """Megabytes this process holds now."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * 4096 // 2**20


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads Linux's account of memory")
def test_memory_stays_flat_over_twenty_thousand_checks() -> None:
    network, _, conditions = network_of_twenty()
    given = [situation({"followers": number, "name": "a" * number}, conditions) for number in range(25)]

    def checks(many: int) -> None:
        for turn in range(many):
            network.outcomes(given[turn % 25])

    checks(2_000)
    gc.collect()
    before = resident()
    checks(20_000)
    gc.collect()
    assert resident() - before <= 4


def test_rulesets_go_with_their_network() -> None:
    network, _rules, _conditions = network_of_twenty()
    handles = network._handles
    assert handles
    del network
    gc.collect()
    assert handles == []


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads Linux's account of memory")
def test_networks_that_were_used_and_dropped_leave_nothing_behind() -> None:
    def networks(many: int) -> None:
        for number in range(many):
            network, _, conditions = network_of_twenty()
            network.outcomes(situation({"followers": number}, conditions))

    networks(20)
    gc.collect()
    before = resident()
    networks(100)
    gc.collect()
    assert resident() - before <= 4


def test_a_state_in_which_nothing_fired_is_not_freed() -> None:
    """The engine would free pointers that it never set: the C library is told to hand out memory full of other bytes."""
    script = """
import gc, sys
sys.path.insert(0, sys.argv[1])
import test_rete
network, _, conditions = test_rete.network_of_twenty()
assert set(network.outcomes(test_rete.situation({}, conditions))) == {"unknown"}
assert network._fired == set()
del network
gc.collect()
"""
    command = [sys.executable, "-c", script, str(Path(__file__).parent)]
    environment = {**os.environ, "MALLOC_PERTURB_": "165"}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


# ---------------------------------------------------------------------------------------------------------- failure


def test_a_broken_handle_fails_closed_and_is_rebuilt() -> None:
    network, rules, conditions = network_of_twenty()
    given = situation({"followers": 15}, conditions)
    network._handles[-1] = 131_000  # no ruleset has it
    with pytest.raises(rete.EngineFailure, match="nothing is allowed"):
        network.outcomes(given)
    assert network.outcomes(given) == tuple(reference.outcome(each, given) for each in rules)


def test_a_fact_left_behind_is_noticed() -> None:
    network, rules, conditions = network_of_twenty()
    given = situation({"followers": 15}, conditions)
    engine.assert_fact(network._handles[0], '{"id":"q","g":1,"f0":15}')
    with pytest.raises(rete.EngineFailure):
        network.outcomes(given)
    assert network.outcomes(given) == tuple(reference.outcome(each, given) for each in rules)


def test_a_lost_firing_is_noticed() -> None:
    network, _, conditions = network_of_twenty()
    handle = network._handles[0]
    _, state = engine.assert_fact(handle, '{"id":"other","g":1,"f0":15}')
    engine.start_action_for_state(handle, state)  # never completed: the engine gives out nothing for a while
    with pytest.raises(rete.EngineFailure):
        network.outcomes(situation({"followers": 15}, conditions))


def test_a_value_of_another_type_gives_no_outcome() -> None:
    network, _, conditions = network_of_twenty()
    with pytest.raises(TypeError):
        network.outcomes(situation({"followers": "fifteen"}, conditions))


def test_the_failure_survives_pickling() -> None:
    failure = rete.EngineFailure("error code: 303")
    assert str(pickle.loads(pickle.dumps(failure))) == str(failure)


def test_names_of_facts_do_not_share_a_hash() -> None:
    """The engine tells fields apart by FNV-1, 32 bits; `g`, `id` and `sid` are taken."""
    names = ["g", "id", "sid", *map(productions.fact_name, range(productions.NAMES))]
    assert len({fnv(name) for name in names}) == len(names)


def fnv(name: str) -> int:
    value = 0x811C9DC5
    for byte in name.encode():
        value = (value ^ byte) * 16_777_619 & 0xFFFFFFFF
    return value


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="durable_rules does not run on this Python")
def test_durable_rules_is_there_wherever_it_runs() -> None:
    """Otherwise every comparison of the engines would be skipped, and nobody would know."""
    assert rete.available()
