"""Classes and styles behind anything: the part that M2 and M1+M2 share."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.distributions import Distribution

from vae_exp.distributions.one_hots import OneHots
from vae_exp.heads.base import Head, Posterior
from vae_exp.nets.contexts import under_contexts
from vae_exp.priors.base import Prior
from vae_exp.types import Positive


class ClassAndStyle(nn.Module):
    """p(v, y, z) = p(y) p(z) p(v|y, z) with q(y|v) q(z|v, y), for whatever v is: pixels, or features of them.

    y are one-hot classes, uniform in the prior; z is what the class leaves open, the style. In training classes are
    drawn relaxed (Gumbel-softmax), with a gradient, in evaluation hard.

    Args:
        v_shape: Shape of v.
        num_classes: Number of classes C.
        temperature: Of relaxed classes.
        classifier: (in_shape, out_shape) -> network from v to the logits of q(y|v).
        encoder: (in_shape, out_shape, context_dim) -> network from v and y to the parameters of q(z|v, y).
        decoder: The same from z and y to those of p(v|y, z).
        posterior: Head of q(z|v, y).
        prior: p(z).
        output: Head of p(v|y, z).

    Raises:
        ValueError: posterior and prior do not fit each other, or the prior needs an encoder without classes.

    Source: Kingma et al., 2014, "Semi-supervised learning with deep generative models", eq. 2 and 4, arXiv:1406.5298;
        relaxed classes: Jang et al., 2017, "Categorical reparameterization with Gumbel-softmax", sec. 4.3
    """

    logits: Tensor

    def __init__(
        self,
        *,
        v_shape: tuple[int, ...],
        num_classes: int,
        temperature: Positive,
        classifier: Callable[..., nn.Module],
        encoder: Callable[..., nn.Module],
        decoder: Callable[..., nn.Module],
        posterior: Posterior,
        prior: Prior,
        output: Head,
    ) -> None:
        super().__init__()
        if num_classes < 2:
            raise ValueError("a model of classes needs data with labels of two classes at least")
        if posterior.space != prior.space or prior.of_encoder:
            raise ValueError(
                f"the prior {type(prior).__name__} does not go with {type(posterior).__name__} in a model of classes; "
                "use model/prior=standard_normal"
            )
        self.v_shape, self.num_classes, self.temperature = tuple(v_shape), num_classes, temperature
        self.posterior, self.prior, self.output = posterior, prior, output
        self.classifier = classifier(v_shape, (num_classes,))
        self.encoder = encoder(v_shape, posterior.params_shape, context_dim=num_classes)
        self.decoder = decoder(posterior.event_shape, output.params_shape, context_dim=num_classes)
        self.register_buffer("logits", torch.zeros(1, num_classes), persistent=False)

    def classes(self) -> OneHots:
        """p(y), batch_shape []."""
        return OneHots(self.logits, temperature=None)

    def styles(self) -> Distribution:
        """p(z), batch_shape []."""
        p: Distribution = self.prior(_no_encoder)
        return p

    def classify(self, v: Tensor) -> OneHots:
        """q(y|v), v [..., *v_shape] -> batch_shape [...]."""
        leading = v.shape[: v.ndim - len(self.v_shape)]
        logits = self.classifier(v.flatten(0, len(leading) - 1))
        logits = logits.to(torch.promote_types(logits.dtype, torch.float32)).reshape(*leading, 1, self.num_classes)
        return OneHots(logits, temperature=self.logits.new_tensor(self.temperature) if self.training else None)

    def encode(self, v: Tensor, y: Tensor) -> Distribution:
        """q(z|v, y), v [..., *v_shape], classes y [..., C], or [S, ..., C] for S of each v -> batch_shape y's."""
        leading = v.ndim - len(self.v_shape)
        rows = v.flatten(0, leading - 1)
        contexts = len(y) if y.ndim - 1 > leading else 1
        params = under_contexts(self.encoder, rows, y.reshape(contexts, len(rows), self.num_classes))
        q: Distribution = self.posterior(params.reshape(*y.shape[:-1], *self.posterior.params_shape))
        return q

    def decode(self, z: Tensor, y: Tensor) -> Distribution:
        """p(v|y, z), styles z [..., latent_dim], classes y [..., C] -> batch_shape [...]."""
        params = self.decoder(z.flatten(0, -2), y.flatten(0, -2))
        p: Distribution = self.output(params.reshape(*z.shape[:-1], *self.output.params_shape))
        return p


def _no_encoder(x: Tensor) -> Distribution:
    raise AssertionError("a prior made of the encoder has been refused")
