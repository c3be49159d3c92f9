"""Hostile templates: everything ends soon, nothing raises, and a gap says what was left out."""

import gc
import json
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.sources.declared.declaration import Unit
from scanner.sources.declared.values import Object, Unknown, is_known, leaves, show
from scanner.sources.template.evaluation import MOST_DECLARATIONS
from scanner.sources.template.frames import Frame
from tests.sources.template.evaluating import (
    DEPLOYMENTS,
    IDENTITIES,
    SCHEMA,
    addresses,
    arm,
    bicep,
    gaps,
    inner,
    output,
    resource,
    run,
    value,
)

MANY = 3000


@pytest.fixture(autouse=True)
def _shallow_stack() -> Iterator[None]:
    """Python's own limit as it is by default, whatever the runner set."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(1000)
    yield
    sys.setrecursionlimit(before)


def chain(made: Callable[[int], str]) -> dict[str, Any]:
    return {f"v{number}": made(number) for number in range(MANY)}


def from_the_last(number: int) -> str:
    return f"v{MANY - 1 - number}"


@pytest.mark.parametrize(
    "made",
    [
        lambda n: f"[variables('v{n + 1}')]",
        lambda n: f"[if(true(), if(true(), coalesce(null(), variables('v{n + 1}')), 1), 1)]",
        lambda n: (
            f"[map(createArray(1), lambda('x', first(map(createArray(1), lambda('y', variables('v{n + 1}'))))))]"
        ),
        lambda n: {"a": f"[variables('v{n + 1}')]"},
        lambda n: [f"[variables('v{n + 1}')]"],
    ],
)
def test_long_chains_of_variables_end(made: Callable[[int], Any]) -> None:
    unit = arm(
        variables=chain(made),
        resources=[resource(IDENTITIES, "id", tags="[variables('v0')]")],
        outputs={"o": {"type": "string", "value": "[variables('v0')]"}},
    )
    assert addresses(unit) == [f"{IDENTITIES}/id", "output.o"]
    assert "skipped" in [reason for reason, _ in gaps(unit)]


def test_values_that_grow_deep_from_the_inside_are_cut() -> None:
    variables = {f"v{number}": {"a": f"[variables('v{number - 1}')]"} for number in range(1, MANY)}
    outputs = {
        f"o{number}": {"type": "object", "value": f"[variables('v{number}')]"}
        for number in range(1, MANY, 10)
    }
    unit = arm(variables={"v0": 1, **variables}, outputs=outputs)
    for declared in unit.declarations:
        assert is_known(declared.body) in (True, False)
        assert show(declared.body)
        assert max(len(path) for path, _ in leaves(declared.body)) < 100
    assert ("skipped", "A value is too large to be evaluated.") in gaps(unit)


@pytest.mark.parametrize(
    "made",
    [
        lambda n: f"[concat(variables('v{n - 1}'), variables('v{n - 1}'))]",
        lambda n: f"[createArray(variables('v{n - 1}'), variables('v{n - 1}'))]",
        lambda n: {"a": f"[variables('v{n - 1}')]", "b": f"[variables('v{n - 1}')]"},
        lambda n: f"[format('{{0}}{{0}}', variables('v{n - 1}'))]",
        lambda n: f"[concat(createArray(variables('v{n - 1}')), createArray(variables('v{n - 1}')))]",
        lambda n: (
            f"[union(createObject('x{n}', variables('v{n - 1}')), createObject('y{n}', variables('v{n - 1}')))]"
        ),
        lambda n: f"[replace(variables('v{n - 1}'), 'x', 'xx')]",
        lambda n: f"[guid(variables('v{n - 1}'), variables('v{n - 1}'))]",
    ],
)
@pytest.mark.parametrize("seed", ["x", "[parameters('p')]"])
def test_values_that_double_do_not_blow_up(made: Callable[[int], Any], seed: str) -> None:
    variables = {f"v{number}": made(number) for number in range(1, 40)}
    outputs = {f"o{number}": {"type": "string", "value": f"[variables('v{number}')]"} for number in range(40)}
    unit = arm(parameters={"p": {"type": "string"}}, variables={"v0": seed, **variables}, outputs=outputs)
    assert len(unit.declarations) == 40
    for declared in unit.declarations:
        assert sum(1 for _ in leaves(declared.body)) < 110_000


def test_cycles_end_and_are_told() -> None:
    unit = arm(
        parameters={
            "a": {"type": "string", "defaultValue": "[parameters('b')]"},
            "b": {"type": "string", "defaultValue": "[concat(parameters('a'), 'x')]"},
        },
        variables={"c": "[variables('d')]", "d": {"e": "[variables('C')]"}},
        outputs={"o": {"type": "string", "value": "[concat(parameters('a'), string(variables('c')))]"}},
    )
    assert ("unresolved", "The parameter a depends on itself.") in gaps(unit)
    assert ("unresolved", "The variable c depends on itself.") in gaps(unit)


def test_modules_whose_arguments_and_outputs_go_round_end() -> None:
    unit = run(
        {
            "main.bicep": """
