"""The shipped packs: every rule cites its source, every README covers its sources and names only what there is."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from pathlib import Path

import pytest

import lawful
from lawful import cli
from lawful.cases import load_cases
from lawful.library import policy_root, shipped_names

ROOT = Path(__file__).parent.parent
ID = re.compile(
    r"`((?:lifecycle|features|actions|constraints|fields|invariants|conditions|events|request|account|registration)"
    r"\.[\w.-]+|registration)`"
)
# What the language itself refuses, where the policy says nothing that could be cited.
BUILT_IN = re.compile(r"fields\.\w+\.unlisted")
# What a case may rest on beside a source of the policy: a provision of law, and what its README says for itself.
PROVISION = r"(?:sections?|Part|SI) \d+|the \d{4} Act"
OWN = {"open question": "Open questions", "how the facts are read": "How the facts are read"}


@pytest.mark.parametrize("name", shipped_names())
def test_every_rule_of_a_pack_has_its_source(name: str) -> None:
    program = lawful.load(name).program
    rules = [rule.id for rule in program.rules if rule.source is None and not BUILT_IN.fullmatch(rule.id)]
    invariants = [each.id for each in program.invariants if each.source is None]
    assert (rules, invariants) == ([], [])


@pytest.mark.parametrize("name", shipped_names())
def test_a_pack_has_no_warnings(name: str) -> None:
    assert lawful.load(name).diagnostics == ()


@pytest.mark.parametrize("name", shipped_names())
def test_every_id_that_a_readme_names_exists(name: str) -> None:
    known = ids(lawful.load(name))
    named = set(ID.findall(readme(name)))
    assert named - known == set()
    assert named


@pytest.mark.parametrize("name", shipped_names())
def test_a_readme_says_of_every_statement_which_rules_it_became_or_why_none(name: str) -> None:
    rows = coverage(readme(name))
    assert len(rows) >= 10
    assert [row for row in rows if "`" not in row[-1] and len(row[-1].split()) < 2] == []
    assert any(ID.search(row[-1]) for row in rows)


@pytest.mark.parametrize("name", shipped_names())
def test_every_rule_of_a_pack_is_in_its_readme(name: str) -> None:
    program = lawful.load(name).program
    written = {rule.id for rule in program.rules if rule.source is not None and rule.kind != "effect"}
    assert {id for id in written if id not in readme(name)} == set()


@pytest.mark.parametrize("name", shipped_names())
def test_every_case_of_a_pack_cites_what_it_rests_on(name: str) -> None:
    policy, page = lawful.load(name), readme(name)
    own = [words for words, heading in OWN.items() if f"\n## {heading}\n" in page]
    cited = re.compile(rf"\b(?:{'|'.join([*policy.program.sources, *own, PROVISION])})\b")
    cases = load_cases(policy)
    assert [case.place for case in cases if not cited.search(case.note or "")] == []


@pytest.mark.parametrize("name", shipped_names())
def test_a_readme_has_commands_and_says_where_its_rules_are_from_and_what_is_open(name: str) -> None:
    page = readme(name)
    assert {command[1] for command, _ in commands(page) if command[0] == "lawful"} >= {"check", "plan", "audit"}
    assert [heading for heading in ("Sources", *OWN.values()) if f"\n## {heading}\n" not in page] == []


@pytest.mark.parametrize("name", shipped_names())
def test_what_a_pack_says_of_itself_is_proved(name: str) -> None:
    policy = lawful.load(name)
    assert policy.program.invariants
    answers = policy.prove(
        "invariant", *(["final"] if any(each.final for each in policy.program.lifecycles.values()) else [])
    )
    assert [(each.id, each.status) for each in answers.answers if each.status != "proved"] == []


@pytest.mark.parametrize("name", shipped_names())
def test_the_commands_of_a_readme_run_from_the_checkout(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And print what it says that they print: each line of it, where `…` stands for what is left out."""
    monkeypatch.chdir(ROOT)
    for command, shown in commands(readme(name)):
        if command[:2] in (["lawful", "diff"], ["lawful", "prove"]):
            assert set(command[2:3]) <= set(shipped_names())  # tests of their own take their time
            continue
        printed = printed_by(command, capsys)
        for line in shown:
            assert [part for part in line.split("…") if " ".join(part.split()) not in printed] == [], line


def commands(page: str) -> Iterable[tuple[list[str], list[str]]]:
    """Each command of a block of `console`, and the lines that it is said to print."""
    for block in re.findall(r"```console\n(.*?)```", page, re.DOTALL):
        for part in re.split(r"^\$ ", block.replace("\\\n", " "), flags=re.MULTILINE)[1:]:
            command, *shown = part.splitlines()
            yield shlex.split(command), shown


def printed_by(command: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    if command[0] == "cat":
        return " ".join(Path(command[1]).read_text("utf-8").split())
    assert command[0] == "lawful"
    in_a_hurry = ["--seconds", "2"] if command[1] == "plan" else []
    assert cli.main([*command[1:], *in_a_hurry]) in (0, 1, 3)
    found = capsys.readouterr()
    assert found.err == ""
    return " ".join(found.out.split())


@pytest.mark.parametrize("name", shipped_names())
def test_a_pack_has_at_least_forty_cases(name: str) -> None:
    assert len(load_cases(lawful.load(name))) >= 40


def ids(policy: lawful.Policy) -> set[str]:
    """What a README may name: rules, moves, and whatever has a name in a section of the policy."""
    program = policy.program
    sections: dict[str, Iterable[str]] = {
        "conditions": program.conditions,
        "features": program.features,
        "actions": program.actions,
        "events": program.events,
        "fields": program.account,
        "account": [*program.account, "features"],
        "request": program.request,
        "lifecycle": program.lifecycles,
        "invariants": [each.id for each in program.invariants],
    }
    named = {f"{section}.{id}" for section, names in sections.items() for id in names}
    return named | {rule.id for rule in program.rules} | {move.id for move in program.moves}


def coverage(text: str) -> list[list[str]]:
    """The cells of the tables under the heading `Coverage`, without their heads and the bold headings among them."""
    _, heading, rest = text.partition("\n## Coverage\n")
    assert heading
    lines = [line for line in rest.partition("\n## ")[0].splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    rules = [number for number, row in enumerate(rows) if set("".join(row)) <= set("-: ")]
    heads = {number for each in rules for number in (each - 1, each)}
    return [
        row for number, row in enumerate(rows) if number not in heads and (any(row[1:]) or not row[0].startswith("**"))
    ]


def readme(name: str) -> str:
    return Path(policy_root() / name / "README.md").read_text("utf-8")
