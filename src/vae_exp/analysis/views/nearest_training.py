"""Whether the model has learned examples by heart."""

from __future__ import annotations

import torch
from torch import Tensor

from vae_exp.analysis import pictures
from vae_exp.analysis.views.base import Subject, of_pictures
from vae_exp.analysis.views.style import rows_of_images
from vae_exp.types import Count


@of_pictures
@torch.no_grad()
def nearest_training(subject: Subject, *, num: Count, neighbours: Count, num_training: Count) -> Tensor:
    """Samples, and under each the training images with the least Euclidean distance, with that distance.

    A model that repeats its training examples has samples much nearer to them than reconstructions of unseen images
    are; both medians stand in the title.

    Args:
        subject: What is looked at.
        num: Samples.
        neighbours: Training images for each.
        num_training: Training images among which to look.
    """
    model, training = subject.model, subject.examples("train", num_training)["x"]
    samples = pictures.samples(model, num)[0]
    distances, indices = nearest(samples, training, min(neighbours, len(training)))
    unseen = pictures.reconstructions(model, subject.examples(subject.split, num))[1]
    other, _ = nearest(unseen, training, 1)
    title = (
        f"Samples and their nearest of {len(training)} training images, L2 distance: median "
        f"{float(distances[:, 0].median()):.1f}; of reconstructed {subject.split} images {float(other.median()):.1f}"
    )
    return rows_of_images(
        torch.cat((samples[None], training[indices.T])),
        title=title,
        rows=["sample", *(f"nearest {rank + 1}" for rank in range(indices.shape[1]))],
        captions=[[], *([f"{value:.1f}" for value in row] for row in distances.T.tolist())],
    )


def nearest(images: Tensor, among: Tensor, num: int) -> tuple[Tensor, Tensor]:
    """Distances to the nearest images and their numbers, each [N, num], the nearest first."""
    # Without the product of matrices, whose rounding would hide that two images are the same.
    apart = torch.cdist(images.flatten(1), among.to(images).flatten(1), compute_mode="donot_use_mm_for_euclid_dist")
    found = apart.topk(num, dim=1, largest=False, sorted=True)
    return found.values, found.indices
