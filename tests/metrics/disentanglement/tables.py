"""Codes of which it is known what they tell of their factors, and the settings of the metrics' yaml files."""

import torch
import yaml

from vae_exp.config.instantiate import instantiate
from vae_exp.config.paths import conf_dir

DSPRITES = (3, 6, 40, 32, 32)
FOLDER = conf_dir() / "metrics"
NAMES = [
    default.partition("@")[0] for default in yaml.safe_load((FOLDER / "disentanglement.yaml").read_text())["defaults"]
]
SETTINGS = {name: yaml.safe_load((FOLDER / f"{name}.yaml").read_text()) for name in NAMES}


def factors_of(cardinalities, n=10_000, seed=0):
    """Independent factors, [n, F]."""
    noise = torch.Generator().manual_seed(seed)
    return torch.stack([torch.randint(values, (n,), generator=noise) for values in cardinalities], 1)


def noise_like(factors, num_codes, seed=1):
    """Codes that know nothing, [n, num_codes]."""
    return torch.randn(len(factors), num_codes, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def standardised(factors):
    """Copies of the factors with mean 0 and variance 1."""
    codes = factors.double()
    return (codes - codes.mean(0)) / codes.std(0)


def rotated(codes, seed=2):
    """Codes turned in all planes at once."""
    square = torch.randn(codes.shape[1], codes.shape[1], generator=torch.Generator().manual_seed(seed)).double()
    return codes @ torch.linalg.qr(square).Q


def given(name, **changes):
    """The values of a metric's yaml, as arguments of its function."""
    node = {**SETTINGS[name], **changes}
    return {key: value for key, value in node.items() if key not in ("_target_", "stages")}


def metric(name, **changes):
    """A metric as the command builds it."""
    return instantiate({**SETTINGS[name], **changes})
