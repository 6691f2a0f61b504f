"""Small heads and priors over codes, in double precision."""

import itertools

import torch

from vae_exp.heads.posteriors.fsq import FiniteScalarQuantised
from vae_exp.heads.posteriors.vq import VectorQuantised
from vae_exp.priors.autoregressive import AutoregressivePrior

LEVELS = [4, 3, 5]


def vq(positions=2, categories=6, code_dim=3, gradient="straight_through", decay=0.9, revive_below=0.0):
    return VectorQuantised(
        event_shape=(positions * code_dim,), categories=categories, code_dim=code_dim, gradient=gradient, decay=decay,
        revive_below=revive_below,
    ).double()  # fmt: skip


def fsq(positions=2, levels=LEVELS):
    return FiniteScalarQuantised(event_shape=(positions * len(levels),), levels=levels)


def autoregressive(positions=3, categories=3):
    """A prior whose probabilities are far from alike."""
    prior = AutoregressivePrior(event_shape=(positions, categories), x_shape=(1,), width=8, depth=2, heads=2).double()
    with torch.no_grad():
        for weight in prior.parameters():
            weight += 0.5 * torch.randn_like(weight)
    return prior


def every_code(positions, categories):
    """All sequences of codes, [categories^positions, positions]."""
    return torch.tensor(list(itertools.product(range(categories), repeat=positions)))
