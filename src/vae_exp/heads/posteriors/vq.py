"""Codes by the nearest vector of a learned codebook."""

from __future__ import annotations

from typing import Literal

from torch import Tensor
from torch.distributions import Distribution

from vae_exp.distributions.code_point import CodePoint
from vae_exp.heads.code_gradients import rotation, straight_through
from vae_exp.heads.codebook import Codebook
from vae_exp.heads.codes import CodePosterior
from vae_exp.types import Count, Fraction

GRADIENTS = {"straight_through": straight_through, "rotation": rotation}


class VectorQuantised(CodePosterior):
    """q(c|x) = 1 for c_i = argmin_k |f_i(x) - e_k|, f_i the encoder's vector at position i and e_k that of code k.

    The codebook follows the encoder by moving averages, at each pass in training; what holds the encoder near it is in
    loss=vq_vae. The rate is -log p(c), exactly; as the posterior is a point, nothing can be had of importance sampling.

    Args:
        event_shape: Shape of the latent, (latent_dim,), positions times code_dim.
        categories: Number of codes.
        code_dim: Numbers of a code's vector.
        gradient: What the encoder gets of the decoder's gradient: itself, or rotated and scaled as the code is.
        decay: Of the moving averages, a step.
        revive_below: Share of the mean use below which a code is put elsewhere, 0 for never.

    Raises:
        ValueError: latent_dim is no multiple of code_dim.

    Source: van den Oord et al., 2017, "Neural discrete representation learning", arXiv:1711.00937; gradient=rotation:
        Fifty et al., 2024, "Restructuring vector quantization with the rotation trick", arXiv:2410.06424
    """

    def __init__(
        self,
        *,
        event_shape: tuple[int, ...],
        categories: Count,
        code_dim: Count,
        gradient: Literal["straight_through", "rotation"],
        decay: Fraction,
        revive_below: Fraction,
    ) -> None:
        super().__init__(event_shape=event_shape, code_dim=code_dim, categories=categories)
        self.gradient = GRADIENTS[gradient]
        self.codebook = Codebook(categories=categories, code_dim=code_dim, decay=decay, revive_below=revive_below)

    def forward(self, params: Tensor) -> Distribution:
        (encoded,) = self.split(params)
        v = self.by_position(encoded)
        codes = self.nearest(v)
        chosen = self.gradient(v, self.lookup(codes).to(v.dtype))
        if self.training:
            self.codebook.update(v, codes)
        return CodePoint(codes, self.flat(chosen), encoded)

    def lookup(self, codes: Tensor) -> Tensor:
        return self.codebook.vectors[codes]

    def nearest(self, vectors: Tensor) -> Tensor:
        return self.codebook.nearest(vectors)
