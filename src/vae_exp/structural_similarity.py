"""How alike two pictures are in luminance, contrast and structure, window by window."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

C1, C2 = 0.01**2, 0.03**2
"""What keeps the quotients finite, for data of range 1."""

EXPONENTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Those of the scales of MS-SSIM, the full picture first, each then halved."""


def exponents(side: int, window: int) -> tuple[float, ...]:
    """Exponents of the scales at which a picture's shorter side still holds a window, made to sum to 1.

    Source: Wang et al., 2003, "Multiscale structural similarity for image quality assessment"
    """
    fitting = sum(side >> halvings >= window for halvings in range(len(EXPONENTS)))
    return tuple(w / sum(EXPONENTS[:fitting]) for w in EXPONENTS[:fitting])


def scales(x: Tensor, y: Tensor, count: int, *, window: int, sigma: float) -> list[Tensor]:
    """Contrast times structure at each of `count` scales, at the last one times the luminance, too; [B] each."""
    found = []
    for scale in range(count):
        whole, structure = similarity(x, y, window=window, sigma=sigma)
        found.append(whole if scale == count - 1 else structure)
        x, y = F.avg_pool2d(x, 2), F.avg_pool2d(y, 2)
    return found


def similarity(x: Tensor, y: Tensor, *, window: int, sigma: float) -> tuple[Tensor, Tensor]:
    """Luminance * contrast * structure, and without the luminance: means over windows and channels, [B] each.

    The windows are those that lie inside of the picture, as in the authors' code; torchmetrics reflects the borders.

    Args:
        x: Pictures in [0, 1], [B, C, H, W].
        y: Others.
        window: Side of the Gaussian window in pixels, odd.
        sigma: Its standard deviation in pixels.

    Source: Wang et al., 2004, "Image quality assessment: from error visibility to structural similarity", eq. 13
    """
    reach = window // 2
    line = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, dtype=x.dtype, device=x.device) / sigma) ** 2)
    line = line / line.sum()
    maps = torch.stack((x, y, x * x, y * y, x * y))
    flat = maps.reshape(-1, 1, *x.shape[-2:])
    means = F.conv2d(F.conv2d(flat, line[None, None, :, None]), line[None, None, None])
    mean_x, mean_y, square_x, square_y, product = means.reshape(*maps.shape[:3], *means.shape[-2:])
    variances = square_x - mean_x**2 + square_y - mean_y**2
    structure = (2 * (product - mean_x * mean_y) + C2) / (variances + C2)
    luminance = (2 * mean_x * mean_y + C1) / (mean_x**2 + mean_y**2 + C1)
    whole: Tensor = luminance * structure
    return whole.flatten(1).mean(1), structure.flatten(1).mean(1)
