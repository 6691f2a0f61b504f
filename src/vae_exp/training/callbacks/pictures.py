"""Pictures of the model, in TensorBoard while it trains and as files at the end."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytorch_lightning as pl
import torch
from PIL import Image
from pytorch_lightning.loggers import TensorBoardLogger
from torch import Tensor

from vae_exp.analysis import pictures
from vae_exp.files import write_whole
from vae_exp.training import rng
from vae_exp.training.callbacks.checkpoint import fitting
from vae_exp.training.lit import EVALUATION_SEED, LitVAE
from vae_exp.types import Batch, Count, CountOrZero, Positive

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Pictures(pl.Callback):
    """Reconstructions beside their originals, samples of the prior, traversals, and the rate of each latent.

    Args:
        folder: Where the files go.
        every_n_epochs: Epochs between two sets in TensorBoard, 0 for none; the test always makes one, as files too.
        num_reconstructions: Examples shown.
        num_samples: Samples shown.
        num_traversed: Latent dimensions traversed, those with the highest rate.
        traversal_steps: Values of each.
        traversal_span: The largest of them; the least is its negative.
    """

    def __init__(
        self,
        *,
        folder: str,
        every_n_epochs: CountOrZero,
        num_reconstructions: Count,
        num_samples: Count,
        num_traversed: Count,
        traversal_steps: Count,
        traversal_span: Positive,
    ) -> None:
        self.folder, self.every_n_epochs = Path(folder), every_n_epochs
        self.num_reconstructions, self.num_samples, self.num_traversed = num_reconstructions, num_samples, num_traversed
        self.traversal_steps, self.traversal_span = traversal_steps, traversal_span

    def on_validation_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        assert isinstance(module, LitVAE)
        if not (trainer.is_global_zero and fitting(trainer)):
            return
        kl = module.vectors.get("val/kl_per_dim")
        due = self.every_n_epochs and (trainer.current_epoch + 1) % self.every_n_epochs == 0
        for board in _boards(trainer):
            if kl is not None:
                board.add_histogram("val/kl_per_dim", kl, trainer.global_step)
            if due:
                for name, image in self._draw(trainer, module, "val", kl):
                    board.add_image(name, image, trainer.global_step)

    def on_test_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        assert isinstance(module, LitVAE)
        if not trainer.is_global_zero:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        for name, image in self._draw(trainer, module, "test", module.vectors.get("test/kl_per_dim")):
            write_whole(self.folder / f"{name}.png", png(image))

    def _draw(self, trainer: pl.Trainer, module: LitVAE, split: str, kl: Tensor | None) -> Iterator[tuple[str, Tensor]]:
        model, was_training = module.model, module.model.training
        model.eval()
        with rng.isolated(EVALUATION_SEED):
            batch: Batch = trainer.datamodule.examples(split, self.num_reconstructions)  # type: ignore[attr-defined]
            batch = trainer.precision_plugin.convert_input(module.transfer_batch_to_device(batch, module.device, 0))
            yield "reconstructions", pictures.grid(pictures.reconstructions(model, batch))
            yield "samples", pictures.grid(pictures.samples(model, self.num_samples))
            if kl is not None:
                dims = pictures.by_rate(kl)[: self.num_traversed]
                rows = pictures.traversals(
                    model, batch, dims=dims, steps=self.traversal_steps, span=self.traversal_span
                )
                yield "traversals", pictures.grid(rows)
                yield "kl_per_dim", _rendered(pictures.kl_bars(kl.cpu()))
        model.train(was_training)


def png(image: Tensor) -> bytes:
    """[C, H, W] in [0, 1] -> the bytes of a PNG file."""
    buffer = io.BytesIO()
    levels = image.mul(255).round().to(torch.uint8).permute(1, 2, 0)
    Image.fromarray(levels.squeeze(-1).numpy()).save(buffer, format="png")
    return buffer.getvalue()


def _rendered(figure: Figure) -> Tensor:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    pixels = torch.frombuffer(bytearray(canvas.buffer_rgba()), dtype=torch.uint8)
    width, height = canvas.get_width_height()
    return pixels.view(height, width, 4)[..., :3].permute(2, 0, 1).float() / 255


def _boards(trainer: pl.Trainer) -> list:  # type: ignore[type-arg]
    return [logger.experiment for logger in trainer.loggers if isinstance(logger, TensorBoardLogger)]
