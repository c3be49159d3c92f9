"""A baseline: what was there when the line was drawn does not count, and what is gone is told."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import msgspec
import pytest

from scanner.engine.baseline import Baseline, BaselineError, Said, make_baseline, read_baseline
from scanner.engine.finding import Declared, Finding, Location, Suppression
from scanner.engine.policy import accept, reaches
from scanner.rule import Severity
from tests.engine.test_policy import SUBJECT, exception, finding

DRAWN, LATER = date(2026, 11, 1), date(2026, 11, 25)
JUDGED = {"MI101", "MI102"}
PLACE = Location("infra/main.tf", 12, 3, 12, 20)


SUBJECT_OF = finding().subject


def in_code() -> Finding:
    return msgspec.structs.replace(
        finding("MI101"),
        location=PLACE,
        declared=Declared(PLACE, "azurerm_role_assignment.ci", "terraform"),
        fingerprint="c" * 32,
    )


def written(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "midas-baseline.json"
    path.write_bytes(data)
    return path


def test_it_reads_well_in_a_review() -> None:
    tenant = finding()
    assert make_baseline([tenant, in_code(), tenant], DRAWN).decode().splitlines() == [
        "{",
        '  "schema": "midas-baseline/v1",',
        '  "findings": [',
        '    {"fingerprint":"' + "c" * 32 + '","code":"MI101","subject":"azurerm_role_assignment.ci",'
        '"place":"infra/main.tf:12","since":"2026-11-01","reason":"","said":""},',
        f'    {{"fingerprint":"{tenant.fingerprint}","code":"MI102","subject":"{SUBJECT}",'
        '"place":"","since":"2026-11-01","reason":"","said":""}',
        "  ]",
        "}",
    ]
    assert json.loads(make_baseline([], DRAWN)) == {"schema": "midas-baseline/v1", "findings": []}


def test_what_is_in_it_is_accepted_and_does_not_count(tmp_path: Path) -> None:
    baseline = read_baseline(written(tmp_path, make_baseline([in_code()], DRAWN, reason="before the audit")))
    moved = msgspec.structs.replace(in_code(), location=Location("infra/main.tf", 99, 1, 99, 2))
    (old, new), notices = accept([moved, finding()], [], LATER, judged=JUDGED, baseline=baseline)
    assert old.suppressed == Suppression("baseline", "before the audit (in the baseline since 2026-11-01)")
    assert new.suppressed is None
    assert notices == ()
    assert not reaches([old], Severity.INFO)


def test_what_is_gone_is_told(tmp_path: Path) -> None:
    baseline = read_baseline(written(tmp_path, make_baseline([in_code(), finding()], DRAWN)))
    _, notices = accept([finding()], [], LATER, judged=JUDGED, baseline=baseline)
    assert notices == (
        "midas-baseline.json: 1 finding is gone: MI101 azurerm_role_assignment.ci (infra/main.tf:12); "
        "write the baseline again (midas baseline) so that it cannot come back unseen",
    )


def test_many_gone_are_named_in_part(tmp_path: Path) -> None:
    many = [msgspec.structs.replace(in_code(), fingerprint=f"{number:032x}") for number in range(5)]
    baseline = read_baseline(written(tmp_path, make_baseline(many, DRAWN)))
    [notice] = baseline.notices_of_gone([], JUDGED)
    assert notice.startswith(
        "midas-baseline.json: 5 findings are gone: MI101 azurerm_role_assignment.ci (infra"
    )
    assert notice.count("MI101") == 3
    assert " and 2 more; " in notice


def test_of_rules_that_did_not_run_and_files_not_looked_at_nothing_is_said(tmp_path: Path) -> None:
    baseline = read_baseline(written(tmp_path, make_baseline([in_code(), finding()], DRAWN)))
    assert list(baseline.notices_of_gone([], {"MI305"})) == []
    [notice] = baseline.notices_of_gone([], JUDGED, lambda uri: not uri.startswith("infra/"))
    assert "1 finding is gone: MI102" in notice


def test_an_exception_is_told_before_the_baseline(tmp_path: Path) -> None:
    baseline = read_baseline(written(tmp_path, make_baseline([finding()], DRAWN)))
    (one,), notices = accept([finding()], [exception()], LATER, judged=JUDGED, baseline=baseline)
    assert one.suppressed is not None
    assert one.suppressed.kind == "exception"
    assert notices == ()


def test_written_again_it_keeps_day_and_reason_and_leaves_out_what_is_accepted_otherwise(
    tmp_path: Path,
) -> None:
    before = read_baseline(written(tmp_path, make_baseline([in_code()], DRAWN, reason="before the audit")))
    (old,), _ = accept([in_code()], [], LATER, judged=JUDGED, baseline=before)
    waived = msgspec.structs.replace(finding(), suppressed=Suppression("exception", "agreed"))
    again = json.loads(make_baseline([old, waived], LATER, reason="new", before=before))
    assert [(entry["code"], entry["since"], entry["reason"]) for entry in again["findings"]] == [
        ("MI101", "2026-11-01", "before the audit")
    ]


# ---- refactoring


def says(finding: Finding) -> Said:
    """Who it is about, in the unit (infra) and in whichever."""
    return f"(infra) {finding.subject.name}", finding.subject.name


def renamed(uri: str = "infra/main.tf", fingerprint: str = "d") -> Finding:
    return msgspec.structs.replace(
        in_code(), location=Location(uri, 3, 1, 3, 9), fingerprint=fingerprint * 32
    )


def drawn(tmp_path: Path, *findings: Finding) -> Baseline:
    return read_baseline(written(tmp_path, make_baseline(findings, DRAWN, reason="old", said=says)))


def test_what_says_the_same_in_its_unit_is_known_under_another_fingerprint(tmp_path: Path) -> None:
    before = drawn(tmp_path, in_code())
    after = before.following([renamed()], says, lambda _: False)
    assert {name: (entry.reason, entry.fingerprint) for name, entry in after.entries.items()} == {
        "d" * 32: ("old", "d" * 32)
    }
    (one,), notices = accept([renamed()], [], LATER, judged=JUDGED, baseline=after)
    assert one.suppressed == Suppression("baseline", "old (in the baseline since 2026-11-01)")
    assert notices == ()


def test_in_another_unit_it_is_known_only_when_its_file_is_gone(tmp_path: Path) -> None:
    def elsewhere(finding: Finding) -> Said:
        return f"(other) {finding.subject.name}", finding.subject.name

    before = drawn(tmp_path, in_code())
    copy = renamed("other/main.tf")
    assert before.following([copy], elsewhere, lambda _: False) == before
    assert set(before.following([copy], elsewhere, lambda uri: uri == "infra/main.tf").entries) == {"d" * 32}


def test_each_entry_stands_for_one_finding_and_not_while_its_own_is_there(tmp_path: Path) -> None:
    before = drawn(tmp_path, in_code())
    assert before.following([in_code(), renamed()], says, lambda _: True) == before
    twice = before.following([renamed(), renamed(fingerprint="e")], says, lambda _: True)
    assert set(twice.entries) == {"d" * 32}


def test_what_is_of_a_tenant_or_says_something_else_is_not_followed(tmp_path: Path) -> None:
    of_tenant = msgspec.structs.replace(finding("MI101"), fingerprint="f" * 32)
    before = drawn(tmp_path, in_code(), of_tenant)
    other = msgspec.structs.replace(renamed(), subject=msgspec.structs.replace(SUBJECT_OF, name="another"))
    nowhere = msgspec.structs.replace(of_tenant, fingerprint="a" * 32)
    assert before.following([other, nowhere], says, lambda _: True).entries == before.entries


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "is no baseline: "),
        (b"[]", "is no baseline: Expected `object`, got `array`"),
        (b'{"schema": "midas-baseline/v1", "findings": [{"code": 1}]}', r"findings\[0\]"),
        (b'{"schema": "midas-baseline/v9", "findings": []}', "its schema is 'midas-baseline/v9'"),
        (b'{"schema": "\xff"}', "is no baseline: "),
    ],
)
def test_a_file_that_is_none_is_refused_with_the_reason(tmp_path: Path, data: bytes, why: str) -> None:
    with pytest.raises(BaselineError, match=why):
        read_baseline(written(tmp_path, data))


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BaselineError, match="there is no such baseline; midas baseline writes one"):
        read_baseline(tmp_path / "gone.json")
    with pytest.raises(BaselineError, match="cannot be read: is a directory"):
        read_baseline(tmp_path)
