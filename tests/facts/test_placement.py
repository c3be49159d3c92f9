"""Where in a tenant code is deployed to: told by names that are there, never by one that may be the same by chance."""

from __future__ import annotations

from scanner.facts.placement import Placement, place_in
from scanner.facts.schema import Kind
from scanner.facts.store import FactsBuilder, FactStore

MAIN = "/subscriptions/11111111-1111-1111-1111-111111111111"
OTHER = "/subscriptions/22222222-2222-2222-2222-222222222222"
APP = "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/app"
SITE = "/providers/Microsoft.Web/sites/site"
VAULT = "/providers/Microsoft.KeyVault/vaults/vault"
CODE = "/subscriptions/(infra)"
GROUP = f"{CODE}/resourcegroups/(resource-group)"


def tenant(**groups: tuple[str, ...]) -> FactStore:
    """Groups by name, ``other_`` before those of the other subscription, with what lies in them."""
    builder = FactsBuilder()
    builder.scope(MAIN)
    builder.scope(OTHER)
    for name, held in groups.items():
        subscription = OTHER if name.startswith("other_") else MAIN
        group = f"{subscription}/resourceGroups/{name.removeprefix('other_')}"
        builder.scope(group)
        for tail in held:
            builder.entity(Kind.RESOURCE, group + tail)
    return builder.finish()


def names(*tails: str) -> set[str]:
    return {tail.lower() for tail in tails}


def test_the_subscription_is_the_one_that_holds_what_code_names() -> None:
    store = tenant(rg=(APP,), other_rg=())
    app = f"/resourceGroups/rg{APP}"
    assert place_in(store, {CODE: names("/resourceGroups/rg", app)}) == Placement({CODE: MAIN}, {}, ())
    both = place_in(store, {CODE: names("/resourceGroups/rg")})
    assert both == Placement({}, {CODE: [MAIN, OTHER]}, ())
    assert place_in(store, {CODE: names("/resourceGroups/none")}) == Placement({}, {}, (CODE,))
    assert place_in(store, {}) == Placement({}, {}, ())


def test_where_there_is_one_subscription_it_is_that() -> None:
    only = FactsBuilder()
    only.scope(MAIN)
    assert place_in(only.finish(), {CODE: set()}) == Placement({CODE: MAIN}, {}, ())


def test_a_group_is_the_one_that_holds_most_of_what_code_names_and_its_subscription_with_it() -> None:
    store = tenant(one=(APP, SITE), two=(APP,), other_three=(VAULT,))
    placed = place_in(store, {CODE: set(), GROUP: names(APP, SITE, VAULT)})
    assert placed == Placement({CODE: MAIN, GROUP: f"{MAIN}/resourceGroups/one"}, {}, ())


def test_one_name_or_less_than_half_of_them_or_none_make_no_group() -> None:
    store = tenant(one=(APP, SITE))
    for tails in (names(APP), names(APP, SITE, VAULT, f"{VAULT}/keys/k"), names(VAULT), set[str]()):
        assert place_in(store, {CODE: set(), GROUP: tails}) == Placement({}, {}, (CODE, GROUP))


def test_two_groups_with_the_same_names_are_both_possible() -> None:
    store = tenant(dev=(APP, SITE), other_prod=(APP, SITE))
    dev, prod = f"{MAIN}/resourceGroups/dev", f"{OTHER}/resourceGroups/prod"
    placed = place_in(store, {CODE: set(), GROUP: names(APP, SITE)})
    assert placed == Placement({}, {GROUP: [dev, prod]}, (CODE,))


def test_a_group_lies_in_the_subscription_that_is_known() -> None:
    store = tenant(dev=(APP, SITE), other_prod=(APP, SITE))
    prod = f"{OTHER}/resourceGroups/prod"
    found = place_in(store, {CODE: names("/resourceGroups/prod"), GROUP: names(APP, SITE)})
    assert found == Placement({CODE: OTHER, GROUP: prod}, {}, ())
    given = f"{OTHER}/resourcegroups/(resource-group)(infra)"
    assert place_in(store, {given: names(APP, SITE)}) == Placement({given: prod}, {}, ())


def test_what_is_told_is_not_looked_for() -> None:
    store = tenant(one=(APP, SITE), two=(APP,))
    two = f"{MAIN}/resourceGroups/two"
    told = place_in(store, {CODE: set(), GROUP: names(APP, SITE)}, {CODE: MAIN, GROUP: two})
    assert told == Placement({CODE: MAIN, GROUP: two}, {}, ())
    # The subscription alone leaves it to the names in which group of it that is.
    store = tenant(one=(APP, SITE), other_one=(APP, SITE))
    placed = place_in(store, {CODE: set(), GROUP: names(APP, SITE)}, {CODE: OTHER})
    assert placed == Placement({CODE: OTHER, GROUP: f"{OTHER}/resourceGroups/one"}, {}, ())
