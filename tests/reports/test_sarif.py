import json
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from reports import sarif
from reports.artifact import artifact_path, category, file_path
from reports.report import Report
from scanner.engine.finding import Gap, Location, Suppression, fingerprint
from scanner.engine.source_files import SourceFiles
from tests.reports.sample import (
    CODE_OWNER,
    CODE_WIDE,
    HOSTILE,
    ORPHAN,
    OWNER,
    PROD,
    RUN,
    SECRET,
    clean_report,
    code_report,
    hostile_code_report,
    hostile_report,
    large_report,
    make_report,
)

HERE = Path(__file__).parent
SCHEMA = json.loads((HERE / "schemas" / "sarif-2.1.0.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft7Validator(SCHEMA, format_checker=jsonschema.Draft7Validator.FORMAT_CHECKER)


def run_of(report: Report) -> dict[str, Any]:
    document = json.loads(sarif.render(report))
    assert [error.message for error in VALIDATOR.iter_errors(document)] == []
    [run] = document["runs"]
    return run


def test_the_sample_is_written_as_reviewed() -> None:
    golden = HERE / "golden" / "sample.sarif"
    assert sarif.render(make_report()).decode() == golden.read_text(encoding="utf-8")


def test_every_loaded_rule_is_listed_with_its_help() -> None:
    run = run_of(make_report())
    rules = {rule["id"]: rule for rule in run["tool"]["driver"]["rules"]}
    assert list(rules) == ["MI101", "MI201", "MI301", "MI303"]
    owner = rules["MI201"]
    assert owner["properties"]["security-severity"] == "9.5"
    assert owner["properties"]["tags"] == ["security", "azure", "privilege", "mcsb:PA-7", "cis:1.23"]
    assert owner["defaultConfiguration"] == {"level": "error"}
    assert owner["helpUri"].startswith("https://learn.microsoft.com/")
    assert "az role assignment delete" in owner["help"]["text"]
    assert "## How to fix it" in owner["help"]["markdown"]
    assert rules["MI301"]["properties"]["precision"] == "medium"
    assert "helpUri" not in rules["MI303"]


def test_every_result_points_to_its_rule_and_has_a_place() -> None:
    run = run_of(make_report())
    rules = run["tool"]["driver"]["rules"]
    assert [rules[result["ruleIndex"]]["id"] for result in run["results"]] == ["MI201", "MI301", "MI101"]
    tenant, code, _ = run["results"]
    [place] = tenant["locations"]
    assert place["physicalLocation"]["region"] == {"startLine": 1}
    assert place["physicalLocation"]["artifactLocation"]["uri"].startswith("azure/subscriptions/11111111-")
    [logical] = place["logicalLocations"]
    assert (logical["fullyQualifiedName"], logical["name"]) == (OWNER.subject.id, "ci-deployer")
    assert code["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "infra/main.tf", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 12, "startColumn": 3, "endLine": 18, "endColumn": 4},
    }


def test_a_result_in_code_has_its_lines_other_places_and_address() -> None:
    run = run_of(code_report())
    owner = run["results"][0]
    [place] = owner["locations"]
    assert place["physicalLocation"] == {
        "artifactLocation": {"uri": "infra/main.tf", "uriBaseId": "%SRCROOT%"},
        "region": {
            "startLine": 7,
            "startColumn": 3,
            "endLine": 7,
            "endColumn": 33,
            "snippet": {"text": 'role_definition_name = "Owner"'},
        },
        "contextRegion": {
            "startLine": 7,
            "endLine": 7,
            "snippet": {"text": '  role_definition_name = "Owner"'},
        },
    }
    [logical] = place["logicalLocations"]
    assert (logical["fullyQualifiedName"], logical["name"]) == ("azurerm_role_assignment.ci", "ci")
    assert [
        (
            other["id"],
            other["message"]["text"],
            other["physicalLocation"]["artifactLocation"]["uri"],
            other["physicalLocation"]["region"]["startLine"],
        )
        for other in owner["relatedLocations"]
    ] == [(1, "holder ci", "infra/main.tf", 1), (2, "called here", "main.tf", 4)]
    assert run["columnKind"] == "unicodeCodePoints"


def test_no_line_of_a_result_holds_a_secret_and_the_run_says_what_stands_for_one() -> None:
    report = code_report()
    run = run_of(report)
    key = run["results"][3]
    assert key["locations"][0]["physicalLocation"]["region"]["snippet"] == {"text": 'STORAGE = "***"'}
    assert run["redactionTokens"] == ["***"]
    assert SECRET not in sarif.render(report).decode()


def test_a_file_that_is_not_there_any_more_leaves_the_place() -> None:
    gone = run_of(code_report())["results"][2]
    assert gone["locations"][0]["physicalLocation"]["region"] == {
        "startLine": 1,
        "startColumn": 1,
        "endLine": 1,
        "endColumn": 10,
    }


def test_a_fix_is_a_replacement_that_a_viewer_can_make() -> None:
    assert run_of(code_report())["results"][3]["fixes"] == [
        {
            "description": {"text": "set shared_access_key_enabled to false"},
            "artifactChanges": [
                {
                    "artifactLocation": {"uri": "infra/main.tf", "uriBaseId": "%SRCROOT%"},
                    "replacements": [
                        {
                            "deletedRegion": {
                                "startLine": 2,
                                "startColumn": 14,
                                "endLine": 2,
                                "endColumn": 14,
                            },
                            "insertedContent": {"text": "\n  x = 1"},
                        }
                    ],
                }
            ],
        }
    ]


def test_a_long_span_is_shown_in_part_and_the_context_says_how_far_it_goes() -> None:
    long = msgspec.structs.replace(CODE_OWNER, location=Location("a.tf", 2, 3, 30, 2))
    files = SourceFiles({"a.tf": b"\n".join(b"  line %d" % number for number in range(1, 40))}.get)
    [result] = run_of(code_report(findings=(long,), sources=files))["results"]
    physical = result["locations"][0]["physicalLocation"]
    assert "snippet" not in physical["region"]
    context = physical["contextRegion"]
    assert (context["startLine"], context["endLine"]) == (2, 30)
    assert context["snippet"]["text"].splitlines() == [f"  line {number}" for number in range(2, 12)]


def test_what_is_compared_with_the_base_says_so_on_every_result() -> None:
    new = msgspec.structs.replace(CODE_OWNER, change="new")
    results = run_of(code_report(findings=(new, CODE_WIDE)))["results"]
    assert [result["baselineState"] for result in results] == ["new", "unchanged"]
    assert all("baselineState" not in result for result in run_of(code_report())["results"])


@pytest.mark.parametrize(("kind", "shown"), [("inline", "inSource"), ("baseline", "external")])
def test_where_a_finding_was_accepted(kind: str, shown: str) -> None:
    accepted = msgspec.structs.replace(CODE_OWNER, suppressed=Suppression(kind, "known"))
    [result] = run_of(code_report(findings=(accepted,)))["results"]
    assert result["suppressions"] == [{"kind": shown, "status": "accepted", "justification": "known"}]


def test_a_gap_in_code_has_its_place() -> None:
    [invocation] = run_of(code_report())["invocations"]
    [note] = [note for note in invocation["toolExecutionNotifications"] if note["descriptor"]["id"] == "gap"]
    [place] = note["locations"]
    assert place["physicalLocation"] == {
        "artifactLocation": {"uri": "infra/broken.tf", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 12},
    }


def test_accepted_findings_are_suppressed_and_the_others_are_said_not_to_be() -> None:
    owner, wildcard, orphan = run_of(make_report())["results"]
    assert (owner["suppressions"], wildcard["suppressions"]) == ([], [])
    [suppression] = orphan["suppressions"]
    assert suppression["kind"] == "external"
    assert suppression["status"] == "accepted"
    assert suppression["justification"] == "kept for the audit; accepted by platform team; until 2026-12-31"


def test_what_was_not_read_is_told_and_the_run_does_not_succeed() -> None:
    [invocation] = run_of(make_report())["invocations"]
    assert invocation["executionSuccessful"] is False
    told = [
        (note["descriptor"]["id"], note["level"], note["message"]["text"])
        for note in invocation["toolExecutionNotifications"]
    ]
    assert told == [
        ("rule-fault", "error", "MI303 crashed: ColumnNotFoundError: issuer"),
        (
            "gap",
            "warning",
            "Not read: attachments in /subscriptions/lab: refused: Reader is missing on the subscription",
        ),
        ("unknown", "note", "MI101 orphaned-user-assigned-identity: 2 of 40 subjects unknown"),
        ("unknown", "note", "MI303 issuer-outside-allow-list: 4 of 4 subjects unknown"),
        ("notice", "warning", "the exception for MI101 on old-job matched nothing"),
    ]


def test_a_complete_run_succeeds() -> None:
    [invocation] = run_of(clean_report())["invocations"]
    assert invocation["executionSuccessful"] is True
    assert invocation["toolExecutionNotifications"] == []


def test_a_run_that_judged_nothing_does_not_succeed() -> None:
    idle = msgspec.structs.replace(clean_report().rules[0], passed=0)
    for rules, why in (((), "no rule was run"), ((idle,), "no rule found a subject in what was read")):
        [invocation] = run_of(msgspec.structs.replace(clean_report(), rules=rules))["invocations"]
        assert invocation["executionSuccessful"] is False
        [note] = invocation["toolExecutionNotifications"]
        assert (note["descriptor"]["id"], note["level"]) == ("nothing-judged", "error")
        assert note["message"]["text"] == f"Nothing was judged: {why}"


def test_findings_on_one_line_of_one_resource_stay_apart_and_keep_their_hash() -> None:
    def hashes(report: Report) -> list[str]:
        return [
            result["partialFingerprints"]["primaryLocationLineHash"] for result in run_of(report)["results"]
        ]

    holders = tuple(
        msgspec.structs.replace(OWNER, fingerprint=fingerprint("MI201", OWNER.subject.id, (holder,)))
        for holder in ("one", "two")
    )
    one, two = hashes(make_report(findings=holders))
    assert one != two
    assert hashes(make_report(findings=(*holders[1:], *make_report().findings)))[0] == two
    assert hashes(make_report(findings=(OWNER, OWNER))) == [
        f"{OWNER.fingerprint}:1",
        f"{OWNER.fingerprint}:2",
    ]


def test_notifications_refer_to_their_descriptor() -> None:
    run = run_of(make_report())
    descriptors = run["tool"]["driver"]["notifications"]
    for note in run["invocations"][0]["toolExecutionNotifications"]:
        assert descriptors[note["descriptor"]["index"]]["id"] == note["descriptor"]["id"]


def test_the_same_report_gives_the_same_bytes() -> None:
    assert sarif.render(make_report()) == sarif.render(make_report())


def test_beyond_the_limit_the_worst_stay_and_the_rest_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sarif, "RESULT_LIMIT", 2)
    accepted_first = make_report(
        findings=(msgspec.structs.replace(OWNER, suppressed=ORPHAN.suppressed), *make_report().findings)
    )
    run = run_of(accepted_first)
    assert [(result["ruleId"], result["suppressions"]) for result in run["results"]] == [
        ("MI201", []),
        ("MI301", []),
    ]
    assert run["invocations"][0]["toolExecutionNotifications"][-1]["message"]["text"] == (
        "2 of 4 findings are left out, the least severe ones: see the JSON report"
    )


def test_a_large_run_keeps_to_the_limit_of_its_consumers() -> None:
    results = json.loads(sarif.render(large_report(25_003)))["runs"][0]["results"]
    assert len(results) == 25_000
    assert results[0]["ruleId"] == "MI201"


def test_very_many_gaps_are_told_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sarif, "NOTIFICATION_LIMIT", 1)
    gaps = tuple(Gap("assignments", f"/subscriptions/{name}", "refused", "") for name in ("a", "b", "c"))
    notes = run_of(make_report(gaps=gaps, faults=(), notices=()))["invocations"][0][
        "toolExecutionNotifications"
    ]
    assert [note["message"]["text"] for note in notes[:2]] == [
        "Not read: assignments in /subscriptions/a: refused",
        "2 more gaps: see the JSON report",
    ]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_stays_valid_and_is_no_link_and_no_placeholder(name: str) -> None:
    results = run_of(hostile_report(HOSTILE[name]))["results"]
    for result in (*results, *run_of(hostile_code_report(HOSTILE[name]))["results"]):
        text = result["message"]["text"]
        assert text.isprintable()
        assert "](" not in text
        assert "{" not in text.replace("{{", "")


