"""A policy as a page: its life cycles drawn, its matrix, every rule as sentences, its sources and the cases beside it.

For a person who knows the domain and not the code: what `show` tells, with words for signs, links to what a word means,
and what is said to those who are refused.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from markupsafe import Markup

from lawful import wording
from lawful.ir import (
    LANGUAGES,
    ConditionOf,
    Language,
    Move,
    Period,
    Program,
    Source,
    Text,
)
from lawful.matrix.grid import Grid, Matrix, types
from lawful.pages.diagram import Arrow, Box, Drawing, Picture, drawing
from lawful.pages.page import rendered
from lawful.pages.texts import columns
from lawful.show.line import Kind, Line
from lawful.show.rules import Teller
from lawful.show.ways import Closed, closed

_LONGEST: Final = 4_000
_LONGEST_LABEL: Final = 26
"""Columns of an arrow's label: what is longer stands below the drawing, under its number."""
_FEW: Final = 2
_LONGEST_LONE_LABEL: Final = 42
"""Where there are few, on a phone, too."""
_CARD: Final = 2
"""The depth of what is said of a card itself."""
_OPEN, _BETWEEN, _CLOSE = "\ue000", "\ue001", "\ue002"
"""Around a word that is explained, until the text is escaped: then they become a link."""
_LINK: Final = re.compile(f"{_OPEN}(\\w+){_BETWEEN}([^{_CLOSE}]*){_CLOSE}")
_ORDER: Final = (
    "lifecycle",
    "registration",
    "features",
    "actions",
    "fields",
    "constraints",
    "invariants",
    "events",
    "conditions",
    "account",
    "request",
)
"""Of the sections: first what may be done, last what words mean."""
_TITLES: Final = {"conditions": Text("What the words mean", "词语的含义")}
_VERDICTS: Final = {
    "allow": Text("allowed", "允许"),
    "deny": Text("refused", "拒绝"),
    "undetermined": Text("undetermined", "无法确定"),
}
_PLACEHOLDER: Final = Text("rule, word or text", "规则、词语或文字")


@dataclass(frozen=True, slots=True)
class Example:
    """A case that stands beside the policy, and the cards it belongs to, by the ids of rules and moves."""

    name: str
    verdict: str
    of: tuple[str, ...]
    day: date


@dataclass(frozen=True, slots=True)
class Told:
    """A line in all languages."""

    text: Text
    kind: Kind
    of: str
    aside: str
    deep: bool = False
    """Whether it belongs to a rule within the card's."""

    @property
    def own_source(self) -> bool:
        """Whether it is the source of the card: it stands at its foot."""
        return self.kind == "source" and not self.deep


@dataclass(slots=True)
class Card:
    """A rule, a field, a word: its head and what is said of it."""

    head: Told
    anchor: str
    number: int | None = None
    """In the drawing of its life cycle."""
    parts: list[Told] = field(default_factory=list)
    examples: list[Example] = field(default_factory=list)


@dataclass(slots=True)
class Section:
    name: str
    title: Text
    said: list[Told] = field(default_factory=list)
    cards: list[Card] = field(default_factory=list)
    drawn: Drawing | None = None
    initial: bool = False
    final: bool = False


def page(matrix: Matrix, language: Language = "en", examples: Sequence[Example] = ()) -> str:
    """The page: it opens in `language` and speaks all those of the policy. The same policy is the same page."""
    program = matrix.program
    spoken = tuple(dict.fromkeys((language, *program.languages)))
    if language not in program.languages and len(program.languages) == 1:
        spoken = program.languages
    sections = _sections(program)
    _exemplified(program, sections, examples)
    return rendered(
        str(__package__),
        "rules",
        spoken,
        {
            "program": program,
            "title": program.title or Text(program.id, program.id),
            "scope": _scope(program, sections),
            "sections": sections,
            "grids": matrix.grids,
            "heads": _heads,
            "sources": [(each, _href(each)) for each in program.sources.values()],
            "verdicts": _VERDICTS,
            "linked": lambda told: _linked(program, told),
            "period": lambda told: _period(program, told.in_force),
            "placeholder": _PLACEHOLDER,
            "count": sum(len(each.cards) for each in sections),
            "contents": Text("Contents", "目录"),
        },
        _LONGEST,
    )


