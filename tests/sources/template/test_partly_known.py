"""What is sure of values that are not wholly known: parts of texts, one of several arrays."""

from typing import Any

import pytest

from scanner.sources.declared.values import Object, Text, Unknown, Value, show
from scanner.sources.template.evaluation import MOST_TEXT
from tests.sources.template.evaluating import (
    IDENTITIES,
    addresses,
    at,
    bicep,
    computed,
    output,
    plain,
    value,
)

PARAMETERS = {"x": {"type": "string"}, "on": {"type": "bool"}}


def shown(expression: str) -> str:
    return show(computed(expression, parameters=PARAMETERS))


TEXTS = {
    "replace('a{0}b{0}', '{0}', parameters('x'))": "a{param x}b{param x}",
    "replace(concat('a-b-', parameters('x')), '-', '_')": "a_b_{replace(param x, '-', '_')}",
    "replace(concat('ab', parameters('x')), 'bc', '_')": "{replace('ab${param x}', 'bc', '_')}",
    "replace(concat(parameters('x'), 'c', parameters('x')), 'bcd', '')": (
        "{replace('${param x}c${param x}', 'bcd', '')}"
    ),
    "replace(concat(parameters('x'), '//cd'), 'bc', '')": "{replace(param x, 'bc', '')}//cd",
    "replace(concat(subscription().id, '/a/', parameters('x'), '/b'), '/a/', '/c/')": (
        "/subscriptions/{subscription().subscriptionId}/c/{replace(param x, '/a/', '/c/')}/b"
    ),
    "replace(parameters('x'), 'a', 'b')": "{replace(param x, 'a', 'b')}",
    "replace('a', parameters('x'), 'b')": "{replace('a', param x, 'b')}",
    "toLower(concat('AB', parameters('x')))": "ab{toLower(param x)}",
    "take(concat('abc', parameters('x')), 2)": "ab",
    "take(concat('abc', parameters('x')), 4)": "{take('abc${param x}', 4)}",
    "skip(concat('abc', parameters('x')), 2)": "c{param x}",
    "skip(concat(parameters('x'), 'abc'), 2)": "{skip('${param x}abc', 2)}",
    "substring(concat('abc', parameters('x')), 1, 2)": "bc",
    "substring(concat('abc', parameters('x')), 1)": "bc{param x}",
    "substring('abc', 1, 5)": "{substring('abc', 1, 5)}",
    "first(concat('abc', parameters('x')))": "a",
    "last(concat(parameters('x'), 'abc'))": "c",
    "last(concat('abc', parameters('x')))": "{last('abc${param x}')}",
    "trim(concat(' a', parameters('x'), 'b '))": "a{param x}b",
    "trim(concat(' ', parameters('x')))": "{trim(' ${param x}')}",
    "last(split(concat(parameters('x'), '/a/b'), '/'))": "b",
    "first(split(concat('q-w-', parameters('x')), '-'))": "q",
    "split(concat('q-w-', parameters('x'), '-z'), '-')[1]": "w",
    "split(concat('q-w-', parameters('x'), '-z'), '-')[2]": "{split(concat('q-w-', x, '-z'), '-')[2]}",
    "last(split(concat(parameters('x'), 'a'), '/'))": "{last([...split('${param x}a')])}",
    "join(createArray('a', parameters('x')), '-')": "a-{param x}",
    "format('{0}/{1}', 'a', parameters('x'))": "a/{param x}",
}  # fmt: skip


@pytest.mark.parametrize("expression", TEXTS)
def test_what_is_known_of_a_text_stays(expression: str) -> None:
    assert shown(expression) == TEXTS[expression]


def test_a_text_is_not_made_longer_than_a_text_may_be() -> None:
    found = computed(f"replace('{'a' * 2000}', 'a', '{'b' * 2000}')")
    assert isinstance(found, Unknown)
    assert MOST_TEXT < 2000 * 2000


def test_functions_look_into_the_id_of_what_is_declared() -> None:
    text = f"""
resource app '{IDENTITIES}@2023-01-31' = {{ name: 'id-app' }}
output has bool = contains(app.id, '/userAssignedIdentities/')
output not bool = contains(app.id, '/roleDefinitions/')
output ends bool = endsWith(app.id, '/id-app')
output name string = last(split(app.id, '/'))
output group string = split(app.id, '/')[4]
output under string = last(split('${{app.id}}/a/b', '/'))
"""
    unit = bicep(text)
    assert [output(unit, name) for name in ("has", "not", "ends", "name", "under")] == [
        True, False, True, "id-app", "b",
    ]  # fmt: skip
    assert output(unit, "group") == Unknown("resourceGroup().name", "it is the one deployed to")


LOOKUP = "createObject('Owner', '1', 'Reader', '2')"


def options(found: Value) -> list[Any]:
    assert isinstance(found, Unknown)
    return [plain(option) for option in found.options]


