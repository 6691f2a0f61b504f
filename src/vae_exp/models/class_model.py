"""What models with a class among their latents have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.distributions import Distribution

from vae_exp.distributions.one_hots import OneHots
from vae_exp.errors import UserError
from vae_exp.models.base import Model
from vae_exp.models.class_and_style import ClassAndStyle
from vae_exp.types import Batch, VAEOutput


class ByClass(NamedTuple):
    """A batch, to be looked at under one class and another.

    Args:
        q: q(y|x), batch_shape [B].
        p: p(y), batch_shape [].
        given: Classes y [S, B, C], S one-hot ones of each example -> the output with the other latents alone, one
            sample of each, from the same noise for all S: leading axes [S, B], or [B] of a p_x that classes have no
            part in.
    """

    q: OneHots
    p: OneHots
    given: Callable[[Tensor], VAEOutput]


class ClassModel(Model):
    """p(x, y, ...) with q(y|x): a model with the class as one of its latents, whether or not it is told of labels.

    `forward` draws the class as it does any latent, and never looks at a label: every figure is of an unlabelled
    example. It has `parts`, which hold the class.
    """

    conditional = True
    parts: ClassAndStyle

    @abstractmethod
    def by_class(self, batch: Batch) -> ByClass:
        """What a loss that enumerates classes asks."""

    @abstractmethod
    def classify(self, batch: Batch) -> OneHots:
        """q(y|x), at the centre of the latents that it rests on; batch_shape [B]."""

    @abstractmethod
    def as_classes(self, batch: Batch, y: Tensor) -> Distribution:
        """p(x|y, z) with each example's own style z, at its centre, as classes y [S] -> batch_shape [S, B]."""

    def one_hot(self, y: Tensor) -> Tensor:
        """Classes [...] -> [..., C].

        Raises:
            UserError: One of them is unknown.
        """
        if bool((y < 0).any()):
            raise UserError("the class of an example to be drawn is unknown; give labels from 0")
        return F.one_hot(y, self.spec.num_classes).to(self.parts.logits)

    def in_turn(self, n: int) -> Tensor:
        """The classes in turn, [n]."""
        return torch.arange(n, device=self.parts.logits.device) % self.spec.num_classes


def class_model(model: nn.Module, what: str) -> ClassModel:
    """The model, if it has a class among its latents.

    Args:
        model: Any model.
        what: What needs it, the beginning of the sentence of an error.

    Raises:
        UserError: It has none.
    """
    if isinstance(model, ClassModel):
        return model
    raise UserError(f"{what} needs a model with a class among its latents, such as model=m2")
