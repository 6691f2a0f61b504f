"""Ends the process at the first step of `vae-exp train data=digits`, as a user would see it begin."""

from __future__ import annotations

import os
import tempfile

import pytorch_lightning as pl

from vae_exp.cli import main


class Leave(pl.Callback):
    """Ends the process after a step."""

    def on_train_batch_end(self, *_: object) -> None:
        os._exit(0)


if __name__ == "first_step":
    run = f"hydra.run.dir={tempfile.mkdtemp()}"
    leave = ["+callbacks.leave._target_=first_step.Leave", "trusted_packages=[first_step]"]
    main(["train", "data=digits", run, *leave])
    os._exit(1)
