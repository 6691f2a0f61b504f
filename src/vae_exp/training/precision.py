"""Which precision a run has, where that is left to the machine."""

from __future__ import annotations

import torch
from torch import nn

LARGE = 200_000
"""Weights from which on bfloat16 gains: below, a step is the sum of what each operation costs whatever its size."""


def resolved(precision: str, model: nn.Module | None, accelerator: str) -> str:
    """What `auto` stands for: bf16-mixed where the machine multiplies bfloat16 numbers and the model is large.

    Args:
        precision: As Lightning calls them, or auto.
        model: What is trained; None where that is not known yet.
        accelerator: As Lightning calls them: cpu, or another, or auto.
    """
    if precision != "auto":
        return precision
    large = model is not None and sum(weight.numel() for weight in model.parameters()) >= LARGE
    return "bf16-mixed" if large and multiplies_bfloat16(accelerator) else "32-true"


def multiplies_bfloat16(accelerator: str) -> bool:
    """Whether the GPU, or where none is used the processor, has such arithmetic; elsewhere it is slow."""
    if accelerator != "cpu" and torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
