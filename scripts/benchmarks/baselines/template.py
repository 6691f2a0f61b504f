"""What people begin with who take a Lightning template: three logs a step, progress bar, TensorBoard, checkpoints."""

from __future__ import annotations

import sys
import tempfile
from typing import Any

import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from lightning_turns import LightningTurns
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.loggers import TensorBoardLogger
from torch import Tensor, nn
from torch.utils.data import DataLoader, random_split
from torchvision import datasets, transforms


class TemplateVAE(pl.LightningModule):
    """784-400-20-400-784."""

    def __init__(self, latent_dim: int, beta: float) -> None:
        super().__init__()
        self.beta = beta
        self.encoder = nn.Sequential(nn.Flatten(), nn.Linear(784, 400), nn.ReLU(), nn.Linear(400, 2 * latent_dim))
        self.decoder = nn.Sequential(nn.Linear(latent_dim, 400), nn.ReLU(), nn.Linear(400, 784))

    def step(self, batch: Any, stage: str) -> Tensor:
        """The loss of a batch, logged with its parts."""
        x, _ = batch
        mu, lv = self.encoder(x).chunk(2, dim=1)
        logits = self.decoder(mu + torch.randn_like(mu) * torch.exp(0.5 * lv))
        distortion = F.binary_cross_entropy_with_logits(logits, x.flatten(1), reduction="sum") / len(x)
        rate = -0.5 * torch.sum(1 + lv - mu.pow(2) - lv.exp()) / len(x)
        loss = distortion + self.beta * rate
        for name, value in (("loss", loss), ("distortion", distortion), ("rate", rate)):
            self.log(f"{stage}/{name}", value, on_step=stage == "train", on_epoch=True, prog_bar=True)
        return loss

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        return self.step(batch, "train")

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        self.step(batch, "val")

    def test_step(self, batch: Any, batch_idx: int) -> None:
        self.step(batch, "test")

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), lr=1e-3)


def main(root: str, latent_dim: int, beta: float, epochs: int, images: int) -> None:
    """Train; with turns where `epochs` is 0, else as a run of a sweep: so many epochs, then the test."""
    data = datasets.MNIST(root, train=True, transform=transforms.ToTensor())
    if images:
        data, _ = random_split(data, [images, len(data) - images])
    train, val = random_split(data, [5 / 6, 1 / 6])
    trainer = pl.Trainer(
        max_epochs=epochs or 1000,
        accelerator="cpu",
        logger=TensorBoardLogger(tempfile.mkdtemp()),
        callbacks=[ModelCheckpoint(monitor="val/loss", save_last=True), *([] if epochs else [LightningTurns()])],
    )
    module = TemplateVAE(latent_dim, beta)
    trainer.fit(module, DataLoader(train, batch_size=128, shuffle=True), DataLoader(val, batch_size=128))
    trainer.test(module, DataLoader(val, batch_size=128))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5]))
