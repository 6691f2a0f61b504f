"""How a verb becomes a Hydra application: all is checked before Hydra makes a folder, and errors are sentences."""

from __future__ import annotations

import argparse
import atexit
import os
import sys
import traceback
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import hydra
from hydra._internal.utils import get_args_parser
from omegaconf import DictConfig

from vae_exp.cli import workers
from vae_exp.cli.failure import FULL_ERROR, sentence
from vae_exp.cli.stop import leave, on_sigterm
from vae_exp.cli.sweep import Sweep, begin
from vae_exp.cli.task import Job, JobFailedError, environment, given, wrapped
from vae_exp.config import paths
from vae_exp.config.check import check
from vae_exp.config.combinations import runs_of
from vae_exp.config.compose import compose
from vae_exp.config.memory import remembered
from vae_exp.config.names import run_folder
from vae_exp.errors import UserError

Before = Callable[[DictConfig, dict[str, Any]], None]
"""(the composed configuration, the same as `check` returns it) -> refuses it, or does nothing."""

Checked = Callable[[DictConfig], dict[str, Any]]
"""The composed configuration -> the same in plain containers, or a UserError."""

_MANY = 20  # runs, whose check takes more than a moment


def run_hydra(verb: str, argv: list[str], job: Job, before: Before | None = None, checked: Checked = check) -> int:
    """Check what a command asks for, then let Hydra run it; returns the exit code.

    Args:
        verb: Which is also what its root configuration is called.
        argv: The command line after the verb.
        job: One run.
        before: A check of the verb's own, done for every combination before the first run.
        checked: The check of what is composed.

    Raises:
        UserError: The command line is wrong; nothing has been written.
    """
    with remembered():
        return _run_hydra(verb, argv, job, before, checked)


def _run_hydra(verb: str, argv: list[str], job: Job, before: Before | None, checked: Checked) -> int:
    flags = _parse(argv)
    root, folders = flags.config_name or verb, _own_folders(flags)
    asked = [name for name in ("run", "multirun", "cfg", "info", "shell_completion") if getattr(flags, name)]
    if len(asked) > 1:
        raise UserError(f"--{' and --'.join(asked)} do not go together; give one of them".replace("_", "-"))
    starts = _runs(flags) and not _is_child(flags)
    with workers.one_thread() if starts else nullcontext():
        sweep, naming = _checked(root, folders, flags, before, checked) if starts else (None, [])
    if flags.cfg:
        compose(root, flags.overrides, folders)
    primary = folders[0] if folders else str(paths.conf_dir())
    caught: list[Exception] = []
    words = [sys.argv[0], *_for_hydra(argv, flags, folders), *naming]
    full = os.environ.get(FULL_ERROR)
    task = wrapped(verb, job, list(sys.argv), full, caught)
    # With its switch on, Hydra lets exceptions through instead of printing them.
    with given(words), environment(FULL_ERROR, "1"), on_sigterm(leave) if naming else nullcontext():
        try:
            hydra.main(config_path=primary, config_name=verb, version_base="1.3")(task)()
        except Exception as error:
            return _report(verb, error, sweep, full == "1")
        except (KeyboardInterrupt, SystemExit):
            if caught:
                return _report(verb, caught[0], None, full == "1")
            if sweep is not None:
                print(f"vae-exp {verb}: {sweep.stopped()}", file=sys.stderr)
            raise
    return 0 if sweep is None or sweep.show(queued=True) else 1


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


def _checked(
    root: str, folders: list[str], flags: argparse.Namespace, before: Before | None, checked: Checked
) -> tuple[Sweep | None, list[str]]:
    """Check every run of a command; returns its sweep, if it is one, and the override that the runs are called by."""
    if any(word.startswith("sweep=") and "," in word for word in flags.overrides):
        raise UserError("sweep: give one at a time, each with a command of its own")
    runs = runs_of(root, flags.overrides, multirun=flags.multirun, config_dirs=folders)
    mode = [*runs.naming, *(["hydra.mode=MULTIRUN"] if flags.multirun else [])]  # as Hydra itself will have it
    if len(runs.overrides) > _MANY:
        print(f"checking {len(runs.overrides)} runs ...", file=sys.stderr)
    wrong: dict[str, list[str]] = {}
    planned: dict[Path, list[str]] = {}
    first: DictConfig | None = None  # of many thousand, all would take much memory
    for overrides in runs.overrides:
        try:
            cfg = compose(root, [*overrides, *mode], folders)
            settings = checked(cfg)
            if before is not None:
                before(cfg, settings)
            if runs.multirun and "sweep" in cfg:
                first, folder = first or cfg, run_folder(cfg)
                if planned.setdefault(folder, overrides) != overrides:
                    raise UserError(
                        f"{folder} is the folder of other runs, too; let hydra.sweep.subdir tell them apart"
                    )
        except UserError as error:
            wrong.setdefault(str(error), []).append(" ".join(overrides))
    if wrong:
        raise _refusal(wrong, len(runs.overrides))
    if first is None:
        return None, runs.naming
    if workers.by_joblib(first.hydra):
        atexit.register(workers.remove_slots)  # after joblib's own end, which comes to be registered later
        workers.begin_as_copies()
    return begin(first, planned, grid=runs.grid), runs.naming


def _refusal(wrong: dict[str, list[str]], total: int) -> UserError:
    """What is wrong, with the runs in which it is."""
    if total == 1:
        return UserError(next(iter(wrong)))
    lines = [f"{error}\n    in {_some(where)}" for error, where in wrong.items()]
    text = f"nothing was started, since {sum(map(len, wrong.values()))} of {total} runs cannot be:"
    return UserError("\n  ".join([text, *lines]))


def _some(runs: list[str], most: int = 3) -> str:
    rest = f" and {len(runs) - most} more" if len(runs) > most else ""
    return ", ".join(runs[:most]) + rest


def _for_hydra(argv: list[str], flags: argparse.Namespace, folders: list[str]) -> list[str]:
    """Put the flags first, since Hydra refuses `a=1 -m b=2`, and exchange the user's folder and the shipped one.

    Hydra searches the folder of `--config-dir` after the application's own, so that an edited copy would never be
    read. Here the user's folder is the application's own, and the shipped one is added to it.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--config-dir", "-cd")
    parser.add_argument("--config-path", "-cp")
    others = [word for word in parser.parse_known_args(argv)[1] if word not in flags.overrides]
    added = ["--config-dir", str(paths.conf_dir())] if folders else []
    return [*others, *added, *flags.overrides]


def _report(verb: str, error: Exception, sweep: Sweep | None, full: bool) -> int:
    if sweep is not None:
        sweep.show(queued=False)
    if full and not isinstance(error, JobFailedError):
        traceback.print_exception(error)
    failed = isinstance(error, JobFailedError)  # which has told what was wrong
    if sweep is None or not failed:
        text = "not all runs are done; the errors are above" if failed else sentence(error)
        print(f"vae-exp {verb}: {text}", file=sys.stderr)
    return 1
