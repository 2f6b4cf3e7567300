"""A made-up review of a company's accounts on GitHub: what the platform's API says of each, and what each still can do.

    python tests/platform_inventory.py

writes `fixtures/developer-platforms/` anew: the same every time.
"""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

FOLDER = Path(__file__).parent.parent / "fixtures" / "developer-platforms"
WORDS = ["amber", "basalt", "cobalt", "delta", "ember", "fjord", "granite", "harbor", "indigo", "jasper", "kelp"]
ACCESS = ["login", "gist", "ssh", "oauth", "star", "follow"]

Account = dict[str, Any]


def review(random: Random) -> tuple[list[Account], list[Account]]:
    """The accounts of last year and of today; the first of them break a rule each, the others none."""
    before, after = [], []
    for number in range(1, 201):
        then = account(random, number)
        now = dict(then)
        if then["type"] == "User" and random.random() < 0.1:
            now |= {"type": "Organization", "access": []}
        before.append(then)
        after.append(now)
    before[0] |= {"type": "Organization", "access": []}
    after[0] |= {"type": "User"}  # nobody converts an organization back
    after[1] |= {"type": "Organization", "access": ["ssh"]}  # a key that outlived the conversion
    after[2] |= {"type": "Organization", "access": ["login", "gist"]}
    before[1] |= {"type": "User"}
    before[2] |= {"type": "User"}
    del after[3]["access"]  # not reviewed
    return before, [*after[:-1], account(random, 201)]  # one is gone, one is new


def account(random: Random, number: int) -> Account:
    login = f"{random.choice(WORDS)}-{random.choice(WORDS)}-{number}"
    kind = "Organization" if random.random() < 0.3 else "User"
    access = sorted(random.sample(ACCESS, random.randint(1, 5))) if kind == "User" else []
    return {
        "login": login,
        "id": 1_000_000 + number * 37,
        "type": kind,
        "site_admin": False,
        "public_repos": random.randint(0, 90),
        "created_at": f"20{random.randint(10, 24)}-{random.randint(1, 12):02}-{random.randint(1, 28):02}T08:00:00Z",
        "access": access,
    }


def write(folder: Path) -> None:
    for name, accounts in zip(("accounts-2025", "accounts-2026"), review(Random(34395)), strict=True):
        lines = "".join(f"{json.dumps(each)}\n" for each in accounts)
        (folder / f"{name}.jsonl").write_text(lines, encoding="utf-8")


if __name__ == "__main__":
    write(FOLDER)