class _Teller(Teller):
    """What a word means is a link away."""

    def named(self, expr: ConditionOf) -> str:
        condition, phrase = self.program.conditions[expr.name], super().named(expr)
        if condition.title is None and phrase != self.word(expr.name):
            return phrase
        name = re.sub(f"[{_OPEN}{_BETWEEN}{_CLOSE}]", "", phrase)
        return f"{_OPEN}{expr.name}{_BETWEEN}{name}{_CLOSE}"

    def told(self, text: Text | None, depth: int) -> Iterator[Line]:
        if text is None:
            return
        said = self.text(wording.filled(text, lambda name, language: self._fact_named(name)))
        yield Line(depth, self.say(f"what people are told: {said}", f"提示语：{said}"), kind="told")

    def _fact_named(self, placeholder: str) -> str:
        """What stands for a fact that is filled in when it is told: `‹account type›`."""
        owner, _, name = placeholder.partition(".")
        declaration = (self.program.request if owner == "request" else self.program.account).get(name)
        if declaration is not None:
            return f"‹{wording.field_title(declaration, self.language)}›"
        words = {
            "count": ("how many", "次数"),
            "limit": ("the most", "上限"),
            "today": ("today", "今天"),
            "now": ("now", "现在"),
        }
        return f"‹{self.say(*words.get(placeholder, (placeholder, placeholder)))}›"


# ---------------------------------------------------------------------------------------------------- what is shown


def _sections(program: Program) -> list[Section]:
    """In an order for people. Every language tells the same lines."""
    english, chinese = (list(_Teller(program, language).everything()) for language in LANGUAGES)
    found: list[Section] = []
    for one, other in zip(english, chinese, strict=True):
        told = Told(Text(one.text, other.text), one.kind, one.of, one.aside, one.depth > _CARD)
        if one.depth == 0:
            if one.of:
                found.append(Section(one.of, _TITLES.get(one.of, told.text)))
        elif not found or found[-1].name == "sources":
            continue
        elif one.kind == "said":
            found[-1].said.append(told)
        elif one.depth == 1:
            found[-1].cards.append(Card(told, ""))
        else:
            found[-1].cards[-1].parts.append(told)
    kept = [each for each in found if each.name != "sources"]
    for each in kept:
        _drawn(program, each)
    kept.sort(key=lambda each: _ORDER.index(each.name.partition(".")[0]))
    for number, card in enumerate((card for each in kept for card in each.cards), 1):
        card.anchor = f"means-{card.head.of}" if card.head.kind == "condition" else f"rule-{number}"
    return kept


def _drawn(program: Program, section: Section) -> None:
    """A life cycle's drawing, and the numbers of its transitions."""
    kind, _, name = section.name.partition(".")
    if kind != "lifecycle":
        return
    numbers: dict[str, int] = {}
    for card in section.cards:
        card.number = numbers.setdefault(card.head.of, len(numbers) + 1)
    cycle, declaration = program.lifecycles[name], program.account[name]
    boxes = tuple(Box(value, declaration.values.get(value, Text(value, value))) for value in declaration.type.values)
    arrows: dict[tuple[str, str, str], Arrow] = {}
    moves = [move for move in program.moves if move.step is not None and move.step.field == name]
    labels = _labels(numbers, {move.id: _title(program, move) for move in moves})
    for move in moves:
        steps = itertools.product(move.step.sources, move.step.targets) if move.step is not None else ()
        for source, target in steps:
            if source != target:
                way = closed(program, move, source, target)
                label = labels[move.id] if way is None else _closed(labels[move.id], way)
                arrows[source, target, move.id] = Arrow(source, target, label, kind="made" if way is None else "closed")
    section.drawn = drawing(Picture(boxes, tuple(arrows.values()), cycle.initial, cycle.final))
    section.initial, section.final = bool(cycle.initial), bool(cycle.final)


def _closed(label: Text, way: Closed) -> Text:
    """The label of a way that nobody can take any more, or ever could."""
    if way.since is None:
        return Text(f"{label.best('en')} · never", f"{label.best('zh')} · 不允许")
    return Text(f"{label.best('en')} · until {way.since}", f"{label.best('zh')} · {way.since}之前")


