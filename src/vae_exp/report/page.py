"""What all pages share: the templates, and pictures that are part of the page."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

TEMPLATES = Path(__file__).with_name("templates")
TYPES = {".png": "image/png", ".gif": "image/gif"}


def render(template: str, content: Mapping[str, Any]) -> str:
    """Fill a template; every text in it is shown as text, whatever it holds.

    Args:
        template: A file in `templates`, which extends `page.html.j2`.
        content: What the template names; a name that is missing is a bug.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(template).render(content)


def data_uri(path: Path) -> str:
    """A picture's content, as the address that stands in its place."""
    return f"data:{TYPES[path.suffix]};base64,{base64.b64encode(path.read_bytes()).decode()}"
