"""`--can`: what every account of an inventory would be answered if it asked for a change today.

The changes are made by `stepping`; here they become columns. Each rule is computed once for each account, to two bits
of a number: the verdict is read off the number, and names are written out only where a change is not allowed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import reduce
from operator import add, or_
from typing import TYPE_CHECKING, Any, Final, get_args
from zoneinfo import ZoneInfo

import ibis

from lawful import values
from lawful.audit.asking import records
from lawful.audit.errors import AuditError
from lawful.audit.expressions import Translator, literal
from lawful.audit.rows import Counted, Row
from lawful.audit.stepping import Objection, Step, Steps, steps, told
from lawful.decision import Verdict
from lawful.diagnostics import legible, near
from lawful.ir import (
    BOOL,
    Compare,
    ConditionOf,
    Constant,
    Expr,
    Field,
    Not,
    Owner,
    Program,
    Type,
    Value,
    conjunction,
    rebuilt,
    walk,
)
from lawful.question import KINDS, Asked
from lawful.scalar import Scalar

if TYPE_CHECKING:
    import ibis.expr.types as ibis_types

    from lawful.audit.dialects import Dialect
    from lawful.audit.rows import Column
    from lawful.audit.zones import Zone


VERDICTS: Final[tuple[Verdict, ...]] = get_args(Verdict)
_FORMS: Final = "`enable FEATURE`, `disable FEATURE`, `set FIELD=VALUE`, `do ACTION` or `register`"
_AT_ONCE: Final = 31
"""How many rules one number of 64 bits holds: two bits each, and the sign is left alone."""
_VIOLATED: Final = sum(1 << 2 * index for index in range(_AT_ONCE))
"""The lower bit of each."""
_MOST_ROWS: Final = 2**63 - 1


# ---------------------------------------------------------------------------------------------------- what is asked


def parsed(text: str, program: Program) -> Asked:
    """The change that a text asks for: `enable wechat_pay`, `set type=service`. Raises AuditError."""
    kind, _, rest = text.lstrip().partition(" ")
    match kind:
        case "enable" | "disable":
            return Asked(kind, _named(text, "feature", rest.strip(), program.features), {})
        case "do":
            return Asked(kind, _named(text, "action", rest.strip(), program.actions), {})
        case "set":
            return _set(text, rest, program)
        case "register":
            if rest.strip():
                raise AuditError(f"`{legible(text)}`: nothing follows `register`", "what is registered is the account")
            return Asked(kind, "", {})
        case _:
            message = f"`{legible(text)}` asks for no change" if text.strip() else "an empty text asks for no change"
            raise AuditError(message, near(kind, KINDS) or f"a change is {_FORMS}")


def _named(text: str, what: str, name: str, known: Mapping[str, object]) -> str:
    if name in known:
        return name
    if not name:
        raise AuditError(f"`{legible(text)}` names no {what}", _listed(known))
    raise AuditError(
        f"there is no {what} `{legible(name)}` to {legible(text.split(maxsplit=1)[0])}",
        near(name, known) or _listed(known),
    )


def _listed(known: Mapping[str, object]) -> str:
    if not known:
        return "the policy has none"
    shown = ", ".join(f"`{each}`" for each in list(known)[:8])
    return f"there are {shown}" + (", …" if len(known) > 8 else "")


def _set(text: str, rest: str, program: Program) -> Asked:
    field, equals, value = rest.partition("=")
    name = field.strip()
    if not equals or not name:
        raise AuditError(f"`{legible(text)}` is not `set FIELD=VALUE`", "as in `set type=service`")
    if name == "features":
        raise AuditError("features are not set", "`enable FEATURE` or `disable FEATURE`")
    declaration = program.account.get(name)
    if declaration is None:
        help = near(name, program.account) or _listed(program.account)
        raise AuditError(f"the account has no field `{legible(name)}`", help)
    given: object = Scalar(value if declaration.type.kind == "string" else value.strip())
    if declaration.type.kind == "set":
        given = [Scalar(part.strip()) for part in value.split(",") if part.strip()]
    try:
        read = values.read(declaration, given, ZoneInfo(program.timezone))
    except values.BadValue as error:
        raise AuditError(f"`{legible(text)}`: {error.message}", error.help) from None
    assert read is not None  # only null is read as nothing
    return Asked("set", "", {name: read})


def asked(program: Program, changes: Sequence[Asked], row: Row, *, has_history: bool) -> Steps:
    """The changes, asked of the rows of an inventory: a field or a feature without a column is not known at all.

    What of the history must be counted for them is in `Steps.counts`.
    """
    assert isinstance(row.today, date)  # all accounts are asked on one day
    absent = {f"{owner}.{name}" for owner, name, _ in _facts(program) if owner != "request"}
    present = {f"{owner}.{name}" for owner, name in row.facts}
    return steps(program, changes, row.today, absent=frozenset(absent - present), has_history=has_history)


# --------------------------------------------------------------------------------------------------------- answers


def answers(steps: Steps, accounts: ibis_types.Table, row: Row, zone: Zone, dialect: Dialect) -> ibis_types.Table:
    """`account_id`, `question`, `verdict` and `rules`, a row for each account and question, in one scan.

    `row` is of `accounts`, which has the column `id`. What it has no column for is unknown, and so is a count that it
    does not have. `rules` holds the ids of the rules that refuse, else of those that leave it open, joined by blanks;
    it is empty where the change is allowed.
    """
    conditions = _Conditions(steps, completed(steps, row), zone, dialect)
    table, translator = conditions.computed(accounts)
    codes = {
        f"q{number}_{index}": _code(translator, conditions, part)
        for number, step in enumerate(steps.steps)
        for index, part in enumerate(_parts(step))
    }
    coded = _once(table.select(account_id=accounts.id, **codes), dialect)
    numbers = ibis.array(list(range(len(steps.steps)))).cast("array<int64>")
    one_each = coded.mutate(number=numbers.unnest() if len(steps.steps) > 1 else ibis.literal(0, type="int64"))
    answered = [_answer(number, step, one_each) for number, step in enumerate(steps.steps)]
    return one_each.select(
        "account_id",
        question=_of_each(one_each, [ibis.literal(told(step.asked)) for step in steps.steps]),
        verdict=_of_each(one_each, [verdict for verdict, _ in answered]),
        rules=_of_each(one_each, [rules for _, rules in answered]),
    )


def totals(answers: ibis_types.Table) -> Mapping[str, Mapping[str, int]]:
    """How many accounts get each verdict, question by question; questions in the order of their names."""
    counted = answers.group_by(["question", "verdict"]).aggregate(accounts=lambda table: table.count())
    found: dict[str, dict[str, int]] = {}
    for each in sorted(records(counted), key=lambda each: str(each["question"])):
        found.setdefault(each["question"], dict.fromkeys(VERDICTS, 0))[each["verdict"]] = each["accounts"]
    return found


def already(steps: Steps, accounts: ibis_types.Table, row: Row, zone: Zone, dialect: Dialect) -> Mapping[str, int]:
    """How many of the accounts have already what is asked for, question by question: they are allowed what is nothing.

    Questions that nobody has already are left out.
    """
    translator = Translator(steps.program, completed(steps, row), zone, dialect)
    asked = ((told(each.asked), _so(steps.program, each.asked)) for each in steps.steps)
    wanted = {text: so for text, so in asked if so is not None}
    named = {f"a{number}": text for number, text in enumerate(wanted)}
    if not named:
        return {}
    columns = {name: translator.truth(wanted[text]).fill_null(False).ifelse(1, 0) for name, text in named.items()}
    summed = accounts.mutate(**columns).aggregate(
        **{name: (lambda table, name=name: table[name].sum()) for name in named}
    )
    (counted,) = records(summed)
    return {text: int(counted[name]) for name, text in sorted(named.items()) if counted[name]}


def _so(program: Program, asked: Asked) -> Expr | None:
    """What is true of an account that has it already; None where there is no such thing."""
    match asked.kind:
        case "set":
            fields = {name: program.account[name].type for name in asked.values}
            return conjunction(
                [
                    Compare("==", Field("account", name, fields[name]), Constant(value, fields[name]))
                    for name, value in asked.values.items()
                ]
            )
        case "enable":
            return Field("features", asked.name, BOOL)
        case "disable":
            return Not(Field("features", asked.name, BOOL))
        case "do" | "register":
            return None


def completed(steps: Steps, row: Row) -> Row:
    """The row with NULLs for the facts and counts that it does not have, and that a rule may read."""
    missing: dict[tuple[Owner, str], Column] = {
        (owner, name): literal(None, type)
        for owner, name, type in _facts(steps.program)
        if (owner, name) not in row.facts
    }
    unknown = Counted(ibis.literal(0, type="int64"), whole=False)
    counts = {count: unknown for count in steps.counts() if count not in row.counts}
    return replace(row, facts={**row.facts, **missing}, counts={**row.counts, **counts})


def request_facts(program: Program, given: Mapping[str, Value]) -> dict[tuple[Owner, str], Column]:
    """What the request says beside the change, of all accounts alike, as facts of a row."""
    return {("request", name): literal(given.get(name), each.type) for name, each in program.request.items()}


def _facts(program: Program) -> list[tuple[Owner, str, Type]]:
    """Whatever an objection may read."""
    facts: list[tuple[Owner, str, Type]] = [("account", name, each.type) for name, each in program.account.items()]
    facts += [("features", name, BOOL) for name in program.features]
    return facts + [("request", name, each.type) for name, each in program.request.items()]


# ------------------------------------------------------------------------------------------------------- in columns


class _Conditions:
    """The named conditions that objections speak of, each a column of its own: it is computed once for each account."""

    def __init__(self, steps: Steps, row: Row, zone: Zone, dialect: Dialect) -> None:
        self._program = steps.program
        self._row = row
        self._zone = zone
        self._dialect = dialect
        self._computed: dict[str, Expr] = {}
        """What a condition is read as."""
        self._levels = _by_level(steps)

    def computed(self, table: ibis_types.Table) -> tuple[ibis_types.Table, Translator]:
        """The table with the columns, and a translator that knows them."""
        for names in self._levels:
            translator = self._translator()
            columns = {}
            for name in names:
                holds = self.read(self._program.conditions[name].holds)
                if translator.is_constant(holds):
                    self._computed[name] = holds
                else:
                    columns[name] = translator.truth(holds)
            if columns:
                table = self._with(table, columns)
        return table, self._translator()

    def read(self, expr: Expr) -> Expr:
        """The expression with the conditions read from their columns."""
        return rebuilt(expr, lambda node: self._computed[node.name] if isinstance(node, ConditionOf) else None)

    def _with(self, table: ibis_types.Table, columns: Mapping[str, Any]) -> ibis_types.Table:
        named = {name: f"c{len(self._computed) + index}" for index, name in enumerate(columns)}
        table = _once(table.mutate(**{named[name]: column for name, column in columns.items()}), self._dialect)
        facts = dict(self._row.facts)
        for name, column in named.items():
            fact = Field("account", f"condition {name}", BOOL)  # no field is called so
            self._computed[name] = fact
            facts[fact.owner, fact.name] = table[column]
        self._row = replace(self._row, facts=facts)
        return table

    def _translator(self) -> Translator:
        return Translator(self._program, self._row, self._zone, self._dialect)


def _by_level(steps: Steps) -> list[list[str]]:
    """The conditions that are needed, each after the level of those that it uses."""
    conditions = steps.program.conditions
    pending = [name for step in steps.steps for each in step.objections for name in _uses(each.refuses)]
    depth: dict[str, int] = {}
    while pending:
        name = pending[-1]
        used = _uses(conditions[name].holds)
        waiting = [each for each in used if each not in depth]
        if waiting:
            pending.extend(waiting)
        else:
            depth[pending.pop()] = max((depth[each] + 1 for each in used), default=0)
    levels: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for name, level in depth.items():
        levels[level].append(name)
    return levels


def _uses(expr: Expr) -> list[str]:
    return [node.name for node in walk(expr) if isinstance(node, ConditionOf)]


def _once(table: ibis_types.Table, dialect: Dialect) -> ibis_types.Table:
    """The table, whose columns are computed once wherever they are read.

    PostgreSQL would put what a column is computed from into each place that reads it, but never looks into a query that
    has a limit. The others keep what takes long.
    """
    return table.limit(_MOST_ROWS) if dialect.name == "postgres" else table


def _parts(step: Step) -> list[tuple[Objection, ...]]:
    """The objections, as many at once as a number holds."""
    every = step.objections
    return [every[start : start + _AT_ONCE] for start in range(0, len(every), _AT_ONCE)]


def _code(translator: Translator, conditions: _Conditions, objections: Sequence[Objection]) -> Any:
    """Two bits for each, from the lowest on: 0 no objection, 1 it refuses, 2 it leaves it open."""
    digits = [
        translator.truth(conditions.read(each.refuses)).cast("int32").fill_null(2).cast("int64") * (1 << 2 * index)
        for index, each in enumerate(objections)
    ]
    return reduce(add, digits)


def _answer(number: int, step: Step, coded: ibis_types.Table) -> tuple[Any, Any]:
    """One question's verdict and rules."""
    parts = [(coded[f"q{number}_{index}"], part) for index, part in enumerate(_parts(step))]
    if not parts:
        return ibis.literal("allow"), ibis.literal("")
    refused = reduce(or_, [(code & _VIOLATED) != 0 for code, _ in parts])
    is_open = reduce(or_, [code != 0 for code, _ in parts])
    verdict = ibis.cases((refused, "deny"), (is_open, "undetermined"), else_="allow")
    rules = ibis.cases((refused, _names(parts, 1)), (is_open, _names(parts, 2)), else_="")
    return verdict, rules


def _names(parts: Sequence[tuple[Any, Sequence[Objection]]], digit: int) -> Any:
    """The ids of the rules with that digit."""
    joined = []
    for code, objections in parts:
        names = [
            ((code & (digit << 2 * index)) != 0).ifelse(each.rule.id, ibis.null("string"))
            for index, each in enumerate(objections)
        ]
        joined.append(ibis.literal(" ").join(names).nullif(""))
    return ibis.literal(" ").join(joined) if len(joined) > 1 else joined[0]


def _of_each(table: ibis_types.Table, columns: Sequence[Any]) -> Any:
    """Of each row the column whose number it has."""
    *most, last = columns
    return ibis.cases(*[(table.number == index, each) for index, each in enumerate(most)], else_=last) if most else last
