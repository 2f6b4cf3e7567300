"""The floor: what a good programmer writes for these very rules, and nothing else.

Plain ifs on the dict for the 25 rules; for the many actions, which differ in their numbers only, one function and a
table of the numbers. No check of what came in, nothing unknown, no words: it stands for what is the least to be done.
"""

from __future__ import annotations

import json

from peers.peer import Peer
from peers.requests import Request
from peers.rules import Policy, allowances


def load(policy: Policy) -> Peer:
    if policy.actions:
        return _moves(policy)
    return Peer(
        allows=lambda request: not record_refuses(request),
        broken=record_broken,
        from_dict=record_broken,
        from_json=lambda text: record_broken(json.loads(text)),
    )


def record_broken(request: Request) -> list[str]:
    account = request["account"]
    broken = []
    type_, status, subject = account["type"], account["status"], account["subject"]
    certified = account["certified_days"] >= 0
    organized = subject != "individual"
    mainland = account["region"].startswith("CN")
    followers, warnings, idle_days = account["followers"], account["warnings"], account["idle_days"]
    sent_today, sent_this_month = account["sent_today"], account["sent_this_month"]
    renames, upgrades = account["renames"], account["upgrades"]
    if type_ == "service":
        if not organized:
            broken.append("constraints.may-hold-service")
        if followers >= 10_000 and not certified:
            broken.append("constraints.big-service-certified")
        if warnings >= 6:
            broken.append("constraints.few-warnings")
        if sent_this_month > 4:
            broken.append("constraints.monthly")
    elif type_ == "enterprise":
        if subject in ("individual", "media"):
            broken.append("constraints.may-hold-enterprise")
        if sent_today > 10:
            broken.append("constraints.enterprise-daily")
    elif sent_today > 1:
        broken.append("constraints.daily")
    if status == "active":
        if warnings >= 9:
            broken.append("constraints.active-in-order")
        if warnings >= 3 and upgrades:
            broken.append("constraints.upgraded-in-order")
    elif status == "closed":
        if idle_days < 30:
            broken.append("constraints.closed-is-idle")
        if sent_today:
            broken.append("constraints.closed-is-silent")
    else:
        if warnings < 3:
            broken.append("constraints.frozen-for-a-reason")
        if sent_today:
            broken.append("constraints.frozen-is-silent")
    if not certified and type_ != "enterprise" and idle_days >= 210:
        broken.append("constraints.dormant")
    if organized:
        if renames > 2:
            broken.append("constraints.renamed-twice")
        if subject == "media":
            if not mainland:
                broken.append("constraints.media-at-home")
        elif subject == "government" and not certified and idle_days >= 30 and status != "closed":
            broken.append("constraints.government-certified")
    else:
        if renames > 1:
            broken.append("constraints.renamed-once")
        if followers >= 100_000:
            broken.append("constraints.individual-is-small")
        if renames and followers >= 50_000:
            broken.append("constraints.big-keeps-its-name")
    if upgrades:
        if upgrades > 1:
            broken.append("constraints.upgraded-once")
        if type_ != "service":
            broken.append("constraints.upgraded-is-service")
    if not mainland and not (certified and organized):
        broken.append("constraints.foreign-certified")
    if account["certified_days"] > 366:
        broken.append("constraints.certified-for-a-year")
    if sent_this_month and idle_days > 31:
        broken.append("constraints.sends-while-used")
    return broken


def record_refuses(request: Request) -> bool:
    """The same, stopping at the first broken rule."""
    account = request["account"]
    type_, status, subject = account["type"], account["status"], account["subject"]
    warnings, sent_today, upgrades = account["warnings"], account["sent_today"], account["upgrades"]
    certified = account["certified_days"] >= 0
    organized = subject != "individual"
    if type_ == "service":
        if not organized or warnings >= 6 or account["sent_this_month"] > 4:
            return True
        if account["followers"] >= 10_000 and not certified:
            return True
    elif type_ == "enterprise":
        if subject in ("individual", "media") or sent_today > 10:
            return True
    elif sent_today > 1:
        return True
    if status == "active":
        if warnings >= 9 or (warnings >= 3 and upgrades):
            return True
    elif sent_today or (account["idle_days"] < 30 if status == "closed" else warnings < 3):
        return True
    if upgrades and (upgrades > 1 or type_ != "service"):
        return True
    if account["certified_days"] > 366:
        return True
    idle_days = account["idle_days"]
    if account["sent_this_month"] and idle_days > 31:
        return True
    if not certified and type_ != "enterprise" and idle_days >= 210:
        return True
    mainland = account["region"].startswith("CN")
    if not mainland and not (certified and organized):
        return True
    renames = account["renames"]
    if organized:
        if renames > 2 or (subject == "media" and not mainland):
            return True
        return subject == "government" and not certified and idle_days >= 30 and status != "closed"
    followers = account["followers"]
    return renames > 1 or followers >= 100_000 or (renames > 0 and followers >= 50_000)


def _moves(policy: Policy) -> Peer:
    numbers = {
        action: (*allowances(index), tuple(rule.id for rule in rules))
        for index, (action, rules) in enumerate(policy.by_action())
    }

    def broken(request: Request) -> list[str]:
        account = request["account"]
        warned, daily, monthly, yearly, ever, ids = numbers[request["change"]["do"]]
        found = []
        if account["status"] != "active" or account["warnings"] >= warned:
            found.append(ids[0])
        if account["type"] == "subscription":
            if account["sent_today"] >= daily:
                found.append(ids[1])
        elif account["type"] == "service" and account["sent_this_month"] >= monthly:
            found.append(ids[2])
        if account["subject"] == "individual" and account["renames"] >= yearly:
            found.append(ids[3])
        if account["upgrades"] >= ever and account["region"].startswith("CN"):
            found.append(ids[4])
        return found

    def allows(request: Request) -> bool:
        account = request["account"]
        warned, daily, monthly, yearly, ever, _ = numbers[request["change"]["do"]]
        if account["status"] != "active" or account["warnings"] >= warned:
            return False
        if account["type"] == "subscription":
            if account["sent_today"] >= daily:
                return False
        elif account["type"] == "service" and account["sent_this_month"] >= monthly:
            return False
        if account["subject"] == "individual" and account["renames"] >= yearly:
            return False
        return account["upgrades"] < ever or not account["region"].startswith("CN")

    return Peer(allows=allows, broken=broken, from_dict=broken, from_json=lambda text: broken(json.loads(text)))
