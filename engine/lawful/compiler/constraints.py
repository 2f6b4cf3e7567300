"""What must hold of every account, across accounts, and along every sequence of changes."""

from __future__ import annotations

from lawful.compiler.changes import REGISTERS
from lawful.compiler.context import Context, check_versions
from lawful.compiler.named import asks_request
from lawful.document import Path
from lawful.ir import (
    DATE,
    FALSE,
    INT,
    TIMESTAMP,
    TRUE,
    Call,
    Compare,
    ConditionOf,
    Constant,
    Expr,
    Field,
    Group,
    Invariant,
    Known,
    Not,
    Owner,
    Period,
    Rule,
    RuleKind,
    Scope,
    conjunction,
    rebuilt,
    walk,
)
from lawful.written import ConstraintWritten, InvariantWritten


def constraint(context: Context, id: str, versions: list[ConstraintWritten]) -> tuple[list[Rule], list[Group]]:
    path: Path = ("constraints", id)
    context.check_id(id, path)
    periods = [context.period(each.in_force, (*path, index)) for index, each in enumerate(versions)]
    check_versions(context, id, periods, path)
    rules: list[Rule] = []
    groups: list[Group] = []
    for index, (written, period) in enumerate(zip(versions, periods, strict=True)):
        here = (*path, index)
        if written.per is None:
            rules.append(_of_an_account(context, id, written, period, here))
        else:
            rule, group = _across_accounts(context, id, written, period, here)
            rules.append(rule)
            if group is not None:
                groups.append(group)
    return rules, groups


def _of_an_account(context: Context, id: str, written: ConstraintWritten, period: Period, path: Path) -> Rule:
    for key in ("at_most", "counted_by", "as_of"):
        if getattr(written, key) is not None:
            message = f"`{key}` belongs to a constraint across accounts"
            context.key_mistake("constraint-shape", message, (*path, key), "say `per:` which field the accounts share")
    if written.requires is None:
        message = "a constraint has `requires`, or `per` and `at_most`"
        context.key_mistake("constraint-shape", message, path)
    when = _when(context, written, path)
    requires = conjunction(context.all_of(written.requires or [], (*path, "requires"), "constraint"))
    if asks_request(when, context.named) or asks_request(requires, context.named):
        message = (
            "a constraint holds of every account, always: it may not rest on a request, by way of a condition either"
        )
        context.key_mistake("request-in-constraint", message, path)
    return _rule(context, id, "constraint", "account", when, requires, written, period, path)


def _across_accounts(
    context: Context, id: str, written: ConstraintWritten, period: Period, path: Path
) -> tuple[Rule, Group | None]:
    """Judged where a change makes the account satisfy `when`, or brings it into another group."""
    when = _when(context, written, path)
    per = context.fact(written.per or "", (*path, "per"))
    if per is not None and per.owner != "account":
        context.mistake("wrong-value", "accounts are grouped by a field of theirs, `account.…`", (*path, "per"))
        per = None
    counted_by = None if written.counted_by is None else context.fact(written.counted_by, (*path, "counted_by"))
    if counted_by is not None and counted_by.type != INT:
        context.mistake("wrong-type", f"`{written.counted_by}` is not a whole number", (*path, "counted_by"))
    if written.requires is not None or written.at_most is None or written.at_most < 0:
        message = "a constraint across accounts has `at_most`, 0 or more, and no `requires`"
        context.key_mistake("constraint-shape", message, path)
    at_most = written.at_most if written.at_most is not None else 0
    if per is None:
        return _rule(context, id, "group", "group", FALSE, TRUE, written, period, path), None
    as_of = _as_of(context, written, path)
    group = Group(f"constraints.{id}", per, at_most, when, counted_by, period, as_of)
    rule = _rule(context, id, "group", "group", _joins(group), _few_others(group), written, period, path)
    return rule, group


def _as_of(context: Context, written: ConstraintWritten, path: Path) -> Expr | None:
    """A day: that of the field."""
    if written.as_of is None:
        return None
    here = (*path, "as_of")
    found = context.fact(written.as_of, here)
    if found is None:
        return None
    if found.owner != "account":
        context.mistake("wrong-value", "accounts are judged as of a day of theirs, `account.…`", here)
    elif found.type not in (DATE, TIMESTAMP):
        context.mistake("wrong-type", f"`{written.as_of}` is neither a date nor a timestamp", here)
    return found if found.type == DATE else Call("date", (found,))


def _joins(group: Group) -> Expr:
    """The account is in the group after the change, and was not before. Unasked where nothing counts the others."""
    if group.counted_by is None:
        return FALSE
    before, after = in_state(group.per, "before"), in_state(group.per, "after")
    was_there = conjunction([Not(REGISTERS), in_state(group.when, "before"), Compare("==", before, after)])
    return conjunction([in_state(group.when, "after"), Known(after), Not(was_there)])


def _few_others(group: Group) -> Expr:
    if group.counted_by is None:
        return TRUE
    return Compare("<", in_state(group.counted_by, "after"), Constant(group.at_most, INT))


def in_state(expr: Expr, state: Owner) -> Expr:
    """The expression over the account before or after the change."""
    moved: dict[Owner, Owner] = (
        {"account": "before", "features": "before.features"}
        if state == "before"
        else {"account": "after", "features": "after.features"}
    )

    def there(node: Expr) -> Expr | None:
        match node:
            case Field() if node.owner in moved:
                return Field(moved[node.owner], node.name, node.type)
            case ConditionOf():
                return ConditionOf(node.name, "before" if state == "before" else "after")
            case _:
                return None

    return rebuilt(expr, there)


def _when(context: Context, written: ConstraintWritten, path: Path) -> Expr:
    return TRUE if written.when is None else context.boolean(written.when, (*path, "when"), "constraint")


def _rule(
    context: Context,
    id: str,
    kind: RuleKind,
    scope: Scope,
    when: Expr,
    requires: Expr,
    written: ConstraintWritten,
    period: Period,
    path: Path,
) -> Rule:
    return Rule(
        id=f"constraints.{id}",
        kind=kind,
        scope=scope,
        subject="",
        when=when,
        requires=requires,
        severity=written.severity,
        in_force=period,
        place=context.place(path),
        title=context.text(written.title, (*path, "title"), limit=kind == "group"),
        explanation=context.text(written.explanation, (*path, "explanation"), limit=kind == "group"),
        source=context.citation(written.source, path),
        note=context.note(written.note),
    )


def invariant(context: Context, id: str, written: InvariantWritten) -> Invariant | None:
    path: Path = ("invariants", id)
    context.check_id(id, path)
    if (written.never is None) == (written.always is None):
        context.key_mistake("invariant-shape", "an invariant has exactly one of `never` and `always`", path)
        return None
    kind = "never" if written.never is not None else "always"
    text = written.never if written.never is not None else written.always
    expr = context.boolean(text or "", (*path, kind), "invariant")
    pair = any(isinstance(node, Field) and node.owner not in ("account", "features") for node in walk(expr))
    return Invariant(
        id=id,
        kind="never" if written.never is not None else "always",
        expr=expr,
        pair=pair,
        severity=written.severity,
        in_force=context.period(written.in_force, path),
        title=context.text(written.title, (*path, "title")),
        explanation=context.text(written.explanation, (*path, "explanation"), limit=False),
        source=context.citation(written.source, path),
        note=context.note(written.note),
        place=context.place(path),
    )
