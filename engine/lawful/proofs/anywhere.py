"""Questions about one change, or none, of an account that may be in any state: what the rules say to each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Final

from lawful import ir
from lawful.ir import ALWAYS, And, AtMost, Move, Not, Or, Period, Rule, Text
from lawful.proofs.answers import UNCONFIRMED, Answer, Question, unsettled
from lawful.proofs.asking import EVENTS, conditions_of, tables_of, written_rules
from lawful.proofs.conflicts import Conflicts, Pair
from lawful.proofs.logic import Bool, both, conjunction, disjunction, equal, opposite
from lawful.proofs.moves import Moves, holds
from lawful.proofs.reach import rests_on
from lawful.proofs.space import Deadline, Model, NotSettled
from lawful.proofs.terms import Terms
from lawful.proofs.versions import Gap, common, dated, gaps
from lawful.proofs.view import Asked, Show, Shown, View
from lawful.proofs.witness import Witness
from lawful.wording import cel

Cell = tuple[str, ...]
"""A feature of a table; with two columns, where it is of those."""


class Anywhere:
    """Answers them: each question within so many seconds, and all of them until some time."""

    def __init__(self, made: Callable[[], View], moves: Moves, seconds: float, until: Deadline) -> None:
        self.moves = moves
        self.program = moves.program
        self.seconds = seconds
        self._until = until
        self._made = made
        self._views: dict[str, View] = {}
        self._deadline = Deadline()
        self._written = written_rules(self.program)
        self._deciding = [each for each in self._written if each.severity == "error" and each.kind != "group"]
        self._reads = {id(each): rests_on(self.program, each.when, each.requires) for each in self._written}
        self._conflicts = Conflicts(moves)

    def answers(self, kind: str, questions: Sequence[Question]) -> Iterator[Answer]:
        """The answer to each question, in whatever order."""
        if kind == "shadowed":
            yield from self._shadowed(questions)
            return
        answer = {
            "dead": self._dead,
            "conflict": self._conflict,
            "effect": self._effect,
            "in_force": self._in_force,
            "feature_table": self._table,
        }[kind]
        for each in questions:
            yield self._within(each, answer)

    def _within(self, question: Question, answer: Callable[[Question], Answer]) -> Answer:
        self._deadline = Deadline(min(Deadline.after(self.seconds).at, self._until.at))
        try:
            if self._deadline.passed():
                raise NotSettled
            return answer(question)
        except NotSettled:
            return unsettled(question, self._deadline.why(), self.seconds)

    def view(self, subject: str) -> View:
        """An account and one change of it, or the account by itself for the sake of one question."""
        if subject not in self._views:
            self._views[subject] = self._made()
        view = self._views[subject]
        view.space.deadline = self._deadline
        return view

    def _of(self, id: str) -> list[Rule]:
        return [rule for rule in self._written if rule.id == id]

    def _view_of(self, rule: Rule) -> View:
        return self.view(rule.subject if rule.scope == "move" else f"account {rule.id}")

    # -------------------------------------------------------------------------------------------------- dead rules

    def _dead(self, question: Question) -> Answer:
        """Whether a rule can never apply, or never fail, or never be satisfied, in one of its versions."""
        told: dict[Text, list[Period]] = {}
        fine: list[Answer] = []
        for rule in self._of(question.subject):
            found = self._dead_version(question, rule)
            if isinstance(found, Text):
                told.setdefault(found, []).append(rule.in_force)
            else:
                fine.append(found)
        return _refuted(question, told) if told else _worst(fine)

    def _dead_version(self, question: Question, rule: Rule) -> Text | Answer:
        """What is wrong with it, or that nothing is."""
        view = self._view_of(rule)
        asked = view.rule(rule)
        shown = view.shown(asked.violated, lambda model: view.broken(asked, model), rule.in_force)
        if not shown.possible:
            if not view.can(asked.applies):
                return NEVER_APPLIES
            return _NEVER_FAILS if view.can(asked.satisfied) else _NEVER_KNOWN
        if not (_forbids(rule) or view.can(asked.satisfied)):
            return _NEVER_SATISFIED
        return _confirmed(question, Text("it can apply, and it can fail", "可能适用，也可能不满足"), shown)

    # ---------------------------------------------------------------------------------------------- shadowed rules

    def _shadowed(self, questions: Sequence[Question]) -> Iterator[Answer]:
        """Rules that are never broken but where others are: looked at from the last on, so that of twins one stays."""
        gone: set[int] = set()

        def answer(question: Question) -> Answer:
            told: dict[Text, list[Period]] = {}
            fine: list[Answer] = []
            for rule in self._of(question.subject):
                others = [each for each in self._deciding if id(each) not in gone and self._meet(rule, each)]
                found = self._shadow(question, rule, others)
                if isinstance(found, Answer):
                    fine.append(found)
                else:
                    gone.add(id(rule))
                    told.setdefault(found[0], []).extend(found[1])
            return _refuted(question, told) if told else _worst(fine)

        for question in reversed(questions):
            yield self._within(question, answer)

    def _shadow(self, question: Question, rule: Rule, others: Sequence[Rule]) -> tuple[Text, list[Period]] | Answer:
        """By what one version of a rule is shadowed and on which days, or that it is not."""
        view = self._view_of(rule)
        asked, beside = view.rule(rule), [view.rule(each) for each in others if not self._pauses(each)]
        decides = self._unpaused(view, asked)
        alone = both(decides, *(opposite(each.violated) for each in beside))
        shown = view.shown(alone, lambda model: view.broken(asked, model), rule.in_force)
        if shown.possible:
            return _confirmed(question, Text("it alone can refuse", "可能只有它不满足"), shown)
        if not view.can(asked.violated):  # dead: told elsewhere
            return Answer(question, "proved", Text("it can never fail", "它不会不满足"), proof="all states")
        if not view.can(decides):  # no defect
            told = Text("it can fail only while the change is paused", "只有变更暂停期间才可能不满足")
            return Answer(question, "proved", told, proof="all states")
        by = next((each for each in beside if not view.can(decides, opposite(each.violated))), None)
        needed = [by] if by is not None else self._needed(view, decides, beside)
        # It is only ever broken on their days, or while the change is paused.
        days = [common(rule.in_force, each.rule.in_force) for each in needed]
        return _shadows(list(dict.fromkeys(each.rule.id for each in needed))), days

    def _needed(self, view: View, decides: Bool, beside: Sequence[Asked]) -> list[Asked]:
        """Rules of which one is broken whenever a rule is: several versions of one, or of as few as it takes."""
        ids = list(dict.fromkeys(each.rule.id for each in beside))
        for id in tuple(ids):
            rest = [each for each in beside if each.rule.id in ids and each.rule.id != id]
            if not view.can(decides, *(opposite(each.violated) for each in rest)):
                ids.remove(id)
        return [each for each in beside if each.rule.id in ids]

    def _unpaused(self, view: View, asked: Asked) -> Bool:
        """Whether a rule is broken of a change that is not paused: while it is, no rule of it decides."""
        paused = [each for each in self._deciding if self._pauses(each) and self._together(each, asked.rule)]
        return both(asked.violated, *(opposite(view.rule(each).violated) for each in paused))

    def _pauses(self, rule: Rule) -> bool:
        """Whether it is a version that refuses everything for a time."""
        return rule.in_force != ALWAYS and _forbids(rule) and not conditions_of(self.program, rule)

    def _meet(self, one: Rule, other: Rule) -> bool:
        """Whether two rules are ever asked together, and speak of the same: a fact, the request, or the clock."""
        return self._together(one, other) and bool(self._reads[id(one)] & self._reads[id(other)])

    def _together(self, one: Rule, other: Rule) -> bool:
        alike = (one.scope, one.subject) == (other.scope, other.subject)
        return one is not other and alike and one.in_force.meets(other.in_force)

    # ------------------------------------------------------------------------------------------------- conflicts

    def _conflict(self, question: Question) -> Answer:
        """Whether another rule, that stands before it, can apply together with it and never holds together with it."""
        against: dict[tuple[str, str], list[Period]] = {}
        for rule in self._of(question.subject):
            for change, other in (*self._beside(rule), *self._across(rule)):
                against.setdefault((change, other.id), []).append(common(rule.in_force, other.in_force))
        if not against:
            return Answer(question, "proved", _EXCLUDES_NONE)
        alike: dict[tuple[str, frozenset[Period]], list[str]] = {}
        for (change, id), periods in against.items():
            alike.setdefault((change, frozenset(periods)), []).append(id)
        return _refuted(question, {_apart(ids, change): list(days) for (change, days), ids in alike.items()})

    def _beside(self, rule: Rule) -> Iterator[tuple[str, Rule]]:
        """Of rules that are judged of the same account those that exclude it; the change goes without saying."""
        view = self._view_of(rule)
        mine = view.rule(rule)
        pairs = [view.rule(each) for each in self._before(rule) if each.id != rule.id and self._meet(each, rule)]
        held = view.sweep([both(each.satisfied, mine.satisfied) for each in pairs])
        apart = [each for each, shown in zip(pairs, held, strict=True) if not shown.possible]
        yield from (("", each.rule) for each in apart if self._exclude(view, each, mine))

    def _across(self, rule: Rule) -> Iterator[tuple[str, Rule]]:
        """Of guards and a constraint, or of constraints and a guard, those that exclude it, and of which change."""
        found: dict[str, list[Pair]] = {}
        for other in self._before(rule):
            if {rule.scope, other.scope} == {"move", "account"}:
                guard, constraint = (rule, other) if rule.scope == "move" else (other, rule)
                found.setdefault(guard.subject, []).extend(self._conflicts.pairs(guard, constraint))
        for subject, pairs in found.items():
            for pair in self._conflicts.at_odds(self.view(subject), pairs):
                yield pair.change, pair.constraint if rule.scope == "move" else pair.guard

    def _before(self, rule: Rule) -> list[Rule]:
        place = next((n for n, each in enumerate(self._deciding) if each is rule), 0)
        return self._deciding[:place]

    def _exclude(self, view: View, one: Asked, other: Asked) -> bool:
        """Whether two that never hold together do so where both apply, and each can hold by itself."""
        return view.can(one.applies, other.applies) and view.can(one.satisfied) and view.can(other.satisfied)

    # --------------------------------------------------------------------------------------------------- effects

    def _effect(self, question: Question) -> Answer:
        """Whether a change whose guards are satisfied, or an event, breaks a constraint that was not broken before."""
        owner, _, name = question.subject.rpartition(".effects.")
        constraints = [
            rule
            for rule in self.moves.book.constraints
            if rule.scope == "account" and rule.severity != "info"
            if f"account.{name}" in self.moves.book.reads[id(rule)]
        ]
        if owner.startswith(EVENTS):
            return self._event(question, self.program.events[owner.removeprefix(EVENTS)], constraints)
        for move in self.program.moves:
            if move.id == owner and any(effect.field == name for effect in move.effects):
                for rule in constraints:
                    shown = self._effect_on(move, name, rule)
                    if shown.possible:
                        return _breaks(question, rule, shown, refuses=rule.severity == "error")
        return _harmless(question)

    def _effect_on(self, move: Move, field: str, rule: Rule) -> Shown:
        view = self.view(move.trigger)
        ruling = view.ruling(move.trigger)
        before, after = Terms(ruling.scene_before), Terms(ruling.scene_after)
        breaks = both(
            holds(move.in_force, view.moment),
            before.truth(move.applies).true,
            ruling.moved.get(f"account.{field}", False),
            conjunction(each.fine for each in ruling.guards if each.rule.severity == "error"),
            holds(rule.in_force, view.moment),
            before.outcome(rule.when, rule.requires).true,
            after.outcome(rule.when, rule.requires).false,
            self._clean(before, rule),
        )
        return view.shown(breaks, lambda model: view.refused(ruling, rule, model))

    def _event(self, question: Question, event: ir.Event, constraints: Sequence[Rule]) -> Answer:
        view = self.view(question.subject)
        after = self.moves.happens(view.space, event, view.state, view.moment)
        inside = self.moves.inside(view.space, after, [effect.field for effect in event.moves])
        then = Terms(self.moves.scene(view.space, after, view.moment))
        for rule in constraints:
            breaks = both(
                inside,
                holds(rule.in_force, view.moment),
                view.now.outcome(rule.when, rule.requires).true,
                then.outcome(rule.when, rule.requires).false,
                self._clean(view.now, rule),
            )
            shown = view.shown(breaks, partial(view.happened, event, rule))
            if shown.possible:
                return _breaks(question, rule, shown, refuses=False)
        return _harmless(question)

    def _clean(self, terms: Terms, but: Rule) -> Bool:
        """Nothing else is wrong with the account before."""
        return conjunction(
            opposite(self.moves.finding(rule, terms))
            for rule in self.moves.book.constraints
            if rule.scope == "account" and rule.severity == "error" and rule is not but
        )

    # ---------------------------------------------------------------------------------------------------- versions

    def _in_force(self, question: Question) -> Answer:
        """Whether there are days between two versions of a rule; what is different on the first of them."""
        gap = next((each for each in gaps(self.program) if each.rule == question.subject), None)
        if gap is None:
            return Answer(question, "proved", Text("its versions follow each other", "各版本相接"), proof="dates")
        last = gap.until - timedelta(days=1)
        days = f"{gap.first}" if last == gap.first else f"{gap.first} – {last}"
        en = "the change cannot be made then" if gap.is_move else "it is not judged then"
        zh = "期间无法进行该变更" if gap.is_move else "期间不作判断"
        told = Text(f"no version is in force on {days}: {en}", f"{days}没有任何版本生效：{zh}")
        return Answer(question, "refuted", told, self._in_gap(gap), proof="dates")

    def _in_gap(self, gap: Gap) -> Witness:
        """On the first day of a gap: a change that is refused for want of a version, or an account that the version
        before would not have let pass; the day alone, where none is found."""
        view = self._view_of(gap.before)
        on_that_day = equal(view.moment.today, gap.first.toordinal())
        try:
            for claim, show in self._wanting(gap, view):
                shown = view.shown(both(on_that_day, claim), show)
                if shown.witness is not None:
                    return shown.witness
        except NotSettled:
            pass
        return view.on(gap.first)

    def _wanting(self, gap: Gap, view: View) -> Iterator[tuple[Bool, Show]]:
        """What shows a gap, the best first: of a change one that the version before would have allowed."""
        rule = gap.before
        if rule.scope != "move":
            yield view.now.outcome(rule.when, rule.requires).false, view.as_it_is
            return
        ruling = view.ruling(rule.subject)
        before = Terms(ruling.scene_before)
        if not gap.is_move:
            broken = before.outcome(rule.when, rule.requires).false
            yield both(broken, ruling.allow), partial(view.judged, ruling)
            return
        for_want = [each for each in ruling.judged if each.rule.kind == "unlisted"]
        others = conjunction(each.fine for each in ruling.judged if each.rule.kind != "unlisted")
        applies, meets = before.truth(rule.when).true, before.truth(rule.requires).true
        for more in (both(meets, others), meets, True):
            for each in for_want:
                yield both(applies, more, each.violated), partial(view.refused, ruling, each.rule)

    # ----------------------------------------------------------------------------------------------- feature tables

    def _table(self, question: Question) -> Answer:
        """Whether there is an account to which no column applies, or two columns that say different things."""
        rules = tables_of(self.program)[question.subject]
        view = self.view(question.subject)
        nobody: list[tuple[Cell, Bool]] = []
        torn: list[tuple[Cell, Bool]] = []
        for rule in rules:
            feature = rule.subject.removeprefix("enable.")
            yes, no = _cells(rule)
            in_force = holds(rule.in_force, view.moment)
            apply = {id(each): view.now.truth(each) for each in (*yes, *no)}
            nobody.append(((feature,), both(in_force, *(each.false for each in apply.values()))))
            torn += [
                ((feature, cel(one), cel(other)), both(in_force, apply[id(one)].true, apply[id(other)].true))
                for one in yes
                for other in no
            ]
        none, two = self._in_table(view, nobody), self._in_table(view, torn)
        shown = [each for each in (none, two) if each[1].possible]
        if not shown:
            return Answer(question, "proved", _COMPLETE, proof="all states")
        if any(each.witness is None for _, each in shown):
            return Answer(question, "unsettled", UNCONFIRMED)
        told = told_of_table([cell for (cell,) in none[0]], len(rules), [(f, y, n) for f, y, n in two[0]])
        happenings = [one for _, each in shown if each.witness is not None for one in each.witness.happenings]
        return Answer(question, "refuted", told, Witness(tuple(happenings)))

    def _in_table(self, view: View, claims: list[tuple[Cell, Bool]]) -> tuple[list[Cell], Shown]:
        """An account of which one of the claims is true, and all that are true of it together."""
        true: list[Cell] = []

        def show(model: Model) -> Witness | None:
            true[:] = [cell for cell, claim in claims if model.holds(claim)]
            return view.as_it_is(model)

        return true, view.shown(disjunction(claim for _, claim in claims), show)


_COMPLETE: Final = Text(
    "some column applies to everybody, and none contradicts another", "每个帐号都有列适用，且各列不矛盾"
)
NEVER_APPLIES: Final = Text("it can never apply, whatever the account and the day", "无论帐号与日期如何，都不会适用")
_NEVER_FAILS: Final = Text("it can never fail, whatever the account and the day", "无论帐号与日期如何，都不会不满足")
_NEVER_SATISFIED: Final = Text(
    "where it applies, nobody can ever satisfy it, whatever the account and the day",
    "适用时，无论帐号与日期如何，都不可能满足",
)
_NEVER_KNOWN: Final = Text(
    "what it requires is never known, whatever the account and the day", "无论帐号与日期如何，其要求都无从得知"
)


_EXCLUDES_NONE: Final = Text("it excludes no other rule that speaks of the same", "不与涉及相同内容的其他规则互斥")


def _forbids(rule: Rule) -> bool:
    """Whether it says in so many words that it is never satisfied."""
    requires = rule.requires
    if isinstance(requires, AtMost):
        return requires.at_most == 0
    return requires == ir.FALSE or (isinstance(requires, And) and ir.FALSE in requires.operands)


def _refuted(question: Question, told: Mapping[Text, Sequence[Period]]) -> Answer:
    """What is told of some versions of a rule, each with the days on which it is so."""
    parts = [dated(text, periods) for text, periods in told.items()]
    en, zh = "; ".join(each.best("en") for each in parts), "；".join(each.best("zh") for each in parts)
    return Answer(question, "refuted", Text(en, zh), proof="all states")


def _worst(answers: Sequence[Answer]) -> Answer:
    """Of the versions of a rule of which nothing is told: one that is not settled, if there is one."""
    return next((each for each in answers if each.status != "proved"), answers[0])


def _confirmed(question: Question, told: Text, shown: Shown) -> Answer:
    if shown.witness is None:
        return Answer(question, "unsettled", UNCONFIRMED)
    return Answer(question, "proved", told, shown.witness)


def _breaks(question: Question, rule: Rule, shown: Shown, *, refuses: bool) -> Answer:
    if shown.witness is None:
        return Answer(question, "unsettled", UNCONFIRMED)
    en, zh = f"its effect can break {rule.id}", f"其效果可能违反{rule.id}"
    if refuses:
        en, zh = f"{en}, which then refuses the change", f"{zh}，变更因此被拒绝"
    return Answer(question, "refuted", Text(en, zh), shown.witness)


def _harmless(question: Question) -> Answer:
    return Answer(question, "proved", Text("it breaks no constraint", "不会违反约束"), proof="all states")


def _apart(others: Sequence[str], change: str) -> Text:
    """What is said of a rule and others; `change`: of which change alone, if it is of one."""
    en, zh = ", ".join(others), "、".join(others)
    to, of = (f" to `{change}`", f"于`{change}`") if change else ("", "")
    return Text(
        f"where it and {en} apply{to}, they are never satisfied together",
        f"它与{zh}同时适用{of}时，不可能都满足",
    )


def _shadows(ids: Sequence[str]) -> Text:
    """What is said of a rule that is never broken unless one of others is."""
    if len(ids) == 1:
        return Text(f"whenever it is broken, so is {ids[0]}", f"凡它不满足时，{ids[0]}也不满足")
    return Text(f"whenever it is broken, so is one of {', '.join(ids)}", f"凡它不满足时，{'、'.join(ids)}之一也不满足")


def told_of_table(without: Sequence[str], rows: int, torn: Sequence[tuple[str, str, str]]) -> Text:
    """Of so many rows: the features for which an account has no column, and those for which one, or another account,
    has columns that say different things: the feature, what says yes, what says no."""
    both_are = bool(without) and bool(torn)
    en, zh = [], []
    if without:
        who, whom = ("the first account", "第一个帐号") if both_are else ("this account", "该帐号")
        names = ", ".join(without[:_SHOWN]) + (f", … ({len(without)})" if len(without) > _SHOWN else "")
        every = len(without) == rows > 1
        en.append(f"{'' if every else f'for {names} '}no column applies to {who}")
        zh.append(f"{'' if every else f'{names}：'}没有任何列适用于{whom}")
    if torn:
        who, whom = ("the second", "第二个帐号") if both_are else ("this account", "该帐号")
        (feature, yes, no), more = torn[0], len(torn) - 1
        en.append(
            f"for {feature} the column of `{yes}` says yes to {who}, and that of `{no}` no"
            + (f" (and {more} more)" if more else "")
        )
        zh.append(f"{feature}：对{whom}，`{yes}`一列为是而`{no}`一列为否" + (f"（另有{more}处）" if more else ""))
    return Text("; ".join(en), "；".join(zh))


_SHOWN: Final = 3
"""So many names are told."""


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
