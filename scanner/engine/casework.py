"""Try a rule on its own cases: the harness that the tests and ``midas test`` share."""

from __future__ import annotations

from collections.abc import Iterator

from scanner.engine.describe import entities_of
from scanner.engine.evaluate import Judged, judge
from scanner.engine.registry import Rule
from scanner.facts import ids
from scanner.facts.cases import Case, CaseError, World
from scanner.facts.schema import Kind
from scanner.facts.store import FactStore
from scanner.rule import Facts

_KIND_OF_ROW = {
    "identity": Kind.IDENTITY,
    "principal": Kind.PRINCIPAL,
    "resource": Kind.RESOURCE,
    "assignment": Kind.ASSIGNMENT,
    "role": Kind.ROLE,
    "credential": Kind.CREDENTIAL,
    "administrator": Kind.ADMINISTRATOR,
    "scope": Kind.SCOPE,
}


def try_case(rule: Rule, case: Case) -> list[str]:
    """Return what is wrong with a rule's verdict in a case, one sentence each; empty when all is as it says."""
    world = World(case.elements)
    unused = set(case.parameters) - {parameter.name for parameter in rule.meta.parameters}
    if unused:
        return [f"the case sets parameters that the rule does not have: {', '.join(sorted(unused))}"]
    try:
        store = world.build()
    except CaseError as error:
        return [str(error)]
    judgement = judge(store, [rule], {rule.meta.id: dict(case.parameters)})
    if judgement.faults:
        return [f"the rule crashed: {judgement.faults[0].error}"]
    judged = judgement.judged[0]
    entities = entities_of(store, judgement)
    key = rule.meta.subject_key
    failing = {ids.same(entities.subject(k).id) for k in judged.failing[key].to_list()}
    undecided = {
        ids.same(entities.subject(k).id) for frame, _ in judged.unknown for k in frame[key].to_list()
    }
    undecided |= {gap.scope_id for gap in judged.unread}
    wanted = {ids.same(world.id_of(name)) for name in _finds(rule, case)}
    problems: list[str] = []
    expected_failing = wanted if case.verdict == "fail" else set()
    expected_unknown = wanted if case.verdict == "unknown" else set()
    problems += _differences("found", expected_failing, failing)
    if case.verdict != "fail":
        problems += _differences("left unknown", expected_unknown, undecided)
    if case.verdict == "pass" and not problems:
        problems += _judged_somebody(judged)
    if rule.applies is not None:
        problems += _repeated(rule, case, store)
    return problems


def _repeated(rule: Rule, case: Case, store: FactStore) -> Iterator[str]:
    """Check what the engine leaves to the rule, because at millions of subjects it would cost seconds."""
    import narwhals as nw

    assert rule.applies is not None  # noqa: S101 -- the caller looked
    key = rule.meta.subject_key
    keys = nw.from_native(rule.applies(Facts(store, rule.meta, case.parameters)), pass_through=True)
    if keys.select(key).collect()[key].is_duplicated().any():
        yield "applies(facts) returns a subject more than once"


def _judged_somebody(judged: Judged) -> Iterator[str]:
    if judged.everything == 0:
        yield f"the case has no {judged.rule.meta.subject}: nothing was judged"


def _finds(rule: Rule, case: Case) -> tuple[str, ...]:
    if case.finds is not None:
        return case.finds
    kind = _KIND_OF_ROW[rule.meta.subject_key]
    for element in case.elements:
        if element.kind is kind:
            return (element.name,)
    raise CaseError(f"case {case.title!r} names no {kind} and has no finds=(...)")


def _differences(what: str, expected: set[str], actual: set[str]) -> Iterator[str]:
    for missing in sorted(expected - actual):
        yield f"not {what}, but should be: {missing}"
    for extra in sorted(actual - expected):
        yield f"{what}, but should not be: {extra}"


def try_rule(rule: Rule) -> list[str]:
    """Return what is wrong in all cases of a rule, each sentence with the case's title in front."""
    problems = [f"{case.title}: {problem}" for case in rule.cases for problem in try_case(rule, case)]
    verdicts = {case.verdict for case in rule.cases}
    problems += [f"there is no {kind} case" for kind in ("fail", "pass", "unknown") if kind not in verdicts]
    return problems
