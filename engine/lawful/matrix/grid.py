"""What the matrix of a policy is: a grid for each of its tables, and one for the features that stand in none.

A table's grid has the table's own cells. The other one is derived: a row for each feature, a column for each type of
account, and what is left of the feature's conditions once the type is known. The rules beside a yes are named
there, of a table in the legend; the grid has them whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from lawful import wording
from lawful.compiler.tables import Layout
from lawful.ir import (
    ALWAYS,
    FALSE,
    LANGUAGES,
    TRUE,
    And,
    Citation,
    Condition,
    Conditional,
    ConditionOf,
    Constant,
    Expr,
    Field,
    FieldDeclaration,
    Known,
    Language,
    Move,
    Period,
    Place,
    Program,
    Rule,
    Severity,
    Text,
    everything,
    rebuilt,
    with_known,
)
from lawful.sheet import spaced
from lawful.show.words import Words

Answer = Literal["yes", "owed", "depends", "no"]
"""What a cell says: yes; yes with something still to be done; under conditions; no."""

_ANY: Final = Text("any account", "任意帐号")
_YES: Final = Text("yes", "是")
_NO: Final = Text("no", "否")
_MEANINGS: Final[Mapping[Answer, Text]] = {
    "yes": _YES,
    "owed": Text("yes, and still to do", "是，另需"),
    "depends": Text("under the conditions it names", "须满足所列条件"),
    "no": _NO,
}


@dataclass(frozen=True, slots=True)
class Cell:
    text: Text
    answer: Answer


@dataclass(frozen=True, slots=True)
class Column:
    """`head` is what the table calls it; `meaning` whom it is about, in words."""

    head: str
    meaning: Text


@dataclass(frozen=True, slots=True)
class Line:
    """A feature, or a version of one: `name` is its id, and the days it is in force where it has several versions."""

    name: str
    feature: str
    title: Text
    cells: tuple[Cell, ...]
    place: Place
    source: Citation | None
    in_force: Period = ALWAYS
    """Of a version, where the feature has several."""


@dataclass(frozen=True, slots=True)
class Mark:
    """An entry of the legend."""

    sign: str
    answer: Answer
    meaning: Text


@dataclass(frozen=True, slots=True)
class Grid:
    key: str
    """The table's file and, if it is named, its sheet, with a number where it is used more than once; `features` for
    what stands in no table.
    """
    title: Text
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    marks: tuple[Mark, ...]
    derived: bool
    place: Place | None = None
    """Where the policy names the table."""
    head: Place | None = None
    """The table's own first line."""
    in_force: Period = ALWAYS
    source: Citation | None = None
    rules: tuple[Rule, ...] = ()
    """Those beside what its features require."""


@dataclass(frozen=True, slots=True)
class Matrix:
    program: Program
    grids: tuple[Grid, ...]
    languages: tuple[Language, ...] = field(default=LANGUAGES)


def matrix(program: Program, layouts: Iterable[Layout]) -> Matrix:
    """The grids of a policy; none where it has no features."""
    layouts = list(layouts)
    seen: dict[str, int] = {}
    grids: list[Grid] = []
    for each in layouts:
        named = each.file if each.sheet is None else f"{each.file} · {each.sheet}"
        seen[named] = seen.get(named, 0) + 1
        grids.append(_of_table(program, each, named if seen[named] == 1 else f"{named} #{seen[named]}"))
    derived = _derived(program, {each.file for each in layouts})
    if derived.lines:
        grids.append(derived)
    return Matrix(program, tuple(grids), program.languages)


# ------------------------------------------------------------------------------------------------------ of a table


def _of_table(program: Program, layout: Layout, key: str) -> Grid:
    columns = tuple(Column(spaced(head), _in_words(program, expr)) for head, expr in layout.columns.items())
    lines = tuple(
        Line(
            row.feature,
            row.feature,
            _spaced(row.title or layout.title),
            tuple(_cell(layout, row.cells[head]) for head in layout.columns),
            Place(layout.file, row.line, 1),
            layout.source,
        )
        for row in layout.rows
    )
    marks = tuple(_mark(program, layout, sign) for sign in layout.cells)
    return Grid(
        key,
        _spaced(layout.title or Text(key, key)),
        columns,
        lines,
        marks,
        derived=False,
        place=layout.place,
        head=layout.head,
        in_force=layout.in_force,
        source=layout.source,
        rules=tuple(rule for row in layout.rows for rule in _beside(program, row.feature, layout.in_force)),
    )


