"""The data set of sprites, held and drawn on the fly."""

import math
import pickle
from dataclasses import replace
from functools import partial

import pytest
import pytorch_lightning as pl
import torch

from vae_exp.data.factors import Factors, grid, to_factors
from vae_exp.data.render import NAMES, SIZES, render
from vae_exp.data.sprites import sprites
from vae_exp.data.table import Table
from vae_exp.errors import UserError
from vae_exp.types import DataSpec

from .making import module, to_index


def small(**changes):
    settings = {"size": 12, "num_colors": 1, "num_train": 60, "num_val": 10, "num_test": 20, "on_the_fly": False}
    return partial(sprites, **(settings | {"seed": 0} | changes))


def served(made, name="train"):
    loader = getattr(made, f"{name}_dataloader")()
    batches = [made.prepare(batch, train=name == "train") for batch in loader]
    return {key: torch.cat([batch[key] for batch in batches]) for key in batches[0]}


# Factors


def test_numbers_and_tuples_are_each_others_inverse_and_the_last_factor_is_the_fastest():
    tuples = torch.tensor([[0, 0, 0, 0, 1], [0, 0, 0, 1, 0], [2, 5, 39, 31, 31]])
    assert to_index(tuples, SIZES).tolist() == [1, 32, 737279]
    assert torch.equal(to_factors(torch.tensor([1, 32, 737279]), SIZES), tuples)
    every = grid(("a", "b", "c"), (2, 3, 4), label="b")
    assert torch.equal(to_index(every.values, every.sizes), torch.arange(24))
    assert torch.equal(every.values, torch.cartesian_prod(torch.arange(2), torch.arange(3), torch.arange(4)))
    assert torch.equal(every.y, every.values[:, 1])


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (torch.zeros(5, 2), "float32"),
        (torch.zeros(4, 2, dtype=torch.int64), r"shape \[4, 2\]"),
        (torch.zeros(5, 3, dtype=torch.int64), r"shape \[5, 3\]"),
        (torch.full((5, 2), 3), r"the factor b lies in 3\.\.3; it must be in 0\.\.2"),
        (torch.full((5, 2), -1), r"the factor a lies in -1"),
    ],
)
def test_factors_that_are_none_are_one_sentence(values, sentence):
    table = Table(torch.zeros(5, 1, 2, 2, dtype=torch.uint8), None, Factors(values, ("a", "b"), (4, 3)))
    with pytest.raises(UserError, match=sentence):
        table.check("train")


# The data set


def drawn(batch, num_colors=1):
    """The pictures of a batch's factors, in [0, 1]."""
    return render(batch["factors"], size=12, num_colors=num_colors).float() / 255


@pytest.mark.parametrize("on_the_fly", [False, True])
def test_spec_and_batches(tmp_path, on_the_fly):
    made = module(tmp_path, small(on_the_fly=on_the_fly))
    assert made.spec == DataSpec((1, 12, 12), "levels", 60, 3, NAMES, SIZES)
    for name, n in (("train", 60), ("val", 10), ("test", 20)):
        batch = served(made, name)
        assert batch["x"].shape == (n, 1, 12, 12)
        assert batch["x"].dtype == torch.float32
        assert batch["factors"].shape == (n, 5)
        assert batch["factors"].dtype == batch["y"].dtype == torch.int64
        assert torch.equal(batch["y"], batch["factors"][:, 0])
        first = made.examples(name, 7)
        assert {key: value.shape[0] for key, value in first.items()} == {"x": 7, "y": 7, "factors": 7}
        assert torch.equal(drawn(first), first["x"])
    assert module(tmp_path, small(on_the_fly=on_the_fly), binarize="threshold").spec.values == "binary"


def test_the_splits_share_no_tuple_and_all_tuples_can_be_had(tmp_path):
    made = module(tmp_path, small(num_train=None, on_the_fly=True))
    total = math.prod(SIZES)
    assert made.spec.train_size == total - 30
    numbers = [to_index(part.source.factors.values, SIZES) for part in made._parts.values()]
    assert torch.equal(torch.cat(numbers).sort().values, torch.arange(total))
    spread = to_factors(numbers[0][:10000], SIZES).double().mean(0) / (torch.tensor(SIZES) - 1)
    assert (spread - 0.5).abs().max() < 0.02  # any part of them is a fair sample


