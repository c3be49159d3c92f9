"""The expression language of ARM templates."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.sources.arm.expression import MOST_DEPTH, ExpressionError, read_string
from scanner.sources.template.model import Call, Constant, Expression, Index, Member


def read(text: str) -> Expression:
    return read_string(text, 5, 9)


def test_plain_strings_are_themselves() -> None:
    assert read("plain") == Constant("plain", 5, 9)
    assert read("[only the beginning") == Constant("[only the beginning", 5, 9)
    assert read("[[parameters('x')]") == Constant("[parameters('x')]", 5, 9)


def test_calls_strings_numbers_and_ways_into_values() -> None:
    parameters = Call("parameters", [Constant("it's", 5, 9)], None, 5, 9)
    way = Index(Member(parameters, "a-b", False, 5, 9), Constant(0, 5, 9), False, 5, 9)
    assert read("[concat( parameters('it''s').a-b[0], -2 )]") == Call(
        "concat", [way, Constant(-2, 5, 9)], None, 5, 9
    )
    assert read("[ns.made()]") == Call("ns.made", [], None, 5, 9)
    assert read("[null()]") == Call("null", [], None, 5, 9)


def test_line_breaks_between_tokens_do_not_matter() -> None:
    assert read("[concat('a',\r\n\t'b')]") == Call(
        "concat", [Constant("a", 5, 9), Constant("b", 5, 9)], None, 5, 9
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "nothing where a function"),
        ("[concat('a',]", "nothing where a function"),
        ("[concat('a'", None),
        ("[concat('a' 'b')]", r"a text where \) should be"),
        ("[parameters('x')y]", "goes on with y"),
        ("[x]", "x where a function"),
        ("[parameters('x').]", "a point without the name"),
        ("[&]", "& where a function"),
    ],
)
def test_what_does_not_parse_says_where(text: str, said: str | None) -> None:
    if said is None:
        assert isinstance(read(text), Constant)
        return
    with pytest.raises(ExpressionError, match=said):
        read(text)


def test_depth_is_bounded() -> None:
    deep = "[" + "a(" * (MOST_DEPTH + 5) + ")" * (MOST_DEPTH + 5) + "]"
    with pytest.raises(ExpressionError, match="nested more than"):
        read(deep)
    with pytest.raises(ExpressionError, match="nested more than"):
        read("[a()" + ".b" * 5000 + "]")


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab()[].,'? 01-\n", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    refused = ""
    try:
        found = read(f"[{text}]")
    except ExpressionError as error:
        refused = str(error)
    else:
        assert (found.start, found.end) == (5, 9)
    assert refused == "" or refused.endswith(".")