def _title(program: Program, move: Move) -> Text:
    named = (wording.event_title(program, move.event, language).replace("_", " ") for language in LANGUAGES)
    return move.title or Text(*named)


def _labels(numbers: Mapping[str, int], titles: Mapping[str, Text]) -> dict[str, Text]:
    """Number and title of each transition; the number alone where some title is too long for the drawing."""
    room = _LONGEST_LABEL if len(titles) > _FEW else _LONGEST_LONE_LABEL
    if any(columns(title.best(language)) > room for title in titles.values() for language in LANGUAGES):
        return {id: Text(str(number), str(number)) for id, number in numbers.items()}
    return {
        id: Text(*(f"{numbers[id]} · {title.best(language)}" for language in LANGUAGES)) for id, title in titles.items()
    }


def _exemplified(program: Program, sections: list[Section], examples: Iterable[Example]) -> None:
    """Each case at the rules it names: at the card whose id is theirs, or begins theirs, in force on its day."""
    periods: dict[str, list[Period]] = {}
    for move in program.moves:
        periods.setdefault(move.id, []).append(move.in_force)
    for rule in program.rules:
        if rule.kind in ("constraint", "group"):
            periods.setdefault(rule.id, []).append(rule.in_force)
    cards: dict[str, list[Card]] = {}
    for section in sections:
        for card in section.cards:
            if card.head.kind == "rule":
                cards.setdefault(card.head.of, []).append(card)
    for each in examples:
        met: list[Card] = []
        for id in each.of:
            name = id
            while name and name not in cards:
                name = name.rpartition(".")[0]
            versions = zip(cards.get(name, ()), periods.get(name, ()), strict=False)
            met += [card for card, period in versions if card not in met and period.holds(each.day)]
        for card in met:
            card.examples.append(each)


def _scope(program: Program, sections: list[Section]) -> list[Text]:
    """What the policy is about, in a few sentences."""
    told = [program.scope] if program.scope is not None else []
    kinds = types(program)
    if kinds is not None:
        titles = [kinds.values.get(value, Text(value, value)) for value in kinds.type.values]
        what = [wording.field_title(kinds, language) for language in LANGUAGES]
        told.append(
            Text(
                f"There are {len(titles)} kinds of account ({what[0]}):"
                f" {', '.join(each.best('en') for each in titles)}.",
                f"本策略所涉帐号按{what[1]}分为{len(titles)}种：{'、'.join(each.best('zh') for each in titles)}。",
            )
        )
    rules = sum(card.head.kind == "rule" for each in sections for card in each.cards)
    sources = len({rule.source.source.id for rule in program.rules if rule.source is not None})
    told.append(
        Text(
            f"It says when a change of an account is lawful, in {rules} rules that rest on {sources}"
            f" source{'' if sources == 1 else 's'}. Days begin at midnight in {program.timezone}."
            " What is not known makes the answer “undetermined”, never “yes”.",
            f"共{rules}条规则，依据{sources}个来源，规定帐号的变更在何种情况下允许。日期以{program.timezone}的零点为界。"
            "信息不足时结论为“无法确定”，而不是“允许”。",
        )
    )
    if program.note is not None:
        told.append(Text(f"Note: {program.note.best('en')}", f"注：{program.note.best('zh')}"))
    return told


def _heads(grid: Grid) -> list[tuple[Text, Text | None]]:
    """A column's name, and below it what it means where the name does not say it."""
    if grid.derived:
        return [(each.meaning, None) for each in grid.columns]
    return [(Text(each.head, each.head), each.meaning) for each in grid.columns]


def _period(program: Program, period: Period) -> Text | None:
    told = Text(*(Teller(program, language).period(period) for language in LANGUAGES))
    return told if told.en else None


def _href(source: Source) -> str | None:
    """A source's address, where a browser may follow it."""
    return source.url if source.url is not None and re.match(r"https?://[^\s]+$", source.url) else None


def _linked(program: Program, told: Markup) -> Markup:
    """An escaped text with a link to each word that is explained."""

    def link(found: re.Match[str]) -> str:
        name, word = found.groups()
        return f'<a class="word" href="#means-{name}">{word}</a>' if name in program.conditions else word

    return Markup(_LINK.sub(link, str(told)))
