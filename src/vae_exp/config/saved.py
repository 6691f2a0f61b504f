"""The configuration in a run's folder."""

from __future__ import annotations

from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from vae_exp.files import write_whole


def save_config(cfg: DictConfig, folder: Path) -> None:
    """Write .hydra/{config,overrides,hydra}.yaml as Hydra would, but each whole or not at all.

    Hydra itself writes in place: a run killed in that moment could not be gone on with.
    """
    hydra = HydraConfig.get()
    files = {
        "config.yaml": OmegaConf.to_yaml(cfg),
        "overrides.yaml": OmegaConf.to_yaml(hydra.overrides.task),
        "hydra.yaml": OmegaConf.to_yaml(OmegaConf.create({"hydra": hydra})),
    }
    for name, text in files.items():
        write_whole(folder / ".hydra" / name, text)
