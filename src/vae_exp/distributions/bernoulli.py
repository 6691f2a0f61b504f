"""Many independent bits, and their log-probability with few and quick logarithms."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Distribution, Independent

FACTORS = 112
"""Factors of a product: each is at most 2, and 2^128 is more than float32 can hold. It divides 28 * 28."""


def log_prob_of_bits(logits: Tensor, value: Tensor | float) -> Tensor:
    """Log p(value) of each bit, in nats: value * l - log(1 + exp(l)) of a logit l; log sigmoid(l) of the value 1.

    Computed as value * l - max(l, 0) + log max(s, 1 - s) with s = sigmoid(l), which the gradient, value - s, needs as
    well. torch's log(1 + exp(l)) rests on log1p, which on a processor takes ten times as long as a logarithm. One of s
    and 1 - s is at least 1/2, and so the error of the logarithm is at most that of 1 in the last digit.

    Args:
        logits: l, of any shape.
        value: Bits, or means of bits, in [0, 1]; of a shape that broadcasts with that of the logits.
    """
    if isinstance(value, Tensor):
        logits, value = torch.broadcast_tensors(logits, value)
    nats: Tensor = _LogProbOfBits.apply(logits, value)
    return nats


class _LogProbOfBits(torch.autograd.Function):
    """With its gradient, value - sigmoid(l), in one piece, which is right at l = 0 and can be derived again."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, value: Tensor | float) -> Tensor:
        # Not in the form that torch.func can map: what that looks up takes as long as the arithmetic.
        s = logits.sigmoid()
        ctx.value = None if isinstance(value, Tensor) else value
        slope = value - s if ctx.needs_input_grad[0] else None
        ctx.save_for_backward(logits, slope, value if isinstance(value, Tensor) else None)
        nats = s.sub_(0.5).abs_().add_(0.5).log_()
        nats = nats.addcmul_(value, logits) if isinstance(value, Tensor) else nats.add_(logits, alpha=value)
        return nats.sub_(logits.relu())

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None]:
        logits, slope, value = ctx.saved_tensors
        if slope is not None and torch.is_grad_enabled():  # to be derived again
            slope = (ctx.value if value is None else value) - logits.sigmoid()
        return None if slope is None else grad * slope, grad * logits if ctx.needs_input_grad[1] else None


class Bits(Independent):  # type: ignore[type-arg]
    """Independent Bernoulli variables, of a Bernoulli distribution and the number of axes of an event."""

    def log_prob(self, value: Tensor) -> Tensor:
        """Log p(value), [...] nats."""
        return log_prob_of_bits(self.base_dist.logits, value).flatten(-self.reinterpreted_batch_ndims).sum(-1)


def log_prob_in_one_graph(p: Distribution, x: Tensor) -> Tensor:
    """Log p(x), [...] nats: the same number as `p.log_prob(x)`, in a form that is fast where it is compiled.

    For bits with logits l this is sum_d x_d l_d - max(l_d, 0) - log(1 + exp(-|l_d|)), of which the last terms are the
    logarithm of a product of numbers between 1 and 2. Run operation by operation, or with a gradient, it is slower than
    what it replaces.

    Args:
        p: Any distribution.
        x: What is scored, of a shape that broadcasts to that of p.
    """
    if not isinstance(p, Bits):
        value: Tensor = p.log_prob(x)
        return value
    event_ndim = p.reinterpreted_batch_ndims
    logits = p.base_dist.logits
    linear = (x * logits - logits.relu()).flatten(-event_ndim)
    factors = (1 + (-logits.abs()).exp()).flatten(-event_ndim)
    factors = F.pad(factors, (0, -factors.shape[-1] % FACTORS), value=1.0)
    nats: Tensor = linear.sum(-1) - factors.unflatten(-1, (-1, FACTORS)).prod(-1).log().sum(-1)
    return nats
