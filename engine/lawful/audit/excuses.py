"""What a finding may be excused by: a baseline, in which it was there already, and waivers, which somebody answers for.

An excused finding stays among the findings, with its excuse; it fails no audit. A waiver that has expired excuses
nothing and is a finding itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import ibis

from lawful.audit.errors import AuditError
from lawful.audit.failures import telling
from lawful.audit.local import parquet, through_ibis
from lawful.audit.longform import COLUMNS
from lawful.audit.rowwise import literally
from lawful.diagnostics import legible

if TYPE_CHECKING:
    import ibis.expr.types as ibis_types

    from lawful.audit.waivers import Waiver

EXPIRED: Final = "data.expired-waiver"


def excused(
    findings: Path, target: Path, baseline: Path | None, granted: Sequence[Waiver], also: Sequence[dict[str, Any]]
) -> None:
    """The findings with their excuses: the first waiver that fits, else the baseline. `also`: further findings."""
    local = through_ibis(preserve_insertion_order=False)
    try:
        table = parquet(local, str(findings))
        if also:
            table = table.union(ibis.memtable(_rows(also)))
        excuse: Any = ibis.null("string")
        if baseline is not None:
            table, excuse = _with_baseline(table, _baseline(local, baseline))
        waived = [(_fits(table, each), f"waiver: {each.owner}: {each.reason}") for each in granted]
        if waived:
            excuse = ibis.cases(*waived, else_=excuse)
        kept = {name: table[name] for name in COLUMNS if name != "excused"}
        local.to_parquet(table.select(**kept, excused=excuse.cast("string")), target, compression="zstd")
    finally:
        local.disconnect()


def check_baseline(path: Path) -> None:
    """Refuse what is no baseline, before anything is judged. Raises AuditError."""
    local = through_ibis()
    try:
        _baseline(local, path)
    finally:
        local.disconnect()


def _baseline(local: Any, path: Path) -> ibis_types.Table:
    with telling(f"the baseline `{legible(str(path), 200)}` cannot be read"):
        if not path.exists():
            raise AuditError(
                f"there is no baseline `{legible(str(path), 200)}`",
                "it is what an earlier audit wrote to a .parquet file",
            )
        table = parquet(local, literally(path))
    lacking = [name for name in ("account_id", "rule", "at") if name not in table.columns]
    if lacking:
        listed = ", ".join(f"`{each}`" for each in lacking)
        raise AuditError(
            f"the baseline `{legible(str(path), 200)}` is no file of findings: it has no column {listed}",
            "a baseline is what an earlier audit wrote to a .parquet file",
        )
    if "status" in table.columns:  # what was not known to be broken then is new now
        table = table.filter(table.status == "violated")
    return table.filter(table.rule != EXPIRED)


def _with_baseline(table: ibis_types.Table, known: ibis_types.Table) -> tuple[ibis_types.Table, Any]:
    """A finding is the same if account, rule and instant are; of an account as it is (whose instant is that of the
    audit) and of a group, if account and rule are.
    """
    always = known.select(k_account="account_id", k_rule="rule", k_at=known["at"].epoch_seconds()).distinct()
    instant = table.mutate(k_state=table.about.isin(["account", "group", "data"]), k_when=table["at"].epoch_seconds())
    states = always.select("k_account", "k_rule").distinct().rename(s_account="k_account", s_rule="k_rule")
    joined = instant.left_join(
        always,
        [
            instant.account_id == always.k_account,
            instant.rule == always.k_rule,
            instant.k_when == always.k_at,
        ],
    )
    joined = joined.left_join(states, [joined.account_id == states.s_account, joined.rule == states.s_rule])
    is_known = joined.k_account.notnull() | (joined.k_state & joined.s_account.notnull())
    return joined, ibis.cases((is_known, "baseline"))


def _rows(records: Sequence[dict[str, Any]]) -> Any:
    import pyarrow as pa

    return pa.Table.from_pylist(list(records), schema=ibis.schema(COLUMNS).to_pyarrow())


def _fits(table: ibis_types.Table, waiver: Waiver) -> Any:
    of_rule = ibis.literal(True) if waiver.rule is None else table.rule == waiver.rule
    of_account = ibis.literal(True) if waiver.account is None else table.account_id == waiver.account
    return of_rule & of_account & (table.rule != EXPIRED)
