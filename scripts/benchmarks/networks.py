"""The networks that are measured, as overrides of the product and as modules of the raw loops."""

from __future__ import annotations

from functools import partial

from torch import nn

from vae_exp.config.compose import compose
from vae_exp.config.instantiate import instantiate
from vae_exp.types import Count

IMAGES = {"mlp": (1, 28, 28), "conv": (1, 28, 28), "resnet": (3, 32, 32)}
LATENT: dict[str, Count] = {"mlp": 20, "conv": 16, "resnet": 32}
_PLAIN = ["data=npz", "data.binarize=none", "lr_schedule=constant", "optimizer.lr=1e-3"]
OVERRIDES = {
    "mlp": ["experiment=benchmark_mlp"],
    "conv": [*_PLAIN, "model=conv", "model.latent_dim=16"],
    "resnet": [*_PLAIN, "model=conv", "model/encoder=resnet", "model/decoder=resnet", "model.latent_dim=32"],
}


def encoder(net: str) -> nn.Module:
    """From images to 2 * latent_dim numbers."""
    return _part(net, "encoder")(IMAGES[net], (2 * LATENT[net],))


def decoder(net: str) -> nn.Module:
    """From latents to logits of pixels."""
    return _part(net, "decoder")((LATENT[net],), IMAGES[net])


def _part(net: str, name: str) -> partial[nn.Module]:
    from omegaconf import OmegaConf

    node = OmegaConf.to_container(compose("train", OVERRIDES[net]).model[name])
    return instantiate(node)  # type: ignore[arg-type, no-any-return]
