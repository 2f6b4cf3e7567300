"""What to ask for where a verdict is undetermined: the cheapest sets of facts, and what each answer would decide.

`missing` takes every comparison to be free: what it finds suffices, but it may be more than need be, where two
comparisons are about one fact. Here the answers are tried, one of each kind that the rules tell apart: a set suffices
if no answer leaves the verdict open. Where the kinds of answers cannot be told for sure, the set of `missing` stands.
A range is told only where all its values decide alike (`ranging`); elsewhere the values that were tried, as examples.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import Final

from msgspec.structs import replace

from lawful import values, wording
from lawful.deciding.judging import Judge, Judgement
from lawful.deciding.meeting import (
    numbers_after,
    plain_values,
    plainer,
    plainness,
    stands_for_others,
    texts_met,
    with_a_text,
)
from lawful.deciding.missing import MOST_SETS, Searching
from lawful.deciding.ranging import Ranging, fact_of, facts_given
from lawful.deciding.rulebook import triggers_of
from lawful.deciding.thresholds import MOST_OF_A_SET, Read, turning_values
from lawful.decision import Answered, Inquiry, JsonValue, Verdict
from lawful.decision import Text as Told
from lawful.engines.situation import Situation
from lawful.ir import AtMost, Expr, Field, FieldDeclaration, Value, walk
from lawful.question import EARLIEST, Question, Recorded
from lawful.record import record_type

_MOST_JUDGED: Final = 1500
"""Requests judged for one answer: a tenth of a second or so."""
_MOST_TURNED: Final = 60
"""So often thresholds are looked for once other answers are given."""
_MOST_FURTHER: Final = 40
"""So often once more, for what else allows or denies."""
_MOST_ANSWERS: Final = 120
"""To one set of facts; of more none are told."""
_MOST_TOLD: Final = 24
_MOST_EXAMPLES: Final = 4
_MOST_FEATURES: Final = 4
_MOST_EVENTS: Final = 50


_ANY: Final = Told(en="any", zh="任意值")
_ORDER: Final[Sequence[Verdict]] = ("allow", "undetermined", "deny")


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of answer to one fact, by an example: `words`, or a stretch of an order, whose ends may be open."""

    value: object
    shown: JsonValue
    named: Told
    """The value itself."""
    words: Told | None = None
    low: Told | None = None
    high: Told | None = None

    def joined(self, later: _Kind) -> _Kind:
        """Both stretches as one."""
        return _Kind(self.value, self.shown, self.named, None, self.low, later.high)

    def told(self) -> Told:
        if self.words is not None:
            return self.words
        low, high = self.low, self.high
        if low is None and high is None:
            return _ANY
        if low is None or high is None:
            end = high if low is None else low
            english, chinese = ("up to {}", "不超过{}") if low is None else ("from {} on", "不低于{}")
            return Told(
                en=english.format(end.best("en") if end else ""), zh=chinese.format(end.best("zh") if end else "")
            )
        if low == high:
            return low
        return Told(en=f"{low.best('en')} to {high.best('en')}", zh=f"{low.best('zh')}至{high.best('zh')}")


@dataclass(frozen=True, slots=True)
class _Kinds:
    of: tuple[_Kind, ...]
    exact: bool
    """Whether they are surely all that the rules tell apart."""
    whole: bool
    """Whether all the values of each decide alike; else each stands for the value that is tried, and no other."""


@dataclass(frozen=True, slots=True)
class _Answers:
    """Answers that decide the same: of each fact some of its kinds, by their numbers, each with each."""

    chosen: tuple[tuple[int, ...], ...]
    verdict: Verdict
    rules: tuple[str, ...]

    def is_among(self, fixed: Mapping[int, int]) -> bool:
        """Whether it is of these kinds."""
        return all(number in self.chosen[place] for place, number in fixed.items())


def _answers_of(
    kinds: Sequence[_Kinds], values: Sequence[object], verdict: Verdict, rules: tuple[str, ...]
) -> _Answers:
    return _Answers(tuple((_place(each, value),) for each, value in zip(kinds, values, strict=True)), verdict, rules)


