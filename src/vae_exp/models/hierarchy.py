"""What models have in common whose latents come in groups, one below the other."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.distributions import Distribution

from vae_exp.distributions.center import center
from vae_exp.distributions.tempered import tempered
from vae_exp.errors import UserError
from vae_exp.heads.posteriors.diag_normal import DiagNormal
from vae_exp.models.base import Model
from vae_exp.types import Batch, Draw, Latent, VAEOutput

Pick = Callable[[Distribution, Distribution, torch.Size], Tensor]
"""(q, p, number of values as a shape) -> values of a group."""


class Rung(nn.Module, ABC):
    """One latent group: from what is above it to its two densities, and from a value of it to what is below.

    Args:
        head: Parameters -> Gaussian over one value of the group.
    """

    def __init__(self, head: DiagNormal) -> None:
        super().__init__()
        self.head = head

    def gaussian(self, params: Tensor, leading: torch.Size) -> Distribution:
        """The Gaussian of parameters [N, *params_shape], batch_shape `leading`, whose product is N."""
        made: Distribution = self.head(params.unflatten(0, leading))
        return made

    @abstractmethod
    def forward(
        self, above: Tensor, seen: Tensor | None, leading: torch.Size
    ) -> tuple[Distribution | None, Distribution, Tensor]:
        """The group's densities given the groups above it.

        Args:
            above: What the groups above have come to, [N, ...].
            seen: What the example says of this group, [N, ...]; None where there is no example.
            leading: batch_shape of the densities, whose product is N.

        Returns:
            q(z_l | z_<l, x), None without an example; p(z_l | z_<l); and `above` with what was found for the prior.
        """

    @abstractmethod
    def below(self, above: Tensor, z: Tensor) -> Tensor:
        """What the groups down to this one come to, given its value z [N, *event_shape]; [N, ...]."""


class Hierarchy(Model, ABC):
    """p(x, z) = p(x | z) prod_l p(z_l | z_<l) with q(z | x) = prod_l q(z_l | z_<l, x), from the top group downward.

    All of them are Gaussians with independent dimensions, given the groups above. KL(q || p) is the expectation of
    sum_l KL(q(z_l | z_<l, x) || p(z_l | z_<l)), each in closed form; below the top they depend on the sample above,
    hence their batch_shape [K, B].
    """

    rungs: Sequence[Rung]
    """From the top group to the one nearest to the data; a module list."""

    @abstractmethod
    def bottom_up(self, x: Tensor) -> list[Tensor]:
        """What examples [B, *x_shape] say of each group, in the order of `rungs`; [B, ...] each."""

    @abstractmethod
    def top(self, n: int) -> Tensor:
        """What is above the top group, the same for all n examples; [n, ...]."""

    @abstractmethod
    def decoder(self, above: Tensor) -> Tensor:
        """What all groups have come to, [N, ...] -> the likelihood's parameters, [N, *params_shape]."""

    def forward(self, batch: Batch, num_samples: int = 1) -> VAEOutput:
        x = batch["x"]
        latents, params = self._descend(self.bottom_up(x), len(x), _posterior, num_samples)
        p_x: Distribution = self.likelihood(params.unflatten(0, (num_samples, len(x))))
        return VAEOutput(latents, p_x)

    def reconstruct(self, batch: Batch) -> Distribution:
        """p(x|z) at the centre of the top group's posterior, that of the next given it, and so on; batch_shape [B]."""
        p_x: Distribution = self.likelihood(self._at_centres(batch)[1])
        return p_x

    def latents(self, batch: Batch) -> Tensor:
        return torch.cat([latent.z[0].flatten(1) for latent in self._at_centres(batch)[0]], dim=1)

    def sample(
        self, n: int, y: Tensor | None = None, temperature: float = 1.0, draw: Draw | None = None
    ) -> Distribution:
        """p(x|z) for n latents from the prior, the spread of each group's multiplied by the temperature."""
        if draw is not None:
            raise UserError(f"sampler: a density of latents needs one latent group, and there are {len(self.rungs)}")

        def prior(_: Distribution, p: Distribution, size: torch.Size) -> Tensor:
            return tempered(p, temperature).sample(size)

        p_x: Distribution = self.likelihood(self._descend(None, n, prior, 1)[1])
        return p_x

    def given_top(self, batch: Batch, num_groups: int, temperature: float) -> Distribution:
        """p(x|z) with the centres of q for the first groups, and the prior's draws for those below; batch_shape [B].

        Args:
            batch: Examples.
            num_groups: Groups that the examples decide, from the top.
            temperature: Factor on the spread of the prior of the others.
        """
        left = [num_groups]

        def pick(q: Distribution, p: Distribution, size: torch.Size) -> Tensor:
            left[0] -= 1
            return _centre(q, p, size) if left[0] >= 0 else tempered(p, temperature).sample(size)

        x = batch["x"]
        p_x: Distribution = self.likelihood(self._descend(self.bottom_up(x), len(x), pick, 1)[1])
        return p_x

    def properties(self) -> frozenset[str]:
        return frozenset({"density", "sample_density", "real", "factorised"})

    def _at_centres(self, batch: Batch) -> tuple[tuple[Latent, ...], Tensor]:
        return self._descend(self.bottom_up(batch["x"]), len(batch["x"]), _centre, 1)

    def _descend(
        self, seen: list[Tensor] | None, n: int, pick: Pick, num_samples: int
    ) -> tuple[tuple[Latent, ...], Tensor]:
        """Go from the top group to the data; the parameters of p(x|z) are of K n rows, sample after sample.

        The top group's densities are the same for all samples and are computed once.
        """
        above, leading, latents = self.top(n), torch.Size([n]), []
        for index, rung in enumerate(self.rungs):
            told = None if seen is None else seen[index]
            if index == 1:  # from here on all depends on the sample
                leading = torch.Size([num_samples, n])
            if told is not None and index > 0:
                told = told.repeat(num_samples, *[1] * (told.ndim - 1))
            q, p, above = rung(above, told, leading)
            known = p if q is None else q
            z = pick(known, p, torch.Size([num_samples] if index == 0 else []))
            if index == 0:
                above = above.repeat(num_samples, *[1] * (above.ndim - 1))
            latents.append(Latent(known, p, z))
            above = rung.below(above, z.flatten(0, 1))
        return tuple(latents), self.decoder(above)


def _posterior(q: Distribution, p: Distribution, size: torch.Size) -> Tensor:
    del p
    return q.rsample(size)


def _centre(q: Distribution, p: Distribution, size: torch.Size) -> Tensor:
    del p
    point = center(q)
    return point.expand(*size, *point.shape)
