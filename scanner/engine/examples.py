"""A rule's examples: its neighbours on disk, ``<stem>.bad.tf`` and ``<stem>.good.tf`` and so on."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from scanner.engine.registry import Rule

LANGUAGES = {"tf": "Terraform", "bicep": "Bicep", "json": "ARM"}
"""Endings of examples, in the order they are shown, with the name of the language."""


class Example(NamedTuple):
    """The same thing with the weakness and without it; a side is None where there is no such file."""

    language: str
    suffix: str
    bad: Path | None
    good: Path | None


def examples_of(rule: Rule) -> list[Example]:
    """Return a rule's examples by language."""
    found = []
    for suffix, language in LANGUAGES.items():
        sides = [rule.path.with_name(f"{rule.path.stem}.{side}.{suffix}") for side in ("bad", "good")]
        bad, good = (path if path.is_file() else None for path in sides)
        if bad is not None or good is not None:
            found.append(Example(language, suffix, bad, good))
    return found


def page_with_examples(rule: Rule) -> str:
    """Return a rule's page, its examples behind it: before and after, as Markdown."""
    parts = [rule.page]
    for example in examples_of(rule):
        for title, path in (("Before", example.bad), ("After", example.good)):
            if path is not None:
                code = path.read_text(encoding="utf-8").rstrip()
                parts.append(f"## {title} ({example.language})\n```{example.suffix}\n{code}\n```")
    return "\n\n".join(parts)
