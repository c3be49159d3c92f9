"""Functions and operators: on known values as Azure documents them, on others symbolic and equal when alike."""

from typing import Any

import pytest

from scanner.sources.declared.values import Object, Text, Unknown
from tests.sources.template.evaluating import arm, bicep, computed, output, plain, shown

P = {"x": {"type": "string"}, "list": {"type": "array"}, "object": {"type": "object"}}

KNOWN: list[tuple[str, Any]] = [
    ("concat('a', 1, true())", "a1true"),
    ("concat(createArray(1), createArray(2, 3))", [1, 2, 3]),
    ("format('{0}-{1:D3}-{{x}}', 'a', 7)", "a-007-{x}"),
    ("toLower('ABC')", "abc"),
    ("toUpper('abc')", "ABC"),
    ("replace('a-b-c', '-', '')", "abc"),
    ("substring('abcdef', 1, 3)", "bcd"),
    ("split('a,b;c', createArray(',', ';'))", ["a", "b", "c"]),
    ("join(createArray('a', 'b'), '-')", "a-b"),
    ("trim('  a ')", "a"),
    ("padLeft(7, 3, '0')", "007"),
    ("startsWith('abc', 'AB')", True),
    ("endsWith('abc', 'd')", False),
    ("contains('abc', 'b')", True),
    ("contains(createArray('a', 'b'), 'b')", True),
    ("contains(createObject('Key', 1), 'key')", True),
    ("indexOf('abcB', 'b')", 1),
    ("lastIndexOf('abcB', 'b')", 3),
    ("first('abc')", "a"),
    ("last(createArray(1, 2))", 2),
    ("take('abc', 2)", "ab"),
    ("skip(createArray(1, 2, 3), 1)", [2, 3]),
    ("length('abc')", 3),
    ("length(createObject('a', 1))", 1),
    ("empty('')", True),
    ("empty(createArray())", True),
    ("empty(null())", True),
    ("empty(createObject('a', 1))", False),
    ("string(createObject('a', createArray(1, null())))", '{"a":[1,null]}'),
    ("string(true())", "True"),
    ("int('12')", 12),
    ("bool('true')", True),
    ("float('1.5')", 1.5),
    ('json(\'{"a": [1, "b"]}\')', {"a": [1, "b"]}),
    ("json('null')", None),
    ("base64('a')", "YQ=="),
    ("base64ToString('YQ==')", "a"),
    ("base64ToJson('eyJhIjoxfQ==').a", 1),
    ("uri('https://x/a/b.json', 'c.json')", "https://x/a/c.json"),
    ("uri('https://x/a/', 'c.json')", "https://x/a/c.json"),
    ("uriComponent('a b/c')", "a%20b%2Fc"),
    ("uriComponentToString('a%20b')", "a b"),
    (
        "union(createObject('a', createObject('x', 1)), createObject('a', createObject('y', 2)))",
        {"a": {"x": 1, "y": 2}},
    ),
    ("shallowMerge(createArray(createObject('a', createObject('x', 1)), createObject('a', 2)))", {"a": 2}),
    ("union(createArray(1, 2), createArray(2, 3))", [1, 2, 3]),
    ("intersection(createArray(1, 2), createArray(2, 3))", [2]),
    ("intersection(createObject('a', 1, 'b', 2), createObject('a', 1, 'b', 3))", {"a": 1}),
    ("items(createObject('b', 2, 'a', 1))", [{"key": "a", "value": 1}, {"key": "b", "value": 2}]),
    ("objectKeys(createObject('b', 2, 'a', 1))", ["a", "b"]),
    ("flatten(createArray(createArray(1), createArray(2)))", [1, 2]),
    ("range(3, 2)", [3, 4]),
    ("min(3, 1)", 1),
    ("max(createArray(3, 1))", 3),
    ("array('a')", ["a"]),
    ("add(1, 2)", 3),
    ("sub(1, 2)", -1),
    ("mul(3, 2)", 6),
    ("div(-7, 2)", -3),
    ("mod(-7, 2)", -1),
    ("if(equals(1, 1), 'yes', 'no')", "yes"),
    ("and(true(), not(false()))", True),
    ("or(false(), equals('a', 'A'))", False),
    ("less(1, 2)", True),
    ("greaterOrEquals('b', 'a')", True),
    ("coalesce(null(), 'a')", "a"),
    ("tryGet(createObject('a', createObject('b', 1)), 'a', 'b')", 1),
    ("tryGet(createObject('a', 1), 'z', 'y')", None),
    ("tryIndexFromEnd(createArray(1, 2), 1)", 2),
    ("map(createArray(1, 2), lambda('n', add(lambdaVariables('n'), 1)))", [2, 3]),
    ("filter(createArray(1, 2), lambda('n', greater(lambdaVariables('n'), 1)))", [2]),
    ("reduce(createArray(1, 2), 0, lambda('a', 'b', add(lambdaVariables('a'), lambdaVariables('b'))))", 3),
    (
        "sort(createArray(3, 1, 2), lambda('a', 'b', less(lambdaVariables('a'), lambdaVariables('b'))))",
        [1, 2, 3],
    ),
    ("toObject(createArray('a'), lambda('n', lambdaVariables('n')), lambda('n', 1))", {"a": 1}),
    ("groupBy(createArray('ab', 'ac'), lambda('n', first(lambdaVariables('n'))))", {"a": ["ab", "ac"]}),
    ("mapValues(createObject('a', 1), lambda('v', add(lambdaVariables('v'), 1)))", {"a": 2}),
]