module a 'm.bicep' = { params: { x: b.outputs.x } }
module b 'm.bicep' = { params: { x: a.outputs.x } }
output o string = a.outputs.x
""",
            "m.bicep": "param x string\noutput x string = x\n",
        },
        "main.bicep",
    )
    assert isinstance(output(unit, "o"), Unknown)
    assert any(reason == "unresolved" for reason, _ in gaps(unit))


def test_resources_whose_names_and_loops_go_round_end() -> None:
    unit = bicep(
        """
resource a 'A.B/c@1' = { name: '${b.name}x' }
resource b 'A.B/c@1' = { name: '${a.name}x' }
resource c 'A.B/c@1' = [for i in range(0, length(d)): { name: 'c${i}' }]
resource d 'A.B/c@1' = [for i in range(0, length(c)): { name: 'd${i}' }]
resource e 'A.B/c@1' = if (e.name == 'x') { name: 'x' }
resource f 'A.B/c/d@1' = { parent: f, name: 'x' }
resource g 'A.B/c/d@1' = { parent: h, name: 'g' }
resource h 'A.B/c/d@1' = { parent: g, name: 'h' }
"""
    )
    assert {"a", "b", "f", "g", "h"} <= set(addresses(unit))


@pytest.mark.parametrize("count", [10**9, 10**30, -5])
def test_hostile_counts_are_cut(count: int) -> None:
    unit = arm(
        resources=[
            resource(
                IDENTITIES,
                "[format('id{0}', copyIndex())]",
                copy={"name": "ids", "count": count},
            )
        ],
        outputs={"o": {"type": "array", "copy": {"count": count, "input": "[copyIndex()]"}}},
    )
    ids = [each for each in addresses(unit) if each.startswith(IDENTITIES)]
    made = output(unit, "o")
    assert isinstance(made, list)
    if count == 10**9:
        assert (len(ids), len(made)) == (1000, 1000)
        assert (
            gaps(unit)
            == [("skipped", "A loop runs more than 1,000 times: what follows is not evaluated.")] * 2
        )
    elif count < 0:
        assert (ids, made) == ([], [])


def test_loops_in_loops_take_bounded_steps() -> None:
    started = time.perf_counter()
    unit = bicep(
        """
