"""Interrupted anywhere and started again, a collection ends with the same facts."""

from __future__ import annotations

import msgspec
import pytest

from scanner.facts.schema import TABLES
from scanner.sources.azure.collect import collect
from scanner.sources.azure.errors import SourceError
from scanner.sources.azure.journal import Journal, Unit
from scanner.sources.azure.progress import SilentProgress
from scanner.sources.azure.request import ScanScope

TOLD = tuple(name for name, table in TABLES.items() if not table.derived and name != "entities")


@pytest.mark.parametrize("completed", [0, 1, 2, 9, 20, 45, 90])
def test_interrupted_after_any_number_of_units(start_azure, gather, in_words, monkeypatch, fair, completed):
    emulator = start_azure("contoso")
    saved: list[str] = []
    kept = Journal.save

    def save(self, unit):
        if len(saved) >= completed:
            raise KeyboardInterrupt
        saved.append(unit.name)
        kept(self, unit)

    monkeypatch.setattr(Journal, "save", save)
    with pytest.raises(KeyboardInterrupt):
        gather()
    monkeypatch.setattr(Journal, "save", kept)
    before = len(emulator.requests)
    assert in_words(gather(resume=True), *TOLD) == fair
    again = [r for r in emulator.requests[before:] if "/metadata/" not in r.path]
    assert len(again) <= 110 - completed


def test_a_finished_journal_needs_no_request_for_rows(start_azure, gather, in_words):
    emulator = start_azure("contoso")
    first = in_words(gather(), *TOLD)
    before = len(emulator.requests)
    assert in_words(gather(resume=True), *TOLD) == first
    assert emulator.requests[before:] == []


def test_resuming_without_anything_to_resume_is_to_begin(start_azure, gather, in_words, fair, request_for):
    start_azure("contoso")
    assert not request_for().work.exists()
    assert in_words(gather(resume=True), *TOLD) == fair


def test_a_unit_that_was_cut_short_or_changed_is_read_again(start_azure, gather, in_words, request_for):
    emulator = start_azure("contoso")
    first = in_words(gather(), *TOLD)
    units = sorted((request_for().work / "units").iterdir(), key=lambda unit: -unit.stat().st_size)
    units[0].write_bytes(units[0].read_bytes()[:-1])
    units[1].write_bytes(units[1].read_bytes()[:40] + b"changed" + units[1].read_bytes()[47:])
    units[2].write_bytes(b"")
    before = len(emulator.requests)
    assert in_words(gather(resume=True), *TOLD) == first
    assert len([r for r in emulator.requests[before:] if "/metadata/" not in r.path]) == 3


def test_without_resume_it_starts_anew(start_azure, gather):
    emulator = start_azure("contoso")
    gather()
    before = len(emulator.requests)
    gather()
    assert len(emulator.requests) - before == before


@pytest.mark.parametrize(
    "changed",
    [
        {"cloud": "china"},
        {"tables": frozenset(["identities"])},
        {"settings": frozenset()},
        {"scope": ScanScope(management_group="root")},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_the_journal_of_another_scan_is_refused(request_for, changed):
    Journal(request_for())
    with pytest.raises(SourceError, match="of another scan"):
        Journal(request_for(resume=True, **changed))


def test_the_journal_is_its_owners_only(start_azure, gather, request_for):
    start_azure("contoso")
    gather()
    work = request_for().work
    files = [path for path in work.rglob("*") if path.is_file()]
    assert len(files) > 50
    assert {path.name for path in files if path.stat().st_mode & 0o077} == set()
    assert work.stat().st_mode & 0o077 == 0


def test_a_work_folder_that_cannot_be_made_is_said(request_for, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SourceError, match="the work folder cannot be used"):
        Journal(request_for(work=tmp_path / "file" / "work"))


def test_a_disk_that_is_full_is_said(start_azure, request_for, clock, monkeypatch):
    start_azure("contoso")
    journal = Journal(request_for())

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("scanner.sources.azure.journal.write_private", full)
    with pytest.raises(SourceError, match=r"No space left on device.*--resume"):
        journal.save(Unit(name="x", rows=[]))


def test_names_and_rows_come_back_as_they_were(request_for):
    journal = Journal(request_for())
    odd = Unit(
        name="../../etc | \u202e <b> " + "x" * 10_000, rows=[{"a": [1, None, "\u0000é"]}, "text", 7], total=3
    )
    journal.save(odd)
    assert journal.load(odd.name) == odd
    assert journal.load(odd.name + "y") is None
    journal.forget(odd.name)
    assert journal.load(odd.name) is None


def test_a_request_is_the_same_whatever_its_folder(request_for, tmp_path):
    Journal(request_for())
    moved = msgspec.structs.replace(request_for(resume=True), work=tmp_path / "work")
    Journal(moved)


def test_the_transport_is_left_closed_after_an_error(start_azure, request_for, clock):
    start_azure("contoso")
    with pytest.raises(SourceError):
        collect(
            request_for(scope=ScanScope(management_group="nowhere")), progress=SilentProgress(), clock=clock
        )
    assert clock.stopped
