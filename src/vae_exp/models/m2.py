"""The semi-supervised model of a class and a style."""

from __future__ import annotations

from collections.abc import Callable
from operator import methodcaller

import torch
from torch import Tensor, nn
from torch.distributions import Distribution

from vae_exp.distributions.alike import rsample_alike
from vae_exp.distributions.center import center
from vae_exp.distributions.one_hots import OneHots
from vae_exp.distributions.tempered import tempered
from vae_exp.errors import UserError
from vae_exp.heads.base import Likelihood, Posterior
from vae_exp.models.class_and_style import ClassAndStyle
from vae_exp.models.class_model import ByClass, ClassModel
from vae_exp.models.misfit import refuse_misfit
from vae_exp.priors.base import Prior
from vae_exp.types import Batch, Count, DataSpec, Draw, Latent, Positive, VAEOutput


class M2(ClassModel):
    """p(x, y, z) = p(y) p(z) p(x|y, z), with q(y|x) q(z|x, y).

    Args:
        spec: What an example looks like.
        latent_dim: Dimensions of the style z.
        temperature: Of relaxed classes, which losses other than loss=m2 train with.
        classifier: (in_shape, out_shape) -> network of q(y|x).
        encoder: (in_shape, out_shape, context_dim) -> network of q(z|x, y).
        decoder: (in_shape, out_shape, context_dim) -> network of p(x|y, z).
        posterior: (event_shape) -> head for q(z|x, y).
        prior: (event_shape, x_shape) -> p(z).
        likelihood: (event_shape) -> head for p(x|y, z).

    Raises:
        ValueError: the data have no labels, or the parts do not fit each other.

    Source: Kingma et al., 2014, "Semi-supervised learning with deep generative models", eq. 2, arXiv:1406.5298
    """

    def __init__(
        self,
        *,
        spec: DataSpec,
        latent_dim: Count,
        temperature: Positive,
        classifier: Callable[..., nn.Module],
        encoder: Callable[..., nn.Module],
        decoder: Callable[..., nn.Module],
        posterior: Callable[..., Posterior],
        prior: Callable[..., Prior],
        likelihood: Callable[..., Likelihood],
    ) -> None:
        super().__init__(spec=spec, likelihood=likelihood)
        self.parts = ClassAndStyle(
            v_shape=spec.x_shape,
            num_classes=spec.num_classes,
            temperature=temperature,
            classifier=classifier,
            encoder=encoder,
            decoder=decoder,
            posterior=posterior(event_shape=(latent_dim,)),
            prior=prior(event_shape=(latent_dim,), x_shape=spec.x_shape),
            output=self.likelihood,
        )
        self.density, self.covers = self.parts.posterior.density, self.parts.posterior.covers

    def forward(self, batch: Batch, num_samples: int = 1) -> VAEOutput:
        q = self.classify(batch)
        y = q.rsample(torch.Size([num_samples]))
        latents, p_x = self._given(batch["x"], y, methodcaller("rsample"))
        return VAEOutput((Latent(q, self.parts.classes(), y), *latents), p_x)

    def by_class(self, batch: Batch) -> ByClass:
        return ByClass(self.classify(batch), self.parts.classes(), lambda y: self._given(batch["x"], y, rsample_alike))

    def classify(self, batch: Batch) -> OneHots:
        return self.parts.classify(batch["x"])

    def reconstruct(self, batch: Batch) -> Distribution:
        y, z = self._centers(batch)
        return self.parts.decode(z, y)

    def latents(self, batch: Batch) -> Tensor:
        return torch.cat(self._centers(batch), dim=-1)

    def as_classes(self, batch: Batch, y: Tensor) -> Distribution:
        _, z = self._centers(batch)
        classes = self.one_hot(y)[:, None].expand(-1, len(z), -1)
        return self.parts.decode(z.expand(len(y), *z.shape), classes)

    def sample(
        self, n: int, y: Tensor | None = None, temperature: float = 1.0, draw: Draw | None = None
    ) -> Distribution:
        if draw is not None:
            raise UserError("sampler: a density of latents needs one latent group, and there is a class beside it")
        z = tempered(self.parts.styles(), temperature).sample(torch.Size([n]))
        return self.parts.decode(z, self.one_hot(self.in_turn(n) if y is None else y))

    @torch.no_grad()
    def properties(self) -> frozenset[str]:
        if self.likelihood.of_the_batch:
            raise UserError(
                f"model.likelihood: {type(self.likelihood).__name__} would be fitted to the errors under all classes, "
                "likely or not; use another, such as model/likelihood=gaussian"
            )
        was_training = self.training
        x = torch.zeros(2, *self.spec.x_shape, device=self.parts.logits.device)
        ((q, p, _),) = self.eval().by_class({"x": x}).given(self.one_hot(self.in_turn(2))[None]).latents
        self.train(was_training)
        if not self.density:
            return frozenset(("classes",))
        refuse_misfit(q, p)
        return frozenset(("classes", "density"))

    def _given(self, x: Tensor, y: Tensor, draw: Callable[[Distribution], Tensor]) -> VAEOutput:
        """What follows from the classes y [S, B, C]."""
        q = self.parts.encode(x, y)
        z = draw(q)
        return VAEOutput((Latent(q, self.parts.styles(), z),), self.parts.decode(z, y))

    def _centers(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The most likely class [B, C], and the centre of the style under it [B, latent_dim]."""
        y = center(self.classify(batch))
        return y, center(self.parts.encode(batch["x"], y))
