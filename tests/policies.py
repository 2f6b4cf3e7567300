"""Random policies as an author would write them, and requests for them: conditions are drawn from the IR, told in CEL.

What a drawn expression says that the language cannot (only the compiler makes a limit) is refused by the compiler and
drawn again, so that a new node that has words is in these policies without anyone remembering.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

import drawing
from drawing import Pen, World
from lawful import ir, values, wording
from lawful.conditions import ConditionError, Conditions, Where
from lawful.conditions.vocabulary import Vocabulary

FEATURES = ("pay", "menu", "shop")
ACTIONS = ("send", "certify", "rename")
TRANSITIONS = ("upgrade", "freeze")
EVENTS = (*ACTIONS, *TRANSITIONS, "expired", "register")
LIMITED = ("lifetime", "day", "month", "year")
TURNS = ("2018-12-27", "2024-02-29", "2019-02-17")
PERIODS: tuple[dict[str, str], ...] = (
    {"from": "2016-09-01"},
    {"until": "2024-02-29"},
    {"from": "2000-01-01", "until": "2038-01-19"},
)
_SMALL = drawing.Size(depth=2, operands=2, conditions=2)


@dataclass(frozen=True)
class Drawn:
    """A policy's text, and requests about accounts of its schema."""

    policy: str
    requests: tuple[dict[str, Any], ...]


