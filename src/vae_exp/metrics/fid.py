"""The Frechet inception distance, where Inception's weights can be had."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from torch import Tensor

from vae_exp.errors import reason_of
from vae_exp.metrics.base import Examples, OfASet, Stage
from vae_exp.metrics.sample_quality import drawn
from vae_exp.types import Count

log = logging.getLogger(__name__)


class FID(OfASet):
    """fid = Frechet distance of samples and as many examples in the 2048 features of torch-fidelity's Inception.

    Published figures take 50,000 samples, often against the training examples; with fewer it is higher. Grey pictures
    are shown as colour ones. Where torch-fidelity or its weights are not there a sentence says so, and there is none.

    Args:
        stages: When it is computed.
        num_images: Examples and samples, at most as many as the split has.
        rows: Pictures at a time; bounds the memory.

    Source: Heusel et al., 2017, "GANs trained by a two time-scale update rule", eq. 6, arXiv:1706.08500
    """

    def __init__(self, *, stages: Sequence[Stage], num_images: Count, rows: Count) -> None:
        super().__init__(stages=stages)
        self.num_images, self.rows = num_images, rows

    def figures(self, stage: Stage, model: Any, examples: Examples) -> dict[str, Tensor]:
        if not model.spec.pictures:
            return {}
        from torchmetrics.image.fid import FrechetInceptionDistance

        try:
            distance = FrechetInceptionDistance(feature=2048, normalize=True)
        except (ImportError, OSError) as error:  # OSError: the download of the weights failed
            text = "metrics.fid: no fid without Inception's weights; pip install 'vae_exp[fid]' (%s)"
            log.warning(text, reason_of(error))
            return {}
        x = examples(stage, self.num_images)["x"]
        distance = distance.to(x.device)
        for pictures, real in ((x, True), (drawn(model, len(x), self.rows), False)):
            for part in pictures.split(self.rows):
                distance.update(in_colour(part), real=real)
        return {"fid": distance.compute()}


def in_colour(x: Tensor) -> Tensor:
    """Pictures [B, 1 or 3, H, W] in [0, 1] -> [B, 3, H, W], float32, at the nearest of 256 levels.

    torchmetrics by itself takes the level below, which makes samples darker than data that are on levels already.
    """
    return (x.float() * 255).round().expand(-1, 3, -1, -1) / 255
