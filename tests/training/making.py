"""Short runs, built as the command builds them."""

import pytorch_lightning as pl

from vae_exp.build import build_data, build_model, build_module, build_trainer

SHORT = ("trainer.max_epochs=1", "trainer.limit_train_batches=6", "data.binarize=none", "~callbacks.pictures")


def fit(settings, *callbacks):
    """Fit what the settings describe, with further callbacks before its own."""
    pl.seed_everything(settings["seed"], verbose=False)
    data = build_data(settings)
    module = build_module(settings, build_model(settings, data.spec))
    trainer = build_trainer(settings)
    trainer.callbacks[:0] = callbacks
    trainer.fit(module, datamodule=data, weights_only=True)
    return module, trainer


def weights(module):
    """A copy of the model's weights."""
    return {name: weight.detach().clone() for name, weight in module.model.named_parameters()}


def gradients(module):
    """A copy of the model's gradients."""
    return {name: weight.grad.clone() for name, weight in module.model.named_parameters() if weight.grad is not None}


def same(a, b):
    """Whether two sets of weights are the same numbers."""
    return a.keys() == b.keys() and all(a[name].equal(b[name]) for name in a)
