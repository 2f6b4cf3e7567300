"""What a command's exit code says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

FINE: Final = 0
"""Allowed, passed, nothing found."""
DENIED: Final = 1
"""Denied; a case failed; something was found."""
WRONG_USAGE: Final = 2
"""Wrong usage, or input that cannot be read."""
UNDETERMINED: Final = 3
WRONG_POLICY: Final = 4
INTERNAL: Final = 5
"""A defect of lawful, as where the engines disagree."""
INTERRUPTED: Final = 130
PIPE_CLOSED: Final = 141
"""Nobody reads on: what a shell says of a program that SIGPIPE ended."""

OF_VERDICT: Final[Mapping[str, int]] = {"allow": FINE, "deny": DENIED, "undetermined": UNDETERMINED}
_WORST_FIRST: Final = (INTERNAL, WRONG_USAGE, DENIED, UNDETERMINED, FINE)


def worst(codes: Iterable[int]) -> int:
    """Of many requests: the worst of 5, 2, 1, 3, 0."""
    return min(codes, key=_WORST_FIRST.index, default=FINE)
