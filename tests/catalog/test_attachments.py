import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.catalog.attachment_values import Reference, read_reference
from scanner.catalog.attachments import (
    Holds,
    attachment_paths,
    projections,
    resource_graph_table,
    types_with_nested_attachments,
    walk,
)
from scanner.catalog.identity_types import identity_types

ID = (
    "/subscriptions/5b1d0000-0000-0000-0000-000000000001/resourcegroups/rg"
    "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/app"
)
GUID = "5B1D0000-0000-0000-0000-0000000000AA"


def found(resource_type: str, resource: object) -> dict[str, str]:
    return {
        where: value
        for entry in attachment_paths(resource_type)
        for where, value in walk(resource, entry.path)
    }


def test_a_cluster() -> None:
    cluster = {
        "properties": {
            "identityProfile": {"kubeletidentity": {"resourceId": ID, "clientId": GUID, "objectId": GUID}},
            "addonProfiles": {
                "omsagent": {"enabled": True, "identity": {"resourceId": ID}},
                "azurepolicy": {"enabled": False},
                "my.addon": {"identity": {"resourceId": ID}},
            },
            "ingressProfile": {"webAppRouting": {"identity": {"clientId": GUID}}},
        }
    }
    assert found("Microsoft.ContainerService/managedClusters", cluster) == {
        "properties.identityProfile.kubeletidentity.resourceId": ID,
        "properties.identityProfile.kubeletidentity.clientId": GUID,
        "properties.identityProfile.kubeletidentity.objectId": GUID,
        "properties.addonProfiles.omsagent.identity.resourceId": ID,
        "properties.addonProfiles['my.addon'].identity.resourceId": ID,
        "properties.ingressProfile.webAppRouting.identity.clientId": GUID,
    }


def test_a_container_app() -> None:
    app = {
        "properties": {
            "configuration": {
                "registries": [{"server": "a", "identity": ID}, {"server": "b", "identity": "system"}],
                "secrets": None,
            },
            "template": {"scale": {"rules": [{"name": "q", "azureQueue": {"identity": ID}}]}},
        }
    }
    assert found("microsoft.app/containerapps", app) == {
        "properties.configuration.registries[0].identity": ID,
        "properties.configuration.registries[1].identity": "system",
        "properties.template.scale.rules[0].azureQueue.identity": ID,
    }


def test_lists_of_ids() -> None:
    template = {"properties": {"vmProfile": {"userAssignedIdentities": [ID, "", None, 5]}}}
    assert found("microsoft.virtualmachineimages/imagetemplates", template) == {
        "properties.vmProfile.userAssignedIdentities[0]": ID
    }


def test_a_map_below_a_key_with_a_dollar() -> None:
    workflow = {
        "properties": {
            "parameters": {
                "$connections": {
                    "value": {"keyvault": {"connectionProperties": {"authentication": {"identity": ID}}}}
                }
            }
        }
    }
    assert found("microsoft.logic/workflows", workflow) == {
        "properties.parameters.$connections.value.keyvault.connectionProperties.authentication.identity": ID
    }


def test_keys_are_compared_without_case_and_shown_as_they_stand() -> None:
    account = {"Properties": {"Encryption": {"Identity": {"userassignedidentity": ID}}}}
    assert found("microsoft.storage/storageaccounts", account) == {
        "Properties.Encryption.Identity.userassignedidentity": ID
    }


def test_the_exact_key_wins_over_one_of_other_case() -> None:
    assert list(walk({"Defaultidentity": "a", "defaultIdentity": "b"}, "defaultIdentity")) == [
        ("defaultIdentity", "b")
    ]


def test_a_lone_object_where_a_list_belongs() -> None:
    namespace = {
        "properties": {"encryption": {"keyVaultProperties": {"identity": {"userAssignedIdentity": ID}}}}
    }
    assert found("microsoft.eventhub/namespaces", namespace) == {
        "properties.encryption.keyVaultProperties.identity.userAssignedIdentity": ID
    }


def test_a_hostile_key_is_quoted() -> None:
    assert list(walk({"a": {"x'].b\\": {"id": "v"}}}, "a{}.id")) == [("a['x\\'].b\\\\'].id", "v")]


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["properties", "encryption", "identity", "registries", "x"]), inner)
    ),
    max_leaves=20,
)


@given(_json)
def test_no_shape_makes_it_fail(resource: object) -> None:
    for resource_type in ("microsoft.app/containerapps", "microsoft.containerservice/managedclusters"):
        assert all(value.strip() for value in found(resource_type, resource).values())


def test_a_type_that_is_not_known_has_no_paths() -> None:
    assert attachment_paths("contoso.things/widgets") == ()
    assert projections("contoso.things/widgets") == ()
    assert resource_graph_table("contoso.things/widgets") == "resources"


def test_projections_are_narrow_and_without_wildcards() -> None:
    assert projections("microsoft.web/sites") == (
        "properties.functionAppConfig.deployment.storage.authentication.userAssignedIdentityResourceId",
        "properties.keyVaultReferenceIdentity",
        "properties.siteConfig.acrUserManagedIdentityID",
        "properties.siteConfig.keyVaultReferenceIdentity",
    )
    assert "properties.addonProfiles" in projections("Microsoft.ContainerService/managedClusters")
    for resource_type in types_with_nested_attachments():
        prefixes = projections(resource_type)
        assert [one for one in prefixes if not re.fullmatch(r"properties(\.[\w$]+)+", one)] == []
        assert [
            one for one in prefixes for other in prefixes if one != other and one.startswith(f"{other}.")
        ] == []
        for entry in attachment_paths(resource_type):
            plain = entry.path.replace("[]", "").replace("{}", "")
            assert any(plain == prefix or plain.startswith(f"{prefix}.") for prefix in prefixes)


