"""What a scan judges: facts with where they came from, and what there is to say of reading them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from scanner.engine.finding import Gap
from scanner.engine.source_files import SourceFiles
from scanner.facts.snapshot import Origin
from scanner.facts.store import FactStore
from scanner.question import Question
from scanner.verdicts import Memory


class World(msgspec.Struct, frozen=True):
    """Facts with where they came from, and what there is to say of reading them."""

    store: FactStore
    origin: Origin
    notices: tuple[str, ...] = ()
    sources: SourceFiles | None = None
    """The files that declare it; None for a tenant."""
    files: frozenset[str] = frozenset()
    """The files that were looked at."""
    below: tuple[str, ...] = ()
    """The paths from the repository's root that were looked at; none: all of it."""
    with_comments: tuple[str, ...] = ()
    """Those of them that speak of Midas, perhaps to accept a finding."""
    before: Before | None = None
    """What it was before a change; None where no change is judged."""
    memory: Memory | None = None
    """Keeps what judging it came to, while it stays the same."""
    elsewhere: Callable[[], bytes | None] | None = None
    """Has it judged by another process; see :func:`scanner.verdicts.judge`."""


class Before(msgspec.Struct, frozen=True):
    """An earlier state of a world, in words; ``store`` is None when its facts were the same."""

    called: str
    store: FactStore | None
    sources: SourceFiles | None = None
    """The files as they were; None where there was none, or they were the same."""
    moves: Callable[[], Sequence[tuple[str, str]]] = tuple
    """Returns old and new addresses of what the code of now says has moved."""


OpensWorld = Callable[[Question], World]
"""Reads what a question asks: a tenant, a snapshot, an export, code, or several of them united."""


def asking(asked: Question, open_world: OpensWorld) -> OpensWorld:
    """Return what opens a world in which all of a question is known, whatever else is asked."""
    return lambda wanted: open_world(
        msgspec.structs.replace(
            wanted, tables=wanted.tables | asked.tables, settings=wanted.settings | asked.settings
        )
    )


def seen_whole(world: World, gaps: Sequence[Gap]) -> Callable[[str], bool]:
    """Return what says whether all was read that could hold the findings of a file, or of the tenant for the name "".

    Of a tenant with gaps, of files that were not looked at, and in a tenant of what is accepted in code nothing can be
    said to be gone. A file that is there no more holds nothing.
    """
    in_code = world.origin.source == "repository"
    not_whole = _files_of(gaps)

    def whole(uri: str) -> bool:
        if not uri or not in_code:
            return not (uri or in_code or gaps)
        looked = not world.below or any(uri == path or uri.startswith(f"{path}/") for path in world.below)
        gone = looked and world.sources is not None and world.sources.is_gone(uri)
        return gone or (uri in world.files and uri not in not_whole)

    return whole


def _files_of(gaps: Sequence[Gap]) -> frozenset[str]:
    """Return the files in which something could not be read; a gap in code has a file and perhaps a line."""
    return frozenset(
        uri if line.isdigit() else gap.scope for gap in gaps for uri, _, line in [gap.scope.rpartition(":")]
    )
