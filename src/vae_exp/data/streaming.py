"""Decoding pictures in worker processes, batch by batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from vae_exp.data.pictures import Pictures, stack
from vae_exp.errors import UserError
from vae_exp.types import CountOrZero


class _Decoder(Dataset[Tensor]):
    """Decodes a batch at a time and hands over an error as a value: raised in a worker, it would bring a traceback."""

    def __init__(self, pictures: Pictures) -> None:
        self.pictures = pictures

    def __getitems__(self, indices: Sequence[int]) -> Tensor | UserError:
        try:
            return stack(self.pictures, indices)
        except UserError as error:
            return UserError(str(error))


def _as_it_is(batch: Any) -> Any:
    return batch


def stream(pictures: Pictures, batches: Iterable[Sequence[int]], *, num_workers: CountOrZero) -> Iterator[Tensor]:
    """Decode batches of pictures in the order given, without touching the global random state.

    Args:
        pictures: The pictures.
        batches: Indices of the pictures of each batch.
        num_workers: Processes that decode, 0 for this one.

    Yields:
        [B, C, H, W] uint8.

    Raises:
        UserError: A picture cannot be read.
    """
    loader = DataLoader(
        _Decoder(pictures),
        batch_sampler=batches,  # type: ignore[arg-type]  # torch accepts any iterable of lists
        num_workers=num_workers,
        collate_fn=_as_it_is,
        pin_memory=torch.cuda.is_available(),
        generator=torch.Generator().manual_seed(0),  # without it, the workers' seed is drawn from the global one
    )
    for x in loader:
        if isinstance(x, UserError):
            raise x
        yield x
