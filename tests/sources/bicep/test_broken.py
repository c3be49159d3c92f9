"""Files with mistakes: each is told once, with its place and what was expected; everything around it is kept."""

from __future__ import annotations

import pytest

from scanner.sources.bicep import cursor, read, tokens
from scanner.sources.bicep.read import read_template
from scanner.sources.template.model import Broken, ObjectLiteral, Template
from tests.sources.bicep.spelling import nodes, spell

BEFORE = "param before string\nresource one 'M.X/y@1' = {\n  name: 'one'\n}\n"
AFTER = "\nresource two 'M.X/y@1' = {\n  name: 'two'\n}\noutput after string = two.id\n"


def around(broken: str) -> tuple[str, Template]:
    """A template with something broken between what is not; what is not must be there."""
    text = BEFORE + broken + AFTER
    template = read_template("main.bicep", text.encode())
    assert "before" in template.parameters
    kept = {resource.symbol: resource for resource in template.resources}
    assert spell(kept["one"].body) == "{name: 'one'}"
    assert spell(kept["two"].body) == "{name: 'two'}"
    assert spell(template.outputs["after"].value) == "(two.id)"
    for gap in template.gaps:
        assert 0 <= gap.place.start <= gap.place.end <= len(text.encode())
        assert (gap.place.uri, gap.table) == ("main.bicep", "places")
    return text, template


def told(text: str, template: Template) -> list[tuple[str, str]]:
    data = text.encode()
    return [(data[gap.place.start : gap.place.end].decode(), gap.detail) for gap in template.gaps]


STATEMENTS = {
    "resource": [("", "Expected a name, found the end of the line.")],
    "resource x": [("", "Expected the type of a resource in quotes, found the end of the line.")],
    "resource x {\n  name: 'x'\n}": [
        ("{\n  name: 'x'\n}", 'Expected the type of a resource in quotes, found "{".')
    ],
    "resource x '${a}@1' = {\n}": [
        ("'${a}@1' = {\n}", "Expected the type of a resource in quotes, found text.")
    ],
    "resource x 'M.X/y@1' = {": [("{", "The object that starts here is not closed.")],
    "resource x 'M.X/y@1' = {\n  name: 'x'": [("{", "The object that starts here is not closed.")],
    "resource x 'M.X/y@1' = if (a) {\n  name: 'x'": [("{", "The object that starts here is not closed.")],
    "resource x 'M.X/y@1' = if (a": [("", 'Expected a closing ")", found the end of the line.')],
    "resource x 'M.X/y@1' = [for a in b: {\n  name: a\n}": [
        ("", 'Expected the "]" of a loop, found the end of the line.')
    ],
    "resource x 'M.X/y@1' = [for a b: {\n}]": [("b: {\n}]", 'Expected "in", found the name b.')],
    "resource x 'M.X/y@1' = y": [("y", 'Expected a "{", "[for" or "if", found the name y.')],
    "module x 'a.bicep' = {\n  name: 'x'\n  params: {\n    a: 1\n  }": [
        ("{", "The object that starts here is not closed.")
    ],
    "module x = {}": [("= {}", 'Expected the path of a module in quotes, found "=".')],
    "param x": [("", "Expected a type, found the end of the line.")],
    "param x string = ": [("", "Expected a value, found the end of the line.")],
    "param x string 'a'": [("'a'", "Expected a line end behind a declaration, found text.")],
    "param x string {\n  default: 1\n}": [
        ("{\n  default: 1\n}", 'Expected a line end behind a declaration, found "{".')
    ],
    "param x {\n  a: string b\n}": [("b\n}", "Expected a comma or a line end in a type, found the name b.")],
    "param x {\n  a: string": [("", 'Expected a ":" behind the name of a property, found the name two.')],
    "var x = (1 + 2": [("", 'Expected a closing ")", found the end of the line.')],
    "var x = f(1,\n  2": [("", 'Expected a comma or the ")" of a call, found the end of the line.')],
    "var x = f(1,": [("", 'Expected a comma or the ")" of a call, found the name two.')],
    "var x = [\n  1\n  2": [("[", "The array that starts here is not closed.")],
    "var x = a b": [("b", "Expected a line end behind a value, found the name b.")],
    "var x = a ? b": [("", 'Expected the ":" of a condition, found the end of the line.')],
    "var x = 'text": [("'text", "Expected a value, found text that is not closed.")],
    "var x = 'a${b": [("", 'Expected the "}" of an expression in text, found text that is not closed.')],
    "var x = 'a${b} c": [
        ("} c", 'Expected the "}" of an expression in text, found text that is not closed.')
    ],
    "var x = 1.5": [("5", "Expected the name of a property or function, found a number.")],
    "var x = 184467440737095516160": [
        ("184467440737095516160", "Expected a number of at most 64 bits, found a number.")
    ],
    "var x = a.?b(1)": [("(1)", 'Expected a line end behind a value, found "(".')],
    "var x = é": [("é", "Expected a value, found a character that means nothing here.")],
    'var x = "a"': [('"a"', "Expected a value, found a character that means nothing here.")],
    "nonsense": [("nonsense", "Expected a declaration, found the name nonsense.")],
    "resuorce x 'M.X/y@1' = {\n  name: 'x'\n}": [
        ("resuorce x 'M.X/y@1' = {\n  name: 'x'\n}", "Expected a declaration, found the name resuorce.")
    ],
    "}": [("}", 'Expected a declaration, found "}".')],
    "@description('x'": [("", 'Expected a comma or the ")" of a call, found the end of the line.')],
    "@description('x',": [("", 'Expected a comma or the ")" of a call, found the name two.')],
    "@description('x') )\nparam x string": [(")", 'Expected a declaration, found ")".')],
    "<<<<<<< HEAD": [("<<<<<<< HEAD", 'Expected a declaration, found "<".')],
    "func f(a string => a": [("=> a", 'Expected a comma or a closing ")", found "=>".')],
    "import { a from 'x'": [
        ("from 'x'", "Expected a comma or a line end before the next name, found the name from.")
    ],
    "import * from 'x'": [("from 'x'", 'Expected "as", found the name from.')],
    "import { a } 'x'": [("'x'", 'Expected "from", found text.')],
    "targetScope = ": [("", "Expected a value, found the end of the line.")],
    "output x = 1": [("= 1", 'Expected a type, found "=".')],
    "output x string = [": [("[", "The array that starts here is not closed.")],
    "extension": [("", "Expected the name of an extension, found the end of the line.")],
    "extension a with b": [("b", 'Expected a "{", found the name b.')],
}


