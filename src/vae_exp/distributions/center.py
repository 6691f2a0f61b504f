"""One point that stands for a distribution."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import Distribution

DRAWS = 64


def center(q: Distribution) -> Tensor:
    """The mean of a distribution: exact where it is known, else of 64 draws, with the caller's random state.

    Returns:
        [*batch_shape, *event_shape].
    """
    try:
        mean: Tensor = q.mean
    except NotImplementedError:
        mean = q.sample(torch.Size([DRAWS])).mean(0)
    return mean
