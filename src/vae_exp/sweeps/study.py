"""An Optuna study in a file of the sweep's folder, which any number of processes and commands go on with."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.override_parser.types import IntervalSweep, Override, RangeSweep, Transformer

from vae_exp.errors import UserError

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import Trial

FILE, NAME = "study.journal", "sweep"


class Study:
    """The trials of a sweep: values that were tried, and what came of them.

    Args:
        folder: The sweep's folder.
        direction: minimize or maximize.
        pruning: `startup_trials` and `warmup_epochs` of the median pruner.
        seed: Seed of the sampler, which a later command continues with other numbers.

    Raises:
        UserError: Optuna is not installed.
    """

    def __init__(self, *, folder: Path, direction: str, pruning: Mapping[str, Any], seed: int) -> None:
        optuna = _optuna()
        backend = optuna.storages.journal.JournalFileBackend(str(folder / FILE))
        self._storage = optuna.storages.JournalStorage(backend)
        self._worst = math.inf if direction == "minimize" else -math.inf
        self._study = optuna.create_study(
            storage=self._storage,
            study_name=NAME,
            direction=direction,
            load_if_exists=True,
            pruner=optuna.pruners.MedianPruner(pruning["startup_trials"], pruning["warmup_epochs"]),
        )
        self._study.sampler = optuna.samplers.TPESampler(seed=seed + len(self._study.trials))
        self._states = optuna.trial.TrialState

    def __len__(self) -> int:
        """Trials so far, whatever came of them."""
        return len(self._study.trials)

    def unfinished(self) -> list[tuple[int, dict[str, Any]]]:
        """Number and values of the trials that were begun, and of which no end is known."""
        trials = self._study.get_trials(states=(self._states.RUNNING,))
        return [(trial.number, dict(trial.params)) for trial in trials]

    def ask(self, space: Mapping[str, BaseDistribution]) -> tuple[int, dict[str, Any]]:
        """Begin a trial: its number, and its values."""
        trial = self._study.ask(dict(space))
        return trial.number, dict(trial.params)

    def tell(self, number: int, value: float) -> None:
        """Put down what a trial came to; what is not finite counts as worse than anything."""
        self._study.tell(number, value if math.isfinite(value) else self._worst, skip_if_finished=True)

    def tell_pruned(self, number: int) -> None:
        """Put down that a trial was ended early: its last value so far says what it came to."""
        self._study.tell(number, state=self._states.PRUNED, skip_if_finished=True)

    def tell_failed(self, number: int) -> None:
        """Put down that a trial failed; nothing is learnt from it."""
        self._study.tell(number, state=self._states.FAIL, skip_if_finished=True)

    def trial(self, number: int) -> Trial:
        """A trial, for the run that it is."""
        optuna = _optuna()
        # Otherwise a sampler would look for values, which the trial has.
        self._study.sampler = optuna.samplers.RandomSampler()
        identity = self._storage.get_trial_id_from_study_id_trial_number(self._study._study_id, number)
        trial: Trial = optuna.trial.Trial(self._study, identity)
        return trial

    def best(self) -> tuple[float, dict[str, Any]] | None:
        """Value and parameters of the best trial; None where none is done."""
        done = self._study.get_trials(states=(self._states.COMPLETE,))
        return (float(self._study.best_value), dict(self._study.best_params)) if done else None


def open_study(folder: Path, conf: Mapping[str, Any], seed: int) -> Study:
    """The study of a sweep.

    Args:
        folder: The sweep's folder.
        conf: The configuration of the sweeper.
        seed: As in `Study`.
    """
    return Study(folder=folder, direction=conf["direction"], pruning=conf["pruning"], seed=seed)


def distribution_of(override: Override) -> BaseDistribution:
    """What a key that is swept can be.

    choice(a,b) and a,b: one of these. range(1,9): a whole number from 1 to 8. interval(0,1): a number, and a whole one
    as int(interval(0,9)); tag(log,interval(1e-4,1)): evenly spread on a logarithmic scale.

    Args:
        override: Of the command line, or of `hydra.sweeper.params`.
    """
    kinds, value = _optuna().distributions, override.value()
    found: BaseDistribution
    if isinstance(value, IntervalSweep):
        whole = isinstance(value.start, int) and isinstance(value.end, int) and "int" in str(override.input_line)
        kind = kinds.IntDistribution if whole else kinds.FloatDistribution
        found = kind(value.start, value.end, log="log" in value.tags)
    elif isinstance(value, RangeSweep):
        values = list(value.range())
        kind = kinds.IntDistribution if isinstance(values[0], int) else kinds.FloatDistribution
        found = kind(values[0], values[-1], step=value.step)
    else:
        found = kinds.CategoricalDistribution(list(override.sweep_iterator(Transformer.encode)))
    return found


def _optuna() -> Any:
    try:
        import optuna
        import optuna.storages.journal
    except ImportError as error:
        raise UserError("hydra/sweeper=optuna needs a package more: pip install 'vae_exp[optuna]'") from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna
