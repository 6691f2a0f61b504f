"""A linear-Gaussian VAE, of which everything is known in closed form."""

import math
from functools import partial

import torch
from torch.distributions import MultivariateNormal

from vae_exp.heads.likelihoods.gaussian import GaussianLikelihood
from vae_exp.heads.posteriors.diag_normal import DiagNormal
from vae_exp.models.vae import VAE
from vae_exp.nets.mlp import MLP
from vae_exp.priors.standard_normal import StandardNormal
from vae_exp.types import DataSpec

SHAPE = (1, 2, 3)
PIXELS = math.prod(SHAPE)


def linear_vae(latent_dim, shape=SHAPE, **likelihood):
    """An untrained VAE of which encoder and decoder are one linear layer each."""
    layer = partial(MLP, hidden=[], activation="ReLU", norm="none", init="torch")
    settings = {"scale": 0.1, "learn_scale": False, "min_log_scale": -6.0} | likelihood
    return VAE(
        spec=DataSpec(shape, "unit_interval", 1000),
        latent_dim=latent_dim,
        encoder=layer,
        decoder=layer,
        posterior=partial(DiagNormal, min_log_var=-14.0, max_log_var=14.0),
        prior=StandardNormal,
        context="none",
        label_embedding=0,
        start_at_data_mean=False,
        likelihood=partial(GaussianLikelihood, **settings),
    ).double()


def marginal(model):
    """p(x) = N(b, W W' + sigma^2 I), over flat x."""
    decoder = model.decoder.layers[-1]
    w, b = decoder.weight.detach(), decoder.bias.detach()
    sigma = model.decode(torch.zeros(1, w.shape[1], dtype=w.dtype)).stddev.flatten().detach()
    return MultivariateNormal(b, w @ w.T + torch.diag(sigma**2))


@torch.no_grad()
def solved_vae(seed=0, latent_dim=2, off=0.0):
    """A linear VAE whose q(z|x) is the exact posterior, moved by `off` standard deviations and widened as much.

    The columns of W are orthogonal, so that the exact posterior has independent dimensions:
    its precision is I + W'W / sigma^2 and its mean that times W'(x - b) / sigma^2.
    """
    generator = torch.Generator().manual_seed(seed)
    model = linear_vae(latent_dim)
    sigma2 = model.likelihood.log_scale.exp().square().flatten()[0]
    basis, _ = torch.linalg.qr(torch.randn(PIXELS, latent_dim, generator=generator, dtype=torch.float64))
    w = basis * torch.linspace(0.15, 0.4, latent_dim).double()
    b = torch.rand(PIXELS, generator=generator, dtype=torch.float64)
    decoder, encoder = model.decoder.layers[-1], model.encoder.layers[-1]
    decoder.weight.copy_(w)
    decoder.bias.copy_(b)
    variance = 1 / (1 + w.square().sum(0) / sigma2)
    to_mean = variance[:, None] * w.T / sigma2
    encoder.weight.copy_(torch.cat((to_mean, torch.zeros_like(to_mean))))
    encoder.bias.copy_(torch.cat((-to_mean @ b + off * variance.sqrt(), torch.log(variance) + off)))
    return model
