"""What a callback hands to a view."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytorch_lightning as pl

from vae_exp.analysis.views.base import Subject
from vae_exp.training.lit import LitVAE


@contextmanager
def looked_at(
    trainer: pl.Trainer, module: pl.LightningModule, split: Literal["val", "test"], folder: Path
) -> Iterator[Subject]:
    """The model inside, in evaluation mode, with the trainer's data in its precision and on its device."""
    assert isinstance(module, LitVAE)

    was_training = module.model.training
    module.model.eval()
    try:
        yield Subject(module.model, module.examples, module.vectors.get(f"{split}/kl_per_dim"), split, folder)
    finally:
        module.model.train(was_training)
