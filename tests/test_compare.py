"""Which findings a change brings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from scanner.compare import compared, new_gaps, once_for_each_place, only_new
from scanner.engine.finding import (
    Declared,
    Finding,
    Gap,
    Location,
    Related,
    RuleResult,
    Subject,
    Suppression,
    Unknown,
)
from scanner.engine.source_files import SourceFiles
from scanner.rule import Confidence, Effort, Severity


def finding(
    fingerprint: str,
    line: int | None = None,
    *,
    uri: str = "main.tf",
    code: str = "MI201",
    address: str = "r.a",
    subject: str = "a",
    id: str = "",  # noqa: A002
    type: str = "type",  # noqa: A002
    evidence: dict[str, Any] | None = None,
    called: str = "",
    suppressed: Suppression | None = None,
) -> Finding:
    place = None if line is None else Location(uri, line, 1, line, 6)
    return Finding(
        code=code,
        name="owner",
        severity=Severity.HIGH,
        confidence=Confidence.HIGH,
        effort=Effort.LOW,
        message="m",
        subject=Subject(id or f"/{subject}", type, subject),
        subscription=None,
        location=place,
        evidence=evidence or {},
        fingerprint=fingerprint,
        suppressed=suppressed,
        declared=None if place is None else Declared(place, address, "terraform"),
        related=(Related(Location(called, 1, 1, 1, 2), "called here"),) if called else (),
    )


ASSIGNMENT = "microsoft.authorization/roleassignments"


def owner(
    label: str, unit: str = ".", *, holder: str = "app", uri: str = "main.tf", called: str = ""
) -> Finding:
    """Owner of a unit's subscription, as a label declares it."""
    marker = f"({unit})"
    return finding(
        f"{unit} {label}",
        1,
        uri=uri,
        address=f"azurerm_role_assignment.{label}",
        subject=f"Owner for {holder}",
        id=f"/subscriptions/{marker}/providers/{ASSIGNMENT}/{{azurerm_role_assignment.{label}.name}}",
        type=ASSIGNMENT,
        evidence={
            "holder": {"id": f"/subscriptions/{marker}/identities/{holder}", "name": holder, "type": "x"},
            "scope": {"id": f"/subscriptions/{marker}", "name": f"data.{label}", "type": "y"},
            "level": "subscription",
        },
        called=called,
    )


def sources(*names: str) -> SourceFiles:
    return SourceFiles(dict.fromkeys(names, b"x\n").get)


def changes(
    now: list[Finding],
    before: list[Finding],
    after: SourceFiles | None = None,
    moves: Sequence[tuple[str, str]] = (),
) -> list[str]:
    return [one.change for one in compared(now, before, after or sources("main.tf"), lambda: moves)]


def test_the_same_finding_is_unchanged_wherever_it_stands() -> None:
    assert changes([finding("f1", 3), finding("f2", 1)], [finding("f1", 1)]) == ["unchanged", "new"]


def test_a_renamed_assignment_is_nothing_new_but_a_second_one_is() -> None:
    assert changes([owner("renamed")], [owner("first")]) == ["unchanged"]
    assert changes([owner("first"), owner("second")], [owner("first")]) == ["unchanged", "new"]
    assert changes([owner("renamed"), owner("second")], [owner("first")]) == ["unchanged", "new"]
    assert changes([owner("x"), owner("y")], [owner("a"), owner("b")]) == ["unchanged", "unchanged"]


def test_another_holder_rule_or_value_is_new_whatever_else_is_the_same() -> None:
    assert changes([owner("renamed", holder="other")], [owner("first")]) == ["new"]
    said = {"level": "subscription"}
    before = [finding("o", 1, evidence=said)]
    assert changes([finding("n", 1, evidence=said)], before) == ["unchanged"]
    assert changes([finding("n", 1, evidence={"level": "tenant"})], before) == ["new"]
    assert changes([finding("n", 1, evidence=said, code="MI202")], before) == ["new"]
    assert changes([finding("n", 1, evidence=said, subject="b")], before) == ["new"]
    assert changes([finding("n", 1, evidence=said, id="/elsewhere/a")], before) == ["new"]


