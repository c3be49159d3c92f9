"""What people see while a collection runs."""

from __future__ import annotations

import io

from rich.console import Console

from scanner.sources.azure.progress import BarProgress, LineProgress, SilentProgress


class Time:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_lines_for_logs():
    out, time = io.StringIO(), Time()
    progress = LineProgress(out, every=10.0, now=time)
    progress.stage("Resource Graph", 2)
    progress.advance(1000, 1)
    time.now = 11.0
    progress.waiting(4.0)
    progress.stage("Resource Graph", 3)
    time.now = 15.0
    progress.advance(500, 2)
    progress.stage("Directory", None)
    time.now = 16.5
    progress.advance(7, 1)
    progress.done()
    progress.done()
    assert out.getvalue().splitlines() == [
        "Resource Graph: 1000 rows, 1/2 requests ... waiting 4 s for quota",
        "Resource Graph: 1500 rows, 3/3 requests done in 15.0 s",
        "Directory: 7 rows, 1 requests done in 1.5 s",
    ]


def test_bars_for_terminals():
    console = Console(file=io.StringIO(), force_terminal=True, width=120, color_system=None)
    with BarProgress(console) as progress:
        progress.advance(1, 1)
        progress.stage("Resource Graph", None)
        progress.stage("Resource Graph", 4)
        progress.advance(2500, 3)
        progress.waiting(3.0)
        progress.stage("Directory", 1)
        progress.advance(12, 1)
        progress.done()
    shown = console.file.getvalue()
    for text in ("Resource Graph", "2500 rows", "Directory", "12 rows"):
        assert text in shown


def test_quiet_says_nothing(capsys):
    progress = SilentProgress()
    progress.stage("x", 1)
    progress.advance(1, 1)
    progress.waiting(1.0)
    progress.done()
    assert capsys.readouterr() == ("", "")
