"""No command writes over what it reads: the policy, its tables, its cases."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import pytest

import lawful
from lawful.audit.errors import AuditError
from lawful.cli import main

CARDS = Path(__file__).parent.parent / "fixtures" / "library-cards"
LINKS = {"link.csv": "cases.yaml", "link.html": "policy.yaml", "link.xlsx": "pilot.csv"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A policy with a table and cases, an inventory, and other names for some of them."""
    monkeypatch.setenv("LAWFUL_CACHE", str(tmp_path / "kept"))
    monkeypatch.chdir(tmp_path)
    shutil.copytree(CARDS, "cards")
    Path("accounts.csv").write_text("card\n1\n", encoding="utf-8")
    for link, original in LINKS.items():
        Path(link).symlink_to(Path("cards", original))
    Path("link.parquet").hardlink_to("cards/policy.yaml")
    return tmp_path


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("audit ./cards accounts.csv -o new.csv -o cards/pilot.csv", "policy"),
        ("audit ./cards accounts.csv --can disable:pilot --answers cards/pilot.csv", "policy"),
        ("audit ./cards accounts.csv -o link.csv", "policy's cases"),
        ("audit ./cards accounts.csv -o link.parquet", "policy"),
        ("diff ./cards ./cards --inventory accounts.csv --changed cards/pilot.csv", "policy"),
        ("sample ./cards -o link.parquet", "policy"),
        ("show ./cards --html --output link.html", "policy"),
        ("show ./cards --matrix link.xlsx", "policy"),
        ("test ./cards --review --output cards/policy.yaml", "policy"),
        ("test ./cards --review --output cards/../cards/cases.yaml", "policy's cases"),
    ],
)
def test_no_command_writes_over_the_policy_that_it_reads(
    command: str, name: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also where the policy was compiled before, and is only looked up."""
    lawful.load("./cards", cached=True)
    before = {each: each.read_bytes() for each in folder.rglob("*.*") if each.is_file()}
    words = command.split()
    code = main(words)
    out, err = capsys.readouterr()
    assert (code, out) == (2, "")
    assert err == f"error: `{words[-1]}` is read as the {name}: it is not written over\n  = help: name another file\n"
    assert {each: each.read_bytes() for each in folder.rglob("*.*") if each.is_file()} == before


def test_a_policy_that_was_sent_to_another_process_knows_its_files() -> None:
    policy = pickle.loads(pickle.dumps(lawful.load("./cards")))
    assert policy.layouts
    with pytest.raises(AuditError, match="is read as the policy"):
        policy.audit("accounts.csv").write("cards/pilot.csv")
