"""A policy, loaded: what an embedding program holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict, Unpack
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from lawful import values
from lawful.deciding.explaining import Explanation
from lawful.deciding.judging import Engine, Judge
from lawful.deciding.justifying import Justifier
from lawful.decision import Decision, Justification, PolicyNamed
from lawful.diagnostics import Diagnostic, Mistake, PolicyError, Problem, RequestError, near
from lawful.engines import rete
from lawful.engines.reference import evaluate
from lawful.ir import Expr, Program, Value
from lawful.question import KEYS, Question
from lawful.reading import Reader, from_json
from lawful.source import Source, Span
from lawful.version import __version__

if TYPE_CHECKING:
    from lawful.possibility import Possibilities
    from lawful.request import Request

    Given: TypeAlias = Question | Request | Mapping[str, Any] | str | bytes | None


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

    def __init__(self, program: Program, diagnostics: tuple[Diagnostic, ...] = (), folder: Path | None = None) -> None:
        self.program = program
        self.diagnostics = diagnostics
        """The warnings of its compilation."""
        self.folder = folder
        self.zone = ZoneInfo(program.timezone)
        self._judge = Judge(program, self.zone)
        self._reader = Reader(program, self.zone)
        self._named = PolicyNamed(id=program.id, version=program.version, digest=program.digest)

    def __setattr__(self, name: str, value: object) -> None:
        if "_named" in vars(self):  # the last that is set: from then on threads may share it
            raise AttributeError(f"a policy is immutable: `{name}` cannot be set")
        super().__setattr__(name, value)

    def __reduce__(self) -> tuple[type[Policy], tuple[Program, tuple[Diagnostic, ...], Path | None]]:
        return type(self), (self.program, self.diagnostics, self.folder)

    def __repr__(self) -> str:
        return f"<Policy {self.program.id} {self.program.version}>"

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
        `changes`, `request`, `history`, `history_from`, `at`. The engine is rete, cross-checked with the reference;
        where durable_rules cannot be imported, the reference alone, and the decision says so.

        Raises RequestError where the request cannot be judged, EngineDisagreement where the engines differ.
        """
        return self._decide(self.read(request, **parts), _engine(engine))

    def read(self, request: Given = None, /, **parts: Unpack[Parts]) -> Question:
        """The request, read and validated once: given to this policy later, it costs no reading.

        Raises RequestError with every problem found.
        """
        if type(request) is dict and not parts:
            return self._reader.question(request)
        if type(request) is Question and not parts:
            return self._own(request)
        if isinstance(request, (str, bytes)) and not parts:
            return self._reader.question_in_json(request)
        return self._reader.question(_parts(request, parts))

    def _own(self, question: Question) -> Question:
        if question.program is not self.program:
            named = f"{question.program.id} {question.program.version}"
            raise RequestError([Problem("", f"the request was read by another policy, {named}", "read it by this one")])
        return question

    def allows(self, request: Given = None, /, **parts: Unpack[Parts]) -> bool:
        """Whether the change is surely allowed. Raises as `check` does."""
        return self.check(request, **parts).verdict == "allow"

    def can(self, request: Given = None, /, **parts: Unpack[Parts]) -> Possibilities:
        """Every move and feature of an account, with its verdict, rules, and what is left of each limit."""
        from lawful.deciding.possibilities import possibilities  # only where it is asked
        from lawful.possibility import Possibilities

        question = self._reader.account(_parts(request, parts))
        found = tuple(possibilities(self._judge, question, _engine(None)))
        return Possibilities(at=values.written(question.at, self.zone), policy=self._named, possibilities=found)

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

        program = self.program
        vocabulary = Vocabulary(
            account=program.account,
            request=program.request,
            features=tuple(program.features),
            conditions=tuple(program.conditions),
            events=tuple(sorted(program.event_names)),
            timezone=program.timezone,
        )
        try:
            return Conditions(vocabulary).boolean(text)
        except ConditionError as error:
            source = Source("condition", text)
            raise PolicyError(_drawn(each, source) for each in error.mistakes) from None

    def _decide(self, question: Question, engine: Engine) -> Decision:
        judgement = self._judge.judge(question, engine)
        return Decision.of(
            Explanation(self._judge, judgement),
            verdict=judgement.verdict,
            at=values.written(question.at, self.zone),
            engine=engine,
            lawful=__version__,
            policy=self._named,
        )


def _parts(request: Given, parts: Mapping[str, Any]) -> Mapping[str, Any]:
    """The request's parts, whichever way it was given."""
    for key in parts:
        if key not in KEYS:
            raise RequestError([Problem(key, "a request has no such key", near(key, KEYS))])
    match request:
        case None:
            return parts
        case Question():
            raise RequestError([Problem("", "a request that was read takes no further parts", "read it with them")])
        case str() | bytes():
            given: Mapping[str, Any] = from_json(request)
        case BaseModel():
            given = request.model_dump(by_alias=True, exclude_none=True)
        case Mapping():
            given = request
        case _:
            raise RequestError([Problem("", f"{values.shown(request)} stands where a request should be")])
    return {**given, **parts}


def _engine(wanted: Engine | None) -> Engine:
    if wanted is not None:
        if wanted not in ("rete", "reference"):
            raise RequestError(
                [Problem("engine", f"there is no engine {values.shown(wanted)}", "`rete` or `reference`")]
            )
        return wanted
    return "rete" if rete.available() else "reference"


def _drawn(mistake: Mistake, source: Source) -> Diagnostic:
    """A condition's mistake, in its own text."""
    start = mistake.start if mistake.start is not None else 0
    end = start + mistake.length if mistake.start is not None else len(source.text)
    return Diagnostic(mistake.code, mistake.message, Span(source, start, end), mistake.help)
