"""Facts on disk: a folder of Parquet files and a manifest, readable by its owner only.

A snapshot is written beside its final place and renamed, so that it is there whole or not at all. The
manifest holds a hash of every file and of itself: an edited or truncated snapshot is refused, and so is another
version's. (The hashes tell of accidents and of careless edits; whoever means to deceive can make them anew.)
"""

from __future__ import annotations

import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from scanner import __version__
from scanner.errors import UserError
from scanner.facts.schema import SCHEMA_VERSION, TABLES
from scanner.facts.store import FactStore

if TYPE_CHECKING:
    import polars as pl

MANIFEST = "manifest.json"
REQUESTS = "requests.jsonl"


class SnapshotError(UserError):
    """A snapshot that cannot be written or trusted: what, where, what to do."""


class TableFile(msgspec.Struct, frozen=True):
    """One Parquet file: its number of rows and the SHA-256 of its bytes."""

    rows: int
    sha256: str


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where facts came from: azure or export, what was asked for in words, tenant, cloud, when (UTC)."""

    source: str
    target: str
    tenant: str
    cloud: str
    read_at: datetime
    requests: int = 0
    tables: tuple[str, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a snapshot says of itself."""

    schema: int
    tool: str
    written: datetime
    origin: Origin
    files: dict[str, TableFile]
    gaps: int
    content: str
    """SHA-256 over the hashes of the tables in the order of their names: equal for equal facts."""
    log: str | None
    """SHA-256 of the request log; None where there is none, as for an export."""
    seal: str
    """SHA-256 over all of the above: an edited manifest is told from a written one."""


def write(store: FactStore, origin: Origin, folder: Path, *, requests: Path | None = None) -> Manifest:
    """Write facts as a snapshot; an existing snapshot at the same place is replaced, anything else is refused.

    ``requests`` is the log of what was asked of Azure, kept with the snapshot. Raises :class:`SnapshotError`.
    """
    import shutil

    import polars as pl

    folder = folder.absolute()
    if folder.exists() and not _may_be_replaced(folder):
        raise SnapshotError(f"{folder} exists and is not a snapshot: choose another --out, or empty it")
    partial, replaced = (folder.with_name(folder.name + suffix) for suffix in (".writing", ".replaced"))
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(mode=0o700, parents=True)
        files = {}
        for name, table in TABLES.items():
            if table.stored:
                files[name] = _write_table(store.frame(name), partial / f"{name}.parquet")
        if requests is not None and requests.is_file():
            shutil.copyfile(requests, partial / REQUESTS)
            (partial / REQUESTS).chmod(0o600)
        manifest = Manifest(
            schema=SCHEMA_VERSION,
            tool=__version__,
            written=datetime.now(UTC),
            origin=origin,
            files=files,
            gaps=files["gaps"].rows,
            content=_content(files),
            log=_sha256(partial / REQUESTS) if (partial / REQUESTS).is_file() else None,
            seal="",
        )
        manifest = msgspec.structs.replace(manifest, seal=_seal(manifest))
        _write_private(partial / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)))
        if folder.exists():
            # Out of the way first, deleted last: whenever this stops, one whole snapshot is there.
            shutil.rmtree(replaced, ignore_errors=True)
            folder.rename(replaced)
        partial.rename(folder)
        shutil.rmtree(replaced, ignore_errors=True)
    except (OSError, pl.exceptions.ComputeError) as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise SnapshotError(
            f"the snapshot could not be written to {folder}: {getattr(error, 'strerror', None) or error}"
        ) from error
    return manifest


def _may_be_replaced(folder: Path) -> bool:
    return folder.is_dir() and ((folder / MANIFEST).is_file() or not any(folder.iterdir()))


def _write_table(frame: pl.LazyFrame, path: Path) -> TableFile:
    import polars as pl

    frame.sink_parquet(path, compression="zstd", statistics=True)
    path.chmod(0o600)
    rows = pl.scan_parquet(path).select(pl.len()).collect().item()
    return TableFile(rows=rows, sha256=_sha256(path))


def _write_private(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _content(files: dict[str, TableFile]) -> str:
    return hashlib.sha256(
        "".join(f"{name}={files[name].sha256};" for name in sorted(files)).encode()
    ).hexdigest()


def _seal(manifest: Manifest) -> str:
    return hashlib.sha256(msgspec.json.encode(msgspec.structs.replace(manifest, seal=""))).hexdigest()


def read(folder: Path) -> tuple[FactStore, Manifest]:
    """Open a snapshot. Tables are read when a rule asks for them.

    Raises :class:`SnapshotError` when it is missing, truncated, edited, or of another schema version.
    """
    import polars as pl

    from scanner.facts.derive import lazily_derived

    manifest = read_manifest(folder)
    log = folder / REQUESTS
    if manifest.log != (_sha256(log) if log.is_file() else None):
        raise SnapshotError(
            f"{log} is not the log that was written (it is gone or was edited): collect it again"
        )
    frames = {}
    for name, file in manifest.files.items():
        path = folder / f"{name}.parquet"
        if not path.is_file():
            raise SnapshotError(f"{path} is missing: the snapshot is not whole; collect it again")
        if _sha256(path) != file.sha256:
            raise SnapshotError(
                f"{path} is not what was written (its hash differs from the manifest): collect it again"
            )
        frames[name] = pl.scan_parquet(path, glob=False)
    return FactStore(frames | lazily_derived(frames)), manifest


def read_manifest(folder: Path) -> Manifest:
    """Read and check a snapshot's manifest; raises :class:`SnapshotError`."""
    path = folder / MANIFEST
    if not path.is_file():
        hint = "no such folder" if not folder.exists() else f"it has no {MANIFEST}"
        raise SnapshotError(
            f"{folder} is not a snapshot ({hint}): make one with `midas collect --out {folder}`"
        )
    try:
        raw = msgspec.json.decode(path.read_bytes())
        version = raw.get("schema") if isinstance(raw, dict) else None
        if version != SCHEMA_VERSION:
            raise SnapshotError(
                f"{folder} was written with schema version {version}, this Midas reads {SCHEMA_VERSION}: "
                "collect it again"
            )
        manifest = msgspec.convert(raw, Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SnapshotError(
            f"{path} cannot be read ({error}): the snapshot is damaged; collect it again"
        ) from error
    except OSError as error:
        raise SnapshotError(f"{path} cannot be read: {error.strerror or error}") from error
    expected = {name for name, table in TABLES.items() if table.stored}
    needed = {name for name in expected if not TABLES[name].of_code}
    whole = manifest.content == _content(manifest.files) and manifest.seal == _seal(manifest)
    if not needed <= set(manifest.files) <= expected or not whole:
        raise SnapshotError(f"{path} does not fit its own hashes: the snapshot was edited; collect it again")
    return manifest
