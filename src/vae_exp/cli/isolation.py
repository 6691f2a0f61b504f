"""Nothing of one run is left to the next one in the same process."""

from __future__ import annotations

import gc
import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.distributions import Distribution

from vae_exp.training import rng


@contextmanager
def isolated() -> Iterator[None]:
    """Put back what a run changes for its whole process.

    That is the state of the random number generators, the environment (Lightning keeps seeds there), filters of
    warnings, the checks of distributions, the default dtype, how deterministic and how precise torch is, its number of
    threads, and the level of the log.
    """
    generators, environment, level = rng.get_state(), dict(os.environ), logging.getLogger().level
    checks, dtype, threads = Distribution._validate_args, torch.get_default_dtype(), torch.get_num_threads()
    strict, warn_only = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    precision, cudnn = torch.get_float32_matmul_precision(), torch.backends.cudnn
    benchmark, deterministic = cudnn.benchmark, cudnn.deterministic
    with warnings.catch_warnings():
        try:
            yield
        finally:
            cudnn.benchmark, cudnn.deterministic = benchmark, deterministic
            torch.set_float32_matmul_precision(precision)
            torch.use_deterministic_algorithms(strict, warn_only=warn_only)
            torch.set_default_dtype(dtype)
            if torch.get_num_threads() != threads:
                torch.set_num_threads(threads)
            Distribution.set_default_validate_args(checks)
            logging.getLogger().setLevel(level)
            os.environ.clear()
            os.environ.update(environment)
            rng.set_state(generators)
            gc.collect()  # a trainer and its module refer to each other, and would keep the device's memory
            gc.freeze()  # what is left is looked through but once, which with torch takes a third of a second
            if torch.cuda.is_initialized():
                torch.cuda.empty_cache()


@contextmanager
def without_denormals() -> Iterator[None]:
    """Let numbers too small to be normal count as 0 in this thread, and in those that are started from it.

    Moments of Adam that die away become such numbers, which made Adam three times as slow. The threads of torch are
    started by the first operation that needs them, so that this must come before it.
    """
    before = torch.tensor(1e-39).mul(1.0).item() == 0
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)
