"""Distributions through whose parameters no gradient flows."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.distributions import Distribution

from vae_exp.errors import UserError

_PLAIN = (bool, int, float, str, torch.Size, type(None))


def detached(q: Distribution) -> Distribution:
    """The same distribution with its parameters detached: log_prob(z) has a gradient by way of z alone.

    It holds for distributions that are made of tensors and of other distributions, as those of torch are, Independent
    and mixtures included.

    Raises:
        UserError: The distribution holds something else, such as the layers of a flow, which cannot be detached.
    """
    parts = {name: _detached(value, q) for name, value in vars(q).items()}
    # Filled in place of constructed: constructors take parameters in forms (rate or scale, logits or probs) of which
    # the distribution keeps more than one.
    copy: Distribution = object.__new__(type(q))
    copy.__dict__.update(parts)
    return copy


def detached_if_possible(q: Distribution) -> Distribution:
    """The same distribution with its parameters detached, or itself where they cannot be."""
    try:
        return detached(q)
    except UserError:
        return q


def detachable(q: Distribution) -> bool:
    """Whether `detached` takes this distribution."""
    return detached_if_possible(q) is not q


def _detached(value: Any, owner: Distribution) -> Any:
    if isinstance(value, Tensor):
        return value.detach()
    if isinstance(value, Distribution):
        return detached(value)
    if isinstance(value, _PLAIN):
        return value
    raise UserError(
        "loss: this gradient needs a posterior whose parameters can be held fixed, and those of "
        f"{type(owner).__name__} cannot; use loss=iwae"
    )
