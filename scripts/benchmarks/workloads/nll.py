"""The importance-sampled likelihood, against the matrix products of the decoder alone."""

from __future__ import annotations

from drive import HERE, PYTHON, Facts, Variant, interleave, median_rate, paired_ratio
from images import Images
from page import Section, table

SAMPLES = 5000
ALONE = "matrix products alone"
IMAGES = {"product": 250, "loop": 8, ALONE: 80}
"""Of a turn; the product is given a batch as large as an evaluation gives it."""


def measure(images: Images, rounds: int) -> tuple[Section, dict[str, list[Facts]]]:
    """Images a second, and the peak memory."""
    script, file = str(HERE / "baselines" / "nll.py"), str(images.files["mlp"])
    variants = [
        Variant(name, [PYTHON, script, name, file, str(count), str(SAMPLES)])
        for name, count in IMAGES.items()
        if name != ALONE
    ]
    variants.append(Variant(ALONE, [PYTHON, script, "products", file, str(IMAGES[ALONE]), str(SAMPLES)]))
    found = interleave(variants, rounds)
    peak = max(facts["peak_gib"] for facts in found["product"])
    rows = [
        [name, f"{median_rate(found, name):.1f}", paired_ratio(found, name, ALONE), facts[-1]["peak_gib"]]
        for name, facts in found.items()
    ]
    text = f"784-400-20, {SAMPLES} samples, float32.\n\n"
    text += table(["", "images / s", "of the products alone", "peak memory, GiB"], rows)
    goals = [
        ("product / matrix products alone", paired_ratio(found, "product", ALONE), 0.6),
        ("1.5 GiB / peak memory", 1.5 / peak, 1.0),
    ]
    return Section("nll", text, goals), found
