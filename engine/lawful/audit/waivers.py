"""Waivers as their file has them, and as they are meant: findings for which somebody answers until a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from pydantic import Field

from lawful import values
from lawful.audit.errors import AuditError, WrongFile
from lawful.diagnostics import Diagnostic, in_file_order, legible, near
from lawful.document import Unreadable, decode, read
from lawful.ir import Program
from lawful.written import Written, validated

_BUILT_IN: Final = ("data.duplicate-id", "data.duplicate-id-before", "data.future-event", "data.unknown-account")


class WaiverWritten(Written):
    """One waiver: of a rule for an account, of a rule for every account, or of whatever is found of an account."""

    account: str | None = None
    rule: str | None = None
    owner: str
    reason: str
    expires: str


class WaiversWritten(Written):
    waivers: list[WaiverWritten] = Field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Waiver:
    """Who answers for which findings being let pass, why, and through which day."""

    account: str | None
    rule: str | None
    owner: str
    reason: str
    expires: date


def waivers(path: Path, program: Program) -> tuple[Waiver, ...]:
    """The waivers of a YAML file. Raises AuditError."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise AuditError(f"`{legible(str(path), 200)}` cannot be read: {reason}") from None
    try:
        document, mistakes = read(decode(str(path), raw))
    except Unreadable as error:
        raise WrongFile(error.diagnostics) from None
    written = validated(WaiversWritten, document)
    if isinstance(written, list):
        raise WrongFile(in_file_order([*mistakes, *written]))
    found: list[Waiver] = []
    known = {rule.id for rule in program.rules} | set(_BUILT_IN)
    for index, each in enumerate(written.waivers):
        where = ("waivers", index)
        if each.account is None and each.rule is None:
            span = document.span(where)
            mistakes.append(Diagnostic("missing-key", "a waiver is of an `account`, of a `rule` or of both", span))
        if each.rule is not None and each.rule not in known:
            help = near(each.rule, known)
            message = f"the policy has no rule `{legible(each.rule)}`"
            mistakes.append(Diagnostic("unknown-rule", message, document.span((*where, "rule")), help))
        try:
            expires = values.day(each.expires)
        except values.BadValue as error:
            mistakes.append(Diagnostic("wrong-value", error.message, document.span((*where, "expires")), error.help))
            continue
        found.append(Waiver(each.account, each.rule, each.owner, each.reason, expires))
    if mistakes:
        raise WrongFile(in_file_order(mistakes))
    return tuple(found)
