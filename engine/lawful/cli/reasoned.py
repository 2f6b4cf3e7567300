"""Why a rule is as it is, in the words of its policy: a justification for those who read no signs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from lawful import wording
from lawful.cli import asking
from lawful.cli.layout import GAP, Row, row
from lawful.cli.terminal import Terminal
from lawful.decision import JsonValue, Justification, Reason
from lawful.ir import (
    BOOL,
    FALSE,
    And,
    AtMost,
    Call,
    Clock,
    Compare,
    Conditional,
    ConditionOf,
    Count,
    Expr,
    Field,
    Known,
    Not,
    Or,
    Program,
    Quantifier,
    everything,
    negation,
    type_of,
)
from lawful.show.words import Words, as_judged

_MOST_ROWS: Final = 12
_TABLES: Final = (".csv", ".xlsx")
_ORDERED: Final = ("<", "<=", ">", ">=")


@dataclass(slots=True)
class Reasoned:
    """Tells the reasons of one policy."""

    program: Program
    terminal: Terminal
    words: Words = field(init=False)
    told: set[str] = field(default_factory=set)
    """What the reasons before have told: of that only the line is told again."""

    def __post_init__(self) -> None:
        self.words = Words(self.program, self.terminal.language)

    def rows(self, reason: Reason, depth: int) -> Iterator[Row]:
        """Each thing once: the cell of a table where one decides, else the parts that made the rule what it is.

        For the reasons of one decision, in their order.
        """
        told = list(self._rows(reason, depth))
        yield from told[:_MOST_ROWS]
        if len(told) > _MOST_ROWS:
            more = len(told) - _MOST_ROWS
            yield row(depth, (self.terminal.say(f"{more} more with --verbose", f"另有{more}行，见 --verbose"), "dim"))

    def _rows(self, reason: Reason, depth: int) -> Iterator[Row]:
        tree = _Tree(self, self._expressions(reason.rule))
        columns = self._columns(reason)
        if columns and _is_about(columns, reason.justification):
            yield from self._of_table(columns, tree, reason, depth)
        else:
            yield from tree.rows(reason.justification, depth)
        self.told |= tree.told

    def claim(self, reason: Reason) -> str:
        """What a rule that holds rests on."""
        return _Tree(self, self._expressions(reason.rule)).claim(reason.justification)

    def _expressions(self, rule: str) -> dict[str, Expr]:
        """Everything in the rule's versions, by how a justification writes it."""
        conditions = self.program.conditions
        return {
            wording.cel(node): node
            for each in self.program.rules
            if each.id == rule
            for expr in as_judged(self.program, each)
            for node in everything(expr, conditions)
        }

    def value(self, expr: Expr, value: JsonValue) -> str:
        """A fact's value, by its title."""
        language = self.terminal.language
        if value is None:
            return wording.UNKNOWN.best(language)
        if isinstance(value, bool):
            return self.words.say("yes" if value else "no", "是" if value else "否")
        declaration = None
        if isinstance(expr, Field) and not expr.owner.endswith("features"):
            schema = self.program.request if expr.owner == "request" else self.program.account
            declaration = schema.get(expr.name)
        several = value if isinstance(value, list) else [value]
        titles = [declaration.values.get(str(each)) if declaration is not None else None for each in several]
        return self.words.listed(
            [str(each) if title is None else title.best(language) for each, title in zip(several, titles, strict=True)]
        )

    # ------------------------------------------------------------------------------------------------- of a table

    def _columns(self, reason: Reason) -> list[_Column]:
        """Those of the row that the rule was made of; none where it was made of none."""
        place = (reason.place.file, reason.place.line)
        if not reason.place.file.endswith(_TABLES):
            return []
        rules = (each for each in self.program.rules if each.id == reason.rule and each.kind == "requires")
        rule = next((each for each in rules if (each.place.file, each.place.line) == place), None)
        if rule is None:
            return []
        # Entitled: some column that holds says yes, and none that holds says no.
        granting, *refusing = rule.requires.operands if isinstance(rule.requires, And) else (rule.requires,)
        yes = granting.operands if isinstance(granting, Or) else (granting,) if granting != FALSE else ()
        return [_Column(each, grants=True) for each in yes] + [
            _Column(negation(each), grants=False) for each in refusing
        ]

    def _of_table(self, columns: list[_Column], tree: _Tree, reason: Reason, depth: int) -> Iterator[Row]:
        """Which column applies and what its cell says; where none does, which say yes."""
        nodes = {each.text: each for each in _nodes(reason.justification)}
        values = [(each, _value(each.condition, nodes)) for each in columns]
        if reason.justification.value is None:
            deciding = [each for each, value in values if value is None]
        else:
            deciding = [each for each, value in values if value is True and not each.grants]
        refuses = bool(deciding) and reason.justification.value is False
        for each in deciding or [column for column in columns if column.grants]:
            value = reason.justification.value if not refuses else True
            claim = tree.claimed(self.words.condition(each.condition), value)
            node = nodes.get(wording.cel(each.condition)) if refuses else None
            facts = tree.facts(node) if node is not None else ""
            says = self._says(reason.place.file, grants=each.grants)
            yield row(depth, claim, (says + (GAP + facts if facts else ""), "dim"))
            if node is not None:
                yield from tree.below(node, depth + 1)

    def _says(self, file: str, *, grants: bool) -> str:
        name = file.rpartition("/")[2]
        if grants:
            return self.words.say(f" ({name} says yes)", f"（{name}：是）")
        return self.words.say(f" ({name} says no)", f"（{name}：否）")


