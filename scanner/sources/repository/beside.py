"""What belongs to a file that was named by itself: one file is seldom all that is deployed.

A Terraform file is a part of its folder's module, whose variable files decide what it says; a template is deployed with
its parameter files, and a parameter file with its template. So the files beside a named one are looked at too, and
those of them that have nothing to do with it are set aside again.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from scanner.sources.terraform.file_names import TERRAFORM

if TYPE_CHECKING:
    from scanner.sources.repository.units import Sorted

_TEMPLATES = (".bicep", ".bicepparam", ".json")


class Beside(NamedTuple):
    """A folder, told from the root, in which files of one kind may belong to a named one."""

    folder: str
    terraform: bool


def beside(named: Iterable[str]) -> frozenset[Beside]:
    """Return where there may be what belongs to these files; parameters are often in a folder below their template."""
    places = set()
    for uri in named:
        folder = posixpath.dirname(uri) or "."
        terraform = _is_terraform(uri)
        places.add(Beside(folder, terraform))
        if folder != "." and not terraform and not uri.lower().endswith(".bicep"):
            places.add(Beside(posixpath.dirname(folder) or ".", terraform))
    return frozenset(places)


def may_belong(uri: str, places: frozenset[Beside]) -> bool:
    """Whether a file may belong to a named one by its folder and ending."""
    if Beside(posixpath.dirname(uri) or ".", _is_terraform(uri)) not in places:
        return False
    return uri.lower().endswith((*TERRAFORM, *_TEMPLATES))


def list_beside(root: Path, places: frozenset[Beside]) -> Iterator[str]:
    """Yield the files below a root that may belong to a named one, told from the root; without asking git."""
    for folder in sorted({place.folder for place in places}):
        try:
            with os.scandir(root / folder) as entries:
                names = sorted(entry.name for entry in entries)
        except OSError:  # what was named can be read all the same
            continue
        for name in names:
            uri = name if folder == "." else f"{folder}/{name}"
            if may_belong(uri, places):
                yield uri


def set_aside(by: Sorted, company: frozenset[str]) -> None:
    """Leave out the templates, parameter files and plans of ``company`` that do not belong to another file."""
    from scanner.sources.repository.units import template_of_each

    kept = {uri for uri in company if _is_terraform(uri)}
    for parameters, template in template_of_each(by).items():
        if parameters not in company:
            kept.add(template)
        elif template not in company:
            kept.add(parameters)
    left = company - kept
    if not left:
        return
    for uris in (by.bicep, by.arm, by.parameters, by.plans, by.speaking):
        uris[:] = [uri for uri in uris if uri not in left]
    by.gaps[:] = [gap for gap in by.gaps if gap.uri not in left]
    for known in (by.using, by.generated, by.sizes):
        for uri in left & known.keys():
            del known[uri]


def _is_terraform(uri: str) -> bool:
    return uri.lower().endswith(TERRAFORM)
