"""Make the edits of fixes: from the end of each file, each place once, a file replaced whole or not at all."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

from scanner.engine.finding import Edit, Finding
from scanner.engine.source_files import SourceFiles
from scanner.errors import UserError

_WRITABLE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


class FixError(UserError):
    """A fixed file could not be written: which, why, what to do."""


class Applied(msgspec.Struct, frozen=True):
    """What fixing comes to: files by path with their new bytes, the findings fixed, and those left with why.

    ``waiting`` have a fix that needs something else first.
    """

    files: dict[str, bytes]
    fixed: tuple[Finding, ...]
    left: tuple[tuple[Finding, str], ...]
    waiting: tuple[Finding, ...] = ()


def apply_fixes(findings: Iterable[Finding], sources: SourceFiles, *, also_needing: bool = False) -> Applied:
    """Work out what the files become by the first fix of each finding that nobody accepted; nothing is written.

    Fixes that need something else first are made only with ``also_needing``. Findings of several instances of one
    declaration share an edit. Of two fixes that touch the same place the first counts; the other can be made by the
    next run.
    """
    taken: dict[str, list[tuple[int, int, Edit]]] = {}
    fixed: list[Finding] = []
    left: list[tuple[Finding, str]] = []
    waiting: list[Finding] = []
    for finding in findings:
        if finding.suppressed is not None or not finding.fixes:
            continue
        if finding.fixes[0].needs and not also_needing:
            waiting.append(finding)
            continue
        placed = [_placed(edit, sources) for edit in finding.fixes[0].edits]
        edits = [edit for edit in placed if edit is not None]
        if len(edits) < len(placed):
            left.append((finding, "the file has changed, or cannot be read"))
            continue
        new = [edit for edit in edits if edit not in taken.get(edit[2].uri, ())]
        if any(_overlaps(edit, other) for edit in new for other in taken.get(edit[2].uri, ())):
            left.append((finding, "another fix changes the same place: run it again"))
            continue
        for edit in new:
            taken.setdefault(edit[2].uri, []).append(edit)
        fixed.append(finding)
    files = {}
    for uri, places in taken.items():
        lines = sources.lines(uri)
        if lines is not None:
            data = lines.data
            for start, end, change in sorted(places, key=lambda place: place[:2], reverse=True):
                data = data[:start] + change.text.encode() + data[end:]
            files[uri] = data
    return Applied(files, tuple(fixed), tuple(left), tuple(waiting))


def _placed(edit: Edit, sources: SourceFiles) -> tuple[int, int, Edit] | None:
    lines = sources.lines(edit.uri)
    if lines is None:
        return None
    start = lines.offset(edit.start_line, edit.start_column)
    end = lines.offset(edit.end_line, edit.end_column)
    return None if start is None or end is None or end < start else (start, end, edit)


def _overlaps(one: tuple[int, int, Edit], other: tuple[int, int, Edit]) -> bool:
    # Two insertions at one place touch each other too: which comes first would be a guess.
    return one[0] <= other[1] and other[0] <= one[1]


def write_files(root: Path, files: Mapping[str, bytes]) -> None:
    """Write fixed files below a folder; each keeps its permissions. Raises :class:`FixError`.

    What can be told to fail is told before the first file is written.
    """
    home = root.resolve()
    paths = {uri: (home / uri).resolve() for uri in files}
    for uri, path in paths.items():
        if not path.is_relative_to(home):
            raise FixError(f"{uri}: lies outside of {root}; fix it there")
        with _told(uri):
            if not path.stat().st_mode & _WRITABLE:
                raise FixError(f"{uri}: cannot be fixed: it is read-only; nothing was changed")
            if not os.access(path.parent, os.W_OK):
                raise FixError(f"{uri}: cannot be fixed: its folder is read-only; nothing was changed")
    for uri, data in files.items():
        with _told(uri):
            _replace(paths[uri], data)


@contextmanager
def _told(uri: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise FixError(f"{uri}: cannot be fixed: {(error.strerror or str(error)).lower()}") from error


def _replace(path: Path, data: bytes) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name[:100]}.", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
        os.chmod(name, mode)
        os.replace(name, path)
    except BaseException:
        # Also on Ctrl-C: a half-written file must not stay behind.
        Path(name).unlink(missing_ok=True)
        raise
