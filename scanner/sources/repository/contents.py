"""The bytes of a repository's files: from the disk, never from outside the repository, and read once."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from scanner.sources.repository.find import ENDINGS, LARGEST, shown

KEPT_BYTES = 128_000_000
"""Contents that are kept at most; what is read beyond is read again when it is needed again."""

DIGEST_BYTES = 16
NO_FILE = b""
"""Stands for the digest of a file that is not there."""

_FLAGS = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)


class Contents(Protocol):
    """The files of one state of a repository, by path from its root with forward slashes."""

    def read(self, uri: str) -> bytes | None:
        """Return a file's bytes; None when it is not there, lies outside, or cannot be read."""
        ...

    def names(self, folder: str) -> Sequence[str]:
        """Return the sorted names of the files in a folder; ``.`` is the root."""
        ...

    def all_names(self, folder: str) -> Sequence[str]:
        """Return the sorted names of all files in a folder, those of no infrastructure included."""
        ...

    def forget(self, uri: str) -> None:
        """Do not keep a file's bytes any longer: it turned out not to matter."""
        ...


class DiskContents:
    """Files as they are in the work tree.

    ``listed`` are the names of the files in each folder that was looked at; folders beside these, such as downloaded
    modules, are listed when somebody asks.
    """

    def __init__(self, root: Path, listed: Mapping[str, Sequence[str]]) -> None:
        self._root = os.path.realpath(root)
        self._listed = dict(listed)
        self._inside: dict[str, bool] = {}
        self._without_links: set[str] = set()
        self._kept: dict[str, bytes | None] = {}
        self._room = KEPT_BYTES

    def read(self, uri: str) -> bytes | None:
        """Return a file's bytes; None when it is not there, lies outside the root, is no file, or cannot be read."""
        if uri in self._kept:
            return self._kept[uri]
        data = self._read(uri)
        size = 0 if data is None else len(data)
        if size <= self._room:
            self._room -= size
            self._kept[uri] = data
        return data

    def forget(self, uri: str) -> None:
        """Do not keep a file's bytes any longer: it turned out not to matter."""
        data = self._kept.pop(uri, None)
        self._room += 0 if data is None else len(data)

    def names(self, folder: str) -> Sequence[str]:
        """Return the sorted names of the files in a folder; nothing for one that is not there or lies outside."""
        names = self._listed.get(folder)
        if names is None:
            names = self._list(folder)
            self._listed[folder] = names
        return names

    def all_names(self, folder: str) -> Sequence[str]:
        """Return the sorted names of all files in a folder, those of no infrastructure included."""
        return self._list(folder, "")

    def _list(self, folder: str, endings: str | tuple[str, ...] = ENDINGS) -> Sequence[str]:
        if not self._is_inside("" if folder == "." else folder):
            return ()
        try:
            with os.scandir(os.path.join(self._root, folder)) as entries:
                return sorted(
                    entry.name
                    for entry in entries
                    if entry.name.lower().endswith(endings)
                    and entry.name == shown(entry.name)
                    and (entry.is_symlink() or entry.is_file())
                )
        except OSError:  # a folder that a file names need not be there
            return ()

    def _read(self, uri: str) -> bytes | None:
        folder, _, _ = uri.rpartition("/")
        if not self._is_inside(folder):
            return None
        path = os.path.join(self._root, uri)
        try:
            try:
                handle = os.open(path, _FLAGS | _NO_FOLLOW)
            except OSError:
                # A link to a file is followed when that lies in the root; where links cannot be told, never.
                target = os.path.realpath(path, strict=True)
                if not os.path.islink(path) or not self._holds(target):
                    return None
                handle = os.open(target, _FLAGS | _NO_FOLLOW)
            try:
                about = os.fstat(handle)
                if not stat.S_ISREG(about.st_mode) or about.st_size > LARGEST:
                    return None
                return _read_all(handle, about.st_size)
            finally:
                os.close(handle)
        except (OSError, ValueError):  # a name with a zero byte is a ValueError
            return None

    def _is_inside(self, folder: str) -> bool:
        """Whether a folder lies in the root when all links on the way are followed."""
        inside = self._inside.get(folder)
        if inside is None:
            parts = folder.split("/")
            inside = ".." not in parts and not folder.startswith("/") and "\0" not in folder
            inside = inside and (
                self._is_without_links(parts)
                or self._holds(os.path.realpath(os.path.join(self._root, folder)))
            )
            self._inside[folder] = inside
        return inside

    def _is_without_links(self, parts: Sequence[str]) -> bool:
        """Whether folders in the root are there, and none is a link. Each is looked at once; where unsure: no."""
        if os.sep != "/":
            return False  # other systems have more kinds of links
        path = ""
        for part in parts if parts != [""] else ():
            if part in {"", "."}:
                return False
            path = f"{path}/{part}" if path else part
            if path not in self._without_links:
                try:
                    if not stat.S_ISDIR(os.lstat(f"{self._root}/{path}").st_mode):
                        return False
                except OSError:
                    return False
                self._without_links.add(path)
        return True

    def _holds(self, path: str) -> bool:
        return path == self._root or path.startswith(self._root.rstrip(os.sep) + os.sep)


def _read_all(handle: int, size: int) -> bytes:
    """Read a file to its end, or a little beyond the largest size; ``size`` is what it seems to have."""
    # Without a file object, and asking for no more than there is: both cost more than reading a small file does.
    data = os.read(handle, size + 1)
    if len(data) == size:
        return data
    parts, length = [data], len(data)
    while data and length <= LARGEST:
        data = os.read(handle, 1 << 20)
        parts.append(data)
        length += len(data)
    return b"".join(parts)


def digest(data: bytes | None) -> bytes:
    """Return a digest of a file's bytes, or :data:`NO_FILE`."""
    return NO_FILE if data is None else hashlib.blake2b(data, digest_size=DIGEST_BYTES).digest()


def digest_of_names(names: Sequence[str]) -> bytes:
    """Return a digest of the names of a folder's files."""
    return hashlib.blake2b("\0".join(names).encode(), digest_size=DIGEST_BYTES).digest()


class Digests:
    """Digests of what units saw, each taken once."""

    def __init__(self, contents: Contents) -> None:
        self._contents = contents
        self._known: dict[str, bytes] = {}

    def of(self, seen: str) -> bytes:
        """Return the digest of a file, or of the names of files in a folder; see :class:`Files`."""
        known = self._known.get(seen)
        if known is None:
            if seen.endswith("/"):
                known = digest_of_names(self._contents.names(seen[:-1]))
            elif seen.endswith("/*"):
                known = digest_of_names(self._contents.all_names(seen[:-2]))
            else:
                known = digest(self._contents.read(seen))
            self._known[seen] = known
        return known
