"""Make the catalogue's data files from published lists: `python -m scanner.catalog.compile --help`.

Each file can be made alone. Roles also come from what `az role definition list --output json` prints, so anybody
with an Azure login can bring them up to date; Azure's answer has no removed roles and no date.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from scanner.catalog.convert import (
    CatalogInputError,
    convert_escalations,
    convert_identity_types,
    convert_operations,
    convert_roles,
)
from scanner.catalog.convert_key_reads import convert_key_reads

DATA_FOLDER = Path(__file__).parent / "data"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the files asked for, or with `--check` compare them. Exit code 0 done or fresh, 1 stale, 2 wrong input."""
    options = _parser().parse_args(arguments)
    kinds: tuple[tuple[str, str, Callable[[object, str], bytes]], ...] = (
        ("roles", "builtin_roles.json", lambda document, label: convert_roles(document, label, options.date)),
        ("operations", "operations.json", convert_operations),
        ("escalations", "escalation_actions.json", convert_escalations),
        ("types", "identity_types.json", convert_identity_types),
        ("keys", "key_reads.json", convert_key_reads),
    )
    if not any(getattr(options, kind) for kind, _, _ in kinds):
        _parser().error("give at least one of --roles, --operations, --escalations, --types, --keys")
    stale = False
    try:
        made = [
            (options.out / name, convert(_read(getattr(options, kind)), str(getattr(options, kind))))
            for kind, name, convert in kinds
            if getattr(options, kind)
        ]
        for target, content in made:
            fresh = target.exists() and target.read_bytes() == content
            stale = stale or not fresh
            if not options.check and not fresh:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
            state = "fresh" if fresh else "stale" if options.check else "written"
            sys.stdout.write(f"{state:8}{target.name} ({len(content):,} bytes)\n")
    except CatalogInputError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    except OSError as error:
        sys.stderr.write(f"error: {error.filename}: {error.strerror}\n")
        return 2
    return 1 if stale and options.check else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m scanner.catalog.compile", description="Make the catalogue's data files."
    )
    parser.add_argument(
        "--roles", type=Path, metavar="FILE", help="built-in roles (collected, or az's output)"
    )
    parser.add_argument("--operations", type=Path, metavar="FILE", help="resource provider operations")
    parser.add_argument("--escalations", type=Path, metavar="FILE", help="escalation actions")
    parser.add_argument("--types", type=Path, metavar="FILE", help="resource types with an identity")
    parser.add_argument(
        "--keys", type=Path, metavar="FILE", help="switches of local authentication, key operations"
    )
    parser.add_argument(
        "--date", metavar="YYYY-MM-DD", help="day of a list that carries no date (az's output)"
    )
    parser.add_argument(
        "--out", type=Path, default=DATA_FOLDER, metavar="DIR", help="folder of the data files"
    )
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file is stale")
    return parser


def _read(path: Path) -> object:
    try:
        return msgspec.json.decode(path.read_bytes())
    except msgspec.DecodeError as error:
        raise CatalogInputError(f"{path}: not JSON: {error}") from error


if __name__ == "__main__":
    sys.exit(main())