@pytest.mark.parametrize(("expression", "expected"), KNOWN)
def test_functions_of_known_values(expression: str, expected: Any) -> None:
    found = plain(computed(expression))
    assert found == expected
    assert type(found) is type(expected)


SYMBOLIC = [
    ("guid('a', 'b')", "guid('a', 'b')"),
    ("uniqueString(resourceGroup().id)", None),
    ("newGuid()", "newGuid()"),
    ("utcNow()", "utcNow()"),
    ("substring(parameters('x'), 0, 3)", "substring(param x, 0, 3)"),
    ("environment().suffixes.storage", "environment().suffixes.storage"),
    ("deployment().location", "deployment().location"),
    ("resourceGroup().location", "resourceGroup().location"),
    ("subscription().tenantId", "subscription().tenantId"),
    ("tenant().tenantId", "tenant().tenantId"),
    ("deployer().objectId", "deployer().objectId"),
    ("length(parameters('list'))", "length(param list)"),
    ("parameters('object').a.b[0]", "param object.a.b[0]"),
    ("someNewFunction('a')", "someNewFunction('a')"),
    ("int('twelve')", "int('twelve')"),
    ("div(1, 0)", "1 / 0"),
    ("equals(parameters('x'), 'a')", "param x == 'a'"),
    ("fail('stop')", "fail()"),
]


@pytest.mark.parametrize(("expression", "expected"), SYMBOLIC)
def test_what_cannot_be_worked_out_is_symbolic_and_equal_to_itself(
    expression: str, expected: str | None
) -> None:
    found = computed(expression, parameters=P)
    assert isinstance(found, Unknown)
    assert found == computed(expression, parameters=P)
    assert expected is None or found.shown == expected
    assert not found.secret


def test_what_is_made_of_a_secret_is_secret() -> None:
    parameters = {"x": {"type": "secureString"}}
    for expression in (
        "base64(parameters('x'))",
        "toLower(parameters('x'))",
        "parameters('x')",
        "equals('a', parameters('x'))",
    ):
        found = computed(expression, parameters=parameters)
        assert isinstance(found, Unknown)
        assert found.secret, expression


def test_text_keeps_what_is_known_of_it() -> None:
    x = Unknown("param x", "no value is given for the parameter")
    assert computed("concat('a-', parameters('x'), '-b')", parameters=P) == Text(("a-", x, "-b"))
    assert computed("format('a-{0}-{1}', parameters('x'), 'b')", parameters=P) == Text(("a-", x, "-b"))
    lower = computed("toLower(concat('A-', parameters('x')))", parameters=P)
    assert lower == Text(("a-", Unknown("toLower(param x)", "toLower() is worked out when deploying")))
    assert computed("startsWith(concat('abc', parameters('x')), 'ab')", parameters=P) is True
    assert computed("empty(concat('abc', parameters('x')))", parameters=P) is False


def test_both_sides_of_an_unknown_condition_are_options() -> None:
    found = computed("if(equals(parameters('x'), 'a'), 'one', parameters('x'))", parameters=P)
    assert isinstance(found, Unknown)
    assert found.options == ("one", Unknown("param x", "no value is given for the parameter"))
    assert computed("if(equals(parameters('x'), 'a'), 'same', 'same')", parameters=P) == "same"
    way = computed(
        "if(equals(parameters('x'), 'a'), createObject('k', 1), createObject('k', 2)).k", parameters=P
    )
    assert isinstance(way, Unknown)
    assert way.options == (1, 2)


