"""Where a run goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from vae_exp.errors import UserError

KEPT = ("data", "model", "loss", "optimizer", "lr_schedule", "seed", "training")
"""What may not change between the parts of one run; how long and where it runs may."""

RESULT = (*KEPT, "trainer", "evaluation", "metrics", "callbacks.ema", "callbacks.early_stopping")
"""What the figures of a finished run follow from."""

ELSEWHERE = (
    "data.root",
    "trainer.accelerator",
    "trainer.devices",
    "trainer.log_every_n_steps",
    "trainer.num_nodes",
    "trainer.strategy",
)
"""What of it says where and how a run is done, not which one."""


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
    for name in ("metrics.json", "kl_per_dim.json", "progress.json"):
        (folder / name).unlink(missing_ok=True)
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
    if cfg.resume != "auto" or not (folder / "checkpoints" / "last.ckpt").is_file():
        return
    changed = changes(cfg, folder, KEPT)
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
    return [difference for key in keys for difference in _differences(_node(before, key), _node(now, key), key)]


def _plain(cfg: Any) -> Any:
    """A configuration with its interpolations as they were written, without what stands in it for Hydra."""
    plain = OmegaConf.to_container(cfg)
    assert isinstance(plain, dict)
    return {name: value for name, value in plain.items() if name != "hydra"}


def _node(plain: Any, key: str) -> Any:
    for part in key.split("."):
        plain = plain.get(part) if isinstance(plain, dict) else None
    return plain


def _differences(before: Any, now: Any, where: str) -> list[str]:
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        keys = [*before, *(key for key in now if key not in before)]
        return [d for key in keys for d in _differences(before.get(key), now.get(key), f"{where}.{key}")]
    return [] if before == now or where in ELSEWHERE else [f"{where} was {before} and is {now}"]
