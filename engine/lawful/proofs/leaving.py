"""What it is to leave a value of a life cycle, as terms, and what is found wrong with an account only after it."""

from __future__ import annotations

from functools import cached_property

from lawful.ir import Field, Program, Rule
from lawful.proofs.logic import Bool, both, conjunction, disjunction, equal, opposite
from lawful.proofs.moves import Moves, Ruling
from lawful.proofs.reach import Slice, Way, Ways, reads_of
from lawful.proofs.space import Space
from lawful.proofs.state import Now, State
from lawful.proofs.terms import Terms


def findings(program: Program) -> list[Rule]:
    """The rules of which an account that breaks one has an error or a warning."""
    return [rule for rule in program.rules if rule.scope in ("account", "feature") and rule.severity != "info"]


class Leaving:
    """Changes that leave one value of one field."""

    def __init__(self, moves: Moves, ways: Ways, field: str, value: str) -> None:
        self.moves = moves
        self.ways = ways
        self.field = field
        self.value = value
        self.place = moves.program.account[field].type.values.index(value)

    @property
    def trigger(self) -> str:
        return f"set.{self.field}"

    @cached_property
    def rules(self) -> list[tuple[Rule, frozenset[str]]]:
        """What may be found wrong, with what each reads."""
        program = self.moves.program
        return [(rule, frozenset(reads_of(program, rule.when, rule.requires))) for rule in findings(program)]

    @cached_property
    def _way(self) -> Way:
        return next(each for each in self.ways.all if each.id == self.trigger)

    @cached_property
    def near(self) -> frozenset[str]:
        """What matters to the change."""
        return self._way.reads | self._way.writes

    @cached_property
    def facts(self) -> frozenset[str]:
        """What matters: to the change, and to what may be found wrong because of it."""
        return self.near.union(*(reads for _, reads in self.rules if reads & self._way.writes))

    @cached_property
    def part(self) -> Slice:
        return self.ways.slice(self.facts)

    @cached_property
    def triggers(self) -> frozenset[str]:
        """Everything that may be set together with the field."""
        return self.ways.moving(self.part, frozenset({f"account.{self.field}"}))

    @property
    def value_of(self) -> tuple[Field, str]:
        """The field, and its value that is left."""
        return Field("account", self.field, self.moves.program.account[self.field].type), self.value

    def has(self, state: State) -> Bool:
        """Whether an account has the value."""
        present = state.account[self.field]
        return both(present.known, equal(present.value, self.place))

    def leaves(self, ruling: Ruling | None) -> Bool:
        """Whether a change is one of them; that it is allowed is not in it."""
        if ruling is None or ruling.change.kind != "set" or self.field not in ruling.change.values:
            return False
        asked, wanted = ruling.change.values[self.field]
        return both(asked, self.has(ruling.before), opposite(equal(wanted.value, self.place)))

    def finds(self, space: Space, ruling: Ruling, moment: Now) -> Bool:
        """Whether something is found wrong after a change that was not found before it."""
        before = Terms(self.moves.scene(space, ruling.before, moment))
        after = Terms(self.moves.scene(space, ruling.after, moment))
        made = ruling.after.history.made[len(ruling.before.history.made) :]
        touched = {fact for fact, moved in ruling.moved.items() if moved is not False}
        touched |= {f"event.{each.event}" for each in made}
        return disjunction(
            both(self.moves.finding(rule, after), opposite(self.moves.finding(rule, before)))
            for rule, reads in self.rules
            if reads & touched
        )

    def clean(self, space: Space, ruling: Ruling, moment: Now) -> Bool:
        """Whether a change leaves the value, and nothing is found wrong because of it."""
        leaves = self.leaves(ruling)
        return False if leaves is False else conjunction((leaves, opposite(self.finds(space, ruling, moment))))

    def dirty(self, space: Space, ruling: Ruling, moment: Now) -> Bool:
        """Whether a change leaves the value, and something is found wrong because of it."""
        leaves = self.leaves(ruling)
        return False if leaves is False else conjunction((leaves, self.finds(space, ruling, moment)))
