"""Phrases for those who read no signs: words for comparisons, and names of conditions that are words."""

from __future__ import annotations

from typing import Final

from lawful.ir import FALSE, Comparison, ConditionOf, Expr, Text, Type
from lawful.show.phrases import Phrases

_DAYS: Final[dict[Comparison, Text]] = {
    "==": Text("is", "为"),
    "!=": Text("is not", "不为"),
    "<": Text("is before", "早于"),
    "<=": Text("is on or before", "不晚于"),
    ">": Text("is after", "晚于"),
    ">=": Text("is on or after", "不早于"),
}
_NUMBERS: Final[dict[Comparison, Text]] = {
    "==": Text("is", "为"),
    "!=": Text("is not", "不为"),
    "<": Text("is less than", "小于"),
    "<=": Text("is at most", "不超过"),
    ">": Text("is more than", "大于"),
    ">=": Text("is at least", "不少于"),
}


class Words(Phrases):
    """As `Phrases`, in words throughout."""

    def related(self, operator: Comparison, left: str, right: str, type_: Type) -> str:
        words = _DAYS if type_.kind in ("date", "timestamp") else _NUMBERS
        said = words[operator].best(self.language)
        return self.say(f"{left} {said} {right}", f"{left}{said}{right}")

    def condition(self, expr: Expr) -> str:
        if expr == FALSE:
            return self.say("what nobody meets: it is always refused", "无人可满足的条件（一律不允许）")
        return super().condition(expr)

    def named(self, expr: ConditionOf) -> str:
        phrase = super().named(expr)
        return self.word(expr.name) if "`" in phrase else phrase

    def event(self, name: str) -> str:
        title = super().event(name)
        return title if title != name else name.replace("_", " ")

    def word(self, name: str) -> str:
        """What a condition is called: by its title, else by its name as words."""
        title = self.program.conditions[name].title
        return self.text(title) if title is not None else f"“{name.replace('_', ' ')}”"