def _cell(layout: Layout, sign: str) -> Cell:
    return Cell(Text(spaced(sign), spaced(sign)), _answer(layout, sign))


def _answer(layout: Layout, sign: str) -> Answer:
    owed = layout.cells[sign]
    if owed is None:
        return "no"
    return "depends" if layout.rules.get(sign) else "owed" if owed else "yes"


def _mark(program: Program, layout: Layout, sign: str) -> Mark:
    """Its meaning, with the rules beside it by their titles: those of the first row in which it stands."""
    row = next((each for each in layout.rows if sign in each.cells.values()), None)
    found = [] if row is None else _beside(program, row.feature, layout.in_force)
    names = (
        {f"features.{row.feature}.rules.{name}" for name in layout.rules.get(sign, ())} if row is not None else set()
    )
    rules = [rule for rule in found if rule.id in names]
    said = _owed(layout.cells[sign])
    named = [_named(program, rules, layout.in_force, language) for language in LANGUAGES]
    return Mark(spaced(sign), _answer(layout, sign), Text(said.best("en") + named[0], said.best("zh") + named[1]))


def _beside(program: Program, feature: str, period: Period) -> list[Rule]:
    """The rules beside what enabling a feature requires, of the version that is in force then."""
    begins = f"features.{feature}.rules."
    rules = (each for each in program.rules if each.scope == "move" and each.id.startswith(begins))
    return [each for each in rules if each.in_force.meets(period)]


def _named(program: Program, rules: list[Rule], period: Period, language: Language) -> str:
    """`; under further rules: “…” (from 2018-03-01)`; empty where there are none."""
    phrases = Words(program, language)
    names = []
    for rule in rules:
        title = phrases.text(rule.title, rule.id.rpartition(".")[2])
        days = phrases.period(rule.in_force) if rule.in_force != period else ""
        names.append(f"“{title}”" + phrases.say(f" ({days})", f"（{days}）") * bool(days) + phrases.only(rule.severity))
    told = phrases.listed(names)
    return phrases.say(f"; under further rules: {told}", f"；另有细则：{told}") if names else ""


def _owed(owed: tuple[Text, ...] | None) -> Text:
    if not owed:
        return _NO if owed is None else _YES
    return Text(
        f"yes; still to do: {'; '.join(each.best('en') for each in owed)}",
        f"是；尚需：{'；'.join(each.best('zh') for each in owed)}",
    )


def _spaced(text: Text | None) -> Text:
    if text is None:
        return Text()
    return Text(*(None if each is None else spaced(each) for each in (text.en, text.zh)))


def _in_words(program: Program, expr: Expr) -> Text:
    return Text(*(Words(program, language).condition(expr) for language in LANGUAGES))


# --------------------------------------------------------------------------------------- of what stands in no table


def _derived(program: Program, tables: set[str]) -> Grid:
    of_type = types(program)
    columns: tuple[Column, ...] = (Column("any", _ANY),)
    if of_type is not None:
        titles = of_type.values
        columns = tuple(Column(value, titles.get(value, Text(value, value))) for value in of_type.type.values)
    lines = tuple(_lines(program, of_type, tables))
    met = {cell.answer for line in lines for cell in line.cells}
    rules = [rule for line in lines for rule in _beside(program, line.feature, line.in_force)]
    marks = tuple(Mark(_MEANINGS[each].best("en"), each, _MEANINGS[each]) for each in _MEANINGS if each in met)
    title = Text("features by type of account", "各类帐号的功能")
    if of_type is not None:
        english, chinese = (wording.field_title(of_type, language) for language in LANGUAGES)
        title = Text(f"features by {english}", f"各{chinese}的功能")
    return Grid("features", title, columns, lines, marks, derived=True, rules=tuple(rules))


def types(program: Program) -> FieldDeclaration | None:
    """The field whose values are the types of account: `type`, else the first with a life cycle, else no field."""
    declared = program.account.get("type")
    if declared is not None and declared.type.kind == "enum":
        return declared
    return next((program.account[name] for name in program.lifecycles), None)


