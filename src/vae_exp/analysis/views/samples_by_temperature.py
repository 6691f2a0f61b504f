"""Images from the prior made narrower and wider."""

from __future__ import annotations

import torch
from torch import Tensor

from vae_exp.analysis import pictures
from vae_exp.analysis.views.base import Subject, of_pictures
from vae_exp.analysis.views.style import rows_of_images
from vae_exp.errors import UserError
from vae_exp.types import Count, NonNegative


@of_pictures
def samples_by_temperature(subject: Subject, *, num: Count, temperatures: list[NonNegative]) -> Tensor | None:
    """One row for each factor on the spread of the prior; None where the prior has no temperature.

    Args:
        subject: What is looked at.
        num: Images of each temperature.
        temperatures: Factors; 1 is the prior itself.
    """
    try:
        rows = [pictures.samples(subject.model, num, temperature) for temperature in temperatures]
    except UserError:
        return None
    names = [f"T = {temperature:g}" for temperature in temperatures]
    return rows_of_images(torch.cat(rows), title="Samples by temperature of the prior", rows=names)
