"""What TensorBoard shows besides numbers and pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pytorch_lightning.loggers import Logger, TensorBoardLogger

HIDDEN = ("run_dir", "trusted_packages", "callbacks", "logger", "metrics", "resume")


def log_hyperparameters(loggers: Iterable[Logger], settings: Mapping[str, Any], figures: Mapping[str, Any]) -> None:
    """Fill the HParams tab: once, when the final figures are known."""
    numbers = {name: value for name, value in figures.items() if isinstance(value, float) and not name.endswith("/se")}
    hyperparameters = dict(_flat({k: v for k, v in settings.items() if k not in HIDDEN}, ""))
    for logger in loggers:
        if isinstance(logger, TensorBoardLogger):
            logger.log_hyperparams(hyperparameters, {f"hparam/{name}": value for name, value in numbers.items()})


def _flat(node: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(node, Mapping):
        for key, value in node.items():
            if not key.startswith("_") or key == "_target_":
                yield from _flat(value, f"{path}.{key}" if path else key)
    else:
        plain = isinstance(node, (bool, int, float, str))
        yield path.removesuffix("._target_"), node if plain else str(node)