def _open(kinds: Sequence[_Kinds]) -> list[int]:
    """The places of those of which not all that the rules tell apart was tried."""
    return [place for place, each in enumerate(kinds) if not (each.exact and each.whole)]


def _all_merged(answers: list[_Answers], facts: int) -> list[_Answers]:
    """By each fact."""
    for place in reversed(range(facts)):
        answers = _merged(answers, place)
    return answers


def _merged(answers: Iterable[_Answers], place: int) -> list[_Answers]:
    """With those as one that differ in nothing but one fact."""
    found: dict[object, _Answers] = {}
    for each in answers:
        before, some, after = each.chosen[:place], each.chosen[place], each.chosen[place + 1 :]
        key = (before, after, each.verdict, each.rules)
        if key in found:
            some = (*found[key].chosen[place], *some)
        found[key] = _Answers((*before, some, *after), each.verdict, each.rules)
    return list(found.values())


def _told(kinds: _Kinds, chosen: Sequence[int]) -> Told:
    if not kinds.whole:
        return _examples([kinds.of[number].named for number in _plainest(kinds, chosen)])
    return _ANY if len(chosen) == len(kinds.of) > 1 else _stretched(kinds.of, chosen)


def _place(kinds: _Kinds, value: object) -> int:
    """Where a value stands among the kinds; behind them all if it does not."""
    return next((n for n, each in enumerate(kinds.of) if each.value == value), len(kinds.of))


def _plainest(kinds: _Kinds, chosen: Sequence[int]) -> Sequence[int]:
    """In the order in which examples are told; of ranges as they are."""
    return chosen if kinds.whole else sorted(chosen, key=lambda number: plainness(kinds.of[number].value))


def _examples(named: Sequence[Told]) -> Told:
    words = _either(list(dict.fromkeys(named))[:_MOST_EXAMPLES])
    return Told(en=f"such as {words.best('en')}", zh=f"例如{words.best('zh')}")


def _stretched(kinds: Sequence[_Kind], chosen: Sequence[int]) -> Told:
    """Some of the kinds, neighbouring stretches as one."""
    joined: list[_Kind] = []
    for index, number in enumerate(chosen):
        kind = kinds[number]
        if kind.words is None and index and chosen[index - 1] == number - 1:
            joined[-1] = joined[-1].joined(kind)
        else:
            joined.append(kind)
    return _either([each.told() for each in joined])


def _either(texts: Sequence[Told]) -> Told:
    if len(texts) == 1:
        return texts[0]
    english, chinese = ([each.best(language) for each in texts] for language in ("en", "zh"))
    return Told(en=f"{', '.join(english[:-1])} or {english[-1]}", zh=f"{'、'.join(chinese[:-1])}或{chinese[-1]}")


