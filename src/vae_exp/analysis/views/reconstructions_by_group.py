"""What is left of examples when only the upper latent groups are told of them."""

from __future__ import annotations

import torch
from torch import Tensor

from vae_exp.analysis.views.base import Subject
from vae_exp.analysis.views.style import rows_of_images
from vae_exp.models.hierarchy import Hierarchy
from vae_exp.types import Count, NonNegative


@torch.no_grad()
def reconstructions_by_group(
    subject: Subject, *, num: Count, num_rows: Count, temperature: NonNegative
) -> Tensor | None:
    """Examples, and in each row below more groups, from the top, that the examples decide; the prior draws the others.

    None for a model with one group.

    Args:
        subject: What is looked at.
        num: Examples.
        num_rows: Rows at most; of more groups some are passed over, never the last.
        temperature: Factor on the spread of the prior.

    Source: Child, 2021, "Very deep VAEs", fig. 4, arXiv:2011.10650
    """
    model = subject.model
    if not isinstance(model, Hierarchy) or len(model.rungs) < 2:
        return None
    batch = subject.examples(subject.split, num)
    groups = len(model.rungs)
    shown = sorted({round(number) for number in torch.linspace(groups, 0, num_rows).tolist()})
    rows = [batch["x"], *(model.given_top(batch, number, temperature).mean for number in shown)]
    names = ["data", *(f"{number} of {groups}" for number in shown)]
    return rows_of_images(torch.stack(rows).clamp(0, 1), title="Upper groups from the examples", rows=names)
