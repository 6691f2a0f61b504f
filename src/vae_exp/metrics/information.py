"""The rate in parts: what z tells of x, and how far the aggregated posterior is from the prior."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent

from vae_exp.distributions.flowed import Flowed
from vae_exp.metrics.base import Examples, OfASet, Stage, with_error
from vae_exp.models.vae import VAE
from vae_exp.types import Count

AT_ONCE = 2**21
"""Densities computed at a time: they stay in a processor's cache."""


class Information(OfASet):
    """The parts of the rate over a set of N examples, with q(z) = 1/N sum_n q(z|x_n) and one z for each example.

        mutual_information = E[log q(z|x) - log q(z)]             at most log N
        marginal_kl        = E[log q(z) - log p(z)]               = KL(q(z) || p(z))
        total_correlation  = E[log q(z) - sum_j log q(z_j)]
        dimension_wise_kl  = E[sum_j log q(z_j) - log p(z_j)]     = sum of marginal_kl_per_dim

    Nats. mutual_information + marginal_kl is the rate, and total_correlation + dimension_wise_kl is marginal_kl. The
    last two and the vector are there where posterior and prior factorise over dimensions. A flow's posterior has none
    of these: its density at other examples' latents would take N^2 passes through a network.

    Args:
        stages: When it is computed.
        num_examples: N, at most.

    Source: Hoffman & Johnson, 2016, "ELBO surgery: yet another way to carve up the variational evidence lower bound";
        Chen et al., 2018, "Isolating sources of disentanglement in VAEs", eq. 2, arXiv:1802.04942
    """

    def __init__(self, *, stages: Sequence[Stage], num_examples: Count) -> None:
        super().__init__(stages=stages)
        self.num_examples = num_examples

    def figures(self, stage: Stage, model: Any, examples: Examples) -> dict[str, Tensor]:
        batch = examples(stage, self.num_examples)
        if not isinstance(model, VAE) or not model.density:
            return {}
        q, p = model.encode(batch["x"], batch.get("y")), model.p_z()
        if isinstance(q, Flowed):
            return {}
        parts = decomposition(q, p, q.sample())
        per_dim = parts.pop("marginal_kl_per_dim", None)
        found = {key: value for name, values in parts.items() for key, value in with_error(name, values).items()}
        return found if per_dim is None else {**found, "marginal_kl_per_dim": per_dim.mean(0)}


def decomposition(q: Distribution, p: Distribution, z: Tensor) -> dict[str, Tensor]:
    """The parts of log q(z_n|x_n) - log p(z_n) for each example.

    Args:
        q: Posteriors of all examples, batch_shape [N].
        p: Prior, batch_shape [].
        z: One sample of each posterior, [N, D].

    Returns:
        Of [N], under the names of `Information`; marginal_kl_per_dim is [N, D]. float64, nats.
    """
    own, prior = q.log_prob(z).cpu().double(), p.log_prob(z).cpu().double()
    joint, marginals = aggregate(q, z)
    parts = {"mutual_information": own - joint, "marginal_kl": joint - prior}
    if marginals is not None:
        parts["total_correlation"] = joint - marginals.sum(1)
        if isinstance(p, Independent):
            per_dim = marginals - p.base_dist.log_prob(z).cpu().double()
            parts |= {"dimension_wise_kl": per_dim.sum(1), "marginal_kl_per_dim": per_dim}
    return parts


def aggregate(q: Distribution, z: Tensor) -> tuple[Tensor, Tensor | None]:
    """Logarithms of the aggregated posterior and, where q factorises, of its marginals.

    Densities are computed in q's type; their logarithms are summed from the largest term, so that nothing underflows.

    Args:
        q: Posteriors of all examples, batch_shape [N].
        z: Where, [M, D].

    Returns:
        log q(z) [M], and log q(z_j) [M, D] or None; nats.
    """
    log_num, at_once = math.log(q.batch_shape[0]), max(1, AT_ONCE // (q.batch_shape[0] * z.shape[1]))
    if not isinstance(q, Independent):
        joint = [torch.logsumexp(q.log_prob(part.unsqueeze(1)), dim=1) for part in z.split(at_once)]
        return torch.cat(joint).cpu().double() - log_num, None
    by_dim = _by_dim(q.base_dist)  # [D, 1, N]: the sums below run along memory
    joints, marginals = [], []
    for part in z.split(at_once):
        per_dim = by_dim.log_prob(part.T.unsqueeze(-1))  # [D, m, N]
        joints.append(torch.logsumexp(per_dim.sum(0), dim=1).cpu().double())
        largest = per_dim.amax(2, keepdim=True)
        marginals.append((per_dim.sub_(largest).exp_().sum(2).log() + largest.squeeze(2)).T.cpu().double())
    return torch.cat(joints) - log_num, torch.cat(marginals) - log_num


def _by_dim(q: Distribution) -> Distribution:
    """The same distributions with batch_shape [D, 1, N] instead of [N, D]."""
    kind: Callable[..., Distribution] = type(q)
    params = {name: getattr(q, name).T.contiguous().unsqueeze(1) for name in q.arg_constraints}
    return kind(**params, validate_args=False)
