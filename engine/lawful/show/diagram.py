"""The life cycle of a field as a Mermaid state diagram."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from lawful import wording
from lawful.ir import Language, Lifecycle, Move, Program
from lawful.show.phrases import Phrases
from lawful.show.ways import refused

_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_KEYWORDS: Final = frozenset(
    {"as", "class", "classdef", "click", "default", "direction", "end", "fork", "choice", "join", "hide", "href"}
    | {"note", "of", "root", "scale", "state", "style"}
)
_ESCAPED: Final = {char: f"#{ord(char)};" for char in '#;:"{}<>%&\\`|[]()'}


@dataclass(frozen=True, slots=True)
class _Edge:
    source: str
    target: str
    move: Move


def diagram(program: Program, field: str, language: Language = "en") -> str:
    """Mermaid of one life cycle. An edge from whose end no way leads back is marked as one-way."""
    return "\n".join(_lines(program, program.lifecycles[field], language)) + "\n"


def _lines(program: Program, cycle: Lifecycle, language: Language) -> Iterator[str]:
    phrases = Phrases(program, language)
    declaration = program.account[cycle.field]
    edges = list(_edges(program, cycle.field))
    names = {value: _name(value, index) for index, value in enumerate(declaration.type.values)}
    title = wording.field_title(declaration, language)
    yield "---"
    yield f'title: "{_in_yaml(phrases.text(program.title, program.id))} {_in_yaml(program.version)}: {_in_yaml(title)}"'
    yield "---"
    yield "stateDiagram-v2"
    for value, name in names.items():
        yield f'    state "{_escaped(phrases.text(declaration.values.get(value), value))}" as {name}'
    for value in cycle.initial or ():
        yield f"    [*] --> {names[value]}"
    for edge in edges:
        label = _label(phrases, edge, edges)
        if refused(program, edge.move, edge.source, edge.target):
            label += "<br>" + phrases.say("✗ never allowed", "✗ 不允许")
        yield f"    {names[edge.source]} --> {names[edge.target]} : {label}"
    for value in cycle.final:
        yield f"    {names[value]} --> [*]"
    if cycle.final:
        yield "    classDef final stroke-width:4px"
        yield f"    class {','.join(names[value] for value in cycle.final)} final"


def _edges(program: Program, field: str) -> Iterator[_Edge]:
    for move in program.moves:
        if move.step is not None and move.step.field == field:
            for source in move.step.sources:
                for target in move.step.targets:
                    if source != target:
                        yield _Edge(source, target, move)


def _label(phrases: Phrases, edge: _Edge, edges: Iterable[_Edge]) -> str:
    label = _escaped(phrases.text(edge.move.title, edge.move.event))
    period = phrases.period(edge.move.in_force)
    if period:
        label += f"<br>{_escaped(period)}"
    if edge.source not in _reached(edge.target, edges):
        label += "<br>" + phrases.say("⇥ one way", "⇥ 单向")
    return label


def _reached(start: str, edges: Iterable[_Edge]) -> set[str]:
    """The states that some sequence of transitions leads to, whatever their conditions and dates."""
    ways: dict[str, set[str]] = {}
    for edge in edges:
        ways.setdefault(edge.source, set()).add(edge.target)
    reached: set[str] = set()
    frontier = [start]
    while frontier:
        fresh = ways.get(frontier.pop(), set()) - reached
        reached |= fresh
        frontier.extend(fresh)
    return reached


def _name(value: str, index: int) -> str:
    """What a state is called inside the diagram: its value where that cannot be misread."""
    return value if _PLAIN.fullmatch(value) and value.lower() not in _KEYWORDS else f"state_{index + 1}"


def _escaped(text: str) -> str:
    """A text that holds nothing Mermaid has a use for; Chinese needs no escape."""
    return "".join(_ESCAPED.get(char, " " if char < " " or char == "\x7f" else char) for char in text)


def _in_yaml(text: str) -> str:
    """A text inside the double quotes of the front matter."""
    shown = "".join(char if char >= " " and char != "\x7f" else " " for char in text)
    return shown.replace("\\", "\\\\").replace('"', '\\"')
