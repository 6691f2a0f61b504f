"""One point that stands for a distribution."""

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
