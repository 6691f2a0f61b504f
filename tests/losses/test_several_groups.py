"""Every loss on a model with several latent groups: it steps, or refuses in a sentence; there is no list to edit."""

import pytest
import torch

from vae_exp.build import build_loss, build_model
from vae_exp.config.check import check
from vae_exp.config.compose import compose
from vae_exp.config.paths import conf_dir
from vae_exp.errors import UserError
from vae_exp.types import Context, DataSpec

LOSSES = sorted(file.stem for file in (conf_dir() / "loss").glob("*.yaml"))
GO = {"elbo", "iwae", "miwae", "ciwae", "renyi", "capacity", "geco", "denoising", "ae"}
"""Losses that have a meaning on any number of groups, at least."""


@pytest.fixture(scope="module")
def ladder():
    chosen = check(compose("train", ["model=ladder", "model.hidden=[8,8,8]", "model.latent_dims=[4,3,2]"]))
    return build_model(chosen, DataSpec((1, 8, 8), "binary", 100))


@pytest.mark.parametrize("name", LOSSES)
def test_it_steps_or_refuses(ladder, name):
    settings = check(compose("train", ["model=mlp", f"loss={name}"]))
    x = torch.rand(6, 1, 8, 8).round()
    try:
        loss = build_loss(settings, ladder)
    except UserError:
        loss = None
    if loss is None:
        assert name not in GO
        return
    batch = loss.prepare({"x": x})
    ladder.zero_grad()
    result = loss(ladder(batch, loss.num_samples), batch, Context(100, ladder)).loss
    result.backward()
    assert result.isfinite()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in ladder.to_data.parameters())


def test_the_refusal_says_what_would_do(ladder):
    with pytest.raises(UserError, match=r"BetaTCVAE needs one latent group.*loss=elbo"):
        build_loss(check(compose("train", ["loss=beta_tcvae"])), ladder)
