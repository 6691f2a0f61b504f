"""Training, evaluation and pictures run in every precision, with clipping and with every kind of optimizer."""

import pytest
import pytorch_lightning as pl
import torch

from vae_exp.build import build_data, build_model, build_module, build_trainer
from vae_exp.training.precision import LARGE, resolved


@pytest.mark.filterwarnings("ignore:.*fp16 is not supported on CPU.*:UserWarning")  # there it is bf16-mixed
@pytest.mark.parametrize(
    ("precision", "optimizer"),
    [("bf16-mixed", "adam"), ("16-mixed", "adam"), ("16-mixed", "adamax"), ("64-true", "sgd")],
)
def test_a_run_in_that_precision_has_finite_figures(settings, precision, optimizer):
    chosen = settings(f"trainer.precision={precision}", f"optimizer={optimizer}", "trainer.gradient_clip_val=1")
    pl.seed_everything(0, verbose=False)
    data = build_data(chosen)
    module, trainer = build_module(chosen, build_model(chosen, data.spec)), build_trainer(chosen)
    trainer.fit(module, datamodule=data, weights_only=True)
    assert trainer.global_step > 0
    (figures,) = trainer.test(module, datamodule=data, verbose=False)
    assert all(torch.isfinite(torch.tensor(value)) for value in figures.values())


@pytest.mark.parametrize(
    ("arithmetic", "weights", "expected"),
    [
        (True, 10, "32-true"),
        (False, LARGE, "32-true"),
        (True, LARGE, "bf16-mixed"),
    ],
)
def test_auto_takes_bfloat16_where_it_gains(monkeypatch, arithmetic, weights, expected):
    monkeypatch.setattr("vae_exp.training.precision.multiplies_bfloat16", lambda accelerator: arithmetic)
    model = torch.nn.Linear(weights, 1, bias=False)
    assert resolved("auto", model, "cpu") == expected
    assert resolved("64-true", model, "cpu") == "64-true"
    assert resolved("auto", None, "auto") == "32-true"


def test_auto_is_a_precision_of_the_trainer(settings):
    assert build_trainer(settings("trainer.precision=auto")).precision == "32-true"
