"""What a callback hands to a view."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytorch_lightning as pl

from vae_exp.analysis.views.base import Split, Subject
from vae_exp.training.lit import LitVAE
from vae_exp.types import Batch


@contextmanager
def looked_at(
    trainer: pl.Trainer, module: pl.LightningModule, split: Literal["val", "test"], folder: Path
) -> Iterator[Subject]:
    """The model inside, in evaluation mode, with the trainer's data in its precision and on its device."""
    assert isinstance(module, LitVAE)

    def examples(split: Split, n: int) -> Batch:
        batch: Batch = trainer.datamodule.examples(split, n)  # type: ignore[attr-defined]
        moved = module.transfer_batch_to_device(batch, module.device, 0)
        converted: Batch = trainer.precision_plugin.convert_input(moved)
        return converted

    was_training = module.model.training
    module.model.eval()
    try:
        yield Subject(module.model, examples, module.vectors.get(f"{split}/kl_per_dim"), split, folder)
    finally:
        module.model.train(was_training)
