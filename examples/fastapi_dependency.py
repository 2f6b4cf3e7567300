"""A service that changes an account only as the policy allows.

Start it in this folder with `uvicorn fastapi_dependency:app`, then ask for a change:

    curl localhost:8000/accounts/gh_1/changes --json '{"set": {"type": "service"}}'
"""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Body, Depends, FastAPI, HTTPException

import lawful

policy = lawful.load("wechat")  # once: it is immutable, and threads may share it
app = FastAPI()

ACCOUNTS: dict[str, dict[str, Any]] = {  # your database
    "gh_1": {"type": "subscription", "subject": "media", "certified_until": "2099-12-31", "features": []},
    "gh_2": {"type": "subscription", "subject": "media", "certified_until": "2020-12-31", "features": []},
}
HISTORY: dict[str, list[dict[str, Any]]] = {"gh_1": [], "gh_2": []}


async def lawful_change(account_id: str, change: Annotated[dict[str, Any], Body()]) -> lawful.Decision:
    """The decision on the change in the body. What is not surely allowed goes no further.

    Only the change is taken from the client: what it is judged by, the account, its history and the time, is ours.
    For a plain yes or no there is `policy.allows`, which takes the same and costs less.
    """
    if account_id not in ACCOUNTS:
        raise HTTPException(404, f"there is no account {account_id}")
    try:
        decision = policy.check(
            account=ACCOUNTS[account_id], change=change, history=HISTORY[account_id], at=datetime.now(UTC)
        )
    except lawful.RequestError as error:  # no change that this policy knows: every problem, with its place
        raise HTTPException(422, [{"field": each.field, "problem": str(each)} for each in error.problems]) from None
    if decision.verdict == "deny":
        refused = [each for each in decision.reasons if each.severity == "error" and not each.standing]
        raise HTTPException(403, [{"rule": each.rule, "because": each.explanation.best("en")} for each in refused])
    if decision.verdict == "undetermined":
        raise HTTPException(409, {"missing": decision.missing})
    return decision


@app.post("/accounts/{account_id}/changes")
async def change_account(
    account_id: str,
    change: Annotated[dict[str, Any], Body()],
    decision: Annotated[lawful.Decision, Depends(lawful_change)],
) -> dict[str, Any]:
    """Do it. With a database, write only if what `decision.rests_on` names is still as it was."""
    account = ACCOUNTS[account_id]
    account |= {each.field: each.to for each in decision.consequences.changed}  # what an action moves, too
    features = {*account["features"], change.get("enable")} - {change.get("disable"), *decision.consequences.lost, None}
    account["features"] = sorted(features)
    HISTORY[account_id] += [{"event": each, "at": decision.at} for each in decision.events]  # limits count them
    return {"account": account, "still_to_do": [each.text.best("en") for each in decision.obligations]}
