"""The one script of a page, and the data that it works on."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from vae_exp.report.page import TEMPLATES
from vae_exp.report.sweep.tables import ROWS, Table


def data_of(tables: Sequence[Table], heats: Mapping[str, Any], figures: Sequence[str]) -> Any:
    """What the script works on, as it stands in the page."""
    content = {
        "tables": {
            table.name: {"columns": table.columns, "rows": table.rows, "links": table.links} for table in tables
        },
        "heat": heats,
        "rows": ROWS,
        "example": figures[0] if figures else "seconds",
    }
    text = json.dumps(content, separators=(",", ":"))
    # Within a script nothing is unescaped: what could end it is written in the way of JSON.
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def script_of() -> dict[str, Any]:
    """The script, and the hash by which the page allows it and no other."""
    text = (TEMPLATES / "sweep.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return {"text": Markup(text), "hash": Markup(f"sha256-{digest}")}
