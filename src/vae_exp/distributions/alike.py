"""Samples of several distributions from the same noise."""

from __future__ import annotations

from torch import Tensor
from torch.distributions import Distribution, Independent, Normal


def rsample_alike(q: Distribution) -> Tensor:
    """One sample of each distribution of a batch [S, ...], from noise that is the same along the first axis.

    Each is a fair sample of its own; what they are compared by then differs by less chance (common random numbers).
    Where the noise cannot be told from the parameters, samples are independent.
    """
    if not (isinstance(q, Independent) and isinstance(normal := q.base_dist, Normal)):
        return q.rsample()
    noise = (normal.rsample()[:1] - normal.loc[:1]) / normal.scale[:1]
    return normal.loc + normal.scale * noise.detach()
