"""A decision as a person reads it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lawful import wording
from lawful.cli import asking
from lawful.cli.layout import GAP, Piece, Row, row
from lawful.cli.terminal import Terminal
from lawful.decision import Decision, Inquiry, Justification, Place, Reason, RemedyStep
from lawful.library import policy_root
from lawful.policy import Policy

if TYPE_CHECKING:
    from lawful.cli.reasoned import Reasoned

_MOST_ROWS: Final = 40
"""Of one justification."""
_MOST_ANSWERS: Final = 12
_CONSTANTS: Final = ("true", "false")
"""What explains nothing."""
_SYMBOLS: Final = {">=": "≥", "<=": "≤", "!=": "≠", "==": "=", "<": "<", ">": ">"}
_VERDICTS: Final[Mapping[str, tuple[Piece, str, str]]] = {
    "allow": (("✓", "good"), "allowed", "允许"),
    "deny": (("✗", "bad"), "denied", "拒绝"),
    "undetermined": (("?", "open"), "undetermined", "无法确定"),
}


def mark(verdict: str, terminal: Terminal) -> tuple[Piece, Piece]:
    """A verdict's sign and word."""
    (sign, role), english, chinese = _VERDICTS[verdict]
    return (sign, role), (" " + terminal.say(english, chinese), role)


