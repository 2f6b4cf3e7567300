"""A program for people to read: in words, as a diagram, as it is."""

from lawful.show.diagram import diagram
from lawful.show.line import Line, plain
from lawful.show.listing import ir_text, program_json
from lawful.show.rules import rules_in_words
from lawful.show.stubs import stubs

__all__ = ["Line", "diagram", "ir_text", "plain", "program_json", "rules_in_words", "stubs"]
