"""The program itself: a paragraph a rule for people, JSON for programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

from lawful import values, wording
from lawful.ir import ALWAYS, TRUE, Effect, FieldDeclaration, Move, Period, Program, Rule, Text


def ir_text(program: Program) -> str:
    """Every condition, rule and move as the engines get them."""
    return "\n".join(_paragraphs(program)) + "\n"


def _paragraphs(program: Program) -> Iterator[str]:
    yield f"policy {program.id} {program.version}"
    yield f"  {program.digest}"
    yield f"  {len(program.rules)} rules, {len(program.moves)} moves, {len(program.conditions)} conditions"
    for condition in program.conditions.values():
        yield ""
        yield f"condition {condition.name}"
        yield f"  holds     {wording.cel(condition.holds)}"
    for rule in program.rules:
        yield from _rule(rule)
    for move in program.moves:
        yield from _move(move)
    for event in program.events.values():
        yield ""
        yield f"event {event.id}"
        yield from (_effect(effect) for effect in event.moves)
    for group in program.groups:
        yield ""
        yield f"group {group.rule}"
        yield f"  per       {wording.cel(group.per)}, at most {group.at_most}"
        yield f"  when      {wording.cel(group.when)}"
        if group.as_of is not None:
            yield f"  as of     {wording.cel(group.as_of)}"
    for invariant in program.invariants:
        yield ""
        yield f"invariant {invariant.id}   {'of two states' if invariant.pair else 'of one state'}"
        yield f"  {invariant.kind:<8}  {wording.cel(invariant.expr)}"


def _rule(rule: Rule) -> Iterator[str]:
    yield ""
    subject = f" {rule.subject}" if rule.subject else ""
    severity = "" if rule.severity == "error" else f", {rule.severity}"
    yield f"rule {rule.id}   {rule.kind}, {rule.scope}{subject}{severity}"
    if rule.when != TRUE:
        yield f"  when      {wording.cel(rule.when)}"
    yield f"  requires  {wording.cel(rule.requires)}"
    yield from _frame(rule.in_force, rule.place.line)


def _move(move: Move) -> Iterator[str]:
    yield ""
    yield f"move {move.id}   {move.trigger}, recorded as {move.event}"
    if move.applies != TRUE:
        yield f"  applies   {wording.cel(move.applies)}"
    yield from (_effect(effect) for effect in move.effects)
    yield from (f"  owes      {owed.text.best('en')}" for owed in move.obligations)
    yield from _frame(move.in_force, move.place.line)


def _effect(effect: Effect) -> str:
    return f"  sets      {effect.field} = {wording.cel(effect.value)}"


def _frame(period: Period, line: int) -> Iterator[str]:
    if period != Period():
        yield f"  in force  {period.start or '…'} until {period.until or '…'}"
    yield f"  line      {line}"


# ---------------------------------------------------------------------------------------------------------- as JSON


def program_json(program: Program) -> dict[str, Any]:
    """The program as plain data, its conditions as CEL."""
    zone = ZoneInfo(program.timezone)
    return {
        "schema": "lawful/program/v1",
        "id": program.id,
        "version": program.version,
        "digest": program.digest,
        "title": _text(program.title),
        "timezone": program.timezone,
        "languages": list(program.languages),
        "account": {name: _declaration(each, zone) for name, each in program.account.items()},
        "request": {name: _declaration(each, zone) for name, each in program.request.items()},
        "conditions": {
            each.name: {"holds": wording.cel(each.holds), "title": _text(each.title)}
            for each in program.conditions.values()
        },
        "lifecycles": {
            each.field: {"initial": list(each.initial), "final": list(each.final)}
            for each in program.lifecycles.values()
        },
        "features": {
            each.id: {"title": _text(each.title), "needs": list(each.needs)} for each in program.features.values()
        },
        "moves": [_move_json(each) for each in program.moves],
        "rules": [_rule_json(each) for each in program.rules],
        "invariants": [
            {"id": each.id, each.kind: wording.cel(each.expr), "title": _text(each.title)}
            for each in program.invariants
        ],
    }


def _text(text: Text | None) -> dict[str, str | None] | None:
    return None if text is None else {"en": text.en, "zh": text.zh}


def _declaration(each: FieldDeclaration, zone: ZoneInfo) -> dict[str, Any]:
    found = {
        "type": each.type.kind,
        "values": {value: _text(each.values.get(value)) for value in each.type.values} or None,
        "title": _text(each.title),
        "motion": each.motion,
        "fixed": None if each.fixed is None or each.fixed == ALWAYS else _period(each.fixed),
        "default": values.to_json(each.default, zone),
        "min": values.to_json(each.minimum, zone),
        "max": values.to_json(each.maximum, zone),
        "private": each.private,
        "ask_cost": each.ask_cost,
    }
    return {key: value for key, value in found.items() if value is not None}


def _period(period: Period) -> dict[str, str | None]:
    return {
        "from": None if period.start is None else period.start.isoformat(),
        "until": None if period.until is None else period.until.isoformat(),
    }


def _move_json(move: Move) -> dict[str, Any]:
    return {
        "id": move.id,
        "trigger": move.trigger,
        "event": move.event,
        "title": _text(move.title),
        "applies": wording.cel(move.applies),
        "from": list(move.step.sources) if move.step is not None else None,
        "to": list(move.step.targets) if move.step is not None else None,
        "effects": {effect.field: wording.cel(effect.value) for effect in move.effects},
        "obligations": [_text(owed.text) for owed in move.obligations],
        "cost": dict(move.cost),
        "in_force": _period(move.in_force),
        "line": move.place.line,
    }


def _rule_json(rule: Rule) -> dict[str, Any]:
    source = rule.source
    return {
        "id": rule.id,
        "kind": rule.kind,
        "scope": rule.scope,
        "subject": rule.subject,
        "when": wording.cel(rule.when),
        "requires": wording.cel(rule.requires),
        "severity": rule.severity,
        "in_force": _period(rule.in_force),
        "title": _text(rule.title),
        "explanation": _text(rule.explanation),
        "note": _text(rule.note),
        "source": None if source is None else {"id": source.source.id, "clause": source.clause},
        "line": rule.place.line,
    }
