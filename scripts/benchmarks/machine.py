"""The machine that was measured on, in words."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch
from drive import cores

PACKAGES = ("vae_exp", "torch", "pytorch-lightning", "torchvision", "numpy", "pythae")


def describe() -> dict[str, str]:
    """Processor, cores, memory, and versions."""
    versions = {name: _version(name) for name in PACKAGES}
    return {
        "processor": f"{_field('/proc/cpuinfo', 'model name') or platform.processor()}, {cores()} cores",
        "vectors": torch.backends.cpu.get_cpu_capability(),
        "bfloat16 arithmetic": "yes" if has_bf16() else "no",
        "memory": f"{int((_field('/proc/meminfo', 'MemTotal') or '0').split()[0]) / 2**20:.0f} GiB",
        "system": f"{platform.system()}, Python {platform.python_version()}",
        "versions": ", ".join(f"{name} {found}" for name, found in versions.items() if found),
    }


def has_bf16() -> bool:
    """Whether the processor multiplies bfloat16 numbers, rather than having it done in float32."""
    flags = (_field("/proc/cpuinfo", "flags") or "").split()
    return "avx512_bf16" in flags or "amx_bf16" in flags


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _field(file: str, name: str) -> str | None:
    path = Path(file)
    lines = path.read_text().splitlines() if path.is_file() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.split(":")[0].strip() == name), None)
