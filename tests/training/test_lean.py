"""The short way through a step and Lightning's own are the same run."""

import pytest
import pytorch_lightning as pl
from pytorch_lightning.loops.training_epoch_loop import _TrainingEpochLoop

from .making import SHORT, fit, same, weights


class Told(pl.Callback):
    """Notes what it is told, and logs a figure of its own."""

    def __init__(self):
        self.told = []

    def note(self, name, trainer, *facts):
        self.told.append((name, trainer.current_epoch, trainer.global_step, trainer.training, *facts))

    def on_train_batch_start(self, trainer, module, batch, batch_idx):
        self.note("start", trainer, batch_idx, batch["x"].sum().item())

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        self.note("end", trainer, batch_idx, outputs["loss"].item(), trainer.is_last_batch)
        module.log("own/figure", float(batch_idx), on_step=True, on_epoch=True)

    def on_validation_end(self, trainer, module):
        self.note("validated", trainer)


class Looking(Told):
    """Sees gradients, for which Lightning's way is kept."""

    def on_after_backward(self, trainer, module):
        pass


@pytest.mark.parametrize(
    "overrides", [(), ("trainer.max_steps=9", "+trainer.val_check_interval=4", "trainer.gradient_clip_val=1")]
)
def test_the_short_way_is_the_same_run(settings, overrides):
    short, long = Told(), Looking()
    overrides = (*SHORT, "trainer.max_epochs=3", "trainer.log_every_n_steps=2", *overrides)
    quick, by_short = fit(settings(*overrides, folder="a"), short)
    slow, by_long = fit(settings(*overrides, folder="b"), long)
    assert type(by_short.fit_loop.epoch_loop) is not _TrainingEpochLoop
    assert type(by_long.fit_loop.epoch_loop) is _TrainingEpochLoop
    assert same(weights(quick), weights(slow))
    assert short.told == long.told
    assert by_short.global_step == by_long.global_step
    figures = [{name: value.item() for name, value in t.callback_metrics.items()} for t in (by_short, by_long)]
    assert figures[0] == figures[1]
    assert "own/figure_epoch" in figures[0]
    counts = [t.fit_loop.state_dict()["epoch_loop.batch_progress"] for t in (by_short, by_long)]
    assert counts[0] == counts[1]