def test_what_is_named_by_its_own_address_only_is_known_again() -> None:
    before = [finding("o", 1, address="r.a", id="/group/stores/{r.a.name}")]
    assert changes([finding("n", 1, address="r.b", id="/group/stores/{r.b.name}")], before) == ["unchanged"]
    assert changes([finding("n", 1, address="r.b", id="/group/stores/{var.name}")], before) == ["new"]


def test_another_unit_says_it_anew_unless_the_first_is_gone() -> None:
    before = [owner("first", "dev", uri="dev/main.tf")]
    now = [owner("first", "prod", uri="prod/main.tf")]
    assert changes(now, before, sources("dev/main.tf", "prod/main.tf")) == ["new"]
    assert changes(now, before, sources("prod/main.tf")) == ["unchanged"]
    assert changes([*now, owner("more", "prod")], before, sources("prod/main.tf")) == ["unchanged", "new"]


def test_the_unit_of_a_module_is_gone_when_its_outermost_call_is() -> None:
    before = [owner("first", "dev", uri="modules/grant/main.tf", called="dev/main.tf")]
    now = [owner("first", "prod", uri="modules/grant/main.tf", called="prod/main.tf")]
    modules = "modules/grant/main.tf"
    assert changes(now, before, sources(modules, "dev/main.tf", "prod/main.tf")) == ["new"]
    assert changes(now, before, sources(modules, "prod/main.tf")) == ["unchanged"]


@pytest.mark.parametrize(
    ("old", "new", "moves", "change"),
    [
        ("p.a", "p.b", [], "new"),
        ("p.a", "p.b", [("p.a", "p.b")], "unchanged"),
        ("p.a", "p.c", [("p.a", "p.b"), ("p.b", "p.c")], "unchanged"),
        ("p.a[0]", 'p.a["x"]', [("p.a[0]", 'p.a["x"]')], "unchanged"),
        ("p.a[1]", "p.b[1]", [("p.a", "p.b")], "unchanged"),
        ("module.m.p.a", "module.m.p.b", [("p.a", "p.b")], "unchanged"),
        ("module.m.p.a", "module.n[0].p.a", [("module.m", "module.n[0]")], "unchanged"),
        ("p.a", "module.n.p.a", [("p.a", "module.n.p.a")], "unchanged"),
        ("p.a", "p.b", [("p.a", "p.b"), ("p.b", "p.a")], "unchanged"),
        ("p.a1", "p.b1", [("p.a", "p.b")], "new"),
        ("other-p.a", "other-p.b", [("p.a", "p.b")], "new"),
        ("data.p.a", "data.p.b", [("p.a", "p.b")], "new"),
    ],
)
def test_moves_say_what_an_address_was_before(
    old: str, new: str, moves: list[tuple[str, str]], change: str
) -> None:
    before, now = (
        finding(mark, 1, subject=address, address=address, evidence={"property": address})
        for mark, address in (("o", old), ("n", new))
    )
    assert changes([now], [before], moves=moves) == [change]


def test_moves_are_only_asked_for_where_they_can_matter() -> None:
    def asked() -> Sequence[tuple[str, str]]:
        raise AssertionError("nothing is gone")

    marked = compared([finding("f", 1), finding("n", 2)], [finding("f", 1)], sources(), asked)
    assert [one.change for one in marked] == ["unchanged", "new"]
    assert compared([finding("f", 1)], [finding("f", 1), finding("o", 2)], sources(), asked)


def test_what_has_no_place_is_known_by_what_it_says_too() -> None:
    assert [one.change for one in compared([finding("n")], [finding("o")], None)] == ["unchanged"]
    assert [one.change for one in compared([finding("n", subject="b")], [finding("o")], None)] == ["new"]
    assert [one.change for one in compared([finding("f")], [finding("f")], None)] == ["unchanged"]


