"""HCL as it is written: every construct, its place, and what a mistake leaves."""

from __future__ import annotations

import pytest

from scanner.sources.terraform import syntax
from scanner.sources.terraform.parser import MOST_BYTES, MOST_DEPTH, parse, parse_expression, parse_template
from scanner.sources.terraform.syntax import Body, Node


def spell(node: Node | None) -> str:
    """Every operation with brackets around it, strings as Python writes them."""
    match node:
        case None:
            return "-"
        case syntax.Literal(value):
            return repr(value)
        case syntax.Name(name):
            return name
        case syntax.Template(parts):
            return "<" + "|".join(map(spell, parts)) + ">"
        case syntax.TemplateIf(condition, then, otherwise):
            return f"if({spell(condition)}, {spell(then)}, {spell(otherwise)})"
        case syntax.TemplateFor(key, item, collection, body):
            return f"for({key},{item} in {spell(collection)}: {spell(body)})"
        case syntax.Traversal(base, steps):
            return spell(base) + "".join(
                f".{step}" if isinstance(step, str) else f"[{spell(step)}]" for step in steps
            )
        case syntax.Call(name, arguments, spread):
            return f"{name}({', '.join(map(spell, arguments))}{'...' if spread else ''})"
        case syntax.Unary(operators, operand):
            return f"({operators}{spell(operand)})"
        case syntax.Operation(first, rest):
            return "(" + spell(first) + "".join(f" {operator} {spell(node)}" for operator, node in rest) + ")"
        case syntax.Conditional(condition, then, otherwise):
            return f"({spell(condition)} ? {spell(then)} : {spell(otherwise)})"
        case syntax.Sequence(items):
            return "[" + ", ".join(map(spell, items)) + "]"
        case syntax.Mapping(pairs):
            return "{" + ", ".join(f"{spell(key)}: {spell(value)}" for key, value, _, _ in pairs) + "}"
        case syntax.For(key, item, collection, result_key, value, condition, grouped):
            head = f"for {key},{item} in {spell(collection)}"
            made = spell(value) if result_key is None else f"{spell(result_key)}=>{spell(value)}"
            return f"{{{head}: {made}{'...' if grouped else ''} if {spell(condition)}}}"
    raise AssertionError(node)


def body_of(text: str | bytes) -> Body:
    """The body of a file that has no mistakes."""
    parsed = parse("main.tf", text.encode() if isinstance(text, str) else text)
    assert parsed.gaps == []
    return parsed.body


