"""Anything at all is read: nothing raises, every place lies in the file, what a mistake does not touch is kept."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.sources.bicep import cursor
from scanner.sources.bicep.read import read_parameter_file, read_template
from scanner.sources.bicep.template import TemplateReader
from scanner.sources.bicep.tokens import END, NEWLINE, tokenize
from scanner.sources.template.model import Module, ParameterFile, Resource, Template
from tests.sources.bicep.spelling import nodes, spell

VALID = """targetScope = 'subscription'
metadata name = 'über'
import { t as u } from 'types.bicep'
@description('Wer')
@secure()
param secret string
@allowed([
  'a' // first
  'b'
])
param list string[] = ['${secret}-x', '''v''']
type shape = {
  @minLength(1)
  a: 'x' | 'y'?
  *: resourceInput<'M.X/y@1'>.properties[]
}?
func f(a string, b int) string => '${a}-${b}'
var picked = [for (item, i) in list: i > 0 && !empty(item) ? { n: item, ...extra } : {}]
var text = $'''
  ${f('a', 1)} and '${picked[?0].?n!}'
'''
#disable-next-line BCP081
resource rg 'Microsoft.Resources/resourceGroups@2024-03-01' existing = if (on ?? false) {
  name: 'rg'
  resource child 'x' = [for c in list: {
    name: c
    'k-${c}': map(picked, (p, n) => p.n)
  }]
}
module m 'br/public:a:1' = [for l in list: if (l != '') {
  scope: rg
  params: {
    id: rg::child[0].id
  }
}]
output o array = [for (c, i) in list: m[i].outputs.id]
"""

WORDS = [
    "resource",
    "module",
    "param",
    "var",
    "type",
    "for",
    "in",
    "if",
    "existing",
    "import",
    "from",
    "as",
    "func",
]
SYMBOLS = [
    *"{}[]().,:@=!?|&<>+-*%^;\\",
    "::",
    ".?",
    "...",
    "=>",
    "??",
    "||",
    "==",
    "=~",
    "${",
    "a",
    "1",
    "'b'",
]
OPENING = [
    "'",
    "'''",
    "$'''",
    "/*",
    "*/",
    "//",
    "#",
    "$",
    "\\u{",
    "\n",
    "\r\n",
    "\r",
    "\t",
    "é",
    "\U0001f600",
    "\0",
]
PIECES = st.sampled_from(WORDS + SYMBOLS + OPENING)
JUNK = st.one_of(
    st.binary(max_size=60),
    st.lists(PIECES, max_size=40).map(lambda pieces: " ".join(pieces).encode()),
    st.lists(PIECES, max_size=40).map(lambda pieces: "".join(pieces).encode()),
)


def check(data: bytes) -> Template:
    """Read a file in both ways and check what holds for every file."""
    template = read_template("a.bicep", data)
    within(data, template)
    within(data, read_parameter_file("a.bicepparam", data))
    return template


def within(data: bytes, read: Template | ParameterFile) -> None:
    for node in nodes(read):
        assert 0 <= node.start <= node.end <= len(data)
        if isinstance(node, Resource | Module):
            assert node.whole_start <= node.start <= node.end <= node.whole_end <= len(data)
    for gap in read.gaps:
        assert 0 <= gap.place.start <= gap.place.end <= len(data)
        assert gap.detail.endswith(".")
    assert len(read.gaps) <= cursor.MAX_GAPS + 1


def test_the_text_that_is_mutated_is_valid() -> None:
    template = check(VALID.encode())
    assert template.gaps == []
    assert (len(template.resources), len(template.modules), len(template.outputs)) == (1, 1, 1)


@given(JUNK)
@settings(max_examples=150, deadline=None)
def test_junk(data: bytes) -> None:
    check(data)


@given(st.integers(0, len(VALID)), st.integers(0, 200), JUNK)
@settings(max_examples=150, deadline=None)
def test_a_part_replaced_by_junk(at: int, length: int, junk: bytes) -> None:
    data = VALID.encode()
    check(data[:at] + junk + data[at + length :])


@given(st.integers(0, len(VALID)), st.integers(0, len(VALID)), st.integers(0, 300))
@settings(max_examples=80, deadline=None)
def test_a_part_moved_elsewhere(at: int, to: int, length: int) -> None:
    data = VALID.encode()
    part = data[at : at + length]
    check(data[:to] + part + data[to:])


@given(st.integers(0, len(VALID.encode()) - 1), st.integers(1, 255))
@settings(max_examples=120, deadline=None)
def test_a_byte_changed(at: int, change: int) -> None:
    data = bytearray(VALID.encode())
    data[at] ^= change
    check(bytes(data))


BROKEN_LINES = st.lists(
    st.sampled_from([*WORDS, *SYMBOLS, "x", "'", "f(", "= {", "param p"]), max_size=12
).map(" ".join)


@given(BROKEN_LINES)
@settings(max_examples=150, deadline=None)
def test_what_follows_a_broken_line_is_kept(line: str) -> None:
    text = f"var one = 'ä'\nvar broken = {line}\nresource two 'M.X/y@1' = {{\n  name: one\n}}\nvar three = two.id\n"
    data = text.encode()
    template = check(data)
    assert spell(template.variables["one"].value) == "'ä'"
    assert spell(template.variables["three"].value) == "(two.id)"
    [two] = [resource for resource in template.resources if resource.symbol == "two"]
    assert spell(two.body) == "{name: one}"
    assert data[two.whole_start : two.whole_end].decode() == "resource two 'M.X/y@1' = {\n  name: one\n}"


@given(st.one_of(JUNK, st.integers(0, len(VALID)).map(lambda at: VALID.encode()[at:])))
@settings(max_examples=120, deadline=None)
def test_tokens_cover_the_text_in_order(data: bytes) -> None:
    read = tokenize(data.decode("latin-1"))
    assert read.kinds[-1] == END
    behind = 0
    for kind, word, start, end in zip(read.kinds, read.words, read.starts, read.ends, strict=True):
        assert behind <= start <= end
        assert read.text[start:end] == word
        between = read.text[behind:start]
        assert (
            between.strip(" \t") == "" or between.lstrip(" \t").startswith(("//", "/*", "#")) or read.unread
        )
        assert kind != NEWLINE or word[0] in "\r\n"
        behind = end


def test_reading_with_recovery_reads_the_same_where_nothing_is_wrong() -> None:
    text = VALID.encode().decode("latin-1")
    reader = TemplateReader("a.bicep", tokenize(text))
    while reader.kinds[reader.index] != END:
        if reader.kinds[reader.index] == NEWLINE:
            reader.index += 1
        else:
            reader._read_recovering()
    assert reader.template == read_template("a.bicep", VALID.encode())
