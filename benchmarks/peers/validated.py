"""What stands before a peer in the rows that say *validated*: pydantic, as most would take. lawful itself has msgspec.

Strict types, words of the schema only, no field too many or too few. It gives a dict, which the peer then takes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from pydantic import ConfigDict, TypeAdapter, with_config
from typing_extensions import TypedDict  # pydantic asks for it before 3.12

from peers.requests import Request
from peers.rules import NUMBERS, TEXTS, WORDS

_STRICT = ConfigDict(strict=True, extra="forbid")
_FIELDS: dict[str, object] = {
    **{name: Literal[words] for name, words in WORDS.items()},
    **dict.fromkeys(TEXTS, str),
    **dict.fromkeys(NUMBERS, int),
}
# the functional form, since the fields are listed elsewhere; mypy cannot follow it, and checks no benchmarks
_Account = with_config(_STRICT)(TypedDict("_Account", _FIELDS))  # type: ignore[misc]


@with_config(_STRICT)
class _Empty(TypedDict):
    pass


@with_config(_STRICT)
class _Change(TypedDict, total=False):
    do: str
    register: _Empty


@with_config(_STRICT)
class _Request(TypedDict):
    account: _Account
    change: _Change
    at: str


def reader() -> Callable[[bytes], Request]:
    return TypeAdapter(_Request).validate_json
