"""What `events` and `snapshots` found, in words: recorded moves that were not allowed, limits that were exceeded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import ibis

from lawful.audit.events import Judged
from lawful.audit.expressions import Translator
from lawful.audit.longform import long_form, source_of
from lawful.audit.rows import Row, facts_of
from lawful.audit.spelling import Speller
from lawful.ir import FALSE, AtMost, Field, Owner, Program

if TYPE_CHECKING:
    import ibis.expr.types as ibis_types

ASKED_PREFIX: Final = "c_"
"""Before a field's name: the value that a transition leads to."""


def without_barred(program: Program) -> Program:
    """The program without transitions that nobody can make, whatever is known: those that require what is never so.

    `requires: "false"` is how a policy says, with a reason, that a way is closed; what is recorded is no such step.
    """
    barred = {
        (rule.id, rule.in_force)
        for rule in program.rules
        if (rule.scope, rule.kind, rule.requires) == ("move", "requires", FALSE)
    }
    lasting = (each for each in program.moves if each.step is None or (each.id, each.in_force) not in barred)
    return replace(program, moves=tuple(lasting))


def told(judged: Judged, program: Program, make: Callable[[Row], Translator]) -> ibis_types.Table:
    """The rows of one rule in long form."""
    table, rule = judged.table, judged.rule
    facts: dict[tuple[Owner, str], Any] = dict(facts_of(program, table))
    for name in program.account:
        if f"{ASKED_PREFIX}{name}" in table.columns:
            facts["change", name] = table[f"{ASKED_PREFIX}{name}"]
    translator = make(Row(facts, ibis.null("date"), table["at"]))
    limit = rule.requires.at_most if isinstance(rule.requires, AtMost) else None
    count = table["count"] if limit is not None else None
    speller = Speller(
        translator,
        count=count,
        limit=limit,
        today=translator.dialect.date_of_days(translator.zone.day_number(table["at"])),
    )
    read = [Field(owner, name, program.account[name].type) for owner, name in facts if name in program.account]
    return long_form(
        table,
        account_id=table.account_id,
        rule=rule.id,
        severity=rule.severity,
        status=table.violated.fill_null(False).ifelse("violated", "unknown"),
        about=judged.about,
        at=table["at"],
        explanation_en=speller.explanation(rule, "violated", "en"),
        explanation_zh=speller.explanation(rule, "violated", "zh"),
        facts=speller.facts(*read),
        source=source_of(rule),
        dialect=translator.dialect,
    )
