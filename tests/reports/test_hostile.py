import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.hostile import cut, encodable, json_bytes, shortened, shown, spoken, visible


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain Ünïcödé 漢字 👍", "plain Ünïcödé 漢字 👍"),
        ("a\nb", "a␤b"),
        ("a\r\n\tb", "a␍␤␉b"),
        ("\x1b[31m", "␛[31m"),
        ("a\x00b\x7f", "a␀b␡"),
        ("\x9b2J", "\\u009b2J"),
        ("abc\u202egpj.exe", "abc\\u202egpj.exe"),
        ("zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"),
        ("no\u00a0break", "no\\u00a0break"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("line\u2028end", "line\\u2028end"),
    ],
)
def test_what_does_not_print_is_made_visible(text: str, expected: str) -> None:
    assert visible(text) == expected


@given(st.text(alphabet=st.characters()))
def test_nothing_unprintable_is_left_and_printable_text_is_untouched(text: str) -> None:
    safe = visible(text)
    assert safe.isprintable()
    assert safe.encode().decode() == safe
    assert visible(safe) == safe


def test_a_long_text_is_cut_and_says_how_long_it_was() -> None:
    assert cut("x" * 500) == "x" * 500
    assert cut("x" * 501) == "x" * 500 + "… (501 characters)"


@given(st.text(alphabet=st.characters(), max_size=600))
def test_shown_is_visible_and_bounded(text: str) -> None:
    safe = shown(text, 50)
    assert safe.isprintable()
    # At most 50 characters, each written as at most ten (\U000e0041), and the note.
    assert len(safe) <= 50 * 10 + 30


def test_lone_surrogates_are_replaced_everywhere() -> None:
    assert encodable({"a\ud800": ["\udfff", ("x", 1, None, True)]}) == {"a�": ["�", ["x", 1, None, True]]}


def test_json_keeps_the_data_and_no_character_that_drives_a_terminal() -> None:
    document = {"name": "\x1b[31m\x9b\u202e\u2066\ufeff\n", "plain": "é漢"}
    text = json_bytes(document).decode()
    assert msgspec.json.decode(text) == document
    assert "é漢" in text
    assert not [character for character in text if character != "\n" and not character.isprintable()]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "none"),
        (True, "yes"),
        (False, "no"),
        (3, "3"),
        ([], "none"),
        (["a", 1], "a, 1"),
        ({"id": "/x", "name": "X", "type": "t"}, "X"),
        ({"id": "/x", "name": None, "type": "t"}, "/x"),
        ({"env": "prod", "n": None}, "env: prod, n: none"),
    ],
)
def test_evidence_reads_like_a_sentence(value: object, expected: str) -> None:
    assert spoken(value) == expected


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("short", 5, "short"),
        (
            "/subscriptions/1111/resourceGroups/rg/providers/Web/sites/app",
            40,
            "/subscriptions/1111/…/Web/sites/app",
        ),
        (
            "id-data-loader reaches all of the whole subscription Shop",
            40,
            "id-data-loader … subscription Shop",
        ),
        ("x" * 30, 11, "xxxxx…xxxxx"),
        ("abc", 1, "…"),
    ],
)
def test_the_middle_gives_way(text: str, limit: int, expected: str) -> None:
    assert shortened(text, limit) == expected


@given(st.text(max_size=200), st.integers(1, 100))
def test_what_is_shortened_fits_and_keeps_its_end(text: str, limit: int) -> None:
    short = shortened(text, limit)
    assert len(short) <= limit
    assert short == text or text.endswith(short.rpartition("…")[2])
