"""Structural similarity at several scales."""

from __future__ import annotations

import torch
from torch import Tensor

from vae_exp.losses.similarities.base import Similarity
from vae_exp.structural_similarity import exponents, scales
from vae_exp.types import Positive


class MSSSIM(Similarity):
    """1 - MS-SSIM, between 0 and 1.

    MS-SSIM = prod_j ((1 + s_j) / 2)^w_j, where s_j is the contrast and structure at the scale j, times the luminance at
    the last one, a mean over windows and channels, and each scale has half the size of the one before. The paper's
    own s_j^w_j has no gradient where s_j is negative, as that of a picture and its negative is; equal pictures have 1
    in both.

    There are as many of the paper's five scales as the window fits into, and their exponents w are made to sum to one.
    The window is Gaussian, and 2 round(3.5 sigma) + 1 pixels wide: with the paper's sigma of 1.5, 11 pixels, pictures
    of 28 or 32 pixels have two scales, and of 176 all five.

    Args:
        x_shape: Shape of a picture, (channels, height, width).
        sigma: Standard deviation of the window, in pixels.

    Raises:
        ValueError: an example is no picture, or smaller than the window.

    Source: Wang et al., 2003, "Multi-scale structural similarity for image quality assessment"; as a loss: Snell et
        al., 2017, "Learning to generate images with perceptual similarity metrics", arXiv:1511.06409
    """

    def __init__(self, *, x_shape: tuple[int, ...], sigma: Positive) -> None:
        super().__init__()
        if len(x_shape) != 3 or min(x_shape[1:]) < 3:
            raise ValueError(f"similarity=ms_ssim needs pictures of 3x3 or more, and examples are {tuple(x_shape)}")
        window, side = _window(sigma), min(x_shape[1:])
        if not 3 <= window <= side:
            raise ValueError(
                f"similarity.sigma={sigma} makes a window of {window} pixels, which should be from 3 to {side}, the "
                f"smaller side of the pictures; use a sigma from 0.15 to {(side - 1) // 2 / 3.5:.2f}"
            )
        self.sigma, self.window, self.exponents = sigma, window, exponents(side, window)

    def forward(self, decoded: Tensor, x: Tensor) -> Tensor:
        target = x.to(decoded.dtype).expand_as(decoded).flatten(0, 1)
        with torch.autocast(x.device.type, enabled=False):  # variances are small differences of large numbers
            parts = scales(decoded.flatten(0, 1), target, len(self.exponents), window=self.window, sigma=self.sigma)
        factors = [((1 + part) / 2) ** w for part, w in zip(parts, self.exponents, strict=True)]
        alike = torch.stack(factors).prod(0)
        return 1 - torch.unflatten(alike, 0, decoded.shape[:2])


def _window(sigma: float) -> int:
    """Width of the Gaussian window, in pixels."""
    return 2 * int(3.5 * sigma + 0.5) + 1
