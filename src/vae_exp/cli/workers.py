"""What a process that does some of the runs of a sweep on this machine needs of its own."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from omegaconf import OmegaConf

from vae_exp.config.memory import remembered

_PATIENCE = 1.0  # seconds between two looks after the parent
_slot: FileLock | None = None
_at_work = threading.Lock()
_for_life = ExitStack()


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


def by_joblib(hydra: Any) -> bool:
    """Whether the runs of a sweep are done by the workers of joblib, going by the `hydra` node."""
    return str(hydra.launcher._target_).endswith(".JoblibLauncher")


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch start no threads, without which this process can be copied: a copy has but the thread that made it."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def begin_as_copies() -> None:
    """Let the workers of joblib begin as copies of this process, which has imported and checked all that they need.

    Else each takes some seconds to import the same again. Not where there are GPUs, whose driver cannot be copied, nor
    where copies are not to be relied on. What torch has done before must have been done in `one_thread`.
    """
    import torch

    if sys.platform != "linux" or gpus() or torch.accelerator.is_available():
        return
    from joblib.externals.loky.backend.context import set_start_method  # type: ignore[import-untyped]

    # joblib warns of copies in general: threads, and the locks that they hold, are not copied.
    warnings.filterwarnings("ignore", message="`fork` start method should not be used")
    set_start_method("fork", force=True)
    gc.freeze()  # collecting would write to what the copies share


@contextmanager
def at_work(n_jobs: int) -> Iterator[None]:
    """Do a run in this worker, which has threads, a GPU and a memory of its own, and ends with its parent.

    Args:
        n_jobs: Workers that there are, as joblib counts them.
    """
    _settle(n_jobs)
    with _at_work:
        yield


def _settle(n_jobs: int) -> None:
    global _slot
    if _slot is not None:
        return
    import torch
    from joblib import effective_n_jobs  # type: ignore[import-untyped]

    number, _slot = _free_slot(os.getppid())
    torch.set_num_threads(max(1, min(torch.get_num_threads(), cores() // effective_n_jobs(n_jobs))))
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # the handler of the process that it is a copy of
    devices = gpus()
    if devices:
        os.environ["CUDA_VISIBLE_DEVICES"] = devices[number % len(devices)]
    _for_life.enter_context(remembered())  # its further runs are of the same sweep
    threading.Thread(target=_end_with, args=(os.getppid(),), name="parent", daemon=True).start()


def _free_slot(family: int) -> tuple[int, FileLock]:
    """Take the lowest number that no other worker of the family has; the kernel gives it back when the worker ends."""
    number = 0
    while True:
        lock = FileLock(_slot_file(family, number))
        try:
            lock.acquire(timeout=0)
        except Timeout:
            number += 1
        else:
            return number, lock


def _slot_file(family: int, number: int | str) -> Path:
    return Path(tempfile.gettempdir(), f"vae_exp-{family}-{number}.lock")


def remove_slots() -> None:
    """Remove what the workers of this process, which have ended, took their numbers by."""
    every = _slot_file(os.getpid(), "*")
    for file in every.parent.glob(every.name):
        file.unlink(missing_ok=True)


def _end_with(parent: int) -> None:
    """A worker whose parent was killed would go on training, or wait for its next run, and keep what it holds."""
    while os.getppid() == parent:
        time.sleep(_PATIENCE)
    os.kill(os.getpid(), signal.SIGTERM)
    with _at_work:  # not before the run has written what it must
        os._exit(128 + signal.SIGTERM)
