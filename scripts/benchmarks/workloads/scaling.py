"""How the cost grows with images and with the batch, and what two processes are worth."""

from __future__ import annotations

from drive import Facts, Variant, interleave, median_rate, paired_ratio
from images import Images
from page import Section, table

from workloads.training import product

SIZES = (100, 200, 400)  # batches of a turn
BATCHES = (128, 256, 512)
ONE, TWO = "one process, batches of 256", "two processes of one thread, batches of 128"
SHARED = {"mlp": 100, "conv": 30}  # batches of a turn of the networks that two processes share
AGES = (0, 20, 60)  # epochs that lie behind
ROUNDS = 2
DDP = ["trainer.accelerator=cpu", "trainer.devices=2", "trainer.strategy=ddp", "data.batch_size=128"]


def measure(images: Images, lives: int) -> tuple[Section, dict[str, list[Facts]]]:
    """An image should cost the same, however many there are, whenever they come and however they are dealt out."""

    def variant(net: str, name: str, batches: int, *overrides: str) -> Variant:
        limit = f"trainer.limit_train_batches={batches}"
        return product(net, images, f"{net}, {name}", limit, *overrides)

    variants = [variant("mlp", f"{n} batches of 128", n) for n in SIZES]
    variants += [variant("mlp", f"batches of {size}", 40_000 // size, f"data.batch_size={size}") for size in BATCHES]
    variants += [variant("mlp", f"after {age} epochs", SIZES[0], f"+callbacks.turns.before={age}") for age in AGES]
    for net, batches in SHARED.items():
        two = variant(net, TWO, batches, *DDP)
        variants.append(variant(net, ONE, batches, "data.batch_size=256"))
        variants.append(Variant(two.name, two.command, {"OMP_NUM_THREADS": "1"}))
    found = interleave(variants, ROUNDS, lives=lives)
    rows = [[name, f"{median_rate(found, name):,.0f}"] for name in found]
    small, large = f"mlp, {SIZES[0]} batches of 128", f"mlp, {SIZES[-1]} batches of 128"
    goals = [
        ("mlp, four times the images: images / s", paired_ratio(found, large, small), 0.9),
        (
            f"mlp, after {AGES[-1]} epochs / after {AGES[0]}: images / s",
            paired_ratio(found, f"mlp, after {AGES[-1]} epochs", f"mlp, after {AGES[0]} epochs"),
            0.9,
        ),
        (
            "mlp, batches of 512 / of 128: images / s",
            paired_ratio(found, f"mlp, batches of {BATCHES[-1]}", f"mlp, batches of {BATCHES[0]}"),
            0.9,
        ),
    ]
    goals += [(f"{net}, {TWO} / {ONE}", paired_ratio(found, f"{net}, {TWO}", f"{net}, {ONE}"), 0.8) for net in SHARED]
    return Section("scaling", table(["", "images / s"], rows), goals), found
