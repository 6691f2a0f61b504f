"""How sharp pictures are: the data, their reconstructions and samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from vae_exp.metrics.base import Examples, OfASet, Stage, with_error
from vae_exp.types import Count, in_parts


class Sharpness(OfASet):
    """Variance of the Laplacian: sharpness_data, sharpness_reconstructions and sharpness_samples, each a mean.

    Reconstructions are means of p(x|z) at the mean of q(z|x), samples are means of p(x|z) at draws of the prior. Noise
    is sharp, and so are binary pixels: the figures compare with each other on grey or coloured pictures.

    Args:
        stages: When it is computed.
        num_images: Pictures of each kind, at most.
        rows: Latents decoded at a time; bounds the memory.

    Source: Tolstikhin et al., 2018, "Wasserstein auto-encoders", sec. 4, arXiv:1711.01558
    """

    def __init__(self, *, stages: Sequence[Stage], num_images: Count, rows: Count) -> None:
        super().__init__(stages=stages)
        self.num_images, self.rows = num_images, rows

    def figures(self, stage: Stage, model: Any, examples: Examples) -> dict[str, Tensor]:
        if not model.spec.pictures:
            return {}
        batch = examples(stage, self.num_images)
        x = batch["x"]
        kinds: dict[str, list[Tensor]] = {"data": [sharpness(x)], "reconstructions": [], "samples": []}
        for part in in_parts(batch, self.rows):
            kinds["reconstructions"].append(sharpness(model.reconstruct(part).mean))
            kinds["samples"].append(sharpness(model.sample(len(part["x"])).mean))
        found: dict[str, Tensor] = {}
        for kind, parts in kinds.items():
            found |= with_error(f"sharpness_{kind}", torch.cat(parts))
        return found


def sharpness(x: Tensor) -> Tensor:
    """Variance over the inner pixels of (up + down + left + right - 4 centre), a mean over channels.

    Args:
        x: Pictures, [B, C, H, W] in [0, 1], at least 3 x 3 pixels; of smaller ones it is 0.

    Returns:
        [B].
    """
    if min(x.shape[-2:]) < 3:
        return x.new_zeros(len(x))
    kernel = x.new_tensor([[0, 1, 0], [1, -4, 1], [0, 1, 0]])[None, None]
    laplacian = F.conv2d(x.flatten(0, 1)[:, None], kernel).flatten(1)
    variance: Tensor = laplacian.var(1, correction=0).unflatten(0, x.shape[:2])
    return variance.mean(1)
