"""A policy, loaded: what an embedding program holds."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypedDict, Unpack, get_args
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from lawful import calendar, values
from lawful.checker import Checker
from lawful.deciding import judging
from lawful.deciding.explaining import Explanation, Ruled
from lawful.deciding.judging import Judge, Judgement
from lawful.deciding.justifying import Justifier
from lawful.deciding.ruling import Ruler, askable, written
from lawful.decision import Decision, Justification, PolicyNamed, Remedy
from lawful.diagnostics import Diagnostic, Mistake, PolicyError, Problem, RequestError
from lawful.engines import rete
from lawful.engines.reference import evaluate
from lawful.ir import Expr, Program, Value
from lawful.kept import kept
from lawful.question import Question
from lawful.reading import Reader, mapping_of
from lawful.source import Source, Span
from lawful.version import __version__

if TYPE_CHECKING:
    from lawful.audit.result import Audit
    from lawful.audit.touched import Touched
    from lawful.compiler.tables import Layout
    from lawful.planning.plan import Choice, Plan
    from lawful.planning.remedies import Remedies as Finder
    from lawful.possibility import Possibilities
    from lawful.proofs.answers import Answers
    from lawful.proofs.differences import Diff
    from lawful.request import Request

    Given: TypeAlias = Question | Request | Mapping[str, Any] | str | bytes | bytearray | None


Engine = Literal["rete", "reference", "direct"]


class Parts(TypedDict, total=False):
    """A request in parts, as keyword arguments."""

    account: Mapping[str, Any] | BaseModel
    change: Mapping[str, Any] | BaseModel
    changes: Sequence[Mapping[str, Any] | BaseModel]
    request: Mapping[str, Any] | BaseModel
    history: Sequence[Mapping[str, Any] | BaseModel]
    history_from: str | date
    at: str | date


class Policy:
    """Judges proposed changes of accounts. Immutable, and safe to share between threads."""

    def __init__(
        self,
        program: Program,
        diagnostics: tuple[Diagnostic, ...] = (),
        folder: Path | None = None,
        layouts: tuple[Layout, ...] = (),
        files: tuple[Path, ...] = (),
    ) -> None:
        self.program = program
        self.diagnostics = diagnostics
        """The warnings of its compilation."""
        self.folder = folder
        self.layouts = layouts
        """How its tables are laid out, for `show`; none where the program was compiled by an earlier process."""
        self.files = files
        """What it was read from: `policy.yaml` and its tables; none where it is a text."""
        self.zone = ZoneInfo(program.timezone)
        self._judge = Judge(program, self.zone)
        self._ruler = Ruler(self._judge)
        self._remedies = _Remedies(self._judge)
        self._reader = Reader(program, self.zone)
        self._named = PolicyNamed(id=program.id, version=program.version, digest=program.digest)

    def __setattr__(self, name: str, value: object) -> None:
        if "_named" in vars(self):  # the last that is set: from then on threads may share it
            raise AttributeError(f"a policy is immutable: `{name}` cannot be set")
        super().__setattr__(name, value)

    def __reduce__(self) -> tuple[type[Policy], tuple[Any, ...]]:
        return type(self), (self.program, self.diagnostics, self.folder, self.layouts, self.files)

    def __repr__(self) -> str:
        return f"<Policy {self.program.id} {self.program.version}>"

    @property
    def id(self) -> str:
        return self.program.id

    @property
    def version(self) -> str:
        """As its author wrote it."""
        return self.program.version

    @property
    def digest(self) -> str:
        """Of its text and its tables; each decision carries it."""
        return self.program.digest

    def check(
        self,
        request: Given = None,
        /,
        *,
        engine: Engine | None = None,
        **parts: Unpack[Parts],
    ) -> Decision:
        """May the account change so?

        The request is a `Request`, a mapping of its shape, JSON text, or given in parts: `account`, `change` or
        `changes`, `request`, `history`, `history_from`, `at`; or a `Question` of `read`.

        The engine is `rete`, cross-checked with the reference; where durable_rules cannot be imported, `direct`.
        `direct` gives the verdict in microseconds; what explains it the reference works out when it is first read. It
        leaves several changes, and several fields, to the reference. The decision says who judged.

        Raises RequestError where the request cannot be judged, EngineDisagreement where the engines differ.
        """
        return self._decide(self._read(request, parts), _engine(engine))

    def check_many(self, requests: Iterable[Given], /, *, engine: Engine | None = None) -> Iterator[Decision]:
        """The decision on each, in order, as they are asked for.

        A wrong request raises RequestError in its place; the next call goes on with the one after it.
        """
        return map(partial(self.check, engine=engine), requests)

    def acheck_many(
        self, requests: Iterable[Given] | AsyncIterable[Given], /, *, engine: Engine | None = None
    ) -> AsyncIterator[Decision]:
        """Likewise in an event loop, which gets its turn every millisecond.

        One check waits for nothing and takes no longer than a function call may: `check` serves there as it is.
        """
        from lawful.turns import Turns  # asyncio takes longer to import than a check from a shell

        return Turns(partial(self.check, engine=engine), requests)

    def read(self, request: Given = None, /, **parts: Unpack[Parts]) -> Question:
        """The request, read and validated once: given to this policy later, it costs no reading.

        Without `at` it is asked as of now, however late it is judged.

        Raises RequestError with every problem found.
        """
        question = self._read(request, parts)
        return question if question is request else question.settled()

    def read_unvalidated(
        self,
        *,
        account: Mapping[str, Any],
        change: Mapping[str, Any],
        features: Iterable[str] | None = None,
        request: Mapping[str, Any] | None = None,
        history: Iterable[Mapping[str, Any]] | None = None,
        at: datetime | None = None,
    ) -> Question:
        """A question about a row that is trusted: its facts are **not checked at all**, only the change is.

        Each value must be of the very type that is declared: `str` (an enum's, too), `int`, `bool`, `date`, aware
        `datetime` in UTC, `frozenset`; None is unknown. Keys that are no fields are passed over, defaults not filled
        in. A wrong value gives a wrong verdict, or an exception of Python's own. `features` are those enabled, None
        where unknown; `history` has mappings of an `event` and an aware `at`.
        """
        return self._reader.unvalidated(account, change, features, request or {}, history, at)

    def checker(self) -> Checker:
        """What rules on requests in a hot loop: the verdict and the ids of the rules behind it, by `direct`."""
        return Checker(self.program, self._reader, self._ruler)

    def direct_source(self, at: date | None = None) -> str:
        """The Python that `direct` runs for each change that may be asked for, as it is in force on a day."""
        day = at if at is not None else calendar.day_of(datetime.now(UTC), self.zone)
        heading = f"# What `direct` runs for each change under {self.program.id} {self.program.version!r} on {day}.\n"
        return "\n\n".join([heading, *(written(self._judge, asked, day) for asked in askable(self.program))])

    def _read(self, request: Given, parts: Mapping[str, Any]) -> Question:
        return self._reader.question(_parts(request, parts)) if parts else self._reader.any(request)

    def allows(self, request: Given = None, /, **parts: Unpack[Parts]) -> bool:
        """Whether the change is surely allowed: by `direct`, alone. Raises RequestError as `check` does."""
        return self._ruler.allows(self._read(request, parts))

    def can(self, request: Given = None, /, **parts: Unpack[Parts]) -> Possibilities:
        """Every move and feature of an account, with its verdict, rules, and what is left of each limit."""
        from lawful.deciding.possibilities import possibilities  # only where it is asked
        from lawful.possibility import Possibilities

        question = self._reader.account(_parts(request, parts))
        found = tuple(possibilities(self._judge, question, _judging_engine()))
        return Possibilities(at=values.written(question.at, self.zone), policy=self._named, possibilities=found)

    def plan(
        self,
        request: Given = None,
        /,
        *,
        reach: str | None = None,
        cost: str | None = None,
        within: str | None = None,
        max_steps: int | None = None,
        obtain: bool = True,
        seconds: float | None = None,
        **parts: Unpack[Parts],
    ) -> Plan:
        """How the account gets to where the `change` is allowed, or to where the condition `reach` holds.

        The plan has the fewest steps, or costs least of what `cost` names; its steps are changes that `check` allows
        one after the other, with their dates. Where there is none, and the policy names what serves the same purpose,
        the way to that is told as `instead`. `obtain`: evidence that was not given and facts that are `outside` may
        be steps, too. It is looked for `within` a time (`10 years`), up to `max_steps` (12), for so many `seconds`.

        Raises RequestError as `check` does, PolicyError where `reach` is no condition of this policy.
        """
        from lawful.planning.asking import (
            checked_reach,
            goal_of,
            options_of,
            without_what_is_asked,
        )  # only where a plan is wanted
        from lawful.planning.instead import planned
        from lawful.planning.planner import Planner

        given = _parts(request, parts)
        asks = given.get("change") is not None or given.get("changes") is not None
        question = self._reader.question(given) if asks else self._reader.account(given)
        condition = checked_reach(reach)
        goal = goal_of(question, None if condition is None else self.condition(condition))
        question = without_what_is_asked(question, goal)
        options = options_of(
            self.program, cost=cost, within=within, max_steps=max_steps, obtain=obtain, seconds=seconds
        )
        return planned(Planner(self._judge), question, goal, self._named, options, _judging_engine())

    def choose(
        self,
        needs: Sequence[str],
        request: Given = None,
        /,
        *,
        by: str | None = None,
        cost: str | None = None,
        within: str | None = None,
        max_steps: int | None = None,
        obtain: bool = True,
        seconds: float | None = None,
        **parts: Unpack[Parts],
    ) -> Choice:
        """Which type of account serves the needs: each type side by side, the reasons against it, the way to it.

        A need is a feature, or an action as in `mass_send 2 per month`. The `request` is about an account that there
        is; `account` and the other parts without it are those of one to be registered. `by` is the field whose values
        are the types: `type`, else the first with a life cycle. The rest is as in `plan`.

        Raises RequestError.
        """
        from lawful.planning.asking import options_of
        from lawful.planning.choosing import Chooser, type_field
        from lawful.planning.needs import needs_of
        from lawful.planning.planner import Planner

        wanted = needs_of(needs, self.program)
        field = type_field(self.program, by)
        options = options_of(
            self.program, cost=cost, within=within, max_steps=max_steps, obtain=obtain, seconds=seconds
        )
        question = self._reader.account(_parts(request, parts))
        chooser = Chooser(
            Planner(self._judge), question, self._named, options, _judging_engine(), existing=request is not None
        )
        return chooser.choice(wanted, field)

    def audit(
        self,
        inventory: object,
        /,
        *,
        at: str | date | None = None,
        history: object = None,
        history_from: str | date | None = None,
        before: object = None,
        before_at: str | date | None = None,
        mapping: str | None = None,
        columns: Mapping[str, str] | None = None,
        can: Sequence[str] = (),
        request: Mapping[str, Any] | None = None,
        unknown: bool = False,
        lenient: bool = False,
        require_columns: bool = False,
        baseline: str | Path | None = None,
        waivers: str | Path | None = None,
        cross_check: float = 0.0,
        on: str | None = None,
        table: str | None = None,
        encoding: str | None = None,
        memory: str | None = None,
    ) -> Audit:
        """Audit an inventory: a file, a folder or a pattern, `postgres://…?table=name`, a frame, or a table of Ibis.

        `columns` says which column is which field; the rest is as in `lawful audit --help`. Nothing is read before
        something of the audit is asked for; its files are removed with it, or by `close`.

        Raises AuditError where what is asked for makes no sense; so does reading an audit that cannot be made.
        """
        from lawful.audit.errors import installed
        from lawful.audit.wanted import wanted

        with installed():
            from lawful.audit.result import Audit  # Ibis and DuckDB: only where something is audited

        return Audit(
            self.program,
            wanted(
                self.program,
                inventory,
                at=at,
                history=history,
                history_from=history_from,
                before=before,
                before_at=before_at,
                mapping=mapping,
                columns=columns,
                can=can,
                request=request,
                unknown=unknown,
                lenient=lenient,
                require_columns=require_columns,
                baseline=baseline,
                waivers=waivers,
                cross_check=cross_check,
                on=on,
                table=table,
                encoding=encoding,
                memory=memory,
            ),
            files=self.files,
        )

    def prove(
        self, *questions: str, timeout: float = 30.0, told: Callable[[str, float], None] | None = None
    ) -> Answers:
        """Prove the invariants over every sequence of allowed changes, and what can be asked of every policy.

        `questions` are ids (`prove.final.type`) or kinds (`final`); all are asked if none is named. Each is tried for
        so many seconds; what is not settled then says so. `told` hears of the question at hand and the share done.

        Raises ProofError where Z3 is not installed, no question has that name, or `timeout` is no time.
        """
        from lawful.proofs.errors import check_timeout, installed

        with installed():
            from lawful.proofs.proving import Prover, wanted  # Z3: only where something is proved

        check_timeout(timeout)
        asked = wanted(self.program, questions)
        prover = Prover(self.program, self.zone, seconds=timeout)
        return prover.answers(asked) if told is None else prover.answers(asked, told)

    def diff(
        self, other: Policy, /, *, timeout: float = 30.0, told: Callable[[str, float], None] | None = None
    ) -> Diff:
        """What the other policy, the newer one, answers differently to one change of any account.

        Each change is tried for so many seconds; what is not settled then says so. `told` hears of the change at hand
        and the share done.

        Raises ProofError where Z3 is not installed, `other` is no policy, or `timeout` is no time.
        """
        from lawful.proofs.errors import ProofError, check_timeout, installed

        with installed():
            from lawful.proofs.diffing import Differ  # Z3: only where something is proved

        if not isinstance(other, Policy):
            raise ProofError(f"a policy is compared with a policy, not with {type(other).__name__}", "`load` it first")
        check_timeout(timeout)
        differ = Differ(self.program, other.program, seconds=timeout)
        return differ.diff() if told is None else differ.diff(told)

    def touched(
        self,
        other: Policy,
        inventory: object,
        /,
        *,
        can: Sequence[str] = (),
        at: str | date | None = None,
        history: object = None,
        columns: Mapping[str, str] | Sequence[str] | None = None,
        lenient: bool = False,
        changed: str | Path | None = None,
        told: Callable[[str, float], None] | None = None,
    ) -> Touched:
        """How many accounts of an inventory, and which, get another answer from the other policy, the newer one.

        `can` is what they ask for; without it every value of a life cycle that can be reached, and every feature.
        `changed` is a file (.csv, .parquet) for all of them, none of those that are read; the rest is as in `audit`.
        Where DuckDB is not installed, some thousand accounts of a CSV or of JSON Lines are asked one by one, by
        `direct`.

        Raises AuditError.
        """
        from lawful.audit.errors import AuditError, installed

        options: dict[str, Any] = {"at": at, "history": history, "columns": columns, "lenient": lenient}
        try:
            with installed():
                from lawful.audit.comparing import compared  # Ibis and DuckDB: only where something is audited
        except AuditError:
            from lawful.audit.polling import polled

            ours, theirs = (self.program, self.checker()), (other.program, other.checker())
            return polled(ours, theirs, inventory, can, changed=changed, **options)
        if told is not None:
            options["progress"] = told
        files = (*self.files, *other.files)
        return compared(self.program, other.program, inventory, can, changed=changed, files=files, **options)

    def evaluate(self, text: str, /, **parts: Unpack[Parts]) -> tuple[Value | None, Justification]:
        """The value of a condition on an account, None where it is unknown, and why.

        Raises PolicyError where the text is no condition of this policy, RequestError as `check` does.
        """
        question = self._reader.account(parts)
        expr = self.condition(text)
        situation = self._judge.situation(question)
        justification = Justifier(self.program).justify(expr, situation)
        return evaluate(expr, situation), justification

    def condition(self, text: str) -> Expr:
        """The condition, typed. Raises PolicyError."""
        from lawful.conditions import ConditionError, Conditions, Vocabulary  # 80 ms with what they import

        try:
            return Conditions(Vocabulary.of(self.program)).boolean(text)
        except ConditionError as error:
            source = Source("condition", text)
            raise PolicyError(_drawn(each, source) for each in error.mistakes) from None

    def _decide(self, question: Question, engine: Engine) -> Decision:
        judged: Judgement | Ruled
        if engine == "direct" and len(question.changes) == 1 and len(question.changes[0].values) < 2:
            judged = Ruled(question, self._ruler.ruling(question).verdict)
        else:
            engine = "reference" if engine == "direct" else engine
            judged = self._judge.judge(question, engine)
        return Decision.of(
            Explanation(self._judge, judged, self._remedies),
            verdict=judged.verdict,
            at=values.written(question.at, self.zone),
            engine=engine,
            lawful=__version__,
            policy=self._named,
        )


class _Remedies:
    """What finds the remedies of one policy: imported when they are first read, and kept."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge

    def __reduce__(self) -> tuple[type[_Remedies], tuple[Judge]]:
        return type(self), (self._judge,)

    @kept
    def _finder(self) -> Finder:
        from lawful.planning.remedies import Remedies as Finder

        return Finder(self._judge)

    def __call__(self, denied: Explanation) -> tuple[Remedy, ...]:
        return self._finder.of(denied)


def _parts(request: Given, parts: Mapping[str, Any]) -> dict[str, Any]:
    """The request's parts, whichever way it was given."""
    return {**mapping_of(request), **parts}


def _engine(wanted: Engine | None) -> Engine:
    if wanted is None:
        return "rete" if rete.available() else "direct"
    if wanted not in get_args(Engine):
        named = ", ".join(f"`{engine}`" for engine in get_args(Engine))
        raise RequestError(
            [Problem("engine", f"there is no engine {values.shown(wanted)}", f"the engines are {named}")]
        )
    return wanted


def _judging_engine() -> judging.Engine:
    return "rete" if rete.available() else "reference"


def _drawn(mistake: Mistake, source: Source) -> Diagnostic:
    """A condition's mistake, in its own text."""
    start = mistake.start if mistake.start is not None else 0
    end = start + mistake.length if mistake.start is not None else len(source.text)
    return Diagnostic(mistake.code, mistake.message, Span(source, start, end), mistake.help)
