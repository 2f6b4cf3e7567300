"""Questions about one change, or none, of an account that may be in any state: what the rules say to each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import combinations
from typing import Final

from lawful import ir, values
from lawful.deciding.judging import Judge
from lawful.deciding.judging import Step as JudgedStep
from lawful.engines import reference
from lawful.ir import And, Not, Or, Rule, Text
from lawful.proofs.answers import UNCONFIRMED, Answer, Question
from lawful.proofs.asking import tables_of, written_rules
from lawful.proofs.logic import FALSE, Bool, Meaning, both, conjunction, disjunction, known, opposite
from lawful.proofs.moves import Change, Judged, Moves, Ruling, holds
from lawful.proofs.reach import reads_of
from lawful.proofs.space import Model, Space
from lawful.proofs.state import Now, State, fresh_fact, some_state
from lawful.proofs.terms import Terms
from lawful.proofs.witness import Happening, Reading, Replay, Witness, asked_once, realized
from lawful.reading import Reader

_USUAL: Final = date(2025, 7, 16)
"""In the middle of a month: each window begins on a day of its own."""
_NOTHING: Final = Witness(())


@dataclass(frozen=True, slots=True)
class Shown:
    """Whether something can be; and the witness, where the reference confirms it."""

    possible: bool = False
    witness: Witness | None = None


@dataclass(slots=True)
class _Asked:
    """A rule, as it is judged of any account."""

    rule: Rule
    applies: Bool
    violated: Bool
    satisfied: Bool
    """It applies, and it holds."""
    fine: Bool
    ruling: Ruling | None
    """The change that it guards; None for a constraint."""


class Anywhere:
    """One account in any state, and one change of it, of whichever kind."""

    def __init__(self, moves: Moves, judge: Judge, reader: Reader, space: Space) -> None:
        self.moves = moves
        self.program = moves.program
        self.judge = judge
        self.reader = reader
        self.space = space
        self.moment = Now(space)
        self.state = some_state(space, self.program)
        self.now = Terms(moves.scene(space, self.state, self.moment))
        self._most = _most_counted(self.program) + 2
        self._rulings: dict[str, Ruling] = {}
        self._rules: dict[int, _Asked] = {}

    # ------------------------------------------------------------------------------------------------ its parts

    def ruling(self, trigger: str) -> Ruling:
        """What `check` says of that change alone."""
        if trigger not in self._rulings:
            kind, _, name = trigger.partition(".")
            state = self.state
            match kind:
                case "set":
                    value = known(fresh_fact(self.space, f"to_{name}", self.program.account[name]))
                    change = Change("set", values={name: (True, value)})
                case "register":
                    change = Change("register")
                    off: dict[str, Meaning] = dict.fromkeys(self.program.features, FALSE)
                    state = State(state.account, off, state.history)
                case _:
                    change = Change(kind, name)  # type: ignore[arg-type]  # a trigger begins with its kind
            self._rulings[trigger] = self.moves.ruling(self.space, change, state, self.moment)
        return self._rulings[trigger]

    def rule(self, rule: Rule) -> _Asked:
        if id(rule) not in self._rules:
            self._rules[id(rule)] = self._of_move(rule) if rule.scope == "move" else self._of_account(rule)
        return self._rules[id(rule)]

    def _of_move(self, rule: Rule) -> _Asked:
        ruling = self.ruling(rule.subject)
        judged = next(each for each in ruling.guards if each.rule is rule)
        applies = both(judged.asked, Terms(ruling.scene_before).truth(rule.when).true)
        return _asked(judged, applies, ruling)

    def _of_account(self, rule: Rule) -> _Asked:
        if rule.scope == "group":
            group = next(each for each in self.program.groups if each.rule == rule.id)
            applies = both(holds(rule.in_force, self.moment), self.now.truth(group.when).true)
            return _Asked(rule, applies, applies, applies, True, None)
        judged = Judged(rule, holds(rule.in_force, self.moment), self.now.outcome(rule.when, rule.requires))
        return _asked(judged, both(judged.asked, self.now.truth(rule.when).true), None)

    def _of(self, id: str) -> list[Rule]:
        return [rule for rule in written_rules(self.program) if rule.id == id]

    # ---------------------------------------------------------------------------------------------------- sweeping

    def sweep(
        self, targets: Sequence[Bool], shown: Callable[[int, Model], Witness | None] | None = None
    ) -> list[Shown]:
        """For each target a model in which it is so, if there is one, and the witness that it becomes.

        One model serves many. What is plain is looked for first: a usual day, and no long history.
        """
        found = [Shown() for _ in targets]
        for plain in (self._plain(), self._short(), True):
            left = [n for n, each in enumerate(found) if each.witness is None and targets[n] is not False]
            while left:
                model = self.space.satisfiable(plain, disjunction(targets[each] for each in left))
                if model is None:
                    break
                for each in left:
                    if model.holds(targets[each]):
                        found[each] = Shown(True, shown(each, model) if shown is not None else _NOTHING)
                left = [each for each in left if not found[each].possible]
            if all(each.witness is not None for each in found):
                break
        return found

    def shown(self, target: Bool, show: Callable[[Model], Witness | None]) -> Shown:
        """Likewise, of one."""
        return self.sweep([target], lambda _, model: show(model))[0]

    def _plain(self) -> Bool:
        return both(self.moment.today == _USUAL.toordinal(), self._short())

    def _short(self) -> Bool:
        before = self.state.history.before
        counts = before.counts.values() if before is not None else ()
        return conjunction(count <= self._most for _, count in counts)

    # -------------------------------------------------------------------------------------------------- dead rules

    def dead(self, questions: Sequence[Question]) -> Iterator[Answer]:
        """Rules that can never apply, or never fail."""
        asked = [(question, self.rule(rule)) for question in questions for rule in self._of(question.subject)]
        failing = self.sweep([each.violated for _, each in asked], lambda n, model: self._broken(asked[n][1], model))
        silent = [each for (_, each), shown in zip(asked, failing, strict=True) if not shown.possible]
        applying = dict(zip(map(id, silent), self.sweep([each.applies for each in silent]), strict=True))
        answers: dict[str, Answer] = {}
        for (question, each), shown in zip(asked, failing, strict=True):
            if shown.possible:
                answer = _confirmed(question, Text("it can apply, and it can fail", "可能适用，也可能不满足"), shown)
            else:
                told = _NEVER_FAILS if applying[id(each)].possible else _NEVER_APPLIES
                answer = Answer(question, "refuted", _dated(told, each.rule), proof="all states")
            kept = answers.get(question.subject)
            if kept is None or kept.status == "proved":
                answers[question.subject] = answer
        yield from answers.values()

    def _broken(self, asked: _Asked, model: Model) -> Witness | None:
        """An account that breaks the rule, if the reference says so, too."""
        if asked.rule.scope == "group":
            return Witness(())
        if asked.ruling is not None:
            answered = asked_once(self.judge, self.reader, self.space, model, asked.ruling, self.moment)
            if answered is None or not _is_violated(answered[0], asked.rule):
                return None
            return Witness((answered[1],))
        replay = self._account(model)
        if replay is None:
            return None
        at = Reading(self.program, self.space, model).instant(self.moment)
        if reference.outcome(asked.rule, replay.situation(at)) != "violated":
            return None
        return Witness((_state(replay, at),))

    def _account(self, model: Model) -> Replay | None:
        """The account of a model as it is, with its history."""
        reading = Reading(self.program, self.space, model)
        replay = Replay(self.judge, self.reader)
        replay.account = reading.facts(self.state.account, self.program.account)
        replay.features = {name: model.holds(held.value) for name, held in self.state.features.items()}
        at = reading.instant(self.moment)
        past = realized(self.state.history.before, model, self.moment, at, self.judge)
        if past is None:
            return None
        replay.history = past
        return replay

    # ---------------------------------------------------------------------------------------------- shadowed rules

    def shadowed(self, questions: Sequence[Question]) -> Iterator[Answer]:
        """Rules that are never broken but where others are: looked at from the last on, so that of twins one stays."""
        rules = [each for each in written_rules(self.program) if each.severity == "error" and each.kind != "group"]
        gone: set[int] = set()
        answers = {}
        for question in reversed(questions):
            for rule in self._of(question.subject):
                others = [each for each in rules if each is not rule and id(each) not in gone and _together(rule, each)]
                others = [each for each in others if self._shares(rule, each)]
                answer = self._shadow(question, self.rule(rule), [self.rule(each) for each in others])
                if answer.status == "refuted":
                    gone.add(id(rule))
                if question.subject not in answers or answer.status == "refuted":
                    answers[question.subject] = answer
        yield from (answers[each.subject] for each in questions if each.subject in answers)

    def _shadow(self, question: Question, asked: _Asked, others: list[_Asked]) -> Answer:
        alone = both(asked.violated, *(opposite(each.violated) for each in others))
        shown = self.shown(alone, lambda model: self._broken(asked, model))
        if shown.possible:
            return _confirmed(question, Text("it alone can refuse", "可能只有它不满足"), shown)
        if self.space.satisfiable(asked.violated) is None:  # dead: told elsewhere
            return Answer(question, "proved", Text("it can never fail", "它不会不满足"), proof="all states")
        by = [each for each in others if self.space.satisfiable(asked.violated, opposite(each.violated)) is None]
        names = ", ".join(each.rule.id for each in (by[:1] or others))
        told = Text(f"whenever it is broken, so is {names}", f"凡它不满足时，{names}也不满足")
        return Answer(question, "refuted", told, proof="all states")

    def _shares(self, one: Rule, other: Rule) -> bool:
        """Whether the two read a fact in common, or one of them none at all."""
        return bool(
            reads_of(self.program, one.when, one.requires) & reads_of(self.program, other.when, other.requires)
        ) or bool(_reads_request(self.program, one) & _reads_request(self.program, other))

    # ------------------------------------------------------------------------------------------------- conflicts

    def conflict(self, questions: Sequence[Question]) -> Iterator[Answer]:
        """Two rules that can apply together, and never hold together."""
        wanted = {each.subject for each in questions}
        rules = [each for each in written_rules(self.program) if each.severity == "error" and each.kind != "group"]
        pairs = [
            (self.rule(one), self.rule(other))
            for one, other in combinations(rules, 2)
            if one.id != other.id
            and (one.id in wanted or other.id in wanted)
            and _together(one, other)
            and self._shares(one, other)
        ]
        held = self.sweep([both(one.satisfied, other.satisfied) for one, other in pairs])
        apart = [pair for pair, model in zip(pairs, held, strict=True) if not model.possible]
        meeting = self.sweep([both(one.applies, other.applies) for one, other in apart])
        alone = self.sweep([each.satisfied for pair in apart for each in pair])
        against: dict[str, list[str]] = {}
        for number, (one, other) in enumerate(apart):
            if meeting[number].possible and alone[2 * number].possible and alone[2 * number + 1].possible:
                against.setdefault(other.rule.id, []).append(one.rule.id)
        for question in questions:
            others = ", ".join(dict.fromkeys(against.get(question.subject, ())))
            if others:
                told = Text(
                    f"where it and {others} apply, they are never satisfied together",
                    f"它与{others}同时适用时，不可能都满足",
                )
                yield Answer(question, "refuted", told, proof="all states")
            else:
                yield Answer(question, "proved", Text("it excludes no other rule", "不与其他规则互斥"))

    # --------------------------------------------------------------------------------------------------- effects

    def effect(self, questions: Sequence[Question]) -> Iterator[Answer]:
        """Effects of changes whose guards are satisfied, after which a constraint is broken that was not before."""
        for question in questions:
            yield self._effect(question)

    def _effect(self, question: Question) -> Answer:
        move_id, _, name = question.subject.rpartition(".effects.")
        for move in self.program.moves:
            if move.id != move_id or all(effect.field != name for effect in move.effects):
                continue
            ruling = self.ruling(move.trigger)
            before, after = Terms(ruling.scene_before), Terms(ruling.scene_after)
            allowed = both(
                holds(move.in_force, self.moment),
                before.truth(move.applies).true,
                ruling.moved.get(f"account.{name}", False),
                conjunction(each.fine for each in ruling.guards if each.rule.severity == "error"),
            )
            for rule in self.moves.book.constraints:
                if rule.scope != "account" or rule.severity == "info":
                    continue
                if f"account.{name}" not in self.moves.book.reads[id(rule)]:
                    continue
                breaks = both(
                    allowed,
                    holds(rule.in_force, self.moment),
                    before.outcome(rule.when, rule.requires).true,
                    after.outcome(rule.when, rule.requires).false,
                    self._clean(before, rule),
                )
                shown = self.shown(breaks, self._breaking(rule, ruling))
                if shown.possible:
                    return self._breaks(question, rule, shown)
        return Answer(question, "proved", Text("it breaks no constraint", "不会违反约束"), proof="all states")

    def _clean(self, terms: Terms, but: Rule) -> Bool:
        """Nothing else is wrong with the account before."""
        return conjunction(
            opposite(self.moves.finding(rule, terms))
            for rule in self.moves.book.constraints
            if rule.scope == "account" and rule.severity == "error" and rule is not but
        )

    def _breaking(self, rule: Rule, ruling: Ruling) -> Callable[[Model], Witness | None]:
        def show(model: Model) -> Witness | None:
            answered = asked_once(self.judge, self.reader, self.space, model, ruling, self.moment)
            return Witness((answered[1],)) if answered is not None and _is_violated(answered[0], rule) else None

        return show

    def _breaks(self, question: Question, rule: Rule, shown: Shown) -> Answer:
        if shown.witness is None:
            return Answer(question, "unsettled", UNCONFIRMED)
        en, zh = f"its effect can break {rule.id}", f"其效果可能违反{rule.id}"
        if rule.severity == "error":
            en, zh = f"{en}, which then refuses the change", f"{zh}，变更因此被拒绝"
        return Answer(question, "refuted", Text(en, zh), shown.witness)

    # ----------------------------------------------------------------------------------------------- feature tables

    def feature_table(self, questions: Sequence[Question]) -> Iterator[Answer]:
        """An account to which no column applies, or two columns that say different things."""
        tables = tables_of(self.program)
        for question in questions:
            yield self._table(question, tables[question.subject])

    def _table(self, question: Question, rules: list[Rule]) -> Answer:
        scene = Terms(self.ruling(rules[0].subject).scene_before)
        nobody, torn = [], []
        for rule in rules:
            yes, no = _cells(rule)
            columns = [scene.truth(each) for each in (*yes, *no)]
            in_force = holds(rule.in_force, self.moment)
            nobody.append(both(in_force, *(each.false for each in columns)))
            torn += [both(in_force, scene.truth(one).true, scene.truth(other).true) for one in yes for other in no]
        for claims, told in ((nobody, _NO_COLUMN), (torn, _TORN)):
            shown = self.shown(disjunction(claims), self._as_it_is)
            if shown.possible:
                return Answer(question, "refuted" if shown.witness else "unsettled", told, shown.witness)
        told = Text(
            "some column applies to everybody, and none contradicts another", "每个账号都有列适用，且各列不矛盾"
        )
        return Answer(question, "proved", told, proof="all states")

    def _as_it_is(self, model: Model) -> Witness | None:
        """The account of a model, for a person to look at."""
        replay = self._account(model)
        if replay is None:
            return None
        at = Reading(self.program, self.space, model).instant(self.moment)
        return Witness((_state(replay, at),))


_NEVER_APPLIES: Final = Text("it can never apply, whatever the account and the day", "无论账号与日期如何，都不会适用")
_NEVER_FAILS: Final = Text("it can never fail, whatever the account and the day", "无论账号与日期如何，都不会不满足")
_NO_COLUMN: Final = Text("no column applies to this account", "没有任何列适用于该账号")
_TORN: Final = Text("one column says yes to this account and another no", "对该账号，一列为是而另一列为否")


def _confirmed(question: Question, told: Text, shown: Shown) -> Answer:
    if shown.witness is None:
        return Answer(question, "unsettled", UNCONFIRMED)
    return Answer(question, "proved", told, shown.witness)


def _most_counted(program: ir.Program) -> int:
    """The greatest number that a count is compared with, as far as it is a sensible one."""
    limits = [rule.requires.at_most for rule in program.rules if isinstance(rule.requires, ir.AtMost)]
    numbers = [
        node.value
        for rule in program.rules
        for expr in (rule.when, rule.requires)
        for node in ir.everything(expr, program.conditions)
        if isinstance(node, ir.Constant) and node.type == ir.INT and isinstance(node.value, int)
    ]
    return max([0, *(each for each in (*limits, *numbers) if each <= 100)])


def _asked(judged: Judged, applies: Bool, ruling: Ruling | None) -> _Asked:
    satisfied = both(applies, judged.outcome.true)
    return _Asked(judged.rule, applies, judged.violated, satisfied, judged.fine, ruling)


def _state(replay: Replay, at: datetime) -> Happening:
    """The account as it is, for a person to look at."""
    return Happening("state", values.local(at, replay.judge.zone), replay.asking(at), {})


def _is_violated(step: JudgedStep, rule: Rule) -> bool:
    return any(each.rule.id == rule.id and each.outcome == "violated" for each in step.judged)


def _together(one: Rule, other: Rule) -> bool:
    """Whether the two are ever asked together: of one change, or of the account."""
    return one.scope == other.scope and one.subject == other.subject


def _reads_request(program: ir.Program, rule: Rule) -> set[str]:
    return {
        node.name
        for expr in (rule.when, rule.requires)
        for node in ir.everything(expr, program.conditions)
        if isinstance(node, ir.Field) and node.owner == "request"
    }


def _dated(told: Text, rule: Rule) -> Text:
    start, until = rule.in_force.start, rule.in_force.until
    if start is None and until is None:
        return told
    return Text(f"{told.en} ({_period(rule)})", f"{told.zh}（{_period(rule)}）")


def _period(rule: Rule) -> str:
    return f"{rule.in_force.start or '…'} – {rule.in_force.until or '…'}"


def _cells(rule: Rule) -> tuple[list[ir.Expr], list[ir.Expr]]:
    """The columns that say yes and those that say no, as the compiler puts them together."""
    parts = rule.requires.operands if isinstance(rule.requires, And) else (rule.requires,)
    first, *rest = parts
    no = [each.operand if isinstance(each, Not) else Not(each) for each in rest]
    if first == ir.FALSE:
        return [], no
    if isinstance(first, Not) and first.operand in no:
        return [], [first.operand, *no]
    return (list(first.operands) if isinstance(first, Or) else [first]), no
