"""The changes that may be asked for: life cycles, settable and fixed fields, actions, registration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from lawful.compiler.context import Context, check_versions, overlaps, some_in_force
from lawful.compiler.guards import Change, cost, effects, further, guards, obligations, rule
from lawful.compiler.instead import instead
from lawful.diagnostics import near
from lawful.document import Path
from lawful.ir import (
    ALWAYS,
    BOOL,
    TRUE,
    And,
    Citation,
    Compare,
    Constant,
    Event,
    Expr,
    Field,
    FieldDeclaration,
    Lifecycle,
    ListOf,
    Member,
    Move,
    Not,
    Period,
    Place,
    Rule,
    RuleKind,
    Step,
    Text,
    Type,
    conjunction,
    disjunction,
    in_force,
)
from lawful.written import (
    ActionWritten,
    Changing,
    EventWritten,
    FieldWritten,
    LifecycleWritten,
    PolicyWritten,
    RegistrationWritten,
    TransitionWritten,
)

_BUILT_IN: Final = ("initial", "final", "unlisted")

REGISTERS = Field("change", "register", BOOL)
"""Whether the change is a registration."""


def present(field: FieldDeclaration) -> Field:
    return Field("account", field.name, field.type)


def asked(field: FieldDeclaration) -> Field:
    """The value that a `set` asks for."""
    return Field("change", field.name, field.type)


def moves_it(field: FieldDeclaration) -> Expr:
    """Whether a `set` is more than setting the present value."""
    return Compare("!=", present(field), asked(field))


def one_of(item: Expr, names: Iterable[str], type_: Type) -> Expr:
    """`item in [names]`, of an enum."""
    items = tuple(Constant(name, type_) for name in names)
    if len(items) == 1:
        return Compare("==", item, items[0])
    return Member(item, ListOf(items, Type("list", element=type_)))


def built_in(
    id: str,
    kind: RuleKind,
    trigger: str,
    place: Place,
    *,
    requires: Expr,
    when: Expr = TRUE,
    period: Period = ALWAYS,
    source: Citation | None = None,
    explanation: Text | None = None,
) -> Rule:
    """A rule that the language itself has: without an explanation its words are in `wording.py`."""
    return Rule(
        id, kind, "move", trigger, when, requires, "error", period, place, explanation=explanation, source=source
    )


# ---------------------------------------------------------------------------------------------------- life cycles


def lifecycle(
    context: Context, name: str, written: LifecycleWritten
) -> tuple[Lifecycle | None, list[Move], list[Rule]]:
    path: Path = ("lifecycle", name)
    field = context.field_of(name, path)
    if field is not None and field.type.kind != "enum":
        context.key_mistake("wrong-type", f"`{name}` is no enum: only enums have life cycles", path)
    if field is None or field.type.kind != "enum":
        return None, [], []
    for key in ("initial", "final"):
        _check_values(context, field, getattr(written, key), (*path, key))
    once = _reachable_again(written)
    moves: list[Move] = []
    rules: list[Rule] = []
    for id, versions in written.transitions.items():
        here = (*path, "transitions", id)
        context.check_id(id, here)
        if id in _BUILT_IN:
            message = f"`{id}` is the id of a rule that every life cycle has"
            context.key_mistake("reserved-name", message, here, "choose another name")
        periods = [context.period(each.in_force, (*here, index)) for index, each in enumerate(versions)]
        check_versions(context, id, periods, here)
        for index, (each, period) in enumerate(zip(versions, periods, strict=True)):
            move, guarding = _transition(
                context, field, id, each, period, (*here, index), once_guaranteed=id not in once
            )
            moves.append(move)
            rules.extend(guarding)
            _check_edges(context, field, written, each, (*here, index))
    _check_twins(context, name, moves)
    rules.extend(_lifecycle_rules(context, field, written, moves, path))
    cycle = Lifecycle(name, tuple(written.initial), tuple(written.final), context.place(path))
    return cycle, moves, rules


def _transition(
    context: Context,
    field: FieldDeclaration,
    id: str,
    written: TransitionWritten,
    period: Period,
    path: Path,
    *,
    once_guaranteed: bool,
) -> tuple[Move, list[Rule]]:
    applies = conjunction(
        [
            one_of(present(field), written.from_, field.type),
            one_of(asked(field), written.to, field.type),
            *([moves_it(field)] if set(written.from_) & set(written.to) else []),
        ]
    )
    change = Change(
        f"lifecycle.{field.name}.{id}",
        f"set.{field.name}",
        id,
        applies,
        period,
        context.citation(written.source, path),
        path,
        once_guaranteed,
    )
    step = Step(field.name, tuple(written.from_), tuple(written.to))
    return changing(context, change, written, step)


def changing(context: Context, change: Change, written: Changing, step: Step | None = None) -> tuple[Move, list[Rule]]:
    """The move and its rules, for whatever has guards, effects and obligations."""
    rules = guards(context, change, written)
    moved, bounds = effects(context, change, written.effects, (*change.path, "effects"))
    move = Move(
        id=change.id,
        trigger=change.trigger,
        event=change.event,
        applies=change.applies,
        in_force=change.period,
        place=context.place(change.path),
        step=step,
        effects=tuple(moved),
        obligations=obligations(context, written.obligations, (*change.path, "obligations")),
        cost=cost(context, written, change.path),
        title=rules[0].title,
        instead=instead(context, written.instead, (*change.path, "instead")),
    )
    return move, rules + bounds


def _lifecycle_rules(
    context: Context, field: FieldDeclaration, written: LifecycleWritten, moves: list[Move], path: Path
) -> list[Rule]:
    """What the life cycle itself refuses: leaving a final state, a move that is not listed, another initial value."""
    id, trigger, place = f"lifecycle.{field.name}", f"set.{field.name}", context.place(path)
    rules = []
    source = context.citation(written.source, path)
    leaves = moves_it(field)
    if written.final:
        at_end = one_of(present(field), written.final, field.type)
        stays = Compare("==", present(field), asked(field))
        final = context.place((*path, "final"))
        rules.append(built_in(f"{id}.final", "final", trigger, final, when=at_end, requires=stays, source=source))
        leaves = And((leaves, Not(at_end)))
    listed = disjunction([conjunction([in_force(move.in_force), move.applies]) for move in moves])
    rules.append(built_in(f"{id}.unlisted", "unlisted", trigger, place, when=leaves, requires=listed, source=source))
    if written.initial:
        begins = one_of(present(field), written.initial, field.type)
        initial = context.place((*path, "initial"))
        rules.append(built_in(f"{id}.initial", "initial", "register", initial, requires=begins, source=source))
    return rules


def _check_values(context: Context, field: FieldDeclaration, names: list[str], path: Path) -> None:
    known = frozenset(field.type.values)
    for index, name in enumerate(names):
        if name not in known:
            listed = ", ".join(f"`{value}`" for value in field.type.values)
            help = near(name, field.type.values) or f"its values are {listed}"
            context.mistake("unknown-value", f"`{field.name}` has no value `{name}`", (*path, index), help)


def _check_edges(
    context: Context, field: FieldDeclaration, cycle: LifecycleWritten, written: TransitionWritten, path: Path
) -> None:
    _check_values(context, field, written.from_, (*path, "from"))
    _check_values(context, field, written.to, (*path, "to"))
    final = frozenset(cycle.final)
    for index, name in enumerate(written.from_):
        if name in final:
            message = f"`{name}` is final: nothing leaves it"
            context.mistake("transition-from-final", message, (*path, "from", index))
    if set(written.from_) == set(written.to) and len(set(written.from_)) == 1:
        context.mistake("transition-nowhere", "this transition leads back to where it begins", (*path, "to"))


def _check_twins(context: Context, name: str, moves: list[Move]) -> None:
    """Two transitions may not make one step on one day: which rules would guard it? Told once of each later one."""
    leaving: dict[str, list[tuple[Move, frozenset[str]]]] = {}
    for move in moves:
        if move.step is None:
            continue
        targets = frozenset(move.step.targets)
        twin = _twin(move, targets, leaving)
        if twin is not None:
            one, two = twin[0].id.rpartition(".")[2], move.id.rpartition(".")[2]
            message = f"`{one}` and `{two}` both lead from `{twin[1]}` to `{twin[2]}` on one day"
            path = ("lifecycle", name, "transitions", two)
            context.key_mistake("two-transitions", message, path, "end one before the other with `in_force`")
        for source in move.step.sources:
            leaving.setdefault(source, []).append((move, targets))


def _twin(
    move: Move, targets: frozenset[str], leaving: Mapping[str, list[tuple[Move, frozenset[str]]]]
) -> tuple[Move, str, str] | None:
    """An earlier transition that makes the same step, and the step."""
    common: dict[int, frozenset[str]] = {}
    for source in move.step.sources if move.step is not None else ():
        for other, its_targets in leaving.get(source, ()):
            if other.id == move.id or not overlaps(other.in_force, move.in_force):
                continue
            shared = common.setdefault(id(other), its_targets & targets) - {source}
            if shared:
                return other, source, min(shared)
    return None


def _reachable_again(written: LifecycleWritten) -> set[str]:
    """The transitions that one account may make twice: some state they leave can be reached from one they lead to."""
    leaving: dict[str, list[TransitionWritten]] = {}
    for versions in written.transitions.values():
        for each in versions:
            for state in each.from_:
                leaving.setdefault(state, []).append(each)
    again = set()
    for name, versions in written.transitions.items():
        reached = {target for each in versions for target in each.to}
        frontier, taken = list(reached), set[int]()
        while frontier:
            fresh = [each for each in leaving.get(frontier.pop(), ()) if id(each) not in taken]
            taken |= {id(each) for each in fresh}
            further = {target for each in fresh for target in each.to} - reached
            reached |= further
            frontier += further
        if reached & {source for each in versions for source in each.from_}:
            again.add(name)
    return again


# --------------------------------------------------------------------------------------------------- other fields


def fields(context: Context, policy: PolicyWritten) -> tuple[list[Move], list[Rule]]:
    """The rules of a request to set a field without a life cycle."""
    moves: list[Move] = []
    rules: list[Rule] = []
    for name, field in context.account.items():
        path: Path = ("account", "fields", name)
        trigger, place = f"set.{name}", context.place(path)
        same = Compare("==", present(field), asked(field))
        source = field.source
        if field.fixed is not None:
            rules.append(
                built_in(
                    f"fields.{name}.fixed",
                    "fixed",
                    trigger,
                    place,
                    requires=same,
                    period=field.fixed,
                    source=source,
                    explanation=_said_of_fixed(context, policy.account.fields[name], path),
                )
            )
        match field.motion:
            case "lifecycle" | "fixed":
                pass
            case "outside" | "effects":
                id = f"fields.{name}.unlisted"
                for period in (ALWAYS,) if field.fixed is None else field.fixed.rest():
                    rules.append(built_in(id, "unlisted", trigger, place, requires=same, period=period, source=source))
            case "settable":
                written = policy.account.fields[name].settable or []
                set_moves, set_rules = _settable(context, field, written, (*path, "settable"))
                moves.extend(set_moves)
                rules.extend(set_rules)
    return moves, rules


def _said_of_fixed(context: Context, written: FieldWritten, path: Path) -> Text | None:
    if written.fixed is None:
        return None
    return context.text(written.fixed.explanation, (*path, "fixed", "explanation"), limit=False)


def _settable(
    context: Context, field: FieldDeclaration, versions: list[Changing], path: Path
) -> tuple[list[Move], list[Rule]]:
    periods = [context.period(each.in_force, (*path, index)) for index, each in enumerate(versions)]
    check_versions(context, field.name, periods, path)
    trigger = f"set.{field.name}"
    moves: list[Move] = []
    rules: list[Rule] = []
    for index, (written, period) in enumerate(zip(versions, periods, strict=True)):
        here = (*path, index)
        if field.fixed is not None and overlaps(field.fixed, period):
            message = f"`{field.name}` is fixed on some days on which it may be set"
            context.mistake("conflicting-motion", message, here, "end one before the other with `in_force`")
        source = context.citation(written.source, here)
        change = Change(f"fields.{field.name}.set", trigger, trigger, moves_it(field), period, source, here)
        move, guarding = changing(context, change, written)
        moves.append(move)
        rules.extend(guarding)
    never, when = f"fields.{field.name}.unlisted", moves_it(field)
    told = periods if field.fixed is None else [*periods, field.fixed]
    rules.extend(unlisted(context, never, trigger, told, path, when=when, source=_first_source(rules)))
    return moves, rules


def _first_source(rules: list[Rule]) -> Citation | None:
    """What the versions rest on, and so that there are no others."""
    return next((each.source for each in rules if each.source is not None), None)


def unlisted(
    context: Context,
    id: str,
    trigger: str,
    periods: list[Period],
    path: Path,
    *,
    when: Expr = TRUE,
    source: Citation | None,
) -> list[Rule]:
    """The rule that some version is in force; none is needed where one always is."""
    requires = some_in_force(periods)
    if requires == TRUE:
        return []
    return [built_in(id, "unlisted", trigger, context.place(path), when=when, requires=requires, source=source)]


# ---------------------------------------------------------------------------------- actions, registration, events


def action(context: Context, id: str, versions: list[ActionWritten]) -> tuple[list[Move], list[Rule]]:
    path: Path = ("actions", id)
    context.check_id(id, path)
    periods = [context.period(each.in_force, (*path, index)) for index, each in enumerate(versions)]
    check_versions(context, id, periods, path)
    moves: list[Move] = []
    rules: list[Rule] = []
    for index, (written, period) in enumerate(zip(versions, periods, strict=True)):
        here = (*path, index)
        change = Change(f"actions.{id}", f"do.{id}", id, TRUE, period, context.citation(written.source, here), here)
        move, guarding = changing(context, change, written)
        moves.append(move)
        rules.extend(guarding)
    rules.extend(unlisted(context, f"actions.{id}.unlisted", f"do.{id}", periods, path, source=_first_source(rules)))
    return moves, rules


def registration(context: Context, versions: list[RegistrationWritten]) -> tuple[list[Move], list[Rule]]:
    path: Path = ("registration",)
    periods = [context.period(each.in_force, (*path, index)) for index, each in enumerate(versions)]
    check_versions(context, "registration", periods, path)
    moves: list[Move] = []
    rules: list[Rule] = []
    for index, (written, period) in enumerate(zip(versions, periods, strict=True)):
        here = (*path, index)
        change = Change(
            "registration", "register", "register", TRUE, period, context.citation(written.source, here), here
        )
        requires = conjunction(context.all_of(written.requires, (*here, "requires")))
        rules.append(rule(context, change, "registration", "requires", requires, written, here, period=period))
        rules.extend(further(context, change, written.rules))
        owed = obligations(context, written.obligations, (*here, "obligations"))
        moves.append(Move(change.id, "register", "register", TRUE, period, context.place(here), obligations=owed))
    if not versions:
        moves.append(Move("registration", "register", "register", TRUE, ALWAYS, context.place(path)))
    return moves, rules


def event(context: Context, id: str, written: EventWritten) -> Event:
    path: Path = ("events", id)
    context.check_id(id, path)
    context.citation(written.source, path)
    change = Change(f"events.{id}", f"event.{id}", id, TRUE, ALWAYS, None, path)
    moved, _ = effects(context, change, written.moves, (*path, "moves"))
    return Event(id, context.text(written.title, (*path, "title")), tuple(moved), context.place(path))
