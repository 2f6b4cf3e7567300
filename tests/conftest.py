"""How hard Hypothesis looks: `ci`, the default, finds the same every time; `soak` looks further, elsewhere at every run.

`HYPOTHESIS_PROFILE=soak python -m pytest tests/test_parity.py`
"""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

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
