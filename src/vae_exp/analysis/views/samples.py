"""Images from the prior."""

from __future__ import annotations

from torch import Tensor

from vae_exp.analysis import pictures
from vae_exp.analysis.views.base import Subject, of_pictures
from vae_exp.types import Count


@of_pictures
def samples(subject: Subject, *, num: Count) -> Tensor:
    """Means of p(x|z) for latents from the prior, in a square; of all classes in turn where the model has a context.

    Args:
        subject: What is looked at.
        num: Images.
    """
    return pictures.grid(pictures.square(pictures.samples(subject.model, num)[0]))
