"""What networks have in common that are layers one after the other."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from vae_exp.nets.initialise import Init, initialise
from vae_exp.nets.layers import joined


class Chain(nn.Module):
    """Layers one after the other, the first of which sees the input as a row, with the context joined to it.

    Args:
        layers: The layers.
        out_shape: Shape of one output, whether or not the last layer gives a row.
        init: How the weights are drawn.
    """

    def __init__(self, layers: Sequence[nn.Module], out_shape: tuple[int, ...], init: Init) -> None:
        super().__init__()
        self.out_shape = tuple(out_shape)
        self.layers = nn.Sequential(*layers)
        initialise(self, init)

    def forward(self, x: Tensor, c: Tensor | None = None) -> Tensor:
        """[N, *in_shape] and, where there is one, a context [N, context_dim] -> [N, *out_shape]."""
        out: Tensor = self.layers(joined(x, c))
        return out.reshape(len(out), *self.out_shape)