@dataclass(frozen=True, slots=True)
class _Column:
    """Of a table of features: whom it is about, and whether the feature's cell in it says yes."""

    condition: Expr
    grants: bool


@dataclass(slots=True)
class _Tree:
    """Tells the parts of one justification."""

    reasoned: Reasoned
    expressions: dict[str, Expr]
    told: set[str] = field(default_factory=set)

    @property
    def words(self) -> Words:
        return self.reasoned.words

    def rows(self, node: Justification, depth: int) -> Iterator[Row]:
        expr = self.expressions.get(node.text)
        match expr:
            case Not() if node.because:
                yield from self.rows(node.because[0], depth)
            case Or() if self.words.is_by_days(expr):
                yield from self._line(node, expr, depth)
            case And() | Or():
                if isinstance(expr, Or) and node.value is not True and len(node.because) > 1:
                    yield row(depth, self._none_of(node))
                    depth += 1
                for each in self._telling(node.because):
                    yield from self.rows(each, depth)
            case AtMost():
                yield from self._counts(node, expr, depth)
            case _:
                yield from self._line(node, expr, depth)

    def below(self, node: Justification, depth: int) -> Iterator[Row]:
        """The conditions that made one what it is, without its own line; what else did are its `facts`."""
        for each in node.because:
            if self._is_condition(each):
                yield from self.rows(each, depth)

    def facts(self, node: Justification) -> str:
        """The facts that a condition compares: not those of the conditions in it, nor what an equality says itself."""
        expr = self.expressions.get(node.text)
        if any(map(self._is_condition, node.because)) or (isinstance(expr, Compare) and expr.operator == "=="):
            return ""
        return self._facts(node, expr)

    def _is_condition(self, node: Justification) -> bool:
        expr = self.expressions.get(node.text)
        return expr is not None and type_of(expr) == BOOL

    def _telling(self, parts: tuple[Justification, ...]) -> list[Justification]:
        """Without those that say no more than that a fact is known, where others say what it is."""
        told = [
            each for each in parts if each.value is not True or not isinstance(self.expressions.get(each.text), Known)
        ]
        return told or list(parts)

    def _none_of(self, node: Justification) -> str:
        if any(self._tells_so(each) for each in node.because):  # of *not X*, that X is so
            return self.words.say("one of these would have to be otherwise:", "以下各项至少须有一项不同：")
        if node.value is None:
            return self.words.say("none of these is known to be so:", "以下各项均未知是否满足：")
        return self.words.say("none of these is so:", "以下各项均不满足：")

    def _tells_so(self, node: Justification) -> bool:
        """Whether a line of it says that something is so."""
        match self.expressions.get(node.text):
            case Not() | And() | Or() if node.because:
                return any(self._tells_so(each) for each in self._telling(node.because))
            case _:
                return node.value is True

    def _line(self, node: Justification, expr: Expr | None, depth: int) -> Iterator[Row]:
        claim = self.claim(node)
        inner = [] if expr is None else self._inner(node, expr)
        facts = self._facts(node, expr)
        if claim + facts in self.told:
            return
        self.told.add(claim + facts)
        yield row(depth, claim, (GAP + facts if facts else "", "dim"))
        for each in inner if claim + facts not in self.reasoned.told else ():
            yield from self.rows(each, depth + 1)

    def claim(self, node: Justification) -> str:
        """`not so: the account is certified`."""
        expr = self.expressions.get(node.text)
        if isinstance(expr, Not) and node.because:
            return self.claim(node.because[0])
        if isinstance(expr, AtMost):
            return self._limit(node, expr)
        if expr is not None and not isinstance(node.value, bool | None):
            return self._fact(expr, node.value)  # a private one: whether it is so is masked
        return self.claimed(f"`{node.text}`" if expr is None else self.words.condition(expr), node.value)

    def claimed(self, phrase: str, value: JsonValue) -> str:
        say = self.words.say
        match value:
            case True:
                return say(f"so: {phrase}", f"属实：{phrase}")
            case False:
                return say(f"not so: {phrase}", f"不满足：{phrase}")
            case _:
                return say(f"not known: {phrase}", f"未知：{phrase}")

    def _inner(self, node: Justification, expr: Expr) -> list[Justification]:
        """The parts that take a line each: what else is told as facts beside the phrase."""
        if isinstance(expr, ConditionOf):
            titled = self.reasoned.program.conditions[expr.name].title is not None
            return [each for each in node.because if titled and not self._is_plain(each)]
        return [each for each in node.because if isinstance(self.expressions.get(each.text), ConditionOf)]

    def _is_plain(self, node: Justification) -> bool:
        """Whether a condition's one part says no more than the facts in it."""
        expr = self.expressions.get(node.text)
        match expr:
            case Not() if node.because:
                return self._is_plain(node.because[0])
            case Compare():
                return expr.operator not in _ORDERED and self._has_only_facts(node)
            case And() | Or() | ConditionOf() | AtMost() | Quantifier() | Conditional() | Call() | None:
                return False
            case _:
                return self._has_only_facts(node)

    def _has_only_facts(self, node: Justification) -> bool:
        return all(isinstance(self.expressions.get(each.text), Field | Clock) for each in node.because)

    def _facts(self, node: Justification, expr: Expr | None) -> str:
        """The facts in a part with their values; of a condition told without its part, that part's."""
        if isinstance(expr, ConditionOf):
            titled = self.reasoned.program.conditions[expr.name].title is not None
            plain = [each for each in node.because if not titled or self._is_plain(each)]
            return self.words.say("; ", "；").join(
                told for each in plain if (told := self._facts(each, self.expressions.get(each.text)))
            )
        if isinstance(expr, Not) and node.because:
            return self._facts(node.because[0], self.expressions.get(node.because[0].text))
        facts: dict[str, None] = {}
        for each in node.because:
            fact = self.expressions.get(each.text)
            if isinstance(fact, Field | Clock | Count | Call):
                facts[self._fact(fact, each.value)] = None
        return self.words.say("; ", "；").join(facts)

    def _fact(self, fact: Expr, value: JsonValue) -> str:
        told = self.reasoned.value(fact, value)
        name = self.words.term(fact)
        return self.words.say(f"{name}: {told}", f"{name}：{told}")

    def _counts(self, node: Justification, limit: AtMost, depth: int) -> Iterator[Row]:
        """How many there are, and when they were; of what rules out by having happened, what did and when."""
        so_far, *others = node.because
        alone = len(limit.count.events) == 1 and bool(limit.at_most)
        told = [self._counted(each, alone=alone) for each in others]
        facts = self.words.say("; ", "；").join(told)
        if not limit.at_most and so_far.value and facts:
            yield row(depth, self.words.say(f"it has happened: {facts}", f"已发生：{facts}"))
        else:
            yield row(depth, self._limit(node, limit), (GAP + facts if facts else "", "dim"))

    def _limit(self, node: Justification, limit: AtMost) -> str:
        """`“mass message” a day: 1 so far, 2 with this one, at most 1`."""
        say, language = self.words.say, self.reasoned.terminal.language
        events, window = self.words.events(limit.count.events), wording.span(limit.count.window, language)
        so_far = node.because[0]
        most = self._most(limit, so_far.value)
        if so_far.value is None:
            return say(f"not known: how many {events} {window}{most}", f"未知：{events}{window}的次数{most}")
        least = say("at least ", "至少") if so_far.text.endswith(" at least") else ""
        return say(
            f"{events} {window}: {least}{so_far.value} so far{most}",
            f"{events}{window}：目前{least}{so_far.value}次{most}",
        )

    def _most(self, limit: AtMost, so_far: JsonValue) -> str:
        """`, 2 with this one, at most 1`; nothing of what may not have happened at all."""
        say, most = self.words.say, limit.at_most
        if not most:
            return ""
        if not limit.own:
            return say(f", at most {most}", f"，至多{most}次")
        if isinstance(so_far, int):
            together = so_far + limit.own
            return say(f", {together} with this one, at most {most}", f"，含本次{together}次，至多{most}次")
        return say(f", at most {most}, this one included", f"，含本次至多{most}次")

    def _counted(self, node: Justification, *, alone: bool) -> str:
        """The field that holds the number, or an event with its time: only that where there is one kind of them."""
        fact = self.expressions.get(node.text)
        if fact is not None:
            return self._fact(fact, node.value)
        at = asking.moment(str(node.value))
        if alone:
            return self.words.say(f"on {at}", at)
        event = self.words.event(node.text)
        return self.words.say(f"“{event}” on {at}", f"{at}“{event}”")


