"""The batch of all processes, for terms that are no mean over examples."""

from __future__ import annotations

import torch
import torch.distributed as dist
from torch import Tensor


def num_processes() -> int:
    """Number of processes that train together, 1 where there is no process group."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def process() -> int:
    """The number of this process, 0 where there is no process group."""
    return dist.get_rank() if num_processes() > 1 else 0


def summed(values: Tensor) -> Tensor:
    """The sum over processes, without a gradient; may be put into `values` itself."""
    if num_processes() > 1:
        dist.all_reduce(values)
    return values


def mean_of_all(mean: Tensor, count: int) -> Tensor:
    """The mean over the examples of all processes, from each one's mean over its own; gradients as in `gathered`.

    Args:
        mean: This process's.
        count: Examples that it is of.
    """
    if num_processes() == 1:
        return mean
    from torch.distributed.nn.functional import all_reduce  # not there without torch.distributed

    total: Tensor = all_reduce(torch.cat((mean.flatten() * count, mean.new_tensor([count]))))
    return (total[:-1] / total[-1]).reshape(mean.shape)


def gathered(rows: Tensor) -> tuple[Tensor, int]:
    """The rows of all processes in the order of their ranks, with gradients to where each row came from.

    The gradient of a row is the sum over the processes' losses. DDP takes the mean of that over processes, which makes
    a term that all of them compute of the same rows count once.

    Args:
        rows: This process's, [B, ...]; B may differ between processes.

    Returns:
        [M, ...], and the number of rows before this process's.
    """
    if num_processes() == 1:
        return rows, 0
    from torch.distributed.nn.functional import all_gather  # not there without torch.distributed

    size = torch.tensor([len(rows)], device=rows.device)
    sizes = [torch.empty_like(size) for _ in range(num_processes())]
    dist.all_gather(sizes, size)
    counts = torch.cat(sizes).tolist()
    missing = rows.new_zeros(max(counts) - len(rows), *rows.shape[1:])
    parts = all_gather(torch.cat((rows, missing)))
    return torch.cat([part[:count] for part, count in zip(parts, counts, strict=True)]), sum(counts[: dist.get_rank()])
