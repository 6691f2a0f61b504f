"""Which images a model finds likely, and which not."""

from __future__ import annotations

import torch
from torch import Tensor

from vae_exp.analysis import pictures
from vae_exp.analysis.likelihood import importance_nll
from vae_exp.analysis.views.base import Subject, of_pictures
from vae_exp.analysis.views.style import rows_of_images
from vae_exp.types import Batch, Count, select


@of_pictures
def worst_and_best(subject: Subject, *, num: Count, num_examples: Count, num_samples: Count, rows: Count) -> Tensor:
    """The examples with the highest and the lowest nll, their reconstructions, and the nats.

    A plain autoencoder has no nll: its distortion is taken. The title says which.

    Args:
        subject: What is looked at.
        num: Examples of each kind.
        num_examples: Examples that are scored.
        num_samples: Importance samples of the nll.
        rows: Latents decoded at a time.

    Source: Burda et al., 2016, "Importance weighted autoencoders", eq. 8, arXiv:1509.00519
    """
    model, batch = subject.model, subject.examples(subject.split, num_examples)
    density = model.density and model.covers
    nats = importance_nll(model, batch, num_samples=num_samples, rows=rows) if density else _distortion(subject, batch)
    order = nats.argsort(descending=True)
    worst, best = order[:num], order.flip(0)[:num]
    images = torch.cat([pictures.reconstructions(model, select(batch, chosen)) for chosen in (worst, best)])
    captions = [[f"{value:.1f}" for value in nats[chosen].tolist()] for chosen in (worst, best)]
    name = ("nll" if density else "distortion") + model.suffix
    return rows_of_images(
        images,
        title=f"Worst and best of {len(nats)} {subject.split} images by {name}, nats",
        rows=("worst", "model", "best", "model"),
        captions=(captions[0], [], captions[1], []),
    )


@torch.no_grad()
def _distortion(subject: Subject, batch: Batch) -> Tensor:
    return -subject.model.reconstruct(batch).log_prob(batch.get("target", batch["x"]))
