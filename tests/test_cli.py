"""The command line: what it writes, where, and the exit code. Texts people read are golden files."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import lawful
from lawful import cli
from lawful.cli import exit_code, layout
from lawful.engines import rete
from lawful.library import shipped_names
from lawful.policy import Policy
from lawful.show.diagram import diagram
from lawful.show.line import plain
from lawful.show.listing import ir_text
from lawful.show.rules import rules_in_words

ROOT = Path(__file__).parent.parent
EXPIRED, CERTIFIED = "fixtures/demo/expired.json", "fixtures/demo/certified.json"
UPGRADE = ("--set", "type=service", "--at", "2025-03-01")
Golden = Callable[[str, str], None]


class Done(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths are told from the checkout, in English, without colour."""
    monkeypatch.chdir(ROOT)
    for name in ("LANG", "LC_ALL", "LC_MESSAGES", "NO_COLOR", "FORCE_COLOR", "LAWFUL_TRACEBACK"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Done]:
    """Run a command in this process."""

    def command(*arguments: str, stdin: str | bytes = "") -> Done:
        content = stdin.encode() if isinstance(stdin, str) else stdin
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        code = cli.main(arguments)
        out, err = capsys.readouterr()
        return Done(code, out, err)

    return command


Run = Callable[..., Done]


def environment(**more: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if key not in ("LANG", "LC_ALL", "NO_COLOR", "FORCE_COLOR")}
    return {**kept, "PYTHONPATH": str(ROOT / "engine"), **more}


def process(*arguments: str, stdin: bytes = b"", **more: str) -> subprocess.CompletedProcess[bytes]:
    """Run a command as a shell would."""
    return subprocess.run(
        [sys.executable, "-m", "lawful.cli", *arguments],
        input=stdin,
        capture_output=True,
        env=environment(**more),
        cwd=ROOT,
        check=False,
    )


# --------------------------------------------------------------------------------------------------------- check


CHECKS: dict[str, tuple[int, tuple[str, ...]]] = {
    "expired": (1, ("--account", EXPIRED, *UPGRADE, "--history", "none")),
    "expired-in-chinese": (1, ("--account", EXPIRED, *UPGRADE, "--history", "none", "--lang", "zh")),
    "certified": (0, ("--account", CERTIFIED, *UPGRADE)),
    "satisfied": (0, ("--account", CERTIFIED, *UPGRADE, "--satisfied")),
    "unknown-history": (3, ("--account", CERTIFIED, "--do", "mass_send", "--at", "2025-03-01")),
    "unknown-history-in-chinese": (
        3,
        ("--account", CERTIFIED, "--do", "mass_send", "--at", "2025-03-01", "--lang", "zh"),
    ),
    "no-listed-change": (1, ("--account", CERTIFIED, "--set", "type=enterprise", "--at", "2025-03-01")),
    "request": (3, ("--account", CERTIFIED, "--do", "reprint", "--request", "whitelisted=true", "--at", "2025-03-01")),
}


@pytest.mark.parametrize("name", CHECKS)
def test_check(name: str, run: Run, golden: Golden) -> None:
    code, arguments = CHECKS[name]
    done = run("check", "wechat", *arguments)
    assert (done.code, done.err) == (code, "")
    golden(f"cli/check-{name}.txt", done.out)


OF_TABLES: dict[str, tuple[int, tuple[str, ...]]] = {
    "by-a-table": (1, ("--account", "fixtures/wechat-official/individual.json")),
    "by-a-table-in-chinese": (1, ("--account", "fixtures/wechat-official/individual.json", "--lang", "zh")),
    "by-a-table-in-full": (1, ("--account", "fixtures/wechat-official/individual.json", "--verbose")),
    "by-a-table-unknown": (3, ("--account", "-")),
}


@pytest.mark.parametrize("name", OF_TABLES)
def test_check_by_a_table_tells_the_column_that_applies(name: str, run: Run, golden: Golden) -> None:
    code, arguments = OF_TABLES[name]
    asked = ("--enable", "customer_messages", "--at", "2024-04-12", "--history", "none")
    done = run("check", "wechat-official", *arguments, *asked, stdin='{"account_id": "wx9", "status": "normal"}')
    assert (done.code, done.err) == (code, "")
    golden(f"cli/check-{name}.txt", done.out)


SHOP = """
policy: shop
version: "1"
account:
  fields:
    kind: {enum: {private: {en: private, zh: 个人}, trader: {en: trader, zh: 商户}}, title: {en: kind, zh: 类别}}
    debts: {type: int, title: {en: debts, zh: 欠款}}
    until: {type: date, title: {en: verified until, zh: 有效期}}
    vip: {type: bool, private: true, title: {en: it is a VIP, zh: 是贵宾}}
    open: {type: bool, title: {en: it is open, zh: 营业中}}
features:
  tea: {requires: [account.vip, account.debts < 3]}
feature_tables:
  - file: t.csv
    columns:
      kind: account.kind == 'private'
      other: account.kind != 'trader'
      debts: account.debts > 3
      until: account.until >= today
      open: account.open == true
      vip: account.vip
    cells: {"1": yes, "0": no}
"""
COLUMNS = {
    "kind": ["so: kind is private (t.csv says no)"],
    "other": ["so: kind is not trader (t.csv says no)   kind: private"],
    "debts": ["so: debts is more than 3 (t.csv says no)   debts: 5"],
    "until": [
        "so: verified until is on or after today (t.csv says no)   verified until: 2030-01-01; today: 2025-03-01"
    ],
    "open": ["so: it is open is yes (t.csv says no)", "  so: it is open"],
    "vip": ["so: it is a VIP (t.csv says no)"],
}


@pytest.mark.parametrize("column", COLUMNS)
def test_what_a_column_compares_is_told_as_it_is_known(column: str, run: Run, tmp_path: Path) -> None:
    rows = [["feature", *COLUMNS], ["sale", *("0" if each == column else "1" for each in COLUMNS)]]
    (tmp_path / "policy.yaml").write_text(SHOP, "utf-8")
    (tmp_path / "t.csv").write_text("\n".join(map(",".join, rows)), "utf-8")
    account = '{"kind": "private", "debts": 5, "until": "2030-01-01", "vip": true, "open": true, "features": []}'
    asked = ("--account", "-", "--at", "2025-03-01", "--history", "none", "--enable")
    lines = run("check", f"{tmp_path}/", *asked, "sale", stdin=account).out.splitlines()
    assert [each[6:] for each in lines[2:] if each.startswith(" " * 6) and "t.csv:2" not in each] == COLUMNS[column]
    if column == "vip":
        assert "未知" not in run("check", f"{tmp_path}/", *asked, "sale", "--lang", "zh", stdin=account).out
        refused = run("check", f"{tmp_path}/", *asked, "tea", stdin=account.replace("true", "false")).out
        assert "not known" not in refused
        assert "it is a VIP: •••" in refused


def test_what_is_so_after_a_change_is_told_where_only_what_was_before_it_is_not_known(run: Run) -> None:
    asked = ("--account", "-", "--set", "status=active", "--at", "2019-03-12")
    english = run("check", "fixtures/library-cards/", *asked, stdin='{"fees": 100}').out
    assert "not so: the card has not expired; whether it was so before the change is not known" in english
    chinese = run("check", "fixtures/library-cards/", *asked, "--lang", "zh", stdin='{"fees": 100}').out
    assert "不满足：借书证未过期；变更前是否如此未知" in chinese


