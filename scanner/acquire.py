"""Open a world to judge: collect it from Azure, or open a snapshot or an export.

A collection works in a folder of its own beside its destination, so that it can be interrupted at any moment
and continued; the folder goes away when the snapshot is whole. A scan that keeps no snapshot works in the
user's cache folder, under a name made from what was asked, so that the same command continues it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from scanner.facts import ids
from scanner.facts.schema import TABLES, collected_tables
from scanner.facts.snapshot import REQUESTS, Origin, SnapshotError, read, write
from scanner.facts.store import FactStore, LateStore
from scanner.placing import placed
from scanner.rule import Stage
from scanner.run import Before, Question, World, question
from scanner.settings import SettingsError
from scanner.sources.azure.errors import SourceError
from scanner.sources.azure.request import AuthSettings, CloudName, CollectRequest, ScanScope
from scanner.work_folder import cache_folder, held

if TYPE_CHECKING:
    from reports.report import Report
    from scanner.engine.apply_fixes import Applied
    from scanner.engine.registry import Rule
    from scanner.sources.azure.progress import Progress
    from scanner.sources.repository.merge import State
    from scanner.sources.repository.read import Repository
    from scanner.sources.repository.standby import Standby


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What to read from Azure and as whom."""

    scope: ScanScope
    auth: AuthSettings
    cloud: CloudName


class InterruptedCollection(KeyboardInterrupt):
    """A collection was interrupted; what was read is kept in a folder from which it can go on."""

    def __init__(self, work: Path) -> None:
        super().__init__(f"interrupted: what was read so far is kept in {work}; run it again with --resume")


def acquire(
    wanted: Wanted,
    question: Question,
    *,
    out: Path | None,
    resume: bool,
    progress: AbstractContextManager[Progress],
) -> World:
    """Collect from Azure; with ``out``, keep the facts there as a snapshot.

    Raises :class:`~scanner.sources.azure.errors.SourceError`, :class:`SnapshotError`, and
    :class:`InterruptedCollection` on Ctrl-C.
    """
    from scanner.sources.azure.collect import about, collect

    work = cache_folder(_name(wanted, question)) if out is None else out.with_name(out.name + ".partial")
    if out is not None:
        _check_destination(out)
    began = datetime.now(UTC)
    request = CollectRequest(
        scope=wanted.scope,
        work=work,
        tables=question.tables,
        settings=question.settings,
        auth=wanted.auth,
        cloud=wanted.cloud,
        resume=resume,
    )
    with held(work, resume=resume):
        try:
            with progress as shown:
                store = collect(request, progress=shown)
        except KeyboardInterrupt as interruption:
            raise InterruptedCollection(work) from interruption
        origin = Origin(
            source="azure",
            target=wanted.scope.in_words(),
            tenant=about(work).tenant,
            cloud=wanted.cloud,
            read_at=began,
            requests=_lines(work / REQUESTS),
            tables=tuple(sorted(question.tables)),
            settings=tuple(sorted(question.settings)),
        )
        _check_tenant(wanted, origin)
        if out is not None:
            write(store, origin, out, requests=work / REQUESTS)
    return World(store, origin)


def _check_tenant(wanted: Wanted, origin: Origin) -> None:
    """Refuse facts of another directory than asked for: a managed identity signs in to its own, whatever is asked."""
    asked = wanted.auth.tenant_id
    if asked is not None and origin.tenant and asked.lower() != origin.tenant.lower():
        raise SourceError(
            f"the sign-in reads the tenant {origin.tenant}",
            where=f"--tenant-id {asked}",
            todo="sign in to the tenant asked for, or leave --tenant-id out",
        )


def _lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for _ in file)


def _check_destination(out: Path) -> None:
    """Refuse a destination before the long work: one that exists and is no snapshot, or cannot be made."""
    from scanner.facts.snapshot import MANIFEST

    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not (out / MANIFEST).is_file())):
        raise SnapshotError(f"{out} exists and is not a snapshot: choose another --out, or empty it")
    parent = out.absolute().parent
    while not parent.exists():
        parent = parent.parent
    if not os.access(parent, os.W_OK | os.X_OK):
        raise SnapshotError(f"{out} cannot be made: {parent} is not writable; choose another --out")


