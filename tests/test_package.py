"""What is shipped: hatchling obeys .gitignore, so a pattern too many would leave a policy at home."""

import subprocess
import sys
import tarfile
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

import lawful

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "engine" / "lawful"
BY_PRODUCTS = {"__pycache__", ".DS_Store"}

# One worker builds the two archives (with --dist loadgroup).
pytestmark = pytest.mark.xdist_group("package")


def files(folder: Path) -> set[str]:
    """The files under `folder`, relative to it; none if there is no such folder."""
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and BY_PRODUCTS.isdisjoint(path.parts)
    }


def build(kind: str, out: Path) -> Path:
    """Build the checkout with what is installed: nothing is fetched."""
    command = [sys.executable, "-m", "build", f"--{kind}", "--no-isolation", "--outdir", str(out)]
    done = subprocess.run([*command, str(ROOT)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    [archive] = out.iterdir()
    return archive


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    with zipfile.ZipFile(build("wheel", tmp_path_factory.mktemp("wheel"))) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    with tarfile.open(build("sdist", tmp_path_factory.mktemp("sdist"))) as archive:
        return {name.partition("/")[2] for name in archive.getnames()}


def test_there_are_policies_to_ship() -> None:
    assert "wechat/policy.yaml" in files(ROOT / "policies")


def test_the_wheel_carries_every_policy(wheel: set[str]) -> None:
    assert {f"lawful/policies/{name}" for name in files(ROOT / "policies")} <= wheel


def test_the_wheel_carries_the_package_whole(wheel: set[str]) -> None:
    assert {f"lawful/{name}" for name in files(PACKAGE)} <= wheel


def test_the_wheel_is_typed(wheel: set[str]) -> None:
    assert "lawful/py.typed" in wheel


def test_the_wheel_carries_nothing_else(wheel: set[str]) -> None:
    assert {name.split("/")[0].split("-")[0] for name in wheel} == {"lawful"}


def test_the_sdist_carries_every_policy(sdist: set[str]) -> None:
    assert {f"policies/{name}" for name in files(ROOT / "policies")} <= sdist


def test_the_sdist_carries_the_package_whole(sdist: set[str]) -> None:
    assert {f"engine/lawful/{name}" for name in files(PACKAGE)} <= sdist


def test_the_version_is_the_one_that_is_installed() -> None:
    assert lawful.__version__ == version("lawful")
