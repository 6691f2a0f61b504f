"""How long a command takes to begin."""

from __future__ import annotations

import statistics
import subprocess
import time
from pathlib import Path

from drive import PYTHON, environment
from page import Section, table

COMMANDS = {
    "import torch, pytorch_lightning": ["-c", "import torch, pytorch_lightning"],
    "vae-exp --help": ["-m", "vae_exp", "--help"],
    "vae-exp info": ["-m", "vae_exp", "info"],
    "first step of digits": ["-c", "import first_step"],
}


def measure(folder: Path, rounds: int) -> tuple[Section, dict[str, list[float]]]:
    """Seconds of each command, the commands taking turns."""
    found: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for number in range(rounds + 1):
        for name, command in COMMANDS.items():
            began = time.perf_counter()
            subprocess.run([PYTHON, *command], env=environment(), cwd=folder, capture_output=True, check=True)
            if number:  # the first round warms the disk
                found[name].append(time.perf_counter() - began)
    median = {name: statistics.median(seconds) for name, seconds in found.items()}
    base = median["import torch, pytorch_lightning"]
    rows = [[name, seconds, seconds / base] for name, seconds in median.items()]
    goals = [
        ("1.3 x the imports / first step of digits", 1.3 * base / median["first step of digits"], 1.0),
        ("1.5 s / vae-exp --help", 1.5 / median["vae-exp --help"], 1.0),
    ]
    return Section("start-up", table(["", "s", "of the imports"], rows), goals), found
