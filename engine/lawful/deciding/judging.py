"""A request's way to its verdict: change by change, each judged in the state that the one before it leaves.

A change is judged by the rules of the move itself in the state before, then by the constraints on the account as it
would be. What a rule's outcome is, the engines say; here is only which rules are asked, in which state, and what their
outcomes come to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final, Literal
from zoneinfo import ZoneInfo

from lawful.deciding.entitlement import Change
from lawful.deciding.rulebook import Rulebook, triggers_of
from lawful.decision import Verdict
from lawful.diagnostics import EngineDisagreement
from lawful.engines import reference, rete
from lawful.engines.reference import Outcome, evaluate
from lawful.engines.situation import Facts, History, Situation
from lawful.ir import FALSE, TRUE, Move, Program, Rule, Value, with_known
from lawful.question import Asked, Question

Engine = Literal["rete", "reference"]
"""What judges rule by rule. `direct` rules on whole requests: see `ruling`."""
_ORDER: Final[Mapping[Verdict, int]] = {"allow": 0, "undetermined": 1, "deny": 2}


@dataclass(slots=True)
class Bundle:
    """Rules that are judged together, in one state. The same object serves every decision that needs them."""

    rules: tuple[Rule, ...]
    network: rete.Network | None = None


@dataclass(slots=True)  # not frozen, which would double the time of making the dozen of a check
class Judged:
    """A rule and its outcome. `standing`: violated, but violated before the change as well."""

    rule: Rule
    outcome: Outcome
    situation: Situation
    standing: bool = False
    before: Situation | None = None
    """Of a constraint: the state in which it must have held before, for it to be able to refuse."""

    @property
    def refuses(self) -> bool:
        return self.outcome == "violated" and self.rule.severity == "error" and not self.standing

    @property
    def leaves_open(self) -> bool:
        return self.outcome == "unknown" and self.rule.severity == "error"


@dataclass(slots=True)
class Step:
    """One change of the list: what was judged, from which state to which."""

    asked: Asked
    before: Situation
    after: Situation
    moves: tuple[tuple[Move, bool | None], ...]
    """The moves of the change in force, and whether each applies."""
    moved: frozenset[str]
    """The facts that differ, `account.f` and `features.f`."""
    judged: list[Judged] = field(default_factory=list)
    verdict: Verdict = "allow"
    """The worst that the rules of severity `error` come to."""

    def conclude(self) -> None:
        """Draw the verdict from what was judged."""
        for each in self.judged:
            if each.rule.severity == "error" and each.outcome != "satisfied" and not each.standing:
                if each.outcome == "violated":
                    self.verdict = "deny"
                    return
                self.verdict = "undetermined"


@dataclass(frozen=True, slots=True)
class Judgement:
    """All of one request: the verdict is the worst of the steps'."""

    question: Question
    steps: tuple[Step, ...]
    engine: Engine

    @property
    def verdict(self) -> Verdict:
        if len(self.steps) == 1:
            return self.steps[0].verdict
        return max((step.verdict for step in self.steps), key=_ORDER.__getitem__)


