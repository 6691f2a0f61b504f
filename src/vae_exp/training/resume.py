"""Where a run goes on."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from vae_exp.checkpoints import read_checkpoint
from vae_exp.config.keys import ELSEWHERE
from vae_exp.errors import UserError
from vae_exp.nested import at

KEPT = (
    "data",
    "model",
    "loss",
    "optimizer",
    "lr_schedule",
    "seed",
    "training",
    "callbacks.ema",
    "callbacks.checkpoint.highest",
)
"""What may not change between the parts of one run; how long and where it runs may."""

RESULT = (*KEPT, "trainer", "evaluation", "metrics", "callbacks.early_stopping")
"""What the figures of a finished run follow from."""


def resume_point(resume: str, folder: Path) -> Path | None:
    """The checkpoint to go on from, None for a fresh start.

    Args:
        resume: auto (from the folder's last.ckpt, if it has one), never, or the path of a checkpoint; of another run's
            it is where this one begins, which then goes on from its own.
        folder: The run's folder.
    """
    if resume == "never":
        return None
    last = folder / "checkpoints" / "last.ckpt"
    if resume == "auto" or (last.is_file() and not _own(resume, folder)):
        return last if last.is_file() else None
    return Path(resume)


def check_start(start: Path, max_epochs: int | None, folder: Path) -> None:
    """Check that a checkpoint can be gone on from.

    Args:
        start: The checkpoint.
        max_epochs: Epochs at the end of the run; None or -1 for any number.
        folder: The run's folder.

    Raises:
        UserError: It cannot be read, or leaves nothing to train.
    """
    checkpoint = read_checkpoint(start)
    done = checkpoint["epoch"] + checkpoint["loops"]["fit_loop"]["epoch_loop.batch_progress"]["is_last_batch"]
    most = max_epochs if max_epochs is not None and max_epochs >= 0 else done + 1
    if done > most:
        raise UserError(f"trainer.max_epochs={most}: {start} has {done} epochs already; give at least as many")
    if done == most and not _own(str(start), folder):
        raise UserError(f"trainer.max_epochs={most}: {start} has all of them, and nothing is left to train; give more")


def _own(path: str, folder: Path) -> bool:
    return Path(path).resolve().parent == (folder / "checkpoints").resolve()


def begin_again(folder: Path) -> None:
    """Remove what an earlier run left in the folder.

    A new run that is killed before its first checkpoint would otherwise go on from the old one's.
    """
    for name in ("last.ckpt", "best.ckpt"):
        (folder / "checkpoints" / name).unlink(missing_ok=True)
    for name in ("metrics.json", "kl_per_dim.json", "progress.json", "tensorboard/projector_config.pbtxt"):
        (folder / name).unlink(missing_ok=True)
    for name in ("images", "report", "tensorboard/projector"):
        shutil.rmtree(folder / name, ignore_errors=True)
    for events in (folder / "tensorboard").glob("events.out.tfevents.*"):
        events.unlink()


def refuse_changes(cfg: DictConfig, folder: Path) -> None:
    """Check that a folder with an unfinished run is not gone on with under another configuration.

    Args:
        cfg: The configuration of the run to come.
        folder: Its folder.

    Raises:
        UserError: The folder holds a run of another configuration.
    """
    if cfg.resume == "never" or not (folder / "checkpoints" / "last.ckpt").is_file():
        return
    begun_elsewhere = cfg.resume != "auto" and not _own(cfg.resume, folder)
    changed = changes(cfg, folder, (*KEPT, "resume") if begun_elsewhere else KEPT)
    if changed:
        raise UserError(
            f"{folder} holds a run of another configuration ({'; '.join(changed[:3])}); "
            "give the same one to go on with it, another hydra.run.dir, or resume=never to begin again"
        )


def changes(cfg: DictConfig, folder: Path, keys: Sequence[str]) -> list[str]:
    """What differs between a configuration and that of the run in a folder, each key in a few words.

    Args:
        cfg: The configuration.
        folder: The run's folder; without a run in it, nothing differs.
        keys: Nodes to compare.
    """
    saved = folder / ".hydra" / "config.yaml"
    if not saved.is_file():
        return []
    before, now = _plain(OmegaConf.load(saved)), _plain(cfg)
    return [d for key in keys for d in _differences(at(before, *key.split(".")), at(now, *key.split(".")), key)]


def _plain(cfg: Any) -> Any:
    """A configuration with its interpolations as they were written, without what stands in it for Hydra."""
    plain = OmegaConf.to_container(cfg)
    assert isinstance(plain, dict)
    return {name: value for name, value in plain.items() if name != "hydra"}


def _differences(before: Any, now: Any, where: str) -> list[str]:
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        keys = [*before, *(key for key in now if key not in before)]
        return [d for key in keys for d in _differences(before.get(key), now.get(key), f"{where}.{key}")]
    return [] if before == now or where in ELSEWHERE else [f"{where} was {before} and is {now}"]
