"""The capabilities of the built-in roles, worked out beforehand: `python -m scanner.catalog.known_capabilities`.

Working out what one role can do takes all of Azure's operations, which take a tenth of a second to load: too long for a
check of one file, which mostly speaks of built-in roles. `data/known_capabilities.txt` has a line for every different
set of permissions among them: a hash of the permissions, then the capabilities as JSON. `data/known_hosts.txt` has the
host types in the same way. Both follow from the other data files and the code beside this; a test compares all of it.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import msgspec

from scanner.catalog.capabilities import Capability, work_out
from scanner.catalog.data_files import data
from scanner.catalog.hosts import HostWay, work_out_host_ways
from scanner.catalog.permissions import PermissionEntry
from scanner.catalog.roles import builtin_roles

CAPABILITIES = "known_capabilities.txt"
HOSTS = "known_hosts.txt"


def known_capabilities(permissions: tuple[PermissionEntry, ...]) -> tuple[Capability, ...] | None:
    """Return the capabilities of a role with exactly these permissions; None when no built-in role has them."""
    line = _line(CAPABILITIES, permissions)
    return None if line is None else msgspec.json.decode(line, type=tuple[Capability, ...])


def known_host_ways(permissions: tuple[PermissionEntry, ...]) -> tuple[HostWay, ...] | None:
    """Return the host types of a role with exactly these permissions; None when no built-in role has them."""
    line = _line(HOSTS, permissions)
    return None if line is None else msgspec.json.decode(line, type=tuple[HostWay, ...])


def _line(file: str, permissions: tuple[PermissionEntry, ...]) -> bytes | None:
    data = _data(file)
    begin = data.find(b"\n" + _name(permissions) + b" ")
    if begin < 0:
        return None
    begin += 1 + 2 * _DIGEST + 1
    return data[begin : data.index(b"\n", begin)]


def compiled() -> dict[str, bytes]:
    """Return the data files as they should be, by name."""
    workers: dict[str, Callable[[tuple[PermissionEntry, ...]], object]] = {
        CAPABILITIES: work_out,
        HOSTS: work_out_host_ways,
    }
    sets = sorted({_name(role.permissions): role.permissions for role in builtin_roles().values()}.items())
    return {
        file: b"\n" + b"".join(name + b" " + msgspec.json.encode(work(held)) + b"\n" for name, held in sets)
        for file, work in workers.items()
    }


_DIGEST = 16


def _name(permissions: tuple[PermissionEntry, ...]) -> bytes:
    encoded = msgspec.json.encode(permissions)
    return hashlib.blake2b(encoded, digest_size=_DIGEST).hexdigest().encode()


@cache
def _data(file: str) -> bytes:
    return data(file)


def main(arguments: Sequence[str]) -> int:
    """Write the data files; with `--check` only say whether they are stale."""
    stale = False
    for file, wanted in compiled().items():
        path = Path(__file__).parent / "data" / file
        fresh = path.is_file() and path.read_bytes() == wanted
        if not fresh and "--check" not in arguments:
            path.write_bytes(wanted)
        stale = stale or not fresh
        sys.stdout.write(
            f"{file} {'is fresh' if fresh else 'is stale' if '--check' in arguments else 'written'}\n"
        )
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
