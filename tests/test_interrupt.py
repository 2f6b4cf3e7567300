"""Ctrl-C, SIGTERM and SIGHUP, at whatever point of long work they come."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator

import pytest

from lawful.cli.interrupt import interruptible


class Closing:
    """Something that is told to end while Python takes it apart: nothing that is raised there gets out."""

    def __init__(self, sent: signal.Signals) -> None:
        self.sent = sent

    def __del__(self) -> None:
        signal.raise_signal(self.sent)
        time.sleep(0)  # where the signal is heard


def long_work(sent: signal.Signals, seconds: float = 10) -> None:
    """Work during which something is taken apart just as the signal comes."""
    until = time.monotonic() + seconds
    with interruptible():
        Closing(sent)
        while time.monotonic() < until:
            time.sleep(0.01)


@pytest.fixture(autouse=True)
def _heard_again() -> Iterator[None]:
    """Once a command is told to end it hears nothing more; the tests do."""
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    told = sys.unraisablehook
    yield
    time.sleep(0.1)  # what is sent again has come
    for each, handler in before.items():
        signal.signal(each, handler)
    sys.unraisablehook = told


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_work_ends_though_the_signal_came_where_python_lets_nothing_out(
    sent: signal.Signals, capfd: pytest.CaptureFixture[str]
) -> None:
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        long_work(sent)
    assert time.monotonic() < begun + 5
    assert capfd.readouterr().err == ""


class Broken:
    """What an interrupt left half done, as it does Ibis's cache of comparisons: it cannot be taken apart."""

    def __del__(self) -> None:
        raise KeyError(id(self))


def test_nothing_is_told_of_what_an_interrupt_left_behind(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyboardInterrupt):
        long_work(signal.SIGTERM)
    Broken()
    assert capfd.readouterr().err == ""


def test_after_nohup_work_goes_on_without_a_terminal() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with interruptible():
        signal.raise_signal(signal.SIGHUP)
        time.sleep(0)
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def test_work_that_is_done_right_after_such_a_signal_ends_as_interrupted() -> None:
    with pytest.raises(KeyboardInterrupt):
        long_work(signal.SIGINT, 0)
