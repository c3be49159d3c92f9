"""Bytes of files: of the repository only, read once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scanner.sources.repository import contents as module
from scanner.sources.repository.contents import NO_FILE, Digests, DiskContents, digest
from tests.sources.repository.conftest import Work


def test_nothing_outside_is_read(work: Work, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "main.tf").write_bytes(b"outside")
    work.write({"main.tf": "inside", "shared/v.tf": "shared"})
    (work.root / "link.tf").symlink_to(tmp_path / "outside" / "main.tf")
    (work.root / "folder").symlink_to(tmp_path / "outside")
    (work.root / "inner.tf").symlink_to("shared/v.tf")
    (work.root / "round.tf").symlink_to("round.tf")
    contents = DiskContents(work.root, {})
    assert contents.read("main.tf") == b"inside"
    assert contents.read("inner.tf") == b"shared"
    for uri in (
        "link.tf",
        "folder/main.tf",
        "../outside/main.tf",
        "shared/../../outside/main.tf",
        str(tmp_path / "outside" / "main.tf"),
        "round.tf",
        "shared",
        "nowhere.tf",
        "zero\0byte.tf",
        "zero\0folder/main.tf",
    ):
        assert contents.read(uri) is None, uri


def test_pipes_and_large_files_are_not_read(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST", 100)
    work.write({"large.json": b"x" * 101, "small.json": b"x" * 100})
    os.mkfifo(work.root / "pipe.tf")
    contents = DiskContents(work.root, {})
    assert contents.read("pipe.tf") is None
    assert contents.read("large.json") is None
    assert contents.read("small.json") == b"x" * 100


def test_a_file_is_the_same_for_everybody_in_a_run(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    work.write({"a.tf": "first", "b.tf": "first"})
    monkeypatch.setattr(module, "KEPT_BYTES", 5)
    contents = DiskContents(work.root, {})
    assert (contents.read("a.tf"), contents.read("b.tf")) == (b"first", b"first")
    work.write({"a.tf": "later", "b.tf": "later"})
    assert contents.read("a.tf") == b"first"
    assert contents.read("b.tf") == b"later"  # there was no room to keep it
    contents.forget("a.tf")
    assert contents.read("a.tf") == b"later"


def test_names_are_those_listed_or_those_on_the_disk(work: Work, tmp_path: Path) -> None:
    work.write({"app/main.tf": "", "app/ignored.tf": "", ".terraform/modules/x/b.tf": "", "x.tf": ""})
    work.write({".terraform/modules/x/a.tf": "", ".terraform/modules/x/notes.md": ""})
    (work.root / "away").symlink_to(tmp_path)
    contents = DiskContents(work.root, {"app": ["main.tf"]})
    assert contents.names("app") == ["main.tf"]
    assert contents.names(".terraform/modules/x") == ["a.tf", "b.tf"]
    assert contents.names(".") == ["x.tf"]
    assert list(contents.names("away")) == []
    assert list(contents.names("nowhere")) == []
    assert contents.all_names("app") == ["ignored.tf", "main.tf"]
    assert contents.all_names(".terraform/modules/x") == ["a.tf", "b.tf", "notes.md"]
    assert list(contents.all_names("away")) == []


def test_digests_tell_files_folders_and_absence_apart(work: Work) -> None:
    work.write({"app/main.tf": "one"})
    before = Digests(DiskContents(work.root, {}))
    assert before.of("app/main.tf") == digest(b"one")
    assert before.of("app/gone.tf") == NO_FILE
    names, all_names = before.of("app/"), before.of("app/*")
    work.write({"app/notes.md": ""})
    noted = Digests(DiskContents(work.root, {}))
    assert (noted.of("app/") == names, noted.of("app/*") == all_names) == (True, False)
    work.write({"app/more.tf": "", "app/main.tf": "two"})
    after = Digests(DiskContents(work.root, {}))
    assert after.of("app/") != names
    assert after.of("app/main.tf") == digest(b"two")


def test_a_link_on_the_way_is_followed_inside_and_never_outside(work: Work, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "c").mkdir(parents=True)
    (outside / "c" / "main.tf").write_text("outside")
    work.write({"a/b/c/main.tf": "inside"})
    (work.root / "in").symlink_to("a/b")
    (work.root / "a" / "out").symlink_to(outside)
    (work.root / "a" / "out_and_in").symlink_to(outside)
    (outside / "back").symlink_to(work.root / "a")
    contents = DiskContents(work.root, {})
    assert contents.read("a/b/c/main.tf") == b"inside"
    assert contents.read("in/c/main.tf") == b"inside"
    assert contents.read("a/out/c/main.tf") is None
    assert contents.read("a/out_and_in/back/b/c/main.tf") == b"inside"
    assert contents.read("a/out_and_in/back/out/c/main.tf") is None
    assert contents.read("a/nowhere/main.tf") is None
    assert contents.read("a/b/c/main.tf/main.tf") is None
    assert contents.read("a/b/../b/c/main.tf") is None


@pytest.mark.parametrize("told", [0, 1, 70_000, 200_000])
def test_a_file_is_read_to_its_end_whatever_size_it_seems_to_have(
    work: Work, told: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = bytes(range(256)) * 500
    work.write({"main.tf": text, "empty.tf": b""})
    kept = os.fstat

    def fstat(handle: int) -> os.stat_result:
        about = list(kept(handle))
        about[6] = told
        return os.stat_result(about)

    monkeypatch.setattr(os, "fstat", fstat)
    contents = DiskContents(work.root, {})
    assert contents.read("main.tf") == text
    assert contents.read("empty.tf") == b""
