"""Places in SARIF: locations and regions, the lines of code there, related places, fixes."""

from __future__ import annotations

import re
from typing import Any

from reports.artifact import PATH_LIMIT, artifact_path, file_path
from reports.hostile import cut, shown
from reports.snippet import snippet_of
from scanner.engine.finding import Finding, Fix, Location
from scanner.engine.source_files import SourceFiles

DESCRIPTION_LIMIT = 1_000
SNIPPET_LINES = 10
SNIPPET_LIMIT = 4_000
"""Characters of a snippet."""
RELATED_LIMIT = 20
_GAP_PLACE = re.compile(r"(?P<uri>[^/].*):(?P<line>[1-9][0-9]{0,8})", re.DOTALL)
"""The scope of a gap in code: the file and the line."""


def location_of(finding: Finding) -> dict[str, Any]:
    """Return the location of a finding: in a file, or at an Azure id that stands for one.

    What a change gives somebody who is there already is shown where the change says so: on a pull request nobody sees
    what is in no file.
    """
    subject, declared = finding.subject, finding.declared
    brought = finding.related[0].location if finding.related else None
    name = shown(subject.name or subject.id)
    # What is not deployed has no id that anybody knows; its address in the code says more.
    address = declared.address if declared is not None and declared.address else subject.id
    return {
        "physicalLocation": _physical(subject.id, finding.location or brought),
        "logicalLocations": [
            {
                "fullyQualifiedName": shown(address, PATH_LIMIT),
                "name": name,
                "kind": "resource",
                "properties": {"type": shown(subject.type)},
            }
        ],
    }


def _physical(identifier: str, location: Location | None) -> dict[str, Any]:
    if location is None:
        # A resource has no lines; code scanning shows nothing without one, so all of it is line 1.
        return {
            "artifactLocation": {"uri": artifact_path(identifier), "uriBaseId": "AZURE"},
            "region": {"startLine": 1},
        }
    return {"artifactLocation": _artifact(location.uri), "region": _region(location)}


def _artifact(uri: str) -> dict[str, str]:
    return {"uri": file_path(uri), "uriBaseId": "%SRCROOT%"}


def _region(place: Location) -> dict[str, Any]:
    return {
        "startLine": place.line,
        "startColumn": place.column,
        "endLine": place.end_line,
        "endColumn": place.end_column,
    }


def show_code(
    result: dict[str, Any], finding: Finding, location: Location, sources: SourceFiles | None
) -> None:
    """Add to a result what only a finding in code has: its lines and the fixes."""
    snippet = snippet_of(sources, finding, SNIPPET_LINES)
    if snippet is not None:
        physical = result["locations"][0]["physicalLocation"]
        marked = "\n".join(line.text[line.start : line.end] for line in snippet.lines)
        if marked and not snippet.more:
            physical["region"]["snippet"] = {"text": cut(marked, SNIPPET_LIMIT)}
        whole = "\n".join(line.text for line in snippet.lines)
        if whole != marked:
            # SARIF 3.29.5: a context region is a proper superset of its region.
            physical["contextRegion"] = {
                "startLine": location.line,
                "endLine": location.line + len(snippet.lines) + snippet.more - 1,
                "snippet": {"text": cut(whole, SNIPPET_LIMIT)},
            }
    if finding.fixes:
        result["fixes"] = [_fix(fix) for fix in finding.fixes]


def show_related(result: dict[str, Any], finding: Finding) -> None:
    """Add to a result the other places in code, also where its own subject is in none."""
    if finding.related:
        result["relatedLocations"] = [
            {
                "id": number,
                "physicalLocation": {
                    "artifactLocation": _artifact(related.location.uri),
                    "region": _region(related.location),
                },
                "message": {"text": message(related.message)},
            }
            for number, related in enumerate(finding.related[:RELATED_LIMIT], 1)
        ]


def _fix(fix: Fix) -> dict[str, Any]:
    files: dict[str, list[dict[str, Any]]] = {}
    for edit in fix.edits:
        place = Location(edit.uri, edit.start_line, edit.start_column, edit.end_line, edit.end_column)
        replacement = {"deletedRegion": _region(place), "insertedContent": {"text": edit.text}}
        files.setdefault(edit.uri, []).append(replacement)
    return {
        "description": {"text": message(f"{fix.description}; {fix.needs}" if fix.needs else fix.description)},
        "artifactChanges": [
            {"artifactLocation": _artifact(uri), "replacements": replacements}
            for uri, replacements in files.items()
        ],
    }


def place_of_gap(scope: str) -> dict[str, Any] | None:
    """Return the location of a gap in code, whose scope is ``infra/main.tf:12``; None for an Azure id."""
    place = _GAP_PLACE.fullmatch(scope)
    if place is None:
        return None
    region = {"startLine": int(place["line"])}
    return {"physicalLocation": {"artifactLocation": _artifact(place["uri"]), "region": region}}


def message(text: str) -> str:
    """Return text that no viewer takes for a link or a placeholder (SARIF 3.11.5, 3.11.6)."""
    return shown(text, DESCRIPTION_LIMIT).replace("](", "] (").replace("{", "{{").replace("}", "}}")