@dataclass(frozen=True, slots=True)
class Renderer:
    """Draws decisions of one policy."""

    policy: Policy
    terminal: Terminal
    satisfied: bool = False
    """Whether the rules that hold are told too."""
    verbose: bool = False
    """Whether expressions are told as they are written, each with its value."""

    def decision(self, decision: Decision, request: Mapping[str, Any]) -> Iterator[Row]:
        yield self.verdict(decision, request)
        yield from self._reasons(decision, several=len(request.get("changes") or ()) > 1)
        yield from self._help(decision)
        yield from self._remedies(decision)
        yield from self._consequences(decision, request)
        for note in decision.notes:
            yield self._told("note", "注", note.best(self.terminal.language))

    def verdict(self, decision: Decision, request: Mapping[str, Any]) -> Row:
        asked = asking.in_words(request, self.policy.program, self.terminal, decision.at)
        named = f"{decision.policy.id} {decision.policy.version}"
        return row(0, *mark(decision.verdict, self.terminal), GAP + asked, right=named)

    def in_a_line(self, decision: Decision, request: Mapping[str, Any], number: int) -> Row:
        """The verdict and the rules that led to it."""
        asked = asking.in_words(request, self.policy.program, self.terminal, decision.at)
        rules = [each.rule for each in decision.reasons if each.severity == "error" and not each.standing]
        pieces: list[Piece] = [(GAP + asked, "plain"), (GAP + ", ".join(rules) if rules else "", "dim")]
        return row(0, (f"{number:>6}  ", "dim"), *mark(decision.verdict, self.terminal), *pieces)

    # ------------------------------------------------------------------------------------------------- reasons

    def _reasons(self, decision: Decision, *, several: bool) -> Iterator[Row]:
        reasons = (*decision.reasons, *(decision.satisfied if self.satisfied else ()))
        if not reasons:
            return
        from lawful.cli.reasoned import Reasoned  # 5 ms: only where there is a reason to tell

        reasoned = Reasoned(self.policy.program, self.terminal)
        folded = [] if self.verbose else [each for each in reasons if _only_warns_perhaps(each)]
        for reason in reasons:
            if reason not in folded:
                yield from self._reason(reason, reasoned, several=several)
        yield from self._perhaps(folded)

    def _reason(self, reason: Reason, reasoned: Reasoned, *, several: bool) -> Iterator[Row]:
        language = self.terminal.language
        title = reason.title.best(language) if reason.title is not None else ""
        explanation = reason.explanation.best(language)
        step = self.terminal.say(f"change {reason.step + 1}: ", f"第{reason.step + 1}项：") if several else ""
        headline = title or explanation
        if reason.status == "satisfied":
            # Not its title, which may say what is wrong where it is violated.
            headline = self._holds(reason, reasoned)
        named: tuple[Piece, ...] = (
            ((headline, "bold"), (GAP + reason.rule, "dim")) if headline else ((reason.rule, "dim"),)
        )
        yield row(1, *self._sign(reason), " ", step, *named)
        if reason.status != "satisfied":
            if explanation and explanation != headline:
                yield row(3, explanation)
            yield from self._because(reason, reasoned)
        yield self._origin(reason)

    def _holds(self, reason: Reason, reasoned: Reasoned) -> str:
        if reason.justification.text in _CONSTANTS:
            return ""
        return self._claim(reason.justification) if self.verbose else reasoned.claim(reason)

    def _because(self, reason: Reason, reasoned: Reasoned) -> Iterator[Row]:
        if reason.justification.text in _CONSTANTS:
            return
        if self.verbose:
            yield from self._justified(reason.justification, 3)
        else:
            yield from reasoned.rows(reason, 3)

    def _perhaps(self, reasons: list[Reason]) -> Iterator[Row]:
        """What would only warn, and rests on what is not known: in a line, as nothing follows from it."""
        if reasons:
            titles = dict.fromkeys((each.title or each.explanation).best(self.terminal.language) for each in reasons)
            told = self.terminal.say("; ", "；").join(titles)
            yield row(1, (self.terminal.say("not known, and only warnings: ", "未知（仅警告或提示）："), "dim"), told)

    def _sign(self, reason: Reason) -> tuple[Piece, ...]:
        say = self.terminal.say
        if reason.status == "satisfied":
            return (("✓", "good"),)
        if reason.standing:
            return (("! " + say("standing ", "既有问题 "), "warning"),)
        words = {"warning": say("warning", "警告"), "info": say("info", "提示")}
        if reason.severity in words:
            unknown = say(", unknown", "，未知") if reason.status == "unknown" else ""
            return ((f"! {words[reason.severity]}{unknown} ", "warning"),)
        return (("✗", "bad"),) if reason.status == "violated" else (("?", "open"),)

    def _origin(self, reason: Reason) -> Row:
        source = reason.source
        where = self.place(reason.place)
        if source is None:
            return row(2, "", right=where)
        title = source.titles.best(self.terminal.language) or source.title
        published = f" ({source.published})" if source.published else ""
        clause = wording.clause(source.clause, self.terminal.language)
        return row(2, (self.terminal.say("source: ", "依据："), "dim"), f"{title}{published}{clause}", right=where)

    def place(self, place: Place) -> str:
        """`policies/wechat/policy.yaml:47`, as one may open it from here; a shipped file without its folder's way."""
        path = Path(place.file)
        if not path.is_absolute() and self.policy.folder is not None and not path.is_file():
            path = self.policy.folder / path
        return f"{_from_here(path)}:{place.line}"

    # ------------------------------------------------------------------------------------------ justifications

    def justification(self, node: Justification) -> list[Row]:
        """Why an expression has its value."""
        return list(self._justified(node, 1))[:_MOST_ROWS]

    def _justified(self, node: Justification, depth: int) -> Iterator[Row]:
        language = self.terminal.language
        title = f" — {node.title.best(language)}" if node.title is not None else ""
        figures = self._figures(node)
        yield row(depth, self._claim(node), title, ("      " + figures if figures else "", "dim"))
        if figures is None:
            for each in node.because:
                yield from self._justified(each, depth + 1)

    def _claim(self, node: Justification) -> str:
        value = asking.plain(node.value, self.terminal)
        return self.terminal.say(f"{node.text} is {value}", f"{node.text} 为 {value}")

    def _figures(self, node: Justification) -> str | None:
        """The comparison with its values in, `2025-01-31 ≥ 2025-03-01`, else each fact with its value.

        None where the parts have reasons of their own, which take a line each.
        """
        values = {each.text: asking.plain(each.value, self.terminal) for each in node.because}
        for operator, symbol in _SYMBOLS.items():
            left, found, right = node.text.partition(f" {operator} ")
            if found and left in values and right in values:
                rest = [each for each in node.because if each.text not in (left, right) and not each.because]
                return ", ".join([f"{values[left]} {symbol} {values[right]}", *self._facts(rest)])
        if any(each.because or each.title is not None for each in node.because):
            return None
        return ", ".join(self._facts(each for each in node.because if node.text not in (each.text, f"!({each.text})")))

    def _facts(self, leaves: Iterable[Justification]) -> Iterator[str]:
        equals = self.terminal.say(" is ", " 为 ")
        for each in leaves:
            yield f"{each.text}{equals}{asking.plain(each.value, self.terminal)}"

    # ------------------------------------------------------------------------------------- what helps and follows

    def _help(self, decision: Decision) -> Iterator[Row]:
        if decision.missing:
            wanted = asking.missing(decision.missing, self.policy.program, self.terminal)
            yield self._told("missing", "缺少", wanted)
            yield from self._answers(decision.inquiries[0])
        if decision.next_allowed_at is not None:
            yield self._told(
                "no limit refuses from", "不再受次数限制的时间", asking.moment(decision.next_allowed_at.isoformat())
            )

    def _answers(self, inquiry: Inquiry) -> Iterator[Row]:
        """What each answer to the cheapest question would decide."""
        language = self.terminal.language
        for each in inquiry.answers[:_MOST_ANSWERS]:
            given = self.terminal.say(", ", "，").join(
                f"{fact}: {text.best(language)}" for fact, text in each.given.items()
            )
            sign, word = mark(each.verdict, self.terminal)
            yield row(3, sign, word, GAP + given, (GAP + ", ".join(each.rules) if each.rules else "", "dim"))
        if len(inquiry.answers) > _MOST_ANSWERS:
            more = len(inquiry.answers) - _MOST_ANSWERS
            yield row(3, (self.terminal.say(f"{more} more answers", f"另有{more}种回答"), "dim"))

    def _remedies(self, decision: Decision) -> Iterator[Row]:
        """What would help, a line each; the one that does least harm first."""
        say = self.terminal.say
        for remedy in sorted(decision.remedies, key=lambda each: each.irreversible):
            before = [decision.at, *(each.at for each in remedy.steps)]
            steps = [self._remedial(each, waits=each.at != at) for each, at in zip(remedy.steps, before, strict=False)]
            last = before[-1]
            then = (
                say(", then", "，然后")
                if remedy.allowed_at == last
                else say(f", then from {asking.moment(remedy.allowed_at)}", f"，{asking.moment(remedy.allowed_at)}起")
            )
            yield self._told(
                "would help", "可先", say("; ", "；").join(steps) + then + say(" this is allowed", "即可办理")
            )

    def _remedial(self, step: RemedyStep, *, waits: bool) -> str:
        """With its day where one has to wait for it."""
        words = asking.in_words({"change": step.change, "account": {}}, self.policy.program, self.terminal)
        words = words.replace(f"{asking.plain(None, self.terminal)} → ", "")
        lasting = self.terminal.say(" (irreversible)", "（不可逆）") if step.irreversible is not None else ""
        day = asking.moment(step.at)
        when = self.terminal.say(f"from {day} ", f"{day}起") if waits else ""
        return f"{when}{words}{lasting}"

    def _consequences(self, decision: Decision, request: Mapping[str, Any]) -> Iterator[Row]:
        language, program = self.terminal.language, self.policy.program
        for owed in decision.obligations:
            yield self._told("still to do", "尚需", owed.text.best(language))
        asked = _set_alone(request)
        for each in decision.consequences.changed:
            if each.field not in asked:
                yield self._told(
                    "changes", "变更", asking.moved(each.field, each.from_, each.to, program, self.terminal)
                )
        if decision.consequences.lost:
            titles = [wording.feature_title(program, name, language) for name in decision.consequences.lost]
            told = self.terminal.say(", ", "、").join(titles)
            if _knows_features(request):
                yield self._told("lost", "失去", told)
            else:
                yield self._told("lost, where the account has them", "失去（如已开通）", told)
        irreversible = decision.consequences.irreversible
        if irreversible is not None:
            what = wording.field_title(program.account[irreversible.field], language)
            yield self._told("irreversible", "不可逆", f"{what} — {irreversible.why.best(language)}")

    def _told(self, english: str, chinese: str, text: str) -> Row:
        return row(1, (self.terminal.say(f"{english}: ", f"{chinese}："), "dim"), text)


def _only_warns_perhaps(reason: Reason) -> bool:
    return reason.severity != "error" and reason.status == "unknown"


def _knows_features(request: Mapping[str, Any]) -> bool:
    account = request.get("account")
    return isinstance(account, Mapping) and account.get("features") is not None


def _set_alone(request: Mapping[str, Any]) -> frozenset[str]:
    """The fields that the only change sets: what becomes of them is said with the verdict."""
    match request.get("change"):
        case {"set": dict() as wanted}:
            return frozenset(wanted)
        case {"register": _}:
            account = request.get("account")
            return frozenset(account) if isinstance(account, dict) else frozenset()
        case _:
            return frozenset()


def _from_here(path: Path) -> str:
    for root in (Path.cwd(), policy_root()):
        try:
            return path.resolve().relative_to(root).as_posix()
        except ValueError:
            continue
    return os.fspath(path)
