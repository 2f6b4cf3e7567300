"""Policies that are not there, as against policies that are wrong."""

from __future__ import annotations

from lawful.diagnostics import PolicyError


def is_missing(error: PolicyError) -> bool:
    """Whether there is nothing to be wrong: then the command names it wrongly."""
    return any(each.code == "no-such-policy" for each in error.diagnostics)
