"""Where the time of a default run goes, from its process's birth to its end; the answer is printed last, as JSON."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time

BORN = time.time()

import pytorch_lightning as pl  # noqa: E402

from vae_exp.cli import main  # noqa: E402


class Clock(pl.Callback):
    """Reads Lightning's own record of what took how long, and times what lies between."""

    marks: dict[str, float] = {}  # noqa: RUF012
    seconds: dict[str, float] = {}  # noqa: RUF012

    def setup(self, trainer: pl.Trainer, module: pl.LightningModule, stage: str) -> None:
        Clock.profiler = trainer.profiler
        self.marks.setdefault("begun", time.time())

    def on_validation_start(self, *_: object) -> None:
        self.marks["validation"] = time.time()

    def on_validation_end(self, *_: object) -> None:
        self._add("validation", "validation, which is after every epoch")

    def on_test_start(self, *_: object) -> None:
        self.marks["test"] = time.time()

    def on_test_end(self, *_: object) -> None:
        self._add("test", "test: likelihood of 100 samples, and the other figures")

    def _add(self, mark: str, name: str) -> None:
        self.seconds[name] = self.seconds.get(name, 0.0) + time.time() - self.marks[mark]


def report() -> dict[str, float]:
    """Seconds of each part."""
    taken = {name: sum(durations) for name, durations in Clock.profiler.recorded_durations.items()}
    found = {"imports, configuration, data": Clock.marks["begun"] - BORN, **Clock.seconds}
    found["steps: forward, backward, optimizer"] = taken["run_training_batch"]
    found["batches: gather, scale, binarise"] = sum(v for k, v in taken.items() if k.endswith("train_dataloader_next"))
    for part, name in (("Pictures", "pictures"), ("LastAndBest", "checkpoints"), ("Projector", "projector")):
        found[name] = sum(v for k, v in taken.items() if part in k)
    found["the rest: Lightning's loop, logs, progress"] = time.time() - BORN - sum(found.values())
    return found


if __name__ == "__main__":
    sys.modules["profile_run"] = sys.modules[Clock.__module__]
    Clock.__module__ = "profile_run"  # by which the configuration may name it
    clock = [
        "+callbacks.clock._target_=profile_run.Clock",
        "trusted_packages=[profile_run]",
        "+trainer.profiler=simple",
    ]
    code = main(["train", *clock, f"hydra.run.dir={tempfile.mkdtemp()}", *sys.argv[1:]])
    sys.stdout.flush()
    print("\n" + json.dumps(report()), flush=True)
    os._exit(code)