class Inquirer:
    """The inquiries of one undetermined judgement."""

    def __init__(self, judge: Judge, judgement: Judgement) -> None:
        self.judge = judge
        self.program = judge.program
        self.zone = judge.zone
        self.question = judgement.question
        self.judgement = judgement
        self.free = Searching(judgement)
        self.judged = 0
        self.turned = 0
        self.further = 0
        self.read = Read.of(self._exprs(), self.program.conditions)
        self.ranging = self._ranging()
        self._kinds: dict[str, _Kinds] = {}

    def inquiries(self) -> tuple[Inquiry, ...]:
        """The inclusion-minimal sets, the cheapest first, at most eight; none where nothing helps."""
        found: list[tuple[str, ...]] = []
        for facts in self._by_cost():
            if any(set(smaller) <= set(facts) for smaller in found):
                continue
            if self._settles(facts):
                found.append(facts)
            if len(found) == MOST_SETS or self.free.is_spent:
                break
        last = self.free.everything()
        if not found and last:
            found.append(last)
        return tuple(Inquiry(facts=each, cost=self.cost(each), answers=self._answers(each)) for each in found)

    # ------------------------------------------------------------------------------------------------------ costs

    def cost(self, facts: Iterable[str]) -> int:
        return sum(self._cost(each) for each in facts)

    def _cost(self, fact: str) -> int:
        declaration = self._declaration(fact)
        return 1 if declaration is None else declaration.ask_cost

    def _declaration(self, fact: str) -> FieldDeclaration | None:
        owner, _, name = fact.partition(".")
        schema = self.program.request if owner == "request" else self.program.account
        return schema.get(name)

    def _by_cost(self) -> Iterator[tuple[str, ...]]:
        """Every set of the facts that might help: the cheapest first, of two that cost the same the smaller."""
        universe = self.free.universe
        for size in range(1, len(universe) + 1):
            if len({self._cost(each) for each in universe}) > 1 and len(universe) <= 12:
                break
            yield from combinations(universe, size)
        else:
            return
        every = (each for size in range(1, len(universe) + 1) for each in combinations(universe, size))
        yield from sorted(every, key=lambda each: (self.cost(each), len(each), each))

    # -------------------------------------------------------------------------------------------------- sufficient

    def _settles(self, facts: tuple[str, ...]) -> bool:
        """Whether no answers leave the verdict open: by trying them, else by taking every comparison to be free."""
        if self._can_be_tried(facts):
            for chosen in product(*(self._of(each).of for each in facts)):
                if self._verdict(facts, chosen)[0] == "undetermined":
                    return False
            return True
        return self.free.settles(facts)

    def _can_be_tried(self, facts: tuple[str, ...]) -> bool:
        if (
            len(self.question.changes) != 1
            or self.question.changes[0].kind == "register"
            or self._many(facts) > _MOST_ANSWERS
        ):
            return False
        if self.judged > _MOST_JUDGED or not all(self._of(each).exact for each in facts):
            return False
        return all(len(self.ranging.facts_of(leaf) & set(facts)) < 2 for leaf in self.read.leaves)

    def _many(self, facts: tuple[str, ...]) -> int:
        many = 1
        for each in facts:
            many *= len(self._of(each).of)
        return many

    def _verdict(self, facts: tuple[str, ...], chosen: tuple[_Kind, ...]) -> tuple[Verdict, tuple[str, ...]]:
        return self._judged(dict(zip(facts, (each.value for each in chosen), strict=True)))

    def _judged(self, given: Mapping[str, object]) -> tuple[Verdict, tuple[str, ...]]:
        """What these answers decide, and the rules that do."""
        self.judged += 1
        judgement = self.judge.judge(self._answered(given), "reference")
        rules = [each.rule.id for step in judgement.steps for each in step.judged if each.refuses]
        if judgement.verdict == "undetermined":
            rules = [each.rule.id for step in judgement.steps for each in step.judged if each.leaves_open]
        return judgement.verdict, tuple(dict.fromkeys(rules))

    def _answered(self, given: Mapping[str, object]) -> Question:
        """The request with those answers."""
        question = self.question
        account, facts = question.account.known(), question.facts.known()
        features = question.features
        recorded, whole_from = tuple(question.recorded), question.whole_from
        for fact, value in given.items():
            owner, _, name = fact.partition(".")
            if fact == "history":
                assert isinstance(value, tuple)  # the events that there are besides
                recorded, whole_from = (*recorded, *value), EARLIEST
            elif fact == "account.features":
                assert isinstance(value, frozenset)  # those that are enabled
                features = {each: each in value for each in self.program.features}
            elif owner == "request":
                facts[name] = value  # type: ignore[assignment]  # a value of the field; likewise below
            else:
                account[name] = value  # type: ignore[assignment]
        return replace(
            question,
            account=record_type(tuple(self.program.account)).of(account),
            facts=record_type(tuple(self.program.request)).of(facts),
            features=features,
            recorded=recorded,
            whole_from=whole_from,
        )

    # ------------------------------------------------------------------------------------------------------ answers

    def _of(self, fact: str) -> _Kinds:
        if fact not in self._kinds:
            self._kinds[fact] = self._found(fact)
        return self._kinds[fact]

    def _found(self, fact: str) -> _Kinds:
        if fact == "history":
            return _Kinds(tuple(self._histories()), exact=False, whole=False)
        if fact == "account.features":
            return self._features()
        declaration = self._declaration(fact)
        if declaration is None:
            return _Kinds((), exact=False, whole=False)
        found: list[Value] = []
        exact = not self.ranging.is_read_within(fact)
        for step in self.judgement.steps:
            for situation in (step.before, step.after):
                turns = turning_values(self.read, declaration, situation, of_request=fact.startswith("request."))
                found += [*turns.found, *self._texts_met(fact, situation)]
                exact = exact and turns.exact
        distinct = list(dict.fromkeys(found))
        whole = self._is_whole(fact, declaration)
        if not whole and not exact:
            distinct = plainer(distinct)
        if not whole:
            distinct = with_a_text(distinct)
        if declaration.type.kind in ("int", "date", "timestamp"):
            return _Kinds(tuple(self._stretches(sorted(distinct), declaration)), exact, whole)
        return _Kinds(tuple(self._single(each, declaration, whole=whole) for each in distinct), exact, whole)

    def _is_whole(self, fact: str, declaration: FieldDeclaration) -> bool:
        """Every value of a small domain is tried, whatever the rules do with it."""
        match declaration.type.kind:
            case "bool" | "enum":
                return True
            case "set":
                return len(declaration.type.values) <= MOST_OF_A_SET
            case _:
                asked = self.question.changes
                return len(asked) == 1 and asked[0].kind != "register" and self.ranging.has_ranges(fact)

    def _single(self, value: Value, declaration: FieldDeclaration, *, whole: bool = True) -> _Kind:
        named = self._named(value, declaration)
        if whole and stands_for_others(value):
            return _Kind(value, None, named, Told(en="anything else", zh="其他"))
        shown: JsonValue = wording.MASKED if declaration.private else values.to_json(value, self.zone)
        return _Kind(value, shown, named, named)

    def _texts_met(self, fact: str, situation: Situation) -> Iterator[str]:
        """Without what is private: it would be told as an example of what is not."""

        def subject(node: Expr) -> bool:
            return isinstance(node, Field) and fact_of(node) == fact

        def is_private(node: Expr) -> bool:
            declaration = self._declaration(fact_of(node)) if isinstance(node, Field) else None
            return declaration is not None and declaration.private

        open_ones = [each for each in self.read.leaves if not any(map(is_private, walk(each)))]
        return texts_met(open_ones, subject, situation)

    def _named(self, value: Value, declaration: FieldDeclaration) -> Told:
        """The value in words. What commas part stands in braces, and nothing is not left blank."""
        english, chinese = (wording.of_field(declaration, value, language, self.zone) for language in ("en", "zh"))
        if isinstance(value, frozenset) and not declaration.private:
            return Told(en=f"{{{english}}}", zh=f"{{{chinese}}}")
        return Told(en=english or "''", zh=chinese or "''")

    def _stretches(self, turns: list[Value], declaration: FieldDeclaration) -> Iterator[_Kind]:
        """Each value stands for those from it on to the next. Where something turns, both its sides are among them."""
        last = len(turns) - 1
        for index, value in enumerate(turns):
            single = self._single(value, declaration)
            yield _Kind(
                value,
                single.shown,
                single.named,
                low=None if index == 0 else single.words,
                high=None if index == last else single.words,
            )

    def _features(self) -> _Kinds:
        read = [
            name for name in self.program.features if any(self._reads_feature(leaf, name) for leaf in self.read.leaves)
        ]
        if not read or len(read) > _MOST_FEATURES:
            return _Kinds((), exact=False, whole=False)
        found = []
        for chosen in product((False, True), repeat=len(read)):
            on = frozenset(name for name, is_on in zip(read, chosen, strict=True) if is_on)
            listed = f"[{', '.join(sorted(on))}]"  # as it would be given: several of them stand beside one another
            words = Told(en=listed, zh=listed)
            found.append(_Kind(on, sorted(on), words, words))
        every = len(read) == len(self.program.features)
        return _Kinds(tuple(found), exact=every, whole=every)

    def _reads_feature(self, leaf: Expr, name: str) -> bool:
        return any(
            isinstance(node, Field) and node.owner.endswith("features") and node.name == name for node in walk(leaf)
        )

    def _histories(self) -> Iterator[_Kind]:
        """Nothing more than is known, and for each limit one event too many."""
        yield _Kind((), "[]", Told(en="nothing else happened", zh="没有其他事件"))
        seen = dict.fromkeys(
            each.rule.requires for step in self.judgement.steps for each in step.judged if each.leaves_open
        )
        for limit in seen:
            if isinstance(limit, AtMost) and 0 <= limit.at_most - limit.own < _MOST_EVENTS:
                event, many = limit.count.events[0], limit.at_most - limit.own + 1
                happened = tuple(Recorded(event, self.question.at) for _ in range(many))
                yield _Kind(happened, None, Told(en=f"{event} {many}×, just now", zh=f"刚刚发生{event} {many}次"))

    def _answers(self, facts: tuple[str, ...]) -> tuple[Answered, ...]:
        """What each kind of answer decides, those that decide the same as one; what is allowed comes first."""
        if not 0 < self._many(facts) <= _MOST_ANSWERS:
            return ()
        kinds = [self._of(each) for each in facts]
        found = self._decided(facts, kinds)
        if all(each.verdict != "allow" for each in found) and (more := self._allowing(facts, kinds)):
            kinds = self._wider(facts, kinds, more)
            found.append(_answers_of(kinds, more, "allow", ()))
        fewer, narrower = _all_merged(found, len(facts)), kinds
        kinds = self._look_further(facts, kinds, found)
        found = _all_merged(found, len(facts))
        if len(found) > _MOST_TOLD:
            found, kinds = fewer, narrower
        if len(found) > _MOST_TOLD:
            return ()
        found.sort(key=lambda each: _ORDER.index(each.verdict))
        only_examples = tuple(fact for fact, each in zip(facts, kinds, strict=True) if not each.whole)
        return tuple(
            Answered(
                given={fact: _told(of, some) for fact, of, some in zip(facts, kinds, each.chosen, strict=True)},
                example={
                    fact: of.of[_plainest(of, some)[0]].shown
                    for fact, of, some in zip(facts, kinds, each.chosen, strict=True)
                },
                only_examples=only_examples,
                verdict=each.verdict,
                rules=each.rules,
            )
            for each in found
        )

    def _decided(self, facts: tuple[str, ...], kinds: Sequence[_Kinds]) -> list[_Answers]:
        """What each kind of answer decides."""
        found: list[_Answers] = []
        for chosen in product(*(range(len(each.of)) for each in kinds)):
            tried = tuple(each.of[index] for each, index in zip(kinds, chosen, strict=True))
            verdict, rules = self._verdict(facts, tried)
            found.append(_Answers(tuple((index,) for index in chosen), verdict, rules))
        return found

    def _allowing(self, facts: tuple[str, ...], kinds: Sequence[_Kinds]) -> tuple[object, ...] | None:
        """Answers that would be allowed, where not all that the rules tell apart was tried; None if none is found."""
        if not self._can_be_searched():
            return None
        for place in _open(kinds):
            last, others = facts[place], (*facts[:place], *facts[place + 1 :])
            beside = (*kinds[:place], *kinds[place + 1 :])
            for chosen in product(*(self._plain(fact, each) for fact, each in zip(others, beside, strict=True))):
                known = dict(zip(others, chosen, strict=True))
                self.turned += 1
                if self.turned > _MOST_TURNED or self.judged > _MOST_JUDGED:
                    return None
                for value in self._turning(last, known):
                    self.judged += 1
                    given = {**known, last: value}
                    if self.judge.judge(self._answered(given), "reference").verdict == "allow":
                        return tuple(given[fact] for fact in facts)
        return None

    def _look_further(self, facts: tuple[str, ...], kinds: list[_Kinds], found: list[_Answers]) -> list[_Kinds]:
        """For all that may be answered to what has ranges: something that allows, and something that does not.

        What is found is appended; the kinds come with its values.
        """
        ranges = [place for place in range(len(facts)) if place not in _open(kinds)]
        if len(ranges) == len(facts) or not self._can_be_searched():
            return kinds
        for chosen in product(*(range(len(kinds[place].of)) for place in ranges)):
            fixed = dict(zip(ranges, chosen, strict=True))
            for verdict in ("allow", "deny"):
                if any(each.verdict == verdict and each.is_among(fixed) for each in found):
                    continue
                if more := self._sought(facts, kinds, fixed, verdict):
                    values, rules = more
                    kinds = self._wider(facts, kinds, values)
                    found.append(_answers_of(kinds, values, verdict, rules))
        return kinds

    def _sought(
        self, facts: tuple[str, ...], kinds: Sequence[_Kinds], fixed: Mapping[int, int], verdict: Verdict
    ) -> tuple[tuple[object, ...], tuple[str, ...]] | None:
        """Answers that decide so, some of them given, and the rules that do; None if none is found."""
        given = {facts[place]: kinds[place].of[number].value for place, number in fixed.items()}
        asked = [place for place in range(len(facts)) if place not in fixed]
        for last in asked:
            others = [place for place in asked if place != last]
            for chosen in product(*(self._plain(facts[place], kinds[place]) for place in others)):
                known = {**given, **{facts[place]: value for place, value in zip(others, chosen, strict=True)}}
                self.further += 1
                if self.further > _MOST_FURTHER or self.judged > _MOST_JUDGED:
                    return None
                for value in self._turning(facts[last], known):
                    answers = {**known, facts[last]: value}
                    found, rules = self._judged(answers)
                    if found == verdict:
                        return tuple(answers[fact] for fact in facts), rules
        return None

    def _can_be_searched(self) -> bool:
        return len(self.question.changes) == 1 and self.question.changes[0].kind != "register"

    def _plain(self, fact: str, kinds: _Kinds) -> list[object]:
        declaration = self._declaration(fact)
        tried: list[object] = [each.value for each in kinds.of]
        if declaration is None or (kinds.exact and kinds.whole):
            return tried
        return list(dict.fromkeys([*plain_values(declaration, self.question), *tried]))

    def _turning(self, fact: str, known: Mapping[str, object]) -> Iterator[Value]:
        """The values on both sides of its thresholds, once the others are known; of one alone what follows these."""
        declaration = self._declaration(fact)
        if declaration is None or fact in ("history", "account.features"):
            return
        step = self.judge.judge(self._answered(known), "reference").steps[0]
        of_request = fact.startswith("request.")
        found = [
            value
            for situation in (step.before, step.after)
            for value in turning_values(self.read, declaration, situation, of_request=of_request).found
        ]
        met = [text for situation in (step.before, step.after) for text in self._texts_met(fact, situation)]
        if declaration.type.kind == "string":
            found = [*met, *plain_values(declaration, self.question), *with_a_text(found)]
        yield from dict.fromkeys(found)
        if not known:
            yield from numbers_after(plainer(found), declaration)

    def _wider(self, facts: Sequence[str], kinds: Sequence[_Kinds], values: Sequence[object]) -> list[_Kinds]:
        """With the value of each."""
        return [self._with(fact, each, value) for fact, each, value in zip(facts, kinds, values, strict=True)]

    def _with(self, fact: str, kinds: _Kinds, value: object) -> _Kinds:
        """With one more value that is tried."""
        declaration = self._declaration(fact)
        if declaration is None or _place(kinds, value) < len(kinds.of):
            return kinds
        more = self._single(value, declaration, whole=False)  # type: ignore[arg-type]  # a value of the field
        return _Kinds((*kinds.of, more), kinds.exact, kinds.whole)

    # -------------------------------------------------------------------------------------------------------- rules

    def _ranging(self) -> Ranging:
        question, book = self.question, self.judge.rulebook
        given = facts_given(question.account.known(), question.facts.known())
        moved = {
            each for asked in question.changes for trigger in triggers_of(asked) for each in book.may_move(trigger)
        }
        return Ranging(self.read, self.program.conditions, given, moved)

    def _exprs(self) -> Iterator[Expr]:
        """All that may be evaluated, whatever the answers are."""
        book, today = self.judge.rulebook, self.question.today
        rules = list(book.constraints)
        for asked in self.question.changes:
            for trigger in triggers_of(asked):
                rules += book.guards(trigger, today)
                for move in book.moves(trigger, today):
                    yield move.applies
                    yield from (effect.value for effect in move.effects)
        rules += book.entitlements.rules()
        for rule in rules:
            if rule.in_force.holds(today):
                yield rule.when
                yield rule.requires
