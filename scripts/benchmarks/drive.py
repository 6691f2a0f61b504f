"""The measuring side: starts the variants of a workload, and gives them turns."""

from __future__ import annotations

import json
import os
import pty
import statistics
import subprocess
import sys
import tempfile
import threading
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from turns import CHANNELS

HERE = Path(__file__).resolve().parent
PYTHON = sys.executable
Facts = dict[str, Any]


@dataclass(frozen=True)
class Variant:
    """One way to do a workload.

    Args:
        name: In the table.
        command: What is started.
        env: Further variables of the environment.
    """

    name: str
    command: list[str]
    env: dict[str, str] = field(default_factory=dict)


def environment(**more: str) -> dict[str, str]:
    """The environment of a measured process: all cores, and the benchmark's own modules."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "MKL_", "PYTEST"))}
    path = os.pathsep.join([str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**kept, "PYTHONPATH": path, "OMP_NUM_THREADS": str(cores()), "TERM": "xterm", **more}


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0))


class Runner:
    """A variant, started in a folder. Its terminal is a real one, so that progress bars are drawn."""

    def __init__(self, variant: Variant, folder: str) -> None:
        self.name, self.dead = variant.name, False
        turns, self._turns = os.pipe()
        reports, written = os.pipe()
        self._reports = os.fdopen(reports, "rb")
        terminal, theirs = pty.openpty()
        self._last: deque[bytes] = deque(maxlen=20)
        env = environment(**{CHANNELS: f"{turns},{written}"}, **variant.env)
        self.process = subprocess.Popen(
            variant.command,
            env=env,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=theirs,
            stderr=theirs,
            pass_fds=(turns, written),
        )
        for fd in (turns, written, theirs):
            os.close(fd)
        threading.Thread(target=self._drain, args=(terminal,), daemon=True).start()

    def begin(self) -> None:
        """Give it a turn."""
        with suppress(BrokenPipeError):
            os.write(self._turns, b".")

    def end(self) -> Facts | None:
        """Wait for what it reports of its turn; None where it has died."""
        if self.dead:
            return None
        line = self._reports.readline()
        if not line:
            self.dead = True
            said = b"".join(self._last).decode(errors="replace")[-1500:]
            print(f"benchmark: {self.name} ended, and is left out:\n{said}", file=sys.stderr)
            return None
        facts: Facts = json.loads(line)
        return facts

    def close(self) -> None:
        """Let it end."""
        os.close(self._turns)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _drain(self, terminal: int) -> None:
        try:
            while said := os.read(terminal, 4096):
                self._last.append(said)
        except OSError:  # the other end is closed
            os.close(terminal)


def interleave(variants: list[Variant], rounds: int, *, lives: int = 1) -> dict[str, list[Facts]]:
    """Start all variants, let each have a turn that does not count, and then `rounds` turns one by one.

    A process is fast or slow for as long as it lives, by chance. So all of that is done `lives` times, each time in new
    processes; the turns of all of them are what is found.
    """
    found: dict[str, list[Facts]] = {variant.name: [] for variant in variants}
    for _ in range(lives):
        with tempfile.TemporaryDirectory() as folder:  # a run would go on from the checkpoint of an earlier one
            for name, facts in _one_life(variants, rounds, folder).items():
                found[name] += facts
    return {name: facts for name, facts in found.items() if len(facts) == lives * rounds}


def _one_life(variants: list[Variant], rounds: int, folder: str) -> dict[str, list[Facts]]:
    runners: list[Runner] = []
    found: dict[str, list[Facts]] = {variant.name: [] for variant in variants}
    try:
        for variant in variants:  # imports, compilation and the first steps, which are slower
            runners.append(Runner(variant, folder))
            runners[-1].begin()
            runners[-1].end()
        for _ in range(rounds):
            for runner in runners:
                runner.begin()
                facts = runner.end()
                if facts is not None:
                    found[runner.name].append(facts)
    finally:
        for runner in runners:
            runner.close()
    return found


def rate(facts: Facts) -> float:
    """Examples a second of one turn."""
    return float(facts["examples"] / facts["seconds"])


def paired_ratio(found: dict[str, list[Facts]], name: str, base: str) -> float | None:
    """Median over the rounds of how many times as fast a variant was as another one in the same round."""
    if not (found.get(name) and found.get(base)):
        return None
    return statistics.median(rate(a) / rate(b) for a, b in zip(found[name], found[base], strict=True))


def median_rate(found: dict[str, list[Facts]], name: str) -> float:
    """Median over the rounds of a variant's examples a second."""
    return statistics.median(rate(facts) for facts in found[name])
