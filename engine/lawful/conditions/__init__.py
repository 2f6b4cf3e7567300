"""CEL text -> typed `ir.Expr`; the only importer of CEL's library.

The library parses the text and type-checks it against message types made of the policy's schema. Its checked tree is
then read in one pass of our own, which knows what the checker does not (a date is a timestamp to it, an enum a string),
keeps to the profile, and finds the words for what is wrong. Only what both take is taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, cast

from lawful import ir
from lawful.conditions.messages import message_types
from lawful.conditions.operators import OPERATORS, Operators
from lawful.conditions.syntax import complaints, quoted
from lawful.conditions.typing import (
    PLURALS,
    SINGLE,
    Adopted,
    Scope,
    Typed,
    becomes,
    element_of,
    list_of,
    said,
    word,
)
from lawful.conditions.vocabulary import TYPE_NAMES, Vocabulary
from lawful.diagnostics import Mistake, near
from lawful.kept import kept

if TYPE_CHECKING:
    from lawful.conditions.tree import Node, Tree

__all__ = ["ConditionError", "Conditions", "Vocabulary", "Where"]

Where: TypeAlias = Literal["rule", "constraint", "invariant"]
"""A constraint may not read `request`; an invariant neither, but `before.account` and `after.account`."""


class ConditionError(Exception):
    """A text is not a condition of the profile: every mistake found, in the order of the text."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes: tuple[Mistake, ...] = tuple(mistakes)
        super().__init__("; ".join(each.message for each in self.mistakes))


class Conditions:
    """Reads the conditions of one policy."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._names = vocabulary

    def boolean(self, text: str, where: Where = "rule") -> ir.Expr:
        """Something that is true or false. Raises ConditionError, as all of these do."""
        tree, refusal = self._read(text)
        check = _Check(self._names, tree, where)
        return _agreed(check.finished(check.condition()), refusal)

    def value(self, text: str, wanted: ir.FieldDeclaration, where: Where = "rule") -> ir.Expr:
        """A new value for that field."""
        tree, refusal = self._read(text)
        check = _Check(self._names, tree, where)
        return _agreed(check.finished(check.value_for(wanted)), refusal)

    def fact(self, text: str) -> ir.Field:
        """Exactly a field of the account or of the request."""
        tree, refusal = self._read(text)
        check = _Check(self._names, tree, "rule")
        return cast("ir.Field", _agreed(check.finished(check.fact()), refusal))

    def anything(self, text: str) -> ir.Expr:
        """An expression of whatever type."""
        tree, refusal = self._read(text)
        check = _Check(self._names, tree, "rule")
        return _agreed(check.finished(check.anything()), refusal)

    def foreign(self, text: str) -> Any:
        """A text that was taken, as CEL's own evaluator has it."""
        return self._environment.compile(text)

    @kept
    def messages(self) -> Any:
        """The protobuf types of the schema, in a descriptor pool."""
        return message_types(self._names.account, self._names.request)

    @kept
    def _environment(self) -> Any:
        return _environment(self._names, self.messages)

    def _read(self, text: str) -> tuple[Tree, str | None]:
        """The tree and, where the library's checker refuses it, what it says."""
        from lawful.conditions.tree import Tree  # 20 ms: proto-plus

        try:
            text.encode()
        except UnicodeEncodeError as error:
            phrase = f"half a character, U+{ord(text[error.start]):04X}"
            raise ConditionError([Mistake("bad-text", phrase, None, error.start)]) from None
        try:
            return Tree(text, self._environment.compile(text).serialize(), checked=True), None
        except RuntimeError as told:
            refusal = str(told)
        try:
            return Tree(text, self._environment.compile(text, disable_check=True).serialize()), refusal
        except RuntimeError as told:
            raise ConditionError(complaints(text, str(told))) from None


def _agreed(expr: ir.Expr, refusal: str | None) -> ir.Expr:
    """What our own pass takes, unless the library's checker refuses it: where the two differ nothing is taken."""
    if refusal is None:
        return expr
    said_by_cel = re.findall(r"ERROR: <input>:[0-9-]+:[0-9-]+: ([^\n]*)", refusal)
    phrase = f"CEL's own checker refuses this: {said_by_cel[0] if said_by_cel else 'it does not say why'}"
    raise ConditionError([Mistake("ill-typed", phrase, "please report this condition: lawful itself would take it")])


