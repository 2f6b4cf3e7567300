"""From a name, a path or a text to a policy."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from errno import EISDIR
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lawful import cache
from lawful.diagnostics import Diagnostic, PolicyError, near
from lawful.library import shipped, shipped_names
from lawful.version import __version__

if TYPE_CHECKING:  # imported by what makes one: it brings all engines, and `program` is for those who need none
    from lawful.ir import Program
    from lawful.policy import Policy

_MOST_BYTES: Final = 4 * 1024 * 1024
"""What `document.py` refuses is not read further."""


def load(
    name_or_path: str | os.PathLike[str], *, warnings: list[Diagnostic] | None = None, cached: bool = False
) -> Policy:
    """A shipped policy by its name, or one of your own by its path: a folder or its `policy.yaml`.

    A bare word is a shipped name; a path has a `/` or ends in `.yaml`. Raises PolicyError with every mistake found;
    warnings are appended to `warnings`. `cached`: a program compiled by an earlier process from the same files is
    taken, and this one's is kept, see `cache.py`.
    """
    from lawful.policy import Policy

    path = path_of(name_or_path)
    raw = _policy_file(path, partial(file_of, path))
    read: list[str] = []
    program = _kept(path, raw, read) if cached else None
    if program is not None:
        return Policy(program, (), path.parent, files=(path, *(path.parent / name for name in read)))
    tables: dict[str, bytes] = {}

    def beside(name: str) -> bytes:
        tables[name] = file_of(path, name)
        return tables[name]

    policy = _compiled(_named_as_given(path), raw, beside, path)
    if warnings is not None:
        warnings.extend(policy.diagnostics)
    if cached and not policy.diagnostics:
        cache.write(__version__, raw, tables, policy.program)
    return policy


def program(name_or_path: str | os.PathLike[str]) -> tuple[Program, tuple[Path, ...]]:
    """The program alone, and its files, `policy.yaml` first: for those who judge no change. As `load` with `cached`.

    Raises PolicyError.
    """
    path = path_of(name_or_path)
    read: list[str] = []
    found = _kept(path, _policy_file(path, partial(file_of, path)), read)
    if found is not None:
        return found, (path, *(path.parent / name for name in read))
    policy = load(name_or_path, cached=True)
    return policy.program, policy.files


def _kept(path: Path, raw: bytes, read: list[str]) -> Program | None:
    """The program that an earlier process made of the same files. The names of its tables are appended to `read`."""
    return cache.read(__version__, raw, _noted(partial(file_of, path), read))


def _noted(beside: Callable[[str], bytes], read: list[str]) -> Callable[[str], bytes]:
    """Reads as `beside` does, and notes what was read."""

    def noted(name: str) -> bytes:
        read.append(name)
        return beside(name)

    return noted


def loads(text: str, *, name: str = "policy.yaml", tables: Mapping[str, bytes] | None = None) -> Policy:
    """The policy of a text, with its tables by their file names. Raises PolicyError."""
    given = tables or {}

    def beside(file: str) -> bytes:
        if file not in given:
            raise FileNotFoundError(file)
        return given[file]

    return _compiled(name, text.encode("utf-8", "surrogatepass"), beside, None)


def load_by(path: Path, read: Callable[[str], bytes]) -> Policy:
    """The policy of that file; `read` gives it and its tables by their names, as `file_of` does. Raises PolicyError."""
    return _compiled(_named_as_given(path), _policy_file(path, read), read, path)


def file_of(path: Path, name: str) -> bytes:
    """A file of the policy at that path: its own or a table beside it. Raises OSError, or ValueError for a bad name."""
    return _bytes(path) if name == path.name else _beside(path.parent, name)


def _policy_file(path: Path, read: Callable[[str], bytes]) -> bytes:
    try:
        return read(path.name)
    except (OSError, ValueError) as error:
        raise PolicyError([Diagnostic("no-such-policy", f"`{path}` cannot be read: {_why(error)}")]) from None


def _compiled(name: str, raw: bytes, beside: Callable[[str], bytes], path: Path | None) -> Policy:
    from lawful.compiler import compile_policy  # 120 ms with what it imports: not where a compiled program is at hand
    from lawful.document import Unreadable, decode
    from lawful.policy import Policy

    read: list[str] = []
    try:
        compiled = compile_policy(decode(name, raw), _noted(beside, read))
    except Unreadable as error:
        raise PolicyError(error.diagnostics) from None
    if compiled.program is None:
        raise PolicyError(compiled.diagnostics)
    if path is None:
        return Policy(compiled.program, compiled.diagnostics, None, compiled.layouts)
    files = (path, *(path.parent / each for each in read))
    return Policy(compiled.program, compiled.diagnostics, path.parent, compiled.layouts, files)


def _why(error: OSError | ValueError) -> str:
    told = (error.strerror if isinstance(error, OSError) else None) or "no file is called so"
    return told[:1].lower() + told[1:]


def _bytes(path: Path) -> bytes:
    """What a file holds, up to the size that is refused. Raises OSError where it is no file: a pipe would not end."""
    if path.exists() and not path.is_file():
        raise IsADirectoryError(EISDIR, "it is not a file")
    with path.open("rb") as file:
        return file.read(_MOST_BYTES + 1)


def _beside(folder: Path, name: str) -> bytes:
    """A table of the folder. A link that leads out of it is not followed: a policy reads nothing but its own."""
    if not Path(os.path.realpath(folder / name)).is_relative_to(os.path.realpath(folder)):
        raise PermissionError(name)
    return _bytes(folder / name)


def path_of(name_or_path: str | os.PathLike[str]) -> Path:
    """The `policy.yaml` that is meant. Raises PolicyError where no shipped policy is called so."""
    given = os.fspath(name_or_path)
    if isinstance(name_or_path, str) and "/" not in given and os.sep not in given and not given.endswith(".yaml"):
        folder = shipped(given)
        if folder is None:
            names = shipped_names()
            help = near(given, names) or f"the shipped ones are {', '.join(names)}; a path has a `/`, as in `./{given}`"
            raise PolicyError([Diagnostic("no-such-policy", f"there is no shipped policy `{given}`", None, help)])
        return folder / "policy.yaml"
    path = Path(given)
    return path / "policy.yaml" if os.path.isdir(path) else path  # noqa: PTH112 - `is_dir` raises for some names


def _named_as_given(path: Path) -> str:
    """How the file is called in messages: relative to where the reader stands, where it lies below."""
    try:
        return Path(os.path.realpath(path)).relative_to(Path.cwd()).as_posix()
    except ValueError:
        return path.as_posix()
