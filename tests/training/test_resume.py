"""A run that was stopped and resumed ends as one that was not."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities.exceptions import SIGTERMException
from torch.distributions import Distribution

from vae_exp.build import build_data, build_model, build_module, build_trainer
from vae_exp.training.lit import LitVAE
from vae_exp.training.resume import resume_point


class Killed(BaseException):
    pass


class Kill(pl.Callback):
    """Stop hard after a number of steps, or at the start or the end of a validation."""

    def __init__(self, step: int, hook: str) -> None:
        self.step, self.hook = step, hook

    def _maybe(self, trainer: pl.Trainer, hook: str) -> None:
        if hook == self.hook and trainer.global_step >= self.step:
            raise Killed

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        self._maybe(trainer, "batch")

    def on_validation_start(self, trainer: pl.Trainer, *_: Any) -> None:
        self._maybe(trainer, "validation_start")

    def on_validation_end(self, trainer: pl.Trainer, *_: Any) -> None:
        self._maybe(trainer, "validation_end")


def fit(settings: dict[str, Any], *kills: Kill, start: Path | None = None) -> tuple[LitVAE, pl.Trainer]:
    pl.seed_everything(settings["seed"], verbose=False)
    data = build_data(settings)
    module = build_module(settings, build_model(settings, data.spec))
    trainer = build_trainer(settings)
    trainer.callbacks[:0] = kills
    start = start or resume_point("auto", Path(settings["run_dir"]))
    trainer.fit(module, datamodule=data, ckpt_path=start, weights_only=True)
    return module, trainer


OVERRIDES = (
    "trainer.max_epochs=3",
    "callbacks.checkpoint.every_n_steps=4",
    "callbacks.ema.decay=0.9",
    "callbacks.early_stopping.patience=50",
    "loss/schedule=linear",
    "loss.schedule.duration=2",
    "data.batch_size=128",  # 12 steps an epoch, the last of them short
)


@pytest.mark.parametrize(
    ("extra", "kills"),
    [
        ((), [(1, "batch"), (5, "batch"), (12, "batch"), (13, "batch")]),
        ((), [(12, "validation_start"), (24, "validation_end"), (31, "batch"), (36, "validation_start")]),
        (("trainer.accumulate_grad_batches=3", "callbacks.checkpoint.every_n_steps=1"), [(2, "batch"), (6, "batch")]),
        (
            ("+trainer.val_check_interval=4", "optimizer.lr=0.2", "lr_schedule=constant"),  # the best comes early
            [(5, "batch"), (8, "validation_start"), (16, "validation_end"), (18, "batch")],
        ),
        (("optimizer=sgd", "data.binarize=none", "callbacks.checkpoint.every_n_steps=0"), [(20, "batch")]),
        pytest.param(("trainer.step=compiled",), [(6, "batch"), (24, "validation_end")], marks=pytest.mark.slow),
    ],
)
def test_killed_and_resumed_run_equals_undisturbed_one(settings, monkeypatch, extra, kills):
    monkeypatch.setattr(Distribution, "_validate_args", False)  # as the command has it: checks stop compilation
    undisturbed, reference = fit(settings(*OVERRIDES, *extra, folder="a"))
    chosen = settings(*OVERRIDES, *extra, folder="b")
    for step, hook in kills:
        with pytest.raises(Killed):
            fit(chosen, Kill(step, hook))
    resumed, trainer = fit(chosen)

    assert trainer.global_step == reference.global_step
    for name, weight in undisturbed.state_dict().items():
        assert torch.equal(weight, resumed.state_dict()[name]), name
    for ckpt in ("last.ckpt", "best.ckpt"):
        a, b = (
            torch.load(Path(s, "checkpoints", ckpt), weights_only=True)
            for s in (_dir(settings, "a"), _dir(settings, "b"))
        )
        assert a["global_step"] == b["global_step"]
        assert a["callbacks"] == b["callbacks"]
        for name, weight in a["average"].items():
            assert torch.equal(weight, b["average"][name])


class Terminate(pl.Callback):
    """Tell the process to end before one of the batches."""

    def __init__(self, batch: int) -> None:
        self.batch = batch

    def on_train_batch_start(self, *_: Any) -> None:
        self.batch -= 1
        if self.batch == 0:
            os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.parametrize("interval", [12, 4])
def test_a_run_that_is_told_to_end_loses_neither_gradients_nor_validations(settings, interval):
    overrides = (*OVERRIDES, "trainer.accumulate_grad_batches=4", f"+trainer.val_check_interval={interval}")
    overrides = (*overrides, "callbacks.checkpoint.every_n_steps=1000", "trainer.max_epochs=2")
    undisturbed, _ = fit(settings(*overrides, folder="a"))
    chosen = settings(*overrides, folder="b")
    for batch in (2, 5, 4):
        with pytest.raises(SIGTERMException):
            fit(chosen, Terminate(batch))
    resumed, _ = fit(chosen)
    for name, weight in undisturbed.state_dict().items():
        assert torch.equal(weight, resumed.state_dict()[name]), name
    a, b = (torch.load(Path(_dir(settings, f), "checkpoints", "last.ckpt"), weights_only=True) for f in "ab")
    assert a["callbacks"] == b["callbacks"]


def test_a_signal_in_the_last_validation_is_minded_before_the_test(settings):
    class AtTheEnd(pl.Callback):
        def on_validation_start(self, *_: Any) -> None:
            os.kill(os.getpid(), signal.SIGTERM)

    chosen = settings(*OVERRIDES, "trainer.max_epochs=1")
    module, trainer = fit(chosen, AtTheEnd())
    assert trainer.global_step == 12
    with pytest.raises(SIGTERMException):
        trainer.test(module, datamodule=trainer.datamodule, verbose=False)
    assert fit(chosen)[1].global_step == 12  # the checkpoint is there, and nothing is left to train


def test_a_convolutional_run_goes_on_from_where_memory_is_laid_out_otherwise(settings):
    """Weights of convolutions are laid out as the device likes it; a GPU's checkpoint may come to a processor."""
    overrides = (*OVERRIDES, "model=conv", "model.encoder.hidden=16", "model.decoder.hidden=16", "trainer.max_epochs=1")
    undisturbed, _ = fit(settings(*overrides, folder="a"))
    chosen = settings(*overrides, folder="b")
    with pytest.raises(Killed):
        fit(chosen, Kill(5, "batch"))
    file = Path(_dir(settings, "b"), "checkpoints", "last.ckpt")
    checkpoint = torch.load(file, weights_only=True)
    for state in checkpoint["optimizer_states"][0]["state"].values():
        state.update({name: value.clone(memory_format=torch.contiguous_format) for name, value in state.items()})
    torch.save(checkpoint, file)
    resumed, _ = fit(chosen)
    for name, weight in undisturbed.state_dict().items():
        assert torch.equal(weight, resumed.state_dict()[name]), name
    seen = resumed.model.encoder.convolutions[0](torch.rand(2, *resumed.model.spec.x_shape))
    assert seen.is_contiguous(memory_format=torch.channels_last)
    assert not seen.is_contiguous()


