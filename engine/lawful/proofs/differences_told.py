"""How two policies differ, for people and for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any, Final
from zoneinfo import ZoneInfo

from lawful import values, wording
from lawful.ir import AtMost, Field, Language, Program, Text, Value, walk
from lawful.proofs.answers import why_not
from lawful.proofs.differences import (
    KINDS,
    Answered,
    Diff,
    Difference,
    Example,
    Moving,
    OnlyOne,
    Part,
    Retold,
    Setting,
    Side,
    Statement,
    Where,
    tendency,
)
from lawful.proofs.examples import USUAL
from lawful.proofs.examples_told import ExampleTeller
from lawful.proofs.regions import day_bound
from lawful.show.phrases import Phrases

Json = dict[str, Any]

SIDES: Final[dict[Side, Text]] = {"old": Text("the old policy", "旧策略"), "new": Text("the new policy", "新策略")}
_WHAT: Final = {
    "field": Text("the field {name}", "字段 {name}"),
    "request field": Text("the request's field {name}", "申请字段 {name}"),
    "value": Text("the value {told} of {name}", "{name} 的取值 {told}"),
    "bounds": Text("{name} within {told}", "{name} 的范围 {told}"),
    "type": Text("{name} as a {told}", "类型为 {told} 的 {name}"),
    "feature": Text("the feature {name}", "功能 {name}"),
    "action": Text("the action {name}", "操作 {name}"),
    "event": Text("the event {name}", "事件 {name}"),
    "condition": Text("the condition {name}", "条件 {name}"),
    "rule": Text("{name}", "{name}"),
}
_SEVERAL: Final = {
    "field": Text("the fields {names}", "字段 {names}"),
    "request field": Text("the request's fields {names}", "申请字段 {names}"),
    "value": Text("the values {names} of {of}", "{of} 的取值 {names}"),
    "feature": Text("the features {names}", "功能 {names}"),
    "action": Text("the actions {names}", "操作 {names}"),
    "event": Text("the events {names}", "事件 {names}"),
}


_MOST_NAMED: Final = 6
_FIRST_NAMED: Final = 3
"""Of more than the former, so many are named."""


class _Afterwards(Phrases):
    """Conditions of which it is said beside that they hold afterwards: no fact says so again."""

    def _fact(self, field: Field) -> str:
        return super()._fact(replace(field, owner="account") if field.owner == "after" else field)


class Sayings:
    """Says how two policies differ, in one language."""

    def __init__(self, diff: Diff, language: Language) -> None:
        self.diff = diff
        self.language = language
        self.words: dict[Side, Phrases] = {"old": Phrases(diff.old, language), "new": Phrases(diff.new, language)}
        self.afterwards: dict[Side, Phrases] = {
            "old": _Afterwards(diff.old, language),
            "new": _Afterwards(diff.new, language),
        }
        self.examples = ExampleTeller(diff, language)

    def say(self, english: str, chinese: str) -> str:
        return english if self.language == "en" else chinese

    # ------------------------------------------------------------------------------------------------ the change

    def change(self, name: str) -> str:
        """`set.type` in words."""
        kind, _, subject = name.partition(".")
        program = self.diff.new
        match kind:
            case "set" if not subject:
                return self.say("set several fields at once", "同时设置多个字段")
            case "set":
                title = wording.field_title(program.account[subject], self.language)
                return self.say(f"set {title}", f"设置{title}")
            case "enable" | "disable":
                return self.words["new"].event(name)
            case "do":
                return self.say("do ", "执行") + wording.action_title(program, subject, self.language)
            case _:
                return self.say("register", "注册")

    def kind(self, difference: Difference) -> str:
        return KINDS[difference.kind].best(self.language)

    def is_vain(self, difference: Difference) -> bool:
        """Whether it only says otherwise why a field is not set that no request can set, by either policy."""
        kind, _, name = difference.change.partition(".")
        programs = (self.diff.old, self.diff.new)
        motions = {each.account[name].motion for each in programs if kind == "set" and name in each.account}
        return difference.kind == "reasons" and bool(motions) and motions <= {"fixed", "outside", "effects"}

    # ------------------------------------------------------------------------------------------------- the place

    def cases(self, where: Where) -> list[str]:
        """Each case in a line, the most telling first."""
        return [self._case(case) for case in sorted(where.cases, key=_readiness)]

    def remarks(self, where: Where) -> list[str]:
        """What the cases leave out."""
        found = []
        if not where.whole and not where.cases:
            told = "the policies' own conditions do not tell where"
            found.append(self.say(told, "无法仅用策略自身的条件说明情形"))
        elif not where.whole:
            found.append(self.say("there may be other cases", "可能还有其他情形"))
        if where.unknown:
            told = "also where facts are missing, so that the verdict is open in both"
            found.append(self.say(told, "另有因信息缺失而两者均无法确定的情形"))
        return found

    def _case(self, case: Sequence[Part]) -> str:
        if not case:
            return self.say("always", "总是")
        return self.say(" and ", "，且").join(dict.fromkeys(self._parts(case)))

    def _parts(self, case: Sequence[Part]) -> Iterator[str]:
        """Each part; a number with a lower and an upper bound once."""
        bounds: dict[object, list[tuple[int, bool]]] = {}
        for each in case:
            if isinstance(each, Statement) and isinstance(each.expr, AtMost) and each.value is not None:
                most = each.expr.at_most - each.expr.own
                bounds.setdefault(_counted(each), []).append((most, each.value))
        for each in case:
            if isinstance(each, Statement) and isinstance(each.expr, AtMost) and each.value is not None:
                if found := bounds.pop(_counted(each), None):
                    yield self._between(self.words[each.side], each.expr, found) + (
                        self._by(each.side) if each.apart else ""
                    )
            else:
                yield self._part(each)

    def _between(self, words: Phrases, limit: AtMost, bounds: Sequence[tuple[int, bool]]) -> str:
        """How often something has been done: `≤ 3`, `≥ 4`, `= 4`."""
        number = words._count(limit.count)
        high = min((most for most, within in bounds if within), default=None)
        low = max((most + 1 for most, within in bounds if not within), default=None)
        if limit.counted_by is not None:
            number = self.say(f"{number}, as counted", f"{number}（按计数）")
        if high is not None and (low == high or high == 0):
            return f"{number} = {high}"
        if low is None:
            return f"{number} ≤ {high}"
        return f"{number} ≥ {low}" if high is None else f"{low} ≤ {number} ≤ {high}"

    def _part(self, part: Part) -> str:
        if isinstance(part, Setting):
            title = wording.field_title(self.diff.new.account[part.field], self.language)
            if part.value:
                return self.say(f"{title} is set", f"设置{title}")
            return self.say(f"{title} is not set", f"不设置{title}")
        if isinstance(part, Moving):
            return self._moving(part)
        told = self._literal(part)
        if part.apart:
            told += self._by(part.side)
        return self.say(f"afterwards {told}", f"变更后{told}") if _is_afterwards(part) else told

    def _by(self, side: Side) -> str:
        policy = SIDES[side].best(self.language)
        return self.say(f" (by {policy})", f"（按{policy}）")

    def _moving(self, part: Moving) -> str:
        kind, _, name = part.fact.partition(".")
        program, policy = self.diff.new if part.side == "new" else self.diff.old, SIDES[part.side].best(self.language)
        if kind == "features":
            title = wording.feature_title(program, name, self.language)
        else:
            title = wording.field_title(program.account[name], self.language)
        if part.value:
            return self.say(f"by {policy} {title} changes", f"按{policy}{title}有变化")
        return self.say(f"by {policy} {title} stays", f"按{policy}{title}不变")

    def _literal(self, literal: Statement) -> str:
        words = (self.afterwards if _is_afterwards(literal) else self.words)[literal.side]
        expr = literal.expr
        if isinstance(expr, AtMost):
            return self._limit(words, expr)
        if literal.value is None:
            phrase = words.condition(expr)
            return self.say(f"it is unknown whether {phrase}", f"未知是否{phrase}")
        if isinstance(expr, Field) and not expr.owner.endswith("features"):
            return self._truth(words, expr, literal.value)
        return words.condition(expr) if literal.value else words._negated(expr)

    def _truth(self, words: Phrases, field: Field, value: bool) -> str:
        """A fact that is yes or no: a title may be a sentence, so it is told as a value."""
        fact = words.condition(field)
        return f"{fact}: {self._value(words.program, field, value)}"

    def _value(self, program: Program, field: Field, value: Value) -> str:
        schema = program.request if field.owner == "request" else program.account
        return wording.of_field(schema.get(field.name), value, self.language, self.examples.teller.zone)

    def _limit(self, words: Phrases, limit: AtMost) -> str:
        number = words._count(limit.count)
        return self.say(f"the {number} is unknown", f"{number}未知")

    # --------------------------------------------------------------------------------------------------- the rest

    def why_not(self, difference: Difference) -> str:
        """Why it is not settled."""
        return why_not(difference.why or "time", self.diff.timeout).best(self.language)

    def only(self, some: Sequence[OnlyOne], *, whole: bool = False) -> Iterator[str]:
        """What one policy alone knows, each kind of thing once; of many things, unless `whole`, the first few."""
        for (what, of), group in groupby(some, key=_kind):
            these = list(group)
            if len(these) > 1 and what in _SEVERAL:
                named = self.few([each.told if what == "value" else each.name for each in these], whole=whole)
                yield _SEVERAL[what].best(self.language).format(names=named, of=of)
            else:
                yield from (_WHAT[what].best(self.language).format(name=each.name, told=each.told) for each in these)

    def called(self) -> list[str]:
        """What has another title, in this language before what has one in the other alone."""
        named = [each for each in self.diff.texts if each.what != "rule"]
        return [
            self.retold(each) for each in sorted(named, key=lambda each: self._words(each.old) == self._words(each.new))
        ]

    def _words(self, text: Text) -> str:
        return text.best(self.language)

    def retold(self, each: Retold) -> str:
        """What it is called by the one and by the other."""
        named = _WHAT[each.what].best(self.language).format(name=each.of or each.name, told=each.name)
        old, new = self._words(each.old), self._words(each.new)
        if old == new:
            old, new = ((text.zh if self.language == "en" else text.en) or "" for text in (each.old, each.new))
        source = f" [{self.examples.cited(each.source)}]" if each.source is not None else ""
        return self.say(f"{named}: {old} → {new}{source}", f"{named}：{old} → {new}{source}")

    def in_other_words(self) -> list[Retold]:
        """The rules that are explained otherwise."""
        return [each for each in self.diff.texts if each.what == "rule"]

    def few(self, names: Sequence[str], *, whole: bool) -> str:
        """All of some, the first of many and how many more; all of them if they are wanted `whole`."""
        whole = whole or len(names) <= _MOST_NAMED
        listed = self.say(", ", "、").join(names if whole else names[:_FIRST_NAMED])
        more = len(names) - _FIRST_NAMED
        return listed if whole else listed + self.say(f" and {more} more", f"等，另有{more}项")

    @staticmethod
    def leaves_out(some: Sequence[OnlyOne]) -> bool:
        """Whether `only` does not name all."""
        return max(Counter(map(_kind, some)).values(), default=0) > _MOST_NAMED


def _is_afterwards(statement: Statement) -> bool:
    """Whether it is of the account after the change alone: what reads the one before says itself which it means."""
    return statement.after and not any(
        isinstance(each, Field) and each.owner in ("before", "before.features") for each in walk(statement.expr)
    )


def _kind(each: OnlyOne) -> tuple[str, str]:
    """What is told together: of values those of one field."""
    return each.what, each.name if each.what == "value" else ""


def _readiness(case: Sequence[Part]) -> tuple[bool, int, int, int]:
    """What is so nowadays before what was once, known before unknown; then what is so for longest, in few words."""
    statements = [each for each in case if isinstance(each, Statement)]
    bounds = [bound for bound in map(day_bound, case) if bound is not None]
    since = max((each.day for each in bounds if each.lower), default=0)
    past = any(not each.lower and each.day <= USUAL for each in bounds)
    return past, sum(each.value is None for each in statements), since, len(case)


def _counted(literal: Statement) -> object:
    """What a limit counts, and by whose days."""
    limit = literal.expr
    assert isinstance(limit, AtMost)
    return limit.count, limit.counted_by, literal.side if literal.apart else None


# ------------------------------------------------------------------------------------------------------- programs


def as_json(diff: Diff, lawful: str) -> Json:
    """`lawful/diff/v1`."""
    english, chinese = Sayings(diff, "en"), Sayings(diff, "zh")
    return {
        "schema": "lawful/diff/v1",
        "lawful": lawful,
        "old": _policy(diff.old),
        "new": _policy(diff.new),
        "equal": diff.equal,
        "changes": list(diff.changes),
        "identical": list(diff.identical),
        "differences": [_difference(each, diff, english, chinese) for each in diff.found],
        "unsettled": [
            {"change": each.change, "kind": each.kind, "why": each.why, "timeout": diff.timeout}
            for each in diff.unsettled
        ],
        "only": [{"policy": each.side, "what": each.what, "name": each.name, "told": each.told} for each in diff.only],
        "texts": [
            {
                "what": each.what,
                "name": each.name,
                "of": each.of,
                "old": _text(each.old),
                "new": _text(each.new),
                "source": None if each.source is None else each.source.model_dump(mode="json"),
            }
            for each in diff.texts
        ],
        "assumptions": [{"en": each.en, "zh": each.zh} for each in diff.assumptions],
        "seconds": round(diff.seconds, 3),
        "accounts": None,
    }


def _text(text: Text) -> Json:
    return {"en": text.en, "zh": text.zh}


def _policy(program: Program) -> Json:
    return {"id": program.id, "version": program.version, "digest": program.digest}


def _difference(each: Difference, diff: Diff, english: Sayings, chinese: Sayings) -> Json:
    example, place = each.example, each.where
    assert example is not None
    return {
        "change": each.change,
        "title": {"en": english.change(each.change), "zh": chinese.change(each.change)},
        "kind": each.kind,
        "tendency": tendency(each.kind),
        "example": _example(example, diff, english, chinese),
        "further": [_example(one, diff, english, chinese) for one in each.further],
        "surveyed": each.surveyed,
        "where": None
        if place is None
        else {
            "whole": place.whole and not place.unknown,
            "cases": [
                {"en": one, "zh": other} for one, other in zip(english.cases(place), chinese.cases(place), strict=True)
            ],
        },
    }


def _example(example: Example, diff: Diff, english: Sayings, chinese: Sayings) -> Json:
    return {
        "request": example.request,
        "told": {"en": english.examples.request(example), "zh": chinese.examples.request(example)},
        "old": _answered(example.old, example.new, diff.old),
        "new": _answered(example.new, example.old, diff.new),
    }


def _answered(answered: Answered, other: Answered, program: Program) -> Json:
    """`left` are the fields that the other one leaves otherwise."""
    zone = ZoneInfo(program.timezone)
    return {
        "verdict": answered.verdict,
        "rules": [{"rule": each.rule, "status": each.status, "severity": each.severity} for each in answered.rules],
        "changed": [
            {"field": name, "from": values.to_json(before, zone), "to": values.to_json(after, zone)}
            for name, before, after in answered.changed
        ],
        "left": {name: values.to_json(value, zone) for name, value in answered.left if (name, value) not in other.left},
        "lost": list(answered.lost),
        "events": list(answered.events),
        "perhaps": list(answered.perhaps),
        "obligations": [each.best("en") for each in answered.obligations],
        "reasons": [
            each.model_dump(mode="json", include={"rule", "status", "severity", "explanation", "source"})
            for each in answered.reasons
        ],
    }
