"""What must hold of every account, as it is: constraints, and features held without being entitled to them.

One pass: rows that break no rule are dropped before anything else is computed; the few others are put together, and
looked at once for each rule, which has its own words. What makes this fast is measured in benchmarks/.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from lawful.audit import factoring
from lawful.audit.expressions import Translator, every, some
from lawful.audit.factoring import Joined, Product
from lawful.audit.longform import long_form, source_of
from lawful.audit.rows import HOLDS_FEATURES, ID
from lawful.audit.spelling import Speller, local_times, with_local_times
from lawful.decision import Status
from lawful.ir import BOOL, And, Count, Expr, Field, Program, Rule, Variable, everything, negation

if TYPE_CHECKING:
    import ibis.expr.types as ibis_types

OnTable: TypeAlias = Callable[["ibis_types.Table"], Translator]
"""Gives the translator over a table that has the inventory's columns."""
Dense: TypeAlias = Callable[["ibis_types.Table"], "ibis_types.Table"]
"""Puts together the few rows that are left of many, to be looked at many times."""


def rules_of_states(program: Program, today: date) -> list[Rule]:
    """The rules of an account as it is, in force on a day."""
    return [rule for rule in program.rules if rule.scope in ("account", "feature") and rule.in_force.holds(today)]


def reads(program: Program, rule: Rule) -> tuple[set[tuple[str, str]], set[Count]]:
    """The facts of the account that a rule reads, by whatever way, and the counts."""
    facts: set[tuple[str, str]] = set()
    counts: set[Count] = set()
    for expr in (rule.when, rule.requires):
        for node in everything(expr, program.conditions):
            if isinstance(node, Field):
                facts.add((node.owner, node.name))
            elif isinstance(node, Count):
                counts.add(node)
    return facts, counts


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What rules come to on a table's rows."""

    rules: tuple[Rule, ...]
    translator: Translator
    violated: tuple[Any, ...]
    doubts: tuple[Sequence[Any], ...]

    @classmethod
    def of(cls, rules: Sequence[Rule], translator: Translator) -> Outcomes:
        return cls(
            tuple(rules),
            translator,
            tuple(translator.violated(rule) for rule in rules),
            tuple(translator.doubts(_breach(rule)) for rule in rules),
        )

    def some_violated(self) -> Any:
        """TRUE where any rule is, else FALSE or NULL: what several of them ask for is asked once."""
        conditions = self.translator.program.conditions
        products = [each for rule in self.rules for each in factoring.products(_breach(rule), conditions)]
        if self.translator.row.holds_features is not None:
            products = [_guarded(each) for each in products]
        return self._truth(factoring.factored(products))

    def _truth(self, tree: object) -> Any:
        if isinstance(tree, Joined):
            return (every if tree.by == "and" else some)([self._truth(each) for each in tree.parts])
        return (
            self.translator.row.holds_features if tree is _HOLDS_FEATURES else self.translator.holds(cast("Expr", tree))
        )

    def some_doubt(self) -> Any | None:
        """Where any rule may be unknown: asked first, since it is rare and asking every rule is not cheap."""
        doubts = {doubt.op(): doubt for doubts in self.doubts for doubt in doubts}  # several parts, one column
        return some(list(doubts.values())) if doubts else None

    def some_unknown(self) -> Any | None:
        doubt = self.some_doubt()
        if doubt is None:
            return None
        return every([doubt, some([each.isnull() for each in self.violated])])


def _breach(rule: Rule) -> Expr:
    return And((rule.when, negation(rule.requires)))


_HOLDS_FEATURES: Final = Variable("holds features", BOOL)
"""Stands for the question whether an account holds any feature at all, which is cheaper than which."""


def _guarded(product: Product[Expr]) -> Product[Expr]:
    """Whoever holds a feature holds some."""
    holds_one = any(isinstance(part, Field) and part.owner == "features" for part in product)
    return product | {_HOLDS_FEATURES} if holds_one else product


def unknowns(table: ibis_types.Table, rules: Sequence[Rule], on: OnTable) -> ibis_types.Table | None:
    """How often each rule is unknown: one row, a column `u<n>` for each rule; None where none ever is."""
    outcomes = Outcomes.of(rules, on(table))
    doubt = outcomes.some_doubt()
    if doubt is None:
        return None
    counts = {f"u{n}": each.isnull().sum() for n, each in enumerate(outcomes.violated) if outcomes.doubts[n]}
    return table.filter(doubt).aggregate(**counts)


def of_interest(table: ibis_types.Table, rules: Sequence[Rule], on: OnTable) -> ibis_types.BooleanValue:
    """TRUE of every row that a rule is violated or unknown of, and of some others; else FALSE or NULL."""
    outcomes = Outcomes.of(rules, on(table))
    doubt = outcomes.some_doubt()
    violated = outcomes.some_violated()
    return violated if doubt is None else some([violated, doubt])


def findings(
    table: ibis_types.Table, rules: Sequence[Rule], on: OnTable, dense: Dense, *, unknown: bool
) -> list[ibis_types.Table]:
    """The violated rules of every account, and the unknown ones where they are wanted, in long form: a table each."""
    outcomes = Outcomes.of(rules, on(table))
    wanted = [outcomes.some_violated()]
    doubtful = outcomes.some_unknown() if unknown else None
    if doubtful is not None:
        wanted.append(doubtful)
    hits = dense(_asked(table.filter(some(wanted))))
    found = Outcomes.of(rules, on(hits))
    told = [_told(hits.filter(each), rule, on, "violated") for rule, each in zip(rules, found.violated, strict=True)]
    if doubtful is not None:
        told += [
            _told(hits.filter(each.isnull()), rule, on, "unknown")
            for rule, each, doubts in zip(rules, found.violated, found.doubts, strict=True)
            if doubts
        ]
    return told


def _asked(few: ibis_types.Table) -> ibis_types.Table:
    """The rows that are left, without what was only asked to leave others out."""
    return few.drop(HOLDS_FEATURES) if HOLDS_FEATURES in few.columns else few


def _told(rows: ibis_types.Table, rule: Rule, on: OnTable, status: Status) -> ibis_types.Table:
    rows = with_local_times(rows, on(rows))
    translator = on(rows)
    speller = Speller(translator, local=local_times(rows, translator.program))
    return long_form(
        rows,
        account_id=rows[ID],
        rule=rule.id,
        severity=rule.severity,
        status=status,
        about="account",
        at=translator.row.now,
        explanation_en=speller.explanation(rule, status, "en"),
        explanation_zh=speller.explanation(rule, status, "zh"),
        facts=speller.facts(rule.when, rule.requires),
        source=source_of(rule),
        dialect=translator.dialect,
    )
