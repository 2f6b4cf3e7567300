"""The names that a policy's conditions may use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from lawful import ir
from lawful.diagnostics import near
from lawful.kept import kept

TYPE_NAMES: Final = frozenset(
    [
        "bool",
        "bytes",
        "double",
        "duration",
        "dyn",
        "int",
        "list",
        "map",
        "null_type",
        "string",
        "timestamp",
        "type",
        "uint",
        "google",
    ]
)
"""What CEL calls its types: nothing else at the top of a condition can be called so."""


@dataclass(frozen=True)
class Vocabulary:
    """What a policy declares, as far as its conditions can name it."""

    account: ir.Schema
    request: ir.Schema
    features: tuple[str, ...]
    conditions: tuple[str, ...]
    events: tuple[str, ...]
    """What a `count` may name."""
    timezone: str
    free: Mapping[str, ir.Type] = field(default_factory=dict)
    """Names that stand for a fact of the request, where a text is judged without a policy."""

    @classmethod
    def of(cls, program: ir.Program) -> Vocabulary:
        return cls(
            account=program.account,
            request=program.request,
            features=tuple(program.features),
            conditions=tuple(program.conditions),
            events=tuple(sorted(program.event_names)),
            timezone=program.timezone,
        )

    @kept
    def feature_set(self) -> frozenset[str]:
        return frozenset(self.features)

    @kept
    def condition_set(self) -> frozenset[str]:
        return frozenset(self.conditions)

    @kept
    def event_set(self) -> frozenset[str]:
        return frozenset(self.events)

    def meant_by(self, name: str) -> str | None:
        """What an unknown name may have been meant for, as a help."""
        if name in self.account:
            return f"did you mean `account.{name}`?"
        if name in self.request:
            return f"did you mean `request.{name}`?"
        if name in self.feature_set:
            return f"did you mean `'{name}' in account.features`?"
        if any(name in declaration.values for declaration in self.account.values()):
            return f"a value stands in quotes: `'{name}'`"
        known = near(name, [*self.conditions, "account", "request", "today", "now"])
        return known or near(name, ["true", "false"]) or self._near_field(name)

    def _near_field(self, name: str) -> str | None:
        for owner, schema in (("account", self.account), ("request", self.request)):
            found = near(name, schema)
            if found:
                return found.replace("`", f"`{owner}.", 1)
        return None
