"""The aggregated posterior q(z) = 1/N sum_n q(z|x_n) of a data set, estimated from a batch."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent

from vae_exp.distributions.gathering import gathered, num_processes
from vae_exp.errors import UserError


class Estimate(ABC):
    """q(z_i) is estimated by sum_m w_im q(z_i|x_m), and q(z_ij) with the same weights; x_m are those of the batch."""

    @abstractmethod
    def log_weights(self, own: Tensor, dataset_size: int) -> Tensor:
        """The weights' logarithms, log w.

        Args:
            own: Where the example that z_i was drawn for stands in the batch, one-hot, [B, M].
            dataset_size: Number of training examples N.

        Returns:
            [B, M].
        """


class Stratified(Estimate):
    """w_im = 1/N for the example that z_i was drawn for, (N - 1) / (N (M - 1)) for each of the M - 1 others.

    The rows sum to 1, the estimate of q(z_i) is unbiased, and it is exact where the batch is the data set. The paper
    gives one arbitrary example of the others another weight than the rest; this is the mean of its weights over which
    one, with the same expectation, less variance, and no dependence on the order of the batch. A batch of one example
    has none to stand for the others, and its only weight is 1/N.

    Source: Chen et al., 2018, "Isolating sources of disentanglement in VAEs", app. C.2, arXiv:1802.04942
    """

    def log_weights(self, own: Tensor, dataset_size: int) -> Tensor:
        # A data set or a batch of one example has no others, whose weight then does not matter.
        other = max(dataset_size - 1, 1) / (dataset_size * max(own.shape[1] - 1, 1))
        return own * -math.log(dataset_size) + (1 - own) * math.log(other)


class Weighted(Estimate):
    """w_im = 1 / (N M) for all M examples.

    The rows sum to 1/N: where examples overlap, log q(z) is too low by about log N and the total correlation of D
    dimensions too high by (D - 1) log N. Its gradient is that of a plain mean over the batch. For numbers to read use
    the stratified estimate.

    Source: Chen et al., 2018, "Isolating sources of disentanglement in VAEs", arXiv:1802.04942
    """

    def log_weights(self, own: Tensor, dataset_size: int) -> Tensor:
        return torch.full_like(own, -math.log(dataset_size * own.shape[1]))


def log_aggregate(q: Distribution, z: Tensor, estimate: Estimate, dataset_size: int) -> tuple[Tensor, Tensor]:
    """Logarithms of the aggregated posterior and of its marginals, at samples of the posterior.

    With several processes the batch is that of all of them, so that an estimate does not depend on their number.

    Args:
        q: Posterior that factorises over dimensions, batch_shape [B].
        z: Samples of it, [K, B, D].
        estimate: The weights of the batch's examples.
        dataset_size: Number of training examples N.

    Returns:
        log q(z) [K, B] and log q(z_j) [K, B, D]; nats.
    """
    assert isinstance(q, Independent)  # as the property `factorised` says
    everyone, before = _of_all_processes(q.base_dist)
    rows = torch.arange(z.shape[1], device=z.device) + before
    own = rows[:, None] == torch.arange(everyone.batch_shape[0], device=z.device)
    log_w = estimate.log_weights(own.to(z.dtype), dataset_size)
    per_dim = everyone.log_prob(z.unsqueeze(-2))  # [K, B, M, D]: z_i under the posterior of x_m
    # The joint density is the product over dimensions, weighted once: weights join after the sum over dimensions.
    joint = torch.logsumexp(per_dim.sum(-1) + log_w, dim=-1)
    marginals = torch.logsumexp(per_dim + log_w[..., None], dim=-2)
    return joint, marginals


def _of_all_processes(q: Distribution) -> tuple[Distribution, int]:
    """A distribution of batch_shape [B, D] with the rows of all processes, and how many stand before this one's.

    Raises:
        UserError: It is not given by parameters that can be sent around.
    """
    if num_processes() == 1:
        return q, 0
    names = list(q.arg_constraints)
    if not names:
        raise UserError(f"the aggregate of a {type(q).__name__} posterior needs one process; use trainer.devices=1")
    rows, before = gathered(torch.stack([getattr(q, name) for name in names], dim=1))  # [M, parameters, D]
    kind: Callable[..., Distribution] = type(q)
    return kind(**dict(zip(names, rows.unbind(1), strict=True)), validate_args=False), before
