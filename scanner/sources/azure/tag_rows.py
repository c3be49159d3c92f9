"""Tags of anything that has tags."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from scanner.catalog.property_path import ABSENT, member
from scanner.sources.azure.raw import Context, clean


def add_tags(context: Context, row: Mapping[str, Any], entity: int) -> None:
    """Add the tags of a row to an entity, if tags are asked for."""
    if "tags" not in context.needs.tables:
        return
    tags = member(row, "tags")
    if tags is ABSENT or tags is None:
        return
    if not isinstance(tags, Mapping):
        context.malformed(row, "Its tags are not an object", "tags")
        return
    for name, value in tags.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        context.builder.add("tags", entity=entity, tag=clean(str(name)), value=clean(text))
