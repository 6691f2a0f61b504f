"""What recommenders without a training loop reach on the same users."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from vae_exp.data.datamodule import DataModule
from vae_exp.data.sparse_rows import SparseRows
from vae_exp.errors import UserError
from vae_exp.metrics.base import Examples, Need, PerExample, Stage
from vae_exp.metrics.ranking import names_of, ranking_figures
from vae_exp.metrics.recommenders.base import Recommender
from vae_exp.types import Batch, Count, VAEOutput


class Baselines(PerExample):
    """The figures of `Ranking`, of other recommenders, as NAME_ndcg@k and so on.

    They learn from the rows that the model was trained on, when the first evaluation begins.

    Args:
        stages: When it is computed.
        data: The run's data.
        recommenders: The recommenders, by name.
        ndcg_at: Values of k of ndcg@k.
        recall_at: Values of k of recall@k and capped_recall@k.

    Source: Ferrari Dacrema et al., 2019, "Are we really making much progress?", of comparing with them,
        arXiv:1907.06902
    """

    needs: tuple[Need, ...] = ("target",)

    def __init__(
        self,
        *,
        stages: Sequence[Stage],
        data: DataModule,
        recommenders: Mapping[str, Recommender],
        ndcg_at: Sequence[Count],
        recall_at: Sequence[Count],
    ) -> None:
        figures = names_of(ndcg_at, recall_at)
        super().__init__(stages=stages, names=[f"{name}_{figure}" for name in recommenders for figure in figures])
        self.data, self.recommenders = data, dict(recommenders)
        self.ndcg_at, self.recall_at = ndcg_at, recall_at
        self._fitted = False

    def begin(self, stage: Stage, model: nn.Module, examples: Examples) -> None:
        if self._fitted:
            return
        self.data.setup()
        source, indices = self.data.part("train")
        if not isinstance(source, SparseRows):
            raise UserError("metrics.baselines are of users and items; use data=synthetic_interactions or another such")
        for recommender in self.recommenders.values():
            recommender.fit(source.x[indices.numpy()])
        self._fitted = True

    def scores(self, batch: Batch, out: VAEOutput, model: Any) -> dict[str, Tensor]:
        return {
            f"{name}_{figure}": values
            for name, recommender in self.recommenders.items()
            for figure, values in ranking_figures(
                recommender.scores(batch["x"]), batch, ndcg_at=self.ndcg_at, recall_at=self.recall_at
            ).items()
        }
