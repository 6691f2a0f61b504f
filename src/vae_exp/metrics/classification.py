"""How well q(y|x) tells the class."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torchmetrics.utilities import dim_zero_cat

from vae_exp.metrics.base import PerExample, Stage
from vae_exp.models.class_model import ClassModel
from vae_exp.types import Batch, Count, VAEOutput


class Classification(PerExample):
    """error_rate, label_nll and calibration_error of q(y|x), for a model with a class among its latents.

    error_rate = share of examples whose most likely class is not their label
    label_nll = -log q(y|x) of the label, nats
    calibration_error = sum_b n_b / n |accuracy_b - confidence_b|, bins b of equal width of max_y q(y|x)

    Unlabelled examples are left out.

    Args:
        stages: When they are computed.
        num_bins: Bins of the calibration error.

    Source: Guo et al., 2017, "On calibration of modern neural networks", eq. 3, arXiv:1706.04599
    """

    probabilities: list[Tensor]
    labels: list[Tensor]

    def __init__(self, *, stages: Sequence[Stage], num_bins: Count) -> None:
        super().__init__(stages=stages, names=("error_rate", "label_nll"))
        self.num_bins = num_bins
        self.add_state("probabilities", default=[], dist_reduce_fx="cat")
        self.add_state("labels", default=[], dist_reduce_fx="cat")

    def scores(self, batch: Batch, out: VAEOutput, model: nn.Module) -> dict[str, Tensor]:
        if not isinstance(model, ClassModel) or "y" not in batch:
            return {}
        known = batch["y"] >= 0
        y, log_q = batch["y"][known], model.classify(batch).logits[known, 0]
        self.probabilities.append(log_q.exp())
        self.labels.append(y)
        wrong = (log_q.argmax(1) != y).to(log_q)
        return {"error_rate": wrong, "label_nll": -log_q.gather(1, y[:, None])[:, 0]}

    def compute(self) -> dict[str, Tensor]:
        figures = super().compute()
        if figures:
            q, y = dim_zero_cat(self.probabilities), dim_zero_cat(self.labels)
            figures["calibration_error"] = calibration_error(q, y, self.num_bins)
        return figures


def calibration_error(q: Tensor, y: Tensor, num_bins: int) -> Tensor:
    """sum_b n_b / n |accuracy_b - confidence_b| over the bins ((b - 1) / num_bins, b / num_bins] of the confidence.

    torchmetrics has one bin more, for a confidence of 1, which float32 reaches.

    Args:
        q: Probabilities, [N, C].
        y: Labels, [N].
        num_bins: Number of bins.
    """
    confidence, guess = q.cpu().double().max(1)
    bins = (confidence * num_bins).ceil().long().clamp(1, num_bins) - 1
    gap = (guess == y.cpu()).double() - confidence
    return torch.zeros(num_bins, dtype=gap.dtype).index_add(0, bins, gap).abs().sum() / len(y)
