"""A policy as written -> a policy as meant. Collects every mistake; sugar ends here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel

from lawful import calendar
from lawful.compiler import changes, constraints
from lawful.compiler.context import Context, Told, TooMany
from lawful.compiler.features import features
from lawful.compiler.named import conditions, reads_request
from lawful.compiler.remainder import Remainder
from lawful.compiler.schema import schemas
from lawful.compiler.tables import Beside, Layout, Table, table
from lawful.conditions import Conditions, Vocabulary
from lawful.diagnostics import MOST_MISTAKES, Diagnostic, in_file_order, near
from lawful.document import Document, Path, Unreadable, read
from lawful.ir import (
    LANGUAGES,
    Group,
    Language,
    Lifecycle,
    Move,
    Program,
    Rule,
    Source,
    Text,
)
from lawful.source import Source as SourceText
from lawful.written import ActionWritten, PolicyWritten, TableWritten, TextWritten, validated


@dataclass(frozen=True, slots=True)
class Compiled:
    """The program, None where there are errors; and everything found, warnings included, in file order."""

    program: Program | None
    diagnostics: tuple[Diagnostic, ...]
    layouts: tuple[Layout, ...] = ()
    """Of its tables, in their order."""


def compile_policy(source: SourceText, beside: Beside) -> Compiled:
    """The policy of that text; `beside` reads the tables of its folder."""
    read_files: dict[str, bytes] = {}

    def remembered(name: str) -> bytes:
        read_files[name] = beside(name)
        return read_files[name]

    try:
        document, found = read(source)
    except Unreadable as error:
        return Compiled(None, tuple(error.diagnostics))
    written = validated(PolicyWritten, document)
    if isinstance(written, list):
        besides = _mistakes_besides(document, remembered, source) if len(written) < MOST_MISTAKES else []
        return _refused([*found, *written, *besides])
    context = Context(document, calendar.zone(written.timezone) or ZoneInfo("UTC"), diagnostics=Told(found))
    try:
        program, layouts = _program(context, written, remembered, source, read_files)
    except TooMany:
        return _refused(context.diagnostics)
    if any(each.severity == "error" for each in context.diagnostics):
        return _refused(context.diagnostics)
    return Compiled(program, tuple(in_file_order(context.diagnostics)), layouts)


def _mistakes_besides(document: Document, beside: Beside, source: SourceText) -> list[Diagnostic]:
    """The mistakes of meaning in a policy that has mistakes of shape."""
    rest = Remainder(document)
    if rest.written is None:
        return []
    context = Context(document, calendar.zone(rest.written.timezone) or ZoneInfo("UTC"))
    with suppress(TooMany):
        _program(context, rest.written, beside, source, {})
    return [each for each in context.diagnostics if not rest.consequence(each)]


def _refused(diagnostics: list[Diagnostic]) -> Compiled:
    return Compiled(None, tuple(in_file_order(diagnostics)))


def _program(
    context: Context, written: PolicyWritten, beside: Beside, source: SourceText, files: Mapping[str, bytes]
) -> tuple[Program, tuple[Layout, ...]]:
    """Names first, then what uses them."""
    _check_frame(context, written)
    spoken = _languages(written)
    context.bilingual = len(spoken) > 1
    context.sources = _sources(context, written)
    schemas(context, written)
    tables = _tables(context, written, beside)
    feature_ids = tuple(dict.fromkeys([*written.features, *(row.feature for _, each in tables for row in each.rows)]))
    context.events = _event_names(context, written, feature_ids)
    context.actions, context.features = frozenset(written.actions), frozenset(feature_ids)
    vocabulary = Vocabulary(
        account=context.account,
        request=context.request,
        features=feature_ids,
        conditions=tuple(written.conditions),
        events=tuple(sorted(context.events)),
        timezone=context.zone.key,
    )
    context.speak(Conditions(vocabulary))
    context.named = conditions(context, written.conditions)
    moves, rules, lifecycles = _changes(context, written)
    having = features(context, written.features, tables, partial(reads_request, conditions=context.named))
    standing, groups = _constraints(context, written)
    invariants = [constraints.invariant(context, id, each) for id, each in written.invariants.items()]
    program = Program(
        id=written.policy,
        version=written.version,
        digest=_digest(source, files),
        title=context.text(written.title, ("title",)),
        scope=context.text(written.scope, ("scope",)),
        timezone=context.zone.key,
        languages=spoken or ("en",),
        sources=context.sources,
        account_id=written.account.id,
        account=context.account,
        request=context.request,
        conditions=context.named,
        rules=(*rules, *having.rules, *standing),
        moves=(*moves, *having.moves),
        lifecycles=lifecycles,
        features=having.features,
        actions=_action_titles(written),
        events={id: changes.event(context, id, each) for id, each in written.events.items()},
        event_names=context.events,
        groups=groups,
        invariants=tuple(each for each in invariants if each is not None),
        note=context.note(written.note),
    )
    return program, tuple(having.layouts)


def _check_frame(context: Context, written: PolicyWritten) -> None:
    if calendar.zone(written.timezone) is None:
        zones = available_timezones()
        help = near(written.timezone, zones) or "a name such as `Asia/Shanghai`"
        context.mistake("bad-zone", f"there is no time zone `{written.timezone}`", ("timezone",), help)
    context.check_id(written.policy, context.document.span(("policy",)))
    if not written.account.fields:
        context.key_mistake("missing-key", "an account needs at least one field", ("account", "fields"))


def _languages(written: object) -> tuple[Language, ...]:
    """The languages that some text for people is written in. Sources and notes may be in any."""
    found: set[Language] = set()
    pending = [written]
    while pending:
        match pending.pop():
            case TextWritten() as text:
                found |= {language for language in LANGUAGES if getattr(text, language) is not None}
            case BaseModel() as part:
                pending.extend(
                    getattr(part, name) for name in type(part).model_fields if name not in ("sources", "note")
                )
            case dict() as parts:
                pending.extend(parts.values())
            case list() as parts:
                pending.extend(parts)
            case _:
                pass
    return tuple(each for each in LANGUAGES if each in found)


def _sources(context: Context, written: PolicyWritten) -> dict[str, Source]:
    found = {}
    for id, each in written.sources.items():
        # Not held to both languages: a source's title is in the language it was published in.
        title, note = (None if text is None else Text(text.en, text.zh) for text in (each.title, each.note))
        context.check_id(id, ("sources", id))
        found[id] = Source(id, title or Text(), each.published, each.url, note)
    return found


def _tables(context: Context, written: PolicyWritten, beside: Beside) -> list[tuple[TableWritten, Table]]:
    found = []
    for index, each in enumerate(written.feature_tables):
        read_table = table(context, each, ("feature_tables", index), beside)
        if read_table is not None:
            found.append((each, read_table))
    return found


def _event_names(context: Context, written: PolicyWritten, features: Iterable[str]) -> frozenset[str]:
    """Transitions, actions and declared events share one name space: each is told where a second takes its name."""
    named: list[tuple[str, Path]] = [
        (id, ("lifecycle", field, "transitions", id))
        for field, each in written.lifecycle.items()
        for id in each.transitions
    ]
    named += [(id, ("actions", id)) for id in written.actions] + [(id, ("events", id)) for id in written.events]
    names: set[str] = {"register"}
    for id, path in named:
        if id in names:
            context.key_mistake("duplicate-id", f"`{id}` names two things an account's history may record", path)
        names.add(id)
    names |= {f"{verb}.{id}" for id in features for verb in ("enable", "disable")}
    return frozenset(names | {f"set.{name}" for name in context.account})


def _changes(context: Context, written: PolicyWritten) -> tuple[list[Move], list[Rule], dict[str, Lifecycle]]:
    moves: list[Move] = []
    rules: list[Rule] = []
    lifecycles: dict[str, Lifecycle] = {}
    for name, each in written.lifecycle.items():
        cycle, its_moves, its_rules = changes.lifecycle(context, name, each)
        if cycle is not None:
            lifecycles[name] = cycle
        moves += its_moves
        rules += its_rules
    parts = [changes.registration(context, written.registration), changes.fields(context, written)]
    parts += [changes.action(context, id, versions) for id, versions in written.actions.items()]
    for its_moves, its_rules in parts:
        moves += its_moves
        rules += its_rules
    return moves, rules, lifecycles


def _constraints(context: Context, written: PolicyWritten) -> tuple[list[Rule], tuple[Group, ...]]:
    rules: list[Rule] = []
    groups: list[Group] = []
    for id, versions in written.constraints.items():
        its_rules, its_groups = constraints.constraint(context, id, versions)
        rules += its_rules
        groups += its_groups
    return rules, tuple(groups)


def _action_titles(written: PolicyWritten) -> dict[str, Text | None]:
    def title(versions: list[ActionWritten]) -> Text | None:
        texts = [each.title for each in versions if each.title is not None]
        return Text(texts[0].en, texts[0].zh) if texts else None

    return {id: title(versions) for id, versions in written.actions.items()}


def _digest(source: SourceText, files: Mapping[str, bytes]) -> str:
    """Of the policy's text and its tables, each under its name."""
    digest = sha256(source.text.encode())
    for name in sorted(files):
        digest.update(b"\0" + name.encode() + b"\0" + files[name])
    return f"sha256:{digest.hexdigest()}"
