"""What stands before a peer where a column says *validated*: msgspec, which is the quickest, and lawful's own choice.

As strict as lawful: types, words of the schema only, no field too many, an action that there is, a day that there is.
Here nothing may be missing, either; lawful looks for keys that stand twice in JSON, too, and for halves of characters
in texts of Python. A dict is looked at and given on as it is; of JSON the peer is given what msgspec has read, for a
text may say more than was read of it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, Literal

import msgspec

from peers.requests import Request
from peers.rules import NUMBERS, TEXTS, WORDS, Policy

_FIELDS: dict[str, object] = {
    **{name: Literal[words] for name, words in WORDS.items()},
    **dict.fromkeys(TEXTS, str),
    **dict.fromkeys(NUMBERS, int),
}


class _Empty(msgspec.Struct, forbid_unknown_fields=True):
    pass


def readers(policy: Policy) -> tuple[Callable[[Request], Request], Callable[[bytes], Request]]:
    """Of a dict and of JSON."""
    kinds: dict[str, Any] = {"do": Literal[policy.actions]} if policy.actions else {"register": _Empty}
    change = _strict("Change", kinds)
    request = _strict("Request", {"account": _strict("Account", _FIELDS), "change": change, "at": date})
    convert, decode, plain = msgspec.convert, msgspec.json.Decoder(request).decode, msgspec.to_builtins

    def checked(given: Request) -> Request:
        convert(given, request)
        return given

    return checked, lambda text: plain(decode(text))


def _strict(name: str, members: dict[str, Any]) -> Any:
    return msgspec.defstruct(name, list(members.items()), forbid_unknown_fields=True)
