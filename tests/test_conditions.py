"""Conditions: what they mean, what is refused and in which words, and that Google's checker takes what is taken."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lawful import calendar, ir, patterns
from lawful.conditions import ConditionError, Conditions, Vocabulary, Where
from lawful.diagnostics import Mistake

TYPE = ir.Type("enum", ("subscription", "service"))
KIND = ir.Type("enum", ("a", "b"))
TAGS = ir.Type("set", ("x", "y", "z"))
TAG = ir.Type("enum", ("x", "y", "z"))
ACCOUNT = {
    "type": TYPE,
    "old_type": TYPE,
    "kind": KIND,
    "tags": TAGS,
    "old_tags": TAGS,
    "certified_until": ir.DATE,
    "since": ir.TIMESTAMP,
    "followers": ir.INT,
    "upgrades": ir.INT,
    "name": ir.STRING,
    "ok": ir.BOOL,
}
REQUEST = {"consent": ir.BOOL, "n": ir.INT, "reason": ir.STRING}
FEATURES = ("wechat_pay", "mini-shop")
CONDITIONS = ("certified", "big")
EVENTS = ("mass_send", "upgrade")


def schema(types: dict[str, ir.Type]) -> dict[str, ir.FieldDeclaration]:
    return {name: declared(name, type) for name, type in types.items()}


def declared(name: str, type: ir.Type) -> ir.FieldDeclaration:
    return ir.FieldDeclaration(name, type, "effects", values={value: ir.Text(value, value) for value in type.values})


READER = Conditions(Vocabulary(schema(ACCOUNT), schema(REQUEST), FEATURES, CONDITIONS, EVENTS, "Asia/Shanghai"))


def account(name: str) -> ir.Field:
    return ir.Field("account", name, ACCOUNT[name])


def before(name: str) -> ir.Field:
    return ir.Field("before", name, ACCOUNT[name])


def text(value: str) -> ir.Constant:
    return ir.Constant(value, ir.STRING)


def number(value: int) -> ir.Constant:
    return ir.Constant(value, ir.INT)


def texts(type: ir.Type, *values: str) -> ir.ListOf:
    return ir.ListOf(tuple(ir.Constant(value, type) for value in values), ir.Type("list", element=type))


OK, NAME, SINCE, UNTIL, FOLLOWERS = (account(name) for name in ("ok", "name", "since", "certified_until", "followers"))
TODAY, NOW = ir.Clock("today"), ir.Clock("now")
CERTIFIED, BIG = ir.ConditionOf("certified"), ir.ConditionOf("big")
DAY = ir.Constant(timedelta(hours=24), ir.DURATION)
NEW_YEAR = ir.Constant(date(2024, 1, 1), ir.DATE)


def is_(left: ir.Expr, right: ir.Expr) -> ir.Compare:
    return ir.Compare("==", left, right)


def over_zero(expr: ir.Expr) -> ir.Compare:
    return ir.Compare(">", expr, number(0))


MEANINGS: list[tuple[str, ir.Expr]] = [
    ("true", ir.TRUE),
    ("account.ok", OK),
    ("request.consent", ir.Field("request", "consent", ir.BOOL)),
    ("certified", CERTIFIED),
    ("has(account.certified_until)", ir.Known(UNTIL)),
    ("has(request.n)", ir.Known(ir.Field("request", "n", ir.INT))),
    ("account.certified_until >= today", ir.Compare(">=", UNTIL, TODAY)),
    ("account.since < now", ir.Compare("<", SINCE, NOW)),
    ("account.ok != certified", ir.Compare("!=", OK, CERTIFIED)),
    ("!account.ok", ir.Not(OK)),
    ("certified && big && account.ok", ir.And((CERTIFIED, BIG, OK))),
    ("certified && (big && account.ok)", ir.And((CERTIFIED, BIG, OK))),
    ("certified && (big || (certified || account.ok))", ir.And((CERTIFIED, ir.Or((BIG, CERTIFIED, OK))))),
    ("account.type == 'service'", is_(account("type"), ir.Constant("service", TYPE))),
    ("'service' == account.type", is_(ir.Constant("service", TYPE), account("type"))),
    ("account.type == account.old_type", is_(account("type"), account("old_type"))),
    (
        "account.type == (certified ? 'service' : 'subscription')",
        is_(
            account("type"),
            ir.Conditional(CERTIFIED, ir.Constant("service", TYPE), ir.Constant("subscription", TYPE)),
        ),
    ),
    ("certified ? big : account.ok", ir.Conditional(CERTIFIED, BIG, OK)),
    ("account.type in ['service']", ir.Member(account("type"), texts(TYPE, "service"))),
    ("account.type in []", ir.Member(account("type"), texts(TYPE))),
    (
        "'service' in [account.type]",
        ir.Member(ir.Constant("service", TYPE), ir.ListOf((account("type"),), ir.Type("list", element=TYPE))),
    ),
    ("account.name in ['a', 'b']", ir.Member(NAME, texts(ir.STRING, "a", "b"))),
    ("'x' in account.tags", ir.Member(ir.Constant("x", TAG), account("tags"))),
    ("'wechat_pay' in account.features", ir.Field("features", "wechat_pay", ir.BOOL)),
    (
        "account.tags.exists(t, t == 'x')",
        ir.Quantifier(
            "exists", ir.Variable("t", TAG), account("tags"), is_(ir.Variable("t", TAG), ir.Constant("x", TAG))
        ),
    ),
    (
        "['x', 'y'].all(t, t in account.tags)",
        ir.Quantifier(
            "all", ir.Variable("t", TAG), texts(TAG, "x", "y"), ir.Member(ir.Variable("t", TAG), account("tags"))
        ),
    ),
    (
        "['x'].exists(t, [t].all(t, t in account.tags))",
        ir.Quantifier(
            "exists",
            ir.Variable("t", TAG),
            texts(TAG, "x"),
            ir.Quantifier(
                "all",
                ir.Variable("t", TAG),
                ir.ListOf((ir.Variable("t", TAG),), ir.Type("list", element=TAG)),
                ir.Member(ir.Variable("t", TAG), account("tags")),
            ),
        ),
    ),
    (
        "[1, 2].exists(n, n == account.followers)",
        ir.Quantifier(
            "exists",
            ir.Variable("n", ir.INT),
            ir.ListOf((number(1), number(2)), ir.Type("list", element=ir.INT)),
            is_(ir.Variable("n", ir.INT), FOLLOWERS),
        ),
    ),
    (
        "[].exists(n, n < 3)",
        ir.Quantifier(
            "exists",
            ir.Variable("n", ir.INT),
            ir.ListOf((), ir.Type("list", element=ir.INT)),
            ir.Compare("<", ir.Variable("n", ir.INT), number(3)),
        ),
    ),
    (
        "account.tags.exists(account, account == 'x')",
        ir.Quantifier(
            "exists",
            ir.Variable("account", TAG),
            account("tags"),
            is_(ir.Variable("account", TAG), ir.Constant("x", TAG)),
        ),
    ),
    ("account.followers + 1 > 0", over_zero(ir.Call("+", (FOLLOWERS, number(1))))),
    ("account.followers % 2 > 0", over_zero(ir.Call("%", (FOLLOWERS, number(2))))),
    ("-account.followers > 0", over_zero(ir.Call("negate", (FOLLOWERS,)))),
    ("account.followers == -5", is_(FOLLOWERS, number(-5))),
    ("account.followers == -9223372036854775808", is_(FOLLOWERS, number(ir.INT_MIN))),
    ("account.followers == 0x10", is_(FOLLOWERS, number(16))),
    ("account.since == now + duration('24h')", is_(SINCE, ir.Call("add_duration", (NOW, DAY)))),
    ("account.since == duration('24h') + now", is_(SINCE, ir.Call("add_duration", (NOW, DAY)))),
    ("account.since == now - duration('24h')", is_(SINCE, ir.Call("subtract_duration", (NOW, DAY)))),
    ("now - account.since > duration('24h')", ir.Compare(">", ir.Call("between", (NOW, SINCE)), DAY)),
    ("account.certified_until == date('2024-01-01')", is_(UNTIL, NEW_YEAR)),
    ("account.certified_until == date(now)", is_(UNTIL, ir.Call("date", (NOW,)))),
    (
        "account.since == timestamp('2024-01-01T00:00:00.000001+08:00')",
        is_(SINCE, ir.Constant(datetime(2023, 12, 31, 16, 0, 0, 1, tzinfo=UTC), ir.TIMESTAMP)),
    ),
    ("addYears(today, 1) == today", is_(ir.Call("addYears", (TODAY, number(1))), TODAY)),
    ("daysBetween(today, date('2024-01-01')) > 0", over_zero(ir.Call("daysBetween", (TODAY, NEW_YEAR)))),
    ("today.getMonth() > 0", over_zero(ir.Call("getMonth", (TODAY,)))),
    ("now.getFullYear() > 0", over_zero(ir.Call("getFullYear", (NOW, text("Asia/Shanghai"))))),
    ("now.getDate('Europe/Paris') > 0", over_zero(ir.Call("getDate", (NOW, text("Europe/Paris"))))),
    ("size(account.name) > 0", over_zero(ir.Call("size", (NAME,)))),
    ("account.name.size() > 0", over_zero(ir.Call("size", (NAME,)))),
    ("account.name.contains('中')", ir.Call("contains", (NAME, text("中")))),
    ("account.name.matches('^wx[0-9a-f]{16}$')", ir.Call("matches", (NAME, text("^wx[0-9a-f]{16}$")))),
    ("matches(account.name, r'\\.')", ir.Call("matches", (NAME, text("\\.")))),
    ("count('mass_send', '30 days') > 0", over_zero(ir.Count(("mass_send",), calendar.Window("days", 30)))),
]


@pytest.mark.parametrize(("written", "meant"), MEANINGS, ids=[written for written, _ in MEANINGS])
def test_a_condition_means(written: str, meant: ir.Expr) -> None:
    assert READER.boolean(written) == meant


def test_an_invariant_reads_one_state_or_two() -> None:
    assert READER.boolean("account.ok && certified", "invariant") == ir.And((OK, CERTIFIED))
    assert READER.boolean("before.account.ok && !has(after.account.name)", "invariant") == ir.And(
        (before("ok"), ir.Not(ir.Known(ir.Field("after", "name", ir.STRING))))
    )
    assert READER.boolean("'wechat_pay' in before.account.features", "invariant") == ir.Field(
        "before.features", "wechat_pay", ir.BOOL
    )


# fmt: off
MISTAKES: list[tuple[str, Where, str, str | None, str, str | None]] = [
    # text, where it stands, code, the words it is about, message, help
    ('account.type == ‘service', 'rule', 'syntax', '‘', '`‘` is not CEL', 'quotes are `\'` or `"`'),
    ('account.ok &&', 'rule', 'syntax', '', 'the condition ends too early', None),
    ('account.ok || )', 'rule', 'syntax', ')', '`)` is not expected here', None),
    ("account.type = 'service'", 'rule', 'syntax', '=', '`=` is not CEL', 'did you mean `==`?'),
    ('account.ok and certified', 'rule', 'syntax', 'and', '`and` is not expected here', 'did you mean `&&`?'),
    ('not account.ok', 'rule', 'syntax', 'account', '`account` is not expected here', 'did you mean `!`?'),
    ("account.type == 'service", 'rule', 'syntax', "'", 'the quote is not closed', None),
    ("account.name == '\\d'", 'rule', 'syntax', "'\\d", '`\\d` is not an escape of CEL', 'write two backslashes for one'),
    ('(account.ok', 'rule', 'syntax', '', '`)` is missing', None),
    ('account.ok ? true', 'rule', 'syntax', '', '`:` is missing', None),
    ('package == 1', 'rule', 'syntax', 'package', '`package` is a reserved word of CEL', None),
    ('account.tags.exists(1, true)', 'rule', 'syntax', '1', '`exists` takes a plain name for its variable', 'write `exists(x, …)`'),
    ('account.certifed_until > today', 'rule', 'unknown-field', 'certifed_until', 'the account has no field `certifed_until`', 'did you mean `certified_until`?'),
    ('account.consent', 'rule', 'unknown-field', 'consent', 'the account has no field `consent`', 'did you mean `request.consent`?'),
    ('request.followers > 1', 'rule', 'unknown-field', 'followers', 'the request has no field `followers`', 'did you mean `account.followers`?'),
    ("account.type.typo == 'x'", 'rule', 'unknown-field', 'typo', 'there is no `typo`: `account.type` is an enum and has no fields', None),
    ('account.consent', 'constraint', 'unknown-field', 'consent', 'the account has no field `consent`', None),
    ("before.type == 'service'", 'invariant', 'unknown-field', 'type', '`before` has no field `type`', 'did you mean `before.account.type`?'),
    ('accounte.ok', 'rule', 'unknown-name', 'accounte', 'there is no condition or name `accounte`', 'did you mean `account`?'),
    ('followers > 3', 'rule', 'unknown-name', 'followers', 'there is no condition or name `followers`', 'did you mean `account.followers`?'),
    ('followerz > 3', 'rule', 'unknown-name', 'followerz', 'there is no condition or name `followerz`', 'did you mean `account.followers`?'),
    ('consent', 'rule', 'unknown-name', 'consent', 'there is no condition or name `consent`', 'did you mean `request.consent`?'),
    ('certifiedd', 'rule', 'unknown-name', 'certifiedd', 'there is no condition or name `certifiedd`', 'did you mean `certified`?'),
    ("service == 'x'", 'rule', 'unknown-name', 'service', 'there is no condition or name `service`', "a value stands in quotes: `'service'`"),
    ('wechat_pay', 'rule', 'unknown-name', 'wechat_pay', 'there is no condition or name `wechat_pay`', "did you mean `'wechat_pay' in account.features`?"),
    ('True', 'rule', 'unknown-name', 'True', 'there is no condition or name `True`', 'did you mean `true`?'),
    ('before.account.ok', 'rule', 'unknown-name', 'before', '`before` is read in invariants only', 'did you mean `account`?'),
    ('nonsense', 'rule', 'unknown-name', 'nonsense', 'there is no condition or name `nonsense`', None),
    ('foo(account.ok)', 'rule', 'unknown-function', 'foo', 'there is no function `foo`', None),
    ("account.name.strtsWith('a')", 'rule', 'unknown-function', 'strtsWith', 'there is no function `strtsWith`', 'did you mean `startsWith`?'),
    ("startsWith(account.name, 'a')", 'rule', 'unknown-function', 'startsWith', '`startsWith` follows its operand', 'write `….startsWith(…)`'),
    ('today.addDays(1) == today', 'rule', 'unknown-function', 'addDays', '`addDays` stands before its operands', 'write `addDays(…)`'),
    ('certified()', 'rule', 'unknown-function', 'certified', 'there is no function `certified`', 'a condition has no parentheses: `certified`'),
    ("account.followers < 'a'", 'rule', 'ill-typed', '<', '`<` does not compare a whole number with text', None),
    ('account.type == 1', 'rule', 'ill-typed', '==', '`==` does not compare an enum with a whole number', None),
    ("account.certified_until >= '2024-01-01'", 'rule', 'ill-typed', '>=', '`>=` does not compare a date with text', "write `date('…')`"),
    ("'2024-01-01T00:00:00Z' < now", 'rule', 'ill-typed', '<', '`<` does not compare text with a timestamp', "write `timestamp('…')`"),
    ('account.type == account.kind', 'rule', 'ill-typed', '==', '`==` does not compare enums of different values', None),
    ('account.type == account.name', 'rule', 'ill-typed', '==', '`==` does not compare an enum with text', None),
    ('account.type in account.tags', 'rule', 'ill-typed', 'in', '`in` does not look for an enum in a set of different values', None),
    ('account.name in account.tags', 'rule', 'ill-typed', 'in', '`in` does not look for text in a set', None),
    ("1 in ['a']", 'rule', 'ill-typed', 'in', '`in` does not look for a whole number in a list of texts', None),
    ('account.ok in account.name', 'rule', 'ill-typed', 'in', '`in` looks into a set or a list, not text', None),
    ('account.ok && account.followers', 'rule', 'ill-typed', 'account.followers', '`&&` takes what is true or false, not a whole number', None),
    ('!account.name', 'rule', 'ill-typed', 'account.name', '`!` takes what is true or false, not text', None),
    ('account.followers ? true : false', 'rule', 'ill-typed', 'account.followers', '`?:` takes what is true or false, not a whole number', None),
    ("account.followers == (account.ok ? 1 : 'a')", 'rule', 'ill-typed', '?', '`?:` does not choose between a whole number and text', None),
    ("[1, 'a'].all(t, true)", 'rule', 'ill-typed', '[', 'a list does not hold both a whole number and text', None),
    ('account.name.exists(t, true)', 'rule', 'ill-typed', 'exists', '`exists` goes over a set or a list, not text', None),
    ('account.tags.all(t, size(account.name))', 'rule', 'ill-typed', 'size', '`all` takes what is true or false, not a whole number', None),
    ('account.followers + account.name > 1', 'rule', 'ill-typed', '+', '`+` does not take a whole number and text', None),
    ('account.certified_until - today > 3', 'rule', 'ill-typed', '-', '`-` does not take a date and a date', '`daysBetween(a, b)` counts the days from one date to another'),
    ('account.certified_until + 3 > today', 'rule', 'ill-typed', '+', '`+` does not take a date and a whole number', '`addDays(a, 7)` moves a date, likewise `addMonths` and `addYears`'),
    ('now + 3 > now', 'rule', 'ill-typed', '+', '`+` does not take a timestamp and a whole number', "a timestamp moves by a duration, such as `duration('24h')`"),
    ("-account.name == 'x'", 'rule', 'ill-typed', '-', '`-` takes a whole number, not text', None),
    ('addDays(today) == today', 'rule', 'ill-typed', 'addDays', '`addDays` takes 2 arguments, not 1', None),
    ('account.name.startsWith(1)', 'rule', 'ill-typed', '1', '`startsWith` takes text, not a whole number', None),
    ("today.getMonth('Asia/Shanghai') == 1", 'rule', 'ill-typed', 'getMonth', '`getMonth` of a date takes no zone', None),
    ('account.name.getMonth() == 1', 'rule', 'ill-typed', 'getMonth', '`getMonth` takes a date or a timestamp, not text', None),
    ('date(today) == today', 'rule', 'ill-typed', 'today', '`date` takes a timestamp, not a date', 'it is a date already'),
    ('account.certified_until == null', 'rule', 'not-in-profile', '==', '`null` is outside the profile', 'write `!has(account.certified_until)`'),
    ('null != account.name', 'rule', 'not-in-profile', '!=', '`null` is outside the profile', 'write `has(account.name)`'),
    ('account.name in [null]', 'rule', 'not-in-profile', 'null', '`null` is outside the profile', '`has(account.…)` asks whether a field is known'),
    ('account.tags.map(t, t) == []', 'rule', 'not-in-profile', 'map', '`map` is outside the profile', None),
    ('account.tags.filter(t, true) == []', 'rule', 'not-in-profile', 'filter', '`filter` is outside the profile', None),
    ('account.tags.exists_one(t, true)', 'rule', 'not-in-profile', 'exists_one', '`exists_one` is outside the profile', None),
    ('account.tags.all(t, u, true)', 'rule', 'not-in-profile', 'all', '`all` takes a variable and a condition', 'write `….all(x, …)`'),
    ("{'a': 1} == account.ok", 'rule', 'not-in-profile', '{', 'maps and messages are outside the profile', None),
    ('Account{ok: true}', 'rule', 'not-in-profile', 'Account', 'maps and messages are outside the profile', None),
    ('1.5 > account.followers', 'rule', 'not-in-profile', '1.5', 'numbers with a fraction are outside the profile', 'count in whole units: fen, basis points'),
    ('1u == account.followers', 'rule', 'not-in-profile', '1u', 'unsigned numbers are outside the profile', 'drop the `u`'),
    ("account.name == b'a'", 'rule', 'not-in-profile', "b'a'", 'bytes are outside the profile', 'drop the `b`'),
    ('type(account.ok) == true', 'rule', 'not-in-profile', 'type', '`type` is outside the profile', None),
    ('dyn(1) == 1', 'rule', 'not-in-profile', 'dyn', '`dyn` is outside the profile', None),
    ('now.getHours() > 1', 'rule', 'not-in-profile', 'getHours', '`getHours` is outside the profile', None),
    ('now.getDayOfMonth() > 1', 'rule', 'not-in-profile', 'getDayOfMonth', '`getDayOfMonth` is outside the profile', '`getDate` gives the day of the month, from 1'),
    ("account.tags[0] == 'x'", 'rule', 'not-in-profile', '[', 'an index, `[…]`, is outside the profile', None),
    ('account == true', 'rule', 'not-in-profile', 'account', '`account` alone is not a value', 'name one of its fields, as in `account.…`'),
    ('account.ok < true', 'rule', 'not-in-profile', '<', '`<` does not order truth values', None),
    ("account.type < 'service'", 'rule', 'not-in-profile', '<', '`<` does not order enums', 'enums compare with `==`, `!=` and `in`'),
    ("account.name >= 'a'", 'rule', 'not-in-profile', '>=', '`>=` does not order texts', None),
    ("account.tags.exists(t, t < 'x')", 'rule', 'not-in-profile', '<', '`<` does not order enums', 'enums compare with `==`, `!=` and `in`'),
    ("account.type.startsWith('s')", 'rule', 'not-in-profile', 'account.type', '`startsWith` takes text, not an enum', 'enums compare with `==`, `!=` and `in`'),
    ('size(account.tags) > 1', 'rule', 'not-in-profile', 'account.tags', '`size` takes text, not a set', None),
    ('account.tags == account.old_tags', 'rule', 'not-in-profile', '==', '`==` does not compare sets and lists', 'ask for one value with `in`, or for each with `exists` and `all`'),
    ("account.tags != ['x']", 'rule', 'not-in-profile', '!=', '`!=` does not compare sets and lists', 'ask for one value with `in`, or for each with `exists` and `all`'),
    ('has(certified)', 'rule', 'not-in-profile', 'certified', '`has` takes a field', 'write `has(account.type)`, with a field of yours'),
    ('has(account)', 'rule', 'not-in-profile', 'account', '`has` takes a field', 'write `has(account.type)`, with a field of yours'),
    ('has(certified.x)', 'rule', 'not-in-profile', 'certified.x', '`has` takes a field', 'write `has(account.…)`'),
    ('has(account.features)', 'rule', 'not-in-profile', 'account.features', '`account.features` is not a value', "ask for one: `'…' in account.features`"),
    ('account.features == true', 'rule', 'not-in-profile', 'account.features', '`account.features` is not a value', "ask for one: `'…' in account.features`"),
    ('account.features.exists(f, true)', 'rule', 'not-in-profile', 'account.features', '`account.features` is not a value', "ask for one: `'…' in account.features`"),
    ('account.name in account.features', 'rule', 'not-in-profile', 'in', 'a feature is named by a literal', "ask for one: `'…' in account.features`"),
    ("account.name + 'x' == 'y'", 'rule', 'not-in-profile', '+', '`+` does not join texts', None),
    ("duration('1h') + duration('1h') == duration('2h')", 'rule', 'not-in-profile', '+', '`+` of two durations is outside the profile', None),
    ('account.ok ? account.tags : account.old_tags', 'rule', 'not-in-profile', 'account.tags', '`?:` chooses between single values, not a set', None),
    ("[['a']].all(t, true)", 'rule', 'not-in-profile', '[', 'a list holds single values, not a list', None),
    ('before.account.ok && account.ok', 'invariant', 'not-in-profile', 'account.ok', 'an invariant reads one state, `account`, or two, `before` and `after`', 'conditions read `account`: write theirs out for a pair'),
    ('before.account.ok && certified', 'invariant', 'not-in-profile', 'certified', 'an invariant reads one state, `account`, or two, `before` and `after`', 'conditions read `account`: write theirs out for a pair'),
    ('before == true', 'invariant', 'not-in-profile', 'before', '`before` alone is not a value', 'name a field of it, as in `before.account.…`'),
    ("account.type == 'servicee'", 'rule', 'unknown-value', "'servicee'", '`account.type` has no value `servicee`', 'did you mean `service`?'),
    ("account.type in ['service', 'x']", 'rule', 'unknown-value', "'x'", '`account.type` has no value `x`', 'its values are `subscription`, `service`'),
    ("account.tags.exists(t, t == 'w')", 'rule', 'unknown-value', "'w'", '`t` has no value `w`', 'its values are `x`, `y`, `z`'),
    ("['w'].exists(t, t in account.tags)", 'rule', 'unknown-value', "'w'", '`account.tags` has no value `w`', 'its values are `x`, `y`, `z`'),
    ("'w' in account.tags", 'rule', 'unknown-value', "'w'", '`account.tags` has no value `w`', 'its values are `x`, `y`, `z`'),
    ("account.type == (account.ok ? 'service' : 'x')", 'rule', 'unknown-value', "'x'", '`account.type` has no value `x`', 'its values are `subscription`, `service`'),
    ("'wechat-pay' in account.features", 'rule', 'unknown-feature', "'wechat-pay'", 'there is no feature `wechat-pay`', 'did you mean `wechat_pay`?'),
    ("'alipay' in account.features", 'rule', 'unknown-feature', "'alipay'", 'there is no feature `alipay`', None),
    ("count('mass_sent', 'day') > 1", 'rule', 'unknown-event', "'mass_sent'", 'there is no event `mass_sent`', 'did you mean `mass_send`?'),
    ('account.certified_until > now', 'rule', 'dates-and-timestamps', '>', '`>` does not compare a date with a timestamp', '`date(now)` is the day of a timestamp'),
    ('account.since == today', 'rule', 'dates-and-timestamps', '==', '`==` does not compare a timestamp with a date', '`date(account.since)` is the day of a timestamp, or compare with `now`'),
    ('account.since in [today]', 'rule', 'dates-and-timestamps', 'in', '`in` does not look for a timestamp in a list of dates', '`date(account.since)` is the day of a timestamp'),
    ("now - today > duration('1h')", 'rule', 'dates-and-timestamps', '-', '`-` does not take a timestamp and a date', '`date(now)` is the day of a timestamp'),
    ('daysBetween(today, account.since) > 1', 'rule', 'dates-and-timestamps', 'account.since', '`daysBetween` takes a date, not a timestamp', '`date(account.since)` is the day of a timestamp'),
    ('account.certified_until == (account.ok ? today : now)', 'rule', 'dates-and-timestamps', '?', '`?:` does not choose between a date and a timestamp', '`date(now)` is the day of a timestamp'),
    ("date('2025-13-01') == today", 'rule', 'bad-date', "'2025-13-01'", '`2025-13-01` is not a date', "a date is written as in `date('2024-01-31')`"),
    ("timestamp('2024-01-01') == now", 'rule', 'bad-timestamp', "'2024-01-01'", '`2024-01-01` is not a timestamp', 'a day, a time to the microsecond at most, and an offset: `2024-01-31T09:00:00+08:00`'),
    ("timestamp('2024-01-01T00:00:00') == now", 'rule', 'bad-timestamp', "'2024-01-01T00:00:00'", '`2024-01-01T00:00:00` is not a timestamp', 'a day, a time to the microsecond at most, and an offset: `2024-01-31T09:00:00+08:00`'),
    ("timestamp('2024-01-01T00:00:00.0000001Z') == now", 'rule', 'bad-timestamp', "'2024-01-01T00:00:00.0000001Z'", '`2024-01-01T00:00:00.0000001Z` is not a timestamp', 'a day, a time to the microsecond at most, and an offset: `2024-01-31T09:00:00+08:00`'),
    ("timestamp('0001-01-01T00:00:00+08:00') == now", 'rule', 'bad-timestamp', "'0001-01-01T00:00:00+08:00'", '`0001-01-01T00:00:00+08:00` is not a timestamp', 'a day, a time to the microsecond at most, and an offset: `2024-01-31T09:00:00+08:00`'),
    ("duration('1d') == duration('24h')", 'rule', 'bad-duration', "'1d'", '`1d` is not a duration', 'hours, minutes and seconds, as in `36h`, `1h30m`, `0.5s`'),
    ("duration('0.0000001s') == duration('24h')", 'rule', 'bad-duration', "'0.0000001s'", '`0.0000001s` is not a duration', 'hours, minutes and seconds, as in `36h`, `1h30m`, `0.5s`'),
    ("account.name.matches('a**')", 'rule', 'bad-pattern', "'a**'", '`**`: a repetition of a repetition is outside the profile', None),
    ("account.name.matches('\\\\d')", 'rule', 'bad-pattern', "'\\\\d'", '`\\d`: only punctuation is escaped', None),
    ("now.getMonth('Asia/Shangai') == 1", 'rule', 'bad-zone', "'Asia/Shangai'", 'there is no time zone `Asia/Shangai`', 'did you mean `Asia/Shanghai`?'),
    ("now.getMonth('nowhere') == 1", 'rule', 'bad-zone', "'nowhere'", 'there is no time zone `nowhere`', 'a name of the IANA database, such as `Asia/Shanghai`'),
    ("count('mass_send', 'fortnight') > 1", 'rule', 'bad-window', "'fortnight'", '`fortnight` is not a window', '`lifetime`, `day`, `month`, `year`, or as in `30 days` and `6 months`'),
    ('date(account.name) == today', 'rule', 'not-constant', 'account.name', '`date` takes a literal text, or a timestamp', None),
    ('timestamp(account.name) == now', 'rule', 'not-constant', 'account.name', '`timestamp` takes a literal text', None),
    ("duration(account.name) == duration('1h')", 'rule', 'not-constant', 'account.name', '`duration` takes a literal text', None),
    ("count(account.name, 'day') > 1", 'rule', 'not-constant', 'account.name', 'the event of `count` must be a literal', None),
    ("count('mass_send', account.name) > 1", 'rule', 'not-constant', 'account.name', 'the window of `count` must be a literal', None),
    ('account.name.matches(account.name)', 'rule', 'not-constant', 'account.name', 'the pattern of `matches` must be a literal', None),
    ('now.getMonth(account.name) == 1', 'rule', 'not-constant', 'account.name', 'the zone must be a literal', None),
    ('account.followers < 9223372036854775808', 'rule', 'int-range', '9223372036854775808', '`9223372036854775808` does not fit into 64 bits', None),
    ('account.followers < -(9223372036854775808)', 'rule', 'int-range', '9223372036854775808', '`9223372036854775808` does not fit into 64 bits', None),
    ("account.name == '\\ud800'", 'rule', 'bad-text', "'\\ud800'", 'an escape in this text names no character', None),
    ("account.name == '\\x00'", 'rule', 'bad-text', "'\\x00'", 'a text holds no NUL', None),
    ('account.followers', 'rule', 'not-bool', 'account.followers', 'a condition must be true or false, this is a whole number', None),
    ("'service'", 'rule', 'not-bool', "'service'", 'a condition must be true or false, this is text', None),
    ('request.consent', 'constraint', 'request-in-constraint', 'request.consent', 'a constraint does not read `request`', 'guard the move with a `requires` instead'),
    ('request.consent', 'invariant', 'request-in-constraint', 'request.consent', 'an invariant does not read `request`', 'guard the move with a `requires` instead'),
    ('', 'rule', 'syntax', '', 'the condition is empty', None),
    ('  ', 'rule', 'syntax', ' ', 'the condition is empty', None),
    ('((((((((((((((((((((((((((((((((((((((((true))))))))))))))))))))))))))))))))))))))))', 'rule', 'too-deep', None, 'the condition is nested too deeply or too long', 'name a part of it as a condition, and use the name'),
    ('account.followers > 0 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1', 'rule', 'too-deep', None, 'the condition is nested too deeply or too long', 'name a part of it as a condition, and use the name'),
    ('account.ok \u200b', 'rule', 'bad-text', '\u200b', 'the character U+200B stands outside of quotes', None),
    ("account.name == '\ud800'", 'rule', 'bad-text', '\ud800', 'half a character, U+D800', None),
    ('\x00', 'rule', 'bad-text', '\x00', 'the character U+0000 stands outside of quotes', None),
]
# fmt: on


def found(written: str, where: Where = "rule") -> tuple[Mistake, ...]:
    """The mistakes of a text; none where it is a condition."""
    try:
        READER.boolean(written, where)
    except ConditionError as error:
        return error.mistakes
    return ()


def told(written: str, where: Where = "rule") -> list[tuple[str, str | None, str, str | None]]:
    """Code, the words at the place, message and help of each mistake."""
    return [
        (
            each.code,
            None if each.start is None else written[each.start : each.start + each.length],
            each.message,
            each.help,
        )
        for each in found(written, where)
    ]


@pytest.mark.parametrize(
    ("written", "where", "code", "at", "message", "help"), MISTAKES, ids=[each[0][:60] for each in MISTAKES]
)
def test_a_mistake_is_told(
    written: str, where: Where, code: str, at: str | None, message: str, help: str | None
) -> None:
    assert told(written, where) == [(code, at, message, help)]


def test_every_code_has_an_example() -> None:
    codes = [
        "syntax",
        "unknown-field",
        "unknown-name",
        "unknown-function",
        "ill-typed",
        "not-in-profile",
        "unknown-value",
        "unknown-feature",
        "unknown-event",
        "dates-and-timestamps",
        "bad-date",
        "bad-timestamp",
        "bad-duration",
        "bad-pattern",
        "bad-zone",
        "bad-window",
        "not-constant",
        "int-range",
        "too-deep",
        "bad-text",
        "not-bool",
        "request-in-constraint",
    ]
    assert {each[2] for each in MISTAKES} == set(codes)


def test_all_mistakes_are_told_in_the_order_of_the_text() -> None:
    written = "accounte.ok && account.typ == 'x' &&\n  account.type == 'servicee' && account.followers < 'a'"
    assert [(code, at) for code, at, _, _ in told(written)] == [
        ("unknown-name", "accounte"),
        ("unknown-field", "typ"),
        ("unknown-value", "'servicee'"),
        ("ill-typed", "<"),
    ]


def test_several_mistakes_of_syntax_are_told() -> None:
    assert [(code, at) for code, at, _, _ in told("if && '中文' == 99999999999999999999 &&\n for")] == [
        ("syntax", "if"),
        ("int-range", "99999999999999999999"),
        ("syntax", "for"),
    ]


def test_no_word_of_the_library_reaches_the_author() -> None:
    for written, where, *_ in MISTAKES:
        for _, _, message, help in told(written, where):
            assert not re.search(
                r"overload|protobuf|lawful\.|EOF|<input>|NUM_|operand of|NoneType", f"{message} {help}"
            )
            assert not message.endswith(".")


# ------------------------------------------------------------------------------------------------- values and facts


def value(written: str, name: str) -> ir.Expr:
    return READER.value(written, declared(name, ACCOUNT[name]))


def refused(written: str, name: str) -> tuple[str, str, str | None]:
    with pytest.raises(ConditionError) as caught:
        value(written, name)
    (only,) = caught.value.mistakes
    return only.code, only.message, only.help


def test_a_value_fits_its_field() -> None:
    assert value("'service'", "type") == ir.Constant("service", TYPE)
    assert value("account.old_type", "type") == account("old_type")
    assert value("account.ok ? 'service' : account.type", "type") == ir.Conditional(
        OK, ir.Constant("service", TYPE), account("type")
    )
    assert value("account.followers + 1", "followers") == ir.Call("+", (FOLLOWERS, number(1)))
    assert value("addYears(today, 1)", "certified_until") == ir.Call("addYears", (TODAY, number(1)))
    assert value("now", "since") == NOW
    assert value("certified", "ok") == CERTIFIED
    assert value("request.reason", "name") == ir.Field("request", "reason", ir.STRING)
    assert value("['x', 'y']", "tags") == ir.Constant(frozenset({"x", "y"}), TAGS)
    assert value("[]", "tags") == ir.Constant(frozenset(), TAGS)
    assert value("account.old_tags", "tags") == account("old_tags")


def test_a_value_that_does_not_fit_is_refused() -> None:
    assert refused("'servicee'", "type") == (
        "unknown-value",
        "`type` has no value `servicee`",
        "did you mean `service`?",
    )
    assert refused("['q']", "tags") == ("unknown-value", "`tags` has no value `q`", "its values are `x`, `y`, `z`")
    assert refused("account.kind", "type") == (
        "ill-typed",
        "`type` takes an enum, this is an enum of other values",
        None,
    )
    assert refused("1", "name") == ("ill-typed", "`name` takes text, this is a whole number", None)
    assert refused("[1]", "tags") == ("ill-typed", "`tags` takes a list of its values, not of whole numbers", None)
    assert refused("[account.kind]", "tags") == ("ill-typed", "`tags` takes a set or a list of literals", None)
    assert refused("now", "certified_until") == (
        "dates-and-timestamps",
        "`certified_until` takes a date, this is a timestamp",
        "`date(now)` is the day of a timestamp",
    )


def test_a_fact_is_exactly_a_field() -> None:
    assert READER.fact("account.upgrades") == account("upgrades")
    assert READER.fact(" request.n ") == ir.Field("request", "n", ir.INT)
    for written in ("account.upgrades + 1", "today", "'wechat_pay' in account.features", "has(account.ok)", "1"):
        with pytest.raises(ConditionError) as caught:
            READER.fact(written)
        assert [each.message for each in caught.value.mistakes] == ["this must be a field"]


# ----------------------------------------------------------------------------------------------------------- limits


def test_ten_thousand_terms_are_read_within_a_second() -> None:
    started = time.perf_counter()
    read = READER.boolean(" && ".join(["big"] * 10_000))
    assert isinstance(read, ir.And)
    assert len(read.operands) == 10_000
    assert time.perf_counter() - started < 1


@pytest.mark.parametrize("opening", ["account.tags.exists(t, ", "(big && (certified || ", "!(", "certified ? big : "])
def test_what_cel_parses_is_read_however_deep(opening: str) -> None:
    read = 0
    for depth in range(1, 40):
        written = opening * depth + "account.ok" + ")" * (opening.count("(") * depth)
        mistakes = found(written)
        assert {each.code for each in mistakes} <= {"too-deep"}
        read = read if mistakes else depth
    assert read >= 15


def test_cel_and_protobuf_are_imported_where_a_condition_is_read_not_before() -> None:
    loaded = "import sys, lawful.conditions; print({'cel_expr_python', 'google.protobuf', 'proto'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


# ------------------------------------------------------------------------------------------------ a foreign witness


def agreed(mistakes: Iterable[Mistake]) -> bool:
    """Whether Google's checker, which every text goes through, refused nothing that our own pass takes."""
    return not any("CEL's own checker" in each.message for each in mistakes)