output o array = [for a in range(0, 1000): [for b in range(0, 1000): [for c in range(0, 1000): a + b * c]]]
resource x 'A.B/c@1' = [for a in range(0, 900): {
  name: 'x${a}'
  properties: { y: [for b in range(0, 900): [for c in range(0, 900): '${a}${b}${c}']] }
}]
"""
    )
    assert time.perf_counter() - started < 20
    assert any("steps" in detail for _, detail in gaps(unit))


def test_modules_in_loops_are_bounded() -> None:
    unit = run(
        {
            "main.bicep": "module a 'b.bicep' = [for i in range(0, 900): {}]\n",
            "b.bicep": "module b 'c.bicep' = [for i in range(0, 900): {}]\n",
            "c.bicep": "resource x 'A.B/c@1' = { name: 'x' }\n",
        },
        "main.bicep",
    )
    assert ("skipped", "The unit has more than 2,000 modules: what follows is not evaluated.") in gaps(unit)
    assert len(unit.declarations) < 2000


def test_deployments_deep_in_deployments_are_bounded() -> None:
    template = inner(resources=[resource(IDENTITIES, "deepest")])
    for _ in range(30):
        template = inner(resources=[resource(DEPLOYMENTS, "d", properties={"template": template})])
    unit = arm(**{name: part for name, part in template.items() if name == "resources"})
    assert "skipped" in [reason for reason, _ in gaps(unit)]


def test_functions_that_call_themselves_end() -> None:
    unit = bicep("func f(x string) string => '${f(x)}${f(x)}'\noutput o string = f('a')\n")
    assert "skipped" in [reason for reason, _ in gaps(unit)]


def test_gaps_without_end_are_told_as_one() -> None:
    unit = bicep("\n".join(f"module m{n} 'gone{n}.bicep' = {{}}" for n in range(700)))
    assert len(unit.gaps) == 501
    assert gaps(unit)[0] == ("skipped", "The template gone0.bicep is not in this repository.")
    assert gaps(unit)[-1] == ("skipped", "There are more than 500 gaps: the others are not told.")


def test_lambdas_that_grow_end() -> None:
    unit = bicep(
        """
