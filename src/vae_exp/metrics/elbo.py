"""The negative ELBO and its two parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from vae_exp.distributions.kl import rate
from vae_exp.metrics.base import PerExample, Stage
from vae_exp.types import Batch, VAEOutput


class Elbo(PerExample):
    """nelbo = distortion + rate = E_q[-log p(x|z)] + KL(q(z|x) || p(z)), nats per example; always at beta = 1.

    Source: Kingma & Welling, 2014, eq. 3, arXiv:1312.6114; the names: Alemi et al., 2018, arXiv:1711.00464
    """

    def __init__(self, *, stages: Sequence[Stage]) -> None:
        super().__init__(stages=stages, names=("nelbo", "rate", "distortion"))

    def scores(self, batch: Batch, out: VAEOutput, model: Any) -> dict[str, Tensor]:
        distortion = -out.p_x.log_prob(batch.get("target", batch["x"])).mean(0)
        if not model.density:  # a plain autoencoder, without a rate
            return {"distortion": distortion}
        nats = rate(out)
        nats = nats.mean(0) if nats.ndim == 2 else nats
        return {"nelbo": distortion + nats, "rate": nats, "distortion": distortion}