# ---------------------------------------------------------------------------------------------------- parsing


def _environment(names: Vocabulary, messages_of_schema: Any) -> Any:
    """CEL's environment of the policy's names, as far as its types go."""
    from cel_expr_python import cel  # 30 ms with protobuf: only where conditions are read

    moment, number, text, truth = cel.Type.TIMESTAMP, cel.Type.INT, cel.Type.STRING, cel.Type.BOOL
    functions = {
        "count": [(number, [text, text])],
        "date": [(moment, [text]), (moment, [moment])],
        "addDays": [(moment, [moment, number])],
        "addMonths": [(moment, [moment, number])],
        "addYears": [(moment, [moment, number])],
        "daysBetween": [(number, [moment, moment])],
    }
    declared = [
        cel.FunctionDecl(
            name, [cel.Overload(f"{name}_{i}", gives, takes) for i, (gives, takes) in enumerate(overloads)]
        )
        for name, overloads in functions.items()
    ]
    messages = {"account": "Account", "request": "Request", "before": "State", "after": "State"}
    variables = {name: cel.Type(f"lawful.policy.{message}") for name, message in messages.items()}
    variables |= {"today": moment, "now": moment}
    # A condition that may not be called so has been told of: here it must not stand for something else.
    taken = TYPE_NAMES | variables.keys()
    variables |= {name: truth for name in names.conditions if name.isidentifier() and name not in taken}
    variables |= {name: _foreign_type(type) for name, type in names.free.items()}
    return cel.NewEnv(
        descriptor_pool=messages_of_schema,
        variables=variables,
        extensions=[cel.CelExtension("lawful", declared)],
    )


def _foreign_type(type: ir.Type) -> Any:
    """What CEL has for a type of ours."""
    from cel_expr_python import cel

    match type.kind:
        case "bool":
            return cel.Type.BOOL
        case "int":
            return cel.Type.INT
        case "string" | "enum":
            return cel.Type.STRING
        case "date" | "timestamp":
            return cel.Type.TIMESTAMP
        case "duration":
            return cel.Type.DURATION
        case "set" | "list":
            return cel.Type.List(_foreign_type(element_of(type)))


_QUANTIFIERS: Final[dict[str, Literal["exists", "all"]]] = {"_||_": "exists", "_&&_": "all"}
_Owner: TypeAlias = Literal["account", "request", "before", "after"]
_OWNERS: Final[Mapping[str, _Owner]] = {"account": "account", "request": "request"}
_STATES: Final[Mapping[str, _Owner]] = {"before": "before", "after": "after"}

# ---------------------------------------------------------------------------------------------------- the check


