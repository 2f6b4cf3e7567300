"""Answers for people, and for programs: which account, which date, which steps."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from lawful import values, wording
from lawful.ir import FieldDeclaration, Language, Program, Text, Value
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
        return local(happening.at)

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
                return self.say("the account: ", "帐号：") + self.facts(_account(happening))
            case "change":
                return self._change(happening)

    def _change(self, happening: Happening) -> str:
        asked, account = happening.request or {}, _account(happening)
        parts = [self.asked(happening.what, account)]
        if asked.get("request"):
            parts.append(self.say("with ", "请求：") + self.listed(asked["request"], self.program.request))
        if happening.verdict is not None:
            whose = self.whose(account)
            if asked.get("history"):
                happened = self.happened(asked["history"], happening.at)
                whose += self.say(f"; before: {happened}", f"；此前：{happened}")
            parts.append(whose)
        told = self.say(", ", "，").join(parts) + self._changes(happening)
        if happening.verdict is not None:
            rules = f" ({', '.join(happening.rules)})" if happening.rules else ""
            told += f" → {happening.verdict}{rules}"
        return told

    def asked(self, change: Json, account: Json) -> str:
        """A change of that account."""
        match change:
            case {"set": dict() as wanted}:
                told = self.say("set ", "设置 ") + self.listed(wanted, self.program.account)
                same = [
                    name
                    for name, value in wanted.items()
                    if self.program.account[name].private and account.get(name) == value
                ]
                return told + (self.say(" (what it is already)", "（与现值相同）") if same else "")
            case {"enable": name}:
                return self.say("enable ", "开通 ") + wording.feature_title(self.program, str(name), self.language)
            case {"disable": name}:
                return self.say("disable ", "关闭 ") + wording.feature_title(self.program, str(name), self.language)
            case {"do": name}:
                return self.say("do ", "执行 ") + wording.action_title(self.program, str(name), self.language)
            case _:
                return self.say("register", "注册")

    def whose(self, account: Json) -> str:
        """Of which account."""
        if not account:
            return self.say("of an account of which nothing is known", "帐号：无已知信息")
        return self.say("of an account with ", "帐号：") + self.facts(account)

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
        return self.value(self.program.account.get(name), value)

    def value(self, declaration: FieldDeclaration | None, value: Value | None) -> str:
        """A value in words; nothing is not left blank."""
        told = wording.of_field(declaration, value, self.language, self.zone)
        if told:
            return told
        return self.say("none", "无") if isinstance(value, frozenset) else "''"

    def facts(self, account: Json) -> str:
        """An account in a line: its facts, and the features that it has."""
        given = {name: value for name, value in account.items() if name != "features"}
        parts = [self.listed(given, self.program.account)] if given else []
        if account.get("features"):
            names = [wording.feature_title(self.program, each, self.language) for each in account["features"]]
            parts.append(self.say("features: ", "功能：") + ", ".join(names))
        elif "features" in account:
            parts.append(self.say("no features", "无功能"))
        return self.say("; ", "；").join(parts) or self.say("nothing is known", "无已知信息")

    def listed(self, given: Json, schema: Mapping[str, FieldDeclaration]) -> str:
        """Facts, each with its name."""
        parts = []
        for name, raw in given.items():
            declaration = schema[name]
            value = values.read(declaration, raw, self.zone)
            parts.append(f"{wording.field_title(declaration, self.language)}: {self.value(declaration, value)}")
        return self.say(", ", "，").join(parts)

    def happened(self, history: list[Json], at: datetime) -> str:
        """Each event with when it happened, those of one kind together; `at`: when that is told."""
        times: dict[str, list[str]] = {}
        for each in history:
            when = datetime.fromisoformat(each["at"])
            told = local(when, zoned=when.utcoffset() != at.utcoffset())
            times.setdefault(each["event"], []).append(told)
        return ", ".join(
            f"{wording.event_title(self.program, event, self.language)} {', '.join(some[:3])}"
            f"{f' (… {len(some)} ×)' if len(some) > 3 else ''}"
            for event, some in times.items()
        )


def local(at: datetime, *, zoned: bool = False) -> str:
    """A local time: to the minute where it is a whole one."""
    precision = "minutes" if not (at.second or at.microsecond) else "auto"
    told = at.replace(tzinfo=None).isoformat(" ", precision)
    return f"{told} {at.isoformat()[-6:]}" if zoned else told


def _account(happening: Happening) -> Json:
    account: Json = (happening.request or {}).get("account", {})
    return account


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
