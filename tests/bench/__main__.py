"""Measure speed and memory: ``make bench``. Figures depend on the machine, which is printed with them.

``make bench`` takes about ten minutes; ``--only`` with ``check``, ``judge``, ``collect`` or ``start`` measures a part.
Snapshots are generated into ``bench-output`` and kept for the next time.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FOLDER = Path("bench-output")
LIMITS = {2_000_000: (10.0, 1_500.0), 20_000_000: (60.0, 4_000.0)}
"""Assignments to seconds and MB that judging them may take at most, on 2 cores."""


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=["check", "judge", "collect", "start"])
    only = parser.parse_args().only
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    print(f"{os.cpu_count()} cores, {memory:.0f} GB, Python {platform.python_version()}, {platform.system()}")
    be_as_installed()
    if only in (None, "start"):
        measure_start()
    if only in (None, "check"):
        from tests.bench.check import measure_checking

        measure_checking()
    if only in (None, "judge"):
        measure_judging()
    if only in (None, "collect"):
        measure_collecting()


def be_as_installed() -> None:
    """Have all that is measured start from bytecode, as an installed Midas does.

    Where a shell forbids Python to write it, a fresh clone would be compiled anew at every start.
    """
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # whatever is started from here inherits the rest
    for folder in ("scanner", "rules", "reports", "tests/bench"):
        if not compileall.compile_dir(folder, quiet=1):
            raise SystemExit(f"{folder} does not compile")


def verdict(value: float, limit: float) -> str:
    """Return how a figure compares with its limit."""
    return f"limit {limit:g}: {'kept' if value <= limit else 'MISSED'}"


def measure_start() -> None:
    """Time ``midas --help`` and the demo's scan."""
    command = [str(Path(sys.executable).parent / "midas"), "--help"]
    times = [_time(command) for _ in range(11)][1:]
    best = statistics.median(times)
    print(f"midas --help: {best:.3f} s (median of 10; {verdict(best, 0.15)})")
    with tempfile.TemporaryDirectory() as folder:
        from scanner.emulator import Emulator, load_tenant

        with Emulator(load_tenant("contoso")) as azure:
            scan = [
                sys.executable,
                "-m",
                "scanner",
                "scan",
                "--tenant",
                "--auth",
                "managed-identity",
                "--quiet",
            ]
            for kind in ("sarif", "html", "json"):
                scan += ["--output", f"{kind}={folder}/midas.{kind}"]
            environment = os.environ | azure.environment() | {"XDG_CACHE_HOME": folder}
            times = [_time(scan, environment, accept=(0, 1)) for _ in range(3)]
    best = statistics.median(times)
    print(f"the demo's scan: {best:.2f} s (median of 3; {verdict(best, 5)})")


def _time(
    command: list[str], environment: dict[str, str] | None = None, accept: tuple[int, ...] = (0,)
) -> float:
    began = time.perf_counter()
    done = subprocess.run(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment, check=False
    )
    if done.returncode not in accept:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}: {done.stderr.decode()[-2000:]}")
    return time.perf_counter() - began


def measure_judging() -> None:
    """Judge generated snapshots with all rules, each in a process of its own."""
    from tests.bench.generate import snapshot

    totals = {}
    for assignments, (seconds, megabytes) in LIMITS.items():
        folder = FOLDER / f"{assignments}"
        if not folder.is_dir():
            print(f"generating {assignments:,} assignments ...")
            snapshot(assignments, folder)
        command = [sys.executable, "-m", "tests.bench.judge", str(folder)]
        runs = [json.loads(subprocess.run(command, check=True, capture_output=True).stdout) for _ in range(3)]
        run = sorted(runs, key=lambda one: one["total"])[1]
        totals[assignments] = run["total"]
        print(
            f"judging {assignments:,} assignments, {assignments // 10:,} identities, {assignments // 4:,} resources "
            f"with {run['rules']} rules: {run['total']:.2f} s ({verdict(run['total'], seconds)}), "
            f"peak {run['peak_mb']:.0f} MB ({verdict(run['peak_mb'], megabytes)}); "
            f"open {run['open']:.2f}, judge {run['judge']:.2f}, findings {run['findings']:.2f} s; "
            f"{run['found']:,} found"
        )
        if run["faults"]:
            raise SystemExit(f"rules crashed: {run['faults']}")
    small, large = LIMITS
    growth = totals[large] / totals[small]
    print(f"growth for 10 times the assignments: {growth:.1f} times ({verdict(growth, 10)})")


def measure_collecting() -> None:
    """Collect 100,000 rows from the emulator with 200 ms latency under the real quota."""
    from scanner.emulator import Behaviour, Emulator, Scale, generate

    tenant = generate(Scale(subscriptions=20, identities=1, assignments=99_000))
    behaviour = Behaviour(latency=0.2, quota=True)
    with tempfile.TemporaryDirectory() as folder, Emulator(tenant, behaviour=behaviour) as azure:
        out = Path(folder) / "snapshot"
        command = [
            sys.executable,
            "-m",
            "scanner",
            "collect",
            "--tenant",
            "--auth",
            "managed-identity",
            "--quiet",
        ]
        command += ["--out", str(out), "--select", "MI201"]
        took = _time(command, os.environ | azure.environment())
        queries = sum("Microsoft.ResourceGraph" in request.path for request in azure.requests)
        manifest = json.loads((out / "manifest.json").read_bytes())
    rows = sum(
        manifest["files"][name]["rows"] for name in ("assignments", "roles", "resources", "identities")
    )
    windows = -(-queries // 15)
    demanded = (windows - 1) * 5
    print(
        f"collecting {rows:,} rows in {queries} queries: {took:.1f} s; the quota alone demands {demanded} s; "
        f"ratio {took / demanded:.2f} ({verdict(took / demanded, 1.15)})"
    )


if __name__ == "__main__":
    main()