def test_held_and_drawn_are_the_same_pictures_in_the_same_order(tmp_path):
    held, drawn = module(tmp_path, small()), module(tmp_path, small(on_the_fly=True))
    assert "x" not in next(iter(drawn.train_dataloader()))
    for name in ("train", "val", "test"):
        one, other = served(held, name), served(drawn, name)
        assert all(torch.equal(one[key], other[key]) for key in ("x", "y", "factors"))


def test_the_choice_of_tuples_is_its_seeds(tmp_path):
    first, same, other = (module(tmp_path, small(seed=seed), seed=5).examples("test", 20) for seed in (0, 0, 1))
    assert torch.equal(first["factors"], same["factors"])
    assert not torch.equal(first["factors"], other["factors"])
    grown = module(tmp_path, small(num_train=90)).examples("test", 20)
    assert torch.equal(first["x"], grown["x"])  # more to train on, the same test


def test_colour_is_a_factor_before_the_others(tmp_path):
    made = module(tmp_path, small(num_colors=4))
    assert made.spec == DataSpec((3, 12, 12), "levels", 60, 3, ("color", *NAMES), (4, *SIZES))
    batch = made.examples("test", 20)
    assert torch.equal(batch["y"], batch["factors"][:, 1])
    assert torch.equal(drawn(batch, num_colors=4), batch["x"])


def test_static_binarisation_keeps_the_factors_and_cannot_be_on_the_fly(tmp_path):
    assert module(tmp_path, small(), binarize="static").spec.factor_sizes == SIZES
    with pytest.raises(UserError, match=r"data\.binarize=static.*data\.on_the_fly=false"):
        module(tmp_path, small(on_the_fly=True), binarize="static")


def test_more_than_there_are_is_one_sentence(tmp_path):
    with pytest.raises(UserError, match=r"data\.num_train=737280.*more than the 737280 sprites"):
        module(tmp_path, small(num_train=737280))


def test_a_module_that_draws_can_be_pickled(tmp_path):
    made = pickle.loads(pickle.dumps(module(tmp_path, small(on_the_fly=True))))
    assert made.examples("train", 3)["x"].shape == (3, 1, 12, 12)


def test_splits_of_other_factors_are_one_sentence(tmp_path):
    other = replace(small(num_colors=1, size=12)()["test"], factors=None)
    with pytest.raises(UserError, match="they must agree"):
        module(tmp_path, lambda: {**small()(), "test": other})


# Under Lightning


class Recorder(pl.LightningModule):
    """Notes what it sees, and checks that a picture belongs to its factors."""

    def __init__(self, data):
        super().__init__()
        self.data, self.weight = data, torch.nn.Parameter(torch.zeros(()))
        self.seen, self.evaluated = [], []

    def training_step(self, batch, batch_idx):
        assert torch.equal(drawn(batch), batch["x"])
        self.seen.append((self.current_epoch, batch_idx, to_index(batch["factors"], SIZES).tolist()))
        return self.weight * batch["x"].mean()

    def validation_step(self, batch, batch_idx):
        self.evaluated.append(batch["factors"])

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


@pytest.mark.filterwarnings("ignore:.*LeafSpec.*is deprecated:FutureWarning")
@pytest.mark.parametrize("on_the_fly", [False, True])
def test_a_resumed_run_sees_the_factors_that_were_left(tmp_path, on_the_fly):
    path = tmp_path / "saved.ckpt"

    class Save(pl.Callback):
        def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
            if (trainer.current_epoch, batch_idx) == (1, 2):
                trainer.save_checkpoint(path)

    def fit(ckpt_path=None, callbacks=()):
        data = module(tmp_path, small(on_the_fly=on_the_fly))
        model = Recorder(data)
        trainer = pl.Trainer(
            accelerator="cpu",
            devices=1,
            max_epochs=2,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            callbacks=list(callbacks),
        )
        trainer.fit(model, datamodule=data, ckpt_path=ckpt_path, weights_only=True)
        return model

    whole = fit(callbacks=[Save()])
    resumed = fit(path)
    assert resumed.seen == whole.seen[whole.seen.index(resumed.seen[0]) :]
    assert resumed.seen[0][:2] == (1, 3)
    assert len(torch.cat(whole.evaluated).unique(dim=0)) == 10
