"""Snapshots: whole or not at all, private, and refused when they are not what was written."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from scanner.facts import snapshot
from scanner.facts.cases import (
    Element,
    assigned,
    attached,
    denied,
    federated,
    identity,
    member,
    principal,
    refused,
)
from scanner.facts.schema import SCHEMA_VERSION, TABLES
from scanner.facts.snapshot import MANIFEST, REQUESTS, Origin, SnapshotError, read, read_manifest, write
from scanner.facts.store import FactStore

World = Callable[..., FactStore]
ORIGIN = Origin(
    source="azure",
    target="the tenant",
    tenant="00000000-0000-0000-0000-000000000000",
    cloud="public",
    read_at=datetime(2026, 1, 2, tzinfo=UTC),
    requests=7,
    tables=("identities", "grants"),
    settings=(("microsoft.web/sites", "properties.httpsOnly"),),
)


@pytest.fixture
def store(world: World) -> FactStore:
    return world(
        identity("app"),
        principal("team", "Group"),
        member("app", of="team"),
        attached("app", to="vm\u202e<script>"),
        federated("app", issuer="https://token.actions.githubusercontent.com", subject="s"),
        assigned("team", "Owner"),
        assigned("app", "Reader"),
        denied("app", actions=["*"]),
        refused("settings"),
    )


def test_what_is_read_equals_what_was_written(store: FactStore, tmp_path: Path) -> None:
    written = write(store, ORIGIN, tmp_path / "snap")
    again, manifest = read(tmp_path / "snap")
    assert manifest == written
    assert manifest.origin == ORIGIN
    assert manifest.gaps == 1
    for name in TABLES:
        columns = store.frame(name).collect_schema().names()
        before, after = store.frame(name).collect().sort(columns), again.frame(name).collect().sort(columns)
        assert before.equals(after), name
        assert before.schema == after.schema, name


def test_a_snapshot_of_before_midas_read_code_opens(
    store: FactStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = {name: table for name, table in TABLES.items() if not table.of_code}
    assert set(TABLES) - set(older) >= {"declarations", "key_reads", "property_places"}
    with monkeypatch.context() as before:
        before.setattr(snapshot, "TABLES", older)
        write(store, ORIGIN, tmp_path / "snap")
    again, manifest = read(tmp_path / "snap")
    assert "declarations" not in manifest.files
    assert again.frame("declarations").collect().is_empty()
    assert again.frame("assignments").collect().equals(store.frame("assignments").collect())


def _many() -> list[Element]:
    groups = [f"group{number}" for number in range(30)]
    elements: list[Element] = [principal(name, "Group") for name in groups]
    elements += [identity(f"app{number}") for number in range(30)]
    elements += [member(f"app{number}", of=name) for number in range(30) for name in groups[: number + 1]]
    elements += [assigned(name, "Owner", condition="@Resource[a] StringEquals 'b'") for name in groups]
    return [*elements, denied(None, actions=["Microsoft.Compute/*"]), denied("group1", actions=["*"])]


def test_equal_facts_have_equal_content(world: World, tmp_path: Path) -> None:
    contents = {write(world(*_many()), ORIGIN, tmp_path / str(number)).content for number in range(5)}
    assert len(contents) == 1
    assert write(world(identity("app")), ORIGIN, tmp_path / "other").content not in contents


def test_only_the_owner_can_read_it(store: FactStore, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text('{"method": "GET"}\n')
    log.chmod(0o644)
    previous = os.umask(0)
    try:
        write(store, ORIGIN, tmp_path / "snap", requests=log)
    finally:
        os.umask(previous)
    assert stat.S_IMODE((tmp_path / "snap").stat().st_mode) == 0o700
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "snap").iterdir()}
    assert set(modes.values()) == {0o600}
    stored = {f"{name}.parquet" for name, table in TABLES.items() if table.stored}
    assert set(modes) == stored | {MANIFEST, REQUESTS}
    assert (tmp_path / "snap" / REQUESTS).read_text() == log.read_text()


def test_nothing_is_left_beside_it(store: FactStore, tmp_path: Path) -> None:
    write(store, ORIGIN, tmp_path / "snap")
    write(store, ORIGIN, tmp_path / "snap")
    assert [file.name for file in tmp_path.iterdir()] == ["snap"]


def test_a_snapshot_is_replaced_whole(store: FactStore, tmp_path: Path, world: World) -> None:
    write(store, ORIGIN, tmp_path / "snap")
    (tmp_path / "snap" / "left over").write_text("")
    written = write(world(identity("other")), ORIGIN, tmp_path / "snap")
    assert read_manifest(tmp_path / "snap").content == written.content
    assert not (tmp_path / "snap" / "left over").exists()


def test_leftovers_of_a_killed_run_are_no_obstacle(store: FactStore, tmp_path: Path) -> None:
    for name in ("snap.writing", "snap.replaced"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "half").write_text("")
    write(store, ORIGIN, tmp_path / "snap")
    write(store, ORIGIN, tmp_path / "snap")
    assert [file.name for file in tmp_path.iterdir()] == ["snap"]


def test_an_empty_folder_is_used_and_another_one_refused(store: FactStore, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    write(store, ORIGIN, tmp_path / "empty")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(SnapshotError, match="exists and is not a snapshot"):
        write(store, ORIGIN, tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"
    (tmp_path / "file").write_text("years of work")
    with pytest.raises(SnapshotError, match="exists and is not a snapshot"):
        write(store, ORIGIN, tmp_path / "file")
    assert (tmp_path / "file").read_text() == "years of work"


def test_the_current_folder_is_a_folder_too(
    store: FactStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    monkeypatch.chdir(tmp_path / "mine")
    with pytest.raises(SnapshotError, match="exists and is not a snapshot"):
        write(store, ORIGIN, Path())


def test_a_place_that_cannot_be_written_is_named(store: FactStore, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SnapshotError, match=r"could not be written to .*/file/snap: Not a directory"):
        write(store, ORIGIN, tmp_path / "file" / "snap")


def test_a_failure_half_way_leaves_the_old_one(
    store: FactStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = write(store, ORIGIN, tmp_path / "snap")

    def full(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(snapshot, "_write_private", full)
    with pytest.raises(SnapshotError, match="No space left on device"):
        write(store, ORIGIN, tmp_path / "snap")
    assert read(tmp_path / "snap")[1] == before
    assert [file.name for file in tmp_path.iterdir()] == ["snap"]


def test_a_missing_folder_or_manifest_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(SnapshotError, match=r"is not a snapshot \(no such folder\).*midas collect --out"):
        read(tmp_path / "none")
    with pytest.raises(SnapshotError, match=r"is not a snapshot \(it has no manifest.json\)"):
        read(tmp_path)


def test_a_truncated_table_is_refused(store: FactStore, tmp_path: Path) -> None:
    write(store, ORIGIN, tmp_path / "snap")
    table = tmp_path / "snap" / "assignments.parquet"
    table.write_bytes(table.read_bytes()[:-100])
    with pytest.raises(SnapshotError, match=r"assignments\.parquet is not what was written"):
        read(tmp_path / "snap")


def test_a_table_that_is_gone_is_refused(store: FactStore, tmp_path: Path) -> None:
    write(store, ORIGIN, tmp_path / "snap")
    (tmp_path / "snap" / "gaps.parquet").unlink()
    with pytest.raises(SnapshotError, match=r"gaps\.parquet is missing: the snapshot is not whole"):
        read(tmp_path / "snap")


def test_a_table_of_another_snapshot_is_refused(store: FactStore, tmp_path: Path, world: World) -> None:
    write(store, ORIGIN, tmp_path / "snap")
    write(world(identity("other")), ORIGIN, tmp_path / "other")
    (tmp_path / "other" / "grants.parquet").replace(tmp_path / "snap" / "grants.parquet")
    with pytest.raises(SnapshotError, match=r"grants\.parquet is not what was written"):
        read(tmp_path / "snap")


def _edited(folder: Path, **changes: object) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps(manifest | changes))


def test_an_edited_manifest_is_refused(store: FactStore, tmp_path: Path) -> None:
    write(store, ORIGIN, tmp_path / "snap")
    files = json.loads((tmp_path / "snap" / MANIFEST).read_text())["files"]
    _edited(tmp_path / "snap", files=files | {"gaps": files["grants"]})
    with pytest.raises(SnapshotError, match="does not fit its own hashes"):
        read(tmp_path / "snap")
    _edited(tmp_path / "snap", files={name: file for name, file in files.items() if name != "gaps"})
    with pytest.raises(SnapshotError, match="does not fit its own hashes"):
        read(tmp_path / "snap")
    _edited(tmp_path / "snap", files=files | {"../../etc/passwd": files["gaps"]})
    with pytest.raises(SnapshotError, match="does not fit its own hashes"):
        read(tmp_path / "snap")


@pytest.mark.parametrize("version", [SCHEMA_VERSION + 1, 0, None, "1"])
def test_another_schema_version_is_refused(store: FactStore, tmp_path: Path, version: object) -> None:
    write(store, ORIGIN, tmp_path / "snap")
    _edited(tmp_path / "snap", schema=version)
    with pytest.raises(
        SnapshotError, match=f"schema version {version}, this Midas reads {SCHEMA_VERSION}: collect it"
    ):
        read(tmp_path / "snap")


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b'{"schema": 1}', b'{"schema": 1, "files": 3}'])
def test_a_damaged_manifest_is_refused(store: FactStore, tmp_path: Path, content: bytes) -> None:
    write(store, ORIGIN, tmp_path / "snap")
    (tmp_path / "snap" / MANIFEST).write_bytes(content)
    with pytest.raises(SnapshotError, match=r"manifest\.json cannot be read .*damaged; collect it again"):
        read(tmp_path / "snap")


@pytest.mark.parametrize("content", [b"[]", b"null", b'"snapshot"'])
def test_a_manifest_of_something_else_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / MANIFEST).write_bytes(content)
    with pytest.raises(SnapshotError, match="schema version None"):
        read(tmp_path)


def test_an_edited_origin_or_request_log_is_refused(store: FactStore, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text('{"method": "GET"}\n')
    write(store, ORIGIN, tmp_path / "snap", requests=log)
    read(tmp_path / "snap")
    (tmp_path / "snap" / "requests.jsonl").write_text("")
    with pytest.raises(SnapshotError, match="is not the log that was written"):
        read(tmp_path / "snap")
    write(store, ORIGIN, tmp_path / "snap", requests=log)
    (tmp_path / "snap" / "requests.jsonl").unlink()
    with pytest.raises(SnapshotError, match="is not the log that was written"):
        read(tmp_path / "snap")
    write(store, ORIGIN, tmp_path / "snap")
    origin = json.loads((tmp_path / "snap" / MANIFEST).read_text())["origin"]
    _edited(tmp_path / "snap", origin=origin | {"source": "export"})
    with pytest.raises(SnapshotError, match="does not fit its own hashes"):
        read(tmp_path / "snap")
