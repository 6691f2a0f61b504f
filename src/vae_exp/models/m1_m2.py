"""The semi-supervised model upon the latents of a VAE."""

from __future__ import annotations

from collections.abc import Callable
from operator import methodcaller
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.distributions import Distribution

from vae_exp.checkpoints import load_weights, read_checkpoint, run_checkpoint
from vae_exp.distributions.alike import rsample_alike
from vae_exp.distributions.center import center
from vae_exp.distributions.flowed import Flowed
from vae_exp.distributions.of_a_draw import OfADraw
from vae_exp.distributions.one_hots import OneHots
from vae_exp.distributions.tempered import tempered
from vae_exp.errors import UserError
from vae_exp.heads.base import Posterior
from vae_exp.models.class_and_style import ClassAndStyle
from vae_exp.models.class_model import ByClass, ClassModel
from vae_exp.models.misfit import refuse_misfit
from vae_exp.models.vae import VAE
from vae_exp.priors.base import Prior
from vae_exp.types import Batch, Count, DataSpec, Draw, Latent, Positive, VAEOutput


class M1M2(ClassModel):
    """p(x, v, y, z) = p(y) p(z) p(v|y, z) p(x|v), with q(v|x) q(y|v) q(z|v, y): M2 upon the latents v of a VAE, M1.

    M1's weights are those of a trained run, taken when training begins and not changed. Without such a run M1 is
    trained along with the rest. The features v are drawn anew at each step.

    Args:
        spec: What an example looks like.
        m1: (spec) -> VAE; of a trained run, the settings are that run's.
        features: Folder of the run that M1's weights are taken from; None to train them, too.
        latent_dim: Dimensions of the style z.
        temperature: Of relaxed classes, which losses other than loss=m2 train with.
        classifier: (in_shape, out_shape) -> network of q(y|v).
        encoder: (in_shape, out_shape, context_dim) -> network of q(z|v, y).
        decoder: (in_shape, out_shape, context_dim) -> network of p(v|y, z).
        posterior: (event_shape) -> head for q(z|v, y).
        prior: (event_shape, x_shape) -> p(z).
        feature_prior: (event_shape) -> head for p(v|y, z), which takes the place of M1's own prior.

    Raises:
        ValueError: the data have no labels, or the parts do not fit each other.

    Source: Kingma et al., 2014, "Semi-supervised learning with deep generative models", sec. 2 and 4.1,
        arXiv:1406.5298
    """

    def __init__(
        self,
        *,
        spec: DataSpec,
        m1: Callable[..., VAE],
        features: str | None,
        latent_dim: Count,
        temperature: Positive,
        classifier: Callable[..., nn.Module],
        encoder: Callable[..., nn.Module],
        decoder: Callable[..., nn.Module],
        posterior: Callable[..., Posterior],
        prior: Callable[..., Prior],
        feature_prior: Callable[..., Posterior],
    ) -> None:
        lower = m1(spec=spec)
        if not isinstance(lower, VAE) or lower.conditional or not lower.density or lower.posterior.space != "real":
            raise ValueError("model.m1 should be a VAE with real latents, a density and no context")
        super().__init__(spec=spec, likelihood=lambda event_shape: lower.likelihood)
        self.m1, self.features = lower.requires_grad_(features is None), features
        v_shape = lower.posterior.event_shape
        self.parts = ClassAndStyle(
            v_shape=v_shape,
            num_classes=spec.num_classes,
            temperature=temperature,
            classifier=classifier,
            encoder=encoder,
            decoder=decoder,
            posterior=posterior(event_shape=(latent_dim,)),
            prior=prior(event_shape=(latent_dim,), x_shape=v_shape),
            output=feature_prior(event_shape=v_shape),
        )
        self.density, self.covers = self.parts.posterior.density, lower.covers and self.parts.posterior.covers

    def start_from_data(self, x: Tensor) -> None:
        """Take M1's weights from its run; a run that goes on, or is loaded, has them in its own checkpoint.

        Raises:
            UserError: There is no such run, or it is of another model than model.m1.
        """
        del x
        if self.features is not None:
            checkpoint = read_checkpoint(run_checkpoint(Path(self.features).expanduser(), "model.features"))
            load_weights(self.m1, checkpoint, "model.m1")

    def train(self, mode: bool = True) -> M1M2:
        super().train(mode)
        if self.features is not None:
            self.m1.eval()
        return self

    def forward(self, batch: Batch, num_samples: int = 1) -> VAEOutput:
        q = self.m1.encode(batch["x"])
        v = q.rsample(torch.Size([num_samples]))
        q_y = self.parts.classify(v)
        y = q_y.rsample()
        latents, p_x = self._given(q, v, y, methodcaller("rsample"))
        return VAEOutput((Latent(q_y, self.parts.classes(), y), *latents), p_x)

    def by_class(self, batch: Batch) -> ByClass:
        q = self.m1.encode(batch["x"])
        v = q.rsample()
        return ByClass(self.parts.classify(v), self.parts.classes(), lambda y: self._given(q, v, y, rsample_alike))

    def classify(self, batch: Batch) -> OneHots:
        return self.parts.classify(center(self.m1.encode(batch["x"])))

    def reconstruct(self, batch: Batch) -> Distribution:
        return self.m1.reconstruct({"x": batch["x"]})

    def latents(self, batch: Batch) -> Tensor:
        y, z, v = self._centers(batch)
        return torch.cat((y, z, v), dim=-1)

    def as_classes(self, batch: Batch, y: Tensor) -> Distribution:
        _, z, _ = self._centers(batch)
        classes = self.one_hot(y)[:, None].expand(-1, len(z), -1)
        return self.m1.decode(center(self.parts.decode(z.expand(len(y), *z.shape), classes)))

    def sample(
        self, n: int, y: Tensor | None = None, temperature: float = 1.0, draw: Draw | None = None
    ) -> Distribution:
        if draw is not None:
            raise UserError("sampler: a density of latents needs one latent group, and this model has several")
        z = tempered(self.parts.styles(), temperature).sample(torch.Size([n]))
        p_v = self.parts.decode(z, self.one_hot(self.in_turn(n) if y is None else y))
        return self.m1.decode(tempered(p_v, temperature).sample())

    @torch.no_grad()
    def properties(self) -> frozenset[str]:
        self.m1.properties()  # refuses parts that do not go together
        self._refuse_unknown_density()
        v = torch.zeros(2, *self.parts.v_shape, device=self.parts.logits.device)
        if not self.density:
            return frozenset(("classes",))
        refuse_misfit(self.parts.encode(v, self.one_hot(self.in_turn(2))), self.parts.styles())
        return frozenset(("classes", "density"))

    def _refuse_unknown_density(self) -> None:
        posterior = self.m1.posterior
        q = posterior(torch.zeros(1, *posterior.params_shape, device=self.parts.logits.device))
        if isinstance(q, Flowed) and q.inverse is None:
            raise UserError(
                f"model/posterior@model.m1.posterior={q.name} knows the density of its own latest samples only, and "
                "this model asks for it under every class; use iaf"
            )

    def _given(self, q: Distribution, v: Tensor, y: Tensor, draw: Callable[[Distribution], Tensor]) -> VAEOutput:
        """What follows from the features v [..., B, d] and the classes y [..., B, C]."""
        q_z = self.parts.encode(v, y)
        z = draw(q_z)
        p_v = OfADraw(self.parts.decode(z, y))
        lower = Latent(q, p_v, v.expand(*y.shape[:-1], v.shape[-1]))
        return VAEOutput((Latent(q_z, self.parts.styles(), z), lower), self.m1.decode(v))

    def _centers(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """The features, the most likely class and the centre of the style under both: y, z, v."""
        v = center(self.m1.encode(batch["x"]))
        y = center(self.parts.classify(v))
        return y, center(self.parts.encode(v, y)), v
