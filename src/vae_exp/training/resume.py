"""Where a run goes on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from vae_exp.errors import UserError

KEPT = ("data", "model", "loss", "optimizer", "lr_schedule", "seed", "training")
"""What may not change between the parts of one run; how long and where it runs may."""


def resume_point(resume: str, folder: Path) -> Path | None:
    """The checkpoint to go on from, None for a fresh start.

    Args:
        resume: auto (from the folder's last.ckpt, if it has one), never, or the path of a checkpoint.
        folder: The run's folder.
    """
    if resume == "never":
        return None
    last = folder / "checkpoints" / "last.ckpt"
    if resume == "auto":
        return last if last.is_file() else None
    return Path(resume)


def begin_again(folder: Path) -> None:
    """Remove what an earlier run left in the folder.

    A new run that is killed before its first checkpoint would otherwise go on from the old one's.
    """
    for name in ("last.ckpt", "best.ckpt"):
        (folder / "checkpoints" / name).unlink(missing_ok=True)
    for name in ("metrics.json", "kl_per_dim.json"):
        (folder / name).unlink(missing_ok=True)
    for events in (folder / "tensorboard").glob("events.out.tfevents.*"):
        events.unlink()


def refuse_changes(cfg: DictConfig) -> None:
    """Check that a folder with an unfinished run is not gone on with under another configuration.

    Args:
        cfg: The configuration of the run to come, with its `hydra` node.

    Raises:
        UserError: The folder holds a run of another configuration.
    """
    folder = Path(cfg.hydra.run.dir)
    saved = folder / ".hydra" / "config.yaml"
    if cfg.resume != "auto" or not saved.is_file() or not (folder / "checkpoints" / "last.ckpt").is_file():
        return
    before = OmegaConf.to_container(OmegaConf.load(saved))
    now = OmegaConf.to_container(OmegaConf.masked_copy(cfg, [str(key) for key in cfg if key != "hydra"]))
    assert isinstance(before, dict)
    assert isinstance(now, dict)
    changed = [difference for key in KEPT for difference in _differences(before.get(key), now.get(key), key)]
    if changed:
        raise UserError(
            f"{folder} holds a run of another configuration ({'; '.join(changed[:3])}); "
            "give the same one to go on with it, another hydra.run.dir, or resume=never to begin again"
        )


def _differences(before: Any, now: Any, where: str) -> list[str]:
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        keys = [*before, *(key for key in now if key not in before)]
        return [d for key in keys for d in _differences(before.get(key), now.get(key), f"{where}.{key}")]
    return [] if before == now else [f"{where} was {before} and is {now}"]
