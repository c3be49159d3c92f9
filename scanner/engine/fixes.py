"""Offer plain edits for findings in code whose rule has some: a switch is set, an argument added or taken out."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from scanner.engine.finding import Finding
from scanner.engine.registry import Rule
from scanner.engine.source_files import SourceFiles


def offer(
    findings: Sequence[Finding], rules: Sequence[Rule], sources: SourceFiles | None
) -> tuple[Finding, ...]:
    """Return the findings with the fixes of their rules, where the code is written so that an edit is safe."""
    by_code = {rule.meta.id: rule.fix for rule in rules if rule.fix is not None}
    fixable = any(finding.code in by_code and finding.declared is not None for finding in findings)
    if sources is None or not fixable:
        return tuple(findings)
    from scanner.engine.plain_edit import FilesToFix

    files = FilesToFix(sources)
    offered = []
    for finding in findings:
        fix = by_code.get(finding.code)
        found = files.fix(finding, fix) if fix is not None and finding.declared is not None else None
        offered.append(msgspec.structs.replace(finding, fixes=(found,)) if found else finding)
    return tuple(offered)
