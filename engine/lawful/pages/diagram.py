"""Where the states of a life cycle and its moves are drawn: in layers from top to bottom, initial states first.

A layout of our own: a life cycle has a handful of states, and a drawing that is narrow enough for a phone matters more
than one that is optimal for hundreds of nodes.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from lawful.ir import LANGUAGES, Language, Text
from lawful.pages.texts import columns

_HEIGHT: Final = 48
_LINE: Final = 16
"""Of a title, in a box that has no count."""
_MOST_LINES: Final = 5
_NARROWEST: Final = 104
_WIDEST: Final = 184
_INSET: Final = 38
"""Of a box's width, what is not for its title."""
_COLUMN: Final = 7.1
"""The width of a letter; a Chinese character takes two."""
_GAP: Final = 20
_PORT: Final = 72
"""Between the ends of two arrows at one state."""
_LABEL: Final = 22
"""A line of labels between two layers."""
_APART: Final = 14
"""Between two labels on one line."""
_CLEAR: Final = 10
"""Between a label and the arrows of others."""
_MOST_COMPARED: Final = 40
"""Of more arrows than that, nobody sees which label is whose: there labels only keep apart from each other."""
_EDGE_OF_PAPER: Final = 14
_SOLITARY_A_ROW: Final = 2
_LOOP: Final = 28
"""How far a step from a state to itself goes beside it."""
_DUMMY: Final = 40
"""What an arrow takes of the width of a layer that it passes."""


Kind = Literal["made", "unmade", "stray", "closed"]


@dataclass(frozen=True, slots=True)
class Box:
    """A state: None is what is not known. The count, if there is one, stands below the title."""

    name: str | None
    title: Text | None
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Arrow:
    """A step between two states: `made` and allowed, `unmade` and allowed, a `stray` that is not allowed, or one that
    is `closed` to everybody.

    The more `weight`, the thicker it is, beside the others. At a state one arrow at the most leads back to it.
    """

    source: str
    target: str
    label: Text
    weight: int = 0
    kind: Kind = "made"


@dataclass(frozen=True, slots=True)
class Picture:
    """What is to be drawn."""

    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    initial: tuple[str, ...] = ()
    final: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class State:
    """A box; `x` is its middle, `y` its upper side."""

    title: Text
    """As much of it as the box takes."""
    lines: Mapping[Language, tuple[str, ...]]
    count: int | None
    x: float
    y: float
    width: float
    height: float
    initial: bool
    final: bool
    known: bool


@dataclass(frozen=True, slots=True)
class Way:
    """An arrow as an SVG path, and where its label's middle is."""

    arrow: Arrow
    path: str
    x: float
    y: float
    thickness: float


@dataclass(frozen=True, slots=True)
class Drawing:
    width: float
    height: float
    states: tuple[State, ...]
    ways: tuple[Way, ...]


def drawing(picture: Picture) -> Drawing:
    """The same for the same picture: nothing is left to chance."""
    names = [each.name for each in picture.boxes]
    known = [each for each in picture.arrows if {each.source, each.target} <= set(names)]
    arrows = [each for each in known if each.source != each.target]
    loops = {each.source: each for each in known if each.source == each.target}
    linked = [name for name in names if name is not None and any(name in (each.source, each.target) for each in arrows)]
    paper = _Paper(picture, _Layers.of(linked, arrows, picture.initial), arrows, loops)
    return paper.drawing([name for name in names if name not in linked])


# --------------------------------------------------------------------------------------------------------- layers

Stop: TypeAlias = str | tuple[int, int]
"""What an arrow passes: a state, or its place in a layer between."""
Point: TypeAlias = tuple[float, float]


@dataclass(frozen=True, slots=True)
class _Layers:
    """The states by layer, with a place in each layer between for an arrow that passes it."""

    layers: tuple[tuple[Stop, ...], ...]
    paths: tuple[tuple[Stop, ...], ...]
    """Of each arrow, from the upper end to the lower."""

    @classmethod
    def of(cls, names: Sequence[str], arrows: Sequence[Arrow], initial: Iterable[str]) -> _Layers:
        first = [name for name in names if name in set(initial)]
        order = _discovered([*first, *names], arrows)
        downward = [_downward(each, order) for each in arrows]
        ranks = _ranks(names, downward)
        layers: list[list[Stop]] = [[] for _ in range(max(ranks.values(), default=-1) + 1)]
        for name in names:
            layers[ranks[name]].append(name)
        paths: list[tuple[Stop, ...]] = []
        for index, (upper, lower) in enumerate(downward):
            between: list[Stop] = [(index, rank) for rank in range(ranks[upper] + 1, ranks[lower])]
            for rank, stop in enumerate(between, ranks[upper] + 1):
                layers[rank].append(stop)
            paths.append((upper, *between, lower))
        return cls(tuple(map(tuple, _untangled(layers, paths))), tuple(paths))


