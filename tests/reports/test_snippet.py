"""The lines of a finding: which, how they are shown, and what of them is marked."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.snippet import CodeLine, snippet, snippet_of
from scanner.engine.finding import Location
from scanner.engine.source_files import SourceFiles
from tests.reports.sample import CODE_KEY, CODE_OWNER, FILES, OWNER


def lines(text: str, *place: int, most: int = 1, suspect: bool = False) -> list[tuple[int, str, str]]:
    """Return number, text and marked part of each line."""
    found = snippet(SourceFiles(lambda _: text.encode()), Location("a", *place), most=most, suspect=suspect)
    assert found is not None
    return [(line.number, line.text, line.text[line.start : line.end]) for line in found.lines]


def test_the_line_with_what_is_marked() -> None:
    assert lines('a\n  b = "c" # d\n', 2, 3, 2, 10) == [(2, '  b = "c" # d', 'b = "c"')]


def test_a_span_of_lines_is_marked_from_sign_to_sign() -> None:
    assert lines("x {\n  y\n\n} z", 1, 3, 4, 2, most=10) == [
        (1, "x {", "{"),
        (2, "  y", "y"),
        (3, "", ""),
        (4, "} z", "}"),
    ]
    found = snippet(SourceFiles(lambda _: b"a\nb\nc\nd"), Location("a", 1, 1, 4, 2), most=3)
    assert found is not None
    assert (len(found.lines), found.more) == (3, 1)


def test_tabs_and_what_does_not_print_move_the_mark_with_them() -> None:
    assert lines("\t\x1b\u202ea = b", 1, 4, 1, 9) == [(1, "    ␛\\u202ea = b", "a = b")]


def test_a_masked_secret_moves_the_mark_and_is_marked_whole() -> None:
    assert lines('password = "hunter2" + b', 1, 24, 1, 25) == [(1, 'password = "***" + b', "b")]
    assert lines('password = "hunter2"', 1, 15, 1, 17) == [(1, 'password = "***"', "***")]


def test_a_secret_text_of_several_lines_is_masked_to_its_end() -> None:
    text = "password = <<EOT\nhunter2\nEOT\n"
    assert [line for _, line, _ in lines(text, 1, 1, 3, 4, most=5)] == ["password = <<EOT", "***", "***"]


def test_a_literal_whose_name_stands_on_another_line_is_masked() -> None:
    text = "{\n  name: 'DB_PASSWORD'\n  value: 'hunter2'\n}\n"
    assert lines(text, 3, 3, 3, 19) == [(3, "  value: '***'", "value: '***'")]
    assert lines(text.replace("DB_PASSWORD", "COLOUR"), 3, 3, 3, 19)[0][1] == "  value: 'hunter2'"


def test_findings_about_credentials_mask_more() -> None:
    files = SourceFiles({"infra/main.tf": b'  COLOUR = "blue"\n'}.get)
    place = Location("infra/main.tf", 1, 3, 1, 18)
    key, owner = (msgspec.structs.replace(one, location=place) for one in (CODE_KEY, CODE_OWNER))
    masked, plain = snippet_of(files, key), snippet_of(files, owner)
    assert masked is not None
    assert plain is not None
    assert (masked.lines[0].text, plain.lines[0].text) == ('  COLOUR = "***"', '  COLOUR = "blue"')


def test_what_cannot_be_shown_is_none() -> None:
    files = SourceFiles(FILES.get)
    assert snippet_of(None, CODE_OWNER) is None
    assert snippet_of(files, OWNER) is None
    assert snippet(files, Location("gone.tf", 1, 1, 1, 2)) is None
    assert snippet(files, Location("infra/main.tf", 99, 1, 99, 2)) is None
    assert snippet(SourceFiles(lambda _: b"x" * 200_000), Location("a", 1, 1, 1, 2)) is None


@pytest.mark.parametrize(
    ("start", "end", "text", "marked"),
    [(0, 5, "01234567890123456789012345678…", "01234"), (60, 64, "…1234567890123456789012345678…", "0123")],
)
def test_a_long_line_is_cut_around_the_mark(start: int, end: int, text: str, marked: str) -> None:
    line = CodeLine(1, "0123456789" * 10, start, end).fitted(30)
    assert line.text == text
    assert line.text[line.start : line.end] == marked


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60), st.integers(1, 70), st.integers(1, 70), st.integers(12, 40))
def test_any_line_is_shown_printable_with_the_mark_in_it(text: str, start: int, end: int, room: int) -> None:
    data = text.replace("\r", "").replace("\n", "").encode("utf-8", "replace")
    found = snippet(SourceFiles(lambda _: data), Location("a", 1, start, 1, end))
    assert found is not None
    for line in (found.lines[0], found.lines[0].fitted(room)):
        assert line.text.isprintable()
        assert 0 <= line.start <= line.end
        assert line.start <= len(line.text)
