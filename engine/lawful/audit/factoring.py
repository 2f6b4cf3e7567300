"""Many conditions as one that is true where any of them is, what several ask for asked once.

Each is taken as a product: things that must all be so. Products that have one in common, the one that most products
ask for, are asked together: first that thing, then what else any of them asks for. Of three values the laws that this
takes (De Morgan's, distribution) hold as they do of two.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, TypeVar

from lawful.ir import FALSE, TRUE, And, Compare, Comparison, Condition, ConditionOf, Expr, Not, Or

_OPPOSITE: Final[Mapping[Comparison, Comparison]] = {
    "==": "!=",
    "!=": "==",
    "<": ">=",
    "<=": ">",
    ">": "<=",
    ">=": "<",
}
Part = TypeVar("Part", bound=Hashable)
Product: TypeAlias = frozenset[Part]


@dataclass(frozen=True, slots=True)
class Joined:
    """Parts of which all, or any, must be so; a part is a thing itself, or parts joined."""

    by: Literal["and", "or"]
    parts: tuple[object, ...]


def products(expr: Expr, conditions: Mapping[str, Condition]) -> list[Product[Expr]]:
    """The expression as products, any of which makes it true. What *or* joins inside of a product stays one thing."""
    plain = _plain(expr, conditions)
    return [
        frozenset(_operands(each, And)) - {TRUE} for each in _operands(plain, Or) if FALSE not in _operands(each, And)
    ]


def factored(products: Iterable[Product[Part]]) -> object:
    """The products, joined: true where all of any product are. Without products nothing is (`Joined("or", ())`)."""
    left = list(dict.fromkeys(products))
    wanted = Counter(part for each in left for part in each)
    sharing: dict[Part | None, list[Product[Part]]] = {}
    for each in left:
        part = max(each, key=lambda part: (wanted[part], str(part)), default=None)
        sharing.setdefault(part if part is not None and wanted[part] > 1 else None, []).append(each)
    sums: list[object] = [_joined("and", sorted(each, key=str)) for each in sharing.pop(None, [])]
    for part, those in sharing.items():
        sums.append(_joined("and", [part, factored(each - {part} for each in those)]))
    return _joined("or", sums)


def _joined(by: Literal["and", "or"], parts: Sequence[object]) -> object:
    return parts[0] if len(parts) == 1 else Joined(by, tuple(parts))


def _plain(expr: Expr, conditions: Mapping[str, Condition], *, denied: bool = False) -> Expr:
    """The expression, or its contrary, without names of conditions; *not* stands before single things only."""
    match expr:
        case Not():
            return _plain(expr.operand, conditions, denied=not denied)
        case ConditionOf(state="account"):
            return _plain(conditions[expr.name].holds, conditions, denied=denied)
        case And() | Or():
            kind = Or if isinstance(expr, And) is denied else And
            inner = [_plain(each, conditions, denied=denied) for each in expr.operands]
            flat = dict.fromkeys(part for each in inner for part in _operands(each, kind))
            return kind(tuple(sorted(flat, key=str))) if len(flat) != 1 else next(iter(flat))
        case Compare() if denied:
            return Compare(_OPPOSITE[expr.operator], expr.left, expr.right)
        case _ if denied and expr in (TRUE, FALSE):
            return FALSE if expr == TRUE else TRUE
        case _:
            return Not(expr) if denied else expr


def _operands(expr: Expr, kind: type[And] | type[Or]) -> tuple[Expr, ...]:
    return expr.operands if isinstance(expr, And | Or) and isinstance(expr, kind) else (expr,)
