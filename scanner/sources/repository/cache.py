"""What was read before: ``.midas-cache``, one file for each unit, safe to delete at any time.

An entry is found by the unit's name, by Midas's version and code, and by what was asked; it counts while every file the
unit depends on has the bytes it had. It begins with a hash of itself and of what it answers: one that was damaged, cut
or put in another's place is as good as none, and is written anew. No secret is in it: it holds facts, and facts hold
none.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from scanner.sources.repository.contents import Digests

if TYPE_CHECKING:
    from scanner.sources.repository.located import LocatedUnit

_IGNORE = "# Made by midas check; safe to delete.\n*\n"
_SEAL = 16


class Cache:
    """The entries for one question, asked by one version of Midas."""

    def __init__(self, folder: Path, question: bytes) -> None:
        self.folder = folder
        self._question = hashlib.blake2b(question, digest_size=32).digest()
        self._made = False

    def why_not(self) -> str | None:
        """Return why nothing can be kept; None where something can. Makes the folder."""
        try:
            self._make(self.folder)
        except OSError as error:
            return (error.strerror or str(error)).lower()
        return None if os.access(self.folder, os.W_OK | os.X_OK) else "permission denied"

    def get(self, unit: str, digests: Digests) -> LocatedUnit | None:
        """Return what was read of a unit when all it depends on is as it was, else None."""
        body = self.get_bytes(unit)
        if body is None:
            return None
        try:
            entry = self._decoder.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return None
        return entry if all(digests.of(name) == before for name, before in entry.seen) else None

    @cached_property
    def _decoder(self) -> msgspec.msgpack.Decoder[LocatedUnit]:
        from scanner.sources.repository.located import LocatedUnit

        return msgspec.msgpack.Decoder(LocatedUnit)

    def get_bytes(self, name: str) -> memoryview | None:
        """Return what was kept under a name, as it was written, else None."""
        try:
            data = self._path(name).read_bytes()
        except OSError:
            return None
        body = memoryview(data)[_SEAL:]
        return body if self._seal(name, body) == data[:_SEAL] else None

    def put_bytes(self, name: str, entry: bytes) -> None:
        """Keep something under a name. Where nothing can be written, nothing is kept: the next run reads again."""
        import tempfile

        try:
            path = self._path(name)
            self._make(path.parent)
            handle, partial = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
            with os.fdopen(handle, "wb") as file:
                file.write(self._seal(name, entry))
                file.write(entry)
            os.replace(partial, path)
        except OSError:
            return

    def _path(self, name: str) -> Path:
        entry = hashlib.blake2b(name.encode(), digest_size=16, key=self._question).hexdigest()
        return self.folder / entry[:2] / entry

    def _seal(self, name: str, entry: bytes | memoryview) -> bytes:
        seal = hashlib.blake2b(name.encode() + b"\0", digest_size=_SEAL, key=self._question)
        seal.update(entry)
        return seal.digest()

    def _make(self, folder: Path) -> None:
        if not self._made:
            self.folder.mkdir(parents=True, exist_ok=True)
            ignore = self.folder / ".gitignore"
            if not ignore.exists():
                ignore.write_text(_IGNORE, encoding="utf-8")
            self._made = True
        folder.mkdir(exist_ok=True)


def code_stamp(folders: Iterable[Path]) -> bytes:
    """Return what tells one state of Midas's own code from another: names, sizes and times of its files.

    The version alone does not tell while Midas itself is worked on.
    """
    stamp = hashlib.blake2b(digest_size=16)
    for folder in folders:
        waiting = [str(folder)]
        while waiting:
            current = waiting.pop()
            with os.scandir(current) as entries:
                for entry in sorted(entries, key=lambda one: one.name):
                    if entry.is_dir(follow_symlinks=False):
                        if entry.name != "__pycache__":
                            waiting.append(entry.path)
                    else:
                        about = entry.stat()
                        stamp.update(f"{entry.path}\0{about.st_size}\0{about.st_mtime_ns}\n".encode())
    return stamp.digest()
