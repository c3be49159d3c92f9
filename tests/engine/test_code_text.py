"""Comments, texts and brackets of the three languages; nothing hostile stops it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.engine.code_text import Language, code_lines, enclosing, language_of, take_apart

HCL = """# one
a = "${join(",", ["x", "}"])} // no" // two
b = <<-EOT
  # no
  EOT
c = { /* three
*/ d = 1 }
"""
BICEP = """// one
var a = 'it\\'s ${b ? '//no' : 'c'} }' /* two */
var d = '''
// no '
''''
output e string = a
"""
JSON = """{ // one
  "a": "http://no \\" /* no */
still text",
  /* two */ "b": [1, 2]
}"""


@pytest.mark.parametrize(
    ("text", "language", "comments"),
    [
        (HCL, "hcl", ["# one", "// two", "/* three\n*/"]),
        (BICEP, "bicep", ["// one", "/* two */"]),
        (JSON, "json", ["// one", "/* two */"]),
    ],
)
def test_comments_are_found_and_only_they(text: str, language: Language, comments: list[str]) -> None:
    code = take_apart(text, language)
    assert [text[span.start : span.end] for span in code.comments] == comments


def test_texts_are_whole_with_their_interpolations() -> None:
    code = take_apart(HCL, "hcl")
    assert [HCL[span.start : span.end] for span in code.strings] == [
        '"${join(",", ["x", "}"])} // no"',
        "<<-EOT\n  # no\n  EOT",
    ]
    code = take_apart(BICEP, "bicep")
    assert [BICEP[span.start : span.end] for span in code.strings] == [
        "'it\\'s ${b ? '//no' : 'c'} }'",
        "'''\n// no '\n''''",
    ]


def test_brackets_in_texts_and_comments_are_none() -> None:
    code = take_apart(HCL, "hcl")
    assert [HCL[span.start : span.end] for span in code.brackets] == ["{ /* three\n*/ d = 1 }"]
    code = take_apart(JSON, "json")
    assert [JSON[span.start : span.start + 1] for span in code.brackets] == ["[", "{"]


def test_a_bracket_that_is_left_open_does_not_take_the_next_ones_with_it() -> None:
    text = "{ ( [ } { }"
    assert [text[span.start : span.end] for span in take_apart(text, "hcl").brackets] == ["{ ( [ }", "{ }"]
    text = 'a = "${foo(}" { }'
    assert [text[span.start : span.end] for span in take_apart(text, "hcl").brackets] == ["{ }"]


def test_a_text_without_an_end_stops_at_its_line() -> None:
    text = 'a = "x\nb = { }'
    code = take_apart(text, "hcl")
    assert [text[span.start : span.end] for span in code.strings] == ['"x']
    assert [text[span.start : span.end] for span in code.brackets] == ["{ }"]


def test_lines_with_code_and_their_first_sign() -> None:
    text = "/* a\nb */ c\n\n  // d\n\te /* f\n*/\n"
    assert list(code_lines(take_apart(text, "bicep"))) == [(2, text.index("c")), (5, text.index("e"))]


def test_the_narrowest_brackets_around_a_place() -> None:
    text = '{"a": {"b": 1}, "c": [2]}'
    code = take_apart(text, "json")
    around = enclosing(code, text.index('"b"'))
    assert around is not None
    assert text[around.start : around.end] == '{"b": 1}'
    assert enclosing(code, 0) is None


@pytest.mark.parametrize(
    ("uri", "language"),
    [
        ("a/main.tf", "hcl"),
        ("A.TF", "hcl"),
        ("x.auto.tfvars", "hcl"),
        ("main.tf.json", "json"),
        ("a.bicep", "bicep"),
        ("a.bicepparam", "bicep"),
        ("azuredeploy.json", "json"),
        ("README.md", None),
        ("tf", None),
    ],
)
def test_the_language_of_a_file(uri: str, language: Language | None) -> None:
    assert language_of(uri) == language


_SIGNS = (
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    '"',
    "'",
    "'''",
    "${",
    "%{",
    "$",
    "//",
    "/*",
    "*/",
    "#",
    "\\",
    "=",
    ":",
    ",",
)
_PIECES = st.sampled_from((*_SIGNS, "\n", "\r\n", "<<E\n", "\nE\n", "a", " ", "é", "\ufeff"))


@settings(max_examples=300, deadline=None)
@given(st.lists(_PIECES, max_size=60).map("".join), st.sampled_from(["hcl", "bicep", "json"]))
def test_anything_is_taken_apart_into_spans_of_itself(text: str, language: Language) -> None:
    code = take_apart(text, language)
    for span in (*code.comments, *code.strings, *code.brackets):
        assert 0 <= span.start < span.end <= len(text)
    for span in code.brackets:
        assert text[span.start] + text[span.end - 1] in ("{}", "()", "[]")
    for number, at in code_lines(code):
        assert code.line_of(at) == number
        assert not text[at].isspace()


@pytest.mark.parametrize(
    "text",
    [
        "{" * 50_000 + ")" * 50_000,
        '"${' * 50_000,
        "<<A\n" * 50_000,
        "/*" * 50_000,
        "{'" * 50_000,
        "(" * 200_000,
    ],
)
def test_deep_and_long_files_end(text: str) -> None:
    for language in ("hcl", "bicep", "json"):
        take_apart(text, language)  # type: ignore[arg-type]
