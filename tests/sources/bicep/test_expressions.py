"""Expressions: what they are read as, and exactly where they stand."""

from __future__ import annotations

import pytest

from scanner.sources.bicep.read import read_template
from scanner.sources.template.model import (
    Array,
    Call,
    Constant,
    Entry,
    Interpolation,
    Lambda,
    Loop,
    Member,
    Name,
    ObjectLiteral,
)
from tests.sources.bicep.spelling import nodes, read, spell, value

READS_AS = {
    # constants
    "42": "42",
    "18446744073709551615": "18446744073709551615",
    "true": "True",
    "false": "False",
    "null": "None",
    "'text'": "'text'",
    "''": "''",
    # text
    r"'it\'s \$5 \\ \n\r\t'": repr("it's $5 \\ \n\r\t"),
    r"'\u{41}\u{1F600}'": repr("A\U0001f600"),
    r"'\u{D83D}\u{DE00}'": repr("\U0001f600"),
    "'$ {a} $'": "'$ {a} $'",
    r"'\${a}'": "'${a}'",
    "'${a}'": "<a>",
    "'a${b}c${d}'": "<'a'|b|'c'|d>",
    "'${a}${b}'": "<a|b>",
    "'x${'y${z}'}w'": "<'x'|<'y'|z>|'w'>",
    "'${a ? '${b}' : 'c'}'": "<(a ? <b> : 'c')>",
    "'${toLower('${a}-${uniqueString(b.id)}')}'": "<toLower(<a|'-'|uniqueString((b.id))>)>",
    "'${f({ a: { b: 1 } })}'": "<f({a: {b: 1}})>",
    "'${a /* why */}'": "<a>",
    "'// not a comment'": "'// not a comment'",
    "'/* nor this */'": "'/* nor this */'",
    # verbatim text
    "''''''": "''",
    "'''abc'''": "'abc'",
    "'''\nabc\n'''": r"'abc\n'",
    "'''\r\nabc\r\n'''": r"'abc\r\n'",
    r"'''no \n escape, no ${hole}, it's'''": repr(r"no \n escape, no ${hole}, it's"),
    "''''quoted''''": repr("'quoted'"),
    "'''// not a comment\n/* nor this'''": repr("// not a comment\n/* nor this"),
    "$'''\na ${b} c\n'''": r"<'a '|b|' c\n'>",
    "$'''${a}'''": "<a>",
    "$'''plain $ {text}'''": "'plain $ {text}'",
    "$$'''a ${b} $${c} $$${d} e'''": "<'a ${b} '|c|' $'|d|' e'>",
    "$'''a '${b}' ''${c}'''": "<\"a '\"|b|\"' ''\"|c>",
    "$'''${'x${y}'}'''": "<<'x'|y>>",
    # operators: precedence, and the left one first
    "a + b * c": "(a + (b * c))",
    "a * b + c": "((a * b) + c)",
    "a - b - c": "((a - b) - c)",
    "a / b % c": "((a / b) % c)",
    "a < b == c > d": "((a < b) == (c > d))",
    "a <= b != c >= d": "((a <= b) != (c >= d))",
    "a =~ b && c !~ d": "((a =~ b) && (c !~ d))",
    "a || b && c": "(a || (b && c))",
    "a && b || c": "((a && b) || c)",
    "a ?? b ?? c": "((a ?? b) ?? c)",
    "a ?? b || c": "(a ?? (b || c))",
    "(a + b) * c": "((a + b) * c)",
    "!a && !b": "((!a) && (!b))",
    "!(a || b)": "(!(a || b))",
    "-1 - -a": "((-1) - (-a))",
    "!a.b": "(!(a.b))",
    "a ? b : c ? d : e": "(a ? b : (c ? d : e))",
    "a ? b ? c : d : e": "(a ? (b ? c : d) : e)",
    "a == b ? c : d + e": "((a == b) ? c : (d + e))",
    "a\n  ? b\n  : c": "(a ? b : c)",
    "a ?\n  b :\n  c": "(a ? b : c)",
    "a // why\n  ? b // because\n  : c": "(a ? b : c)",
    "a\n  ? b\n  : c\n  ? d\n  : e": "(a ? b : (c ? d : e))",
    "a &&\n  b": "(a && b)",
    "a\n  && b\n  || c": "((a && b) || c)",
    "(\n  a\n  ||\n  b\n)": "(a || b)",
    "a ? [\n  b\n] : []": "(a ? [b] : [])",
    "(a ?? b).c": "((a ?? b).c)",
    # members, indexes, calls
    "a.b.c": "((a.b).c)",
    "a.?b.?c": "((a.?b).?c)",
    "a[0]": "(a[0])",
    "a['b-c'].d": "((a['b-c']).d)",
    "a[?0]": "(a[?0])",
    "a[?'x'].?y": "((a[?'x']).?y)",
    "a[^1]": "(a[(^1)])",
    "a[?^1]": "(a[?(^1)])",
    "a[b ? c : d]": "(a[(b ? c : d)])",
    "a!": "a",
    "a!.b": "(a.b)",
    "a.?b!.c": "((a.?b).c)",
    "a[0]!.b": "((a[0]).b)",
    "a!!.b": "(a.b)",
    "a! != b!": "(a != b)",
    "a::b": "(a::b)",
    "a::b::c.id": "(((a::b)::c).id)",
    "a[i]::b.name": "(((a[i])::b).name)",
    "f()": "f()",
    "f(a, 'b', 3)": "f(a, 'b', 3)",
    "f(\n  a,\n  b\n)": "f(a, b)",
    "f(a,\n  b)": "f(a, b)",
    "f(\n  a, // first\n  /* second */ b\n)": "f(a, b)",
    "f(g(h()))": "f(g(h()))",
    "vault.getSecret('x')": "vault.getSecret('x')",
    "sys.concat('a', 'b').c": "(sys.concat('a', 'b').c)",
    "az.subscription().id": "(az.subscription().id)",
    "f(a)[0].b": "((f(a)[0]).b)",
    "{ a: 1 }.a": "({a: 1}.a)",
    "[1, 2][0]": "([1, 2][0])",
    "'x'.length": "('x'.length)",
    "any(a)": "any(a)",
    "this.exists()": "this.exists()",
    "true ? null : none": "(True ? None : none)",
    # arrays
    "[]": "[]",
    "[\n]": "[]",
    "[1, 2, 3]": "[1, 2, 3]",
    "[\n  1\n  2\n]": "[1, 2]",
    "[\n  1,\n  2,\n]": "[1, 2]",
    "[\n  1 // one\n\n  // two\n  2\n]": "[1, 2]",
    "[\n  a\n  -1\n  !b\n]": "[a, (-1), (!b)]",
    "[...a, ...[1], b]": "[...a, ...[1], b]",
    "[\n  ...(a ?? [])\n  {\n    b: 1\n  }\n]": "[...(a ?? []), {b: 1}]",
    "[[1], [\n  2\n]]": "[[1], [2]]",
    # objects
    "{}": "{}",
    "{\n}": "{}",
    "{ a: 1 }": "{a: 1}",
    "{a:1,b:2}": "{a: 1, b: 2}",
    "{\n  a: 1\n  'b-c': 2\n  '${d}': 3\n}": "{a: 1, b-c: 2, <d>: 3}",
    "{\n  a: 1,\n  b: 2,\n}": "{a: 1, b: 2}",
    "{\n  ...a\n  b: 1\n  ...c\n}": "{...a, b: 1, ...c}",
    "{ ...a, ...(b ? { c: 1 } : {}) }": "{...a, ...(b ? {c: 1} : {})}",
    "{\n  if: 1\n  for: 2\n  resource: 3\n  true: 4\n  param: 5\n}": "{if: 1, for: 2, resource: 3, true: 4, param: 5}",
    "{\n  a: b\n    ? c\n    : d\n  e: f\n}": "{a: (b ? c : d), e: f}",
    "{ a: b ? c : d, e: f }": "{a: (b ? c : d), e: f}",
    "{\n  #disable-next-line BCP037 // because\n  a: 1\n#restore-diagnostics BCP037\n}": "{a: 1}",
    # lambdas
    "map(a, x => x.b)": "map(a, ((x) => (x.b)))",
    "map(a, (x, i) => '${x}${i}')": "map(a, ((x, i) => <x|i>))",
    "f(() => 1)": "f((() => 1))",
    "map(a, x => {\n  b: x\n})": "map(a, ((x) => {b: x}))",
    "reduce(a, {}, (x, y) =>\n  union(x, y))": "reduce(a, {}, ((x, y) => union(x, y)))",
    "toObject(a, x => x.k, x => (x.v))": "toObject(a, ((x) => (x.k)), ((x) => (x.v)))",
    "filter(a, (\n  x\n) => x > 1)": "filter(a, ((x) => (x > 1)))",
    "sort(a, (l, r) => l < r)[0]": "(sort(a, ((l, r) => (l < r)))[0])",
    # loops
    "[for a in b: c]": "[for a in b: c]",
    "[for (a, i) in b: { c: i }]": "[for (a, i) in b: {c: i}]",
    "[for a in range(0, 3): 'x${a}']": "[for a in range(0, 3): <'x'|a>]",
    "[for a in (b ?? []): a]": "[for a in (b ?? []): a]",
    "[for a in b ? c : d: a]": "[for a in (b ? c : d): a]",
    "[\n  for a in b: {\n    c: [for d in a: d]\n  }\n]": "[for a in b: {c: [for d in a: d]}]",
    "[for a in b: if (a.on) { c: a }]": "[for a in b: if (a.on) {c: a}]",
    "[\n  'for'\n]": "['for']",
}


