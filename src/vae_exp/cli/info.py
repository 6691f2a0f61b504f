"""`vae-exp info`: everything that can be chosen, and where it would run. Imports neither torch nor Hydra."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from vae_exp.cli.catalog import Option, groups
from vae_exp.cli.flags import config_folders
from vae_exp.cli.layout import columns, heading
from vae_exp.cli.tree import compose_lightly
from vae_exp.errors import UserError

USAGE = "vae-exp info [--config-dir DIR] [group ...]"
FLAGS = (("--config-dir DIR", "list the options in DIR, too"),)
_PACKAGES = ("vae_exp", "torch", "pytorch-lightning", "hydra-core", "omegaconf", "torchmetrics", "numpy")


def main(argv: list[str]) -> int:
    """Print the options of every group, or of those that are named; then versions, devices and folders."""
    folders, wanted = config_folders(argv)
    offered = groups(folders)
    unknown = [name for name in wanted if not any(_is_in(group, name) for group in offered)]
    if unknown:
        raise UserError(f"{unknown[0]} is not a group; the groups are {', '.join(offered)}")
    chosen = compose_lightly(folders, "train", {}).chosen
    for group, options in offered.items():
        if not wanted or any(_is_in(group, name) for name in wanted):
            print(_section(group, options, chosen.get(group, [])))
    if not wanted:
        print("\n".join(_machine(folders)))
    return 0


def _is_in(group: str, name: str) -> bool:
    return group == name or group.startswith(f"{name}/")


def _section(group: str, options: list[Option], default: list[str]) -> str:
    left = max(16, *(len(option.name) + 1 for option in options))
    rows = []
    for option in options:
        name = f"{option.name}*" if option.name in default else option.name
        rows.append((name, option.about))
        rows += [("", option.source)] if option.source else []
    return f"{heading(group)}\n{columns(rows, left=left)}\n"


def _machine(folders: list[Path]) -> list[str]:
    versions = [("python", platform.python_version()), *((name, _version(name)) for name in _PACKAGES)]
    places = [("configuration", str(folder)) for folder in folders]
    places += [("data", place) for place in _data_root(folders)]
    return [
        heading("Versions"),
        columns(versions, left=17),
        "",
        heading("Devices"),
        columns(_devices(), left=17),
        "",
        heading("Folders"),
        columns(places, left=17),
    ]


def _data_root(folders: list[Path]) -> list[str]:
    """Read where data are kept: a variable of the environment, or what the configuration says besides."""
    files = [folder / "data" / "_base.yaml" for folder in folders]
    texts = [file.read_text(encoding="utf-8") for file in files if file.is_file()]
    found = re.search(r'^root:\s*\$\{oc\.env:(\w+),\s*"?([^"}]*)', "".join(texts[:1]), flags=re.MULTILINE)
    if found is None:
        return []
    return [f"{Path(os.environ.get(found[1], found[2])).expanduser()}, set by the variable {found[1]}"]


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _devices() -> list[tuple[str, str]]:
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    found = [("cpu", f"{cpus} cores, {platform.machine()}")]
    found += [(f"cuda {index}", name) for index, name in enumerate(_nvidia())]
    apple = platform.system() == "Darwin" and platform.machine() == "arm64"
    found += [("mps", "Apple GPU")] if apple else []
    return found if len(found) > 1 else [*found, ("gpu", "none found")]


def _nvidia() -> list[str]:
    """Name the GPUs, from the driver's files or else by its tool."""
    files = sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))
    names = [re.search(r"Model:\s*(.*)", file.read_text()) for file in files]
    if names:
        return [name[1].strip() if name else "NVIDIA GPU" for name in names]
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return []
    try:
        listed = subprocess.run([tool, "-L"], capture_output=True, text=True, timeout=5, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return []
    return re.findall(r"GPU \d+: (.*?)(?: \(UUID.*)?$", listed, flags=re.MULTILINE)
