"""An engine with a policy loaded, as the benchmark asks it. Every module beside this one makes one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from peers.requests import Request


def itself(given: Any) -> Any:
    return given


@dataclass(frozen=True, kw_only=True)
class Peer:
    """What is called under the clock stands here as it is, with nothing of the benchmark's around it."""

    allows: Callable[[Any], bool] | None = None
    """The verdict alone, on a prepared request; may stop at the first broken rule."""
    broken: Callable[[Any], Any] | None = None
    """The verdict and the ids of all broken rules, on a prepared request."""
    from_dict: Callable[[Request], Any] | None = None
    """As `broken`, from the request as a dict, which is not validated; likewise below."""
    from_json: Callable[[bytes], Any] | None = None
    """As `broken`, from the request as JSON."""
    dict_validated: Callable[[Request], Any] | None = None
    """As `broken`, from the request as a dict that is validated by the engine itself; else msgspec does it before."""
    json_validated: Callable[[bytes], Any] | None = None
    """Likewise, from JSON."""
    explain: Callable[[Request], object] | None = None
    """What the engine tells of why, from the request as a dict; None where it tells no more than ids."""
    prepare: Callable[[Request], Any] = itself
    """The form in which the engine would have the request: made before the clock starts."""
    ids: Callable[[Any], Iterable[str]] = itself
    """The ids in an answer of `broken`, read after the clock has stopped: no work may be hidden in it."""
    note: str = ""
    """What the table says of this policy on this engine."""
