"""What is not done, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from vae_exp.report.sweep.links import link
from vae_exp.report.sweep.runs import Run
from vae_exp.sweeps.overview import STATES

LISTED = 12
STATES_TO_TELL = ("failed", "interrupted", "missing", "running", "pruned")
MEANINGS = {
    "interrupted": "stopped before the end, or ended by force",
    "missing": "planned, and never begun",
    "running": "at work when this page was made",
    "pruned": "ended early by the study, which saw no hope",
}


class Trouble(NamedTuple):
    """Runs that are not done for one reason.

    Args:
        state: Their state.
        why: The error, or what the state means.
        number: How many they are.
        runs: The first of them: the name, the address of the log or "", and how far it is.
    """

    state: str
    why: str
    number: int
    runs: list[tuple[str, str, str]]


def troubles_of(runs: Sequence[Run], page: Path) -> list[Trouble]:
    """Bring together the runs that failed by the same error, or are in the same state."""
    grouped: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        if run.state != "done":
            why = run.error if run.state == "failed" else MEANINGS.get(run.state, "")
            grouped.setdefault((run.state, why), []).append(run)
    return [
        Trouble(state, why, len(some), [_named(run, page) for run in some[:LISTED]])
        for (state, why), some in sorted(grouped.items(), key=lambda item: (_rank(item[0][0]), -len(item[1])))
    ]


def counts_of(runs: Sequence[Run]) -> list[tuple[str, int]]:
    """How many runs are in each state, those that there are."""
    found = Counter(run.state for run in runs)
    return [(state, found[state]) for state in (*STATES, *sorted(set(found) - set(STATES))) if found[state]]


def _named(run: Run, page: Path) -> tuple[str, str, str]:
    log = run.folder / "train.log"
    return run.name, link(log, page) if log.is_file() else "", run.progress


def _rank(state: str) -> int:
    return STATES_TO_TELL.index(state) if state in STATES_TO_TELL else len(STATES_TO_TELL)