def _lines(program: Program, of_type: FieldDeclaration | None, tables: set[str]) -> Iterator[Line]:
    for id in program.features:
        moves = [each for each in program.moves if each.id == f"features.{id}"]
        guards = [rule for rule in program.rules if rule.id == f"features.{id}" and rule.scope == "move"]
        needs = [rule for rule in program.rules if rule.kind == "needs" and rule.subject == f"enable.{id}"]
        title = Text(*(wording.feature_title(program, id, language) for language in LANGUAGES))
        for move, guard in zip(moves, guards, strict=True):
            if guard.place.file in tables:
                continue
            name = id if len(moves) == 1 else f"{id} ({Words(program, 'en').period(move.in_force)})"
            own = [rule for rule in needs if rule.in_force == guard.in_force]
            known: list[Constant | None] = [None]
            if of_type is not None:
                known = [Constant(value, of_type.type) for value in of_type.type.values]
            cells = tuple(_conditional(program, guard, own, move, of_type, value) for value in known)
            period = move.in_force if len(moves) > 1 else ALWAYS
            yield Line(name, id, _spaced(title), cells, move.place, guard.source, period)


def _conditional(
    program: Program,
    guard: Rule,
    needs: list[Rule],
    move: Move,
    of_type: FieldDeclaration | None,
    value: Constant | None,
) -> Cell:
    """What is left to be fulfilled by accounts of one type."""

    def left_of(expr: Expr) -> Expr:
        if of_type is None or value is None:
            return expr
        return remaining(program.conditions, expr, Field("account", of_type.name, of_type.type), value)

    left = left_of(guard.requires)
    if left == FALSE:
        return Cell(_NO, "no") if guard.severity == "error" else _only_told(program, guard)
    parts = [] if left == TRUE else list(left.operands) if isinstance(left, And) else [left]
    conditions = [*((part, guard.severity) for part in parts), *((rule.requires, rule.severity) for rule in needs)]
    found = _beside(program, guard.id.partition(".")[2], guard.in_force)
    beside = [each for each in found if left_of(each.when) != FALSE and left_of(each.requires) != TRUE]
    said = [
        _said(program, conditions, move, language) + _named(program, beside, guard.in_force, language)
        for language in LANGUAGES
    ]
    answer: Answer = "depends" if conditions or beside else "owed" if move.obligations else "yes"
    return Cell(Text(*map(spaced, said)), answer)


def _only_told(program: Program, guard: Rule) -> Cell:
    """Nobody meets it, and that refuses nothing."""
    return Cell(Text(*(_NO.best(each) + Words(program, each).only(guard.severity) for each in LANGUAGES)), "depends")


def _said(program: Program, conditions: list[tuple[Expr, Severity]], move: Move, language: Language) -> str:
    phrases = Words(program, language)
    said = phrases.say("yes", "是")
    if conditions:
        listed = phrases.say(" and ", "，且").join(
            phrases.within(each) + phrases.only(severity) for each, severity in conditions
        )
        said = phrases.say(f"if {listed}", f"须{listed}")
    if move.obligations:
        owed = phrases.say("; ", "；").join(each.text.best(language) for each in move.obligations)
        said += phrases.say(f"; still to do: {owed}", f"；尚需：{owed}")
    return said


def remaining(conditions: Mapping[str, Condition], expr: Expr, fact: Field, value: Constant) -> Expr:
    """The expression once a fact is known: named conditions that read it are opened, what is decided is left out."""

    def opened(node: Expr) -> Expr | None:
        if node == Known(fact):
            return TRUE
        if not isinstance(node, ConditionOf) or node.state != "account":
            return None
        holds = conditions[node.name].holds
        return rebuilt(holds, opened) if fact in everything(holds, conditions) else None

    known = with_known(rebuilt(expr, opened), fact, value.value)
    return with_known(rebuilt(known, _chosen), fact, value.value)  # once more: of what a choice has left


def _chosen(node: Expr) -> Expr | None:
    """The branch that a decided test takes."""
    if isinstance(node, Conditional) and node.test in (TRUE, FALSE):
        return rebuilt(node.then if node.test == TRUE else node.otherwise, _chosen)
    return None
