"""How much better a posterior of its own would explain an example than the encoder's."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.distributions import Independent, Normal

from vae_exp.types import Batch


def likelihood_regret(model: Any, batch: Batch, *, steps: int, lr: float, num_samples: int) -> Tensor | None:
    """Regret = max over N(mu, sigma^2) of the ELBO of x, by Adam from the encoder's, minus the ELBO at the encoder's.

    Each example has its own mu and sigma; the model stays as it is. Both ELBOs are estimated with the same noise.

    Args:
        model: One group of Gaussian latents, with `encode`, `decode` and `prior`.
        batch: Examples.
        steps: Of Adam.
        lr: Its learning rate.
        num_samples: Latents drawn for each example, in a step and in the estimates.

    Returns:
        [B], nats; None where the posterior is no diagonal Gaussian.

    Source: Xiao et al., 2020, "Likelihood regret: an out-of-distribution detection score for variational
        auto-encoder", arXiv:2003.02977
    """
    x, y = batch.get("target", batch["x"]), batch.get("y")
    with torch.no_grad():
        q, p = model.encode(batch["x"], y), model.p_z()
    if not (isinstance(q, Independent) and isinstance(q.base_dist, Normal)):
        return None
    start = (q.base_dist.loc, q.base_dist.scale.log())
    loc, log_scale = (value.clone().requires_grad_() for value in start)
    noise = torch.randn(num_samples, *loc.shape, dtype=loc.dtype, device=loc.device)

    def elbo(loc: Tensor, log_scale: Tensor, noise: Tensor) -> Tensor:
        own = Independent(Normal(loc, log_scale.exp(), validate_args=False), 1)
        z = loc + log_scale.exp() * noise
        nats: Tensor = model.decode(z, y).log_prob(x) + p.log_prob(z) - own.log_prob(z)
        return nats.mean(0)

    optimizer = torch.optim.Adam([loc, log_scale], lr=lr)
    with torch.enable_grad():
        for _ in range(steps):
            loss = -elbo(loc, log_scale, torch.randn_like(noise)).sum()
            loc.grad, log_scale.grad = torch.autograd.grad(loss, [loc, log_scale])
            optimizer.step()
    with torch.no_grad():
        return elbo(loc, log_scale, noise) - elbo(*start, noise)
