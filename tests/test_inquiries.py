"""What answers to a missing fact are told to decide: ranges hold for each of their values, else examples are told."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest

import lawful
from lawful.decision import Answered

NUMBERS = range(8)
TEXTS = ("", "a", "b", "ab", "abc", "something")
SETS = ([], ["x"], ["y"], ["x", "y"])
VALUES: dict[str, tuple[Any, ...]] = {
    "n": tuple(NUMBERS),
    "m": tuple(NUMBERS),
    "k": tuple(NUMBERS),
    "s": TEXTS,
    "t": SETS,
    "flag": (True, False),
}
FIELDS = """
  n: {type: int, min: 0, max: 7, outside: true}
  m: {type: int, min: 0, max: 7}
  k: {type: int, min: 0, max: 7, outside: true}
  s: {type: string, outside: true}
  t: {set: [x, y], outside: true}
  flag: {type: bool, outside: true}
"""


def asked(fields: str, requires: str, account: dict[str, Any] | None = None) -> list[tuple[dict[str, str], str]]:
    """What the answers to the one inquiry are told to decide."""
    text = f'{{policy: p, version: "1", account: {{fields: {fields}}}, actions: {{go: {{requires: "{requires}"}}}}}}'
    given = {"features": [], **(account or {})}
    [inquiry] = lawful.loads(text).check(account=given, change={"do": "go"}, at="2028-01-01").inquiries
    return [({fact: text.en for fact, text in each.given.items()}, each.verdict) for each in inquiry.answers]


N = "{n: {type: int, outside: true}}"
NM = "{n: {type: int, outside: true}, m: {type: int, outside: true}}"
D = "{d: {type: date, outside: true}}"
S = "{s: {type: string, outside: true}}"


def one(fact: str, told: dict[str, str]) -> list[tuple[dict[str, str], str]]:
    return [({f"account.{fact}": words}, verdict) for words, verdict in told.items()]


def test_what_is_only_compared_with_what_stays_is_told_in_ranges() -> None:
    assert asked(NM, "account.n > account.m", {"m": 4}) == one("n", {"from 5 on": "allow", "up to 4": "deny"})
    inside = {"5 to 6 or 9": "allow", "up to 4, 7 to 8 or from 10 on": "deny"}
    assert asked(N, "account.n > 3 && account.n in [5, 6, 9]") == one("n", inside)
    days = {"up to 2027-12-01": "allow", "from 2027-12-02 on": "deny"}
    assert asked(D, "daysBetween(account.d, today) > 30") == one("d", days)
    assert asked(S, "account.s in ['', 'a']") == one("s", {"'' or a": "allow", "anything else": "deny"})


def test_facts_that_meet_in_a_comparison_are_told_by_what_was_tried() -> None:
    """What would allow it is looked for with each but one given: its thresholds are known then."""
    tried = {"account.m": "such as 0", "account.n": "such as 0"}
    assert asked(NM, "account.n > account.m") == [
        ({"account.m": "such as 9", "account.n": "such as 10"}, "allow"),
        (tried, "deny"),
    ]
    ten = {"account.m": "such as 0", "account.n": "such as 10"}
    assert asked(NM, "account.n + account.m == 10") == [(ten, "allow"), (tried, "deny")]
    product = {"account.m": "such as 101", "account.n": "such as 10"}
    assert asked(NM, "account.n * account.m > 1000") == [(product, "allow"), (tried, "deny")]
    days = asked(
        "{d: {type: date, outside: true}, e: {type: date, outside: true}}", "daysBetween(account.d, account.e) > 30"
    )
    assert days[0] == ({"account.d": "such as 2027-12-01", "account.e": "such as 2028-01-01"}, "allow")


def test_what_comes_round_again_is_looked_for_beyond_its_thresholds() -> None:
    assert asked(N, "account.n % 7 == 3 && account.n / 10 > 4")[0] == ({"account.n": "such as 52"}, "allow")


def test_a_number_that_overflows_is_no_example() -> None:
    told = {"such as 34": "allow", "such as 33": "deny"}
    assert asked(NM, "account.n * account.m > 1000", {"m": 30}) == one("n", told)


def test_a_pattern_is_no_text_that_is_offered() -> None:
    (_, allowed), (given, denied) = asked(S, "account.s.matches('^a[0-9]+$')")
    assert (allowed, denied, given) == ("allow", "deny", {"account.s": "such as a"})


SZ = "{s: {type: string, outside: true}, z: {type: string, outside: true}}"


def test_texts_that_meet_are_told_by_texts_that_one_could_give() -> None:
    equal = {"account.s": "such as a", "account.z": "such as a"}
    different = {"account.s": "such as b", "account.z": "such as a"}
    assert asked(SZ, "account.s == account.z") == [(equal, "allow"), (different, "deny")]
    assert asked(SZ, "account.s != account.z") == [(different, "allow"), (equal, "deny")]
    told = {"such as Bob": "allow", "such as a": "deny"}
    assert asked(SZ, "account.s == account.z", {"z": "Bob"}) == one("s", told)
    assert asked(SZ, "account.s in [account.z, 'Ann']", {"z": "Bob"})[0][0] == {"account.s": "such as Ann or Bob"}


def test_an_example_gives_no_private_text_away() -> None:
    fields = SZ.replace("z: {", "z: {private: true, ")
    for given, _ in asked(fields, "account.s == account.z", {"z": "Bob"}):
        assert "Bob" not in given["account.s"]


def test_every_way_to_be_allowed_or_denied_is_looked_for() -> None:
    """Beside what has ranges: there are answers that allow with each of these, or with none."""
    fields = NM.replace("m:", "k: {type: int, outside: true}, m:")
    elsewhere = "up to 4 or from 6 on"
    assert asked(fields, "account.n > account.m || account.k == 5") == [
        ({"account.n": "such as 0", "account.m": "such as 0", "account.k": "5"}, "allow"),
        ({"account.n": "such as 10", "account.m": "such as 9", "account.k": elsewhere}, "allow"),
        ({"account.n": "such as 0", "account.m": "such as 0", "account.k": elsewhere}, "deny"),
    ]
    assert asked(NM, "account.n <= account.m") == [
        ({"account.m": "such as 0", "account.n": "such as 0"}, "allow"),
        ({"account.m": "such as 9", "account.n": "such as 10"}, "deny"),
    ]


def test_what_is_computed_from_is_told_by_what_was_tried() -> None:
    even = {"such as 0": "allow", "such as 1, 5 or 6": "deny"}
    assert asked(N, "account.n % 2 == 0 && account.n <= 5") == one("n", even)
    for fields, requires in (
        (N, "account.n * account.n == 49"),
        (D, "account.d.getDate() == 5"),
        (D, "account.d < today && daysBetween(account.d, today) % 7 == 3"),
        (S, "account.s.size() > 2"),
        ("{s: {type: string, outside: true}, z: {type: string, outside: true}}", "account.s == account.z"),
        ("{n: {type: int, outside: true}, b: {type: bool}}", "(account.n > 3) == account.b"),
    ):
        for given, _ in asked(fields, requires):
            assert all(text.startswith("such as ") for fact, text in given.items() if fact != "account.b")


def test_what_the_change_moves_is_told_by_what_was_tried() -> None:
    policy = lawful.loads(
        """
