"""The negative log-likelihood by annealed importance sampling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from torch import Tensor

from vae_exp.analysis.annealed import annealed_nll
from vae_exp.metrics.base import Examples, OfASet, Stage, with_error
from vae_exp.models.vae import VAE
from vae_exp.types import Count


class AnnealedNLL(OfASet):
    """nll_ais = -log p(x) by chains from the prior (or q) to the posterior, nats per example.

    It does not rest on q(z|x) being good, as the importance-sampled nll does: a gap between the two, on the same
    examples, is the encoder's. ais_acceptance is the share of accepted steps; far from 0.65, take more temperatures.

    Args:
        stages: When it is computed.
        num_examples: The first so many examples are measured.
        start: Where chains begin: the prior, or q(z|x).
        num_temperatures: Steps from there to the posterior.
        num_chains: Chains for each example.
        leapfrog_steps: Of each Hamiltonian step.
        rows: Latents decoded at a time; bounds the memory.

    Source: Wu et al., 2017, "On the quantitative analysis of decoder-based generative models", arXiv:1611.04273
    """

    def __init__(
        self,
        *,
        stages: Sequence[Stage],
        num_examples: Count,
        start: Literal["prior", "posterior"],
        num_temperatures: Count,
        num_chains: Count,
        leapfrog_steps: Count,
        rows: Count,
    ) -> None:
        super().__init__(stages=stages)
        self.num_examples, self.start = num_examples, start
        self.num_temperatures, self.num_chains = num_temperatures, num_chains
        self.leapfrog_steps, self.rows = leapfrog_steps, rows

    def figures(self, stage: Stage, model: Any, examples: Examples) -> dict[str, Tensor]:
        if (
            not isinstance(model, VAE) or not model.density or model.posterior.space != "real"
        ):  # paths need a flat space
            return {}
        nats, accepted = annealed_nll(
            model,
            examples(stage, self.num_examples),
            start=self.start,
            num_temperatures=self.num_temperatures,
            num_chains=self.num_chains,
            leapfrog_steps=self.leapfrog_steps,
            rows=self.rows,
        )
        return {**with_error("nll_ais", nats), "ais_acceptance": accepted.mean()}