@pytest.mark.parametrize(
    ("written", "spelled"),
    [
        ('"a"', "'a'"),
        ('"é\\n\\t\\"\\\\ \\u00e9 \\U0001F600"', "<'é\\n\\t\"\\\\ é 😀'>"),
        ('"$${a} %%{b} $x %y $"', "<'${a} %{b} $x %y $'>"),
        ("1", "1"),
        ("1.5e3", "1500.0"),
        ("-1", "(-1)"),
        ("!!a", "(!!a)"),
        ("true", "True"),
        ("null", "None"),
        ("a.b.c", "a.b.c"),
        ("a[0].b", "a[0].b"),
        ('a["k"]["l"]', "a['k']['l']"),
        ("a.0.b", "a.0.b"),
        ("a.0.1.b", "a.0.1.b"),
        ("a.*.b", "a..*.b"),
        ("a[*].b[0]", "a.[*].b[0]"),
        ("a-b", "a-b"),
        ("a - b", "(a - b)"),
        ("1 + 2 * 3 - 4", "(1 + (2 * 3) - 4)"),
        ("a || b && c == d", "(a || (b && (c == d)))"),
        ("a < 1 != b >= 2", "((a < 1) != (b >= 2))"),
        ("(1 + 2) * 3", "((1 + 2) * 3)"),
        ("-a.b + 1", "((-a.b) + 1)"),
        ("a ? b : c ? d : e", "(a ? b : (c ? d : e))"),
        ("f()", "f()"),
        ("f(a, b,)", "f(a, b)"),
        ("f(a...)", "f(a...)"),
        ("provider::azurerm::parse(a)", "provider::azurerm::parse(a)"),
        ("f(a).b", "f(a).b"),
        ("[]", "[]"),
        ("[1, 2,]", "[1, 2]"),
        ('{a = 1, "b" : 2}', "{'a': 1, 'b': 2}"),
        ('{(a) = 1, "${b}-c" = 2}', "{a: 1, <b|'-c'>: 2}"),
        ("{}", "{}"),
        ("[for x in y : x]", "{for ,x in y: x if -}"),
        ("[for i, x in y : x if i > 0]", "{for i,x in y: x if (i > 0)}"),
        ("{for k, v in y : k => v...}", "{for k,v in y: k=>v... if -}"),
        ('"${a}"', "a"),
        ('"${a}b"', "<a|'b'>"),
        ('"x ${~ a ~} y"', "<'x'|a|'y'>"),
        ('"${f("${g("x")}")}"', "f(g('x'))"),
        ('"${{a = "}"}.a}"', "{'a': '}'}.a"),
        ('"%{ if a }b%{ else }c%{ endif }"', "<if(a, <'b'>, <'c'>)>"),
        ('"%{ if a }b%{ endif }"', "<if(a, <'b'>, <>)>"),
        ('"%{ for k, v in a ~}  ${v}%{ endfor }"', "<for(k,v in a: <v>)>"),
        ("a /* b */ + /* c\n*/ d", "(a + d)"),
    ],
)
def test_expression(written: str, spelled: str) -> None:
    assert spell(body_of(f"x = {written}\n").attributes["x"].value) == spelled


@pytest.mark.parametrize(
    ("written", "spelled"),
    [
        ("x = <<EOT\n  a\n b ${c}\nEOT\n", "<'  a\\n b '|c|'\\n'>"),
        ("x = <<-EOT\n    a\n\n      b ${c}\n    EOT\n", "<'a\\n'|'\\n'|'  b '|c|'\\n'>"),
        ("x = <<-EOT\n    ${a}\n      b\n  EOT\n", "<a|'\\n'|'  b\\n'>"),
        ("x = <<EOT\r\na\r\nEOT\r\n", "<'a\\r\\n'>"),
        ('x = <<EOT\n"q" \\n $${a}\nEOT\n', "<'\"q\" \\\\n ${a}\\n'>"),
        ("x = <<EOT\n%{ for v in a ~}\n${v}\n%{ endfor ~}\nEOT\n", "<for(,v in a: <v|'\\n'>)>"),
        ("x = <<EOT\nEOT\n", "<>"),
        ("x = f(<<A\na\nA\n, <<B\nb\nB\n)\n", "f(<'a\\n'>, <'b\\n'>)"),
    ],
)
def test_heredoc(written: str, spelled: str) -> None:
    assert spell(body_of(written).attributes["x"].value) == spelled


def test_newlines_mean_nothing_in_brackets_and_part_items_in_braces() -> None:
    text = (
        "x = f(\n  a,\n  [\n    1\n    ,\n    2 +\n    3\n  ],\n  {\n    b = 1\n\n"
        "    # c\n    d = (\n 2\n)\n  }\n)\ny = 1\n"
    )
    body = body_of(text)
    assert spell(body.attributes["x"].value) == "f(a, [1, (2 + 3)], {'b': 1, 'd': 2})"
    assert spell(body.attributes["y"].value) == "1"