class Judge:
    """Judges requests by one program; safe from several threads."""

    def __init__(self, program: Program, zone: ZoneInfo) -> None:
        self.program = program
        self.zone = zone
        self.rulebook = Rulebook(program)
        # Between two dates on which rules come or go the same bundles serve.
        self._bundles: dict[tuple[str, Value | None, int], Bundle] = {}
        self._moves_in_force: dict[tuple[str, Value | None, int], tuple[Move, ...]] = {}

    def __reduce__(self) -> tuple[type[Judge], tuple[Program, ZoneInfo]]:
        """What it has built stays here: another process builds its own."""
        return type(self), (self.program, self.zone)

    # ------------------------------------------------------------------------------------------------- the way

    def judge(self, question: Question, engine: Engine) -> Judgement:
        """The verdict on a request. Raises EngineDisagreement."""
        steps: list[Step] = []
        state = self.situation(question)
        for asked in question.changes:
            step = self.step(asked, state, engine)
            steps.append(step)
            if step.verdict == "deny":
                break
            if len(steps) < len(question.changes):
                state = self.left_by(step)
        return Judgement(question, tuple(steps), engine)

    def situation(self, question: Question) -> Situation:
        """The account as the request gives it, at its instant."""
        account = question.account.known()
        return Situation(
            records={"account": account, "features": question.features, "request": question.facts.known()},
            at=question.at,
            today=question.today,
            zone=self.zone,
            history=History(question.events(), question.whole_from),
            conditions=self.program.conditions,
            initial=account,
        )

    def step(self, asked: Asked, state: Situation, engine: Engine) -> Step:
        """One change, judged in a state. Raises EngineDisagreement."""
        registers = asked.kind == "register"
        before = state.with_records(change={**asked.values, "register": registers})
        triggers = triggers_of(asked)
        moves = tuple(
            (move, _truth(evaluate(move.applies, before)))
            for trigger in triggers
            for move in self._moves_of(trigger, asked, before.today)
        )
        account, moved, clashes = _account_after(asked, moves, before)
        had = before.records["features"]
        features = _features_after(asked, had)
        if features is not had and features[asked.name] != had.get(asked.name):
            moved |= {f"features.{asked.name}"}
        after = before.followed_by(account, features)
        step = Step(asked, before, after, moves, self.rulebook.everything if registers else moved)
        for trigger in triggers:
            step.judged.extend(self._outcomes(self._bundle(trigger, asked, before.today), before, engine))
        if clashes:
            step.judged[:] = [_clashing(each, clashes) for each in step.judged]
        if step.moved and self.rulebook.constraints:
            if self.rulebook.entitlements.watched:
                self._lose(step, self.rulebook.entitlements.watched)
            self._judge_constraints(step, triggers, engine, registers=registers)
        step.conclude()
        return step

    def left_by(self, step: Step) -> Situation:
        """The state a change leaves to the next of the list, once it is taken to have happened."""
        self._lose(step)
        history = step.before.history
        for move, applies in step.moves:
            if applies is not False:
                history = history.then(move.event, certain=applies is True)
        return step.after.with_history(history)

    def settled(self, step: Step) -> Situation:
        """The state that an allowed change leaves behind, without what it lost; the history is as it was before."""
        self._lose(step)
        return step.after

    def _lose(self, step: Step, among: frozenset[str] | None = None) -> None:
        """Take the lost features from the state after: all of them, or those among some."""
        lost = self.lost(step, among)
        if lost:
            step.after.records["features"] = {**step.after.records["features"], **dict.fromkeys(lost, False)}
            step.after.records["after.features"] = step.after.records["features"]
            step.after.memo.clear()
            step.moved |= {f"features.{name}" for name in lost}

    # ------------------------------------------------------------------------------------------------ the rules

    def _judge_constraints(self, step: Step, triggers: Iterable[str], engine: Engine, *, registers: bool) -> None:
        """A constraint that reads nothing that moved cannot refuse; one that was violated before is standing."""
        seen: set[int] = set()
        bundles = self._constraint_bundles(step, triggers)
        for bundle in bundles:
            doubtful = [
                each
                for each in self._outcomes(bundle, step.after, engine)
                if id(each.rule) not in seen and self.rulebook.reads[id(each.rule)] & step.moved
            ]
            if len(bundles) > 1:
                seen.update(id(each.rule) for each in doubtful)
            step.judged.extend(doubtful)
            if not registers:  # otherwise there was no account that could have been wrong before
                was = self._outcomes_before(bundle, doubtful, step.before, engine)
                for each in doubtful:
                    _weigh(each, was.get(id(each.rule)), step.before)

    def _outcomes_before(
        self, bundle: Bundle, after: Iterable[Judged], before: Situation, engine: Engine
    ) -> dict[int, Outcome]:
        """What became of the violated ones in the state before; what only warns is not cross-checked."""
        violated = [each.rule for each in after if each.outcome == "violated" and each.rule.scope == "account"]
        if not violated:
            return {}
        if any(rule.severity == "error" for rule in violated):
            return {id(each.rule): each.outcome for each in self._outcomes(bundle, before, engine)}
        return {id(rule): reference.outcome(rule, before) for rule in violated}

    def _constraint_bundles(self, step: Step, triggers: Iterable[str]) -> list[Bundle]:
        """Those that may read what each trigger moves: a bundle per trigger, so that their number is the policy's."""
        today = step.before.today
        bundles = [self._constraint_bundle(trigger, today) for trigger in triggers]
        if any(name.startswith("features.") for name in step.moved) and not self._by_features(step):
            bundles.append(self._constraint_bundle("features", today))
        return bundles

    def _by_features(self, step: Step) -> bool:
        return step.asked.kind in ("enable", "disable", "register")

    def _constraint_bundle(self, trigger: str, today: date) -> Bundle:
        book = self.rulebook
        key = (f"constraints of {trigger}", None, book.turn(today))
        if key not in self._bundles:
            self._bundles[key] = Bundle(tuple(book.constraints_reading(book.may_move(trigger), today)))
        return self._bundles[key]

    def _bundle(self, trigger: str, asked: Asked, today: date) -> Bundle:
        """The guards of a change in force today, as far as the value asked for leaves anything of them to be judged."""
        value = self._lifecycle_value(trigger, asked)
        key = (trigger, value, self.rulebook.turn(today))
        if key not in self._bundles:
            rules = self.rulebook.guards(trigger, today)
            if value is not None:
                fact = self.rulebook.asked_for(trigger)
                rules = [
                    replace(rule, when=when, requires=with_known(rule.requires, fact, value))
                    for rule in rules
                    if (when := with_known(rule.when, fact, value)) != FALSE
                ]
            self._bundles[key] = Bundle(tuple(rules))
        return self._bundles[key]

    def _moves_of(self, trigger: str, asked: Asked, today: date) -> tuple[Move, ...]:
        """Likewise."""
        value = self._lifecycle_value(trigger, asked)
        key = (trigger, value, self.rulebook.turn(today))
        if key not in self._moves_in_force:
            moves = self.rulebook.moves(trigger, today)
            if value is not None:
                fact = self.rulebook.asked_for(trigger)
                moves = [
                    replace(move, applies=applies)
                    for move in moves
                    if (applies := with_known(move.applies, fact, value)) != FALSE
                ]
            self._moves_in_force[key] = tuple(moves)
        return self._moves_in_force[key]

    def _lifecycle_value(self, trigger: str, asked: Asked) -> Value | None:
        """The value that a `set` of a field with a life cycle asks for: they are few, so each has its bundle."""
        name = trigger[4:]
        return asked.values[name] if asked.kind == "set" and name in self.program.lifecycles else None

    def _outcomes(self, bundle: Bundle, situation: Situation, engine: Engine) -> list[Judged]:
        expected = [reference.outcome(rule, situation) for rule in bundle.rules]
        if engine == "rete" and bundle.rules:
            if bundle.network is None:
                bundle.network = rete.Network(bundle.rules, self.program.conditions)
            found = bundle.network.outcomes(situation)
            if found != tuple(expected):
                _disagree(self.program, bundle.rules, expected, found)
        return [Judged(rule, outcome, situation) for rule, outcome in zip(bundle.rules, expected, strict=True)]

    # ------------------------------------------------------------------------------------------------- features

    def lost(self, step: Step, among: frozenset[str] | None = None) -> tuple[str, ...]:
        """The features that a change takes from the account; `among`: only these are looked at."""
        if step.asked.kind == "register" or not self.program.features:
            return ()
        disabled = step.asked.name if step.asked.kind == "disable" else None
        return self.rulebook.entitlements.lost(Change(step.before, step.after, step.moved, disabled), among)

    def standing(self, situation: Situation, untold: set[str]) -> list[Judged]:
        """What is wrong with the account already, and has not been told: constraints, features held unentitled.

        It cannot refuse a change. Judged by the reference alone, when the reasons are read.
        """
        found = []
        rules = [rule for rule in self.rulebook.constraints if rule.scope == "account"]
        rules += self.rulebook.entitlements.rules()
        for rule in rules:
            if rule.id in untold or not rule.in_force.holds(situation.today):
                continue
            if reference.outcome(rule, situation) == "violated":
                found.append(Judged(rule, "violated", situation, standing=True))
        return found


