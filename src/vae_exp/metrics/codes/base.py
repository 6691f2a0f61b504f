"""The kind of metric that scores the codes of a whole set at once."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torchmetrics.utilities import dim_zero_cat

from vae_exp.distributions.center import centers
from vae_exp.metrics.base import Need, Stage, VAEMetric
from vae_exp.metrics.codes.table import in_canonical_order
from vae_exp.types import Batch, VAEOutput


class CodeScore(VAEMetric):
    """Figures of the codes, the posterior's centers of all latent groups side by side, beside the factors.

    Codes and factors are kept until the end of an evaluation, and put in an order of their own before anything is
    drawn of them, so that figures are the same for any batching and any number of processes.
    """

    needs: tuple[Need, ...] = ("factors",)
    codes: list[Tensor]
    factors: list[Tensor]

    def __init__(self, *, stages: Sequence[Stage]) -> None:
        super().__init__(stages=stages)
        self.add_state("codes", default=[], dist_reduce_fx="cat")
        self.add_state("factors", default=[], dist_reduce_fx="cat")

    @abstractmethod
    def scores(self, codes: Tensor, factors: Tensor) -> dict[str, Tensor]:
        """Figures by name, of codes [N, D] and factors [N, F]."""

    def update(self, batch: Batch, out: VAEOutput, model: Any) -> None:
        self.require(batch)
        codes = centers(out.latents).detach()
        self.codes.append(codes)
        self.factors.append(batch.get("factors", codes.new_zeros(len(codes), 0, dtype=torch.int64)))

    def compute(self) -> dict[str, Tensor]:
        return self.scores(*in_canonical_order(dim_zero_cat(self.codes), dim_zero_cat(self.factors)))
