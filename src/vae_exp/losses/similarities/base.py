"""What every similarity of pictures is."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn


class Similarity(nn.Module, ABC):
    """Decoded pictures and examples -> how far they are apart, 0 for equal ones."""

    @abstractmethod
    def forward(self, decoded: Tensor, x: Tensor) -> Tensor:
        """Dissimilarity of decoded pictures [K, B, *x_shape] and examples [B, *x_shape]; [K, B]."""


def feature_distortion(decoded: Tensor, x: Tensor) -> Tensor:
    """|f(x) - f(x')|^2 / 2: -log N(f(x); f(x'), 1) without its constant.

    Args:
        decoded: Features of decoded pictures, [K, B, ...].
        x: Features of examples, [B, ...].

    Returns:
        [K, B], nats, in single precision at least.
    """
    wide = torch.promote_types(decoded.dtype, torch.float32)
    return 0.5 * (decoded.to(wide) - x.to(wide)).square().flatten(2).sum(-1)
