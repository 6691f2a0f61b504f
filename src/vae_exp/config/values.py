"""Whether a value of yaml is what a signature says it should be."""

from __future__ import annotations

import json
import math
from functools import cache
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.errors import PydanticSchemaGenerationError, PydanticUserError

from vae_exp.nested import single_values

_STRICT = ConfigDict(strict=True, arbitrary_types_allowed=True, allow_inf_nan=False)


def complaint(value: Any, hint: Any) -> tuple[str, Any, str] | None:
    """Say what is wrong with a value: the path inside of it, what stands there, and what should; None if it is right.

    Args:
        value: Plain: numbers, strings, None, lists and dicts.
        hint: A type with its `Annotated` ranges.
    """
    odd = _not_finite(value)
    if odd is not None:
        return (*odd, "should be a finite number")
    adapter = _adapter(hint)
    if adapter is None:
        return None
    try:
        # Strict json has the rules that yaml needs: a list stands for a tuple, an int for a float, nothing else.
        adapter.validate_json(json.dumps(value, default=str))
    except ValidationError as error:
        return _first(error, value)
    return None


def declared(value: Any, hint: Any) -> Any:
    """A value that is right, as the hint has it: an int is a float where that is what it stands for."""
    adapter = _adapter(hint) if type(value) is int else None
    found = value if adapter is None else adapter.validate_json(json.dumps(value))
    return found if isinstance(found, float) else value


@cache
def _adapter(hint: Any) -> TypeAdapter[Any] | None:
    for config in (_STRICT, None):
        try:
            return TypeAdapter(hint, config=config)
        except (PydanticSchemaGenerationError, PydanticUserError, TypeError, NameError):
            continue
    return None


def _first(error: ValidationError, value: Any) -> tuple[str, Any, str]:
    """Pick the first complaint; for a union, all that its members say about the same place."""
    places: dict[str, tuple[Any, list[str]]] = {}
    for item in error.errors(include_url=False):
        path, found = _drill(value, item["loc"])
        message = _plain(item["type"], item["msg"])
        texts = places.setdefault(path, (found, []))[1]
        if message not in texts:
            texts.append(message)
    path, (found, messages) = max(places.items(), key=lambda place: len(place[0]))
    return path, found, " or ".join(messages)


def _plain(kind: str, message: str) -> str:
    if kind in ("needs_python_object", "is_instance_of", "is_subclass_of", "callable_type"):
        return "should be a part, given by _target_"
    return message.replace("Input ", "", 1) if message.startswith("Input ") else message


def _drill(value: Any, location: tuple[int | str, ...]) -> tuple[str, Any]:
    """Follow a location into the value; the names of a union's members that pydantic puts into it lead nowhere."""
    path = ""
    for step in location:
        in_list = isinstance(value, list) and isinstance(step, int) and step < len(value)
        if in_list or (isinstance(value, dict) and step in value):
            value, path = value[step], f"{path}.{step}"
    return path, value


def _not_finite(value: Any) -> tuple[str, Any] | None:
    odd = ((path, x) for path, x in single_values(value) if isinstance(x, float) and not math.isfinite(x))
    return next((("".join(f".{key}" for key in path), x) for path, x in odd), None)
