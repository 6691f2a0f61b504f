"""The plain autoencoder."""

import pytest
import pytorch_lightning as pl
import torch

from vae_exp.analysis import generate
from vae_exp.build import build_data, build_loss, build_model, build_optimizer, build_trainer
from vae_exp.config.instantiate import instantiate
from vae_exp.distributions.center import center
from vae_exp.distributions.delta import Delta
from vae_exp.errors import UserError
from vae_exp.training.lit import LitVAE

from .laws import Reconstruction


def test_it_is_its_value_wherever_it_is_asked():
    value = torch.randn(5, 3, requires_grad=True)
    q = Delta(value, event_ndim=1)
    assert (q.batch_shape, q.event_shape) == ((5,), (3,))
    for point in (q.mean, center(q), q.rsample(), q.rsample((4,))[2], q.sample((4,))[3]):
        torch.testing.assert_close(point, value)
    (grad,) = torch.autograd.grad(q.rsample((4,)).sum(), value)
    torch.testing.assert_close(grad, torch.full_like(value, 4.0))
    assert not q.sample().requires_grad
    with pytest.raises(NotImplementedError):
        q.log_prob(value)


def test_a_loss_with_a_rate_refuses_it(settings):
    chosen = settings("model/posterior=delta")
    model = build_model(chosen, build_data(chosen).spec)
    with pytest.raises(UserError, match="needs a posterior with a density"):
        build_loss(chosen, model)


def test_it_trains_is_evaluated_and_reconstructs(settings):
    chosen = settings("model/posterior=delta", "trainer.max_epochs=2")
    pl.seed_everything(0, verbose=False)
    data = build_data(chosen)
    model = build_model(chosen, data.spec)
    module = LitVAE(
        model=model,
        loss=Reconstruction(),
        optimizer=build_optimizer(chosen),
        lr_schedule=instantiate(chosen["lr_schedule"]),
        metrics=instantiate(chosen["metrics"]),
        seed=0,
        max_skipped_steps=20,
        skip_above=None,
        step="eager",
    )
    trainer = build_trainer(chosen)
    (before,) = trainer.test(module, datamodule=data, verbose=False)
    trainer.fit(module, datamodule=data, weights_only=True)
    (after,) = trainer.test(module, datamodule=data, verbose=False)
    (name,) = [name for name in after if name.startswith("test/distortion") and not name.endswith("/se")]
    assert after[name] < before[name]
    assert not [name for name in after if "nll" in name or "rate" in name or "nelbo" in name]
    pairs = list(generate.reconstruct(model.eval(), generate.Source(lambda n: data.examples("test", n)), 5, 2))
    assert [len(part) for part in pairs] == [2, 2, 1]
    assert all(torch.isfinite(part).all() for part in pairs)