def test_a_path_does_not_depend_on_case_and_leaves_the_folder_never() -> None:
    assert artifact_path(OWNER.subject.id) == artifact_path(OWNER.subject.id.upper())
    assert artifact_path("/") == "azure/root"
    assert artifact_path("/subscriptions/../a b/%2e") == "azure/subscriptions/_../a%20b/%252e"
    assert file_path("../../etc/passwd") == "_../_../etc/passwd"


def test_a_long_path_is_cut_and_stays_different_from_its_neighbours() -> None:
    one, two = (artifact_path(f"{PROD}/{'é' * 9_000}{end}") for end in "ab")
    assert one != two
    assert len(one) <= 1_000
    assert "%-" not in one


def test_the_category_is_the_same_for_every_scan_of_a_target() -> None:
    later = msgspec.structs.replace(RUN, source="snapshot", requests=0)
    assert category(make_report()) == category(make_report(run=later))
    assert category(make_report()) != category(make_report(run=msgspec.structs.replace(RUN, target="tenant")))
    assert category(make_report()).endswith("/")


def test_a_check_is_filed_by_the_part_of_the_repository_and_by_no_folder_of_a_machine() -> None:
    def filed(target: str) -> str:
        return category(code_report(run=msgspec.structs.replace(code_report().run, target=target)))

    assert filed(".") == "midas/check/"
    assert filed("infra/prod/") == "midas/check/infra/prod/"
    assert filed("/build/1234/repository") == "midas/check/"
    assert filed("../x y") == "midas/check/_../x%20y/"
    assert len(filed("x/" * 500)) <= 101
