"""What holds for any posterior and prior, checked with samples and on grids."""

import math

import torch

from vae_exp.distributions.kl import kl, log_weights
from vae_exp.losses.base import Loss
from vae_exp.types import LossOutput

DRAWS = 100_000


def within(values, expected, dim=0):
    """Whether the mean of draws is what it should be, within 4.5 standard errors."""
    error = values.std(dim) / values.shape[dim] ** 0.5
    return bool(((values.mean(dim) - expected).abs() <= 4.5 * error + 1e-9).all())


def kl_matches_samples(q, p):
    """Whether KL(q || p) in closed form is the mean of log q(z) - log p(z)."""
    z = q.sample((DRAWS,))
    exact = kl(q, p, z[:1])
    assert exact.ndim == len(q.batch_shape), "there should be a closed form"
    return within(q.log_prob(z) - p.log_prob(z), exact)


def grid(dim, span=30.0, points=1201):
    """Points of a square lattice [N, dim], and the volume that each stands for."""
    axis = torch.linspace(-span, span, points, dtype=torch.float64)
    return torch.cartesian_prod(*[axis] * dim).reshape(-1, dim), (axis[1] - axis[0]) ** dim


@torch.no_grad()
def integral(d, dim, **how):
    """Of the density over the whole space, for batch_shape []."""
    z, volume = grid(dim, **how)
    return float(d.log_prob(z).exp().sum() * volume)


@torch.no_grad()
def moments_match_density(d, dim, **how):
    """Whether means of z, z^2 and cos z under `sample` are the integrals under `log_prob`."""
    z, volume = grid(dim, **how)
    mass = d.log_prob(z).exp() * volume
    drawn = d.sample((20_000,))
    return all(within(f(drawn), (mass[:, None] * f(z)).sum(0)) for f in (lambda t: t, torch.square, torch.cos))


class Reconstruction(Loss):
    """A loss that needs no density."""

    needs = ()

    def forward(self, out, batch, ctx):
        distortion = -out.p_x.log_prob(batch["x"])
        return LossOutput(distortion.mean(), {"distortion": distortion})


def bound_and_nll(model, batch, num_samples=2000):
    """Negative ELBO and negative log-likelihood of a batch, [B] each."""
    out = model(batch, num_samples)
    log_w = log_weights(out, batch["x"])
    return -log_w.mean(0), math.log(num_samples) - torch.logsumexp(log_w, 0)
