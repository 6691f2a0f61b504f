"""The KL of each latent dimension over training, a small file in the run's folder."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from vae_exp.files import read_json, write_whole

FILE = "kl_per_dim.json"


@dataclass(frozen=True)
class KLHistory:
    """KL of each latent dimension on the validation set.

    Args:
        steps: Optimizer steps at each validation, rising.
        nats: [D] at each.
    """

    steps: list[int]
    nats: list[list[float]]

    def with_point(self, step: int, nats: list[float], most: int) -> KLHistory:
        """The same and one more; of more than `most` every other is left out, the newest kept."""
        steps, values = [*self.steps, step], [*self.nats, nats]
        return KLHistory(steps[::-2][::-1], values[::-2][::-1]) if len(steps) > most else KLHistory(steps, values)


def read_history(folder: Path) -> KLHistory | None:
    """What a run has recorded, None where it has not.

    Raises:
        UserError: The file is damaged.
    """
    return KLHistory(**read_json(folder / FILE)) if (folder / FILE).is_file() else None


def write_history(folder: Path, history: KLHistory) -> None:
    """Put it into the run's folder, whole."""
    rounded = [[round(value, 6) for value in row] for row in history.nats]
    write_whole(folder / FILE, json.dumps(asdict(KLHistory(history.steps, rounded))) + "\n")
