"""Explanations and facts as columns: what `deciding` tells of one decision, told of every row by the engine itself."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

import ibis

from lawful import values, wording
from lawful.audit import zones
from lawful.audit.expressions import Translator, every, some
from lawful.audit.rows import SetColumn
from lawful.deciding.justifying import LEADS, declaration_of, facts_of
from lawful.decision import Status
from lawful.ir import (
    BOOL,
    And,
    AtMost,
    Clock,
    Conditional,
    ConditionOf,
    Count,
    Expr,
    Field,
    FieldDeclaration,
    Language,
    Not,
    Or,
    Owner,
    Program,
    Quantifier,
    Rule,
    Text,
    Type,
    children,
    everything,
    type_of,
)
from lawful.show.words import Words

if TYPE_CHECKING:
    import ibis.expr.types as ibis_types

    Spelled: TypeAlias = "ibis_types.StringValue"

_CONTROLS: Final = {chr(code): json.dumps(chr(code))[1:-1] for code in range(1, 32)}
_MASKED: Final = json.dumps(wording.MASKED, ensure_ascii=False)


class Speller:
    """Tells of the rows of one table, in words. `count` and `limit` are what a limit's texts speak of.

    `today` is given where each row has a day of its own.
    """

    def __init__(
        self,
        translator: Translator,
        count: Any = None,
        limit: int | None = None,
        today: Any = None,
        local: Mapping[str, Any] | None = None,
    ) -> None:
        self.translator = translator
        self.program: Program = translator.program
        self.count = count
        self.limit = limit
        self.today = translator.value(Clock("today")) if today is None else today
        self.local = local or {}

    # ---------------------------------------------------------------------------------------------- explanations

    def explanation(self, rule: Rule, status: Status, language: Language) -> Spelled:
        """The rule's own words, with the facts filled in; without any, the sentence of the first part that failed."""
        written = rule.explanation or rule.title
        if written is not None:
            spoken = language if _has(written, language) else _other(language)
            return self._filled(written.best(spoken), spoken)
        if self._built_in(rule, language) is None:
            return self._first_part(rule, status, language)
        return self._sentence(rule, language)

    def _built_in(self, rule: Rule, language: Language, unknown: Sequence[str] = (), *, unmoved: bool = False) -> Any:
        """The language's own words, with the facts filled in; None where it has none."""
        template = wording.sentence(
            self.program, rule, lambda name, _: f"{{{name}}}", language, unknown=unknown, unmoved=unmoved
        )
        return None if template is None else self._filled(template, language)

    def _sentence(self, rule: Rule, language: Language) -> Spelled:
        """One sentence for each row, by which of its facts are known there."""
        known = {name: self._is_known(name) for name in wording.turning_on(rule)}
        branches = []
        for count in range(len(known), 0, -1):  # the most unknown first: each branch may look at its own facts alone
            for unknown in combinations(known, count):
                branches.append((every([~known[name] for name in unknown]), self._built_in(rule, language, unknown)))
        ends = [column for name in known if (column := self._column(name)) is not None]
        if rule.kind == "unlisted" and len(ends) == 2 and not self._hides(known):
            branches.append((ends[0] == ends[1], self._built_in(rule, language, unmoved=True)))
        plain = self._built_in(rule, language)
        return ibis.cases(*branches, else_=plain) if branches else plain

    def _hides(self, names: Iterable[str]) -> bool:
        fields = [self.program.account.get(name.partition(".")[2]) for name in names]
        return any(each is not None and each.private for each in fields)

    def _column(self, name: str) -> Any:
        """What a placeholder stands for, as it is in the table; None where it is not there at all."""
        owner, _, field = name.partition(".")
        return self.count if name == "count" else self.translator.row.facts.get((cast("Owner", owner), field))

    def _is_known(self, name: str) -> Any:
        column = self._column(name)
        return ibis.literal(False) if column is None else column.notnull()

    def _filled(self, text: str, language: Language) -> Spelled:
        """The text with each placeholder replaced."""
        parts: list[Any] = []
        last = 0
        for found in wording.PLACEHOLDER.finditer(text):
            parts.append(ibis.literal(text[last : found.start()]))
            parts.append(self._placed(found[1], language) if found[1] is not None else ibis.literal(found[0][0]))
            last = found.end()
        parts.append(ibis.literal(text[last:]))
        return cast("Spelled", self.translator.dialect.joined([part for part in parts if not _is_empty(part)]))

    def _placed(self, name: str, language: Language) -> Spelled:
        """What stands for a placeholder."""
        translator = self.translator
        owner, _, field = name.partition(".")
        match owner:
            case "today":
                return cast("Spelled", self.today.cast("string"))
            case "now":
                return self._instant(translator.row.now)
            case "count":
                return self._or_unknown(None if self.count is None else self.count.cast("string"), language)
            case "limit":
                return ibis.literal(wording.UNKNOWN.best(language) if self.limit is None else str(self.limit))
            case "request" | "change":
                schema = self.program.request if owner == "request" else self.program.account
                return self._fact(cast("Owner", owner), field, schema.get(field), language)
            case _:
                return self._fact("account", field, self.program.account.get(field), language)

    def _fact(self, owner: Owner, name: str, declaration: FieldDeclaration | None, language: Language) -> Spelled:
        """A fact for a person, as `wording.of_field` says it."""
        column = self.translator.row.facts.get((owner, name))
        if column is None or declaration is None:
            return ibis.literal(wording.UNKNOWN.best(language))
        if isinstance(column, SetColumn):
            told = self._listed(column, declaration, language)
            return self._or_unknown(ibis.cases((column.known, told)), language)
        if declaration.private:
            return ibis.cases((column.notnull(), wording.MASKED), else_=wording.UNKNOWN.best(language))
        return self._plain(column, declaration, language)

    def _clock(self, name: str, column: Any) -> Any:
        """The local time of a fact: its own column where `with_local_times` has made one."""
        table_column = self.local.get(name)
        return self.translator.zone.local(column) if table_column is None else table_column

    def _plain(self, column: Any, declaration: FieldDeclaration, language: Language) -> Any:
        unknown = wording.UNKNOWN.best(language)
        match declaration.type.kind:
            case "bool":
                yes, no = ("yes", "no") if language == "en" else ("是", "否")
                return ibis.cases((column, yes), (~column, no), else_=unknown)
            case "enum":
                titled = [(value, self._title(declaration, value, language)) for value in declaration.type.values]
                return ibis.cases(*((column == value, title) for value, title in titled), else_=unknown)
            case "timestamp":
                return ibis.coalesce(self._instant(column, self._clock(declaration.name, column)), unknown)
            case _:
                return ibis.coalesce(column.cast("string"), unknown)

    def _title(self, declaration: FieldDeclaration, value: str, language: Language) -> str:
        return wording.of_field(declaration, value, language, self.translator.zone.zone)

    def _listed(self, column: SetColumn, declaration: FieldDeclaration, language: Language) -> Any:
        if declaration.private:
            return ibis.literal(wording.MASKED)
        between = ", " if language == "en" else "、"
        return _separated(
            [(column.holds[value], self._title(declaration, value, language)) for value in sorted(column.holds)],
            between,
        )

    def _or_unknown(self, told: Any, language: Language) -> Spelled:
        unknown = wording.UNKNOWN.best(language)
        return ibis.literal(unknown) if told is None else ibis.coalesce(told, unknown)

    def _instant(self, at: Any, local: Any = None) -> Spelled:
        """ISO 8601 on the clocks of the policy's zone, with their offset: what `values.local` gives."""
        dialect, zone = self.translator.dialect, self.translator.zone
        if isinstance(at, int):
            return ibis.literal(values.written(zones.instant(at), zone.zone))
        local = zone.local(at) if local is None else local
        days = zones.floor_divided(local, zones.DAY)
        rest = local - days * zones.DAY
        micros = rest % zones.SECOND
        seconds = zones.evenly_divided(rest - micros, zones.SECOND)
        fraction = ibis.cases(
            (micros > 0, _joined([ibis.literal("."), _padded(micros, 6)])), (micros == 0, ibis.literal(""))
        )
        hours, minutes = _split(seconds)
        return _joined(
            [
                dialect.date_of_days(days).cast("string"),
                ibis.literal("T"),
                _padded(hours, 2),
                ibis.literal(":"),
                _padded(minutes, 2),
                ibis.literal(":"),
                _padded(seconds % 60, 2),
                fraction,
                self._offset(local - at),
            ]
        )

    def _offset(self, offset: Any) -> Any:
        """`+08:00`; with seconds where clocks once differed by some."""
        written = []
        for each in dict.fromkeys([offset for _, offset in self.translator.zone.turns] + [0]):
            seconds = each // zones.SECOND
            sign, left = ("-", -seconds) if seconds < 0 else ("+", seconds)
            text = f"{sign}{left // 3600:02}:{left // 60 % 60:02}" + (f":{left % 60:02}" if left % 60 else "")
            written.append((offset == each, text))
        return ibis.cases(*written)

    # ------------------------------------------------------------------------------------- what has no words at all

    def _first_part(self, rule: Rule, status: Status, language: Language) -> Spelled:
        if status == "violated":
            told = self._told(rule.requires, False, language)
        else:
            truth = self.translator.truth
            shows_when = truth(rule.when).isnull() & (truth(rule.requires).fill_null(True) == ibis.literal(False))
            told = shows_when.ifelse(self._told(rule.when, None, language), self._told(rule.requires, None, language))
        return _joined([ibis.literal(LEADS[status].best(language)), told])

    def _told(self, expr: Expr, value: bool | None, language: Language) -> Spelled:
        """The first part that made an expression what it is; all on the way have its value."""
        match expr:
            case ConditionOf():
                condition = self.program.conditions[expr.name]
                if condition.title is not None:
                    return ibis.literal(condition.title.best(language))
                return self._told(condition.holds, value, language)
            case And() | Or():
                return self._first_of(expr, value, language)
            case Not() if value is None:
                return self._told(expr.operand, None, language)
            case Not():
                return self._said(expr, language)
            case Conditional():
                test = self.translator.truth(expr.test)
                return self._is(test, value).ifelse(self._told(expr.test, value, language), self._said(expr, language))
            case AtMost() | Field() | Clock() | Count():
                return self._said(expr, language)
            case Quantifier():
                return self._leaf(expr, facts_of(expr.collection), value, language)
            case _:
                facts = [fact for child in children(expr) for fact in facts_of(child)]
                return self._leaf(expr, facts, value, language)

    def _first_of(self, expr: And | Or, value: bool | None, language: Language) -> Spelled:
        """The first operand that has the value; where it takes all of them, the first."""
        if value is isinstance(expr, And):
            return self._told(expr.operands[0], value, language)
        told = [
            (self._is(self.translator.truth(each), value), self._told(each, value, language)) for each in expr.operands
        ]
        return ibis.cases(*told)

    def _leaf(self, expr: Expr, facts: Sequence[Expr], value: bool | None, language: Language) -> Spelled:
        """Itself, unless the first fact in it has its value."""
        if not facts or isinstance(facts[0], Clock):
            return self._said(expr, language)
        first = facts[0]
        if value is not None and (type_of(first) != BOOL or self._is_private(first)):
            return self._said(expr, language)
        if self.translator.is_constant(first):
            return self._said(expr, language)
        same = ~self.translator.known(first) if value is None else self._is(self.translator.truth(first), value)
        return same.ifelse(self._told(first, value, language), self._said(expr, language))

    def _said(self, expr: Expr, language: Language) -> Spelled:
        return ibis.literal(Words(self.program, language).condition(expr))

    def _is(self, truth: Any, value: bool | None) -> Any:
        """Whether a condition has that value; never NULL."""
        if value is None:
            return truth.isnull()
        return (truth if value else ~truth).fill_null(False)

    def _is_private(self, expr: Expr) -> bool:
        declaration = declaration_of(self.program, expr) if isinstance(expr, Field) else None
        return declaration is not None and declaration.private

    # ------------------------------------------------------------------------------------------------------- facts

    def facts(self, *exprs: Expr) -> Spelled:
        """What they read of the account, as a JSON object: `{"account.type":"service","features.api":true}`."""
        read = dict.fromkeys(
            node
            for expr in exprs
            for node in everything(expr, self.program.conditions)
            if isinstance(node, Field) and node.owner in ("account", "features", "change")
        )
        parts: list[Any] = []
        for number, field in enumerate(read):
            name = json.dumps(f"{field.owner}.{field.name}", ensure_ascii=False)
            parts += [ibis.literal(("," if number else "") + name + ":"), self._json(field)]
        counts = dict.fromkeys(
            node for expr in exprs for node in everything(expr, self.program.conditions) if isinstance(node, Count)
        )
        for count in counts:
            name = json.dumps(wording.cel(count), ensure_ascii=False)
            parts += [ibis.literal(("," if parts else "") + name + ":"), _or_null(self._counted(count))]
        if self.count is not None:
            parts += [ibis.literal("," if parts else ""), ibis.literal('"count":'), _or_null(self.count.cast("string"))]
        if self.limit is not None:
            parts += [ibis.literal(("," if parts else "") + f'"limit":{self.limit}')]
        return cast("Spelled", self.translator.dialect.joined([ibis.literal("{"), *parts, ibis.literal("}")]))

    def _counted(self, count: Count) -> Any:
        """How many of the events there are; NULL where there may be more than the history has."""
        counted = self.translator.row.counts.get(count)
        if counted is None or counted.whole is False:
            return None
        number = counted.least.cast("int64").cast("string")  # of DuckDB sums are no whole numbers
        return number if counted.whole is True else ibis.cases((counted.whole, number))

    def _json(self, field: Field) -> Any:
        column = self.translator.row.facts.get((field.owner, field.name))
        declaration = declaration_of(self.program, field)
        if column is None:
            return ibis.literal("null")
        if declaration is not None and declaration.private:
            return ibis.cases((self.translator.known(field), _MASKED), else_="null")
        if field.type.kind == "timestamp" and not isinstance(column, SetColumn):
            spelled = self._instant(column, self._clock(field.name, column))
            return _or_null(_joined([ibis.literal('"'), spelled, ibis.literal('"')]))
        if isinstance(column, SetColumn):
            held = _separated(
                [(column.holds[each], json.dumps(each, ensure_ascii=False)) for each in sorted(column.holds)], ","
            )
            return _or_null(ibis.cases((column.known, _joined([ibis.literal("["), held, ibis.literal("]")]))))
        return self._json_value(column, field.type)

    def _json_value(self, column: Any, of: Type) -> Any:
        match of.kind:
            case "bool":
                return ibis.cases((column, "true"), (~column, "false"), else_="null")
            case "int":
                return _or_null(column.cast("string"))
            case "enum":
                named = ((column == value, json.dumps(value, ensure_ascii=False)) for value in of.values)
                return ibis.cases(*named, else_="null")
            case "date":
                return _or_null(_joined([ibis.literal('"'), column.cast("string"), ibis.literal('"')]))
            case _:
                return _or_null(_joined([ibis.literal('"'), _escaped(column), ibis.literal('"')]))


