"""The least rate at a distortion that is tolerated."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from vae_exp.losses.base import Loss, elbo_terms, weight
from vae_exp.types import Batch, Context, Fraction, LossOutput, Positive, VAEOutput


class GECO(Loss):
    """Minimise the rate subject to distortion <= tolerance, by a Lagrange multiplier that is learned.

    loss = KL(q(z|x) || p(z)) + lambda * C,  C = E_q[-log p(x|z)] - tolerance
    average <- momentum * average + (1 - momentum) * C;  lambda <- lambda * exp(speed * average), after each batch

    The gradient of C is the batch's, its value the moving average. lambda = 1 makes the gradient the ELBO's. The
    paper's constraint |x - g(z)|^2 <= kappa^2 is, under a Gaussian likelihood of fixed sigma over D pixels, the
    tolerance kappa^2 / (2 sigma^2) + D/2 log(2 pi sigma^2).

    Args:
        tolerance: Distortion that is tolerated, nats per example; negative densities allow negative ones.
        momentum: Share of the old value in the moving average, the paper's alpha.
        speed: How fast the logarithm of lambda moves, per nat and batch.
        min_lambda: Lower bound of lambda.
        max_lambda: Upper bound of lambda; it is what an unreachable tolerance ends at.

    Raises:
        ValueError: the bounds do not enclose 1, where lambda starts.

    Source: Rezende & Viola, 2018, "Taming VAEs", algorithm 1, arXiv:1810.00597
    """

    log_lambda: Tensor
    average: Tensor
    batches: Tensor

    def __init__(
        self, *, tolerance: float, momentum: Fraction, speed: Positive, min_lambda: Positive, max_lambda: Positive
    ) -> None:
        super().__init__()
        if not min_lambda <= 1 <= max_lambda:
            raise ValueError(f"min_lambda={min_lambda} and max_lambda={max_lambda}: should be on both sides of 1")
        self.tolerance, self.momentum, self.speed = weight(tolerance), weight(momentum), weight(speed)
        self.lowest, self.highest = weight(math.log(min_lambda)), weight(math.log(max_lambda))
        # Saved with the run, which would otherwise resume to other numbers.
        self.register_buffer("log_lambda", torch.zeros(()))
        self.register_buffer("average", torch.zeros(()))
        self.register_buffer("batches", torch.zeros(()))

    def forward(self, out: VAEOutput, batch: Batch, ctx: Context) -> LossOutput:
        terms = elbo_terms(out, batch)
        constraint = terms["distortion"].mean() - self.tolerance
        multiplier = self.weights()["lambda"]
        value = self._observe(constraint.detach()) if self.training else constraint.detach()
        loss = terms["rate"].mean() + multiplier * (constraint - constraint.detach() + value)
        return LossOutput(loss, {**terms, "constraint": constraint})

    def weights(self) -> dict[str, Tensor]:
        return {"lambda": self.log_lambda.exp()}

    @torch.no_grad()
    def _observe(self, constraint: Tensor) -> Tensor:
        """Move the average and, for the next batch, lambda; returns the average."""
        constraint = constraint.to(self.average.dtype)
        seen = torch.isfinite(constraint)  # the step of a batch that overflows is skipped, and so it is here
        start = torch.where(self.batches == 0, constraint, self.average)
        moved = torch.lerp(constraint, start, self.momentum)
        self.average.copy_(torch.where(seen, moved, self.average))
        self.batches += seen
        self.log_lambda.add_(seen * self.speed * self.average).clamp_(self.lowest, self.highest)
        return self.average.clone()
