"""Train what a table of docs/ is made of, and write the table: reproduce.py NAME [folder for the runs].

scripts/tables/NAME.yaml says which runs: `common` overrides, `rows` of further ones by name, `seeds`, and the `columns`
of figures of the test set. Each figure is the mean over seeds with its standard error.
"""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent


def main(name: str, runs: Path) -> None:
    """Train every run of a table and write it."""
    table = yaml.safe_load((ROOT / "scripts" / "tables" / f"{name}.yaml").read_text())
    lines = []
    for row, overrides in table["rows"].items():
        folder = runs / re.sub(r"[^a-z0-9.]+", "-", row.lower())
        found = [_figures(folder / f"seed{s}", [*table["common"], *overrides, f"seed={s}"]) for s in table["seeds"]]
        cells = [_cell([figures.get(f"test/{column}") for figures in found]) for column in table["columns"]]
        lines.append(f"| {row} | {' | '.join(cells)} | `{' '.join(overrides)}` |".replace("``", ""))
        print(lines[-1], flush=True)
    head = f"| | {' | '.join(table['columns'])} | |"
    rule = "|---|" + "---:|" * len(table["columns"]) + "---|"
    command = f"    scripts/reproduce {name}\n\nEach run is `vae-exp train {' '.join(table['common'])} seed=N ...`"
    text = "\n".join([f"# {table['title']}\n", table["text"], command + ".\n", head, rule, *lines, ""])
    page = ROOT / "docs" / f"{name}.md"
    page.parent.mkdir(exist_ok=True)
    page.write_text(text)


def _figures(folder: Path, overrides: list[str]) -> dict[str, Any]:
    """The figures of a run, which is trained unless that has been done."""
    status = folder / "status.json"
    if not status.is_file() or json.loads(status.read_text())["state"] != "done":
        folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "vae_exp", "train", *overrides, f"hydra.run.dir={folder}"]
        with (folder / "output.log").open("w") as output:
            if subprocess.run(command, stdout=output, stderr=subprocess.STDOUT).returncode:
                sys.exit(f"reproduce: {' '.join(command)} failed; see {folder / 'output.log'}")
    figures: dict[str, Any] = json.loads((folder / "metrics.json").read_text())
    return figures


def _cell(values: list[float | None]) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return ""
    if len(known) == 1:
        return f"{known[0]:.1f}"
    return f"{statistics.mean(known):.1f} ± {statistics.stdev(known) / len(known) ** 0.5:.1f}"


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(sys.argv[1], Path(sys.argv[2] if len(sys.argv) == 3 else ROOT / "outputs" / "reproduce" / sys.argv[1]))