def _account_after(
    asked: Asked, moves: Iterable[tuple[Move, bool | None]], before: Situation
) -> tuple[Facts, frozenset[str], set[str]]:
    """The account after the change, the facts that moved, and the effects that give a field a second value."""
    present = before.records["account"]
    written: dict[str, Value | None] = dict(asked.values)
    clashes: set[str] = set()
    for move, applies in moves:
        if applies is False:
            continue
        for effect in move.effects:
            value = evaluate(effect.value, before)
            if applies is None and value != present.get(effect.field):
                value = None  # whether the move takes place is not known, so neither is what it leaves
            if effect.field in written and written[effect.field] != value:
                clashes.add(f"{move.id}.effects.{effect.field}")
            written[effect.field] = value
    after = {**present}
    moved = []
    for name, new in written.items():
        if new is None or new != present.get(name):  # what is left unknown may have moved
            moved.append(f"account.{name}")
        if new is not None:
            after[name] = new
        else:
            after.pop(name, None)
    return after, frozenset(moved), clashes


def _features_after(asked: Asked, features: Facts) -> Facts:
    match asked.kind:
        case "enable":
            return {**features, asked.name: True}
        case "disable":
            return {**features, asked.name: False}
        case _:
            return features


def _clashing(judged: Judged, clashes: set[str]) -> Judged:
    """Two changes of one request may not give a field two values."""
    if judged.rule.kind != "effect" or judged.rule.id not in clashes:
        return judged
    return Judged(replace(judged.rule, kind="clash", when=TRUE, requires=FALSE), "violated", judged.situation)


def _weigh(judged: Judged, was: Outcome | None, before: Situation) -> None:
    """A constraint violated after the change refuses it only if it was not violated before."""
    if judged.rule.scope != "account":
        return
    judged.before = before
    if judged.outcome == "violated":
        judged.standing = was == "violated"
        if was == "unknown":
            judged.outcome = "unknown"


def _disagree(program: Program, rules: Iterable[Rule], expected: Iterable[Outcome], found: Iterable[Outcome]) -> None:
    differences = [
        f"{rule.id}: the reference says {one}, rete says {other}"
        for rule, one, other in zip(rules, expected, found, strict=True)
        if one != other
    ]
    raise disagreement(program, differences)


def disagreement(program: Program, differences: list[str]) -> EngineDisagreement:
    return EngineDisagreement(f"{program.id} {program.version} ({program.digest[:19]})", differences)


def _truth(value: Value | None) -> bool | None:
    return value if isinstance(value, bool) else None