output deep object = reduce(range(0, 1000), {}, (a, b) => { x: a })
output wide array = reduce(range(0, 100), [1], (a, b) => concat(a, a))
output long string = reduce(range(0, 100), 'x', (a, b) => '${a}${a}')
output big array = map(range(0, 1000000), i => i)
"""
    )
    for declared in unit.declarations:
        assert sum(1 for _ in leaves(declared.body)) < 110_000
    assert len(show(output(unit, "long"))) < 2_000_000


def test_every_module_output_chain_ends() -> None:
    files = {
        f"m{n}.bicep": f"module n 'm{n + 1}.bicep' = {{}}\noutput o string = n.outputs.o\n" for n in range(40)
    }
    unit = run({**files, "m40.bicep": "output o string = 'end'\n"}, "m0.bicep")
    assert isinstance(output(unit, "o"), Unknown)
    assert any("deeper than" in detail for _, detail in gaps(unit))


def test_loops_over_loops_over_loops_end() -> None:
    lines = [f"resource r{n} 'A.B/c@1' = [for x in r{n + 1}: {{ name: 'n' }}]" for n in range(400)]
    unit = bicep("\n".join([*lines, "resource r400 'A.B/c@1' = [for x in [1]: { name: 'n' }]"]))
    assert any(address.startswith("r400[0]") for address in addresses(unit))


PARTS = st.recursive(
    st.sampled_from(
        [
            "'a'",
            "1",
            "true()",
            "null()",
            "parameters('p')",
            "parameters('secret')",
            "parameters('object')",
            "variables('v')",
            "variables('w')",
            "copyIndex()",
            "resourceGroup()",
            "subscription().id",
            "createObject('a', 1, 'b', createArray(1))",
            "lambdaVariables('x')",
            f"resourceId('{IDENTITIES}', 'id')",
            "reference('id')",
            "listKeys('id', '1')",
            "reference('d').outputs.o.value",
        ]
    ),
    lambda inside: st.one_of(
        st.builds(
            lambda name, items: f"{name}({', '.join(items)})",
            st.sampled_from(
                [
                    "concat",
                    "union",
                    "contains",
                    "empty",
                    "length",
                    "first",
                    "last",
                    "if",
                    "equals",
                    "coalesce",
                    "tryGet",
                    "format",
                    "split",
                    "join",
                    "items",
                    "union",
                    "replace",
                    "toLower",
                    "string",
                    "json",
                    "base64",
                    "resourceId",
                    "subscriptionResourceId",
                    "extensionResourceId",
                    "reference",
                    "listKeys",
                    "guid",
                    "map",
                    "filter",
                    "reduce",
                    "toObject",
                    "sort",
                    "groupBy",
                    "flatten",
                    "intersection",
                    "range",
                    "min",
                    "take",
                    "skip",
                    "objectKeys",
                    "shallowMerge",
                    "createArray",
                    "createObject",
                    "array",
                    "not",
                    "and",
                    "or",
                    "less",
                    "add",
                    "div",
                    "int",
                    "uri",
                    "padLeft",
                    "substring",
                    "indexOf",
                    "mapValues",
                    "resourceGroup",
                    "subscription",
                    "managementGroup",
                    "tenantResourceId",
                ]
            ),
            st.lists(inside, max_size=4),
        ),
        st.builds(lambda body: f"lambda('x', {body})", inside),
        st.builds(
            lambda base, name: f"{base}.{name}",
            inside.filter(lambda t: t.endswith(")")),
            st.sampled_from(["a", "id", "name", "outputs"]),
        ),
        st.builds(lambda base, index: f"{base}[{index}]", inside.filter(lambda t: t.endswith(")")), inside),
    ),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(st.lists(PARTS, min_size=4, max_size=4), st.booleans())
def test_any_expressions_anywhere_are_evaluated(parts: list[str], looped: bool) -> None:
    first, second, third, fourth = (f"[{part}]" for part in parts)
    unit = arm(
        parameters={
            "p": {"type": "string"},
            "secret": {"type": "secureString", "defaultValue": first},
            "object": {"type": "object"},
        },
        variables={"v": second, "w": {"x": third, fourth: 1}},
        resources=[
            {
                **resource(IDENTITIES, first, tags={second: third}, scope=fourth),
                **({"copy": {"name": "c", "count": second}} if looped else {}),
            },
            resource(IDENTITIES, "id", condition=third),
            resource(
                DEPLOYMENTS,
                "d",
                properties={
                    "expressionEvaluationOptions": {"scope": "inner"},
                    "parameters": {"p": {"value": first}},
                    "template": inner(
                        parameters={"p": {"type": "string"}},
                        resources=[resource(f"{IDENTITIES}/x", "[parameters('p')]")],
                        outputs={"o": {"type": "string", "value": "[parameters('p')]"}},
                    ),
                },
                scope=fourth,
            ),
        ],
        outputs={"o": {"type": "string", "value": fourth}},
    )
    check(unit)


def check(unit: Unit) -> None:
    known = set(addresses(unit))
    assert len(known) == len(unit.declarations)
    for declared in unit.declarations:
        assert isinstance(declared.body, Object)
        for _, leaf in leaves(declared.body):
            assert not isinstance(leaf, dict)
        assert show(declared.name) is not None
        json.dumps(show(declared.parent))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_broken_templates_are_evaluated(data: st.DataObject) -> None:
    text = bytearray(
        json.dumps(
            {
                "$schema": SCHEMA,
                "parameters": {"p": {"type": "string", "defaultValue": "x"}},
                "variables": {"copy": [{"name": "v", "count": 2, "input": "[copyIndex('v')]"}]},
                "resources": [
                    resource(
                        IDENTITIES,
                        "[concat(parameters('p'), variables('v')[0])]",
                        copy={"name": "c", "count": 2},
                    ),
                    resource(
                        DEPLOYMENTS,
                        "d",
                        properties={"template": inner(resources=[resource(IDENTITIES, "y")])},
                    ),
                ],
            }
        ).encode()
    )
    for _ in range(data.draw(st.integers(1, 4))):
        at_ = data.draw(st.integers(0, max(len(text) - 1, 0)))
        if data.draw(st.booleans()):
            del text[at_ : at_ + data.draw(st.integers(1, 20))]
        else:
            text[at_:at_] = data.draw(
                st.sampled_from([b'"', b"{", b"}", b"[", b"]", b",", b"\xff", b"'", b"null"])
            )
    unit = run({"a.json": bytes(text)}, "a.json")
    check(unit)
    for gap in unit.gaps:
        assert 0 <= gap.place.start <= gap.place.end <= len(text)


def test_a_value_is_found_where_it_was_written() -> None:
    assert (
        value(arm(resources=[resource(IDENTITIES, "id", tags={"a": 1})]), f"{IDENTITIES}/id", "tags", "a")
        == 1
    )


def test_deployments_written_as_resources_are_bounded() -> None:
    text = """
