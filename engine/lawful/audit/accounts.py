"""What must hold of every account, as it is: constraints, and features held without being entitled to them.

One pass: rows that break no rule are dropped before anything else is computed; of the others a mask says which rules,
and only then is there a row for each rule, with its words. What makes this fast is measured in benchmarks/.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import ibis

from lawful.audit.expressions import Translator, every, some
from lawful.audit.longform import long_form, source_of
from lawful.audit.rows import ID
from lawful.audit.spelling import Speller, local_times, with_local_times
from lawful.ir import And, Count, Expr, Field, Program, Rule, everything, negation

if TYPE_CHECKING:
    import ibis.expr.types as ibis_types

OnTable: TypeAlias = Callable[["ibis_types.Table"], Translator]
"""Gives the translator over a table that has the inventory's columns."""
Dense: TypeAlias = Callable[["ibis_types.Table"], "ibis_types.Table"]
"""Puts together the few rows that are left of many."""

_BITS: Final = 62
"""Of a mask: a 64-bit number is signed."""


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
    violated: tuple[Any, ...]
    doubts: tuple[Mapping[Expr, Any], ...]

    @classmethod
    def of(cls, rules: Sequence[Rule], translator: Translator) -> Outcomes:
        return cls(
            tuple(rules),
            tuple(translator.violated(rule) for rule in rules),
            tuple(translator.doubts(And((rule.when, negation(rule.requires)))) for rule in rules),
        )

    def some_doubt(self) -> Any | None:
        """Where any rule may be unknown: asked first, since it is rare and asking every rule is not cheap."""
        doubts = {part: doubt for doubts in self.doubts for part, doubt in doubts.items()}
        return some(list(doubts.values())) if doubts else None

    def some_unknown(self) -> Any | None:
        doubt = self.some_doubt()
        if doubt is None:
            return None
        return every([doubt, some([each.isnull() for each in self.violated])])


def unknowns(table: ibis_types.Table, outcomes: Outcomes) -> ibis_types.Table | None:
    """How often each rule is unknown: one row, a column `u<n>` for each rule; None where none ever is."""
    doubt = outcomes.some_doubt()
    if doubt is None:
        return None
    counts = {f"u{n}": each.isnull().sum() for n, each in enumerate(outcomes.violated) if outcomes.doubts[n]}
    return table.filter(doubt).aggregate(**counts)


def findings(
    table: ibis_types.Table, rules: Sequence[Rule], on: OnTable, dense: Dense, *, unknown: bool
) -> list[ibis_types.Table]:
    """The violated rules of every account, and the unknown ones where they are wanted, in long form."""
    outcomes = Outcomes.of(rules, on(table))
    wanted = [some(list(outcomes.violated))]
    doubtful = outcomes.some_unknown() if unknown else None
    if doubtful is not None:
        wanted.append(doubtful)
    hits = dense(table.filter(some(wanted)))
    translated = Outcomes.of(rules, on(hits))
    masks = dict(_masks("v", list(translated.violated)))
    if doubtful is not None:
        masks |= dict(_masks("u", [each.isnull() for each in translated.violated]))
    masked = with_local_times(hits, on(hits)).mutate(**masks)
    listed = _rule_table(rules)
    found = [_told(masked.inner_join(listed, _holds("v", masked, listed)), rules, on, "violated")]
    if doubtful is not None:
        found.append(_told(masked.inner_join(listed, _holds("u", masked, listed)), rules, on, "unknown"))
    return found


def _masks(name: str, truths: Sequence[Any]) -> Iterable[tuple[str, Any]]:
    """Which of them are true, as bits of as few numbers as they need."""
    for word, start in enumerate(range(0, len(truths), _BITS)):
        chunk = truths[start : start + _BITS]
        bits = [each.ifelse(1 << n, 0).cast("int64") for n, each in enumerate(chunk)]
        total = bits[0]
        for each in bits[1:]:
            total = total | each
        yield f"{name}{word}", total


def _rule_table(rules: Sequence[Rule]) -> Any:
    import pyarrow as pa

    return ibis.memtable(
        pa.table(
            {
                "rule_index": pa.array(range(len(rules)), type=pa.int64()),
                "rule_word": pa.array([n // _BITS for n in range(len(rules))], type=pa.int64()),
                "rule_bit": pa.array([1 << n % _BITS for n in range(len(rules))], type=pa.int64()),
                "rule": [rule.id for rule in rules],
                "severity": [rule.severity for rule in rules],
                # Ibis gives Spark a table by way of pandas, where no text is a number that is none
                "source": [source_of(rule) or "" for rule in rules],
            }
        )
    )


def _holds(name: str, masked: Any, listed: Any) -> Any:
    """Whether the bit of a rule is set in the number it stands in."""
    words = [each for each in masked.columns if each.startswith(name) and each[1:].isdigit()]
    of_word = [(listed.rule_word == n, (masked[word] & listed.rule_bit) != 0) for n, word in enumerate(words)]
    return of_word[0][1] if len(words) == 1 else ibis.cases(*of_word)


def _told(table: Any, rules: Sequence[Rule], on: OnTable, status: Any) -> Any:
    translator = on(table)
    speller = Speller(translator, local=local_times(table, translator.program))
    number = table.rule_index

    def by_rule(spelled: Callable[[Rule], Any]) -> Any:
        return ibis.cases(*((number == n, spelled(rule)) for n, rule in enumerate(rules)))

    now = translator.row.now
    return long_form(
        table,
        account_id=table[ID],
        rule=table.rule,
        severity=table.severity,
        status=status,
        about="account",
        at=now,
        explanation_en=by_rule(lambda rule: speller.explanation(rule, status, "en")),
        explanation_zh=by_rule(lambda rule: speller.explanation(rule, status, "zh")),
        facts=by_rule(lambda rule: speller.facts(rule.when, rule.requires)),
        source=table.source.nullif(""),
        dialect=translator.dialect,
    )
