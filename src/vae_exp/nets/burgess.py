"""The networks on which the literature compares methods of disentanglement."""

from __future__ import annotations

from vae_exp.nets.conv import ConvDecoder, ConvEncoder
from vae_exp.nets.initialise import Init
from vae_exp.types import Count, CountOrZero

CHANNELS = {64: (32, 32, 64, 64), 32: (32, 32, 64)}
"""Channels of the convolutions by the side of the picture; all end at 4x4."""


class BurgessEncoder(ConvEncoder):
    """Convolutions of 32, 32, 64 and 64 channels, 4x4, stride 2, then one hidden layer, with ReLU throughout.

    At 32x32 the last convolution is left out. Burgess et al. have 32 channels everywhere and a second hidden layer;
    the channels here are those that Kim & Mnih brought in and all comparisons since have used.

    Args:
        in_shape: (channels, height, width) of the picture, 32x32 or 64x64.
        out_shape: Shape of the output.
        context_dim: Width of a context that joins the features before the fully connected layer.
        hidden: Width of the fully connected layer.
        init: How the weights are drawn.

    Raises:
        ValueError: the picture is not 32x32 or 64x64.

    Source: Burgess et al., 2018, "Understanding disentangling in beta-VAE", app. A.1, arXiv:1804.03599; channels: Kim &
        Mnih, 2018, "Disentangling by factorising", app. A, arXiv:1802.05983
    """

    def __init__(
        self,
        in_shape: tuple[int, ...],
        out_shape: tuple[int, ...],
        *,
        context_dim: CountOrZero = 0,
        hidden: Count,
        init: Init,
    ) -> None:
        super().__init__(
            in_shape,
            out_shape,
            context_dim=context_dim,
            channels=_channels(in_shape),
            hidden=hidden,
            activation="ReLU",
            norm="none",
            init=init,
        )


class BurgessDecoder(ConvDecoder):
    """The mirror of `BurgessEncoder`: two fully connected layers, then transposed convolutions of 64, 32 and 32.

    Args:
        in_shape: Shape of the latent.
        out_shape: (channels, height, width) of the output, 32x32 or 64x64.
        context_dim: Width of a context that joins the latent.
        hidden: Width of the first fully connected layer.
        init: How the weights are drawn.

    Raises:
        ValueError: the picture is not 32x32 or 64x64.

    Source: Burgess et al., 2018, "Understanding disentangling in beta-VAE", app. A.1, arXiv:1804.03599; channels: Kim &
        Mnih, 2018, "Disentangling by factorising", app. A, arXiv:1802.05983
    """

    def __init__(
        self,
        in_shape: tuple[int, ...],
        out_shape: tuple[int, ...],
        *,
        context_dim: CountOrZero = 0,
        hidden: Count,
        init: Init,
    ) -> None:
        super().__init__(
            in_shape,
            out_shape,
            context_dim=context_dim,
            channels=_channels(out_shape)[::-1],
            hidden=hidden,
            activation="ReLU",
            norm="none",
            init=init,
        )


def _channels(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Channels by the size of the picture.

    Raises:
        ValueError: there are none for it.
    """
    if len(shape) != 3 or shape[1] != shape[2] or shape[1] not in CHANNELS:
        size = "x".join(str(side) for side in shape[1:]) if len(shape) == 3 else f"shape {tuple(shape)}"
        raise ValueError(
            f"the networks called burgess are for pictures of 32x32 or 64x64, but these are of {size}; "
            "use model/encoder=conv and model/decoder=conv"
        )
    return CHANNELS[shape[1]]
