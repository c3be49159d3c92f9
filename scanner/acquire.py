"""Open a world to judge: collect it from Azure, or open a snapshot or an export.

A collection works in a folder of its own beside its destination, so that it can be interrupted at any moment
and continued; the folder goes away when the snapshot is whole. A scan that keeps no snapshot works in the
user's cache folder, under a name made from what was asked, so that the same command continues it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from scanner.facts import ids
from scanner.facts.schema import TABLES, VIEWS, collected_tables
from scanner.facts.snapshot import REQUESTS, Origin, SnapshotError, read, write
from scanner.facts.store import FactStore
from scanner.run import Question, World
from scanner.settings import SettingsError
from scanner.sources.azure.request import AuthSettings, CloudName, CollectRequest, ScanScope

if TYPE_CHECKING:
    from scanner.sources.azure.progress import Progress


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What to read from Azure and as whom."""

    scope: ScanScope
    auth: AuthSettings
    cloud: CloudName


class InterruptedCollection(KeyboardInterrupt):
    """A collection was interrupted; what was read is kept in a folder from which it can go on."""

    def __init__(self, work: Path) -> None:
        super().__init__(f"interrupted: what was read so far is kept in {work}; run it again with --resume")


def acquire(
    wanted: Wanted,
    question: Question,
    *,
    out: Path | None,
    resume: bool,
    progress: AbstractContextManager[Progress],
) -> World:
    """Collect from Azure; with ``out``, keep the facts there as a snapshot.

    Raises :class:`~scanner.sources.azure.errors.SourceError`, :class:`SnapshotError`, and
    :class:`InterruptedCollection` on Ctrl-C.
    """
    from scanner.sources.azure.collect import about, collect

    work = _cache_folder(wanted, question) if out is None else out.with_name(out.name + ".partial")
    if out is not None:
        _check_destination(out)
    if not resume:
        shutil.rmtree(work, ignore_errors=True)
    began = datetime.now(UTC)
    request = CollectRequest(
        scope=wanted.scope,
        work=work,
        tables=question.tables,
        settings=question.settings,
        auth=wanted.auth,
        cloud=wanted.cloud,
        resume=resume,
    )
    try:
        with progress as shown:
            store = collect(request, progress=shown)
    except KeyboardInterrupt as interruption:
        raise InterruptedCollection(work) from interruption
    origin = Origin(
        source="azure",
        target=wanted.scope.in_words(),
        tenant=about(work).tenant,
        cloud=wanted.cloud,
        read_at=began,
        requests=_lines(work / REQUESTS),
        tables=tuple(sorted(question.tables)),
        settings=tuple(sorted(question.settings)),
    )
    if out is not None:
        write(store, origin, out, requests=work / REQUESTS)
    shutil.rmtree(work, ignore_errors=True)
    return World(store, origin)


def _lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for _ in file)


def _check_destination(out: Path) -> None:
    """Refuse a destination before the long work: one that exists and is no snapshot, or cannot be made."""
    from scanner.facts.snapshot import MANIFEST

    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not (out / MANIFEST).is_file())):
        raise SnapshotError(f"{out} exists and is not a snapshot: choose another --out, or empty it")
    parent = out.absolute().parent
    while not parent.exists():
        parent = parent.parent
    if not os.access(parent, os.W_OK | os.X_OK):
        raise SnapshotError(f"{out} cannot be made: {parent} is not writable; choose another --out")


def _cache_folder(wanted: Wanted, question: Question) -> Path:
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    asked = repr((wanted, sorted(question.tables), sorted(question.settings)))
    return base / "midas" / f"scan-{hashlib.sha256(asked.encode()).hexdigest()[:16]}"


def open_snapshot(folder: Path, question: Question) -> World:
    """Open a snapshot; what these rules ask and its collection did not becomes a gap.

    Raises :class:`SnapshotError`.
    """
    store, manifest = read(folder)
    origin = manifest.origin
    asked = frozenset[str]().union(*(collected_tables(name) for name in question.tables)) - {"entities"}
    held = frozenset[str]().union(*(collected_tables(name) for name in origin.tables))
    missing = sorted(asked - held) if origin.source == "azure" else []
    lacking = sorted({kind for kind, _ in question.settings - set(origin.settings)})
    gaps = [
        _gap(table, "The snapshot was collected without this table; collect it again.") for table in missing
    ]
    if lacking and "settings" not in missing and origin.source == "azure":
        types = ", ".join(lacking)
        gaps.append(
            _gap("settings", f"The snapshot was collected without properties these rules ask of {types}.")
        )
    return World(_with_gaps(store, gaps), origin)


def _gap(table: str, detail: str) -> dict[str, str]:
    return {"table": table, "scope_id": ids.ROOT, "reason": "skipped", "detail": detail}


def _with_gaps(store: FactStore, gaps: Sequence[dict[str, str]]) -> FactStore:
    import polars as pl

    if not gaps:
        return store
    frames = {name: store.frame(name) for name in TABLES}
    frames["gaps"] = pl.concat(
        [frames["gaps"], pl.LazyFrame(list(gaps), schema=frames["gaps"].collect_schema())]
    )
    return FactStore(frames)


def open_export(files: Sequence[Path], complete: Sequence[str], question: Question) -> World:
    """Open exported rows; raises :class:`~scanner.sources.azure.errors.SourceError` for files that hold none."""
    from scanner.sources.azure.export import load_export

    for table in complete:
        if table not in TABLES and table not in VIEWS:
            raise SettingsError(
                f"--complete {table}: no table is called that; there are {', '.join(sorted(TABLES))}"
            )
    store = load_export(files, frozenset(complete), question.settings)
    written = max(datetime.fromtimestamp(path.stat().st_mtime, UTC) for path in files)
    target = ", ".join(path.name for path in files)
    origin = Origin(source="export", target=target, tenant="", cloud="", read_at=written)
    return World(store, origin)