resource d 'Microsoft.Resources/deployments@2024-03-01' = [for i in range(0, 1000): {
  name: 'd${i}'
  properties: { template: { resources: [
    { type: 'A.B/c', apiVersion: '1', name: 'x', copy: { name: 'c', count: 800 } }
  ] } }
}]
"""
    unit = bicep(text)
    assert len(unit.declarations) <= MOST_DECLARATIONS
    assert [gap.detail for gap in unit.gaps] == [
        f"The unit declares more than {MOST_DECLARATIONS:,} resources: what follows is left out."
    ]


def test_a_deployment_that_asks_for_its_own_output_ends() -> None:
    text = """
resource d 'Microsoft.Resources/deployments@2024-03-01' = {
  name: 'd'
  properties: {
    template: { outputs: { n: { type: 'string', value: d.properties.outputs.n.value } } }
  }
}
output o string = d.properties.outputs.n.value
"""
    unit = bicep(text)
    assert [gap.detail for gap in unit.gaps] == ["The output n depends on itself."]
    assert isinstance(output(unit, "o"), Unknown)


def test_choices_of_arrays_do_not_multiply() -> None:
    doubled = "".join(f"var v{n} = concat(v{n - 1}, v{n - 1})\n" for n in range(1, 12))
    text = (
        f"param on bool\nvar v0 = on ? [1] : []\n{doubled}output n int = length(v11)\noutput f int = v11[5]\n"
    )
    unit = bicep(text)
    assert isinstance(output(unit, "n"), Unknown)
    assert isinstance(output(unit, "f"), Unknown)


def test_many_items_asked_for_one_by_one_take_steps() -> None:
    text = """
param on bool
var many = [...(on ? [1] : []), ...range(0, 20000)]
resource r 'A.B/c@2023-01-01' = [for i in range(0, 1000): { name: 'x${many[i]}' }]
"""
    unit = bicep(text)
    assert any("steps" in gap.detail for gap in unit.gaps)


def test_what_was_worked_out_for_a_unit_is_freed_with_it() -> None:
    files: dict[str, Any] = {
        "main.bicep": """
import { shared } from 'lib.bicep'
param name string = shared
resource outer 'A.B/c@2023-01-01' = [for n in [name, 'y']: {
  name: n
  resource inner 'd' = { name: '${outer[0].id}-d' }
}]
module part 'part.bicep' = { params: { name: outer[0].name, made: map([1], n => '${n}${name}') } }
output given string = part.outputs.name
""",
        "lib.bicep": "@export()\nvar shared = 'x'",
        "part.bicep": "param name string\nparam made array\noutput name string = '${name}${made[0]}'",
    }
    gc.collect()
    before = sum(isinstance(each, Frame) for each in gc.get_objects())
    gc.disable()
    try:
        unit = run(files, "main.bicep")
        after = sum(isinstance(each, Frame) for each in gc.get_objects())
    finally:
        gc.enable()
    assert output(unit, "given") == "x1x"
    assert after == before
