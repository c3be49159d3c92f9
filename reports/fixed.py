"""What is told of fixes: those that were made, those that could not be, and what they need; or their diff."""

from __future__ import annotations

from collections import Counter

from reports.changes import Changes, unified
from reports.hostile import visible
from reports.snippet import SUSPECT_FAMILY
from reports.summary import place_text
from scanner.engine.apply_fixes import Applied
from scanner.engine.source_files import SourceFiles

LISTED = 20
"""Fixes that are told one by one."""


def told(applied: Applied, *, made: bool) -> list[str]:
    """Return the lines on what was fixed, or would be; first how much, then each, then what remains to be done."""
    fixed, files = _count(len(applied.fixed), "finding"), _count(len(applied.files), "file")
    if not applied.files:
        lines = ["nothing could be fixed"]
    elif made:
        lines = [f"fixed {fixed} in {files}"]
    else:
        lines = [f"{fixed} in {files} can be fixed; nothing was changed"]
    if made:
        for finding in applied.fixed[:LISTED]:
            place = f"{place_text(finding.location)}: " if finding.location else ""
            lines.append(f"fixed: {place}{finding.code}: {finding.fixes[0].description}")
        if len(applied.fixed) > LISTED:
            lines.append(f"and {len(applied.fixed) - LISTED:,} more")
    for finding, why in applied.left:
        lines.append(f"not fixed: {finding.code} {finding.subject.name}: {why}")
    for these, said in ((applied.fixed, "before you deploy"), (applied.waiting, "--fix-all fixes {} more")):
        counts = Counter((finding.code, finding.fixes[0].needs) for finding in these)
        for (code, needs), count in sorted(counts.items()):
            if needs:
                lines.append(f"{code}: {said.format(count)}: {needs}")
    return [visible(line) for line in lines]


def diff(applied: Applied, sources: SourceFiles) -> list[str]:
    """Return what would be fixed as the lines of a unified diff; ``sources`` are the files as they are.

    Secrets are masked, so it is for reading and not for ``patch``.
    """
    edits = {edit: None for finding in applied.fixed for edit in finding.fixes[0].edits}
    suspect = any(finding.family == SUSPECT_FAMILY for finding in applied.fixed)
    return unified(Changes(sources).hunks(edits, suspect=suspect))


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
