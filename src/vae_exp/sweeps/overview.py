"""What became of the runs of a sweep, read from its folder: while it runs, and afterwards."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from vae_exp.errors import UserError
from vae_exp.sweeps.lock import holder
from vae_exp.sweeps.objective import figure_of, objective
from vae_exp.sweeps.plan import read_plan

STATES = ("running", "done", "pruned", "failed", "interrupted", "missing")
FINISHED = ("done", "pruned")


class RunState(NamedTuple):
    """One run of a sweep.

    Args:
        name: Of its folder.
        state: One of `STATES`.
        overrides: What it was asked for with; empty for a run that no plan knows.
        objective: The figure that sweepers compare: the final one, or the best so far; None before the first.
        figure: Its name, of a run that is done: that of a model without a rate is not nelbo.
        epoch: Epochs that are done.
        epochs: Epochs to do, None where it is not known.
        seconds_left: Until the end of training, None where it is not known.
        wall_seconds: Time spent on it.
        attempts: Times it was begun or gone on with.
        where: Host and process of a run that is running.
        error: Of a failed run.
    """

    name: str
    state: str
    overrides: list[str]
    objective: float | None = None
    figure: str | None = None
    epoch: int | None = None
    epochs: int | None = None
    seconds_left: float | None = None
    wall_seconds: float = 0.0
    attempts: int = 0
    where: str = ""
    error: str = ""


def overview(folder: Path, metric: str, only: Sequence[str] | None = None) -> list[RunState]:
    """The state of every run of a sweep: those of its plan, and others that are in its folder.

    Args:
        folder: The sweep's folder, or that of one run.
        metric: The objective, e.g. `val/nelbo`.
        only: Names of the runs to look at; None for all.

    Raises:
        UserError: It is the folder of neither.
    """
    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder; give that of a sweep or of a run")
    plan = read_plan(folder)
    if not plan and (folder / "status.json").is_file():
        return [run_state(folder, [], metric)]
    others = [path.parent.name for path in folder.glob("*/status.json") if path.parent.name not in plan]
    names = [*plan, *sorted(others)] if only is None else only
    if not names:
        raise UserError(f"{folder} is the folder of neither a sweep nor a run; multirun/NAME is that of a sweep")
    return [run_state(folder / name, plan.get(name, []), metric) for name in names]


def run_state(folder: Path, overrides: list[str], metric: str) -> RunState:
    """The state of one run.

    Args:
        folder: The run's folder, which need not be there.
        overrides: What it was asked for with.
        metric: The objective.
    """
    status, progress = _read(folder / "status.json"), _read(folder / "progress.json")
    if not status:
        working = holder(folder) if folder.is_dir() else None
        return RunState(folder.name, "running" if working else "missing", overrides)
    state, who = status["state"], None
    figures = _read(folder / "metrics.json") if state == "done" else {}
    figure = figure_of(figures, metric)
    if state not in FINISHED:
        who = holder(folder)
        state = "running" if who else "interrupted" if state == "running" else state
    return RunState(
        name=folder.name,
        state=state,
        overrides=overrides,
        objective=progress.get("best") if state != "done" else objective(figures, metric) if figure else None,
        figure=figure if state == "done" else progress.get("objective"),
        epoch=progress.get("epoch"),
        epochs=progress.get("epochs"),
        seconds_left=_left(progress) if state == "running" else None,
        wall_seconds=status.get("wall_seconds", 0.0),
        attempts=status.get("attempts", 0),
        where=f"{who.get('host')}:{who.get('pid')}" if who else "",
        error=status.get("error", "") if state == "failed" else "",
    )


def _left(progress: dict[str, Any]) -> float | None:
    left, written = progress.get("seconds_left"), progress.get("time")
    return max(0.0, left - (time.time() - written)) if left is not None and written is not None else None


def _read(path: Path) -> dict[str, Any]:
    """A json object, empty where there is none: a run can begin, or be removed, while one looks."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