def test_a_change_that_no_version_allows_yet_is_refused_in_words(run: Run) -> None:
    account = str(ROOT / "fixtures" / "us-entity-classification" / "llc.json")
    asked = ("--set", "classification=disregarded", "--at", "1996-06-03", "--history", "none")
    done = run("check", "us-entity-classification", "--account", account, *asked)
    assert "\n      not so: from 1997-01-01: classification for federal tax purposes is an association" in done.out


def test_a_table_is_no_reason_where_it_is_the_features_that_nobody_told(run: Run) -> None:
    asked = ("--enable", "github_sign_in", "--history", "none", "--at", "2026-11-02", "--account", "-")
    done = run("check", "developer-platforms", *asked, stdin='{"login": "x", "type": "github_organization"}')
    assert done.code == 3
    assert "not known: signing in with a personal account is enabled\n" in done.out
    assert "github.csv says" not in done.out


def test_what_rules_a_change_out_is_told_with_its_day(run: Run) -> None:
    done = run("check", "uk-companies", "fixtures/uk-companies/limited-again.json")
    assert done.code == 1
    event = "re-registration of a private limited company as unlimited"
    assert f"it has happened: “{event}” on 2019-06-03\n" in done.out


@pytest.mark.parametrize(
    ("change", "english", "chinese"),
    [
        (("--set", "type=service"), "the account type is service account already", "账号类型已经是服务号"),
        (("--enable", "wechat_pay"), "WeChat Pay is enabled already", "微信支付已经开通"),
        (("--set", "type=subscription"), "", ""),
        (("--disable", "wechat_pay"), "", ""),
    ],
)
def test_what_is_so_already_is_told(change: tuple[str, str], english: str, chinese: str, run: Run) -> None:
    """Such a change is allowed, and an event of nothing."""
    account = '{"type": "service", "subject": "media", "certified_until": "2026-01-01", "features": ["wechat_pay"]}'
    arguments = ("check", "wechat", "--account", "-", *change, "--at", "2025-03-01")
    done = run(*arguments, stdin=account)
    assert ("already" in done.out, english in done.out) == (bool(english), True)
    assert chinese in run(*arguments, "--lang", "zh", stdin=account).out
    decision = json.loads(run(*arguments, "--format", "json", stdin=account).out)
    assert [each["en"].startswith(english) for each in decision["notes"]] == [True] * bool(english)


