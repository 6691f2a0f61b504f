"""One point that stands for a distribution, and its mean."""

from __future__ import annotations

from functools import singledispatch

import torch
from torch import Tensor
from torch.distributions import Distribution

from vae_exp.types import Latent

DRAWS = 64


def centers(latents: tuple[Latent, ...]) -> Tensor:
    """The centers of all groups side by side, [B, D]; a group that depends on samples of others gives its first's."""
    found = [center(latent.q) for latent in latents]
    one = [mean[0] if len(latent.q.batch_shape) == 2 else mean for mean, latent in zip(found, latents, strict=True)]
    return torch.cat([mean.flatten(1) for mean in one], dim=1)


def means(q: Distribution) -> tuple[Tensor, Tensor]:
    """The mean of a distribution, twice: exact where it is known, else of 32 draws each, independent of each other.

    The covariance of the two over a set is the variance of the exact means, without that of the draws.

    Returns:
        [*batch_shape, *event_shape] each.
    """
    try:
        exact: Tensor = q.mean
    except NotImplementedError:
        first, second = q.sample(torch.Size([DRAWS])).chunk(2)
        return first.mean(0), second.mean(0)
    return exact, exact


@singledispatch
def center(q: Distribution) -> Tensor:
    """The mean of a distribution: exact where it is known, else of 64 draws, with the caller's random state.

    Where the mean is no point of the latent space, as on a sphere, the distribution registers another point.

    Returns:
        [*batch_shape, *event_shape].
    """
    try:
        mean: Tensor = q.mean
    except NotImplementedError:
        mean = q.sample(torch.Size([DRAWS])).mean(0)
    return mean
