"""pythae's own trainer, which is given images in memory; one epoch a turn."""

from __future__ import annotations

import sys
import tempfile
from typing import Any

import torch
from pythae.data.datasets import BaseDataset
from pythae.models import VAE, VAEConfig
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from pythae.trainers import BaseTrainer, BaseTrainerConfig
from pythae.trainers.training_callbacks import TrainingCallback
from torch import Tensor, nn
from torchvision.datasets import MNIST
from turns import Turns


class Encoder(BaseEncoder):
    """784-400-20."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.mean, self.log_var = nn.Linear(784, 400), nn.Linear(400, 20), nn.Linear(400, 20)

    def forward(self, x: Tensor) -> ModelOutput:
        hidden = torch.relu(self.hidden(x.flatten(1)))
        return ModelOutput(embedding=self.mean(hidden), log_covariance=self.log_var(hidden))


class Decoder(BaseDecoder):
    """20-400-784."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(20, 400), nn.ReLU(), nn.Linear(400, 784), nn.Sigmoid())

    def forward(self, z: Tensor) -> ModelOutput:
        return ModelOutput(reconstruction=self.layers(z).reshape(-1, 1, 28, 28))


class EpochTurns(TrainingCallback):
    """A turn for each epoch."""

    def __init__(self, images: int) -> None:
        self.line, self.images, self.began = Turns(), images, 0.0

    def on_epoch_begin(self, training_config: Any, **kwargs: Any) -> None:
        import time

        if self.began:
            self.line.report(seconds=time.perf_counter() - self.began, examples=self.images)
        self.line.wait()
        self.began = time.perf_counter()


x = MNIST(sys.argv[1], train=True).data[:, None] / 255
config = BaseTrainerConfig(
    output_dir=tempfile.mkdtemp(),
    num_epochs=1000,
    per_device_train_batch_size=128,
    learning_rate=1e-3,
    optimizer_cls="Adam",
    no_cuda=True,
)
model_config = VAEConfig(input_dim=(1, 28, 28), latent_dim=20, reconstruction_loss="bce")
trainer = BaseTrainer(
    model=VAE(model_config, encoder=Encoder(), decoder=Decoder()),
    train_dataset=BaseDataset(x, torch.zeros(len(x))),
    training_config=config,
    callbacks=[EpochTurns(len(x))],
)
trainer.train()
