"""The log-probability of many independent bits, with few logarithms."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Bernoulli, Distribution, Independent

FACTORS = 112
"""Factors of a product: each is at most 2, and 2^128 is more than float32 can hold. It divides 28 * 28."""


def log_prob_in_one_graph(p: Distribution, x: Tensor) -> Tensor:
    """Log p(x), [...] nats: the same number as `p.log_prob(x)`, in a form that is fast where it is compiled.

    For bits with logits l this is sum_d x_d l_d - max(l_d, 0) - log(1 + exp(-|l_d|)), of which the last terms are the
    logarithm of a product of numbers between 1 and 2. Run operation by operation, or with a gradient, it is slower than
    what it replaces.

    Args:
        p: Any distribution.
        x: What is scored, of a shape that broadcasts to that of p.
    """
    if not (isinstance(p, Independent) and isinstance(p.base_dist, Bernoulli)):
        value: Tensor = p.log_prob(x)
        return value
    event_ndim = p.reinterpreted_batch_ndims
    logits = p.base_dist.logits
    linear = (x * logits - logits.relu()).flatten(-event_ndim)
    factors = (1 + (-logits.abs()).exp()).flatten(-event_ndim)
    factors = F.pad(factors, (0, -factors.shape[-1] % FACTORS), value=1.0)
    nats: Tensor = linear.sum(-1) - factors.unflatten(-1, (-1, FACTORS)).prod(-1).log().sum(-1)
    return nats
