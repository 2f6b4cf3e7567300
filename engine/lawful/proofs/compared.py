"""One change, asked of two policies about one account in any state: where their answers differ, as terms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final
from zoneinfo import ZoneInfo

from lawful import ir
from lawful.calendar import Window
from lawful.ir import Move, Place, Program, Rule, everything
from lawful.proofs import dates
from lawful.proofs.differences import DECIDING, VERDICTS, Kind, Side
from lawful.proofs.logic import (
    FALSE,
    Bool,
    Meaning,
    Number,
    alike,
    both,
    choice,
    conjunction,
    disjunction,
    either,
    equal,
    given,
    known,
    less,
    no_more,
    opposite,
)
from lawful.proofs.moves import Change, Judged, Moves, Ruling, holds
from lawful.proofs.shared import Shared, renumbered
from lawful.proofs.space import Space
from lawful.proofs.state import Before, History, Now, State, fresh_fact, fresh_facts, is_calendar, period_of
from lawful.proofs.terms import Terms

_APART: Final = 1_000_000
"""Where the names of variables of another zone begin, so that they are not those of the first."""


class Elsewhere(Space):
    """The same variables and assumptions, seen from another time zone. It is asked nothing itself."""

    def __init__(self, space: Space, zone: ZoneInfo) -> None:
        super().__init__(zone, space.clock)
        self.context, self.texts, self.doubts = space.context, space.texts, space.doubts
        self._count = _APART
        self._space = space

    def assume(self, constraint: Bool) -> None:
        self._space.assume(constraint)


@dataclass(frozen=True, slots=True)
class Asking:
    """A change that both policies can be asked for."""

    name: str
    """`set.type`, `enable.f`, …; `set`: several fields at once."""
    triggers: tuple[str, ...]


def changes(shared: Shared) -> list[Asking]:
    """All of them."""
    found = [Asking(f"set.{name}", (f"set.{name}",)) for name in shared.account]
    if len(shared.account) > 1:
        found.append(Asking("set", tuple(f"set.{name}" for name in shared.account)))
    for name in shared.features:
        found += [Asking(f"{kind}.{name}", (f"{kind}.{name}",)) for kind in ("enable", "disable")]
    found += [Asking(f"do.{name}", (f"do.{name}",)) for name in shared.actions]
    return [*found, Asking("register", ("register",))]


class Past(Before):
    """What happened before, of the events that both policies know: of others there are none."""

    def __init__(self, space: Space, events: frozenset[str]) -> None:
        super().__init__(space)
        self.events = events

    def count(self, event: str, window: Window, moment: Now) -> Number:
        return super().count(event, window, moment) if event in self.events else 0


class Compared:
    """The account, the request and the moment, told to both; and both rulings."""

    def __init__(self, shared: Shared, moves: Mapping[Side, Moves], asking: Asking, clock: tuple[int, int]) -> None:
        self.shared = shared
        self.asking = asking
        self.space: Space = Space(ZoneInfo(shared.new.timezone), clock)
        self.spaces: dict[Side, Space] = {"new": self.space, "old": self.space}
        self.moments: dict[Side, Now] = {"new": Now(self.space)}
        self._keep_time(shared.old.timezone)
        self.registers = asking.name == "register"
        self.raw = fresh_facts(self.space, "account", shared.account)
        self.asked = fresh_facts(self.space, "request", shared.request)
        self.features_given: Bool = True if self.registers else self.space.boolean("features_given")
        self.features = self.held()
        self.history_given: Bool = True if self.registers else self.space.boolean("history_given")
        self.past = Past(self.space, frozenset() if self.registers else shared.events)
        self.wanted = self._wanted()
        self.rulings: dict[Side, Ruling] = {side: self._ruling(side, moves[side]) for side in ("old", "new")}
        self._nest()
        self.moves = moves
        self._terms: dict[tuple[Side, bool], Terms] = {}

    def _keep_time(self, zone: str) -> None:
        """Where the old policy has another zone, its days are others; the instant is the same."""
        if zone == self.shared.new.timezone:
            self.moments["old"] = self.moments["new"]
            return
        other = Elsewhere(self.space, ZoneInfo(zone))
        self.spaces["old"] = other
        self.moments["old"] = Now(other)
        self.space.assume(equal(self.moments["old"].now, self.moments["new"].now))

    def _nest(self) -> None:
        """Of two windows of one kind, told by the days of two zones, the one that begins earlier holds the other."""
        old, new = self.moments["old"], self.moments["new"]
        if old is new:
            return
        zones = {side: ZoneInfo(self.shared.program(side).timezone) for side in self.spaces}
        offsets = {side: dates.local_day(self.spaces[side], new.now, zones[side])[1] for side in self.spaces}
        counts = {
            (event, window, id(moment)): count for (event, window, _), (moment, count) in self.past.counts.items()
        }
        for (event, window, moment), count in counts.items():
            other = counts.get((event, window, id(new)))
            if moment != id(old) or other is None or window.since is not None or not is_calendar(window):
                continue
            one, two = period_of(window, old), period_of(window, new)
            earlier = either(less(one, two), both(equal(one, two), no_more(offsets["new"], offsets["old"])))
            self.space.assume(choice(earlier, no_more(other, count), no_more(count, other)))

    def held(self) -> dict[str, Meaning]:
        """Of each feature whether the account has it: all are told, or none."""
        return {
            name: FALSE if self.registers else given(self.space.boolean(f"features.{name}"), self.features_given)
            for name in self.shared.features
        }

    def _wanted(self) -> dict[str, tuple[Bool, Meaning]]:
        """Of a `set`: which fields are asked for, and with what values of those that both have."""
        names = [each.removeprefix("set.") for each in self.asking.triggers if each.startswith("set.")]
        several = self.asking.name == "set"
        found = {}
        for name in names:
            value = known(fresh_fact(self.space, f"to_{name}", self.shared.account[name]))
            found[name] = (self.space.boolean(f"sets_{name}") if several else True, value)
        if several:
            sets = [asked for asked, _ in found.values()]
            self.space.assume(
                disjunction(both(one, other) for place, one in enumerate(sets) for other in sets[place + 1 :])
            )
        return found

    def _ruling(self, side: Side, moves: Moves) -> Ruling:
        shared, program, space = self.shared, self.shared.program(side), self.spaces[side]
        account = shared.facts(space, self.raw, program.account, shared.account)
        request = shared.facts(space, self.asked, program.request, shared.request)
        features: dict[str, Meaning] = {
            name: self.features.get(name, given(False, self.features_given)) for name in program.features
        }
        history = History(space, self.past, (), self.history_given)
        change = self._change(program)
        return moves.ruling(space, change, State(account, features, history), self.moments[side], request)

    def _change(self, program: Program) -> Change:
        kind, _, name = self.asking.name.partition(".")
        if kind != "set":
            return Change(kind, name)  # type: ignore[arg-type]  # a trigger begins with its kind
        common = self.shared.account
        values = {
            each: (asked, renumbered(value, common[each].type, program.account[each].type))
            for each, (asked, value) in self.wanted.items()
        }
        return Change("set", values=values)

    # ------------------------------------------------------------------------------------------- where they differ

    def kinds(self) -> dict[Kind, Bool]:
        """Where there is a difference of each kind."""
        old, new = self.rulings["old"], self.rulings["new"]
        verdicts: dict[str, tuple[Bool, Bool]] = {
            "allow": (old.allow, new.allow),
            "deny": (old.deny, new.deny),
            "undetermined": (old.undetermined, new.undetermined),
        }
        found: dict[Kind, Bool] = {
            kind: both(verdicts[before][0], verdicts[after][1]) for kind, (before, after) in VERDICTS.items()
        }
        same = disjunction(both(one, other) for one, other in verdicts.values())
        found["reasons"] = both(same, self._reasons())
        found["consequences"] = both(old.allow, new.allow, self.consequences())
        return found

    def deciding(self, kind: Kind) -> list[tuple[Side, Place, Bool]]:
        """Each rule, and each version of one, that makes the verdict of one of them alone, with where it does.

        Of a change that is loosened those of the old policy, else those of the new one.
        """
        old, new = VERDICTS.get(kind, ("allow", "allow"))
        side: Side = "old" if new == "allow" else "new"
        status = DECIDING.get(old if side == "old" else new)
        ruling, elsewhere = self.rulings[side], _outcomes(self.rulings["new" if side == "old" else "old"])
        found = []
        for each in (*ruling.guards, *ruling.constraints):
            if each.rule.severity == "error" and status is not None:
                so = each.violated if status == "violated" else _unknown(each)
                other = elsewhere.get((each.rule.id, "error", status), False)
                found.append((side, each.rule.place, both(so, opposite(other))))
        return found

    def _reasons(self) -> Bool:
        """Where a rule is not satisfied in one of them alone, or not of the same severity."""
        old, new = (_outcomes(self.rulings[side]) for side in ("old", "new"))
        names = dict.fromkeys((*old, *new))
        return disjunction(opposite(equal(old.get(each, False), new.get(each, False))) for each in names)

    def consequences(self) -> Bool:
        """Where another account is left, other events are recorded or something else must be done."""
        old, new = self.rulings["old"].after, self.rulings["new"].after
        parts = [self.shared.differ(name, old.account[name], new.account[name]) for name in self.shared.account]
        parts += [
            opposite(alike(old.features[name], new.features[name]))
            for name in self.shared.features
            if not self.registers
        ]
        due_old, due_new = self._due("old"), self._due("new")
        names = dict.fromkeys((*due_old, *due_new))
        parts += [opposite(equal(due_old.get(each, False), due_new.get(each, False))) for each in names]
        return disjunction(parts)

    def _due(self, side: Side) -> dict[tuple[str, object], Bool]:
        """What surely or perhaps happens, and what must be done for it, with where it does."""
        terms, moment = self.terms(side), self.moments[side]
        found: dict[tuple[str, object], Bool] = {}
        for trigger in self.asking.triggers:
            asked = self.wanted[trigger.removeprefix("set.")][0] if trigger.startswith("set.") else True
            for move in self.moves[side].moves_of(trigger):
                active = both(asked, holds(move.in_force, moment))
                applies = terms.truth(move.applies)
                perhaps = both(active, opposite(applies.false))
                happens: dict[tuple[str, object], Bool] = {
                    ("event", move.event): both(active, applies.true),
                    ("perhaps", move.event): perhaps,
                }
                for each in move.obligations:
                    due = both(perhaps, opposite(terms.truth(each.when).false))
                    happens["obligation", each.text] = either(happens.get(("obligation", each.text), False), due)
                for what, so in happens.items():
                    found[what] = either(found.get(what, False), so)
        return found

    # --------------------------------------------------------------------------------------------------- its parts

    def terms(self, side: Side, *, after: bool = False) -> Terms:
        if (side, after) not in self._terms:
            ruling = self.rulings[side]
            self._terms[side, after] = Terms(ruling.scene_after if after else ruling.scene_before)
        return self._terms[side, after]

    def plain(self, day: int, most: int) -> Bool:
        """A usual day, and no long history."""
        return both(self.moments["new"].today == day, self.short(most))

    def short(self, most: int) -> Bool:
        return conjunction(count <= most for _, count in self.past.counts.values())


def _outcomes(ruling: Ruling) -> dict[tuple[str, str, str], Bool]:
    """By the id of a rule, its severity and what became of it: where that is so."""
    found: dict[tuple[str, str, str], Bool] = {}
    for each in (*ruling.guards, *ruling.constraints):
        for status, so in (("violated", each.violated), ("unknown", _unknown(each))):
            key = (each.rule.id, each.rule.severity, status)
            found[key] = either(found.get(key, False), so)
    return found


def _unknown(judged: Judged) -> Bool:
    return both(judged.asked, opposite(judged.outcome.true), opposite(judged.outcome.false))


# ------------------------------------------------------------------------------------------------- written alike


@dataclass(slots=True)
class Alike:
    """Which changes are written alike in both policies, so that there is nothing to prove."""

    shared: Shared
    context: bool = field(init=False)

    def __post_init__(self) -> None:
        old, new = self.shared.old, self.shared.new
        self.context = not self.shared.only and _context(old) == _context(new)

    def has(self, asking: Asking) -> bool:
        return self.context and _essence(self.shared.old, asking) == _essence(self.shared.new, asking)


def _context(program: Program) -> object:
    """What matters to every change."""
    schema = [
        [(each.type, each.default, each.minimum, each.maximum) for each in (part[n] for n in sorted(part))]
        for part in (program.account, program.request)
    ]
    rules = [each for each in program.rules if each.scope != "move"]
    return program.timezone, schema, meant(program, rules, [])


def _essence(program: Program, asking: Asking) -> object:
    """What matters to one change alone."""
    rules = [each for each in program.rules if each.scope == "move" and each.subject in asking.triggers]
    return meant(program, rules, [each for each in program.moves if each.trigger in asking.triggers])


def meant(program: Program, rules: Iterable[Rule], moves: Iterable[Move]) -> object:
    """What such rules and moves come to: equal to that of others where those are written alike."""
    rules, moves = list(rules), list(moves)
    exprs = [expr for each in rules for expr in (each.when, each.requires)]
    for move in moves:
        exprs += [move.applies, *(each.value for each in move.effects), *(each.when for each in move.obligations)]
    names = {
        node.name for expr in exprs for node in everything(expr, program.conditions) if isinstance(node, ir.ConditionOf)
    }
    return (
        [
            (each.id, each.kind, each.scope, each.subject, each.when, each.requires, each.severity, each.in_force)
            for each in rules
        ],
        [(each.event, each.applies, each.in_force, each.effects, each.obligations) for each in moves],
        {name: program.conditions[name].holds for name in sorted(names)},
    )
