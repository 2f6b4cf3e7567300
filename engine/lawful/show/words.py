"""Phrases for those who read no signs: words for comparisons, and names of conditions that are words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from lawful import wording
from lawful.ir import (
    FALSE,
    AtMost,
    Comparison,
    ConditionOf,
    Expr,
    Field,
    Language,
    Program,
    Rule,
    Text,
    Type,
    everything,
    negation,
    with_known,
)
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

    def term(self, expr: Expr, beside: Field | None = None) -> str:
        if isinstance(expr, AtMost):
            window = wording.span(expr.count.window, self.language)
            events = self.events(expr.count.events)
            return self.say(f"at most {expr.at_most} of {events} {window}", f"{window}{events}至多{expr.at_most}次")
        return super().term(expr, beside)

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


def as_judged(program: Program, rule: Rule) -> Iterator[Expr]:
    """What a rule says; of what a life cycle lists also what is left once it is known which value is asked for."""
    yield from (rule.requires, rule.when)
    field = program.account.get(rule.id.split(".")[1]) if rule.kind == "unlisted" else None
    if field is not None:
        for value in field.type.values:
            yield with_known(rule.requires, Field("change", field.name, field.type), value)


def in_words(program: Program, rule: str, written: str, language: Language) -> str:
    """What a part of a rule says, given as a justification writes it: its own words where no part is written so."""
    found = part_of(program, rule, written)
    return f"`{written}`" if found is None else Words(program, language).condition(found)


def part_of(program: Program, rule: str, written: str) -> Expr | None:
    """The part of a rule that a justification writes so."""
    parts = (expr for each in program.rules if each.id == rule for expr in as_judged(program, each))
    return _written(program, parts, written)


def anywhere_in_words(program: Program, written: str, language: Language) -> str:
    """What a part of some rule or effect of a policy says, or that it is not so."""
    opposite = written.startswith("!(") and written.endswith(")")
    text = written[2:-1] if opposite else written
    exprs = [expr for each in program.rules for expr in as_judged(program, each)]
    exprs += [effect.value for move in program.moves for effect in move.effects]
    found = _found(program, exprs, written, language)
    if found is None and opposite:
        found = _found(program, exprs, text, language, negated=True)
    return found or f"`{written}`"


def _found(
    program: Program, exprs: Iterable[Expr], written: str, language: Language, *, negated: bool = False
) -> str | None:
    found = _written(program, exprs, written)
    return None if found is None else Words(program, language).condition(negation(found) if negated else found)


def _written(program: Program, exprs: Iterable[Expr], written: str) -> Expr | None:
    nodes = (node for expr in exprs for node in everything(expr, program.conditions))
    return next((node for node in nodes if wording.cel(node) == written), None)
