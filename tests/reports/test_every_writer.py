"""What holds for each format: deterministic, UTF-8, and no text of a stranger breaks it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.write import FORMATS, writer
from tests.reports.sample import (
    HOSTILE,
    SECRET,
    clean_report,
    code_report,
    hostile_code_report,
    hostile_report,
    make_report,
)

_CONTROLS = [
    *map(chr, (*range(0x09), *range(0x0E, 0x20), *range(0x7F, 0xA0))),
    "\u202e",
    "\u2066",
    "\u200f",
    "\ufeff",
]


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_report_gives_the_same_bytes(name: str) -> None:
    assert writer(name)(make_report()) == writer(name)(make_report())


@pytest.mark.parametrize("name", FORMATS)
def test_a_run_without_findings_is_written(name: str) -> None:
    assert writer(name)(clean_report()).endswith(b"\n")


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("text", HOSTILE)
def test_no_format_lets_a_control_character_through(name: str, text: str) -> None:
    document = writer(name)(hostile_report(HOSTILE[text])).decode()
    assert [character for character in _CONTROLS if character in document] == []
    document = writer(name)(hostile_code_report(HOSTILE[text])).decode()
    assert [character for character in _CONTROLS if character in document] == []


@pytest.mark.parametrize("name", FORMATS)
def test_no_format_shows_a_secret_of_the_code(name: str) -> None:
    report = code_report()
    document = writer(name)(report).decode()
    assert SECRET not in document
    assert "AccountKey=" not in document
    assert writer(name)(report).decode() == document


@settings(max_examples=40, deadline=None)
@given(st.text(alphabet=st.characters(), max_size=80))
def test_any_text_can_be_written(text: str) -> None:
    for report in (hostile_report(text), hostile_code_report(text)):
        for name in FORMATS:
            document = writer(name)(report).decode()
            assert [character for character in _CONTROLS if character in document] == [], name


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "json"])
def test_one_very_long_name_does_not_fill_the_report(name: str) -> None:
    short, long = (len(writer(name)(hostile_report(letter))) for letter in ("x", "x" * 10_000))
    assert long - short < 80_000
