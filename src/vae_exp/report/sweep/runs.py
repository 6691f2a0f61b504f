"""The runs that a page is about, read from their folders: few small files a run, and neither model nor torch."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from vae_exp.errors import UserError
from vae_exp.report.record import CONFIG, is_run
from vae_exp.report.sweep.values import Value, given
from vae_exp.sweeps.overview import RunState, overview, run_state
from vae_exp.sweeps.plan import FOLDER as PLAN

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The reader in C, where PyYAML has it: ten times as fast."""


@dataclass(frozen=True)
class Run:
    """A run, as far as its folder tells.

    Args:
        folder: Its folder, which a missing run does not have.
        root: The folder that was named by the user, in which it lies.
        name: The name of its folder, with that of its root where there are several.
        given: The values that it was given.
        state: One of `vae_exp.sweeps.overview.STATES`.
        figures: Final figures by name, of a run that is done: None for one that is not finite; empty for any other run.
        errors: Their standard errors over the examples.
        seconds: Time spent on it.
        error: What a failed run failed by.
        progress: How far a run is that has not ended, such as `3 of 10 epochs`.
    """

    folder: Path
    root: Path
    name: str
    given: Mapping[str, Value]
    state: str
    figures: Mapping[str, float | None]
    errors: Mapping[str, float]
    seconds: float
    error: str
    progress: str


def is_single(folder: Path) -> bool:
    """Whether a folder is that of one run, rather than of several."""
    return is_run(folder) and not (folder / PLAN).is_dir()


def read_runs(folders: Sequence[Path], metric: str) -> list[Run]:
    """Read all runs of some folders; each once, in whatever many of them it is.

    Args:
        folders: Of sweeps, or of runs.
        metric: The objective, e.g. `val/nelbo`.

    Raises:
        UserError: One of them is the folder of neither.
    """
    found: dict[Path, Run] = {}
    for root in folders:
        for folder, state in _states(root, metric):
            name = state.name if len(folders) == 1 else str(folder)
            found.setdefault(folder.resolve(), _run(folder, root, name, state))
    return list(found.values())


def read_yaml(path: Path) -> Any:
    """What a yaml file holds, None where it cannot be read."""
    try:
        return yaml.load(path.read_text(encoding="utf-8"), LOADER)
    except (OSError, ValueError, yaml.YAMLError):
        return None


def _states(root: Path, metric: str) -> Iterable[tuple[Path, RunState]]:
    if is_single(root):
        return [(root, run_state(root, [], metric))]
    try:
        return [(root / state.name, state) for state in overview(root, metric)]
    except UserError as error:
        nested = next(root.glob(f"*/*/{CONFIG}"), None) if root.is_dir() else None
        if nested is None:
            raise
        raise UserError(f"{root} is a folder of sweeps; give sweeps, such as {nested.parents[2]}") from error


def _run(folder: Path, root: Path, name: str, state: RunState) -> Run:
    overrides = state.overrides or read_yaml(folder / CONFIG.with_name("overrides.yaml"))
    numbers = _figures(folder) if state.state == "done" else {}
    errors = {
        key.removesuffix("/se"): value for key, value in numbers.items() if key.endswith("/se") and value is not None
    }
    return Run(
        folder=folder,
        root=root,
        name=name,
        given=given(str(line) for line in overrides) if isinstance(overrides, list) else {},
        state=state.state,
        figures={key: value for key, value in numbers.items() if not key.endswith("/se")},
        errors=errors,
        seconds=float(state.wall_seconds),
        error=state.error,
        progress=f"{state.epoch} of {state.epochs or '?'} epochs" if state.epoch is not None else "",
    )


def _figures(folder: Path) -> dict[str, float | None]:
    """The figures that are one number; what is not finite, None."""
    try:
        found = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(found, dict):
        return {}
    numbers = {name: value for name, value in found.items() if value is None or type(value) in (int, float)}
    return {name: float(v) if v is not None and math.isfinite(v) else None for name, v in numbers.items()}
