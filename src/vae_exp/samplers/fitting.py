"""Fitting a density to latents by gradient descent."""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn

CHECKS = 20
"""How often the held-out latents are looked at."""


def fit_by_adam(
    density: nn.Module,
    nats: Callable[[Tensor], Tensor],
    z: Tensor,
    *,
    steps: int,
    batch_size: int,
    learning_rate: float,
    held_out: float,
) -> None:
    """Minimise the mean of -log p(z), or of a bound of it, by Adam, along a cosine down to a learning rate of 0.

    Some latents are held out, and the weights at which they are likeliest are kept: a density can learn its points by
    heart. Afterwards its parameters need no gradient.

    Args:
        density: Whose parameters they are.
        nats: [M, *event_shape] -> [M], the nats of each.
        z: Latents, [N, *event_shape], two or more.
        steps: Steps of Adam.
        batch_size: Latents of a step.
        learning_rate: At the beginning.
        held_out: Fraction of the latents that is not fitted.

    Raises:
        ValueError: The likelihood of those was never a finite number.
    """
    z = z[torch.randperm(len(z)).to(z.device)]
    count = min(int(held_out * len(z)), len(z) - 1)
    fitted, judging = z[count:], z[:count] if count else z
    optimizer = torch.optim.Adam(density.parameters(), lr=learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    best, weights = float("inf"), copy.deepcopy(density.state_dict())
    for step in range(1, steps + 1):
        chosen = fitted[torch.randint(len(fitted), (batch_size,)).to(z.device)]
        with torch.enable_grad():
            optimizer.zero_grad()
            nats(chosen).mean().backward()
            optimizer.step()
        schedule.step()
        if step % max(1, steps // CHECKS) == 0 or step == steps:
            score = _mean(nats, judging, batch_size)
            if score < best:
                best, weights = score, copy.deepcopy(density.state_dict())
    if best == float("inf"):
        raise ValueError(f"no step gave a finite likelihood; learning_rate={learning_rate} may be too large")
    density.load_state_dict(weights)
    density.requires_grad_(False)


def moments(z: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each dimension of latents [N, *event_shape], the latter 1 where they are alike."""
    scale = z.std(0)
    return z.mean(0), torch.where(scale > 0, scale, torch.ones_like(scale))


@torch.no_grad()
def _mean(nats: Callable[[Tensor], Tensor], z: Tensor, batch_size: int) -> float:
    return float(torch.cat([nats(part) for part in z.split(batch_size)]).mean())
