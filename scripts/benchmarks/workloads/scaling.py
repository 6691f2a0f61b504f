"""How the cost grows with images and with the batch, and what two processes are worth."""

from __future__ import annotations

import statistics
from pathlib import Path

from drive import PYTHON, Facts, Variant, interleave, median_rate, paired_ratio, rate
from images import Images
from page import Section, table

from workloads.training import BASELINES, product

SIZES = (100, 200, 400)  # batches of a turn
BATCHES = (128, 256, 512)
ONE, TWO = "one process, batches of 256", "two processes of one thread, batches of 128"
SHARED = {"mlp": 100, "conv": 30}  # batches of a turn of the networks that two processes share
CLOCK, AGING = "matrix products of the mlp alone", "epoch by epoch"
DDP = ["trainer.accelerator=cpu", "trainer.devices=2", "trainer.strategy=ddp", "data.batch_size=128"]


def measure(images: Images, folder: Path, rounds: int) -> tuple[Section, dict[str, list[Facts]]]:
    """An image should cost the same, however many there are and however they are dealt out."""

    def variant(net: str, name: str, batches: int, *overrides: str) -> Variant:
        limit = f"trainer.limit_train_batches={batches}"
        return product(net, images, folder / "scaling", f"{net}, {name}", limit, *overrides)

    variants = [variant("mlp", f"{n} batches of 128", n) for n in SIZES]
    variants += [variant("mlp", f"batches of {size}", 40_000 // size, f"data.batch_size={size}") for size in BATCHES]
    for net, batches in SHARED.items():
        two = variant(net, TWO, batches, *DDP)
        variants.append(variant(net, ONE, batches, "data.batch_size=256"))
        variants.append(Variant(two.name, two.command, {"OMP_NUM_THREADS": "1"}))
    clock = [PYTHON, str(BASELINES / "raw.py"), "products", "mlp", str(images.files["mlp"]), "--steps", "400"]
    found = interleave(variants, rounds)
    aging = interleave([Variant(CLOCK, clock), variant("mlp", AGING, SIZES[0])], 6 * rounds)
    rows = [[name, f"{median_rate(found, name):,.0f}"] for name in found]
    small, large = f"mlp, {SIZES[0]} batches of 128", f"mlp, {SIZES[-1]} batches of 128"
    # Later turns against earlier ones, by the clock of a loop that has nothing to grow; of each the upper quartile,
    # since what else the machine does can only slow a turn.
    pace = [rate(turn) / rate(tick) for turn, tick in zip(aging[f"mlp, {AGING}"], aging[CLOCK], strict=True)]
    earlier, later = [statistics.quantiles(part, n=4)[2] for part in (pace[: len(pace) // 2], pace[len(pace) // 2 :])]
    goals = [
        ("mlp, four times the images: images / s", paired_ratio(found, large, small), 0.9),
        ("mlp, later epochs / earlier epochs: images / s", later / earlier, 0.9),
        (
            "mlp, batches of 512 / of 128: images / s",
            paired_ratio(found, f"mlp, batches of {BATCHES[-1]}", f"mlp, batches of {BATCHES[0]}"),
            0.9,
        ),
    ]
    goals += [(f"{net}, {TWO} / {ONE}", paired_ratio(found, f"{net}, {TWO}", f"{net}, {ONE}"), 0.8) for net in SHARED]
    return Section("scaling", table(["", "images / s"], rows), goals), found | aging
