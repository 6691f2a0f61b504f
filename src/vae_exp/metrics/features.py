"""A space of features in which pictures are compared, made of a run's own training examples."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vae_exp.checkpoints import UNREADABLE, write_tensors
from vae_exp.data.permission import may_write
from vae_exp.metrics.base import Examples
from vae_exp.types import Count, Positive, Seed

log = logging.getLogger(__name__)


class Space(NamedTuple):
    """Pictures -> vectors, and what figures in this space are called after."""

    name: str
    features: Callable[[Tensor], Tensor]  # [B, C, H, W] in [0, 1] -> [B, F]


class Classifier(nn.Module):
    """Convolutions that halve the picture down to 4 pixels, a layer of features, and one of classes.

    Args:
        x_shape: Shape of a picture.
        num_classes: Number of classes.
        width: Channels of the first convolution; each further one has twice as many, at most four times.
        num_features: Size of the layer of features.
    """

    def __init__(self, x_shape: tuple[int, ...], num_classes: int, *, width: int, num_features: int) -> None:
        super().__init__()
        channels, *size = x_shape
        layers: list[nn.Module] = []
        wide = width
        while not layers or max(size) > 4:
            layers += [nn.Conv2d(channels, wide, 3, stride=2, padding=1), nn.ReLU()]
            size = [(side + 1) // 2 for side in size]
            channels, wide = wide, min(2 * wide, 4 * width)
        flat = channels * size[0] * size[1]
        self.features = nn.Sequential(*layers, nn.Flatten(), nn.Linear(flat, num_features), nn.ReLU())
        self.classes = nn.Linear(num_features, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """[B, *x_shape] -> logits [B, num_classes]."""
        logits: Tensor = self.classes(self.features(x))
        return logits


class OfTheData:
    """The features of a classifier of the training examples, or their principal components where there are no labels.

    A classifier is trained once and kept in a file, whose name is a hash of the examples and of these settings: runs on
    the same data are compared in the same space. It knows the classes of this data set and nothing else; its distances
    are no FID, and those of two data sets do not compare.

    Args:
        num_examples: Training examples to learn from, at most.
        num_features: Size of the space, at most.
        width: Channels of the classifier's first convolution.
        epochs: Passes over the examples.
        batch_size: Examples of a step.
        lr: Learning rate of Adam.
        seed: Of weights and batches.
        folder: Where trained classifiers are kept.

    Source: Binkowski et al., 2018, "Demystifying MMD GANs", who compare digits in features of a classifier of digits,
        arXiv:1801.01401
    """

    def __init__(
        self,
        *,
        num_examples: Count,
        num_features: Count,
        width: Count,
        epochs: Count,
        batch_size: Count,
        lr: Positive,
        seed: Seed,
        folder: str,
    ) -> None:
        self.num_examples, self.num_features, self.width = num_examples, num_features, width
        self.epochs, self.batch_size, self.lr, self.seed = epochs, batch_size, lr, seed
        self.folder = Path(folder).expanduser()

    def space(self, examples: Examples) -> Space:
        """The space of this data set."""
        batch = examples("train", self.num_examples)
        x = batch["x"].float()
        y = batch.get("y", torch.full((len(x),), -1, device=x.device))
        x_known, y_known = x[y >= 0], y[y >= 0]
        if len(y_known.unique()) < 2:
            return Space("pca", principal_components(x, self.num_features))
        return Space("classifier", in_evaluation(self._classifier(x_known, y_known)))

    def _classifier(self, x: Tensor, y: Tensor) -> Classifier:
        settings = {"width": self.width, "num_features": self.num_features}
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            net = Classifier(tuple(x.shape[1:]), int(y.max()) + 1, **settings).to(x.device)
        file = self.folder / f"classifier-{self._fingerprint(x, y)}.pt"
        try:
            net.load_state_dict(torch.load(file, map_location=x.device, weights_only=True))
        except UNREADABLE:
            train(net, x, y, epochs=self.epochs, batch_size=self.batch_size, lr=self.lr, seed=self.seed)
            self._keep(net, file)
        return net

    def _fingerprint(self, x: Tensor, y: Tensor) -> str:
        mine = [self.num_features, self.width, self.epochs, self.batch_size, self.lr, self.seed, list(x.shape)]
        found = hashlib.sha256(repr(mine).encode())
        found.update(x.cpu().numpy().tobytes())
        found.update(y.cpu().numpy().tobytes())
        return found.hexdigest()[:16]

    def _keep(self, net: nn.Module, file: Path) -> None:
        if not may_write(file.parent):
            log.info("%s cannot be written: the classifier of the sample quality is not kept", file.parent)
            return
        write_tensors(file, {name: weight.cpu() for name, weight in net.state_dict().items()})


@torch.enable_grad()
def train(net: nn.Module, x: Tensor, y: Tensor, *, epochs: int, batch_size: int, lr: float, seed: int) -> None:
    """Fit a classifier's cross-entropy by Adam; the same weights for the same seed.

    Args:
        net: [B, ...] -> logits [B, classes].
        x: Examples, [N, ...].
        y: Classes, [N].
        epochs: Passes over the examples.
        batch_size: Examples of a step.
        lr: Learning rate.
        seed: Of the order of the examples.
    """
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    for _ in range(epochs):
        for chosen in torch.randperm(len(x), generator=generator).to(x.device).split(batch_size):
            optimizer.zero_grad()
            F.cross_entropy(net(x[chosen]), y[chosen]).backward()
            optimizer.step()


def in_evaluation(net: Classifier) -> Callable[[Tensor], Tensor]:
    """The features of a classifier, without gradients and in parts that fit the memory."""

    @torch.no_grad()
    def features(x: Tensor) -> Tensor:
        return torch.cat([net.features(part.float()) for part in x.split(1000)])

    return features


def principal_components(x: Tensor, num: int) -> Callable[[Tensor], Tensor]:
    """Pictures [B, ...] -> coordinates [B, num] along the directions in which the examples x [N, ...] vary most."""
    flat = x.flatten(1).float()
    mean = flat.mean(0)
    size = min(num, *flat.shape)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # by random projections: the D^2 covariances of large pictures are too many
        _, _, directions = torch.svd_lowrank(flat - mean, q=size, niter=6)
    return lambda pictures: (pictures.flatten(1).float() - mean) @ directions
