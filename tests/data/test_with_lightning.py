"""The data module under Lightning: a run that is stopped and resumed sees what it would have seen."""

import pytest
import pytorch_lightning as pl
import torch

from .making import module

# Lightning 2.6 with torch 2.14 and later; its own affair
pytestmark = pytest.mark.filterwarnings("ignore:.*LeafSpec.*is deprecated:FutureWarning")


class Recorder(pl.LightningModule):
    """Learns nothing to speak of and notes the labels of every batch that it sees."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(()))
        self.seen = []
        self.evaluated = []

    def training_step(self, batch, batch_idx):
        assert batch["x"].dtype == torch.float32
        self.seen.append((self.current_epoch, batch_idx, batch["x"].sum().item()))
        return self.weight * batch["x"].mean()

    def validation_step(self, batch, batch_idx):
        self.evaluated.append(batch["x"].sum().item())

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


class SaveAt(pl.Callback):
    def __init__(self, path, epoch, batch_idx):
        self.path, self.at = path, (epoch, batch_idx)

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        if (trainer.current_epoch, batch_idx) == self.at:
            trainer.save_checkpoint(self.path)


def fit(tmp_path, callbacks=(), ckpt_path=None):
    model = Recorder()
    trainer = pl.Trainer(
        accelerator="cpu",
        devices=1,
        max_epochs=3,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=list(callbacks),
    )
    trainer.fit(model, datamodule=module(tmp_path), ckpt_path=ckpt_path, weights_only=True)
    return model


@pytest.mark.parametrize(("epoch", "batch_idx"), [(0, 0), (1, 2), (1, 3)])
def test_a_resumed_run_sees_what_was_left(tmp_path, epoch, batch_idx):
    path = tmp_path / "saved.ckpt"
    whole = fit(tmp_path, [SaveAt(path, epoch, batch_idx)])
    resumed = fit(tmp_path, ckpt_path=path)
    assert len(whole.seen) == 12
    assert resumed.seen == whole.seen[whole.seen.index(resumed.seen[0]) :]
    assert len(resumed.seen) == 12 - 4 * epoch - batch_idx - 1


def test_epochs_differ_and_evaluation_does_not(tmp_path):
    model = fit(tmp_path)
    first, second = ([total for epoch, _, total in model.seen if epoch == number] for number in (0, 1))
    assert first != second
    assert sum(first) == pytest.approx(sum(second))
    assert len(set(model.evaluated)) == 1
