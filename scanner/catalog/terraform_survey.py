"""Compare the table of Terraform types with a provider's documentation: `python -m scanner.catalog.terraform_survey`.

FOLDER is a copy of `website/docs` of a provider (resources in `r`, data sources in `d`). Printed are the types that
have no section, the arguments that the documentation does not know, the defaults that differ, and the ARM types that
differ from the id that is imported. Types of older versions are not documented any more and are left out. With
`--examples` it is said how many of the resources in a folder of `.tf` files have a section.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from scanner.catalog.terraform import (
    CHANGING_DEFAULT,
    NO_DEFAULT,
    Argument,
    Section,
    section,
    terraform_types,
)

_IMPORTED = re.compile(r"terraform import \S+ [\"']?(\S+?)[\"']?$", re.MULTILINE)
_NAMED = re.compile(r"`([a-z][a-z0-9_]*)`")
_DEFAULT = re.compile(r"^\s*[*-] ?`([a-z0-9_]+)`.*?[Dd]efaults? (?:to|value is) `([^`]*)`", re.MULTILINE)
_DOCUMENTED_ARGUMENT = re.compile(r"^\s*[*-] ?`([a-z0-9_]+)` ?-", re.MULTILINE)


class Coverage(msgspec.Struct, frozen=True):
    """How many resources of a folder have a section, of how many; and which types have none."""

    known: int
    all: int
    missing: tuple[str, ...]


class Difference(msgspec.Struct, frozen=True):
    """One point in which table and documentation differ."""

    terraform_type: str
    kind: str
    """no section, no argument, default, or ARM type."""
    detail: str


def compare(folder: Path, prefix: str = "azurerm") -> Iterator[Difference]:
    """Yield what differs between the table and the documentation in a folder; raises OSError when it is not there."""
    listed = set(terraform_types())
    for page in sorted((folder / "r").iterdir()):
        name = f"{prefix}_{page.name.split('.', 1)[0]}"
        if name not in listed:
            yield Difference(name, "no section", _imported_type(page.read_text(encoding="utf-8")))
            continue
        described = section(name)
        if described is not None:
            yield from _page(name, described, page.read_text(encoding="utf-8"))
    for page in sorted((folder / "d").iterdir()):
        name = f"{prefix}_{page.name.split('.', 1)[0]}"
        if name not in listed and f"data.{name}" not in listed:
            yield Difference(f"data.{name}", "no section", "")


def coverage(folder: Path, prefix: str = "azurerm") -> Coverage:
    """Return how much of the resources in all `.tf` files below a folder the table knows."""
    listed = set(terraform_types())
    declared = re.compile(rf'^\s*resource\s+"({prefix}_[a-z0-9_]+)"', re.MULTILINE)
    found = [
        kind
        for path in sorted(folder.rglob("*.tf"))
        for kind in declared.findall(path.read_text(encoding="utf-8", errors="replace"))
    ]
    missing = tuple(sorted({kind for kind in found if kind not in listed}))
    return Coverage(sum(kind in listed for kind in found), len(found), missing)


def _page(name: str, described: Section, text: str) -> Iterator[Difference]:
    imported = _imported_type(text)
    if described.type and imported and imported != described.type and not described.onto:
        yield Difference(name, "ARM type", f"{described.type} here, {imported} imported")
    named = set(_NAMED.findall(text))
    wanted = [container.argument for container in described.containers if container.argument]
    if described.onto:
        wanted = [described.onto]
    if described.type and wanted and not any(argument in named for argument in wanted):
        yield Difference(name, "no argument", " or ".join(wanted))
    sources = [tuple(step.name for step in argument.source) for argument in _all_arguments(described)]
    for path in (*sources, *described.exports, *described.keys, *described.secrets):
        if path and path[-1] not in named and path not in described.older:
            yield Difference(name, "no argument", ".".join(path))
    yield from _defaults(name, described, text)


def _defaults(name: str, described: Section, text: str) -> Iterator[Difference]:
    documented: dict[str, set[str]] = {}
    for argument, default in _DEFAULT.findall(text):
        documented.setdefault(argument, set()).add(default.strip('"').lower())
    times = dict.fromkeys(documented, 0)
    for argument in _DOCUMENTED_ARGUMENT.findall(text):
        times[argument] = times.get(argument, 0) + 1
    for one in _all_arguments(described):
        if not one.source or one.default == CHANGING_DEFAULT:
            continue
        last = one.source[-1].name
        said = documented.get(last, set())
        # Where one word names arguments of several blocks it cannot be told whose default it is.
        if times.get(last, 0) > 1:
            continue
        here = set() if one.default == NO_DEFAULT else {str(one.default).lower()}
        # A boolean that is left out is sent as false, documented or not.
        if here and said != here and (said or here != {"false"}):
            path = ".".join(step.name for step in one.source)
            yield Difference(
                name, "default", f"{path}: {', '.join(here)} here, {', '.join(said) or 'none'} documented"
            )


def _all_arguments(described: Section) -> Iterator[Argument]:
    yield from described.arguments
    for child in described.children:
        yield from child.arguments


def _imported_type(text: str) -> str:
    for imported in _IMPORTED.findall(text):
        provider, _, rest = imported.rpartition("/providers/")[2].partition("/")
        names = rest.strip("/").split("/")
        if rest and "|" not in imported and len(names) % 2 == 0 and "://" not in imported:
            return "/".join([provider, *names[::2]]).lower()
    return ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what differs. Exit code 0 nothing, 1 something, 2 no such folder."""
    parser = argparse.ArgumentParser(
        prog="python -m scanner.catalog.terraform_survey",
        description="Compare the table of Terraform types with a provider's documentation.",
    )
    parser.add_argument(
        "folder", type=Path, metavar="FOLDER", help="website/docs of terraform-provider-azurerm"
    )
    parser.add_argument(
        "--examples", type=Path, metavar="DIR", help="count the resources in .tf files that have a section"
    )
    options = parser.parse_args(arguments)
    try:
        found = list(compare(options.folder))
        counted = coverage(options.examples) if options.examples else None
    except OSError as error:
        sys.stderr.write(f"error: {error.filename}: {error.strerror}\n")
        return 2
    for one in found:
        sys.stdout.write(f"{one.kind:12}{one.terraform_type}: {one.detail}\n")
    if counted is not None:
        share = 100 * counted.known / max(counted.all, 1)
        sys.stdout.write(f"{counted.known:,} of {counted.all:,} resources have a section ({share:.1f} %)")
        sys.stdout.write(f"; not {', '.join(counted.missing)}\n" if counted.missing else "\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
