"""Findings as every audit gives them: one row for each account and rule, whatever found them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import ibis

from lawful.audit.dialects import Dialect
from lawful.audit.summary import About
from lawful.ir import Rule

if TYPE_CHECKING:
    import ibis.expr.types as ibis_types

COLUMNS: Final = {
    "account_id": "string",
    "rule": "string",
    "severity": "string",
    "status": "string",
    "about": "string",
    "at": "timestamp('UTC', 6)",
    "explanation_en": "string",
    "explanation_zh": "string",
    "facts": "string",
    "source": "string",
    "excused": "string",
}


def source_of(rule: Rule) -> str | None:
    """`seed#4`: what a rule rests on."""
    if rule.source is None:
        return None
    clause = rule.source.clause
    return rule.source.source.id if clause is None else f"{rule.source.source.id}#{clause}"


def long_form(
    table: ibis_types.Table,
    *,
    account_id: Any,
    rule: Any,
    severity: Any,
    status: Any,
    about: About,
    at: Any,
    explanation_en: Any,
    explanation_zh: Any,
    facts: Any,
    source: Any,
    dialect: Dialect,
) -> ibis_types.Table:
    """The table's rows as findings. `at` is in microseconds."""
    when = dialect.timestamp(at if not isinstance(at, int) else ibis.literal(at, type="int64"))
    parts = {
        "account_id": account_id,
        "rule": rule,
        "severity": severity,
        "status": status,
        "about": ibis.literal(about),
        "at": when,
        "explanation_en": explanation_en,
        "explanation_zh": explanation_zh,
        "facts": facts,
        "source": ibis.null("string") if source is None else source,
        "excused": ibis.null("string"),
    }
    return table.select(**{name: _typed(part, COLUMNS[name]) for name, part in parts.items()})


def _typed(part: Any, wanted: str) -> Any:
    value = ibis.literal(part) if isinstance(part, str) else part
    return value if wanted != "string" else value.cast("string") if not value.type().is_string() else value


def together(tables: Sequence[ibis_types.Table]) -> ibis_types.Table:
    """All of them, one after the other; joined in pairs, so that many nest little."""
    if len(tables) == 1:
        return tables[0]
    middle = len(tables) // 2
    return together(tables[:middle]).union(together(tables[middle:]))
