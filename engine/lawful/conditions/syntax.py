"""What CEL's parser complains about, in our words and at its place."""

from __future__ import annotations

import re
from typing import Final

from lawful.diagnostics import Mistake

TOO_DEEP: Final = "the condition is nested too deeply or too long"
TOO_DEEP_HELP: Final = "name a part of it as a condition, and use the name"

_ENDS_EARLY: Final = "the condition ends too early"
_COMPLAINT: Final = re.compile(r"^(?:[A-Z_]+: )?ERROR: <input>:(\d+):(\d+): (.*)", re.MULTILINE)
_LIMITS: Final = re.compile("recursion|codepoint limit")
_MEANT: Final[dict[str, str]] = {
    "=": "did you mean `==`?",
    "&": "did you mean `&&`?",
    "|": "did you mean `||`?",
    "and": "did you mean `&&`?",
    "or": "did you mean `||`?",
    "not": "did you mean `!`?",
    ">": "did you mean `!=`?",
    "‘": "quotes are `'` or `\"`",
    "’": "quotes are `'` or `\"`",
    "“": "quotes are `'` or `\"`",
    "”": "quotes are `'` or `\"`",
    "，": "did you mean `,`?",
    "（": "did you mean `(`?",
    "）": "did you mean `)`?",
}
_QUOTES: Final = ("'", '"')
_NUMBER: Final = re.compile(r"[0-9][0-9A-Za-z]*")
_WORD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def quoted(word: str) -> str:
    """The author's word in backticks, on one line and not endless."""
    shown = "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in word[:60])
    return f"`{shown}…`" if len(word) > 60 else f"`{shown}`"


def complaints(text: str, told: str) -> list[Mistake]:
    """The mistakes of a text that does not parse, from what the library says of it."""
    if not text.strip():
        return [Mistake("syntax", "the condition is empty", None, 0)]
    found: list[Mistake] = []
    limits = bool(_LIMITS.search(told.split("\n", 1)[0]))
    end_of_skipped = -1
    for line, column, message in _COMPLAINT.findall(told):
        start = _offset(text, int(line), int(column))
        if start is None or _LIMITS.match(message):
            limits = limits or bool(_LIMITS.search(message))
            continue
        skipped = end_of_skipped >= 0 and not text[end_of_skipped:start].strip()
        if skipped and "token recognition" not in message:
            continue  # what follows a character that was skipped: told already
        mistake = _reworded(text, start, message)
        if not (found and mistake.message == _ENDS_EARLY):  # likewise
            found.append(mistake)
        if "token recognition" in message:
            end_of_skipped = start + mistake.length
            if text[start : start + 1] in _QUOTES:
                break  # whatever comes next is read the wrong way round
    if limits:
        found.append(Mistake("too-deep", TOO_DEEP, TOO_DEEP_HELP))
    return found or [Mistake("syntax", "this is not CEL", None, 0, len(text))]


def _offset(text: str, line: int, column: int) -> int | None:
    """Of a line and a column from 1, which CEL counts in code points; None for CEL's nowhere."""
    if column < 1 or line > text.count("\n") + 1:
        return None
    start = 0
    for _ in range(line - 1):
        start = text.index("\n", start) + 1
    return min(start + column - 1, len(text))


def _reworded(text: str, start: int, message: str) -> Mistake:
    if message.startswith("Syntax error: token recognition"):
        return _unreadable(text, start, message)
    if message.startswith("Syntax error:"):
        return _misplaced(text, start, message.removeprefix("Syntax error: "))
    word = _word(text, start)
    match message.split(" "):
        case ["reserved", "identifier:", *_]:
            return Mistake("syntax", f"{quoted(word)} is a reserved word of CEL", None, start, len(word))
        case ["invalid", *_, "literal"]:
            return Mistake("int-range", f"{quoted(word)} does not fit into 64 bits", None, start, len(word))
        case ["has()", *_]:
            help = "write `has(account.type)`, with a field of yours"
            return Mistake("not-in-profile", "`has` takes a field", help, start, len(word))
        case [macro, "variable", *_]:
            name = macro.removesuffix("()")
            phrase = f"`{name}` takes a plain name for its variable"
            return Mistake("syntax", phrase, f"write `{name}(x, …)`", start, len(word))
        case ["unsupported", *_]:
            return Mistake("not-in-profile", "optional values are not taken", None, start)
        case ["Invalid", *_]:
            phrase = "an escape in this text names no character"
            return Mistake("bad-text", phrase, None, start, _text_length(text, start))
        case _:
            return Mistake("syntax", "this is not CEL", None, start, len(word))


def _unreadable(text: str, start: int, message: str) -> Mistake:
    """A character, or the beginning of a quoted text, that CEL makes nothing of."""
    char = text[start : start + 1]
    if re.match(r"[bBrR]{0,2}['\"]", text[start : start + 3]):
        return _unreadable_quote(start, message)
    if not char.isprintable():
        phrase = f"the character U+{ord(char):04X} stands outside of quotes"
        return Mistake("bad-text", phrase, None, start)
    return Mistake("syntax", f"{quoted(char)} is not CEL", _MEANT.get(char), start)


def _unreadable_quote(start: int, message: str) -> Mistake:
    read = re.search(r"at: '(.*)'$", message)
    escape = re.search(r"(\\[^n\\])$", read[1]) if read else None
    if read is None or escape is None:
        return Mistake("syntax", "the quote is not closed", None, start)
    phrase = f"{quoted(escape[1])} is not an escape of CEL"
    return Mistake("syntax", phrase, "write two backslashes for one", start, len(read[1]))


def _misplaced(text: str, start: int, message: str) -> Mistake:
    missing = re.match(r"missing '(.+?)' at", message) or re.search(r"'<EOF>' expecting (?:\{)?'([])}:])'", message)
    if missing:
        return Mistake("syntax", f"{quoted(missing[1])} is missing", None, start)
    if "'<EOF>' expecting" in message:
        return Mistake("syntax", _ENDS_EARLY, None, start)
    word = _word(text, start)
    help = _MEANT.get(word.lower())
    if help is None and text[:start].split()[-1:] == ["not"]:
        help = _MEANT["not"]
    return Mistake("syntax", f"{quoted(word)} is not expected here", help, start, len(word))


def _word(text: str, start: int) -> str:
    """The author's word at a place: a number, a name, a quoted text, or one character."""
    found = _WORD.match(text, start) or _NUMBER.match(text, start)
    if found:
        return found[0]
    if text[start : start + 2] in ("&&", "||", "==", "!=", "<=", ">=", ".."):
        return text[start : start + 2]
    if text[start : start + 1] in _QUOTES:
        return text[start : start + _text_length(text, start)]
    return text[start : start + 1] or text[-1:]


def _text_length(text: str, start: int) -> int:
    """Of the quoted text that begins there."""
    found = re.compile(r"""[bBrR]{0,2}(?:'(?:[^\\'\n]|\\.)*'|"(?:[^\\"\n]|\\.)*")""").match(text, start)
    return found.end() - start if found else 1
