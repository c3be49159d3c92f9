"""What regular expressions may not use, because a supported Python gets it wrong."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
POSSESSIVE_GROUP = re.compile(r"(?<!\\)\)(?:[*+?]|\{[\d,]+\})\+(?!\+)")


def test_no_pattern_repeats_a_group_possessively() -> None:
    """Python before 3.11.5, Debian 12's among them, gets those wrong: github.com/python/cpython/issues/106052."""
    assert POSSESSIVE_GROUP.search(r"'(?:a|\$(?!b))*+'")
    assert not POSSESSIVE_GROUP.search(r"\)*+ [^)]*+ (?:a)*")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for folder in ("scanner", "rules", "reports")
        for path in sorted((ROOT / folder).rglob("*.py"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if POSSESSIVE_GROUP.search(line)
    ]
    assert found == []
