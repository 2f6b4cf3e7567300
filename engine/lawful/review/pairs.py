"""Of every rule an account just outside its edge, and one just inside: alike but for one fact.

Outside is a request that is answered otherwise than it would be without the rule: there it decides, or warns. Inside
is one beside it where the rule makes no difference.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, Literal

from lawful.cases import Case
from lawful.diagnostics import RequestError
from lawful.ir import Place, Program, Rule, Text
from lawful.mutation.answering import Answer, Decider, told_apart
from lawful.mutation.distinguishing import Request, Search, Varied, parts, without
from lawful.mutation.edges import looked
from lawful.mutation.killing import Asked as AskedCase
from lawful.mutation.killing import asked
from lawful.mutation.mutants import Mutant, mutants
from lawful.mutation.pasting import CaseData, case
from lawful.policy import Policy
from lawful.question import Asked, Question

Side = Literal["outside", "inside"]
_FOUND: Final = 200
_PATIENCE: Final = 1500
_CANDIDATES: Final = 16
"""Accounts outside a rule among which the plainest is taken, and how many are found to choose these from."""
_NO_INSIDE: Final = Text(
    "every request to set it to another value is refused: there is no inside",
    "任何修改该字段的申请都会被拒绝，没有边界内的情形",
)
_NOT_FOUND: Final = Text(
    "no request was found that differs from it in one fact and that the rule has no say in",
    "未找到与之仅差一项信息、且不受该规则影响的申请",
)
_ORDER: Final = ("allow", "undetermined", "deny")


@dataclass(frozen=True, slots=True)
class Proposal:
    """A case that the policy passes, for its owner to confirm."""

    rule: str
    place: Place
    side: Side
    case: CaseData
    alone: Text | None = None
    """Why the other side is not shown, where it is not."""

    @property
    def request(self) -> dict[str, Any]:
        return {key: value for key, value in self.case.items() if key not in ("name", "note", "expect")}


def review(policy: Policy, cases: Sequence[Case]) -> Iterator[Proposal]:
    """Both sides of each rule, as they are found, but for those that a case was accepted for: it has their note."""
    notes = {each.note for each in cases}
    open_rules = [
        each
        for each in rules(policy.program)
        if not {note(each.subject, "outside"), note(each.subject, "inside")} <= notes
    ]
    found = proposals(policy, asked(policy, cases), open_rules)
    return (each for each in found if each.case["note"] not in notes)


def rules(program: Program) -> list[Mutant]:
    """The rules that something can be outside of, each as the program without it."""
    return [each for each in mutants(program) if each.operator == "rule"]


def proposals(policy: Policy, cases: Sequence[AskedCase], rules: Sequence[Mutant]) -> Iterator[Proposal]:
    """Both sides of each rule; nothing of a rule where no account was found outside it."""
    search = Search(policy, cases, _PATIENCE)
    for mutant in rules:
        yield from _of_rule(policy, search, mutant)


def _of_rule(policy: Policy, search: Search, mutant: Mutant) -> Iterator[Proposal]:
    edge = _Edge(policy, mutant)
    found = search.several(mutant, _FOUND)
    broken = [each for each in found if mutant.subject in each.policy.violated] or found
    pairs = [edge.pair(each.request) for each in broken[:: max(len(broken) // _CANDIDATES, 1)]]
    if not pairs:
        return
    outside, inside = edge.shortened(*min(pairs, key=edge.plainness))
    alone = None if inside is not None else _NO_INSIDE if edge.is_never_inside() else _NOT_FOUND
    yield _proposal(policy, mutant, "outside", outside, edge.answer(outside), alone)
    if inside is not None:
        yield _proposal(policy, mutant, "inside", inside, edge.answer(inside))


def _proposal(
    policy: Policy, mutant: Mutant, side: Side, request: Request, answer: Answer, alone: Text | None = None
) -> Proposal:
    made = case(policy.program, request, answer)
    told = {"name": made.pop("name"), "note": note(mutant.subject, side), **made}
    return Proposal(mutant.subject, mutant.place, side, told, alone)


def note(rule: str, side: Side) -> str:
    """What a case says of where it comes from: by it a review knows what it need not ask again."""
    return f"reviewed: just {side} {rule}"


@dataclass(frozen=True, slots=True)
class _Judged:
    """On which side of a rule a request is, and what it is answered."""

    side: Side
    answer: Answer


class _Edge:
    """Both sides of one rule."""

    def __init__(self, policy: Policy, mutant: Mutant) -> None:
        self._policy = policy
        self._rule = mutant.subject
        self._decider, self._without = Decider(policy.program), Decider(mutant.program)
        self._rules = _rules(policy.program, mutant.subject)
        exprs = [expr for rule in self._rules for expr in (rule.when, rule.requires)]
        self._look = looked((policy.program, exprs))

    def answer(self, request: Request) -> Answer:
        return self._decider.answer(self._policy.read(request))

    def pair(self, outside: Request) -> tuple[Request, Request | None]:
        """Two requests that differ in one fact: beside an edge of it, if there is one, else as the search has it."""
        varied = Varied(self._policy.program, outside, self._look, self._rules)
        return self._sharpest(varied) or (outside, self._inside(varied))

    def is_never_inside(self) -> bool:
        """Whether it refuses whatever is asked of it: a field that nothing may set."""
        return all(rule.kind in ("fixed", "unlisted") for rule in self._rules)

    def plainness(self, pair: tuple[Request, Request | None]) -> tuple[object, ...]:
        """What of a pair is plainer to a reader comes first: one change, one broken rule, an allowed neighbour."""
        outside, inside = pair
        answer = self.answer(outside)
        beside = None if inside is None else self.answer(inside)
        return (
            len(outside.get("changes") or ()),
            _ORDER.index(beside.verdict) if beside is not None else len(_ORDER),
            answer.verdict == "undetermined",
            len(answer.violated) + (len(beside.violated) if beside is not None else 0),
            inside is not None and without(outside, ("history",)) == without(inside, ("history",)),
            len(str(outside)),
        )

    def _judged(self, request: Request) -> _Judged | None:
        """None where the rule neither decides nor is without a say (it is broken beside others), or nothing changes."""
        try:
            question = self._policy.read(request)
        except RequestError:
            return None
        if any(_is_so_already(each, question) for each in question.changes):
            return None
        answer = self._decider.answer(question)
        if told_apart(answer, self._without.answer(question)) is not None:
            return _Judged("outside", answer)
        return None if self._rule in answer.violated else _Judged("inside", answer)

    def _sharpest(self, varied: Varied) -> tuple[Request, Request] | None:
        """Two neighbouring values of an ordered fact, on either side."""
        best: tuple[tuple[int, int], Request, Request] | None = None
        for requests in varied.in_order():
            judged = [(request, self._judged(request)) for request in requests]
            for (one, was), (other, now) in pairwise(judged):
                if was is None or now is None or was.side == now.side:
                    continue
                outside, inside = (one, other) if was.side == "outside" else (other, one)
                answer = now.answer if was.side == "outside" else was.answer
                rank = (_ORDER.index(answer.verdict), Varied(varied.program, one, self._look, ()).distance(other))
                if best is None or rank < best[0]:
                    best = rank, outside, inside
        return None if best is None else best[1:]

    def _inside(self, varied: Varied) -> Request | None:
        """Beside the request, allowed if it may be."""
        found = [(each, judged) for each in varied.one_by_one() if (judged := self._judged(each)) is not None]
        inside = [(each, judged.answer) for each, judged in found if judged.side == "inside"]
        return min(inside, key=lambda each: _ORDER.index(each[1].verdict), default=(None, None))[0]

    def shortened(self, outside: Request, inside: Request | None) -> tuple[Request, Request | None]:
        """Both without what matters to neither."""
        for part in parts(outside):
            one, other = without(outside, part), None if inside is None else without(inside, part)
            if one != other and self._is_same(outside, one) and (inside is None or self._is_same(inside, other)):
                outside, inside = one, other
        return outside, inside

    def _is_same(self, request: Request, shorter: Request | None) -> bool:
        was, now = self._judged(request), None if shorter is None else self._judged(shorter)
        if was is None or now is None:
            return False
        return (was.side, was.answer.verdict, was.answer.violated) == (
            now.side,
            now.answer.verdict,
            now.answer.violated,
        )


def _is_so_already(asked: Asked, question: Question) -> bool:
    """Whether the change would be one to what there is: allowed, whatever the rules are."""
    match asked.kind:
        case "set":
            known = question.account.known()
            return all(known.get(name) == value for name, value in asked.values.items())
        case "enable" | "disable":
            return question.features.get(asked.name) is (asked.kind == "enable")
        case _:
            return False


def _rules(program: Program, id: str) -> list[Rule]:
    return [rule for rule in program.rules if rule.id == id]
