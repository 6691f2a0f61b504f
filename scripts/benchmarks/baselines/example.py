"""What PyTorch's own VAE example does: torchvision, ToTensor, a DataLoader, eager Adam, a number read every step."""

from __future__ import annotations

import sys

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets, transforms
from turns import every_turn

loader = DataLoader(
    datasets.MNIST(sys.argv[1], train=True, transform=transforms.ToTensor()), batch_size=128, shuffle=True
)
encoder = nn.Sequential(nn.Linear(784, 400), nn.ReLU())
mean, log_var = nn.Linear(400, 20), nn.Linear(400, 20)
decoder = nn.Sequential(nn.Linear(20, 400), nn.ReLU(), nn.Linear(400, 784), nn.Sigmoid())
parts = nn.ModuleList([encoder, mean, log_var, decoder])
optimizer = torch.optim.Adam(parts.parameters(), lr=1e-3)


def epoch() -> int:
    """One pass over the training images."""
    total = 0.0
    for images, _ in loader:
        x = images.view(-1, 784)
        optimizer.zero_grad()
        hidden = encoder(x)
        mu, lv = mean(hidden), log_var(hidden)
        z = mu + torch.randn_like(mu) * torch.exp(0.5 * lv)
        distortion = F.binary_cross_entropy(decoder(z), x, reduction="sum")
        loss = distortion - 0.5 * torch.sum(1 + lv - mu.pow(2) - lv.exp())
        loss.backward()
        total += loss.item()
        optimizer.step()
    return len(loader.dataset)  # type: ignore[arg-type]


every_turn(epoch)
