"""Where the time of a default run goes."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from drive import HERE, PYTHON, environment
from page import Section, table


def measure(folder: Path, epochs: int) -> tuple[Section, dict[str, float]]:
    """Shares of a run of `vae-exp train`."""
    command = [PYTHON, str(HERE / "baselines" / "profile_run.py"), f"trainer.max_epochs={epochs}"]
    env = environment()
    env["PYTHONPATH"] = f"{HERE / 'baselines'}:{env['PYTHONPATH']}"
    said = subprocess.run(command, env=env, cwd=folder, capture_output=True, text=True)
    if said.returncode:
        raise SystemExit(f"benchmark: {' '.join(command)} failed:\n{said.stderr[-2000:]}")
    found: dict[str, float] = json.loads(said.stdout.strip().splitlines()[-1])
    whole = sum(found.values())
    ordered = sorted(found.items(), key=lambda item: -item[1])
    rows = [[name, f"{seconds:.1f}", f"{100 * seconds / whole:.0f} %"] for name, seconds in ordered]
    text = f"`vae-exp train trainer.max_epochs={epochs}`, {whole:.0f} s in all.\n\n" + table(["", "s", "share"], rows)
    return Section("profile", text, []), found
