"""An audit as JUnit XML, which build servers show: a test case per rule, failed where it has findings that count."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

from lawful.audit.summary import RuleTally, Summary
from lawful.audit.telling import words
from lawful.audit.telling.finding import Finding, Findings
from lawful.audit.writing import beside
from lawful.ir import Language, Severity
from lawful.pages import texts

_TOLD: Final = 10
"""Findings of each rule."""
_NOT_XML: Final = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_junit(
    summary: Summary, findings: Findings, target: Path, language: Language = "en", *, fail_on: Severity = "error"
) -> None:
    """Rules below `fail_on` pass, with their findings as output."""
    root = junit(summary, findings, language, fail_on=fail_on)
    ElementTree.indent(root)
    told = ElementTree.tostring(root, encoding="unicode")
    with beside(target) as part:
        part.write_text(f'<?xml version="1.0" encoding="UTF-8"?>\n{told}\n', encoding="utf-8")


def junit(
    summary: Summary, findings: Findings, language: Language = "en", *, fail_on: Severity = "error"
) -> ElementTree.Element:
    """The tree."""
    failing = list(words.SEVERITIES)[: list(words.SEVERITIES).index(fail_on) + 1]
    suite = ElementTree.Element("testsuite", name=_text(f"lawful audit {summary.policy.id} {summary.policy.version}"))
    examples = findings.first_of_each_rule(_TOLD)
    not_judged = {each.rule for each in summary.not_judged}
    for tally in words.worst_first(summary.rules):
        if tally.rule not in not_judged:
            _judged(
                suite, summary, tally, examples.get(tally.rule, []), findings, language, fails=tally.severity in failing
            )
    for each in summary.not_judged:
        fields = words.listed(each.fields, language)
        text = words.say(language, f"no column for: {fields}", f"缺少字段：{fields}")
        ElementTree.SubElement(_case(suite, summary, each.rule), "skipped", message=_text(text))
    _nothing_judged(suite, summary, language)
    _cross_check(suite, summary, language)
    counts = {
        "tests": len(suite.findall("testcase")),
        "failures": len(suite.findall("testcase/failure")),
        "errors": len(suite.findall("testcase/error")),
        "skipped": len(suite.findall("testcase/skipped")),
    }
    root = ElementTree.Element("testsuites", name="lawful audit")
    for element in (root, suite):
        element.attrib |= {name: str(count) for name, count in counts.items()} | {"time": f"{summary.seconds:.3f}"}
    root.append(suite)
    return root


def _judged(
    suite: ElementTree.Element,
    summary: Summary,
    tally: RuleTally,
    examples: list[Finding],
    findings: Findings,
    language: Language,
    *,
    fails: bool,
) -> None:
    case = _case(suite, summary, tally.rule)
    if tally.place is not None:
        case.attrib |= {"file": _text(tally.place.file), "line": str(tally.place.line)}
    if not words.found_something(tally):
        return
    headline = _headline(tally, language)
    told = "\n".join([headline, *(_line(each, findings, language) for each in examples)])
    if fails and tally.counting:
        failure = ElementTree.SubElement(case, "failure", message=_text(headline), type=tally.severity)
        failure.text = _text(told)
    else:
        ElementTree.SubElement(case, "system-out").text = _text(told)


def _case(suite: ElementTree.Element, summary: Summary, rule: str) -> ElementTree.Element:
    return ElementTree.SubElement(suite, "testcase", classname=_text(summary.policy.id), name=_text(rule), time="0")


def _headline(tally: RuleTally, language: Language) -> str:
    counting, excused, unknown = (words.grouped(each) for each in (tally.counting, tally.excused, tally.unknown))
    counts = [words.say(language, words.counted(tally.counting, "finding"), f"{counting}个问题")]
    if tally.excused:
        counts.append(words.say(language, f"{excused} excused", f"{excused}个不计入"))
    if tally.unknown:
        counts.append(words.say(language, f"{unknown} unknown", f"{unknown}个无法确定"))
    return words.title_of(tally).best(language) + words.say(language, ": ", "：") + words.listed(counts, language)


def _line(finding: Finding, findings: Findings, language: Language) -> str:
    aside = finding.excused or (finding.status if finding.status == "unknown" else "")
    told = f"{finding.account}  {words.when(finding.at, findings.zone)}  {finding.explanation.best(language)}"
    return texts.visible(f"{told}  ({aside})" if aside else told)


def _nothing_judged(suite: ElementTree.Element, summary: Summary, language: Language) -> None:
    """An error, for skipped tests alone are green on every build server."""
    why = words.nothing_judged(summary)
    if why is not None:
        case = _case(suite, summary, "audit")
        ElementTree.SubElement(case, "error", message=_text(why.best(language)), type="nothing-judged")


def _cross_check(suite: ElementTree.Element, summary: Summary, language: Language) -> None:
    check = summary.cross_check
    if check is None:
        return
    case = _case(suite, summary, "cross-check")
    told = words.judged_again(check).best(language)
    if check.differences:
        error = ElementTree.SubElement(case, "error", message=_text(told), type="disagreement")
        error.text = _text("\n".join(check.differences))
    else:
        ElementTree.SubElement(case, "system-out").text = _text(told)


def _text(text: str) -> str:
    """What XML can hold of it."""
    return _NOT_XML.sub("\ufffd", text)
