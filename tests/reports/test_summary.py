import msgspec
import pytest

from reports.summary import (
    busiest_subjects,
    counted,
    families,
    is_complete,
    over_threshold,
    priorities,
    score,
    title_of,
    verdict,
)
from scanner.engine.finding import Gap, RuleResult
from scanner.rule import Confidence, Effort, Severity
from tests.reports.sample import OWNER, OWNER_PAGE, RUN, WILDCARD, clean_report, finding, make_report, rule

COMPLETE = msgspec.structs.replace(RUN, complete=True)


def counts(severity: Severity, passed: int, failed: int, unknown: int = 0) -> RuleResult:
    return rule("MI201", "x", OWNER_PAGE, severity, passed=passed, failed=failed, unknown=unknown)


def test_counts_speak_of_unknown_only_where_there_is_some() -> None:
    assert counted(3, 41, 5) == "3 of 41 failed, 5 unknown"
    assert counted(0, 1041, 0) == "0 of 1,041 failed"


def test_the_score_weighs_by_severity_and_unknown_is_not_passed() -> None:
    assert score([counts(Severity.HIGH, 10, 0)]) == 100
    assert score([counts(Severity.HIGH, 9, 1)]) == 90
    assert score([counts(Severity.HIGH, 9, 0, 1)]) == 90
    assert score([counts(Severity.CRITICAL, 0, 1), counts(Severity.LOW, 10, 0)]) == 50
    assert score([counts(Severity.HIGH, 0, 0)]) is None


def test_one_failure_among_very_many_is_never_a_hundred() -> None:
    assert score([counts(Severity.LOW, 1_000_000, 1)]) == 99
    assert score([counts(Severity.LOW, 1_000_000, 0), counts(Severity.INFO, 0, 1)]) == 99


def test_families_count_their_rules_and_open_findings() -> None:
    lifecycle, privilege, federation = families(make_report())
    assert (lifecycle.name, lifecycle.failed, lifecycle.judged, lifecycle.unknown) == ("Lifecycle", 1, 40, 2)
    assert lifecycle.worst is None, "its only finding is accepted"
    assert (privilege.name, privilege.worst) == ("Privilege", Severity.CRITICAL)
    assert (federation.rules, federation.by_severity[Severity.HIGH]) == (2, 1)


def test_the_worst_comes_first_then_the_surest_then_the_easiest() -> None:
    def variant(
        code: str, confidence: Confidence, effort: Effort, severity: Severity = Severity.HIGH
    ) -> object:
        return finding(code, "x", severity, OWNER.subject, "m", confidence=confidence, effort=effort)

    report = make_report(
        findings=(
            variant("MI204", Confidence.LOW, Effort.LOW),
            variant("MI203", Confidence.HIGH, Effort.HIGH),
            variant("MI202", Confidence.HIGH, Effort.LOW),
            variant("MI205", Confidence.LOW, Effort.HIGH, Severity.CRITICAL),
        )
    )
    assert [priority.rule.code for priority in priorities(report)] == ["MI205", "MI202", "MI203", "MI204"]


def test_accepted_findings_are_nothing_to_fix() -> None:
    assert [priority.rule.code for priority in priorities(make_report())] == ["MI201", "MI301"]


def test_subjects_that_fail_several_rules_are_found_whatever_their_case() -> None:
    shouted = msgspec.structs.replace(OWNER.subject, id=OWNER.subject.id.upper())
    second = msgspec.structs.replace(WILDCARD, subject=shouted)
    [(first, other)] = busiest_subjects(make_report(findings=(OWNER, second)), 8)
    assert (first.code, other.code) == ("MI201", "MI301")
    assert busiest_subjects(make_report(), 8) == []
    twice = msgspec.structs.replace(OWNER, fingerprint="b" * 32)
    assert busiest_subjects(make_report(findings=(OWNER, twice)), 8) == [], "two findings of one rule"


@pytest.mark.parametrize(
    ("threshold", "expected"), [(Severity.LOW, 2), (Severity.HIGH, 2), (Severity.CRITICAL, 1), (None, 0)]
)
def test_only_open_findings_at_the_threshold_or_worse_fail_the_run(
    threshold: Severity | None, expected: int
) -> None:
    assert over_threshold(make_report(threshold=threshold)) == expected


def test_an_incomplete_run_is_never_called_clean() -> None:
    assert verdict(make_report()) == "2 open findings from 2 of 4 rules, and not everything could be read"
    assert verdict(make_report(findings=())) == (
        "No open findings in what could be read, but not everything could be read"
    )
    unread = make_report(findings=(), gaps=(), faults=(), run=COMPLETE)
    assert verdict(unread) == "No open findings, but 6 answers unknown"
    assert verdict(clean_report()) == "No open findings: 1 rule passed"


def test_a_run_that_judged_nothing_is_never_called_clean_or_complete() -> None:
    idle = rule("MI201", "x", OWNER_PAGE, Severity.HIGH, not_applicable=5)
    nothing = msgspec.structs.replace(clean_report(), rules=(idle,))
    assert verdict(nothing) == "Nothing was judged: no rule found a subject in what was read"
    assert verdict(msgspec.structs.replace(nothing, rules=())) == "Nothing was judged: no rule was run"
    gaps = (Gap("assignments", "/", "refused", ""),)
    assert verdict(msgspec.structs.replace(nothing, gaps=gaps)) == (
        "Nothing was judged: no rule found a subject in what could be read"
    )
    assert not is_complete(nothing)
    assert is_complete(clean_report())


def test_a_rule_that_judged_nothing_did_not_pass() -> None:
    idle = rule("MI202", "x", OWNER_PAGE, Severity.HIGH)
    report = msgspec.structs.replace(clean_report(), rules=(*clean_report().rules, idle))
    assert verdict(report) == "No open findings: 1 of 2 rules passed, 1 had nothing to judge"
    assert counted(0, 0, 0) == "nothing to judge"


def test_a_gap_makes_a_run_incomplete_even_if_it_says_otherwise() -> None:
    assert "not everything could be read" in verdict(make_report(run=COMPLETE, faults=()))


def test_names_become_titles() -> None:
    assert title_of("owner-at-subscription-or-above") == "Owner at subscription or above"
    assert title_of("aks-cluster-on-service-principal") == "AKS cluster on service principal"
