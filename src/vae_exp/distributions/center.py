"""One point that stands for a distribution."""

from __future__ import annotations

from functools import singledispatch

import torch
from torch import Tensor
from torch.distributions import Distribution

DRAWS = 64


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
