"""What posteriors of codes have in common."""

from __future__ import annotations

from abc import abstractmethod

from torch import Tensor
from torch.distributions import Distribution

from vae_exp.distributions.code_vectors import CodeVectors
from vae_exp.heads.base import Posterior
from vae_exp.types import Space


class CodePosterior(Posterior):
    """At each of several positions one of `categories` codes, each of which is a vector of `code_dim` numbers.

    A latent holds the vectors as a picture does its channels, [code_dim, positions] made flat, so that a convolutional
    network can give and take it.

    Args:
        event_shape: Shape of the latent, (latent_dim,), positions times code_dim.
        code_dim: Numbers of a code's vector.
        categories: Number of codes.

    Raises:
        ValueError: latent_dim is no multiple of code_dim.
    """

    params_per_dim = 1
    space: Space = "codes"
    sample_density = False
    covers = False

    def __init__(self, *, event_shape: tuple[int, ...], code_dim: int, categories: int) -> None:
        super().__init__(event_shape=event_shape)
        (latent_dim,) = event_shape
        if latent_dim % code_dim:
            fitting = code_dim * max(1, latent_dim // code_dim)
            raise ValueError(
                f"latent_dim={latent_dim} is no multiple of {code_dim}, the numbers of a code's vector; it is the "
                f"number of codes of an example times that, such as latent_dim={fitting}"
            )
        self.positions, self.code_dim, self.categories = latent_dim // code_dim, code_dim, categories

    @property
    def prior_shape(self) -> tuple[int, ...]:
        return (self.positions, self.categories)

    def latents_of(self, p: Distribution) -> Distribution:
        return CodeVectors(p, self)

    def vectors(self, codes: Tensor) -> Tensor:
        """Latents of codes, [..., positions] int64 -> [..., latent_dim]."""
        return self.flat(self.lookup(codes))

    def codes(self, z: Tensor) -> Tensor:
        """The codes whose vectors are nearest to a latent's, [..., latent_dim] -> [..., positions] int64."""
        return self.nearest(self.by_position(z))

    def by_position(self, z: Tensor) -> Tensor:
        """[..., latent_dim] -> [..., positions, code_dim]."""
        return z.reshape(*z.shape[:-1], self.code_dim, self.positions).transpose(-1, -2)

    def flat(self, vectors: Tensor) -> Tensor:
        """[..., positions, code_dim] -> [..., latent_dim]."""
        return vectors.transpose(-1, -2).flatten(-2)

    @abstractmethod
    def lookup(self, codes: Tensor) -> Tensor:
        """Vectors of codes, [...] int64 -> [..., code_dim]."""

    @abstractmethod
    def nearest(self, vectors: Tensor) -> Tensor:
        """The code whose vector is nearest, [..., code_dim] -> [...] int64."""