def test_what_is_not_known_to_be_there_is_lost_where_it_is(run: Run, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(
        "policy: p\nversion: 1\naccount: {fields: {paid: {type: bool, settable: {}}}}\n"
        "features: {room: {title: the club room, requires: account.paid}, piano: {needs: room}}\n",
        encoding="utf-8",
    )
    asked = ("check", str(policy), "--account", "-", "--set", "paid=false", "--at", "2025-03-01")
    assert "  lost: the club room, piano\n" in run(*asked, stdin='{"paid": true, "features": ["room", "piano"]}').out
    assert "  lost, where the account has them: the club room, piano\n" in run(*asked, stdin='{"paid": true}').out


def test_the_time_of_asking_is_told_without_its_fractions(run: Run) -> None:
    out = run("plan", "wechat", EXPIRED, "--set", "type=service", "--history", "none").out
    assert re.search(r"^  1\. \d{4}-\d\d-\d\d \d\d:\d\d   do ", out, re.MULTILINE), out


REQUESTS: dict[str, tuple[int, dict[str, Any]]] = {
    "registration": (
        1,
        {"account": {"type": "service", "subject": "individual"}, "change": {"register": {}}, "at": "2025-03-01"},
    ),
    "limit": (
        1,
        {
            "account": {"type": "subscription", "certified_until": "2026-01-01"},
            "change": {"do": "mass_send"},
            "history": [{"event": "mass_send", "at": "2025-03-01T08:00:00"}],
            "at": "2025-03-01T12:00:00",
        },
    ),
    "several-changes": (
        1,
        {
            "account": {"type": "subscription", "subject": "individual", "features": []},
            "changes": [{"do": "certify"}, {"set": {"type": "service"}}],
            "history": [],
            "at": "2025-03-01",
        },
    ),
    "obligation": (
        0,
        {
            "account": {"type": "service", "subject": "media", "certified_until": "2026-01-01", "features": []},
            "change": {"enable": "wechat_pay"},
            "at": "2025-03-01",
        },
    ),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_check_of_a_request_on_stdin(name: str, run: Run, golden: Golden) -> None:
    code, request = REQUESTS[name]
    done = run("check", "wechat", "-", stdin=json.dumps(request))
    assert (done.code, done.err) == (code, "")
    golden(f"cli/check-{name}.txt", done.out)
    assert run("check", "wechat", stdin=json.dumps(request)) == done


def test_what_a_check_changes_and_loses_is_told(
    run: Run, tmp_path: Path, golden: Golden, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    policy = Path("policy.yaml")
    policy.write_text(
        """
policy: club
version: "1"
account:
  fields:
    status: {enum: [open, shut]}
    name: {type: string, private: true, settable: {}}
    since: date
    visits: {type: int, default: 0}
lifecycle: {status: {transitions: {shut: {from: open, to: shut, effects: {since: today}}}}}
features: {forum: {requires: account.status == 'open'}, chat: {needs: forum}}
actions: {visit: {limit: {at_most: 5, per: year, counted_by: account.visits}}}
""",
        encoding="utf-8",
    )
    account = Path("account.yaml")
    account.write_text("status: open\nname: secret\nfeatures: [forum, chat]\nvisits: 2\n", encoding="utf-8")
    shut = run("check", str(policy), "--account", str(account), "--set", "status=shut", "--at", "2025-03-01")
    named = run("check", str(policy), "--account", str(account), "--set", "name=other", "--at", "2025-03-01")
    visit = run(
        "check", str(policy), "--account", str(account), "--do", "visit", "--history", "none", "--at", "2025-03-01"
    )
    assert [each.code for each in (shut, named, visit)] == [0, 0, 0]
    golden("cli/check-follows.txt", shut.out + named.out + visit.out)
    assert "secret" not in named.out
    assert "other" not in named.out


def test_check_as_json_is_the_decision(run: Run) -> None:
    code, request = REQUESTS["limit"]
    done = run("check", "wechat", "-", "--format", "json", stdin=json.dumps(request))
    assert done.code == code
    assert json.loads(done.out) == json.loads(lawful.load("wechat").check(request).model_dump_json(by_alias=True))
    all_of_them = json.loads(
        run("check", "wechat", "-", "--format", "json", "--satisfied", stdin=json.dumps(request)).out
    )
    assert {each["status"] for each in all_of_them["reasons"]} >= {"violated", "satisfied"}


@pytest.mark.parametrize("engine", ["rete", "reference"])
def test_the_engine_can_be_chosen(engine: str, run: Run) -> None:
    if engine == "rete":
        pytest.importorskip("durable_rules_engine")
    done = run("check", "wechat", "--account", CERTIFIED, *UPGRADE, "--engine", engine, "--format", "json")
    assert json.loads(done.out)["engine"] == engine


def test_an_engine_that_does_not_run_is_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lawful.engines.rete.available", lambda: False)
    for command in (("check", "wechat", "--account", CERTIFIED, *UPGRADE), ("test", "wechat")):
        done = run(*command, "--engine", "rete")
        assert (done.code, done.out) == (2, "")
        assert done.err.startswith("error: the engine `rete` does not run here")


def test_quiet_leaves_the_exit_code(run: Run) -> None:
    assert run("check", "wechat", "--account", EXPIRED, *UPGRADE, "--quiet") == (1, "", "")


def test_fields_that_options_give_go_before_those_of_a_request(run: Run, tmp_path: Path) -> None:
    asked = {"account": {"type": "subscription"}, "change": {"do": "reprint"}, "at": "2025-03-01"}
    file = tmp_path / "request.json"
    file.write_text(json.dumps({**asked, "request": {"whitelisted": True, "note": "x"}}), encoding="utf-8")
    lines = tmp_path / "requests.JSONL"
    lines.write_bytes(file.read_bytes() + b"\n")
    policy = tmp_path / "policy.yaml"
    policy.write_text(
        "policy: p\nversion: '1'\naccount: {fields: {type: string}}\n"
        "request: {fields: {whitelisted: bool, note: string}}\n"
        "actions: {reprint: {requires: request.whitelisted && request.note == 'y'}}\n",
        encoding="utf-8",
    )
    for name in (file, lines):
        assert run("check", str(policy), str(name)).code == 1, name
        assert run("check", str(policy), str(name), "--request", "note=y").code == 0, name
        assert run("check", str(policy), str(name), "--request", "note=y", "--request", "whitelisted=false").code == 1
    can = json.loads(run("can", str(policy), str(file), "--request", "note=y", "--format", "json").out)
    assert [each["verdict"] for each in can["possibilities"]] == ["allow"]
    file.write_text(json.dumps({**asked, "request": 3}), encoding="utf-8")
    done = run("check", str(policy), str(file), "--request", "note=y")
    assert (done.code, done.err) == (2, "error: request: `3` stands where an object should be\n")


def test_options_go_before_what_a_request_says(run: Run, tmp_path: Path) -> None:
    request = tmp_path / "request.json"
    request.write_text(json.dumps(REQUESTS["limit"][1]), encoding="utf-8")
    assert run("check", "wechat", str(request)).code == 1
    assert run("check", "wechat", str(request), "--at", "2025-03-02").code == 0
    assert run("check", "wechat", str(request), "--history", "none").code == 0


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("h.json", '[{"event": "mass_send", "at": "2025-03-01"}]', 1),
        ("h.json", '{"history": [], "history_from": "2025-03-01"}', 0),
        ("h.yaml", "- {event: mass_send, at: 2025-03-01}", 1),
        ("h.yaml", "history: []\nhistory_from: 2025-03-02", 3),
        ("h.jsonl", '{"event": "log_in", "at": "2025-03-01"}\n\n{"event": "mass_send", "at": "2025-03-01"}\n', 1),
        ("h.yaml", "[]", 0),
        ("h.JSON", '[{"event": "mass_send", "at": "2025-03-01"}]', 1),
        ("h.NDJSON", '\ufeff{"event": "mass_send", "at": "2025-03-01"}', 1),
        ("h.json", '\ufeff[{"event": "mass_send", "at": "2025-03-01"}]', 1),
        ("h.json", '\ufeff {"history": []}', 0),
        ("h.json", " []", 0),
    ],
)
def test_histories_of_every_shape(name: str, content: str, code: int, run: Run, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    asks = ("--do", "mass_send", "--at", "2025-03-01T12:00:00", "--history", str(tmp_path / name))
    assert run("check", "wechat", "--account", CERTIFIED, *asks).code == code


EMPTY = "error: `{path}` is empty\n  = help: `--history none` says that nothing happened\n"
NESTED = "error: `{path}`: the request is nested too deeply\n"


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("h.yaml", "", EMPTY),
        ("h.yaml", "null", EMPTY),
        ("h.yaml", "# nothing\n", EMPTY),
        ("h.jsonl", "", EMPTY),
        ("h.jsonl", "\n \n", EMPTY),
        ("h.json", "\ufeff\n", EMPTY),
        ("h", "", EMPTY),
        ("h.json", "[" * 100_000, NESTED),
        ("h.json", '{"history":' + "[" * 100_000, NESTED),
        ("h", '{"history": [], "histroy_from": "2025-03-01"}', "error: histroy_from: a history has no such key (did you mean `history_from`?)\n"),
        ("h.yaml", "historie: []", "error: historie: a history has no such key (did you mean `history`?)\n"),
        ("h.yaml", "{}", "error: history: an object is not a list of events\n"),
        ("h.json", '[{"event": "x", "event": "y"}]', "error: history.0.event: the key is given twice\n"),
        ("h.json", '[1,\n x]', "error: `{path}`: this is not JSON: expecting value, line 2, column 2\n"),
        ("h.json", '[1], "history_from": [2]', "error: `{path}`: this is not JSON: extra data, line 1, column 4\n"),
        ("h.json", "[" + "9" * 5_000 + "]", "error: history.0: a very large number stands where an object should be\n"),
        ("h.jsonl", '{"event": "log_in", "at": "2025-03-01"}\n\nx', "error: `{path}`, line 3: this is not JSON: expecting value, line 1, column 1\n"),
        ("h.jsonl", '\n{"at": 1, "at": 2}', "error: `{path}`, line 2: at: the key is given twice\n"),
    ],
)  # fmt: skip
def test_histories_that_cannot_be_read(name: str, content: str, told: str, run: Run, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    for command in (("check", "wechat", "--account", CERTIFIED, "--do", "mass_send"), ("can", "wechat", CERTIFIED)):
        done = run(*command, "--history", str(path))
        assert (done.code, done.out) == (2, "")
        assert done.err.startswith(told.format(path=path))


def test_a_history_larger_than_a_request_is_not_cut(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "h.jsonl"
    path.write_text('{"event": "log_in", "at": "2025-03-01"}\n' * 9, encoding="utf-8")
    monkeypatch.setattr("lawful.cli.reading.MAX_BYTES", 200)
    done = run("can", "wechat", CERTIFIED, "--history", str(path))
    assert (done.code, done.err) == (2, f"error: `{path}` is larger than 0 MiB\n")


@pytest.mark.parametrize("name", ["-", "account", "account.JSON"])
def test_json_is_json_behind_a_byte_order_mark(name: str, run: Run, tmp_path: Path) -> None:
    policy, account = tmp_path / "policy.yaml", tmp_path / name
    policy.write_text(
        "policy: p\nversion: '1'\naccount: {fields: {n: int}}\nactions: {go: {requires: account.n == 18}}\n",
        encoding="utf-8",
    )
    for content, code in ((b'{"n": 18}', 0), (b'{"n": "18"}', 2)):
        marked = b"\xef\xbb\xbf" + content
        if name != "-":
            account.write_bytes(marked)
        given = name if name == "-" else str(account)
        assert run("check", str(policy), "--account", given, "--do", "go", stdin=marked).code == code


def test_values_of_the_command_line_are_of_the_declared_type(run: Run, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(
        "policy: p\nversion: '1'\naccount:\n  fields:\n    n: {type: int, settable: {requires: account.n == 7}}\n"
        "    s: {set: [a, b], settable: {requires: \"account.s.exists(x, x == 'b')\"}}\n    t: {type: string, settable: {}}\n",
        encoding="utf-8",
    )
    account = tmp_path / "account.yml"
    account.write_text("n: 7\ns: [b]\nt: no\n", encoding="utf-8")
    for given in (("n=8",), ("s=a,b",), ("s=",), ("t=010",), ("n=8", "t=a=b")):
        options = [part for each in given for part in ("--set", each)]
        assert run("check", str(policy), "--account", str(account), *options).code == 0, given
    assert run("check", str(policy), "--account", str(account), "--set", "n=many").code == 2
    assert run("check", str(policy), "--account", str(account), "--set", "s=c").code == 2


# ----------------------------------------------------------------------------------------------------- many requests

LINES = (
    '{"account":{"type":"subscription","subject":"media","certified_until":"2026-01-01"},"change":{"set":{"type":"service"}},"at":"2025-03-01"}\n'
    "\n"
    '{"account":{"type":"service"},"change":{"do":"mass_send"},"at":"2025-03-01"}\n'
    "nonsense\n"
    '{"account":{"typ":"service"},"change":{"do":"mass_send"},"at":"2025-03-01"}\n'
    '{"account":{"type":"service"},"change":{"set":{"type":"subscription"}},"at":"2025-03-01"}\n'
)


def test_many_requests_give_a_line_each(run: Run, golden: Golden) -> None:
    done = run("check", "wechat", "-", "--jsonl", stdin=LINES)
    assert done.code == 2
    assert done.err == "5 requests: 1 allowed, 1 denied, 1 undetermined, 2 not readable\n"
    assert run("check", "wechat", "-", "--jsonl", stdin=LINES.splitlines()[0]).err == "1 request: 1 allowed\n"
    golden("cli/check-many.txt", done.out)


def test_many_requests_as_json_are_json_lines(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "requests.jsonl"
    path.write_text(LINES, encoding="utf-8")
    done = run("check", "wechat", str(path), "--format", "json")
    found = [json.loads(line) for line in done.out.splitlines()]
    assert [each.get("verdict", each.get("line")) for each in found] == ["allow", "undetermined", 4, 5, "deny"]
    assert found[3]["problems"][0]["field"] == "account.typ"
    assert (done.code, done.err) == (2, "")


@pytest.mark.parametrize(
    ("kept", "code"), [((0,), 0), ((0, 2), 3), ((0, 2, 5), 1), ((0, 2, 3, 5), 2), ((0, 3), 2), ((), 0)]
)
def test_of_many_requests_the_worst_is_the_exit_code(kept: tuple[int, ...], code: int, run: Run) -> None:
    lines = LINES.splitlines(keepends=True)
    assert run("check", "wechat", "-", "--jsonl", stdin="".join(lines[each] for each in kept)).code == code


def test_the_worst_of_the_exit_codes() -> None:
    assert [exit_code.worst(codes) for codes in ([0, 3], [3, 1], [1, 2], [2, 5], [])] == [3, 1, 2, 5, 0]


@pytest.mark.parametrize("form", ["text", "json"])
def test_quiet_tells_of_bad_lines_alone(form: str, run: Run) -> None:
    done = run("check", "wechat", "-", "--jsonl", "--quiet", "--format", form, stdin=LINES)
    assert (done.code, done.out) == (2, "")
    assert [line.split(": ")[1] for line in done.err.splitlines()] == ["line 4", "line 5"]


def test_a_line_too_long_is_told_and_the_rest_goes_on(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("lawful.cli.reading", "lawful.cli.many", "lawful.reading"):
        monkeypatch.setattr(f"{module}.MAX_BYTES", 200)
    done = run("check", "wechat", "-", "--jsonl", "--format", "json", stdin=f'{{"x": "{"y" * 500}"}}\n{LINES}')
    assert [json.loads(line).get("line") for line in done.out.splitlines()][:2] == [1, None]


def test_decisions_come_while_requests_are_still_coming() -> None:
    command = [sys.executable, "-m", "lawful.cli", "check", "wechat", "-", "--jsonl", "--format", "json"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment(), cwd=ROOT
    ) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        for _ in range(2):
            running.stdin.write(LINES.splitlines()[0].encode() + b"\n")
            running.stdin.flush()
            assert json.loads(running.stdout.readline())["verdict"] == "allow"
        running.stdin.close()
        assert running.wait() == 0


# ------------------------------------------------------------------------------------------------------ wrong usage

WRONG: list[tuple[tuple[str, ...], str]] = [
    (("chek",), "error: there is no command `chek`\n  = help: did you mean `check`?\n"),
    (("check", "wechat", "--acount", "x"), "error: there is no option `--acount`\n  = help: did you mean `--account` or `--at`?\n"),
    (("check",), "error: missing argument 'POLICY'\n  = help: `lawful check --help` tells what there is\n"),
    (("check", "wechat", "--format", "xml"), "error: invalid value for '--format': 'xml' is not one of 'text', 'json'\n  = help: `lawful check --help` tells what there is\n"),
    (("check", "wechta", *UPGRADE), "error[no-such-policy]: there is no shipped policy `wechta`\n  = help: did you mean `wechat`?\n"),
    (("check", "wechat"), "error: stdin is empty\n  = help: nothing is asked, and of no account\n"),
    (("check", "wechat", "--account", EXPIRED), "error: no change is asked for\n  = help: one of `--set FIELD=VALUE`, `--enable`, `--disable`, `--do`, `--register`; or a request file, or `-` for stdin\n"),
    (("check", "wechat", "--account", EXPIRED, "--do", "x", "--enable", "y"), "error: `--enable` and `--do` ask for more than one change\n  = help: a request file may list several `changes`\n"),
    *(
        (("check", "wechat", "--account", EXPIRED, f"--{kind}", "x", f"--{kind}", "x"), f"error: `--{kind}` and `--{kind}` ask for more than one change\n")
        for kind in ("enable", "disable", "do")
    ),
    (("check", "wechat", "--account", EXPIRED, "--account=x", *UPGRADE), "error: `--account` is given twice\n  = help: give it once\n"),
    (("can", "wechat", EXPIRED, "--at", "2025-03-01", "--at", "2025-03-01"), "error: `--at` is given twice\n"),
    (("check", "wechat", "--account"), "error: option '--account' requires an argument\n  = help: `lawful check --help` tells what there is\n"),
    (("check", "wechat", "--account", "nowhere.json", *UPGRADE), "error: `nowhere.json` cannot be read: no such file or directory\n"),
    (("check", "wechat", "--account", "fixtures", *UPGRADE), "error: `fixtures` cannot be read: is a directory\n"),
    (("check", "wechat", "--account", EXPIRED, "--set", "type"), "error: `--set type` is not FIELD=VALUE\n"),
    (("check", "wechat", "--account", EXPIRED, "--set", "type=a", "--set", "type=b"), "error: `--set` gives `type` twice\n"),
    (("check", "wechat", "--account", EXPIRED, "--set", "type=servce"), "error: change.set.type: there is no value `servce` (did you mean `service`?)\n"),
    (("check", "wechat", "x.json", "--account", EXPIRED, *UPGRADE), "error: a request file says all that is asked: it goes without `--account` and the options of a change\n  = help: give the file, or `--account` and a change\n"),
    (("show", "--ir"), "error: there is no policy to show\n  = help: name one: `lawful show` lists those that are shipped\n"),
    (("show", "wechat", "--ir", "--diagram", "mermaid"), "error: `--ir` and `--diagram` show different things\n  = help: give one of them\n"),
    (("show", "--stubs"), "error: there is no policy to show\n  = help: name one: `lawful show` lists those that are shipped\n"),
    (("show", "--direct"), "error: there is no policy to show\n  = help: name one: `lawful show` lists those that are shipped\n"),
    (("show", "wechat", "--at", "2025-03-01"), "error: `--at` is of `--direct`: what else is shown has the dates of all its rules\n  = help: leave it out\n"),
    (("show", "wechat", "--direct", "--at", "2025-02-30"), "error: `--at`: there is no day `2025-02-30`\n"),
    (("show", "wechat", "--stubs", "--format", "json"), "error: `--stubs` shows Python, which has no other format\n  = help: leave `--format` out\n"),
    (("test", "fixtures/demo"), "error[no-such-policy]: "),
    (("eval", "1 +"), "error[syntax]: the condition ends too early\n"),
]  # fmt: skip


ENDLESS = "x" * 70_000
TOO_LONG = "x" * 300
UNREADABLE = "/proc/self/mem"  # Linux's: it can be opened, and there is nothing to read
NONSENSE = [
    ("check", "wechat", "--account", EXPIRED, "--set", ENDLESS),
    ("check", "wechat", ENDLESS),
    ("check", ENDLESS),
    ("check", "wechat", UNREADABLE, "--jsonl"),
    ("eval", "--cases", UNREADABLE),
    ("eval", "-"),
    ("audit", "wechat", f"{TOO_LONG}.csv"),
    ("audit", "wechat", "accounts.csv", "--history", f"{TOO_LONG}.csv"),
    ("audit", "wechat", "accounts.csv", "--output", f"{TOO_LONG}.csv"),
    ("audit", "wechat", "fixtures/inventories/tour/accounts.csv", "--encoding", "\udcff"),
    ("audit", "wechat", "accounts.csv", "--output", "\udcff.csv"),
    ("audit", "wechat", "\udcff.csv"),
    ("audit", "wechat", "accounts.csv", "--baseline", ""),
    ("audit", "wechat", "accounts.csv", "--output", "x.csv", "--output", ""),
    ("sample", "wechat", "--output", ""),
    ("sample", "wechat", "--output", f"{TOO_LONG}.parquet"),
    ("sample", "wechat", "--output", TOO_LONG),
    ("sample", "wechat", "--output", "\udcff.parquet"),
    ("sample", "wechat", "--output", "x.parquet", "--at", "0001-01-01"),
    ("show", "wechat", "--html", "--output", f"{TOO_LONG}.html"),
]


@pytest.mark.parametrize("arguments", NONSENSE, ids=lambda each: " ".join(word[:20] for word in each))
def test_nonsense_is_wrong_usage_in_a_few_words(arguments: tuple[str, ...], run: Run) -> None:
    done = run(*arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error")
    assert len(done.err) < 1000


@pytest.mark.parametrize(("arguments", "message"), WRONG, ids=[" ".join(arguments) for arguments, _ in WRONG])
def test_wrong_usage(arguments: tuple[str, ...], message: str, run: Run) -> None:
    done = run(*arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(message)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json", b"{", "error: `{path}`: this is not JSON: expecting property name"),
        ("a.json", b'{"type": "service", "type": "subscription"}', "error: type: the key is given twice"),
        ("a.json", b'{"type": NaN}', "error: account.type: `NaN` is not a text"),
        ("a.json", b'"\xff"', "error: `{path}`: the request is not UTF-8: byte 1 cannot be read"),
        ("a.json", b"[" * 100_000, "error: `{path}`: the request is nested too deeply"),
        ("a.yaml", b"type: service\ntype: service", "error[repeated-key]: `type` is given twice\n --> {path}:2:1"),
        ("a.yaml", b"a: &x 1\nb: *x", "error[yaml-alias]: aliases are not part of the language"),
        ("a.yaml", b"- type", "error: `{path}` holds no mapping of fields to values"),
        ("a.yaml", b"\xff", "error[not-utf8]: the file is not UTF-8"),
        ("a.yaml", b" ", "error: `{path}` is empty"),
    ],
)
def test_unreadable_accounts(name: str, content: bytes, message: str, run: Run, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    done = run("check", "wechat", "--account", str(path), *UPGRADE)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(message.format(path=path))


def test_a_wrong_policy_is_4_and_told_whole(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(
        "policy: p\nversion: '1'\naccount: {fields: {a: bool}}\nconditions: {x: account.b, y: account.c}\n",
        encoding="utf-8",
    )
    done = run("check", str(path), "--account", CERTIFIED, *UPGRADE)
    assert (done.code, done.out, done.err.count("error[unknown-field]")) == (4, "", 2)


def test_help_tells_an_example_of_every_command(run: Run) -> None:
    assert "lawful init ./my-policy" in run("--help").out
    for command in ("check", "can", "audit", "sample", "test", "lint", "show", "eval", "init"):
        done = run(command, "--help")
        assert (done.code, done.err) == (0, "")
        assert f"  lawful {command}" in done.out


def test_without_a_command_the_help_is_told_on_stderr(run: Run) -> None:
    done = run()
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("Usage: lawful")


def test_the_version(run: Run) -> None:
    assert run("--version") == (0, f"lawful {lawful.__version__}\n", "")


# ------------------------------------------------------------------------------------------------- when things break


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[BaseException], None]]:
    def raises(error: BaseException) -> None:
        def check(*_: Any, **__: Any) -> None:
            raise error

        monkeypatch.setattr(Policy, "check", check)

    return raises


def test_a_defect_is_one_line_and_5(broken: Callable[[BaseException], None], run: Run) -> None:
    broken(ZeroDivisionError("division by zero\nand more"))
    done = run("check", "wechat", "--account", CERTIFIED, *UPGRADE)
    assert (done.code, done.out) == (5, "")
    assert done.err == (
        "error: internal error: ZeroDivisionError: division by zero\n"
        "  = help: this is a defect of lawful, nothing was decided; please report it with what LAWFUL_TRACEBACK=1 adds\n"
    )


def test_its_traceback_can_be_asked_for(
    broken: Callable[[BaseException], None], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAWFUL_TRACEBACK", "1")
    broken(ZeroDivisionError("division by zero"))
    assert "Traceback" in run("check", "wechat", "--account", CERTIFIED, *UPGRADE).err


def test_engines_that_disagree_are_5(broken: Callable[[BaseException], None], run: Run) -> None:
    broken(lawful.EngineDisagreement("p 1", ["r: the reference says satisfied, rete says violated"]))
    done = run("check", "wechat", "--account", CERTIFIED, *UPGRADE)
    assert (done.code, done.out) == (5, "")
    assert "the engines disagree" in done.err
    many = run("check", "wechat", "-", "--jsonl", "--format", "json", stdin=LINES)
    assert many.code == 5
    assert json.loads(many.out.splitlines()[0])["error"] == "engines disagree"


def test_an_interrupt_is_130(broken: Callable[[BaseException], None], run: Run) -> None:
    broken(KeyboardInterrupt())
    assert run("check", "wechat", "--account", CERTIFIED, *UPGRADE) == (130, "", "")


def test_an_interrupt_from_outside_leaves_no_traceback() -> None:
    # What a shell runs in its background ignores interrupts, and so would what it starts: tests may be run so.
    heeding = (
        "import signal, os, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
    )
    lawful_check = ["-m", "lawful.cli", "check", "wechat", "-", "--jsonl", "--format", "json"]
    command = [sys.executable, "-c", heeding, sys.executable, *lawful_check]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(), cwd=ROOT
    ) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        running.stdin.write(LINES.splitlines()[0].encode() + b"\n")
        running.stdin.flush()
        running.stdout.readline()  # it has begun
        time.sleep(0.05)
        running.send_signal(signal.SIGINT)
        _, err = running.communicate()
    assert (running.returncode, err) == (130, b"")


def test_a_pipe_that_closes_is_quiet() -> None:
    many = LINES.splitlines()[0].encode() + b"\n"
    command = f"{sys.executable} -m lawful.cli check wechat - --jsonl --quiet; {sys.executable} -m lawful.cli show wechat | head -1"
    done = subprocess.run(
        ["sh", "-c", command], input=many, capture_output=True, env=environment(), cwd=ROOT, check=False
    )
    assert (done.stdout.count(b"\n"), done.stderr) == (1, b"")
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as closed:
        command_ = [sys.executable, "-m", "lawful.cli", "show", "wechat"]
        alone = subprocess.run(
            command_, stdout=closed, stderr=subprocess.PIPE, env=environment(), cwd=ROOT, check=False
        )
    assert (alone.returncode, alone.stderr) == (141, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_is_told() -> None:
    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-m", "lawful.cli", "show", "wechat"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, env=environment(), cwd=ROOT, check=False)
    assert (done.returncode, done.stderr) == (2, b"error: the output cannot be written: no space left on device\n")


def shell(command: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["sh", "-c", f"{sys.executable} -m lawful.cli {command}"],
        capture_output=True,
        env=environment(),
        cwd=ROOT,
        check=False,
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("command", ["check wechat --account nowhere.json --do x", "check --nothing", "eval '1 +'"])
def test_an_error_that_cannot_be_told_keeps_its_exit_code(command: str) -> None:
    for closed in ("2>/dev/full", "2>&-"):
        done = shell(f"{command} {closed}")
        assert (done.returncode, done.stdout, done.stderr) == (2, b"", b"")


def test_a_defect_that_cannot_be_told_keeps_its_exit_code(
    broken: Callable[[BaseException], None], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAWFUL_TRACEBACK", "1")
    broken(ZeroDivisionError("division by zero"))
    with Path(os.devnull).open(encoding="utf-8") as unwritable:
        monkeypatch.setattr(sys, "stderr", unwritable)
        assert cli.main(["check", "wechat", "--account", CERTIFIED, *UPGRADE]) == 5


# --------------------------------------------------------------------------------------------- streams, terminals


def test_results_go_to_stdout_and_all_else_to_stderr() -> None:
    done = process("check", "wechat", "--account", EXPIRED, *UPGRADE)
    assert (done.returncode, done.stderr, done.stdout[:3].decode()) == (1, b"", "✗")
    wrong = process("check", "wechat", "--account", EXPIRED, "--set", "typ=service")
    assert (wrong.returncode, wrong.stdout) == (2, b"")


def test_a_pipe_gets_no_colour_and_a_byte_encoding_what_it_can_take() -> None:
    assert b"\x1b" not in process("check", "wechat", "--account", EXPIRED, *UPGRADE).stdout
    ascii_only = process("check", "wechat", "--account", EXPIRED, *UPGRADE, PYTHONIOENCODING="ascii")
    assert ascii_only.stdout.startswith(b"\\u2717 denied")


def test_colour_can_be_forced_and_forbidden(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[31m✗ denied\x1b[0m" in run("check", "wechat", "--account", EXPIRED, *UPGRADE).out
    assert run("check", "wechat").err.startswith("\x1b[31merror\x1b[0m: ")
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in run("check", "wechat", "--account", EXPIRED, *UPGRADE).out


def on_a_terminal(*arguments: str, width: int, **more: str) -> str:
    """What a terminal of that width is sent."""
    child, terminal = pty.fork()
    if child == 0:  # pragma: no cover - another process
        os.chdir(ROOT)
        command = [sys.executable, "-m", "lawful.cli", *arguments]
        os.execve(sys.executable, command, environment(COLUMNS=str(width), TERM="xterm", **more))
    sent = b""
    while True:
        try:
            some = os.read(terminal, 65536)
        except OSError:  # Linux says so when the other end is closed
            break
        if not some:
            break
        sent += some
    os.waitpid(child, 0)
    os.close(terminal)
    return sent.decode().replace("\r\n", "\n")


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("width", [50, 80])
def test_a_terminal_gets_colour_and_lines_of_its_width(width: int, lang: str) -> None:
    sent = on_a_terminal("check", "wechat", "--account", EXPIRED, *UPGRADE, "--lang", lang, width=width)
    assert "\x1b[31m✗ " in sent
    bare = re.sub("\x1b\\[[0-9]*m", "", sent).splitlines()
    assert max(layout.columns(line) for line in bare) <= width


def test_no_color_is_respected_on_a_terminal() -> None:
    assert "\x1b" not in on_a_terminal("show", width=80, NO_COLOR="1")


def test_the_language_is_that_of_the_environment(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    check = ("check", "wechat", "--account", CERTIFIED, *UPGRADE)
    assert run(*check).out.startswith("✓ allowed")
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert run(*check).out.startswith("✓ 允许")
    assert run(*check, "--lang", "en").out.startswith("✓ allowed")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    assert run(*check).out.startswith("✓ allowed")


def test_what_would_move_the_cursor_is_told_as_escapes(run: Run, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(
        "policy: p\nversion: '1'\naccount: {fields: {t: {type: string, settable: {}}}}\n", encoding="utf-8"
    )
    done = run(
        "check", str(policy), "-", stdin='{"account": {"t": "\\u001b[2J"}, "change": {"set": {"t": "a\\u202eb\\nc"}}}'
    )
    assert done.out.startswith("✓ allowed   set t: \\x1b[2J → a\\u202eb\\nc")
    wrong = run("check", str(policy), "-", stdin='{"account": {"\\u001b[2J": 1}, "change": {"set": {"t": "x"}}}')
    assert "\x1b" not in wrong.err


# ----------------------------------------------------------------------------------------------- the other commands


def test_can(run: Run, golden: Golden, tmp_path: Path) -> None:
    history = tmp_path / "history.json"
    history.write_text('[{"event": "mass_send", "at": "2025-03-01T08:00:00"}]', encoding="utf-8")
    at = ("--history", str(history), "--at", "2025-03-01T12:00:00")
    golden("cli/can.en.txt", run("can", "wechat", CERTIFIED, *at).out)
    golden("cli/can.zh.txt", run("can", "wechat", CERTIFIED, *at, "--lang", "zh").out)
    found = json.loads(run("can", "wechat", CERTIFIED, *at, "--format", "json").out)
    assert found["schema"] == "lawful/possibilities/v1"


def test_can_tells_the_warnings_of_what_is_allowed(run: Run) -> None:
    asked = (
        "can",
        "wechat-official",
        "fixtures/wechat-official/individual.json",
        "--at",
        "2026-10-15",
        "--history",
        "none",
    )
    english, chinese = run(*asked).out, run(*asked, "--lang", "zh").out
    assert (
        "      ! warning features.ad_publisher   said to need 500 followers (low confidence; there are 320)\n"
        in english
    )
    assert "      ! 警告 features.ad_publisher   据称须有500名粉丝（可信度低；现有：320）\n" in chinese
    found = json.loads(run(*asked, "--format", "json").out)["possibilities"]
    (menu,) = [each for each in found if each["change"] == {"do": "link_from_menu"}]
    assert menu["verdict"] == "allow"
    assert [(each["rule"], each["status"]) for each in menu["warnings"]] == [("actions.link_from_menu", "violated")]
    assert "45058" in menu["warnings"][0]["explanation"]["en"]


def test_can_takes_a_request_for_its_account(run: Run) -> None:
    request = json.dumps({**REQUESTS["limit"][1], "at": "2025-03-01T12:00:00"})
    done = run("can", "wechat", "-", stdin=request)
    assert (done.code, done.err) == (0, "")
    assert "0 of 1 left; one more from 2025-03-02" in done.out


def test_test_tells_what_fails_and_where(
    run: Run, golden: Golden, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("test", "wechat").out.endswith(" cases passed\n")
    run("init", str(tmp_path / "starter"))
    monkeypatch.chdir(tmp_path)
    cases = Path("starter/cases.yaml")
    wrong = (
        cases.read_text(encoding="utf-8").replace("verdict: allow", "verdict: deny").replace("2025-04-01", "2025-04-02")
    )
    Path("other.yaml").write_text(wrong, encoding="utf-8")
    done = run("test", "./starter", "other.yaml")
    assert (done.code, done.err) == (1, "")
    golden("cli/test-fails.txt", done.out)
    assert run("test", "./starter", "other.yaml", "-q") == (1, "", "")
    data = json.loads(run("test", "./starter", "other.yaml", "--format", "json").out)
    assert (data["cases"], data["failed"]) == (7, 4)
    assert run("test", "./starter", "starter/cases.yaml", "other.yaml").code == 1


def test_cases_that_cannot_be_read_are_2(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "cases.yaml"
    path.write_text("cases: [{name: x, expects: {verdict: allow}}]", encoding="utf-8")
    done = run("test", "wechat", str(path))
    assert (done.code, done.out) == (2, "")
    assert "error[unknown-key]: there is no key `expects` here" in done.err


def test_lint(run: Run, tmp_path: Path) -> None:
    assert run("lint", "wechat", "--strict") == (0, "✓ nothing to tell\n", "")
    run("init", str(tmp_path / "mine"))
    mine = f"{tmp_path}/mine"
    cases = tmp_path / "mine" / "cases.yaml"
    cases.write_text(cases.read_text(encoding="utf-8").replace("at: 2025-03-01 ", "# "), encoding="utf-8")
    done = run("lint", mine)
    assert (done.code, done.out.count("warning[case-without-at]")) == (0, 6)
    assert done.out.endswith("0 errors, 6 warnings\n")
    assert run("lint", mine, "--strict").code == 1
    found = json.loads(run("lint", mine, "--format", "json").out)["diagnostics"]
    assert {each["severity"] for each in found} == {"warning"}
    cases.unlink()
    assert "warning[no-cases]" in run("lint", mine).out
    policy = tmp_path / "mine" / "policy.yaml"
    policy.write_text(
        policy.read_text(encoding="utf-8").replace("paid_until >= today", "paid_untl >= today"), encoding="utf-8"
    )
    wrong = run("lint", mine)
    assert (wrong.code, wrong.err) == (4, "")
    assert "did you mean `paid_until`?" in wrong.out
    quiet = run("lint", mine, "-q")
    assert (quiet.code, quiet.out, "error[" in quiet.err) == (4, "", True)


def test_show_lists_the_shipped_policies(run: Run) -> None:
    listed = run("show").out
    shipped = {name: lawful.load(name).program for name in shipped_names()}
    for name, program in shipped.items():
        assert program.title is not None
        assert program.scope is not None  # every pack says in a line what it is about
        told = rf"{name} +{program.version} +{re.escape(program.title.best('en'))}\n  {re.escape(program.scope.best('en'))}\n"
        assert re.search(told, listed)
    chinese = run("show", "--lang", "zh").out
    assert "微信公众号\n  账号类型" in chinese
    scopes = {each["name"]: each["scope"]["en"] for each in json.loads(run("show", "--format", "json").out)}
    assert scopes == {name: program.scope.best("en") for name, program in shipped.items() if program.scope is not None}


def test_show_of_a_policy(run: Run) -> None:
    program = lawful.load("wechat").program
    assert run("show", "wechat").out == plain(rules_in_words(program, "en"))
    assert run("show", "wechat", "--ir").out == ir_text(program)
    drawn = run("show", "wechat", "--diagram", "mermaid", "--lang", "zh").out
    assert drawn == diagram(program, "type", "zh")
    assert json.loads(run("show", "wechat", "--format", "json").out)["id"] == "wechat"
    assert list(json.loads(run("show", "wechat", "--diagram", "mermaid", "--format", "json").out)) == ["type"]


def test_the_direct_engine_is_shown_as_of_another_day(run: Run) -> None:
    """Of an instant the local one: in Shanghai that is the next."""
    shown = run("show", "wechat-official", "--direct", "--at", "2014-05-23T16:00:00Z").out
    assert shown.rstrip() == lawful.load("wechat-official").direct_source(date(2014, 5, 24)).rstrip()


@pytest.mark.parametrize("name", ["policy", "cases", "request", "decision", "possibilities"])
def test_show_of_a_schema(name: str, run: Run) -> None:
    done = run("show", "--schema", name)
    assert json.loads(done.out)["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    line = f"# yaml-language-server: $schema=./{name}.schema.json\n"
    assert (line in done.err) == (name in ("policy", "cases"))


def test_eval(run: Run, tmp_path: Path, golden: Golden) -> None:
    wechat = ("--policy", "wechat", "--account", EXPIRED, "--at", "2025-03-01")
    done = run("eval", "certified && account.type == 'service'", *wechat)
    assert done.code == 1
    golden("cli/eval.txt", done.out)
    assert run("eval", "account.type == 'subscription'", *wechat).out.startswith("true\n")
    assert run("eval", "request.author_consent", *wechat).code == 3
    assert run("eval", "request.author_consent", *wechat, "--request", "author_consent=true").code == 0
    conditions = tmp_path / "conditions.txt"
    conditions.write_text(
        "# dates\naddMonths(date('2024-01-31'), 1) == date('2024-02-29')\n\naccount.n == 1\n1 == 2\n", encoding="utf-8"
    )
    account = tmp_path / "account.json"
    account.write_text(
        '{"n": 1, "d": "2024-01-01", "t": "2024-01-01T00:00:00Z", "s": ["a"], "b": true, "x": "y"}', encoding="utf-8"
    )
    several = run("eval", str(conditions), "--account", str(account))
    assert several.out.splitlines()[1:] == ["true   account.n == 1", "false   1 == 2"]
    assert several.code == 1
    data = run("eval", str(conditions), "--account", str(account), "--format", "json").out.splitlines()
    assert [json.loads(line)["value"] for line in data] == [True, True, False]
    wrong = run("eval", "-", stdin="account.none\nnot a condition\n")
    assert (wrong.code, wrong.out.startswith("unknown   account.none\nerror: ")) == (2, True)


CASES = """\
{"expr": "x + 1", "bindings": {"x": 5}, "value": 6, "note": "fine"}

{"name": "three", "expr": "x + 1", "bindings": {"x": 1}, "value": 3}
{"id": 4, "expr": "1 / 0 == 1 || x in ['服务号', '订阅号']", "bindings": {"x": "订阅号"}, "value": true}
{"expr": "1 / 0", "error": "division by zero"}
{"expr": "{'a': 1}.a", "value": 1}
{"expr": "x", "bindings": {"x": {"bytes": "YQ=="}}, "value": 1}
"""


def test_eval_of_cases(run: Run, tmp_path: Path, golden: Golden) -> None:
    cases = tmp_path / "cases.jsonl"
    cases.write_text(CASES, encoding="utf-8")
    done = run("eval", "--cases", str(cases))
    assert (done.code, done.err) == (1, "")
    golden("cli/eval-cases.txt", done.out)
    golden("cli/eval-cases-zh.txt", run("eval", "--cases", str(cases), "--lang", "zh").out)
    quiet = run("eval", "--cases", "-", "-q", stdin=CASES)
    assert (quiet.code, quiet.out, quiet.err) == (1, "", "")
    right = run("eval", "--cases", "-", stdin=CASES.splitlines()[0])
    assert (right.code, right.out.splitlines()[0]) == (0, "✓ 1 case: 1 right, 0 wrong, 0 outside the language")


@pytest.mark.parametrize("lines", ["", '{"expr": "1 ++ 1", "value": 2}'])
def test_where_no_case_is_judged_nothing_is_right(run: Run, lines: str) -> None:
    done = run("eval", "--cases", "-", stdin=lines)
    assert done.code == 2
    assert done.out.startswith("✗ ")
    assert "no case of `-` was judged" in done.err


def test_eval_of_cases_as_json(run: Run) -> None:
    done = run("eval", "--cases", "-", "--format", "json", stdin=CASES)
    first, three, *_, outside, _ = map(json.loads, done.out.splitlines())
    engines = {"reference", "rete", "direct", "cel"} if rete.available() else {"reference", "direct", "cel"}
    assert first["outcome"] == "right"
    assert first["given"] == dict.fromkeys(engines, 6)
    assert (three["line"], three["name"], three["outcome"], three["wanted"]) == (3, "three", "wrong", 3)
    assert set(three["wrong"]) == engines
    assert outside["outside"] == [{"code": "not-in-profile", "message": "maps and messages are outside the profile"}]
    assert done.err == "6 cases: 3 right, 1 wrong, 2 outside the language\n"


def test_eval_of_cases_of_a_policy(run: Run) -> None:
    account = {"type": "subscription", "certified_until": "2026-01-01"}
    lines = [
        {"expr": "certified", "bindings": {"account": account, "at": "2025-03-01"}, "value": True},
        {"expr": "account.subject == 'media'", "bindings": {"account": account}, "value": None},
        {"expr": "account.certified_until", "bindings": {"account": account}, "value": {"date": "2026-01-01"}},
        {"expr": "count('upgrade', 'lifetime')", "bindings": {"history": []}, "value": 0},
    ]
    done = run("eval", "--policy", "wechat", "--cases", "-", stdin="\n".join(map(json.dumps, lines)))
    assert (done.code, done.out.splitlines()[0]) == (0, "✓ 4 cases: 4 right, 0 wrong, 0 outside the language")
    wrong = run("eval", "--policy", "wechat", "--cases", "-", stdin='{"expr": "certified", "bindings": {"x": 1}}')
    assert wrong.code == 2
    unknown = '{"expr": "certified", "bindings": {"acount": {}}, "value": true}'
    wrong = run("eval", "--policy", "wechat", "--cases", "-", stdin=unknown)
    assert (wrong.code, wrong.err.splitlines()[0]) == (
        2,
        "error: line 1: acount: a request has no such key (did you mean `account`?)",
    )
    misspelt = run("eval", "--policy", "wechat", "--cases", "-", stdin='{"expr": "certifed", "value": true}')
    assert misspelt.code == 2
    assert "line 1: expr: there is no condition or name `certifed`" in misspelt.err
    beside = '{"expr": "1.5 < 2.5", "value": true}\n{"expr": "1 < 2", "value": true}'
    outside = run("eval", "--policy", "wechat", "--cases", "-", stdin=beside)
    assert (outside.code, outside.out.splitlines()[0]) == (0, "✓ 2 cases: 1 right, 0 wrong, 1 outside the language")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("x", "this is not JSON: expecting value"),
        ("[1]", "a list stands where a case should be (an object)"),
        ('{"value": 1}', "expr: a case needs the text of an expression"),
        ('{"expr": 1, "value": 1}', "expr: a case needs the text of an expression"),
        ('{"expr": "1"}', "value: a case has either a `value` or an `error`"),
        ('{"expr": "1", "value": 1, "error": true}', "value: a case has either a `value` or an `error`"),
        ('{"expr": "1", "binding": {}}', "binding: a case has no such key (did you mean `bindings`?)"),
        ('{"expr": "1", "error": 3}', "error: `3` is neither `true` nor a text"),
        ('{"expr": "1", "value": 1, "name": [1]}', "name: a list is not a text"),
        ('{"expr": "1", "value": 1, "bindings": 3}', "bindings: `3` stands where an object should be"),
        (
            '{"expr": "x", "value": 1, "bindings": {"x": {"date": "2023-02-29"}}}',
            "bindings.x.date: `2023-02-29` is not a date",
        ),
        ('{"expr": "x", "value": 1, "bindings": {"x": {"int": "5"}}}', "bindings.x.int: `5` is not of the type `int`"),
        ('{"expr": "x", "value": 1, "bindings": {"x": {"itn": 5}}}', "bindings.x: an object is not a value"),
        ('{"expr": "1", "value": {}}', "value: an object is not a value"),
        (
            f'{{"expr": "1", "value": 1, "bindings": {{"x": {"[" * 350}{"]" * 350}}}}}',
            "bindings: the value is nested too deeply",
        ),
        ('{"expr": "1", "value": ' + '{"set":' * 350 + "1" + "}" * 351, "value: the value is nested too deeply"),
        (
            '{"expr": "account.n", "value": 1, "bindings": {"account": {"n": 1}}}',
            "bindings.account: an object is not a value (fields need types: name a policy with `--policy`)",
        ),
    ],
)
def test_eval_tells_which_line_of_cases_cannot_be_read(run: Run, line: str, told: str) -> None:
    done = run("eval", "--cases", "-", stdin=f'{{"expr": "1", "value": 1}}\n{line}\n')
    assert done.code == 2
    assert done.err.startswith("error: line 2: ")
    assert told in done.err
    assert "1 right, 0 wrong, 0 outside the language; 1 line not readable" in done.out


def test_eval_takes_an_expression_or_cases(run: Run) -> None:
    assert run("eval").err.startswith("error: there is nothing to evaluate\n")
    for beside in (("1 == 1",), ("--account", EXPIRED), ("--at", "2025-01-01"), ("--history", "none")):
        done = run("eval", "--cases", "-", *beside, stdin="")
        assert (done.code, done.err.splitlines()[0]) == (
            2,
            "error: `--cases` takes no expression and no account beside it",
        )
    assert run("eval", "--cases", "none.jsonl").err == "error: `none.jsonl` cannot be read: no such file or directory\n"
    assert run("eval", "--cases", "-", "--policy", "nowhere", stdin="").code == 2


def test_eval_types_an_account_by_its_values(run: Run, tmp_path: Path) -> None:
    account = tmp_path / "account.yaml"
    account.write_text(
        "n: 7\nd: 2024-01-01\nt: 2024-01-01T00:00:00Z\ns: [a, b]\nb: true\nx: y\nnone: null\n", encoding="utf-8"
    )
    for expr in (
        "account.n > 6",
        "account.d < today",
        "account.t < now",
        "account.s.exists(e, e == 'a')",
        "account.b",
        "account.x.startsWith('y')",
    ):
        assert run("eval", expr, "--account", str(account)).code == 0, expr


def test_init_writes_a_policy_whose_cases_pass(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("init", "My Policy")
    assert (done.code, done.out) == (0, "")
    assert run("test", "./My Policy") == (0, "✓ 7 cases passed\n", "")
    assert run("lint", "./My Policy", "--strict").code == 0
    assert lawful.load("./My Policy").program.id == "my-policy"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["My Policy"]
    before = (tmp_path / "My Policy" / "policy.yaml").read_bytes()
    again = run("init", "My Policy")
    assert (again.code, again.err.splitlines()[0]) == (2, "error: `My Policy` is not empty")
    assert (tmp_path / "My Policy" / "policy.yaml").read_bytes() == before


def test_what_init_tells_to_run_next_can_be_pasted(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "\n  lawful test './my policy; true'\n" in run("init", "my policy; true").err


def test_init_takes_an_empty_folder_and_no_file(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert run("init", str(tmp_path / "empty")).code == 0
    assert run("init", str(tmp_path / "deep" / "er")).code == 0
    (tmp_path / "file").write_text("x", encoding="utf-8")
    assert run("init", str(tmp_path / "file")).code == 2
