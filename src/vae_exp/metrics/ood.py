"""Whether the model can tell its data from another data set's."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from vae_exp.analysis.likelihood import importance_nll
from vae_exp.analysis.regret import likelihood_regret
from vae_exp.data.datamodule import DataModule
from vae_exp.metrics.base import Examples, OfASet, Stage
from vae_exp.models.class_model import ClassModel
from vae_exp.models.vae import VAE
from vae_exp.types import Batch, Count, CountOrZero, Positive

log = logging.getLogger(__name__)


class OutOfDistribution(OfASet):
    """Area under the ROC curve of telling another data set's examples from this one's, by three scores of an example.

        ood_auroc_nll         nll, by importance sampling
        ood_auroc_typicality  |nll - mean nll of training examples|
        ood_auroc_regret      likelihood regret, of one group with a Gaussian posterior

    1 where every foreign example scores higher than every own one, 1/2 by chance; below 1/2 the model finds the foreign
    ones more likely, as it often does. The other data set must have pictures of the same shape.

    Args:
        stages: When it is computed.
        against: The other data set; its test examples are used.
        num_examples: Examples of either, and of the training set for the mean, at most.
        num_samples: Importance samples of the nll.
        regret_steps: Steps of the regret's optimisation; 0 leaves it out.
        regret_lr: Its learning rate.
        regret_samples: Latents drawn for each example in the regret.
        rows: Latents decoded at a time; bounds the memory.

    Source: Nalisnick et al., 2019, "Detecting out-of-distribution inputs to deep generative models using typicality",
        arXiv:1906.02994; Xiao et al., 2020, "Likelihood regret", arXiv:2003.02977
    """

    def __init__(
        self,
        *,
        stages: Sequence[Stage],
        against: DataModule,
        num_examples: Count,
        num_samples: Count,
        regret_steps: CountOrZero,
        regret_lr: Positive,
        regret_samples: Count,
        rows: Count,
    ) -> None:
        super().__init__(stages=stages)
        self.against, self.num_examples, self.num_samples, self.rows = against, num_examples, num_samples, rows
        self.regret_steps, self.regret_lr, self.regret_samples = regret_steps, regret_lr, regret_samples

    def figures(self, stage: Stage, model: Any, examples: Examples) -> dict[str, Tensor]:
        if not (model.density and model.covers):
            return {}
        self.against.setup()
        own, other = examples(stage, self.num_examples), self.against.examples("test", self.num_examples)
        foreign: Batch = {"x": other["x"].to(own["x"])}
        shape, asked = list(own["x"].shape[1:]), list(foreign["x"].shape[1:])
        told = model.conditional and not isinstance(model, ClassModel)  # which never looks at a label
        if shape != asked or told:
            why = "model.context=label has no labels for them" if told else f"{asked} instead of {shape}"
            log.warning("metrics.ood: no figures against these pictures: %s; choose other data", why)
            return {}
        nll_own, nll_foreign = self._nll(model, own), self._nll(model, foreign)
        usual = self._nll(model, examples("train", self.num_examples)).mean()
        found = {
            "ood_auroc_nll": auroc(nll_own, nll_foreign),
            "ood_auroc_typicality": auroc((nll_own - usual).abs(), (nll_foreign - usual).abs()),
        }
        regrets = [self._regret(model, batch) for batch in (own, foreign)]
        if regrets[0] is not None and regrets[1] is not None:
            found["ood_auroc_regret"] = auroc(regrets[0], regrets[1])
        return found

    def _nll(self, model: Any, batch: Batch) -> Tensor:
        return importance_nll(model, batch, num_samples=self.num_samples, rows=self.rows)

    def _regret(self, model: Any, batch: Batch) -> Tensor | None:
        if not self.regret_steps or not isinstance(model, VAE):
            return None
        parts = []
        for x in batch["x"].split(max(1, self.rows // self.regret_samples)):
            part = likelihood_regret(
                model, {"x": x}, steps=self.regret_steps, lr=self.regret_lr, num_samples=self.regret_samples
            )
            if part is None:
                return None
            parts.append(part)
        return torch.cat(parts)


def auroc(own: Tensor, foreign: Tensor) -> Tensor:
    """Share of pairs in which the foreign score [M] exceeds the own one [N], a tie counting half; []."""
    own = own.sort().values
    below = torch.searchsorted(own, foreign) + torch.searchsorted(own, foreign, right=True)
    return below.cpu().double().mean() / (2 * len(own))
