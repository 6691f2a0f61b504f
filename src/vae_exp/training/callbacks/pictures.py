"""Pictures of the model, in TensorBoard while it trains and as files at the end."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytorch_lightning as pl

from vae_exp.analysis.encode import Encoded, encoded
from vae_exp.analysis.views.base import Subject, View
from vae_exp.errors import UserError
from vae_exp.files import write_whole
from vae_exp.training import rng
from vae_exp.training.callbacks.checkpoint import fitting
from vae_exp.training.lit import EVALUATION_SEED
from vae_exp.training.looking import looked_at
from vae_exp.training.tensorboard import add_encoded, boards
from vae_exp.types import CountOrZero

log = logging.getLogger(__name__)


class Pictures(pl.Callback):
    """Draws views of the model: while it trains in TensorBoard, and after a test as files images/NAME.png or .gif.

    Args:
        folder: The run's folder.
        every_n_epochs: Epochs between two sets in TensorBoard, 0 for none.
        views: What a test draws, by name; null leaves one out.
        during_training: What is drawn in TensorBoard, by name.
    """

    def __init__(
        self,
        *,
        folder: str,
        every_n_epochs: CountOrZero,
        views: Mapping[str, View | None],
        during_training: Mapping[str, View | None],
    ) -> None:
        self.folder, self.every_n_epochs = Path(folder), every_n_epochs
        self.views, self.during_training = views, during_training

    def on_validation_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        due = self.every_n_epochs and (trainer.current_epoch + 1) % self.every_n_epochs == 0
        found = boards(trainer.loggers)
        if not (due and found and trainer.is_global_zero and fitting(trainer)):
            return
        with looked_at(trainer, module, "val", self.folder) as subject:
            for name, image in _drawn(self.during_training, subject):
                for board in found:
                    add_encoded(board, name, image, trainer.global_step)

    def on_test_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        if not trainer.is_global_zero:
            return
        with looked_at(trainer, module, "test", self.folder) as subject:
            for name, image in _drawn(self.views, subject):
                write_whole(self.folder / "images" / f"{name}{image.suffix}", image.data)


def _drawn(views: Mapping[str, View | None], subject: Subject) -> Iterator[tuple[str, Encoded]]:
    for name, view in views.items():
        if view is None:
            continue
        try:
            with rng.isolated(EVALUATION_SEED):  # one view more or less changes no other
                picture = view(subject)
            image = None if picture is None else encoded(picture)
        except UserError:
            raise
        except Exception as error:  # a view of one's own; the figures of the run are worth more than its picture
            log.warning("view.%s cannot be drawn: %s: %s", name, type(error).__name__, error)
            continue
        if image is not None:
            yield name, image
