"""What an account may do at all: every move and every feature, each judged as if it were asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from lawful import calendar, values, wording
from lawful.deciding.explaining import Explanation, expiries, first_part
from lawful.deciding.judging import Engine, Judge, Judgement, Step
from lawful.deciding.justifying import told
from lawful.decision import Reason
from lawful.decision import Text as Told
from lawful.engines.reference import evaluate
from lawful.engines.situation import Situation, counted
from lawful.ir import INT_MAX, LANGUAGES, AtMost, FieldDeclaration, Program, Rule, Text, Value
from lawful.possibility import LimitLeft, Possibility, Warned
from lawful.question import Asked, Question
from lawful.record import slot


def possibilities(judge: Judge, question: Question, engine: Engine) -> Iterator[Possibility]:
    """In the order of the file: each life cycle's values, settable fields, features, actions."""
    for change, asked, title in _askable(judge.program, question):
        judgement = judge.judge(question.asking(asked), engine)
        yield _possibility(judge, judgement, change, title)


def _askable(program: Program, question: Question) -> Iterator[tuple[dict[str, Any], Asked, Text | None]]:
    for name, declaration in program.account.items():
        present = getattr(question.account, slot(name))
        if declaration.motion == "lifecycle":
            for value in declaration.type.values:
                if value != present:
                    yield {"set": {name: value}}, Asked("set", "", {name: value}), declaration.values.get(value)
        elif declaration.motion == "settable":
            for other in _others(declaration, present):
                # where the values are too many to try, one stands for all of them and is not named
                shown = other if declaration.type.kind in ("enum", "bool") else None
                yield {"set": {name: shown}}, Asked("set", "", {name: other}), declaration.title
    for name, feature in program.features.items():
        verb = "disable" if question.features.get(name) else "enable"
        title = _in_force(program, f"features.{name}", question.today) or feature.title
        yield {verb: name}, Asked("disable" if verb == "disable" else "enable", name, {}), title
    for name, title in program.actions.items():
        yield {"do": name}, Asked("do", name, {}), _in_force(program, f"actions.{name}", question.today) or title


def _in_force(program: Program, id: str, today: date) -> Text | None:
    """What the version that is in force on the day is called."""
    return next((each.title for each in program.moves if each.id == id and each.in_force.holds(today)), None)


def _others(declaration: FieldDeclaration, present: Value | None) -> list[Value]:
    """Values other than the present one: all of them where they are few, else one within the bounds."""
    candidates: list[Value]
    low, high = declaration.minimum, declaration.maximum
    match declaration.type.kind:
        case "enum":
            return [value for value in declaration.type.values if value != present]
        case "bool":
            return [value for value in (True, False) if value != present]
        case "set":
            candidates = [frozenset(), frozenset(declaration.type.values[:1])]
        case "int":
            candidates = [low if isinstance(low, int) else 0, high if isinstance(high, int) else 1, 1, 2]
            candidates = [each for each in candidates if _within(each, low, high)] or [INT_MAX]
        case "date":
            candidates = [each for each in (low, high, date(2000, 1, 1), date(2000, 1, 2)) if each is not None]
        case "timestamp":
            start = datetime(2000, 1, 1, tzinfo=UTC)
            candidates = [each for each in (low, high, start, start + timedelta(days=1)) if each is not None]
        case _:
            candidates = ["…", "……"]
    return [each for each in candidates if each != present][:1]


def _within(value: Value, low: Value | None, high: Value | None) -> bool:
    return (
        isinstance(value, int)
        and (not isinstance(low, int) or value >= low)
        and (not isinstance(high, int) or value <= high)
    )


def _possibility(judge: Judge, judgement: Judgement, change: dict[str, Any], title: Text | None) -> Possibility:
    explanation = Explanation(judge, judgement)
    step = judgement.steps[0]
    told_of = any(each.outcome != "satisfied" for each in step.judged)
    reasons = [reason for reason in explanation.reasons() if not reason.standing] if told_of else []
    telling = [reason for reason in reasons if judgement.verdict != "allow" and reason.severity == "error"]
    enabled = step.before.fact("features", step.asked.name) if step.asked.kind in ("enable", "disable") else None
    return Possibility(
        change=change,
        title=told(title),
        verdict=judgement.verdict,
        enabled=enabled if isinstance(enabled, bool) else None,
        rules=tuple(reason.rule for reason in telling),
        why=tuple(_why(judge, reason) for reason in telling),
        warnings=tuple(_warnings(reasons)) if judgement.verdict != "deny" else (),
        limits=tuple(_limits(judge, step)),
        next_allowed_at=explanation.next_allowed_at(),
    )


def _warnings(reasons: Iterable[Reason]) -> Iterator[Warned]:
    for each in reasons:
        if each.severity != "error":
            yield Warned(rule=each.rule, severity=each.severity, status=each.status, explanation=each.explanation)


def _why(judge: Judge, reason: Reason) -> Told:
    """The rule's explanation; where that is but its title, what of it failed beside it."""
    told = reason.explanation
    if reason.title is None or told != reason.title:
        return told
    parts = {
        language: first_part(judge, reason.rule, reason.justification, reason.status, language)
        for language in LANGUAGES
    }
    return Told(
        en=None if told.en is None else f"{told.en} — {parts['en']}",
        zh=None if told.zh is None else f"{told.zh}——{parts['zh']}",
    )


def _limits(judge: Judge, step: Step) -> Iterator[LimitLeft]:
    """What is left of each limit that applies to the account."""
    for each in step.judged:
        limit = each.rule.requires
        if each.rule.kind == "limit" and isinstance(limit, AtMost) and evaluate(each.rule.when, each.situation) is True:
            yield _left(judge, each.rule, limit, each.situation)


def _left(judge: Judge, rule: Rule, limit: AtMost, situation: Situation) -> LimitLeft:
    least, most = counted(limit, situation)
    used = None if most is None and least == limit.own else least - limit.own
    left = None if most is None else max(limit.at_most - (most - limit.own), 0)
    if limit.counted_by is not None and wording.is_private(judge.program, limit.counted_by):
        used = left = None
    ends = rule.in_force.until
    instants = [*expiries(limit, situation)[:1], *([] if ends is None else [calendar.start_of(ends, judge.zone)])]
    frees = min(instants, default=None)
    return LimitLeft(
        rule=rule.id,
        at_most=limit.at_most,
        used=used,
        left=left,
        until=None if frees is None else values.local(frees, judge.zone),
    )
