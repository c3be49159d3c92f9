"""Findings in code on a terminal: the line, the mark, the reason, the fix."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import msgspec
import pytest

from reports import terminal
from reports.line import Line, cells, cut_to
from reports.listing import LISTED
from reports.report import Report
from scanner.engine.finding import Location
from scanner.engine.source_files import SourceFiles
from tests.reports.sample import (
    CODE_OWNER,
    CODE_WIDE,
    HOSTILE,
    OWNER,
    SECRET,
    code_report,
    hostile_code_report,
)

GOLDEN = Path(__file__).parent / "golden" / "code.txt"


def told(report: Report, width: int | None = None) -> list[str]:
    stream = StringIO()
    terminal.show(report, files=[("sarif", "midas.sarif")], stream=stream, width=width, height=width and 24)
    return stream.getvalue().splitlines()


def test_the_sample_is_told_as_reviewed() -> None:
    text = terminal.render(code_report()).decode()
    assert text == GOLDEN.read_text(encoding="utf-8")
    assert SECRET not in text


def test_it_fits_the_width_and_nothing_is_lost() -> None:
    wide = msgspec.structs.replace(CODE_OWNER, message="one two three " * 20)
    lines = told(code_report(findings=(wide,)), 60)
    assert all(cells(line) <= 60 for line in lines)
    assert sum(line.count("three") for line in lines) == 20


def test_a_long_line_shows_what_is_marked() -> None:
    text = "x" * 300 + 'role = "Owner"' + "y" * 300
    long = msgspec.structs.replace(CODE_OWNER, location=Location("a.tf", 1, 301, 1, 315))
    lines = told(code_report(findings=(long,), sources=SourceFiles({"a.tf": text.encode()}.get)), 60)
    line, carets = lines[3], lines[4]
    assert 'role = "Owner"' in line
    assert line[carets.index("^") : carets.rindex("^") + 1] == 'role = "Owner"'


def test_the_mark_stands_below_wide_characters() -> None:
    lines = told(
        code_report(findings=(msgspec.structs.replace(CODE_WIDE, location=Location("a", 1, 2, 1, 4)),))
    )
    assert lines[2] == "  = release trusts repo:contoso/*"
    files = SourceFiles({"a": "漢字字x".encode()}.get)
    found = msgspec.structs.replace(CODE_WIDE, location=Location("a", 1, 2, 1, 4))
    lines = told(code_report(findings=(found,), sources=files))
    assert lines[3:5] == ["1 | 漢字字x", "  |   ^^^^"]


def test_findings_come_by_file_and_line_and_the_fix_of_a_rule_once() -> None:
    places = [Location("b.tf", 2, 1, 2, 5), Location("a.tf", 9, 1, 9, 5), Location("a.tf", 3, 1, 3, 5)]
    findings = tuple(msgspec.structs.replace(CODE_OWNER, location=place) for place in places)
    lines = told(code_report(findings=findings))
    assert [line.split("--> ")[1].split(" in ")[0] for line in lines if "-->" in line] == [
        "a.tf:3:1",
        "a.tf:9:1",
        "b.tf:2:1",
    ]
    assert sum("fix: Replace the assignment" in line for line in lines) == 1


def test_what_is_said_of_the_same_place_besides_is_told_in_part() -> None:
    also = ["a is an owner", "b is\x1b[31m an owner", "c", "d", "e"]
    both = msgspec.structs.replace(CODE_OWNER, evidence={**CODE_OWNER.evidence, "also": also})
    lines = told(code_report(findings=(both,)))
    at = next(number for number, line in enumerate(lines) if line.endswith("also: a is an owner"))
    assert lines[at - 1].endswith(CODE_OWNER.message)
    assert "\x1b" not in lines[at + 1]
    assert lines[at + 2].endswith("= also: c")
    assert lines[at + 3].endswith("= and 2 more of this place: see the reports")


def test_very_many_are_told_in_part_the_worst() -> None:
    findings = tuple(
        msgspec.structs.replace(CODE_OWNER, location=Location(f"{number:03}.tf", 1, 1, 1, 2))
        for number in range(LISTED + 5)
    )
    lines = told(code_report(findings=findings))
    assert sum("-->" in line for line in lines) == LISTED
    assert "and 5 more in code: see the reports" in lines


def test_what_is_in_no_file_is_told_in_one_line_after_the_counts() -> None:
    lines = told(code_report(findings=(OWNER, CODE_OWNER)))
    assert "  critical MI201  ci-deployer holds Owner at subscription prod" in lines
    assert lines.index(
        "Midas  2 open findings from 1 of 4 rules, and not everything could be read"
    ) < lines.index("  critical MI201  ci-deployer holds Owner at subscription prod")


def test_without_findings_the_verdict_is_all() -> None:
    lines = told(code_report(findings=(), gaps=()))
    assert lines[0].startswith("Midas  No open findings")


def test_where_all_is_accepted_that_is_told() -> None:
    from scanner.engine.finding import Suppression

    accepted = msgspec.structs.replace(CODE_WIDE, suppressed=Suppression("inline", "known"))
    lines = told(code_report(findings=(accepted,), gaps=()))
    assert "       1 accepted" in lines
    assert not any("-->" in line for line in lines)


def test_what_there_is_none_of_is_not_counted_and_one_is_one() -> None:
    seen = {"managed identities": 1, "resources": 0, "role assignments": 2}
    run = msgspec.structs.replace(code_report().run, subjects=seen)
    assert "       infra: 1 managed identity, 2 role assignments" in told(code_report(run=run))


def test_an_accepted_finding_is_counted_and_not_listed() -> None:
    from scanner.engine.finding import Suppression

    accepted = msgspec.structs.replace(CODE_WIDE, suppressed=Suppression("inline", "known"))
    lines = told(code_report(findings=(CODE_OWNER, accepted)))
    assert not any("MI301" in line for line in lines)
    assert "       1 critical  1 accepted" in lines


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_in_names_paths_and_code_is_inert(name: str) -> None:
    for width in (None, 60):
        for line in told(hostile_code_report(HOSTILE[name]), width):
            assert line.isprintable()
            assert width is None or cells(line) <= width


def test_a_line_is_cut_by_columns_not_characters() -> None:
    assert cut_to("漢字漢字", 5) == "漢字…"
    assert cut_to("abc", 3) == "abc"
    assert Line("ab", ("cdef", "red")).truncated(4).plain == "abc…"
    assert Line("ab", "  ").plain == "ab"
