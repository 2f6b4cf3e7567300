"""The rules over a change: what it requires, its limits, what may not have been before, what it does."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from lawful.calendar import LIFETIME, Window
from lawful.compiler.context import Context, check_versions, overlaps
from lawful.document import Path
from lawful.ir import (
    ALWAYS,
    TRUE,
    And,
    AtMost,
    Citation,
    Compare,
    Constant,
    Count,
    Effect,
    Expr,
    FieldDeclaration,
    Known,
    Obligation,
    Period,
    Rule,
    RuleKind,
    Severity,
    conjunction,
)
from lawful.written import Changing, Further, Guarded, LimitWritten, ObligationWritten, RuleWritten


@dataclass(frozen=True, slots=True)
class Change:
    """The change that rules are compiled for."""

    id: str
    """The prefix of its rules' ids."""
    trigger: str
    event: str
    applies: Expr
    period: Period
    source: Citation | None
    path: Path
    once_guaranteed: bool = False


def rule(
    context: Context,
    change: Change,
    id: str,
    kind: RuleKind,
    requires: Expr,
    written: RuleWritten | None,
    path: Path,
    *,
    when: Expr | None = None,
    period: Period = ALWAYS,
    inherit: RuleWritten | None = None,
) -> Rule:
    """A rule over the change, with what its author wrote beside it."""
    carries = written if written is not None else inherit
    severity: Severity = carries.severity if carries is not None else "error"
    is_limit = kind in ("limit", "never_after")
    own = written is not None
    return Rule(
        id=id,
        kind=kind,
        scope="move",
        subject=change.trigger,
        when=change.applies if when is None else when,
        requires=requires,
        severity=severity,
        in_force=period,
        place=context.place(path),
        title=context.text(written.title, (*path, "title"), limit=is_limit) if own and written else None,
        explanation=context.text(written.explanation, (*path, "explanation"), limit=is_limit)
        if own and written
        else None,
        source=context.citation(written.source, path, change.source) if own and written else change.source,
        note=context.note(written.note) if own and written else None,
    )


def guards(context: Context, change: Change, written: Guarded) -> list[Rule]:
    """`requires`, `rules`, `limit`, `limits` and `never_after`, in this order."""
    found = []
    requires = conjunction(context.all_of(written.requires, (*change.path, "requires")))
    # The rule stands even where nothing is required: its title, explanation and source are checked and shown with it.
    found.append(rule(context, change, change.id, "requires", requires, written, change.path, period=change.period))
    found.extend(further(context, change, written.rules))
    if written.limit is not None:
        found.append(_limit(context, change, f"{change.id}.limit", written.limit, (*change.path, "limit")))
    found.extend(_limits(context, change, written.limits, (*change.path, "limits")))
    if written.never_after:
        found.append(_never_after(context, change, written))
    return found


def further(context: Context, change: Change, written: Further) -> list[Rule]:
    """Rules beside `requires`: each has an id, words, a source, a severity and dates of its own."""
    found = []
    for name, versions in written.items():
        path: Path = (*change.path, "rules", name)
        context.check_id(name, path)
        periods = [context.period(each.in_force, (*path, index), change.period) for index, each in enumerate(versions)]
        check_versions(context, name, periods, path)
        for index, (each, period) in enumerate(zip(versions, periods, strict=True)):
            here = (*path, index)
            requires = conjunction(context.all_of(each.requires, (*here, "requires")))
            when = [change.applies]
            if each.when is not None:
                when.append(context.boolean(each.when, (*here, "when")))
            id = f"{change.id}.rules.{name}"
            found.append(
                rule(context, change, id, "requires", requires, each, here, when=conjunction(when), period=period)
            )
    return found


def _limits(context: Context, change: Change, written: list[LimitWritten], path: Path) -> list[Rule]:
    found = []
    ids: set[str] = set()
    for index, each in enumerate(written):
        here = (*path, index)
        name = each.id if each.id is not None else str(index + 1)
        if each.id is not None:
            context.check_id(each.id, (*here, "id"))
        if name in ids:
            context.mistake("duplicate-id", f"two limits here are called `{name}`", (*here, "id"))
        ids.add(name)
        found.append(_limit(context, change, f"{change.id}.limits.{name}", each, here))
    return found


def _limit(context: Context, change: Change, id: str, written: LimitWritten, path: Path) -> Rule:
    window = replace(_window(context, written, path), since=written.since)
    events = _events(context, written.of, change, path)
    counted_by = None if written.counted_by is None else context.fact(written.counted_by, (*path, "counted_by"))
    if counted_by is not None and counted_by.type.kind != "int":
        context.mistake("wrong-type", f"`{written.counted_by}` is not a whole number", (*path, "counted_by"))
    if written.at_most < 0:
        context.mistake("wrong-value", "a limit cannot be below 0", (*path, "at_most"))
    own = int(change.event in events)
    guaranteed = change.once_guaranteed and window == LIFETIME and written.at_most >= 1 and events == (change.event,)
    requires = AtMost(Count(events, window), written.at_most, own, counted_by, guaranteed)
    when = [change.applies]
    if written.when is not None:
        when.append(context.boolean(written.when, (*path, "when")))
    period = context.period(written.in_force, path, change.period)
    if window.since is not None:
        period = _from(context, window.since, period, path)
    return rule(context, change, id, "limit", requires, written, path, when=conjunction(when), period=period)


