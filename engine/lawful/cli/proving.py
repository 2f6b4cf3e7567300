"""What `lawful prove` does with its options: the answers, told on the terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from lawful.cli.layout import GAP, Piece, Row, row
from lawful.cli.progress import working
from lawful.cli.terminal import Terminal
from lawful.policy import Policy
from lawful.proofs.answers import KINDS, Answer, Answers, Status
from lawful.proofs.telling import Teller, as_json
from lawful.version import __version__

_SIGNS: Final[dict[Status, Piece]] = {
    "proved": ("✓", "good"),
    "refuted": ("✗", "bad"),
    "unsettled": ("?", "open"),
}
_DOUBTFUL: Final[Piece] = ("!", "warning")


def run(policy: Policy, questions: Sequence[str], seconds: float, terminal: Terminal, *, as_json: bool) -> Answers:
    """Ask and tell. Raises ProofError."""
    with working(wanted=not terminal.quiet) as at:
        answers = policy.prove(*questions, timeout=seconds, told=at)
        at("")
    if as_json:
        terminal.text(_json(policy, answers))
    else:
        terminal.rows(_Report(policy, terminal).rows(answers))
    return answers


def _json(policy: Policy, answers: Answers) -> str:
    return json.dumps(as_json(answers, policy.program, __version__), ensure_ascii=False, indent=2)


class _Report:
    """The answers as a person reads them: what is fine in a line, what is not with its witness."""

    def __init__(self, policy: Policy, terminal: Terminal) -> None:
        self.program = policy.program
        self.terminal = terminal
        self.teller = Teller(policy.program, terminal.language)

    def rows(self, answers: Answers) -> Iterator[Row]:
        say, language = self.terminal.say, self.terminal.language
        many = len(answers.answers)
        counted = say(f"{many} question{'s' if many != 1 else ''}", f"{many}个问题")
        yield row(0, (f"{self.program.id} {self.program.version}", "bold"), right=f"{counted}, {answers.seconds:.1f} s")
        for kind, group in groupby(answers.answers, key=lambda each: each.question.kind):
            some = list(group)
            yield row(1, _worst(some), " ", KINDS[kind].best(language), (f"{GAP}{len(some)}", "dim"))
            for answer in some:
                yield from self._answer(answer)
        for each in answers.assumptions:
            yield row(1, (say("assumed: ", "前提：") + each.best(language), "dim"))

    def _answer(self, answer: Answer) -> Iterator[Row]:
        if answer.status == "proved" and answer.question.kind not in ("invariant", "final", "once"):
            return
        language = self.terminal.language
        title = answer.question.title.best(language)
        aside: Piece = (f"{GAP}{answer.told.best(language)}", "dim" if answer.status == "proved" else "plain")
        yield row(2, _sign(answer), " ", (answer.question.id, "bold"), f"{GAP}{title}")
        if answer.status != "proved":
            yield row(4, aside[0].strip())
        if answer.status == "refuted" and answer.witness is not None:
            for each in answer.witness.happenings:
                if each.request is not None or each.what:
                    yield row(4, (self.teller.date(each), "dim"), GAP, self.teller.what(each))


def _sign(answer: Answer) -> Piece:
    if answer.status == "refuted" and answer.question.severity != "error":
        return _DOUBTFUL
    return _SIGNS[answer.status]


def _worst(answers: Sequence[Answer]) -> Piece:
    signs = [_sign(each) for each in answers]
    order = (_SIGNS["refuted"], _SIGNS["unsettled"], _DOUBTFUL, _SIGNS["proved"])
    return min(signs, key=order.index)