def _name(wanted: Wanted, question: Question) -> str:
    asked = repr((wanted, sorted(question.tables), sorted(question.settings)))
    return f"scan-{hashlib.sha256(asked.encode()).hexdigest()[:16]}"


def open_snapshot(folder: Path, question: Question) -> World:
    """Open a snapshot; what these rules ask and its collection did not becomes a gap.

    Raises :class:`SnapshotError`.
    """
    store, manifest = read(folder)
    origin = manifest.origin
    asked = frozenset[str]().union(*(collected_tables(name) for name in question.tables)) - {"entities"}
    held = frozenset[str]().union(*(collected_tables(name) for name in origin.tables))
    missing = sorted(asked - held) if origin.source == "azure" else []
    lacking = sorted({kind for kind, _ in question.settings - set(origin.settings)})
    gaps = [
        _gap(table, "The snapshot was collected without this table; collect it again.") for table in missing
    ]
    if lacking and "settings" not in missing and origin.source == "azure":
        types = ", ".join(lacking)
        gaps.append(
            _gap("settings", f"The snapshot was collected without properties these rules ask of {types}.")
        )
    return World(_with_gaps(store, gaps), origin)


def _gap(table: str, detail: str) -> dict[str, str]:
    return {"table": table, "scope_id": ids.ROOT, "reason": "skipped", "detail": detail}


def _with_gaps(store: FactStore, gaps: Sequence[dict[str, str]], *, instead: bool = False) -> FactStore:
    """Return the facts with more gaps, or with these instead of their own."""
    import polars as pl

    frames = {name: store.frame(name) for name in TABLES}
    more = pl.LazyFrame(list(gaps), schema=frames["gaps"].collect_schema())
    frames["gaps"] = more if instead else pl.concat([frames["gaps"], more])
    return FactStore(frames)


EVERY_TABLE = "all"
_NOT_EXPORTED = frozenset(["entities", "gaps", "places", "scopes"])
"""Tables of which an export cannot say whether it holds them whole: they follow from the others."""


def open_export(files: Sequence[Path], complete: Sequence[str], question: Question) -> World:
    """Open exported rows; raises :class:`~scanner.sources.azure.errors.SourceError` for files that hold none.

    ``complete`` names tables that the files hold whole, ``all`` stands for every one.
    """
    from scanner.sources.azure.export import load_export

    names = sorted(name for name, table in TABLES.items() if not table.derived and name not in _NOT_EXPORTED)
    for table in complete:
        if table not in names and table != EVERY_TABLE:
            raise SettingsError(
                f"--complete {table}: no table is called that; there are {', '.join(names)}, and all"
            )
    store = load_export(files, frozenset(names if EVERY_TABLE in complete else complete), question.settings)
    asked = frozenset[str]().union(*(collected_tables(name) for name in question.tables)) - {"entities"}
    store = _with_gaps(store, [gap for gap in store.gaps() if gap["table"] in asked], instead=True)
    written = max(datetime.fromtimestamp(path.stat().st_mtime, UTC) for path in files)
    target = ", ".join(path.name for path in files)
    origin = Origin(source="export", target=target, tenant="", cloud="", read_at=written)
    return World(store, origin)


# ---- code


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


AUTO = "auto"
"""Stands for the commit where the branch of a pull request left its target, as the job that runs Midas tells."""


