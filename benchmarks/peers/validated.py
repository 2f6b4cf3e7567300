"""What stands before a peer in the rows that say *validated*: msgspec, which is the quickest, and lawful's own choice.

Strict types, words of the schema only, no field too many or too few. It gives a dict, which the peer then takes. That a
key stands there twice it does not notice; lawful refuses that as well.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from peers.requests import Request
from peers.rules import NUMBERS, TEXTS, WORDS

_FIELDS: dict[str, object] = {
    **{name: Literal[words] for name, words in WORDS.items()},
    **dict.fromkeys(TEXTS, str),
    **dict.fromkeys(NUMBERS, int),
}
_Account = msgspec.defstruct("_Account", list(_FIELDS.items()), forbid_unknown_fields=True)  # type: ignore[arg-type]


class _Empty(msgspec.Struct, forbid_unknown_fields=True):
    pass


class _Change(msgspec.Struct, forbid_unknown_fields=True):
    do: str | UnsetType = UNSET
    register: _Empty | UnsetType = UNSET


class _Request(msgspec.Struct, forbid_unknown_fields=True):
    account: _Account  # type: ignore[valid-type]
    change: _Change
    at: str


def reader() -> Callable[[bytes], Request]:
    decode, plain = msgspec.json.Decoder(_Request).decode, msgspec.to_builtins
    return lambda text: plain(decode(text))
