"""Compiled policies between processes: the same program, or none."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import lawful
from lawful import cache

ROOT = Path(__file__).parent.parent
POLICIES = (ROOT / "policies" / "wechat", ROOT / "fixtures" / "library-cards")


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("LAWFUL_CACHE", str(folder))
    return folder


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    folder = tmp_path / "cards"
    shutil.copytree(ROOT / "fixtures" / "library-cards", folder)
    text = (folder / "policy.yaml").read_text("utf-8")
    (folder / "policy.yaml").write_text(
        text.replace("title: more than five loans a year", 'note: "more than five"'), "utf-8"
    )
    return folder


def entries(folder: Path) -> list[Path]:
    return sorted(folder.glob("*")) if folder.exists() else []


@pytest.mark.parametrize("policy", POLICIES, ids=lambda folder: folder.name)
def test_a_program_comes_back_as_it_went(policy: Path, kept: Path) -> None:
    program = lawful.load(policy).program
    raw = (policy / "policy.yaml").read_bytes()
    tables = {path.name: path.read_bytes() for path in policy.glob("*.csv")}
    cache.write("1", raw, tables, program)
    assert cache.read("1", raw, tables.__getitem__) == program


def test_only_the_command_line_asks_for_it(kept: Path) -> None:
    lawful.load("wechat")
    assert entries(kept) == []
    lawful.load("wechat", cached=True)
    assert len(entries(kept)) == 1


def test_another_version_of_the_package_compiles_again(kept: Path) -> None:
    raw = (POLICIES[0] / "policy.yaml").read_bytes()
    cache.write("1", raw, {}, lawful.load("wechat").program)
    assert cache.read("2", raw, {}.__getitem__) is None


def test_a_table_that_changed_is_read_again(kept: Path, pack: Path) -> None:
    before = lawful.load(pack, cached=True).program
    assert len(entries(kept)) == 1
    table = pack / "services.csv"
    lines = table.read_text("utf-8").splitlines(keepends=True)
    table.write_text("".join(lines[:-1]), "utf-8")
    after = lawful.load(pack, cached=True).program
    assert len(after.features) == len(before.features) - 1
    assert after.digest != before.digest


@pytest.mark.parametrize("harm", ["", "no entry at all", "00000000-2\n{}", "truncated"])
def test_a_damaged_entry_is_compiled_again(kept: Path, harm: str) -> None:
    program = lawful.load("wechat", cached=True).program
    [entry] = entries(kept)
    text = entry.read_text("utf-8")
    entry.write_text(text[: len(text) // 2] if harm == "truncated" else harm, "utf-8")
    assert lawful.load("wechat", cached=True).program == program
    assert entry.read_text("utf-8") == text


def test_a_policy_with_warnings_is_not_kept(kept: Path) -> None:
    policy = lawful.load(POLICIES[1], cached=True)
    assert policy.diagnostics
    assert entries(kept) == []


def test_a_folder_that_cannot_be_written_is_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LAWFUL_CACHE", str(tmp_path / "file" / "below"))
    assert lawful.load("wechat", cached=True).program.id == "wechat"


def test_it_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAWFUL_CACHE", "off")
    assert cache.folder() is None
    assert lawful.load("wechat", cached=True).program.id == "wechat"


def test_the_oldest_entries_go(kept: Path) -> None:
    program = lawful.load("wechat").program
    for number in range(60):
        cache.write(str(number), b"", {}, program)
    assert len(entries(kept)) == 50
    assert cache.read("59", b"", {}.__getitem__) == program
