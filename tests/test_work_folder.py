"""The folder a collection works in: one process at a time, removed or kept as its end demands."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scanner.facts.snapshot import SnapshotError
from scanner.work_folder import cache_folder, held


def unit(work: Path) -> Path:
    path = work / "units" / "one.unit"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("rows")
    return path


def test_it_is_removed_when_all_went_well(tmp_path: Path) -> None:
    with held(tmp_path / "work", resume=False):
        unit(tmp_path / "work")
    assert list(tmp_path.iterdir()) == []


def test_it_is_kept_when_units_of_work_are_left_and_removed_when_none_are(tmp_path: Path) -> None:
    def end(work: Path, *, with_a_unit: bool) -> None:
        with held(work, resume=False):
            if with_a_unit:
                unit(work)
            raise ValueError("no login")

    for name, with_a_unit in (("kept", True), ("gone", False)):
        with pytest.raises(ValueError, match="no login"):
            end(tmp_path / name, with_a_unit=with_a_unit)
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_it_starts_empty_unless_resumed(tmp_path: Path) -> None:
    for resume in (True, False):
        path = unit(tmp_path / "work")
        with held(tmp_path / "work", resume=resume):
            assert path.exists() is resume


def test_another_process_is_refused_while_it_is_held_and_not_afterwards(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from scanner.work_folder import held\n"
        "with held(Path(sys.argv[1]), resume=False): pass"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "work")]
    with held(tmp_path / "work", resume=False):
        path = unit(tmp_path / "work")
        other = subprocess.run(command, capture_output=True, text=True, check=False)
        assert "SnapshotError: another scan of the same is at work" in other.stderr
        assert path.exists()
    assert subprocess.run(command, check=False).returncode == 0


def test_a_place_that_cannot_be_written_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(SnapshotError, match="cannot be used to work in"),
        held(tmp_path / "file" / "x", resume=False),
    ):
        pass


def test_the_cache_folder_is_absolute_whatever_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder("x") == tmp_path / "midas" / "x"
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache_folder("x") == tmp_path / "home" / ".cache" / "midas" / "x"
    assert os.environ["XDG_CACHE_HOME"] == "relative"
