"""Open a tenant to judge: collect it from Azure, or open a snapshot or an export.

A collection works in a folder of its own beside its destination, so that it can be interrupted at any moment
and continued; the folder goes away when the snapshot is whole. A scan that keeps no snapshot works in the
user's cache folder, under a name made from what was asked, so that the same command continues it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from scanner.facts import ids
from scanner.facts.schema import TABLES, collected_tables
from scanner.facts.snapshot import REQUESTS, Origin, SnapshotError, read, write
from scanner.facts.store import FactStore
from scanner.question import Question
from scanner.settings import SettingsError
from scanner.sources.azure.errors import SourceError
from scanner.sources.azure.request import AuthSettings, CloudName, CollectRequest, ScanScope
from scanner.work_folder import cache_folder, held
from scanner.world import World

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

    work = cache_folder(_name(wanted, question)) if out is None else out.with_name(out.name + ".partial")
    if out is not None:
        _check_destination(out)
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
    with held(work, resume=resume):
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
        _check_tenant(wanted, origin)
        if out is not None:
            write(store, origin, out, requests=work / REQUESTS)
    return World(store, origin)


def _check_tenant(wanted: Wanted, origin: Origin) -> None:
    """Refuse facts of another directory than asked for: a managed identity signs in to its own, whatever is asked."""
    asked = wanted.auth.tenant_id
    if asked is not None and origin.tenant and asked.lower() != origin.tenant.lower():
        raise SourceError(
            f"the sign-in reads the tenant {origin.tenant}",
            where=f"--tenant-id {asked}",
            todo="sign in to the tenant asked for, or leave --tenant-id out",
        )


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


def _name(wanted: Wanted, question: Question) -> str:
    asked = repr((wanted, sorted(question.tables), sorted(question.settings)))
    return f"scan-{hashlib.sha256(asked.encode()).hexdigest()[:16]}"


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


def _with_gaps(store: FactStore, gaps: Sequence[dict[str, str]], *, instead: bool = False) -> FactStore:
    """Return the facts with more gaps, or with these instead of their own."""
    import polars as pl

    frames = {name: store.frame(name) for name in TABLES}
    more = pl.LazyFrame(list(gaps), schema=frames["gaps"].collect_schema())
    frames["gaps"] = more if instead else pl.concat([frames["gaps"], more])
    return FactStore(frames)


EVERY_TABLE = "all"
_NOT_EXPORTED = frozenset(["entities", "gaps", "places", "scopes"])
"""Tables of which an export cannot say whether it holds them whole: they follow from the others."""


def open_export(files: Sequence[Path], complete: Sequence[str], question: Question) -> World:
    """Open exported rows; raises :class:`~scanner.sources.azure.errors.SourceError` for files that hold none.

    ``complete`` names tables that the files hold whole, ``all`` stands for every one.
    """
    from scanner.sources.azure.export import load_export

    names = sorted(name for name, table in TABLES.items() if not table.derived and name not in _NOT_EXPORTED)
    for table in complete:
        if table not in names and table != EVERY_TABLE:
            raise SettingsError(
                f"--complete {table}: no table is called that; there are {', '.join(names)}, and all"
            )
    store = load_export(files, frozenset(names if EVERY_TABLE in complete else complete), question.settings)
    asked = frozenset[str]().union(*(collected_tables(name) for name in question.tables)) - {"entities"}
    store = _with_gaps(store, [gap for gap in store.gaps() if gap["table"] in asked], instead=True)
    written = max(datetime.fromtimestamp(path.stat().st_mtime, UTC) for path in files)
    target = ", ".join(path.name for path in files)
    origin = Origin(source="export", target=target, tenant="", cloud="", read_at=written)
    return World(store, origin)
