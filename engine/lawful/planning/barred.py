"""Why there is no plan: what bars the goal for ever, and the changes that would have helped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from lawful.deciding.rulebook import facts_read, triggers_of
from lawful.ir import Expr, Program, Rule
from lawful.planning.reach import Reaching, parts_of
from lawful.question import Asked


class Blocked(Struct, frozen=True):
    """A change that is never allowed, and a rule that never lets it."""

    asked: Asked
    rule: Rule


class Barred(Struct, frozen=True):
    """Why there is no plan."""

    rules: tuple[Rule, ...]
    """Those of the change asked for that can never be satisfied."""
    parts: tuple[Expr, ...]
    """Those of the condition to reach that can never hold."""
    blocked: tuple[Blocked, ...]
    """The changes of the cone that are never allowed."""

    @classmethod
    def of(cls, reaching: Reaching) -> Barred:
        """`reaching`: all that may be reached, and the goal is not in it."""
        return cls(tuple(_rules(reaching)), tuple(_parts(reaching)), tuple(_blocked(reaching)))

    def of_use(self, program: Program) -> list[Blocked]:
        """Of the changes that are never allowed those that move what stands in the way, or what stands in theirs."""
        wanted = facts_read(program, *self.parts, *_exprs(self.rules))
        found: dict[int, Blocked] = {}
        while True:
            more = {
                number: each
                for number, each in enumerate(self.blocked)
                if number not in found and wanted & _moved(each.asked, program)
            }
            if not more:
                return [found[number] for number in sorted(found)]
            found |= more
            wanted |= facts_read(program, *_exprs(each.rule for each in more.values()))


def _exprs(rules: Iterable[Rule]) -> Iterator[Expr]:
    for rule in rules:
        yield from (rule.when, rule.requires)


def _moved(asked: Asked, program: Program) -> set[str]:
    """The facts that a change may move: `account.f`, `features.f`."""
    triggers = triggers_of(asked)
    written = {f"account.{each.field}" for move in program.moves if move.trigger in triggers for each in move.effects}
    features = {f"features.{asked.name}"} if asked.kind in ("enable", "disable") else set()
    return written | features | {f"account.{name}" for name in asked.values}


def _rules(reaching: Reaching) -> list[Rule]:
    asked, relaxation = reaching.goal.asked, reaching.relaxation
    if asked is None:
        return []
    found: dict[str, Rule] = {}
    for stretch in relaxation.stretches:
        facts = reaching.where_it_holds(stretch)
        for rule in [] if facts is None else relaxation.refusing(asked, stretch, facts):
            found.setdefault(rule.id, rule)
    return list(found.values())


def _parts(reaching: Reaching) -> Iterator[Expr]:
    """Those that hold on no day; the whole, where they only never hold together."""
    if reaching.goal.asked is not None:
        return
    relaxation, holds = reaching.relaxation, reaching.goal.holds
    rangers = [relaxation.ranger(None, stretch, reaching.facts) for stretch in relaxation.stretches]
    parts = [part for part in parts_of(holds) if not any(True in each.truths(part) for each in rangers)]
    yield from parts or [holds]


def _blocked(reaching: Reaching) -> Iterator[Blocked]:
    relaxation = reaching.relaxation
    for asked in reaching.changes():
        every = [relaxation.refusing(asked, stretch, reaching.facts) for stretch in relaxation.stretches]
        if all(every):  # on every day there is
            yield Blocked(asked, every[0][0])
