"""Measure the speed of the project, and write what was found to docs/performance.md and to a JSON file."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import machine
from images import Images, prepare
from page import Section, of_goals, rewrite
from workloads import data, nll, profile, scaling, start_up, sweep, training

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "performance.md"
Measure = Callable[[], tuple[Section, Any]]


def workloads(images: Images, folder: Path, *, quick: bool) -> dict[str, Measure]:
    """What can be measured, by name."""
    rounds, lives = (2, 1) if quick else (5, 3)
    return {
        "mlp": lambda: training.measure("mlp", images, lives),
        "conv": lambda: training.measure("conv", images, lives),
        "resnet": lambda: training.measure("resnet", images, lives),
        "sweep": lambda: sweep.measure(images, folder, sweep.BETAS[:2] if quick else sweep.BETAS),
        "nll": lambda: nll.measure(images, 1 if quick else 3),
        "start-up": lambda: start_up.measure(folder, 1 if quick else 3),
        "data": lambda: data.measure(images, rounds),
        "scaling": lambda: scaling.measure(images, lives),
        "profile": lambda: profile.measure(folder, 2 if quick else 60),
    }


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(prog="scripts/benchmark", description=__doc__)
    parser.add_argument("--only", help="workloads, with commas between them")
    parser.add_argument(
        "--quick", action="store_true", help="fewer rounds: to see that it works; the page stays as it is"
    )
    parser.add_argument("--data-root", type=Path, help="folder that holds MNIST/raw; else 5,000 digits over and over")
    parser.add_argument("--json", type=Path, default=Path("benchmark.json"), help="where all measurements go")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        images = prepare(Path(folder), given.data_root.absolute() if given.data_root else None)
        known = workloads(images, Path(folder), quick=given.quick)
        chosen = given.only.split(",") if given.only else list(known)
        if wrong := [name for name in chosen if name not in known]:
            sys.exit(f"benchmark: --only={wrong[0]}: should be of {', '.join(known)}")
        facts = machine.describe() | {"images": "MNIST" if images.real else "5,000 digits of MNIST over and over"}
        options = ["--only", given.only] if given.only else []
        options += ["--data-root", "DIR"] if images.real else []
        measured = {}
        for name in chosen:
            began = time.perf_counter()
            section, measured[name] = known[name]()
            print(
                f"\n{name}, {time.perf_counter() - began:.0f} s\n\n{section.text}\n\n{of_goals(section.goals)}",
                flush=True,
            )
            given.json.write_text(json.dumps({"machine": facts, "measured": measured}, indent=1))
            if not given.quick:
                rewrite(PAGE, section, facts, shlex.join(["scripts/benchmark", *options]))


main()
