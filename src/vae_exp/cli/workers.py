"""What a process that does some of the runs of a sweep on this machine needs of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from filelock import FileLock, Timeout
from omegaconf import OmegaConf

from vae_exp.config.memory import remembered

_PATIENCE = 1.0  # seconds between two looks after the parent
_slot: FileLock | None = None


def register() -> None:
    """Make `${local_jobs:}` known to OmegaConf: runs at a time that this machine has room for."""
    OmegaConf.register_new_resolver("local_jobs", local_jobs, replace=True)


def local_jobs() -> int:
    """One for each GPU, or else one for each core that this process may use."""
    return len(gpus()) or cores()


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def gpus() -> list[str]:
    """The GPUs as CUDA_VISIBLE_DEVICES calls them, found without waking the driver in this process."""
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    if given is not None:
        return [name.strip() for name in given.split(",") if name.strip() not in ("", "-1")]
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return []
    asked = [tool, "--query-gpu=index", "--format=csv,noheader"]
    try:
        found = subprocess.run(asked, capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    return found.split()


def settle() -> None:
    """Give this worker a GPU and a memory of its own, and let it end with its parent; once, before it needs them."""
    global _slot
    if _slot is not None:
        return
    number, _slot = _free_slot(os.getppid())
    devices = gpus()
    if devices:
        os.environ["CUDA_VISIBLE_DEVICES"] = devices[number % len(devices)]
    remembered().__enter__()  # for all of its life: its further runs are of the same sweep
    threading.Thread(target=_end_with, args=(os.getppid(),), name="parent", daemon=True).start()


def _free_slot(family: int) -> tuple[int, FileLock]:
    """Take the lowest number that no other worker of the family has; the kernel gives it back when the worker ends."""
    number = 0
    while True:
        lock = FileLock(Path(tempfile.gettempdir(), f"vae_exp-{family}-{number}.lock"))
        try:
            lock.acquire(timeout=0)
        except Timeout:
            number += 1
        else:
            return number, lock


def _end_with(parent: int) -> None:
    """A worker whose parent was killed would go on training, and keep from others what it holds."""
    while os.getppid() == parent:
        time.sleep(_PATIENCE)
    os.kill(os.getpid(), signal.SIGTERM)
