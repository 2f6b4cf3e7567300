"""What Z3 is told of a change is what `check` says: drawn policies and requests, the verdict and the state after."""

from __future__ import annotations

import json

from hypothesis import Phase, given, settings

import drawing
import lawful
import policies
from lawful import ir
from lawful.deciding.judging import Judge
from lawful.proofs.moves import Moves
from lawful.question import EARLIEST
from policies import Drawn
from proving import change_of, moment_of, request_of, space_of, state_of, value_of

UNSHRUNK = [Phase.explicit, Phase.generate]


@settings(max_examples=drawing.examples(120), deadline=None, phases=UNSHRUNK)
@given(policies.drawn(requests=2))
def test_a_ruling_is_the_references_verdict(drawn: Drawn) -> None:
    try:
        policy = lawful.loads(drawn.policy)
    except lawful.PolicyError:
        return
    judge = Judge(policy.program, policy.zone)
    moves = Moves(policy.program)
    for asked in drawn.requests:
        question = policy.read({**asked, "changes": asked["changes"][:1]})
        if question.whole_from not in (None, EARLIEST):  # a history of which some is known has two counts
            continue
        step = judge.judge(question, "reference").steps[0]
        change = question.changes[0]
        space = space_of(policy.zone)
        state = state_of(step.before, policy.program, space)
        ruling = moves.ruling(
            space,
            change_of(change, space, policy.program),
            state,
            moment_of(step.before, space),  # type: ignore[arg-type]  # a moment that is known
            request_of(step.before, policy.program, space),
        )
        model = space.satisfiable()
        assert model is not None, json.dumps(asked)
        found = [name for name in ("allow", "deny", "undetermined") if model.holds(getattr(ruling, name))]
        assert found == [step.verdict], (json.dumps(asked), [each.rule.id for each in step.judged if each.refuses])
        left = judge.left_by(step) if step.verdict != "deny" else None
        if left is not None:
            account = {
                name: value_of(model, ruling.after.account[name], each.type, space)
                for name, each in policy.program.account.items()
            }
            expected = {
                name: left.records["account"].get(name, each.default) for name, each in policy.program.account.items()
            }
            assert account == expected
            features = {
                name: value_of(model, ruling.after.features[name], ir.BOOL, space) for name in policy.program.features
            }
            assert features == {name: left.records["features"].get(name) for name in policy.program.features}
