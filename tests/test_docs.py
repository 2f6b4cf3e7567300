"""What the documents say is so: their commands are run, their examples compiled, their links followed.

`pytest tests/test_docs.py --update` rewrites the output of the commands they show.
"""

from __future__ import annotations

import dataclasses
import doctest
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import pytest
import typer

import lawful
from lawful import cli, schemas, written
from lawful.audit import data, longform, mapping_file, outputs, summary, waivers
from lawful.cases import read_cases, run, unfit
from lawful.conditions.functions import FUNCTIONS, METHODS
from lawful.source import Source

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "engine" / "lawful"
LANGUAGE = ROOT / "docs" / "language.md"
ARCHITECTURE = ROOT / "docs" / "architecture.md"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
NAMES = [page.relative_to(ROOT).as_posix() for page in PAGES]


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, the file it is the content of (the second word after the fence), its text."""

    language: str
    file: str
    text: str
    start: int
    """Where its text begins in the page."""


def blocks(page: Path, language: str | None = None) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    fenced = re.finditer(r"^```(\w+)(?: ([^\n]+))?\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    found = [Block(each[1], each[2] or "", each[3], each.start(3)) for each in fenced]
    return [each for each in found if language is None or each.language == language]


def with_blocks(*languages: str) -> list[Path]:
    return [page for page in PAGES if any(each.language in languages for each in blocks(page))]


def named(pages: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("page", pages, ids=[page.relative_to(ROOT).as_posix() for page in pages])


@pytest.fixture(autouse=True)
def _at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


# ------------------------------------------------------------------------------------------------- what can be run


@named(with_blocks("python"))
def test_the_python_of_a_page_is_true(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for block in blocks(page, "python"):
        assert ">>> " in block.text, f"a block of Python that no test runs: {block.text[:60]}"
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    session = doctest.DocTestParser().get_doctest(text.replace("```", ""), {}, page.name, str(page), 0)
    told: list[str] = []
    result = doctest.DocTestRunner(optionflags=flags, verbose=False).run(session, out=told.append)
    assert result.attempted > 0
    assert result.failed == 0, "".join(told)


def commands(block: Block) -> Iterator[tuple[str, str]]:
    """Each command, and what it is said to print."""
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield command, output


def printed(command: str, folder: Path, last: int) -> tuple[str, int]:
    """What a command prints in a pipe, stdout and stderr together, and its exit code."""
    unwanted = ("LANG", "LC_ALL", "LC_MESSAGES", "NO_COLOR", "FORCE_COLOR", "LAWFUL_TRACEBACK")
    environment = {key: value for key, value in os.environ.items() if key not in unwanted}
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment.get("PATH", "")])
    environment |= {"PYTHONIOENCODING": "utf-8", "LAWFUL_CACHE": "off"}
    done = subprocess.run(
        ["sh", "-c", f"(exit {last}); {command}"],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return steady(done.stdout.decode()), done.returncode


def steady(output: str) -> str:
    """With the time that an audit, a proof or a comparison took on whatever machine taken to be half a second."""
    return re.sub(r"\b(duckdb, |questions?, |changes?, )\d+\.\d s$", r"\g<1>0.5 s", output, flags=re.MULTILINE)


def edited(text: str, diff: Block) -> str:
    """The text with each hunk of a block (`@@` stands between two) put in the place of what it says is there."""
    for hunk in diff.text.split("@@\n"):
        lines = hunk.splitlines(keepends=True)
        was = "".join(line[1:] for line in lines if line[0] in " -")
        becomes = "".join(line[1:] for line in lines if line[0] in " +")
        assert text.count(was) == 1, f"the file does not hold this once:\n{was}"
        text = text.replace(was, becomes)
    return text


@named(with_blocks("console"))
def test_the_commands_of_a_page_print_what_it_says(page: Path, tmp_path: Path, update: bool) -> None:
    """In the order of the page, in one folder: the checkout for the README, else an empty one with the page's files."""
    folder = ROOT if page.parent == ROOT else tmp_path
    told: list[tuple[Block, str]] = []
    last = 0
    for block in blocks(page):
        if block.file and folder != ROOT:
            path = folder / block.file
            content = edited(path.read_text(encoding="utf-8"), block) if block.language == "diff" else block.text
            path.write_text(content, encoding="utf-8")
        if block.language != "console":
            continue
        found = ""
        for command, _ in commands(block):
            output, last = printed(command, folder, last)
            found += f"$ {command}\n{output}"
        told.append((block, found))
    if update:
        text = page.read_text(encoding="utf-8")
        for block, found in reversed(told):
            text = text[: block.start] + found + text[block.start + len(block.text) :]
        page.write_text(text, encoding="utf-8")
        return
    for block, found in told:
        assert found == block.text


