"""Two policies compared: what is told is what looking at every request finds, and `check` confirms each example."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from itertools import count
from pathlib import Path

import jsonschema
import pytest

import lawful
from lawful import ir, schemas
from lawful.audit.errors import AuditError
from lawful.cli import main
from lawful.engines.reference import evaluate
from lawful.ir import Language
from lawful.proofs.differences import VERDICTS, Diff, Difference, Moving, OnlyOne, Part, Setting
from lawful.proofs.differences_told import Sayings, as_json
from lawful.proofs.errors import ProofError
from lawful.proofs.examples_told import ExampleTeller
from twins import Both, Compared, twins

LIMIT = 60.0
SHARDS = 10
PAIRS = 50
"""Of each shard."""
LARGEST = 4_000
"""Requests to a pair."""
WECHAT = Path(__file__).resolve().parents[1] / "policies" / "wechat" / "policy.yaml"


def changed(*edits: tuple[str, str]) -> lawful.Policy:
    """The shipped policy with texts replaced."""
    return lawful.loads(text_of(*edits))


def text_of(*edits: tuple[str, str]) -> str:
    text = WECHAT.read_text(encoding="utf-8")
    for was, becomes in edits:
        assert was in text
        text = text.replace(was, becomes, 1)
    return text


def kinds(found: Diff) -> set[tuple[str, str]]:
    return {(each.change, each.kind) for each in found.found}


# ------------------------------------------------------------------------------------------- held to enumeration


@pytest.mark.parametrize("shard", range(SHARDS))
def test_the_differences_are_those_that_enumeration_finds(shard: int) -> None:
    told: Counter[str] = Counter()
    for seed in count(shard * 10_000):
        pair = twins(seed)
        if pair is None or Both(*pair).size > LARGEST:
            continue
        old, new = pair
        found = old.diff(new, timeout=LIMIT)
        looks_twice = seed % 5 == 0  # at what is said to be written alike, too, and at where the differences are
        whole = Both(old, new, frozenset() if looks_twice else frozenset(found.identical), keeps=looks_twice)
        assert not found.unsettled, seed
        assert kinds(found) == whole.look(), seed
        told["different" if found.found else "equal"] += 1
        shows_what_differs(found)
        if looks_twice:
            for each in found.found:
                told["places"] += in_its_place(each, whole.asked)
        if told["different"] + told["equal"] == PAIRS:
            break
    assert told["different"] >= PAIRS // 3
    assert told["equal"] > 0
    assert told["places"] > 0


def shows_what_differs(found: Diff) -> None:
    """Of every example the two answers are told in other words, and a request that leaves out a default says so."""
    for language in ir.LANGUAGES:
        teller = ExampleTeller(found, language)
        for each in found.found:
            assert each.example is not None
            old, new = teller.answers(each, each.example)
            assert old != new, (each, old)
            assert ": ," not in teller.request(each.example)


def in_its_place(difference: Difference, asked: list[Compared]) -> bool:
    """Whether it is told where exactly the difference is; then it must be there, and nowhere else."""
    where = difference.where
    assert where is not None
    for each in asked:
        if each.change != difference.change:
            continue
        is_there = any(all(holds(part, each) for part in case) for case in where.cases)
        if is_there:
            assert difference.kind in each.kinds, (difference, each)
        elif where.whole and not (where.unknown and each.new.verdict == "undetermined"):
            assert difference.kind not in each.kinds, (difference, each)
    return where.whole


def holds(part: Part, compared: Compared) -> bool:
    if isinstance(part, Setting):
        return (part.field in compared.old.asked.values) == part.value
    step = compared.old if part.side == "old" else compared.new
    if isinstance(part, Moving):
        return (part.fact in step.moved) == part.value
    return evaluate(part.expr, step.after if part.after else step.before) is part.value


# --------------------------------------------------------------------------------------------- the shipped policy


def test_a_policy_is_equal_to_itself() -> None:
    policy = lawful.load("wechat")
    found = policy.diff(policy)
    assert found.equal
    assert found.identical == found.changes


def test_a_policy_is_proved_equal_to_one_in_other_words(monkeypatch: pytest.MonkeyPatch) -> None:
    found = lawful.load("wechat").diff(
        changed(
            (
                "when: has(account.certified_until) && account.certified_until >= today",
                "when: (!(account.certified_until < today) && has(account.certified_until)) || false",
            ),
            (
                'requires: "!enterprise_account || known_follower"',
                "requires: \"account.type != 'enterprise' || request.follower_verified\"",
            ),
        ),
        timeout=LIMIT,
    )
    assert found.identical != found.changes
    assert found.equal


EDITS = {
    "one more a month": [("at_most: 4", "at_most: 5")],
    "a longer certification": [("addYears(today, 1)", "addYears(today, 2)")],
    "an upgrade for governments": [
        ("requires: certified\n", "requires: \"certified || account.subject == 'government'\"\n")
    ],
    "no upgrade for the day it ends on": [("account.certified_until >= today", "account.certified_until > today")],
    "a warning that refuses": [("severity: warning", "severity: error")],
    "from a day on": [
        (
            "requires: [service_account, certified]",
            "in_force: {from: 2026-01-01}\n    requires: [service_account, certified]",
        )
    ],
    "days of another zone": [("Asia/Shanghai", "UTC")],
    "as often as one likes": [("        limit: once\n", "")],
}


@pytest.mark.parametrize("edits", EDITS.values(), ids=EDITS.keys())
def test_check_confirms_every_example(edits: list[tuple[str, str]]) -> None:
    old, new = lawful.load("wechat"), changed(*edits)
    found = old.diff(new, timeout=3 * LIMIT)
    assert found.found
    assert not found.unsettled
    for each in found.found:
        assert each.example is not None
        one, other = old.check(each.example.request), new.check(each.example.request)
        if each.kind in VERDICTS:
            assert (one.verdict, other.verdict) == VERDICTS[each.kind]
        else:
            assert one.verdict == other.verdict
            told = [(each.reasons, each.consequences, each.obligations) for each in (one, other)]
            assert told[0] != told[1]


def test_the_smallest_example_gives_what_matters_alone() -> None:
    found = lawful.load("wechat").diff(changed(("at_most: 4", "at_most: 5")))
    (loosened, *_) = found.of("loosened")
    assert loosened.change == "do.mass_send"
    assert loosened.example is not None
    request = loosened.example.request
    assert request["account"] == {"type": "service"}
    assert [each["event"] for each in request["history"]] == ["mass_send"] * 4
    assert as_json(found, "0")["differences"][0]["where"]["cases"][0]["en"] == (
        "it is a service account and number of “mass message” in the same calendar month = 4"
    )


# ------------------------------------------------------------------------------------------------ other vocabularies


def test_what_only_one_can_be_asked_is_listed() -> None:
    new = changed(
        ("    last_active:\n", "    seats: {type: int, min: 1, max: 9, settable: {}}\n    last_active:\n"),
        ("        media: {en: media, zh: 媒体}\n", ""),
        ("  log_in:\n", "  sign_in:\n"),
    )
    found = lawful.load("wechat").diff(new, timeout=LIMIT)
    assert {(each.side, each.what, each.name, each.told) for each in found.only} == {
        ("new", "field", "seats", ""),
        ("old", "value", "subject", "media"),
        ("old", "action", "log_in", ""),
        ("new", "action", "sign_in", ""),
    }
    assert "do.log_in" not in found.changes
    assert found.equal


def test_of_many_things_that_only_one_knows_the_first_are_named() -> None:
    def only(*what: str) -> list[OnlyOne]:
        return [OnlyOne("new", "field", name) for name in what]

    few, many = only(*"abcdef"), only(*"abcdefg")
    values = [OnlyOne("new", "value", "type", each) for each in ("x", "y")]
    program = lawful.load("wechat").program
    spoken: list[tuple[Language, str]] = [("en", "the fields a, b, c and 4 more"), ("zh", "字段 a、b、c等，另有4项")]
    for language, told in spoken:
        said = Sayings(Diff(program, program, (), (), (), (), (), 30.0, 0.0), language)
        assert list(said.only(many)) == [told]
    said = Sayings(Diff(program, program, (), (), (), (), (), 30.0, 0.0), "en")
    assert list(said.only([*few, *values])) == ["the fields a, b, c, d, e, f", "the values x, y of type"]
    assert (said.leaves_out(few), said.leaves_out(many)) == (False, True)


def test_what_has_other_words_alone_is_told_and_no_difference() -> None:
    new = changed(
        ("one mass message a day for", "one message a day for"), ("en: subscription account,", "en: magazine,")
    )
    found = lawful.load("wechat").diff(new, timeout=LIMIT)
    assert found.equal
    assert {(each.what, each.of, each.name, each.old.en, each.new.en) for each in found.texts} >= {
        ("value", "type", "subscription", "subscription account", "magazine")
    }
    assert "the value subscription of type: subscription account → magazine" in Sayings(found, "en").called()
    assert lawful.load("wechat").diff(lawful.load("wechat")).texts == ()


def test_rules_in_other_words_are_named() -> None:
    new = changed(("mass messages of a service account, certified or not: at most", "so many, per recipient:"))
    found = lawful.load("wechat").diff(new, timeout=LIMIT)
    (retold,) = found.texts
    assert (found.equal, retold.what, retold.name) == (True, "rule", "actions.mass_send.limits.monthly")
    assert (
        as_json(found, "0")["texts"][0]["new"]["en"]
        == "so many, per recipient: {limit} a calendar month (counted: {count})"
    )


def test_a_new_fact_that_a_rule_needs_leaves_old_requests_open() -> None:
    new = changed(
        ("    last_active:\n", "    audited: {type: bool, outside: true}\n    last_active:\n"),
        ('    requires: "!individual"\n    effects', '    requires: "!individual && account.audited"\n    effects'),
    )
    assert ("do.certify", "allow_to_undetermined") in kinds(lawful.load("wechat").diff(new, timeout=LIMIT))


# ------------------------------------------------------------------------------------------------- the command line


@pytest.fixture
def newer(tmp_path: Path) -> str:
    text = WECHAT.read_text(encoding="utf-8").replace("at_most: 4", "at_most: 5", 1)
    (tmp_path / "newer.yaml").write_text(text, encoding="utf-8")
    return str(tmp_path / "newer.yaml")


def test_the_most_telling_cases_are_shown_and_the_others_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was long ago comes last."""
    files = [tmp_path / "old.yaml", tmp_path / "new.yaml"]
    allowed = " || ".join(["(account.a && today < date('2010-01-01'))", *(f"account.{name}" for name in "bcde")])
    for file, requires in zip(files, ("account.f", f"account.f || {allowed}"), strict=True):
        file.write_text(
            "policy: p\nversion: 1\naccount: {fields: {a: bool, b: bool, c: bool, d: bool, e: bool, f: bool}}\n"
            f'actions: {{go: {{requires: "{requires}"}}}}\n',
            encoding="utf-8",
        )
    old, new = map(str, files)
    assert main(["diff", old, new, "--lang", "zh", "--verbose"]) == 0
    out = capsys.readouterr().out
    cases = re.findall("情形：(.*)", out[out.index("拒绝 → 允许") : out.index("例如")])
    assert ([n for n, each in enumerate(cases) if "2010" in each], "--verbose" in out) == (
        [len(cases) - 1],
        False,
    )
    assert main(["diff", old, new, "--lang", "en"]) == 0
    out = capsys.readouterr().out
    loosened = out[out.index("deny → allow") : out.index("such as")]
    assert (loosened.count("where "), "2010" in loosened) == (3, False)
    assert f"and {len(cases) - 3} more with --verbose" in loosened


