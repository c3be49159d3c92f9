import os
import re
import sys
from io import BytesIO, StringIO, TextIOWrapper

import msgspec
import pytest

from reports import terminal
from reports.report import Report
from reports.write import OutputError
from scanner.engine.finding import Gap, Location, Related, RuleFault, Unknown
from tests.reports.sample import (
    HOSTILE,
    OWNER,
    PROD,
    RULES,
    RUN,
    clean_report,
    finding,
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
        "       subscriptions prod, shop: 2 subscriptions, 42 identities, 310 role",
        "       assignments",
        "       1 critical  1 high  1 accepted",
        "",
        "  Lifecycle             92/100  1 of 40 failed, 2 unknown",
        "  Privilege             97/100  1 of 41 failed",
        "  Federation            53/100  1 of 8 failed, 4 unknown",
        "",
        "  critical MI201  ci-deployer holds Owner at subscription prod",
        "             fix: Replace the assignment by the roles that the workload uses, o…",
        "  high     MI301  release trusts repo:contoso/*",
        "             --> infra/main.tf:12:3",
        "             fix: Name one environment: repo:ORG/REPO:environment:production.",
        "",
        "  rule crashed  MI303: ColumnNotFoundError: issuer",
        "  not read      attachments: refused: Reader is missing on… (/subscriptions/lab)",
        "  notice        the exception for MI101 on old-job matched nothing",
        "  sarif         out/midas.sarif",
        "  html          out/midas.html",
        "  json          out/midas.json",
    ]


def test_the_places_that_a_finding_of_no_code_speaks_of_are_told() -> None:
    report = make_report()
    place = Location("infra/main.tf", 3, 1, 3, 9)
    related = tuple(Related(place, f"target identity id-{number}") for number in range(3))
    findings = tuple(
        msgspec.structs.replace(finding, location=None, declared=None, related=related)
        for finding in report.findings
    )
    told = lines_of(msgspec.structs.replace(report, findings=findings), 120, 60)
    at = told.index("  high     MI301  release trusts repo:contoso/*")
    assert told[at + 1 : at + 3] == [
        "             = target identity id-0: infra/main.tf:3:1",
        "             = target identity id-1: infra/main.tf:3:1",
    ]
    assert "id-2" not in "".join(told)


def test_of_code_ten_notices_are_told_and_where_the_others_are() -> None:
    report = make_report()
    run = msgspec.structs.replace(report.run, source="repository")
    notices = tuple(f"main.tf:{line}: it gives no reason" for line in range(1, 13))
    in_code = msgspec.structs.replace(report, run=run, notices=notices)
    told = [line for line in lines_of(in_code, 80, 24) if line.startswith("  notice")]
    assert told == [
        *(f"  notice        {notice}" for notice in notices[:10]),
        "  notice        and 2 more: see the reports",
    ]
    alone = StringIO()
    terminal.show(in_code, stream=alone)
    assert "  notice        and 2 more: --output html=FILE has them all\n" in alone.getvalue()


def test_of_code_the_declarations_without_an_answer_are_told_the_most_severe_rules_first() -> None:
    report = make_report()
    run = msgspec.structs.replace(report.run, source="repository")
    place = Location("main.tf", 3, 1, 3, 9)
    unknown = (
        Unknown("MI101", "/x", "no one knows", place),
        Unknown("MI201", "/y", "the holder is not known", msgspec.structs.replace(place, line=7)),
        Unknown("MI301", "/x", "no one knows", place),
        Unknown("MI303", "/z", "the rule crashed"),
    )
    in_code = msgspec.structs.replace(report, run=run, unknown=unknown)
    assert [line for line in lines_of(in_code, 120) if line.startswith("  unknown")] == [
        "  unknown       main.tf:7:1: the holder is not known (MI201)",
        "  unknown       main.tf:3:1: no one knows (MI301, MI101)",
    ]
    assert not [line for line in lines_of(report, 120) if line.startswith("  unknown")]


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
        "  not read      assignments: refused (/subscriptions/0)",
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
    assert "\x1b" not in plain.getvalue(), "bold and dim are not plain either"


