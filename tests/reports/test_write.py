import os
import stat
import sys
import threading
from functools import partial
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path

import pytest

from reports import json_report
from reports.write import FORMATS, OutputError, check, write, writer
from tests.reports.sample import make_report

DOCUMENT = json_report.render(make_report())


def test_every_format_has_a_writer() -> None:
    assert set(FORMATS) == {"sarif", "html", "json", "markdown", "csv", "junit", "text"}
    assert all(writer(name)(make_report()) for name in FORMATS)


def test_an_unknown_format_names_the_known_ones() -> None:
    with pytest.raises(
        OutputError, match="no report format is called 'pdf'; the formats are csv, html, json"
    ):
        check("pdf", "x.pdf")


def test_a_file_is_written_and_nothing_else(tmp_path: Path) -> None:
    check("json", tmp_path / "midas.json")
    assert list(tmp_path.iterdir()) == []
    write(make_report(), "json", tmp_path / "midas.json")
    assert [file.name for file in tmp_path.iterdir()] == ["midas.json"]
    assert (tmp_path / "midas.json").read_bytes() == DOCUMENT


def test_a_new_file_obeys_the_umask_and_an_old_one_keeps_its_permissions(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write(make_report(), "json", tmp_path / "new.json")
    finally:
        os.umask(before)
    old = tmp_path / "old.json"
    old.write_text("before", encoding="utf-8")
    old.chmod(0o600)
    write(make_report(), "json", old)
    assert stat.S_IMODE((tmp_path / "new.json").stat().st_mode) == 0o640
    assert stat.S_IMODE(old.stat().st_mode) == 0o600


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real.json").write_text("before", encoding="utf-8")
    (tmp_path / "link.json").symlink_to(tmp_path / "real.json")
    write(make_report(), "json", tmp_path / "link.json")
    assert (tmp_path / "link.json").is_symlink()
    assert (tmp_path / "real.json").read_bytes() == DOCUMENT


def test_a_dash_is_standard_output(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = TextIOWrapper(BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    check("json", "-")
    write(make_report(), "json", "-")
    assert stream.buffer.getvalue() == DOCUMENT  # type: ignore[attr-defined]


def test_a_closed_standard_output_is_one_clear_message(monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed(BytesIO):
        def write(self, _: object) -> int:
            raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr(sys, "stdout", TextIOWrapper(Closed(), encoding="ascii"))
    with pytest.raises(
        OutputError, match="cannot write the json report to standard output: broken pipe; free"
    ):
        write(make_report(), "json", "-")


@pytest.mark.parametrize("stream", [None, "closed"])
def test_a_standard_output_that_is_closed_is_told_before_and_after_the_scan(
    monkeypatch: pytest.MonkeyPatch, stream: str | None
) -> None:
    gone = None
    if stream:
        gone = TextIOWrapper(BytesIO())
        gone.close()
    monkeypatch.setattr(sys, "stdout", gone)
    for act in (check, partial(write, make_report())):
        with pytest.raises(
            OutputError, match="json report to standard output: it is closed; open it or name"
        ):
            act("json", "-")


def test_a_stand_in_for_standard_output_gets_text(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    write(make_report(), "json", "-")
    assert stream.getvalue() == DOCUMENT.decode()


@pytest.mark.parametrize("kind", ["json", "text"])
def test_a_full_device_is_one_clear_message(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    message = f"cannot write the {kind} report to .*: no space left on device; free the place"
    with pytest.raises(OutputError, match=message):
        write(make_report(), kind, "/dev/full")
    with open("/dev/full", "w", encoding="utf-8") as full:
        monkeypatch.setattr(sys, "stdout", full)
        with pytest.raises(OutputError, match=message):
            write(make_report(), kind, "-")
        # Nothing is left in the buffer to fail once more when the file is closed.


def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append(pipe.read_bytes()))
    reader.start()
    check("json", pipe)
    write(make_report(), "json", pipe)
    reader.join(timeout=10)
    assert received == [DOCUMENT]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.parametrize("act", [check, lambda name, place: write(make_report(), name, place)])
def test_a_folder_and_a_missing_folder_are_refused_with_advice(act, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(OutputError, match=r"it is a folder; name a file in it, for example .*midas\.json"):
        act("json", tmp_path)
    with pytest.raises(OutputError, match="does not exist; create it or name another file"):
        act("json", tmp_path / "missing" / "midas.json")


def test_a_name_that_is_too_long_is_one_clear_message(tmp_path: Path) -> None:
    with pytest.raises(
        OutputError, match=r"cannot write the json report to .*: file name too long; free the place"
    ):
        write(make_report(), "json", tmp_path / ("x" * 300))
    with pytest.raises(OutputError, match="file name too long"):
        check("json", tmp_path / ("x" * 300))
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "midas.json"
    target.write_text("before", encoding="utf-8")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="no space left on device"):
        write(make_report(), "json", target)
    assert target.read_text(encoding="utf-8") == "before"
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_that_cannot_be_written_is_told_before_the_scan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.TemporaryFile", refused)
    with pytest.raises(OutputError, match="permission denied"):
        check("json", tmp_path / "midas.json")