class _Check(Operators):
    """The reading of one text."""

    def __init__(self, names: Vocabulary, tree: Tree, where: Where) -> None:
        super().__init__(names, tree)
        self._where: Where = where
        self._scopes: list[Scope] = []
        self._adopted: dict[int, tuple[ir.Type, str | None]] = {}
        self._reads: Literal["account", "pair"] | None = None

    # ------------------------------------------------------------------------------------------ what is asked

    def condition(self) -> ir.Expr | None:
        typed = self._expression(self._tree.root)
        if typed is None:
            return None
        if typed.type != ir.BOOL:
            phrase = f"a condition must be true or false, this is {word(typed.type)}"
            self._tell("not-bool", phrase, self._tree.whole())
            return None
        return typed.expr

    def anything(self) -> ir.Expr | None:
        typed = self._expression(self._tree.root)
        return None if typed is None else typed.expr

    def value_for(self, field: ir.FieldDeclaration) -> ir.Expr | None:
        typed = self._expression(self._tree.root)
        if typed is None:
            return None
        if field.type.kind == "set" and isinstance(typed.expr, ir.ListOf):
            return self._set_of(typed, field)
        if becomes(typed, field.type):
            return self._as(typed, field.type, field.name)
        place = self._tree.whole()
        if self._dates_mixed(typed.type, field.type):
            phrase = f"{quoted(field.name)} takes {word(field.type)}, this is {word(typed.type)}"
            help = "`date(now)` is the day of a timestamp" if field.type == ir.DATE else None
            self._tell("dates-and-timestamps", phrase, place, help)
            return None
        taken, given = word(field.type), word(typed.type)
        given += " of other values" if taken == given else ""
        self._tell("ill-typed", f"{quoted(field.name)} takes {taken}, this is {given}", place)
        return None

    def _set_of(self, typed: Typed, field: ir.FieldDeclaration) -> ir.Expr | None:
        """A literal list, as the value of a set field."""
        element = element_of(field.type)
        if not all(isinstance(part.expr, ir.Constant) for part in typed.parts):
            phrase = f"{quoted(field.name)} takes a set or a list of literals"
            self._tell("ill-typed", phrase, self._tree.whole())
            return None
        if not becomes(typed, list_of(element)):
            given = PLURALS[element_of(typed.type).kind]
            phrase = f"{quoted(field.name)} takes a list of its values, not of {given}"
            self._tell("ill-typed", phrase, self._tree.whole())
            return None
        items = [self._as(part, element, field.name) for part in typed.parts]
        values = [item.value for item in items if isinstance(item, ir.Constant)]
        if len(values) < len(items):
            return None
        return ir.Constant(frozenset(cast("list[str]", values)), field.type)

    def fact(self) -> ir.Field | None:
        typed = self._expression(self._tree.root)
        if typed is None:
            return None
        if isinstance(typed.expr, ir.Field) and typed.expr.owner in ("account", "request"):
            return typed.expr
        help = "write only its name, such as `account.upgrades` or `request.n`"
        self._tell("not-in-profile", "this must be a field", self._tree.whole(), help)
        return None

    def finished(self, found: ir.Expr | None) -> ir.Expr:
        if found is None or self._mistakes:
            mistakes = sorted(dict.fromkeys(self._mistakes), key=lambda each: each.start or 0)
            raise ConditionError(mistakes)
        return found

    # ---------------------------------------------------------------------------------------------- the nodes

    def _expression(self, node: Node) -> Typed | None:
        match node.WhichOneof("kind"):
            case "constant":
                return self._constant(node)
            case "ident":
                return self._name(node)
            case "select":
                return self._field(node)
            case "call":
                return self._call(node)
            case "list":
                return self._list(node)
            case "comprehension":
                return self._quantifier(node)
            case _:
                self._refuse(node, "maps and messages are outside the profile")
                return None

    def _constant(self, node: Node) -> Typed | None:
        constant = node.constant
        match constant.WhichOneof("kind"):
            case "string":
                if "\x00" in constant.string:
                    self._tell("bad-text", "a text holds no NUL", self._tree.place(node))
                    return None
                return Typed(ir.Constant(constant.string, ir.STRING), ir.STRING, node)
            case "int":
                return Typed(ir.Constant(constant.int, ir.INT), ir.INT, node)
            case "bool":
                return Typed(ir.Constant(constant.bool, ir.BOOL), ir.BOOL, node)
            case "double":
                help = "count in whole units: fen, basis points"
                self._refuse(node, "numbers with a fraction are outside the profile", help)
                return None
            case "uint":
                self._refuse(node, "unsigned numbers are outside the profile", "drop the `u`")
                return None
            case "bytes":
                self._refuse(node, "bytes are outside the profile", "drop the `b`")
                return None
            case _:
                help = "`has(account.…)` asks whether a field is known"
                self._refuse(node, "`null` is outside the profile", help)
                return None

    def _name(self, node: Node) -> Typed | None:
        name: str = node.ident.name
        for scope in reversed(self._scopes):
            if scope.name == name:
                adopting = scope if scope.items is not None else None
                return Typed(ir.Variable(name, scope.type), scope.type, node, scope=adopting)
        match name:
            case "today" | "now":
                clock = ir.Clock("today" if name == "today" else "now")
                return Typed(clock, clock.type, node)
            case "account" | "request":
                help = f"name one of its fields, as in `{name}.…`"
                self._refuse(node, f"`{name}` alone is not a value", help)
                return None
            case "before" | "after" if self._where == "invariant":
                help = f"name a field of it, as in `{name}.account.…`"
                self._refuse(node, f"`{name}` alone is not a value", help)
                return None
        if name in self._names.condition_set:
            self._read("account", node)
            return Typed(ir.ConditionOf(name), ir.BOOL, node)
        if name in self._names.free:
            fact = ir.Field("request", name, self._names.free[name])
            return Typed(fact, fact.type, node)
        self._unknown_name(name, node)
        return None

    def _unknown_name(self, name: str, node: Node) -> None:
        place = self._tree.place(node)
        if name in _STATES:
            phrase = f"`{name}` is read in invariants only"
            self._tell("unknown-name", phrase, place, "did you mean `account`?")
            return
        phrase = f"there is no condition or name {quoted(name)}"
        self._tell("unknown-name", phrase, place, self._names.meant_by(name))

    # ------------------------------------------------------------------------------------------------- fields

    def _field(self, node: Node) -> Typed | None:
        select = node.select
        operand = self._decode(select.operand)
        owner = self._owner(operand)
        if owner is None:
            self._no_field(node, operand)
            return None
        if owner == "request" and self._where != "rule":
            kind = "an invariant" if self._where == "invariant" else "a constraint"
            help = "guard the move with a `requires` instead"
            phrase = f"{kind} does not read `request`"
            self._tell("request-in-constraint", phrase, self._tree.place(node), help)
        elif owner != "request":
            self._read("account" if owner == "account" else "pair", node)
        if select.field == "features" and owner != "request":
            help = "ask for one: `'…' in account.features`"
            self._refuse(node, "`account.features` is not a value", help)
            return None
        schema = self._names.request if owner == "request" else self._names.account
        declaration = schema.get(select.field)
        if declaration is None:
            self._unknown_field(node, owner, schema)
            return None
        field = ir.Field(owner, select.field, declaration.type)
        if select.test_only:
            return Typed(ir.Known(field), ir.BOOL, node)
        return Typed(field, field.type, node)

    def _owner(self, operand: Node) -> _Owner | None:
        """Whose field is selected; None where the operand is not an owner of fields."""
        if operand.WhichOneof("kind") == "select" and operand.select.field == "account":
            state = self._free(self._decode(operand.select.operand))
            return _STATES.get(state) if self._where == "invariant" else None
        return _OWNERS.get(self._free(operand))

    def _free(self, node: Node) -> str:
        """The name that a node is, unless it is a quantifier's variable; else empty."""
        name: str = node.ident.name
        return "" if any(scope.name == name for scope in self._scopes) else name

    def _no_field(self, node: Node, operand: Node) -> None:
        field, place = quoted(node.select.field), self._tree.field_place(node)
        if self._where == "invariant" and self._free(operand) in _STATES:
            name = operand.ident.name
            help = f"did you mean `{name}.account.{node.select.field}`?"
            self._tell("unknown-field", f"`{name}` has no field {field}", place, help)
            return
        told = self._expression(operand)
        if told is None:
            return
        if node.select.test_only:
            help = "write `has(account.…)`"
            self._tell("not-in-profile", "`has` takes a field", self._tree.place(node), help)
            return
        name = quoted(said(told) or "it")
        phrase = f"there is no {field}: {name} is {word(told.type)} and has no fields"
        self._tell("unknown-field", phrase, place)

    def _unknown_field(self, node: Node, owner: str, schema: ir.Schema) -> None:
        name: str = node.select.field
        whose = "request" if owner == "request" else "account"
        other = self._names.account if owner == "request" else self._names.request
        help = near(name, [*schema] if owner == "request" else [*schema, "features"])
        if name in other and self._where == "rule":
            help = f"did you mean `{'account' if owner == 'request' else 'request'}.{name}`?"
        phrase = f"the {whose} has no field {quoted(name)}"
        self._tell("unknown-field", phrase, self._tree.field_place(node), help)

    def _read(self, state: Literal["account", "pair"], node: Node) -> None:
        """Note which states an invariant reads: one, or a pair."""
        if self._where != "invariant":
            return
        if self._reads is None:
            self._reads = state
        elif self._reads != state:
            phrase = "an invariant reads one state, `account`, or two, `before` and `after`"
            self._refuse(node, phrase, "conditions read `account`: write theirs out for a pair")

    # ------------------------------------------------------------------------------------ joining and choosing

    def _call(self, node: Node) -> Typed | None:
        function: str = node.call.function
        match function:
            case "_&&_" | "_||_":
                return self._junction(node)
            case "!_":
                operand = self._truth(self._decode(node.call.args[0]), "!")
                return None if operand is None else Typed(ir.Not(operand), ir.BOOL, node)
            case "_==_" | "_!=_":
                return self._equality(node)
            case "_<_" | "_<=_" | "_>_" | "_>=_":
                return self._order(node)
            case "_+_" | "_-_" | "_*_" | "_/_" | "_%_":
                return self._arithmetic(node)
            case "-_":
                return self._negation(node)
            case "@in":
                return self._membership(node)
            case "_?_:_":
                return self._conditional(node)
            case "_[_]":
                self._refuse(node, "an index, `[…]`, is outside the profile")
                return None
            case _:
                return self._function(node)

    def _junction(self, node: Node) -> Typed | None:
        """A chain of `&&` or of `||`, which CEL balances into a tree."""
        function: str = node.call.function
        sign = OPERATORS[function]
        operands: list[ir.Expr] = []
        pending, whole = [node], True
        while pending:
            part = pending.pop()
            if part.WhichOneof("kind") == "call" and part.call.function == function:
                pending.extend(self._decode(data) for data in reversed(part.call.args))
                continue
            operand = self._truth(part, sign)
            if operand is None:
                whole = False
            else:
                operands.append(operand)
        if not whole:
            return None
        joined = (ir.And if sign == "&&" else ir.Or)(tuple(operands))
        return Typed(joined, ir.BOOL, node)

    def _truth(self, node: Node, sign: str) -> ir.Expr | None:
        typed = self._expression(node)
        if typed is None:
            return None
        if not becomes(typed, ir.BOOL):
            phrase = f"`{sign}` takes what is true or false, not {word(typed.type)}"
            self._tell("ill-typed", phrase, self._tree.place(node))
            return None
        return self._as(typed, ir.BOOL)

    def _conditional(self, node: Node) -> Typed | None:
        test_data, *branch_data = node.call.args
        test = self._truth(self._decode(test_data), "?:")
        branches = self._operands(branch_data)
        if test is None or branches is None:
            return None
        for branch in branches:
            if branch.type.kind not in SINGLE:
                phrase = f"`?:` chooses between single values, not {word(branch.type)}"
                self._refuse(branch.node, phrase)
                return None
        wanted = self._common(branches)
        if wanted is None:
            words = " and ".join(word(branch.type) for branch in branches)
            self._mismatch(node, f"`?:` does not choose between {words}", *branches)
            return None
        name = next(filter(None, map(said, branches)), None)
        then, otherwise = (self._as(branch, wanted, name) for branch in branches)
        if then is None or otherwise is None:
            return None
        return Typed(ir.Conditional(test, then, otherwise), wanted, node, tuple(branches))

    # ---------------------------------------------------------------------------------------------- membership

    def _membership(self, node: Node) -> Typed | None:
        item_data, collection_data = node.call.args
        held = self._decode(collection_data)
        if self._features_owner(held) is not None:
            return self._feature(node, self._decode(item_data), held)
        operands = self._operands((item_data, collection_data))
        if operands is None:
            return None
        item, collection = operands
        if collection.type.kind not in ("set", "list"):
            phrase = f"`in` looks into a set or a list, not {word(collection.type)}"
            self._tell("ill-typed", phrase, self._tree.place(node))
            return None
        if item.type.kind in SINGLE and becomes(collection, list_of(item.type)):
            within = self._as(collection, list_of(item.type), said(item))
            return self._member(node, item.expr, within)
        element = element_of(collection.type)
        if becomes(item, element):
            return self._member(node, self._as(item, element, said(collection)), collection.expr)
        held_in = word(collection.type) + (f" of {PLURALS[element.kind]}" if element.kind != "enum" else "")
        if item.type.kind == element.kind:
            held_in += " of different values"
        phrase = f"`in` does not look for {word(item.type)} in {held_in}"
        self._mismatch(node, phrase, item, Typed(collection.expr, element, node))
        return None

    def _member(self, node: Node, item: ir.Expr | None, held: ir.Expr | None) -> Typed | None:
        if item is None or held is None:
            return None
        return Typed(ir.Member(item, held), ir.BOOL, node)

    def _features_owner(self, node: Node) -> ir.Owner | None:
        if node.WhichOneof("kind") != "select" or node.select.field != "features":
            return None
        match self._owner(self._decode(node.select.operand)):
            case "account":
                return "features"
            case "before":
                return "before.features"
            case "after":
                return "after.features"
            case _:
                return None

    def _feature(self, node: Node, item: Node, held: Node) -> Typed | None:
        """`'f' in account.features`, which is a fact of its own."""
        owner = self._features_owner(held)
        name = self._text_of(item)
        if name is None or owner is None or held.select.test_only:
            help = "ask for one: `'…' in account.features`"
            self._refuse(node, "a feature is named by a literal", help)
            return None
        self._read("account" if owner == "features" else "pair", node)
        if name not in self._names.feature_set:
            phrase, near_one = f"there is no feature {quoted(name)}", near(name, self._names.features)
            self._tell("unknown-feature", phrase, self._tree.place(item), near_one)
            return None
        return Typed(ir.Field(owner, name, ir.BOOL), ir.BOOL, node)

    # -------------------------------------------------------------------------------------- lists, quantifiers

    def _list(self, node: Node) -> Typed | None:
        items = self._operands(node.list.elements)
        if items is None:
            return None
        for item in items:
            if item.type.kind not in SINGLE:
                phrase = f"a list holds single values, not {word(item.type)}"
                self._refuse(item.node, phrase)
                return None
        if not items:
            return Typed(ir.ListOf((), list_of(ir.STRING)), list_of(ir.STRING), node)
        wanted = self._common(items)
        if wanted is None:
            kinds = list({item.type.kind: item for item in items}.values())
            if len(kinds) == 1:
                self._mismatch(node, "a list does not hold enums of different values")
                return None
            words = f"{word(kinds[0].type)} and {word(kinds[1].type)}"
            self._mismatch(node, f"a list does not hold both {words}", *kinds)
            return None
        name = next(filter(None, map(said, items)), None)
        found = [self._as(item, wanted, name) for item in items]
        exprs = tuple(expr for expr in found if expr is not None)
        if len(exprs) < len(found):
            return None
        type = list_of(wanted)
        return Typed(ir.ListOf(exprs, type), type, node, tuple(items))

    def _quantifier(self, node: Node) -> Typed | None:
        comprehension = node.comprehension
        step = self._decode(comprehension.loop_step)
        start = self._decode(comprehension.accu_init).constant.WhichOneof("kind")
        # The shapes that CEL expands its macros to: `exists` starts from false and joins with `||`, `all` from true
        # with `&&`; `exists_one` counts, `map` and `filter` build lists.
        kind = _QUANTIFIERS.get(step.call.function) if start == "bool" else None
        if kind is None:
            start_of, length = self._tree.place(node)
            macro = self._tree.text[start_of : start_of + length]
            self._refuse(node, f"{quoted(macro)} is outside the profile")
            return None
        held = self._decode(comprehension.iter_range)
        if self._features_owner(held) is not None:
            return self._field(held)  # refused there
        collection = self._expression(held)
        if collection is None:
            return None
        if collection.type.kind not in ("set", "list"):
            phrase = f"`{kind}` goes over a set or a list, not {word(collection.type)}"
            self._tell("ill-typed", phrase, self._tree.place(node))
            return None
        return self._quantified(node, kind, collection, self._decode(step.call.args[1]))

    def _quantified(self, node: Node, kind: Literal["exists", "all"], collection: Typed, body: Node) -> Typed | None:
        name: str = node.comprehension.iter_var
        told = len(self._mistakes)
        while True:
            adopted, whose = self._adopted.get(node.id, (None, None))
            element = adopted or element_of(collection.type)
            over = collection.expr if adopted is None else self._as(collection, list_of(adopted), whose)
            items = collection if adopted is None and collection.type.kind == "list" else None
            self._scopes.append(Scope(name, element, node.id, items))
            try:
                holds = self._truth(body, kind)
            except Adopted as met:
                if met.quantifier != node.id:
                    raise
                del self._mistakes[told:]
                self._adopted[node.id] = (met.type, met.whose)
                continue
            finally:
                self._scopes.pop()
            if holds is None or over is None:
                return None
            quantifier = ir.Quantifier(kind, ir.Variable(name, element), over, holds)
            return Typed(quantifier, ir.BOOL, node)
