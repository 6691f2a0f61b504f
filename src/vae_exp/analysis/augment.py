"""New examples from old ones: what `vae-exp augment` writes.

Every function takes a model and labelled examples, and gives one new picture for each, [B, C, H, W], of the same class.
"""

from __future__ import annotations

import torch
from torch import Tensor

from vae_exp.analysis.pictures import latents, slerp
from vae_exp.errors import UserError
from vae_exp.models.base import Model
from vae_exp.models.class_model import ClassModel
from vae_exp.models.vae import one_group
from vae_exp.types import Batch


@torch.no_grad()
def reconstruct(model: Model, batch: Batch) -> Tensor:
    """The mean of p(x|z), z ~ q(z|x) with the posterior's noise; a class among the latents is the example's own."""
    if isinstance(model, ClassModel):  # which would draw a class of its own, q(y|x)
        return model.by_class(batch).given(model.one_hot(batch["y"])[None]).p_x.mean.reshape(batch["x"].shape)
    return model(batch).p_x.mean[0]  # type: ignore[no-any-return]


@torch.no_grad()
def interpolate(model: Model, batch: Batch) -> Tensor:
    """The mean of p(x|z) at z = a + w (b - a): latent means of the example and of another one of its class, 0 < w < 1.

    On a sphere z is on the great circle through them. The other one, and w, are drawn uniformly; an example that is
    alone in its class stays where it is.

    Source: DeVries & Taylor, 2017, "Dataset augmentation in feature space", eq. 3, arXiv:1702.05538
    """
    model = one_group(model, "how=interpolate")
    z, y = latents(model, batch), batch["y"]
    same = y[:, None] == y[None]
    alone = same.sum(1) == 1
    others = same ^ torch.diag(~alone)
    other = torch.multinomial(others.float(), 1)[:, 0]
    weight = torch.rand(len(z), 1, dtype=z.dtype, device=z.device)
    path = slerp if model.posterior.space == "sphere" else torch.lerp
    return model.decode(path(z, z[other], weight), y).mean


@torch.no_grad()
def sample(model: Model, batch: Batch) -> Tensor:
    """The mean of p(x|z, y) with z ~ p(z), of the example's class and of nothing else of it.

    Raises:
        UserError: The model is not told of classes.
    """
    if not model.conditional:
        raise UserError("how=sample needs a model that draws by class, such as model=m2 or model.context=label")
    return model.sample(len(batch["x"]), batch["y"]).mean
