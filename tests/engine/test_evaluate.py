"""Verdicts: what fails, passes, is unknown or not applicable, and what happens when a rule crashes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scanner.engine.describe import entities_of, findings, results, unknowns
from scanner.engine.evaluate import judge
from scanner.engine.finding import RuleResult
from scanner.engine.registry import Rule
from scanner.facts.cases import Element, World, assigned, attached, federated, identity, refused, resource
from scanner.rule import Facts, Frame, Meta, Severity, col, lit


def rule(check: Callable[[Facts], Frame], *, code: str = "MI190", **meta: Any) -> Rule:
    extra = {name: meta.pop(name) for name in ("applies", "undecided") if name in meta}
    values = {
        "id": code,
        "name": f"rule-{code.lower()}",
        "severity": Severity.MEDIUM,
        "subject": "user_assigned_identities",
        "message": "{name} it is",
        "since": "0.1",
    } | meta
    return Rule(meta=Meta(**values), path=Path("rule.py"), page="A page.", check=check, cases=(), **extra)


def unattached(facts: Facts) -> Frame:
    return facts.user_assigned_identities.join(facts.attachments, on="identity", how="anti").select(
        "identity"
    )


def federated_anywhere(facts: Facts) -> Frame:
    found = facts.federated_credentials.select("identity").unique()
    return facts.user_assigned_identities.join(found, on="identity", how="semi").select("identity")


def counts(result: RuleResult) -> tuple[int, int, int, int]:
    return result.failed, result.passed, result.unknown, result.not_applicable


def run(
    *elements: Element, rules: list[Rule]
) -> tuple[tuple[RuleResult, ...], list[str], list[tuple[str, str]], list[str]]:
    store = World(elements).build()
    judgement = judge(store, rules)
    entities = entities_of(store, judgement)
    found = [f"{f.code} {f.subject.name}" for f in findings(judgement, entities)]
    undecided = [(u.subject.rsplit("/", 1)[-1], u.reason) for u in unknowns(judgement, entities)]
    return results(judgement), found, undecided, [fault.error for fault in judgement.faults]


def test_a_subject_fails_or_passes() -> None:
    result, found, undecided, faults = run(
        identity("idle"),
        identity("app"),
        attached("app", to="vm"),
        rules=[rule(unattached, absent=("attachments",))],
    )
    assert found == ["MI190 idle"]
    assert counts(result[0]) == (1, 1, 0, 0)
    assert (undecided, faults) == ([], [])


def test_a_gap_where_absence_convicts_makes_failing_unknown_and_leaves_passing() -> None:
    result, found, undecided, _ = run(
        identity("idle"),
        identity("app"),
        attached("app", to="vm"),
        refused("attachments", at="subscription:other"),
        rules=[rule(unattached, absent=("attachments",))],
    )
    assert found == []
    assert counts(result[0]) == (0, 1, 1, 0)
    assert [name for name, _ in undecided] == ["idle"]
    assert "attachments not read" in undecided[0][1]


def test_a_gap_where_presence_convicts_makes_passing_unknown_and_leaves_failing() -> None:
    result, found, undecided, _ = run(
        identity("ci"),
        identity("app"),
        identity("other"),
        federated("ci", issuer="https://example.test"),
        refused("federated_credentials", at="identity:app"),
        rules=[rule(federated_anywhere, reads=("federated_credentials",))],
    )
    assert found == ["MI190 ci"]
    assert [name for name, _ in undecided] == ["app"]
    assert counts(result[0]) == (1, 1, 1, 0)


def test_what_lies_outside_the_scope_asked_for_convicts_nobody_of_an_absence_and_takes_no_pass_away() -> None:
    world = (
        identity("idle"),
        identity("app"),
        attached("app", to="vm"),
        refused("attachments", reason="outside"),
    )
    result, found, undecided, _ = run(*world, rules=[rule(unattached, absent=("attachments",))])
    assert found == []
    assert [name for name, _ in undecided] == ["idle"]
    attached_at_all = rule(
        lambda facts: facts.user_assigned_identities.join(
            facts.attachments, on="identity", how="semi"
        ).select("identity"),
        reads=("attachments",),
    )
    result, found, undecided, _ = run(*world, rules=[attached_at_all])
    assert found == ["MI190 app"]
    assert undecided == []
    assert counts(result[0]) == (1, 1, 0, 0)


def test_a_part_of_the_subject_table_that_was_not_read_is_one_unknown_under_its_own_id() -> None:
    result, _, undecided, _ = run(
        identity("app"),
        attached("app", to="vm"),
        refused("identities", at="subscription:main"),
        rules=[rule(unattached, absent=("attachments",))],
    )
    assert counts(result[0]) == (0, 1, 1, 0)
    assert "identities not read" in undecided[0][1]


def test_what_a_rule_does_not_apply_to_is_not_applicable() -> None:
    applies = lambda facts: facts.user_assigned_identities.join(  # noqa: E731
        facts.federated_credentials, on="identity", how="semi"
    )
    result, found, _, _ = run(
        identity("ci"),
        identity("app"),
        federated("ci", issuer="https://example.test"),
        rules=[rule(unattached, absent=("attachments",), reads=("federated_credentials",), applies=applies)],
    )
    assert counts(result[0])[3] == 1
    assert "MI190 ci" in found


def test_an_undecided_subject_is_unknown_unless_it_fails() -> None:
    undecided = lambda facts: facts.user_assigned_identities.with_columns(reason=lit("who knows"))  # noqa: E731
    result, found, unknown, _ = run(
        identity("idle"),
        identity("app"),
        attached("app", to="vm"),
        rules=[rule(unattached, absent=("attachments",), undecided=undecided)],
    )
    assert found == ["MI190 idle"]
    assert unknown == [("app", "who knows")]
    assert counts(result[0]) == (1, 0, 1, 0)


def raising(facts: Facts) -> Frame:
    raise ValueError("no such thing")


def fails_when_collected(facts: Facts) -> Frame:
    return facts.user_assigned_identities.select(
        "identity", wrong=col("location").cast(__import__("narwhals").Int64)
    )


@pytest.mark.parametrize(
    ("check", "words"),
    [
        (raising, "ValueError: no such thing"),
        (fails_when_collected, "conversion"),
        (lambda facts: facts.user_assigned_identities.select("location"), "returned no column 'identity'"),
        (lambda facts: facts.user_assigned_identities.select("identity", some_role=lit(1)), "'some_role'"),
        (lambda facts: facts.user_assigned_identities.collect(), "must return a lazy frame"),
        (lambda facts: facts.attachments, "without declaring"),
        (lambda facts: facts.atachments, "no table is called 'atachments'"),
        (lambda facts: None, "must return a lazy frame"),
        (lambda facts: __import__("sys").exit(0), "SystemExit: 0"),
    ],
)
def test_a_rule_that_crashes_is_unknown_with_its_fault_and_the_others_go_on(check: Any, words: str) -> None:
    result, found, undecided, faults = run(
        identity("idle"), rules=[rule(check), rule(unattached, code="MI191", absent=("attachments",))]
    )
    assert found == ["MI191 idle"]
    assert counts(result[0]) == (0, 0, 1, 0)
    assert len(faults) == 1
    assert words in faults[0]
    assert undecided == [("", "the rule crashed")]


def test_what_a_check_prints_does_not_reach_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    def noisy(facts: Facts) -> Frame:
        print("noise")
        return unattached(facts)

    run(identity("idle"), rules=[rule(noisy, absent=("attachments",))])
    assert capsys.readouterr() == ("", "noise\n")


def test_a_message_that_names_a_missing_column_is_a_fault() -> None:
    _, _, _, faults = run(
        identity("idle"), rules=[rule(unattached, absent=("attachments",), message="{name} {grants}")]
    )
    assert "no column 'grants'" in faults[0]


def test_a_subject_returned_twice_is_a_fault_unless_the_key_tells_the_rows_apart() -> None:
    def per_resource(facts: Facts) -> Frame:
        return facts.user_assigned_identities.select("identity").join(facts.attachments, on="identity")

    world = (identity("app"), attached("app", to="vm"), attached("app", to="web"))
    _, _, _, faults = run(*world, rules=[rule(per_resource, reads=("attachments",))])
    assert "returned a subject twice" in faults[0]
    result, found, _, faults = run(
        *world, rules=[rule(per_resource, reads=("attachments",), key=("resource",))]
    )
    assert faults == []
    assert found == ["MI190 app", "MI190 app"]
    assert counts(result[0]) == (1, 0, 0, 0)


def test_keys_become_names_and_evidence_and_the_fingerprint_outlives_them() -> None:
    def held(facts: Facts) -> Frame:
        return facts.grants.filter(~col("identity").is_null()).select(
            "assignment", "holder", "role", "scope", "level"
        )

    subject = rule(
        held,
        subject="workload_assignments",
        reads=("grants",),
        key=("holder",),
        message="{holder} holds {role} on the {level} {scope} ({scope.type})",
    )
    store = World([identity("app"), assigned("app", "Reader")]).build()
    judgement = judge(store, [subject])
    (finding,) = findings(judgement, entities_of(store, judgement))
    assert finding.message == "app holds Reader on the subscription main (microsoft.resources/subscriptions)"
    assert finding.evidence["role"]["name"] == "Reader"
    assert finding.evidence["level"] == "subscription"
    again = World([resource("other"), identity("new"), identity("app"), assigned("app", "Reader")]).build()
    second = judge(again, [subject])
    assert findings(second, entities_of(again, second))[0].fingerprint == finding.fingerprint


def test_findings_come_worst_first_then_by_code_and_id() -> None:
    every = lambda facts: facts.user_assigned_identities.select("identity")  # noqa: E731
    _, found, _, _ = run(
        identity("b"),
        identity("a"),
        rules=[
            rule(every, code="MI191"),
            rule(every, code="MI192", severity=Severity.CRITICAL),
            rule(every, code="MI190"),
        ],
    )
    assert found == ["MI192 a", "MI192 b", "MI190 a", "MI190 b", "MI191 a", "MI191 b"]


def test_a_severity_override_reaches_rule_and_finding() -> None:
    store = World([identity("a")]).build()
    one = rule(lambda facts: facts.user_assigned_identities.select("identity"))
    judgement = judge(store, [one])
    override = {"MI190": Severity.INFO}
    assert results(judgement, override)[0].severity is Severity.INFO
    assert findings(judgement, entities_of(store, judgement), override)[0].severity is Severity.INFO