@pytest.mark.parametrize("broken", STATEMENTS)
def test_a_broken_statement(broken: str) -> None:
    text, template = around(broken)
    found = told(text, template)
    assert [detail for _, detail in found] == [detail for _, detail in STATEMENTS[broken]]
    assert [gap.reason for gap in template.gaps] == ["malformed"]
    if STATEMENTS[broken][0][0]:
        assert [shown for shown, _ in found] == [shown for shown, _ in STATEMENTS[broken]]
    [gap] = template.gaps
    begin = len(BEFORE.encode())
    assert begin <= gap.place.start <= begin + len(broken.encode()) + 1


def test_what_is_whole_in_a_broken_resource_is_kept() -> None:
    text, template = around("""resource x 'M.X/y@1' = {
  name: 'x'
  properties: {
    good: 1
    bad: (
    also: 2
    ; and
    list: [
      1
      ) 2
      { a: 1, b: , c: 3 }
    ]
    last: 'a' 'b'
  }
  tags: t
}""")
    x = next(resource for resource in template.resources if resource.symbol == "x")
    assert spell(x.body) == (
        "{name: 'x', properties: {good: 1, bad: BROKEN (, also: 2, "
        "list: [1, BROKEN ) 2, {a: 1, b: BROKEN , c: 3}], last: BROKEN '...' '...'}, tags: t}"
    )
    assert told(text, template) == [
        ("", 'Expected a closing ")", found ":".'),
        ("; and", "Expected a property, found a character that means nothing here."),
        (") 2", 'Expected a value, found ")".'),
        (",", 'Expected a value, found ",".'),
        ("'b'", "Expected a comma or a line end before the next property, found text."),
    ]


def test_a_property_without_a_separator_before_it_is_read() -> None:
    text, template = around("var x = {\n  a: 1 b: 2\n}")
    assert spell(template.variables["x"].value) == "{a: 1, b: 2}"
    assert told(text, template) == [
        ("b", "Expected a comma or a line end before the next property, found the name b.")
    ]


def test_an_inner_object_that_is_left_open_ends_with_the_array_around_it() -> None:
    text, template = around("var x = {\n  list: [\n    { a: 1\n  ]\n  b: 2\n}")
    assert spell(template.variables["x"].value) == "{list: [{a: 1}], b: 2}"
    assert told(text, template) == [("{", "The object that starts here is not closed.")]


def test_a_broken_value_is_an_expression_of_its_own() -> None:
    text, template = around("param p string = toLower('a' 'hidden')")
    default = template.parameters["p"].default
    assert isinstance(default, Broken)
    assert text.encode()[default.start : default.end] == b"toLower('a' 'hidden')"
    assert default.shown == "toLower ( '...' '...' )"
    assert told(text, template) == [("'hidden')", 'Expected a comma or the ")" of a call, found text.')]


