"""``yamldecode``, and what reads the files that hold YAML."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.sources.declared.values import Value
from scanner.sources.terraform.functions_yaml import yamldecode
from scanner.sources.terraform.symbolic import MOST_VALUE_DEPTH, Failed, Undetermined
from tests.sources.terraform.configurations import evaluated, plain, value_of


def decoded(text: str) -> Any:
    value: Value = yamldecode([text])
    return plain(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("# nothing\n", None),
        ("---\na: 1\n...\n", {"a": 1}),
        ("just text\n", "just text"),
        ("a: 1\r\nb: 2\r\n", {"a": 1, "b": 2}),
        ("a: x # c\n# d\nb: '#y'\nc: z#w\n", {"a": "x", "b": "#y", "c": "z#w"}),
        ("a:\n- x\n- z\nb: 1\n", {"a": ["x", "z"], "b": 1}),
        ("a:\n  - b: 1\n    c:\n      - d\n  - e\n", {"a": [{"b": 1, "c": ["d"]}, "e"]}),
        ("- - 1\n  - 2\n-\n  a: b\n-   c: 1\n    d: 2\n", [[1, 2], {"a": "b"}, {"c": 1, "d": 2}]),
        ("a:\nb: ~\nc: null\nd: ''\n", {"a": None, "b": None, "c": None, "d": ""}),
        (
            "a: yes\nb: off\nc: 'yes'\nd: True\ne: y\n",
            {"a": True, "b": False, "c": "yes", "d": True, "e": True},
        ),
        (
            "a: 0755\nb: -1.50\nc: 1_000\nd: 1e3\ne: 1.2.3\n",
            {"a": 755, "b": -1.5, "c": 1000, "d": 1000, "e": "1.2.3"},
        ),
        ("a: /subscriptions/x:y\nb: http://h/p\n", {"a": "/subscriptions/x:y", "b": "http://h/p"}),
        ("'k k': 1\n\"l\\u00e9\": 2\n", {"k k": 1, "lé": 2}),
        ("a: 'it''s'\nb: \"x\\ty\\x41\\/\"\n", {"a": "it's", "b": "x\tyA/"}),
        ("a: one\n  two\nb: 1\n", {"a": "one two", "b": 1}),
        ("a: |\n  x\n   y\n\n  z\n\nb: 1\n", {"a": "x\n y\n\nz\n", "b": 1}),
        ("a: |-\n  x\n# c\nb: |+\n  k\n\n", {"a": "x", "b": "k\n\n"}),
        ("a: >-\n  p\n  q\n\n  r\n", {"a": "p q\nr"}),
        ("a: |2\n    x\n   y\n", {"a": "  x\n y\n"}),
        ("- |\n  x", ["x"]),
        ("a: [1, 'b, c', {d: e}, [f]]\n", {"a": [1, "b, c", {"d": "e"}, ["f"]]}),
        ("a: [x, # c\n  z,\n]\nb: {c: 1,\n  d}\n", {"a": ["x", "z"], "b": {"c": 1, "d": None}}),
        ('{"json": [1, true, null, {"a": "b"}]}\n', {"json": [1, True, None, {"a": "b"}]}),
        ("a: []\nb: {}\n", {"a": [], "b": {}}),
    ],
)
def test_yaml_as_it_is_written(text: str, value: object) -> None:
    assert decoded(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "a: &x 1\nb: *x\n",
        "a: !tag 1\n",
        "? a\n: b\n",
        "<<: {a: 1}\n",
        "a: 1\n---\nb: 2\n",
        "%YAML 1.2\n---\na: 1\n",
        '"over\n  lines"\n',
        "a: x\n\n  y\n",
        "a: 2026-01-31\n",
        "a: .inf\n",
        "a: >\n  x\n    y\n",
        "a: [b: c]\n",
    ],
)
def test_what_is_rare_is_not_guessed(text: str) -> None:
    with pytest.raises(Undetermined, match="YAML"):
        decoded(text)


@pytest.mark.parametrize(
    "text",
    [
        "a: b: c\n",
        "a: 1\na: 2\n",
        "\ta: 1\n",
        "a:\n  b: 1\n c: 2\n",
        'a: "x"y\n',
        "a: [1, 2\n",
        "a: [1} 2]\n",
        "a: x\n  b: 1\n",
        "a: 1\nplain\n",
        'a: "\\q"\n',
        "[" * (MOST_VALUE_DEPTH + 2) + "]" * (MOST_VALUE_DEPTH + 2),
        "- " * (MOST_VALUE_DEPTH + 2) + "x",
        "".join(" " * at + "a:\n" for at in range(MOST_VALUE_DEPTH + 2)),
    ],
)
def test_what_is_no_yaml_fails(text: str) -> None:
    with pytest.raises(Failed, match="YAML"):
        decoded(text)


WORDS = [
    "a",
    "b:",
    "- ",
    ": ",
    "  ",
    "\n",
    "\n  ",
    "|",
    ">-",
    "[",
    "]",
    "{",
    "}",
    ",",
    "'",
    '"',
    "#",
    "1",
    "~",
    "\\",
]


@given(st.lists(st.sampled_from(WORDS) | st.text(max_size=3), max_size=60).map("".join))
def test_no_text_breaks_the_reader(text: str) -> None:
    with suppress(Failed, Undetermined):
        decoded(text)


ROLES = """
locals {
  files = fileset("${path.module}/roles", "*.yaml")
  roles = { for file in local.files : trimsuffix(file, ".yaml") => yamldecode(file("${path.module}/roles/${file}")) }
}
resource "test_thing" "it" {
  for_each = local.roles
  role     = each.value.role
}
resource "test_thing" "below" {
  for_each = fileset(path.module, "roles/[ab].yaml")
  it       = each.key
}
resource "test_thing" "deep" {
  for_each = fileset(path.module, "**/*.yaml")
}
"""


def test_a_folder_of_yaml_is_read_as_it_is_when_deploying() -> None:
    made = evaluated(
        {
            "main.tf": ROLES,
            "roles/a.yaml": "role: Owner\n",
            "roles/b.yaml": "role: Reader\n",
            "roles/c.txt": "",
        }
    )
    assert {address: plain(item.body) for address, item in made.objects.items()} == {
        'test_thing.it["a"]': {"role": "Owner"},
        'test_thing.it["b"]': {"role": "Reader"},
        'test_thing.below["roles/a.yaml"]': {"it": "roles/a.yaml"},
        'test_thing.below["roles/b.yaml"]': {"it": "roles/b.yaml"},
        "test_thing.deep[*]": {},
    }
    assert {"roles/*", "roles/a.yaml"} <= set(made.seen)


def test_much_yaml_takes_steps_as_much_else_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scanner.sources.terraform.scope.MOST_STEPS_OF_ONE", 2_000)
    files = {f"roles/{at}.yaml": "- x\n" * 600 for at in range(15)}
    made = evaluated({"main.tf": ROLES, **files})
    assert "test_thing.it" not in made.objects
    assert ("skipped", "It takes more than 500,000 steps to evaluate; it is not read.") in [
        (reason, detail) for reason, _, detail in made.told()
    ]


def test_text_that_is_not_known_has_no_value() -> None:
    assert value_of("yamldecode(var.x).a", 'variable "x" {}') == "?yamldecode(var.x).a"
    assert value_of('templatestring("a: ${"$"}{x}", { x = 1 })') == "a: 1"
    assert value_of('yamldecode(templatestring("a: ${"$"}{x}", { x = 1 })).a') == 1
