"""Plans and choices as a person reads them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from lawful import wording
from lawful.cli import asking
from lawful.cli.layout import GAP, Piece, Row, columns, row
from lawful.cli.terminal import Terminal
from lawful.show.rules import amount_of
from lawful.show.words import Words, anywhere_in_words

if TYPE_CHECKING:
    from lawful.ir import FieldDeclaration
    from lawful.planning.plan import Apart, Choice, Choosable, Obtained, Plan, PlanStep
    from lawful.policy import Policy

_MOST_TOLD: Final = 6
_EVERY: Final = {"day": "每天", "month": "每月", "year": "每年"}
_OPEN: Final = ("not found", "undetermined")
_SIGNS: Final[dict[str, Piece]] = {
    "found": ("✓", "good"),
    "none": ("✗", "bad"),
    "not found": ("?", "open"),
    "undetermined": ("?", "open"),
}


@dataclass(frozen=True, slots=True)
class Planned:
    """Draws plans of one policy."""

    policy: Policy
    terminal: Terminal

    def plan(self, plan: Plan, asked: dict[str, Any] | None = None) -> Iterator[Row]:
        """`asked`: the change that is the goal."""
        named, sign = f"{plan.policy.id} {plan.policy.version}", _SIGNS[plan.status]
        yield row(0, sign, " ", (self._headline(plan), sign[1]), GAP, self._goal(plan, asked), right=named)
        yield from self._way(plan, 1)
        if plan.status == "found":
            yield from self._certainty(plan)
            yield from self._alternatives(plan)
        else:
            yield from self._no_plan(plan)
        if plan.instead is not None:
            said = self.terminal.say(", ", "，").join(
                self._said(name, value) for name, value in plan.instead.request.items()
            )
            told = self.terminal.say("instead, by the policy:", "按策略可改为：")
            yield row(0, (told, "bold"), GAP + said if said else "")
            instead = plan.instead.plan
            yield from self.plan(instead, instead.steps[-1].change if instead.steps else None)

    def _goal(self, plan: Plan, asked: dict[str, Any] | None) -> str:
        """By titles, not as it is asked for on the command line."""
        if asked is None and not plan.goal.startswith("reach "):
            return plan.goal  # of what serves instead, where no way to it was found
        if asked is None:
            told = self._condition(plan.goal.removeprefix("reach "))
            return self.terminal.say(f"reach: {told}", told)
        return self._in_words(asked, {})

    def _headline(self, plan: Plan) -> str:
        say = self.terminal.say
        match plan.status:
            case "found" if not plan.steps and _waits(plan):
                return say("nothing but to wait", "只需等待")
            case "found" if not plan.steps:
                return say("it is so already", "目标已达成")
            case "found":
                return self._many(len(plan.steps)) + self._costing(plan)
            case "none":
                return say("there is no way", "无法达成")
            case "not found":
                return say("no way was found", "未找到方案")
            case "undetermined":
                return say("undetermined", "无法确定")

    def _many(self, steps: int) -> str:
        return self.terminal.say(f"{steps} step{'s' if steps != 1 else ''}", f"共{steps}步")

    def _costing(self, plan: Plan) -> str:
        if plan.measure == "steps" or plan.cost is None:
            return ""
        amount = amount_of(plan.measure, plan.cost)
        if plan.measure == "cost":  # a bare number
            return self.terminal.say(f", cost {amount}", f"，费用{amount}")
        return self.terminal.say(f", {amount}", f"，{amount}")

    # --------------------------------------------------------------------------------------------------- steps

    def _way(self, plan: Plan, depth: int) -> Iterator[Row]:
        """The steps, and the wait after the last of them."""
        yield from self.steps(plan.steps, depth)
        if _waits(plan):
            yield self._wait(plan.done_at, depth)

    def _wait(self, until: str | None, depth: int) -> Row:
        day = self._day(until or "")
        return row(depth, (self.terminal.say(f"wait until {day}", f"等到 {day}"), "bold"))

    def steps(self, steps: tuple[PlanStep, ...], depth: int) -> Iterator[Row]:
        for number, step in enumerate(steps, 1):
            yield from self._step(number, step, depth)

    def _step(self, number: int, step: PlanStep, depth: int) -> Iterator[Row]:
        language = self.terminal.language
        lead: tuple[Piece, ...] = ((f"{number}. ", "dim"), (self._day(step.at) + GAP, "plain"))
        if step.obtained is not None:
            yield from self._obtained(step.obtained, lead, depth)
            return
        before = {each.field: each.from_ for each in step.changed}
        words = self._in_words(step.change or {}, before)
        called = step.title.best(language) if step.title is not None else ""
        yield row(depth, *lead, (words, "bold"), GAP + called if called and f"“{called}”" not in words else "")
        if step.waited is not None:
            for rule, why in zip(step.waited.rules, step.waited.why, strict=True):
                yield self._note(depth, "not before", "此前不可", f"{rule}{GAP}{why.best(language)}")
            if step.waited.missing:
                facts = asking.missing(step.waited.missing, self.policy.program, self.terminal)
                yield self._note(depth, "maybe sooner, if known", "如已知或可提前", facts)
        for name, fact in (step.account or {}).items():
            yield self._note(depth, "with", "帐号信息", self._holding(name, fact))
        for name, fact in step.request.items():
            yield self._note(depth, "the request says", "申请须说明", self._said(name, fact))
        for owed in step.obligations:
            yield self._note(depth, "still to do", "尚需", owed.text.best(language))
        if step.cost:
            amounts = (amount_of(name, amount) for name, amount in step.cost.items())
            yield self._note(depth, "costs", "费用", self.terminal.say(", ", "、").join(amounts))
        told = set((step.change or {}).get("set", {}))
        for each in step.changed:
            if each.field not in told:
                moved = asking.moved(each.field, each.from_, each.to, self.policy.program, self.terminal)
                yield self._note(depth, "changes", "变更", moved)
        for feature in step.lost:
            yield self._note(depth, "lost", "失去", self._feature(feature))
        if step.irreversible is not None:
            what, reason = self._field(step.irreversible.field), step.irreversible.why.best(language)
            reason = self.terminal.say(f"{what} — {reason}", f"{what}——{reason}")
            yield row(depth + 2, (self.terminal.say("irreversible: ", "不可逆："), "warning"), reason)

    def _obtained(self, obtained: Obtained, lead: tuple[Piece, ...], depth: int) -> Iterator[Row]:
        owner, _, name = obtained.fact.partition(".")
        told = self._holding(name, obtained.value) if owner == "account" else self._said(name, obtained.value)
        yield row(depth, *lead, (self.terminal.say(f"obtain: {told}", f"取得{told}"), "bold"))
        for text in obtained.so_that:
            said = anywhere_in_words(self.policy.program, text, self.terminal.language)
            yield self._note(depth, "so that", "以满足", said)

    def _valued(self, value: object, declaration: FieldDeclaration | None) -> str:
        """What stands for any text that has no name is told as that."""
        if _is_any_text(value):
            return self.terminal.say("any other text", "其他任意文本")
        return asking.titled(value, declaration, self.terminal)

    def _in_words(self, change: dict[str, Any], was: dict[str, Any]) -> str:
        """`set account type: subscription account → service account`, where what it `was` is known; null is any value.

        Other changes are called by their titles.
        """
        say = self.terminal.say
        match change:
            case {"set": dict() as wanted}:
                moves = [
                    asking.moved(name, was[name], value, self.policy.program, self.terminal)
                    if name in was and value is not None
                    else self._holding(name, value)
                    for name, value in wanted.items()
                ]
                return say("set ", "设置") + say(", ", "，").join(moves)
            case {"enable": name}:
                return say(f"enable “{self._feature(name)}”", f"开通“{self._feature(name)}”")
            case {"disable": name}:
                return say(f"disable “{self._feature(name)}”", f"关闭“{self._feature(name)}”")
            case {"do": name}:
                title = wording.action_title(self.policy.program, name, self.terminal.language)
                return say(f"do “{title}”", f"执行“{title}”")
            case _:
                return say("register", "注册")

    def _condition(self, text: str) -> str:
        return Words(self.policy.program, self.terminal.language).condition(self.policy.condition(text))

    def _feature(self, name: str) -> str:
        return wording.feature_title(self.policy.program, name, self.terminal.language)

    def _field(self, name: str) -> str:
        declaration = self.policy.program.account.get(name)
        return name if declaration is None else wording.field_title(declaration, self.terminal.language)

    def _said(self, name: str, value: object) -> str:
        """A fact of the request, by its title."""
        declaration = self.policy.program.request.get(name)
        title = name if declaration is None else wording.field_title(declaration, self.terminal.language)
        told = self._valued(value, declaration)
        return self.terminal.say(f"{title}: {told}", f"{title}：{told}")

    def _holding(self, name: str, value: object) -> str:
        """A field with its value, of which null is any."""
        say, title = self.terminal.say, self._field(name)
        declaration = self.policy.program.account.get(name)
        told = say("anything", "任意值") if value is None else self._valued(value, declaration)
        return say(f"{title}: {told}", f"{title}：{told}")

    def _day(self, at: str) -> str:
        """A local midnight is told as its day, now without its microseconds."""
        return asking.moment(at)

    def _note(self, depth: int, english: str, chinese: str, text: str) -> Row:
        return row(depth + 2, (self.terminal.say(f"{english}: ", f"{chinese}："), "dim"), text)

    # ------------------------------------------------------------------------------------------ how sure it is

    def _certainty(self, plan: Plan) -> Iterator[Row]:
        if not plan.steps:
            return
        say = self.terminal.say
        cheaper = say("shorter", "更短") if plan.measure == "steps" else say("cheaper", "更省")
        if plan.proved:
            yield row(1, (say(f"there is no {cheaper} one", f"没有{cheaper}的方案"), "dim"))
        else:
            left = self._left_out(plan)
            english = f"no {cheaper} one was found, and none is ruled out; not looked at: {left}"
            yield row(1, (say(english, f"未找到{cheaper}的方案，但不能排除；未考察：{left}"), "dim"))

    def _left_out(self, plan: Plan) -> str:
        return self._words(plan.bound.left_out)

    def _words(self, left_out: tuple[str, ...]) -> str:
        from lawful.planning.telling import LEFT_OUT

        words = [LEFT_OUT[each].best(self.terminal.language) for each in left_out]  # type: ignore[index]  # they are its keys
        return self.terminal.say(", ", "、").join(words) or self.terminal.say("nothing", "无")

    def _alternatives(self, plan: Plan) -> Iterator[Row]:
        for each in plan.alternatives:
            yield row(1, (self.terminal.say("or, at the same cost:", "或以同样的代价："), "dim"))
            yield from self.steps(each.steps, 2)
            if each.done_at != (each.steps[-1].at if each.steps else plan.at):
                yield self._wait(each.done_at, 2)

    def _no_plan(self, plan: Plan) -> Iterator[Row]:
        language, say = self.terminal.language, self.terminal.say
        for rule, why in zip(plan.rules, plan.why, strict=True):
            yield row(1, ("✗ ", "bad"), (rule, "bold"), GAP + why.best(language))
        for part in plan.unmet:
            facts = say(", ", "，").join(self._now(name, value) for name, value in part.facts.items())
            yield row(1, ("✗ ", "bad"), (self._condition(part.text), "bold"), (GAP + facts, "dim"))
        for each in plan.blocked[:_MOST_TOLD]:
            words = self._in_words(each.change, {})
            yield row(
                1,
                (say("never allowed: ", "始终不可："), "dim"),
                words,
                GAP,
                (each.rule, "dim"),
                GAP + each.why.best(language),
            )
        if plan.missing:
            wanted = asking.missing(plan.missing, self.policy.program, self.terminal)
            yield row(1, (say("missing: ", "缺少："), "dim"), wanted)
        if plan.status == "none":
            proved = say(
                "proved: no sequence of allowed changes leads there, however long, on whatever date",
                "已证明：无论经过多少步、在今后任何日期，都没有可行的变更途径",
            )
            yield row(1, (proved, "dim"))
        if plan.status == "not found":
            bound = self._bound(plan)
            yield row(1, (bound, "dim"))

    def _now(self, fact: str, value: object) -> str:
        """What a field of the account is now; of no value that it is unknown."""
        if value is None:
            title, told = self._field(fact.removeprefix("account.")), asking.plain(value, self.terminal)
            return self.terminal.say(f"{title}: {told}", f"{title}：{told}")
        return self._holding(fact.removeprefix("account."), value)

    def _bound(self, plan: Plan) -> str:
        """How far was looked."""
        say, bound = self.terminal.say, plan.bound
        steps, until, left = bound.steps, self._day(bound.until), self._left_out(plan)
        if bound.whole is not None:
            most = self._many(bound.whole)
            told = say(
                f"looked at every plan of up to {most}, at some of up to {steps}, until {until}",
                f"已考察至多{bound.whole}步的全部方案和至多{steps}步的部分方案，截至{until}",
            )
        else:
            told = say(f"looked for up to {steps} steps until {until}", f"已考察至多{steps}步、截至{until}的方案")
        if not bound.left_out:
            return told
        return told + say(f"; not looked at: {left}", f"；未考察：{left}")

    # ------------------------------------------------------------------------------------------------- a choice

    def choice(self, choice: Choice) -> Iterator[Row]:
        say = self.terminal.say
        named = f"{choice.policy.id} {choice.policy.version}"
        chosen = [self._name(each) for each in choice.options if each.value in choice.chosen]
        headline = say(", ", "、").join(chosen) or say("none of them serves", "没有符合的类型")
        if choice.status in ("not found", "undetermined"):
            headline = say("undetermined", "无法确定") if choice.missing else say("none was found", "未找到")
        yield row(
            0,
            _SIGNS[choice.status],
            " ",
            (headline, _SIGNS[choice.status][1]),
            GAP,
            say("for ", "需求：") + say(", ", "、").join(map(self._need, choice.needs)),
            right=named,
        )
        if choice.missing:
            wanted = asking.missing(choice.missing, self.policy.program, self.terminal)
            yield row(1, (say("missing: ", "缺少："), "dim"), wanted)
        yield from self._table(choice)
        for option in choice.options:
            yield from self._against(option)
        for option in choice.options:
            if option.status == "found" and option.plan is not None and (option.plan.steps or _waits(option.plan)):
                value = self._name(option)
                yield row(1, (say(f"the way to {value}:", f"成为{value}的步骤："), "dim"))
                yield from self._way(option.plan, 2)

    def _table(self, choice: Choice) -> Iterator[Row]:
        """A row for each type, a column for each need."""
        names = [self._name(each) for each in choice.options]
        wide = max((columns(name) for name in names), default=0)
        yield row(1, "  " + " " * wide, *((GAP + self._need(need), "dim") for need in choice.needs))
        for option, name in zip(choice.options, names, strict=True):
            cells: list[Piece] = []
            for index, need in enumerate(choice.needs):
                status = option.needs[index].status if option.needs else "none"
                sign, role = _SIGNS[status] if option.needs else ("–", "dim")
                cells.append((GAP + sign + " " * (columns(self._need(need)) - 1), role))
            yield row(1, _SIGNS[option.status], " ", name + " " * (wide - columns(name)), *cells)

    def _name(self, option: Choosable) -> str:
        title = option.title.best(self.terminal.language) if option.title is not None else ""
        return title or option.value

    def _need(self, need: str) -> str:
        """By the title of the feature, or of the action with how often."""
        name, *rate = need.split()
        if name in self.policy.program.features:
            return self._feature(name)
        title = wording.action_title(self.policy.program, name, self.terminal.language)
        if len(rate) != 3:
            return title
        return self.terminal.say(f"{title} ({' '.join(rate)})", f"{title}（{_EVERY[rate[2]]}{rate[0]}次）")

    def _against(self, option: Choosable) -> Iterator[Row]:
        """What speaks against a type."""
        language = self.terminal.language
        against = list(zip(option.rules, option.why, strict=True))
        for each in option.needs:
            against += list(zip(each.rules, each.why, strict=True))
        if against:
            value = self._name(option)
            yield row(1, (self.terminal.say(f"against {value}:", f"不宜选{value}："), "dim"))
        for rule, why in dict(against).items():
            yield row(2, (rule, "bold"), GAP + why.best(language))
        for apart in option.apart:
            yield from self._apart(option, apart)
        for each in option.needs:
            if each.status in _OPEN:
                what = self.terminal.say(", ", "，").join((self._name(option), self._need(each.need)))
                yield self._open(what, each.missing, each.left_out)
        is_told = any(each.status in _OPEN for each in option.needs)
        if option.status in _OPEN and not is_told and option.plan is not None:
            together = self.terminal.say(", all of it together", "，同时满足全部需求") if option.needs else ""
            yield self._open(self._name(option) + together, option.plan.missing, option.plan.bound.left_out)

    def _apart(self, option: Choosable, apart: Apart) -> Iterator[Row]:
        """Why a type does not serve together what it serves."""
        say = self.terminal.say
        needs = [self._need(each) for each in apart.needs]
        which = say(" and ", "与").join((say(", ", "、").join(needs[:-1]), needs[-1]))
        if option.status == "none":
            told = say(f"{which} are each served, but not together", f"可分别满足{which}，但不能同时满足")
        elif option.plan is not None and "rates" in option.plan.bound.left_out:
            told = say(
                f"{which} are each served, but were not found together at their rates",
                f"可分别满足{which}，但未找到按各自频次同时满足的途径",
            )
        else:
            told = say(
                f"{which} are each served, but no way to them together was found",
                f"可分别满足{which}，但未找到同时满足的途径",
            )
        value = self._name(option)
        yield row(1, (say(f"against {value}: ", f"不宜选{value}："), "dim"), told)
        for rule, why in zip(apart.rules, apart.why, strict=True):
            yield row(2, (rule, "bold"), GAP + why.best(self.terminal.language))

    def _open(self, what: str, missing: tuple[tuple[str, ...], ...], left_out: tuple[str, ...]) -> Row:
        """Why a `?` stands for it: the facts that it depends on, or what was not tried."""
        if missing:
            told = self.terminal.say("missing: ", "缺少：") + asking.missing(
                missing, self.policy.program, self.terminal
            )
        else:
            told = self.terminal.say("not looked at: ", "未考察：") + self._words(left_out)
        return row(1, (self.terminal.say("open: ", "未决："), "dim"), what, GAP, told)


def _is_any_text(value: object) -> bool:
    return isinstance(value, str) and set(value) == {"…"}


def _waits(plan: Plan) -> bool:
    """Whether the goal is reached later than the last step is taken."""
    return plan.done_at is not None and plan.done_at != (plan.steps[-1].at if plan.steps else plan.at)
