"""How a verb becomes a Hydra application: all is checked before Hydra makes a folder, and errors are sentences."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, redirect_stdout
from pathlib import Path
from typing import Any

import hydra
from hydra._internal.utils import get_args_parser
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from vae_exp.cli import workers
from vae_exp.cli.failure import FULL_ERROR, sentence, wants_traceback
from vae_exp.cli.stop import leave, on_sigterm
from vae_exp.cli.sweep import Sweep, begin
from vae_exp.config import names, paths
from vae_exp.config.check import check
from vae_exp.config.combinations import runs_of
from vae_exp.config.compose import compose
from vae_exp.errors import UserError

Job = Callable[[DictConfig], Any]
Before = Callable[[DictConfig], None]

names.register()  # here, since a process to which a launcher sends a run imports no more than this
workers.register()

_MANY = 20  # runs, whose check takes more than a moment


class JobFailedError(UserError):
    """A run of a sweep failed, and has said so."""


def run_hydra(verb: str, root: str, argv: list[str], job: Job, before: Before | None = None) -> int:
    """Check what a command asks for, then let Hydra run it; returns the exit code.

    Args:
        verb: For the messages.
        root: The root's file without its ending.
        argv: The command line after the verb.
        job: One run.
        before: A check of the verb's own, done for every combination before the first run.

    Raises:
        UserError: The command line is wrong; nothing has been written.
    """
    flags = _parse(argv)
    starts = _runs(flags) and not _is_child(flags)
    sweep, naming = _checked(root, flags, before) if starts else (None, [])
    if flags.cfg:
        compose(flags.config_name or root, flags.overrides, _own_folders(flags))
    caught: list[Exception] = []
    words = [sys.argv[0], *_for_hydra(argv, flags), *naming]
    full = os.environ.get(FULL_ERROR)
    task = _task(verb, job, list(sys.argv), full, caught)
    # With its switch on, Hydra lets exceptions through instead of printing them.
    with _argv(words), _environment(FULL_ERROR, "1"), on_sigterm(leave) if naming else nullcontext():
        try:
            hydra.main(config_path=_primary(flags), config_name=root, version_base="1.3")(task)()
        except Exception as error:
            return _report(verb, error, sweep, full == "1")
        except (KeyboardInterrupt, SystemExit):
            if caught:
                return _report(verb, caught[0], None, full == "1")
            if sweep is not None:
                print(f"vae-exp {verb}: {sweep.stopped()}", file=sys.stderr)
            raise
    return 0 if sweep is None or sweep.show() else 1


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = get_args_parser()
    parser.prog = f"{Path(sys.argv[0]).name} VERB"
    return parser.parse_intermixed_args(argv)


def _runs(flags: argparse.Namespace) -> bool:
    asks = (flags.help, flags.hydra_help, flags.cfg, flags.info, flags.shell_completion, flags.experimental_rerun)
    return not any(asks)


def _is_child(flags: argparse.Namespace) -> bool:
    """Recognize a process that Lightning started for another device of a run: its command has been checked."""
    return os.environ.get("LOCAL_RANK", "0") != "0" and "hydra.output_subdir=null" in flags.overrides


def _own_folders(flags: argparse.Namespace) -> list[str]:
    """Find the user's folder; Hydra's two flags for it mean the same here."""
    return [str(Path(folder).absolute()) for folder in (flags.config_path, flags.config_dir) if folder]


def _checked(root: str, flags: argparse.Namespace, before: Before | None) -> tuple[Sweep | None, list[str]]:
    """Check every run of a command; returns its sweep, if it is one, and the override that the runs are called by."""
    folders, root = _own_folders(flags), flags.config_name or root
    runs = runs_of(root, flags.overrides, multirun=flags.multirun, config_dirs=folders)
    mode = [*runs.naming, *(["hydra.mode=MULTIRUN"] if flags.multirun else [])]  # as Hydra itself will have it
    if len(runs.overrides) > _MANY:
        print(f"checking {len(runs.overrides)} runs ...", file=sys.stderr)
    wrong: dict[str, list[str]] = {}
    right: list[tuple[list[str], DictConfig]] = []
    for overrides in runs.overrides:
        try:
            cfg = compose(root, [*overrides, *mode], folders)
            check(cfg)
            if before is not None:
                before(cfg)
            right.append((overrides, cfg))
        except UserError as error:
            wrong.setdefault(str(error), []).append(" ".join(overrides))
    if len(runs.overrides) == 1 and wrong:
        raise UserError(next(iter(wrong)))
    if wrong:
        count = sum(map(len, wrong.values()))
        lines = [f"{error}\n    in {_some(where)}" for error, where in wrong.items()]
        text = f"nothing was started, since {count} of {len(runs.overrides)} runs cannot be:"
        raise UserError("\n  ".join([text, *lines]))
    if not runs.multirun or "sweep" not in right[0][1]:
        return None, runs.naming
    return begin(right, grid=runs.grid), runs.naming


def _some(runs: list[str], most: int = 3) -> str:
    rest = f" and {len(runs) - most} more" if len(runs) > most else ""
    return ", ".join(runs[:most]) + rest


def _primary(flags: argparse.Namespace) -> str:
    folders = _own_folders(flags)
    return folders[0] if folders else str(paths.conf_dir())


def _for_hydra(argv: list[str], flags: argparse.Namespace) -> list[str]:
    """Put the flags first, since Hydra refuses `a=1 -m b=2`, and exchange the user's folder and the shipped one.

    Hydra searches the folder of `--config-dir` after the application's own, so that an edited copy would never be
    read. Here the user's folder is the application's own, and the shipped one is added to it.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--config-dir", "-cd")
    parser.add_argument("--config-path", "-cp")
    others = [word for word in parser.parse_known_args(argv)[1] if word not in flags.overrides]
    added = ["--config-dir", str(paths.conf_dir())] if _own_folders(flags) else []
    return [*others, *added, *flags.overrides]


def _task(verb: str, job: Job, argv: list[str], full: str | None, caught: list[Exception]) -> Job:
    """Wrap a job for Hydra; the wrapper is pickled where a launcher runs it elsewhere."""

    def task(cfg: DictConfig) -> Any:
        # Lightning starts its processes by sys.argv, which must have the verb in it.
        with _argv(argv), _environment(FULL_ERROR, full):
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
        if HydraConfig.get().launcher._target_.endswith(".JoblibLauncher"):
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
    workers.settle()
    name = Path(HydraConfig.get().runtime.output_dir).name
    print(f"vae-exp {verb}: {name} ...", file=sys.stderr)
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere), _environment("TTY_COMPATIBLE", "0"):
        value = job(cfg)
    print(f"vae-exp {verb}: {name} done: {value:g}", file=sys.stderr)
    return value


def _report(verb: str, error: Exception, sweep: Sweep | None, full: bool) -> int:
    if sweep is not None:
        sweep.show()
    if full and not isinstance(error, JobFailedError):
        traceback.print_exception(error)
    if sweep is None or not isinstance(error, JobFailedError):
        print(f"vae-exp {verb}: {sentence(error)}", file=sys.stderr)
    return 1


@contextmanager
def _argv(words: list[str]) -> Iterator[None]:
    old, sys.argv = sys.argv, words
    try:
        yield
    finally:
        sys.argv = old


@contextmanager
def _environment(name: str, value: str | None) -> Iterator[None]:
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
