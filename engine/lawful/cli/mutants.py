"""`lawful test --mutants`: would the cases notice if a rule were another?"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from lawful.cli import exit_code
from lawful.cli.interrupt import interruptible
from lawful.cli.layout import Row, row
from lawful.cli.progress import working
from lawful.cli.terminal import Terminal

if TYPE_CHECKING:
    from lawful.cases import Case
    from lawful.mutation.mutants import Mutant
    from lawful.mutation.pasting import CaseData
    from lawful.mutation.score import Score
    from lawful.policy import Policy


def run_mutants(
    policy: Policy, cases: Sequence[Case], terminal: Terminal, *, form: str, min_score: float | None, caught: bool
) -> int:
    """Try the policy's mutants on cases that all pass. The code: 1 where the score is below the wanted one, else 0."""
    from lawful.mutation.killing import asked
    from lawful.mutation.score import scored

    with interruptible(), working(wanted=not terminal.quiet) as telling:
        score = scored(policy, asked(policy, cases), telling, every=caught or form == "json")
        telling("")
    enough = min_score is None or score.share * 100 >= min_score
    pasted = _pasted(policy, score, {each.name for each in cases})
    if form == "json":
        terminal.text(json.dumps(_json(score, pasted), ensure_ascii=False))
    else:
        if caught:
            terminal.rows(_caught(score, terminal))
        shown: set[str] = set()
        for survivor, data in zip(score.survivors, pasted, strict=True):
            _tell(survivor.mutant, data, terminal, shown)
        if not score.with_solver and any(each.found is None for each in score.survivors):
            terminal.rows([row(0, (_without_solver(terminal), "open"))])
        terminal.rows([_summary(score, terminal, min_score)])
    return exit_code.FINE if enough else exit_code.DENIED


def _caught(score: Score, terminal: Terminal) -> Iterator[Row]:
    for each in score.caught:
        words = each.mutant.words.best(terminal.language)
        yield row(0, ("✓ ", "good"), (each.mutant.subject, "bold"), f": {words}", right=_place(each.mutant))
        first, many = each.caught_by[0], len(each.caught_by)
        others = terminal.say(f" and {many - 1} more", f" 等{many}个用例") if many > 1 else ""
        told = terminal.say(f"caught by: {first.name}{others}", f"被发现：{first.name}{others}")
        yield row(1, (told, "dim"), right=first.place)


def _pasted(policy: Policy, score: Score, taken: set[str]) -> list[CaseData | None]:
    """Of each survivor the case that catches it, where a request was found: cases that differ have other names."""
    from lawful.mutation.pasting import case, distinct

    told: list[CaseData | None] = []
    for each in score.survivors:
        if each.found is None:
            told.append(None)
            continue
        data = case(policy.program, each.found.request, each.found.policy, each.found.mutant)
        alike = (other for other in told if other is not None and {**other, "name": data["name"]} == data)
        same = next(alike, None)
        if same is None:
            same = {**data, "name": distinct(data["name"], taken)}
            taken.add(same["name"])
        told.append(same)
    return told


def _tell(mutant: Mutant, data: CaseData | None, terminal: Terminal, shown: set[str]) -> None:
    """A survivor; with a case, unless that was `shown` for another one."""
    from lawful.mutation.pasting import yaml_of

    words = mutant.words.best(terminal.language)
    terminal.rows([row(0, ("✗ ", "bad"), (mutant.subject, "bold"), f": {words}", right=_place(mutant))])
    if data is None:
        told = terminal.say(
            "no request was found that tells it from the policy: it may be equivalent",
            "未找到能区分它与策略的请求：可能与策略等价",
        )
        terminal.rows([row(1, (told, "open"))])
        return
    pasted = yaml_of(data)
    if pasted in shown:
        told = terminal.say(f"caught by the case above: {data['name']}", f"上述用例可发现它：{data['name']}")
        terminal.rows([row(1, (told, "dim"))])
        return
    shown.add(pasted)
    terminal.rows([row(1, (terminal.say("a case that catches it:", "可发现它的用例："), "dim"))])
    terminal.text(pasted)


def _without_solver(terminal: Terminal) -> str:
    return terminal.say(
        "which of them are equivalent was not asked of Z3: pip install 'lawful[prove]'",
        "未用 Z3 检查其中哪些等价：pip install 'lawful[prove]'",
    )


def _place(mutant: Mutant) -> str:
    return f"{mutant.place.file}:{mutant.place.line}"


def _summary(score: Score, terminal: Terminal, wanted: float | None) -> Row:
    total, left = len(score.caught) + len(score.survivors), len(score.survivors)
    percent = _percent(score)
    same = len(score.equivalent)
    besides = terminal.say(f", {same} more are equivalent", f"，另有{same}个等价") if same else ""
    told = terminal.say(
        f"{len(score.caught)} of {total} mutants caught ({percent} %){besides}",
        f"{total}个变异中发现{len(score.caught)}个（{percent}%）{besides}",
    )
    if wanted is not None and score.share * 100 < wanted:
        below = terminal.say(f": below {wanted:g} %", f"：低于{wanted:g}%")
        return row(0, (f"✗ {told}{below}", "bad"))
    return row(0, (f"✓ {told}" if not left else f"! {told}", "warning" if left else "good"))


def _percent(score: Score) -> str:
    """Rounded down: 100 is said of all alone."""
    return f"{int(score.share * 1000) / 10:g}"


def _json(score: Score, pasted: Sequence[CaseData | None]) -> dict[str, Any]:
    def one(mutant: Mutant, status: str, **more: Any) -> dict[str, Any]:
        return {
            "mutant": mutant.name,
            "rule": mutant.subject,
            "operator": mutant.operator,
            "change": {"en": mutant.words.en, "zh": mutant.words.zh},
            "place": {"file": mutant.place.file, "line": mutant.place.line, "column": mutant.place.column},
            "status": status,
            "caught_by": [],
            "case": None,
            **more,
        }

    outcomes = [
        one(
            each.mutant,
            "caught",
            caught_by=[
                {"name": caught.name, "file": caught.span.source.name, "line": caught.span.line}
                for caught in each.caught_by
            ],
        )
        for each in score.caught
    ]
    outcomes += [one(each.mutant, "survived", case=data) for each, data in zip(score.survivors, pasted, strict=True)]
    outcomes += [one(each, "equivalent") for each in score.equivalent]
    return {
        "schema": "lawful/mutants/v1",
        "mutants": len(outcomes),
        "caught": len(score.caught),
        "survived": len(score.survivors),
        "equivalent": len(score.equivalent),
        "score": round(score.share, 4),
        "with_solver": score.with_solver,
        "outcomes": outcomes,
    }
