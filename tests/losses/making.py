"""What tests of bounds of several samples share."""

import math

import torch

from analysis.linear import SHAPE
from vae_exp.losses.ciwae import CIWAE
from vae_exp.losses.dreg import DReG
from vae_exp.losses.iwae import IWAE
from vae_exp.losses.miwae import MIWAE
from vae_exp.losses.piwae import PIWAE
from vae_exp.losses.renyi import Renyi
from vae_exp.losses.stl import STL
from vae_exp.types import Context


def examples(n=1, seed=1):
    return torch.rand(n, *SHAPE, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def step(model, loss, x, seed=0, num_samples=None):
    """The loss and the gradients of encoder and decoder, flat."""
    torch.manual_seed(seed)
    model.zero_grad()
    batch = {"x": x}
    result = loss(model(batch, num_samples or loss.num_samples), batch, Context(100, model))
    result.loss.backward()
    encoder, decoder = (
        torch.cat([p.grad.flatten() for p in part.parameters()]) for part in (model.encoder, model.decoder)
    )
    return result, encoder.clone(), decoder.clone()


def weights_by_hand(model, x, num_samples, seed=0):
    """The weights themselves, no logarithms: p(x|z) p(z) / q(z|x), [K, B]."""
    torch.manual_seed(seed)
    out = model({"x": x}, num_samples)
    ((q, _, z),) = out.latents
    mean, scale = q.base_dist.loc, q.base_dist.scale
    normal = lambda value, mu, sigma: torch.exp(-0.5 * ((value - mu) / sigma) ** 2) / (sigma * math.sqrt(2 * math.pi))  # noqa: E731
    p_x = normal(x, out.p_x.mean, out.p_x.stddev).prod(-1).prod(-1).prod(-1)
    return p_x * normal(z, 0.0, torch.ones(())).prod(-1) / normal(z, mean, scale).prod(-1)


def assert_same(one, other):
    for a, b in zip(one, other, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-9)


def losses():
    return [
        IWAE(num_samples=6), STL(num_samples=6), DReG(num_samples=6), MIWAE(num_groups=2, samples_per_group=3),
        PIWAE(num_groups=2, samples_per_group=3), CIWAE(num_samples=6, elbo_share=0.3), Renyi(num_samples=6, alpha=0.5),
    ]  # fmt: skip