def test_places_are_offsets_in_bytes_without_what_is_around() -> None:
    data = (
        b'\xef\xbb\xbf# \xc3\xa9\r\nresource "a" "b" { # why\r\n'
        b'  name = "\xc3\xa9" // not this\r\n  id {}\r\n  tags = { k = 1 }\r\n}\r\n'
    )
    parsed = parse("main.tf", data)
    assert parsed.gaps == []
    block = parsed.body.blocks[0]
    assert data[block.start : block.head] == b'resource "a" "b"'
    assert data[block.start : block.end].startswith(b'resource "a"')
    assert data[block.start : block.end].endswith(b"{ k = 1 }\r\n}")
    name = block.body.attributes["name"]
    assert data[name.start : name.end] == b'name = "\xc3\xa9"'
    inner = block.body.blocks[0]
    assert data[inner.start : inner.head] == b"id"
    assert data[inner.start : inner.end] == b"id {}"
    tags = block.body.attributes["tags"].value
    assert isinstance(tags, syntax.Mapping)
    assert [data[start:end] for _, _, start, end in tags.items] == [b"k = 1"]


def test_blocks_with_bare_labels_and_on_one_line() -> None:
    body = body_of("resource a b { c = 1 }\nlocals { }\n")
    assert [(block.type, block.labels) for block in body.blocks] == [("resource", ["a", "b"]), ("locals", [])]
    assert spell(body.blocks[0].body.attributes["c"].value) == "1"


@pytest.mark.parametrize(
    ("text", "kept", "gap", "detail"),
    [
        ("a = \nb = 2\n", {"b"}, "\n", "An expression was expected here, not the end of the line."),
        ('a = "x\nb = 2\n', {"b"}, '"x', "The text in quotes is not closed on its line."),
        ('a = "x${b}\nc = 2\n', {"c"}, '"x${b}', "The text in quotes is not closed on its line."),
        ("a = [1,\n2\nb = 2\n", {"b"}, "b", "] was expected here, not b."),
        ("a = f(1\nb = 2\nc = 3\n", {"b", "c"}, "b", ") was expected here, not b."),
        (
            "a = { x = \n y = 1\n}\nb = 2\n",
            {"b"},
            "\n",
            "An expression was expected here, not the end of the line.",
        ),
        ("a = 1 2\nb = 2\n", {"b"}, "2", "The end of the line was expected here."),
        ("= 1\nb = 2\n", {"b"}, "=", "An argument or a block was expected here, not =."),
        ("}\nb = 2\n", {"b"}, "}", "This closes nothing."),
        ("a : 1\nb = 2\n", {"b"}, ":", "= or { was expected here, not :."),
        ('a = "%{ if x }y"\nb = 2\n', {"b"}, '"', "The directives of the text do not match."),
        ('a = "\\q"\nb = 2\n', {"b"}, "\\q", "An escape of this kind is not known."),
        ("a = <<EOT\nb = 2\n", {"b"}, "<<EOT\n", "The text is not ended by its word on a line of its own."),
        ("b = 2\n/* c\n", {"b"}, "/", "A comment is not closed."),
        ("b = 2\na = 1" + "0" * 50 + "\n", {"b"}, "1" + "0" * 50, "A number has too many digits."),
    ],
)
def test_a_mistake_costs_its_argument_and_no_other(text: str, kept: set[str], gap: str, detail: str) -> None:
    parsed = parse("main.tf", text.encode())
    first = parsed.gaps[0]
    assert set(parsed.body.attributes) >= kept
    assert (text[first.place.start : first.place.end], first.reason, first.detail) == (
        gap,
        "malformed",
        detail,
    )
    assert parsed.body.broken


def test_what_stands_around_a_mistake_in_a_block_is_kept() -> None:
    text = 'resource "a" "b" {\n  n = 1\n  bad = [\n}\n\nresource "c" "d" {\n  m = 2\n}\n'
    parsed = parse("main.tf", text.encode())
    first, second = parsed.body.blocks
    assert (first.labels, set(first.body.attributes), first.body.broken) == (["a", "b"], {"n"}, True)
    assert (second.labels, set(second.body.attributes), second.body.broken) == (["c", "d"], {"m"}, False)
    assert text[first.start : first.end] == 'resource "a" "b" {\n  n = 1\n  bad = [\n}'
    assert [text[gap.place.start] for gap in parsed.gaps] == ["}"]


