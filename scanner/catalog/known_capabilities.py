"""The capabilities of the built-in roles, worked out beforehand: `python -m scanner.catalog.known_capabilities`.

Working out what one role can do takes all of Azure's operations, which take a tenth of a second to load: too long for a
check of one file, which mostly speaks of built-in roles. `data/known_capabilities.txt` has a line for every different
set of permissions among them: a hash of the permissions, then the capabilities as JSON. It follows from the other data
files and the code beside this; a test compares all of it.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path

import msgspec

from scanner.catalog.capabilities import Capability, work_out
from scanner.catalog.permissions import PermissionEntry
from scanner.catalog.roles import builtin_roles

FILE = "known_capabilities.txt"


def known_capabilities(permissions: tuple[PermissionEntry, ...]) -> tuple[Capability, ...] | None:
    """Return the capabilities of a role with exactly these permissions; None when no built-in role has them."""
    data = _data()
    begin = data.find(b"\n" + _name(permissions) + b" ")
    if begin < 0:
        return None
    begin += 1 + 2 * _DIGEST + 1
    line = data[begin : data.index(b"\n", begin)]
    return msgspec.json.decode(line, type=tuple[Capability, ...])


def compiled() -> bytes:
    """Return the data file as it should be."""
    lines = {
        _name(role.permissions): msgspec.json.encode(work_out(role.permissions))
        for role in builtin_roles().values()
    }
    return b"\n" + b"".join(name + b" " + line + b"\n" for name, line in sorted(lines.items()))


_DIGEST = 16


def _name(permissions: tuple[PermissionEntry, ...]) -> bytes:
    encoded = msgspec.json.encode(permissions)
    return hashlib.blake2b(encoded, digest_size=_DIGEST).hexdigest().encode()


@cache
def _data() -> bytes:
    return files("scanner.catalog").joinpath(f"data/{FILE}").read_bytes()


def main(arguments: Sequence[str]) -> int:
    """Write the data file; with `--check` only say whether it is stale."""
    path = Path(__file__).parent / "data" / FILE
    wanted = compiled()
    fresh = path.is_file() and path.read_bytes() == wanted
    if not fresh and "--check" not in arguments:
        path.write_bytes(wanted)
    sys.stdout.write(
        f"{FILE} {'is fresh' if fresh else 'is stale' if '--check' in arguments else 'written'}\n"
    )
    return 1 if not fresh and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