def test_without_a_terminal_nothing_is_cut() -> None:
    scope = f"/subscriptions/{'1' * 40}/resourceGroups/{'g' * 90}/providers/Microsoft.Web/sites/app"
    long = finding("MI201", "x", OWNER.severity, OWNER.subject, f"{'w' * 150} holds Owner at {'n' * 64}")
    stream = StringIO()
    report = make_report(
        findings=(long,),
        gaps=(Gap("attachments", scope, "refused", "Reader is missing on the subscription"),),
        run=msgspec.structs.replace(RUN, subjects={f"kinds of thing {number}": 1 for number in range(20)}),
    )
    path = f"/srv/{'p' * 200}/midas.sarif"
    terminal.show(report, files=[("sarif", path)], stream=stream)
    lines = stream.getvalue().splitlines()
    assert "…" not in stream.getvalue()
    assert f"  critical MI201  {long.message}" in lines
    assert f"  not read      attachments: refused: Reader is missing on the subscription ({scope})" in lines
    assert f"  sarif         {path}" in lines
    assert sum("kinds of thing 19" in line for line in lines) == 1
    assert terminal.render(report).decode().splitlines() == [line for line in lines if path not in line]


def test_on_a_terminal_the_middle_of_an_id_gives_way_and_the_reason_comes_first() -> None:
    scope = f"/subscriptions/{PROD.rpartition('/')[2]}/resourceGroups/rg/providers/Microsoft.Web/sites/app"
    gap = Gap("attachments", scope, "refused", "")
    message = f"{scope} has full control of prod (Owner)"
    long = finding("MI201", "x", OWNER.severity, OWNER.subject, message)
    lines = lines_of(make_report(findings=(long,), gaps=(gap, Gap("grants", "/", "throttled", ""))), lines=40)
    assert "  not read      attachments: refused (/subscriptions/…/sites/app)" in lines
    assert "  not read      grants: throttled (everything)" in lines
    assert "  critical MI201  /subscriptions/…/sites/app has full control of prod (Owner)" in lines


def test_colour_that_is_forced_cuts_nothing_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    stream = StringIO()
    terminal.show(make_report(), stream=stream)
    assert "\x1b[1;31m" in stream.getvalue()
    assert re.sub(r"\x1b\[[0-9;]*m", "", stream.getvalue()) == terminal.render(make_report()).decode()


def test_a_long_verdict_goes_on_in_the_next_line() -> None:
    shown = lines_of(make_report(), 40, 40)
    assert shown[:3] == [
        "Midas  2 open findings from 2 of 4",
        "       rules, and not everything could",
        "       be read",
    ]


def test_a_family_with_nothing_to_judge_says_so() -> None:
    text = terminal.render(make_report(rules=(msgspec.structs.replace(RULES[3], unknown=0),))).decode()
    assert "  Federation             -/100  nothing to judge\n" in text


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp437"])
def test_what_the_stream_cannot_hold_is_replaced(encoding: str) -> None:
    stream = TextIOWrapper(BytesIO(), encoding=encoding)
    terminal.show(hostile_report(HOSTILE["emoji"]), stream=stream, width=60)
    stream.seek(0)
    assert "critical MI201  ?\\u200d?\\u200d? " in stream.read()


def test_a_stream_that_knows_less_than_a_file_is_good_enough() -> None:
    class Bare:
        """A stand-in with what printing needs and no more."""

        text = ""

        def write(self, text: str) -> None:
            self.text += text

        def flush(self) -> None:
            """Hold nothing back."""

    bare = Bare()
    terminal.show(make_report(), stream=bare)  # type: ignore[arg-type]
    assert bare.text == terminal.render(make_report()).decode()


def test_a_closed_standard_output_gets_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    terminal.show(make_report())


def test_a_reader_that_has_gone_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w", encoding="utf-8") as stream:
        terminal.show(make_report(), stream=stream)


def test_a_stream_that_takes_no_more_is_one_clear_message(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        open("/dev/full", "w", encoding="utf-8") as full,
        pytest.raises(OutputError, match="the summary to standard output: no space left on device; free"),
    ):
        terminal.show(make_report(), stream=full)
    closed = StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stderr", closed)
    with pytest.raises(OutputError, match="the summary to standard error: it is closed; free"):
        terminal.show(make_report(), stream=closed)


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
