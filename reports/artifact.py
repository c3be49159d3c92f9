"""Addresses in a report that stay the same from scan to scan, so that consumers recognise what they saw before."""

from __future__ import annotations

import hashlib
import re
from urllib.parse import quote

from reports.report import Report

PATH_LIMIT = 1_000
"""Characters of a path; longer ones are cut and end in a hash of the whole."""

CATEGORY_LIMIT = 100
"""Characters of the target in a category."""

_HALF_ESCAPE = re.compile("%.?$")


def artifact_path(identifier: str) -> str:
    """Return an Azure id as a relative path that stays the same however Azure spells its letters.

    Each segment is percent-encoded; nothing is stored at the path.
    """
    segments = [_segment(segment) for segment in identifier.lower().split("/") if segment]
    return _cut("/".join(["azure", *(segments or ["root"])]), PATH_LIMIT)


def file_path(uri: str) -> str:
    """Return a path in a repository as a relative URI, percent-encoded."""
    return _cut("/".join(_segment(segment) for segment in uri.split("/") if segment), PATH_LIMIT) or "root"


def category(report: Report) -> str:
    """Return the id under which a consumer files this run: the same for every scan of the same target.

    A repository is filed by the part of it that was checked: it is checked out in another folder on every machine.
    """
    if report.run.source == "repository":
        parts = [part for part in report.run.target.split("/") if part not in ("", ".")]
        inside = [] if report.run.target.startswith("/") else [_segment(part) for part in parts]
        return _cut("/".join(["midas/check", *inside]), CATEGORY_LIMIT) + "/"
    target = _cut(_segment(report.run.target.lower()), CATEGORY_LIMIT)
    return f"midas/{_cut(_segment(report.run.tenant.lower()), CATEGORY_LIMIT)}/{target}/"


def _segment(segment: str) -> str:
    # A segment of dots alone would climb out of the folder when a consumer resolves the path.
    if not segment.strip("."):
        return f"_{segment}"
    return quote(segment.encode("utf-8", "replace"), safe="")


def _cut(path: str, limit: int) -> str:
    if len(path) <= limit:
        return path
    digest = hashlib.sha256(path.encode()).hexdigest()[:16]
    # A cut in the middle of a percent escape would make the path invalid.
    return f"{_HALF_ESCAPE.sub('', path[: limit - 17])}-{digest}"
