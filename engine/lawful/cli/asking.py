"""What is asked on a command line, as a request; and a request in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from lawful import calendar, values, wording
from lawful.cli import reading
from lawful.cli.errors import WrongUsage
from lawful.cli.terminal import Terminal
from lawful.ir import FieldDeclaration, Program, Schema
from lawful.reading import written

if TYPE_CHECKING:
    from lawful.policy import Engine


@dataclass(frozen=True, slots=True)
class Options:
    """The options that ask for something, as they were given."""

    request: str | None = None
    account: str | None = None
    sets: tuple[str, ...] = ()
    enable: tuple[str, ...] = ()
    disable: tuple[str, ...] = ()
    do: tuple[str, ...] = ()
    register: bool = False
    facts: tuple[str, ...] = ()
    history: str | None = None
    history_from: str | None = None
    at: str | None = None

    @property
    def asks(self) -> bool:
        """Whether a change is asked for by options."""
        return bool(self.sets or self.enable or self.disable or self.do or self.register)

    def reading_stdin(self) -> Options:
        return replace(self, request=reading.STDIN)


def request_of(options: Options, program: Program) -> dict[str, Any]:
    """The request that the options come to. Raises WrongUsage, RequestError, BadInput."""
    if options.request is not None and (options.account is not None or options.asks):
        message = "a request file says all that is asked: it goes without `--account` and the options of a change"
        raise WrongUsage(message, "give the file, or `--account` and a change")
    if options.request is not None:
        return together(reading.record(options.request), shared(options, program))
    return {**account(options), "change": change_of(options, program), **shared(options, program)}


def account(options: Options) -> dict[str, Any]:
    if options.account is None:
        return {}
    return {"account": reading.record(options.account)}


def shared(options: Options, program: Program) -> dict[str, Any]:
    """What options say beside account and change: they go before what a file says."""
    given: dict[str, Any] = {}
    if options.facts:
        given["request"] = _facts("--request", options.facts, program.request)
    if options.history is not None:
        given.update({"history": []} if options.history == "none" else reading.events(options.history))
    if options.history_from is not None:
        given["history_from"] = options.history_from
    if options.at is not None:
        given["at"] = options.at
    return given


def together(given: Mapping[str, Any], shared: Mapping[str, Any]) -> dict[str, Any]:
    """A request with what options say; of its `request` each field goes before the one that was given."""
    whole = {**given, **shared}
    facts = given.get("request")
    if facts is not None and "request" in shared:  # what is no mapping stays, to be told
        whole["request"] = {**facts, **shared["request"]} if isinstance(facts, Mapping) else facts
    return whole


def engine(wanted: Engine | None) -> Engine | None:
    """The engine asked for. Raises WrongUsage where it cannot run."""
    from lawful.engines import rete

    if wanted == "rete" and not rete.available():
        raise WrongUsage(
            "the engine `rete` does not run here: durable_rules cannot be imported", "`--engine reference` does"
        )
    return wanted


def change_of(options: Options, program: Program) -> dict[str, Any]:
    """The one change that is asked for by options. Raises WrongUsage."""
    asked: list[tuple[str, Any]] = []
    if options.sets:
        asked.append(("set", _facts("--set", options.sets, program.account)))
    named = (("enable", options.enable), ("disable", options.disable), ("do", options.do))
    asked += [(kind, name) for kind, names in named for name in names]
    if options.register:
        asked.append(("register", {}))
    if not asked:
        help = "one of `--set FIELD=VALUE`, `--enable`, `--disable`, `--do`, `--register`"
        raise WrongUsage("no change is asked for", f"{help}; or a request file, or `-` for stdin")
    if len(asked) > 1:
        listed = " and ".join(f"`--{kind}`" for kind, _ in asked)
        raise WrongUsage(f"{listed} ask for more than one change", "a request file may list several `changes`")
    return dict(asked)


def facts_of(given: Iterable[str], program: Program) -> dict[str, Any]:
    """What a request says beside the change."""
    return _facts("--request", given, program.request)


def day_of(at: str, zone: ZoneInfo) -> date:
    """The local day of `--at`. Raises WrongUsage."""
    try:
        return calendar.day_of(values.instant(at, zone), zone)
    except values.BadValue as problem:
        raise WrongUsage(f"`--at`: {problem.message}", problem.help) from None


def account_facts(given: Iterable[str], program: Program) -> dict[str, Any]:
    """Facts of an account, given one by one."""
    return _facts("--account", given, program.account)


def _facts(option: str, given: Iterable[str], schema: Schema) -> dict[str, Any]:
    """`field=value` pairs; the schema decides what a value is, and a set's is a list with commas."""
    found: dict[str, Any] = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals or not name:
            raise WrongUsage(f"`{option} {each}` is not FIELD=VALUE")
        if name in found:
            raise WrongUsage(f"`{option}` gives `{name}` twice")
        declaration = schema.get(name)
        if declaration is not None and declaration.type.kind == "set":
            found[name] = [written(part.strip()) for part in value.split(",") if part.strip()]
        else:
            found[name] = written(value)
    return found


# ----------------------------------------------------------------------------------------------------- in words


@dataclass(slots=True)
class _State:
    """What fields have while the changes of a list are told one after the other."""

    values: dict[str, Any] = field(default_factory=dict)


