"""Every condition in a rule is proved by a case: without it, some case of the rule fails.

For each rule, each condition is taken out of its source in turn (a predicate of a filter, one side of `&` or
`|`, a negation, an anti or semi join, an `if` in a comprehension), and the changed rule is judged on the cases.
What a rule marks with ``# for speed alone`` is taken out too, and must change nothing.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from msgspec.structs import replace

from scanner.engine.evaluate import Judged, judge
from scanner.engine.registry import Rule, load_rules
from scanner.facts.cases import Case

RULES = load_rules()
FUNCTIONS = ("check", "applies", "undecided")


@dataclass(frozen=True)
class Without:
    """A rule's source without one condition."""

    condition: str
    source: ast.Module
    speed: bool
    """Whether the rule says that the condition only saves time."""


def without_one(rule: Rule) -> Iterator[Without]:
    """Yield the rule's source once for each condition, without it; its cases are left out."""
    text = rule.path.read_text(encoding="utf-8")
    lines = text.splitlines()
    whole = ast.parse(text)
    whole.body = [node for node in whole.body if not _defines(node, "CASES")]
    places = [
        (number, position)
        for number, function in enumerate(whole.body)
        if isinstance(function, ast.FunctionDef)
        for position, _ in enumerate(_conditions(function))
    ]
    for number, position in places:
        source = copy.deepcopy(whole)
        function = source.body[number]
        assert isinstance(function, ast.FunctionDef)
        old, new, removed = list(_conditions(function))[position]
        condition = f"line {removed.lineno}: {ast.unparse(removed)}"
        speed = lines[(removed.end_lineno or removed.lineno) - 1].endswith("# for speed alone")
        source = ast.fix_missing_locations(_Replace(old, new).visit(source))
        yield Without(condition, source, speed)


def _defines(node: ast.stmt, name: str) -> bool:
    return isinstance(node, ast.Assign) and any(
        isinstance(target, ast.Name) and target.id == name for target in node.targets
    )


def _conditions(function: ast.FunctionDef) -> Iterator[tuple[ast.AST, ast.AST, ast.expr]]:
    """Yield (what is replaced, by what, the condition that this takes out)."""
    for statement in function.body:
        for node in ast.walk(statement):
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitAnd | ast.BitOr):
                yield node, node.left, node.right
                yield node, node.right, node.left
            elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Invert):
                yield node, node.operand, node
            elif isinstance(node, ast.GeneratorExp | ast.ListComp | ast.SetComp):
                for loop in node.generators:
                    for condition in loop.ifs:
                        yield condition, ast.Constant(True), condition
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                yield from _of_call(node, node.func)


def _of_call(call: ast.Call, method: ast.Attribute) -> Iterator[tuple[ast.AST, ast.AST, ast.expr]]:
    if method.attr == "filter":
        for argument in call.args:
            rest = [other for other in call.args if other is not argument]
            fewer = ast.Call(method, rest, call.keywords) if rest else method.value
            yield call, fewer, argument
    if method.attr == "join":
        kinds = {
            word.value.value
            for word in call.keywords
            if word.arg == "how" and isinstance(word.value, ast.Constant)
        }
        if kinds & {"anti", "semi"}:
            yield call, method.value, call


class _Replace(ast.NodeTransformer):
    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self._old, self._new = old, new

    def visit(self, node: ast.AST) -> Any:
        return self._new if node is self._old else super().generic_visit(node)


def changed(rule: Rule, source: ast.Module) -> Rule:
    """Return the rule with the functions of another source."""
    names: dict[str, Any] = {"__name__": rule.path.stem}
    exec(compile(source, str(rule.path), "exec"), names)
    return replace(rule, **{name: names[name] for name in FUNCTIONS if name in names})


def verdicts(one: Judged, case: Case) -> tuple[frozenset[int], frozenset[int] | None]:
    """What decides whether a case holds: who fails, and unless the case expects that, who is unknown."""
    key = one.rule.meta.subject_key
    fails = frozenset(one.failing[key].to_list())
    if case.verdict == "fail":
        return fails, None
    return fails, frozenset(subject for frame, _ in one.unknown for subject in frame[key].to_list())


@pytest.mark.parametrize("rule", [pytest.param(rule, id=rule.meta.id) for rule in RULES])
def test_without_any_one_condition_some_case_fails(rule: Rule, build: Any) -> None:
    withouts = list(without_one(rule))
    mutants = {number: changed(rule, without.source) for number, without in enumerate(withouts)}
    proved = set()
    for case in rule.cases:
        left = {number: mutant for number, mutant in mutants.items() if number not in proved}
        if not left:
            break
        judgement = judge(build(case), [rule, *left.values()], {rule.meta.id: dict(case.parameters)})
        judged = {id(one.rule): one for one in judgement.judged}
        expected = verdicts(judged[id(rule)], case)
        for number, mutant in left.items():
            one = judged.get(id(mutant))  # one that crashes is noticed as well
            if one is None or verdicts(one, case) != expected:
                proved.add(number)
    unproved = [
        one.condition for number, one in enumerate(withouts) if not one.speed and number not in proved
    ]
    assert not unproved, "no case fails without\n" + "\n".join(unproved)
    needed = [one.condition for number, one in enumerate(withouts) if one.speed and number in proved]
    assert not needed, "marked as for speed alone, yet verdicts change without\n" + "\n".join(needed)


def test_a_condition_without_a_case_is_noticed(build: Any) -> None:
    """The test above can fail: without its cases, no condition of a rule is proved."""
    rule = next(rule for rule in RULES if rule.meta.id == "MI102")
    bare = replace(rule, cases=())
    with pytest.raises(AssertionError, match="how='anti'"):
        test_without_any_one_condition_some_case_fails(bare, build)
