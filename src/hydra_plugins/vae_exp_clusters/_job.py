"""One job of an array of SLURM: python -m hydra_plugins.vae_exp_clusters._job FILE. Its run is that of its number."""

from __future__ import annotations

import os
import pickle
import signal
import sys
from pathlib import Path


def main(file: str) -> int:
    """Do the run; returns the exit code."""
    # The run will mind them. Until it has begun, which takes some seconds, a warning should not be the end of the job,
    # and SIGTERM should wait.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    for warning in (signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(warning, signal.SIG_IGN)
    runs = pickle.loads(Path(file).read_bytes())
    return 0 if runs.do(int(os.environ["SLURM_ARRAY_TASK_ID"])) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
