"""A data set, cut, checked, ordered and prepared for training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytorch_lightning as pl
from torch import Tensor

from vae_exp.data.batches import Batches
from vae_exp.data.cache import in_memory
from vae_exp.data.cuts import Part, Share, cut
from vae_exp.data.labels import WithLabelled, keep_labels
from vae_exp.data.lock import one_at_a_time
from vae_exp.data.order import Order
from vae_exp.data.pictures import Pictures
from vae_exp.data.prepare import PER_BATCH, Binarize, flip_at_random, to_unit_interval
from vae_exp.data.sparse_rows import SparseRows
from vae_exp.data.splits import Split, SplitName, Splits
from vae_exp.errors import UserError, of_kind
from vae_exp.types import Batch, Count, CountOrZero, DataSpec, NonNegative, Seed


class DataModule(pl.LightningDataModule):
    """Load a data set once, cut it to train, val and test, and serve batches of it.

    Args:
        dataset: Makes the data set, a function without arguments.
        root: Folder of downloads and decoded pictures; it need not be writable where nothing is to be written.
        batch_size: Training examples of a batch, of each process; unlabelled ones, where `num_labels` is given.
        eval_batch_size: The same for validation and test.
        val_fraction: What becomes "val" where the data set brings none, as a fraction of its training examples.
        test_fraction: The same for "test".
        num_labels: Training examples that keep their label, of every class its share; null for all.
        labelled_batch_size: Where `num_labels` is given, labelled examples that each training batch has besides.
        split_seed: Seed of these cuts, of static binarisation and of the choice of labels.
        seed: Seed of the order of the training examples.
        binarize: How grey levels become 0 and 1: "none"; "threshold" (above 1/2); "dynamic" (a fresh draw from
            Bernoulli(x) each time); "static" (one draw for good).
        flip: Whether to mirror training pictures left to right at random.
        num_workers: Processes that decode pictures; what is in memory needs none.
        memory_limit_gb: Pictures that take at most this much when decoded, 10^9 bytes a split, are decoded once and
            served from memory; more are decoded whenever they are served.
    """

    def __init__(
        self,
        *,
        dataset: Callable[[], Splits],
        root: str,
        batch_size: Count,
        eval_batch_size: Count,
        val_fraction: Share,
        test_fraction: Share,
        num_labels: Count | None,
        labelled_batch_size: Count,
        split_seed: Seed,
        seed: Seed,
        binarize: Binarize,
        flip: bool,
        num_workers: CountOrZero,
        memory_limit_gb: NonNegative,
    ) -> None:
        super().__init__()
        self.dataset = dataset
        self.root = Path(root).expanduser()
        self.batch_size = batch_size
        self.eval_batch_size = eval_batch_size
        self.val_fraction = val_fraction
        self.test_fraction = test_fraction
        self.num_labels = num_labels
        self.labelled_batch_size = labelled_batch_size
        self.split_seed = split_seed
        self.seed = seed
        self.binarize: Binarize = binarize
        self.flip = flip
        self.num_workers = num_workers
        self.memory_limit_gb = memory_limit_gb
        self._parts: dict[SplitName, Part] = {}
        self._num_classes = 0

    def setup(self, stage: str | None = None) -> None:
        """Load the data set, where that has not been done.

        Raises:
            UserError: Something is wrong with the data, or they cannot be had.
        """
        if self._parts:
            return
        with one_at_a_time(self.root):
            splits = of_kind(self.dataset(), dict, "data: what the data set gives")
            loaded = {name: self._load(of_kind(split, Split, f"data: {name}")) for name, split in splits.items()}
        if unknown := loaded.keys() - set(get_args(SplitName)):
            raise UserError(f"data: {min(unknown)} is no split; a data set gives train, and may give val and test")
        if "train" not in loaded:
            raise UserError("data: the data set gives no split train")
        self._validate(loaded)
        self._parts = cut(
            {name: self._binarized(name, split) for name, split in loaded.items()},
            val_fraction=self.val_fraction,
            test_fraction=self.test_fraction,
            split_seed=self.split_seed,
        )
        self._num_classes = _num_classes(self._parts)
        if self.num_labels is not None:
            self._parts["train"] = keep_labels(self._parts["train"], self.num_labels, self.split_seed)

    @property
    def spec(self) -> DataSpec:
        """What a model must know of the data; after `setup`."""
        part = self._parts["train"]
        factors = part.source.factors
        sparse = part.source if isinstance(part.source, SparseRows) else None
        return DataSpec(
            x_shape=part.source.shape,
            values="binary" if self.binarize != "none" else part.source.values,
            train_size=len(part.indices),
            num_classes=self._num_classes,
            factor_names=() if factors is None else factors.names,
            factor_sizes=() if factors is None else factors.sizes,
            item_names=() if sparse is None else sparse.item_names,
            item_counts=() if sparse is None else sparse.item_counts(part.indices),
        )

    def train_dataloader(self) -> Batches:
        """Batches of training examples, in an order that changes with the epoch."""
        return self._batches("train", self.batch_size, shuffle=True)

    def val_dataloader(self) -> Batches:
        """Batches of validation examples, in a fixed order."""
        return self._batches("val", self.eval_batch_size, shuffle=False)

    def test_dataloader(self) -> Batches:
        """Batches of test examples, in a fixed order."""
        return self._batches("test", self.eval_batch_size, shuffle=False)

    def on_after_batch_transfer(self, batch: Batch, dataloader_idx: int) -> Batch:
        """Prepare a batch on its device."""
        assert self.trainer is not None
        prepared = self.prepare(batch, train=self.trainer.training)
        converted: Batch = self.trainer.precision_plugin.convert_input(prepared)  # for precision 64-true and the like
        return converted

    def prepare(self, batch: Batch, *, train: bool) -> Batch:
        """Make float32 in [0, 1] of a batch's x: draw it if need be, flip (training only), scale, binarise.

        Random draws are from the global random state of torch.

        Args:
            batch: A batch as the loaders serve it, on any device.
            train: Whether it is to train on.
        """
        x = batch["x"] if "x" in batch else self._draw(batch["factors"])
        x = flip_at_random(x) if train and self.flip else x
        return {**batch, "x": PER_BATCH[self.binarize](to_unit_interval(x))}

    def part(self, split: SplitName) -> Part:
        """Which examples a split has, as they are before they are prepared; after `setup`."""
        return self._parts[split]

    def examples(self, split: SplitName, n: Count) -> Batch:
        """Prepare the first n examples of a split (all, where it has fewer), on the CPU."""
        source, indices = self._parts[split]
        return self.prepare(source.rows(indices[:n]), train=False)

    def _draw(self, factors: Tensor) -> Tensor:
        known = self._parts["train"].source.factors
        assert known is not None
        assert known.draw is not None
        return known.draw(factors)

    def _load(self, split: Split) -> Split:
        if isinstance(split, Pictures) and split.decoded_bytes <= self.memory_limit_gb * 1e9:
            return in_memory(split, root=self.root, num_workers=self.num_workers)
        return split

    def _validate(self, splits: Splits) -> None:
        for name, split in splits.items():
            split.check(f"data: the {name} split")
            if self.flip and len(split.shape) != 3:
                raise UserError("data.flip=true mirrors pictures, which rows of items are not; use data.flip=false")
            if _kind(split) != _kind(splits["train"]):
                raise UserError(
                    f"data: the {name} split is {_kind(split)}, but its train split is "
                    f"{_kind(splits['train'])}; they must agree"
                )

    def _binarized(self, name: SplitName, split: Split) -> Split:
        seed = self.split_seed + get_args(SplitName).index(name)
        return split.binarized(seed) if self.binarize == "static" else split

    def _batches(self, split: SplitName, batch_size: int, *, shuffle: bool) -> Batches:
        part = self._parts[split]
        labelled = (self.num_labels or 0) if split == "train" else 0
        order = Order(size=len(part.indices) - labelled, batch_size=batch_size, shuffle=shuffle, seed=self.seed)
        if labelled:
            order = WithLabelled(order, num_labels=labelled, labelled_batch_size=self.labelled_batch_size)
        return Batches(part=part, order=order, num_workers=self.num_workers)


def _num_classes(parts: dict[SplitName, Part]) -> int:
    """Of all splits: one class may be in the test examples alone. 0 where there are no labels to train with."""
    if parts["train"].source.y is None:
        return 0
    labels = [part.source.y[part.indices] for part in parts.values() if part.source.y is not None]
    largest, examples = max(int(y.max()) for y in labels), sum(map(len, labels))
    if largest >= examples:  # a model has weights for each class up to it
        raise UserError(f"data: y holds the label {largest}, which is no number of a class; number them 0, 1, 2, ...")
    return largest + 1


def _kind(split: Split) -> str:
    factors = split.factors
    made_of = "" if factors is None else f" with factors {dict(zip(factors.names, factors.sizes, strict=True))}"
    return f"{split.values} {list(split.shape)}{made_of}"
