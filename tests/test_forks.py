"""A fork at any moment, whatever other threads are doing: nothing that a child needs is left locked or half done."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import lawful
from forking import needs_fork, trouble_in_child
from lawful.engines import rete

pytestmark = needs_fork

ACCOUNT = {"type": "subscription", "subject": "enterprise", "certified_until": "2025-01-31"}
ASKED: dict[str, Any] = {"account": ACCOUNT, "change": {"set": {"type": "service"}}, "history": [], "at": "2025-03-01"}


@contextmanager
def checking(policy: lawful.Policy, threads: int = 4) -> Iterator[None]:
    """While threads check, and read the reasons."""
    done = threading.Event()

    def check() -> None:
        while not done.is_set():
            assert policy.check(ASKED).reasons
            assert not policy.allows(ASKED)

    running = [threading.Thread(target=check) for _ in range(threads)]
    for thread in running:
        thread.start()
    try:
        yield
    finally:
        done.set()
        for thread in running:
            thread.join()


def test_a_child_decides_whatever_threads_of_its_parent_were_deciding() -> None:
    policy = lawful.load("wechat")

    def child() -> None:
        for _ in range(3):
            decision = policy.check(ASKED)
            assert [decision.verdict, decision.reasons[0].rule] == ["deny", "lifecycle.type.upgrade"]
            assert policy.allows(ASKED, at="2025-01-01")
            assert policy.evaluate("certified", account=ACCOUNT, at="2025-03-01")[0] is False

    with checking(policy):
        for _ in range(24):
            assert trouble_in_child(child) == ""


@pytest.mark.skipif(not rete.available(), reason="durable_rules does not run on this Python")
def test_the_network_of_a_check_that_was_interrupted_is_built_anew() -> None:
    policy = lawful.load("wechat")
    policy.check(ASKED)
    networks = [bundle.network for bundle in policy._judge._bundles.values() if bundle.network is not None]
    before = [list(network._handles) for network in networks]

    def child() -> None:
        after = [network._handles for network in networks]
        assert after[0] != before[0]
        assert after[1:] == before[1:]
        assert policy.check(ASKED).verdict == "deny"

    with networks[0]._lock:
        assert trouble_in_child(child) == ""
    assert [network._handles for network in networks] == before


def test_a_child_finds_the_models_of_a_decision_made() -> None:
    """pydantic makes them at their first use, under a lock which a thread of the parent might hold."""
    script = """
import os, lawful
policy = lawful.load("wechat")
from lawful.decision import Answer, Decision
assert not Decision.__pydantic_complete__
if os.fork() == 0:
    os._exit(0 if all(model.__pydantic_complete__ for model in Answer.__subclasses__()) else 7)
print(os.waitstatus_to_exitcode(os.wait()[1]))
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=False)
    assert (ended.stdout, ended.stderr) == ("0\n", "")