def in_words(request: Mapping[str, Any], program: Program, terminal: Terminal, at: str | None = None) -> str:
    """The change that a request asks for: `set type: subscription → service`.

    By the titles of the versions in force at that instant, of ISO 8601 on the policy's clocks.
    """
    account = request.get("account")
    state = _State(dict(account) if isinstance(account, Mapping) else {})
    several = request.get("changes")
    listed = several if isinstance(several, list) else [request.get("change")]
    day = date.fromisoformat(at[:10]) if at is not None else None
    told = [_one(each, state, program, terminal, day) for each in listed[:3]]
    if len(listed) > len(told):
        told.append(terminal.say(f"{len(listed) - 3} more", f"另{len(listed) - 3}项"))
    return terminal.say("; then ", "；然后").join(told)


def _one(change: Any, state: _State, program: Program, terminal: Terminal, day: date | None) -> str:
    match change:
        case {"set": dict() as wanted}:
            moves = [_set(name, value, state, program, terminal) for name, value in wanted.items()]
            return terminal.say("set ", "设置") + terminal.say(", ", "，").join(moves)
        case {"enable": str() as name}:
            return terminal.say("enable ", "开通") + _feature(name, program, terminal, day)
        case {"disable": str() as name}:
            return terminal.say("disable ", "关闭") + _feature(name, program, terminal, day)
        case {"do": str() as name}:
            title = _in_force(f"actions.{name}", program, terminal, day)
            title = title or wording.action_title(program, name, terminal.language)
            return terminal.say("do ", "执行") + _quoted(title, name)
        case {"register": _}:
            return terminal.say("register", "注册")
        case _:
            return terminal.say("a change", "变更")


def _feature(name: str, program: Program, terminal: Terminal, day: date | None) -> str:
    title = _in_force(f"features.{name}", program, terminal, day)
    return _quoted(title or wording.feature_title(program, name, terminal.language), name)


def _in_force(id: str, program: Program, terminal: Terminal, day: date | None) -> str | None:
    """What the version of that day is called."""
    moves = (each for each in program.moves if each.id == id and day is not None and each.in_force.holds(day))
    title = next((each.title for each in moves), None)
    return title.best(terminal.language) if title is not None else None


def _quoted(title: str, id: str) -> str:
    """A title in quotes, so that it is not read as part of the sentence; an id where there is none."""
    return id if title == id else f"“{title}”"


def _set(name: str, value: Any, state: _State, program: Program, terminal: Terminal) -> str:
    was = state.values.get(name)
    state.values[name] = value
    declaration = program.account.get(name)
    default = declaration.default if declaration is not None else None
    return moved(name, was if was is not None else default, value, program, terminal)


def missing(sets: Iterable[Iterable[str]], program: Program, terminal: Terminal) -> str:
    """Sets of facts that would settle a question: `the author consents (request.author_consent)`."""
    both, either = terminal.say(" and ", "，以及"), terminal.say("; or ", "；或")
    return either.join(both.join(_fact(each, program, terminal) for each in facts) for facts in sets)


def _fact(fact: str, program: Program, terminal: Terminal) -> str:
    """What it is called, and in brackets what to write."""
    if fact == "history":
        told = "what has happened to the account so far (history; `[]` or `--history none` where nothing has)"
        return terminal.say(told, "帐号此前的事件（history；如无，填 `[]` 或 `--history none`）")
    if fact == "account.features":
        told = "which features the account has already (account.features; `[]` where it has none)"
        return terminal.say(told, "帐号已开通的功能（account.features；如无，填 `[]`）")
    owner, _, name = fact.partition(".")
    declaration = (program.request if owner == "request" else program.account).get(name)
    if declaration is None or declaration.title is None:
        return fact
    return terminal.say(f"{declaration.title.best('en')} ({fact})", f"{declaration.title.best('zh')}（{fact}）")


def moved(name: str, was: Any, becomes: Any, program: Program, terminal: Terminal) -> str:
    """`account type: subscription account → service account`."""
    declaration = program.account.get(name)
    what = name if declaration is None else wording.field_title(declaration, terminal.language)
    before, after = (titled(value, declaration, terminal) for value in (was, becomes))
    return terminal.say(f"{what}: {before} → {after}", f"{what}：{before} → {after}")


def titled(value: Any, declaration: FieldDeclaration | None, terminal: Terminal) -> str:
    """A value of a field by its title; masked where it is private."""
    if declaration is None or value is None:
        return plain(value, terminal)
    if declaration.private:
        return wording.MASKED
    match value:
        case bool():
            return terminal.say("yes" if value else "no", "是" if value else "否")
        case list() | tuple() | set() | frozenset():
            return terminal.say(", ", "、").join(titled(each, declaration, terminal) for each in value)
        case str() if value in declaration.values:
            return declaration.values[value].best(terminal.language)
        case _:
            return plain(value, terminal)


def moment(at: str) -> str:
    """An instant of ISO 8601 on the policy's clocks, to the minute or second; a local midnight is told as its day."""
    if at[10:19] == "T00:00:00":
        return at[:10]
    exact = at[16:19] != ":00" and at[19:20] != "."  # the time of asking has a fraction, which nobody asked for
    return at[: 19 if exact else 16].replace("T", " ")


def plain(value: Any, terminal: Terminal) -> str:
    """A value as it is written in a policy; null is unknown."""
    match value:
        case None:
            return wording.UNKNOWN.best(terminal.language)
        case bool():
            return str(value).lower()
        case list() | tuple() | frozenset() | set():
            return "[" + ", ".join(plain(each, terminal) for each in value) + "]"
        case _:
            return str(value)
