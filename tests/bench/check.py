"""Measure ``midas check``: whole processes over whole repositories, beside ripgrep over the same files.

The repositories are not part of Midas: they lie in the folder that ``MIDAS_BENCH_CORPORA`` names, else in
``bench-output/corpora``, where ``make corpora`` fetches them; one that is not there is said to be skipped.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

CORPORA = Path(os.environ.get("MIDAS_BENCH_CORPORA", "bench-output/corpora"))
ONE_FILE_LIMIT = 0.4
CACHE_LIMIT = 5.0
GROWTH = 4
"""How many copies of a corpus show how time grows."""
GROWTH_LIMIT = 1.1
"""How much more than as many times the time that many copies may take."""
RIPGREP = ["rg", "-uuu", "-c", "AccountKey=|client_secret|roleAssignments"]
ONE_FILE = """\
data "azurerm_subscription" "current" {}

resource "azurerm_resource_group" "app" {
  name     = "rg-app"
  location = "westeurope"
}

resource "azurerm_user_assigned_identity" "app" {
  name                = "id-app"
  resource_group_name = azurerm_resource_group.app.name
  location            = azurerm_resource_group.app.location
}

resource "azurerm_role_assignment" "owner" {
  scope                = data.azurerm_subscription.current.id
  role_definition_name = "Owner"
  principal_id         = azurerm_user_assigned_identity.app.principal_id
}
"""


@dataclass(frozen=True)
class Corpus:
    """A repository with what checking it may take: seconds, and MB where that is limited.

    ``is_small``: a second run takes little more than loading Midas and its rules, whatever is kept; so its figure is
    printed without a limit.
    """

    name: str
    seconds: float
    megabytes: float | None = None
    is_small: bool = False


TABLE = (
    Corpus("azurerm-examples", 2.0),
    Corpus("azure-quickstart-templates", 20.0, 600.0),
    Corpus("bicep-registry-modules", 30.0),
    Corpus("terragoat", 2.0, is_small=True),
)


@dataclass(frozen=True)
class Run:
    """One process: wall seconds, CPU seconds, MB at most, all processes that it started included, and what it said."""

    wall: float
    cpu: float
    megabytes: float
    said: str


def measure_checking() -> None:
    """Measure everything that is there."""
    with tempfile.TemporaryDirectory() as folder:
        one = Path(folder) / "one"
        one.mkdir()
        (one / "main.tf").write_text(ONE_FILE)
        runs = [_check(one, "--no-cache") for _ in range(11)][1:]
        wall = statistics.median(run.wall for run in runs)
        print(f"check one Terraform file: {wall:.3f} s (median of 10; {_at_most(wall, ONE_FILE_LIMIT)})")
    for corpus in TABLE:
        if not (CORPORA / corpus.name).is_dir():
            print(f"check {corpus.name}: skipped, {CORPORA / corpus.name} is not there")
            continue
        _measure(corpus)
    _measure_growth()


def _measure(corpus: Corpus) -> None:
    path = CORPORA / corpus.name
    with tempfile.TemporaryDirectory() as cache:
        first = [_check(path, "--no-cache") for _ in range(3)]
        cold = sorted(first, key=lambda run: run.wall)[1]
        _check(path, "--cache", cache)
        again = sorted((_check(path, "--cache", cache) for _ in range(3)), key=lambda run: run.wall)[1]
    peak = max(run.megabytes for run in first)
    memory = f"peak {peak:.0f} MB"
    if corpus.megabytes is not None:
        memory += f" ({_at_most(peak, corpus.megabytes)})"
    print(
        f"check {corpus.name}: {cold.wall:.2f} s ({_at_most(cold.wall, corpus.seconds)}), CPU {cold.cpu:.2f} s, "
        f"{memory}"
    )
    ratio = cold.wall / again.wall
    kept = f"at least {CACHE_LIMIT:g}: {'kept' if ratio >= CACHE_LIMIT else 'MISSED'}"
    if corpus.is_small:
        kept = f"no limit, it is small: {_start():.2f} s of it are start-up and loading the rules"
    print(f"  with a cache: {again.wall:.2f} s, {ratio:.1f} times faster ({kept})")
    if shutil.which("rg"):
        runs = [_run([*RIPGREP, str(path)]) for _ in range(3)]
        yardstick = sorted(runs, key=lambda run: run.wall)[1]
        print(f"  ripgrep with 3 words over it: {yardstick.wall:.2f} s, CPU {yardstick.cpu:.2f} s")
    else:
        print("  ripgrep is not installed, so nothing to compare with")


def _measure_growth() -> None:
    source = CORPORA / TABLE[0].name
    if not source.is_dir():
        return
    times = {}
    with tempfile.TemporaryDirectory() as folder:
        for copies in (GROWTH, GROWTH * GROWTH):
            target = Path(folder) / str(copies)
            for number in range(copies):
                shutil.copytree(source, target / str(number), ignore=shutil.ignore_patterns(".git"))
            times[copies] = min(_check(target, "--no-cache").wall for _ in range(2))
    few, many = times[GROWTH], times[GROWTH * GROWTH]
    print(
        f"check {GROWTH} and {GROWTH * GROWTH} copies of {source.name}: {few:.2f} and {many:.2f} s; "
        f"growth for {GROWTH} times the files: {many / few:.2f} times ({_at_most(many / few, GROWTH * GROWTH_LIMIT)})"
    )


MIDAS = str(Path(sys.executable).parent / "midas")


def _start() -> float:
    """Return the seconds of a process that loads the rules and does nothing with them."""
    return min(_run([MIDAS, "rules"]).wall for _ in range(5))


def _check(path: Path, *options: str) -> Run:
    command = [MIDAS, "check", str(path), "--quiet"]
    return _run([*command, "--output", f"sarif={os.devnull}", *options])


def _run(command: list[str]) -> Run:
    """Run a process to its end; 1 says that something was found."""
    with tempfile.TemporaryFile() as errors:
        began = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors)
        watch = _Watch(process.pid)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        peak = watch.stop()
        errors.seek(0)
        said = errors.read().decode("utf-8", "replace")
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}: {said[-2000:]}")
    return Run(wall, usage.ru_utime + usage.ru_stime, peak or usage.ru_maxrss / 1024, said)


class _Watch:
    """Looks at the memory of a process and those it started every 50 ms: proportional shares, so nothing twice."""

    def __init__(self, process: int) -> None:
        self._process = process
        self._peak = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def stop(self) -> float:
        """Return the peak in MB; 0 where the system does not tell."""
        self._ended.set()
        self._thread.join()
        return self._peak

    def _look(self) -> None:
        while not self._ended.wait(0.05):
            self._peak = max(self._peak, sum(_share(process) for process in _family(self._process)) / 1024)


def _family(process: int) -> list[int]:
    found = [process]
    for one in found:
        try:
            children = Path(f"/proc/{one}/task/{one}/children").read_text()
        except OSError:
            continue
        found += [int(child) for child in children.split()]
    return found


def _share(process: int) -> int:
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def _at_most(value: float, limit: float) -> str:
    return f"limit {limit:g}: {'kept' if value <= limit else 'MISSED'}"
