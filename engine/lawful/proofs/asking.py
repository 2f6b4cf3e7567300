"""Which questions a policy is asked. Nothing is proved here, and nothing of Z3 is needed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from lawful import ir
from lawful.calendar import LIFETIME
from lawful.ir import TRUE, And, AtMost, Expr, Lifecycle, Move, Place, Program, Rule, Text
from lawful.proofs.answers import SEVERITIES, Kind, Question
from lawful.wording import cel

EVENTS: Final = "events."
"""How the subject of a question about a declared event begins."""
_BUILT_IN: Final = ("unlisted", "final", "initial", "fixed", "effect", "needs")


def questions(program: Program) -> list[Question]:
    """Every question, in the order of `KINDS`."""
    return [
        *_invariants(program),
        *_final(program),
        *_once(program),
        *_of_rules("dead", written_rules(program)),
        *_of_rules("shadowed", [each for each in written_rules(program) if each.severity == "error"]),
        *_of_rules("conflict", [each for each in written_rules(program) if each.severity == "error"]),
        *_unusable(program),
        *_of_values(program),
        *_effects(program),
        *_in_force(program),
        *_tables(program),
    ]


def _question(kind: Kind, subject: str, title: Text, place: Place | None) -> Question:
    return Question(kind, subject, title, place, SEVERITIES[kind])


# ------------------------------------------------------------------------------------------------- what must hold


def _invariants(program: Program) -> Iterator[Question]:
    for each in program.invariants:
        told = each.title or Text(f"{each.kind}: {cel(each.expr)}", f"{each.kind}: {cel(each.expr)}")
        yield Question("invariant", each.id, told, each.place, each.severity)


def _final(program: Program) -> Iterator[Question]:
    for name, cycle in program.lifecycles.items():
        if cycle.final:
            values = ", ".join(cycle.final)
            title = Text(f"{name}: {values} is final", f"{name}：{values}为终态")
            yield _question("final", name, title, cycle.place)


def _once(program: Program) -> Iterator[Question]:
    for rule in (*limits_of_once(program), *limits_of_once_where(program)):
        event = event_of(program, rule)
        title = Text(f"{event} happens at most once", f"{event}最多发生一次")
        parts = [cel(each) for each in conditions_of(program, rule)]
        if parts:
            where = " && ".join(parts)
            title = Text(f"{title.en} where {where}", f"{where}时，{title.zh}")
        yield _question("once", rule.id, title, rule.place)


def limits_of_once(program: Program) -> list[Rule]:
    """The limits that let an event happen once in a lifetime, whatever the account; one of each id."""
    return [each for each in _limits_of_once(program) if not conditions_of(program, each)]


def limits_of_once_where(program: Program) -> list[Rule]:
    """Those that do so where a condition holds; one of each id."""
    always = {each.id for each in limits_of_once(program)}
    return [each for each in _limits_of_once(program) if each.id not in always and conditions_of(program, each)]


def _limits_of_once(program: Program) -> list[Rule]:
    found: dict[tuple[str, bool], Rule] = {}
    for rule in program.rules:
        limit = rule.requires
        if rule.scope == "move" and rule.severity == "error" and isinstance(limit, AtMost) and rule.kind == "limit":
            is_once = limit.count.window == LIFETIME and limit.at_most == 1 and limit.own == 1
            if is_once and rule.when != ir.FALSE:
                found.setdefault((rule.id, bool(conditions_of(program, rule))), rule)
    return list(found.values())


def conditions_of(program: Program, rule: Rule) -> list[Expr]:
    """What a rule asks beside that the change is one: nothing, if it applies whatever the account."""
    applies = [move.applies for move in program.moves if move.trigger == rule.subject]
    if rule.when in applies or rule.when == TRUE:
        return []
    parts = rule.when.operands if isinstance(rule.when, And) else (rule.when,)
    return [each for each in parts if each not in applies and each not in _parts(applies)]


def _parts(exprs: list[Expr]) -> list[Expr]:
    return [part for each in exprs if isinstance(each, And) for part in each.operands]


def event_of(program: Program, rule: Rule) -> str:
    """The event whose limit it is."""
    limit = rule.requires
    names = limit.count.events if isinstance(limit, AtMost) else ()
    moves = [move for move in program.moves if rule.id.startswith(f"{move.id}.") and move.trigger == rule.subject]
    return next((move.event for move in moves if move.event in names), names[0] if names else rule.subject)


# ------------------------------------------------------------------------------------------------------ each rule


def written_rules(program: Program) -> list[Rule]:
    """The rules that somebody wrote and that say something."""
    found = []
    for rule in program.rules:
        if rule.scope == "feature" or rule.kind in _BUILT_IN or rule.requires == TRUE or rule.when == ir.FALSE:
            continue
        found.append(rule)
    return found


def _of_rules(kind: Kind, rules: list[Rule]) -> Iterator[Question]:
    told: set[str] = set()
    for rule in rules:
        if rule.id not in told and (kind == "dead" or rule.kind != "group"):
            told.add(rule.id)
            yield _question(kind, rule.id, rule.title or Text(rule.id, rule.id), rule.place)


# ------------------------------------------------------------------------------------------- changes, and values


def _unusable(program: Program) -> Iterator[Question]:
    told: set[str] = set()
    for move in program.moves:
        if move.id not in told and not move.trigger.startswith("disable."):
            told.add(move.id)
            yield _question("unusable", move.id, move.title or Text(move.id, move.id), move.place)


def _of_values(program: Program) -> Iterator[Question]:
    for kind in ("stuck", "trap"):
        for name, cycle in program.lifecycles.items():
            field = program.account[name]
            for value in field.type.values:
                if value not in cycle.final and (kind == "stuck" or ways_out(program, cycle, value)):
                    titled = field.values.get(value) or Text(value, value)
                    title = Text(f"{name}: {titled.best('en')}", f"{name}：{titled.best('zh')}")
                    yield _question("stuck" if kind == "stuck" else "trap", f"{name}.{value}", title, cycle.place)


def ways_out(program: Program, cycle: Lifecycle, value: str) -> list[Move]:
    """The transitions that leave a value, at whatever date."""
    return [
        move
        for move in program.moves
        if move.step is not None
        and move.step.field == cycle.field
        and value in move.step.sources
        and set(move.step.targets) != {value}
    ]


def may_come_to(program: Program, cycle: Lifecycle, value: str) -> bool:
    """Whether something that is written leads to a value: accounts begin with it, a transition or an effect."""
    if not cycle.initial or value in cycle.initial:
        return True
    steps = [move.step for move in program.moves if move.step is not None and move.step.field == cycle.field]
    effects = [effect for each in program.moves for effect in each.effects]
    effects += [effect for each in program.events.values() for effect in each.moves]
    return any(value in each.targets for each in steps) or any(each.field == cycle.field for each in effects)


def _effects(program: Program) -> Iterator[Question]:
    told: set[str] = set()
    for move in program.moves:
        for effect in move.effects:
            subject = f"{move.id}.effects.{effect.field}"
            if subject not in told:
                told.add(subject)
                yield _question("effect", subject, move.title or Text(move.id, move.id), move.place)
    for event in program.events.values():
        for effect in event.moves:
            title = event.title or Text(event.id, event.id)
            yield Question("effect", f"{EVENTS}{event.id}.effects.{effect.field}", title, event.place, "info")


# ---------------------------------------------------------------------------------------------- versions, tables


def _in_force(program: Program) -> Iterator[Question]:
    for id, versions in versions_of(program).items():
        yield _question("in_force", id, versions[0].title or Text(id, id), versions[0].place)


def versions_of(program: Program) -> dict[str, list[Rule]]:
    """The rules of which there are several versions, by id, each in the order of its dates."""
    found: dict[str, dict[ir.Period, Rule]] = {}
    for rule in program.rules:
        if rule.scope != "feature" and rule.kind not in ("unlisted", "final", "initial", "fixed"):
            found.setdefault(rule.id, {}).setdefault(rule.in_force, rule)
    return {
        id: sorted(each.values(), key=lambda rule: (rule.in_force.start is not None, rule.in_force.start))
        for id, each in found.items()
        if len(each) > 1
    }


def _tables(program: Program) -> Iterator[Question]:
    for file, rules in tables_of(program).items():
        yield _question("feature_table", file, Text(file, file), rules[0].place)


def tables_of(program: Program) -> dict[str, list[Rule]]:
    """The rules that come from a table of features, by its file."""
    own = {lifecycle.place.file for lifecycle in program.lifecycles.values()}
    own |= {move.place.file for move in program.moves if move.trigger == "register"}
    found: dict[str, list[Rule]] = {}
    for rule in program.rules:
        file = rule.place.file
        if rule.scope != "move" or rule.kind != "requires" or not rule.subject.startswith("enable."):
            continue
        if file not in own and not file.endswith((".yaml", ".yml")):
            found.setdefault(file, []).append(rule)
    return found
