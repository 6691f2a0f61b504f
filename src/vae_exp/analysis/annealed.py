"""The likelihood of data by annealed importance sampling, for one group of real latents."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

from vae_exp.types import Batch, in_parts

LogDensity = Callable[[Tensor], Tensor]
"""z [C, B, D] -> unnormalised log density [C, B]."""

WANTED = 0.65
"""Acceptance that the step sizes are tuned to, as by Wu et al."""

GAIN = 0.2
"""Change of the log step size for an acceptance that is off by 1."""

FIRST_STEP = 0.1
TUNING_SHARE = 4
"""One chain tunes the step sizes for so many that count."""

STEEPNESS = 4.0
"""Temperatures follow a logistic curve over [-4, 4], which is dense at both ends."""


def annealed_nll(
    model: Any,
    batch: Batch,
    *,
    start: Literal["prior", "posterior"],
    num_temperatures: int,
    num_chains: int,
    leapfrog_steps: int,
    rows: int,
) -> tuple[Tensor, Tensor]:
    """-log (1/C) sum_c w_c for each example, w_c an unbiased estimate of p(x) by a chain through f_0, ..., f_T.

    f_t(z) = p_0(z)^(1 - b_t) (p(x|z) p(z))^(b_t), b_0 = 0, b_T = 1, p_0 the prior or q(z|x); each step leaves f_t as it
    is, by Hamiltonian Monte Carlo. Step sizes are tuned by chains of their own, for each example and temperature, and
    held for those that count: tuned by the chains themselves they would bias the weights.

    Args:
        model: One group of real latents, with `encode`, `decode` and `prior`.
        batch: Examples.
        start: p_0.
        num_temperatures: T.
        num_chains: C.
        leapfrog_steps: Of each Hamiltonian step.
        rows: Latents decoded at a time, at least a chain's; bounds the memory.

    Returns:
        [B], nats, in expectation an upper bound of -log p(x); and the share of accepted steps, [B].

    Source: Wu et al., 2017, "On the quantitative analysis of decoder-based generative models", arXiv:1611.04273;
        Neal, 2001, "Annealed importance sampling", arXiv:physics/9803008
    """
    nats, accepted = [], []
    betas, at_once = temperatures(num_temperatures), max(1, rows // num_chains)
    for part in in_parts(batch, at_once):
        first, log_joint, shape = _ends(model, part, start)
        path = partial(anneal, first.log_prob, log_joint, betas=betas, leapfrog_steps=leapfrog_steps)
        few = first.sample(torch.Size([max(1, num_chains // TUNING_SHARE), *shape]))
        tuned = path(few, step_sizes=None).step_sizes
        chains = path(first.sample(torch.Size([num_chains, *shape])), step_sizes=tuned)
        nats.append(math.log(num_chains) - torch.logsumexp(chains.log_weights, dim=0))
        accepted.append(chains.accepted)
    return torch.cat(nats), torch.cat(accepted)


def _ends(model: Any, batch: Batch, start: str) -> tuple[Any, LogDensity, tuple[int, ...]]:
    """p_0, log p(x, z), and the shape that makes a draw of p_0 one of each example."""
    x, y = batch.get("target", batch["x"]), batch.get("y")
    with torch.no_grad():
        p, q = model.p_z(), model.encode(batch["x"], y)

    def log_joint(z: Tensor) -> Tensor:
        nats: Tensor = model.decode(z, y).log_prob(x) + p.log_prob(z)
        return nats

    return (p, log_joint, (len(x),)) if start == "prior" else (q, log_joint, ())


def temperatures(num: int) -> list[float]:
    """b_0 = 0, ..., b_num = 1, along a logistic curve."""
    curve = [1 / (1 + math.exp(-STEEPNESS * (2 * t / num - 1))) for t in range(num + 1)]
    return [(value - curve[0]) / (curve[-1] - curve[0]) for value in curve]


class Chains(NamedTuple):
    """What became of C chains for each of B examples."""

    log_weights: Tensor  # [C, B], float64
    accepted: Tensor  # [B], the share of accepted steps
    step_sizes: Tensor  # [T, B]


def anneal(
    log_start: LogDensity,
    log_target: LogDensity,
    z: Tensor,
    *,
    betas: list[float],
    leapfrog_steps: int,
    step_sizes: Tensor | None,
) -> Chains:
    """Take samples of a normalised density to an unnormalised one, and weigh them.

    Args:
        log_start: Log density of the samples.
        log_target: Logarithm of what the weights' mean is the integral of.
        z: Samples, [C, B, D].
        betas: b_0 = 0, ..., b_T = 1.
        leapfrog_steps: Of each Hamiltonian step.
        step_sizes: Of each temperature and example, [T, B]; None to tune them on the way.
    """
    log_w = torch.zeros(z.shape[:2], dtype=torch.float64)
    size = z.new_full((z.shape[1],), FIRST_STEP)
    low, high = log_start(z).detach(), log_target(z).detach()
    accepted, used = torch.zeros_like(size), []
    for t, (before, beta) in enumerate(pairwise(betas)):
        log_w += (beta - before) * (high - low).cpu().double()
        size = size if step_sizes is None else step_sizes[t]
        used.append(size)
        z, low, high, share = _hamiltonian(log_start, log_target, z, beta, size, leapfrog_steps)
        size = size * torch.exp(GAIN * (share - WANTED))
        accepted += share / (len(betas) - 1)
    return Chains(log_w, accepted, torch.stack(used))


def _hamiltonian(
    log_start: LogDensity, log_target: LogDensity, z: Tensor, beta: float, size: Tensor, leapfrog_steps: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """One step that leaves f_t as it is: the new z, both log densities there, and the acceptance of each example."""

    def slope(z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        with torch.enable_grad():
            at = z.detach().requires_grad_()
            low, high = log_start(at), log_target(at)
            (gradient,) = torch.autograd.grad(((1 - beta) * low + beta * high).sum(), at)
        return low.detach(), high.detach(), gradient

    step = size[:, None]
    kick = torch.randn_like(z)
    low, high, gradient = slope(z)
    moved, momentum, new_low, new_high = z, kick, low, high
    for _ in range(leapfrog_steps):
        momentum = momentum + 0.5 * step * gradient
        moved = moved + step * momentum
        new_low, new_high, gradient = slope(moved)
        momentum = momentum + 0.5 * step * gradient
    gain = (1 - beta) * (new_low - low) + beta * (new_high - high)
    gain = gain - 0.5 * (momentum.square() - kick.square()).sum(-1)
    odds = gain.nan_to_num(nan=-math.inf).clamp(max=0).exp()  # a path that diverged is refused
    taken = torch.rand_like(odds) < odds
    z = torch.where(taken[..., None], moved, z)
    return z, torch.where(taken, new_low, low), torch.where(taken, new_high, high), odds.mean(0)
