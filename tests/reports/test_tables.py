"""The writers for job summaries, spreadsheets and test viewers."""

import csv
import json
from io import StringIO
from xml.etree import ElementTree as Xml

import msgspec
import pytest
from markdown_it import MarkdownIt

from reports import csv_table, json_report, junit, markdown, terminal
from scanner.engine.finding import Gap
from tests.reports.sample import (
    HOSTILE,
    OWNER,
    RUN,
    clean_report,
    code_report,
    hostile_report,
    large_report,
    make_report,
)


def rows_of(document: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(document.decode(), newline="")))


def test_the_table_has_a_row_for_each_finding() -> None:
    rows = rows_of(csv_table.render(make_report()))
    assert [
        (row["code"], row["subject_name"], row["file"], row["line"], row["accepted"]) for row in rows
    ] == [
        ("MI201", "ci-deployer", "", "", ""),
        ("MI301", "release", "infra/main.tf", "12", ""),
        ("MI101", "old-batch", "", "", "kept for the audit"),
    ]


def test_of_code_the_table_has_place_and_address() -> None:
    rows = rows_of(csv_table.render(code_report()))
    assert [(row["code"], row["file"], row["line"], row["column"], row["subject_id"]) for row in rows][
        :2
    ] == [
        ("MI201", "infra/main.tf", "7", "3", "azurerm_role_assignment.ci"),
        ("MI301", "infra/main.tf", "14", "15", "azurerm_linux_web_app.app"),
    ]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "  =1+1", "\t=1", "\r=1"])
def test_no_cell_is_a_formula(text: str) -> None:
    row = rows_of(csv_table.render(hostile_report(text)))[0]
    assert not row["subject_name"].lstrip().startswith(("=", "+", "-", "@"))
    assert row["subject_name"].lstrip("'␉␍ ") == text.strip()


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_cells_stay_in_their_cell(name: str) -> None:
    rows = rows_of(csv_table.render(hostile_report(HOSTILE[name])))
    assert [row["fingerprint"] for row in rows] == ["f" * 32, "0" * 32]
    assert all(value.isprintable() for row in rows for value in row.values())


def test_a_summary_starts_with_the_verdict_and_what_was_not_read() -> None:
    lines = markdown.render(make_report()).decode().splitlines()
    assert lines[0] == "# Midas: 2 open findings from 2 of 4 rules, and not everything could be read"
    assert "- Rule MI303 crashed: `ColumnNotFoundError: issuer`" in lines
    [row] = [line for line in lines if line.startswith("| critical")]
    assert row.endswith("| `ci-deployer` | `ci-deployer holds Owner at subscription prod` |")
    assert "Not read" not in markdown.render(clean_report()).decode()


def test_a_summary_of_code_says_where_each_finding_is() -> None:
    lines = markdown.render(code_report()).decode().splitlines()
    assert "| Severity | Rule | Place | Subject | What |" in lines
    [row] = [line for line in lines if line.startswith("| critical")]
    assert row == (
        "| critical | MI201 Owner at subscription or above | `infra/main.tf:7:3` | `ci` "
        "| `ci has full control of the subscription (Owner at subscription scope)` |"
    )


def test_a_summary_says_why_first_and_where_last() -> None:
    gaps = (
        Gap("grants", "/", "throttled", ""),
        Gap("attachments", "/subscriptions/lab", "refused", "no Reader"),
    )
    lines = markdown.render(make_report(gaps=gaps)).decode().splitlines()
    assert "- Not read: `grants: throttled (everything)`" in lines
    assert "- Not read: `attachments: refused: no Reader (/subscriptions/lab)`" in lines


def test_a_run_that_judged_nothing_is_clean_in_no_format() -> None:
    idle = msgspec.structs.replace(clean_report().rules[0], passed=0)
    nothing = msgspec.structs.replace(clean_report(), rules=(idle,))
    why = "Nothing was judged: no rule found a subject in what was read"
    lines = markdown.render(nothing).decode().splitlines()
    assert lines[0] == f"# Midas: {why}"
    assert f"- {why}." in lines
    assert terminal.render(nothing).decode().startswith(f"Midas  {why}\n")
    cases = {
        case.get("name"): [child.tag for child in case]
        for case in Xml.fromstring(junit.render(nothing)).iter("testcase")
    }
    assert cases == {
        "MI201 Owner at subscription or above": ["skipped"],
        "something was judged": ["error"],
    }
    assert json.loads(json_report.render(nothing))["run"]["complete"] is False