def test_a_block_that_is_not_closed_ends_where_the_next_one_begins_on_top() -> None:
    text = (
        'resource "a" "b" {\n  name = "x\n}\n\nresource "c" "d" {\n  n = 1\n  id {\n}\n'
        'resource "e" "f" {\n  tags = {\n    k = 1\n}\ndata "g" "h" {\n  m = 1\n}\n'
    )
    parsed = parse("main.tf", text.encode())
    blocks = {".".join(block.labels): block for block in parsed.body.blocks}
    assert set(blocks) == {"a.b", "c.d", "e.f", "g.h"}
    assert [block.type for block in blocks["c.d"].body.blocks] == ["id"]
    assert set(blocks["e.f"].body.attributes) == {"tags"}
    assert set(blocks["g.h"].body.attributes) == {"m"}
    assert [(text[gap.place.start : gap.place.end], gap.detail) for gap in parsed.gaps] == [
        ('"x', "The text in quotes is not closed on its line."),
        ('resource "c" "d"', "The block is not closed."),
        ('resource "e" "f"', "The block is not closed."),
    ]


def test_a_file_cut_in_the_middle_keeps_the_block_it_ends_in() -> None:
    parsed = parse("main.tf", b'resource "a" "b" {\n  n = 1\n  m = ')
    (block,) = parsed.body.blocks
    assert set(block.body.attributes) == {"n"}
    assert [gap.detail for gap in parsed.gaps] == [
        "An expression was expected here, not the end of the file.",
        "The block is not closed.",
    ]


@pytest.mark.parametrize("opener", ["[", "(", "{a=", "f(", '"${', "!(", "a["])
def test_nesting_is_bounded(opener: str) -> None:
    text = f"x = {opener * 50_000}\ny = 1\n"
    parsed = parse("main.tf", text.encode())
    assert [gap.detail for gap in parsed.gaps] == [f"It is nested more than {MOST_DEPTH} deep."]
    assert set(parsed.body.attributes) == {"y"}


def test_nested_blocks_are_bounded_and_what_follows_is_kept() -> None:
    text = "a {\n" * 500 + "}\n" * 500 + "y = 1\n"
    parsed = parse("main.tf", text.encode())
    assert parsed.gaps[0].detail == f"It is nested more than {MOST_DEPTH} deep."
    assert set(parsed.body.attributes) == {"y"}


def test_a_file_that_is_no_text_or_too_large_is_not_read() -> None:
    assert [gap.detail for gap in parse("x.tf", "a = 1\n".encode("utf-16")).gaps] == [
        "The file is UTF-16; Midas reads UTF-8."
    ]
    assert [gap.detail for gap in parse("x.tf", b"a\0\1").gaps] == ["The file is binary, not text."]
    large = parse("x.tf", b"a = 1\n" + b"#" * MOST_BYTES)
    assert [(gap.reason, gap.detail) for gap in large.gaps] == [("skipped", "The file is larger than 10 MB.")]


def test_garbage_ends_soon_and_says_so() -> None:
    parsed = parse("x.tf", b"@ \n" * 10_000)
    assert len(parsed.gaps) == 32
    assert parsed.gaps[-2].detail == "From here on mistakes are not told one by one."
    assert parsed.gaps[-1].detail == "There are too many mistakes: the rest is not read."
    assert parsed.gaps[-1].place.end == 30_000


def test_text_alone_is_a_template_or_an_expression() -> None:
    assert spell(parse_template('a "b" \\n')) == "'a \"b\" \\\\n'"
    assert spell(parse_template("a ${b}")) == "<'a '|b>"
    assert spell(parse_template("${b}")) == "b"
    assert parse_template("a ${b") is None
    assert spell(parse_expression("map(\nstring\n)")) == "map(string)"
    assert parse_expression("a b") is None
