"""Structural similarity at several scales."""

from __future__ import annotations

import torch
from torch import Tensor
from torchmetrics.functional.image import multiscale_structural_similarity_index_measure

from vae_exp.losses.similarities.base import Similarity
from vae_exp.types import Positive

EXPONENTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""The paper's exponents, from the full picture to that halved four times."""


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
        scales = sum(side >> halvings >= window for halvings in range(len(EXPONENTS)))
        if window < 3 or scales == 0:
            raise ValueError(
                f"similarity.sigma={sigma} makes a window of {window} pixels, which should be from 3 to {side}, the "
                f"smaller side of the pictures; use a sigma from 0.15 to {(side - 1) // 2 / 3.5:.2f}"
            )
        total = sum(EXPONENTS[:scales])
        self.sigma, self.exponents = sigma, tuple(w / total for w in EXPONENTS[:scales])

    def forward(self, decoded: Tensor, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):  # variances are small differences of large numbers
            alike: Tensor = multiscale_structural_similarity_index_measure(
                decoded.flatten(0, 1),
                x.to(decoded.dtype).expand_as(decoded).flatten(0, 1),
                sigma=self.sigma,
                kernel_size=1,  # not used, but for a check that is not about the size of a Gaussian window
                reduction="none",
                data_range=1.0,
                betas=self.exponents,
                normalize="simple",
            )
        return 1 - torch.unflatten(alike, 0, decoded.shape[:2])


def _window(sigma: float) -> int:
    """Width of torchmetrics' Gaussian window, in pixels."""
    return 2 * int(3.5 * sigma + 0.5) + 1
