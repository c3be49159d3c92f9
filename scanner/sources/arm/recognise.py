"""Which files Azure Resource Manager takes, told without parsing; apart from the reader, which takes time to load."""

from __future__ import annotations

import re
from typing import Literal

Kind = Literal["template", "parameters"]

_BEGINS = re.compile(rb"(?:\s|\xef\xbb\xbf|//[^\n]*|/\*.*?\*/)*\{", re.DOTALL)
_SCHEMA = re.compile(rb'"\$schema"\s*:\s*"([^"]{0,300})"')
_TEMPLATE = re.compile(rb"deploymentTemplate\.json", re.IGNORECASE)
_PARAMETERS = re.compile(rb"deploymentParameters\.json", re.IGNORECASE)
_CONTENT_VERSION = re.compile(rb'"contentVersion"\s*:')
_RESOURCES = re.compile(rb'"resources"\s*:\s*[\[{]')
_HEAD = 65536


def is_template(data: bytes) -> Kind | None:
    """Tell a template or parameter file from other JSON by its ``$schema``, without parsing."""
    head = data[:_HEAD]
    if not _BEGINS.match(head):
        return None
    schema = _SCHEMA.search(head)
    if schema is not None:
        if _TEMPLATE.search(schema[1]):
            return "template"
        if _PARAMETERS.search(schema[1]):
            return "parameters"
        if b"{" not in schema[1] and b"management.azure.com" in schema[1].lower():
            return None
    # Without a schema Azure would not take it, yet a half-written template may have none.
    if _CONTENT_VERSION.search(head) and _RESOURCES.search(data):
        return "template"
    return None