def test_the_files_of_the_guide_to_audits_are_there_to_be_tried() -> None:
    """fixtures/inventories/tour: who has a checkout copies nothing."""
    shown = {each.file: each.text for each in blocks(ROOT / "docs" / "audit.md") if each.file}
    for path in sorted((ROOT / "fixtures" / "inventories" / "tour").iterdir()):
        assert shown[path.name] == path.read_text(encoding="utf-8")


def test_make_demo_shows_what_the_readme_shows() -> None:
    """The README's block is the demo's: the same command, spelled out."""
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8")
    move = re.search(r"^MOVE := (.*)$", recipe, re.MULTILINE)
    assert move is not None
    run_by_make = {
        each.replace("$(MOVE)", move[1]) for each in re.findall(r"\$\(call expect,\d,(.*)\)$", recipe, re.MULTILINE)
    }
    [shown] = blocks(ROOT / "README.md", "console")
    assert {command for command, _ in commands(shown)} <= run_by_make


# -------------------------------------------------------------------------------------------------------- language


def joined_policy() -> lawful.Policy:
    fragments = [each for each in blocks(LANGUAGE, "yaml") if not each.file]
    tables = {each.file: each.text.encode() for each in blocks(LANGUAGE, "csv")}
    return lawful.loads("\n".join(each.text for each in fragments), tables=tables)


def test_the_policy_of_the_reference_compiles() -> None:
    assert [str(each) for each in joined_policy().diagnostics] == []


def test_the_cases_of_the_reference_pass() -> None:
    policy = joined_policy()
    [block] = [each for each in blocks(LANGUAGE, "yaml") if each.file == "cases.yaml"]
    cases = read_cases(Source("cases.yaml", block.text))
    assert [str(each) for each in (*cases.diagnostics, *unfit(cases, policy))] == []
    assert [each.differences for each in (run(case, policy) for case in cases.cases)] == [()] * len(cases.cases)


def test_the_request_of_the_reference_is_read() -> None:
    [block] = blocks(LANGUAGE, "json")
    assert joined_policy().check(block.text).verdict == "allow"


def test_the_ids_that_the_reference_lists_are_those_of_its_policy() -> None:
    section = LANGUAGE.read_text(encoding="utf-8").partition("## Ids of rules")[2].partition("\n## ")[0]
    listed = [each for each in re.findall(r"`([a-z_.-]+)`", section) if each.count(".") or each == "registration"]
    assert set(listed) <= {rule.id for rule in joined_policy().program.rules}


def keys() -> set[str]:
    """Every key that a policy may have, of any part."""
    models = [written.Written]
    for model in models:
        models += model.__subclasses__()
    inside = [model for model in models if model.__module__ == written.__name__]
    return {info.alias or name for model in inside for name, info in model.model_fields.items()}


def test_the_reference_names_every_key() -> None:
    text = LANGUAGE.read_text(encoding="utf-8")
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    quoted = (
        " ".join(re.findall(r"`([^`\n]+)`", prose)) + " ".join(re.findall(r"^## (.*)$", prose, re.MULTILINE)).lower()
    )
    assert sorted(keys() - set(re.findall(r"[a-z_]+", quoted))) == []


def test_the_policy_of_the_reference_uses_every_key() -> None:
    policy = "\n".join(each.text for each in blocks(LANGUAGE, "yaml"))
    texts_in_one_language = {"en", "zh"}
    used = set(re.findall(r"\b([a-z_]+):\s", policy))
    assert sorted(keys() - used - texts_in_one_language) == []


@pytest.mark.parametrize("name", ["request", "decision", "cases"])
def test_the_reference_names_everything_that_goes_in_and_out(name: str) -> None:
    schema = json.loads(schemas.published(name))
    names = set(schema["properties"])
    for part, each in schema["$defs"].items():
        names |= set() if part == "Text" else set(each.get("properties", {}))
    text = LANGUAGE.read_text(encoding="utf-8")
    said = set(re.findall(r"`([a-z_]+)`", text)) | set(re.findall(r"\b\"?([a-z_]+)\"?:", text))
    details = {"column", "file", "line", "titles"}  # of a place and of a source
    assert sorted(names - said - details) == []


def the_block(file: str) -> bytes:
    [block] = [each for each in blocks(LANGUAGE, "yaml") if each.file == file]
    return block.text.encode()


def test_the_mapping_and_the_waivers_of_the_reference_are_read(tmp_path: Path) -> None:
    program = joined_policy().program
    assert mapping_file.read_mapping(program, the_block("mapping.yaml"), "mapping.yaml").fields
    path = tmp_path / "waivers.yaml"
    path.write_bytes(the_block("waivers.yaml"))
    assert len(waivers.waivers(path, program)) == 2


