"""The findings as SARIF 2.1.0, which code-scanning services show beside the policy's lines.

A finding that the baseline or a waiver excuses is there, suppressed; one that is unknown is open and of no level.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from lawful.audit.summary import RuleTally, Summary
from lawful.audit.telling import words
from lawful.audit.telling.finding import Finding, Findings
from lawful.audit.writing import beside
from lawful.ir import Language, Place
from lawful.version import __version__

MOST_RESULTS: Final = 5_000
"""What the services take of one run."""
_LEVELS: Final = {"error": "error", "warning": "warning", "info": "note"}
_LINK: Final = re.compile(r"\[(?=[^\]]*\]\()")
_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def write_sarif(
    summary: Summary, findings: Findings, target: Path, language: Language = "en", *, folder: str = ""
) -> None:
    """`folder` is the policy's, relative to the repository's root: `policies/wechat`. An absolute one is told as seen
    from the working directory, or not at all: what is on whose machine is nobody's business.
    """
    told = json.dumps(sarif(summary, findings, language, folder=folder), ensure_ascii=False, indent=2)
    with beside(target) as part:
        part.write_text(told + "\n", encoding="utf-8")


def sarif(summary: Summary, findings: Findings, language: Language = "en", *, folder: str = "") -> dict[str, Any]:
    """The log, as JSON has it."""
    rules = sorted(summary.rules, key=lambda each: each.rule)
    places = {each.rule: (index, each.place) for index, each in enumerate(rules)}
    told = findings.first(MOST_RESULTS)
    run: dict[str, Any] = {
        "tool": {
            "driver": {
                "name": "lawful",
                "version": __version__,
                "semanticVersion": __version__,
                "rules": [_rule(each, language) for each in rules],
            }
        },
        "language": "en" if language == "en" else "zh-CN",
        "columnKind": "unicodeCodePoints",
        "invocations": [_invocation(summary, findings.count() - len(told), language)],
        "results": [_result(each, places, findings, language, folder) for each in told],
        "properties": {
            "policy": f"{summary.policy.id} {summary.policy.version}",
            "digest": summary.policy.digest,
            "at": summary.at,
            "inventory": summary.inventory,
            "accounts": summary.accounts,
            "accountsWithFindings": summary.accounts_with_findings,
        },
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(tally: RuleTally, language: Language) -> dict[str, Any]:
    title = words.title_of(tally).best(language)
    help_text = title if tally.source is None else f"{title} ({tally.source})"
    return {
        "id": tally.rule,
        "name": tally.rule,
        "shortDescription": {"text": title},
        "help": {"text": help_text},
        "defaultConfiguration": {"level": _LEVELS[tally.severity]},
        "properties": {
            "violated": tally.violated,
            "excused": tally.excused,
            "unknown": tally.unknown,
            **({"source": tally.source} if tally.source is not None else {}),
        },
    }


def _invocation(summary: Summary, left_out: int, language: Language) -> dict[str, Any]:
    """What is not among the results is told as notifications."""
    told: list[dict[str, Any]] = []
    if left_out:
        english = f"left out: {words.counted(left_out, 'more finding')}"
        text = words.say(language, english, f"另有{words.grouped(left_out)}个问题未列出")
        told.append(_notification("warning", text))
    unjudged = words.nothing_judged(summary)
    if unjudged is not None:
        told.append(_notification("warning", unjudged.best(language)))
    for each in summary.not_judged:
        fields = words.listed(each.fields, language)
        text = words.say(language, f"not judged, no column for: {fields}", f"未判定，缺少字段：{fields}")
        told.append({**_notification("note", text), "associatedRule": {"id": each.rule}})
    for problem in summary.data:
        text = f"{problem.column}: {problem.problem.best(language)}: {words.grouped(problem.count)}"
        told.append(_notification("warning", text))
    check = summary.cross_check
    if check is not None:
        level = "error" if check.differences else "note"
        told.append(_notification(level, words.judged_again(check).best(language)))
    return {"executionSuccessful": check is None or not check.differences, "toolExecutionNotifications": told}


def _notification(level: str, text: str) -> dict[str, Any]:
    return {"level": level, "message": {"text": text}}


def _result(
    finding: Finding,
    places: dict[str, tuple[int, Place | None]],
    findings: Findings,
    language: Language,
    folder: str,
) -> dict[str, Any]:
    violated = finding.status == "violated"
    index, place = places.get(finding.rule, (-1, None))
    return {
        "ruleId": finding.rule,
        **({"ruleIndex": index} if index >= 0 else {}),
        "kind": "fail" if violated else "open",
        "level": _LEVELS[finding.severity] if violated else "none",
        "message": {"text": _unlinked(f"{finding.account}: {finding.explanation.best(language) or finding.rule}")},
        "locations": [_location(finding, place, folder)],
        "partialFingerprints": {"accountRuleAt/v1": _fingerprint(finding)},
        **(
            {"suppressions": [{"kind": "external", "status": "accepted", "justification": finding.excused}]}
            if finding.excused is not None
            else {}
        ),
        "properties": {
            "at": words.moment(finding.at, findings.zone).isoformat(),
            "about": finding.about,
            "facts": finding.facts,
            **({"source": finding.source} if finding.source is not None else {}),
        },
    }


def _location(finding: Finding, place: Place | None, folder: str) -> dict[str, Any]:
    logical = {"logicalLocations": [{"name": finding.account, "kind": "resource"}]}
    if place is None:
        return logical
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": quote((from_here(folder) / place.file).as_posix()), "uriBaseId": "%SRCROOT%"},
            "region": {"startLine": place.line, "startColumn": place.column},
        },
        **logical,
    }


def from_here(folder: str) -> Path:
    path = Path(folder)
    if not path.is_absolute():
        return path
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else Path()


def _unlinked(text: str) -> str:
    """The text where none of it is what SARIF takes for a link."""
    return _LINK.sub(r"\\[", text)


def _fingerprint(finding: Finding) -> str:
    """Of what makes a finding the same in the next audit."""
    parts = json.dumps([finding.account, finding.rule, finding.at], ensure_ascii=False)
    return hashlib.sha256(parts.encode()).hexdigest()