def open_repository(
    code: CodeWanted,
    question: Question,
    *,
    against: Callable[[Question], World] | None = None,
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
        deployed_to, said = placed(tenant, repository)
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


def with_code(open_world: Callable[[Question], World], code: CodeWanted, question: Question) -> World:
    """Return a tenant whose findings point at the code that declares what they are about."""
    from scanner.engine.source_files import in_folder
    from scanner.facts.unite import with_places

    # The code first: processes are only forked before Polars runs.
    repository = _read(code, question)
    world = open_world(question)
    deployed_to, said = placed(world.store, repository)
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
    from scanner.sources.declared.asked import Wanted as Asked
    from scanner.sources.repository.read import Reading, read_repository

    def meanwhile(processes: int) -> None:
        if standby is not None and processes > 1:
            standby.close()
        if standby is None or not standby.waits:
            _import_engine()

    how = Reading(
        wanted=Asked(
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


def of_tenant(question: Question) -> Question:
    """Return what of a question a tenant can answer."""
    from scanner.facts.unite import is_only_in_code

    tables = frozenset(name for name in question.tables if not is_only_in_code(name))
    return msgspec.structs.replace(question, tables=tables, points_at=frozenset())


def question_to_keep(rules: Sequence[Rule]) -> Question:
    """Return what a snapshot has to hold, so that the tenant can be judged by it, and code together with the tenant."""
    own = question([rule for rule in rules if rule.meta.runs_on(Stage.DEPLOYED)])
    with_code = of_tenant(question(rules))
    return msgspec.structs.replace(
        own, tables=own.tables | with_code.tables, settings=own.settings | with_code.settings
    )


def asking(asked: Question, open_world: Callable[[Question], World]) -> Callable[[Question], World]:
    """Return what opens a world in which all of a question is known, whatever else is asked."""
    return lambda wanted: open_world(
        msgspec.structs.replace(
            wanted, tables=wanted.tables | asked.tables, settings=wanted.settings | asked.settings
        )
    )


def _united_origin(code: Origin, tenant: Origin) -> Origin:
    """Return where a united world is from: the code, judged with the tenant it will be deployed to."""
    return msgspec.structs.replace(
        code,
        target=f"{code.target} in {tenant.target}",
        tenant=tenant.tenant,
        cloud=tenant.cloud,
        requests=tenant.requests,
    )


def fix(report: Report, code: CodeWanted, *, also_needing: bool = False) -> Applied:
    """Make the edits that a report on code offers, in its files; those that need something else first only with
    ``also_needing``. Raises :class:`~scanner.engine.apply_fixes.FixError`.
    """
    from scanner.engine.apply_fixes import apply_fixes, write_files
    from scanner.engine.source_files import in_folder
    from scanner.sources.repository.find import root_of

    root = root_of(code.paths)
    applied = apply_fixes(report.findings, in_folder(root), also_needing=also_needing)
    write_files(root, applied.files)
    return applied


def base_names(since: str, environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names by which to look for the commit to compare with; :class:`SettingsError` when none is told.

    For ``auto``: GitHub Actions, Azure Pipelines and GitLab name the branch that a pull request goes to.
    """
    if not since.strip():
        raise SettingsError(
            "--since: the name of the commit or branch is empty; a variable of the job may not be set"
        )
    if since != AUTO:
        return (since,)
    names: list[str] = []
    if branch := environment.get("GITHUB_BASE_REF"):
        names = [f"origin/{branch}", branch]
        if environment.get("GITHUB_REF", "").endswith("/merge"):
            # What is checked out is the merge of both: its first parent is the target, also in a shallow clone.
            names.append("HEAD^1")
    elif branch := environment.get("SYSTEM_PULLREQUEST_TARGETBRANCH"):
        branch = branch.removeprefix("refs/heads/")
        names = [f"origin/{branch}", branch]
        if environment.get("BUILD_SOURCEBRANCH", "").endswith("/merge"):
            names.append("HEAD^1")
    elif commit := environment.get("CI_MERGE_REQUEST_DIFF_BASE_SHA"):
        names = [commit]
    if not names:
        raise SettingsError(
            "--since: no job of a pull request in GitHub Actions, Azure Pipelines or GitLab says what to compare with; "
            "name a commit or branch: --since main"
        )
    return tuple(names)


def _import_engine() -> None:
    """Import what takes longest, while other processes read."""
    import narwhals
    import polars

    del narwhals, polars
