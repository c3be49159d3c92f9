"""Mutated configurations: they are always read to the end, and every place lies in its file."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.sources.declared.values import Object, Ref, Text, Unknown, Value
from tests.sources.terraform.configurations import evaluated, value_of
from tests.sources.terraform.test_expressions import BESIDE

WHOLE = (
    BESIDE
    + """
module "m" {
  source   = "./m"
  for_each = { a = azurerm_resource_group.rg, b = var.un }
  in       = each.value
}
resource "azurerm_x" "y" {
  a = <<-EOT
    %{ for v in var.list ~}
    ${v} "quoted" $${not}
    %{ endfor ~}
  EOT
  dynamic "rule" {
    for_each = [for k, v in local.map : { (k) = v } if v > 1]
    content { n = rule.value }
  }
  tags = merge({ a = 1 }, try(var.un.tags, {}), /* c */ { "k-${var.text}" = -1.5e3 })
}
"""
)
MODULE = (
    'variable "in" { type = object({ name = optional(string, "n") }) }\n'
    'resource "t_t" "t" { n = var.in.name }\n'
)
PIECES = (
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    '"',
    "${",
    "%{",
    "<<A\n",
    "\n",
    "=",
    "?",
    ":",
    ".",
    "*",
    "...",
    "\\",
    "/*",
    "#",
    "\r",
    "\x00",
    "é",
    "for x in ",
    "if ",
    " => ",
    "each.value",
    "local.map",
    "azurerm_x.y",
    "count = ",
    "null",
)


def places_are_inside(value: Value, length: int) -> None:
    assert value is None or isinstance(value, str | int | float | list | Object | Ref | Text | Unknown)
    if isinstance(value, list):
        for item in value:
            places_are_inside(item, length)
    elif isinstance(value, Object):
        for held in value.properties.values():
            assert not held.written or 0 <= held.start <= held.end <= length
            places_are_inside(held.value, length)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, len(WHOLE)), st.integers(0, 40), st.sampled_from(("", *PIECES))),
        min_size=1,
        max_size=6,
    ),
    st.binary(max_size=4),
)
def test_mutated_configurations(changes: list[tuple[int, int, str]], junk: bytes) -> None:
    text = WHOLE
    for at, cut, piece in changes:
        text = text[:at] + piece + text[at + cut :]
    data = text.encode("utf-8", "surrogatepass") + junk
    made = evaluated({"main.tf": data, "m/main.tf": MODULE})
    for item in made.objects.values():
        length = len(made.files[item.place.uri])
        assert 0 <= item.place.start < item.place.end <= item.whole.end <= length
        places_are_inside(item.body, length)
    for gap in made.gaps:
        assert 0 <= gap.place.start <= gap.place.end <= len(made.files[gap.place.uri])
        assert gap.detail.endswith(".")


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    made = evaluated({"main.tf": data, "x.tf.json": data, "terraform.tfvars": data})
    for gap in made.gaps:
        assert 0 <= gap.place.start <= gap.place.end <= len(data)


ATOMS = st.sampled_from(
    (
        "1",
        "-2.5",
        "true",
        "null",
        '"s"',
        '"${var.un}-x"',
        "var.un",
        "var.flag",
        "var.list",
        "local.map",
        "local.deep",
        "azurerm_resource_group.rg",
        "azurerm_resource_group.rg.name",
        "azurerm_linux_web_app.app.identity",
        "azurerm_user_assigned_identity.each",
        "azurerm_user_assigned_identity.maybe",
        "[]",
        "{}",
        "var.hidden",
    )
)
CALLS = (
    "length",
    "merge",
    "concat",
    "join",
    "format",
    "lookup",
    "element",
    "flatten",
    "toset",
    "keys",
    "values",
    "one",
    "coalesce",
    "jsonencode",
    "lower",
    "contains",
    "zipmap",
    "setproduct",
    "slice",
    "replace",
    "try",
    "can",
    "tostring",
    "tonumber",
    "compact",
    "distinct",
    "sort",
    "sum",
    "regex",
    "split",
    "substr",
    "range",
    "index",
    "chunklist",
    "formatlist",
    "transpose",
    "matchkeys",
    "setunion",
    "alltrue",
    "base64encode",
    "csvdecode",
)


def larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    binary = st.sampled_from(("+", "-", "*", "/", "%", "==", "!=", "<", ">=", "&&", "||"))
    return st.one_of(
        st.builds("({0}) {1} ({2})".format, inner, binary, inner),
        st.builds("{0}({1})".format, st.sampled_from(CALLS), inner),
        st.builds("{0}({1}, {2})".format, st.sampled_from(CALLS), inner, inner),
        st.builds("{0}({1}, {2}, {3}...)".format, st.sampled_from(CALLS), inner, inner, inner),
        st.builds("({0}) ? ({1}) : ({2})".format, inner, inner, inner),
        st.builds("[{0}, {1}]".format, inner, inner),
        st.builds("{{ ({0}) = {1}, k = {0} }}".format, inner, inner),
        st.builds("[for k, v in ({0}) : ({1}) if ({1}) != v]".format, inner, inner),
        st.builds("{{ for k, v in ({0}) : k => ({1})... }}".format, inner, inner),
        st.builds("({0})[{1}]".format, inner, inner),
        st.builds("({0})[*].id".format, inner),
        st.builds("({0}).name".format, inner),
        st.builds("!({0})".format, inner),
        st.builds('"a${{{0}}}%{{ if {1} }}b%{{ endif }}"'.format, inner, inner),
    )


@settings(max_examples=400, deadline=None)
@given(st.recursive(ATOMS, larger, max_leaves=8))
def test_any_expression_has_a_value_or_says_why_not(expression: str) -> None:
    value_of(expression, BESIDE)
