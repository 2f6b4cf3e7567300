"""Features: who may enable them, who may go on having them; singly or from a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from lawful.compiler.changes import built_in, unlisted
from lawful.compiler.circles import around, circles
from lawful.compiler.context import Context, check_versions
from lawful.compiler.guards import Change, further, obligations, rule
from lawful.compiler.tables import Layout, Row, Table
from lawful.document import Path
from lawful.ir import (
    BOOL,
    TRUE,
    And,
    Expr,
    Feature,
    Field,
    Move,
    Not,
    Obligation,
    Period,
    Place,
    Rule,
    Text,
    conjunction,
    disjunction,
    negation,
)
from lawful.written import FeatureWritten, TableWritten

ReadsRequest = Callable[[Expr], bool]
"""Whether an expression reads the request or counts events: such a part guards enabling only."""


@dataclass(slots=True)
class Version:
    """One version of a feature, as its part of the file or its row of a table has it."""

    period: Period
    enabling: Expr
    standing: Expr
    rules: list[Rule]
    needs: tuple[str, ...]
    owed: tuple[Obligation, ...]
    change: Change
    written: FeatureWritten | TableWritten
    place: Place
    title: Text | None
    path: Path


@dataclass(slots=True)
class Features:
    """What features compile to."""

    features: dict[str, Feature] = field(default_factory=dict)
    moves: list[Move] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    layouts: list[Layout] = field(default_factory=list)


def enabled(feature: str) -> Field:
    return Field("features", feature, BOOL)


def features(
    context: Context,
    written: dict[str, list[FeatureWritten]],
    tables: list[tuple[TableWritten, Table]],
    reads_request: ReadsRequest,
) -> Features:
    versions: dict[str, list[Version]] = {}
    found = Features()
    for id, each in written.items():
        context.check_id(id, ("features", id))
        versions[id] = [_version(context, id, one, index, reads_request) for index, one in enumerate(each)]
    for index, (declaration, table) in enumerate(tables):
        found.layouts.append(_from_table(context, declaration, table, index, versions, reads_request))
    for id, several in versions.items():
        _feature(context, id, several, found)
    for id, each in written.items():
        for index, one in enumerate(each):
            for place, name in enumerate(one.needs):
                context.known("unknown-feature", "feature", name, versions, ("features", id, index, "needs", place))
    _check_needs(context, written)
    return found


def _change(context: Context, id: str, source: str | None, period: Period, path: Path) -> Change:
    citation = context.citation(source, path)
    return Change(f"features.{id}", f"enable.{id}", f"enable.{id}", Not(enabled(id)), period, citation, path)


def _version(context: Context, id: str, written: FeatureWritten, index: int, reads_request: ReadsRequest) -> Version:
    path: Path = ("features", id, index)
    period = context.period(written.in_force, path)
    parts = context.all_of(written.requires, (*path, "requires"))
    change = _change(context, id, written.source, period, path)
    beside = further(context, change, written.rules)
    return Version(
        period=period,
        enabling=conjunction(parts),
        standing=conjunction([part for part in parts if not reads_request(part)]),
        rules=[each for guard in beside for each in _enabling_and_standing(id, guard, reads_request)],
        needs=tuple(dict.fromkeys(written.needs)),
        owed=obligations(context, written.obligations, (*path, "obligations")),
        change=change,
        written=written,
        place=context.place(path),
        title=context.text(written.title, (*path, "title")),
        path=path,
    )


def _enabling_and_standing(id: str, guard: Rule, reads_request: ReadsRequest) -> Iterator[Rule]:
    """A further rule of enabling, and of having it where it reads nothing that only a request can say."""
    yield guard
    if not (reads_request(guard.when) or reads_request(guard.requires)):
        yield replace(guard, scope="feature", subject=id, when=conjunction([enabled(id), *_own_when(guard)]))


def _own_when(guard: Rule) -> tuple[Expr, ...]:
    """Where a rule of enabling applies, beside that the feature is off."""
    return guard.when.operands[1:] if isinstance(guard.when, And) else ()


def _from_table(
    context: Context,
    written: TableWritten,
    table: Table,
    index: int,
    versions: dict[str, list[Version]],
    reads_request: ReadsRequest,
) -> Layout:
    """Entitled: some column that holds says yes, and none that holds says no."""
    path: Path = ("feature_tables", index)
    period = context.period(written.in_force, path)
    title = context.text(written.title, (*path, "title"))
    columns = {name: context.boolean(text, (*path, "columns", name)) for name, text in written.columns.items()}
    for row in table.rows:
        entitled, owed = _cells(context, written, row, columns, path)
        change = _change(context, row.feature, written.source, period, path)
        beside = _beside(context, written, row, columns, change)
        version = Version(
            period=period,
            enabling=entitled,
            standing=TRUE if reads_request(entitled) else entitled,
            rules=[each for guard in beside for each in _enabling_and_standing(row.feature, guard, reads_request)],
            needs=(),
            owed=owed,
            change=change,
            written=written,
            place=Place(table.file.rpartition("/")[2], row.line, 1),
            title=row.title or title,
            path=path,
        )
        versions.setdefault(row.feature, []).append(version)
    return Layout(
        file=written.file,
        sheet=written.sheet,
        columns={name: columns[name] for name in table.columns},
        cells={
            name: None if each is None else tuple(Text(owed.en, owed.zh) for owed in each.obligations)
            for name, each in written.cells.items()
        },
        rules={name: tuple(each.rules) for name, each in written.cells.items() if each is not None},
        rows=table.rows,
        in_force=period,
        title=title,
        source=context.citation(written.source, path),
        place=context.place((*path, "file")),
        head=Place(written.file, table.head, 1),
    )


def _cells(
    context: Context, written: TableWritten, row: Row, columns: dict[str, Expr], path: Path
) -> tuple[Expr, tuple[Obligation, ...]]:
    yes: list[Expr] = []
    no: list[Expr] = []
    owed: list[Obligation] = []
    for name, cell in row.cells.items():
        column, granted = columns.get(name), written.cells.get(cell)
        if column is None:
            continue
        if granted is None:
            no.append(column)
            continue
        yes.append(column)
        here = (*path, "cells", cell, "obligations")
        for each in obligations(context, granted.obligations, here):
            owed.append(replace(each, when=conjunction([column, each.when])))
    return conjunction([disjunction(yes), *(negation(each) for each in no)]), tuple(owed)


def _beside(context: Context, written: TableWritten, row: Row, columns: dict[str, Expr], change: Change) -> list[Rule]:
    """The rules of what the cells of a row mean, each where a column holds in which the cell stands."""
    found: list[Rule] = []
    seen: set[str] = set()
    for sign in dict.fromkeys(row.cells.values()):
        granted = written.cells.get(sign)
        if granted is None:
            continue
        where = disjunction([columns[name] for name, cell in row.cells.items() if cell == sign and name in columns])
        path: Path = (*change.path, "cells", sign)
        for name in seen & granted.rules.keys():
            message = f"two cells of `{row.feature}` have a rule called `{name}`"
            context.key_mistake("duplicate-id", message, (*path, "rules", name))
        seen |= granted.rules.keys()
        for guard in further(context, replace(change, path=path), granted.rules):
            found.append(replace(guard, when=conjunction([change.applies, where, *_own_when(guard)])))
    return found


def _feature(context: Context, id: str, versions: list[Version], found: Features) -> None:
    last = versions[-1]
    needs = tuple(dict.fromkeys(name for each in versions for name in each.needs))
    title = next((each.title for each in versions if each.title is not None), None)
    found.features[id] = Feature(id, title, needs, versions[0].place)
    periods = [each.period for each in versions]
    check_versions(context, id, periods, last.path if len(versions) == 1 else last.path[:-1])
    for each in versions:
        _rules(context, id, each, found.rules)
        found.moves.append(
            Move(
                each.change.id,
                each.change.trigger,
                each.change.event,
                each.change.applies,
                each.period,
                each.place,
                obligations=each.owed,
                title=each.title,
            )
        )
    never = f"features.{id}.unlisted"
    source = next((each.change.source for each in versions if each.change.source is not None), None)
    missing = unlisted(context, never, f"enable.{id}", periods, last.path[:2], when=Not(enabled(id)), source=source)
    found.rules.extend(missing)
    found.rules.extend(replace(each, scope="feature", subject=id, when=enabled(id)) for each in missing)
    off = f"disable.{id}"
    found.moves.append(Move(f"features.{id}.disable", off, off, enabled(id), Period(), versions[0].place))


def _rules(context: Context, id: str, version: Version, rules: list[Rule]) -> None:
    """The guard of enabling it, and the same of having it, without what only the request can say."""
    guard = rule(
        context,
        version.change,
        version.change.id,
        "requires",
        version.enabling,
        version.written,
        version.path,
        period=version.period,
    )
    guard = replace(guard, title=version.title, place=version.place)
    rules.append(guard)
    rules.append(replace(guard, scope="feature", subject=id, when=enabled(id), requires=version.standing))
    rules.extend(version.rules)
    for name in version.needs:
        need = built_in(
            f"features.{id}.needs.{name}",
            "needs",
            version.change.trigger,
            version.place,
            when=version.change.applies,
            requires=enabled(name),
            period=version.period,
        )
        need = replace(need, source=guard.source)
        rules.append(need)
        rules.append(replace(need, scope="feature", subject=id, when=enabled(id)))


def _check_needs(context: Context, written: dict[str, list[FeatureWritten]]) -> None:
    """No feature may need itself, by whatever way round."""
    needs = {id: list(dict.fromkeys(n for each in several for n in each.needs)) for id, several in written.items()}
    for circle in circles(needs):
        message = f"the features need each other in a circle: {around(circle, 'needs')}"
        context.key_mistake("circular-needs", message, ("features", circle[0]))
