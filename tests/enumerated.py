"""Random policies small enough to be looked at whole, and what looking at them whole finds.

Every field has a few values and every count is compared with 1 at the most, so that the states are finitely many: each
is judged by the reference. That is the truth that the proofs are held to.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import product
from random import Random
from typing import Any

import lawful
from lawful import ir
from lawful.deciding.judging import Judge, Step
from lawful.engines.reference import evaluate, outcome
from lawful.engines.situation import Facts, History, Situation
from lawful.ir import Rule, Value
from lawful.proofs.asking import limits_of_once_where
from lawful.proofs.property import Property
from lawful.question import EARLIEST, Asked

AT = datetime(2025, 1, 1, 4, tzinfo=UTC)
TYPES = ("a", "b", "c")
_SLOW = ("settable", "effects", "effects", "fixed", "fixed")
MANY = 2
"""More often than that is as often as that: nothing is compared with more than 1."""

# ----------------------------------------------------------------------------------------------------- the policies


class Author:
    """Writes one small policy."""

    def __init__(
        self, seed: int, *, once_where: bool = False, at_odds: bool = False, warned: bool = False, tied: bool = False
    ) -> None:
        """`once_where`: some limits of once have a condition. `at_odds`: guards and constraints speak of one fact.
        `warned`: a type is warned of where something is not so, which often nothing can change. `tied`: each type asks
        for a value of a field that may be set, so that often both are only set together."""
        self.random = Random(seed)
        self.once_where = once_where
        self.at_odds = at_odds
        self.warned = warned
        self.tied = tied
        self.edges: set[tuple[str, str]] = set()

    def one(self, choices: Any) -> Any:
        return self.random.choice(choices)

    def chance(self, percent: int) -> bool:
        return self.random.randrange(100) < percent

    def policy(self) -> dict[str, Any]:
        """As YAML would have it."""
        self.flag = self.one(("settable", "effects", "effects", "outside") if not self.warned else _SLOW)
        self.level = self.one(("settable", "effects", "fixed"))
        if self.tied:
            self.flag = self.level = "settable"
        self.transitions = ["up", "down", "away"][: self.random.randint(1, 3)]
        self.actions = ["act", "ask"][: self.random.randint(1, 2)]
        self.counted = self.one([*self.transitions, *self.actions])
        self.fields = self.one((["flag"], ["flag"], ["level"], ["level"], ["flag", "level"]))
        final = [self.one(TYPES)] if self.chance(30) else []
        declared = {"flag": self._flag(), "level": self._level()}
        written: dict[str, Any] = {
            "policy": "small",
            "version": "1",
            "account": {"fields": {"type": {"enum": list(TYPES)}, **{name: declared[name] for name in self.fields}}},
            "lifecycle": {
                "type": {
                    "initial": self._some(TYPES),
                    "final": final,
                    "transitions": {name: self._transition(final) for name in self.transitions},
                }
            },
            "actions": {name: self._changing() for name in self.actions},
            "features": {"pay": {"requires": [self.condition(feature=False, count=False)]}},
            "constraints": {f"c{n}": self._constraint() for n in range(self.random.randint(0, 2))},
            "invariants": {f"i{n}": self._invariant() for n in range(0 if self.at_odds else 2)},
        }
        if self.at_odds and self.chance(50):
            written["registration"] = {"requires": self._for_or_against()}
            written["features"] = {"pay": {"requires": [self._for_or_against()]}}
        if self.warned:
            written["constraints"] |= {f"w{n}": self._warning() for n in range(self.random.randint(1, 3))}
        if self.tied:
            written["constraints"] = {f"t{n}": self._tie(each) for n, each in enumerate(TYPES)}
        if self.chance(30):
            written["events"] = {"expired": {"moves": self._effects(always=True)}}
        return written

    def _flag(self) -> dict[str, Any]:
        return self._moving({"type": "bool"}, self.flag)

    def _level(self) -> dict[str, Any]:
        return self._moving({"type": "int", "min": "0", "max": "1"}, self.level)

    def _moving(self, written: dict[str, Any], motion: str) -> dict[str, Any]:
        if motion in ("outside", "fixed"):
            written[motion] = True
        elif motion == "settable":
            written["settable"] = {"requires": self.condition()} if self.chance(60) else {}
        if self.chance(25):
            written["default"] = "false" if written["type"] == "bool" else "0"
        return written

    def _some(self, choices: Any) -> list[Any]:
        return [each for each in choices if self.chance(50)] or [self.one(choices)]

    def _transition(self, final: list[str]) -> dict[str, Any]:
        sources = [each for each in self._some(TYPES) if each not in final] or [
            each for each in TYPES if each not in final
        ]
        source = self.one(sources)
        target = self.one([each for each in TYPES if each != source])
        while (source, target) in self.edges:  # two transitions may not make one step
            source = self.one([each for each in TYPES if each not in final])
            target = self.one([each for each in TYPES if each != source])
        self.edges.add((source, target))
        return {"from": [source], "to": [target], **self._changing()}

    def _changing(self) -> dict[str, Any]:
        written: dict[str, Any] = {}
        if self.chance(60):
            written["requires"] = [self.condition() for _ in range(self.random.randint(1, 2))]
        if self.at_odds:
            if self.chance(70):
                written["requires"] = [self._for_or_against()]
        elif self.chance(35):
            written["limit"] = "once"
            if self.once_where and self.chance(40):
                del written["limit"]
                written["limits"] = [{"at_most": 1, "per": "lifetime", "when": self.condition()}]
        elif self.chance(25):
            written["limits"] = [{"at_most": self.one((0, 1)), "per": "lifetime", "of": [self.counted]}]
        if self.chance(60):
            written["effects"] = self._effects()
        return written

    def _effects(self, *, always: bool = False) -> dict[str, str]:
        moved = {}
        if "flag" in self.fields and self.flag in ("effects", "settable") and (always or self.chance(60)):
            moved["flag"] = self.one(("true", "false", "!account.flag", "account.type == 'a'"))
        if (
            "level" in self.fields
            and self.level in ("effects", "settable")
            and (self.chance(60) or (always and not moved))
        ):
            moved["level"] = self.one(("0", "1", "1 - account.level", "account.level + 1"))
        return moved

    def _constraint(self) -> dict[str, Any]:
        if self.at_odds:
            where = self.one((f"account.type == '{self.one(TYPES)}'", "'pay' in account.features"))
            written = {"when": where, "requires": self._for_or_against()}
            return written if self.chance(60) else {"requires": f"!({where}) || {self._for_or_against()}"}
        return {
            "when": self.condition(count=False),
            "requires": self.condition(count=False),
            "severity": self.one(("error", "error", "warning")),
        }

    def _tie(self, value: str) -> dict[str, Any]:
        return {
            "when": f"account.type == '{value}'",
            "requires": self._for_or_against(),
            "severity": self.one(("error", "error", "error", "warning")),
        }

    def _warning(self) -> dict[str, Any]:
        where = f"account.type == '{self.one(TYPES)}'"
        return {"when": where, "requires": self.condition(feature=False), "severity": "warning"}

    def _invariant(self) -> dict[str, str]:
        kind = self.one(("never", "never", "always"))
        if self.chance(50):
            return {kind: self.condition()}
        before, after = self.condition(count=False), self.condition()
        told = f"({before.replace('account.', 'before.account.')}) && ({after.replace('account.', 'after.account.')})"
        return {kind: told if kind == "never" else f"!({told})"}

    def _for_or_against(self) -> str:
        """The one fact, or its opposite."""
        about = [("account.flag", "!account.flag")] if "flag" in self.fields else []
        about += [("account.level == 1", "account.level == 0")] if "level" in self.fields else []
        return self.one(about[0])

    def condition(self, *, feature: bool = True, count: bool = True) -> str:
        atoms = [self._atom(feature=feature, count=count) for _ in range(self.random.randint(1, 2))]
        return self.one((" && ", " || ")).join(atoms)

    def _atom(self, *, feature: bool, count: bool) -> str:
        atoms = [
            f"account.type == '{self.one(TYPES)}'",
            f"account.type != '{self.one(TYPES)}'",
            self.one(("has(account.type)", f"account.type in ['{self.one(TYPES)}', '{self.one(TYPES)}']")),
        ]
        if "flag" in self.fields:
            atoms += ["account.flag", "!account.flag", self.one(("has(account.flag)", "!has(account.flag)"))]
        if "level" in self.fields:
            atoms += [f"account.level {self.one(('==', '<', '>='))} {self.one((0, 1))}", "has(account.level)"]
        if feature:
            atoms += [self.one(("'pay' in account.features", "!('pay' in account.features)"))]
        if count:
            atoms += [f"count('{self.counted}', 'lifetime') {self.one(('==', '>', '<='))} {self.one((0, 1))}"]
        return str(self.one(atoms))


def small(seed: int, *, at_odds: bool = False) -> lawful.Policy | None:
    """The policy of a seed; None where it makes no sense to the compiler."""
    return _loaded(Author(seed, once_where=True, at_odds=at_odds))


def warned(seed: int) -> lawful.Policy | None:
    """Another one, in which accounts are trapped now and then."""
    return _loaded(Author(seed, warned=True))


def tied(seed: int) -> lawful.Policy | None:
    """One more, in which a type and a field are often only set together."""
    return _loaded(Author(seed, tied=True))


def _loaded(author: Author) -> lawful.Policy | None:
    try:
        return lawful.loads(json.dumps(author.policy()))
    except lawful.PolicyError:
        return None


# ----------------------------------------------------------------------------------------------------- looking whole

Counts = tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Seen:
    """One state."""

    account: tuple[tuple[str, Value], ...]
    pays: bool
    counts: Counts


@dataclass
class Whole:
    """Every state that can be reached, what leads from each to the next, and what was used on the way."""

    policy: lawful.Policy
    explored: bool = True
    """Whether it is looked at from the registrations on; otherwise only at each state by itself."""
    judge: Judge = field(init=False)
    next: dict[Seen, set[Seen]] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    left: set[str] = field(default_factory=set)
    ways_out: dict[Seen, set[bool]] = field(default_factory=dict)
    """Of an account that can leave its type at once: whether something is found after it that was not before."""
    again: set[str] = field(default_factory=set)
    """The limits of once with a condition whose change was made again where the condition holds."""

    def __post_init__(self) -> None:
        self.program = self.policy.program
        self.judge = Judge(self.program, self.policy.zone)
        self.counted = sorted(
            {
                event
                for rule in self.program.rules
                for expr in (rule.when, rule.requires)
                for node in ir.walk(expr)
                if isinstance(node, (ir.Count, ir.AtMost))
                for event in (node.count.events if isinstance(node, ir.AtMost) else node.events)
            }
            | {
                event
                for each in self.program.invariants
                for node in ir.walk(each.expr)
                if isinstance(node, ir.Count)
                for event in node.events
            }
        )
        if self.explored:
            self._explore()

    def _explore(self) -> None:
        frontier = list(self._registered())
        while frontier:
            seen = frontier.pop()
            if seen in self.next:
                continue
            self.next[seen] = set(self._after(seen))
            frontier += self.next[seen]

    def _registered(self) -> Iterator[Seen]:
        for account in self.accounts():
            before = Seen(account, False, tuple((event, 0) for event in self.counted))
            step = self.judge.step(Asked("register", "", {}), self.situation(before), "reference")
            if step.verdict == "allow":
                self.used.add("registration")
                yield from self._left_by(step, before)

    def _after(self, seen: Seen) -> Iterator[Seen]:
        situation = self.situation(seen)
        for asked in self.changes():
            step = self.judge.step(asked, situation, "reference")
            if step.verdict == "allow":
                self._note(step)
                left = list(self._left_by(step, seen))
                self._note_way_out(seen, left)
                yield from left
        for event in self.program.events.values():
            account: dict[str, Value] = dict(seen.account)
            for effect in event.moves:
                value = evaluate(effect.value, situation)
                account.pop(effect.field, None)
                if value is not None:
                    account[effect.field] = value
            if account.get("level", 0) in (0, 1):
                yield Seen(self._filled(account), seen.pays, self._counted(seen.counts, [event.id]))
        for name, each in self.program.account.items():
            if each.motion == "outside":
                for value in (None, *self.values(name)):
                    account = {key: held for key, held in seen.account if key != name}
                    if value is not None:
                        account[name] = value
                    yield Seen(self._filled(account), seen.pays, seen.counts)

    def _note(self, step: Step) -> None:
        self.used |= {move.id for move, applies in step.moves if applies is not False}
        self.again |= {rule.id for rule in limits_of_once_where(self.program) if self._is_again(rule, step)}
        if step.asked.kind == "set" and "type" in step.asked.values:
            present = step.before.records["account"].get("type")
            if present is not None and present != step.asked.values["type"]:
                self.left.add(f"type.{present}")

    def _note_way_out(self, seen: Seen, left: list[Seen]) -> None:
        type_before = dict(seen.account).get("type")
        for after in left:
            if type_before is not None and dict(after.account).get("type") not in (None, type_before):
                found = self.findings(after) - self.findings(seen)
                self.ways_out.setdefault(seen, set()).add(bool(found))

    def findings(self, seen: Seen) -> set[int]:
        """The rules of which it breaks an error or a warning, by their places."""
        situation = self.situation(seen)
        return {n for n, rule in enumerate(self.program.rules) if self._is_finding(rule, situation)}

    def _is_again(self, rule: Rule, step: Step) -> bool:
        assert isinstance(rule.requires, ir.AtMost)
        counted = rule.requires.count
        before = step.before.with_records(change={**step.asked.values, "register": False})
        made = any(move.event in counted.events for move, applies in step.moves if applies is not False)
        happened = evaluate(ir.Compare(">=", counted, ir.Constant(1, ir.INT)), before) is True
        return made and happened and evaluate(rule.when, before) is True

    def _is_finding(self, rule: Rule, situation: Situation) -> bool:
        return (
            rule.scope in ("account", "feature") and rule.severity != "info" and outcome(rule, situation) == "violated"
        )

    def _left_by(self, step: Step, seen: Seen) -> Iterator[Seen]:
        after = self.judge.left_by(step)
        sure = [move.event for move, applies in step.moves if applies]
        perhaps = [move.event for move, applies in step.moves if applies is None]
        for chosen in product((False, True), repeat=len(perhaps)):
            made = sure + [event for event, happened in zip(perhaps, chosen, strict=True) if happened]
            account = self._filled(after.records["account"])
            yield Seen(account, after.records["features"]["pay"] is True, self._counted(seen.counts, made))

    def _counted(self, counts: Counts, made: list[str]) -> Counts:
        return tuple((event, min(MANY, number + made.count(event))) for event, number in counts)

    def _filled(self, account: Facts) -> tuple[tuple[str, Value], ...]:
        declared = self.program.account
        found = {name: account.get(name, each.default) for name, each in declared.items()}
        return tuple((name, value) for name, value in found.items() if value is not None)

    # ------------------------------------------------------------------------------------------------- all there is

    def values(self, name: str) -> list[Value]:
        kind = self.program.account[name].type.kind
        return list(TYPES) if kind == "enum" else [False, True] if kind == "bool" else [0, 1]

    def accounts(self) -> Iterator[tuple[tuple[str, Value], ...]]:
        choices = [[(name, value) for value in (None, *self.values(name))] for name in self.program.account]
        yield from dict.fromkeys(
            self._filled({name: value for name, value in each if value is not None}) for each in product(*choices)
        )

    def everything(self) -> Iterator[Seen]:
        """Every state, whether it can be reached or not."""
        for account in self.accounts():
            for pays in (False, True):
                for numbers in product(range(MANY + 1), repeat=len(self.counted)):
                    yield Seen(account, pays, tuple(zip(self.counted, numbers, strict=True)))

    def changes(self) -> list[Asked]:
        settable = [name for name, each in self.program.account.items() if each.motion in ("lifecycle", "settable")]
        choices = [[(name, value) for value in (None, *self.values(name))] for name in settable]
        wanted = [{name: value for name, value in each if value is not None} for each in product(*choices)]
        found = [Asked("set", "", values) for values in wanted if values]
        found += [Asked("enable", "pay", {}), Asked("disable", "pay", {})]
        return found + [Asked("do", name, {}) for name in self.program.actions]

    def situation(self, seen: Seen) -> Situation:
        events = tuple((event, AT) for event, number in seen.counts for _ in range(number))
        account = dict(seen.account)
        return Situation(
            records={"account": account, "features": {"pay": seen.pays}},
            at=AT,
            today=AT.date(),
            zone=self.policy.zone,
            history=History(events, EARLIEST),
            conditions=self.program.conditions,
            initial=account,
        )

    # ---------------------------------------------------------------------------------------------------- the truth

    def breaks(self, claim: Property) -> bool:
        """Whether some reachable state, or some two of one account, break it."""
        if not claim.pair:
            return any(claim.broken_in(self.situation(each), self.situation(each)) for each in self.next)
        judged: dict[tuple[object, ...], bool] = {}
        for earlier, later in self.pairs():
            key = (earlier.account, earlier.pays, later)
            if key not in judged:
                judged[key] = claim.broken_in(self.situation(later), self.situation(earlier))
                if judged[key]:
                    return True
        return False

    def trapped(self) -> set[str]:
        """The values (`type.a`) that some account can leave, but never, whatever happens, without a new finding."""
        values = {seen: f"type.{dict(seen.account).get('type')}" for seen in self.next}
        clean = {seen for seen, found in self.ways_out.items() if False in found}
        free: dict[Seen, set[str]] = {seen: set() for seen in self.next}
        """The values that an account has some day and leaves clean."""
        growing = True
        while growing:
            growing = False
            for seen, others in self.next.items():
                wider = free[seen].union(*(free[other] for other in others))
                wider |= {values[seen]} if seen in clean else set()
                if wider != free[seen]:
                    free[seen], growing = wider, True
        return {values[seen] for seen in self.ways_out if values[seen] not in free[seen]}

    def pairs(self) -> Iterator[tuple[Seen, Seen]]:
        states = list(self.next)
        place = {each: n for n, each in enumerate(states)}
        reach = [1 << n for n in range(len(states))]
        growing = True
        while growing:
            growing = False
            for n, each in enumerate(states):
                wider = reach[n]
                for other in self.next[each]:
                    wider |= reach[place[other]]
                if wider != reach[n]:
                    reach[n], growing = wider, True
        for n, each in enumerate(states):
            later = reach[n]
            while later:
                low = later & -later
                yield each, states[low.bit_length() - 1]
                later ^= low
