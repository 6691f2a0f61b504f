"""Models and data to look at."""

from functools import partial

import torch

from analysis.linear import linear_vae, solved_vae
from vae_exp.analysis.views import style
from vae_exp.analysis.views.base import Subject


def examples_of(x, **more):
    """The same examples for every split."""
    batch = {"x": x, **more}

    def examples(split, n):
        return {key: value[:n] for key, value in batch.items()}

    return examples


def subject(model=None, kl=None, folder=None, num=40, **more):
    """A linear model of 2 latent dimensions, or another, and random examples of its shape."""
    model = solved_vae() if model is None else model
    dtype = next(model.parameters()).dtype
    x = torch.rand(num, *model.spec.x_shape, generator=torch.Generator().manual_seed(3), dtype=dtype)
    return Subject(model.eval(), examples_of(x, **more), kl, "test", folder)


def canvas(picture, rows=(), columns=()):
    """The images as they lie, [H, W, 3], below and beside the names."""
    left, top = style.margins("a title", rows, columns)
    return picture[:, top:, left:].permute(1, 2, 0)


wide = partial(linear_vae, shape=(1, 4, 4))
