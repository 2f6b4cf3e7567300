"""What a plan is to come to: a change that is allowed, or a condition that holds."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from msgspec import Struct

from lawful import values, wording
from lawful.engines.reference import evaluate
from lawful.engines.situation import Facts, Situation
from lawful.ir import TRUE, Expr, FieldDeclaration, Program, Value
from lawful.question import Asked


class Goal(Struct, frozen=True):
    """`asked` is the last change of the plan, of a state in which `holds` is true; without it, that is all of the goal.

    `throughout` holds of every state on the way: who asks what a type of account can do does not want to leave it.
    """

    asked: Asked | None
    holds: Expr = TRUE
    throughout: Expr = TRUE

    def is_met(self, situation: Situation) -> bool:
        """Of a condition: whether it holds."""
        return self.asked is None and evaluate(self.holds, situation) is True

    def is_so_already(self, account: Facts, features: Facts) -> bool:
        """Whether the change asked for would be an event of nothing."""
        asked = self.asked
        if asked is None:
            return False
        match asked.kind:
            case "set":
                return all(account.get(name) == value for name, value in asked.values.items())
            case "enable" | "disable":
                return features.get(asked.name) is (asked.kind == "enable")
            case _:
                return False


def in_words(goal: Goal, program: Program) -> str:
    """As it is asked for on the command line; a private value is masked."""
    if goal.asked is None:
        return f"reach {wording.cel(goal.holds)}"
    if goal.asked.kind == "set":
        pairs = (
            f"{name}={_shown(program.account[name], each, ZoneInfo(program.timezone))}"
            for name, each in goal.asked.values.items()
        )
        return f"set {', '.join(pairs)}"
    return f"{goal.asked.kind} {goal.asked.name}".strip()


def _shown(declaration: FieldDeclaration, value: Value, zone: ZoneInfo) -> str:
    if declaration.private:
        return wording.MASKED
    return values.written(value, zone)
