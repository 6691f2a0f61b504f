"""What every model is: a generative model of examples with latents in any number of groups, and their posterior."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from torch import Tensor, nn
from torch.distributions import Distribution

from vae_exp.errors import of_kind
from vae_exp.heads.base import Likelihood
from vae_exp.types import Batch, DataSpec, Draw, VAEOutput


class Model(nn.Module, ABC):
    """p(x|z) p(z) with q(z|x), for whatever trains, measures, draws and samples it.

    What holds for one latent group alone (`encode`, `decode`, a `prior`) is `models.vae.VAE`'s; who needs it asks for
    a VAE.

    Args:
        spec: What an example looks like.
        likelihood: (event_shape) -> head for p(x|z).

    Raises:
        ValueError: the likelihood does not fit the data.
    """

    density: bool = True
    """Whether q(z|x) has a density, without which there is no rate."""

    covers: bool = True
    """Whether q(z|x) > 0 wherever p(z) > 0, without which importance sampling gives no likelihood."""

    conditional: bool = False
    """Whether examples are drawn of a class, by the y of `sample`."""

    def __init__(self, *, spec: DataSpec, likelihood: Callable[..., Likelihood]) -> None:
        super().__init__()
        self.spec = spec
        self.likelihood = of_kind(likelihood(event_shape=spec.x_shape), Likelihood, "model.likelihood")
        self.suffix = self.likelihood.suffix(spec.values)

    @abstractmethod
    def forward(self, batch: Batch, num_samples: int = 1) -> VAEOutput:
        """Draw `num_samples` latents from the posterior of each example, group by group, and decode them."""

    @abstractmethod
    def reconstruct(self, batch: Batch) -> Distribution:
        """p(x|z) at the centre of q(z|x); batch_shape [B]."""

    @abstractmethod
    def latents(self, batch: Batch) -> Tensor:
        """The centre of q(z|x), or the point that stands for it, all groups side by side; [B, D]."""

    @abstractmethod
    def sample(
        self, n: int, y: Tensor | None = None, temperature: float = 1.0, draw: Draw | None = None
    ) -> Distribution:
        """p(x|z) for `n` latents from the prior, its spread multiplied by the temperature; batch_shape [n].

        Args:
            n: Number of examples.
            y: Classes [n]; a conditional model draws them in turn where there are none.
            temperature: Factor on the prior's spread.
            draw: Gives latents in the place of the prior, for a model with one latent group.
        """

    @abstractmethod
    def properties(self) -> frozenset[str]:
        """What a loss may need of a model, by the names of `losses.base.MEANING`.

        Raises:
            UserError: Its parts do not go together.
        """
