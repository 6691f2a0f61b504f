"""Examples and what is left of them."""

from __future__ import annotations

from torch import Tensor

from vae_exp.analysis import pictures
from vae_exp.analysis.views.base import Subject, of_pictures
from vae_exp.analysis.views.style import rows_of_images
from vae_exp.types import Count


@of_pictures
def reconstructions(subject: Subject, *, num: Count) -> Tensor:
    """Examples, and under each the mean of p(x|z) at the mean of q(z|x).

    Args:
        subject: What is looked at.
        num: Examples.
    """
    images = pictures.reconstructions(subject.model, subject.examples(subject.split, num))
    return rows_of_images(images, title="Examples and their reconstructions", rows=("data", "model"))
