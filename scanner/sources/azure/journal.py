"""The journal of a collection: every completed unit of raw rows on disk, so that a killed scan can go on.

A unit is one file, written beside its place and renamed, with a checksum before its content: a file that was
cut short or changed is as if it were not there, and is read again. The folder is its owner's only.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import zlib
from pathlib import Path
from typing import Any

import msgspec

from scanner.sources.azure.errors import SourceError
from scanner.sources.azure.request import CollectRequest

VERSION = 1
REQUEST_NAME = "request.json"
UNITS_NAME = "units"


class Unit(msgspec.Struct, frozen=True):
    """Raw rows of one piece of work. ``total`` is how many the service says there are in the whole query."""

    name: str
    rows: list[Any]
    total: int = 0


class Journal:
    """The units of one collection, by name. Safe for use from many threads on different units."""

    def __init__(self, request: CollectRequest) -> None:
        """Open the folder of the request; raises :class:`SourceError` when it cannot be used or does not fit."""
        self._folder = request.work
        self._units = request.work / UNITS_NAME
        asked = _fingerprint(request)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            known = self._folder / REQUEST_NAME
            if request.resume and known.is_file():
                if known.read_bytes() != asked:
                    raise SourceError(
                        "the journal there is of another scan (scope, cloud, sign-in, rules or version differ)",
                        where=str(self._folder),
                        todo="run with the same options, or start anew without --resume",
                    )
            else:
                if self._units.is_dir():
                    shutil.rmtree(self._units)
                (self._folder / "requests.jsonl").unlink(missing_ok=True)
                write_private(known, asked)
            self._units.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise SourceError(
                f"the work folder cannot be used: {error.strerror or error}",
                where=str(self._folder),
                todo="choose a folder that can be written",
            ) from error
        self._decoder = msgspec.json.Decoder(Unit)

    @property
    def folder(self) -> Path:
        """The folder of the journal, where the request log is kept too."""
        return self._folder

    def load(self, name: str) -> Unit | None:
        """Return a completed unit; None when there is none, or its file is not whole."""
        try:
            content = self._path(name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SourceError(
                f"the journal cannot be read: {error.strerror or error}",
                where=str(self._folder),
                todo="start anew without --resume",
            ) from error
        digest, packed = content[:32], content[32:]
        if hashlib.sha256(packed).digest() != digest:
            return None
        try:
            unit = self._decoder.decode(zlib.decompress(packed))
        except (msgspec.DecodeError, zlib.error):
            return None
        return unit if unit.name == name else None

    def save(self, unit: Unit) -> None:
        """Write a completed unit; raises :class:`SourceError` when the disk does not take it."""
        packed = zlib.compress(msgspec.json.encode(unit), 1)
        try:
            write_private(self._path(unit.name), hashlib.sha256(packed).digest() + packed)
        except OSError as error:
            raise SourceError(
                f"the journal cannot be written: {error.strerror or error}",
                where=str(self._folder),
                todo="free some space there, then go on with --resume",
            ) from error

    def forget(self, name: str) -> None:
        """Drop a unit, so that it is read again."""
        self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        # Names hold ids from Azure, which do not belong in file names.
        return self._units / (hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:40] + ".unit")


def write_private(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, readable by its owner only."""
    partial = path.with_suffix(".partial")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
    partial.replace(path)


def _fingerprint(request: CollectRequest) -> bytes:
    from scanner import __version__

    return msgspec.json.encode(
        {
            "journal": VERSION,
            "midas": __version__,
            "scope": request.scope,
            "auth": request.auth,
            "cloud": request.cloud,
            "tables": sorted(request.tables),
            "settings": sorted(request.settings),
        }
    )
