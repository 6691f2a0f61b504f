"""What is done before the first run of a sweep and after its last one."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from omegaconf import DictConfig

from vae_exp.cli.status import counted, show_runs
from vae_exp.sweeps.overview import FINISHED, RunState, overview
from vae_exp.sweeps.plan import write_plan


@dataclass(frozen=True)
class Sweep:
    """The runs of one command.

    Args:
        folder: The sweep's folder.
        names: Of the runs' folders; None where a sweeper chooses the runs as it goes.
        metric: The objective.
        before: Runs that were finished when the command was given.
        waits: Whether the command goes on until the runs have ended, rather than leave them in a queue.
    """

    folder: Path
    names: list[str] | None
    metric: str
    before: frozenset[str]
    waits: bool

    def show(self, *, queued: bool) -> bool:
        """Print what became of the runs; returns whether all of them are finished, or are in a queue as was asked.

        Args:
            queued: Whether those of which there is nothing yet have been put into a queue, where that was asked.
        """
        runs = self._runs()
        words = {} if self.waits or not queued else {run.name: "submitted" for run in runs if run.state == "missing"}
        words |= {run.name: f"{run.state} before" for run in runs if run.name in self.before}
        show_runs(runs, str(self.folder), self.metric, words)
        if any(run.state == "failed" for run in runs):
            print(f"the logs are {self.folder}/RUN/train.log", file=sys.stderr)
        return not self.waits or all(run.state in FINISHED for run in runs)

    def stopped(self) -> str:
        """Say how to go on after the sweep was stopped."""
        runs = self._runs()
        done = sum(count for state, count in counted(runs).items() if state in FINISHED)
        of = f"{done} of {len(runs)}" if self.names is not None else str(done)
        return f"the sweep was stopped, {of} runs are finished in {self.folder}; the same command goes on with it"

    def _runs(self) -> list[RunState]:
        return overview(self.folder, self.metric, self.names) if self.folder.is_dir() else []


def begin(first: DictConfig, runs: Mapping[Path, list[str]], *, grid: bool) -> Sweep:
    """Write down which runs a sweep consists of.

    Args:
        first: The composed configuration of one of the runs.
        runs: Folder of each, and its overrides.
        grid: Whether these are all runs, rather than examples of what a sweeper may choose.
    """
    folder, metric = Path(first.hydra.sweep.dir), first.sweep.metric
    plan = {str(own.relative_to(folder)): overrides for own, overrides in runs.items()}
    if grid:
        write_plan(folder, plan)
    present = overview(folder, metric, list(plan) if grid else None) if grid or _has_runs(folder) else []
    before = frozenset(run.name for run in present if run.state in FINISHED)
    waits = bool(first.hydra.launcher.get("wait", True))
    return Sweep(folder, list(plan) if grid else None, metric, before, waits)


def _has_runs(folder: Path) -> bool:
    return any(folder.glob("*/status.json"))