def test_a_parameter_with_a_broken_type_is_known_but_not_its_value() -> None:
    _, template = around("@secure()\nparam p strin g = 'x'")
    parameter = template.parameters["p"]
    assert parameter.secure
    _, template = around("param p <x> = 'y'")
    assert isinstance(template.parameters["p"].default, Broken)


def test_a_broken_decorator_leaves_its_declaration() -> None:
    _, template = around("@description('a' 'b')\n@secure()\n@\nparam p string")
    assert template.parameters["p"].secure
    assert [gap.detail for gap in template.gaps] == [
        'Expected a comma or the ")" of a call, found text.',
        "Expected the name of a decorator, found the end of the line.",
    ]


def test_broken_nested_resources() -> None:
    _text, template = around("""resource x 'M.X/y@1' = {
  name: 'x'
  resource bad 'z' = [for a in: {
  }]
  resource worse 'z' {
    name: 'worse'
  }
  @batchSize(
  resource good 'z' = {
    name: 'good'
  }
  tags: t
}""")
    x = next(resource for resource in template.resources if resource.symbol == "x")
    assert spell(x.body) == "{name: 'x', tags: t}"
    assert [(inner.symbol, spell(inner.body)) for inner in x.nested] == [
        ("bad", "BROKEN [ for a in : { } ]"),
        ("good", "{name: 'good'}"),
    ]
    assert len(template.gaps) == 3


def test_text_that_is_not_closed_ends_with_its_line() -> None:
    text, template = around("resource x 'M.X/y@1' = {\n  name: 'x\n  tags: t\n  a: 'b${c\n  d: e\n}")
    x = next(resource for resource in template.resources if resource.symbol == "x")
    assert spell(x.body) == "{name: BROKEN '...', tags: t, a: BROKEN '...' c '...', d: e}"
    assert [detail for _, detail in told(text, template)] == [
        "Expected a value, found text that is not closed.",
        'Expected the "}" of an expression in text, found text that is not closed.',
    ]


@pytest.mark.parametrize(
    ("opening", "detail"),
    [
        ("/* never closed", "The comment that starts here is not closed."),
        ("var x = '''never closed", "Expected a value, found text that is not closed."),
        (
            "var x = $'''never ${a} closed",
            'Expected the "}" of an expression in text, found text that is not closed.',
        ),
    ],
)
def test_what_is_never_closed_hides_the_rest(opening: str, detail: str) -> None:
    text = BEFORE + opening + AFTER
    template = read_template("main.bicep", text.encode())
    assert [resource.symbol for resource in template.resources] == ["one"]
    [gap] = template.gaps
    assert gap.detail == detail
    assert gap.place.end >= len(text) - 1


def test_an_escape_that_is_unknown_is_kept_and_told() -> None:
    text, template = around(r"var x = 'ä\d${y}\u{110000}\n'")
    assert spell(template.variables["x"].value) == r"<'ä\\d'|y|'\\u{110000}\n'>"
    detail = "Text has an escape that Bicep does not know; it is kept as it is written."
    assert told(text, template) == [(r"\d", detail), (r"\u", detail)]


@pytest.mark.parametrize(
    ("data", "reason", "detail"),
    [
        (b"\xff\xfea\x00", "malformed", "The file is not text in UTF-8."),
        (b"var a = 1\n\x00", "malformed", "The file is not text in UTF-8."),
        (b" " * (read.MAX_BYTES + 1), "skipped", "The file has more than 8 MB."),
    ],
    ids=["utf-16", "binary", "large"],
)
def test_files_that_are_not_read_at_all(data: bytes, reason: str, detail: str) -> None:
    template = read_template("main.bicep", data)
    [gap] = template.gaps
    assert (gap.reason, gap.detail, gap.place.start, gap.place.end) == (reason, detail, 0, len(data))
    assert read.read_parameter_file("a.bicepparam", data).gaps[0].reason == reason


def test_a_file_with_too_many_tokens_is_read_up_to_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "MAX_TOKENS", 1000)
    data = b"var a = 1\n" * 300
    template = read_template("main.bicep", data + b"resource x 'M.X/y@1' = {}\n")
    assert template.resources == []
    assert list(template.variables) == ["a"]
    [gap] = template.gaps
    assert (gap.reason, gap.detail) == (
        "skipped",
        "The file has more than 1,000 tokens; the rest was not read.",
    )
    assert (gap.place.start, gap.place.end) == (2000, len(data) + 26)