@pytest.mark.parametrize(
    ("file", "models"),
    [
        ("mapping.yaml", (mapping_file.MappingWritten, mapping_file.ColumnWritten, mapping_file.EventsWritten)),
        ("waivers.yaml", (waivers.WaiversWritten, waivers.WaiverWritten)),
    ],
)
def test_the_reference_names_every_key_of_a_mapping_and_of_waivers(file: str, models: tuple[Any, ...]) -> None:
    names = {name for model in models for name in model.model_fields}
    audits = LANGUAGE.read_text(encoding="utf-8").partition("## An audit")[2]
    assert sorted(names - set(re.findall(r"`([a-z_]+)`", audits))) == []
    assert sorted(names - set(re.findall(r"\b([a-z_]+):", the_block(file).decode()))) == []


def test_the_reference_names_everything_that_an_audit_gives() -> None:
    audits = LANGUAGE.read_text(encoding="utf-8").partition("## An audit")[2].partition("\n## ")[0]
    said = set(re.findall(r"`([a-z_.-]+)`", audits))
    parts = (summary.Summary, summary.RuleTally, summary.NotJudged, summary.DataProblem, summary.CrossCheck)
    names = {each.name for part in parts for each in dataclasses.fields(part)}
    names |= {*longform.COLUMNS, *data.TITLES, *get_args(summary.About), *outputs.FORMS} - {".htm"}
    assert sorted(names - said) == []


def test_the_reference_names_every_function() -> None:
    text = LANGUAGE.read_text(encoding="utf-8")
    assert [each for each in sorted(METHODS | FUNCTIONS) if not re.search(rf"`{each}[`(]", text)] == []


def test_the_reference_names_every_command_and_option() -> None:
    text = LANGUAGE.read_text(encoding="utf-8").partition("## Commands and exit codes")[2]
    commands: Any = typer.main.get_command(cli.application())
    for name, command in commands.commands.items():
        assert re.search(rf"^\| `{name} ", text, re.MULTILINE), name
        options = [each for each in command.params if each.param_type_name == "option"]
        assert [each.opts[0] for each in options if f"{each.opts[0]}" not in text and each.name != "help"] == []


# ---------------------------------------------------------------------------------------------------- architecture


def modules() -> list[str]:
    """By their paths in the package; the `__init__` of a folder is the folder."""
    found = [path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py")]
    return sorted(path.replace("/__init__.py", "/") for path in found if path != "__init__.py")


def test_the_architecture_names_every_module() -> None:
    text = ARCHITECTURE.read_text(encoding="utf-8")
    assert [each for each in modules() if f"`{each}`" not in text] == []


@named(PAGES)
def test_a_page_names_no_module_that_is_not_there(page: Path) -> None:
    said = re.findall(r"`([a-z_/]+\.py)`", page.read_text(encoding="utf-8"))
    assert [each for each in said if not (PACKAGE / each).exists() and not (ROOT / each).exists()] == []


def test_the_architecture_lists_the_layers_in_their_order() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    [layers] = [each["layers"] for each in contracts if each.get("containers") == ["lawful"]]
    table = ARCHITECTURE.read_text(encoding="utf-8").partition("## The modules")[2]
    assert list(dict.fromkeys(re.findall(r"`([a-z_]+)(?:\.py|/)", table))) == layers


# ---------------------------------------------------------------------------------------------------------- pages


def slug(heading: str) -> str:
    """The anchor of a heading, as the usual hosts make it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def anchors(page: Path) -> set[str]:
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return {slug(each) for each in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}


@named(PAGES)
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)]+)\)", text):
        if target.startswith(("https:", "http:")):
            continue
        file, _, anchor = target.partition("#")
        there = (page.parent / file).resolve() if file else page
        assert there.exists(), f"{target} leads nowhere"
        assert not anchor or anchor in anchors(there), f"{target}: there is no such heading"


def test_the_readme_fits_a_page() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 120


@pytest.mark.parametrize("name", NAMES)
def test_a_page_names_no_machine(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert not re.search(r"(?<![\w.])/(?:home|root|work|Users|tmp)/", text)


def test_decisions_are_numbered_without_gaps_and_short() -> None:
    pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert [page.name[:4] for page in pages] == [f"{number:04}" for number in range(1, len(pages) + 1)]
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert re.findall(r"^\*\*(.+?)\.\*\*", text, re.MULTILINE) == ["Context", "Decision", "Why"], page.name
        assert len(text.splitlines()) <= 25, page.name
