"""Train what a table of docs/ is made of, and write the table: reproduce.py NAME [folder for the runs].

scripts/tables/NAME.yaml says which runs: `common` overrides, `rows` of further ones by name, `seeds`, and the `columns`
of figures of the test set, those that end in % in percent. Each figure is the mean over seeds with its standard error.
`seeds_of` names rows with other seeds, and `before` commands of other verbs that a row needs. In overrides and commands
{runs} is the folder of the runs and {seed} the seed: the run of an earlier row is {runs}/ROW/seed{seed}.
`beside` names others whose figures the first run has, too, and what these begin with.
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
    lines: list[str] = []
    of_rows: list[list[dict[str, Any]]] = []
    for row, overrides in table["rows"].items():
        folder = runs / re.sub(r"[^a-z0-9.]+", "-", row.lower())
        found = []
        for seed in table.get("seeds_of", {}).get(row, table["seeds"]):
            put = {"runs": str(runs.absolute()), "seed": str(seed)}
            for words in table.get("before", {}).get(row, []):
                _run(_filled(words, put), folder / f"seed{seed}-before.log")
            given = _filled([*table["common"], *overrides, f"seed={seed}"], put)
            found.append(_figures(folder / f"seed{seed}", given))
        of_rows.append(found)
        lines.append(_line(row, found, table["columns"], f"`{' '.join(overrides)}`"))
        print(lines[-1], flush=True)
    for row, prefix in table.get("beside", {}).items():
        lines.append(_line(row, of_rows[0][:1], [f"{prefix}{column}" for column in table["columns"]], ""))
    head = f"| | {' | '.join(table['columns'])} | |"
    rule = "|---|" + "---:|" * len(table["columns"]) + "---|"
    command = f"    scripts/reproduce {name}\n\nEach run is `vae-exp train {' '.join(table['common'])} seed=N ...`"
    text = "\n".join([f"# {table['title']}\n", table["text"], command + ".\n", head, rule, *lines, ""])
    page = ROOT / "docs" / f"{name}.md"
    page.parent.mkdir(exist_ok=True)
    page.write_text(text)


def _line(row: str, found: list[dict[str, Any]], columns: list[str], about: str) -> str:
    cells = [_cell([_figure(figures, column) for figures in found]) for column in columns]
    return f"| {row} | {' | '.join(cells)} | {about} |".replace("``", "")


def _figures(folder: Path, overrides: list[str]) -> dict[str, Any]:
    """The figures of a run, which is trained unless that has been done."""
    status = folder / "status.json"
    if not status.is_file() or json.loads(status.read_text())["state"] != "done":
        _run(["train", *overrides, f"hydra.run.dir={folder}"], folder / "output.log")
    figures: dict[str, Any] = json.loads((folder / "metrics.json").read_text())
    return figures


def _run(words: list[str], log: Path) -> None:
    """Give a command, unless the file that it writes, as its out=FILE says, is there."""
    out = next((word.removeprefix("out=") for word in words if word.startswith("out=")), None)
    if out is not None and Path(out).exists():
        return
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as output:
        if subprocess.run([sys.executable, "-m", "vae_exp", *words], stdout=output, stderr=output).returncode:
            sys.exit(f"reproduce: vae-exp {' '.join(words)} failed; see {log}")


def _filled(words: list[str], put: dict[str, str]) -> list[str]:
    return [word.replace("{runs}", put["runs"]).replace("{seed}", put["seed"]) for word in words]


def _figure(figures: dict[str, Any], column: str) -> float | None:
    """A figure of the test set, in percent where the column says so."""
    value = figures.get(f"test/{column.removesuffix(' %')}")
    return value * 100 if value is not None and column.endswith(" %") else value


def _cell(values: list[float | None]) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return ""
    mean = statistics.mean(known)
    decimals = 1 if abs(mean) >= 10 else 2 if abs(mean) >= 1 else 4
    if len(known) == 1:
        return f"{mean:.{decimals}f}"
    return f"{mean:.{decimals}f} ± {statistics.stdev(known) / len(known) ** 0.5:.{decimals}f}"


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(sys.argv[1], Path(sys.argv[2] if len(sys.argv) == 3 else ROOT / "outputs" / "reproduce" / sys.argv[1]))