def _window(context: Context, written: LimitWritten, path: Path) -> Window:
    within = written.within
    if (written.per is None) == (within is None):
        context.mistake("bad-window", "a limit has exactly one of `per` and `within`", path)
        return LIFETIME
    if written.per is not None or within is None:
        return Window(written.per or "lifetime")
    lengths = [(unit, getattr(within, unit)) for unit in ("days", "months") if getattr(within, unit) is not None]
    if len(lengths) != 1 or not 1 <= lengths[0][1] <= 99999:
        message = "`within` is a number of `days` or of `months`, 1 or more"
        context.mistake("bad-window", message, (*path, "within"))
        return LIFETIME
    return Window("days" if lengths[0][0] == "days" else "months", lengths[0][1])


def _from(context: Context, since: date, period: Period, path: Path) -> Period:
    """A limit that counts from a day on begins with it: before, the change that is asked for does not count either."""
    if period.until is not None and period.until <= since:
        message = f"this is never in force: it begins {since} and ends {period.until}"
        context.mistake("in-force-empty", message, (*path, "since"))
    return Period(max(since, period.start or since), period.until)


def _events(context: Context, names: list[str] | None, change: Change, path: Path) -> tuple[str, ...]:
    if names is None:
        return (change.event,)
    for index, name in enumerate(names):
        context.known("unknown-event", "event", name, context.events, (*path, "of", index))
    return tuple(dict.fromkeys(names))


def _never_after(context: Context, change: Change, written: Guarded) -> Rule:
    path = (*change.path, "never_after")
    for index, name in enumerate(written.never_after):
        context.known("unknown-event", "event", name, context.events, (*path, index))
    requires = AtMost(Count(tuple(dict.fromkeys(written.never_after)), LIFETIME), 0, 0)
    return rule(
        context,
        change,
        f"{change.id}.never_after",
        "never_after",
        requires,
        None,
        path,
        period=change.period,
        inherit=written,
    )


def effects(context: Context, change: Change, written: dict[str, str], path: Path) -> tuple[list[Effect], list[Rule]]:
    """The effects, and for each the rule that its value stays within the field's bounds."""
    found: list[Effect] = []
    rules: list[Rule] = []
    for name, text in written.items():
        here = (*path, name)
        field = context.field_of(name, here)
        if field is None:
            continue
        if field.motion == "lifecycle":
            message = f"`{name}` has a life cycle: only its transitions move it"
            context.key_mistake("effect-on-lifecycle", message, here)
            continue
        if field.fixed is not None and overlaps(field.fixed, change.period):
            help = None if field.fixed == ALWAYS else "let the change end before it is fixed, with `in_force`"
            context.key_mistake("effect-on-fixed", f"`{name}` is fixed: nothing moves it", here, help)
            continue
        value = context.value(text, field, here)
        if value is not None:
            found.append(Effect(name, value))
            rules.append(_effect_rule(context, change, field, value, here))
    return found, rules


def _effect_rule(context: Context, change: Change, field: FieldDeclaration, value: Expr, path: Path) -> Rule:
    bounds: list[Expr] = []
    if field.minimum is not None:
        bounds.append(Compare(">=", value, Constant(field.minimum, field.type)))
    if field.maximum is not None:
        bounds.append(Compare("<=", value, Constant(field.maximum, field.type)))
    when = And((change.applies, Known(value))) if change.applies != TRUE else Known(value)
    return rule(
        context,
        change,
        f"{change.id}.effects.{field.name}",
        "effect",
        conjunction(bounds),
        None,
        path,
        when=when,
        period=change.period,
    )


def obligations(context: Context, written: list[ObligationWritten], path: Path) -> tuple[Obligation, ...]:
    found = []
    for index, each in enumerate(written):
        text = context.text(each, (*path, index), limit=False)
        when = TRUE if each.when is None else context.boolean(each.when, (*path, index, "when"))
        if text is not None:
            found.append(Obligation(text, when))
    return tuple(found)


def cost(context: Context, written: Changing, path: Path) -> tuple[tuple[str, int], ...]:
    for name, amount in written.cost.items():
        if amount < 0:
            where = (*path, "cost", name) if (*path, "cost", name) in context.document.values else (*path, "cost")
            context.mistake("wrong-value", "a cost cannot be below 0", where)
    return tuple(written.cost.items())
