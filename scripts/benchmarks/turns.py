"""The measured side of the benchmark: a process that works only when it is its turn.

All variants of a workload are started, and then take turns: so every one meets the same moods of the machine, and pays
its imports and its compilation once. What a process does in a turn is up to it; it reports the seconds.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from typing import Any

CHANNELS = "BENCHMARK_TURNS"
"""Variable of the environment with the two file descriptors: where turns come from, and where reports go."""


class Turns:
    """The measured process's end of the line."""

    def __init__(self) -> None:
        read, write = os.environ[CHANNELS].split(",")
        self._turns, self._reports = os.fdopen(int(read), "rb", 0), os.fdopen(int(write), "wb", 0)

    def wait(self) -> None:
        """Wait for a turn; the process ends where there will be none."""
        if not self._turns.read(1):
            os._exit(0)

    def report(self, **facts: Any) -> None:
        """Tell what a turn took."""
        self._reports.write(json.dumps(facts).encode() + b"\n")


def every_turn(work: Callable[[], int]) -> None:
    """Do some work in every turn, for ever; it returns how many examples it was."""
    turns = Turns()
    while True:
        turns.wait()
        began = time.perf_counter()
        examples = work()
        turns.report(seconds=time.perf_counter() - began, examples=examples)
