"""Nothing that a file says stops the evaluation: what is too much is a gap, and the rest is read."""

from __future__ import annotations

import pytest

from scanner.sources.declared.values import Text, Unknown
from tests.sources.terraform.configurations import Evaluated, evaluated

LAST = 'resource "t_t" "last" {\n  n = 1\n}\n'


def chain(count: int, line: str) -> str:
    return "".join(line.format(here=at, before=at - 1) for at in range(1, count))


def read(text: str) -> Evaluated:
    made = evaluated(text + LAST)
    assert made.value("t_t.last", "n") == 1
    return made


@pytest.mark.parametrize(
    ("repeat", "detail"),
    [
        ("count = 99999999999", "It is made 99,999,999,999 times; only the first 1,000 are read."),
        (
            "for_each = toset([for i in range(20000) : tostring(i)])",
            "It is made 20,000 times; only the first 1,000 are read.",
        ),
    ],
)
def test_millions_of_instances(repeat: str, detail: str) -> None:
    made = read(f'resource "t_t" "many" {{\n  {repeat}\n}}\n')
    assert made.told() == [("skipped", repeat, detail)]
    assert sum(address.startswith("t_t.many") for address in made.objects) == 1_000


def test_nested_loops_use_up_their_share_and_no_more() -> None:
    made = read(
        'resource "t_t" "loops" {\n'
        "  n = [for i in range(9000) : [for j in range(9000) : [for k in range(9000) : k]]]\n"
        "}\n"
    )
    assert made.told() == [
        ("skipped", 'resource "t_t" "loops"', "It takes more than 500,000 steps to evaluate; it is not read.")
    ]
    assert "t_t.loops" not in made.objects


def test_nested_dynamic_blocks() -> None:
    opened = '  dynamic "x" {\n    for_each = range(100)\n    content {\n' * 8
    made = read(
        f'resource "t_t" "d" {{\n{opened}      n = 1\n{"    }}" * 0}{"}" * 16}\n}}\n'.replace("}}", "}\n}\n")
    )
    assert [reason for reason, _, _ in made.told()] == ["skipped"]


def test_the_steps_of_a_root_module_are_bounded() -> None:
    text = "".join(
        f'resource "t_t" "r{at}" {{\n  n = [for i in range(600) : [for j in range(9000) : j]]\n}}\n'
        for at in range(6)
    )
    made = evaluated(text + LAST)
    details = [detail for _, _, detail in made.told()]
    assert details[-1] == "The root module takes more than 2,000,000 steps to evaluate; the rest is not read."
    assert set(details[:-1]) == {"It takes more than 500,000 steps to evaluate; it is not read."}
    assert "t_t.last" not in made.objects


@pytest.mark.parametrize(
    ("at", "first", "line", "why"),
    [
        (
            20,
            'a0 = ["x"]',
            "a{here} = [local.a{before}, local.a{before}]\n",
            "its value has more than 50,000 parts",
        ),
        (180, "a0 = 1", "a{here} = [local.a{before}]\n", "its value is nested more than 64 deep"),
        (
            20,
            'a0 = "xy"',
            'a{here} = "${{local.a{before}}}${{local.a{before}}}"\n',
            "its text has more than 1,000,000 characters",
        ),
        (
            20,
            "a0 = range(1000)",
            "a{here} = concat(local.a{before}, local.a{before})\n",
            "its list has more than 20,000 items",
        ),
        (
            20,
            "a0 = 99999",
            "a{here} = local.a{before} * local.a{before}\n",
            "its value is no number that can be handled",
        ),
    ],
)
def test_values_that_grow_by_every_step(at: int, first: str, line: str, why: str) -> None:
    # Evaluated from the first on, so that it is the size that ends it and not the depth.
    seen = "".join(f'output "o{at}" {{\n  value = local.a{at}\n}}\n' for at in range(0, 200, 20))
    made = read(f"locals {{\n{first}\n{chain(200, line)}}}\n{seen}")
    found = made.value(f"output.o{at}", "value")
    while isinstance(found, list | Text):
        found = found[0] if isinstance(found, list) else found.parts[0]
    assert isinstance(found, Unknown)
    assert found.why == why


