"""Policies whose shortest plans are of four to seven steps: each step is what the next one asks for.

Drawn at random, with what leads nowhere beside it; few enough states to go through them breadth first, by the judge alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import combinations, product
from typing import Any

import lawful
from lawful.engines.reference import evaluate
from lawful.planning.setting import Setting, State
from lawful.question import Asked
from small import Dice, Small

START = date(2025, 1, 30)
"""A month's end is near."""
DAYS = 2
STATES = ("p", "q", "r", "s")
FLAGS = ("a", "b")
LEVELS = (0, 1, 2, 3)
ACTIONS = ("pay", "file", "sign")
FEATURES = ("pay_in", "shop")
SUBJECTS = ("account.x", "account.a", "account.b", "account.n", "account.d", "account.features", "count")


class Writer:
    """Writes one policy with the choices of a pen."""

    def __init__(self, pen: Dice) -> None:
        self.pen = pen
        self.flags = {name: pen.chance(45) for name in FLAGS}
        """Whether it may be set; effects move the others."""
        self.level_settable = pen.chance(20)
        self.aim = pen.one(STATES[1:])
        """Where a feature, or the last action, is to be had."""

    def atom(self) -> str:
        pen = self.pen
        match pen.number(0, 11):
            case 0 | 1 | 2:
                return f"account.x == '{pen.one(STATES)}'"
            case 3 | 4:
                return f"{pen.one(('', '', '!'))}account.{pen.one(FLAGS)}"
            case 5 | 6:
                return f"account.n {pen.one(('==', '>=', '==', '!='))} {pen.one(LEVELS)}"
            case 7:
                return f"'{pen.one(FEATURES)}' in account.features"
            case 8:
                return f"account.d {pen.one(('<', '>=', '=='))} today"
            case 9:
                event = pen.one((*ACTIONS, "t0", "t1", "enable.pay_in"))
                return f"count('{event}', 'lifetime') {pen.one(('>=', '>=', '=='))} {pen.number(1, 2)}"
            case 10:
                return f"count('{pen.one(ACTIONS)}', '{pen.one(('month', '2 days'))}') {pen.one(('>=', '=='))} {pen.number(0, 1)}"
            case _:
                return f"!has(account.d) || account.d {pen.one(('<', '=='))} today"

    def condition(self, most: int = 2, beside: str = "") -> str:
        """Several parts at once, each of another fact: few contradict each other."""
        parts: dict[str, str] = {}
        if beside:
            parts["account.x"] = beside
        for _ in range(self.pen.number(1, most)):
            atom = self.atom()
            about = next(each for each in SUBJECTS if each in atom)
            parts.setdefault(about, atom)
        return " && ".join(f"({each})" for each in parts.values())

    def guards(self, chance: int, *, moves: bool = False) -> dict[str, Any]:
        pen = self.pen
        beside = "true" if moves else ""  # where it begins is said by the transition
        written: dict[str, Any] = {"requires": self.condition(2, beside)} if pen.chance(chance) else {}
        if pen.chance(35):
            window = pen.one(({"per": "day"}, {"per": "lifetime"}, {"per": "month"}, {"within": {"days": 2}}))
            when = {"when": self.atom()} if pen.chance(25) else {}
            written["limits"] = [{"at_most": pen.number(1, 2), **window, **when}]
        if pen.chance(8):
            written["never_after"] = ["strike"]
        return written

    def effects(self) -> dict[str, str]:
        pen = self.pen
        found = {
            name: pen.one(("true", "false", f"!account.{name}"))
            for name in FLAGS
            if not self.flags[name] and pen.chance(50)
        }
        if not self.level_settable and pen.chance(50):
            found["n"] = pen.one(("account.n + 1", "account.n + 1", "0", "account.n - 1"))
        if pen.chance(30):
            found["d"] = pen.one(("today", "addDays(today, 1)"))
        return found

    def policy(self) -> dict[str, Any]:
        pen = self.pen
        edges = [
            ("p", "q"),
            ("q", "r"),
            ("r", pen.one(("s", "p", "q"))),
            *pen.several([("s", "p"), ("q", "p"), ("p", "r")], 2),
        ]
        moves = {
            f"t{n}": {
                "from": one,
                "to": other,
                **self.guards(75, moves=True),
                "effects": self.effects() if pen.chance(50) else {},
            }
            for n, (one, other) in enumerate(dict.fromkeys(edges))
        }
        flags = {
            name: {"type": "bool", "default": "no", **({"settable": self.guards(35)} if settable else {})}
            for name, settable in self.flags.items()
        }
        level = {
            "type": "int",
            "min": "0",
            "max": "3",
            "default": "0",
            **({"settable": self.guards(45)} if self.level_settable else {}),
        }
        return {
            "policy": "chains",
            "version": "1",
            "account": {"fields": {"x": {"enum": list(STATES)}, **flags, "n": level, "d": {"type": "date"}}},
            "lifecycle": {"x": {"transitions": moves}},
            "features": {
                "pay_in": {"requires": self.condition()},
                "shop": {
                    "requires": self.condition(3, f"account.x == '{self.aim}'"),
                    **({"needs": "pay_in"} if pen.chance(50) else {}),
                },
            },
            "actions": {
                **{name: {**self.guards(60), "effects": self.effects()} for name in ACTIONS},
                "go": {"requires": self.condition(2, f"account.x == '{self.aim}'")},
            },
            "events": {"strike": {}},
            "constraints": {f"c{n}": {"when": self.atom(), "requires": self.atom()} for n in range(pen.number(0, 1))},
        }

    def goal(self) -> tuple[dict[str, Any] | None, str | None]:
        pen = self.pen
        match pen.number(0, 4):
            case 0:
                return {"set": {"x": pen.one(STATES[2:])}}, None
            case 1 | 2:
                return {"do": "go"}, None
            case 3:
                return None, self.condition(3, f"account.x == '{self.aim}'")
            case _:
                return {"enable": "shop"}, None


