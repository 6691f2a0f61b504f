"""What a run of a sweep has to do, by what is in its folder."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from omegaconf import DictConfig

from vae_exp.errors import UserError
from vae_exp.sweeps.status import state_of
from vae_exp.training.resume import KEPT, RESULT, changes

Standing = Literal["finished", "restart", "go on"]


def standing(cfg: DictConfig, folder: Path) -> Standing:
    """Say whether a run is finished, has to begin again, or goes on (from its beginning, where there is nothing).

    Args:
        cfg: The run's configuration.
        folder: The run's folder.

    Raises:
        UserError: The folder holds a run of another configuration, and `sweep.on_conflict` is not rerun.
    """
    if cfg.resume != "auto":
        return "go on"
    state = state_of(folder)
    finished = state == "done" and (folder / "metrics.json").is_file()
    finished = finished or (state == "pruned" and cfg.sweep.trial is not None)
    if not finished and not (folder / "checkpoints" / "last.ckpt").is_file():
        return "go on"
    changed = changes(cfg, folder, RESULT if finished else KEPT)
    if changed and cfg.sweep.on_conflict != "rerun":
        kind = "a finished run" if finished else "a run"
        raise UserError(
            f"{folder} holds {kind} of another configuration ({'; '.join(changed[:3])}); "
            "give the same one, another hydra.sweep.dir, or sweep.on_conflict=rerun to begin it again"
        )
    if changed:
        return "restart"
    return "finished" if finished else "go on"