@pytest.mark.parametrize("text", READS_AS)
def test_reads_as(text: str) -> None:
    assert spell(value(text)) == READS_AS[text]


@pytest.mark.parametrize("text", READS_AS)
@pytest.mark.parametrize("before", ["", "\ufeff", "var ä = 'ä'\r\n"], ids=["plain", "bom", "not ascii"])
def test_the_text_at_an_expression_reads_as_the_same_expression(before: str, text: str) -> None:
    data = f"{before}var outside = 1\nvar x = {text}\n".encode()
    start = data.index(text.encode(), data.index(b"var x = "))
    template = read_template("main.bicep", data)
    whole = template.variables["x"].value
    for node in nodes(whole):
        assert start <= node.start <= node.end <= start + len(text.encode())
        if isinstance(node, Entry):
            continue
        shown = data[node.start : node.end].decode()
        if shown.startswith(("...", "^")):
            shown = f"[{shown}]" if shown.startswith(".") else f"a[{shown}]"
            assert spell(node) in spell(value(shown))
        else:
            assert spell(value(shown)) == spell(node)


def at(data: bytes, node: object) -> str:
    return data[node.start : node.end].decode()  # type: ignore[attr-defined]


def test_places_inside_an_object() -> None:
    text = "var x = {\n  'a-b': [for (k, i) in list: '${k}é${i}']\n  c : vault.?d[?0]!\n}\n"
    data = text.encode()
    read = read_template("main.bicep", data).variables["x"]
    assert data[read.start : read.end] == b"x"
    whole = read.value
    assert isinstance(whole, ObjectLiteral)
    assert at(data, whole) == text[8:-1]
    first, second = whole.entries
    assert at(data, first) == "'a-b': [for (k, i) in list: '${k}é${i}']"
    assert at(data, second) == "c : vault.?d[?0]!"
    assert at(data, second.value) == "vault.?d[?0]"
    loop = first.value
    assert isinstance(loop, Loop)
    assert (loop.item, loop.index, loop.name) == ("k", "i", "")
    assert at(data, loop) == "[for (k, i) in list: '${k}é${i}']"
    assert at(data, loop.collection) == "list"
    body = loop.body
    assert isinstance(body, Interpolation)
    assert at(data, body) == "'${k}é${i}'"
    assert [at(data, part) for part in body.parts if not isinstance(part, str)] == ["k", "i"]
    assert body.parts[1] == "é"


