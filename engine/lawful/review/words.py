"""A request in the words of its policy: what is known of the account, what happened to it, what is asked and when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from lawful import values, wording
from lawful.ir import Language, Program, Schema, Value
from lawful.question import Asked, Question


def told(program: Program, question: Question, language: Language) -> Iterator[tuple[str, str]]:
    """Pairs of a heading and what stands under it."""
    words = _Words(program, language)
    known = words.facts(program.account, question.account.known())
    enabled = [wording.feature_title(program, name, language) for name, on in question.features.items() if on]
    if enabled:
        known.append(words.say(f"enabled: {', '.join(enabled)}", f"已开通：{'、'.join(enabled)}"))
    yield words.say("account", "帐号"), words.joined(known) or words.say("nothing is known", "无已知信息")
    beside = words.facts(program.request, question.facts.known())
    if beside:
        yield words.say("request", "申请"), words.joined(beside)
    yield words.say("history", "历史"), words.history(question)
    yield words.say("asks to", "请求"), words.joined([words.change(each) for each in question.changes])
    yield words.say("on", "时间"), words.moment(question.at)


class _Words:
    def __init__(self, program: Program, language: Language) -> None:
        self.program = program
        self.language = language
        self.zone = ZoneInfo(program.timezone)

    def say(self, english: str, chinese: str) -> str:
        return english if self.language == "en" else chinese

    def joined(self, parts: list[str]) -> str:
        return self.say("; ", "；").join(parts)

    def facts(self, schema: Schema, known: Mapping[str, Value]) -> list[str]:
        return [
            f"{wording.field_title(each, self.language)}: {self.value(schema, name, known[name])}"
            for name, each in schema.items()
            if name in known and known[name] != each.default
        ]

    def value(self, schema: Schema, name: str, value: Value | None) -> str:
        """A private value is shown: it is made up, and who reviews must see it."""
        declaration = schema.get(name)
        if declaration is not None and declaration.private and value is not None:
            return values.written(value, self.zone)
        return wording.of_field(declaration, value, self.language, self.zone)

    def history(self, question: Question) -> str:
        if question.whole_from is None and not question.recorded:
            return self.say("not known", "未知")
        events = [
            f"{wording.event_title(self.program, each.event, self.language)} ({self.moment(each.at)})"
            for each in question.recorded
        ]
        return self.joined(events) or self.say("nothing happened", "无记录")

    def moment(self, at: datetime) -> str:
        return values.local(at, self.zone).strftime("%Y-%m-%d %H:%M:%S").removesuffix(":00")

    def change(self, asked: Asked) -> str:
        match asked.kind:
            case "set":
                moves = [
                    f"{wording.field_title(self.program.account[name], self.language)} → "
                    f"{self.value(self.program.account, name, value)}"
                    for name, value in asked.values.items()
                ]
                return self.say("set ", "设置") + ", ".join(moves)
            case "enable":
                title = wording.feature_title(self.program, asked.name, self.language)
                return self.say(f"enable {title}", f"开通{title}")
            case "disable":
                title = wording.feature_title(self.program, asked.name, self.language)
                return self.say(f"give up {title}", f"关闭{title}")
            case "do":
                title = wording.action_title(self.program, asked.name, self.language)
                return self.say(f"do {title}", f"执行{title}")
            case "register":
                return self.say("be registered", "注册")
