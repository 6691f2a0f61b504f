"""How like the originals the mean reconstructions look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from vae_exp.metrics.base import PerExample, Stage
from vae_exp.types import Batch, VAEOutput

WINDOW, SIGMA = 11, 1.5
"""Side and standard deviation of the Gaussian window, pixels; a smaller window is narrower in proportion."""

C1, C2 = 0.01**2, 0.03**2
"""What keeps the quotients finite, for data of range 1."""

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
    """Structural similarity of pictures [B, C, H, W] in [0, 1], at least 3 x 3: a mean over windows and channels; [B].

    The windows are those that lie inside of the picture, as in the authors' code; torchmetrics reflects the borders.
    """
    return _similarity(x, y)[0]


def ms_ssim(x: Tensor, y: Tensor) -> Tensor:
    """Structural similarity at several scales, of pictures [B, C, H, W] in [0, 1] of at least 22 pixels; [B]."""
    fitting = sum(min(x.shape[-2:]) // 2**halvings >= WINDOW for halvings in range(len(SCALES)))
    total = sum(SCALES[:fitting])
    found = x.new_ones(len(x))
    for scale in range(fitting):
        whole, structure = _similarity(x, y)
        part = whole if scale == fitting - 1 else structure
        found = found * part.clamp_min(0) ** (SCALES[scale] / total)
        x, y = F.avg_pool2d(x, 2), F.avg_pool2d(y, 2)
    return found


def _similarity(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Mean over windows and channels of luminance * contrast * structure, and without the luminance; [B] each."""
    reach = (min(WINDOW, *x.shape[-2:]) - 1) // 2
    sigma = SIGMA * 2 * reach / (WINDOW - 1)
    line = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, dtype=x.dtype, device=x.device) / sigma) ** 2)
    line = line / line.sum()

    def windowed(value: Tensor) -> Tensor:
        flat = value.flatten(0, 1)[:, None]
        found = F.conv2d(F.conv2d(flat, line[None, None, :, None]), line[None, None, None])
        return torch.unflatten(found, 0, x.shape[:2])

    mean_x, mean_y = windowed(x), windowed(y)
    variances = windowed(x * x) - mean_x**2 + windowed(y * y) - mean_y**2
    covariance = windowed(x * y) - mean_x * mean_y
    structure = (2 * covariance + C2) / (variances + C2)
    luminance = (2 * mean_x * mean_y + C1) / (mean_x**2 + mean_y**2 + C1)
    whole: Tensor = luminance * structure
    return whole.flatten(1).mean(1), structure.flatten(1).mean(1)
