"""What becomes of each ground-truth factor."""

from __future__ import annotations

import torch
from torch import Tensor

from vae_exp.analysis import pictures
from vae_exp.analysis.views.base import Subject, factors_of, of_pictures
from vae_exp.analysis.views.style import rows_of_images
from vae_exp.types import Count, select


@of_pictures
def factor_traversals(subject: Subject, *, num: Count, steps: Count) -> Tensor | None:
    """For each factor a row of examples in which it varies, and under them their reconstructions.

    Examples that differ in nothing else may not be in the set: for each value the example is shown whose other
    factors are nearest to those of one and the same example. None where the data have no factors.

    Args:
        subject: What is looked at.
        num: Examples among which to look.
        steps: Values of each factor at most.
    """
    if "factors" not in subject.examples(subject.split, 1):
        return None
    batch = subject.examples(subject.split, num)
    rows: list[Tensor] = []
    names: list[str] = []
    for index, name in enumerate(factors_of(subject, batch)):
        chosen = varying(batch["factors"], index, steps)
        images = pictures.reconstructions(subject.model, select(batch, chosen))
        blank = images.new_ones(2, steps - len(chosen), *images.shape[2:])
        rows.append(torch.cat((images, blank), dim=1))
        names += [name, ""]
    return rows_of_images(torch.cat(rows), title="Factors: examples above, reconstructions below", rows=names)


def varying(factors: Tensor, index: int, steps: int) -> Tensor:
    """Examples in which one factor takes values from its least to its largest and the others vary the least.

    Args:
        factors: [N, F].
        index: The factor that varies.
        steps: Values at most.

    Returns:
        Their numbers, [at most steps].
    """
    factors = factors.cpu().double()
    values = torch.unique(factors[:, index])
    steps = min(steps, len(values))
    wanted = values[torch.linspace(0, len(values) - 1, steps).round().long()]
    span = (factors.amax(0) - factors.amin(0)).clamp_min(1e-12)
    scaled = factors / span
    middle = scaled[(scaled - scaled.median(0).values).square().sum(1).argmin()]
    apart = (scaled - middle).square()
    apart[:, index] = 0
    far = torch.where(factors[:, index, None] == wanted, apart.sum(1)[:, None], torch.inf)  # [N, steps]
    return far.argmin(0)