def _discovered(names: Iterable[str], arrows: Sequence[Arrow]) -> dict[str, int]:
    """When a walk along the arrows leaves each state for good: an arrow to one that is left later leads back."""
    ways: dict[str, list[str]] = {}
    for each in arrows:
        ways.setdefault(each.source, []).append(each.target)
    left: dict[str, int] = {}
    entered: set[str] = set()
    for start in names:
        if start in entered:
            continue
        entered.add(start)
        path = [(start, iter(ways.get(start, ())))]
        while path:
            name, targets = path[-1]
            onward = next((each for each in targets if each not in entered), None)
            if onward is None:
                left[name] = len(left)
                path.pop()
            else:
                entered.add(onward)
                path.append((onward, iter(ways.get(onward, ()))))
    return left


def _downward(arrow: Arrow, left: Mapping[str, int]) -> tuple[str, str]:
    return (arrow.source, arrow.target) if left[arrow.source] > left[arrow.target] else (arrow.target, arrow.source)


def _ranks(names: Sequence[str], downward: Sequence[tuple[str, str]]) -> dict[str, int]:
    """How many states are above each, on the longest way."""
    ranks = dict.fromkeys(names, 0)
    for _ in names:
        for upper, lower in downward:
            ranks[lower] = max(ranks[lower], ranks[upper] + 1)
    return ranks


def _untangled(layers: list[list[Stop]], paths: Sequence[tuple[Stop, ...]]) -> list[list[Stop]]:
    """Each layer in the order of what it is linked with: down, then up."""
    above: dict[Stop, list[Stop]] = {}
    below: dict[Stop, list[Stop]] = {}
    for path in paths:
        for upper, lower in itertools.pairwise(path):
            below.setdefault(upper, []).append(lower)
            above.setdefault(lower, []).append(upper)
    for links, sweep in ((above, range(1, len(layers))), (below, range(len(layers) - 2, -1, -1))):
        for rank in sweep:
            neighbours = layers[rank - 1] if links is above else layers[rank + 1]
            places = {stop: index for index, stop in enumerate(neighbours)}
            own = {stop: float(index) for index, stop in enumerate(layers[rank])}
            means = {
                stop: sum(found) / len(found)
                if (found := [places[each] for each in links.get(stop, ())])
                else own[stop]
                for stop in layers[rank]
            }
            layers[rank].sort(key=lambda stop: (means[stop], own[stop]))
    return layers


# ---------------------------------------------------------------------------------------------------------- paper


