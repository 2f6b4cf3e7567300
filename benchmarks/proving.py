"""How long `prove` takes: of the shipped packs, and of a pack of 150 rules.

python benchmarks/proving.py
"""

from __future__ import annotations

import json
import time
from typing import Any

import lawful
from lawful.library import shipped_names

TYPES = ("trial", "basic", "plus", "premium", "partner", "closed")
PRODUCTS = 12


def large() -> dict[str, Any]:
    """Accounts of six types with a status, a dozen products with a level each, and what one does with them: about 150
    rules, some fifty changes."""
    fields: dict[str, Any] = {
        "type": {"enum": list(TYPES)},
        "status": {"enum": ["active", "suspended", "ended"]},
        "subject": {"enum": ["individual", "enterprise", "government"], "fixed": True},
        "certified_until": {"type": "date"},
        "paid_until": {"type": "date"},
        "members": {"type": "int", "min": "0", "max": "10000", "outside": True},
    }
    for n in range(PRODUCTS):
        fields[f"level{n}"] = {"type": "int", "min": "0", "max": "5", "default": "0"}
        fields[f"limit{n}"] = {"type": "int", "min": "0", "settable": {"requires": "live"}}
    actions: dict[str, Any] = {
        "certify": {
            "requires": "account.subject != 'individual'",
            "limits": [{"at_most": 2, "per": "year"}],
            "effects": {"certified_until": "addYears(today, 1)"},
        },
        "pay": {"effects": {"paid_until": "addMonths(today, 1)"}},
    }
    features: dict[str, Any] = {}
    constraints: dict[str, Any] = {}
    for n in range(PRODUCTS):
        actions[f"raise{n}"] = {
            "requires": ["live", f"account.level{n} < 4", "certified" if n % 2 else "paid"],
            "limits": [{"id": "monthly", "at_most": 1 + n % 3, "per": "month"}],
            "effects": {f"level{n}": f"account.level{n} + 1"},
        }
        actions[f"use{n}"] = {
            "requires": ["live", f"account.level{n} >= 1"],
            "limits": [
                {"id": "daily", "at_most": 5 + n, "per": "day", "when": "account.type == 'trial'"},
                {"id": "yearly", "at_most": 500, "per": "year", "when": "account.type != 'trial'"},
            ],
        }
        features[f"product{n}"] = {"requires": ["live", f"account.type in {list(TYPES[n % 4 : 5])!r}", "certified"]}
        constraints[f"limit{n}"] = {
            "when": f"account.type == '{TYPES[n % 5]}'",
            "requires": f"account.limit{n} <= {100 * (n + 1)}",
        }
    return {
        "policy": "large",
        "version": "1",
        "timezone": "Asia/Shanghai",
        "account": {"fields": fields},
        "conditions": {
            "certified": "account.certified_until >= today",
            "paid": "account.paid_until >= today",
            "live": "account.status == 'active'",
        },
        "lifecycle": {
            "type": {
                "initial": ["trial", "basic"],
                "final": ["closed"],
                "transitions": {
                    "start": {"from": "trial", "to": "basic", "limit": "once"},
                    "rise": {"from": "basic", "to": "plus", "requires": "paid", "limit": "once"},
                    "rise_again": {"from": "plus", "to": "premium", "requires": ["paid", "certified"]},
                    "fall": {"from": "premium", "to": "plus"},
                    "join": {"from": ["plus", "premium"], "to": "partner", "requires": "certified", "limit": "once"},
                    "close": {"from": [*TYPES[:5]], "to": "closed"},
                },
            },
            "status": {
                "initial": "active",
                "final": ["ended"],
                "transitions": {
                    "suspend": {"from": "active", "to": "suspended"},
                    "resume": {"from": "suspended", "to": "active", "requires": "paid"},
                    "end": {"from": ["active", "suspended"], "to": "ended", "limit": "once"},
                },
            },
        },
        "features": features,
        "actions": actions,
        "constraints": constraints
        | {"partners": {"when": "account.type == 'partner'", "requires": "account.subject != 'individual'"}},
        "invariants": {
            "closed-stays-closed": {"never": "before.account.type == 'closed' && after.account.type != 'closed'"},
            "ended-stays-ended": {"never": "before.account.status == 'ended' && after.account.status != 'ended'"},
            "no-way-back-to-trial": {"never": "before.account.type != 'trial' && after.account.type == 'trial'"},
            "no-individual-partner": {"never": "account.type == 'partner' && account.subject == 'individual'"},
            "partners-stay": {"never": "before.account.type == 'partner' && after.account.type == 'premium'"},
            "started-once": {"never": "count('start', 'lifetime') > 1"},
            "levels-are-bounded": {"never": "account.level3 > 4"},
            "subject-stays": {"never": "before.account.subject != after.account.subject"},
            "raised-twice-a-month": {"never": "count('raise1', 'month') > 2"},
            "within-the-limit": {"never": "account.type == 'basic' && account.limit1 > 200"},
        },
    }


def measured(policy: lawful.Policy, *questions: str) -> str:
    begun = time.perf_counter()
    answers = policy.prove(*questions, timeout=30).answers
    seconds = time.perf_counter() - begun
    told = {status: sum(each.status == status for each in answers) for status in ("proved", "refuted", "unsettled")}
    return f"{seconds:6.2f} s  {len(answers):4} questions: " + ", ".join(f"{n} {status}" for status, n in told.items())


def main() -> None:
    packs = {name: lawful.load(name) for name in shipped_names()}
    pack = lawful.loads(json.dumps(large()))
    packs[f"{len(pack.program.rules)} rules"] = pack
    for name, policy in packs.items():
        print(f"{name}, invariants, final, once:", measured(policy, "invariant", "final", "once"))
        print(f"{name}, all questions:          ", measured(policy))


if __name__ == "__main__":
    main()
