"""Where a collection keeps what it has read until it is whole: one folder, for one process at a time."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from scanner.facts.snapshot import SnapshotError


def cache_folder(name: str) -> Path:
    """Return a folder of this name in the user's cache folder; :class:`SnapshotError` when there is no home."""
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if not base.is_absolute():  # unset, or against the specification of that variable
        try:
            base = Path.home() / ".cache"
        except RuntimeError as error:
            raise SnapshotError(
                "there is no home folder to keep what is read in: set HOME, or name a folder with --out"
            ) from error
    return base / "midas" / name


@contextmanager
def held(work: Path, *, resume: bool) -> Iterator[None]:
    """Hold a work folder, empty unless ``resume``; it is removed at the end, but kept on Ctrl-C and where asked for.

    Raises :class:`SnapshotError` when another process holds it, or it cannot be made. An error that leaves units
    of work behind keeps the folder, so that --resume can go on; one that leaves none removes it.
    """
    import shutil

    lock = work.with_name(work.name + ".lock")
    try:
        work.parent.mkdir(parents=True, exist_ok=True)
        file = lock.open("a+b")
    except OSError as error:
        raise SnapshotError(
            f"{work} cannot be used to work in: {error.strerror or error}; "
            "name a folder with --out, or set XDG_CACHE_HOME"
        ) from error
    with file:
        if not _locked(file):
            raise SnapshotError(
                f"another scan of the same is at work in {work}: wait for it, or choose another --out"
            )
        if not resume:
            shutil.rmtree(work, ignore_errors=True)
        done = False
        try:
            yield
            done = True
        finally:
            if done or not any(work.glob("units/*.unit")):
                shutil.rmtree(work, ignore_errors=True)
            lock.unlink(missing_ok=True)


def _locked(file: IO[bytes]) -> bool:
    """Lock a file for this process, without waiting; the lock ends with the process, however it ends."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
