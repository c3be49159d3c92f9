"""A repository into facts: find, sort, evaluate on all cores, unite. Read this first.

    paths --(find)--> files --(units)--> units --(cache, workers: evaluate)--> located units --(merge)--> FactsBuilder

Where a change is judged, the commit it is compared with is read in the same way: of a unit whose files are the same in
both, what was read of one holds for the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from scanner import __version__
from scanner.sources.repository import CACHE_FOLDER
from scanner.sources.repository.cache import Cache, code_stamp
from scanner.sources.repository.contents import DiskContents
from scanner.sources.repository.find import FileGap, Found, RepositoryError, find
from scanner.sources.repository.git import GitError, list_files
from scanner.sources.repository.memory import RepositoryMemory
from scanner.sources.repository.side import Side
from scanner.sources.repository.units import Sorted, sort_files, stray_parameters, units_of

if TYPE_CHECKING:
    from scanner.sources.declared.wanted import Wanted
    from scanner.sources.repository.commit import CommitContents
    from scanner.sources.repository.merge import State
    from scanner.sources.repository.reading import Read

WORTH_CACHING = 200_000
"""Bytes of infrastructure files from which on a cache is kept without being asked for: less is read as quickly."""
WORTH_ALL_CORES = 200_000
"""Bytes that are left to one process: it has read them about when another one has imported what judges them."""


class Base(msgspec.Struct, frozen=True):
    """The state that a change is compared with. ``state`` is None when nothing that matters has changed."""

    commit: str
    state: State | None
    contents: CommitContents


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """How to read: which facts are wanted, whether a cache is kept and where (None: in the root, where that pays)."""

    wanted: Wanted
    use_cache: bool = True
    cache: Path | None = None
    since: tuple[str, ...] = ()
    """Names of a commit, the first that git knows counts: what it and the work tree come from is read too."""
    states: tuple[tuple[str | None, Path], ...] = ()
    """Terraform states, each with the folder of its root module from the repository's root; None: its own folder."""
    meanwhile: Callable[[int], object] = lambda _processes: None
    """Called with the number of processes that read, while they do: the place for imports that take their time."""


def read_repository(paths: Sequence[Path], how: Reading) -> Repository:
    """Read the infrastructure files at and below paths.

    Raises :class:`~scanner.sources.repository.find.RepositoryError` for a path that is not there, and for a state to
    compare with that git does not know.
    """
    found = find(paths)
    contents = DiskContents(found.root, found.by_folder())
    by = sort_files(found, contents)
    if how.states:
        from scanner.sources.repository.states import read_states

        states = read_states(found.root, by, how.states)
        how = msgspec.structs.replace(how, wanted=msgspec.structs.replace(how.wanted, states=states))
    sides = [Side(by, units_of(by), contents, how.wanted)]
    notices = [*found.notices, *_notices(by)]
    base = None
    if how.since:
        from scanner.sources.repository.commit import find_in_commit

        commit, old, notice = _open_base(found, how.since)
        base = commit, old
        notices += [] if notice is None else [notice]
        old_files = sort_files(find_in_commit(found.root, old, found.below, found.places), old)
        sides.append(Side(old_files, units_of(old_files), old, how.wanted))
    cache, notice = _cache(found, by, how)
    notices += [] if notice is None else [notice]
    repository = Repository(found, sides, cache, how, notices=tuple(notices), base=base)
    memory = repository.memory
    if memory is None or not memory.holds:
        repository.read()
    return repository


