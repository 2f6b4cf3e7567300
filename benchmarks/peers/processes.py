"""The peers' processes, from outside: started, asked and ended."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from peers.listed import Listed

HERE = Path(__file__).parent.parent
LOADING = 60.0
"""Seconds after which a policy counts as not loadable."""
ANSWERING = 120.0


class Failed(Exception):
    """What became of a peer that gives no answer, in words for the table."""


class Process:
    """One peer with one policy, alive until it is closed."""

    def __init__(self, listed: Listed, policy: str, requests: int, *, by_hand: bool = False) -> None:
        """Raises Failed where it cannot be loaded."""
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`
        arguments = [listed.home, policy, str(requests), "by-hand" if by_hand else "whole"]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "peers.worker", *arguments],
            cwd=HERE,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            env={**os.environ, "PYTHONHASHSEED": "0"},
        )
        self._unread = b""
        self.loaded = self._answer(LOADING)

    def ask(self, what: str, **given: Any) -> Any:
        """Raises Failed."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"do": what, **given}).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # told below: there is no answer
        return self._answer(ANSWERING)

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.kill()  # some have threads that would keep them
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()
        self._said.close()

    def _answer(self, seconds: float) -> Any:
        line = self._line(seconds)
        if not line:
            code = self._process.wait()
            self._said.seek(0)
            last = self._said.read().decode(errors="replace").strip().splitlines()[-1:]
            self.close()
            died = f"ended by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
            raise Failed(": ".join([died, *last]))
        answer = json.loads(line)
        if isinstance(answer, dict) and "error" in answer:
            self.close()
            raise Failed(answer["error"])
        return answer

    def _line(self, seconds: float) -> bytes:
        assert self._process.stdout is not None
        pipe = self._process.stdout.fileno()
        while b"\n" not in self._unread:
            if not select.select([pipe], [], [], seconds)[0]:
                self.close()
                raise Failed(f"no answer within {seconds:.0f} s")
            found = os.read(pipe, 1 << 20)
            if not found:
                return b""
            self._unread += found
        line, _, self._unread = self._unread.partition(b"\n")
        return line
