"""How the cost grows with images and with the batch, and what two processes are worth."""

from __future__ import annotations

from pathlib import Path

from drive import Facts, Variant, interleave, median_rate, paired_ratio
from images import Images
from page import Section, table

from workloads.training import product

SIZES = (100, 200, 400)  # batches of a turn
BATCHES = (128, 256, 512)
ONE, TWO = "one process, batches of 256", "two processes of one thread, batches of 128"
DDP = ["trainer.accelerator=cpu", "trainer.devices=2", "trainer.strategy=ddp", "data.batch_size=128"]


def measure(images: Images, folder: Path, rounds: int) -> tuple[Section, dict[str, list[Facts]]]:
    """An image should cost the same, however many there are and however they are dealt out."""

    def variant(name: str, batches: int, *overrides: str) -> Variant:
        return product("mlp", images, folder / "scaling", name, f"trainer.limit_train_batches={batches}", *overrides)

    variants = [variant(f"{n} batches of 128", n) for n in SIZES]
    variants += [variant(f"batches of {size}", 40_000 // size, f"data.batch_size={size}") for size in BATCHES]
    two = variant(TWO, 100, *DDP)
    variants += [variant(ONE, 100, "data.batch_size=256"), Variant(two.name, two.command, {"OMP_NUM_THREADS": "1"})]
    found = interleave(variants, rounds)
    rows = [[name, f"{median_rate(found, name):,.0f}"] for name in found]
    small, large = f"{SIZES[0]} batches of 128", f"{SIZES[-1]} batches of 128"
    # The same variant's last turn against its first: an epoch costs the same, however many were before it.
    first, last = found[small][0], found[small][-1]
    epochs = (last["examples"] / last["seconds"]) / (first["examples"] / first["seconds"])
    goals = [
        ("four times the images: images / s", paired_ratio(found, large, small), 0.9),
        ("last epoch / first epoch: images / s", epochs, 0.9),
        (
            "batches of 512 / of 128: images / s",
            paired_ratio(found, f"batches of {BATCHES[-1]}", f"batches of {BATCHES[0]}"),
            0.9,
        ),
        (f"{TWO} / {ONE}", paired_ratio(found, TWO, ONE), 0.8),
    ]
    return Section("scaling", table(["", "images / s"], rows), goals), found