def test_what_nobody_can_set_is_told_in_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Refused by both, it says otherwise only what else is wrong."""
    files = []
    for name, limit in (("old", 10), ("new", 20)):
        files.append(tmp_path / f"{name}.yaml")
        files[-1].write_text(
            "policy: p\nversion: 1\naccount: {fields: {seen: {type: int, min: 0, max: 90, outside: true}}}\n"
            f"constraints: {{idle: {{requires: account.seen < {limit}, severity: warning}}}}\n",
            encoding="utf-8",
        )
    old, new = map(str, files)
    assert main(["diff", old, new]) == 0
    out = capsys.readouterr().out
    assert "refused by both, with other warnings or reasons: set seen\n" in out
    assert "set.seen" not in out
    assert main(["diff", old, new, "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)["differences"]
    assert ("set.seen", "reasons") in {(each["change"], each["kind"]) for each in found}


def test_exit_codes(newer: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", "wechat", "wechat", "--forbid", "different"]) == 0
    assert main(["diff", "wechat", newer]) == 0
    assert main(["diff", "wechat", newer, "--forbid", "loosened"]) == 1
    assert main(["diff", "wechat", newer, "--forbid", "tightened"]) == 0
    assert main(["diff", newer, "wechat", "--forbid", "tightened"]) == 1
    assert main(["diff", newer, "wechat", "--forbid", "loosened", "--quiet"]) == 0
    assert main(["diff", "wechat", newer, "--timeout", "0.001"]) == 3
    assert "not settled within 0.001 s" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["diff", "wechat"], 2, "missing argument"),
        (["diff", "wechat", "wechta"], 2, "wechta"),
        (["diff", "wechat", "./none.yaml"], 2, "none.yaml"),
        (["diff", "wechat", "wechat", "--can", "enable wechat_pay"], 2, "`--can` asks about an inventory"),
        (["diff", "wechat", "wechat", "--forbid", "everything"], 2, "loosened"),
        (["diff", "wechat", "wechat", "--inventory", "none.csv"], 2, "none.csv"),
    ],
)
def test_wrong_usage(arguments: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == code
    told = capsys.readouterr().err
    assert message in told
    assert "Traceback" not in told


def test_as_json(newer: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    inventory = tmp_path / "accounts.csv"
    inventory.write_text(ACCOUNTS, encoding="utf-8")
    asked = ["--inventory", str(inventory), "--can", "enable wechat_pay"]
    assert main(["diff", "wechat", newer, *asked, "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    jsonschema.validate(told, json.loads(schemas.published("diff")))
    assert {each["tendency"] for each in told["differences"]} == {"loosened", "other"}
    for each in told["differences"]:
        assert lawful.load("wechat").check(each["example"]["request"]).verdict == each["example"]["old"]["verdict"]
        assert lawful.load(newer).check(each["example"]["request"]).verdict == each["example"]["new"]["verdict"]


# ----------------------------------------------------------------------------------------------------- an inventory

ACCOUNTS = """account_id,type,subject,certified_until,last_active,wechat_pay
a1,subscription,government,,2025-06-01,no
a2,subscription,enterprise,2026-01-01,2025-06-01,no
a3,service,media,2026-01-01,2025-06-01,yes
a4,service,media,2026-01-01,2025-06-01,no
a4,service,media,2026-01-01,2025-06-01,no
a5,service,enterprise,2026-01-01,2025-06-01,
"""


@pytest.fixture
def inventory(tmp_path: Path) -> str:
    (tmp_path / "accounts.csv").write_text(ACCOUNTS, encoding="utf-8")
    return str(tmp_path / "accounts.csv")


NO_PAY_FOR_MEDIA = [
    (
        "requires: [service_account, certified]",
        "requires: [service_account, certified, \"account.subject != 'media'\"]",
    ),
    ("requires: certified\n", "requires: \"certified || account.subject == 'government'\"\n"),
]


TURNED = [("set type=service", "deny", "allow", 1, ("a1",)), ("enable wechat_pay", "allow", "deny", 2, ("a4", "a4"))]


def test_accounts_are_asked_by_the_columns(inventory: str, tmp_path: Path) -> None:
    target = tmp_path / "changed.csv"
    found = lawful.load("wechat").touched(changed(*NO_PAY_FOR_MEDIA), inventory, at="2025-07-01", changed=target)
    assert (found.engine, found.accounts, found.sampled) == ("duckdb", 6, None)
    assert [(each.question, each.old, each.new, each.accounts, each.examples) for each in found.turned] == TURNED
    assert [(each.rule, each.appears, each.examples) for each in found.found] == [
        ("features.wechat_pay", True, ("a3",))
    ]
    assert target.read_text(encoding="utf-8").splitlines()[1:] == [
        'a4,enable wechat_pay,allow,deny,"",features.wechat_pay',
        'a4,enable wechat_pay,allow,deny,"",features.wechat_pay',
        'a1,set type=service,deny,allow,lifecycle.type.upgrade,""',
    ]


def test_what_is_read_is_not_written_over(inventory: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However it is named; and the tables of the policies, too."""
    monkeypatch.chdir(tmp_path)
    whole = Path(inventory).read_bytes()
    Path("link.csv").symlink_to(inventory)
    Path("hard.csv").hardlink_to(inventory)
    Path("history.csv").write_text("account_id,event,at\n", encoding="utf-8")
    policy = lawful.load("wechat")
    for name in (inventory, "accounts.csv", "./accounts.csv", "link.csv", "hard.csv"):
        with pytest.raises(AuditError, match="is read as the inventory: it is not written over"):
            policy.touched(policy, inventory, at="2025-07-01", changed=name)
    with pytest.raises(AuditError, match="is read as the inventory"):
        policy.touched(policy, "link.csv", at="2025-07-01", changed="accounts.csv")
    with pytest.raises(AuditError, match="is read as the history"):
        policy.touched(policy, inventory, at="2025-07-01", changed="./history.csv", history="history.csv")
    given = ["--inventory", "accounts.csv", "--at", "2025-07-01", "--changed", "./link.csv"]
    assert main(["diff", "wechat", "wechat", *given]) == 2
    assert Path(inventory).read_bytes() == whole