def test_mistakes_without_end_are_told_up_to_a_number() -> None:
    text = "var a = )\n" * 200 + "var last = 1\n"
    template = read_template("main.bicep", text.encode())
    assert spell(template.variables["last"].value) == "1"
    assert len(template.gaps) == cursor.MAX_GAPS + 1
    assert (
        template.gaps[-1].detail
        == "The file has more than 50 mistakes; those from here on are not told one by one."
    )
    assert (template.gaps[-1].place.start, template.gaps[-1].place.end) == (50 * 10 + 8, len(text))


DEEP = {
    "parentheses": ("(", "1", ")"),
    "arrays": ("[", "1", "]"),
    "lines of arrays": ("[\n", "1", "\n]"),
    "objects": ("{ a: ", "1", " }"),
    "lines of objects": ("{\na:", "1", "\n}"),
    "calls": ("f(", "1", ")"),
    "lambdas": ("a => ", "1", ""),
    "text": ("'${", "1", "}'"),
    "verbatim text": ("$'''${", "1", "}'''"),
    "conditions": ("a ? ", "1", " : 2"),
    "other sides": ("a ? 1 : ", "2", ""),
    "indexes": ("a[", "1", "]"),
    "loops": ("[for a in b: ", "1", "]"),
    "signs": ("!", "a", ""),
    "sums": ("1 + ", "1", ""),
    "members": ("", "a", ".b"),
    "calls on calls": ("", "a", ".b()"),
    "nested resources": ("", "a", "::b"),
    "everything": ("[{ a: f(!'${(b + ", "1", ").c}') }]"),
}


@pytest.mark.parametrize("kind", DEEP)
@pytest.mark.parametrize("depth", [5, 90, 101, 5000])
def test_depth_is_bounded(kind: str, depth: int) -> None:
    opening, middle, closing = DEEP[kind]
    _text, template = around(f"var x = {opening * depth}{middle}{closing * depth}")
    too_deep = [
        gap for gap in template.gaps if gap.detail == "Expressions are nested more than 100 deep here."
    ]
    if depth == 5:
        assert template.gaps == []
    elif depth > 100:
        assert too_deep
    assert _height(template.variables["x"].value) <= 2 * cursor.MAX_DEPTH + 2


def _height(of: object) -> int:
    highest = 0
    waiting = [(of, 1)]
    while waiting:
        node, height = waiting.pop()
        highest = max(highest, height)
        inner = [
            getattr(node, name)
            for name in getattr(type(node), "__slots__", ())
            if name not in ("entries", "items", "arguments", "parts", "spreads")
        ]
        for name in ("entries", "items", "arguments", "parts"):
            inner.extend(getattr(node, name, []))
        inner.extend(expression for _, expression in getattr(node, "spreads", []))
        step = 0 if type(node).__name__ == "Entry" else 1
        waiting.extend((item, height + step) for item in inner if hasattr(item, "start"))
    return highest


@pytest.mark.parametrize("depth", [5, 99, 5000])
def test_the_depth_of_nested_resources_types_and_decorators_is_bounded(depth: int) -> None:
    resources = "resource r 'M.X/y@1' = {\n  name: 'r'\n" * depth + "}\n" * depth
    types = "param t " + "{ a: " * depth + "int" + " }" * depth
    decorators = "@allowed(" + "[" * depth + "]" * depth + ")\nparam d string"
    _text, template = around(f"{resources}\n{types}\n{decorators}")
    assert "d" in template.parameters
    assert "t" in template.parameters
    assert bool(template.gaps) == (depth > 99)


REPEATED = [
    *(
        "[",
        "(",
        "{a:",
        "{\na:\n",
        "'${",
        "$'''${",
        "@a(",
        "a<",
        "(a,",
        "var a = [\n",
        "param a [\n",
        "resource a 'b' = {\n",
    ),
    *("a?b:", "a => ", "1,", ",", "\n", " ", "}", "]", "!", "-", "a.", "::", "..."),
    *("$", "'", "'''", "/*", "\\", "#", "é", "\r"),
]


@pytest.mark.parametrize("piece", REPEATED)
def test_repeating_anything_ends_soon(piece: str) -> None:
    template = read_template("main.bicep", (f"var a = {piece * 5_000}").encode())
    assert len(template.gaps) <= cursor.MAX_GAPS + 2
    for node in nodes(template.variables):
        assert node.start <= node.end


def test_a_property_that_only_looks_broken_is_not() -> None:
    text = "var x = {\n  type: 'a'\n  param: b\n  module: { var: 1 }\n  output: o\n}"
    template = read_template("main.bicep", text.encode())
    assert template.gaps == []
    value = template.variables["x"].value
    assert isinstance(value, ObjectLiteral)
    assert [entry.name for entry in value.entries] == ["type", "param", "module", "output"]
