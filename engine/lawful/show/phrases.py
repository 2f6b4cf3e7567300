"""Conditions as phrases: by the titles of what they speak of where they have any, as written otherwise."""

from __future__ import annotations

from typing import Final
from zoneinfo import ZoneInfo

from lawful import wording
from lawful.ir import (
    FALSE,
    TRUE,
    And,
    Clock,
    Compare,
    Comparison,
    ConditionOf,
    Constant,
    Count,
    Expr,
    Field,
    FieldDeclaration,
    Known,
    Language,
    ListOf,
    Member,
    Not,
    Or,
    Period,
    Program,
    Text,
)

_SYMBOLS: Final = {"==": "=", "!=": "≠", "<=": "≤", ">=": "≥", "<": "<", ">": ">"}
_OPPOSITES: Final[dict[Comparison, Comparison]] = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


class Phrases:
    """Says things about one program in one language."""

    def __init__(self, program: Program, language: Language) -> None:
        self.program = program
        self.language = language
        self.zone = ZoneInfo(program.timezone)

    def say(self, english: str, chinese: str) -> str:
        return english if self.language == "en" else chinese

    def text(self, text: Text | None, otherwise: str = "") -> str:
        return otherwise if text is None else text.best(self.language)

    def listed(self, parts: list[str]) -> str:
        return self.say(", ", "、").join(parts)

    # --------------------------------------------------------------------------------------------- conditions

    def condition(self, expr: Expr) -> str:
        """A phrase that is true where the expression is; the expression itself where there are no words for it."""
        match expr:
            case ConditionOf():
                return self._named(expr)
            case Not():
                return self._negated(expr.operand)
            case And():
                return self.say(" and ", "，且").join(self._within(each) for each in expr.operands)
            case Or():
                return self.say(" or ", "，或").join(self._within(each) for each in expr.operands)
            case Known(operand=Field() as field):
                return self.say(f"{self._fact(field)} is known", f"已知{self._fact(field)}")
            case Field() if expr.owner.endswith("features"):
                title = wording.feature_title(self.program, expr.name, self.language)
                return self.say(f"{title} is enabled", f"已开通{title}")
            case Field():
                return self._fact(expr)
            case Compare():
                return self._comparison(expr) or self._as_written(expr)
            case Member(item=Field() as field, collection=ListOf() as choices):
                names = [self._term(each, field) for each in choices.items]
                return self._choice(field, [name for name in names if name is not None], len(names), expr)
            case _ if expr == TRUE:
                return self.say("always", "总是")
            case _ if expr == FALSE:
                return self.say("never", "从不")
            case _:
                return self._as_written(expr)

    def _as_written(self, expr: Expr) -> str:
        return f"`{wording.cel(expr)}`"

    def _named(self, expr: ConditionOf) -> str:
        """By its title; by what it says where that is short; by its name."""
        condition = self.program.conditions[expr.name]
        if condition.title is not None:
            return self.text(condition.title)
        phrase = self.condition(condition.holds)
        return self._as_written(expr) if "`" in phrase or isinstance(condition.holds, (And, Or)) else phrase

    def _within(self, expr: Expr) -> str:
        """A part of a longer phrase; in brackets where it is one itself."""
        phrase = self.condition(expr)
        longer = isinstance(expr, (And, Or)) or phrase.startswith(("not: ", "并非："))
        return self.say(f"({phrase})", f"（{phrase}）") if longer else phrase

    def _negated(self, expr: Expr) -> str:
        if isinstance(expr, ConditionOf):
            holds = self.program.conditions[expr.name].holds
            opposite = self._opposite(holds)
        else:
            opposite = self._opposite(expr)
        if opposite is not None and "`" not in opposite:
            return opposite
        phrase = self._within(expr)
        return self.say(f"not: {phrase}", f"并非：{phrase}")

    def _opposite(self, expr: Expr) -> str | None:
        """The negated phrase, where saying it needs no *not* in front."""
        match expr:
            case Compare():
                return self.condition(Compare(_OPPOSITES[expr.operator], expr.left, expr.right))
            case Not():
                return self.condition(expr.operand)
            case Known(operand=Field() as field):
                return self.say(f"{self._fact(field)} is not known", f"{self._fact(field)}未知")
            case Field() if expr.owner.endswith("features"):
                title = wording.feature_title(self.program, expr.name, self.language)
                return self.say(f"{title} is not enabled", f"未开通{title}")
            case _:
                return None

    def _comparison(self, expr: Compare) -> str | None:
        field = next((each for each in (expr.left, expr.right) if isinstance(each, Field)), None)
        left, right = self._term(expr.left, field), self._term(expr.right, field)
        if left is None or right is None:
            return None
        if isinstance(expr.left, Field) and expr.left.type.kind in ("enum", "string", "bool"):
            relation = {"==": self.say("is", "为"), "!=": self.say("is not", "不为")}.get(expr.operator)
            if relation is not None:
                return self.say(f"{left} {relation} {right}", f"{left}{relation}{right}")
        return f"{left} {_SYMBOLS[expr.operator]} {right}"

    def _choice(self, field: Field, names: list[str], wanted: int, expr: Expr) -> str:
        if len(names) != wanted:
            return self._as_written(expr)
        fact = self._fact(field)
        return self.say(f"{fact} is one of {self.listed(names)}", f"{fact}为{self.listed(names)}之一")

    def _term(self, expr: Expr, beside: Field | None) -> str | None:
        """An operand; `beside` is the fact it is compared with, whose titles its value has."""
        match expr:
            case Field() if not expr.owner.endswith("features"):
                return self._fact(expr)
            case Constant():
                declaration = self._declaration(beside) if beside is not None else None
                return self.value(declaration, expr)
            case Clock():
                return self.say(expr.name, {"today": "今天", "now": "现在"}[expr.name])
            case Count():
                return self._count(expr)
            case _:
                return None

    def value(self, declaration: FieldDeclaration | None, constant: Constant) -> str:
        # What a policy's own text says is no secret: only an account's value of a private field is.
        if declaration is None or declaration.private:
            return wording.cel(constant)
        return wording.of_field(declaration, constant.value, self.language, self.zone)

    def _fact(self, field: Field) -> str:
        declaration = self._declaration(field)
        title = wording.field_title(declaration, self.language) if declaration is not None else field.name
        match field.owner:
            case "before":
                return self.say(f"{title} before", f"变更前的{title}")
            case "after":
                return self.say(f"{title} after", f"变更后的{title}")
            case "request" if declaration is None or declaration.title is None:
                return self.say(f"{title} (of the request)", f"{title}（申请所述）")
            case _:
                return title

    def _declaration(self, field: Field) -> FieldDeclaration | None:
        if field.owner.endswith("features"):
            return None
        return (self.program.request if field.owner == "request" else self.program.account).get(field.name)

    def _count(self, count: Count) -> str:
        names = self.events(count.events)
        window = wording.span(count.window, self.language)
        return self.say(f"number of {names} {window}", f"{window}{names}的次数")

    # -------------------------------------------------------------------------------------------------- others

    def events(self, names: tuple[str, ...]) -> str:
        return self.listed([f"“{self.event(name)}”" for name in names])

    def event(self, name: str) -> str:
        """What an entry of a history is called."""
        kind, _, subject = name.partition(".")
        if kind in ("enable", "disable") and subject in self.program.features:
            title = wording.feature_title(self.program, subject, self.language)
            return self.say(f"{kind} {title}", {"enable": "开通", "disable": "关闭"}[kind] + title)
        return wording.event_title(self.program, name, self.language)

    def period(self, period: Period) -> str:
        """`from 2016-09-01 until 2018-12-27`; empty for always."""
        parts = []
        if period.start is not None:
            parts.append(self.say(f"from {period.start}", f"自{period.start}起"))
        if period.until is not None:
            parts.append(self.say(f"until {period.until}", f"至{period.until}前"))
        return self.say(" ", "").join(parts)
