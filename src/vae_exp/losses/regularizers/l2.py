"""Weight decay of the decoder alone."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from vae_exp.losses.regularizers.base import Regularizer
from vae_exp.types import Batch, Context, NonNegative, VAEOutput


class L2(Regularizer):
    """|theta|^2, the sum of squares of all the decoder's parameters.

    Args:
        weight: Its weight (lambda), dimensionless.

    Source: Ghosh et al., 2020, "From variational to deterministic autoencoders", sec. 3, arXiv:1903.12436
    """

    def __init__(self, *, weight: NonNegative) -> None:
        super().__init__(weight)

    def forward(self, out: VAEOutput, batch: Batch, ctx: Context) -> Tensor:
        decoder = cast(nn.Module, ctx.model.decoder)
        return torch.stack([parameter.square().sum() for parameter in decoder.parameters()]).sum()
