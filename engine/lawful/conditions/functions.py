"""The functions that conditions call, and their literals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast
from zoneinfo import available_timezones

from lawful import calendar, ir, patterns
from lawful.conditions import literal
from lawful.conditions.syntax import quoted
from lawful.conditions.typing import Reading, Typed, becomes, called, said, word
from lawful.conditions.vocabulary import Vocabulary
from lawful.diagnostics import near

if TYPE_CHECKING:
    from lawful.conditions.tree import Node, Tree

_MACROS: Final = {
    "has": ("a field", "write `has(account.…)`"),
    "exists": ("a variable and a condition", "write `….exists(x, …)`"),
    "all": ("a variable and a condition", "write `….all(x, …)`"),
}
_OUTSIDE: Final = {  # CEL's own functions that the profile leaves out
    **dict.fromkeys(["type", "dyn", "int", "uint", "double", "bool", "string", "bytes"]),
    **dict.fromkeys(["map", "filter", "exists_one", "getDayOfYear", "getMilliseconds"]),
    **dict.fromkeys(["getHours", "getMinutes", "getSeconds"]),
    "getDayOfMonth": "`getDate` gives the day of the month, from 1",
}
_ZONE_HELP: Final = "a name of the IANA database, such as `Asia/Shanghai`"
_WINDOW_HELP: Final = "`lifetime`, `day`, `month`, `year`, or as in `30 days` and `6 months`"
_SINCE_HELP: Final = "what counts from a day on is written as in `lifetime since 2024-01-31`"
_TIMESTAMP_HELP: Final = "a day, a time to the microsecond at most, and an offset: `2024-01-31T09:00:00+08:00`"


METHODS: Final = frozenset(
    ["size", "startsWith", "endsWith", "contains", "matches", "getFullYear", "getMonth", "getDate", "getDayOfWeek"]
)
FUNCTIONS: Final = frozenset(
    ["size", "matches", "date", "timestamp", "duration", "count", "addDays", "addMonths", "addYears", "daysBetween"]
)


class Functions(Reading):
    """The calls of a text that are written as calls."""

    def __init__(self, names: Vocabulary, tree: Tree) -> None:
        super().__init__(tree)
        self._names = names

    # ----------------------------------------------------------------------------------------------- functions

    def _function(self, node: Node) -> Typed | None:
        call = node.call
        name: str = call.function
        known = METHODS if call.target else FUNCTIONS
        if name not in known:
            self._no_function(node)
            return None
        match name:
            case "count":
                return self._count(node)
            case "date" | "timestamp" | "duration":
                return self._literal(node)
            case "getFullYear" | "getMonth" | "getDate" | "getDayOfWeek":
                return self._getter(node, name)
            case _:
                return self._applied(node, cast("ir.Function", name))

    def _no_function(self, node: Node) -> None:
        name: str = node.call.function
        if name in _MACROS:
            takes, form = _MACROS[name]
            self._refuse(node, f"`{name}` takes {takes}", form)
            return
        self._operands(node.call.args)  # for their mistakes
        if name in _OUTSIDE:
            self._refuse(node, f"{quoted(name)} is outside the profile", _OUTSIDE[name])
            return
        phrase, help = self._not_called_so(name)
        self._tell("unknown-function", phrase, self._tree.place(node), help)

    def _not_called_so(self, name: str) -> tuple[str, str | None]:
        if name in METHODS:
            return f"`{name}` follows its operand", f"write `….{name}(…)`"
        if name in FUNCTIONS:
            return f"`{name}` stands before its operands", f"write `{name}(…)`"
        help = near(name, sorted(METHODS | FUNCTIONS | {"has", "exists", "all"}))
        if name in self._names.condition_set:
            help = f"a condition has no parentheses: `{name}`"
        return f"there is no function {quoted(name)}", help

    def _arity(self, node: Node, *counts: int) -> bool:
        """Whether it has so many arguments, as they are written; told where it has not."""
        given = len(node.call.args)
        if given in counts:
            return True
        taken = " or ".join(str(count) for count in counts)
        plural = "argument" if counts[-1] == 1 else "arguments"
        phrase = f"{quoted(node.call.function)} takes {taken} {plural}, not {given}"
        self._tell("ill-typed", phrase, self._tree.place(node))
        return False

    def _applied(self, node: Node, name: ir.Function) -> Typed | None:
        """A function of the IR by the same name, with its operands in the same order."""
        call = node.call
        (taken, _), *_ = ir.SIGNATURES[name]
        encoded = [call.target, *call.args] if call.target else [*call.args]
        if not self._arity(node, len(taken) - (1 if call.target else 0)):
            return None
        operands = self._operands(encoded)
        if name == "matches" and not self._pattern(self._decode(encoded[1])):
            return None
        if operands is None:
            return None
        pairs = zip(operands, taken, strict=True)
        arguments = [self._argument(node, name, operand, type) for operand, type in pairs]
        known = tuple(argument for argument in arguments if argument is not None)
        return called(name, known, node) if len(known) == len(arguments) else None

    def _argument(self, node: Node, name: str, operand: Typed, wanted: ir.Type) -> ir.Expr | None:
        if becomes(operand, wanted):
            return self._as(operand, wanted)
        phrase = f"`{name}` takes {word(wanted)}, not {word(operand.type)}"
        place = self._tree.place(operand.node)
        if operand.type.kind == "enum":
            self._refuse(operand.node, phrase, "enums compare with `==`, `!=` and `in`")
            return None
        if operand.type.kind in ("set", "list"):
            self._refuse(operand.node, phrase)
            return None
        if wanted == ir.DATE and operand.type == ir.TIMESTAMP:
            help = f"`date({said(operand) or '…'})` is the day of a timestamp"
            self._tell("dates-and-timestamps", phrase, place, help)
            return None
        self._tell("ill-typed", phrase, place)
        return None

    def _pattern(self, node: Node) -> bool:
        place = self._tree.place(node)
        pattern = self._text_of(node)
        if pattern is None:
            self._tell("not-constant", "the pattern of `matches` must be a literal", place)
            return False
        wrong = patterns.problem(pattern)
        if wrong is not None:
            self._tell("bad-pattern", wrong, place)
        return wrong is None

    def _getter(self, node: Node, name: ir.Function) -> Typed | None:
        of = self._expression(self._decode(node.call.target))
        if of is None or not self._arity(node, 0, 1):
            return None
        if of.type == ir.DATE:
            if node.call.args:
                phrase = f"`{name}` of a date takes no zone"
                self._tell("ill-typed", phrase, self._tree.place(node))
                return None
            return called(name, (of.expr,), node)
        if of.type != ir.TIMESTAMP:
            phrase = f"`{name}` takes a date or a timestamp, not {word(of.type)}"
            self._tell("ill-typed", phrase, self._tree.place(node))
            return None
        zone = (
            self._zone(self._decode(node.call.args[0]))
            if node.call.args
            else ir.Constant(self._names.timezone, ir.STRING)
        )
        return None if zone is None else called(name, (of.expr, zone), node)

    def _zone(self, node: Node) -> ir.Constant | None:
        name = self._text_of(node)
        place = self._tree.place(node)
        if name is None:
            self._tell("not-constant", "the zone must be a literal", place)
            return None
        if calendar.zone(name) is None:
            help = near(name, sorted(available_timezones())) or _ZONE_HELP
            self._tell("bad-zone", f"there is no time zone {quoted(name)}", place, help)
            return None
        return ir.Constant(name, ir.STRING)

    def _literal(self, node: Node) -> Typed | None:
        """`date('…')`, `timestamp('…')`, `duration('…')` of literals, and `date(…)` of a timestamp."""
        name: str = node.call.function
        if not self._arity(node, 1):
            return None
        argument = self._decode(node.call.args[0])
        place = self._tree.place(argument)
        text = self._text_of(argument)
        if text is None:
            if name == "date":
                return self._day_of(node, argument)
            self._tell("not-constant", f"`{name}` takes a literal text", place)
            return None
        found: ir.Constant | None = None
        match name:
            case "date":
                day = calendar.iso_day(text)
                found = None if day is None else ir.Constant(day, ir.DATE)
                help = "a date is written as in `date('2024-01-31')`"
            case "timestamp":
                instant = literal.timestamp_of(text)
                found = None if instant is None else ir.Constant(instant, ir.TIMESTAMP)
                help = _TIMESTAMP_HELP
            case _:
                duration = literal.duration_of(text)
                found = None if duration is None else ir.Constant(duration, ir.DURATION)
                help = "hours, minutes and seconds, as in `36h`, `1h30m`, `0.5s`"
        if found is None:
            self._tell(f"bad-{name}", f"{quoted(text)} is not a {name}", place, help)
            return None
        return Typed(found, found.type, node)

    def _day_of(self, node: Node, argument: Node) -> Typed | None:
        of = self._expression(argument)
        if of is None:
            return None
        if of.type == ir.TIMESTAMP:
            return called("date", (of.expr,), node)
        place = self._tree.place(argument)
        if of.type == ir.STRING:
            phrase = "`date` takes a literal text, or a timestamp"
            self._tell("not-constant", phrase, place)
            return None
        help = "it is a date already" if of.type == ir.DATE else None
        phrase = f"`date` takes a timestamp, not {word(of.type)}"
        self._tell("ill-typed", phrase, place, help)
        return None

    def _count(self, node: Node) -> Typed | None:
        if not self._arity(node, 2):
            return None
        event_node, window_node = (self._decode(data) for data in node.call.args)
        event, span = self._text_of(event_node), self._text_of(window_node)
        for text, part, place in (("event", event, event_node), ("window", span, window_node)):
            if part is None:
                phrase = f"the {text} of `count` must be a literal"
                self._tell("not-constant", phrase, self._tree.place(place))
        if event is not None and event not in self._names.event_set:
            phrase, help = f"there is no event {quoted(event)}", near(event, self._names.events)
            self._tell("unknown-event", phrase, self._tree.place(event_node), help)
            event = None
        window = None if span is None else self._window(span, window_node)
        if event is None or window is None:
            return None
        return Typed(ir.Count((event,), window), ir.INT, node)

    def _window(self, text: str, node: Node) -> calendar.Window | None:
        _, marked, day = text.partition(" since ")
        if marked and calendar.iso_day(day) is None:
            self._tell("bad-date", f"{quoted(day)} is not a date", self._tree.place(node), _SINCE_HELP)
            return None
        window = calendar.window(text)
        if window is None:
            self._tell("bad-window", f"{quoted(text)} is not a window", self._tree.place(node), _WINDOW_HELP)
        return window
