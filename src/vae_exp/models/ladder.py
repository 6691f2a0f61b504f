"""The ladder variational autoencoder, with fully connected networks."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.distributions import Distribution

from vae_exp.distributions.merged import merged
from vae_exp.heads.base import Likelihood
from vae_exp.heads.posteriors.diag_normal import DiagNormal
from vae_exp.models.hierarchy import Hierarchy, Rung
from vae_exp.nets.initialise import Init, initialise
from vae_exp.nets.layers import Activation, Norm, tail
from vae_exp.nets.mlp import MLP
from vae_exp.types import Count, CountOrZero, DataSpec


class Ladder(Hierarchy):
    """A chain of latent vectors of which each depends on the one above, and the data on the lowest.

    p(z_l | z_<l) = N(mu_p, var_p), both of z_{l-1}, and N(0, 1) at the top.
    q(z_l | z_<l, x) is the product of p(z_l | z_{l-1}) and of what the example says by itself, N(mu(d_l), var(d_l)),
    normalised; at the top it is the latter. d_l are the features of a network that goes from the data upward.

    Args:
        spec: What an example looks like.
        latent_dims: Latent dimensions of each group, from the one nearest to the data upward.
        hidden: Widths of the networks below each group, upward and downward.
        depth: Hidden layers of each of these networks; 0 makes all of them linear.
        activation: Activation, by its name in torch.nn.
        norm: Normalisation before each activation.
        init: How the weights are drawn.
        min_log_var: Lower bound of all log-variances before they are merged.
        max_log_var: Upper bound of them.
        likelihood: (event_shape) -> head for p(x|z).

    Raises:
        ValueError: there are no groups, or not as many widths as groups.

    Source: Sonderby et al., 2016, "Ladder variational autoencoders", eq. 7-14, arXiv:1602.02282
    """

    def __init__(
        self,
        *,
        spec: DataSpec,
        latent_dims: Sequence[Count],
        hidden: Sequence[Count],
        depth: CountOrZero,
        activation: Activation,
        norm: Norm,
        init: Init,
        min_log_var: float,
        max_log_var: float,
        likelihood: Callable[..., Likelihood],
    ) -> None:
        super().__init__(spec=spec, likelihood=likelihood)
        if not latent_dims or len(latent_dims) != len(hidden):
            raise ValueError(
                f"latent_dims={list(latent_dims)} and hidden={list(hidden)} should have one entry for each latent group"
            )

        def net(before: int, out_shape: tuple[int, ...], width: int) -> MLP:
            return MLP((before,), out_shape, hidden=[width] * depth, activation=activation, norm=norm, init=init)

        self.features, rungs = nn.ModuleList(), []
        before = math.prod(spec.x_shape)
        for level, (dim, width) in enumerate(zip(latent_dims, hidden, strict=True)):
            self.features.append(_trunk(before, width, depth, activation, norm))
            before = width if depth else before
            head = DiagNormal(event_shape=(dim,), min_log_var=min_log_var, max_log_var=max_log_var)
            last = level == len(hidden) - 1
            prior = None if last else net(latent_dims[level + 1], head.params_shape, hidden[level + 1])
            rungs.append(LadderRung(head, nn.Linear(before, head.params_shape[0]), prior))
        self.rungs = nn.ModuleList(rungs[::-1])  # type: ignore[assignment]
        self.to_data = net(latent_dims[0], self.likelihood.params_shape, hidden[0])
        initialise(self, init)

    def bottom_up(self, x: Tensor) -> list[Tensor]:
        found, features = [], x.flatten(1)
        for trunk in self.features:
            features = trunk(features)
            found.append(features)
        return [rung.opinion(own) for rung, own in zip(self.rungs, found[::-1], strict=True)]  # type: ignore[operator]

    def top(self, n: int) -> Tensor:
        return next(self.parameters()).new_zeros(n, 0)

    def decoder(self, above: Tensor) -> Tensor:
        params: Tensor = self.to_data(above)
        return params


class LadderRung(Rung):
    """A latent vector; what is above and below it are the values of its neighbours.

    Args:
        head: Parameters -> Gaussian.
        opinion: Features of the example -> parameters, which are what it says of the group by itself.
        prior: The vector above -> parameters; None at the top.
    """

    def __init__(self, head: DiagNormal, opinion: nn.Module, prior: nn.Module | None) -> None:
        super().__init__(head)
        self.opinion, self.prior = opinion, prior

    def forward(
        self, above: Tensor, seen: Tensor | None, leading: torch.Size
    ) -> tuple[Distribution | None, Distribution, Tensor]:
        zero = above.new_zeros(len(above), *self.head.params_shape)
        p = self.gaussian(zero if self.prior is None else self.prior(above), leading)
        if seen is None:
            return None, p, above
        own = self.gaussian(seen, leading)
        return own if self.prior is None else merged(own, p), p, above

    def below(self, above: Tensor, z: Tensor) -> Tensor:
        return z


def _trunk(before: int, width: int, depth: int, activation: Activation, norm: Norm) -> nn.Sequential:
    """Hidden layers that end in features."""
    layers: list[nn.Module] = []
    for index in range(depth):
        layers += [nn.Linear(width if index else before, width), *tail(width, norm, activation, spatial=False)]
    return nn.Sequential(*layers)
