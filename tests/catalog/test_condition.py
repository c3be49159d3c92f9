import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.catalog.condition import Outcome, evaluate
from scanner.catalog.operations import compile_pattern
from scanner.catalog.roles import builtin_roles

WRITE, DELETE, READ = 1, 2, 4
ALL = WRITE | DELETE | READ
NAMES = {
    "m.a/roleassignments/write": WRITE,
    "m.a/roleassignments/delete": DELETE,
    "m.a/roleassignments/read": READ,
}
TERM = "@Request[M.A/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals{1-2, 3-4}"


def covered(pattern: str) -> int:
    return sum(bit for name, bit in NAMES.items() if compile_pattern(pattern)(name))


def surely(condition: str | None) -> int:
    return evaluate(condition, covered, ALL).surely


def maybe(condition: str | None) -> int:
    return evaluate(condition, covered, ALL).maybe


def action(name: str) -> str:
    return f"ActionMatches{{'M.A/roleAssignments/{name}'}}"


@pytest.mark.parametrize("none", [None, "", "   "])
def test_no_condition_restricts_nothing(none: str | None) -> None:
    assert evaluate(none, covered, ALL) == Outcome(ALL, ALL)


@pytest.mark.parametrize(
    ("condition", "free", "possible"),
    [
        (TERM, 0, ALL),
        (f"(!({action('write')})) OR ({TERM})", DELETE | READ, ALL),
        (f"((!({action('write')})) OR ({TERM})) AND ((!({action('delete')})) OR ({TERM}))", READ, ALL),
        (f"!{action('write')} || {TERM}", DELETE | READ, ALL),
        (f"NOT {action('write')} or {TERM}", DELETE | READ, ALL),
        (f"{action('read')} AND {TERM}", 0, READ),
        (action("*"), ALL, ALL),
        (f"!({action('*')})", 0, 0),
        (f"{action('read')} OR {action('write')}", READ | WRITE, READ | WRITE),
        # AND binds tighter than OR.
        (f"{action('read')} OR {action('write')} AND {TERM}", READ, READ | WRITE),
        (f"{TERM} && ({action('read')} || {action('write')})", 0, READ | WRITE),
        (f"!({action('read')} AND NOT SubOperationMatches{{'Blob.List'}}) OR {TERM}", WRITE | DELETE, ALL),
        (
            "ActionMatches {'m.a/roleassignments/write', 'm.a/roleassignments/read'}",
            WRITE | READ,
            WRITE | READ,
        ),
        ("@Resource[a/b:c<$key$>] StringEquals 'x (OR) y'", 0, ALL),
    ],
)
def test_what_is_restricted(condition: str, free: int, possible: int) -> None:
    assert evaluate(condition, covered, ALL) == Outcome(free, possible)


@pytest.mark.parametrize(
    "broken",
    [
        "(",
        ")",
        "a AND",
        "OR b",
        f"({action('write')}",
        f"{action('write')} {action('read')}",
        "ActionMatches{}",
        "\x00",
        "a ; b",
        "'open",
        "(" * 5_000 + action("read") + ")" * 5_000,
        "NOT " * 5_000 + action("read"),
        f"NOT (NOT ({action('write')} \x1b[31m))",
    ],
)
def test_what_cannot_be_parsed_is_a_restriction_of_everything(broken: str) -> None:
    assert evaluate(broken, covered, ALL) == Outcome(0, ALL)


def test_a_quoted_keyword_is_text() -> None:
    assert maybe("@Resource[x] StringEquals ' OR '") == ALL
    assert surely(f"@Resource[x] StringEquals 'ActionMatches' OR NOT {action('write')}") == DELETE | READ


@given(st.text(alphabet="()!&|'{}[]@:ANDORT actionmatches*/", max_size=60))
def test_nothing_makes_it_fail_and_surely_is_within_maybe(condition: str) -> None:
    outcome = evaluate(condition, covered, ALL)
    assert outcome.surely & ~outcome.maybe == 0
    assert outcome.maybe & ~ALL == 0


def test_every_guard_in_a_built_in_role_is_understood() -> None:
    """A condition that guards single operations leaves others free; only those without a guard restrict all."""
    restricted = {
        role.name
        for role in builtin_roles().values()
        for entry in role.permissions
        if entry.condition
        and "actionmatches" in entry.condition.lower()
        and not evaluate(entry.condition, lambda pattern: int("roleassignments" in pattern), 1 | 2).surely & 2
    }
    assert restricted == set()
