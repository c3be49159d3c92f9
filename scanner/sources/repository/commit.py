"""The files of a commit, read from git's store: nothing is checked out.

git ls-tree --> paths and blobs --> find_in_commit     git cat-file --batch --> CommitContents.read
"""

from __future__ import annotations

import os
import posixpath
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from scanner.sources.repository.beside import Beside, may_belong
from scanner.sources.repository.find import ENDINGS, LARGEST, Found
from scanner.sources.repository.git import GitError, environment, git, safe_command

_LINK, _SUBMODULE = b"120000", b"160000"
_MOST_LINKS = 8
"""Links that lead to links are followed so far, and submodules in submodules."""


class _Entry(NamedTuple):
    folder: Path
    """Where git has it: the top of the repository, or of a submodule."""
    blob: str
    link: bool


class CommitContents:
    """The files of one commit of the repository at a folder, those of submodules included where they are there."""

    def __init__(self, top: Path, commit: str) -> None:
        self._entries: dict[str, _Entry] = {}
        self._folders: dict[str, list[str]] = {}
        self._every: dict[str, list[str]] = {}
        self._kept: dict[str, bytes | None] = {}
        self._readers: dict[tuple[int, Path], subprocess.Popen[bytes]] = {}
        self._list(top, commit, "", 0)
        for uri in sorted(self._entries):
            folder, _, name = uri.rpartition("/")
            if name.lower().endswith(ENDINGS):
                self._folders.setdefault(folder or ".", []).append(name)

    def _list(self, top: Path, commit: str, prefix: str, depth: int) -> None:
        for line in git(top, ["ls-tree", "-r", "-z", "--full-tree", commit]).split(b"\0"):
            about, _, raw = line.partition(b"\t")
            if not raw:
                continue
            mode, _, blob = about.split(b" ", 2)
            try:
                uri = prefix + raw.decode()
            except UnicodeDecodeError:
                continue  # of the work tree it is told
            if mode == _SUBMODULE:
                inner = top / os.fsdecode(raw)
                if depth < _MOST_LINKS and (inner / ".git").exists():
                    try:
                        self._list(inner, blob.decode(), f"{uri}/", depth + 1)
                    except GitError:
                        continue  # the commit is not there: what the submodule holds now counts as new
            else:
                self._entries[uri] = _Entry(top, blob.decode(), mode == _LINK)

    def read(self, uri: str) -> bytes | None:
        """Return a file's bytes; None when the commit has none, or it is larger than is read."""
        if uri not in self._kept:
            self._kept[uri] = self._read(uri, _MOST_LINKS)
        return self._kept[uri]

    def forget(self, uri: str) -> None:
        """Do not keep a file's bytes any longer."""
        self._kept.pop(uri, None)

    def names(self, folder: str) -> Sequence[str]:
        """Return the sorted names of the files in a folder; ``.`` is the root."""
        return self._folders.get(folder, ())

    def all_names(self, folder: str) -> Sequence[str]:
        """Return the sorted names of all files in a folder, those of no infrastructure included."""
        if not self._every:
            for uri in sorted(self._entries):
                above, _, name = uri.rpartition("/")
                self._every.setdefault(above or ".", []).append(name)
        return self._every.get(folder, ())

    def files(self) -> list[str]:
        """Return the path of every file whose ending is of interest, links left out."""
        return [
            uri for uri, entry in self._entries.items() if not entry.link and uri.lower().endswith(ENDINGS)
        ]

    def links(self) -> dict[str, str]:
        """Return the links to files of the commit, with what they lead to."""
        found = {}
        for uri, entry in self._entries.items():
            if entry.link and uri.lower().endswith(ENDINGS):
                target = self._target(uri, entry)
                if target in self._entries:
                    found[uri] = target
        return found

    def close(self) -> None:
        """End the processes that read for this one."""
        for (process, _), reader in list(self._readers.items()):
            if process == os.getpid() and reader.stdin is not None and reader.stdout is not None:
                reader.stdin.close()
                reader.stdout.close()
                reader.wait()
        self._readers.clear()

    def _read(self, uri: str, links: int) -> bytes | None:
        entry = self._entries.get(uri)
        if entry is None:
            return None
        if entry.link:
            return self._read(self._target(uri, entry), links - 1) if links else None
        return self._blob(entry)

    def _target(self, uri: str, entry: _Entry) -> str:
        target = (self._blob(entry) or b"").decode("utf-8", "replace")
        return posixpath.normpath(posixpath.join(posixpath.dirname(uri), target))

    def _blob(self, entry: _Entry) -> bytes | None:
        reader = self._reader(entry.folder)
        if reader.stdin is None or reader.stdout is None:
            raise GitError("git cannot be asked for files")
        try:
            reader.stdin.write(f"{entry.blob}\n".encode())
            reader.stdin.flush()
            head = reader.stdout.readline().split()
            if len(head) != 3 or head[1] != b"blob":
                return None  # the blob is not here: a partial clone
            size = int(head[2])
            data = reader.stdout.read(size)
            reader.stdout.read(1)
        except OSError as error:
            raise GitError(f"git stopped answering: {error.strerror or error}") from error
        if len(data) != size:
            raise GitError("git stopped answering")
        return data if size <= LARGEST else None

    def _reader(self, folder: Path) -> subprocess.Popen[bytes]:
        """Return a process of git that reads for this process; forked ones must not share it."""
        key = (os.getpid(), folder)
        reader = self._readers.get(key)
        if reader is None:
            reader = subprocess.Popen(  # noqa: S603 -- a fixed program
                [*safe_command(folder), "cat-file", "--batch"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment(),
            )
            self._readers[key] = reader
        return reader


def find_in_commit(
    top: Path, contents: CommitContents, below: Sequence[str], places: frozenset[Beside] = frozenset()
) -> Found:
    """Return the files of a commit at and below some paths from the top; no path means all.

    In ``places`` there may be what belongs to a file that is named by itself.
    """
    found = Found(top, in_git=True, links=contents.links(), below=list(below))
    prefixes = tuple(f"{path}/" for path in below)
    every = [*contents.files(), *found.links]
    asked_for = {uri for uri in every if not below or uri in below or uri.startswith(prefixes)}
    found.places = places
    found.company = frozenset(uri for uri in every if uri not in asked_for and may_belong(uri, places))
    found.files = sorted(asked_for | found.company)
    return found


def base_of(top: Path, names: Sequence[str]) -> tuple[str, str | None]:
    """Return the commit where the work tree's branch left another one, and a notice when that cannot be told.

    The other one is the first of the names that is known here. Raises :class:`GitError` when none is.
    """
    for name in names:
        commit = _commit(top, name)
        if commit is None:
            continue
        try:
            return git(top, ["merge-base", commit, "HEAD"]).decode().split()[0], None
        except (GitError, IndexError):
            if not _is_shallow(top):
                return (
                    commit,
                    f"this branch and {name} have no history in common, so {name} itself was compared with",
                )
            return commit, (
                f"where this branch left {name} cannot be told from the history that is here, so it was compared with "
                f"{name} itself: {_FETCH}"
            )
    todo = _FETCH if _is_shallow(top) else "fetch it first, with its history"
    raise GitError(f"no commit is known here by this name: {todo}")


_FETCH = (
    "this clone is shallow, so fetch the whole history (fetch-depth: 0 for actions/checkout, fetchDepth: 0 in Azure "
    "Pipelines, GIT_DEPTH: 0 in GitLab)"
)


def _is_shallow(top: Path) -> bool:
    """Whether history is missing: jobs fetch one commit alone unless they are told otherwise."""
    return git(top, ["rev-parse", "--is-shallow-repository"]).strip() == b"true"


def _commit(top: Path, name: str) -> str | None:
    if name.startswith("-"):
        return None
    try:
        return git(top, ["rev-parse", "--verify", "--quiet", f"{name}^{{commit}}"]).decode().strip()
    except GitError:
        return None