def _nodes(node: Justification) -> Iterator[Justification]:
    yield node
    for each in node.because:
        yield from _nodes(each)


def _is_about(columns: list[_Column], justification: Justification) -> bool:
    """Whether the table decided: not where all that is unknown is whether the account has the feature already."""
    nodes = {each.text: each for each in _nodes(justification)}
    return justification.value is not None or any(_value(each.condition, nodes) is None for each in columns)


_NOT_TOLD: Final = "not told"


def _value(expr: Expr, nodes: dict[str, Justification]) -> JsonValue:
    """What a justification says an expression is: `_NOT_TOLD` where it did not decide."""
    node = nodes.get(wording.cel(expr))
    if node is not None and node.value != wording.MASKED:
        return node.value
    opposite = nodes.get(wording.cel(Not(expr)))
    if opposite is not None and isinstance(opposite.value, bool | None):
        return None if opposite.value is None else not opposite.value
    match expr:
        case Not():
            inner = _value(expr.operand, nodes)
            return inner if inner is None or inner == _NOT_TOLD else not inner
        case And() | Or():
            parts = [_value(each, nodes) for each in expr.operands]
            deciding = isinstance(expr, Or)
            if deciding in [each for each in parts if isinstance(each, bool)]:
                return deciding
            return _NOT_TOLD if _NOT_TOLD in parts else None if None in parts else not deciding
        case _:
            return _NOT_TOLD