WORDS = [
    "account",
    "request",
    "account.type",
    "account.tags",
    "account.ok",
    "account.name",
    "account.since",
    "account.certified_until\n",
    "",
    "",
    "",
    "account.followers",
    "account.features",
    "request.n",
    "today",
    "now",
    "before.account.ok",
    "after.account.type",
    "certified",
    "'service'",
    "'x'\n",
    "",
    "",
    "",
    "'wechat_pay'",
    "1",
    "-1",
    "1.5",
    "null",
    "true",
    "[",
    "]",
    "{",
    "}",
    "(",
    ")",
    "&&",
    "||",
    "!",
    "==",
    "!=",
    "<",
    "<=",
    "+",
    "-",
    "*",
    "/",
    "%",
    "in",
    "?",
    ":",
    ",",
    ".",
    ".exists(t,",
    ".all(t,",
    ".map(t,",
    "t",
    "==\n",
    "",
    "",
    "",
    "'x')",
    "has(",
    "size(",
    "date(",
    "date(now)",
    "timestamp(",
    "duration(",
    "count(",
    "count('mass_send','day')",
    ".matches('a')",
    ".getMonth()\n",
    "",
    "",
    "",
    "duration('1h')",
    "'2024-01-01'",
    ".startsWith(",
    "foo(",
    "\\",
    "'",
    '"',
    "`",
    "\n",
    "//",
    "中",
    "😀",
    "\x00",
    "�",
    "9223372036854775808",
    "[]",
    "['x']",
]
ANYTHING = st.text() | st.lists(st.sampled_from([word.strip("\n ") for word in WORDS]), max_size=14).map(" ".join)
WHERES = st.sampled_from(["rule", "constraint", "invariant"])