def test_known_parts_decide_where_they_can() -> None:
    assert computed("and(equals(parameters('x'), 'a'), false())", parameters=P) is False
    assert computed("or(equals(parameters('x'), 'a'), true())", parameters=P) is True
    assert computed("equals(parameters('x'), parameters('x'))", parameters=P) is True


def test_allowed_values_are_the_options_of_a_parameter_without_value() -> None:
    found = computed("parameters('x')", parameters={"x": {"type": "string", "allowedValues": ["a", "b"]}})
    assert found == Unknown("param x", "no value is given for the parameter", False, ("a", "b"))


def test_arrays_with_unknown_items_keep_the_known_ones_and_no_positions() -> None:
    found = computed("concat(createArray('a'), parameters('list'), createArray('b'))", parameters=P)
    assert isinstance(found, list)
    assert (found[0], shown(found[1]), found[2]) == ("a", "...param list", "b")
    unit = arm(
        parameters=P,
        variables={"all": "[concat(createArray('a'), parameters('list'), createArray('b'))]"},
        outputs={
            name: {"type": "string", "value": f"[{expression}]"}
            for name, expression in {
                "first": "variables('all')[0]",
                "second": "variables('all')[1]",
                "length": "length(variables('all'))",
                "empty": "empty(variables('all'))",
                "contains": "contains(variables('all'), 'b')",
            }.items()
        },
    )
    assert output(unit, "first") == "a"
    assert isinstance(output(unit, "second"), Unknown)
    assert isinstance(output(unit, "length"), Unknown)
    assert output(unit, "empty") is False
    assert output(unit, "contains") is True


def test_objects_united_with_something_unknown_are_open() -> None:
    after = computed("union(parameters('object'), createObject('a', 1))", parameters=P)
    assert isinstance(after, Object)
    assert (plain(after), after.open) == ({"a": 1}, True)
    before = computed("union(createObject('a', 1, 'b', createArray(1)), parameters('object'))", parameters=P)
    assert isinstance(before, Object)
    assert before.open
    assert isinstance(before.properties["a"].value, Unknown)


def test_objects_united_with_one_of_two_have_options() -> None:
    found = computed(
        "union(createObject('a', 1), if(equals(parameters('x'), 'y'), createObject('b', 2), createObject()))",
        parameters=P,
    )
    assert isinstance(found, Object)
    assert not found.open
    assert found.properties["a"].value == 1
    held = found.properties["b"].value
    assert isinstance(held, Unknown)
    assert held.options == (2, None)


BICEP = """
param x string
param object object
param maybe string?
var known = { a: { b: [1, 2] }, 'c-d': 'e' }
output way int = known.a.b[1]
output byName string = known['c-d']
output safe string = known.?z ?? 'default'
output deep string = known.?z.?y ?? 'default'
output given string = maybe ?? 'not given'
output spread object = { ...known, a: 1, ...{ f: 2 } }
output spreadArray array = ['a', ...known.a.b]
output text string = '${x}-${known.a.b[0]}-${true}'
output compare bool = 1 < 2 && 'A' =~ 'a' && 'a' != 'b' && !(2 <= 1)
output math int = -(7 / 2) + 3 * 2 % 4
output loop array = [for (n, i) in known.a.b: { n: n, i: i }]
output unsure array = [for n in object.list: n.name]
output nested array = [for n in range(0, 2): [for m in range(0, n): m]]
output any string = any('a')
output name string = nameof(known.a)
output az string = az.toUpper(sys.concat('a', 'b'))
output ternary string = x == 'a' ? 'one' : 'two'
"""


def test_bicep_operators_and_ways_into_values() -> None:
    unit = bicep(BICEP)
    expected = {
        "way": 2,
        "byName": "e",
        "safe": "default",
        "deep": "default",
        "given": "not given",
        "spread": {"a": 1, "c-d": "e", "f": 2},
        "spreadArray": ["a", 1, 2],
        "compare": True,
        "math": -1,
        "loop": [{"n": 1, "i": 0}, {"n": 2, "i": 1}],
        "nested": [[], [0]],
        "any": "a",
        "name": "a",
        "az": "AB",
    }
    assert {name: plain(output(unit, name)) for name in expected} == expected
    assert output(unit, "text") == Text(
        (Unknown("param x", "no value is given for the parameter"), "-1-true")
    )
    unsure = output(unit, "unsure")
    assert isinstance(unsure, list)
    assert [shown(each) for each in unsure] == ["n of param object.list.name", "... for n"]
    ternary = output(unit, "ternary")
    assert isinstance(ternary, Unknown)
    assert ternary.options == ("one", "two")
