"""A distance in the features of a network that is given, and stays as it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from typing_extensions import Self

from vae_exp.checkpoints import UNREADABLE
from vae_exp.errors import UserError, reason_of
from vae_exp.losses.similarities.base import Similarity, feature_distortion
from vae_exp.types import Count


class Features(Similarity):
    """|f(x) - f(x')|^2 / 2 summed over the features, with a network f that is not trained.

    Its weights are fixed and it is always in evaluation mode; neither optimizer nor checkpoint knows of it. It is made
    anew wherever the loss is, so that the file of its weights must stay where it is.

    A program in a file (TorchScript, torch.export) is not read: either can do what it likes when it is. Weights are.

    Args:
        x_shape: Shape of a picture.
        network: (in_shape, out_shape) -> network from pictures in [0, 1] to the features f.
        num_features: Number of features that it is asked for.
        weights: File of its state_dict; null for a network that brings its weights.

    Raises:
        UserError: The file is not there, or holds no weights of this network.
        ValueError: the network does not take such pictures.

    Source: Hou et al., 2017, "Deep feature consistent variational autoencoder", arXiv:1610.00291
    """

    def __init__(
        self,
        *,
        x_shape: tuple[int, ...],
        network: Callable[..., nn.Module],
        num_features: Count,
        weights: str | None,
    ) -> None:
        super().__init__()
        net = network(x_shape, (num_features,))
        if weights is not None:
            _load(net, Path(weights))
        net.eval().requires_grad_(False)
        self._network = (net,)  # in a tuple, where it is not found by what trains and saves
        self._try(x_shape)

    def forward(self, decoded: Tensor, x: Tensor) -> Tensor:
        (net,) = self._network
        of_decoded: Tensor = net(decoded.flatten(0, 1))
        return feature_distortion(of_decoded.unflatten(0, decoded.shape[:2]), net(x))

    def _apply(self, fn: Callable[..., Any], recurse: bool = True) -> Self:
        """It is moved with the loss nevertheless."""
        self._network[0]._apply(fn)
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        return self

    @torch.no_grad()
    def _try(self, x_shape: tuple[int, ...]) -> None:
        pictures = torch.zeros(2, *x_shape)
        try:
            found = self._network[0](pictures)
        except (RuntimeError, ValueError, TypeError, IndexError) as error:
            shape = tuple(x_shape)
            raise ValueError(f"similarity.network does not take pictures of {shape}: {reason_of(error)}") from error
        if not isinstance(found, Tensor) or found.ndim < 2 or len(found) != len(pictures):
            raise ValueError("similarity.network should give one tensor, with a row of features for each picture")


def _load(net: nn.Module, path: Path) -> None:
    """Put the weights of a file into a network.

    Raises:
        UserError: It is not there, broken, or of another network.
    """
    if not path.is_file():
        raise UserError(f"loss.similarity.weights={path} is not a file; give that of the network's state_dict")
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
    except UNREADABLE as error:
        raise UserError(f"loss.similarity.weights={path} cannot be read, it should be a saved state_dict") from error
    try:
        net.load_state_dict(saved)
    except (RuntimeError, TypeError, AttributeError) as error:
        reason = reason_of(error)
        raise UserError(f"loss.similarity.weights={path} does not fit loss.similarity.network: {reason}") from error