@pytest.mark.parametrize(
    ("resource_type", "table"),
    [
        ("Microsoft.Web/sites", "resources"),
        ("Microsoft.Web/sites/config", "appserviceresources"),
        ("Microsoft.Batch/batchAccounts/pools", "batchresources"),
        ("Microsoft.KubernetesConfiguration/extensions", "kubernetesconfigurationresources"),
        ("Microsoft.Kusto/clusters/databases/dataConnections", "kustoresources"),
        ("Microsoft.Authorization/policyAssignments", "policyresources"),
        ("Microsoft.Authorization/roleAssignments", "authorizationresources"),
        ("Microsoft.ContainerRegistry/registries/tasks", None),
    ],
)
def test_the_table_that_holds_a_type(resource_type: str, table: str | None) -> None:
    assert resource_graph_table(resource_type) == table
    assert {entry.in_resource_graph for entry in attachment_paths(resource_type)} <= {table is not None}


def test_the_table_of_paths_is_well_formed() -> None:
    for resource_type in types_with_nested_attachments():
        assert re.fullmatch(r"[a-z0-9.]+(/[a-z0-9]+)+", resource_type)
        entries = attachment_paths(resource_type)
        assert len({entry.path for entry in entries}) == len(entries)
        for entry in entries:
            assert re.fullmatch(r"properties(\.[\w$]+(\[\]|\{\})?)+", entry.path), entry.path
            assert entry.type == resource_type


# Published properties that speak of an identity and are no attachment of a managed identity, or whose value is not
# known, by resource type. What is new in the published types has to be looked at: it is in neither place.
NOT_ATTACHED = {
    "microsoft.app/agents": {"agentIdentity"},
    "microsoft.batch/batchaccounts/pools": {"userIdentity"},  # an account of the operating system
    "microsoft.containerinstance/containergroupprofiles": {"identityUrl"},
    "microsoft.containerinstance/containergroups": {"identityUrl"},
    "microsoft.containerservice/managedclusters": {"workloadIdentity"},  # a switch
    "microsoft.databricks/workspaces": {"identityType"},
    "microsoft.kubernetesconfiguration/fluxconfigurations": {"useWorkloadIdentity", "matchOidcIdentity"},
    "microsoft.kusto/clusters/databases/dataconnections": {
        "eventHubResourceIdForManagedIdentity",
        "storageAccountResourceIdForManagedIdentity",
    },
    "microsoft.storage/storageaccounts": {"azureFilesIdentityBasedAuthentication"},
    "microsoft.web/sites": {
        "acrUseManagedIdentityCreds",
        "managedServiceIdentityId",
        "xManagedServiceIdentityId",
    },
    "microsoft.web/sites/slots": {
        "acrUseManagedIdentityCreds",
        "managedServiceIdentityId",
        "xManagedServiceIdentityId",
    },
    "microsoft.web/sites/config": {
        "acrUseManagedIdentityCreds",
        "identityProviders",
        "managedServiceIdentityId",
        "xManagedServiceIdentityId",
    },
    "microsoft.web/sites/slots/config": {
        "acrUseManagedIdentityCreds",
        "identityProviders",
        "managedServiceIdentityId",
        "xManagedServiceIdentityId",
    },
}


def test_the_table_holds_what_is_published_for_its_types() -> None:
    missing: dict[str, set[str]] = {}
    for resource_type in types_with_nested_attachments():
        published = identity_types().get(resource_type)
        known = [entry.path.replace("{}", "") for entry in attachment_paths(resource_type)]
        for path in published.paths if published else ():
            if not any(one == path or one.startswith((f"{path}.", f"{path}[]")) for one in known):
                missing.setdefault(resource_type, set()).add(path.rpartition(".")[2])
    assert missing == NOT_ATTACHED


@pytest.mark.parametrize(
    ("text", "holds", "expected"),
    [
        (ID, "resource_id", Reference("resource_id", ID)),
        (f" {ID}/ ", "union", Reference("resource_id", ID)),
        (ID.upper(), "union", Reference("resource_id", ID.upper())),
        (f"UserAssignedIdentity={ID}", "union", Reference("resource_id", ID)),
        (f"UserAssignedIdentity={ID}&FederatedClientId={GUID}", "union", Reference("resource_id", ID)),
        (GUID, "client_id", Reference("client_id", GUID.lower())),
        (GUID, "object_id", Reference("object_id", GUID.lower())),
        (GUID, "union", Reference("client_or_object_id", GUID.lower())),
        ("SystemAssigned", "union", Reference("system")),
        ("systemassignedidentity", "union", Reference("system")),
        ("system", "union", Reference("system")),
        ("[system]", "union", Reference("system")),
        ("msi", "client_id", Reference("system")),
        ("FirstPartyIdentity", "union", Reference("first_party")),
        ("None", "union", Reference("none")),
        ("00000000-0000-0000-0000-000000000000", "client_id", Reference("none")),
        (
            "/subscriptions/x/resourceGroups/y",
            "union",
            Reference("unknown", "/subscriptions/x/resourceGroups/y"),
        ),
        ("[parameters('identity')]", "union", Reference("unknown", "[parameters('identity')]")),
        (
            f"{ID}/federatedIdentityCredentials/x",
            "union",
            Reference("unknown", f"{ID}/federatedIdentityCredentials/x"),
        ),
        ("UserAssignedIdentity=", "union", Reference("unknown", "")),
    ],
)
def test_what_a_value_says(text: str, holds: Holds, expected: Reference) -> None:
    assert read_reference(text, holds) == expected
