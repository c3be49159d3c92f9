"""The demonstration: the sample tenant on loopback, scanned as a real one would be."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path


def demonstrate(out: Path, tenant: str) -> int:
    """Scan an emulated tenant in a process of its own, through the real SDK clients and a managed identity's token.

    Writes ``midas.sarif``, ``midas.html`` and ``midas.json`` into ``out`` and returns the scan's exit code.
    """
    from scanner.emulator import Emulator, load_tenant

    out.mkdir(parents=True, exist_ok=True)
    outputs = []
    for kind, name in (("sarif", "midas.sarif"), ("html", "midas.html"), ("json", "midas.json")):
        outputs += ["--output", f"{kind}={out / name}"]
    with tempfile.TemporaryDirectory() as cache, Emulator(load_tenant(tenant)) as azure:
        command = [
            sys.executable,
            "-m",
            "scanner",
            "scan",
            "--tenant",
            "--auth",
            "managed-identity",
            *outputs,
        ]
        # A work folder of its own: two demonstrations at once are no rivals.
        environment = os.environ | azure.environment() | {"XDG_CACHE_HOME": cache}
        done = subprocess.run(command, env=environment, check=False)  # noqa: S603
        if azure.writes:
            raise RuntimeError(f"the scan tried to write: {azure.writes}")
    return done.returncode
