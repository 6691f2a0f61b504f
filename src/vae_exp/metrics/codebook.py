"""How much of a codebook is used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torchmetrics.utilities import dim_zero_cat

from vae_exp.distributions.code_point import CodePoint
from vae_exp.metrics.base import Stage, VAEMetric
from vae_exp.types import Batch, VAEOutput


class CodebookUse(VAEMetric):
    """codebook_usage and codebook_perplexity, over all positions of all examples of a set; of latents that are codes.

    codebook_usage      = share of the codes that occur at all
    codebook_perplexity = exp(-sum_k f_k log f_k), f_k the frequency of code k: as many codes used alike say as much

    Source: van den Oord et al., 2017, "Neural discrete representation learning", arXiv:1711.00937, whose published code
        reports the perplexity
    """

    counts: list[Tensor]

    def __init__(self, *, stages: Sequence[Stage]) -> None:
        super().__init__(stages=stages)
        self.add_state("counts", default=[], dist_reduce_fx="cat")  # of each batch, [1, K]

    def update(self, batch: Batch, out: VAEOutput, model: Any) -> None:
        for q, _, _ in out.latents:
            if isinstance(q, CodePoint):
                self.counts.append(q.codes.flatten().bincount(minlength=model.posterior.categories)[None])

    def compute(self) -> dict[str, Tensor]:
        if not len(self.counts):
            return {}
        counts = dim_zero_cat(self.counts).sum(0).cpu().double()
        entropy = torch.special.entr(counts / counts.sum()).sum()
        return {"codebook_usage": (counts > 0).double().mean(), "codebook_perplexity": entropy.exp()}
