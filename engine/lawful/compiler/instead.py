"""What serves the purpose of a change that is refused: another change, with what the request says for it."""

from __future__ import annotations

from collections.abc import Mapping

from lawful import values
from lawful.compiler.context import Context
from lawful.diagnostics import near
from lawful.document import Path
from lawful.ir import TRUE, Instead, Schema, Value
from lawful.written import InsteadWritten


def instead(context: Context, written: InsteadWritten | None, path: Path) -> Instead | None:
    """None where nothing is said, or what is said is wrong, which is told."""
    if written is None:
        return None
    given = [name for name in ("set", "enable", "do") if getattr(written, name) is not None]
    if len(given) != 1:
        message = "`instead` is exactly one change: `set`, `enable` or `do`"
        context.key_mistake("wrong-value", message, path)
        return None
    facts = _values(context, context.request, written.request, (*path, "request"), "the request has")
    when = TRUE if written.when is None else context.boolean(written.when, (*path, "when"))
    if written.set is not None:
        asked = _values(context, context.account, written.set, (*path, "set"), "the account has")
        return Instead("set", "", asked, facts, when)
    if written.enable is not None:
        context.known("unknown-feature", "feature", written.enable, context.features, (*path, "enable"))
        return Instead("enable", written.enable, {}, facts, when)
    name = written.do or ""
    if name not in context.actions:
        context.mistake("wrong-value", f"there is no action `{name}`", (*path, "do"), near(name, context.actions))
    return Instead("do", name, {}, facts, when)


def _values(
    context: Context, schema: Schema, written: Mapping[str, object], path: Path, phrase: str
) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for name, given in written.items():
        here = (*path, name)
        if name not in schema:
            context.key_mistake("unknown-field", f"{phrase} no field `{name}`", here, near(name, schema))
            continue
        try:
            value = values.read(schema[name], given, context.zone)
        except values.BadValue as error:
            context.mistake("wrong-value", error.message, here, error.help)
            continue
        if value is not None:
            found[name] = value
    return found
