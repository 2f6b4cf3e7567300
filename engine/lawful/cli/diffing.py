"""What `lawful diff` does with its options: the differences, and whom they touch, told on the terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from lawful.audit.touched import Found, Touched, Turned
from lawful.cli.layout import GAP, Piece, Role, Row, row
from lawful.cli.progress import working
from lawful.cli.terminal import Terminal
from lawful.ir import Text
from lawful.policy import Policy
from lawful.proofs.differences import Diff, Difference, Tendency, tendency
from lawful.proofs.differences_told import SIDES, Sayings, as_json
from lawful.proofs.examples_told import VERDICT_WORDS
from lawful.version import __version__

_SIGNS: Final[dict[Tendency, Piece]] = {
    "loosened": ("▲", "bad"),
    "tightened": ("▼", "warning"),
    "other": ("≠", "open"),
}
_HEADS: Final[dict[Tendency, Text]] = {
    "loosened": Text("loosened", "放宽"),
    "tightened": Text("tightened", "收紧"),
    "other": Text("otherwise different", "其他差异"),
}


@dataclass(frozen=True, slots=True)
class Accounts:
    """Whose accounts are asked, and what."""

    inventory: str
    can: tuple[str, ...]
    at: str | None
    history: str | None
    changed: str | None
    columns: tuple[str, ...] = ()
    lenient: bool = False


def run(
    old: Policy,
    new: Policy,
    asked: Accounts | None,
    seconds: float,
    terminal: Terminal,
    *,
    as_json: bool,
    verbose: bool = False,
) -> Diff:
    """Compare and tell; the accounts first, of which something may be wrong. Raises ProofError, AuditError."""
    with working(wanted=not terminal.quiet) as at:
        touched = None
        if asked is not None:
            touched = old.touched(
                new,
                asked.inventory,
                can=asked.can,
                at=asked.at,
                history=asked.history,
                changed=asked.changed,
                columns=asked.columns,
                lenient=asked.lenient,
                told=at,
            )
        found = old.diff(new, timeout=seconds, told=at)
        at("")
    if as_json:
        terminal.text(_json(found, touched))
    else:
        terminal.rows(_Report(found, touched, terminal, verbose=verbose).rows())
    return found


def _json(found: Diff, touched: Touched | None) -> str:
    told = as_json(found, __version__)
    if touched is not None:
        told["accounts"] = {
            "engine": touched.engine,
            "accounts": touched.accounts,
            "sampled": touched.sampled,
            "questions": list(touched.questions),
            "turned": [
                {
                    "question": each.question,
                    "old": each.old,
                    "new": each.new,
                    "accounts": each.accounts,
                    "examples": list(each.examples),
                }
                for each in touched.turned
            ],
            "findings": [
                {
                    "rule": each.rule,
                    "appears": each.appears,
                    "accounts": each.accounts,
                    "examples": list(each.examples),
                }
                for each in touched.found
            ],
        }
    return json.dumps(told, ensure_ascii=False, indent=2)


_MOST_IN_A_LINE: Final = 2
_MOST_CASES: Final = 3
"""Of where a difference is, so many cases are read."""
_MOST_CALLED: Final = 6


class _Report:
    """The differences as a person reads them: what is looser first."""

    def __init__(self, diff: Diff, touched: Touched | None, terminal: Terminal, *, verbose: bool) -> None:
        self.diff = diff
        self.verbose = verbose
        self.touched = touched
        self.terminal = terminal
        self.sayings = Sayings(diff, terminal.language)

    def rows(self) -> Iterator[Row]:
        say = self.terminal.say
        many = len(self.diff.changes)
        counted = say(f"{many} change{'s' if many != 1 else ''}", f"{many}种变更")
        yield row(0, (self._title(), "bold"), right=f"{counted}, {self.diff.seconds:.1f} s")
        for head in _HEADS:
            if some := self.diff.of(head):
                yield row(1, _SIGNS[head], " ", (_HEADS[head].best(self.terminal.language), "bold"))
                told = [each for each in some if not self.sayings.is_vain(each)]
                for change, group in groupby(told, key=lambda each: each.change):
                    yield row(2, self.sayings.change(change), (f"{GAP}{change}", "dim"))
                    for each in group:
                        yield from self._difference(each)
                if vain := [each for each in some if self.sayings.is_vain(each)]:
                    yield self._vain(vain)
        yield from self._unsettled()
        yield self._conclusion()
        yield from self._only()
        yield from self._texts()
        if self.touched is not None:
            yield from self._accounts(self.touched)
        for assumed in self.diff.assumptions:
            yield row(1, (say("assumed: ", "前提：") + assumed.best(self.terminal.language), "dim"))

    def _vain(self, differences: Sequence[Difference]) -> Row:
        """In a line: nobody's request is answered otherwise."""
        say = self.terminal.say
        changes = say(", ", "、").join(dict.fromkeys(self.sayings.change(each.change) for each in differences))
        told = say("refused by both, with other warnings or reasons: ", "两者均拒绝，仅警告或理由不同：")
        return row(2, (told, "dim"), changes)

    def _title(self) -> str:
        old, new = self.diff.old, self.diff.new
        if old.id == new.id:
            return f"{old.id} {old.version} → {new.version}"
        return f"{old.id} {old.version} → {new.id} {new.version}"

    def _difference(self, each: Difference) -> Iterator[Row]:
        say = self.terminal.say
        assert each.example is not None
        role: Role = {"loosened": "bad", "tightened": "warning", "other": "open"}[tendency(each.kind)]  # type: ignore[assignment]  # roles
        yield row(3, (self.sayings.kind(each), role))
        if each.where is not None:
            cases = self.sayings.cases(each.where)
            for place in self._first(cases, _MOST_CASES):
                yield row(4, (say("where ", "情形："), "dim"), place)
            yield from self._more(len(cases) - _MOST_CASES, 4)
            for remark in self.sayings.remarks(each.where):
                yield row(4, (remark, "dim"))
        examples = self.sayings.examples
        yield row(4, (say("such as ", "例如："), "dim"), examples.at(each.example), GAP, examples.request(each.example))
        old, new = examples.answers(each, each.example)
        yield row(5, (say("before: ", "旧："), "dim"), old, (say("; now: ", "；新："), "dim"), new)
        for lead, ground in examples.grounds(each.example):
            yield row(5, (lead, "dim"), ground)
        yield from self._further(each)

    def _further(self, each: Difference) -> Iterator[Row]:
        """What else decides, where the example does not show it."""
        also = self.terminal.say("elsewhere ", "另有 ")
        for rule, ground in self.sayings.examples.further(each):
            yield row(4, (also, "dim"), rule, GAP, ground)
        if not each.surveyed:
            told = self.terminal.say(
                "whether other rules decide elsewhere is not settled", "是否另有其他规则起作用，未能确定"
            )
            yield row(4, (told, "dim"))

    def _first(self, some: Sequence[str], most: int) -> Sequence[str]:
        return some if self.verbose else some[:most]

    def _more(self, many: int, depth: int) -> Iterator[Row]:
        """How many were left out."""
        if many > 0 and not self.verbose:
            told = self.terminal.say(f"and {many} more with --verbose", f"另有{many}项，见 --verbose")
            yield row(depth, (told, "dim"))

    def _unsettled(self) -> Iterator[Row]:
        say = self.terminal.say
        for each in self.diff.unsettled:
            told = f"{self.sayings.change(each.change)}, {self.sayings.kind(each)}"
            yield row(1, ("?", "open"), " ", told, say(": ", "："), self.sayings.why_not(each))

    def _conclusion(self) -> Row:
        say, diff = self.terminal.say, self.diff
        if diff.equal:
            told = say(
                "equal, proved: every change is answered alike, in any state, with any history",
                "等价，已证明：任何状态、任何历史下，每种变更的答复都相同",
            )
            return row(1, ("✓", "good"), " ", told)
        if diff.unsettled:
            return row(
                1, ("?", "open"), " ", say("whether there are others is not proved", "是否还有其他差异，未能证明")
            )
        told = say(
            "there is no other, proved: for one change, in any state, with any history",
            "没有其他差异，已证明：对任何状态、任何历史下的单次变更",
        )
        return row(1, ("✓", "good"), " ", told)

    def _only(self) -> Iterator[Row]:
        language = self.terminal.language
        for side, group in groupby(sorted(self.diff.only, key=lambda each: each.side), key=lambda each: each.side):
            these = list(group)
            told = list(self.sayings.only(these, whole=self.verbose))
            lead = self.terminal.say(
                f"only {SIDES[side].best(language)} knows ", f"只有{SIDES[side].best(language)}有："
            )
            if len(told) <= _MOST_IN_A_LINE:
                yield row(1, ("·", "open"), " ", lead, self.terminal.say("; ", "；").join(told))
            else:
                yield row(1, ("·", "open"), " ", lead.rstrip())
                yield from (row(3, each) for each in told)
            if self.sayings.leaves_out(these) and not self.verbose:
                yield row(3, (self.terminal.say("--verbose lists all", "--verbose 列出全部"), "dim"))

    def _texts(self) -> Iterator[Row]:
        """What has other words."""
        say, sayings = self.terminal.say, self.sayings
        if called := sayings.called():
            yield row(1, ("·", "open"), " ", say("called otherwise", "名称不同"))
            yield from (row(3, each) for each in self._first(called, _MOST_CALLED))
            yield from self._more(len(called) - _MOST_CALLED, 3)
        if rules := sayings.in_other_words():
            lead = say("rules in other words", "表述不同的规则")
            if self.verbose:
                yield row(1, ("·", "open"), " ", lead)
                yield from (row(3, sayings.retold(each)) for each in rules)
            else:
                names = sayings.few([each.name for each in rules], whole=False)
                yield row(1, ("·", "open"), " ", lead, say(": ", "："), names)

    # --------------------------------------------------------------------------------------------------- accounts

    def _accounts(self, touched: Touched) -> Iterator[Row]:
        say = self.terminal.say
        asked = touched.accounts if touched.sampled is None else touched.sampled
        told = say(f"{asked:,} accounts asked", f"询问了{asked:,}个帐号")
        if touched.sampled is not None:
            told = say(
                f"{asked:,} of {touched.accounts:,} accounts asked",
                f"抽样询问了{asked:,}个帐号（共{touched.accounts:,}个）",
            )
        yield row(1, (told, "bold"), right=touched.engine)
        for question in touched.questions:
            some = [each for each in touched.turned if each.question == question]
            if not some:
                yield row(2, question, (GAP + say("nothing changes", "无变化"), "dim"))
                continue
            yield row(2, question)
            for each in some:
                yield self._turned(each)

        for found in touched.found:
            yield self._found(found)

    def _found(self, each: Found) -> Row:
        kind = self.terminal.say(
            *(("becomes a finding", "新出现的问题") if each.appears else ("no finding any more", "不再是问题"))
        )
        names = ", ".join(each.examples) + (", …" if each.accounts > len(each.examples) else "")
        role: Role = "warning" if each.appears else "good"
        return row(2, each.rule, GAP, f"{each.accounts:,}", GAP, (kind, role), (f"{GAP}{names}", "dim"))

    def _turned(self, each: Turned) -> Row:
        say, language = self.terminal.say, self.terminal.language
        old, new = VERDICT_WORDS[each.old].best(language), VERDICT_WORDS[each.new].best(language)
        kind = f"{old} → {new}" if each.old != each.new else say(f"{old} for other reasons", f"{old}，理由不同")
        names = ", ".join(each.examples) + (", …" if each.accounts > len(each.examples) else "")
        role: Role = "plain" if each.old == each.new else "bad" if each.new == "allow" else "warning"
        return row(3, f"{each.accounts:>9,}", GAP, (kind, role), (f"{GAP}{names}", "dim"))
