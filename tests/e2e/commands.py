"""Commands in processes of their own, and what they leave."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch

TINY = (
    "data=digits",
    "model.latent_dim=3",
    "model.encoder.hidden=[16]",
    "model.decoder.hidden=[16]",
    "trainer.max_epochs=2",
    "trainer.accelerator=cpu",
    "evaluation.num_importance_samples=5",
)
MODULE = (sys.executable, "-m", "vae_exp")
SCRIPT = (str(Path(sys.executable).with_name("vae-exp")),)


def environment(cwd: Path) -> dict[str, str]:
    """One thread, and no folder outside of the test's."""
    return os.environ | {"OMP_NUM_THREADS": "1", "VAE_EXP_DATA": str(cwd / "data")}


def own_process(*words: str, cwd: Path, program: tuple[str, ...] = MODULE, seconds: float = 250, **more: str):
    """Give a command in a process of its own."""
    variables = environment(cwd) | more
    command = [*program, *words]
    return subprocess.run(command, cwd=cwd, env=variables, capture_output=True, text=True, check=False, timeout=seconds)


def figures(run: Path) -> dict[str, Any]:
    """The figures of a run."""
    found: dict[str, Any] = json.loads((run / "metrics.json").read_text())
    return found


def weights(checkpoint: Path) -> dict[str, torch.Tensor]:
    """The weights in a checkpoint."""
    state: dict[str, torch.Tensor] = torch.load(checkpoint, weights_only=True)["state_dict"]
    return state