class Author:
    """Writes one policy with the choices of a pen."""

    def __init__(self, pen: Pen) -> None:
        self.pen = pen
        self.zone = ZoneInfo(pen.one(drawing.ZONES))
        self.account = _few(pen, drawing.draw_schema(pen, "a"))
        self.request = _few(pen, drawing.draw_schema(pen, "r"))
        enums = [name for name, each in self.account.items() if each.type.kind == "enum"]
        self.cycles = enums[: pen.number(0, 2)]
        self.kept = {name for name, each in self.account.items() if each.motion == "fixed"}
        """The fields that no effect moves."""
        self.conditions: list[str] = []
        self.names: Conditions
        self._speak()

    def _speak(self) -> None:
        events = tuple(sorted({*EVENTS, *(f"enable.{name}" for name in FEATURES)}))
        names = Vocabulary(self.account, self.request, FEATURES, tuple(self.conditions), events, self.zone.key)
        self.names = Conditions(names)

    # --------------------------------------------------------------------------------------------- conditions

    def condition(self, where: Where = "rule", depth: int = 2) -> str:
        """The text of a condition."""
        for _ in range(3):
            expr = drawing.draw_expr(self.pen, self._world(where), ir.BOOL, depth)
            text = wording.cel(expr)
            try:
                self.names.boolean(text, where)
            except ConditionError:
                continue
            return text
        return "today > date('2020-01-01')"

    def value(self, field: ir.FieldDeclaration) -> str | None:
        """The text of a new value for the field; None where none was found."""
        expr = drawing.draw_expr(self.pen, self._world("rule"), field.type, 2)
        text = wording.cel(expr)
        try:
            self.names.value(text, field)
        except ConditionError:
            return None
        return text

    def _world(self, where: Where) -> World:
        owners: tuple[ir.Owner, ...] = (
            ("account", "features", "request") if where == "rule" else ("account", "features")
        )
        # a constraint may not rest on a request, by way of a condition either
        named = tuple(self.conditions) if where == "rule" else ()
        return World(
            self.account, self.request, _SMALL, FEATURES, EVENTS, owners=owners, states=("account",), conditions=named
        )

    # ------------------------------------------------------------------------------------------------ sections

    def policy(self) -> dict[str, Any]:
        pen = self.pen
        written: dict[str, Any] = {
            "policy": "drawn",
            "version": "1",
            "timezone": self.zone.key,
            "account": {"fields": {name: self._field(name, each) for name, each in self.account.items()}},
            "request": {"fields": {name: _typed(each) for name, each in self.request.items()}},
            "conditions": self._named(),
            "lifecycle": {name: self._lifecycle(name, id) for name, id in zip(self.cycles, TRANSITIONS, strict=False)},
            "features": {name: self._feature(n) for n, name in enumerate(FEATURES)},
            "actions": {name: self._versions(self._changing) for name in ACTIONS},
            "events": {"expired": {"moves": self._effects()}},
            "constraints": {f"c{n}": self._constraint() for n in range(pen.number(1, 3))},
        }
        if len(self.cycles) < len(TRANSITIONS):  # the names must exist: histories and limits speak of them
            for name in TRANSITIONS[len(self.cycles) :]:
                written["actions"][name] = {}
        if pen.chance(30):
            written["registration"] = {"requires": self.condition(), "rules": self._further()}
        if pen.chance(50):
            written["constraints"]["group"] = self._group()
        return written

    def _named(self) -> dict[str, str]:
        named = {}
        for n in range(self.pen.number(0, 3)):
            named[f"condition{n}"] = self.condition(depth=3)
            self.conditions.append(f"condition{n}")
            self._speak()
        return named

    def _field(self, name: str, field: ir.FieldDeclaration) -> dict[str, Any]:
        written = _typed(field)
        if name in self.cycles:
            return written
        match field.motion:
            case "fixed" | "outside":
                written[field.motion] = True
            case "settable" if self.pen.chance(20):
                turn = self.pen.one(TURNS)
                written["settable"] = {**self._guards(), "in_force": {"until": turn}}
                written["fixed"] = {"in_force": {"from": turn}}
                self.kept.add(name)
            case "settable":
                written["settable"] = self._versions(self._guards) if self.pen.chance(60) else {}
            case "effects" if self.pen.chance(20):
                written["fixed"] = {"in_force": self.pen.one(PERIODS)}
                self.kept.add(name)
            case _:
                pass
        if self.pen.chance(10):
            value = drawing.draw_field_value(self.pen, field)
            if not isinstance(value, str) or value.isprintable():
                written["default"] = plain(value)
        return written

    def _lifecycle(self, name: str, id: str) -> dict[str, Any]:
        states = self.account[name].type.values
        pen = self.pen
        final = pen.several(states, 1) if pen.chance(50) else ()
        sources = tuple(each for each in pen.several(states, 2) or states[:1] if each not in final)
        targets = [each for each in pen.several(states, 2) or states[-1:] if (each,) != sources]
        written: dict[str, Any] = {"initial": list(pen.several(states, 3) or states), "final": list(final)}
        if sources and targets:
            transition = self._changing()
            if pen.chance(40):
                transition["limit"] = "once"
                transition.pop("limits", None)
            written["transitions"] = {id: {**transition, "from": list(sources), "to": targets}}
        else:
            written["transitions"] = {id: {"from": [states[0]], "to": [states[-1]]}}
            written["final"] = [each for each in final if each != states[0]]
        if len(states) == 1:
            written = {"initial": list(states)}
        return written

    def _guards(self) -> dict[str, Any]:
        pen = self.pen
        written: dict[str, Any] = {}
        if pen.chance(70):
            written["requires"] = [self.condition() for _ in range(pen.number(1, 2))]
        if pen.chance(20):
            written["rules"] = self._further()
        if pen.chance(50):
            written["limits"] = [self._limit() for _ in range(pen.number(1, 2))]
        if pen.chance(15):
            written["never_after"] = [pen.one(EVENTS)]
        if pen.chance(15):
            written["severity"] = pen.one(("warning", "info"))
        if pen.chance(15):
            written["in_force"] = pen.one(PERIODS)
        return written

    def _further(self) -> dict[str, Any]:
        def one() -> dict[str, Any]:
            written: dict[str, Any] = {"requires": self.condition()}
            if self.pen.chance(50):
                written["when"] = self.condition(depth=1)
            if self.pen.chance(25):
                written["severity"] = self.pen.one(("warning", "info"))
            return written

        return {f"r{n}": one() for n in range(self.pen.number(1, 2))}

    def _changing(self) -> dict[str, Any]:
        return {**self._guards(), "effects": self._effects()}

    def _effects(self) -> dict[str, str]:
        free = [each for each in self.account.values() if each.name not in {*self.cycles, *self.kept}]
        if not free or self.pen.chance(40):
            return {}
        field = self.pen.one(free)
        text = self.value(field)
        return {} if text is None else {field.name: text}

    def _limit(self) -> dict[str, Any]:
        pen = self.pen
        written: dict[str, Any] = {"at_most": pen.number(0, 3)}
        if pen.chance(60):
            written["per"] = pen.one(LIMITED)
        else:
            written["within"] = pen.one(({"days": 30}, {"months": 6}, {"days": 1}, {"months": 1}))
        if pen.chance(30):
            written["of"] = list(pen.several(EVENTS, 2) or EVENTS[:1])
        if pen.chance(30):
            written["when"] = self.condition(depth=1)
        counters = [f"account.{n}" for n, each in self.account.items() if each.type == ir.INT]
        counters += [f"request.{n}" for n, each in self.request.items() if each.type == ir.INT]
        if counters and pen.chance(25):
            written["counted_by"] = pen.one(counters)
        return written

    def _feature(self, number: int) -> Any:
        def one() -> dict[str, Any]:
            written: dict[str, Any] = {"requires": [self.condition() for _ in range(self.pen.number(0, 2))]}
            if self.pen.chance(20):
                written["rules"] = self._further()
            if number and self.pen.chance(40):
                written["needs"] = [self.pen.one(FEATURES[:number])]
            return written

        return self._versions(one)

    def _constraint(self) -> Any:
        def one() -> dict[str, Any]:
            written: dict[str, Any] = {"requires": self.condition("constraint")}
            if self.pen.chance(60):
                written["when"] = self.condition("constraint")
            if self.pen.chance(25):
                written["severity"] = self.pen.one(("warning", "info"))
            return written

        return self._versions(one)

    def _group(self) -> dict[str, Any]:
        written: dict[str, Any] = {
            "per": f"account.{self.pen.one(tuple(self.account))}",
            "at_most": self.pen.number(0, 2),
            "when": self.condition("constraint"),
        }
        counters = [f"request.{n}" for n, each in self.request.items() if each.type == ir.INT]
        if counters:
            written["counted_by"] = self.pen.one(counters)
        return written

    def _versions(self, one: Any) -> Any:
        """A version that is always in force, or two in turn."""
        if self.pen.chance(85):
            return one()
        turn = self.pen.one(TURNS)
        return [{**one(), "in_force": {"until": turn}}, {**one(), "in_force": {"from": turn}}]

    # ------------------------------------------------------------------------------------------------ requests

    def asks(self) -> dict[str, Any]:
        pen = self.pen
        known = pen.one((90, 60, 100, 30))
        at = drawing.draw_instant(pen)
        asked: dict[str, Any] = {
            "account": self._facts(self.account, known),
            "request": self._facts(self.request, known),
            "at": values.written(at, self.zone) if 1900 < at.year < 9000 else "2024-02-29T12:00:00Z",
        }
        if pen.chance(60):
            asked["account"]["features"] = list(pen.several(FEATURES, 3))
        if pen.chance(75):
            asked["history"] = [self._event(asked["at"]) for _ in range(pen.number(0, 4))]
            if pen.chance(25):
                asked["history_from"] = date.fromisoformat(asked["at"][:10]).replace(day=1).isoformat()
        changes = [self._change() for _ in range(pen.number(1, 3) if pen.chance(40) else 1)]
        if pen.chance(8):
            asked["account"].pop("features", None)
            changes[0] = {"register": {}}
        asked["changes"] = changes
        return asked

    def _facts(self, schema: Mapping[str, ir.FieldDeclaration], known: int) -> dict[str, Any]:
        return {
            name: plain(drawing.draw_field_value(self.pen, each))
            for name, each in schema.items()
            if self.pen.chance(known)
        }

    def _event(self, at: str) -> dict[str, str]:
        back = self.pen.one((0, 1, 29, 30, 31, 180, 365))
        day = ir.date.fromisoformat(at[:10]).toordinal() - back
        return {"event": self.pen.one(EVENTS), "at": date.fromordinal(day).isoformat()}

    def _change(self) -> dict[str, Any]:
        pen = self.pen
        match pen.number(0, 4):
            case 0:
                return {"enable": pen.one(FEATURES)}
            case 1:
                return {"disable": pen.one(FEATURES)}
            case 2:
                return {"do": pen.one(ACTIONS)}
            case _:
                names = (self.cycles if pen.chance(60) else []) or pen.several(tuple(self.account), 2) or ["a0_bool"]
                fields = [self.account[name] for name in names[:2] if name in self.account] or [*self.account.values()][
                    :1
                ]
                return {"set": {each.name: plain(drawing.draw_field_value(pen, each)) for each in fields}}


def _few(pen: Pen, schema: dict[str, ir.FieldDeclaration]) -> dict[str, ir.FieldDeclaration]:
    """All of the fields, or most: what is not declared cannot be read."""
    return {name: replace(each, private=False) for name, each in schema.items() if pen.chance(85)} or schema


def _typed(field: ir.FieldDeclaration) -> dict[str, Any]:
    written: dict[str, Any]
    if field.type.kind in ("enum", "set"):
        written = {field.type.kind: list(field.type.values)}
    else:
        written = {"type": field.type.kind}
    for key, bound in (("min", field.minimum), ("max", field.maximum)):
        if bound is not None:
            written[key] = str(bound)
    return written


def plain(value: ir.Value) -> Any:
    """The value as JSON has it."""
    return values.to_json(value, ZoneInfo("UTC"))


@st.composite
def drawn(draw: st.DrawFn, requests: int = 4) -> Drawn:
    author = Author(Pen(draw))
    written = author.policy()
    asked = tuple(author.asks() for _ in range(requests))
    return Drawn(json.dumps(written, ensure_ascii=False), asked)
