"""A value as someone wrote it in a YAML file or on a command line: whoever knows the schema gives it a type."""

from __future__ import annotations


class Scalar(str):
    """A scalar as written, not yet given a type."""

    __slots__ = ()
