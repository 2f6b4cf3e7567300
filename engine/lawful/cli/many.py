"""Many requests, one a line: a decision a line, as they come."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from lawful.cli import asking, exit_code, reading
from lawful.cli.check import decision_json
from lawful.cli.diagnosed import error as error_text
from lawful.cli.errors import WrongUsage
from lawful.cli.layout import row
from lawful.cli.progress import collect, progress
from lawful.cli.render import Renderer
from lawful.cli.terminal import Terminal, tell
from lawful.diagnostics import EngineDisagreement, Problem, RequestError
from lawful.policy import Engine
from lawful.question import MAX_BYTES
from lawful.reading import from_json

_UNREADABLE: Final = "unreadable"
_DISAGREED: Final = "disagreed"


def check(renderer: Renderer, options: asking.Options, engine: Engine | None, *, as_json: bool) -> int:
    """Decide request by request; a bad line is told with its number, and the rest goes on."""
    collect()
    if options.request is None or options.account is not None or options.asks:
        raise WrongUsage(
            "`--jsonl` reads whole requests", "give a file of them, or `-` for stdin, and no change beside it"
        )
    shared = asking.shared(options, renderer.policy.program)
    one = _One(renderer, engine, shared, as_json=as_json)
    outcomes: Counter[str] = Counter()
    with reading.stream(options.request) as stream, progress(stream, wanted=not renderer.terminal.quiet) as passed:
        for number, line in reading.lines(options.request, stream):
            outcomes[one.told(number, line)] += 1
            passed(len(line or b""))
    if not as_json:
        renderer.terminal.remark(_summary(outcomes, renderer.terminal))
    codes = {**exit_code.OF_VERDICT, _UNREADABLE: exit_code.WRONG_USAGE, _DISAGREED: exit_code.INTERNAL}
    return exit_code.worst(codes[each] for each in outcomes)


class _One:
    """Decides a line."""

    def __init__(self, renderer: Renderer, engine: Engine | None, shared: Mapping[str, Any], *, as_json: bool) -> None:
        self.renderer = renderer
        self.engine = engine
        self.shared = shared
        self.as_json = as_json

    def told(self, number: int, line: bytes | None) -> str:
        """Write what is decided; say what it was."""
        try:
            if line is None:
                raise RequestError([Problem("", f"the line is longer than {MAX_BYTES // 1024 // 1024} MiB")])
            request = asking.together(from_json(line), self.shared)
            decision = self.renderer.policy.check(request, engine=self.engine)
            if self.as_json:
                self._write(decision_json(decision, satisfied=self.renderer.satisfied))
            else:
                self.renderer.terminal.rows([self.renderer.in_a_line(decision, request, number)])
        except RequestError as error:
            self._failed(number, "request", error.problems, str(error))
            return _UNREADABLE
        except EngineDisagreement as error:
            self._failed(number, "engines disagree", (), str(error))
            return _DISAGREED
        return decision.verdict

    def _failed(self, number: int, kind: str, problems: tuple[Problem, ...], text: str) -> None:
        if self.as_json and not self.renderer.terminal.quiet:
            listed = [{"field": each.field, "message": each.message, "help": each.help} for each in problems]
            error = {
                "schema": "lawful/error/v1",
                "line": number,
                "error": kind,
                "problems": listed or [{"message": text}],
            }
            self._write(json.dumps(error, ensure_ascii=False, separators=(",", ":")))
            return
        told = "; ".join(text.splitlines())
        if self.renderer.terminal.quiet:
            tell(error_text(f"line {number}: {told}"))
            return
        head = self.renderer.terminal.say("error", "错误")
        self.renderer.terminal.rows([row(0, (f"{number:>6}  ", "dim"), (f"✗ {head}", "bad"), f"   {told}")])

    def _write(self, text: str) -> None:
        self.renderer.terminal.text(text, flush=True)


def _summary(outcomes: Counter[str], terminal: Terminal) -> str:
    words = {
        "allow": terminal.say("allowed", "允许"),
        "deny": terminal.say("denied", "拒绝"),
        "undetermined": terminal.say("undetermined", "无法确定"),
        _UNREADABLE: terminal.say("not readable", "无法读取"),
        _DISAGREED: terminal.say("without a decision", "未作决定"),
    }
    counted = ", ".join(f"{outcomes[key]} {word}" for key, word in words.items() if outcomes[key])
    total = sum(outcomes.values())
    requests = "request" if total == 1 else "requests"
    return terminal.say(f"{total} {requests}: {counted or 'nothing'}", f"{total}项申请：{counted or '无'}")
