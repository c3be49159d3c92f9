from io import StringIO

import msgspec
import pytest

from reports import terminal
from reports.report import Report
from scanner.engine.finding import Gap, RuleFault
from tests.reports.sample import (
    HOSTILE,
    OWNER,
    RULES,
    RUN,
    clean_report,
    hostile_report,
    large_report,
    make_report,
)


class Terminal(StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _no_outer_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


def lines_of(report: Report, columns: int = 80, lines: int = 24) -> list[str]:
    stream = StringIO()
    terminal.show(
        report,
        files=[("sarif", "out/midas.sarif"), ("html", "out/midas.html"), ("json", "out/midas.json")],
        stream=stream,
        width=columns,
        height=lines,
    )
    return stream.getvalue().splitlines()


def test_the_summary_says_verdict_families_worst_gaps_and_files() -> None:
    assert lines_of(make_report()) == [
        "Midas  2 open findings from 2 of 4 rules, and not everything could be read",
        "       subscriptions prod, shop: 2 subscriptions, 42 identities, 310 role assig…",
        "       1 critical  1 high  1 accepted",
        "",
        "  Lifecycle             92/100  1 of 40 failed, 2 unknown",
        "  Privilege             97/100  1 of 41 failed",
        "  Federation            53/100  1 of 8 failed, 4 unknown",
        "",
        "  critical MI201  ci-deployer holds Owner at subscription prod",
        "             fix: Replace the assignment by the roles that the workload uses, o…",
        "  high     MI301  release trusts repo:contoso/*",
        "             fix: Name one environment: repo:ORG/REPO:environment:production.",
        "",
        "  rule crashed  MI303: ColumnNotFoundError: issuer",
        "  not read      attachments in /subscriptions/lab: refused: Reader is missing o…",
        "  notice        the exception for MI101 on old-job matched nothing",
        "  sarif         out/midas.sarif",
        "  html          out/midas.html",
        "  json          out/midas.json",
    ]


def test_a_clean_run_says_so() -> None:
    assert lines_of(clean_report())[0] == "Midas  No open findings: 1 rule passed"


@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (40, 24), (200, 60)])
def test_it_fits_the_screen_and_says_what_it_does_not_show(columns: int, lines: int) -> None:
    shown = lines_of(large_report(5_000), columns, lines)
    assert len(shown) <= lines - 1
    assert all(len(line) <= columns for line in shown)
    listed = sum("MI201" in line for line in shown)
    assert f"  and {5_000 - listed:,} more" in shown
    assert listed >= 3


def test_the_fullest_report_fits_the_smallest_screen() -> None:
    report = make_report(
        findings=large_report(100).findings,
        rules=(*RULES, *(msgspec.structs.replace(RULES[0], code=f"MI{family}01") for family in (4, 5, 6))),
        gaps=tuple(Gap("assignments", f"/subscriptions/{number}", "refused", "") for number in range(50)),
        faults=tuple(RuleFault(f"MI20{number}", "KeyError: x") for number in range(5)),
        notices=tuple(f"exception {number} has expired" for number in range(5)),
    )
    shown = lines_of(report)
    assert len(shown) <= 24
    for told in (
        "  rule crashed  and 4 more: see the reports",
        "  not read      assignments in /subscriptions/0: refused",
        "  not read      and 49 more: see the reports",
        "  notice        exception 0 has expired",
        "  json          out/midas.json",
    ):
        assert told in shown


def test_without_a_screen_the_ten_worst_are_listed() -> None:
    text = terminal.render(large_report(100)).decode()
    assert [f"app-{number:05}" in text for number in (0, 9, 10)] == [True, True, False]
    assert "  and 90 more\n" in text


def test_the_fix_of_a_rule_is_told_once() -> None:
    assert terminal.render(large_report(100)).decode().count("fix: ") == 1


def test_a_pipe_gets_plain_text() -> None:
    assert b"\x1b" not in terminal.render(make_report())


def test_a_terminal_gets_colour_unless_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    coloured, plain = Terminal(), Terminal()
    terminal.show(make_report(), stream=coloured, width=80, height=24)
    monkeypatch.setenv("NO_COLOR", "1")
    terminal.show(make_report(), stream=plain, width=80, height=24)
    assert "\x1b[1;31m" in coloured.getvalue()
    assert "31m" not in plain.getvalue()


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_never_drives_the_terminal(name: str) -> None:
    for line in lines_of(hostile_report(HOSTILE[name]), 80, 40):
        assert line.isprintable()
        assert len(line) <= 80


def test_markup_of_the_library_is_text() -> None:
    marked = msgspec.structs.replace(RUN, target="[bold]x[/bold] :warning:")
    assert "[bold]x[/bold] :warning:" in terminal.render(make_report(run=marked)).decode()


def test_an_accepted_finding_is_not_among_the_worst() -> None:
    accepted = msgspec.structs.replace(OWNER, suppressed=make_report().findings[2].suppressed)
    text = terminal.render(make_report(findings=(accepted,))).decode()
    assert "ci-deployer" not in text