def drawn(seed: int) -> Small:
    pen = Dice(seed)
    writer = Writer(pen)
    written = writer.policy()
    change, reach = writer.goal()
    account = {"x": "p", "a": False, "b": False, "n": 0, "features": []}
    history = (
        [{"event": pen.one((*ACTIONS, "strike")), "at": (START - timedelta(days=pen.number(0, 2))).isoformat()}]
        if pen.chance(20)
        else []
    )
    return Small(json.dumps(written), account, history, change, reach)


def asked_of(chain: Small) -> dict[str, Any]:
    return {"account": chain.account, "history": chain.history, "at": START.isoformat()}


class Breadth:
    """Every sequence of changes on every day of a few, level by level, asked of the judge."""

    def __init__(self, policy: lawful.Policy, chain: Small, most: int) -> None:
        self.policy = policy
        self.judge = policy._judge
        self.question = policy._reader.account(asked_of(chain))
        self.setting = Setting.of(self.judge, self.question, obtains=False)
        self.reach = None if chain.reach is None else policy.condition(chain.reach)
        self.goal = (
            policy._reader.question({**asked_of(chain), "change": chain.change}).changes[0]
            if chain.change is not None
            else None
        )
        self.most = most
        self.work = 0
        self.complete = 0
        """No plan has so few steps, or fewer."""
        program = policy.program
        self.changes = list(self._changes(program))

    def _changes(self, program: Any) -> Iterator[Asked]:
        fields: dict[str, tuple[Any, ...]] = {"x": STATES}
        fields |= {name: (True, False) for name in FLAGS if program.account[name].motion == "settable"}
        if program.account["n"].motion == "settable":
            fields["n"] = LEVELS
        for size in range(1, len(fields) + 1):
            for names in combinations(fields, size):
                for values in product(*(fields[name] for name in names)):
                    yield Asked("set", "", dict(zip(names, values, strict=True)))
        for name in FEATURES:
            yield Asked("enable", name, {})
            yield Asked("disable", name, {})
        for name in (*ACTIONS, "go"):
            yield Asked("do", name, {})

    def fewest(self, deepest: int = 8) -> int | None:
        """How many steps it takes; None where none was found, `complete` tells how far was looked."""
        question = self.question
        first = State(question.account.known(), question.features, question.events(), question.at)
        if self.goal is not None and (
            all(first.account.get(k) == v for k, v in self.goal.values.items())
            if self.goal.kind == "set"
            else self.goal.kind == "enable" and first.features.get(self.goal.name) is True
        ):
            return 0
        level = {self._key(each): each for each in self._days(first)}
        seen = set(level)
        for depth in range(deepest):
            if self.reach is not None and any(
                evaluate(self.reach, self.setting.situation(each, {})) is True for each in level.values()
            ):
                return depth
            if self.reach is not None:
                self.complete = depth
            if self.goal is not None:
                if any(self._after(each, self.goal) for each in level.values()):
                    return depth + 1
                self.complete = depth + 1
            if not level:
                self.complete = 10**6
                return None
            following: dict[object, State] = {}
            for state in level.values():
                for asked in self.changes:
                    if asked.values and all(state.account.get(k) == v for k, v in asked.values.items()):
                        continue
                    if any(state.account.get(k) == v for k, v in asked.values.items()):
                        continue
                    after = self._after(state, asked)
                    for each in () if after is None else self._days(after):
                        key = self._key(each)
                        if key not in seen:
                            seen.add(key)
                            following[key] = each
                    if self.work > self.most:
                        return None
            level = following
        return None

    def _days(self, state: State) -> Iterator[State]:
        last = self.question.at + timedelta(days=DAYS)
        at = state.at
        while at <= last:
            yield State(state.account, state.features, state.events, at)
            at += timedelta(days=1)

    def _key(self, state: State) -> object:
        counted = sorted(
            each for each in state.events if each[0] in (*ACTIONS, "strike", "enable.pay_in") or each[0].startswith("t")
        )
        return (
            tuple(sorted(state.account.items(), key=str)),
            tuple(sorted(state.features.items())),
            tuple(counted),
            state.at,
        )

    def _after(self, state: State, asked: Asked) -> State | None:
        self.work += 1
        step = self.judge.step(asked, self.setting.situation(state, {}), "reference")
        if step.verdict != "allow":
            return None
        left = self.judge.settled(step)
        events = tuple((move.event, state.at) for move, applies in step.moves if applies is True)
        return State(left.records["account"], left.records["features"], (*state.events, *events), state.at)
