"""Why needs that a type serves one by one are not served together: what refuses one once the other is met."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations

from lawful.deciding.explaining import Explanation
from lawful.deciding.judging import Judge
from lawful.decision import Reason
from lawful.ir import TRUE, Expr
from lawful.planning.goals import Goal
from lawful.planning.needs import Need
from lawful.planning.plan import Apart
from lawful.planning.search import Path
from lawful.planning.setting import Setting, State, Taken, question_of
from lawful.planning.telling import refusals
from lawful.planning.together import Shared
from lawful.question import Question

Looked = Callable[[Goal, Sequence[Path]], Path | None]
"""The way to a goal from one of some beginnings, if one is found."""


class Apartness:
    """Of needs of which each is served by accounts of one type."""

    def __init__(self, judge: Judge, setting: Setting, question: Question, looked: Looked) -> None:
        self.judge = judge
        self.setting = setting
        self.question = question
        self.looked = looked

    def apart(self, needs: Sequence[Need], is_type: Expr, there: Path, starts: Sequence[Path]) -> tuple[Apart, ...]:
        """The pairs that exclude each other; all of them together where it is not for two.

        `there`: where an account is of the type; `starts`: where it all begins.
        """
        found = [
            apart_of((one, other), reasons)
            for one, other in combinations(needs, 2)
            if (reasons := self._excluding(one, other, is_type, there, starts)) is not None
        ]
        return tuple(found) or (apart_of(needs, ()),)

    def by_limits(self, needs: Sequence[Need], shared: Shared) -> tuple[Apart, ...]:
        """Those that limits which they share surely exclude at their rates."""
        return tuple(apart_of(some, self._exceeding(some, rules, shared)) for some, rules in shared.excluding(needs))

    def _exceeding(self, needs: Sequence[Need], rules: Sequence[str], shared: Shared) -> list[Reason]:
        """What refuses each of them once all the others, and it itself but once, were done as often as is asked."""
        found: dict[str, Reason] = {}
        for last in needs:
            done = [need.asked.name for need in needs for _ in range(need.times - (need is last))]
            events = (*shared.state.events, *((name, shared.state.at) for name in done))
            state = State(shared.state.account, shared.state.features, events, shared.state.at)
            found |= {each.rule: each for each in self._refusing(last, state) if each.rule in rules}
        return list(found.values())

    def _excluding(
        self, one: Need, other: Need, is_type: Expr, there: Path, starts: Sequence[Path]
    ) -> list[Reason] | None:
        """What refuses each after the other; None if there is an order in which both are met."""
        found: dict[str, Reason] = {}
        for first, second in _orders(one, other):
            begun = self._met(first, is_type, there, starts)
            if begun is None:
                continue
            after = self.looked(Goal(second.asked, TRUE, is_type), [begun])
            if after is not None and (first.feature is None or after.state.features.get(first.feature) is True):
                return None
            if after is not None and after.taken[-1].before.features.get(first.asked.name) is True:
                refused = self._refusing(first, after.state)  # the second itself takes it away
            else:
                refused = self._refusing(second, begun.state)
            found |= {each.rule: each for each in refused}
        return list(found.values())

    def _met(self, need: Need, is_type: Expr, there: Path, starts: Sequence[Path]) -> Path | None:
        """Once the need is met, while the account is of the type or on the way there."""
        goal = Goal(need.asked, TRUE, is_type)
        if goal.is_so_already(there.state.account, there.state.features):
            return there
        return self.looked(goal, [there]) or self.looked(Goal(need.asked, is_type), starts)

    def _refusing(self, need: Need, state: State) -> list[Reason]:
        taken = Taken(state.at, state, need.asked)
        judgement = self.judge.judge(question_of(taken, self.setting, self.question), "reference")
        return refusals(Explanation(self.judge, judgement).reasons())


def apart_of(needs: Sequence[Need], reasons: Sequence[Reason]) -> Apart:
    return Apart(
        needs=tuple(each.text for each in needs),
        rules=tuple(each.rule for each in reasons),
        why=tuple(each.explanation for each in reasons),
    )


def _orders(one: Need, other: Need) -> list[tuple[Need, Need]]:
    """In which order they may be met: an action is needed of an account that has the feature."""
    orders = [(one, other), (other, one)]
    if (one.feature is None) == (other.feature is None):
        return orders
    return [each for each in orders if each[0].feature is not None]
