"""Images from a model, in batches of rows: what `vae-exp sample` writes.

Every function here takes a model, a source of what it needs besides, the number of rows wanted and how many to make at
a time, and yields [rows, columns, C, H, W] in [0, 1].
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from vae_exp.analysis import pictures
from vae_exp.errors import UserError
from vae_exp.models.base import Model
from vae_exp.models.vae import one_group
from vae_exp.types import Batch, Count, CountOrZero, Draw, NonNegative, Positive, in_parts, select


def _prior() -> None:
    """No density in the place of the prior."""


class Source(NamedTuple):
    """What images are made of, asked for only if needed."""

    examples: Callable[[int], Batch]
    """The first n prepared test examples."""

    draw: Callable[[], Draw | None] = _prior
    """Draws of latents from a fitted density; None for the prior."""


PATHS: dict[str, pictures.Path] = {"linear": torch.lerp, "spherical": pictures.slerp}


@torch.no_grad()
def sample(
    model: Model,
    source: Source,
    num: int,
    batch_size: int,
    *,
    label: CountOrZero | None,
    temperature: NonNegative,
    pixels: Literal["mean", "sample"],
) -> Iterator[Tensor]:
    """Draw from the prior, or a density in its place, and decode; one column.

    Args:
        model: The model.
        source: Of the latents.
        num: Images.
        batch_size: Images at a time.
        label: Class of the images, for a model with a context; None for all classes in turn.
        temperature: Factor on the spread of the density; 1 is the density itself.
        pixels: The mean of p(x|z), or a draw from it, which has the pixels' noise.
    """
    if label is not None and not (model.conditional and label < model.spec.num_classes):
        have = f"{model.spec.num_classes} classes" if model.conditional else "no context (model.context=none)"
        raise UserError(f"label={label} cannot be sampled: this run's model has {have}")
    draw, device = source.draw(), next(model.parameters()).device
    for start in range(0, num, batch_size):
        numbers = torch.arange(start, min(start + batch_size, num), device=device)
        y = _classes(model, numbers, label)
        p_x = model.sample(len(numbers), y, temperature, draw)
        yield (p_x.mean if pixels == "mean" else p_x.sample()).clamp(0, 1)[:, None]


def _classes(model: Model, numbers: Tensor, label: int | None) -> Tensor | None:
    """The class of each image, by their numbers: that of the label, or all in turn; None for a model without."""
    if not model.conditional:
        return None
    return numbers % model.spec.num_classes if label is None else torch.full_like(numbers, label)


def reconstruct(model: Model, source: Source, num: int, batch_size: int) -> Iterator[Tensor]:
    """Test examples, and beside each its mean reconstruction; two columns."""
    for batch in in_parts(source.examples(num), batch_size):
        yield pictures.reconstructions(model, batch).transpose(0, 1)


def interpolate(
    model: Model, source: Source, num: int, batch_size: int, *, steps: Count, path: Literal["linear", "spherical"]
) -> Iterator[Tensor]:
    """From one test example to another along a line or an arc between their latent means; `steps` columns."""
    model = one_group(model, "what=interpolate")
    both = source.examples(2 * num)
    pairs = len(both["x"]) // 2
    first, second = select(both, slice(0, pairs)), select(both, slice(pairs, 2 * pairs))
    for a, b in zip(in_parts(first, batch_size), in_parts(second, batch_size), strict=True):
        yield pictures.interpolations(model, a, b, steps=steps, path=PATHS[path])


def traverse(
    model: Model, source: Source, num: int, batch_size: int, *, steps: Count, span: Positive
) -> Iterator[Tensor]:
    """The first test example, one row for each latent dimension from -span to span; at most `num` rows."""
    model = one_group(model, "what=traverse")
    if model.posterior.space == "codes":
        raise UserError("what=traverse varies one number of a latent, and the latents of this run are codes")
    batch = source.examples(1)
    latent_dim = model.posterior.event_shape[0]
    for start in range(0, min(num, latent_dim), batch_size):
        dims = list(range(start, min(start + batch_size, num, latent_dim)))
        yield pictures.traversals(model, batch, dims=dims, steps=steps, span=span)


def classes(model: Model, source: Source, num: int, batch_size: int) -> Iterator[Tensor]:
    """Test examples, and beside each its own style in every class; 1 + C columns.

    Raises:
        UserError: The model is not told of classes.
    """
    if not model.conditional:
        raise UserError("what=classes needs a model that draws by class, such as model=m2 or model.context=label")
    for batch in in_parts(source.examples(num), batch_size):
        yield pictures.of_every_class(model, batch).transpose(0, 1)
