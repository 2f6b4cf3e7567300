"""The facts that stand in a text for people: each placeholder's value, where a rule was judged."""

from __future__ import annotations

from lawful import values, wording
from lawful.engines.reference import evaluate
from lawful.engines.situation import Situation, counted
from lawful.ir import AtMost, Compare, Constant, Expr, Field, Language, Program


class Teller:
    """A `wording.Teller`. `requires` is what the rule asks for, which `{count}` and `{limit}` are read from."""

    def __init__(self, program: Program, situation: Situation, requires: Expr | None = None) -> None:
        self.program = program
        self.situation = situation
        self.requires = requires

    def __call__(self, name: str, language: Language) -> str:
        situation = self.situation
        owner, _, field = name.partition(".")
        match owner:
            case "today":
                return situation.today.isoformat()
            case "now":
                return values.written(situation.at, situation.zone)
            case "count" if self._counts_privately():
                return wording.MASKED
            case "count" | "limit":
                number = self._count(owner)
                return wording.UNKNOWN.best(language) if number is None else str(number)
            case "request":
                value = situation.fact("request", field)
                return wording.of_field(self.program.request.get(field), value, language, situation.zone)
            case _:
                value = situation.fact("change" if owner == "change" else "account", field)
                return wording.of_field(self.program.account.get(field), value, language, situation.zone)

    def knows(self, name: str) -> bool:
        """Whether a placeholder stands for something known."""
        owner, _, field = name.partition(".")
        if owner == "count":
            return self._count(owner) is not None
        return self.situation.fact("change" if owner == "change" else "account", field) is not None

    def _counts_privately(self) -> bool:
        requires = self.requires
        counter = requires.counted_by if isinstance(requires, AtMost) else None
        if isinstance(requires, Compare) and isinstance(requires.left, Field):
            counter = requires.left
        return counter is not None and wording.is_private(self.program, counter)

    def _count(self, which: str) -> int | None:
        """`{limit}`, or `{count}`: of a limit how many there are without the change asked for, of accounts with it."""
        requires = self.requires
        if isinstance(requires, AtMost):
            least, most = counted(requires, self.situation)
            if which == "limit":
                return requires.at_most
            return None if most is None and least == requires.own else least - requires.own
        if isinstance(requires, Compare) and isinstance(requires.right, Constant):
            if which == "limit":
                return requires.right.value if isinstance(requires.right.value, int) else None
            others = evaluate(requires.left, self.situation)
            return others + 1 if isinstance(others, int) else None
        return None
