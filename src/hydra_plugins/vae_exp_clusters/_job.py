"""One job of an array of SLURM: python -m hydra_plugins.vae_exp_clusters._job FILE. Its run is that of its number."""

from __future__ import annotations

import os
import pickle
import sys
from pathlib import Path

from hydra_plugins.vae_exp_clusters._elsewhere import Runs


def main(file: str) -> int:
    """Do the run; returns the exit code."""
    runs: Runs = pickle.loads(Path(file).read_bytes())
    return 0 if runs.do(int(os.environ["SLURM_ARRAY_TASK_ID"])) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
