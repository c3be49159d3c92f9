"""What a JSON file is, told from a look at its bytes: most JSON files of a repository are no infrastructure."""

from __future__ import annotations

import re
from typing import Literal

from scanner.sources.arm.recognise import is_template
from scanner.sources.terraform.recognise import recognise as is_plan

JsonKind = Literal["template", "parameters", "plan"]

_GENERATED = re.compile(rb'"_generator"\s*:\s*\{\s*"name"\s*:\s*"bicep"')
_HEAD = 1_500
_BINARY_HEAD = 8_000


def recognise_json(data: bytes) -> JsonKind | None:
    """Return whether a JSON file is an ARM template, a parameter file or a Terraform plan; None for anything else."""
    kind = is_template(data)
    return "plan" if kind is None and is_plan(data) else kind


def is_generated_from_bicep(data: bytes) -> bool:
    """Whether an ARM template says in its head that Bicep made it."""
    head = data[:_HEAD]
    generated = _GENERATED.search(head)
    if generated is None:
        return False
    # An inline template further down may be made by Bicep while the whole is not.
    return b'"resources"' not in head[: generated.start()]


def is_binary(data: bytes) -> bool:
    """Whether a file is no text, as git tells it: a zero byte near its beginning."""
    return b"\0" in data[:_BINARY_HEAD]


def is_utf16(data: bytes) -> bool:
    """Whether a file says that it is UTF-16, which has zero bytes but is text."""
    return data.startswith((b"\xff\xfe", b"\xfe\xff"))
