"""All rules over one world whose names and values are hostile, odd or repeated: none crashes, none is fooled."""

from __future__ import annotations

import json

import pytest

from scanner.engine.describe import entities_of, findings
from scanner.engine.evaluate import judge
from scanner.engine.finding import Finding
from scanner.engine.registry import load_rules
from scanner.facts.cases import (
    Element,
    World,
    administrator,
    assigned,
    attached,
    credential_in_use,
    custom_role,
    declared,
    federated,
    identity,
    key_read,
    member,
    person,
    principal,
    resource,
    role_named,
    secret_in_code,
    setting,
    subscription,
)

RULES = load_rules()
NAMES = {
    "markup": '<script>alert("x")</script>',
    "braces": "{name} {0} %s ${x}",
    "escapes": "\x1b[31mred\x1b[0m\nsecond line\r\x00",
    "right to left": "abc\u202edcba\u2066",
    "long": "n" * 10_000,
    "quotes": 'o\'brien "two" `three` \\',
}


def world(name: str) -> tuple[Element, ...]:
    return (
        subscription("other"),
        identity("app"),
        resource("vm", user_assigned=True),
        resource("shop", "Microsoft.App/containerApps"),
        resource("cluster", "Microsoft.ContainerService/managedClusters"),
        setting("cluster", "properties.servicePrincipalProfile.clientId", name),
        setting("vm", "properties.virtualMachineScaleSet.id", {"not": ["a", "text", name]}),
        credential_in_use("shop", name, property=name),
        attached("app", to="vm", property=name),
        attached("app", to="vm", property=name),
        attached("gone", to="vm", property=name),
        attached("gone", to="vm", property=name),
        federated("app", issuer=name, subject=name, audience=name),
        federated("app", issuer=name, expression=name, audience="", credential="flexible"),
        federated("app", issuer="", subject="", credential="empty"),
        custom_role(name, actions=("*", name, ""), not_actions=(name,)),
        principal("group", "Group"),
        member("app", of="group"),
        member("app", of="group"),
        person(name),
        assigned("app", name, as_="direct"),
        assigned("group", name, at="subscription:other", as_="through a group"),
        assigned(name, name, at="management_group:corp", condition=name, as_="a person"),
        administrator("kim", type=name),
        declared("app", referenced=False),
        declared("a person"),
        key_read(name + " key", to="shop", sink="secret"),
        secret_in_code(name + " output", "output-secret"),
        role_named("direct", name, found=False),
    )


@pytest.mark.parametrize("name", [pytest.param(text, id=title) for title, text in NAMES.items()])
def test_no_rule_crashes_and_what_is_said_is_shown_as_it_was_said(name: str) -> None:
    store = World(world(name)).build()
    judgement = judge(store, RULES)
    assert judgement.faults == ()
    found = {finding.code: finding for finding in findings(judgement, entities_of(store, judgement))}
    assert {"MI103", "MI107", "MI108", "MI109", "MI303", "MI305"} <= set(found)
    assert {"MI211", "MI212", "MI601", "MI602"} <= set(found)
    assert name in found["MI103"].message
    assert (
        json.dumps(name).lower().strip('" ') in found["MI108"].message
    )  # a property's value is kept as JSON
    assert name in found["MI109"].message
    assert name in found["MI212"].message
    assert name in found["MI601"].message


def admitted(expression: str) -> str:
    issuer = "https://token.actions.githubusercontent.com"
    store = World((identity("app"), federated("app", issuer=issuer, expression=expression))).build()
    rule = next(rule for rule in RULES if rule.meta.id == "MI301")
    judgement = judge(store, [rule])
    (finding,) = findings(judgement, entities_of(store, judgement))
    assert isinstance(finding, Finding)
    return str(finding.evidence["admitted"])


def test_a_wildcard_says_what_it_admits() -> None:
    assert admitted("claims['sub'] matches 'repo:contoso/*'") == (
        "every repository, project or organization that fits"
    )
    assert admitted("claims['sub'] matches '*:ref:refs/heads/main'") == (
        "every repository, project or organization that fits"
    )
    assert admitted("claims['sub'] matches 'repo:contoso/shop:ref:refs/heads/*'") == (
        "every branch, environment or run that fits"
    )
    assert admitted("claims['repository_id'] eq '456789'") == "every subject of the issuer"
