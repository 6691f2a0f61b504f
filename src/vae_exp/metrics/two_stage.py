"""Quality of samples whose latents come from a density fitted to those of the data, and not from the prior."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Distribution

from vae_exp.errors import UserError
from vae_exp.metrics.base import Examples, OfASet, Stage
from vae_exp.metrics.sample_quality import SampleQuality
from vae_exp.metrics.sharpness import Sharpness
from vae_exp.models.base import Model
from vae_exp.models.vae import VAE
from vae_exp.samplers.base import Sampler
from vae_exp.samplers.by_class import ByClass, aggregated_posterior
from vae_exp.types import Count, Draw, in_parts

log = logging.getLogger(__name__)


class TwoStage(OfASet):
    """Distances between such samples and the data, and how sharp they are, under two_stage_NAME.

    First z ~ r(z), a density fitted to the latents of training examples, one z ~ q(z|x) of each; then x ~ p(x|z). Where
    the aggregated posterior is not the prior, the prior's own samples are of latents that the decoder has never seen.

    Args:
        stages: When it is computed.
        sampler: (event_shape) -> density of latents, to be fitted.
        num_fitted: Training examples whose latents it is fitted to, at most.
        rows: Examples encoded at a time; bounds the memory.
        sample_quality: What compares them with the data.
        sharpness: What tells how sharp they are.

    Source: Dai & Wipf, 2019, "Diagnosing and enhancing VAE models", sec. 4, arXiv:1903.05789
    """

    def __init__(
        self,
        *,
        stages: Sequence[Stage],
        sampler: Callable[..., Sampler],
        num_fitted: Count,
        rows: Count,
        sample_quality: SampleQuality,
        sharpness: Sharpness,
    ) -> None:
        super().__init__(stages=stages)
        self.sampler, self.num_fitted, self.rows = sampler, num_fitted, rows
        self.sample_quality, self.sharpness = sample_quality, sharpness

    def figures(self, stage: Stage, model: Any, examples: Examples) -> dict[str, Tensor]:
        """No figures where the latents are no real vectors of one group, or no density can be fitted to them."""
        if not (model.spec.pictures and isinstance(model, VAE) and model.posterior.space == "real"):
            return {}
        density = ByClass(model, self.sampler, temperature=1.0).to(next(model.parameters()))
        try:
            density.fit(*aggregated_posterior(model, in_parts(examples("train", self.num_fitted), self.rows)))
        except UserError as error:  # the other figures are as good as ever
            log.warning("metrics.two_stage: no figures: %s", error)
            return {}
        second = _OfADraw(model, density.draw)
        found = self.sample_quality.figures(stage, second, examples)
        sharp = self.sharpness.figures(stage, second, examples)
        found |= {name: value for name, value in sharp.items() if name.startswith("sharpness_samples")}
        return {f"two_stage_{name}": value for name, value in found.items()}


class _OfADraw:
    """A model whose samples have their latents from elsewhere."""

    def __init__(self, model: Model, draw: Draw) -> None:
        self._model, self._draw = model, draw

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    @torch.no_grad()
    def sample(self, n: int) -> Distribution:
        return self._model.sample(n, draw=self._draw)
