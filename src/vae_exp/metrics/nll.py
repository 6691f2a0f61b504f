"""The negative log-likelihood by importance sampling."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from torch import Tensor

from vae_exp.analysis.likelihood import importance_nll
from vae_exp.metrics.base import PerExample, Stage
from vae_exp.types import Batch, Count, VAEOutput


class ImportanceSampledNLL(PerExample):
    """nll = -log (1/K) sum_k p(x|z_k) p(z_k) / q(z_k|x), nats per example: a bound of -log p(x) that falls with K.

    Where p(x|z) is a probability mass also bits_per_dim = nll / (D log 2), D the number of pixels times channels.

    Args:
        stages: When it is computed.
        num_samples: Importance samples K.
        rows: Latents decoded at a time; bounds the memory.

    Source: Burda et al., 2016, "Importance weighted autoencoders", eq. 8, arXiv:1509.00519
    """

    def __init__(self, *, stages: Sequence[Stage], num_samples: Count, rows: Count) -> None:
        super().__init__(stages=stages, names=("nll",))
        self.num_samples, self.rows = num_samples, rows
        self.nats_per_bit_and_dim: float | None = None

    def scores(self, batch: Batch, out: VAEOutput, model: Any) -> dict[str, Tensor]:
        if not (model.density and model.covers):
            return {}
        if model.spec.pictures and model.likelihood.discrete and not model.suffix:
            self.nats_per_bit_and_dim = math.prod(model.spec.x_shape) * math.log(2)
        return {"nll": importance_nll(model, batch, num_samples=self.num_samples, rows=self.rows)}

    def compute(self) -> dict[str, Tensor]:
        figures = super().compute()
        if figures and self.nats_per_bit_and_dim is not None:
            figures["bits_per_dim"] = figures["nll"] / self.nats_per_bit_and_dim
            figures["bits_per_dim/se"] = figures["nll/se"] / self.nats_per_bit_and_dim
        return figures
