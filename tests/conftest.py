"""How hard Hypothesis looks: `ci`, the default, finds the same every time; `soak` looks further, elsewhere at every run.

`HYPOTHESIS_PROFILE=soak python -m pytest tests/test_parity.py`
"""

import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

_SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]

settings.register_profile("ci", derandomize=True, deadline=None, database=None, suppress_health_check=_SLOW)
settings.register_profile("soak", max_examples=2_000, deadline=None, suppress_health_check=_SLOW)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

# Tests leave the user's own cache of compiled programs alone; the commands they start inherit this.
os.environ.setdefault("LAWFUL_CACHE", tempfile.mkdtemp(prefix="lawful-cache-"))

pytest_plugins = ["pytester"]  # runs pytest on files of a test's own

GOLDEN = Path(__file__).parent.parent / "fixtures" / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update", action="store_true", help="rewrite the expected texts under fixtures/ with those found"
    )


@pytest.fixture
def update(request: pytest.FixtureRequest) -> bool:
    """Whether the expected texts are to be rewritten."""
    return bool(request.config.getoption("--update"))


@pytest.fixture
def golden(update: bool) -> Callable[[str, str], None]:
    """Compares a text with the file of that name under fixtures/golden; `pytest --update` rewrites the file."""

    def same(name: str, found: str) -> None:
        path = GOLDEN / name
        if update:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(found, encoding="utf-8")
        assert path.is_file(), f"there is no {path}: run pytest --update"
        assert found == path.read_text(encoding="utf-8")

    return same


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A Chromium for all the pages; tests that use it are marked `needs_chromium`."""
    from chromium import started

    driver = started(tmp_path_factory.mktemp("chromium"))
    try:
        yield driver
    finally:
        driver.quit()


# ------------------------------------------------------------------------------------------------- what is left out


def left_out(config: pytest.Config) -> Counter[str]:
    """The tests that need what this machine lacks, by what that is."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter is not None else []
    reasons = [str(each.longrepr[2]).removeprefix("Skipped: ") for each in skipped]
    return Counter(each for each in reasons if each.startswith("needs "))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for reason, number in left_out(terminalreporter.config).items():
        terminalreporter.write_line(f"left out: {number} tests, which {reason.replace('needs', 'need', 1)}")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """`LAWFUL_TESTS=all`, as CI has it: what is left out fails."""
    if os.environ.get("LAWFUL_TESTS") == "all" and left_out(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
