"""Which JSON files are Terraform plans; apart from the reader, which takes time to load."""

from __future__ import annotations


def recognise(data: bytes) -> bool:
    """Whether a JSON file is a Terraform plan: cheap, no decoding."""
    return b'"planned_values"' in data and b'"format_version"' in data
