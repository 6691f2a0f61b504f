"""How a verb becomes a Hydra application: all is checked before Hydra makes a folder, and errors are sentences."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hydra
from hydra._internal.utils import get_args_parser
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from vae_exp.cli.failure import FULL_ERROR, sentence
from vae_exp.config import paths
from vae_exp.config.check import check
from vae_exp.config.combinations import combinations
from vae_exp.config.compose import compose
from vae_exp.errors import UserError

Job = Callable[[DictConfig], Any]
Before = Callable[[DictConfig], None]

_MANY = 20  # runs, whose check takes more than a moment


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
    if _runs(flags) and not _is_child(flags):
        _check_all(root, flags, before)
    if flags.cfg:
        compose(flags.config_name or root, flags.overrides, _own_folders(flags))
    failed: list[str] = []
    caught: list[Exception] = []
    words = [sys.argv[0], *_for_hydra(argv, flags)]
    full = os.environ.get(FULL_ERROR)
    task = _task(verb, job, list(sys.argv), full, failed, caught)
    # With its switch on, Hydra lets exceptions through instead of printing them.
    with _argv(words), _environment(FULL_ERROR, "1"):
        try:
            hydra.main(config_path=_primary(flags), config_name=root, version_base="1.3")(task)()
        except Exception as error:
            return _report(verb, error, failed, full == "1")
        except SystemExit:
            if not caught:
                raise
            return _report(verb, caught[0], failed, full == "1")
    return 0


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


def _check_all(root: str, flags: argparse.Namespace, before: Before | None) -> None:
    folders, root = _own_folders(flags), flags.config_name or root
    runs = combinations(root, flags.overrides, multirun=flags.multirun, config_dirs=folders)
    mode = ["hydra.mode=MULTIRUN"] if flags.multirun else []  # as Hydra itself will have it
    if len(runs) > _MANY:
        print(f"checking {len(runs)} runs ...", file=sys.stderr)
    wrong: dict[str, list[str]] = {}
    for overrides in runs:
        try:
            cfg = compose(root, [*overrides, *mode], folders)
            check(cfg)
            if before is not None:
                before(cfg)
        except UserError as error:
            wrong.setdefault(str(error), []).append(" ".join(overrides))
    if len(runs) == 1 and wrong:
        raise UserError(next(iter(wrong)))
    if wrong:
        count = sum(map(len, wrong.values()))
        lines = [f"{error}\n    in {_some(where)}" for error, where in wrong.items()]
        raise UserError("\n  ".join([f"nothing was started, since {count} of {len(runs)} runs cannot be:", *lines]))


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


def _task(verb: str, job: Job, argv: list[str], full: str | None, failed: list[str], caught: list[Exception]) -> Job:
    """Wrap a job for Hydra; the wrapper is pickled where a launcher runs it elsewhere."""

    def task(cfg: DictConfig) -> Any:
        # Lightning starts its processes by sys.argv, which must have the verb in it.
        with _argv(argv), _environment(FULL_ERROR, full):
            try:
                return job(cfg)
            except Exception as error:
                if HydraConfig.get().mode != RunMode.MULTIRUN:
                    caught.append(error)
                    raise SystemExit(1) from error  # past Hydra, which would add a line of its own
                name = " ".join(HydraConfig.get().overrides.task) or "the run"
                failed.append(name)
                print(f"vae-exp {verb}: {name} failed: {sentence(error)}", file=sys.stderr)
                if full == "1":
                    traceback.print_exc()
                # Some launchers send the error back from another process, which only a plain message survives.
                raise UserError(f"{name} failed: {sentence(error)}") from None

    # Hydra takes hydra.job.name from the name of the module.
    task.__module__ = f"vae_exp.cli.{verb}"
    return task


def _report(verb: str, error: Exception, failed: list[str], full: bool) -> int:
    text = sentence(error)
    if failed:
        runs = "1 run" if len(failed) == 1 else f"{len(failed)} runs"
        text = f"{runs} failed, the others are done: {'; '.join(failed)}"
    elif full:
        traceback.print_exception(error)
    print(f"vae-exp {verb}: {text}", file=sys.stderr)
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
