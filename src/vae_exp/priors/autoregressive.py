"""A learned prior over codes."""

from __future__ import annotations

from torch.distributions import Distribution

from vae_exp.distributions.autoregressive import Autoregressive
from vae_exp.nets.causal_transformer import CausalTransformer
from vae_exp.priors.base import Encode, Prior
from vae_exp.priors.uniform_codes import shape_of_codes
from vae_exp.types import Count, Space


class AutoregressivePrior(Prior):
    """p(c) = prod_i p(c_i | c_1 ... c_(i-1)) by a causal transformer, positions of a grid row by row.

    It is trained together with the rest of the model: the rate is -log p(c), so that what is minimised is a bound of
    -log p(x) all the time and one run gives everything. Codes are whole numbers, through which no gradient flows:
    encoder and codebook are trained as without it, and what a second stage would learn of fixed codes, it learns while
    they settle.

    Args:
        event_shape: Shape of what it is a distribution of, (positions, categories).
        x_shape: Not needed.
        width: Of the features of a position.
        depth: Number of blocks.
        heads: Attention heads of a block.

    Raises:
        ValueError: the latents are no codes, or the width is no multiple of the heads.

    Source: van den Oord et al., 2017, "Neural discrete representation learning", sec. 3.3, arXiv:1711.00937, there a
        PixelCNN in a second stage; a transformer: Mentzer et al., 2023, "Finite scalar quantization", arXiv:2309.15505
    """

    space: Space = "codes"

    def __init__(
        self, *, event_shape: tuple[int, ...], x_shape: tuple[int, ...], width: Count, depth: Count, heads: Count
    ) -> None:
        super().__init__(event_shape=event_shape, x_shape=x_shape)
        positions, categories = shape_of_codes(event_shape)
        self.network = CausalTransformer(positions, categories, width=width, depth=depth, heads=heads)

    def forward(self, encode: Encode) -> Distribution:
        del encode
        return Autoregressive(self.network)
