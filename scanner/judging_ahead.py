"""Little code is judged in a process that got ready for it while this one read.

    here:   rules ─┬─ find ── read ── facts of all units ─┬─ writers ───────── report
    there:         └─ Polars, engine ─────── wait ────────┴─ judge ── verdicts ──┘

Half of the time that a small repository takes is spent on imports that read nothing. It pays only where code is judged
alone and is read quickly: much code is read on all cores meanwhile, and what a cache knows is not judged at all.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from scanner.sources.repository import CACHE_FOLDER
from scanner.sources.repository.standby import Standby

if TYPE_CHECKING:
    from scanner.code_world import CodeWanted
    from scanner.engine.registry import Rule
    from scanner.settings import Settings


@contextmanager
def judging_ahead(
    code: CodeWanted,
    rules: Sequence[Rule],
    settings: Settings,
    *,
    alone: bool,
    meanwhile: Callable[[], object],
) -> Iterator[Standby | None]:
    """Start the process that will judge code, and end it; None where it would not pay or cannot be forked.

    It is asked with an encoded :class:`~scanner.sources.repository.merge.State` and answers with encoded
    :class:`~scanner.verdicts.Verdicts`. ``alone``: not with a tenant. ``meanwhile`` is called here while it judges.
    """

    def answer(question: bytes) -> bytes:
        from scanner.sources.repository.merge import State
        from scanner.verdicts import judge_here

        state = msgspec.msgpack.decode(question, type=State)
        return msgspec.msgpack.encode(judge_here(state.facts().finish(), rules, settings))

    standby = None
    if alone and code.since is None and not _may_be_known(code):
        standby = Standby.if_possible(_import_engine, answer, meanwhile)
    try:
        yield standby
    finally:
        if standby is not None:
            standby.close()


def _may_be_known(code: CodeWanted) -> bool:
    """Whether a cache could know it all; one is only kept, unless it is asked for, of what takes long to read."""
    if not code.use_cache:
        return False
    folders = {folder for path in map(Path.resolve, code.paths) for folder in (path, *path.parents)}
    return code.cache is not None or any((folder / CACHE_FOLDER).exists() for folder in folders)


def _import_engine() -> None:
    # Little code is judged in many short steps: handing each to another thread takes longer than the step.
    os.environ.setdefault("POLARS_MAX_THREADS", "1")
    import narwhals
    import polars

    from scanner.engine import describe
    from scanner.facts import derive
    from scanner.sources.repository import merge

    del narwhals, polars, describe, derive, merge
