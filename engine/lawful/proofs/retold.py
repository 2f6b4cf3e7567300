"""What two policies call by other words: titles and explanations, which no answer's verdict rests on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from lawful.deciding.explaining import cited
from lawful.ir import Condition, Event, Feature, FieldDeclaration, Program, Rule, Text
from lawful.proofs.differences import Called, Retold

Texts = Mapping[str, Text | None]


def retold(old: Program, new: Program) -> Iterator[Retold]:
    """Of what both have, each thing that has another title; then the rules with another title or explanation."""
    for name in (each for each in old.account if each in new.account):
        values = _titled("value", old.account[name].values, new.account[name].values, of=name)
        yield from (replace(each, source=cited(new.account[name])) for each in values)
    yield from _declared("field", old.account, new.account)
    yield from _titled("feature", _titles(old.features), _titles(new.features))
    yield from _titled("action", old.actions, new.actions)
    yield from _declared("request field", old.request, new.request)
    yield from _titled("event", _titles(old.events), _titles(new.events))
    yield from _declared("condition", old.conditions, new.conditions)
    yield from _rules(old, new)


def _titles(declared: Mapping[str, FieldDeclaration | Feature | Event | Condition]) -> Texts:
    return {name: each.title for name, each in declared.items()}


def _declared(
    what: Called, old: Mapping[str, FieldDeclaration | Condition], new: Mapping[str, FieldDeclaration | Condition]
) -> Iterator[Retold]:
    for each in _titled(what, _titles(old), _titles(new)):
        yield replace(each, source=cited(new[each.name]))


def _titled(what: Called, old: Texts, new: Texts, *, of: str = "") -> Iterator[Retold]:
    for name, title in old.items():
        if name in new and _plain(title, name) != _plain(new[name], name):
            yield Retold(what, name, _plain(title, name), _plain(new[name], name), of)


def _plain(title: Text | None, name: str) -> Text:
    """What has no title is called by its name."""
    return title or Text(name, name)


def _rules(old: Program, new: Program) -> Iterator[Retold]:
    """Version by version, as they follow each other; where there are more of them in one, the last ones are alone."""
    before, after = _worded(old), _worded(new)
    for id, words in before.items():
        pairs = zip(words, after.get(id, []), strict=False)
        yield from (Retold("rule", id, one, other) for one, other in [each for each in pairs if each[0] != each[1]][:1])


def _worded(program: Program) -> dict[str, list[Text]]:
    """The words of each rule, one for each of its versions."""
    found: dict[str, dict[object, Rule]] = {}
    for rule in program.rules:
        found.setdefault(rule.id, {}).setdefault(rule.in_force, rule)
    return {id: [_words(rule) for rule in versions.values()] for id, versions in found.items()}


def _words(rule: Rule) -> Text:
    return rule.explanation or rule.title or Text()
