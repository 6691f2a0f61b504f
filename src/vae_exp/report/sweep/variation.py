"""What varies between runs: the keys, and the value of each run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from vae_exp.config.keys import shortened
from vae_exp.errors import UserError
from vae_exp.nested import at, dict_at
from vae_exp.report.record import CONFIG, read_record
from vae_exp.report.sweep.runs import Run, read_yaml
from vae_exp.report.sweep.values import SEED, Value, named, value_of

FOLDER = "folder"
"""Tells runs apart that were given the same values, and the same seed."""


class Variation(NamedTuple):
    """What varies.

    Args:
        keys: The keys that do, the seed last.
        labels: What each is called, as in the names of the runs' folders.
        values: Of each run, in the order of the keys; None where it is not known.
    """

    keys: list[str]
    labels: dict[str, str]
    values: list[tuple[Value, ...]]


def variation(runs: Sequence[Run]) -> Variation:
    """Find out what varies between runs.

    A run that was not given a key which another one was given has the value that is in its configuration.
    """
    keys = list(dict.fromkeys(key for run in runs for key in run.given))
    columns = {key: [run.given.get(key) for run in runs] for key in keys}
    # Most keys are given to all runs or to none: few configurations are read.
    lacking = {number for column in columns.values() for number, value in enumerate(column) if value is None}
    for number in sorted(lacking):
        config = _Config(runs[number].folder)
        for key, column in columns.items():
            if column[number] is None:
                column[number] = config.value(key)
    varying = {key: column for key, column in columns.items() if len({v for v in column if v is not None}) > 1}
    varying = dict(sorted(varying.items(), key=lambda item: item[0] == SEED))
    rows: list[tuple[Value, ...]] = list(zip(*varying.values(), strict=True)) if varying else [()] * len(runs)
    if any(count > 1 for count in Counter(rows).values()):
        varying = {FOLDER: _folders(runs, rows), **varying}
        rows = list(zip(*varying.values(), strict=True))
    return Variation(list(varying), shortened(varying), rows)


def words(variation: Variation, values: Sequence[Value]) -> str:
    """Values by the names of their keys: `latent_dim 8, beta 0.5`."""
    return named((variation.labels[key] for key in variation.keys), values)


class _Config:
    """A run's configuration, read when it is asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files: dict[str, Any] = {}

    def value(self, key: str) -> Value:
        found = at(self._file("config.yaml"), *key.split("."))
        if isinstance(found, str) and "${" in found:
            try:
                found = at(read_record(self.folder).settings, *key.split("."))
            except UserError:  # the folder was removed meanwhile
                return None
        if found is not None and not isinstance(found, dict):
            return value_of(found)
        chosen = dict_at(self._file("hydra.yaml"), "hydra", "runtime", "choices").get(key)
        return None if chosen is None else value_of(chosen)

    def _file(self, name: str) -> Any:
        if name not in self._files:
            self._files[name] = read_yaml(self.folder / CONFIG.with_name(name))
        return self._files[name]


def _folders(runs: Sequence[Run], rows: Sequence[tuple[Value, ...]]) -> list[Value]:
    """The folder that the user named, of each run, or its own where that one holds several alike."""
    count = Counter((run.root, row) for run, row in zip(runs, rows, strict=True))
    return [run.name if count[run.root, row] > 1 else str(run.root) for run, row in zip(runs, rows, strict=True)]
