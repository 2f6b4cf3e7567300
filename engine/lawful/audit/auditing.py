"""One audit, from what is named to what was found: the order of things, and nothing of how each is done."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol
from zoneinfo import ZoneInfo

from lawful import calendar, values
from lawful.audit import (
    accounts,
    checks,
    crosscheck,
    data,
    duplicates,
    events,
    excuses,
    groups,
    inventory,
    mapping,
    moves,
    named,
    questions,
    sieve,
    snapshots,
    sources,
    storing,
    tallies,
    views,
    windows,
    zones,
)
from lawful.audit.expressions import Translator
from lawful.audit.failures import telling
from lawful.audit.held import Held
from lawful.audit.ids import Search
from lawful.audit.local import parquet, through_ibis
from lawful.audit.longform import together
from lawful.audit.rows import HOLDS_FEATURES, ID, Counted, Row, facts_of
from lawful.audit.sources import Opened
from lawful.audit.summary import DataProblem, LifecycleTally, NotJudged, Summary
from lawful.audit.wanted import Wanted
from lawful.audit.zones import Zone
from lawful.decision import PolicyNamed
from lawful.diagnostics import legible
from lawful.ir import Count, Program, Rule

if TYPE_CHECKING:
    import ibis.expr.types as ibis_types

    from lawful.audit.waivers import Waiver

_YEAR: Final = 366 * zones.DAY
_SIFTING: Final = 0.7
"""What share of the judging it takes to read all rows."""


@dataclass(frozen=True, slots=True)
class Audited:
    """What was found: the summary, and the files (in the caller's scratch) that hold the rows."""

    summary: Summary
    findings: Path
    answers: Path | None


class Progress(Protocol):
    """Told what is being done now (`reading`, `judging`, …), and the share that is done, where that is known."""

    def __call__(self, step: str, share: float | None = None, /) -> None: ...


def silent(step: str, share: float | None = None, /) -> None:
    """A progress that nobody watches."""


def audit(
    program: Program, wanted: Wanted, scratch: Path, progress: Progress = silent, begun: Search | None = None
) -> Audited:
    """Audit an inventory. What is written goes to `scratch`, a folder of the caller's. Raises AuditError.

    `begun`: a search for ids that come twice, which goes on where it is in the inventory that is wanted.
    """
    started = time.perf_counter()
    read: list[Opened] = []
    with telling("the audit cannot be made"), ExitStack() as at_the_end:
        try:
            return _Audit(program, wanted, scratch, progress, at_the_end, begun, read).audited(started)
        finally:  # whatever else went wrong then, that is what did
            for each in read:
                each.must_be_as_it_was()


class _Audit:
    def __init__(
        self,
        program: Program,
        wanted: Wanted,
        scratch: Path,
        progress: Progress,
        at_the_end: ExitStack,
        begun: Search | None,
        read: list[Opened],
    ) -> None:
        self.read = read
        """What was opened, for whoever asks whether it is still the same."""
        self.program = program
        self.possible = moves.without_barred(program)
        """What is recorded is judged by it."""
        self.at_the_end = at_the_end
        self.wanted = wanted
        self.scratch = scratch
        self.progress = progress
        self.policy_zone = ZoneInfo(program.timezone)
        self.today = calendar.day_of(wanted.at, self.policy_zone)
        self.now = zones.micros(wanted.at)
        self.data: list[DataProblem] = []
        self.waivers = () if wanted.waivers is None else _waivers(wanted.waivers, program)
        if wanted.baseline is not None:
            excuses.check_baseline(wanted.baseline)
        self.mapping = mapping.mapping(program, wanted.mapping, wanted.columns)
        named.refuse_unused(wanted)
        named.refuse_alike(program)
        progress("reading")
        self.checks: list[tuple[checks.Check, str]] = []
        """Of what was opened, and not yet taken."""
        self.inventory, self.search = self._inventory(wanted.inventory, "inventory", begun)
        self.before, self.twice_before = self._before()
        self.history = self._history()
        self.dialect = self.inventory.dialect
        self.connection: Any = self.inventory.connection
        self.held = Held(self.connection)
        if self.history is not None or any(each.type.kind == "timestamp" for each in program.account.values()):
            self._take_checks()  # the zone depends on the instants
        self.zone = self._zone()
        self.asked = tuple(questions.parsed(each, program) for each in wanted.questions)
        self.counts: dict[Count, str] = {}
        self.unjudged: list[NotJudged] = []
        self.rules = self._judgeable_rules()
        self.across = self._judgeable_groups()
        self.table, self.counts = self._with_counts(self._counts_needed())
        self.sieve = self._sieve()

    # ------------------------------------------------------------------------------------------------ what is read

    def _inventory(
        self, where: object, what: str, begun: Search | None = None
    ) -> tuple[inventory.Inventory, Search | None]:
        opened = self._opened(where, beside=None if what == "inventory" else self.inventory.opened)
        readings = inventory.read(opened, self.program, self.mapping)
        self.progress("checking")
        search = self.at_the_end.enter_context(duplicates.search(readings, begun))
        self._check(readings)
        found = inventory.normalised(readings, lenient=self.wanted.lenient)
        if what == "inventory" and self.wanted.require_columns:
            inventory.refuse_missing(found, self._facts_needed())
        return found, search

    def _before(self) -> tuple[inventory.Inventory | None, ibis_types.Table | None]:
        """The earlier snapshot, and the ids that it has twice: of these nothing rests on which row comes first."""
        if self.wanted.before is None:
            return None, None
        found, search = self._inventory(self.wanted.before, "before")
        self._take_checks()
        twice = duplicates.duplicates(found, search)
        if twice is None:
            return found, None
        twice = twice.cache()
        if not tallies.count(twice):
            return found, None
        accounts = snapshots.once(self.program, found.accounts, twice)
        if found.dialect.name == "duckdb":  # so that no rule does it over again
            path = self.scratch / "before.parquet"
            found.connection.to_parquet(accounts, path)
            accounts = parquet(found.connection, str(path))
        return replace(found, accounts=accounts), twice

    def _history(self) -> inventory.History | None:
        if self.wanted.history is None:
            return None
        opened = self._opened(self.wanted.history, beside=self.inventory.opened)
        readings = inventory.read_history(opened, self.program, self.mapping)
        self._check(readings)
        return inventory.history(readings, lenient=self.wanted.lenient)

    def _opened(self, where: object, beside: Opened | None) -> Opened:
        wanted = self.wanted
        table = wanted.table if beside is None else None
        opened = sources.opened(
            where,
            scratch=self.scratch,
            on=wanted.on,
            table=table,
            encoding=wanted.encoding,
            memory_limit=wanted.memory,
            beside=beside,
        )
        self.read.append(opened)
        if beside is None:
            self.at_the_end.callback(_close, opened)
            self.at_the_end.callback(views.release, opened.connection)
        return opened

    def _check(self, readings: inventory.Readings) -> None:
        check = checks.Check(readings)
        self.at_the_end.callback(check.stop)
        self.checks.append((check, readings.opened.name))

    def _take_checks(self) -> None:
        """Keep what is odd to be told; refuse it where nobody has said that it may be unknown.

        Before the first look at any value; until then the columns are still looked through.
        """
        for check, name in self.checks:
            problems = check.problems()
            if not problems:
                continue
            checks.refuse_unnamed(problems, name)
            if not self.wanted.lenient:
                raise checks.refused(problems, name)
            self.data.extend(problems)
        self.checks = []

    def _zone(self) -> Zone:
        """The policy's zone over the time that the data speak of."""
        low, high = self.now - _YEAR, self.now + _YEAR
        for least, most in tallies.instants(self.program, self.inventory, self.history, self.before):
            low, high = min(low, least), max(high, most)
        return Zone.of(self.policy_zone, low, high)

    # --------------------------------------------------------------------------------------------- what is judged

    def _facts_needed(self) -> list[str]:
        rules = accounts.rules_of_states(self.program, self.today)
        return [name for rule in rules for _, name in sorted(accounts.reads(self.program, rule)[0])]

    def _judgeable_rules(self) -> list[Rule]:
        found = []
        for rule in accounts.rules_of_states(self.program, self.today):
            facts, counts = accounts.reads(self.program, rule)
            lacking = self._lacking(facts)
            if counts and self.history is None:
                lacking.append("history")
            if lacking:
                self.unjudged.append(NotJudged(rule.id, tuple(lacking)))
            else:
                found.append(rule)
        return found

    def _judgeable_groups(self) -> list[groups.Across]:
        found = []
        for across in groups.groups_of(self.program, self.today):
            facts, counts = groups.reads(self.program, across.group)
            lacking = self._lacking(facts)
            if counts and self.history is None:
                lacking.append("history")
            if not lacking:
                found.append(across)
            elif all(each.rule != across.rule.id for each in self.unjudged):  # of several versions once
                self.unjudged.append(NotJudged(across.rule.id, tuple(lacking)))
        return found

    def _lacking(self, facts: Iterable[tuple[str, str]]) -> list[str]:
        there = {"account": self.inventory.fields, "features": self.inventory.features}
        return sorted(
            name if owner == "account" else f"features.{name}"
            for owner, name in facts
            if name not in there.get(owner, frozenset())
        )

    def _with_default(self) -> tuple[str, ...]:
        """The fields that rules were not judged for want of, though the policy has a default for them; and the features
        that are asked for without anybody knowing who has them.
        """
        wanting = dict.fromkeys(name for each in self.unjudged for name in each.fields)
        schema = self.program.account
        fields = [name for name in wanting if name in schema and schema[name].default is not None]
        asked = [each.name for each in self.asked if each.kind == "enable" and each.name not in self.inventory.features]
        return (*fields, *(f"features.{name}" for name in dict.fromkeys(asked)))

    def _counts_needed(self) -> set[Count]:
        needed = {count for rule in self.rules for count in accounts.reads(self.program, rule)[1]}
        needed |= {count for across in self.across for count in groups.reads(self.program, across.group)[1]}
        if self.history is not None and self.asked:
            needed |= set(self._steps(self.inventory.accounts).counts())
        return needed

    def _with_counts(self, needed: set[Count]) -> tuple[ibis_types.Table, dict[Count, str]]:
        """The accounts, with a column for each count of their events."""
        table = self.inventory.accounts
        if not needed or self.history is None:
            return table, {}
        names = {count: f"n_{number}" for number, count in enumerate(sorted(needed, key=str))}
        counted = windows.counts(
            self.history.events,
            names,
            at_micros=self.now,
            zone=self.zone,
            dialect=self.dialect,
        ).rename(n_account="account_id")
        joined = table.left_join(counted, table[ID] == counted.n_account).drop("n_account")
        filled = {name: joined[name].fill_null(0) for name in names.values()}
        return joined.mutate(**filled), names

    # ------------------------------------------------------------------------------------------------- how it reads

    def row(self, table: ibis_types.Table) -> Row:
        since = None if self.wanted.history_from is None else zones.micros(self.wanted.history_from)
        counts = {
            count: Counted(table[name], events.covered(count, self.now, since, self.zone))
            for count, name in self.counts.items()
            if name in table.columns
        }
        holds = table[HOLDS_FEATURES] if HOLDS_FEATURES in table.columns else None
        return Row(facts_of(self.program, table), self.today, self.now, counts, holds)

    def translator(self, row: Row) -> Translator:
        return Translator(self.program, row, self.zone, self.dialect)

    def on(self, table: ibis_types.Table) -> Translator:
        return self.translator(self.row(table))

    # ---------------------------------------------------------------------------------------------- what was found

    def audited(self, started: float) -> Audited:
        # the ids are still compared meanwhile
        of_states = self._of_states()
        self._take_checks()
        self.progress("judging")
        if self.sieve is not None:
            with storing.polled(self.connection, lambda share: self.progress("judging", share * _SIFTING)):
                self.sieve.fill()
        unknown = tallies.unknown_of_states(self._few, self.rules, self.on)
        odd = list(self._of_data(duplicates.duplicates(self.inventory, self.search)))
        everything = self._recorded()
        recorded = [replace(each, table=each.table.cache()) for each in everything if not each.is_empty]
        path = self._findings([*of_states, *self._of_moves(recorded), *odd])
        self.progress("counting")
        unknown = unknown + tallies.unknown(self.table, self.across, recorded, self.on)
        judged = [*self.rules, *(each.rule for each in self.across), *(each.rule for each in everything)]
        tallied = tallies.rules(self.program, judged, path, unknown, self.inventory.opened)
        answers, asked, already = self._answers()
        checked = None
        if self.wanted.cross_check:
            self.progress("checking again")
            checked = crosscheck.judged_again(self._to_check(), path, self.wanted.cross_check)
        summary = Summary(
            policy=PolicyNamed(id=self.program.id, version=self.program.version, digest=self.program.digest),
            title=self.program.title,
            languages=self.program.languages,
            at=values.written(self.wanted.at, self.policy_zone),
            inventory=self.inventory.name,
            engine=self.dialect.name,
            accounts=tallies.count(self.inventory.accounts),
            accounts_with_findings=tallied.accounts,
            events=None if self.history is None else tallies.count(self.history.events),
            vanished=self._vanished(),
            rules=tallied.rules,
            not_judged=tuple(self.unjudged),
            data=tuple(self.data),
            months=tallies.months(self.program, self.inventory, self.today, self.rules) if self.wanted.pictures else (),
            lifecycles=self._lifecycles() if self.wanted.pictures else (),
            questions=asked,
            already=already,
            cross_check=checked,
            seconds=time.perf_counter() - started,
            with_default=self._with_default(),
        )
        return Audited(summary, path, answers)

    def _findings(self, found: Sequence[ibis_types.Table]) -> Path:
        """The findings as a file, with their excuses."""
        path = self.scratch / "findings.parquet"
        if self.wanted.baseline is None and not self.waivers:
            with storing.polled(self.connection, lambda share: self.progress("judging", share)):
                storing.store_findings(self.connection, found, path, self.held)
            return path
        bare = self.scratch / "bare.parquet"
        storing.store_findings(self.connection, found, bare, self.held)
        granted = [each for each in self.waivers if each.expires >= self.today]
        ended = data.expired(self.waivers, self.today, self.wanted.at)
        excuses.excused(bare, path, self.wanted.baseline, granted, ended)
        return path

    def _to_check(self) -> crosscheck.Checked:
        return crosscheck.Checked(
            self.program,
            self.table,
            tuple(self.rules),
            self.on,
            None if self.history is None else self.history.events,
            self.wanted.at,
            self.today,
            self.policy_zone,
            self.counts,
        )

    def _lifecycles(self) -> tuple[LifecycleTally, ...]:
        before = self.wanted.before_at
        first = None if before is None else calendar.day_of(before, self.policy_zone)
        return tallies.lifecycles(self.possible, self.inventory, self._edges(), (first, self.today))

    def _edges(self) -> Iterator[ibis_types.Table]:
        if self.history is not None:
            yield events.edges(
                self.possible, self.history.events, at_micros=self.now, zone=self.zone, dialect=self.dialect
            )
        if self.before is not None:
            before_at = None if self.wanted.before_at is None else zones.micros(self.wanted.before_at)
            yield snapshots.edges(
                self.possible,
                self.inventory.accounts,
                self.before.accounts,
                at_micros=self.now,
                before_at=before_at,
                zone=self.zone,
            )

    def _of_states(self) -> list[ibis_types.Table]:
        unknown = self.wanted.unknown
        found = []
        if self.rules:
            found.append(together(accounts.findings(self._few, self.rules, self.on, self.held.dense, unknown=unknown)))
            if self.dialect.name == "duckdb":
                self.held.query(found[0])
        return [*found, *groups.findings(self.table, self.across, self.on, unknown=unknown)]

    def _sieve(self) -> sieve.Sieve | None:
        """For the rows that rules may have something to say of, where that saves a second look at all of them."""
        if not self.rules or self.counts or self.dialect.name != "duckdb":
            return None
        with telling(f"`{legible(self.inventory.name, 200)}` cannot be read"):
            wanted = accounts.of_interest(self.table, self.rules, self.on)
            if not sieve.are_few(self.table, wanted):
                return None
            found = sieve.Sieve(self.connection, self.table.filter(wanted), self.scratch / "few.parquet")
        self.at_the_end.callback(found.forget)
        return found

    @property
    def _few(self) -> ibis_types.Table:
        """The rows that rules of states are asked of."""
        return self.table if self.sieve is None else self.sieve.few

    def _recorded(self) -> list[events.Judged]:
        found: list[events.Judged] = []
        before = None if self.before is None else self.before.accounts
        before_at = None if self.wanted.before_at is None else zones.micros(self.wanted.before_at)
        if self.history is not None:
            since = self.wanted.history_from
            found += events.findings(
                self.possible,
                self.inventory.accounts,
                self.history.events,
                at_micros=self.now,
                zone=self.zone,
                dialect=self.dialect,
                history_from=None if since is None else zones.micros(since),
                before=before,
                before_at=before_at,
            )
        if before is not None:
            found += snapshots.findings(
                self.possible,
                self.inventory.accounts,
                before,
                at_micros=self.now,
                before_at=before_at,
                zone=self.zone,
            )
        return found

    def _of_moves(self, recorded: Sequence[events.Judged]) -> Iterator[ibis_types.Table]:
        for each in recorded:
            shown = each if self.wanted.unknown else replace(each, table=each.table.filter(each.table.violated))
            yield moves.told(shown, self.program, self.translator)

    def _of_data(self, twice: ibis_types.Table | None) -> Iterator[ibis_types.Table]:
        yield from data.findings(
            self.inventory, self.history, self.now, self.dialect, twice=twice, twice_before=self.twice_before
        )

    def _vanished(self) -> int | None:
        if self.before is None:
            return None
        return tallies.count(snapshots.vanished(self.inventory.accounts, self.before.accounts))

    def _steps(self, table: ibis_types.Table) -> Any:
        return questions.asked(self.program, self.asked, self.row_asked(table), has_history=self.history is not None)

    def row_asked(self, table: ibis_types.Table) -> Row:
        row = self.row(table)
        return replace(row, facts={**row.facts, **questions.request_facts(self.program, self.wanted.request)})

    def _answers(self) -> tuple[Path | None, Mapping[str, Mapping[str, int]], Mapping[str, int]]:
        if not self.asked:
            return None, {}, {}
        row, steps = self.row_asked(self.table), self._steps(self.table)
        answers = questions.answers(steps, self.table, row, self.zone, self.dialect)
        already = questions.already(steps, self.table, row, self.zone, self.dialect)
        path = self.scratch / "answers.parquet"
        storing.store(self.connection, [answers], path)
        local = through_ibis(preserve_insertion_order=False)
        return path, questions.totals(parquet(local, str(path))), already


def _waivers(path: Path, program: Program) -> tuple[Waiver, ...]:
    from lawful.audit.waivers import waivers  # with what reads YAML: most audits have none

    return waivers(path, program)


def _close(opened: Opened) -> None:
    """End the connection. What Ibis has cached in it goes before: collected later, it would complain of its end."""
    if opened.is_ours:
        for name in list(opened.connection._cache_name_to_entry):
            with suppress(Exception):
                opened.connection._finalize_cached_table(name)
    opened.close()


def remove(folder: Path) -> None:
    """The scratch of an audit, whatever is in it."""
    shutil.rmtree(folder, ignore_errors=True)
