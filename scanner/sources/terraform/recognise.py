"""Which JSON files are Terraform plans; apart from the reader, which takes time to load."""

from __future__ import annotations

_HEAD = 2_000
"""Bytes of a file in which it says what it is."""


def recognise(data: bytes) -> bool:
    """Whether a JSON file is a Terraform plan: cheap, no decoding."""
    return b'"planned_values"' in data and b'"format_version"' in data


def taken_for_plan(data: bytes) -> str | None:
    """Return what a JSON file is that may be given as a plan by mistake; None for what nobody takes for one."""
    head = data[:_HEAD]
    if b'"@level"' in head and b'"terraform"' in head:
        return "the log that `terraform plan -json` prints"
    if b'"format_version"' in head and b'"terraform_version"' in head and b'"values"' in data:
        return "a state, as `terraform show -json` prints it without the name of a plan"
    if b'"terraform_version"' in head and b'"lineage"' in head and b'"serial"' in head:
        return "a state"
    return None
