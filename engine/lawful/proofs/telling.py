"""Answers for people, and for programs: which account, which date, which steps."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from lawful import values, wording
from lawful.ir import Language, Program, Text, Value
from lawful.proofs.answers import Answer, Answers
from lawful.proofs.witness import Happening, Witness

Json = dict[str, Any]


class Teller:
    """Tells what happens to the account of a witness, by the titles of one policy."""

    def __init__(self, program: Program, language: Language) -> None:
        self.program = program
        self.language = language
        self.zone = ZoneInfo(program.timezone)

    def say(self, english: str, chinese: str) -> str:
        return english if self.language == "en" else chinese

    def date(self, happening: Happening) -> str:
        return happening.at.strftime("%Y-%m-%d %H:%M")

    def what(self, happening: Happening) -> str:
        """One thing that happens, in a line."""
        match happening.kind:
            case "register":
                return self.say("registered: ", "注册：") + self.facts(_account(happening))
            case "event":
                name = str(happening.what["event"])
                title = wording.event_title(self.program, name, self.language)
                return self.say(f"{title} happens", f"发生{title}") + self._changes(happening)
            case "world":
                return self.say("meanwhile", "其间") + self._changes(happening)
            case "state":
                return self.say("the account: ", "账号：") + self.facts(_account(happening))
            case "change":
                return self._change(happening)

    def _change(self, happening: Happening) -> str:
        parts = [self._asked(happening.what)]
        request = (happening.request or {}).get("request")
        if request:
            parts.append(self.say("with ", "请求：") + self._listed(request, self.program.request))
        if happening.verdict is not None:
            account = self.facts(_account(happening))
            history = (happening.request or {}).get("history") or []
            if history:
                account += self.say(f"; before: {_happened(history)}", f"；此前：{_happened(history)}")
            parts.append(self.say(f"of an account with {account}", f"账号：{account}"))
        told = self.say(", ", "，").join(parts) + self._changes(happening)
        if happening.verdict is not None:
            rules = f" ({', '.join(happening.rules)})" if happening.rules else ""
            told += f" → {happening.verdict}{rules}"
        return told

    def _asked(self, change: Json) -> str:
        match change:
            case {"set": dict() as wanted}:
                return self.say("set ", "设置 ") + self._listed(wanted, self.program.account)
            case {"enable": name}:
                return self.say("enable ", "开通 ") + wording.feature_title(self.program, str(name), self.language)
            case {"disable": name}:
                return self.say("disable ", "关闭 ") + wording.feature_title(self.program, str(name), self.language)
            case {"do": name}:
                return self.say("do ", "执行 ") + wording.action_title(self.program, str(name), self.language)
            case _:
                return self.say("register", "注册")

    def _changes(self, happening: Happening) -> str:
        asked = happening.what.get("set", {})
        moved = [
            f"{name}: {self._value(name, before)} → {self._value(name, after)}"
            for name, before, after in happening.changed
            if name not in asked
        ]
        if happening.lost:
            names = ", ".join(wording.feature_title(self.program, each, self.language) for each in happening.lost)
            moved.append(self.say(f"loses {names}", f"失去{names}"))
        return f" [{'; '.join(moved)}]" if moved else ""

    def _value(self, name: str, value: Value | None) -> str:
        return wording.of_field(self.program.account.get(name), value, self.language, self.zone)

    def facts(self, account: Json) -> str:
        """An account in a line: its facts, and the features that it has."""
        given = {name: value for name, value in account.items() if name != "features"}
        told = self._listed(given, self.program.account) if given else self.say("nothing is known", "无已知信息")
        if account.get("features"):
            names = [wording.feature_title(self.program, each, self.language) for each in account["features"]]
            told += self.say("; features: ", "；功能：") + ", ".join(names)
        return told

    def _listed(self, given: Json, schema: Any) -> str:
        parts = []
        for name, raw in given.items():
            declaration = schema[name]
            value = values.read(declaration, raw, self.zone)
            title = wording.field_title(declaration, self.language)
            parts.append(f"{title}: {wording.of_field(declaration, value, self.language, self.zone)}")
        return self.say(", ", "，").join(parts)


def _account(happening: Happening) -> Json:
    account: Json = (happening.request or {}).get("account", {})
    return account


def _happened(history: list[Json]) -> str:
    """Each event with its dates, those of one kind together."""
    dates: dict[str, list[str]] = {}
    for each in history:
        dates.setdefault(each["event"], []).append(each["at"][:10])
    return ", ".join(
        f"{event} {', '.join(days[:3])}{f' (… {len(days)} ×)' if len(days) > 3 else ''}"
        for event, days in dates.items()
    )


# ------------------------------------------------------------------------------------------------------- programs


def as_json(answers: Answers, program: Program, lawful: str) -> Json:
    """`lawful/proof/v1`."""
    return {
        "schema": "lawful/proof/v1",
        "lawful": lawful,
        "policy": {"id": program.id, "version": program.version, "digest": program.digest},
        "seconds": round(answers.seconds, 3),
        "assumptions": [_text(each) for each in answers.assumptions],
        "answers": [_answer(each) for each in answers.answers],
    }


def _answer(answer: Answer) -> Json:
    question = answer.question
    place = question.place
    return {
        "id": question.id,
        "kind": question.kind,
        "severity": question.severity,
        "status": answer.status,
        "title": _text(question.title),
        "told": _text(answer.told),
        "proof": answer.proof,
        "counted_by": answer.counted_by,
        "place": None if place is None else {"file": place.file, "line": place.line, "column": place.column},
        "seconds": round(answer.seconds, 3),
        "witness": None if answer.witness is None else _witness(answer.witness),
    }


def _witness(witness: Witness) -> list[Json]:
    return [
        {
            "kind": each.kind,
            "at": each.at.isoformat(),
            "what": each.what,
            "request": each.request,
            "lost": list(each.lost),
            "verdict": each.verdict or ("allow" if each.kind in ("register", "change") else None),
            "rules": list(each.rules),
        }
        for each in witness.happenings
    ]


def _text(text: Text) -> Json:
    return {"en": text.en, "zh": text.zh}
