"""From the name after `_target_` to a class or function, and which names are allowed there.

A configuration may come from a stranger's run folder, and `_target_: os.system` would run a command. So a name is
allowed only if it is a part of this package, one of a few names of third parties, or lies in a package that the user
trusts; the name is judged before anything is imported, and what it leads to is judged once more, because a module can
hold other modules' functions under its own name.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from inspect import isclass, isfunction
from typing import Any

from vae_exp.config.nearest import nearest
from vae_exp.errors import UserError

# The rooms that hold parts; the others write files, run verbs or evaluate names.
ROOMS = (
    "vae_exp.analysis",
    "vae_exp.data",
    "vae_exp.distributions",
    "vae_exp.heads",
    "vae_exp.losses",
    "vae_exp.metrics",
    "vae_exp.models",
    "vae_exp.nets",
    "vae_exp.priors",
    "vae_exp.samplers",
    "vae_exp.schedules",
    "vae_exp.training",
)
THIRD_PARTY = (
    *(f"torch.optim.{name}" for name in ("Adam", "AdamW", "Adamax", "NAdam", "RAdam", "RMSprop", "SGD")),
    "pytorch_lightning.Trainer",
    *(
        f"pytorch_lightning.callbacks.{name}"
        for name in (
            "DeviceStatsMonitor",
            "EarlyStopping",
            "LearningRateMonitor",
            "ModelCheckpoint",
            "ModelSummary",
            "RichModelSummary",
            "RichProgressBar",
            "StochasticWeightAveraging",
            "Timer",
            "TQDMProgressBar",
            "WeightAveraging",
        )
    ),
    *(
        f"pytorch_lightning.loggers.{name}"
        for name in ("CSVLogger", "MLFlowLogger", "TensorBoardLogger", "WandbLogger")
    ),
)
# Trusting one of these whole would allow running code (`os`) or unpickling a file (`torch.load`, `numpy.load`).
NEVER_TRUSTED = frozenset(sys.stdlib_module_names) | {
    "hydra", "joblib", "numpy", "omegaconf", "pandas", "pip", "pytorch_lightning", "lightning_fabric", "lightning",
    "setuptools", "torch", "vae_exp", "yaml",
}  # fmt: skip

Part = Callable[..., Any]


def locate(target: Any, trusted: Sequence[str] = (), where: str = "_target_") -> Part:
    """Find the class or function that a `_target_` names.

    Args:
        target: `package.module.name`.
        trusted: Packages of the user's, whose classes and functions are allowed too.
        where: The node's path in the configuration, for the error.

    Raises:
        UserError: The name is not allowed, or leads nowhere.
    """
    homes = _homes(target, trusted, where)
    part = _import(target, where)
    home, module = str(target).rpartition(".")[0].partition(".")[0], str(getattr(part, "__module__", None))
    third_party = target in THIRD_PARTY and module.partition(".")[0] == home
    if not (isclass(part) or isfunction(part)) or not (third_party or _inside(module, homes)):
        raise UserError(
            f"{where}: _target_={target} is not a class or function of its own package;"
            " name it by the module that defines it"
        )
    return part


def is_third_party(target: str) -> bool:
    """Whether its signature was written without yaml in mind, so that only the names of its arguments are checked."""
    return target in THIRD_PARTY


def _homes(target: Any, trusted: Sequence[str], where: str) -> tuple[str, ...]:
    """Judge the name; returns the packages in which the target may be defined."""
    for package in trusted:
        if package.partition(".")[0] in NEVER_TRUSTED:
            raise UserError(
                f"trusted_packages: {package} cannot be trusted as a whole, because it can run code or"
                " read unsafe files; put what you need into a package of your own, and name that"
            )
    if not isinstance(target, str) or not all(part.isidentifier() for part in target.split(".")) or "." not in target:
        raise UserError(f"{where}: _target_={target} is not a name of the form package.module.name")
    homes = (*ROOMS, *trusted)
    hidden = any(part.startswith("_") for part in target.split("."))
    if target in THIRD_PARTY or (_inside(target, homes) and not hidden):
        return homes
    raise UserError(_refusal(target, where, hidden))


def _refusal(target: str, where: str, hidden: bool) -> str:
    root, _, _ = target.partition(".")
    close = nearest(target, THIRD_PARTY)
    hint = f" did you mean {close}?" if close else ""
    if root == "vae_exp":
        kind = "a private name" if hidden else "none of the rooms that hold parts (data, nets, models, losses, ...)"
        return f"{where}: _target_={target} is {kind}, and cannot be built from a configuration"
    if root in NEVER_TRUSTED or hidden:
        return f"{where}: _target_={target} is not allowed in a configuration;{hint or ' write a part of your own'}"
    return (
        f"{where}: _target_={target} is not allowed in a configuration;{hint}"
        f" if you trust all of {root}, add 'trusted_packages=[{root}]'"
    )


def _inside(name: str, homes: Sequence[str]) -> bool:
    return any(name == home or name.startswith(f"{home}.") for home in homes)


def _import(target: str, where: str) -> Any:
    module_name, _, name = target.rpartition(".")
    try:
        module = import_module(module_name)
    except ImportError as error:
        raise UserError(f"{where}: _target_={target} cannot be imported: {error}") from error
    if not hasattr(module, name):
        names = [key for key, value in vars(module).items() if getattr(value, "__module__", None) == module_name]
        close = nearest(name, names)
        hint = f"; did you mean {module_name}.{close}?" if close else ""
        raise UserError(f"{where}: _target_={target} does not exist{hint}")
    return getattr(module, name)