policy: p
version: "1"
account: {fields: {n: {type: int}}}
actions: {go: {effects: {n: account.n + 1}}}
constraints: {few: {requires: account.n < 100}}
"""
    )
    [inquiry] = policy.check(account={"features": []}, change={"do": "go"}, at="2028-01-01").inquiries
    assert inquiry.answers
    for each in inquiry.answers:
        assert each.only_examples == ("account.n",)
        assert each.given["account.n"].en.startswith("such as ")
        assert each.given["account.n"].zh.startswith("例如")


def test_a_set_is_told_in_braces() -> None:
    told = {"{x} or {x, y}": "allow", "{} or {y}": "deny"}
    assert asked("{t: {set: [x, y], outside: true}}", "'x' in account.t") == one("t", told)


# ---------------------------------------------------------------------------------------------------------- drawn


class Drawn:
    """One small policy."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def number(self) -> str:
        return self.random.choice(
            ["account.n", "account.n", "account.m", "account.k", "account.n + 1", "account.n * 2", "account.m % 3"]
        )

    def atom(self) -> str:
        low, high = sorted(self.random.sample(NUMBERS, 2))
        sign = self.random.choice(["==", "!=", "<", "<=", ">", ">="])
        return self.random.choice(
            [
                f"{self.number()} {sign} {low}",
                f"account.n {sign} {high}",
                f"account.m {sign} {low}",
                f"account.n {sign} {self.number()}",
                f"{self.number()} in [{low}, {high}]",
                f"account.n + account.m == {low + high}",
                f"account.n % 2 == {low % 2}",
                f"(account.n {sign} {low}) == account.flag",
                f"(account.flag ? account.n : account.m) {sign} {low}",
                f"large == {self.random.choice(['true', 'account.flag'])}",
                "large",
                "has(account.n)",
                "account.flag",
                f"account.s {self.random.choice(['==', '!='])} '{self.random.choice(TEXTS[:3])}'",
                "account.s in ['a', 'b']",
                f"account.s.size() > {low}",
                "account.s.startsWith('a')",
                "'x' in account.t",
            ]
        )

    def condition(self) -> str:
        atoms = [self.atom() for _ in range(self.random.randint(1, 3))]
        return self.random.choice([" && ", " || "]).join(f"({each})" for each in atoms)

    def policy(self) -> str:
        value = self.random.choice(["account.n", "account.m + 1", "3", "account.flag ? 1 : 2", "account.n > 3 ? 1 : 2"])
        effects = {"effects": {"m": value}} if self.random.random() < 0.5 else {}
        parts = {
            "conditions": {"large": f"account.n > {self.random.choice(NUMBERS)}"},
            "actions": {"go": {"requires": self.condition(), **effects}},
            "constraints": {"c": {"when": self.condition(), "requires": self.condition()}},
        }
        written = "\n".join(f"{key}: {json.dumps(part)}" for key, part in parts.items())
        return f'policy: p\nversion: "1"\naccount:\n fields:{FIELDS.replace(chr(10), chr(10) + " ")}\n{written}\n'

    def account(self) -> dict[str, Any]:
        given = {name: self.random.choice(values) for name, values in VALUES.items()}
        for name in self.random.sample(sorted(given), self.random.randint(1, 4)):
            del given[name]
        return given


