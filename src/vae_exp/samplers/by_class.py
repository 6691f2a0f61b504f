"""Fitted densities of a model's latents: one, or one for each class where the model is told of classes."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from vae_exp.distributions.tempered import tempered
from vae_exp.errors import UserError, reason_of
from vae_exp.models.base import Model
from vae_exp.models.vae import one_group
from vae_exp.samplers.base import Sampler
from vae_exp.types import Batch


class ByClass(nn.Module):
    """p(z), or p(z|y) for a model with a context.

    Args:
        model: Whose latents they are.
        sampler: (event_shape) -> density to be fitted.
        temperature: At which the latents will be drawn.

    Raises:
        UserError: The latents are no real vectors of one group, or the density has no meaning at the temperature.
    """

    def __init__(self, model: Model, sampler: Callable[..., Sampler], temperature: float) -> None:
        super().__init__()
        model = one_group(model, "sampler: a density of latents")
        if model.posterior.space != "real":
            raise UserError(
                f"sampler: densities are fitted to latents that are real vectors, and those of this run's "
                f"{type(model.posterior).__name__} lie on the space '{model.posterior.space}'; use sampler=prior"
            )
        self.conditional = model.conditional
        count = model.spec.num_classes if model.conditional else 1
        self.densities = nn.ModuleList(sampler(event_shape=model.posterior.event_shape) for _ in range(count))
        tempered(self.densities[0](), temperature)  # refuses before the work of fitting

    def fit(self, z: Tensor, y: Tensor | None) -> None:
        """Fit each density to the latents of its class.

        Args:
            z: Latents [N, latent_dim].
            y: Their classes [N], needed by a model with a context.

        Raises:
            UserError: There are too few latents of a class, or they are not finite.
        """
        if not z.isfinite().all():
            raise UserError("sampler: no density can be fitted, as some latents of this run are not finite numbers")
        for label, density in enumerate(self.densities):
            of_class = f" to class {label}" if self.conditional else ""
            assert isinstance(density, Sampler)
            try:
                density.fit(z[y == label] if self.conditional else z)
            except ValueError as error:
                raise UserError(f"sampler: cannot be fitted{of_class}: {reason_of(error)}") from error

    @torch.no_grad()
    def draw(self, n: int, y: Tensor | None = None, temperature: float = 1.0) -> Tensor:
        """Latents [n, latent_dim], of the classes y [n] for a model with a context.

        Raises:
            UserError: The density has no meaning at that temperature.
        """
        if not self.conditional:
            return tempered(self.densities[0](), temperature).sample(torch.Size([n]))
        assert y is not None
        labels, counts = y.unique(return_counts=True)
        drawn = [
            tempered(self.densities[label](), temperature).sample(torch.Size([count]))
            for label, count in zip(labels.tolist(), counts.tolist(), strict=True)
        ]
        z = torch.cat(drawn)  # class after class
        return z.index_select(0, y.argsort(stable=True).argsort())


@torch.no_grad()
def aggregated_posterior(model: Model, batches: Iterable[Batch]) -> tuple[Tensor, Tensor | None]:
    """One draw z ~ q(z|x) for each example.

    Args:
        model: In evaluation mode.
        batches: Prepared examples, on the model's device.

    Returns:
        z [N, latent_dim], and the classes [N] where the examples have them.
    """
    latents, labels = [], []
    model = one_group(model, "sampler: a density of latents")
    for batch in batches:
        latents.append(model.encode(batch["x"], batch.get("y")).sample())
        if "y" in batch:
            labels.append(batch["y"])
    return torch.cat(latents), torch.cat(labels) if labels else None
