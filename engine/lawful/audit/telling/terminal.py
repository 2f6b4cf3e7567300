"""An audit as a person reads it on a terminal: rows of a depth, pieces in roles, and a text at the right margin.

What the command line draws is its own `Row`: `Row(*each) for each in rows(…)`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, Literal, NamedTuple, TypeAlias

from lawful.audit.summary import CrossCheck, DataProblem, RuleTally, Summary
from lawful.audit.telling import words
from lawful.audit.telling.finding import Finding, Findings
from lawful.ir import Language, Severity
from lawful.pages import texts

Role = Literal["plain", "bold", "dim", "good", "bad", "open", "warning"]
Piece: TypeAlias = tuple[str, Role]

_GAP: Final = "   "
_BAR: Final = 12
_PARTS: Final = " ▏▎▍▌▋▊▉█"
_EXAMPLES: Final = 5
_MOST_DIFFERENCES: Final = 10
_ROLES: Final[dict[Severity, Role]] = {"error": "bad", "warning": "warning", "info": "plain"}
_VERDICT_ROLES: Final[dict[str, Role]] = {"allow": "good", "deny": "bad", "undetermined": "open"}


class Told(NamedTuple):
    """One line."""

    depth: int
    pieces: tuple[Piece, ...]
    right: str = ""


def told(depth: int, *pieces: str | Piece, right: str = "") -> Told:
    """A line of pieces; a bare text is plain."""
    return Told(depth, tuple((each, "plain") if isinstance(each, str) else each for each in pieces), right)


def rows(summary: Summary, findings: Findings, language: Language) -> Iterator[Told]:
    """The whole summary, and a few findings as examples."""
    yield from _headline(summary, language)
    yield from _rules(summary, language)
    yield from _not_told_by_rule(summary, language)
    yield from _data(summary.data, language)
    yield from _questions(summary, language)
    if summary.cross_check is not None:
        yield from _cross_check(summary.cross_check, language)
    yield from _examples(summary, findings, language)


def _headline(summary: Summary, language: Language) -> Iterator[Told]:
    counting = any(each.counting for each in summary.rules)
    sign: Piece = ("✗ ", "bad") if summary.counting("error") else ("! ", "warning") if counting else ("✓ ", "good")
    if summary.judged_nothing and not summary.accounts_with_findings:
        sign = ("? ", "open")
    headline: Piece = (words.found_in_all(summary).best(language), "bold")
    yield told(0, sign, headline, right=f"{summary.policy.id} {summary.policy.version}")
    parts = [summary.inventory]
    if summary.events is not None:
        chinese = f"{words.grouped(summary.events)}条事件"
        parts.append(words.say(language, words.counted(summary.events, "event"), chinese))
    if summary.vanished:
        english = f"{words.counted(summary.vanished, 'account')} gone"
        parts.append(words.say(language, english, f"{words.grouped(summary.vanished)}个帐号已不存在"))
    took = words.say(
        language, f"{summary.engine}, {summary.seconds:.1f} s", f"{summary.engine}，{summary.seconds:.1f}秒"
    )
    yield told(1, (_GAP.join((*parts, summary.at, took)), "dim"))


# ---------------------------------------------------------------------------------------------------------- rules


def _rules(summary: Summary, language: Language) -> Iterator[Told]:
    """A table: how many count, are excused and unknown, of each rule that has any."""
    found = [each for each in words.worst_first(summary.rules) if words.found_something(each)]
    if not found:
        return
    heads, counts = _columns(found, language)
    widths = [max(map(texts.columns, column)) for column in zip(heads, *counts, strict=True)]
    most = max(each.counting for each in found)
    rule = max(texts.columns(each.rule) for each in found)
    severity = max(texts.columns(text.best(language)) for text in words.SEVERITIES.values())
    yield told(0)
    yield told(1, (" " * (severity + 2) + _aligned(heads, widths), "dim"))
    for each, numbers in zip(found, counts, strict=True):
        word = words.SEVERITIES[each.severity].best(language)
        yield told(
            1,
            (_padded(word, severity) + "  ", _ROLES[each.severity]),
            _aligned(numbers, widths) + "  ",
            (bar(each.counting, most) + "  ", _ROLES[each.severity]),
            (_padded(each.rule, rule), "bold"),
            _GAP + each.title.best(language) if each.title is not None else "",
        )


def _columns(found: list[RuleTally], language: Language) -> tuple[list[str], list[list[str]]]:
    """The heads and the numbers; a column of zeros is left out, but for the first."""
    heads = [words.say(language, "findings", "问题")]
    numbers = [[each.counting for each in found]]
    for head, column in (
        (words.say(language, "excused", "不计入"), [each.excused for each in found]),
        (words.say(language, "unknown", "无法确定"), [each.unknown for each in found]),
    ):
        if any(column):
            heads.append(head)
            numbers.append(column)
    return heads, [[words.grouped(number) for number in row] for row in zip(*numbers, strict=True)]


def _aligned(told: Iterable[str], widths: list[int]) -> str:
    return "  ".join(" " * (width - texts.columns(text)) + text for text, width in zip(told, widths, strict=True))


def _padded(text: str, width: int) -> str:
    return text + " " * (width - texts.columns(text))


def bar(count: int, most: int) -> str:
    """A bar as long as the count's part of the most; what is there at all can be seen.

    >>> bar(1, 2), bar(1, 1_000_000), bar(0, 2)
    ('██████      ', '▏           ', '            ')
    """
    eighths = max(round(count * _BAR * 8 / most), 1) if count else 0
    return ("█" * (eighths // 8) + _PARTS[eighths % 8].strip()).ljust(_BAR)


def _not_told_by_rule(summary: Summary, language: Language) -> Iterator[Told]:
    def say(english: str, chinese: str) -> str:
        return words.say(language, english, chinese)

    not_judged = {each.rule for each in summary.not_judged}
    quiet = [each for each in summary.rules if not words.found_something(each) and each.rule not in not_judged]
    yield told(0)
    if quiet:
        english = f"{words.counted(len(quiet), 'rule')} without a finding"
        yield told(1, ("✓ ", "good"), say(english, f"{words.grouped(len(quiet))}条规则未发现问题"))
    unknown, rules = words.unknown_outcomes(summary)
    if unknown:
        english = f"{words.counted(unknown, 'outcome')} of {words.counted(rules, 'rule')} unknown"
        text = say(english, f"{words.grouped(rules)}条规则共{words.grouped(unknown)}项结果无法确定")
        yield told(1, ("? ", "open"), text, (say("   --unknown lists them", "   --unknown 可列出"), "dim"))
    if summary.not_judged:
        english = f"{words.counted(len(summary.not_judged), 'rule')} not judged, for want of:"
        yield told(1, ("? ", "open"), say(english, f"{words.grouped(len(summary.not_judged))}条规则未判定，缺少："))
        own = [each.rule for each in summary.not_judged if each.fields == (each.rule,)]
        for each in summary.not_judged:
            if each.rule not in own:
                yield told(3, (each.rule, "bold"), _GAP, words.listed(each.fields, language))
        if own:
            yield told(3, say("a column of the feature itself: ", "该功能自身的列："), words.listed(own, language))
    mend = words.with_default(summary)
    if mend is not None:
        yield told(3, (mend.best(language), "dim"))


# ----------------------------------------------------------------------------------------------------- the others


def _data(problems: tuple[DataProblem, ...], language: Language) -> Iterator[Told]:
    for each in problems:
        examples = words.listed((texts.shortened(text, 40) for text in each.examples), language)
        aside: Piece = (_GAP + words.say(language, "such as ", "例如：") + examples if examples else "", "dim")
        count = words.grouped(each.count)
        yield told(1, ("! ", "warning"), (each.column, "bold"), f"{_GAP}{each.problem.best(language)}: {count}", aside)
    if problems:
        yield told(3, (words.LENIENT.best(language), "dim"))


def _questions(summary: Summary, language: Language) -> Iterator[Told]:
    if summary.questions:
        yield told(0)
    width = max((texts.columns(each) for each in summary.questions), default=0)
    for question, verdicts in summary.questions.items():
        pieces: list[Piece] = []
        for verdict, title in words.VERDICTS.items():
            count = verdicts.get(verdict, 0)
            pieces.append((f"{_GAP}{title.best(language)} ", _VERDICT_ROLES[verdict] if count else "dim"))
            pieces.append((words.grouped(count), "plain" if count else "dim"))
            if verdict == "allow" and question in summary.already:
                pieces.append((words.already(summary, question).best(language), "dim"))
        yield told(1, (_padded(question, width), "bold"), *pieces)


def _cross_check(check: CrossCheck, language: Language) -> Iterator[Told]:
    sign: Piece = ("✗ ", "bad") if check.differences else ("✓ ", "good")
    yield told(1, sign, words.judged_again(check).best(language))
    for each in check.differences[:_MOST_DIFFERENCES]:
        yield told(3, (each, "bad"))
    if len(check.differences) > _MOST_DIFFERENCES:
        yield told(3, ("…", "bad"))


def _examples(summary: Summary, findings: Findings, language: Language) -> Iterator[Told]:
    """One of each rule, of the worst rules first; what is excused is no example."""
    first = findings.first_of_each_rule(1)
    found = [first[tally.rule][0] for tally in words.worst_first(summary.rules) if tally.rule in first]
    told_of = [each for each in found if each.excused is None][:_EXAMPLES]
    if told_of:
        yield told(0)
        yield told(1, (words.say(language, "for example", "例如"), "dim"))
    for each in told_of:
        yield from _example(each, findings, language)


def _example(finding: Finding, findings: Findings, language: Language) -> Iterator[Told]:
    sign: Piece = ("✗ ", _ROLES[finding.severity]) if finding.status == "violated" else ("? ", "open")
    yield told(1, sign, (finding.account, "bold"), _GAP + finding.rule, right=words.when(finding.at, findings.zone))
    yield told(3, finding.explanation.best(language))
