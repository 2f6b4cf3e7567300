"""The comparison with other engines, untimed: who takes part gives lawful's answers, and nobody is dropped silently."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from importlib.metadata import requires
from pathlib import Path

import msgspec
import peers
import pytest
from peers import table
from peers.comparing import Compared, Different, Effort, Row, compare
from peers.handwritten import record_broken
from peers.listed import BY_HAND, DIRECT, FLOOR, PEERS, UNVALIDATED, Listed, named
from peers.ours import written_moves
from peers.requests import requests
from peers.rules import PACK25, RECORD, Policy, moves
from peers.validated import readers

import lawful

PEERS_FOLDER = Path(peers.__file__).parent
FEW = Effort(requests=60)
ENGINES = [peer.title for peer in PEERS if peer.title != FLOOR]
# What make test installs must take part; the others where `make peers` was run.
OPTIONAL = {re.split("[<>=; ]", line)[0] for line in requires("lawful") or () if "bench" in line}


@pytest.mark.parametrize("policy", ["record", "moves-25"])
@pytest.mark.parametrize("title", ENGINES)
def test_a_peer_gives_the_answers_of_the_floor_in_every_way_it_is_asked(title: str, policy: str) -> None:
    peer = taking_part(title)
    behind = [peer] if title in BY_HAND and policy != "record" else []
    compared = compare(policy, FEW, peers=[named(FLOOR), peer], by_hand=behind, timed=False)
    assert [row.failed for row in compared.rows] == [None] * (2 + len(behind))


def test_the_engines_of_lawful_agree_on_its_own_pack() -> None:
    compared = compare(PACK25.name, FEW, peers=[peer for peer in PEERS if peer.ours], timed=False)
    assert [row.failed for row in compared.rows] == [None] * 4


@pytest.mark.parametrize("size", [25, 100, 1_000, 5_000])
def test_a_policy_of_any_size_loads_and_has_that_many_rules(size: int) -> None:
    program = lawful.loads(written_moves(moves(size))).program
    expected = {rule.id for rule in moves(size).rules}
    assert len(expected) == size
    assert expected <= {rule.id for rule in program.rules}


def test_every_rule_is_broken_by_somebody_and_half_are_refused() -> None:
    found = [record_broken(request) for request in requests(RECORD, 2_000)]
    broken = Counter(id for ids in found for id in ids)
    assert set(broken) == {rule.id for rule in RECORD.rules}
    assert min(broken.values()) >= 5
    assert 800 < sum(map(bool, found)) < 1_200


def test_the_requests_are_the_same_at_every_run() -> None:
    assert requests(RECORD, 50) == requests(RECORD, 50)


# --------------------------------------------------------------------------------------------------- what goes wrong


@pytest.fixture
def _mistaken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))


def mistaken(name: str) -> Listed:
    return Listed(name, f"mistaken_peers:{name}", "lawful")


@pytest.mark.usefixtures("_mistaken")
@pytest.mark.parametrize(("name", "cell"), [("careless", "request"), ("stopping", "from_json, request")])
def test_a_wrong_answer_stops_everything(name: str, cell: str) -> None:
    with pytest.raises(Different, match=f"{name}.*{cell}"):
        compare("record", FEW, peers=[named(FLOOR), mistaken(name)])


@pytest.mark.usefixtures("_mistaken")
def test_what_a_peer_prints_is_no_answer() -> None:
    compared = compare("record", FEW, peers=[named(FLOOR), mistaken("chatting")], timed=False)
    assert compared.rows[1].failed is None


@pytest.mark.usefixtures("_mistaken")
def test_who_cannot_take_part_stays_in_the_table_with_the_reason() -> None:
    nobody = Listed("nobody", "peers.nobody:load", "no-such-distribution")
    peers = [named(FLOOR), mistaken("crashing"), mistaken("refusing"), nobody]
    compared = compare("moves-25", FEW, peers=peers, timed=False)
    assert [row.failed for row in compared.rows] == [
        None,
        "ended by SIGABRT: about to",
        "ValueError: too many rules",
        "not installed: make peers",
    ]
    rows = table.text(table.cells(compared)).splitlines()
    assert rows[-1] == "nobody               not installed: make peers"
    assert list(table.notes([compared])) == [
        "crashing, moves-25: ended by SIGABRT: about to",
        "refusing, moves-25: ValueError: too many rules",
    ]


# --------------------------------------------------------------------------------------------------------- the table


def test_the_table_tells_times_and_how_many_times_the_floor() -> None:
    floor = Row(FLOOR, microseconds={"allows": 0.5, "broken": 0.5})
    direct = Row(DIRECT, microseconds={"allows": 2.0, "broken": 1.5}, load_megabytes=30.0)
    slow = Row("slow", over={"broken": 2.0}, microseconds={"allows": 1.0})
    compared = Compared("record", 10, 5, 7, [floor, slow, direct])
    assert table.markdown(table.cells(compared)).splitlines()[2:] == [
        "| hand-written Python | 0.50 | 0.50 | – | – | – | – | – | 0.0 | – |",
        "| lawful direct | 2.00 (4.00 ×) | 1.50 (3.00 ×) | – | – | – | – | – | 30.0 | – |",
        "| slow | 1.00 (2.00 ×) | over 2000 ms | – | – | – | – | – | 0.0 | – |",
    ]
    assert "verdict 2 of 2; + ids 1 of 1" in next(table.places(compared))


def test_the_unvalidated_entrance_has_a_row_of_its_own_and_its_place_among_its_like() -> None:
    direct = Row(DIRECT, microseconds={"broken": 1.5, "dict_validated": 2.0})
    trusted = Row(UNVALIDATED, microseconds={"from_dict": 1.7})
    other = Row("other", microseconds={"broken": 1.6, "from_dict": 1.6, "dict_validated": 2.5})
    compared = Compared("record", 10, 5, 7, [trusted, other, direct])
    assert [row[0] for row in table.cells(compared)[1:]] == [DIRECT, "other", UNVALIDATED]
    assert next(table.places(compared)).endswith("+ ids 1 of 2; from dict 2 of 2; dict, valid. 1 of 2")
    assert [row[0] for row in table.growth([compared], "broken")[1:]] == [DIRECT, "other"]


@pytest.mark.parametrize("policy", [RECORD, moves(25)])
def test_what_stands_before_the_peers_is_as_strict_as_lawful(policy: Policy) -> None:
    lawfuls = lawful.loads(written_moves(policy)) if policy.actions else lawful.load(PEERS_FOLDER / "record.yaml")
    check, (read_dict, read_json) = lawfuls.checker(), readers(policy)
    right = requests(policy, 1)[0]
    assert (read_dict(right), read_json(json.dumps(right).encode())) == (right, right)
    account = right["account"]
    for wrong in (
        {**right, "account": {**account, "shoe_size": 44}},
        {**right, "account": {**account, "type": "servce"}},
        {**right, "account": {**account, "warnings": "3"}},
        {**right, "change": {"do": "nothing"}},
        {**right, "at": "2025-02-30"},
        {**right, "x": 1},
    ):
        text = json.dumps(wrong).encode()
        for given in (wrong, text):
            with pytest.raises(lawful.RequestError):
                check(given)
        with pytest.raises(msgspec.ValidationError):
            read_dict(wrong)
        with pytest.raises(msgspec.ValidationError):
            read_json(text)


def test_growth_is_told_from_the_smallest_to_the_largest() -> None:
    def compared(size: int, floor: float, time: float | None) -> Compared:
        failed = None if time is not None else "too many rules"
        other = Row("other", failed=failed, microseconds={} if time is None else {"broken": time})
        return Compared(f"moves-{size}", 10, 5, 7, [Row(FLOOR, microseconds={"broken": floor}), other])

    growing = [compared(25, 0.5, 1.0), compared(5_000, 0.5, 4.0)]
    assert table.growth(growing, "broken")[1:] == [
        [FLOOR, "0.50", "0.50", "1.0 ×"],
        ["other", "1.00 (2.00 ×)", "4.00 (8.00 ×)", "4.0 ×"],
    ]
    assert table.growth([growing[0], compared(5_000, 0.5, None)], "broken")[2] == [
        "other",
        "1.00 (2.00 ×)",
        "fails",
        "",
    ]


def taking_part(title: str) -> Listed:
    """The peer, unless it is one that need not be installed, and is not."""
    peer = named(title)
    if peer.installed is None and peer.distribution in OPTIONAL:
        pytest.skip(f"{peer.distribution} is not installed: make peers")
    if peer.distribution == "durable-rules" and sys.version_info >= (3, 13):
        pytest.skip("durable-rules does not run on this Python")
    return peer
