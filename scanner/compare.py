"""Which findings a change brings: those that were not there before.

A finding was there when the same one was (by its fingerprint), or, because a moved or renamed file changes the ids of
what it declares, when one of the same rule stood on the same text: as often as before is not new, once more is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from scanner.engine.finding import Finding, Location, RuleResult
from scanner.engine.source_files import SourceFiles

NEW, UNCHANGED = "new", "unchanged"


def compared(
    findings: Sequence[Finding],
    before: Sequence[Finding],
    sources: SourceFiles | None,
    sources_before: SourceFiles | None,
) -> tuple[Finding, ...]:
    """Return all findings, each marked as new or unchanged; the sources hold the lines of now and of before."""
    had = {finding.fingerprint for finding in before}
    there = {finding.fingerprint for finding in findings}
    gone = Counter(
        what
        for finding in before
        if finding.fingerprint not in there and (what := _written(finding, sources_before)) is not None
    )
    marked = []
    for finding in findings:
        change = UNCHANGED if finding.fingerprint in had else NEW
        if change == NEW:
            what = _written(finding, sources)
            if what is not None and gone[what] > 0:
                gone[what] -= 1
                change = UNCHANGED
        marked.append(msgspec.structs.replace(finding, change=change))
    return tuple(marked)


def only_new(
    results: Sequence[RuleResult], findings: Sequence[Finding]
) -> tuple[tuple[RuleResult, ...], tuple[Finding, ...]]:
    """Return the new findings, and the rules with what was there before counted as not applicable to the change."""
    new = tuple(finding for finding in findings if finding.change == NEW)
    failing: dict[str, set[str]] = {}
    for finding in new:
        failing.setdefault(finding.code, set()).add(finding.subject.id.lower())
    counted = []
    for result in results:
        failed = len(failing.get(result.code, ()))
        counted.append(
            msgspec.structs.replace(
                result, failed=failed, not_applicable=result.not_applicable + result.failed - failed
            )
        )
    return tuple(counted), new


def once_for_each_place(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return one finding of a rule for each place in code; its evidence says under ``also`` whom it is about besides.

    One declaration stands for many things: in a loop, in a module called often, with several parameter files.
    """
    kept: dict[object, Finding] = {}
    also: dict[object, list[str]] = {}
    for finding in findings:
        accepted = finding.suppressed is not None
        key = (finding.code, finding.location, accepted) if finding.location else finding.fingerprint
        if key in kept:
            also.setdefault(key, []).append(finding.subject.name)
        else:
            kept[key] = finding
    return tuple(
        msgspec.structs.replace(finding, evidence={**finding.evidence, "also": sorted(set(also[key]))})
        if key in also
        else finding
        for key, finding in kept.items()
    )


def _written(finding: Finding, sources: SourceFiles | None) -> tuple[str, ...] | None:
    """Return what a finding says by the text it stands on: rule, address, declaration and the part it points at."""
    if finding.location is None or sources is None:
        return None
    declared = finding.declared
    places = [finding.location] if declared is None else [declared.place, finding.location]
    texts = [_text(place, sources) for place in places]
    if any(text is None for text in texts):
        return None
    return (finding.code, declared.address if declared else "", *(text or "" for text in texts))


def _text(place: Location, sources: SourceFiles) -> str | None:
    """Return the text of a place without what is around it; white space counts as one space."""
    lines = [sources.line(place.uri, number) for number in range(place.line, place.end_line + 1)]
    whole = [line for line in lines if line is not None]
    if len(whole) < len(lines) or not whole:
        return None
    whole[-1] = whole[-1][: place.end_column - 1]
    whole[0] = whole[0][place.column - 1 :]
    return " ".join(" ".join(whole).split())