def with_local_times(table: ibis_types.Table, translator: Translator) -> ibis_types.Table:
    """The table with a column for the local time of each timestamp: a text names it many times, and what tells it may
    be long.
    """
    columns = {
        f"l_{name}": translator.zone.local(column)
        for (owner, name), column in translator.row.facts.items()
        if owner == "account" and _is_timestamp(translator.program, name)
    }
    return table.mutate(**columns) if columns else table


def local_times(table: ibis_types.Table, program: Program) -> dict[str, Any]:
    """Those columns, by the fields' names."""
    return {name: table[f"l_{name}"] for name in program.account if f"l_{name}" in table.columns}


def _is_timestamp(program: Program, name: str) -> bool:
    return program.account[name].type.kind == "timestamp"


def _has(text: Text, language: Language) -> bool:
    return (text.en if language == "en" else text.zh) is not None


def _other(language: Language) -> Language:
    return "zh" if language == "en" else "en"


def _is_empty(part: Any) -> bool:
    return bool(part.equals(ibis.literal("")))


def _joined(parts: Sequence[Any]) -> Spelled:
    """One text of many; NULL where one is."""
    if not parts:
        return ibis.literal("")
    first, *rest = parts
    for each in rest:
        first = first + each
    return first


def _separated(parts: Sequence[tuple[Any, str]], between: str) -> Any:
    """Those that hold, with something between them."""
    if not parts:
        return ibis.literal("")
    pieces = []
    for index, (holds, text) in enumerate(parts):
        earlier = some([held for held, _ in parts[:index]])
        lead = earlier.ifelse(between + text, text) if index else ibis.literal(text)
        pieces.append(holds.ifelse(lead, ""))
    return _joined(pieces)


def _padded(number: Any, wide: int) -> Any:
    return number.cast("string").lpad(wide, "0")


def _split(seconds: Any) -> tuple[Any, Any]:
    """Hours and minutes of the seconds of a day."""
    hours = zones.floor_divided(seconds, 3600)
    return hours, zones.floor_divided(seconds - hours * 3600, 60)


def _or_null(told: Any) -> Any:
    return ibis.literal("null") if told is None else ibis.coalesce(told, "null")


def _escaped(text: Any) -> Any:
    """For JSON."""
    text = text.replace("\\", "\\\\").replace('"', '\\"')
    for char, written in _CONTROLS.items():
        text = text.replace(char, written)
    return text