def test_long_chains_end_without_a_deep_stack() -> None:
    locals_ = f'locals {{\na0 = "x"\n{chain(3000, "a{here} = local.a{before}" + chr(10))}}}\n'
    made = read(f'resource "t_t" "c" {{\n  n = local.a2999\n}}\n{locals_}')
    assert made.value("t_t.c", "n").why == "it depends on too many things in a row"
    block = 'resource "t_t" "r{here}" {{\n  q {{\n    z = t_t.r{before}.q[0].z\n  }}\n}}\n'
    made = read(
        f'resource "t_t" "c" {{\n  n = t_t.r1499.q[0].z\n}}\nresource "t_t" "r0" {{\n'
        f"  q {{\n    z = 1\n  }}\n}}\n{chain(1500, block)}"
    )
    assert isinstance(made.value("t_t.c", "n"), Unknown)
    count = 'resource "t_t" "r{here}" {{\n  count = length(t_t.r{before})\n}}\n'
    made = read(
        f'resource "t_t" "c" {{\n  n = t_t.r1499\n}}\nresource "t_t" "r0" {{\n'
        f"  count = 1\n}}\n{chain(1500, count)}"
    )
    assert {reason for reason, _, _ in made.told()} == {"unresolved"}


def test_circles_are_gaps_where_they_close() -> None:
    made = read(
        "locals {\n  a = local.b\n  b = { c = local.a }\n  ok = 1\n}\n"
        'variable "v" {\n  default = 1\n}\n'
        'resource "t_t" "x" {\n  n = t_t.y.m\n  a = local.a\n  ok = local.ok\n}\n'
        'resource "t_t" "y" {\n  m = t_t.x.n\n}\n'
        'resource "t_t" "z" {\n  count = length(t_t.z)\n}\n'
    )
    assert made.told() == [
        ("unresolved", "a = local.b", "local.a depends on itself."),
        ("unresolved", 'resource "t_t" "z"', "How often t_t.z is made depends on itself."),
        (
            "unresolved",
            "count = length(t_t.z)",
            "How often t_t.z is made cannot be told: how often t_t.z is made depends on itself.",
        ),
    ]
    assert made.value("t_t.x", "ok") == 1
    assert isinstance(made.value("t_t.x", "a"), Unknown)


def test_a_root_module_with_too_many_objects() -> None:
    files = {"main.tf": 'module "a" {\n  source = "./m0"\n  count = 50\n}\n'}
    for at in range(6):
        files[f"m{at}/main.tf"] = (
            f'module "a" {{\n  source = "../m{at + 1}"\n  count = 50\n}}\nresource "t_t" "r" {{}}\n'
        )
    files["m6/main.tf"] = 'resource "t_t" "r" {}\n'
    made = evaluated(files)
    assert [detail for _, _, detail in made.told()] == [
        "It declares more than 20,000 objects; the rest is not read."
    ]


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf",
        b"",
        b"\r",
        b'resource "t_t" "l" {\n a = "\xe9\xff"\n \xe9 = 1\n}\n',
        b'resource "t_t" "l" {\r  a = 1\r}\r',
        b"a = <<\n",
        b'x "' + b"a" * 300_000,
        b"resource " + b"a" * 300_000,
        b"resource " + b'"a" ' * 100_000,
        b"a = " + b"!" * 100_000 + b"true",
        b"a = 1" + b" + 1" * 100_000,
        b'a = "' + b"$" * 100_000,
        b"/*" * 100_000,
        b'a = "${' * 2_000,
        b"a = <<A\n${\n" * 2_000,
    ],
)
def test_odd_bytes(data: bytes) -> None:
    made = evaluated(data)
    for gap in made.gaps:
        assert 0 <= gap.place.start <= gap.place.end <= len(data)