@pytest.mark.parametrize("kept", [False, True])
def test_the_tables_of_a_policy_are_not_written_over(
    kept: bool, inventory: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the policy was compiled before, and is only looked up."""
    monkeypatch.setenv("LAWFUL_CACHE", str(tmp_path / "kept"))
    folder = tmp_path / "p"
    shutil.copytree(WECHAT.parents[1] / "developer-platforms", folder)
    if kept:
        lawful.load(folder, cached=True)
    policy = lawful.load(folder, cached=kept)
    table = folder / "github.csv"
    assert set(policy.files) >= {folder / "policy.yaml", table}
    whole = table.read_bytes()
    with pytest.raises(AuditError, match=r"github\.csv` is read as the policy: it is not written over"):
        lawful.load("developer-platforms").touched(policy, inventory, at="2025-07-01", changed=table)
    assert table.read_bytes() == whole


WITHOUT_ENGINES = """
import sys
sys.modules["duckdb"] = sys.modules["ibis"] = None
import lawful
found = lawful.load("wechat").touched(lawful.load(sys.argv[1]), sys.argv[2], at="2025-07-01")
print(found.engine, found.accounts, found.sampled)
print([(each.question, each.old, each.new, each.accounts, each.examples) for each in found.turned])
"""


@pytest.mark.parametrize("lines", [False, True])
def test_without_duckdb_a_sample_is_asked_by_direct(lines: bool, inventory: str, newer: str) -> None:
    Path(newer).write_text(text_of(*NO_PAY_FOR_MEDIA), encoding="utf-8")
    if lines:
        header, *rows = (each.split(",") for each in ACCOUNTS.splitlines())
        accounts = [{name: value for name, value in zip(header, row, strict=True) if value} for row in rows]
        inventory = str(Path(inventory).with_suffix(".jsonl"))
        Path(inventory).write_text("\n".join(map(json.dumps, accounts)), encoding="utf-8")
    command = [sys.executable, "-c", WITHOUT_ENGINES, newer, inventory]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert told.splitlines() == ["direct 6 6", str(TURNED)]


# ---------------------------------------------------------------------------------------- windows, texts, features


def of_go(limit: str, zone: str = "UTC") -> lawful.Policy:
    return lawful.loads(
        f'policy: q\nversion: "1"\ntimezone: {zone}\naccount: {{fields: {{a: {{type: int}}}}}}\n'
        f"actions: {{go: {{limit: {{at_most: 1, {limit}}}}}}}\n"
    )


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("per: month", "within: {days: 30}", {"deny_to_allow", "allow_to_deny"}),
        ("per: month", "within: {days: 31}", {"allow_to_deny"}),
        ("within: {days: 365}", "per: year", {"allow_to_deny", "deny_to_allow"}),
        ("per: year", "within: {months: 11}", {"allow_to_deny", "deny_to_allow"}),
        ("per: year", "within: {months: 12}", {"allow_to_deny"}),
    ],
)
def test_a_rolling_window_and_one_of_the_calendar(old: str, new: str, found: set[str]) -> None:
    told = of_go(old, "America/New_York").diff(of_go(new, "America/New_York"), timeout=LIMIT)
    assert not told.unsettled
    assert {each.kind for each in told.found} == found


TEXT = """
policy: q
version: "1"
account: {fields: {name: string}}
actions: {go: {requires: "account.name.matches('PATTERN')"}}
"""


def test_what_check_does_not_confirm_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [tmp_path / "old.yaml", tmp_path / "new.yaml"]
    for path, pattern in zip(paths, ("a+", "aa*"), strict=True):
        path.write_text(TEXT.replace("PATTERN", pattern), encoding="utf-8")
    assert main(["diff", *map(str, paths), "--lang", "en"]) == 3
    out = capsys.readouterr().out
    assert "do go, deny → allow: not settled: `check` does not confirm what Z3 found\n" in out
    assert " s:" not in out
    found = lawful.load(paths[0]).diff(lawful.load(paths[1]))
    assert {each.why for each in found.unsettled} == {"check"}


FEATURES = """
policy: q
version: "1"
account: {fields: {a: {type: int}}}
features: {f: {}, g: {}}
"""


def test_an_example_shows_the_features_that_only_one_takes_away() -> None:
    old, new = lawful.loads(FEATURES), lawful.loads(FEATURES.replace("g: {}", "g: {needs: f}"))
    found = [each for each in old.diff(new, timeout=LIMIT).found if each.change == "disable.f"]
    assert [each.kind for each in found] == ["consequences"]
    (example,) = [each.example for each in found]
    assert example is not None
    assert (example.old.lost, example.new.lost) == ((), ("g",))
    assert new.check(example.request).consequences.lost == ("g",)


SHOP = """
policy: shop
version: "1"
timezone: Asia/Shanghai
account:
  fields:
    n: {type: int, default: 0, settable: {}}
    tags: {set: [a, b], settable: {}}
    seen: {type: timestamp, outside: true}
features:
  stall: {requires: account.n < 3}
actions:
  go: {limit: {at_most: 1, per: month}}
  run: {requires: account.seen < now}
constraints:
  few: {when: account.n > 10, requires: "account.n == 12"}
  many: {when: account.n > 20, requires: "account.n == 22", severity: warning}
"""
TOLD = {
    "a default": (
        "default: 0",
        "default: 5",
        "enable.stall",
        "enable stall, of an account with no features; n: 0 by the old default, 5 by the new one",
        ("allow", "deny (features.stall)"),
    ),
    "a default that is left": (
        "default: 0",
        "default: 5",
        "set.tags",
        "set tags: none, of an account of which nothing is known; n: 0 by the old default, 5 by the new one",
        ("allow (leaves n: 0)", "allow (leaves n: 5)"),
    ),
    "no history": (
        "go: {limit: {at_most: 1, per: month}}",
        "go: {}",
        "do.go",
        "do go, of an account of which nothing is known; not stated: its history",
        ("undetermined (actions.go.limit unknown)", "allow"),
    ),
    "a severity": (
        'many: {when: account.n > 20, requires: "account.n == 22", severity: warning}',
        'many: {when: account.n > 20, requires: "account.n == 22", severity: info}',
        "register",
        "register, of an account with n: 21",
        (
            "deny (constraints.few; constraints.many, a warning)",
            "deny (constraints.few; constraints.many, for information)",
        ),
    ),
    "an error no more": (
        'requires: "account.n == 12"}',
        'requires: "account.n == 12", severity: warning}',
        "register",
        "register, of an account with n: 11",
        ("deny (constraints.few)", "allow (constraints.few, a warning)"),
    ),
    "an instant": (
        "account.seen < now",
        "account.seen <= now",
        "do.run",
        "do run, of an account with seen: 2025-07-16T16:00:00+08:00",
        ("deny (actions.run)", "allow"),
    ),
}


@pytest.mark.parametrize(("was", "becomes", "change", "request_told", "answers"), TOLD.values(), ids=TOLD.keys())
def test_an_example_shows_why_the_answers_differ(
    was: str, becomes: str, change: str, request_told: str, answers: tuple[str, str]
) -> None:
    found = lawful.loads(SHOP).diff(lawful.loads(SHOP.replace(was, becomes)), timeout=LIMIT)
    teller = ExampleTeller(found, "en")
    told = [
        (teller.at(each.example)[-6:], teller.request(each.example), teller.answers(each, each.example))
        for each in found.found
        if each.change == change and each.example is not None
    ]
    assert ("+08:00", request_told, answers) in told


NAMED_ALIKE = """
policy: p
version: "1"
account:
  fields:
    kind: {enum: {x: {en: ex, zh: 甲}, y: {en: why, zh: 乙}}, title: {en: kind, zh: 类型}}
    n: {type: int, min: 0, settable: {}}
lifecycle: {kind: {transitions: {up: {from: x, to: y, title: {en: rise, zh: 升级}}}}}
actions: {post: {obligations: [{en: pay, zh: 付}]}}
"""


def answers(old: str, new: str, change: str, language: Language) -> list[tuple[str, str]]:
    """What is allowed by both with other consequences, in words."""
    found = lawful.loads(old).diff(lawful.loads(new), timeout=LIMIT)
    teller = ExampleTeller(found, language)
    return [
        teller.answers(each, each.example)
        for each in found.found
        if each.change == change and each.kind == "consequences" and each.example is not None
    ]


def test_consequences_that_are_told_alike_are_told_apart() -> None:
    lifted = NAMED_ALIKE.replace("up:", "lift:")
    apart = ("allow (recorded as rise (up))", "allow (recorded as rise (lift))")
    assert answers(NAMED_ALIKE, lifted, "set.kind", "en") == [apart]
    assert answers(NAMED_ALIKE, lifted, "set.kind", "zh") == [("允许 (记录为升级 (up))", "允许 (记录为升级 (lift))")]
    retitled = lifted.replace("rise", "lift up")
    assert answers(NAMED_ALIKE, retitled, "set.kind", "en") == [
        ("allow (recorded as rise)", "allow (recorded as lift up)")
    ]
    more = NAMED_ALIKE.replace("en: pay", "en: pay more")
    assert answers(NAMED_ALIKE, more, "do.post", "en") == [("allow (pay)", "allow (pay more)")]
    assert answers(NAMED_ALIKE, more, "do.post", "zh") == [("允许 (付 (pay))", "允许 (付 (pay more))")]


GROUPED = """
policy: p
version: "1"
account:
  fields:
    kind: {enum: {x: {en: ex, zh: 甲}, y: {en: why, zh: 乙}}, title: {en: kind, zh: 类型}}
    u: {type: int, min: 0, default: 0}
    own: {type: string, fixed: yes}
lifecycle: {kind: {transitions: {up: {from: x, to: y}}}}
constraints:
  few: {per: account.own, at_most: 2, when: account.kind == 'y'}
"""


def test_each_fact_is_told_once_from_what_it_was_and_from_what_is_asked_for() -> None:
    new = GROUPED.replace("at_most: 2", "at_most: 2, counted_by: account.u")
    found = lawful.loads(GROUPED).diff(lawful.loads(new), timeout=LIMIT)
    [where] = [each.where for each in found.found if (each.change, each.kind) == ("set.kind", "allow_to_deny")]
    assert where is not None
    english = "the kind asked for is why and kind is ex and afterwards own is known and afterwards u ≥ 2"
    assert Sayings(found, "en").cases(where) == [english]
    assert Sayings(found, "zh").cases(where) == ["申请的类型为乙，且类型为甲，且变更后已知own，且变更后u ≥ 2"]


def test_by_whose_defaults_stands_beside_what_is_asked_for() -> None:
    old = NAMED_ALIKE.replace("n: {type: int, min: 0, settable: {}}", "n: {type: int, default: 0, outside: true}")
    found = lawful.loads(old).diff(lawful.loads(old.replace("default: 0, ", "")), timeout=LIMIT)
    told = {
        place
        for each in found.found
        if each.change == "set.n" and each.where is not None
        for place in Sayings(found, "en").cases(each.where)
    }
    assert any("n = the n asked for (by the old policy)" in each for each in told)
    [where] = [each.where for each in found.found if each.change == "do.post"]
    assert where is not None
    assert Sayings(found, "en").remarks(where) == ["the policies' own conditions do not tell where"]


@pytest.mark.parametrize("timeout", ["x", -1, 0, float("nan"), True])
def test_a_timeout_that_is_none(timeout: object) -> None:
    policy = lawful.loads(FEATURES)
    with pytest.raises(ProofError, match="`timeout` is"):
        policy.diff(policy, timeout=timeout)  # type: ignore[arg-type]  # on purpose
    with pytest.raises(ProofError, match="`timeout` is"):
        policy.prove(timeout=timeout)  # type: ignore[arg-type]  # on purpose


def test_only_policies_are_compared() -> None:
    with pytest.raises(ProofError, match="with a policy, not with str"):
        lawful.loads(FEATURES).diff("x")  # type: ignore[arg-type]  # on purpose
