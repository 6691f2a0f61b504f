"""Compare the keys of a `_target_` node with the arguments of what it names."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import cache
from types import SimpleNamespace
from typing import Any, get_type_hints

from vae_exp.config.nearest import nearest, suggestion
from vae_exp.config.values import complaint, declared
from vae_exp.errors import UserError

_VARIADIC = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)


@cache
def parameters(part: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    """List the arguments that can be given by name."""
    found = inspect.signature(part).parameters.values()
    return {p.name: p for p in found if p.kind not in (*_VARIADIC, inspect.Parameter.POSITIONAL_ONLY)}


def takes_any(part: Callable[..., Any]) -> bool:
    """Say whether it has `**kwargs`, so that no key is unknown to it."""
    return any(p.kind is inspect.Parameter.VAR_KEYWORD for p in inspect.signature(part).parameters.values())


def check_names(part: Callable[..., Any], given: Mapping[str, Any], where: str, *, partial: bool) -> None:
    """Check that every key is an argument, and every required argument is there.

    Args:
        part: The class or function.
        given: The node's keys, without the reserved ones and the variables.
        where: The node's path in the configuration.
        partial: Whether the program supplies further arguments later.

    Raises:
        UserError: A key is unknown or missing.
    """
    known = parameters(part)
    free = [name for name in known if name not in given]
    for name in given:
        if name not in known and not takes_any(part):
            hint = suggestion(name, known if nearest(name, known) else free or known, f"{where}.")
            raise UserError(f"{where}.{name} is not an argument of {part.__name__}{hint}")
    required = [name for name in free if known[name].default is inspect.Parameter.empty]
    if required and not partial:
        own = part.__module__.partition(".")[0] != "vae_exp"
        hint = ", or the file `_partial_: true` where the program knows it" if own else ""
        raise UserError(f"{where}.{required[0]} is missing; {part.__name__} needs it{hint}")


def check_values(part: Callable[..., Any], given: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Check every value's type and range; a value with `_target_` in it is a part, and left alone.

    Returns:
        The values; an int that stands by itself is a float where the signature has one.

    Raises:
        UserError: A value is wrong.
    """
    hints, checked = _hints(part), dict(given)
    for name, value in given.items():
        if name not in hints or _has_target(value):
            continue
        wrong = complaint(value, hints[name])
        if wrong is not None:
            path, found, message = wrong
            raise UserError(f"{where}.{name}{path}={_as_yaml(found)}: {message}")
        checked[name] = declared(value, hints[name])
    return checked


@cache
def _hints(part: Callable[..., Any]) -> dict[str, Any]:
    function: Any = inspect.unwrap(part.__init__ if inspect.isclass(part) else part)
    if not inspect.isfunction(function):  # of a class without a constructor of its own
        return {}
    # What it returns is of no concern here, and may be the type of a package that is imported only to draw.
    arguments = {name: hint for name, hint in function.__annotations__.items() if name != "return"}
    holder = SimpleNamespace(__annotations__=arguments)
    return get_type_hints(holder, globalns=function.__globals__, include_extras=True)


def _has_target(value: Any) -> bool:
    if isinstance(value, dict):
        return "_target_" in value or any(_has_target(item) for item in value.values())
    return isinstance(value, list) and any(_has_target(item) for item in value)


def _as_yaml(value: Any) -> str:
    """Write the value as the user would: null, true, [1,2]."""
    words = {None: "null", True: "true", False: "false"}
    if value is None or isinstance(value, bool):
        return words[value]
    return "[" + ",".join(_as_yaml(item) for item in value) + "]" if isinstance(value, list) else str(value)
