"""What data sets have in common that are read from files which the user has downloaded."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from vae_exp.errors import UserError, reason_of

BLOCK = 2048  # pictures read at once


def present(path: str | Path, *, name: str, what: str) -> Path:
    """Find a file or folder.

    Args:
        path: Where it should be.
        name: Name of the data set.
        what: What it is and where it comes from, for the error.

    Raises:
        UserError: It is not there.
    """
    where = Path(path).expanduser().absolute()
    if not where.exists():
        raise UserError(f"data={name} needs {what}, and data.path={where} is not there; download it and give its path")
    return where


@contextmanager
def readable(path: Path, *, name: str) -> Iterator[None]:
    """Say in one sentence that a file is damaged: that makes readers raise nearly anything."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"data={name}: {path} cannot be read ({reason_of(error)}); download it again") from error


def fingerprint(files: Sequence[Path], *settings: object) -> str:
    """Hash what changes when a file is replaced or edited, or is read with other settings."""
    contents = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    return hashlib.sha256(json.dumps([contents, settings]).encode()).hexdigest()[:32]


def resized(pictures: Tensor, size: int) -> Tensor:
    """Scale pictures [N, C, H, W] uint8 to size x size, antialiased."""
    if pictures.shape[2:] == (size, size):
        return pictures.contiguous()
    scaled = F.interpolate(pictures.float(), (size, size), mode="bilinear", antialias=True)
    return scaled.round_().clamp_(0, 255).to(torch.uint8)
