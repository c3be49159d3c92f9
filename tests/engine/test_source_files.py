"""Lines and offsets of files, read when asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from scanner.engine import source_files
from scanner.engine.source_files import Lines, SourceFiles, in_folder


def test_lines_end_in_every_way_and_a_byte_order_mark_counts_nothing() -> None:
    lines = Lines(b"\xef\xbb\xbfone\r\ntwo\rthr\xc3\xa9e\n")
    assert [lines.text(number) for number in range(1, 6)] == ["one", "two", "thrée", "", None]
    assert lines.text(0) is None


def test_a_place_is_an_offset_in_bytes() -> None:
    data = b"\xef\xbb\xbfa\n\xc3\xa9\xf0\x9f\x98\x80b"
    lines = Lines(data)
    assert lines.offset(1, 1) == 3
    assert data[lines.offset(2, 3) :] == b"b"
    assert lines.offset(2, 4) == len(data)
    assert lines.offset(2, 5) is None
    assert lines.offset(3, 1) is None


def test_a_line_that_is_not_utf8_is_shown_but_has_no_offsets() -> None:
    lines = Lines(b"a\xffb\nc")
    assert lines.text(1) == "a\ufffdb"
    assert lines.offset(1, 1) is None
    assert lines.offset(2, 1) == 4


def test_a_file_is_read_once_and_a_missing_one_is_asked_for_once() -> None:
    asked: list[str] = []

    def read(uri: str) -> bytes | None:
        asked.append(uri)
        return b"x\ny" if uri == "a" else None

    files = SourceFiles(read)
    assert [files.line("a", 2), files.line("b", 1), files.line("a", 1), files.line("b", 1)] == [
        "y",
        None,
        "x",
        None,
    ]
    assert asked == ["a", "b"]


def test_only_so_much_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_files, "_KEPT", 10)
    asked: list[str] = []

    def read(uri: str) -> bytes:
        asked.append(uri)
        return uri.encode() * 6

    files = SourceFiles(read)
    for uri in ("a", "b", "b", "a"):
        assert files.line(uri, 1) == uri * 6
    assert asked == ["a", "b", "a"]


def test_a_folder_gives_its_plain_files_and_nothing_from_outside(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "infra").mkdir(parents=True)
    (tmp_path / "secret.tf").write_text("outside")
    (root / "infra" / "main.tf").write_text("inside")
    (root / "out.tf").symlink_to(tmp_path / "secret.tf")
    (root / "loop.tf").symlink_to(root / "loop.tf")
    files = in_folder(root)
    assert files.line("infra/main.tf", 1) == "inside"
    for uri in ("../secret.tf", "out.tf", "infra", "gone.tf", "loop.tf", "a\0b", "x" * 5_000):
        assert files.line(uri, 1) is None, uri
