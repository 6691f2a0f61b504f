"""The moving average follows its recursion, and is what is evaluated."""

import pytest
import pytorch_lightning as pl
import torch

from .making import SHORT, fit, same, weights


class Note(pl.Callback):
    """The weights at the start, after every step, and those that validation sees."""

    def __init__(self):
        self.steps, self.validated, self.restored = [], [], []

    def on_train_start(self, trainer, module):
        self.steps.append(weights(module))

    def on_train_batch_end(self, trainer, module, *_):
        self.steps.append(weights(module))

    def on_validation_batch_start(self, trainer, module, *_):
        self.validated.append(weights(module))

    def on_train_epoch_end(self, trainer, module):
        self.restored.append(weights(module))


def by_hand(steps, decay):
    average = steps[0]
    for n, step in enumerate(steps[1:]):
        d = min(decay, (1 + n) / (10 + n))
        average = {name: d * average[name] + (1 - d) * weight for name, weight in step.items()}
    return average


@pytest.mark.parametrize("decay", [0.3, 0.999])
def test_average_follows_its_recursion_and_is_evaluated(settings, decay):
    note = Note()
    chosen = settings(*SHORT, f"callbacks.ema.decay={decay}", "trainer.max_epochs=2")
    module, _ = fit(chosen, note)
    for epoch, end in enumerate((7, 13)):
        torch.testing.assert_close(note.validated[epoch], by_hand(note.steps[:end], decay))
        assert not same(note.validated[epoch], note.steps[end - 1])
        assert same(note.restored[epoch], note.steps[end - 1])
    assert same(weights(module), note.steps[-1])
    saved = torch.load(f"{chosen['run_dir']}/checkpoints/last.ckpt", weights_only=True)
    assert same(saved["average"], note.validated[-1])
    assert same({name: saved["state_dict"][f"model.{name}"] for name in note.steps[-1]}, note.steps[-1])


def test_averaging_does_not_change_the_training(settings):
    with_average, _ = fit(settings(*SHORT, "callbacks.ema.decay=0.9", folder="a"))
    without, _ = fit(settings(*SHORT, "callbacks.ema.decay=0", folder="b"))
    assert same(weights(with_average), weights(without))


def test_only_optimizer_steps_count_while_gradients_accumulate(settings):
    note = Note()
    fit(settings(*SHORT, "callbacks.ema.decay=0.5", "trainer.accumulate_grad_batches=2"), note)
    torch.testing.assert_close(note.validated[0], by_hand(note.steps[::2], 0.5))


def test_without_a_decay_the_weights_themselves_are_evaluated(settings):
    note = Note()
    fit(settings(*SHORT, "callbacks.ema.decay=0"), note)
    assert same(note.validated[0], note.steps[-1])


def test_a_short_run_does_not_keep_where_it_began(settings):
    note = Note()
    module, _ = fit(settings("trainer.max_epochs=3", "callbacks.ema.decay=0.9999", "~callbacks.pictures"), note)
    begun, ended, averaged = (
        torch.cat([w.flatten() for w in some.values()]) for some in (note.steps[0], weights(module), note.validated[-1])
    )
    assert (averaged - ended).norm() < 0.2 * (averaged - begun).norm()


def test_buffers_without_data_are_forgotten(settings):
    chosen = settings(*SHORT, "callbacks.ema.decay=0.999", "model/likelihood=optimal_sigma_gaussian")
    module, _ = fit(chosen)
    saved = torch.load(f"{chosen['run_dir']}/checkpoints/last.ckpt", weights_only=True)
    [name] = [name for name in saved["average"] if name.endswith("likelihood.variance")]
    torch.testing.assert_close(saved["average"][name], module.model.state_dict()[name], rtol=0.5, atol=0)
