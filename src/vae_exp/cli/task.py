"""A job as Hydra runs it: in this process, or in another one that a launcher starts."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from vae_exp.cli import workers
from vae_exp.cli.failure import FULL_ERROR, sentence, wants_traceback
from vae_exp.config import names
from vae_exp.errors import UserError

Job = Callable[[DictConfig], Any]

names.register()  # here, since a process to which a launcher sends a run imports no more than this
workers.register()


class JobFailedError(UserError):
    """A run of a sweep failed, and has said so."""


def wrapped(verb: str, job: Job, argv: list[str], full: str | None, caught: list[Exception]) -> Job:
    """Wrap a job for Hydra; the wrapper is pickled where a launcher runs it elsewhere.

    Args:
        verb: For the messages.
        job: One run.
        argv: The command line.
        full: What the user wants to see of errors.
        caught: Takes the error of a run without a sweep.
    """

    def task(cfg: DictConfig) -> Any:
        # Lightning starts its processes by sys.argv, which must have the verb in it.
        with given(argv), environment(FULL_ERROR, full):
            if HydraConfig.get().mode == RunMode.MULTIRUN:
                return _run_of_sweep(verb, job, cfg)
            try:
                return job(cfg)
            except Exception as error:
                caught.append(error)
                raise SystemExit(1) from error  # past Hydra, which would add a line of its own

    # Hydra takes hydra.job.name from the name of the module.
    task.__module__ = f"vae_exp.cli.{verb}"
    return task


def _run_of_sweep(verb: str, job: Job, cfg: DictConfig) -> Any:
    name = " ".join(HydraConfig.get().overrides.task) or "the run"
    try:
        if workers.by_joblib(HydraConfig.get()):
            return _beside_others(verb, job, cfg)
        return job(cfg)
    except Exception as error:
        print(f"vae-exp {verb}: {name} failed: {sentence(error)}", file=sys.stderr)
        if wants_traceback():
            traceback.print_exc()
        # Some launchers send the error back from another process, which only a plain message survives.
        raise JobFailedError(f"{name} failed: {sentence(error)}") from None


def _beside_others(verb: str, job: Job, cfg: DictConfig) -> Any:
    """Do a run whose terminal is also that of others: with one line at its start, and one at its end."""
    hydra = HydraConfig.get()
    name = Path(hydra.runtime.output_dir).name
    print(f"vae-exp {verb}: {name} ...", file=sys.stderr)
    with ExitStack() as stack:
        stack.enter_context(workers.at_work(hydra.launcher.n_jobs))
        nowhere = stack.enter_context(Path(os.devnull).open("w"))
        stack.enter_context(redirect_stdout(nowhere))
        stack.enter_context(environment("TTY_COMPATIBLE", "0"))
        value = job(cfg)
    print(f"vae-exp {verb}: {name} done: {value:g}", file=sys.stderr)
    return value


@contextmanager
def given(words: list[str]) -> Iterator[None]:
    """Let `sys.argv` be these words."""
    old, sys.argv = sys.argv, words
    try:
        yield
    finally:
        sys.argv = old


@contextmanager
def environment(name: str, value: str | None) -> Iterator[None]:
    """Let a variable of the environment have a value; None for none."""
    old = os.environ.get(name)
    _set(name, value)
    try:
        yield
    finally:
        _set(name, old)


def _set(name: str, value: str | None) -> None:
    os.environ.pop(name, None)
    if value is not None:
        os.environ[name] = value
