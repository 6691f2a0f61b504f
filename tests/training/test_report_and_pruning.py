"""What a run tells others while it trains."""

import itertools
import json
import math
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import pytorch_lightning as pl

from vae_exp.build import build_data, build_model, build_module, build_trainer
from vae_exp.training.callbacks import report_progress
from vae_exp.training.callbacks.pruning import Pruning


def fit(settings, *callbacks):
    pl.seed_everything(settings["seed"], verbose=False)
    data = build_data(settings)
    module = build_module(settings, build_model(settings, data.spec))
    trainer = build_trainer(settings)
    trainer.callbacks += callbacks
    trainer.fit(module, datamodule=data, weights_only=True)
    return trainer


class Snapshots(pl.Callback):
    """What progress.json held after each epoch."""

    def __init__(self, path):
        self.path, self.seen = path, []

    def on_train_epoch_end(self, *_):
        self.seen.append(json.loads(self.path.read_text()))


def test_progress_is_there_after_every_epoch(settings, monkeypatch):
    clock = SimpleNamespace(monotonic=itertools.count(0, 10).__next__, time=time.time)  # 10 s from look to look
    monkeypatch.setattr(report_progress, "time", clock)
    chosen = settings("trainer.max_epochs=3", "callbacks.report_progress.every_seconds=0")
    snapshots = Snapshots(Path(chosen["run_dir"], "progress.json"))
    fit(chosen, snapshots)
    assert [seen["epoch"] for seen in snapshots.seen] == [1, 2, 3]
    assert [seen["step"] / seen["steps"] for seen in snapshots.seen] == pytest.approx([1 / 3, 2 / 3, 1])
    assert [seen["best"] for seen in snapshots.seen] == [
        min(seen["newest"] for seen in snapshots.seen[:n]) for n in (1, 2, 3)
    ]
    left = [seen["seconds_left"] for seen in snapshots.seen]
    assert left[0] > left[1] > left[2] == 0
    assert snapshots.seen[0]["objective"] == "val/nelbo"


@pytest.mark.parametrize("until", [("trainer.max_epochs=3",), ("trainer.max_epochs=-1", "trainer.max_steps=18")])
def test_progress_is_written_seldom_and_at_the_end(settings, until):
    chosen = settings(*until, "data.batch_size=256", "callbacks.report_progress.every_seconds=1000")
    snapshots = Snapshots(Path(chosen["run_dir"], "progress.json"))
    fit(chosen, snapshots)
    assert [seen["epoch"] for seen in snapshots.seen] == [1, 1, 3]


@pytest.fixture
def study(tmp_path):
    pytest.importorskip("optuna")
    from vae_exp.sweeps.study import Study

    def make():
        return Study(folder=tmp_path, direction="minimize", pruning={"startup_trials": 1, "warmup_epochs": 1}, seed=0)

    return make


def space():
    from optuna.distributions import FloatDistribution

    return {"loss.beta": FloatDistribution(0.1, 10)}


@pytest.mark.parametrize("until", [("trainer.max_epochs=4",), ("trainer.max_epochs=-1", "trainer.max_steps=40")])
def test_a_trial_that_does_badly_is_ended_early(settings, study, until):
    first, _ = study().ask(space())
    trial = study().trial(first)
    for epoch in range(1, 5):
        trial.report(1.0, epoch)  # far better than what follows
    study().tell(first, 1.0)
    second, _ = study().ask(space())
    callback = Pruning(trial=study().trial(second), metric="val/nelbo")
    trainer = fit(settings(*until), callback)
    assert callback.pruned
    assert trainer.current_epoch == 1
    study().tell_pruned(second)
    assert study().unfinished() == []
    assert study().best()[0] == 1.0


def test_a_trial_that_does_well_is_not(settings, study):
    first, _ = study().ask(space())
    trial = study().trial(first)
    for epoch in range(1, 5):
        trial.report(1000.0, epoch)
    study().tell(first, 1000.0)
    second, _ = study().ask(space())
    callback = Pruning(trial=study().trial(second), metric="val/nelbo")
    assert fit(settings("trainer.max_epochs=3"), callback).current_epoch == 3
    assert not callback.pruned
    again = Pruning(trial=study().trial(second), metric="val/nelbo")  # a run that was killed tells nothing twice
    fit(settings("trainer.max_epochs=3", folder="again"), again)


def test_a_figure_that_is_not_finite_is_the_worst(study):
    kept = study()
    numbers = [kept.ask(space())[0] for _ in range(3)]
    for number, value in zip(numbers, (math.inf, 5.0, math.nan), strict=True):
        kept.tell(number, value)
    assert kept.best()[0] == 5.0
    failed = kept.ask(space())[0]
    kept.tell_failed(failed)
    assert (len(kept), study().unfinished()) == (4, [])


@pytest.mark.parametrize(
    ("text", "kind", "values"),
    [
        ("x=interval(0,1)", "FloatDistribution", {"low": 0.0, "high": 1.0, "log": False}),
        ("x=tag(log,interval(0.1,10))", "FloatDistribution", {"low": 0.1, "high": 10.0, "log": True}),
        ("x=int(interval(1,9))", "IntDistribution", {"low": 1, "high": 9}),
        ("x=range(2,9,2)", "IntDistribution", {"low": 2, "high": 8, "step": 2}),
        ("x=choice(a,2,'b c')", "CategoricalDistribution", {"choices": ("a", 2, "b c")}),
        ("x=1,2", "CategoricalDistribution", {"choices": (1, 2)}),
    ],
)
def test_hydras_words_for_what_a_key_can_be(text, kind, values):
    pytest.importorskip("optuna")
    from hydra.core.override_parser.overrides_parser import OverridesParser

    from vae_exp.sweeps.study import distribution_of

    found = distribution_of(OverridesParser.create().parse_override(text))
    assert type(found).__name__ == kind
    assert {name: getattr(found, name) for name in values} == values