@settings(max_examples=400, deadline=None)
@given(ANYTHING, WHERES)
def test_no_text_raises_anything_but_a_condition_error(written: str, where: Where) -> None:
    mistakes = found(written, where)
    assert agreed(mistakes)
    assert all(each.start is None or 0 <= each.start <= len(written) for each in mistakes)
    if not mistakes:
        assert ir.type_of(READER.boolean(written, where)) == ir.BOOL


OPERANDS = st.sampled_from(
    [
        "account.type",
        "account.old_type",
        "account.kind",
        "account.tags",
        "account.ok",
        "account.name",
        "account.since",
        "'service'",
        "'x'",
        "'a'",
        "1",
        "account.certified_until",
        "account.followers",
        "request.n",
        "request.reason",
        "today",
        "now",
        "certified",
        "['x']",
        "[1]",
        "[]",
        "['a',account.name]",
        "date(now)",
        "duration('1h')",
        "[account.type]",
        "count('mass_send','day')",
        "'wechat_pay'",
        "account.features",
        "null",
        "true",
    ]
)
EXPRESSIONS = st.recursive(
    OPERANDS,
    lambda part: st.one_of(
        st.tuples(part, st.sampled_from(["&&", "||", "==", "!=", "<", ">=", "+", "-", "*", "%", "in"]), part).map(
            lambda p: f"({' '.join(p)})"
        ),
        st.tuples(part, part, part).map(lambda p: f"({p[0]} ? {p[1]} : {p[2]})"),
        st.tuples(part, st.sampled_from(["exists", "all"]), part, part).map(
            lambda p: f"{p[0]}.{p[1]}(t, t == {p[2]} && {p[3]})"
        ),
        part.map(lambda p: f"!{p}"),
        part.map(lambda p: f"has({p})"),
        part.map(lambda p: f"[{p}]"),
        st.tuples(part, part).map(lambda p: f"addDays({p[0]}, {p[1]})"),
        st.tuples(part, part).map(lambda p: f"{p[0]}.startsWith({p[1]})"),
        part.map(lambda p: f"{p}.getMonth()"),
    ),
    max_leaves=8,
)


@settings(max_examples=400, deadline=None)
@given(EXPRESSIONS)
def test_what_is_taken_is_well_typed_and_google_takes_it(written: str) -> None:
    mistakes = found(written)
    assert agreed(mistakes)
    if mistakes:
        return
    read = READER.boolean(written)
    for node in ir.walk(read):
        if isinstance(node, ir.Call):
            takes = [ir.type_of(argument) for argument in node.arguments]
            assert any(list(wanted) == takes for wanted, _ in ir.SIGNATURES[node.function])
        if isinstance(node, ir.Compare):
            assert ir.type_of(node.left) == ir.type_of(node.right)


# --------------------------------------------------------------------------------------------------------- patterns

REFUSED_PATTERNS = [
    ("a**", "`**`: a repetition of a repetition is outside the profile"),
    ("a*?", "`*?`: a repetition of a repetition is outside the profile"),
    ("(?i)a", "`(?i`: flags, names and lookaround are outside the profile"),
    (r"\d", r"`\d`: only punctuation is escaped"),
    (r"(a)\1", r"`\1`: only punctuation is escaped"),
    ("a{1,2000}", "`{1,2000}` repeats more than 1000 times"),
    ("(a{100}){100}", "`{100}` repeats more than 1000 times"),
    ("a{,3}", r"`{` begins no `{m,n}`: write `\{`"),
    ("a{3,1}", "`{3,1}` ends before it begins"),
    ("*a", "`*` has nothing to repeat"),
    ("^*", "`*` has nothing to repeat"),
    ("(a", "a `(` is not closed"),
    ("a)", "a `)` closes nothing"),
    ("[a", "a `[` is not closed"),
    ("[]a]", r"a class `[…]` is empty, or begins with `]`: write `\]`"),
    ("[z-a]", "`z-a` ends before it begins"),
    ("[一-龥]", "`一` in a class: classes are of ASCII characters, `[` as `\\[`"),
    ("[[:alpha:]]", "`[` in a class: classes are of ASCII characters, `[` as `\\["),
    ("a]", r"`]` alone: write `\]`"),
    ("a\\", "`\\`: only punctuation is escaped"),
]


