"""Pairs of posterior and prior, trained, evaluated, sampled, saved and compiled as the command does it."""

import io

import pytest
import pytorch_lightning as pl
import torch
from torch.distributions import Distribution

from vae_exp.build import build_data, build_loss, build_model, build_module, build_trainer
from vae_exp.types import Context, DataSpec

PAIRS = {
    "full_normal": (),
    "laplace": (),
    "iaf": ("model.posterior.hidden=[8]",),
    "planar": (),
    "sylvester": (),
    "von_mises_fisher": ("model/prior=uniform_sphere",),
    "gumbel_softmax": ("model/prior=uniform_categorical", "model.latent_dim=6", "model.posterior.categories=3"),
    "diag_normal": ("model/prior=mixture", "model.prior.num_components=4"),
    "diag_normal+vamp": ("model/prior=vamp", "model.prior.num_components=4"),
    "diag_normal+flow": ("model/prior=flow", "model.prior.hidden=[8]"),
    "diag_normal+spline": ("model/prior=flow", "model.prior.hidden=[8]", "model.prior.kind=spline"),
    "diag_normal+laplace": ("model/prior=laplace",),
    "iaf+vamp": ("model.posterior.hidden=[8]", "model/prior=vamp", "model.prior.num_components=4"),
    "full_normal+vamp": ("model/prior=vamp", "model.prior.num_components=4"),
    "laplace+laplace": ("model/prior=laplace",),
}
SAME_CODE = ("iaf+vamp", "full_normal+vamp", "laplace+laplace", "laplace", "diag_normal+laplace")
"""Pairs of which each part is traced in another pair, or is of torch."""
every_pair = pytest.mark.parametrize("pair", PAIRS)


def chosen(settings, pair):
    return settings(
        f"model/posterior={pair.split('+')[0]}", *PAIRS[pair], "trainer.max_epochs=-1", "trainer.max_steps=2",
        "trainer.limit_val_batches=1", "trainer.limit_test_batches=1", "data.eval_batch_size=20", "~callbacks.pictures",
    )  # fmt: skip


@every_pair
def test_it_trains_is_evaluated_and_sampled(settings, pair):
    made = chosen(settings, pair)
    pl.seed_everything(0, verbose=False)
    data = build_data(made)
    module = build_module(made, build_model(made, data.spec))
    trainer = build_trainer(made)
    trainer.fit(module, datamodule=data, weights_only=True)
    for name, weight in module.model.named_parameters():
        assert weight.grad is not None, f"{name} has no gradient"
        assert torch.isfinite(weight.grad).all(), name
    (figures,) = trainer.test(module, datamodule=data, verbose=False)
    assert all(value == value for value in figures.values())
    model = module.model.eval()
    buffer = io.BytesIO()
    torch.save(model.state_dict(), buffer)
    buffer.seek(0)
    other = build_model(made, data.spec).eval()
    other.load_state_dict(torch.load(buffer, weights_only=True))
    outputs = []
    for one in (model, other):
        torch.manual_seed(0)
        outputs.append((one.sample(5).mean, one({"x": data.examples("test", 4)["x"]}).p_x.mean))
    torch.testing.assert_close(outputs[0], outputs[1])
    assert torch.isfinite(outputs[0][0]).all()


@pytest.mark.parametrize("pair", [pair for pair in PAIRS if pair not in SAME_CODE])
def test_it_compiles_to_one_graph(settings, pair):
    Distribution.set_default_validate_args(False)
    torch._dynamo.reset()
    try:
        made = chosen(settings, pair)
        model = build_model(made, DataSpec((1, 8, 8), "binary", 100))
        loss = build_loss(made, model)

        def step(x):
            return loss(model({"x": x}, 2), {"x": x}, Context(100, model)).loss

        x = torch.rand(6, 1, 8, 8).round()
        torch.manual_seed(0)
        plain = step(x)
        torch.manual_seed(0)
        torch.testing.assert_close(torch.compile(step, fullgraph=True, backend="eager")(x), plain)
    finally:
        Distribution.set_default_validate_args(True)