def test_a_summary_lists_the_worst_and_says_how_many_more() -> None:
    text = markdown.render(large_report(150)).decode()
    assert text.count("\n| critical |") == 50
    assert "50 more findings: see the JSON report." in text


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_code_and_nothing_else(name: str) -> None:
    text = markdown.render(hostile_report(HOSTILE[name])).decode()
    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    tokens = [child for token in parser.parse(text) for child in [token, *(token.children or [])]]
    assert {token.type for token in tokens} <= {
        f"{block}_{end}"
        for block in ("heading", "paragraph", "bullet_list", "ordered_list", "list_item", "strong", "table")
        for end in ("open", "close")
    } | {f"{cell}_{end}" for cell in ("thead", "tbody", "tr", "th", "td") for end in ("open", "close")} | {
        "inline",
        "text",
        "code_inline",
    }
    [row] = [line for line in text.splitlines() if line.startswith("| critical")]
    assert row.count("|") == 5


def test_a_code_span_holds_backticks_and_pipes() -> None:
    assert markdown.code("a`b``c|d") == "``` a`b``c\\u007cd ```"
    assert markdown.code("") == "` `"


def test_each_finding_is_a_failure_and_what_was_not_read_an_error() -> None:
    root = Xml.fromstring(junit.render(make_report()))
    cases = {
        case.get("name"): [(child.tag, child.get("message")) for child in case]
        for case in root.iter("testcase")
    }
    assert cases == {
        "MI101 Orphaned user assigned identity: old-batch": [("skipped", "accepted: kept for the audit")],
        "MI201 Owner at subscription or above: ci-deployer": [
            ("failure", "ci-deployer holds Owner at subscription prod")
        ],
        "MI301 Wildcard federated subject: release": [
            ("failure", "infra/main.tf:12:3: release trusts repo:contoso/*")
        ],
        "MI303 Issuer outside allow list": [("skipped", "0 of 4 failed, 4 unknown")],
        "rule ran to its end": [("error", "ColumnNotFoundError: issuer")],
        "read attachments in /subscriptions/lab": [
            ("error", "refused: Reader is missing on the subscription")
        ],
    }
    assert {suite.get("name"): suite.get("failures") for suite in root} == {
        "Lifecycle": "0",
        "Privilege": "1",
        "Federation": "1",
        "Completeness": "0",
    }


def test_a_failure_in_code_names_file_and_line_and_no_id_that_nobody_knows() -> None:
    root = Xml.fromstring(junit.render(code_report()))
    [case] = [case for case in root.iter("testcase") if case.get("classname") == "MI201"]
    assert (case.get("file"), case.get("line")) == ("infra/main.tf", "7")
    assert case[0].text == (
        "infra/main.tf:7:3: ci has full control of the subscription (Owner at subscription scope) "
        "[azurerm_role_assignment.ci]"
    )


def test_a_clean_run_is_one_passed_case() -> None:
    root = Xml.fromstring(junit.render(clean_report()))
    assert [(case.get("name"), len(case)) for case in root.iter("testcase")] == [
        ("MI201 Owner at subscription or above", 0)
    ]


def test_incomplete_without_a_gap_is_still_an_error() -> None:
    report = make_report(findings=(), gaps=(), faults=(), run=msgspec.structs.replace(RUN, complete=False))
    assert [error.get("message") for error in Xml.fromstring(junit.render(report)).iter("error")] == [
        "the run is incomplete"
    ]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_well_formed_xml(name: str) -> None:
    root = Xml.fromstring(junit.render(hostile_report(HOSTILE[name])))
    assert {case.get("classname") for case in root.iter("testcase")} >= {"MI201", "MI303"}
    assert OWNER.code in {case.get("classname") for case in root.iter("testcase")}
