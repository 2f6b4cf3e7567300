"""Policies small enough to go through every account, date and change there is: life cycles, settable fields, counters,
deadlines, features, limits, constraints, periods, each drawn, and few values of each.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from drawing import Pen
from lawful.ir import Type, Value

START = date(2025, 2, 26)
"""Asked on; a month's end is near."""
DAYS = 6
TYPES = ("a", "b", "c")
LEVELS = (0, 1, 2)
FEATURES = ("pay", "shop")
ACTIONS = ("certify", "rise", "send")
ZONES = ("UTC", "Asia/Shanghai", "America/Sao_Paulo")
FIELDS = ("type", "flag", "level", "until", "proof")


@dataclass(frozen=True)
class Small:
    """A policy, an account of it, and a goal: a change, or a condition to reach."""

    policy: str
    account: dict[str, Any]
    history: list[dict[str, str]]
    change: dict[str, Any] | None
    reach: str | None


class Dice(Pen):
    """A pen without Hypothesis, which would draw the like again and again: here nothing is shrunk, and variety counts."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._favourites: dict[Type, tuple[Value, ...]] = {}

    def number(self, least: int, most: int) -> int:
        return self._random.randint(least, most)


class Writer:
    """Writes one policy with the choices of a pen."""

    def __init__(self, pen: Pen) -> None:
        self.pen = pen
        self.level_settable = pen.chance(40)
        self.flag_settable = pen.chance(60)

    def atom(self) -> str:
        pen = self.pen
        match pen.number(0, 11):
            case 0 | 1:
                return f"account.type {pen.one(('==', '==', '!='))} '{pen.one(TYPES)}'"
            case 2 | 3:
                return pen.one(("account.flag", "account.flag", "!account.flag"))
            case 4 | 5:
                return f"account.level {pen.one(('==', '!=', '<', '<=', '>', '>='))} {pen.one(LEVELS)}"
            case 6:
                return f"account.until {pen.one(('>=', '>', '<'))} today"
            case 7:
                return f"today {pen.one(('>=', '<', '=='))} date('{self.day()}')"
            case 8:
                return f"'{pen.one(FEATURES)}' in account.features"
            case 9:
                return f"account.until >= date('{self.day()}')"
            case 10:
                return pen.one(("account.proof", "!account.proof"))
            case _:
                return f"count('{pen.one(ACTIONS)}', '{pen.one(('lifetime', 'day', '2 days'))}') {pen.one(('==', '>=', '<'))} {pen.number(0, 1)}"

    def condition(self, atoms: int = 2) -> str:
        """Mostly of several parts at once: what one change brings about is soon found."""
        parts = dict.fromkeys(self.atom() for _ in range(self.pen.number(1, atoms)))
        return self.pen.one((" && ", " && ", " || ")).join(parts)

    def day(self) -> str:
        return (START + timedelta(days=self.pen.number(0, DAYS))).isoformat()

    def guards(self) -> dict[str, Any]:
        pen = self.pen
        written: dict[str, Any] = {}
        if pen.chance(75):
            written["requires"] = self.condition()
        if pen.chance(30):
            of = {"of": [pen.one(ACTIONS)]} if pen.chance(40) else {}
            when = {"when": self.atom()} if pen.chance(30) else {}
            window = pen.one(({"per": "day"}, {"per": "lifetime"}, {"per": "month"}, {"within": {"days": 2}}))
            written["limits"] = [{"at_most": pen.number(0, 2), **window, **of, **when}]
        if pen.chance(10):
            written["never_after"] = [pen.one(ACTIONS)]
        if pen.chance(20):
            written["in_force"] = pen.one(({"from": self.day()}, {"until": self.day()}))
        if pen.chance(30):
            written["cost"] = {"fee": pen.number(0, 5)}
        return written

    def effects(self) -> dict[str, str]:
        pen = self.pen
        found: dict[str, str] = {}
        if not self.level_settable and pen.chance(35):
            found["level"] = pen.one(("account.level + 1", "0", "2", "account.level - 1", "account.flag ? 2 : 1"))
        if pen.chance(35):
            found["until"] = pen.one(("addDays(today, 2)", "addDays(today, 4)", "addDays(account.until, 1)"))
        if not self.flag_settable and pen.chance(35):
            found["flag"] = pen.one(("true", "false", "!account.flag"))
        return found

    def policy(self) -> dict[str, Any]:
        pen = self.pen
        steps = [(one, other) for one in TYPES for other in TYPES if one != other]
        edges = list(
            dict.fromkeys([(TYPES[0], pen.one(TYPES[1:])), *(pen.one(steps) for _ in range(pen.number(0, 2)))])
        )
        return {
            "policy": "small",
            "version": "1",
            "timezone": pen.one(ZONES),
            "account": {
                "fields": {
                    "type": {"enum": list(TYPES)},
                    "flag": {"type": "bool", **({"settable": self.guards()} if self.flag_settable else {})},
                    "level": {
                        "type": "int",
                        "min": "0",
                        "max": "2",
                        **({"settable": self.guards()} if self.level_settable else {}),
                    },
                    "until": {"type": "date"},
                    "proof": {"type": "bool", "outside": "yes"},
                }
            },
            "request": {"fields": {"consent": "bool"}},
            "lifecycle": {
                "type": {
                    "transitions": {
                        f"t{n}": {"from": one, "to": other, **self.guards(), "effects": self.effects()}
                        for n, (one, other) in enumerate(edges)
                    }
                }
            },
            "features": {
                "pay": {"requires": [self.condition(3), *(["request.consent"] if pen.chance(15) else [])]},
                "shop": {"requires": self.condition(3), **({"needs": "pay"} if pen.chance(40) else {})},
            },
            "actions": {name: {**self.guards(), "effects": self.effects()} for name in ACTIONS},
            "constraints": {
                f"c{n}": {"when": self.atom(), "requires": self.condition()} for n in range(pen.number(0, 2))
            },
        }

    def account(self) -> dict[str, Any]:
        pen = self.pen
        account: dict[str, Any] = {
            "type": TYPES[0],
            "flag": pen.chance(30),
            "level": pen.one((0, 0, 1, 2)),
            "until": self.day(),
            "proof": pen.chance(60),
            "features": list(pen.several(FEATURES, 1)) if pen.chance(15) else [],
        }
        if pen.chance(15):
            account.pop(pen.one(FIELDS))
        return account


def goal(pen: Pen) -> dict[str, Any]:
    match pen.number(0, 3):
        case 0:
            return {"set": {"type": pen.one(TYPES[1:])}}
        case 1:
            return {"do": pen.one(ACTIONS)}
        case _:
            return {"enable": pen.one(FEATURES)}


def drawn(seed: int) -> Small:
    pen = Dice(seed)
    writer = Writer(pen)
    written = writer.policy()
    history = [
        {"event": pen.one(ACTIONS), "at": (START - timedelta(days=pen.number(0, 3))).isoformat()}
        for _ in range(pen.number(0, 2))
    ]
    reach = writer.condition(4) if pen.chance(25) else None
    return Small(json.dumps(written), writer.account(), history, None if reach else goal(pen), reach)
