"""How like the originals the mean reconstructions look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from vae_exp.metrics.base import PerExample, Stage
from vae_exp.structural_similarity import exponents, scales, similarity
from vae_exp.types import Batch, VAEOutput

WINDOW, SIGMA = 11, 1.5
"""Side and standard deviation of the Gaussian window, pixels; a smaller window is narrower in proportion."""


class ReconstructionQuality(PerExample):
    """psnr, ssim and ms_ssim of x', the mean of p(x|z) at the mean of q(z|x), and the original; data in [0, 1].

    psnr = -10 log10 of a picture's mean squared error, decibels. ssim has a Gaussian window of 11 x 11, smaller on
    pictures below 11 pixels; below 3 there is none. ms_ssim halves a picture as often as the window still fits, at most
    four times, with the published weights of the scales that are left, made to sum to 1; pictures below 22 pixels have
    none. Figures of pictures of different sizes do not compare.

    Source: Wang et al., 2004, "Image quality assessment: from error visibility to structural similarity"; Wang et al.,
        2003, "Multiscale structural similarity for image quality assessment"
    """

    def __init__(self, *, stages: Sequence[Stage]) -> None:
        super().__init__(stages=stages, names=("psnr", "ssim", "ms_ssim"))

    def scores(self, batch: Batch, out: VAEOutput, model: Any) -> dict[str, Tensor]:
        if not model.spec.pictures:
            return {}
        x = batch.get("target", batch["x"])
        made = model.reconstruct(batch).mean.clamp(0, 1)
        found = {"psnr": psnr(made, x)}
        side = min(x.shape[-2:])
        if side >= 3:
            found["ssim"] = ssim(made, x)
        if side >= 22:
            found["ms_ssim"] = ms_ssim(made, x)
        return found


def psnr(x: Tensor, y: Tensor) -> Tensor:
    """-10 log10 mean (x - y)^2 of each pair of pictures [B, C, H, W] in [0, 1]; [B], decibels, at most 100."""
    return -10 * (x - y).square().flatten(1).mean(1).clamp_min(1e-10).log10()


def ssim(x: Tensor, y: Tensor) -> Tensor:
    """Structural similarity of pictures [B, C, H, W] in [0, 1], at least 3 x 3; [B]."""
    reach = (min(WINDOW, *x.shape[-2:]) - 1) // 2
    return similarity(x, y, window=2 * reach + 1, sigma=SIGMA * 2 * reach / (WINDOW - 1))[0]


def ms_ssim(x: Tensor, y: Tensor) -> Tensor:
    """Structural similarity at several scales, of pictures [B, C, H, W] in [0, 1] of at least 22 pixels; [B]."""
    weights = exponents(min(x.shape[-2:]), WINDOW)
    parts = scales(x, y, len(weights), window=WINDOW, sigma=SIGMA)
    return torch.stack([part.clamp_min(0) ** w for part, w in zip(parts, weights, strict=True)]).prod(0)