def test_a_name_that_is_partly_known_finds_what_it_may_be() -> None:
    given = f"{LOOKUP}[concat('Own', parameters('x'))]"
    assert options(computed(given, parameters=PARAMETERS)) == ["1"]
    assert computed(f"tryGet({LOOKUP}, concat('No', parameters('x')))", parameters=PARAMETERS) is None


def test_a_name_that_is_one_of_several_finds_their_values() -> None:
    either = f"{LOOKUP}[if(parameters('on'), 'Owner', 'Reader')]"
    assert options(computed(either, parameters=PARAMETERS)) == ["1", "2"]
    same = f"{LOOKUP}[if(parameters('on'), 'Owner', 'OWNER')]"
    assert computed(same, parameters=PARAMETERS) == "1"


MAYBE = """
param on bool
param more array = []
param given array
var chosen = on ? [{ name: 'id-a' }] : []
"""
LOOP = f"resource app '{IDENTITIES}@2023-01-31' = [for each in %s: {{ name: each.name }}]"


@pytest.mark.parametrize(
    ("collection", "expected"),
    [
        ("chosen", [("id-a", True)]),
        ("(on ? [{ name: 'id-a' }] : [{ name: 'id-b' }])", [("id-a", True), ("id-b", True)]),
        ("concat(chosen, [{ name: 'id-c' }])", [("id-a", True), ("id-c", False)]),
        ("[...chosen, { name: 'id-c' }]", [("id-a", True), ("id-c", False)]),
        ("union([{ name: 'id-c' }], chosen)", [("id-c", False), ("id-a", True)]),
        ("map(chosen, c => c)", [("id-a", True)]),
        ("filter(concat(chosen, more), c => c.name != 'id-b')", [("id-a", True)]),
        ("flatten([chosen, [{ name: 'id-c' }]])", [("id-a", True), ("id-c", False)]),
        ("(chosen ?? [])", [("id-a", True)]),
        ("more", []),
    ],
)
def test_a_loop_over_what_is_one_of_several_arrays_runs_for_what_may_be_in_it(
    collection: str, expected: list[tuple[str, bool]]
) -> None:
    unit = bicep(MAYBE + LOOP % collection)
    found = [(declared.name, declared.conditional) for declared in unit.declarations]
    assert found == expected


def test_a_loop_over_anything_stands_for_all() -> None:
    unit = bicep(MAYBE + LOOP % "concat(chosen, given)")
    assert [show(declared.name) for declared in unit.declarations] == [
        "id-a",
        "{each of param given.name}",
    ]


def test_a_copy_counted_by_what_may_be_empty_runs_as_often_as_it_can() -> None:
    """As the compiler writes a loop over ``on ? [...] : []``."""
    unit = bicep(
        MAYBE
        + f"""
var ids = on ? ['id-a', 'id-b'] : ['id-a']
resource app '{IDENTITIES}@2023-01-31' = [for i in range(0, length(ids)): {{ name: ids[i] }}]
"""
    )
    assert addresses(unit) == ["app[0]", "app[1]"]
    assert [at(unit, name).name for name in addresses(unit)] == ["id-a", "id-b"]
    assert [at(unit, name).conditional for name in addresses(unit)] == [False, True]


def test_an_item_is_what_the_arrays_that_have_it_say() -> None:
    unit = bicep(
        MAYBE
        + """
var both = concat(chosen, [{ name: 'id-c' }])
output first string = chosen[0].name
output zero string = both[0].name
output one string = both[1].name
output safe string = chosen[?0].?name ?? 'none'
output count int = length(both)
output known int = length(on ? [1] : [2])
"""
    )
    assert output(unit, "first") == "id-a"
    assert options(output(unit, "zero")) == ["id-a", "id-c"]
    assert output(unit, "one") == "id-c"
    assert options(output(unit, "safe")) == ["id-a", "none"]
    assert options(output(unit, "count")) == [1, 2]
    assert output(unit, "known") == 1


def test_a_choice_of_very_many_is_no_choice() -> None:
    """Left out possibilities would be taken for impossible."""
    chain = "'last'"
    for number in range(20):
        chain = f"p == '{number}' ? 'v{number}' : ({chain})"
    unit = bicep(f"param p string\noutput o string = {chain}")
    found = output(unit, "o")
    assert isinstance(found, Unknown)
    assert any(isinstance(option, Unknown) and not option.options for option in found.options)


def test_a_step_that_was_asked_for_safely_makes_the_rest_null() -> None:
    unit = bicep("var o = { a: { b: 1 } }\noutput x int = o.?c.d.e\noutput y int = o.?a.b\n")
    assert output(unit, "x") is None
    assert output(unit, "y") == 1


def test_an_object_united_with_a_choice_keeps_both() -> None:
    unit = bicep("param on bool\noutput o object = union({ a: 1 }, on ? { a: 2 } : {})")
    held = value(unit, "output.o", "value")
    assert isinstance(held, Object)
    assert not isinstance(held.properties["a"].value, Text)
    assert options(held.properties["a"].value) == [2, 1]
