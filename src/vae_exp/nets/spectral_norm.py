"""A network whose layers have a spectral norm of one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn
from torch.nn.utils import parametrizations
from torch.nn.utils.parametrize import is_parametrized

from vae_exp.types import Count, CountOrZero

LAYERS = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)

_CLASSES: dict[type[nn.Module], Any] = {}
"""torch makes a class for each layer, alike for those of a kind; with one for all, runs share a compiled step."""


class SpectralNormalised(nn.Module):
    """Another network, of which each linear layer and convolution has its weight W divided by its spectral norm.

    W is a matrix of one row for each output (channel), as in the paper: the spectral norm of a convolution is not that
    of its weight. The norm is estimated by power iteration, which goes on at each step of the training. Activations of
    slope 1 at most make the network of linear layers a contraction.

    Args:
        in_shape: Shape of one input.
        out_shape: Shape of one output.
        context_dim: Width of a context.
        net: (in_shape, out_shape) -> the network.
        num_power_iterations: Power iterations a step.

    Source: Miyato et al., 2018, "Spectral normalization for generative adversarial networks", arXiv:1802.05957
    """

    def __init__(
        self,
        in_shape: tuple[int, ...],
        out_shape: tuple[int, ...],
        *,
        context_dim: CountOrZero = 0,
        net: Callable[..., nn.Module],
        num_power_iterations: Count,
    ) -> None:
        super().__init__()
        # A network that knows of no context can still be made so.
        self.net = net(in_shape, out_shape, context_dim=context_dim) if context_dim else net(in_shape, out_shape)
        for layer in list(self.net.modules()):
            if isinstance(layer, LAYERS):
                kind = type(layer)
                parametrizations.spectral_norm(layer, n_power_iterations=num_power_iterations)
                layer.__class__ = _CLASSES.setdefault(kind, type(layer))

    def forward(self, x: Tensor, c: Tensor | None = None) -> Tensor:
        """[N, *in_shape] and, where there is one, a context [N, context_dim] -> [N, *out_shape]."""
        out: Tensor = self.net(x) if c is None else self.net(x, c)
        return out


def has_spectral_norm(net: nn.Module) -> bool:
    """Whether the weight of each of its layers is divided by its spectral norm."""
    layers = [layer for layer in net.modules() if isinstance(layer, LAYERS)]
    return all(is_parametrized(layer, "weight") and _normalised(layer) for layer in layers)


def _normalised(layer: nn.Module) -> bool:
    kinds = [type(part) for part in layer.parametrizations["weight"]]  # type: ignore[index]
    return parametrizations._SpectralNorm in kinds
