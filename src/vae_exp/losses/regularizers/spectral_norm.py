"""A decoder that is smooth by the way it is made."""

from __future__ import annotations

from torch import Tensor

from vae_exp.losses.regularizers.base import Regularizer
from vae_exp.types import Batch, Context, VAEOutput


class SpectralNorm(Regularizer):
    """No penalty: it asks for a decoder whose layers have a spectral norm of one.

    That is a property of the model, which must have it after training, too: model/decoder=spectral_norm.

    Source: Ghosh et al., 2020, "From variational to deterministic autoencoders", sec. 3, arXiv:1903.12436
    """

    needs = ("spectral_norm",)

    def __init__(self) -> None:
        super().__init__(0.0)

    def forward(self, out: VAEOutput, batch: Batch, ctx: Context) -> Tensor:
        ((_, _, z),) = out.latents
        return z.new_zeros(())
