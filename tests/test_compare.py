"""Which findings a change brings."""

from __future__ import annotations

from scanner.compare import compared, once_for_each_place, only_new
from scanner.engine.finding import Declared, Finding, Location, RuleResult, Subject, Suppression
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
        subject=Subject(f"/{subject}", "type", subject),
        subscription=None,
        location=place,
        evidence={},
        fingerprint=fingerprint,
        suppressed=suppressed,
        declared=None if place is None else Declared(place, address, "terraform"),
    )


def sources(**files: str) -> SourceFiles:
    held = {f"{name}.tf": text.encode() for name, text in files.items()}
    return SourceFiles(held.get)


def changes(now: list[Finding], before: list[Finding], after: SourceFiles, old: SourceFiles) -> list[str]:
    return [one.change for one in compared(now, before, after, old)]


def test_the_same_finding_is_unchanged_wherever_it_stands() -> None:
    assert changes(
        [finding("f1", 3), finding("f2", 1)],
        [finding("f1", 1)],
        sources(main="x\nx\nx\n"),
        sources(main="x\n"),
    ) == ["unchanged", "new"]


def test_the_same_text_under_another_id_is_unchanged_as_often_as_it_was_there() -> None:
    now, old = sources(main="owner a\nowner a\n"), sources(main="\nowner a\n")
    assert changes([finding("n1", 1), finding("n2", 2)], [finding("o1", 2)], now, old) == ["unchanged", "new"]


def test_white_space_does_not_tell_texts_apart_but_words_address_and_rule_do() -> None:
    old = sources(main="a  = 1\n")
    assert changes([finding("n", 1)], [finding("o", 1)], sources(main="a   =\n"), old) == ["unchanged"]
    assert changes([finding("n", 1)], [finding("o", 1)], sources(main="b  = 1\n"), old) == ["new"]
    assert changes([finding("n", 1, address="r.b")], [finding("o", 1)], old, old) == ["new"]
    assert changes([finding("n", 1, code="MI202")], [finding("o", 1)], old, old) == ["new"]


def test_a_finding_still_there_does_not_make_another_one_old() -> None:
    text = sources(main="owner a\nowner a\n")
    assert changes([finding("f1", 1), finding("n", 2)], [finding("f1", 1)], text, text) == [
        "unchanged",
        "new",
    ]


def test_what_has_no_place_or_text_is_told_by_its_fingerprint_alone() -> None:
    nothing = sources()
    assert changes([finding("n")], [finding("o")], nothing, nothing) == ["new"]
    assert changes([finding("n", 1)], [finding("o", 1)], nothing, nothing) == ["new"]
    assert [one.change for one in compared([finding("f")], [finding("f")], None, None)] == ["unchanged"]


def test_rules_count_only_what_is_new() -> None:
    result = RuleResult(
        code="MI201",
        name="owner",
        severity=Severity.HIGH,
        confidence=Confidence.HIGH,
        effort=Effort.LOW,
        page="",
        passed=4,
        failed=3,
        unknown=1,
        not_applicable=2,
    )
    marked = compared(
        [finding("f1", 1, subject="a"), finding("f2", 2, subject="b"), finding("n", 3, subject="c")],
        [finding("f1", 1), finding("f2", 2)],
        sources(main="a\nb\nc\n"),
        sources(main="a\nb\n"),
    )
    (counted,), new = only_new([result], marked)
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