class Repository:
    """What was found, and what was read of it: at once, or, where it was all known and is the same, when asked for.

    ``root`` is the folder that places are told from, ``below`` are the paths from there that were asked for (none:
    all), ``files`` those that were looked at, ``speaking`` those of them that hold a word to Midas.
    """

    def __init__(
        self,
        found: Found,
        sides: Sequence[Side],
        cache: Cache | None,
        how: Reading,
        *,
        notices: tuple[str, ...],
        base: tuple[str, CommitContents] | None,
    ) -> None:
        self.root, self.below = found.root, tuple(found.below)
        self.notices = notices
        by = sides[0].by
        self.files = frozenset(by.sizes)
        self.speaking = tuple(by.speaking)
        self.states = how.wanted.states
        """Ids in Terraform states, by root module and address."""
        self.reused = 0
        """Units that had been read before and were not read again."""
        self._gaps = [_rows([*found.gaps, *by.gaps]), *(_rows(side.by.gaps) for side in sides[1:])]
        self._sides, self._cache, self._how = sides, cache, how
        self._base = base
        self._read: Read | None = None
        self.memory = None
        """Keeps what is made of the whole, where a cache is kept and no change is judged."""
        if cache is not None and base is None:
            mark = by.mark(sides[0].digests, self._gaps[0])
            name = "\0".join(["everything", *found.below])
            self.memory = RepositoryMemory(cache, name, mark, sides[0].digests)

    def read(self) -> Read:
        """Read all units, once."""
        if self._read is None:
            from scanner.sources.repository.reading import read_sides
            from scanner.sources.repository.workers import cores

            size = sum(self._sides[0].by.sizes.values())
            processes = 1 if size < WORTH_ALL_CORES else cores()
            self._read = read_sides(self._sides, self._cache, processes, self._how.meanwhile)
            self.reused = self._read.reused
            if self._base is not None:
                self._base[1].close()
            if self.memory is not None:
                self.memory.depends_on(one for unit in self._read.units[0] for one in unit.seen)
        return self._read

    @property
    def state(self) -> State:
        """What the work tree declares."""
        from scanner.sources.repository.merge import State

        return State(self.read().units[0], self._gaps[0])

    @property
    def base(self) -> Base | None:
        """The state to compare with; None where no change is judged."""
        if self._base is None:
            return None
        from scanner.sources.repository.merge import State

        changed = not self.read().same or self._sides[0].by.gaps != self._sides[1].by.gaps
        state = State(self.read().units[1], self._gaps[1]) if changed else None
        commit, contents = self._base
        return Base(commit, state, contents)


def _rows(gaps: Sequence[FileGap]) -> list[tuple[str, str, str]]:
    return [(gap.uri, gap.reason, gap.detail) for gap in gaps]


def _open_base(found: Found, names: Sequence[str]) -> tuple[str, CommitContents, str | None]:
    """Return the commit that one of the names and the work tree come from, its files, and what there is to say."""
    from scanner.sources.repository.commit import CommitContents, base_of

    if not found.in_git:
        raise RepositoryError(
            f"{found.root}: is no git repository, so there is nothing to compare with {names[0]}"
        )
    try:
        commit, notice = base_of(found.root, names)
        return commit, CommitContents(found.root, commit), notice
    except GitError as error:
        hint = f"; {names[0]} is a path: name it before --since" if Path(names[0]).exists() else ""
        raise RepositoryError(f"{' or '.join(names)}: {error}{hint}") from error


def _notices(by: Sorted) -> list[str]:
    notices = []
    if by.generated:
        first, source = next(iter(by.generated.items()))
        notices.append(
            f"{_count(len(by.generated), 'ARM template')} that Bicep made, not read beside what was compiled: "
            f"{first} from {source}{' and so on' if len(by.generated) > 1 else ''}"
        )
    strays = stray_parameters(by)
    if strays:
        notices.append(
            f"{_count(len(strays), 'parameter file')} could not be assigned to a template: {strays[0]}"
            f"{' and so on' if len(strays) > 1 else ''}"
        )
    return notices


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


# ---- the cache


def _cache(found: Found, by: Sorted, how: Reading) -> tuple[Cache | None, str | None]:
    """Return the cache to use, and a notice when the repository's own cannot be."""
    if not how.use_cache:
        return None, None
    folder = how.cache
    if folder is None:
        if sum(by.sizes.values()) < WORTH_CACHING:
            return None, None
        folder = found.root / CACHE_FOLDER
        if folder.is_symlink() or (found.in_git and folder.exists() and _is_committed(found)):
            return None, (
                f"{CACHE_FOLDER} is committed, so it was not trusted: remove it from git, or name another with --cache"
            )
    stamp = code_stamp([Path(__file__).resolve().parent.parent.parent])
    question = msgspec.msgpack.encode(
        (__version__, stamp, str(found.root), how.wanted), order="deterministic"
    )
    cache = Cache(folder, question)
    if how.cache is not None and (why := cache.why_not()) is not None:
        return None, f"nothing can be kept in {how.cache}: {why}; the next check reads everything anew"
    return cache, None


def _is_committed(found: Found) -> bool:
    """Whether git holds files of the cache: whoever can change the repository would decide what was read."""
    try:
        listed = list_files(found.root, [CACHE_FOLDER], others=False)
    except GitError:
        return True
    return bool(listed.files or listed.links or listed.repositories)
