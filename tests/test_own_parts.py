"""Mistakes in parts of one's own are a sentence that names the part."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from data.making import module as data_module
from vae_exp.build import build_data, build_loss, build_model, build_module, build_trainer
from vae_exp.config.instantiate import instantiate
from vae_exp.losses.base import Loss
from vae_exp.training.objective import Objective
from vae_exp.types import Context, DataSpec, LossOutput

SPEC = DataSpec((1, 8, 8), "binary", 100, 10)
CONSTANT = {"_target_": "vae_exp.schedules.Constant"}
PROGRESS = {"_target_": "vae_exp.training.callbacks.progress.RunProgress", "redraw_seconds": 1.0, "log_seconds": 1.0}


def module_of(settings):
    return build_module(settings, build_model(settings, SPEC))


@pytest.mark.parametrize(
    ("build", "path", "part", "sentence"),
    [
        (module_of, "lr_schedule", PROGRESS, "RunProgress does not derive from vae_exp.schedules.Schedule"),
        (module_of, "lr_schedule", {**CONSTANT, "_partial_": True}, "lr_schedule: has `_partial_: true`"),
        (module_of, "loss", CONSTANT, "loss: Constant does not derive from vae_exp.losses.base.Loss"),
        (module_of, "metrics.elbo", PROGRESS, "metrics.elbo: RunProgress does not derive from .*VAEMetric"),
        (build_trainer, "callbacks.progress", CONSTANT, "callbacks.progress: Constant does not derive from .*Callback"),
        (build_trainer, "logger.tensorboard", CONSTANT, "logger.tensorboard: Constant does not derive .*Logger"),
        (build_data, "data", CONSTANT, "data: Constant does not derive from .*DataModule"),
    ],
)
def test_a_part_of_another_kind_is_refused(settings, build, path, part, sentence):
    chosen = settings()
    *parents, name = path.split(".")
    node = chosen
    for parent in parents:
        node = node[parent]
    node[name] = part
    with pytest.raises(ValueError, match=sentence):
        build(chosen)


@pytest.mark.parametrize("name", ["posterior", "prior", "likelihood", "encoder", "decoder"])
def test_a_part_of_a_model_is_of_its_kind(settings, name):
    unfinished = instantiate(settings()["model"])
    with pytest.raises(ValueError, match=rf"model\.{name}: object does not derive from "):
        unfinished(spec=SPEC, **{name: lambda *_, **__: object()})


@pytest.mark.parametrize("name", ["encoder", "decoder"])
def test_a_network_of_the_wrong_shape_is_told_from_the_right_one(settings, name):
    chosen = settings()
    model = build_model(chosen, SPEC)
    build_loss(chosen, model)
    setattr(model, name, nn.Flatten(0))
    with pytest.raises(ValueError, match=rf"model\.{name}: Flatten gives \[\] for an example, where out_shape is"):
        build_loss(chosen, model)


class Gives(Loss):
    """A loss that gives whatever it is told to."""

    def __init__(self, result):
        super().__init__()
        self.result = result

    def forward(self, out, batch, ctx):
        return self.result


@pytest.mark.parametrize(
    ("result", "sentence"),
    [
        (torch.zeros(()), "loss: what it gives: Tensor does not derive from vae_exp.types.LossOutput"),
        (LossOutput(torch.zeros(4), {}), r"loss: has the shape \[4\]"),
    ],
)
def test_what_a_loss_gives_is_looked_at(settings, result, sentence):
    model = build_model(settings(), SPEC)
    with pytest.raises(ValueError, match=sentence):
        Objective(model=model, loss=Gives(result), context=Context(100, model))({"x": torch.rand(4, 1, 8, 8)})


def test_a_misspelt_need_is_no_misfit_of_the_model(settings, monkeypatch):
    chosen = settings("loss=dip_vae_i")
    model = build_model(chosen, SPEC)
    monkeypatch.setattr("vae_exp.losses.dip_vae.DIPVAE.needs", ("densty",))
    with pytest.raises(ValueError, match="needs densty; did you mean density"):
        build_loss(chosen, model)


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        ([1], "what the data set gives: list does not derive from builtins.dict"),
        ({"train": torch.zeros(4, 1, 8, 8)}, "data: train: Tensor does not derive from vae_exp.data.splits.Split"),
    ],
)
def test_what_a_data_set_gives_is_looked_at(tmp_path, made, sentence):
    with pytest.raises(ValueError, match=sentence):
        data_module(tmp_path, lambda: made)
