"""Where the rules of one program stand: by the change they guard, by the facts they read, by the dates they hold."""

from __future__ import annotations

from bisect import bisect_right
from datetime import date

from lawful.deciding.entitlement import Entitlements
from lawful.ir import Expr, Field, Language, Move, Program, Rule, everything
from lawful.question import Asked


class Rulebook:
    """The rules of one program, found rather than looked through: what a check costs grows with what can apply."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.constraints = [rule for rule in program.rules if rule.scope in ("account", "group")]
        self._guards: dict[str, list[Rule]] = {}
        self._moves: dict[str, list[Move]] = {}
        for rule in program.rules:
            if rule.scope == "move":
                self._guards.setdefault(rule.subject, []).append(rule)
        for move in program.moves:
            self._moves.setdefault(move.trigger, []).append(move)
        self.reads = {
            id(rule): frozenset(facts_read(program, rule.when, rule.requires))
            for rule in program.rules
            if rule.scope != "move"
        }
        """The facts that a rule which guards no move reads, by its identity."""
        self.said: dict[tuple[str, str, Language], str] = {}
        """What the parts of rules say in words, by the rule and the part as it is written: as far as it was told."""
        self.entitlements = Entitlements(program, self.reads)
        self.everything = frozenset(
            [f"account.{name}" for name in program.account] + [f"features.{name}" for name in program.features]
        )
        # Rules in force change on few dates: between two of them the same rules serve.
        self.turns = sorted(
            {day for rule in program.rules for day in (rule.in_force.start, rule.in_force.until) if day is not None}
        )

    def guards(self, trigger: str, today: date) -> list[Rule]:
        """The rules of a change that are in force."""
        return [rule for rule in self._guards.get(trigger, ()) if rule.in_force.holds(today)]

    def moves(self, trigger: str, today: date) -> list[Move]:
        return [move for move in self._moves.get(trigger, ()) if move.in_force.holds(today)]

    def constraints_reading(self, facts: frozenset[str], today: date) -> list[Rule]:
        """The constraints in force that read some of those facts."""
        return [rule for rule in self.constraints if self.reads[id(rule)] & facts and rule.in_force.holds(today)]

    def turn(self, today: date) -> int:
        """Which stretch between two dates on which rules come or go."""
        return bisect_right(self.turns, today)

    def may_move(self, trigger: str) -> frozenset[str]:
        """The facts that changes of this kind can move."""
        kind, _, name = trigger.partition(".")
        if kind == "register":
            return self.everything
        if kind == "features":
            return frozenset(f"features.{each}" for each in self.program.features)
        moved = {f"account.{effect.field}" for move in self._moves.get(trigger, ()) for effect in move.effects}
        if kind == "set":
            moved.add(f"account.{name}")
        elif kind in ("enable", "disable"):
            moved |= {f"features.{each}" for each in self.program.features}
        return frozenset(moved)

    def asked_for(self, trigger: str) -> Field:
        """The fact that holds what a `set` asks for."""
        name = trigger.removeprefix("set.")
        return Field("change", name, self.program.account[name].type)


def facts_read(program: Program, *exprs: Expr) -> set[str]:
    """The facts of the account that expressions read, by whatever way: `account.f`, `features.f`."""
    found = set()
    for expr in exprs:
        for node in everything(expr, program.conditions):
            if isinstance(node, Field) and node.owner in ("account", "before", "after"):
                found.add(f"account.{node.name}")
            elif isinstance(node, Field) and node.owner.endswith("features"):
                found.add(f"features.{node.name}")
    return found


def triggers_of(asked: Asked) -> tuple[str, ...]:
    """What rules and moves are indexed by."""
    match asked.kind:
        case "set":
            return tuple(f"set.{name}" for name in asked.values)
        case "register":
            return ("register",)
        case kind:
            return (f"{kind}.{asked.name}",)
