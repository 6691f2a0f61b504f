"""A job of SLURM that must end before its run is done goes back into the queue, and then on from its checkpoint."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vae_exp.cli.stop import TERMINATED, leave, on_sigterm

WARNINGS = (signal.SIGUSR1, signal.SIGUSR2)
"""What `sbatch --signal` sends before the time limit, and many clusters before they take a machine away."""

_PATIENCE = 60.0  # seconds for the first process of a run to do what all of them wait for


@contextmanager
def requeued(folder: Path, *, first: bool) -> Iterator[None]:
    """Do a run; one that is told to end is put back into SLURM's queue. Outside of SLURM, do it and no more.

    A warning of the time limit is as SIGTERM to the run: it saves after the step that it is in, and leaves.

    Args:
        folder: The run's folder.
        first: Whether this process is the first of the run, which speaks to SLURM.
    """
    job = os.environ.get("SLURM_JOB_ID")
    if job is None or shutil.which("scontrol") is None or threading.current_thread() is not threading.main_thread():
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})  # a job has it wait until here
        yield
        return
    warned = False

    def warn(*_: object) -> None:
        nonlocal warned
        warned = True
        signal.raise_signal(signal.SIGTERM)

    last = folder / "checkpoints" / "last.ckpt"
    before, saved = {number: signal.signal(number, warn) for number in WARNINGS}, _written(last)
    try:
        with on_sigterm(leave):
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})  # now, when it can be minded
            yield
    except SystemExit as exit:
        if exit.code == TERMINATED and not first:
            time.sleep(_PATIENCE)  # the end of one process is that of all, and the first has yet to speak to SLURM
        elif exit.code == TERMINATED:
            state, reason = _standing(job)
            if (warned or reason == "TimeLimit") and _written(last) == saved:
                print(f"vae-exp: {folder} has not taken a step in the time of this job; give it more", file=sys.stderr)
            elif state == "RUNNING" or reason == "TimeLimit":  # the machine is taken from it; nobody ended it
                subprocess.run(["scontrol", "requeue", job], check=False)
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _standing(job: str) -> tuple[str, str]:
    """State of a job, and SLURM's reason for it."""
    words = ["squeue", "--noheader", "--format=%T %r", f"--jobs={job}"]
    asked = subprocess.run(words, capture_output=True, text=True, check=False)
    state, _, reason = asked.stdout.strip().partition(" ")
    return state, reason


def _written(file: Path) -> int | None:
    return file.stat().st_mtime_ns if file.exists() else None
