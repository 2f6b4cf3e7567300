"""A policy, loaded: what an embedding program holds."""

from __future__ import annotations

import os
from collections.abc import Mapping
from errno import EISDIR
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from lawful import values
from lawful.compiler import Compiled, compile_policy
from lawful.compiler.tables import Beside
from lawful.conditions import ConditionError, Conditions, Vocabulary
from lawful.decision import Decision, Justification, PolicyNamed, Possibilities
from lawful.diagnostics import Diagnostic, Mistake, PolicyError, Problem, RequestError, near
from lawful.document import MAX_BYTES, Unreadable, decode
from lawful.engines import rete
from lawful.engines.reference import evaluate
from lawful.explaining import Explanation
from lawful.ir import Expr, Program, Value
from lawful.judging import Engine, Judge
from lawful.justifying import Justifier
from lawful.library import shipped, shipped_names
from lawful.possibilities import possibilities
from lawful.request import KEYS, Question, Reader, Request, from_json
from lawful.source import Source, Span

try:
    __version__ = version("lawful")
except PackageNotFoundError:  # run from a checkout that was never installed
    __version__ = "0"


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

    def __repr__(self) -> str:
        return f"<Policy {self.program.id} {self.program.version}>"

    def check(
        self,
        request: Request | Mapping[str, Any] | str | bytes | None = None,
        /,
        *,
        engine: Engine | None = None,
        **parts: Any,
    ) -> Decision:
        """May the account change so?

        The request is a `Request`, a mapping of its shape, JSON text, or given in parts: `account`, `change` or
        `changes`, `request`, `history`, `history_from`, `at`. The engine is rete, cross-checked with the reference;
        where durable_rules cannot be imported, the reference alone, and the decision says so.

        Raises RequestError where the request cannot be judged, EngineDisagreement where the engines differ.
        """
        return self._decide(self._reader.question(_parts(request, parts)), _engine(engine))

    def allows(self, request: Request | Mapping[str, Any] | str | bytes | None = None, /, **parts: Any) -> bool:
        """Whether the change is surely allowed. Raises as `check` does."""
        return self.check(request, **parts).verdict == "allow"

    def can(self, request: Request | Mapping[str, Any] | str | bytes | None = None, /, **parts: Any) -> Possibilities:
        """Every move and feature of an account, with its verdict, rules, and what is left of each limit."""
        question = self._reader.question(_parts(request, parts), asks=False)
        found = tuple(possibilities(self._judge, question, _engine(None)))
        return Possibilities(at=values.written(question.at, self.zone), policy=self._named, possibilities=found)

    def evaluate(self, text: str, /, **parts: Any) -> tuple[Value | None, Justification]:
        """The value of a condition on an account, None where it is unknown, and why.

        Raises PolicyError where the text is no condition of this policy, RequestError as `check` does.
        """
        question = self._reader.question(parts, asks=False)
        expr = self.condition(text)
        situation = self._judge.situation(question)
        justification = Justifier(self.program).justify(expr, situation)
        return evaluate(expr, situation), justification

    def condition(self, text: str) -> Expr:
        """The condition, typed. Raises PolicyError."""
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


def load(name_or_path: str | os.PathLike[str], *, warnings: list[Diagnostic] | None = None) -> Policy:
    """A shipped policy by its name, or one of your own by its path: a folder or its `policy.yaml`.

    A bare word is a shipped name; a path has a `/` or ends in `.yaml`. Raises PolicyError with every mistake found;
    warnings are appended to `warnings`.
    """
    path = _path_of(name_or_path)
    try:
        source = decode(_named_as_given(path), _bytes(path))
    except OSError as error:
        raise PolicyError([Diagnostic("no-such-policy", f"`{path}` cannot be read: {_why(error)}")]) from None
    except Unreadable as error:
        raise PolicyError(error.diagnostics) from None
    return _policy(compile_policy(source, lambda name: _beside(path.parent, name)), warnings, path.parent)


def _why(error: OSError) -> str:
    told = error.strerror or "it cannot be opened"
    return told[:1].lower() + told[1:]


def _bytes(path: Path) -> bytes:
    """What a file holds, up to the size that is refused. Raises OSError where it is no file: a pipe would not end."""
    if path.exists() and not path.is_file():
        raise IsADirectoryError(EISDIR, "it is not a file")
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)


def _beside(folder: Path, name: str) -> bytes:
    """A table of the folder. A link that leads out of it is not followed: a policy reads nothing but its own."""
    if not Path(os.path.realpath(folder / name)).is_relative_to(os.path.realpath(folder)):
        raise PermissionError(name)
    return _bytes(folder / name)


def loads(text: str, *, name: str = "policy.yaml", tables: Mapping[str, bytes] | None = None) -> Policy:
    """The policy of a text, with its tables by their file names. Raises PolicyError."""
    given = tables or {}

    def beside(file: str) -> bytes:
        if file not in given:
            raise FileNotFoundError(file)
        return given[file]

    reads: Beside = beside
    return _policy(compile_policy(Source(name, text.replace("\r\n", "\n")), reads), None, None)


def _policy(compiled: Compiled, warnings: list[Diagnostic] | None, folder: Path | None) -> Policy:
    if compiled.program is None:
        raise PolicyError(compiled.diagnostics)
    if warnings is not None:
        warnings.extend(compiled.diagnostics)
    return Policy(compiled.program, compiled.diagnostics, folder)


def _path_of(name_or_path: str | os.PathLike[str]) -> Path:
    given = os.fspath(name_or_path)
    if isinstance(name_or_path, str) and "/" not in given and os.sep not in given and not given.endswith(".yaml"):
        folder = shipped(given)
        if folder is None:
            names = shipped_names()
            help = near(given, names) or f"the shipped ones are {', '.join(names)}; a path has a `/`, as in `./{given}`"
            raise PolicyError([Diagnostic("no-such-policy", f"there is no shipped policy `{given}`", None, help)])
        return folder / "policy.yaml"
    path = Path(given)
    return path / "policy.yaml" if path.is_dir() else path


def _named_as_given(path: Path) -> str:
    """How the file is called in messages: relative to where the reader stands, where it lies below."""
    try:
        return Path(os.path.realpath(path)).relative_to(Path.cwd()).as_posix()
    except ValueError:
        return path.as_posix()


def _parts(request: Request | Mapping[str, Any] | str | bytes | None, parts: Mapping[str, Any]) -> Mapping[str, Any]:
    """The request's parts, whichever way it was given."""
    for key in parts:
        if key not in KEYS:
            raise RequestError([Problem(key, "a request has no such key", near(key, KEYS))])
    match request:
        case None:
            return parts
        case str() | bytes():
            given: Mapping[str, Any] = from_json(request)
        case Request():
            given = {key: getattr(request, key) for key in request.model_fields_set}
        case Mapping():
            given = request
        case _:
            raise RequestError([Problem("", f"{values.shown(request)} stands where a request should be")])
    return {**given, **parts}


def _engine(wanted: Engine | None) -> Engine:
    if wanted is not None:
        return wanted
    return "rete" if rete.available() else "reference"


def _drawn(mistake: Mistake, source: Source) -> Diagnostic:
    """A condition's mistake, in its own text."""
    start = mistake.start if mistake.start is not None else 0
    end = start + mistake.length if mistake.start is not None else len(source.text)
    return Diagnostic(mistake.code, mistake.message, Span(source, start, end), mistake.help)
