"""A linear-Gaussian M2, of which everything is known in closed form."""

import math
from functools import partial

import torch
from torch.distributions import MultivariateNormal

from vae_exp.heads.likelihoods.gaussian import GaussianLikelihood
from vae_exp.heads.posteriors.diag_normal import DiagNormal
from vae_exp.models.m2 import M2
from vae_exp.nets.mlp import MLP
from vae_exp.priors.standard_normal import StandardNormal
from vae_exp.types import DataSpec

SHAPE, CLASSES, STYLES = (1, 2, 2), 3, 2
LAYER = partial(MLP, hidden=[], activation="ReLU", norm="none", init="torch")
POSTERIOR = partial(DiagNormal, min_log_var=-40.0, max_log_var=14.0)


def linear_m2(scale=0.5):
    """An untrained M2 whose networks are one linear layer each."""
    return M2(
        spec=DataSpec(SHAPE, "unit_interval", 100, CLASSES),
        latent_dim=STYLES,
        temperature=0.5,
        classifier=LAYER,
        encoder=LAYER,
        decoder=LAYER,
        posterior=POSTERIOR,
        prior=StandardNormal,
        likelihood=partial(GaussianLikelihood, scale=scale, learn_scale=False, min_log_scale=-6.0),
    ).double()


def exact_nll(model, x, scale=0.5):
    """-log sum_y N(x; W_z 0 + W_y y + b, W_z W_z' + sigma^2 I) / C, [B]."""
    layer = model.parts.decoder.layers[-1]
    w_z, w_y = layer.weight.detach().split((STYLES, CLASSES), dim=1)
    covariance = w_z @ w_z.T + scale**2 * torch.eye(math.prod(SHAPE)).double()
    log_p = [
        MultivariateNormal(layer.bias.detach() + w_y[:, y], covariance).log_prob(x.flatten(1)) for y in range(CLASSES)
    ]
    return math.log(CLASSES) - torch.logsumexp(torch.stack(log_p), 0)
