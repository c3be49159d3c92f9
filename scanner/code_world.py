"""Open a world that code declares: alone, or united with the tenant it goes to; or a tenant with its code."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from scanner.facts.snapshot import Origin
from scanner.facts.store import FactStore, LateStore
from scanner.placement_notices import placed
from scanner.pull_request import AUTO, base_names
from scanner.question import Question, of_tenant
from scanner.world import Before, OpensWorld, World

if TYPE_CHECKING:
    from reports.report import Report
    from scanner.engine.apply_fixes import Applied
    from scanner.sources.repository.merge import State
    from scanner.sources.repository.read import Repository
    from scanner.sources.repository.standby import Standby


class CodeWanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which code to read and how: paths, where to keep what was read, what to compare with."""

    paths: tuple[Path, ...]
    use_cache: bool = True
    cache: Path | None = None
    """None: the repository's own folder, where that pays."""
    since: str | None = None
    """A commit, or :data:`AUTO`."""
    states: tuple[tuple[str | None, Path], ...] = ()
    """Terraform states, each with the folder of its root module or None."""
    deployed_to: tuple[tuple[str | None, str], ...] = ()
    """Ids of subscriptions and resource groups that code goes to which does not say it, each with the path of what is
    deployed there from the repository's root; None: all of it."""


def open_repository(
    code: CodeWanted,
    question: Question,
    *,
    against: OpensWorld | None = None,
    standby: Standby | None = None,
) -> World:
    """Read infrastructure files; raises :class:`~scanner.sources.repository.find.RepositoryError`.

    ``against`` opens the tenant that the code will be deployed to: then both are one world, which is compared with the
    tenant alone, or with the tenant and the code as it was. ``standby`` judges what little code there is; see
    :mod:`~scanner.judging_ahead`.
    """
    from scanner.engine.source_files import SourceFiles, in_folder

    began = datetime.now(UTC)
    repository = _read(code, question, standby)
    notices, base = repository.notices, repository.base
    target = ", ".join(str(path) for path in code.paths)
    origin = Origin(source="repository", target=target, tenant="", cloud="", read_at=began)
    since = "the target of the pull request" if code.since == AUTO else code.since
    called = [] if base is None else [f"{since}, {base.commit[:12]}"]
    tenant: FactStore | None = None
    deployed_to: dict[str, str] = {}
    if against is not None:
        world = against(of_tenant(question))
        tenant, origin = world.store, _united_origin(origin, world.origin)
        called.append(world.origin.target)
        deployed_to, said = placed(tenant, repository, code.deployed_to)
        notices += (*said, *world.notices)

    def facts(state: State) -> FactStore:
        own = state.facts(deployed_to).finish()
        if tenant is None:
            return own
        from scanner.facts.unite import unite

        return unite(tenant, own)

    def elsewhere() -> bytes | None:
        if standby is None or not standby.waits:
            return None
        return standby.ask(msgspec.msgpack.encode(repository.state))

    before = None
    if called:
        same = base is not None and base.state is None
        then = tenant if base is None or base.state is None else facts(base.state)
        sources = None if base is None or same else SourceFiles(base.contents.read)
        before = Before(" and ".join(called), None if same else then, sources, lambda: _moves(repository))
    return World(
        LateStore(lambda: facts(repository.state)),
        origin,
        notices=notices,
        sources=in_folder(repository.root),
        files=repository.files,
        below=repository.below,
        with_comments=repository.speaking,
        before=before,
        memory=repository.memory if tenant is None else None,
        elsewhere=elsewhere if standby is not None and not called else None,
    )


def with_code(open_world: OpensWorld, code: CodeWanted, question: Question) -> World:
    """Return a tenant whose findings point at the code that declares what they are about."""
    from scanner.engine.source_files import in_folder
    from scanner.facts.unite import with_places

    # The code first: processes are only forked before Polars runs.
    repository = _read(code, question)
    world = open_world(question)
    deployed_to, said = placed(world.store, repository, code.deployed_to)
    own = repository.state.facts(deployed_to).finish()
    return msgspec.structs.replace(
        world,
        store=with_places(world.store, own),
        notices=(*world.notices, *repository.notices, *said),
        sources=in_folder(repository.root),
        files=repository.files,
        below=repository.below,
        with_comments=repository.speaking,
    )


def _moves(repository: Repository) -> Sequence[tuple[str, str]]:
    """Return the old and the new address of everything that the code says has moved."""
    from scanner.engine.source_files import in_folder
    from scanner.sources.terraform.moved import moves_in

    files = in_folder(repository.root)

    def read(uri: str) -> bytes | None:
        lines = files.lines(uri)
        return None if lines is None else lines.data

    return moves_in(sorted(repository.files), read)


def _read(code: CodeWanted, question: Question, standby: Standby | None = None) -> Repository:
    from scanner.sources.declared.wanted import Wanted
    from scanner.sources.repository.read import Reading, read_repository

    def meanwhile(processes: int) -> None:
        if standby is not None and processes > 1:
            standby.close()
        if standby is None or not standby.waits:
            _import_engine()

    how = Reading(
        wanted=Wanted(
            tables=question.tables | {"declarations"},
            settings=question.settings,
            points_at=question.points_at,
        ),
        use_cache=code.use_cache,
        cache=code.cache,
        since=() if code.since is None else base_names(code.since, os.environ),
        states=code.states,
        meanwhile=meanwhile,
    )
    return read_repository(code.paths, how)


def _united_origin(code: Origin, tenant: Origin) -> Origin:
    """Return where a united world is from: the code, judged with the tenant it will be deployed to."""
    return msgspec.structs.replace(
        code,
        target=f"{code.target} in {tenant.target}",
        tenant=tenant.tenant,
        cloud=tenant.cloud,
        requests=tenant.requests,
    )


def fix(report: Report, code: CodeWanted, *, also_needing: bool = False, make: bool = True) -> Applied:
    """Make the edits that a report on code offers, in its files, or only work out what they come to.

    Those that need something else first are made with ``also_needing``. Raises
    :class:`~scanner.engine.apply_fixes.FixError`.
    """
    from scanner.engine.apply_fixes import apply_fixes, write_files
    from scanner.engine.source_files import in_folder
    from scanner.sources.repository.find import root_of

    root = root_of(code.paths)
    applied = apply_fixes(report.findings, in_folder(root), also_needing=also_needing)
    if make:
        write_files(root, applied.files)
    return applied


def _import_engine() -> None:
    """Import what takes longest, while other processes read."""
    import narwhals
    import polars

    del narwhals, polars
