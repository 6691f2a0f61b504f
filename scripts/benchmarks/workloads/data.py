"""The data path alone: images a second, without a model."""

from __future__ import annotations

from drive import HERE, PYTHON, Facts, Variant, interleave, median_rate, paired_ratio
from images import Images
from page import Section, table

WAYS = {
    "torchvision, ToTensor, DataLoader": "torchvision",
    "product, grey": "none",
    "product, binarised": "dynamic",
    "product, flipped": "flip",
}


def measure(images: Images, rounds: int) -> tuple[Section, dict[str, list[Facts]]]:
    """Each way is an epoch a turn."""
    script = str(HERE / "baselines" / "batches.py")
    found = interleave([Variant(n, [PYTHON, script, way, str(images.root)]) for n, way in WAYS.items()], rounds)
    base = "torchvision, ToTensor, DataLoader"
    rows = [[name, f"{median_rate(found, name):,.0f}", paired_ratio(found, name, base)] for name in found]
    return Section("data", table(["MNIST, batches of 128", "images / s", "of torchvision"], rows), []), found
