"""The one number of a run that sweepers compare."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from vae_exp.config.nearest import nearest
from vae_exp.errors import UserError
from vae_exp.files import read_json


def objective(figures: Mapping[str, Any], metric: str) -> float:
    """The figure `metric` of a run.

    A figure of a model whose likelihood is no log-likelihood is found under its name with `_bce`, and a model without a
    rate has the distortion for nelbo. What is not finite is inf: worse than any other, and a number to all sweepers.

    Args:
        figures: All figures of the run; None stands for one that is not finite.
        metric: E.g. `val/nelbo`.

    Raises:
        UserError: There is no such figure.
    """
    if (name := figure_of(figures, metric)) is None:
        raise UserError(f"sweep.metric={metric}: is not a figure of the run{hint(metric, figures)}")
    value = figures[name]
    if isinstance(value, list):
        raise UserError(f"sweep.metric={metric}: is a vector; give a figure that is one number")
    return float(value) if value is not None and math.isfinite(value) else math.inf


def saved_objective(folder: Path, metric: str) -> float:
    """The same of a finished run.

    Raises:
        UserError: There is no such figure.
    """
    return objective(read_json(folder / "metrics.json"), metric)


def figure_of(figures: Mapping[str, Any], metric: str) -> str | None:
    """The name under which a run has the figure, None where it has none."""
    return next((name for name in names_of(metric) if name in figures), None)


def names_of(metric: str) -> list[str]:
    """The names under which a figure may be found, the first that a run has being the one."""
    stage, _, figure = metric.partition("/")
    spare = [f"{stage}/distortion", f"{stage}/distortion_bce"] if figure == "nelbo" else []
    return [metric, f"{metric}_bce", *spare]


def hint(metric: str, names: Iterable[str]) -> str:
    """What to write in the place of a figure that is not there."""
    names = [name for name in names if not name.endswith("/se")]
    close = nearest(metric, names)
    return f"; did you mean {close}?" if close else f" (figures: {', '.join(sorted(names))})"