def _dir(settings, folder: str) -> str:
    return settings(folder=folder)["run_dir"]


def test_early_stopping_that_was_decided_is_not_forgotten(settings):
    chosen = settings(
        "optimizer.lr=0", "lr_schedule=constant", "trainer.max_epochs=9", "callbacks.early_stopping.patience=2"
    )
    _, first = fit(chosen)
    _, second = fit(chosen)
    assert first.global_step == second.global_step < 9 * 12


def test_an_epoch_without_a_figure_is_never_the_best(settings, monkeypatch):
    monkeypatch.setattr(Distribution, "_validate_args", False)
    later = ("trainer.max_epochs=2", "lr_schedule=multistep", "lr_schedule.milestones=[1]", "lr_schedule.gamma=1e33")
    _, trainer = fit(settings(*later))
    assert not torch.isfinite(trainer.callback_metrics["val/nelbo"])
    best = torch.load(Path(_dir(settings, "run"), "checkpoints", "best.ckpt"), weights_only=True)
    assert best["epoch"] == 0


def test_a_run_that_begins_elsewhere_has_settings_and_a_best_checkpoint_of_its_own(settings):
    fit(settings("trainer.max_epochs=1", "optimizer.lr=1e-2", folder="first"))
    start = Path(_dir(settings, "first"), "checkpoints", "last.ckpt")
    changed = settings(
        "trainer.max_epochs=2", "optimizer.lr=1e-9", "lr_schedule=constant", "loss.beta=50", folder="second"
    )
    before = torch.load(start, weights_only=True)["state_dict"]
    module, trainer = fit(changed, start=start)
    assert trainer.optimizers[0].param_groups[0]["lr"] == 1e-9
    for name, weight in module.model.named_parameters():
        torch.testing.assert_close(weight.detach(), before[f"model.{name}"], rtol=0, atol=1e-6)
    assert Path(changed["run_dir"], "checkpoints", "best.ckpt").is_file()


def test_where_a_run_goes_on(tmp_path):
    own, other = tmp_path / "run" / "checkpoints" / "last.ckpt", tmp_path / "other" / "checkpoints" / "last.ckpt"
    early = own.with_name("early.ckpt")
    assert resume_point("auto", tmp_path / "run") is None
    assert resume_point(str(other), tmp_path / "run") == other
    own.parent.mkdir(parents=True)
    own.touch()
    assert resume_point("auto", tmp_path / "run") == own
    assert resume_point(str(other), tmp_path / "run") == own  # the same command again
    assert resume_point(str(early), tmp_path / "run") == early
    assert resume_point("never", tmp_path / "run") is None
