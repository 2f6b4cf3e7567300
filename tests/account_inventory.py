"""A made-up agency's accounts: the platform's answers of two years, the agency's ledger beside them, and what was sent.

    python tests/account_inventory.py

writes `fixtures/wechat/` anew: the same every time.
"""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

FOLDER = Path(__file__).parent.parent / "fixtures" / "wechat"
TODAY = date(2024, 4, 12)
FIRST, SECOND = "云山白晨南海秋花", "店桥行园声星月里"
SUBSCRIPTION, UPGRADED, SERVICE = 0, 1, 2  # service_type_info

Account = dict[str, Any]


def agency(random: Random) -> tuple[list[Account], list[Account], list[Account]]:
    """The answers of 2023, those of 2024 and the mass messages of a month; the first nine break a rule each."""
    before = [account(random, number) for number in range(200)]
    after = [json.loads(json.dumps(each)) for each in before]
    sent = [event for each in after[11:] for event in messages(random, each)]

    was(before[0], after[0], SERVICE, "个人")  # an individual's service account
    was(before[1], after[1], SUBSCRIPTION, "企业", "2024-12-31", pay=1)
    was(before[2], after[2], SERVICE, "企业", "2024-03-31", pay=1)  # WeChat Pay outlived the certification
    was(before[3], after[3], SUBSCRIPTION, "个人", "2024-12-31")
    was(before[4], after[4], SUBSCRIPTION, "个人")
    after[4]["ledger"]["last_active"] = "2023-09-01"
    was(before[5], after[5], SUBSCRIPTION, "企业", "2024-12-31")
    before[5]["authorizer_info"]["service_type_info"]["id"] = SERVICE  # it went back
    was(before[6], after[6], SUBSCRIPTION, "政府")
    before[6]["ledger"]["subject"] = "企业"
    was(before[7], after[7], SUBSCRIPTION, "媒体")
    was(before[8], after[8], SERVICE, "企业", "2024-12-31")
    was(before[9], after[9], SERVICE, "企业", "2024-12-31")
    before[9]["authorizer_info"]["service_type_info"]["id"] = UPGRADED  # certified: as it may
    was(before[10], after[10], SERVICE, "企业")
    del after[10]["ledger"]  # the agency knows nothing of it
    sent += [message(after[7], "2024-04-09T08:00:00+08:00"), message(after[7], "2024-04-09T20:00:00+08:00")]
    sent += [message(after[8], f"2024-03-{day:02}T12:00:00+08:00") for day in (1, 8, 15, 22, 29)]
    return before, after, sorted(sent, key=lambda each: (each["CreateTime"], each["appid"]))


def account(random: Random, number: int) -> Account:
    """One that keeps every rule of the policy."""
    subject = random.choices(["个人", "企业", "媒体", "政府", "其他组织"], [6, 10, 2, 1, 2])[0]
    individual = subject == "个人"
    kind = random.choice([SUBSCRIPTION, UPGRADED] if individual else [SUBSCRIPTION, SERVICE, SERVICE])
    certified = not individual and random.random() < 0.7
    words = random.choice(FIRST) + random.choice(SECOND)
    return {
        "authorizer_info": {
            "nick_name": f"{words}{random.choice(['日记', '周刊', '之家', '服务'])}",
            "service_type_info": {"id": kind},
            "verify_type_info": {"id": 0 if certified else -1},
            "user_name": f"gh_{number:012x}",
            "principal_name": subject if individual else f"{words}{number}",
            "alias": "" if random.random() < 0.5 else f"acct-{number:03}",
            "business_info": {
                "open_store": 0,
                "open_scan": 0,
                "open_pay": int(certified and kind == SERVICE and random.random() < 0.5),
                "open_card": 0,
                "open_shake": 0,
            },
            "account_status": 1,
        },
        "authorization_info": {"authorizer_appid": f"wx{number:016x}", "func_info": []},
        "ledger": {
            "subject": subject,
            "certified_until": str(TODAY + timedelta(days=random.randint(1, 364))) if certified else None,
            "last_active": str(TODAY - timedelta(days=random.randint(0, 180))),
        },
    }


def was(before: Account, after: Account, kind: int, subject: str, until: str | None = None, pay: int = 0) -> None:
    for each in (before, after):
        info, ledger = each["authorizer_info"], each["ledger"]
        info["service_type_info"]["id"], info["business_info"]["open_pay"] = kind, pay
        info["verify_type_info"]["id"] = -1 if until is None else 0
        ledger |= {"subject": subject, "certified_until": until, "last_active": "2024-04-01"}


def messages(random: Random, each: Account) -> list[Account]:
    """At most one a day and four a month: whatever the type."""
    days = random.sample(range(1, 32), random.randint(0, 4))
    return [message(each, f"2024-03-{day:02}T{random.randint(8, 20):02}:00:00+08:00") for day in days]


def message(each: Account, at: str) -> Account:
    return {"appid": each["authorization_info"]["authorizer_appid"], "Event": "MASSSENDJOBFINISH", "CreateTime": at}


def write(folder: Path) -> None:
    names = ("answers-2023", "answers-2024", "messages")
    for name, rows in zip(names, agency(Random(323376)), strict=True):
        lines = "".join(f"{json.dumps(each, ensure_ascii=False)}\n" for each in rows)
        (folder / f"{name}.jsonl").write_text(lines, encoding="utf-8")


if __name__ == "__main__":
    write(FOLDER)
