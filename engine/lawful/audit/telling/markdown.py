"""An audit as Markdown: for the comment on a pull request or a job's summary.

Texts out of the data are inert: no markup, no link, nobody mentioned.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from lawful.audit.summary import RuleTally, Summary
from lawful.audit.telling import words
from lawful.audit.telling.finding import Finding, Findings
from lawful.audit.writing import beside
from lawful.ir import Language
from lawful.pages import texts
from lawful.version import __version__

_MOST_FINDINGS: Final = 20
_MOST_RULES: Final = 100
_MOST_DIFFERENCES: Final = 20
_LONGEST: Final = 300
_MARKUP: Final = re.compile(r"[\\`*_\[\]|~$]")
_LINKED: Final = re.compile(r"[@#](?=\S)|:(?=//)|www(?=\.)|\bGH(?=-)", re.IGNORECASE)
"""The beginnings of what services make links of."""
_UNSEEN: Final = "&#8203;"
_TICKS: Final = re.compile("`+")


def write_markdown(summary: Summary, findings: Findings, target: Path, language: Language = "en") -> None:
    with beside(target) as part:
        part.write_text(markdown(summary, findings, language), encoding="utf-8")


def markdown(summary: Summary, findings: Findings, language: Language = "en") -> str:
    """The totals, a table of the rules, the first findings, and what else should be known."""
    return "\n\n".join("\n".join(block) for block in _blocks(summary, findings, language)) + "\n"


def _blocks(summary: Summary, findings: Findings, language: Language) -> Iterator[list[str]]:
    title = summary.title.best(language) if summary.title is not None else summary.policy.id
    yield [f"## {words.say(language, 'Audit: ', '审计：')}{escaped(title)}"]
    open_sign = "❓ " if summary.judged_nothing and not summary.accounts_with_findings else ""
    yield [f"{open_sign}**{escaped(words.found_in_all(summary).best(language))}**"]
    named = f"{summary.policy.id} {summary.policy.version}"
    facts = (code(summary.inventory), escaped(named), escaped(summary.at), escaped(summary.engine))
    yield [" · ".join((*facts, f"{summary.seconds:.1f} s"))]
    found = [each for each in words.worst_first(summary.rules) if words.found_something(each)]
    if found:
        yield list(_table(found, language))
        yield from _first(findings, language)
    yield from _notes(summary, language)
    yield [f"<sub>lawful {__version__} · {code(summary.policy.digest)}</sub>"]


def _table(found: list[RuleTally], language: Language) -> Iterator[str]:
    heads = words.say(
        language,
        "severity | rule | counting | excused | unknown | title",
        "严重程度 | 规则 | 计入 | 不计入 | 无法确定 | 名称",
    )
    yield f"| {heads} |"
    yield "| --- | --- | ---: | ---: | ---: | --- |"
    for each in found[:_MOST_RULES]:
        counts = " | ".join(words.grouped(number) for number in (each.counting, each.excused, each.unknown))
        title = escaped(each.title.best(language)) if each.title is not None else ""
        yield f"| {words.SEVERITIES[each.severity].best(language)} | {code(each.rule)} | {counts} | {title} |"
    if len(found) > _MOST_RULES:
        left_out = len(found) - _MOST_RULES
        english = words.counted(left_out, "more rule")
        yield f"| | {words.say(language, english, f'另有{left_out}条规则')} | | | | |"


def _first(findings: Findings, language: Language) -> Iterator[list[str]]:
    """Folded away: they may be long."""
    told = findings.first(_MOST_FINDINGS)
    if not told:
        return
    english = f"The first {words.counted(len(told), 'finding')}"
    yield ["<details>", f"<summary>{words.say(language, english, f'前{len(told)}个问题')}</summary>"]
    yield [
        f"| {words.say(language, 'account | rule | at | explanation', '帐号 | 规则 | 时间 | 说明')} |",
        "| --- | --- | --- | --- |",
        *(_row(each, findings, language) for each in told),
    ]
    yield ["</details>"]


def _row(finding: Finding, findings: Findings, language: Language) -> str:
    told = escaped(texts.shortened(finding.explanation.best(language), _LONGEST))
    if finding.status == "unknown":
        told = words.say(language, "unknown: ", "无法确定：") + told
    if finding.excused is not None:
        told += f" ({escaped(texts.shortened(finding.excused, _LONGEST))})"
    account = code(texts.shortened(finding.account, _LONGEST))
    return f"| {account} | {code(finding.rule)} | {words.when(finding.at, findings.zone)} | {told} |"


def _notes(summary: Summary, language: Language) -> Iterator[list[str]]:
    notes: list[str] = []
    unknown, rules = words.unknown_outcomes(summary)
    if unknown:
        english = f"{words.counted(unknown, 'outcome')} of {words.counted(rules, 'rule')} unknown"
        chinese = f"{words.grouped(rules)}条规则共{words.grouped(unknown)}项结果无法确定"
        notes.append(f"- {words.say(language, english, chinese)}")
    for each in summary.not_judged:
        fields = words.listed((code(field) for field in each.fields), language)
        notes.append(f"- {words.say(language, 'not judged: ', '未判定：')}{code(each.rule)} ({fields})")
    mend = words.with_default(summary)
    if mend is not None:
        notes.append(f"  - {escaped(mend.best(language))}")
    for problem in summary.data:
        examples = words.listed((code(texts.shortened(text, 60)) for text in problem.examples), language)
        told = f"{code(problem.column)}: {escaped(problem.problem.best(language))}: {words.grouped(problem.count)}"
        notes.append(f"- {told} ({examples})" if examples else f"- {told}")
    if summary.data:
        notes.append(f"  - {escaped(words.LENIENT.best(language))}")
    for question, verdicts in summary.questions.items():
        so = words.already(summary, question).best(language)
        counts = (
            f"{words.VERDICTS[name].best(language)} {words.grouped(n)}{so if name == 'allow' else ''}"
            for name, n in verdicts.items()
        )
        notes.append(f"- {code(question)}: {words.listed(counts, language)}")
    check = summary.cross_check
    if check is not None:
        sign = "❌ " if check.differences else ""
        notes.append(f"- {sign}{words.judged_again(check).best(language)}")
        notes += [f"  - {escaped(texts.shortened(each, _LONGEST))}" for each in check.differences[:_MOST_DIFFERENCES]]
    if notes:
        yield notes


def escaped(text: str) -> str:
    r"""A text that Markdown shows as it is.

    >>> escaped("*a* <b> @owner")
    '\\*a\\* &lt;b&gt; @&#8203;owner'
    """
    plain = html.escape(texts.visible(" ".join(text.split())), quote=False)
    marked = _MARKUP.sub(lambda found: "\\" + found[0], plain)
    return _LINKED.sub(lambda found: found[0] + _UNSEEN, marked)


def code(text: str) -> str:
    r"""A text in a code span, which may stand in a table.

    >>> code("a`b|c")
    '``a`b\\|c``'
    """
    shown = texts.visible(" ".join(text.split())).replace("|", "\\|")
    ticks = "`" * (max((len(run) for run in _TICKS.findall(shown)), default=0) + 1)
    pad = " " if not shown or shown.startswith("`") or shown.endswith("`") else ""
    return f"{ticks}{pad}{shown}{pad}{ticks}"
