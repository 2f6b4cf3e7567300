"""The report: one HTML file that a browser shows without a network; on a screen, a phone, paper; in two languages.

Its bars are plain SVG rectangles: a chart library that draws without a browser is 34 MB and sets its texts in one
language, one size and one colour scheme, and none of its charts would fit a phone.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Final

from lawful.audit.summary import Edge, LifecycleTally, Months, RuleTally, Summary
from lawful.audit.telling import words
from lawful.audit.telling.finding import Finding, Findings
from lawful.audit.telling.lifecycles import picture
from lawful.audit.writing import beside
from lawful.ir import LANGUAGES, Language, Text
from lawful.pages.diagram import drawing
from lawful.pages.page import rendered, shown

MOST_FINDINGS: Final = 50
"""Of each rule."""
_MOST_EXCUSES: Final = 100
_MOST_DIFFERENCES: Final = 50
_PLACEHOLDER: Final = Text("account, rule or text", "帐号、规则或文字")
_READING: Final = Text("What the rules find by this date:", "规则据此日期判定的结果：")
_STRAY: Final = Text("no transition leads there", "没有对应的变更途径")
_FOLDED: Final = 3
"""So many empty months are one row."""


@dataclass(frozen=True, slots=True)
class _Found:
    """A rule with its first findings; `anchor` is its section's name in the page."""

    anchor: str
    tally: RuleTally
    findings: list[Finding]


@dataclass(frozen=True, slots=True)
class _Month:
    """A bar of a chart of months: `when` is before, at or after the month of the audit."""

    name: Text
    count: int
    when: str


def write_report(
    summary: Summary,
    findings: Findings,
    target: Path,
    language: Language = "en",
    languages: tuple[Language, ...] = LANGUAGES,
    most: int = MOST_FINDINGS,
) -> None:
    """The report with the first `most` findings of each rule; it opens in `language`, and speaks all `languages`."""
    told = report(summary, findings, language, languages, most)
    with beside(target) as part:
        part.write_text(told, encoding="utf-8")


def report(
    summary: Summary,
    findings: Findings,
    language: Language = "en",
    languages: tuple[Language, ...] = LANGUAGES,
    most: int = MOST_FINDINGS,
) -> str:
    """The page: the same for the same numbers and findings."""
    found = _found(summary, findings, most)
    spoken = tuple(dict.fromkeys((language, *languages)))
    return rendered(
        str(__package__),
        "report",
        spoken,
        {
            "n": words.grouped,
            "counted": words.counted,
            "facts": lambda finding: shown(words.facts_in_words(finding.facts)),
            "when": lambda finding: words.when(finding.at, findings.zone),
            "iso": lambda finding: words.moment(finding.at, findings.zone).isoformat(),
            "share": _share,
            "explanation": _explanation,
            "severities": words.SEVERITIES,
            "verdicts": words.VERDICTS,
            "title_of": words.title_of,
            "already": words.already,
            "summary": summary,
            "headline": words.found_in_all(summary),
            "judged_nothing": summary.judged_nothing and not summary.accounts_with_findings,
            "lenient": words.LENIENT,
            "with_default": words.with_default(summary),
            "day": summary.at[:10],
            "totals": {severity: summary.counting(severity) for severity in words.SEVERITIES},
            "excused": sum(each.excused for each in summary.rules),
            "excuses": findings.excuses(_MOST_EXCUSES),
            "unknown": words.unknown_outcomes(summary),
            "rules": found,
            "quiet": _quiet(summary),
            "months": [(each, _months(each, summary.at[:7]), _reading(each, found)) for each in summary.months],
            "lifecycles": [(each, drawing(picture(each)), _moves(each, summary)) for each in summary.lifecycles],
            "placeholder": _PLACEHOLDER,
            "stray": _STRAY,
            "reading_of": _READING,
            "judged_again": words.judged_again(summary.cross_check) if summary.cross_check is not None else None,
            "differences": summary.cross_check.differences[:_MOST_DIFFERENCES] if summary.cross_check else (),
        },
    )


def _explanation(finding: Finding) -> Text:
    return finding.explanation if finding.explanation.best("en") else Text(finding.rule, finding.rule)


# ---------------------------------------------------------------------------------------------------- what is shown


def _found(summary: Summary, findings: Findings, most: int) -> list[_Found]:
    first = findings.first_of_each_rule(most)
    told = [each for each in words.worst_first(summary.rules) if words.found_something(each) or each.rule in first]
    return [_Found(f"rule-{number}", each, first.get(each.rule, [])) for number, each in enumerate(told, 1)]


def _quiet(summary: Summary) -> list[RuleTally]:
    not_judged = {each.rule for each in summary.not_judged}
    return [each for each in summary.rules if not words.found_something(each) and each.rule not in not_judged]


def _months(months: Months, now: str) -> list[_Month]:
    """The bars: without the empty months at both ends, and with one for several empty ones that follow each other."""
    told = [_Month(Text("earlier", "更早"), months.before, "before")] if months.before else []
    shown = [index for index, (name, count) in enumerate(months.counts) if count or name == now]
    between = months.counts[shown[0] : shown[-1] + 1] if shown else ()
    for is_empty, run in groupby(between, key=lambda month: not month[1] and month[0] != now):
        several = list(run)
        if is_empty and len(several) >= _FOLDED:
            several = [(f"{several[0][0]} – {several[-1][0]}", 0)]
        for name, count in several:
            told.append(_Month(Text(name, name), count, "before" if name < now else "at" if name == now else "after"))
    return [*told, _Month(Text("later", "更晚"), months.after, "after")] if months.after else told


def _reading(months: Months, found: list[_Found]) -> list[_Found]:
    """What the policy itself says of the field: the rules that read it and found something."""
    return [each for each in found if each.tally.rule in months.rules]


def _moves(tally: LifecycleTally, summary: Summary) -> list[tuple[Text, Text, Text, Edge]]:
    """From, to, by what: the drawing's edges as a table."""
    titles = {name: title for name, title, _ in tally.states if title is not None}
    rules = {each.rule: each.title for each in summary.rules}
    told: list[tuple[Text, Text, Text, Edge]] = []
    for edge in tally.edges:
        by = Text("several transitions", "多次变更") if edge.allowed else _STRAY
        if edge.move is not None:
            title = rules.get(edge.move) or rules.get(f"lifecycle.{tally.field}.{edge.move}")
            by = title if title is not None else Text(edge.move, edge.move)
            if not edge.allowed:
                by = Text(*(f"{by.best(each)} ({_STRAY.best(each)})" for each in LANGUAGES))
        ends = [titles.get(name, Text(name, name)) for name in (edge.source, edge.target)]
        told.append((ends[0], ends[1], by, edge))
    return told


def _share(count: int, most: int) -> str:
    """How wide a bar is, in percent; what is there at all can be seen."""
    return f"{max(100 * count / most, 0.6):.2f}" if count and most else "0"
