"""What is asked: accounts drawn at random, the same at every run, about half of them refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from random import Random
from typing import Any

from peers.rules import PACK25, WORDS, Policy

Request = dict[str, Any]
"""As JSON gives it: `account`, `change`, `at`. The same for every peer; each takes from it what it reads."""

_SEED = 20250301
_REGIONS = ("CN-11", "CN-31", "CN-44", "HK", "SG", "MY")


def requests(policy: Policy, count: int) -> list[Request]:
    random = Random(_SEED)
    if policy == PACK25:
        return [_pack25(random) for _ in range(count)]
    actions = policy.actions
    return [
        {
            "account": _account(random),
            "change": {"do": random.choice(actions)} if actions else {"register": {}},
            "at": "2025-03-01",
        }
        for _ in range(count)
    ]


def as_bytes(requests: list[Request]) -> Iterator[bytes]:
    for request in requests:
        yield json.dumps(request).encode()


def _account(random: Random) -> dict[str, str | int]:
    """One in good order, of which up to seven facts are then whatever they happen to be."""
    account = _orderly(random)
    for name in random.sample(sorted(account), random.choice((0, 0, 2, 3, 5, 7))):
        account[name] = _anything(random, name)
    return account


def _orderly(random: Random) -> dict[str, str | int]:
    type_ = random.choice(WORDS["type"])
    subject = random.choice(WORDS["subject"] if type_ == "subscription" else WORDS["subject"][2:])
    return {
        "type": type_,
        "status": "active",
        "subject": subject,
        "certified_days": random.randint(0, 366),
        "idle_days": random.randint(0, 31),
        "followers": random.choice((12, 900, 4_000, 12_000, 49_999)),
        "warnings": random.randint(0, 2),
        "region": random.choice(_REGIONS[:3]),
        "sent_today": random.randint(0, 1),
        "sent_this_month": random.randint(0, 4),
        "renames": random.randint(0, 1),
        "upgrades": random.randint(0, 1) if type_ == "service" else 0,
    }


def _anything(random: Random, name: str) -> str | int:
    if name in WORDS:
        return random.choice(WORDS[name])
    match name:
        case "region":
            return random.choice(_REGIONS)
        case "certified_days":
            return random.choice((-400, -1, 0, 1, 366, 367, 500))
        case "idle_days":
            return random.choice((0, 29, 30, 31, 32, 209, 210, 400))
        case "followers":
            return random.choice((0, 9_999, 10_000, 50_000, 99_999, 100_000, 2_000_000))
        case "warnings":
            return random.randint(0, 12)
        case _:
            return random.choice((0, 1, 2, 3, 4, 5, 10, 11))


# ---------------------------------------------------------------------------------- lawful's own pack of 25 rules

_FEATURES = ("wechat_pay", "custom_menu", "template_message", "comments", "shop")
_CHANGES: tuple[dict[str, Any], ...] = (
    {"set": {"type": "service"}},
    {"set": {"type": "subscription"}},
    *({"set": {"status": status}} for status in WORDS["status"]),
    *({"enable": feature} for feature in _FEATURES),
    *({"do": action} for action in ("mass_send", "certify", "reprint", "rename")),
)
_EVENTS = ("mass_send", "mass_send", "rename", "thaw", "upgrade")
_DAYS = ("2025-02-28", "2025-02-20", "2025-02-01", "2024-11-30", "2024-02-29", "2023-06-01")


def _pack25(random: Random) -> Request:
    """A whole request: eight fields, all known, features, evidence, and up to four events."""
    return {
        "account": {
            "type": random.choice(WORDS["type"]),
            "status": random.choice((*WORDS["status"], "active", "active", "active")),
            "subject": random.choice(WORDS["subject"]),
            "certified_until": random.choice(("2025-12-31", "2025-03-01", "2025-02-28", "2024-01-31")),
            "last_active": random.choice(_DAYS),
            "followers": random.choice((12, 999, 1_000, 12_000, 50_000)),
            "warnings": random.choice((0, 0, 1, 2, 3, 6)),
            "region": random.choice(_REGIONS),
            "features": random.sample(_FEATURES, random.choice((0, 0, 1, 2))),
        },
        "change": random.choice(_CHANGES),
        "request": {name: random.random() < 0.7 for name in ("author_consent", "whitelisted", "letter")},
        "history": [
            {"event": random.choice(_EVENTS), "at": f"{random.choice(_DAYS)}T08:00:00+08:00"}
            for _ in range(random.randint(0, 4))
        ],
        "at": "2025-03-01",
    }