@pytest.mark.parametrize("seed", range(150))
def test_every_value_that_is_told_decides_as_told(seed: int) -> None:
    drawn = Drawn(seed)
    policy, account = lawful.loads(drawn.policy()), {"features": [], **drawn.account()}
    change = {"do": "go"}

    def verdict(answers: dict[str, Any]) -> str:
        return policy.check(account={**account, **answers}, change=change, at="2028-01-01", engine="reference").verdict

    for inquiry in policy.check(account=account, change=change, at="2028-01-01").inquiries:
        names = [each.removeprefix("account.") for each in inquiry.facts]
        named = {text for each in inquiry.answers for text in words(each.given.get("account.s"))}
        told = [meant(each, names, named) for each in inquiry.answers]
        for row, values in zip(inquiry.answers, told, strict=True):
            for answers in product(*values):
                assert verdict(dict(zip(names, answers, strict=True))) == row.verdict
        if told and not any(each.only_examples for each in inquiry.answers):
            for answers in product(*(VALUES[name] for name in names)):
                rows = [all(map(list.__contains__, values, answers)) for values in told]
                assert rows.count(True) == 1


def meant(answer: Answered, names: list[str], named: set[str]) -> list[list[Any]]:
    """By fact, the values of its small domain that are told."""
    found = []
    for name in names:
        text = answer.given[f"account.{name}"].en
        assert text is not None
        assert text.startswith("such as ") == (f"account.{name}" in answer.only_examples)
        among = [holding(part, named) for part in parted(text.removeprefix("such as "))]
        values = [value for value in VALUES[name] if any(each(value) for each in among)]
        if name == "s" and text.startswith("such as "):  # of texts another may have been tried
            values = [part if part != "''" else "" for part in parted(text.removeprefix("such as "))]
        assert values or text.startswith("such as ")
        found.append(values)
    return found


def parted(text: str) -> list[str]:
    """The alternatives: commas in braces part none."""
    return re.split(r", (?![^{]*\})| or ", text)


def words(text: lawful.decision.Text | None) -> list[str]:
    return [] if text is None else parted((text.en or "").removeprefix("such as "))


def holding(part: str, named: set[str]) -> Callable[[Any], bool]:
    if part == "any":
        return lambda value: True
    if part == "anything else":
        return lambda value: (value or "''") not in named
    if match := re.fullmatch(r"up to (\d+)", part):
        return lambda value: value <= int(match[1])
    if match := re.fullmatch(r"from (\d+) on", part):
        return lambda value: value >= int(match[1])
    if match := re.fullmatch(r"(\d+) to (\d+)", part):
        return lambda value: int(match[1]) <= value <= int(match[2])
    return lambda value: said(value) == part


def said(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return f"{{{', '.join(value)}}}"
    return str(value) or "''"
