"""Find the infrastructure files of a repository, as git knows them, or in a plain folder.

Nothing here reads a file. A symbolic link that stays inside the repository is a file like others; one that leads out
of it, to nowhere or in a circle is a gap, as is a folder that cannot be listed and a file too large to be read.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from scanner.errors import UserError
from scanner.sources.repository.beside import Beside, beside, list_beside
from scanner.sources.repository.git import GitError, Listed, list_files, top_of
from scanner.sources.terraform.file_names import TERRAFORM

ENDINGS = (*TERRAFORM, ".bicep", ".bicepparam", ".json")
"""How the names of files end that are looked at; of the other JSON files the content tells."""
LARGEST = 50_000_000
"""Bytes; a larger file is a gap. Azure takes templates up to 4 MB, Terraform plans have been seen with 50."""
SKIPPED_FOLDERS = frozenset(
    [
        ".git",
        ".hg",
        ".svn",
        ".terraform",
        ".terragrunt-cache",
        ".midas-cache",
        ".venv",
        "venv",
        ".tox",
        "node_modules",
        "__pycache__",
    ]
)
"""Not walked into where git does not say what belongs to a repository: copies and tools, not the repository itself."""


class RepositoryError(UserError):
    """What was asked for cannot be read: what, why, what to do."""


class FileGap(NamedTuple):
    """A file or folder that cannot be read: its path from the root, a reason of gaps, and a sentence."""

    uri: str
    reason: str
    detail: str


class Found(msgspec.Struct):
    """What there is to read. Paths are from the root with forward slashes, sorted."""

    root: Path
    files: list[str] = []
    links: dict[str, str] = {}
    """Of those files the symbolic links, with the path of what they lead to."""
    asked: frozenset[str] = frozenset()
    """Files that were named one by one."""
    places: frozenset[Beside] = frozenset()
    """Where there may be more that belongs to those."""
    company: frozenset[str] = frozenset()
    """Files that were not asked for but may belong to one that was named."""
    gaps: list[FileGap] = []
    notices: list[str] = []
    in_git: bool = False
    below: list[str] = []
    """The paths that were asked for, from the root; empty for all of it."""

    def by_folder(self) -> dict[str, list[str]]:
        """Return the names of the files of every folder, sorted; the root is ``.``."""
        folders: dict[str, list[str]] = {}
        for uri in self.files:
            folder, _, name = uri.rpartition("/")
            folders.setdefault(folder or ".", []).append(name)
        return folders


def find(paths: Sequence[Path]) -> Found:
    """Find the files at and below some paths; :class:`RepositoryError` for one that is not there."""
    resolved = [_resolved(path) for path in paths]
    named = [path for path in resolved if path.is_file()]
    for path in named:
        if not path.name.lower().endswith(ENDINGS):
            raise RepositoryError(
                f"{path}: no infrastructure file ends like this; there are {', '.join(ENDINGS)}"
            )
    top, root = _root(resolved)
    found = Found(root)
    if found.root not in resolved:
        found.below = [_uri(found.root, path) for path in resolved]
    if top is not None:
        try:
            _find_by_git(found, resolved)
        except GitError as error:
            found.notices.append(
                f"git could not be asked which files belong to {top.name or top}, so every file there was looked at: "
                f"{error}"
            )
            top = None
    if top is None:
        for path in resolved:
            if path.is_dir():
                _take(found, _walk(found, path))
    else:
        found.in_git = True
    _take(found, map(str, named))
    found.asked = frozenset(_uri(found.root, path) for path in named) & frozenset(found.files)
    if found.asked and found.below:
        _find_beside(found)
    found.files = sorted(set(found.files))
    found.gaps = sorted(set(found.gaps))
    return found


def _find_beside(found: Found) -> None:
    """Add what may belong to files that were named."""
    asked_for = frozenset(found.files)
    found.places = beside(found.asked)
    uris = [uri for uri in list_beside(found.root, found.places) if uri not in asked_for]
    if uris and found.in_git:
        try:
            listed = list_files(found.root, uris)
        except GitError:  # what git ignores is looked at too
            pass
        else:
            uris = [os.fsdecode(raw) for raw in (*listed.files, *listed.links)]
    _take(found, (os.path.join(found.root, uri) for uri in uris))
    found.company = frozenset(found.files) - asked_for


def root_of(paths: Sequence[Path]) -> Path:
    """Return the folder that the files at and below some paths are told from."""
    return _root([_resolved(path) for path in paths])[1]


def _root(resolved: Sequence[Path]) -> tuple[Path | None, Path]:
    """Return the top of the work tree that holds all paths, if one does, and the root."""
    tops = {top_of(path) for path in resolved}
    top = tops.pop() if len(tops) == 1 else None
    return top, top if top is not None else _plain_root(resolved)


def _resolved(path: Path) -> Path:
    try:
        return path.resolve(strict=True)
    except FileNotFoundError as error:
        raise RepositoryError(f"{path}: there is no such file or folder") from error
    except (OSError, RuntimeError) as error:  # a loop of links is a RuntimeError before Python 3.13
        said = getattr(error, "strerror", None) or "its links lead in a circle"
        raise RepositoryError(f"{path}: cannot be read: {said}") from error


def _plain_root(paths: Sequence[Path]) -> Path:
    """Return what paths are told from where there is no git: the working folder when all lie in it."""
    here = Path.cwd()
    if all(path.is_relative_to(here) for path in paths):
        return here
    return Path(os.path.commonpath([path if path.is_dir() else path.parent for path in paths]))


def _uri(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix()


def _below(root: str, path: str) -> str:
    """Return the path of a file below the root; for many files, so without making objects of paths."""
    uri = path[len(root) :].lstrip(os.sep)
    return uri if os.sep == "/" else uri.replace(os.sep, "/")


# ---- as git knows them


def _find_by_git(found: Found, paths: Sequence[Path]) -> None:
    root = found.root
    _add_listed(found, root, list_files(root, found.below), depth=0)
    for path in paths:
        prefix = "" if path == root else _uri(root, path) + "/"
        if path.is_dir() and not any(uri.startswith(prefix) for uri in found.files):
            # What is named is looked at, also where git is told to ignore it: a build's output, say.
            before = len(found.files)
            _take(found, _walk(found, path))
            if len(found.files) > before:
                found.notices.append(f"git ignores {prefix or '.'}, so every file there was looked at")


DEEPEST_REPOSITORY = 16
"""Repositories in repositories that are followed; more is no accident."""


def _add_listed(found: Found, top: Path, listed: Listed, *, depth: int) -> None:
    interesting = tuple(ending.encode() for ending in ENDINGS)
    wanted = [raw for raw in listed.files if raw.lower().endswith(interesting)]
    _take(found, (os.path.join(top, os.fsdecode(raw)) for raw in (*wanted, *listed.links)))
    for raw in listed.closed:
        uri = shown(_below(str(found.root), os.path.join(top, os.fsdecode(raw))))
        found.gaps.append(FileGap(uri, "failed", "The folder cannot be read: git may not list it."))
    for raw in listed.repositories:
        inner = top / os.fsdecode(raw)
        if inner.is_symlink() or not (inner / ".git").exists():
            continue  # a submodule that is not checked out has no files
        if depth == DEEPEST_REPOSITORY:
            found.gaps.append(
                FileGap(_uri(found.root, inner), "skipped", "Repositories are nested too deeply.")
            )
            continue
        try:
            _add_listed(found, inner, list_files(inner), depth=depth + 1)
        except GitError as error:
            found.gaps.append(
                FileGap(_uri(found.root, inner), "failed", f"Git cannot list this submodule: {error}.")
            )


# ---- in a plain folder


def _walk(found: Found, folder: Path) -> Iterator[str]:
    """Yield the files of interest in and below a folder; links to folders are not followed."""
    waiting = [str(folder)]
    while waiting:
        current = waiting.pop()
        try:
            with os.scandir(current) as entries:
                for entry in entries:
                    if entry.is_symlink():
                        yield entry.path
                    elif entry.is_dir(follow_symlinks=False):
                        if entry.name not in SKIPPED_FOLDERS:
                            waiting.append(entry.path)
                    elif entry.name.lower().endswith(ENDINGS):
                        yield entry.path
        except OSError as error:
            said = (error.strerror or "it cannot be listed").lower()
            uri = shown(_uri(found.root, Path(current)))
            found.gaps.append(FileGap(uri, "failed", f"The folder cannot be read: {said}."))


# ---- one by one


def shown(name: str) -> str:
    """Return a file's name as text that can be written anywhere: bytes that are not UTF-8 are escaped."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _take(found: Found, paths: Iterable[str]) -> None:
    """Add files that can be read; what cannot becomes a gap. A file that was deleted is simply not there."""
    root = str(found.root)
    for path in paths:
        uri = _below(root, path)
        try:
            uri.encode()
        except UnicodeEncodeError:
            if uri.lower().endswith(ENDINGS):
                found.gaps.append(FileGap(shown(uri), "skipped", "The file's name is not UTF-8."))
            continue
        try:
            about: os.stat_result | None = os.lstat(path)
            if about is not None and stat.S_ISLNK(about.st_mode):
                about = _follow(found, Path(path), uri)
        except FileNotFoundError:
            continue
        except OSError as error:
            said = (error.strerror or "unknown error").lower()
            found.gaps.append(FileGap(uri, "failed", f"The file cannot be read: {said}."))
            continue
        if about is None or not uri.lower().endswith(ENDINGS):
            continue
        if not stat.S_ISREG(about.st_mode):
            if not stat.S_ISDIR(about.st_mode):
                found.gaps.append(FileGap(uri, "skipped", "It is no regular file but a device or a pipe."))
        elif about.st_size > LARGEST:
            size = f"{about.st_size / 1e6:.0f} MB"
            found.gaps.append(
                FileGap(
                    uri, "skipped", f"The file has {size}; more than {LARGEST // 1_000_000} MB are not read."
                )
            )
        else:
            found.files.append(uri)


def _follow(found: Found, path: Path, uri: str) -> os.stat_result | None:
    """Return what a symbolic link leads to when that is inside the root, else record a gap where it matters."""
    interesting = uri.lower().endswith(ENDINGS)
    try:
        about = path.stat()
        target = path.resolve()
    except (OSError, RuntimeError) as error:
        if interesting:
            circle = isinstance(error, RuntimeError) or getattr(error, "errno", None) == errno.ELOOP
            why = "leads in a circle" if circle else "leads nowhere"
            found.gaps.append(FileGap(uri, "failed", f"The symbolic link {why}."))
        return None
    if not target.is_relative_to(found.root):
        if interesting or stat.S_ISDIR(about.st_mode):
            found.gaps.append(
                FileGap(uri, "skipped", "The symbolic link leads out of the repository and is not followed.")
            )
        return None
    if not stat.S_ISDIR(about.st_mode):
        found.links[uri] = _uri(found.root, target)
    return about
