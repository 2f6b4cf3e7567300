"""`lawful test --review`: the edges of the rules, shown to the policy's owner; what is confirmed becomes a case."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lawful.cli import exit_code
from lawful.cli.errors import WrongUsage
from lawful.cli.interrupt import interruptible
from lawful.cli.layout import Row, row
from lawful.cli.progress import working
from lawful.cli.terminal import Terminal

if TYPE_CHECKING:
    from lawful.cases import Case
    from lawful.policy import Policy
    from lawful.review.pairs import Proposal

Answer = Literal["accept", "wrong", "skip", "quit"]
_ANSWERS: dict[str, Answer] = {
    "a": "accept", "y": "accept", "是": "accept",
    "w": "wrong", "n": "wrong", "否": "wrong",
    "s": "skip", "": "skip",
    "q": "quit",
}  # fmt: skip


@dataclass(slots=True)
class _Told:
    """What was answered so far."""

    accepted: int = 0
    wrong: list[Proposal] = field(default_factory=list)
    left: int = 0


def run_review(
    policy: Policy,
    named: str,
    cases: Sequence[Case],
    path: Path,
    terminal: Terminal,
    *,
    form: str,
    output: str | None,
) -> int:
    """Ask about each side of each rule that no case was accepted for. The code: 1 if one is said to be wrong.

    `named` is the policy as it was given.
    """
    from lawful.audit.originals import must_spare, of_policy
    from lawful.audit.writing import must_be_writable
    from lawful.review.pairs import review
    from lawful.review.recording import CaseFile

    wanted = review(policy, cases)
    if form == "json":
        terminal.text(json.dumps(_json(policy, [*wanted]), ensure_ascii=False))
        return exit_code.FINE
    if output is not None:
        must_spare(output, of_policy(policy.files))
        must_be_writable(Path(output))
        return _write(policy, named, [*_worked_out(wanted, terminal)], Path(output), terminal)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise WrongUsage(
            "a review asks questions, and there is no terminal to ask them on",
            "`--output FILE` writes the cases to a file to look through, `--format json` prints them",
        )
    file = CaseFile(path, policy)
    file.check()
    told = _ask(policy, wanted, file, terminal)
    terminal.rows(_summary(told, path, terminal))
    return exit_code.DENIED if told.wrong else exit_code.FINE


def _worked_out(wanted: Iterator[Proposal], terminal: Terminal) -> Iterator[Proposal]:
    with interruptible(), working(wanted=not terminal.quiet) as telling:
        for each in wanted:
            telling(f"looking for the edges of {each.rule}")
            yield each
        telling("")


# --------------------------------------------------------------------------------------------------------- asking


def _ask(policy: Policy, wanted: Iterator[Proposal], file: Any, terminal: Terminal) -> _Told:
    told = _Told()
    for each in wanted:
        terminal.rows(_shown(policy, each, terminal))
        match _answer(terminal):
            case "accept":
                file.add([each.case])
                told.accepted += 1
            case "wrong":
                told.wrong.append(each)
            case "skip":
                told.left += 1
            case "quit":
                break
    return told


def _answer(terminal: Terminal) -> Answer:
    """One of the answers; asked again until it is one. The end of the input is to quit."""
    prompt = terminal.say(
        "Is that right? [a]ccept, [w]rong, [s]kip, [q]uit: ", "是否正确？[a] 正确 [w] 错误 [s] 跳过 [q] 退出："
    )
    while True:
        sys.stdout.write(prompt)
        sys.stdout.flush()
        line = sys.stdin.readline()
        if not line:
            return "quit"
        found = _ANSWERS.get(line.strip().lower()[:1])
        if found is not None:
            return found


def _shown(policy: Policy, proposal: Proposal, terminal: Terminal) -> Iterator[Row]:
    from lawful.review.words import told

    place = f"{proposal.place.file}:{proposal.place.line}"
    side = terminal.say(f"just {proposal.side}", "边界外" if proposal.side == "outside" else "边界内")
    yield row(0, "")
    yield row(0, (proposal.rule, "bold"), f", {side}", right=place)
    for heading, text in told(policy.program, policy.read(proposal.request), terminal.language):
        yield row(1, (f"{heading}: ", "dim"), text)
    yield from _verdict(policy, proposal, terminal)
    if proposal.alone is not None:
        yield row(1, (proposal.alone.best(terminal.language), "dim"))


def _verdict(policy: Policy, proposal: Proposal, terminal: Terminal) -> Iterator[Row]:
    decision = policy.check(proposal.request, engine="reference")
    match decision.verdict:
        case "allow":
            yield row(1, ("✓ ", "good"), (terminal.say("is allowed", "允许"), "good"))
        case "deny":
            yield row(1, ("✗ ", "bad"), (terminal.say("is refused", "拒绝"), "bad"))
        case "undetermined":
            yield row(1, ("? ", "open"), (terminal.say("is left open", "待定"), "open"))
    for each in decision.reasons:
        if each.status == "violated" or decision.verdict == "undetermined":
            yield row(2, each.explanation.best(terminal.language))


def _summary(told: _Told, path: Path, terminal: Terminal) -> Iterator[Row]:
    yield row(0, "")
    accepted = terminal.say(f"{told.accepted} accepted, in {path}", f"已确认{told.accepted}个，写入 {path}")
    yield row(0, (f"✓ {accepted}" if told.accepted else terminal.say("none accepted", "没有确认的用例"), "plain"))
    for each in told.wrong:
        words = terminal.say(f"{each.rule} is said to be wrong just {each.side}", f"{each.rule} 的边界被认为有误")
        yield row(0, (f"✗ {words}", "bad"), right=f"{each.place.file}:{each.place.line}")


# ----------------------------------------------------------------------------------------------- without asking


def _write(policy: Policy, name: str, proposals: Sequence[Proposal], target: Path, terminal: Terminal) -> int:
    """A file of cases to look through: what is right of it may be copied or given to `lawful test`."""
    from lawful.audit.writing import beside
    from lawful.mutation.pasting import yaml_of
    from lawful.review.recording import named
    from lawful.review.words import told

    command = _one_line(f"lawful test {shlex.quote(name)} --review")
    lines = [f"# Proposed, and confirmed by nobody yet: `{command}`.\n"]
    lines.append(f"policy: {policy.program.id}\ncases:{'' if proposals else ' []'}\n")
    for each, case in zip(proposals, named([each.case for each in proposals]), strict=True):
        words = told(policy.program, policy.read(each.request), terminal.language)
        lines += [f"  # {heading}: {_one_line(text)}\n" for heading, text in words]
        if each.alone is not None:
            lines.append(f"  # {each.alone.best(terminal.language)}\n")
        lines.append(yaml_of(case))
    with beside(target) as part:
        part.write_text("".join(lines), encoding="utf-8", newline="\n")
    many = len(proposals)
    terminal.remark(terminal.say(f"{many} cases to look through in {target}", f"{many}个待确认的用例写入 {target}"))
    return exit_code.FINE


def _one_line(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)


def _json(policy: Policy, proposals: Sequence[Proposal]) -> dict[str, Any]:
    from lawful.review.words import told

    def one(each: Proposal) -> dict[str, Any]:
        question = policy.read(each.request)
        return {
            "rule": each.rule,
            "side": each.side,
            "place": {"file": each.place.file, "line": each.place.line, "column": each.place.column},
            "words": {
                language: [list(pair) for pair in told(policy.program, question, language)] for language in ("en", "zh")
            },
            "alone": None if each.alone is None else {"en": each.alone.en, "zh": each.alone.zh},
            "case": each.case,
        }

    return {"schema": "lawful/review/v1", "proposals": [one(each) for each in proposals]}
