"""An example of a difference in words: all of the request that matters, and what differs between the two answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from lawful import wording
from lawful.deciding.rulebook import facts_read
from lawful.decision import Cited
from lawful.ir import AtMost, Count, Expr, Field, FieldDeclaration, Language, Program, Text, everything
from lawful.proofs.differences import DECIDING, Answered, Became, Diff, Difference, Example, Kind, tendency
from lawful.proofs.telling import Teller, local

VERDICT_WORDS: Final = {
    "allow": Text("allow", "允许"),
    "deny": Text("deny", "拒绝"),
    "undetermined": Text("undetermined", "无法确定"),
}
_SEVERITIES: Final = {"warning": Text("a warning", "警告"), "info": Text("for information", "提示")}


@dataclass(frozen=True, slots=True)
class _Read:
    """What the two answers rest on, as far as they differ."""

    facts: frozenset[str]
    """`account.f`, `features.f`, `request.f`."""
    history: bool


@dataclass(frozen=True, slots=True)
class _Consequence:
    """What comes of a change."""

    key: tuple[object, ...]
    """The same of the same."""
    told: str
    apart: str
    """What tells it from another that is told in the same words: a name, or the words of the other language."""


class ExampleTeller:
    """Tells the examples of one comparison, in one language."""

    def __init__(self, diff: Diff, language: Language) -> None:
        self.diff = diff
        self.language = language
        self.teller = Teller(diff.new, language)
        self.say = self.teller.say

    # ------------------------------------------------------------------------------------------------- the request

    def at(self, example: Example) -> str:
        return local(example.at, zoned=True)

    def request(self, example: Example) -> str:
        """The request in a line: what it states, and what of that which matters it leaves out."""
        teller, request = self.teller, example.request
        parts = [teller.asked(request["change"], request["account"])]
        if request.get("request"):
            parts.append(self.say("with ", "请求：") + teller.listed(request["request"], self.diff.new.request))
        parts.append(teller.whose(request["account"]) + self._besides(example))
        return self.say(", ", "，").join(parts)

    def _besides(self, example: Example) -> str:
        """The defaults that serve, what happened before, and what is not known."""
        read, request = self._read(example), example.request
        defaults: list[str] = []
        unknown: list[str] = []
        for owner in ("account", "request"):
            given = request.get(owner, {})
            for name, old, new in self._shared(owner):
                if name in given or (f"{owner}.{name}" not in read.facts and old.default == new.default):
                    continue
                title = wording.field_title(new, self.language)
                told = self._by_default(old, new)
                if told is not None and f"{owner}.{name}" in read.facts:
                    defaults.append(f"{title}: {told}")
                elif told is None:
                    unknown.append(title)
        if "register" not in request["change"]:
            if "features" not in request["account"] and any(each.startswith("features.") for each in read.facts):
                unknown.append(self.say("its features", "已开通的功能"))
            if "history" not in request and read.history:
                unknown.append(self.say("its history", "历史记录"))
        told = "".join(self.say(f"; {each}", f"；{each}") for each in defaults)
        if request.get("history"):
            happened = self.teller.happened(request["history"], example.at)
            told += self.say(f"; before: {happened}", f"；此前：{happened}")
        elif "history" in request and read.history:
            told += self.say("; nothing happened before", "；此前无任何记录")
        if unknown:
            names = self.say(", ", "、").join(unknown)
            told += self.say(f"; not stated: {names}", f"；未提供：{names}")
        return told

    def _shared(self, owner: str) -> Iterator[tuple[str, FieldDeclaration, FieldDeclaration]]:
        old, new = (
            program.account if owner == "account" else program.request for program in (self.diff.old, self.diff.new)
        )
        yield from ((name, old[name], each) for name, each in new.items() if name in old)

    def _by_default(self, old: FieldDeclaration, new: FieldDeclaration) -> str | None:
        """What an unknown fact is taken to be; None where it stays unknown."""
        if old.default is None and new.default is None:
            return None
        one, other = (self.teller.value(each, each.default) for each in (old, new))
        if old.default == new.default:
            return self.say(f"{other} by default", f"默认{other}")
        return self.say(f"{one} by the old default, {other} by the new one", f"旧默认值{one}，新默认值{other}")

    def _read(self, example: Example) -> _Read:
        """What is read by the rules that come out otherwise, by what is lost and by what is left by one alone."""
        old, new = example.old, example.new
        differing = {each.rule for each in set(old.rules) ^ set(new.rules)}
        lost = set(old.lost) ^ set(new.lost) if "deny" not in (old.verdict, new.verdict) else set()
        moved = {name for name, _ in (*old.otherwise(new), *new.otherwise(old))}
        moved |= {name for name, *_ in set(old.changed) ^ set(new.changed)}
        facts = {f"account.{name}" for name in moved}
        history = False
        for program in (self.diff.old, self.diff.new):
            exprs = list(_exprs(program, differing, lost, moved))
            facts |= facts_read(program, *exprs)
            nodes = [node for expr in exprs for node in everything(expr, program.conditions)]
            facts |= {f"request.{node.name}" for node in nodes if isinstance(node, Field) and node.owner == "request"}
            history = history or any(isinstance(node, Count | AtMost) for node in nodes)
        return _Read(frozenset(facts), history)

    # -------------------------------------------------------------------------------------------------- the answers

    def answers(self, difference: Difference, example: Example) -> tuple[str, str]:
        """Each verdict with what makes it; of consequences with what comes of it by that one alone."""
        old, new = example.old, example.new
        if difference.kind == "consequences":
            comes = (
                list(self._consequences(old, new, self.diff.old)),
                list(self._consequences(new, old, self.diff.new)),
            )
            return self._answer(old, _by_one(*comes)), self._answer(new, _by_one(*reversed(comes)))
        return (
            self._answer(old, self._rules(old, new, difference.kind)),
            self._answer(new, self._rules(new, old, difference.kind)),
        )

    def _answer(self, answered: Answered, parts: list[str]) -> str:
        verdict = VERDICT_WORDS[answered.verdict].best(self.language)
        return f"{verdict} ({'; '.join(parts)})" if parts else verdict

    def _rules(self, answered: Answered, other: Answered, kind: Kind) -> list[str]:
        """Those that decide, and those that decide in the other answer."""
        elsewhere = {each.rule for each in other.rules if _decides(each, other)}
        return [
            self._rule(each)
            for each in answered.rules
            if kind == "reasons" or _decides(each, answered) or each.rule in elsewhere
        ]

    def _rule(self, became: Became) -> str:
        told = became.rule + (self.say(" unknown", " 未知") if became.status == "unknown" else "")
        if became.severity in _SEVERITIES:
            severity = _SEVERITIES[became.severity].best(self.language)
            told += self.say(f", {severity}", f"，{severity}")
        return told

    def _consequences(self, answered: Answered, other: Answered, recording: Program) -> Iterator[_Consequence]:
        """Its own policy has the titles of its events: the other one need not know them."""
        program, value = self.diff.new, self.teller.value
        for name, before, after in answered.changed:
            declaration = program.account[name]
            title = wording.field_title(declaration, self.language)
            told = f"{title}: {value(declaration, before)} → {value(declaration, after)}"
            yield _Consequence((name, before, after), told, name)
        moved = {name for name, _, _ in answered.changed}
        for name, after in answered.otherwise(other):
            if name not in moved:
                title, told = (
                    wording.field_title(program.account[name], self.language),
                    value(program.account[name], after),
                )
                yield _Consequence((name, after), self.say(f"leaves {title}: {told}", f"{title}仍为{told}"), name)
        for name in answered.lost:
            title = wording.feature_title(program, name, self.language)
            yield _Consequence(("lost", name), self.say(f"loses {title}", f"失去{title}"), name)
        for name in answered.events:
            title = wording.event_title(recording, name, self.language)
            perhaps = name in answered.perhaps
            if perhaps:
                told = self.say(f"perhaps recorded as {title}", f"可能记录为{title}")
            else:
                told = self.say(f"recorded as {title}", f"记录为{title}")
            yield _Consequence(("event", name, perhaps), told, name)
        for each in answered.obligations:
            elsewhere = each.zh if self.language == "en" else each.en
            yield _Consequence(("owed", each), each.best(self.language), elsewhere or "")

    # -------------------------------------------------------------------------------------------------- the reasons

    def grounds(self, example: Example) -> Iterator[tuple[str, str]]:
        """What the rules say that decide in one answer alone, in their own words, with sources; whose words it is."""
        old, new = self._grounds(example.old, example.new), self._grounds(example.new, example.old)
        old = {each: ground for each, ground in old.items() if ground not in new.values()}
        because = self.say("because ", "理由：")
        for some, lead in ((old, self.say("before: ", "旧：")), (new, self.say("now: ", "新："))):
            yield from ((because + lead if old and new else because, each) for each in some.values())

    def further(self, difference: Difference) -> Iterator[tuple[str, str]]:
        """What else decides elsewhere, each rule and version once: the rule, and what it says, with its source."""
        told: set[tuple[str, int]] = set()
        for number, each in enumerate((difference.example, *difference.further)):
            assert each is not None
            sides = (each.old, each.new) if tendency(difference.kind) == "loosened" else (each.new, each.old)
            grounds = self._grounds(*sides)
            if number > 0:
                yield from ((key[0], ground) for key, ground in grounds.items() if key not in told)
            told |= set(grounds)

    def _grounds(self, answered: Answered, other: Answered) -> dict[tuple[str, int], str]:
        """By the rule and the line on which its version stands."""
        found = {}
        for each in answered.deciding():
            is_said = each.source is not None or each.explanation != each.title  # a title alone is no reason
            if is_said and Became(each.rule, each.status, each.severity) not in other.rules:
                explanation = (each.explanation.zh if self.language == "zh" else None) or each.explanation.en or ""
                source = f" [{self.cited(each.source)}]" if each.source is not None else ""
                found[each.rule, each.place.line] = explanation + source
        return found

    def cited(self, source: Cited) -> str:
        title = (source.titles.zh if self.language == "zh" else source.titles.en) or source.title
        published = f" ({source.published})" if source.published else ""
        return f"{title}{published}" + wording.clause(source.clause, self.language)


def _by_one(some: Iterable[_Consequence], others: Sequence[_Consequence]) -> list[str]:
    """Those that the other answer does not have."""
    keys, told = {each.key for each in others}, {each.told for each in others}
    return [
        f"{each.told} ({each.apart})" if each.told in told and each.apart not in ("", each.told) else each.told
        for each in some
        if each.key not in keys
    ]


def _decides(became: Became, answered: Answered) -> bool:
    return became.severity == "error" and became.status == DECIDING.get(answered.verdict)


def _exprs(program: Program, rules: Iterable[str], features: Iterable[str], fields: Iterable[str]) -> Iterator[Expr]:
    """What decides on those rules, on keeping those features and on what is written to those fields."""
    for rule in program.rules:
        if rule.id in rules or (rule.scope == "feature" and rule.subject in features):
            yield from (rule.when, rule.requires)
    for move in program.moves:
        yield from (each.value for each in move.effects if each.field in fields)
