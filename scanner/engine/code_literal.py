"""Values as the languages of code write them."""

from __future__ import annotations

import json

from scanner.engine.code_text import Language

Plain = bool | int | str | tuple[str, ...]
"""A value that an edit can write."""


def literal(value: Plain, language: Language, *, templated: bool = False) -> str:
    """Return a value as the language writes it; ``templated``: in the JSON of Terraform."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, tuple):
        return f"[{', '.join(literal(item, language, templated=templated) for item in value)}]"
    if language == "bicep":
        escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("${", "\\${")
        return f"'{escaped}'"
    if language == "hcl" or templated:
        return json.dumps(value, ensure_ascii=False).replace("${", "$${").replace("%{", "%%{")
    return json.dumps(f"[{value}" if value.startswith("[") else value, ensure_ascii=False)
