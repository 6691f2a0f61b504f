"""Checkpoints: where a run keeps them, and how they are read without running anything."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vae_exp.errors import UserError
from vae_exp.files import write_whole
from vae_exp.types import DataSpec

Checkpoint = dict[str, Any]

UNREADABLE = (OSError, EOFError, ValueError, KeyError, IndexError, TypeError, RuntimeError, pickle.UnpicklingError)
"""What torch raises of a file that is not there, or broken, or whose content is another's."""

FORMAT = 2
"""What the weights of a checkpoint mean; from 2 on a picture's features become a row pixel by pixel."""


def run_checkpoint(folder: Path, key: str) -> Path:
    """A run's best checkpoint, or the last one where there was no validation.

    Args:
        folder: The run's folder.
        key: What the user gave it as, for the error.

    Raises:
        UserError: There is none yet.
    """
    for name in ("best.ckpt", "last.ckpt"):
        if (path := folder / "checkpoints" / name).is_file():
            return path
    raise UserError(f"{key}={folder} has no checkpoint yet; give its own command again, to the end of the first epoch")


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint, which holds nothing but tensors and plain containers.

    Raises:
        UserError: It is not there, broken, no checkpoint of ours, or of another version.
    """
    if not path.is_file():
        raise UserError(f"{path} is not a file; give the path of a checkpoint, such as .../checkpoints/last.ckpt")
    try:
        checkpoint: Checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # what is damaged fails in many ways
        raise UserError(f"{path} cannot be read, it is cut short or not a checkpoint") from error
    if not isinstance(checkpoint, dict) or not {"vae_exp", "state_dict", "global_step"} <= checkpoint.keys():
        raise UserError(f"{path} is not a checkpoint of vae_exp; give one that `vae-exp train` wrote")
    if checkpoint["vae_exp"].get("format") != FORMAT:
        raise UserError(
            f"{path} was written by another version of vae_exp, whose weights mean something else; train again"
        )
    return checkpoint


def load_weights(model: nn.Module, checkpoint: Checkpoint, key: str = "model") -> None:
    """Put a checkpoint's weights into the model: their moving average where there is one.

    Args:
        model: A model of the same settings.
        checkpoint: As `read_checkpoint` gives it.
        key: Where the model's settings are, for the error.

    Raises:
        UserError: They belong to another model.
    """
    prefix = "model."
    weights = {k.removeprefix(prefix): v for k, v in checkpoint["state_dict"].items() if k.startswith(prefix)}
    weights |= checkpoint.get("average", {})
    own = model.state_dict()
    wrong = sorted(k for k in own.keys() | weights.keys() if _shape(own, k) != _shape(weights, k))
    if wrong:
        name = wrong[0]
        raise UserError(
            f"the checkpoint belongs to another model: {name} is {_shape(weights, name) or 'absent'} there and "
            f"{_shape(own, name) or 'absent'} here ({len(wrong)} of {len(own)} weights differ); "
            f"give the settings of `{key}` that it was trained with"
        )
    model.load_state_dict(weights)


def spec_of(checkpoint: Checkpoint) -> DataSpec:
    """What an example of the run's data looks like."""
    return DataSpec(**checkpoint["vae_exp"]["spec"])


def write_tensors(path: Path, content: Any) -> None:
    """Write tensors in plain containers, whole or not at all.

    Raises:
        DiskFullError: The disk is full.
        OSError: The file cannot be written for another reason.
    """
    buffer = io.BytesIO()
    torch.save(content, buffer)
    write_whole(path, buffer.getbuffer())


def _shape(weights: dict[str, Tensor], name: str) -> tuple[int, ...] | None:
    return tuple(weights[name].shape) if name in weights else None
