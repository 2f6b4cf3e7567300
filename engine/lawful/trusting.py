"""Requests that are taken at their word.

msgspec finds out by the way whether that has its types, and whether each field is declared. A key that stands twice is
passed over. Whatever msgspec cannot take, or is rare, is left to who validates.
"""

from __future__ import annotations

from typing import Final

import msgspec

from lawful.ir import Program
from lawful.question import EARLIEST
from lawful.row import Row
from lawful.shapes import trusted_row_type, wanted_type
from lawful.validation import NOT_TAKEN, Owner, Validator

LEFT: Final = (*NOT_TAKEN, LookupError, RuntimeError)
"""What is raised where a row should be read with care; RuntimeError by a pattern that is asked of half a character."""


class Trusting:
    """Reads trusted requests about accounts of one policy."""

    def __init__(self, program: Program, validator: Validator) -> None:
        self._validator = validator
        self.row = trusted_row_type(program, validator.moments)
        """The type of the rows."""
        self.decoded = msgspec.json.Decoder(self.row).decode
        empty = msgspec.convert({"change": {}}, self.row)
        self._account = Owner(program.account, empty.account)
        self._facts = Owner(program.request, empty.facts)
        self.is_plain = self._account.is_plain and self._facts.is_plain
        """Whether msgspec leaves nothing to be done with facts."""
        self._wanted = wanted_type(program)
        msgspec.convert({}, self._wanted)  # prepared, as in the validator

    def settle(self, row: Row) -> None:
        """Put into the slots of a row what belongs there. Raises one of LEFT."""
        change = row.changes
        registers = change.register is not None
        if change.set is not None:
            change.set = msgspec.convert(change.set, self._wanted)
        if not self._validator.one(row, change):
            raise ValueError("not one change")
        row.whole_from = None if row.recorded is None and not registers else EARLIEST
        if row.recorded is None:
            row.recorded = ()
        if not self._account.is_plain:
            self._account.finish(row.account)
        if not self._facts.is_plain:
            self._facts.finish(row.facts)
