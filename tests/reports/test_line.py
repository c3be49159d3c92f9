"""Text in columns: wide characters take two, and nothing is lost where a text is broken."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from reports.line import cells, wrapped


def test_a_text_is_broken_at_blanks_by_the_columns_it_takes() -> None:
    assert wrapped("id-日本語 has full control", 14) == ["id-日本語 has", "full control"]
    assert wrapped("one-two three", 8) == ["one-two", "three"]
    assert wrapped("", 8) == [""]


def test_a_word_that_is_too_long_is_broken_anywhere() -> None:
    assert wrapped("see /subscriptions/x", 8) == ["see", "/subscri", "ptions/x"]
    assert wrapped("日本語", 3) == ["日", "本", "語"]


def test_what_is_too_much_is_cut_in_the_last_line() -> None:
    assert wrapped("one two three four", 8, 2) == ["one two", "three f…"]
    assert wrapped("one two three", 8, 3) == ["one two", "three"]


@given(st.text(alphabet="ab日e\u0301 -", max_size=80), st.integers(2, 20))
def test_every_line_fits_and_nothing_is_lost(text: str, columns: int) -> None:
    lines = wrapped(text, columns)
    assert all(cells(line) <= columns for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())
