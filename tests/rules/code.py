"""Judge code as `midas check` does: files through source, facts and rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from reports.report import Report
from scanner.code_world import CodeWanted, open_repository
from scanner.engine.registry import Rule
from scanner.run import scan
from scanner.settings import Settings


def judged(folder: Path, files: Mapping[str, str], rules: Iterable[Rule]) -> Report:
    """Write files into a folder and return the report of some rules on it."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    code = CodeWanted(paths=(folder,), use_cache=False)
    return scan(lambda wanted: open_repository(code, wanted), tuple(rules), Settings())


def marked(files: Mapping[str, str]) -> set[tuple[str, int]]:
    """Return file and line of every comment that says ``finding``."""
    return {
        (name, number)
        for name, text in files.items()
        for number, line in enumerate(text.splitlines(), 1)
        if line.endswith(("# finding", "// finding"))
    }


def found(report: Report, code: str) -> set[tuple[str, int]]:
    """Return file and line of every finding of a rule."""
    return {
        (finding.location.uri, finding.location.line)
        for finding in report.findings
        if finding.code == code and finding.location is not None
    }