def unknown(subject: str, reason: str = "r", code: str = "MI201") -> Unknown:
    return Unknown(code, subject, reason)


def test_only_new_unknowns_count() -> None:
    result = rule(passed=4, failed=0, unknown=4, not_applicable=2)
    now = [unknown("/a"), unknown("/b"), unknown("main.tf:9"), unknown("/a", "another")]
    (counted,), _, left = only_new([result], [], now, [unknown("/a"), unknown("main.tf:7"), unknown("/gone")])
    assert left == (unknown("/b"), unknown("/a", "another"))
    assert (counted.unknown, counted.not_applicable, counted.passed) == (2, 4, 4)


def gap(scope: str, detail: str = "d") -> Gap:
    return Gap("resources", scope, "unresolved", detail)


def test_gaps_are_told_that_are_new_or_lie_where_the_change_is() -> None:
    before = [gap("same.tf:3"), gap("touched.tf:1"), gap("/subscriptions/s"), gap("same.tf:9", "gone")]
    now = [
        gap("same.tf:4"),
        gap("same.tf:5"),
        gap("touched.tf:2"),
        gap("/subscriptions/s"),
        gap("new.tf:1"),
        gap("same.tf:1", "e"),
    ]
    then = SourceFiles({"same.tf": b"x", "touched.tf": b"x"}.get)
    after = SourceFiles({"same.tf": b"x", "touched.tf": b"y", "new.tf": b"z"}.get)
    assert new_gaps(now, before, after, then) == (
        gap("same.tf:5"),
        gap("touched.tf:2"),
        gap("/subscriptions/s"),
        gap("new.tf:1"),
        gap("same.tf:1", "e"),
    )
    assert new_gaps(now[:1], before, after, None) == ()


def rule(*, passed: int, failed: int, unknown: int, not_applicable: int) -> RuleResult:
    return RuleResult(
        code="MI201",
        name="owner",
        severity=Severity.HIGH,
        confidence=Confidence.HIGH,
        effort=Effort.LOW,
        page="",
        passed=passed,
        failed=failed,
        unknown=unknown,
        not_applicable=not_applicable,
    )


def test_rules_count_only_what_is_new() -> None:
    result = rule(passed=4, failed=3, unknown=1, not_applicable=2)
    marked = compared(
        [finding("f1", 1, subject="a"), finding("f2", 2, subject="b"), finding("n", 3, subject="c")],
        [finding("f1", 1), finding("f2", 2)],
        sources("main.tf"),
    )
    (counted,), new, _ = only_new([result], marked)
    assert [one.fingerprint for one in new] == ["n"]
    assert (counted.failed, counted.passed, counted.unknown, counted.not_applicable) == (1, 4, 1, 4)


def test_one_finding_stands_for_all_of_its_place() -> None:
    accepted = Suppression("inline", "why")
    found = [
        finding("f1", 1, subject="a"),
        finding("f2", 1, subject="c"),
        finding("f3", 1, subject="b"),
        finding("f4", 1, subject="d", code="MI202"),
        finding("f5", 2, subject="e"),
        finding("f6", 1, subject="g", suppressed=accepted),
        finding("f7", subject="h"),
        finding("f8", subject="h"),
    ]
    kept = once_for_each_place(found)
    assert [one.fingerprint for one in kept] == ["f1", "f4", "f5", "f6", "f7", "f8"]
    assert kept[0].evidence == {"also": ["b", "c"]}
    assert found[0].evidence == {}


def test_what_differs_of_one_place_is_told_as_it_is() -> None:
    one, other = finding("f1", 1, subject="a"), finding("f2", 1, subject="b")
    kept = once_for_each_place([one, msgspec.structs.replace(other, message="b can do more")])
    assert [one.evidence for one in kept] == [{"also": ["b can do more"]}]
