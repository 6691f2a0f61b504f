"""A step whose gradient is too large leaves no trace."""

import math
from contextlib import nullcontext

import pytest
import pytorch_lightning as pl
import torch

from vae_exp.build import build_model, build_module
from vae_exp.errors import UserError
from vae_exp.types import DataSpec

from .making import SHORT, fit, same, weights


class Enlarge(pl.Callback):
    """Makes the gradients of some steps much larger, and notes the weights after every step."""

    def __init__(self, *steps):
        self.steps, self.seen = steps, []

    def on_before_optimizer_step(self, trainer, module, optimizer):
        if len(self.seen) in self.steps:
            for parameter in module.model.parameters():
                parameter.grad.mul_(1e6)

    def on_train_batch_end(self, trainer, module, *_):
        self.seen.append(weights(module))


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("clip", ["null", "1.0"])
def test_a_step_above_the_threshold_is_passed_over(settings, optimizer, clip):
    enlarge = Enlarge(2, 3)
    chosen = settings(
        *SHORT,
        f"optimizer={optimizer}",
        f"trainer.gradient_clip_val={clip}",
        "training.skip_above=1e5",
    )
    fit(chosen, enlarge)
    assert [same(a, b) for a, b in zip(enlarge.seen, enlarge.seen[1:], strict=False)] == [
        False,
        True,
        True,
        False,
        False,
    ]
    assert all(torch.isfinite(weight).all() for weight in enlarge.seen[-1].values())


def test_without_a_threshold_nothing_is_passed_over(settings):
    enlarge = Enlarge(2)
    fit(settings(*SHORT), enlarge)
    assert not any(same(a, b) for a, b in zip(enlarge.seen, enlarge.seen[1:], strict=False))


def test_the_threshold_is_of_the_norm_of_all_gradients(settings):
    norms = []

    class Note(pl.Callback):
        def on_before_optimizer_step(self, trainer, module, optimizer):
            squares = sum(float(p.grad.double().square().sum()) for p in module.model.parameters())
            norms.append(math.sqrt(squares))

    fit(settings(*SHORT), Note())
    for factor, passed in ((0.999, False), (1.001, True)):
        enlarge = Enlarge()
        chosen = settings(*SHORT, "trainer.limit_train_batches=1", f"training.skip_above={norms[0] * factor}")
        with nullcontext() if passed else pytest.raises(UserError, match="nothing was learned"):
            fit(chosen, enlarge)
        fresh = Enlarge()
        fit(settings(*SHORT, "trainer.limit_train_batches=1"), fresh)
        assert same(enlarge.seen[0], fresh.seen[0]) == passed


def test_a_scaler_that_decides_before_is_refused(settings):
    chosen = settings("training.skip_above=1", "trainer.precision=16-mixed")
    with pytest.raises(UserError, match="bf16-mixed"):
        build_module(chosen, build_model(chosen, DataSpec((1, 8, 8), "binary", 100)))
