"""What the runs of a page are compared by."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from vae_exp.nested import dict_at
from vae_exp.report.record import CONFIG
from vae_exp.report.sweep.runs import Run, read_yaml
from vae_exp.sweeps.objective import figure_of

PLAIN = "val/nelbo"
"""The figure where the runs name none."""


class Objective(NamedTuple):
    """What settings are compared by: the figure, and whether high is good."""

    metric: str
    maximize: bool

    def of(self, run: Run) -> str | None:
        """The name under which a run has it: nelbo is nelbo_bce of a run whose pixels have no likelihood."""
        return figure_of(run.figures, self.metric)

    def rank(self, value: float | None) -> float:
        """Sorts values, the best first and what is not finite last."""
        return math.inf if value is None else -value if self.maximize else value


def first_config(folders: Sequence[Path]) -> Path | None:
    """The configuration of some run, for what all runs of a sweep have in common; None where there is none."""
    patterns = (CONFIG, Path("*", CONFIG))
    return next((path for folder in folders for pattern in patterns for path in folder.glob(str(pattern))), None)


def objective_of(config: Path | None, metric: str | None, maximize: bool) -> Objective:
    """The objective that the user names, or that of the sweep: its `sweep.metric`, and the direction of its sweeper.

    Args:
        config: The configuration of one of its runs.
        metric: What the user named.
        maximize: Whether the user said that high is good.
    """
    if metric is not None or maximize or config is None:
        return Objective(metric or PLAIN, maximize)
    named = dict_at(read_yaml(config), "sweep").get("metric")
    direction = dict_at(read_yaml(config.with_name("hydra.yaml")), "hydra", "sweeper").get("direction")
    return Objective(named if isinstance(named, str) else PLAIN, direction == "maximize")


def metrics_of(config: Path | None) -> dict[str, Any]:
    """The metrics of a run, in the order in which their figures are shown."""
    return dict_at(read_yaml(config), "metrics") if config else {}
