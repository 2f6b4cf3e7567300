"""Cases of expressions, one a line: which engine gives what it should."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from lawful.cli import exit_code, reading
from lawful.cli.diagnosed import error as error_text
from lawful.cli.errors import WrongUsage
from lawful.cli.layout import GAP, Row, row
from lawful.cli.progress import collect, progress
from lawful.cli.terminal import Terminal, tell
from lawful.conformance import Case, Engine, Judges, Result, read_case, told
from lawful.diagnostics import Problem, RequestError
from lawful.policy import Policy
from lawful.question import MAX_BYTES
from lawful.reading import from_json

_ENGINES: Final[tuple[Engine, ...]] = ("reference", "rete", "direct", "cel")
_MOST_REASONS: Final = 20
_MOST_UNREADABLE: Final = 20
"""Lines that are told of one by one; a file of another kind has none that can be read."""


def judge(name: str, policy: Policy | None, terminal: Terminal, *, as_json: bool) -> int:
    """Judge the cases of a file; a line that cannot be read is told with its number, and the rest goes on."""
    collect()
    judges = Judges(None if policy is None else policy.program)
    tally = _Tally()
    with reading.stream(name) as stream, progress(stream, wanted=not terminal.quiet) as passed:
        for number, line in reading.lines(name, stream):
            try:
                result = judges.result(_case(line))
            except RequestError as error:
                tally.unreadable += 1
                if tally.unreadable <= _MOST_UNREADABLE:
                    tell(error_text(f"line {number}: {'; '.join(str(error).splitlines())}"))
                continue
            finally:
                passed(len(line or b""))
            tally.add(result)
            if as_json:
                terminal.text(json.dumps(_as_json(number, result), ensure_ascii=False))
            elif result.outcome == "wrong":
                terminal.rows(_wrong(number, result, terminal))
    if tally.unreadable > _MOST_UNREADABLE:
        more = tally.unreadable - _MOST_UNREADABLE
        tell(error_text(f"{more} more lines cannot be read", "each line is a case of its own, as JSON"))
    if as_json:
        terminal.remark(tally.heading(terminal))
    else:
        terminal.rows(tally.rows(terminal))
    if not tally.unreadable and not tally.judged:
        raise WrongUsage(f"no case of `{name}` was judged", "there is none, or all are outside the language")
    codes = [exit_code.FINE]
    codes += [exit_code.DENIED] if tally.outcomes["wrong"] else []
    codes += [exit_code.WRONG_USAGE] if tally.unreadable else []
    return exit_code.worst(codes)


def _case(line: bytes | None) -> Case:
    if line is None:
        raise RequestError([Problem("", f"the line is longer than {MAX_BYTES // 1024 // 1024} MiB")])
    return read_case(from_json(line, "case"))


def _as_json(number: int, result: Result) -> dict[str, Any]:
    found: dict[str, Any] = {"line": number, "expr": result.case.expr, "outcome": result.outcome}
    if result.case.name is not None:
        found["name"] = result.case.name
    if result.outside:
        found["outside"] = [{"code": each.code, "message": each.message} for each in result.outside]
        return found
    found["wanted"] = told(result.wanted)
    found["given"] = {engine: told(value) for engine, value in result.given.items()}
    found["wrong"] = list(result.wrong)
    return found


def _wrong(number: int, result: Result, terminal: Terminal) -> Iterator[Row]:
    named = "" if result.case.name is None else f"{result.case.name}{GAP}"
    where = terminal.say(f"line {number}", f"第{number}行")
    yield row(0, ("✗ ", "bad"), f"{where}{GAP}{named}{result.case.expr}")
    wanted = _shown(result.wanted, terminal)
    found = ", ".join(f"{engine} {_shown(result.given[engine], terminal)}" for engine in result.wrong)
    yield row(1, terminal.say(f"should be {wanted}: {found}", f"应为 {wanted}：{found}"))


def _shown(value: Any, terminal: Terminal) -> str:
    if value is None:
        return terminal.say("unknown", "未知")
    shown = told(value)
    if shown == {"another": True}:
        return terminal.say("something else", "另一个值")
    return json.dumps(shown, ensure_ascii=False)


class _Tally:
    """What became of all the cases."""

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()
        self.asked: Counter[Engine] = Counter()
        self.right: Counter[Engine] = Counter()
        self.reasons: Counter[str] = Counter()
        self.unreadable = 0

    @property
    def judged(self) -> int:
        return self.outcomes["right"] + self.outcomes["wrong"]

    def add(self, result: Result) -> None:
        self.outcomes[result.outcome] += 1
        self.asked.update(result.given.keys())
        self.right.update(engine for engine in result.given if engine not in result.wrong)
        if result.outside:
            first = result.outside[0]
            named = first.code in ("not-in-profile", "other-type")
            self.reasons[f"{first.code}: {first.message}" if named else first.code] += 1

    def heading(self, terminal: Terminal) -> str:
        right, wrong, outside = (self.outcomes[each] for each in ("right", "wrong", "outside"))
        total = self.outcomes.total()
        cases = "case" if total == 1 else "cases"
        told = terminal.say(
            f"{total} {cases}: {right} right, {wrong} wrong, {outside} outside the language",
            f"{total}个用例：{right}个正确，{wrong}个错误，{outside}个不属于本语言",
        )
        if self.unreadable:
            lines = "line" if self.unreadable == 1 else "lines"
            told += terminal.say(f"; {self.unreadable} {lines} not readable", f"；{self.unreadable}行无法读取")
        return told

    def rows(self, terminal: Terminal) -> Iterator[Row]:
        failed = self.outcomes["wrong"] or self.unreadable or not self.judged
        yield row(0, ("✗ ", "bad") if failed else ("✓ ", "good"), self.heading(terminal))
        for engine in _ENGINES:
            right, asked = self.right[engine], self.asked[engine]
            if asked:
                share = f"{100 * right / asked:.2f} %"
                told = terminal.say(f"right in {right} of {asked}, {share}", f"{asked}个中{right}个正确，{share}")
                yield row(1, f"{engine:<12}{told}")
        common = self.reasons.most_common(_MOST_REASONS)
        if common:
            yield row(0, terminal.say("outside the language:", "不属于本语言："))
        for reason, count in common:
            yield row(1, f"{count:>6}  {reason}")
        rest = sum(self.reasons.values()) - sum(count for _, count in common)
        if rest:
            yield row(1, f"{rest:>6}  {terminal.say('for other reasons', '其他原因')}")
