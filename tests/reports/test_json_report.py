import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from reports import json_report
from reports.report import Report
from tests.reports.sample import (
    HOSTILE,
    OWNER,
    clean_report,
    code_report,
    finding,
    hostile_report,
    make_report,
)

SCHEMA = json.loads(json_report.SCHEMA_FILE.read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(
    SCHEMA, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
)
GOLDEN = Path(__file__).parent / "golden" / "sample.json"


def document_of(report: Report) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(json_report.render(report))
    assert [error.message for error in VALIDATOR.iter_errors(document)] == []
    return document


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_the_sample_is_written_as_reviewed() -> None:
    assert json_report.render(make_report()).decode() == GOLDEN.read_text(encoding="utf-8")


def test_the_shape_is_the_frozen_one() -> None:
    document = document_of(make_report())
    assert list(document) == ["schema", "tool", "run", "rules", "findings", "unknown", "gaps"]
    assert document["schema"] == "midas/v1"
    assert document["rules"][0] == {
        "code": "MI101",
        "name": "orphaned-user-assigned-identity",
        "severity": "medium",
        "pass": 37,
        "fail": 1,
        "unknown": 2,
        "not_applicable": 0,
    }
    assert document["gaps"] == [
        {
            "table": "attachments",
            "scope": "/subscriptions/lab",
            "reason": "refused: Reader is missing on the subscription",
        }
    ]
    assert document["run"]["faults"] == [{"code": "MI303", "error": "ColumnNotFoundError: issuer"}]


def test_a_finding_is_open_or_says_who_accepted_it() -> None:
    owner, wildcard, orphan = document_of(make_report())["findings"]
    assert (owner["suppressed"], owner["location"]) == (False, None)
    assert wildcard["location"] == {
        "uri": "infra/main.tf",
        "line": 12,
        "column": 3,
        "end_line": 18,
        "end_column": 4,
    }
    assert orphan["suppressed"] == {
        "kind": "exception",
        "reason": "kept for the audit",
        "owner": "platform team",
        "expires": "2026-12-31",
    }


def test_only_code_has_a_declaration_other_places_and_fixes() -> None:
    place = {"uri": "infra/main.tf", "line": 5, "column": 1, "end_line": 5, "end_column": 39}
    owner, _, _, key = document_of(code_report())["findings"]
    assert owner["declared"] == {
        "place": place,
        "address": "azurerm_role_assignment.ci",
        "language": "terraform",
    }
    assert [(other["message"], other["location"]["uri"]) for other in owner["related"]] == [
        ("holder ci", "infra/main.tf"),
        ("called here", "main.tf"),
    ]
    assert key["fixes"] == [
        {
            "description": "set shared_access_key_enabled to false",
            "edits": [
                {
                    "uri": "infra/main.tf",
                    "start_line": 2,
                    "start_column": 14,
                    "end_line": 2,
                    "end_column": 14,
                    "text": "\n  x = 1",
                }
            ],
        }
    ]
    tenant = document_of(make_report())["findings"][0]
    assert not {"declared", "related", "fixes", "change"} & set(tenant)


def test_a_finding_that_the_change_brings_says_so() -> None:
    import msgspec

    new = msgspec.structs.replace(OWNER, change="new")
    assert [one.get("change") for one in document_of(make_report(findings=(new, OWNER)))["findings"]] == [
        "new",
        None,
    ]


def test_a_clean_run_is_complete() -> None:
    assert document_of(clean_report())["run"]["complete"] is True
    assert document_of(make_report())["run"]["complete"] is False


@pytest.mark.parametrize("name", [name for name in HOSTILE if name != "surrogate"])
def test_hostile_text_is_kept_whole_and_the_file_prints_safely(name: str) -> None:
    text = HOSTILE[name]
    first = document_of(hostile_report(text))["findings"][0]
    assert first["subject"]["name"] == text
    assert first["evidence"]["issuer"] == text
    written = json_report.render(hostile_report(text)).decode()
    assert not [c for c in written if c in "\x1b\x9b\u202e\u2066\u200f\ufeff\x00\u2028"]


def test_a_lone_surrogate_becomes_the_replacement_character() -> None:
    assert (
        document_of(hostile_report(HOSTILE["surrogate"]))["findings"][0]["subject"]["name"] == "half � pair"
    )


@pytest.mark.parametrize("unwanted", ["extra", "effort"])
def test_the_schema_refuses_what_the_shape_does_not_have(unwanted: str) -> None:
    document = document_of(make_report(findings=(OWNER,)))
    document["findings"][0][unwanted] = "x"
    [error] = VALIDATOR.iter_errors(document)
    assert unwanted in error.message


def test_evidence_may_hold_numbers_and_nothing() -> None:
    evidence = {"n": 1.5, "none": None, "list": [True]}
    odd = finding("MI201", "x", OWNER.severity, OWNER.subject, "m", evidence=evidence)
    assert document_of(make_report(findings=(odd,)))["findings"][0]["evidence"] == evidence
