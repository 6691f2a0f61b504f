"""Training as users do it, against what they would do without, and against bare loops."""

from __future__ import annotations

import re
from importlib.util import find_spec

from drive import HERE, PYTHON, Facts, Variant, interleave, median_rate, paired_ratio
from images import Images
from machine import has_bf16
from networks import OVERRIDES
from page import Section, table

BASELINES = HERE / "baselines"
STEPS = {"mlp": 390, "conv": 390, "resnet": 12}
"""Steps of a turn: some seconds on two cores, and an epoch of MNIST where that is not too long."""

ROUNDS = {"mlp": 4, "conv": 2, "resnet": 2}
"""Turns of a process. Within their first thousand steps Adam's moments have more and more tiny numbers, and a loop that
does not count them as 0 grows slower; most of a run of `mlp` comes after that."""

GOALS = {  # (variant, base): least ratio
    "mlp": {
        ("product", "raw"): 0.9,
        ("product", "example"): 2.1,
        ("product", "template"): 2.8,
        ("product", "pythae"): 1.4,
        ("product compiled", "raw compiled"): 0.9,
        ("product compiled", "example"): 2.6,
        ("product compiled bf16", "raw compiled bf16"): 0.85,
        ("product compiled bf16", "example"): 4.0,
    },
    "conv": {
        ("product", "raw"): 0.95,
        ("product compiled", "raw compiled"): 0.95,
        ("product bf16", "product"): 1.6,
    },
}
GOALS["resnet"] = GOALS["conv"]


def product(net: str, images: Images, name: str, *overrides: str) -> Variant:
    """`vae-exp train` with everything on, taking turns of so many steps."""
    data = [f"data.root={images.root}"] if net == "mlp" else [f"data.path={images.files[net]}"]
    turns = ["+callbacks.turns._target_=lightning_turns.LightningTurns", "trusted_packages=[lightning_turns]"]
    limits = ["trainer.max_epochs=1000", f"trainer.limit_train_batches={STEPS[net]}", "trainer.limit_val_batches=4"]
    run = f"hydra.run.dir={re.sub('[^a-z0-9]+', '_', f'{net} {name}')}"
    command = [PYTHON, "-m", "vae_exp", "train", *OVERRIDES[net], *data, *turns, *limits, *overrides, run]
    return Variant(name, command)


def variants(net: str, images: Images) -> list[Variant]:
    """All ways to train a network."""

    def raw(name: str, way: str, *more: str) -> Variant:
        file, steps = str(images.files[net]), ["--steps", str(STEPS[net])]
        return Variant(name, [PYTHON, str(BASELINES / "raw.py"), way, net, file, *steps, *more])

    compiled, half = "trainer.step=compiled", "trainer.precision=bf16-mixed"
    found = [
        product(net, images, "product"),
        product(net, images, "product compiled", compiled),
        raw("raw", "eager"),
        raw("raw compiled", "compiled"),
    ]
    if has_bf16():
        found += [
            product(net, images, "product bf16", half),
            product(net, images, "product compiled bf16", compiled, half),
            raw("raw bf16", "eager", "--bf16"),
            raw("raw compiled bf16", "compiled", "--bf16"),
        ]
    if net == "mlp":
        root = str(images.root)
        found += [
            Variant("example", [PYTHON, str(BASELINES / "example.py"), root]),
            Variant("template", [PYTHON, str(BASELINES / "template.py"), root, "20", "1.0", "0", "0"]),
            raw("matrix products alone", "products"),
        ]
        if find_spec("pythae"):
            found.append(Variant("pythae", [PYTHON, str(BASELINES / "pythae_way.py"), root]))
    return found


def measure(net: str, images: Images, lives: int) -> tuple[Section, dict[str, list[Facts]]]:
    """Measure one network; returns its section of the page, and all turns."""
    found = interleave(variants(net, images), ROUNDS[net], lives=lives)
    rows = []
    for name in sorted(found, key=lambda name: median_rate(found, name)):
        validation = [facts["validation_seconds"] for facts in found[name] if "validation_seconds" in facts]
        ratios = [paired_ratio(found, name, base) for base in ("raw", "example")]
        rows.append([name, f"{median_rate(found, name):,.0f}", *ratios, min(validation, default=None)])
    text = table(["", "images / s", "of raw", "of example", "validation, s a turn"], rows)
    goals = [(f"{name} / {base}", paired_ratio(found, name, base), goal) for (name, base), goal in GOALS[net].items()]
    return Section(net, text, goals), found
