"""Exceptions, their expiry, and the threshold."""

from __future__ import annotations

from datetime import date

from scanner.engine.finding import Finding, Subject, fingerprint
from scanner.engine.policy import PolicyException, accept, chosen, reaches
from scanner.rule import Confidence, Effort, Severity

SUBJECT = (
    "/subscriptions/1/resourceGroups/App/providers/Microsoft.ManagedIdentity/userAssignedIdentities/Deploy"
)


RAN = {"MI101", "MI102"}


def finding(code: str = "MI102", severity: Severity = Severity.HIGH) -> Finding:
    return Finding(
        code=code,
        name="a-weakness",
        severity=severity,
        confidence=Confidence.HIGH,
        effort=Effort.LOW,
        message="it is weak",
        subject=Subject(id=SUBJECT, type="t", name="Deploy"),
        subscription="main",
        location=None,
        evidence={},
        fingerprint=fingerprint(code, SUBJECT, ()),
    )


def exception(
    subject: str = SUBJECT, *, rule: str = "MI102", expires: date = date(2027, 1, 31)
) -> PolicyException:
    return PolicyException(
        rule=rule,
        subject=subject,
        reason="moved next quarter",
        owner="platform",
        expires=expires,
        where="midas.toml:3",
    )


def test_an_exception_marks_its_finding_and_keeps_it() -> None:
    for subject in (SUBJECT, SUBJECT.upper(), SUBJECT + "/", "deploy", "*/resourcegroups/app/*"):
        (judged,), notices = accept([finding()], [exception(subject)], date(2026, 11, 25), judged=RAN)
        assert judged.suppressed is not None, subject
        assert judged.suppressed.owner == "platform"
        assert judged.suppressed.expires == "2027-01-31"
        assert notices == ()


def test_an_exception_is_only_for_its_rule_and_subject() -> None:
    for other in (
        exception(rule="MI101"),
        exception("other"),
        exception("deploy2"),
        exception("[dD]eploy"),
        exception("deplo?"),
    ):
        (judged,), notices = accept([finding()], [other], date(2026, 11, 25), judged=RAN)
        assert judged.suppressed is None
        assert "matches no finding" in notices[0]


def test_an_expired_exception_hides_nothing_and_says_so() -> None:
    last_day = date(2027, 1, 31)
    (judged,), notices = accept([finding()], [exception()], last_day, judged=RAN)
    assert judged.suppressed is not None
    (judged,), notices = accept([finding()], [exception()], date(2027, 2, 1), judged=RAN)
    assert judged.suppressed is None
    assert "midas.toml:3" in notices[0]
    assert "expired on 2027-01-31" in notices[0]


def test_of_the_exceptions_of_rules_that_did_not_run_nothing_is_said() -> None:
    _, notices = accept([], [exception()], date(2026, 11, 25), judged={"MI201"})
    assert notices == ()


def test_the_threshold_counts_what_nobody_accepted() -> None:
    high = finding()
    (accepted,), _ = accept([high], [exception()], date(2026, 11, 25), judged=RAN)
    assert reaches([high], Severity.LOW)
    assert reaches([high], Severity.HIGH)
    assert not reaches([high], Severity.CRITICAL)
    assert not reaches([high], None)
    assert not reaches([accepted], Severity.LOW)


def test_rules_are_chosen_by_code_or_its_beginning() -> None:
    assert chosen("MI201", (), ())
    assert chosen("MI201", ("MI2",), ())
    assert not chosen("MI101", ("MI2",), ())
    assert not chosen("MI201", ("MI2",), ("MI201",))
    assert not chosen("MI201", (), ("MI",))
