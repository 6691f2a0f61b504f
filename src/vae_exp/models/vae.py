"""The variational autoencoder with one group of latents."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.distributions import Distribution
from torch.nn.modules.batchnorm import _BatchNorm

from vae_exp.distributions.center import center
from vae_exp.distributions.code_point import CodePoint
from vae_exp.distributions.delta import Delta
from vae_exp.distributions.detached import detachable
from vae_exp.distributions.kl import kl_per_dim
from vae_exp.distributions.tempered import tempered
from vae_exp.errors import UserError, of_kind
from vae_exp.heads.base import Likelihood, Posterior
from vae_exp.heads.offset import MeanOffset
from vae_exp.models.base import Model
from vae_exp.models.misfit import refuse_misfit
from vae_exp.nets.spectral_norm import has_spectral_norm
from vae_exp.priors.base import Prior
from vae_exp.types import Batch, Count, CountOrZero, DataSpec, Draw, Latent, VAEOutput


def one_group(model: Model, what: str) -> VAE:
    """The model, if it has one latent group to encode to and decode from.

    Args:
        model: Any model.
        what: What needs it, the beginning of the sentence of an error.

    Raises:
        UserError: It is none.
    """
    if isinstance(model, VAE):
        return model
    raise UserError(f"{what} needs a VAE of one latent group, and {type(model).__name__} is none")


class VAE(Model):
    """p(x, z) = p(x|z) p(z), with q(z|x) for the posterior; its parts are chosen apart from each other.

    The parts come unfinished, since only the model knows their sizes. With a context c all but the prior are
    conditional: p(x|z, c), q(z|x, c).

    Args:
        spec: What an example looks like.
        latent_dim: Number of latent dimensions.
        context: What else encoder and decoder are told: nothing, or the example's label.
        label_embedding: Width of a learned embedding of the labels, 0 for one-hot vectors.
        start_at_data_mean: Whether the decoder's output starts at the mean of the training examples.
        encoder: (in_shape, out_shape) -> network from examples to the posterior's parameters.
        decoder: (in_shape, out_shape) -> network from latents to the likelihood's parameters.
        posterior: (event_shape) -> head for q(z|x).
        prior: (event_shape, x_shape) -> p(z).
        likelihood: (event_shape) -> head for p(x|z).

    Raises:
        ValueError: the parts do not fit each other or the data.

    Source: Kingma & Welling, 2014, "Auto-encoding variational Bayes", arXiv:1312.6114; with a context: Sohn et al.,
        2015, "Learning structured output representation using deep conditional generative models"
    """

    def __init__(
        self,
        *,
        spec: DataSpec,
        latent_dim: Count,
        context: Literal["none", "label"],
        label_embedding: CountOrZero,
        start_at_data_mean: bool,
        encoder: Callable[..., nn.Module],
        decoder: Callable[..., nn.Module],
        posterior: Callable[..., Posterior],
        prior: Callable[..., Prior],
        likelihood: Callable[..., Likelihood],
    ) -> None:
        super().__init__(spec=spec, likelihood=likelihood)
        latent_shape = (latent_dim,)
        self.posterior = of_kind(posterior(event_shape=latent_shape), Posterior, "model.posterior")
        made = prior(event_shape=self.posterior.prior_shape, x_shape=spec.x_shape)
        self.prior = of_kind(made, Prior, "model.prior")
        if self.posterior.space != self.prior.space:
            raise ValueError(
                f"the posterior {type(self.posterior).__name__} lives on the space '{self.posterior.space}', the prior "
                f"{type(self.prior).__name__} on '{self.prior.space}'; choose model/posterior and model/prior alike"
            )
        self.density, self.covers = self.posterior.density, self.posterior.covers
        self.conditional = context == "label"
        if self.conditional and spec.num_classes == 0:
            raise ValueError("context=label needs labels, and this data set has none; use model.context=none")
        self.embedding = (
            nn.Embedding(spec.num_classes, label_embedding) if self.conditional and label_embedding else None
        )
        if self.conditional and self.prior.of_encoder:
            raise ValueError(
                f"the prior {type(self.prior).__name__} is made of the encoder and has no labels to tell it; "
                "use model.context=none, or another model/prior"
            )
        # A network that knows of no context can still be part of a model without one.
        told = {"context_dim": label_embedding or spec.num_classes} if self.conditional else {}
        inwards = encoder(spec.x_shape, self.posterior.params_shape, **told)
        outwards = decoder(latent_shape, self.likelihood.params_shape, **told)
        self.encoder = of_kind(inwards, nn.Module, "model.encoder")
        self.decoder = of_kind(outwards, nn.Module, "model.decoder")
        self.offset = MeanOffset(self.likelihood) if start_at_data_mean else None

    def context(self, y: Tensor | None) -> Tensor | None:
        """Labels [B] -> what the networks are told of them [B, context_dim]; None where the model has no context.

        Raises:
            UserError: The model needs labels and there are none.
        """
        if not self.conditional:
            return None
        classes = self.spec.num_classes
        if y is None or _out_of_range(y, classes):
            raise UserError(
                f"model.context=label needs the label of every example, 0 to {classes - 1}; use model.context=none"
            )
        return F.one_hot(y, classes).float() if self.embedding is None else self.embedding(y)

    def encode(self, x: Tensor, y: Tensor | None = None) -> Distribution:
        """q(z|x), x [B, *x_shape] in [0, 1], with labels y [B] where the model has a context -> batch_shape [B]."""
        c = self.context(y)
        q: Distribution = self.posterior(self.encoder(x) if c is None else self.encoder(x, c))
        return q

    def decode(self, z: Tensor, y: Tensor | None = None) -> Distribution:
        """p(x|z), z [..., latent_dim], with labels y that broadcast to [...] -> batch_shape [...]."""
        leading = z.shape[:-1]
        c = self.context(None if y is None else y.expand(leading).reshape(-1))
        flat = z.reshape(-1, z.shape[-1])
        params = self.decoder(flat) if c is None else self.decoder(flat, c)
        if self.offset is not None:
            params = self.offset(params)
        p_x: Distribution = self.likelihood(params.reshape(*leading, *params.shape[1:]))
        return p_x

    def p_z(self) -> Distribution:
        """p(z), batch_shape []."""
        return self.posterior.latents_of(self.prior(self.encode))

    def forward(self, batch: Batch, num_samples: int = 1) -> VAEOutput:
        y = batch.get("y")
        q = self.encode(batch["x"], y)
        z = q.rsample(torch.Size([num_samples]))
        return VAEOutput((Latent(q, self.p_z(), z),), self.decode(z, y))

    def reconstruct(self, batch: Batch) -> Distribution:
        return self.decode(self.latents(batch), batch.get("y"))

    def latents(self, batch: Batch) -> Tensor:
        return center(self.encode(batch["x"], batch.get("y")))

    def as_classes(self, batch: Batch, y: Tensor) -> Distribution:
        """p(x|z, y) with each example's own z, at its centre, as classes y [S] -> batch_shape [S, B]."""
        z = self.latents(batch)
        return self.decode(z.expand(len(y), *z.shape), y[:, None])

    @torch.no_grad()
    def properties(self) -> frozenset[str]:
        was_training = self.training
        x = torch.zeros(2, *self.spec.x_shape, device=next(self.parameters()).device)
        y = torch.zeros(2, dtype=torch.long, device=x.device) if self.conditional else None
        self.eval()._refuse_shapes(x, y)
        q, p = self.encode(x, y), self.p_z()
        self.train(was_training)
        if self.density:
            refuse_misfit(q, p)
        found = {"one_group": True, "density": self.density, "real": self.posterior.space == "real"}
        found["sample_density"] = self.density and self.posterior.sample_density
        found["detachable"] = self.density and detachable(q)
        found["fixed_prior"] = not any(weight.requires_grad for weight in self.prior.parameters())
        found["point"], found["codes"] = isinstance(q, Delta), isinstance(q, CodePoint)
        found["separate"] = not any(isinstance(layer, _BatchNorm) for layer in self.decoder.modules())
        found["spectral_norm"] = has_spectral_norm(self.decoder)
        found["factorised"] = self.density and kl_per_dim(q, p) is not None
        return frozenset(name for name, holds in found.items() if holds)

    def _refuse_shapes(self, x: Tensor, y: Tensor | None) -> None:
        told = [] if y is None else [self.context(y)]
        z = x.new_zeros(len(x), *self.posterior.event_shape)
        for key, given, wanted in (("encoder", x, self.posterior), ("decoder", z, self.likelihood)):
            network, shape = getattr(self, key), list(wanted.params_shape)
            if (found := list(network(given, *told).shape[1:])) != shape:
                name = type(network).__name__
                raise UserError(f"model.{key}: {name} gives {found} for an example, where out_shape is {shape}")

    def sample_latents(self, n: int, temperature: float = 1.0) -> Tensor:
        """Draw from the prior, [n, latent_dim]."""
        return tempered(self.p_z(), temperature).sample(torch.Size([n]))

    def sample(
        self, n: int, y: Tensor | None = None, temperature: float = 1.0, draw: Draw | None = None
    ) -> Distribution:
        if y is None and self.conditional:
            y = torch.arange(n, device=next(self.parameters()).device) % self.spec.num_classes
        z = self.sample_latents(n, temperature) if draw is None else draw(n, y, temperature)
        return self.decode(z, y)


def _out_of_range(y: Tensor, classes: int) -> bool:
    """Whether some labels are no classes; looked for where that waits for no device and breaks no graph."""
    if torch.compiler.is_compiling() or y.device.type != "cpu":
        return False
    return bool(((y < 0) | (y >= classes)).any())
