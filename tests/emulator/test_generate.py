"""Generated tenants: the asked numbers, and the same bytes every time."""

from __future__ import annotations

import msgspec
import pytest

from scanner.emulator import TenantError, generate, parse_scale


def encoded(tenant):
    parts = (
        tenant.tables,
        tenant.federated,
        sorted(tenant.principals),
        tenant.hierarchy.groups,
        tenant.caller,
    )
    return msgspec.json.encode(parts)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others():
    scale = parse_scale("5,60,300")
    assert encoded(generate(scale)) == encoded(generate(scale, seed=1))
    assert encoded(generate(scale)) != encoded(generate(scale, seed=2))


@pytest.mark.parametrize("numbers", [(1, 1, 0), (3, 7, 50), (45, 200, 1000)])
def test_the_numbers_are_exactly_those_asked_for(numbers):
    tenant = generate(parse_scale(",".join(map(str, numbers))))
    assignments = list(tenant.rows("microsoft.authorization/roleassignments"))
    assert (len(tenant.hierarchy.subscriptions), len(tenant.identities), len(assignments)) == numbers
    assert len({row["id"] for row in assignments}) == numbers[2]
    subscriptions = [row["id"] for row in tenant.rows("microsoft.resources/subscriptions")]
    assert sorted(subscriptions) == sorted(f"/subscriptions/{key}" for key in tenant.hierarchy.subscriptions)


def test_every_assignment_names_a_principal_a_role_and_a_scope_that_exist():
    tenant = generate(parse_scale("4,30,400"))
    roles = {row["name"] for row in tenant.rows("microsoft.authorization/roledefinitions")}
    scopes = set(tenant.by_id)
    for row in tenant.rows("microsoft.authorization/roleassignments"):
        properties = row["properties"]
        assert properties["principalId"] in tenant.principals
        assert properties["roleDefinitionId"].split("/")[-1] in roles
        assert properties["scope"].lower() in scopes


def test_a_generated_tenant_is_served(start):
    tenant = generate(parse_scale("2,5,10"))
    caller = start(tenant)
    names = caller.ids(
        "resources | where type endswith 'userassignedidentities' | project id | order by id asc"
    )
    assert sorted(names) == [f"id-{n:07}" for n in range(5)]


@pytest.mark.parametrize(
    "text", ["", "1,2", "1,2,3,4", "a,b,c", "1,2,-3", "0,1,1", "1,0,1", "1,1,9999999999"]
)
def test_a_wrong_scale_says_what_to_write(text):
    with pytest.raises(TenantError, match=f"--scale {text}: "):
        parse_scale(text)
