"""Memory that is freed stays with the process."""

from __future__ import annotations

import ctypes
import os
import sys

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # as malloc.h has them
MOST = 2**30
SETTINGS = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES")


def keep_freed() -> None:
    """Let the C library keep the memory of tensors that are freed for the next ones, blocks of up to 1 GiB.

    glibc gives large blocks back to the system, which then clears each of their pages anew: thousands at every step of
    a convolutional network. Other C libraries, and users who have chosen for themselves by the environment, are left
    alone.
    """
    if sys.platform == "linux" and not any(name in os.environ for name in SETTINGS):
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(TRIM_THRESHOLD, MOST)
            mallopt(MMAP_THRESHOLD, MOST)