class _Paper:
    """Gives every state its place, then every arrow its curve and its label."""

    def __init__(self, picture: Picture, layers: _Layers, arrows: Sequence[Arrow], loops: Mapping[str, Arrow]) -> None:
        self.picture = picture
        self.loops = loops
        self.layers = layers
        self.arrows = arrows
        self.widths = {name: _width(name, title) for name, title in ((each.name, each.title) for each in picture.boxes)}
        linked = (self.widths[name] for layer in layers.layers for name in layer if isinstance(name, str))
        self.narrowest = min(linked, default=_NARROWEST)
        """Ends of arrows are as far apart at every state, so that arrows between two are upright."""
        most = max((len(lines) for box in picture.boxes for lines in _lines(box).values()), default=1)
        self.tall = _HEIGHT + _LINE * max(most - 2, 0)
        """The height of every box."""
        self.places: dict[Stop | None, tuple[float, float]] = {}
        self.width = 0.0
        self.height = 0.0

    def drawing(self, solitary: Sequence[str | None]) -> Drawing:
        rows = [solitary[at : at + _SOLITARY_A_ROW] for at in range(0, len(solitary), _SOLITARY_A_ROW)]
        labels = [_label_width(each) for each in self.arrows]
        spans = [sum(self._room(stop) + _GAP for stop in row) - _GAP for row in (*self.layers.layers, *rows)]
        self.width = max([*spans, *labels, _NARROWEST]) + 2 * _EDGE_OF_PAPER
        tops: list[float] = []
        y = float(_EDGE_OF_PAPER)
        for rank, layer in enumerate(self.layers.layers):
            self._placed(layer, y)
            tops.append(y)
            last = rank == len(self.layers.layers) - 1
            y += self.tall + (0 if last else self._between(rank))
        for row in rows:
            y += _GAP if self.places else 0
            self._placed(row, y)
            y += self.tall
        self.height = y + _EDGE_OF_PAPER
        ways = (*self._ways(), *self._looped())
        return Drawing(
            round(self.width, 1), round(self.height, 1), tuple(map(self._state, range(len(self.picture.boxes)))), ways
        )

    def _room(self, stop: Stop | None) -> float:
        if isinstance(stop, tuple):
            return _DUMMY
        loop = self.loops.get(stop) if stop is not None else None
        return self.widths[stop] + (2 * (_LOOP + _label_width(loop)) if loop is not None else 0)

    def _placed(self, row: Sequence[Stop | None], y: float) -> None:
        x = (self.width - sum(self._room(stop) + _GAP for stop in row) + _GAP) / 2
        for stop in row:
            self.places[stop] = (x + self._room(stop) / 2, y)
            x += self._room(stop) + _GAP

    def _between(self, rank: int) -> float:
        """The room between a layer and the next: a line for each label, should all stand below one another."""
        upper = set(self.layers.layers[rank])
        return 2 * _LABEL + _LABEL * max(sum(path[0] in upper for path in self.layers.paths), 1)

    def _state(self, index: int) -> State:
        box = self.picture.boxes[index]
        name = box.name
        x, y = self.places[name]
        initial, final = name in self.picture.initial, name in self.picture.final
        lines, width = _lines(box), self.widths[name]
        shown = Text(" ".join(lines["en"]), " ".join(lines["zh"]))
        x, y = round(x, 1), round(y, 1)
        return State(shown, lines, box.count, x, y, width, self.tall, initial, final, name is not None)

    # ----------------------------------------------------------------------------------------------------- arrows

    def _ways(self) -> tuple[Way, ...]:
        stretches = self._stretches()
        most = max((each.weight for each in self.arrows), default=0)
        taken: list[tuple[float, float, float]] = []
        ways: list[Way] = []
        for index, (arrow, points) in enumerate(zip(self.arrows, stretches, strict=True)):
            others = [each for number, each in enumerate(stretches) if number != index]
            others = others if len(stretches) <= _MOST_COMPARED else []
            x, y = self._labelled(points[0], points[1], _label_width(arrow), taken, others)
            along = points if self.layers.paths[index][0] == arrow.source else points[::-1]
            thickness = round(1.25 + 2.5 * arrow.weight / most, 2) if most else 1.25
            ways.append(Way(arrow, _curve(along), round(x, 1), round(y, 1), thickness))
        return tuple(ways)

    def _stretches(self) -> list[list[Point]]:
        """What each arrow goes through, from the upper end to the lower."""
        starts, ends = self._ports(lower=True), self._ports(lower=False)
        found: list[list[Point]] = []
        for path, start, end in zip(self.layers.paths, starts, ends, strict=True):
            points = [(start, self.places[path[0]][1] + self.tall)]
            for stop in path[1:-1]:
                x, y = self.places[stop]
                points += [(x, y), (x, y + self.tall)]
            found.append([*points, (end, self.places[path[-1]][1])])
        return found

    def _looped(self) -> tuple[Way, ...]:
        """On the right of each state what was recorded there against its life cycle."""
        ways = []
        for name, arrow in self.loops.items():
            x, y = self.places[name]
            side, out = x + self.widths[name] / 2, x + self.widths[name] / 2 + _LOOP
            upper, lower = y + self.tall / 4, y + 3 * self.tall / 4
            path = f"M{side:.1f} {upper:.1f}C{out:.1f} {upper:.1f} {out:.1f} {lower:.1f} {side:.1f} {lower:.1f}"
            middle = out + _label_width(arrow) / 2 - _LOOP / 8
            ways.append(Way(arrow, path, round(middle, 1), round(y + self.tall / 2, 1), 1.25))
        return tuple(ways)

    def _ports(self, *, lower: bool) -> list[float]:
        """Where each arrow leaves the lower side of its upper state, or enters the upper side of its lower one."""
        at: dict[Stop, list[int]] = {}
        for index, path in enumerate(self.layers.paths):
            at.setdefault(path[0] if lower else path[-1], []).append(index)
        found = [0.0] * len(self.layers.paths)
        for name, indexes in at.items():
            step = 1 if lower else -2
            indexes.sort(key=lambda index: (self.places[self.layers.paths[index][step]][0], index))
            apart = min(_PORT, (self.narrowest - _GAP) / len(indexes))
            for number, index in enumerate(indexes):
                found[index] = self.places[name][0] + (number - (len(indexes) - 1) / 2) * apart
        return found

    def _labelled(
        self,
        start: Point,
        end: Point,
        width: float,
        taken: list[tuple[float, float, float]],
        others: Sequence[Sequence[Point]],
    ) -> Point:
        """The first place on the first stretch where no label is yet and no other arrow; else the one farthest from
        them.
        """
        lines = int((end[1] - start[1]) // _LABEL) - 2
        places: list[Point] = []
        for line in range(max(lines, 1)):
            y = start[1] + _LABEL * (line + 1.5)
            x = _x_at(start, end, y)
            places.append((min(max(x, width / 2 + 4), self.width - width / 2 - 4), y))
        free = [place for place in places if _is_free(place, width, taken)] or places[-1:]
        rooms = [min(_distance(place, others) - width / 2, _CLEAR) for place in free]
        x, y = free[rooms.index(max(rooms))]
        taken.append((x, y, width))
        return x, y


def _is_free(place: Point, width: float, taken: Iterable[tuple[float, float, float]]) -> bool:
    x, y = place
    return all(
        abs(y - other_y) >= _LABEL - 1 or abs(x - other_x) >= (width + wide) / 2 + _APART
        for other_x, other_y, wide in taken
    )


def _distance(place: Point, others: Iterable[Sequence[Point]]) -> float:
    """To the nearest of the arrows, at the same height."""
    x, y = place
    at_height = (
        _x_at(upper, lower, y)
        for points in others
        for upper, lower in itertools.pairwise(points)
        if upper[1] <= y <= lower[1]
    )
    return min((abs(x - each) for each in at_height), default=float("inf"))


def _width(name: str | None, title: Text | None) -> float:
    texts = (title.best("en"), title.best("zh")) if title is not None else (name or "unknown",)
    widest = max(columns(text) for text in texts)
    return min(max(round(widest * _COLUMN + _INSET, 1), _NARROWEST), _WIDEST)


def _lines(box: Box) -> dict[Language, tuple[str, ...]]:
    """A title as its box takes it: on one line above a count, else on some."""
    title = Text("unknown", "未知") if box.name is None else box.title or Text(box.name, box.name)
    most = 1 if box.count is not None else _MOST_LINES
    return {language: _wrapped(title.best(language), most) for language in LANGUAGES}


def _wrapped(text: str, most: int) -> tuple[str, ...]:
    """At most so many lines, the last one cut where it has to be."""
    width = int((_WIDEST - _INSET) / _COLUMN)
    if columns(text) <= width:
        return (text,)
    head = text
    while columns(head) >= (width if most == 1 else width + 1):
        head = head[:-1]
    if most == 1:
        return (head + "…",)
    word, _, _ = (head + text[len(head) : len(head) + 1]).rpartition(" ")
    line = word or head
    return (line, *_wrapped(text[len(line) :].lstrip(), most - 1))


def _label_width(arrow: Arrow) -> float:
    return max(columns(arrow.label.best(each)) for each in LANGUAGES) * _COLUMN * 0.92


def _curve(points: Sequence[tuple[float, float]]) -> str:
    """Upright at every point."""
    told = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
    for (x, y), (to_x, to_y) in itertools.pairwise(points):
        middle = (y + to_y) / 2
        told += f"C{x:.1f} {middle:.1f} {to_x:.1f} {middle:.1f} {to_x:.1f} {to_y:.1f}"
    return told


def _x_at(start: tuple[float, float], end: tuple[float, float], y: float) -> float:
    """Where the curve between two points is at that height."""
    (x, top), (to_x, bottom) = start, end
    low, high = 0.0, 1.0
    for _ in range(20):
        t = (low + high) / 2
        height = top * (1 - t) ** 3 + 1.5 * (top + bottom) * t * (1 - t) + bottom * t**3
        low, high = (t, high) if height < y else (low, t)
    share = low * low * (3 - 2 * low)
    return x + (to_x - x) * share