def test_places_of_operators_count_parentheses() -> None:
    data = b"var x = (a + b) * -(c)\n"
    whole = read_template("main.bicep", data).variables["x"].value
    assert at(data, whole) == "(a + b) * -(c)"
    assert at(data, whole.left) == "a + b"  # type: ignore[union-attr]
    assert at(data, whole.right) == "-(c)"  # type: ignore[union-attr]


def test_members_and_calls_start_where_their_base_does() -> None:
    text = "a.b('x', (c) => c.d).e"
    whole = value(text)
    data = f"var x = {text}\n".encode()
    assert isinstance(whole, Member)
    call = whole.base
    assert isinstance(call, Call)
    assert at(data, call) == "a.b('x', (c) => c.d)"
    assert at(data, call.base) == "a"
    assert [at(data, argument) for argument in call.arguments] == ["'x'", "(c) => c.d"]
    inner = call.arguments[1]
    assert isinstance(inner, Lambda)
    assert at(data, inner.body) == "c.d"


def test_a_spread_keeps_its_position_among_the_entries() -> None:
    whole = value("{\n  ...first\n  a: 1\n  b: 2\n  ...last\n}")
    assert isinstance(whole, ObjectLiteral)
    assert [(position, spell(what)) for position, what in whole.spreads] == [(0, "first"), (2, "last")]


def test_text_that_is_not_ascii_is_decoded() -> None:
    whole = value("['grün', 'naïve ${'ß'}', '''日本\n''', { 'ключ': 1 }]")
    assert isinstance(whole, Array)
    assert spell(whole) == "['grün', <'naïve '|'ß'>, '日本\\n', {ключ: 1}]"


def test_bytes_that_are_no_utf_8_become_the_replacement_character() -> None:
    template = read_template("main.bicep", b"var x = 'a\xff\xfeb'\nvar y = z\n")
    assert template.gaps == []
    assert template.variables["x"].value == Constant("a\ufffd\ufffdb", 8, 14)
    assert template.variables["y"].value == Name("z", 23, 24)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["lf", "crlf", "cr"])
def test_every_line_end_ends_a_line(end: str) -> None:
    template = read(end.join(["var a = [", "  1 // one", "", "  2", "]", "var b = c", "  ? 1", "  : 2", ""]))
    assert spell(template.variables["a"].value) == "[1, 2]"
    assert spell(template.variables["b"].value) == "(c ? 1 : 2)"


def test_a_file_may_end_without_a_line_end_and_hold_nothing() -> None:
    assert spell(read("var a = 1").variables["a"].value) == "1"
    for empty in (
        "",
        "\n",
        "  ",
        "// nothing",
        "/* nothing */",
        "\ufeff",
        "#disable-diagnostics no-unused-vars",
    ):
        assert read(empty).variables == {}