@pytest.mark.parametrize(("pattern", "why"), REFUSED_PATTERNS)
def test_a_pattern_is_refused(pattern: str, why: str) -> None:
    assert (patterns.problem(pattern) or "").startswith(why)


PIECES = [
    "a",
    "b",
    "中",
    ".",
    "^",
    "$",
    "|",
    "(",
    ")",
    "*",
    "+",
    "?",
    "{2}",
    "{1,3}",
    "{2,}",
    "[ab]",
    "[^a]",
    "[a-z]",
    "[0-9_-]",
    "[.*$]",
    "\\.",
    "\\$",
    "\\[",
    "\\]",
    "\\-",
    "\\/",
    "[\\]a]",
    "[^\\^]",
    "{",
    "}",
    "[",
    "]",
    "\\",
    "-\n",
    "",
    "",
    "",
    "&",
    "~",
    "#",
    "[a&&b]",
    "[a--b]",
    "[||]",
    "[~~]",
    "\n",
]
PATTERNS = st.lists(st.sampled_from([each.strip(" ") for each in PIECES]), max_size=7).map("".join) | st.text(
    st.sampled_from("ab.^$|()*+?{}[]-\\1,&~#:d_ "), max_size=8
)
SUBJECTS = st.text(st.sampled_from("ab中.$]-\n1^&\0"), max_size=6)


def python_form(pattern: str) -> str:
    """The same for Python, whose `$` would also match before a last line feed."""
    outside_classes = r"(\\.|\[(?:\\.|[^\]\\])*\])|\$"
    return re.sub(outside_classes, lambda found: found[1] or r"\Z", pattern, flags=re.DOTALL)


@settings(max_examples=400, deadline=None)
@given(PATTERNS, SUBJECTS)
def test_a_pattern_that_is_taken_means_the_same_to_re2_and_to_python(pattern: str, subject: str) -> None:
    if patterns.problem(pattern) is not None:
        return
    assert patterns.matches(subject, pattern) == (re.search(python_form(pattern), subject) is not None)
