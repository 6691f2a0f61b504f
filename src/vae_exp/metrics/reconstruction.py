"""How like the originals the mean reconstructions look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from vae_exp.distributions.center import center
from vae_exp.metrics.base import PerExample, Stage
from vae_exp.types import Batch, VAEOutput

SIGMA = 1.5
"""Width of the Gaussian window, pixels; it reaches 3.5 of them to each side, a window of 11 x 11."""

SCALES = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Weights of the scales of MS-SSIM, the finest first."""


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
        x = batch.get("target", batch["x"])
        made = model.decode(center(out.latents[0].q), batch.get("y")).mean.clamp(0, 1)
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
    """Structural similarity of each pair of pictures [B, C, H, W] in [0, 1], a mean over windows and channels; [B]."""
    from torchmetrics.functional.image import structural_similarity_index_measure

    reach = (min(x.shape[-2:]) - 1) // 2  # of a window that fits into the picture
    sigma = min(SIGMA, reach / 3.5)
    found = structural_similarity_index_measure(x, y, sigma=sigma, data_range=1.0, reduction="none")
    assert isinstance(found, Tensor)
    return found.reshape(len(x))


def ms_ssim(x: Tensor, y: Tensor) -> Tensor:
    """Structural similarity at several scales, of pictures [B, C, H, W] in [0, 1] of at least 22 pixels; [B]."""
    from torchmetrics.functional.image import multiscale_structural_similarity_index_measure

    fitting = [n for n in range(1, len(SCALES) + 1) if min(x.shape[-2:]) // 2 ** (n - 1) >= 11]
    weights = torch.tensor(SCALES[: fitting[-1]])
    found = multiscale_structural_similarity_index_measure(
        x, y, sigma=SIGMA, data_range=1.0, reduction="none", betas=tuple((weights / weights.sum()).tolist())
    )
    return found.reshape(len(x))
