"""Which rules refuse an action for good: no other change turns them, only time and the action itself."""

from __future__ import annotations

from collections.abc import Sequence

from lawful.deciding.judging import Judged
from lawful.deciding.rulebook import triggers_of
from lawful.ir import AtMost, Clock, Count, Expr, Field, Period, Program, Rule, everything
from lawful.planning.setting import Setting, State
from lawful.question import Asked


class Firm:
    """Which rules refuse an action whatever else is done meanwhile, or before, by what they read.

    Of a limit the earliest instants leave most room for later ones. What the action itself writes must not depend on
    when it is done, nor on the type it is done as, nor must the rule that reads it: then it is refused for ever, after
    so many times in whatever order.
    """

    def __init__(self, program: Program, setting: Setting, field: str, starts: Sequence[State], asked: Asked) -> None:
        """`field`: the type of account, which stays as it is; `starts`: where it all begins."""
        self.program = program
        self.setting = setting
        self.field = field
        self.triggers = triggers_of(asked)
        self.moves = [move for move in self.program.moves if move.trigger in self.triggers]
        self.written = {effect.field for move in self.moves for effect in move.effects}
        self.elsewhere = {
            effect.field
            for move in self.program.moves
            if move.trigger not in self.triggers and move.trigger != "register"
            for effect in move.effects
        }
        self.differing = {name for name in program.account if len({each.account.get(name) for each in starts}) > 1}
        """Fields that depend on where it begins."""
        self.begins_alike = len({each.events for each in starts}) == 1
        self._known: dict[int, bool] = {}

    def refuses(self, judged: Judged) -> bool:
        rule = judged.rule
        if judged.outcome != "violated" or rule.severity != "error" or rule.scope != "move":
            return False
        if id(rule) not in self._known:
            self._known[id(rule)] = self._is_firm(rule)
        return self._known[id(rule)]

    def _is_firm(self, rule: Rule) -> bool:
        nodes = self._nodes(rule.when, rule.requires)
        if not all(self._is_fixed(node) for node in nodes):
            return False
        counts = [node for node in nodes if isinstance(node, Count)]
        if counts and not (isinstance(rule.requires, AtMost) and counts == [rule.requires.count] and self.begins_alike):
            return False
        if not any(self._is_written(node) for node in nodes):
            return True
        timed = counts or any(isinstance(node, Clock) for node in nodes) or rule.in_force != Period()
        return not timed and not any(self._is_type(node) for node in nodes) and self._is_steady()

    def _is_steady(self) -> bool:
        """Whether what it leaves does not depend on when it is done, nor by which type of account."""
        if len(self.moves) != 1 or self.moves[0].in_force != Period():
            return False
        move = self.moves[0]
        nodes = self._nodes(move.applies, *(effect.value for effect in move.effects))
        return all(
            self._is_fixed(node) and not self._is_type(node) and not isinstance(node, Clock | Count) for node in nodes
        )

    def _nodes(self, *exprs: Expr) -> list[Expr]:
        return [node for expr in exprs for node in everything(expr, self.program.conditions)]

    def _is_written(self, node: Expr) -> bool:
        return isinstance(node, Field) and node.owner == "account" and node.name in self.written

    def _is_type(self, node: Expr) -> bool:
        return isinstance(node, Field) and node.owner == "account" and node.name == self.field

    def _is_fixed(self, node: Expr) -> bool:
        """Whether nothing but time and the action itself moves it, wherever it begins."""
        match node:
            case Clock():
                return node.name == "today"
            case Field(owner="account"):
                if self._is_type(node):
                    return True
                motion = self.program.account[node.name].motion
                moved = motion in ("lifecycle", "settable") or (motion == "outside" and self.setting.obtains)
                return not (moved or node.name in self.elsewhere or node.name in self.differing)
            case Field(owner="request"):
                return node.name in self.setting.facts
            case Field():
                return False
            case _:
                return True
