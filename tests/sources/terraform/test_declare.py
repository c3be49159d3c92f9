"""What Terraform's resources declare in the words of Azure Resource Manager."""

from __future__ import annotations

import pytest

from scanner.sources.declared.declaration import Place, Scope
from scanner.sources.declared.values import KeyRead, Object, Property, Ref, Text, Unknown
from scanner.sources.terraform.declare import declare, unit_scope
from scanner.sources.terraform.declare_references import id_of
from tests.sources.terraform.declare_objects import SUBSCRIPTION, absent, at, declared, ref, tf

GROUP = tf("azurerm_resource_group.main", name="rg", location="westeurope")
IDENTITY = tf(
    "azurerm_user_assigned_identity.app", name="app", resource_group_name="rg", location="westeurope"
)
SITE = {"name": "web", "resource_group_name": "rg", "service_plan_id": "plan"}


def test_an_identity_in_a_declared_group() -> None:
    made = declared(GROUP, IDENTITY)
    assert made["azurerm_resource_group.main"].type == "microsoft.resources/resourcegroups"
    assert made["azurerm_resource_group.main"].parent is None
    identity = made["azurerm_user_assigned_identity.app"]
    assert identity.type == "microsoft.managedidentity/userassignedidentities"
    assert identity.name == "app"
    assert identity.parent == id_of("azurerm_resource_group.main")
    assert at(identity, "location") == "westeurope"
    assert not identity.existing


def test_an_undeclared_group_lies_in_the_subscription_of_the_provider() -> None:
    alone = declared(IDENTITY)["azurerm_user_assigned_identity.app"].parent
    assert isinstance(alone, Text)
    assert [part.shown for part in alone.parts if isinstance(part, Unknown)] == [
        "subscription().subscriptionId"
    ]
    provider = tf("provider.azurerm", subscription_id=SUBSCRIPTION)
    made = declared(provider, IDENTITY)
    expected = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg"
    assert made["azurerm_user_assigned_identity.app"].parent == expected
    assert unit_scope([provider, IDENTITY]) == Scope("subscription", subscription=SUBSCRIPTION)
    assert unit_scope([IDENTITY]) == Scope("subscription")


def test_a_group_of_another_provider_is_in_its_subscription() -> None:
    hub = tf("provider.azurerm.hub", subscription_id=SUBSCRIPTION)
    group = tf("azurerm_resource_group.hub", name="hub")
    group.provider = "provider.azurerm.hub"
    made = declared(tf("provider.azurerm", features=[{}]), hub, group)
    assert made["azurerm_resource_group.hub"].parent == f"/subscriptions/{SUBSCRIPTION}"


@pytest.mark.parametrize(
    ("attribute", "path"),
    [
        ("azurerm_user_assigned_identity.app.principal_id", ("properties", "principalId")),
        ("azurerm_user_assigned_identity.app.client_id", ("properties", "clientId")),
        ("azurerm_user_assigned_identity.app.id", ("id",)),
    ],
)
def test_attributes_of_an_identity(attribute: str, path: tuple[str, ...]) -> None:
    assignment = tf("azurerm_role_assignment.a", scope="/subscriptions/s", principal_id=ref(attribute))
    made = declared(IDENTITY, assignment)
    held = at(made["azurerm_role_assignment.a"], "properties.principalId")
    assert held == Ref("azurerm_user_assigned_identity.app", path, attribute)


@pytest.mark.parametrize("step", ["identity[0].principal_id", "identity.*.principal_id"])
def test_the_principal_of_a_system_assigned_identity(step: str) -> None:
    app = tf("azurerm_linux_web_app.web", **SITE, identity=[{"type": "SystemAssigned"}])
    assignment = tf(
        "azurerm_role_assignment.a",
        scope="/subscriptions/s",
        principal_id=ref(f"azurerm_linux_web_app.web.{step}"),
    )
    made = declared(app, assignment)
    held = at(made["azurerm_role_assignment.a"], "properties.principalId")
    assert isinstance(held, Ref)
    assert (held.target, held.path) == ("azurerm_linux_web_app.web", ("identity", "principalId"))


def test_a_role_assignment() -> None:
    assignment = tf(
        "azurerm_role_assignment.owner",
        scope=ref("data.azurerm_subscription.current.id"),
        role_definition_name="Owner",
        principal_id=ref("azurerm_user_assigned_identity.app.principal_id"),
        principal_type="ServicePrincipal",
        condition="true",
        condition_version="2.0",
        skip_service_principal_aad_check=True,
    )
    made = declared(tf("data.azurerm_subscription.current"), IDENTITY, assignment)
    owner = made["azurerm_role_assignment.owner"]
    assert owner.type == "microsoft.authorization/roleassignments"
    assert owner.parent == Ref(
        "data.azurerm_subscription.current", ("id",), "data.azurerm_subscription.current.id"
    )
    assert at(owner, "properties.roleDefinitionName") == "Owner"
    assert at(owner, "properties.principalType") == "ServicePrincipal"
    assert at(owner, "properties.condition") == "true"
    assert at(owner, "properties.conditionVersion") == "2.0"
    role = owner.body.get("properties")
    assert role is not None
    assert isinstance(role.value, Object)
    assert role.value.properties["roleDefinitionName"] == Property("Owner", 20, 29)
    current = made["data.azurerm_subscription.current"]
    assert (current.type, current.existing, current.parent) == (
        "microsoft.resources/subscriptions",
        True,
        "/",
    )
    assert current.name == Unknown(
        "subscription().subscriptionId", "the files do not say which subscription it is"
    )


def test_the_name_of_a_looked_up_subscription() -> None:
    other = tf("data.azurerm_subscription.hub", subscription_id=SUBSCRIPTION)
    provider = tf("provider.azurerm", subscription_id="5b1d0000-0000-0000-0000-000000000002")
    made = declared(provider, other, tf("data.azurerm_subscription.current"))
    assert made["data.azurerm_subscription.hub"].name == SUBSCRIPTION
    assert made["data.azurerm_subscription.current"].name == "5b1d0000-0000-0000-0000-000000000002"


def test_the_id_of_a_subscription_in_a_text() -> None:
    text = Text(("/subscriptions/", ref("data.azurerm_subscription.hub.subscription_id")))
    scoped = tf("azurerm_role_assignment.a", scope=text, principal_id="p")
    known = declared(tf("data.azurerm_subscription.hub", subscription_id=SUBSCRIPTION), scoped)
    assert known["azurerm_role_assignment.a"].parent == f"/subscriptions/{SUBSCRIPTION}"
    made = tf("azurerm_subscription.hub", subscription_name="hub")
    text = Text(("/subscriptions/", ref("azurerm_subscription.hub.subscription_id")))
    parent = declared(made, tf("azurerm_role_assignment.a", scope=text, principal_id="p"))
    held = parent["azurerm_role_assignment.a"].parent
    assert isinstance(held, Ref)
    assert (held.target, held.path) == ("azurerm_subscription.hub", ("id",))


def test_who_runs_terraform_is_the_same_wherever_it_is_written() -> None:
    client = tf("data.azurerm_client_config.me")
    one = tf(
        "azurerm_role_assignment.a", scope="/", principal_id=ref("data.azurerm_client_config.me.object_id")
    )
    two = tf(
        "azurerm_role_assignment.b", scope="/", principal_id=ref("data.azurerm_client_config.me.object_id")
    )
    made = declared(client, one, two)
    first = at(made["azurerm_role_assignment.a"], "properties.principalId")
    assert first == Unknown("data.azurerm_client_config.me.object_id", "it is who runs Terraform")
    assert first == at(made["azurerm_role_assignment.b"], "properties.principalId")
    assert "data.azurerm_client_config.me" not in made


def test_role_definitions_looked_up_and_made() -> None:
    looked_up = tf("data.azurerm_role_definition.owner", name="Owner")
    made = declared(
        looked_up,
        tf(
            "azurerm_role_definition.own",
            name="Deployer",
            scope="/subscriptions/s",
            permissions=[{"actions": ["*"], "not_actions": [], "data_actions": ["a/read"]}],
            assignable_scopes=["/subscriptions/s"],
        ),
        tf(
            "azurerm_role_assignment.a",
            scope="/subscriptions/s",
            principal_id="p",
            role_definition_id=ref("azurerm_role_definition.own.role_definition_resource_id"),
        ),
    )
    owner = made["data.azurerm_role_definition.owner"]
    assert (owner.type, owner.existing) == ("microsoft.authorization/roledefinitions", True)
    assert at(owner, "properties.roleName") == "Owner"
    assert owner.name == Unknown(
        "data.azurerm_role_definition.owner.role_definition_id", "it is made up when deploying"
    )
    own = made["azurerm_role_definition.own"]
    assert at(own, "properties.permissions.0.actions") == ["*"]
    assert at(own, "properties.permissions.0.dataActions") == ["a/read"]
    assert at(own, "properties.assignableScopes") == ["/subscriptions/s"]
    role = at(made["azurerm_role_assignment.a"], "properties.roleDefinitionId")
    assert isinstance(role, Ref)
    assert (role.target, role.path) == ("azurerm_role_definition.own", ("id",))


@pytest.mark.parametrize(
    "parts",
    [
        ("data.azurerm_subscription.s.id", "data.azurerm_role_definition.r.id"),
        (
            "data.azurerm_subscription.s.id",
            "/providers/Microsoft.Authorization/roleDefinitions/",
            "data.azurerm_role_definition.r.role_definition_id",
        ),
    ],
)
def test_a_role_id_written_together(parts: tuple[str, ...]) -> None:
    written = Text(tuple(part if part.startswith("/") else ref(part) for part in parts))
    made = declared(
        tf("data.azurerm_subscription.s"),
        tf("data.azurerm_role_definition.r", name="Owner"),
        tf("azurerm_role_assignment.a", scope="/", principal_id="p", role_definition_id=written),
    )
    held = at(made["azurerm_role_assignment.a"], "properties.roleDefinitionId")
    assert held == Ref("data.azurerm_role_definition.r", ("id",), parts[-1])


def test_an_identity_block_with_ids_that_are_known_and_not() -> None:
    known = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.ManagedIdentity/x/y"
    app = tf(
        "azurerm_linux_web_app.web",
        **SITE,
        identity=[
            {
                "type": "SystemAssigned, UserAssigned",
                "identity_ids": [ref("azurerm_user_assigned_identity.app.id"), known],
            }
        ],
    )
    web = declared(IDENTITY, app)["azurerm_linux_web_app.web"]
    held = at(web, "identity.userAssignedIdentities")
    assert isinstance(held, Object)
    shown = "{azurerm_user_assigned_identity.app.id}"
    assert list(held.properties) == [shown, known]
    assert held.names == {
        shown: Ref("azurerm_user_assigned_identity.app", ("id",), "azurerm_user_assigned_identity.app.id")
    }
    assert (held.properties[known].start, held.properties[known].end) == (20, 29)
    assert at(web, "identity.type") == "SystemAssigned, UserAssigned"


def test_identities_that_cannot_be_known() -> None:
    ids = Unknown("var.identity_ids", "the variable has no default")
    app = tf("azurerm_linux_web_app.web", **SITE, identity=[{"type": "UserAssigned", "identity_ids": ids}])
    assert at(declared(app)["azurerm_linux_web_app.web"], "identity.userAssignedIdentities") == ids
    block = Unknown("var.identity", "the variable has no default")
    app = tf("azurerm_linux_web_app.web", **SITE, identity=block)
    assert at(declared(app)["azurerm_linux_web_app.web"], "identity") == block
    assert absent(
        declared(tf("azurerm_linux_web_app.web", **SITE, identity=[]))["azurerm_linux_web_app.web"],
        "identity",
    )


@pytest.mark.parametrize(
    ("address", "attribute", "operation"),
    [
        ("azurerm_storage_account.s", "primary_blob_connection_string", "primary_blob_connection_string"),
        ("azurerm_cosmosdb_account.s", "primary_key", "primary_key"),
        (
            "azurerm_servicebus_namespace.s",
            "default_primary_connection_string",
            "default_primary_connection_string",
        ),
        ("azurerm_container_registry.s", "admin_password", "admin_password"),
        ("azurerm_kubernetes_cluster.s", "kube_config[0].client_key", "kube_config.client_key"),
        ("azurerm_kubernetes_cluster.s", "kube_config", "kube_config"),
        ("azurerm_search_service.s", "query_keys[0].key", "query_keys.key"),
        (
            "azurerm_app_configuration.s",
            "primary_write_key[0].connection_string",
            "primary_write_key.connection_string",
        ),
    ],
)
@pytest.mark.parametrize("mode", ["", "data."])
def test_key_attributes(mode: str, address: str, attribute: str, operation: str) -> None:
    service = tf(f"{mode}{address}", name="s", resource_group_name="rg")
    output = tf("output.key", value=ref(f"{mode}{address}.{attribute}"), sensitive=True)
    made = declared(service, output)
    held = at(made["output.key"], "value")
    assert isinstance(held, KeyRead)
    assert (held.of, held.operation) == (id_of(f"{mode}{address}"), operation)
    assert held.service == made[f"{mode}{address}"].type


def test_a_sas_is_of_the_account_whose_connection_string_it_is_made_with() -> None:
    made = declared(
        tf("azurerm_storage_account.s", name="s", resource_group_name="rg"),
        tf(
            "data.azurerm_storage_account_sas.t",
            connection_string=ref("azurerm_storage_account.s.primary_connection_string"),
        ),
        tf("output.sas", value=ref("data.azurerm_storage_account_sas.t.sas")),
    )
    held = at(made["output.sas"], "value")
    assert isinstance(held, KeyRead)
    assert (held.of, held.operation) == (
        id_of("azurerm_storage_account.s"),
        "sas",
    )
    assert "data.azurerm_storage_account_sas.t" not in made


def test_a_secret_is_no_key_of_the_service() -> None:
    made = declared(
        tf("data.azurerm_key_vault_secret.s", name="s", key_vault_id="/v"),
        tf("output.s", value=ref("data.azurerm_key_vault_secret.s.value")),
        tf("random_password.p", length=20),
        tf("output.p", value=ref("random_password.p.result")),
    )
    for name in ("s", "p"):
        held = at(made[f"output.{name}"], "value")
        assert isinstance(held, Unknown)
        assert held.secret
    assert "random_password.p" not in made


def test_parents_by_type_and_name() -> None:
    made = declared(
        GROUP,
        tf("azurerm_eventhub_namespace.n", name="n", resource_group_name="rg"),
        tf(
            "azurerm_eventhub.h",
            name="h",
            resource_group_name="rg",
            namespace_name=ref("azurerm_eventhub_namespace.n.name"),
        ),
        tf(
            "azurerm_eventhub_authorization_rule.r",
            name="r",
            resource_group_name="rg",
            namespace_name="n",
            eventhub_name="h",
        ),
        tf(
            "azurerm_eventhub_authorization_rule.s",
            name="s",
            resource_group_name="rg",
            namespace_name="n",
            eventhub_name="other",
        ),
    )
    hub = made["azurerm_eventhub.h"].parent
    assert hub == id_of("azurerm_eventhub_namespace.n")
    rule = made["azurerm_eventhub_authorization_rule.r"]
    assert rule.parent == id_of("azurerm_eventhub.h")
    assert rule.type == "microsoft.eventhub/namespaces/eventhubs/authorizationrules"
    other = made["azurerm_eventhub_authorization_rule.s"].parent
    assert other == Text((id_of("azurerm_eventhub_namespace.n"), "/eventhubs/other"))


def test_parents_with_a_fixed_step_between() -> None:
    account = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/s"
    container = tf("azurerm_storage_container.c", name="c", storage_account_id=account)
    made = declared(container)["azurerm_storage_container.c"]
    assert made.parent == f"{account}/blobservices/default"
    older = tf(
        "azurerm_storage_container.c", name="c", storage_account_name=ref("azurerm_storage_account.s.name")
    )
    group = tf("azurerm_storage_account.s", name="s", resource_group_name="rg")
    parent = declared(group, older)["azurerm_storage_container.c"].parent
    assert parent == Text((id_of("azurerm_storage_account.s"), "/blobservices/default"))


def test_a_parent_that_is_not_given_is_not_known() -> None:
    parent = declared(tf("azurerm_key_vault.v", name="v"))["azurerm_key_vault.v"].parent
    assert parent == Unknown(
        "azurerm_key_vault.v.resource_group_name", "its argument resource_group_name is not given"
    )


def test_a_group_of_that_name_in_another_subscription_is_another_one() -> None:
    providers = [
        tf("provider.azurerm", features=[{}]),
        tf("provider.azurerm.hub", subscription_id=SUBSCRIPTION),
        tf("provider.azurerm.same", subscription_id=SUBSCRIPTION),
    ]
    group = tf("azurerm_resource_group.main", name="rg-app", location="westeurope")
    identity = tf("azurerm_user_assigned_identity.app", name="app", resource_group_name="rg-app")
    identity.provider = "provider.azurerm.hub"
    made = declared(*providers, group, identity)
    parent = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-app"
    assert made["azurerm_user_assigned_identity.app"].parent == parent
    group.provider = "provider.azurerm.same"
    made = declared(*providers, group, identity)
    assert made["azurerm_user_assigned_identity.app"].parent == ref("azurerm_resource_group.main.id")


def test_groups_of_one_name_are_told_apart_by_their_provider() -> None:
    other = tf("azurerm_resource_group.other", name="rg")
    other.provider = "provider.azurerm.hub"
    identity = tf("azurerm_user_assigned_identity.hub", name="hub", resource_group_name="rg")
    identity.provider = "provider.azurerm.hub"
    made = declared(
        tf("provider.azurerm", features=[{}]), tf("provider.azurerm.hub", subscription_id=SUBSCRIPTION),
        GROUP, other, IDENTITY, identity,
    )  # fmt: skip
    first = made["azurerm_user_assigned_identity.app"].parent
    second = made["azurerm_user_assigned_identity.hub"].parent
    assert isinstance(first, Ref)
    assert isinstance(second, Ref)
    assert (first.target, second.target) == ("azurerm_resource_group.main", "azurerm_resource_group.other")


def test_what_adds_to_another_resource() -> None:
    key = tf(
        "azurerm_storage_account_customer_managed_key.k",
        storage_account_id=ref("azurerm_storage_account.s.id"),
        user_assigned_identity_id=ref("azurerm_user_assigned_identity.app.id"),
    )
    account = tf("azurerm_storage_account.s", name="s", resource_group_name="rg", tags={"a": "b"})
    made = declared(IDENTITY, account, key)
    held = at(made["azurerm_storage_account.s"], "properties.encryption.identity.userAssignedIdentity")
    assert isinstance(held, Ref)
    assert held.target == "azurerm_user_assigned_identity.app"
    assert "azurerm_storage_account_customer_managed_key.k" not in made
    key.place = Place("other.tf", 0, 5)
    made = declared(IDENTITY, account, key)
    properties = at(made["azurerm_storage_account.s"], "properties.encryption.identity")
    assert isinstance(properties, Object)
    assert not properties.properties["userAssignedIdentity"].written


def test_an_access_policy_and_a_kubelet() -> None:
    made = declared(
        IDENTITY,
        tf(
            "azurerm_key_vault_access_policy.p",
            key_vault_id="/vault",
            object_id=ref("azurerm_user_assigned_identity.app.principal_id"),
            secret_permissions=["Get"],
        ),
        tf(
            "azurerm_kubernetes_cluster.k",
            name="k",
            resource_group_name="rg",
            kubelet_identity=[{"user_assigned_identity_id": ref("azurerm_user_assigned_identity.app.id")}],
            service_principal=[{"client_id": "c", "client_secret": Unknown("var.s", "no", secret=True)}],
        ),
        tf(
            "azurerm_role_assignment.pull",
            scope="/registry",
            principal_id=ref("azurerm_kubernetes_cluster.k.kubelet_identity[0].object_id"),
        ),
    )
    policy = made["azurerm_key_vault_access_policy.p"]
    assert (policy.type, policy.name) == ("microsoft.keyvault/vaults/accesspolicies", "add")
    assert at(policy, "properties.accessPolicies.0.permissions.secrets") == ["Get"]
    cluster = made["azurerm_kubernetes_cluster.k"]
    kubelet = at(cluster, "properties.identityProfile.kubeletidentity.resourceId")
    assert isinstance(kubelet, Ref)
    assert kubelet.target == "azurerm_user_assigned_identity.app"
    assert at(cluster, "properties.servicePrincipalProfile.clientId") == "c"
    assert at(cluster, "properties.disableLocalAccounts") is False
    pull = at(made["azurerm_role_assignment.pull"], "properties.principalId")
    assert isinstance(pull, Ref)
    assert pull.path == ("properties", "identityProfile", "kubeletidentity", "objectId")


def test_entra_objects() -> None:
    made = declared(
        tf("azuread_application.a", display_name="ci", password=[{"display_name": "by block"}]),
        tf("azuread_application_password.p", application_id=ref("azuread_application.a.id")),
        tf("data.azuread_user.u", user_principal_name="u@contoso.example"),
        tf("azurerm_role_assignment.u", scope="/", principal_id=ref("data.azuread_user.u.object_id")),
        tf("azuread_service_principal.s", client_id=ref("azuread_application.a.client_id")),
        tf("output.secret", value=ref("azuread_application_password.p.value")),
    )
    assert made["azuread_application.a"].type == "azuread/application"
    block = made["azuread_application.a/password/password"]
    assert (block.type, at(block, "displayName"), at(block, "of")) == (
        "azuread/password",
        "by block",
        id_of("azuread_application.a"),
    )
    password = made["azuread_application_password.p"]
    assert password.type == "azuread/password"
    assert at(password, "of") == Ref("azuread_application.a", ("id",), "azuread_application.a.id")
    user = made["data.azuread_user.u"]
    assert (user.type, user.existing, at(user, "userPrincipalName")) == (
        "azuread/user",
        True,
        "u@contoso.example",
    )
    assert at(made["azurerm_role_assignment.u"], "properties.principalId") == Ref(
        "data.azuread_user.u", ("id",), "data.azuread_user.u.object_id"
    )
    assert at(made["azuread_service_principal.s"], "appId") == Ref(
        "azuread_application.a", ("appId",), "azuread_application.a.client_id"
    )
    assert isinstance(at(made["output.secret"], "value"), KeyRead)


def test_providers_backends_outputs_and_variables() -> None:
    secret = "x" * 12
    made = declared(
        tf("provider.azurerm", client_id="c", client_secret=secret),
        tf("backend.azurerm", access_key=secret),
        tf("output.plain", value="v"),
        tf("output.hidden", value="v", sensitive=True),
        tf("var.password", default=secret, sensitive=True),
        tf("var.none", sensitive=True),
    )
    provider = made["provider.azurerm"]
    assert (provider.type, provider.name, at(provider, "client_secret")) == (
        "terraform/provider",
        "azurerm",
        secret,
    )
    assert (made["backend.azurerm"].type, at(made["backend.azurerm"], "access_key")) == (
        "terraform/backend",
        secret,
    )
    assert (made["output.plain"].type, at(made["output.plain"], "secure")) == ("output", False)
    assert at(made["output.hidden"], "secure") is True
    assert (made["var.password"].type, at(made["var.password"], "value")) == ("parameter", secret)
    assert absent(made["var.none"], "value")


def test_what_is_not_known_is_a_gap_where_it_has_an_identity() -> None:
    unknown = tf("azurerm_brand_new.x", name="x", identity=[{"type": "SystemAssigned"}])
    plain = tf("azurerm_brand_new_rule.x", name="x")
    foreign = tf("random_pet.x", identity=[{"type": "SystemAssigned"}])
    declarations, gaps = declare([unknown, plain, foreign])
    assert declarations == []
    assert [(gap.reason, gap.table, gap.detail) for gap in gaps] == [
        (
            "unsupported",
            "attachments",
            "Midas does not know resources of the type azurerm_brand_new: its identity is not read.",
        )
    ]
    scoped = tf("azurerm_role_assignment.a", scope=ref("azurerm_brand_new_rule.x.id"), principal_id="p")
    parent = declared(plain, scoped)["azurerm_role_assignment.a"].parent
    assert parent == Unknown(
        "azurerm_brand_new_rule.x.id", "Midas does not know resources of the type azurerm_brand_new_rule"
    )


def test_references_in_a_circle_end() -> None:
    first = tf("azurerm_key_vault.a", name=ref("azurerm_key_vault.b.name"), resource_group_name="rg")
    second = tf("azurerm_key_vault.b", name=ref("azurerm_key_vault.a.name"), resource_group_name="rg")
    made = declared(first, second)
    assert isinstance(made["azurerm_key_vault.a"].name, Ref)
    beside = tf("azurerm_mssql_job_agent.a", name="a", database_id=ref("azurerm_mssql_job_agent.a.id"))
    assert isinstance(declared(beside)["azurerm_mssql_job_agent.a"].parent, Ref | Unknown)


def test_a_counted_resource_with_one_instance() -> None:
    identity = tf("azurerm_user_assigned_identity.app[0]", name="app", resource_group_name="rg")
    assignment = tf(
        "azurerm_role_assignment.a",
        scope="/",
        principal_id=ref("azurerm_user_assigned_identity.app.principal_id"),
    )
    held = at(declared(identity, assignment)["azurerm_role_assignment.a"], "properties.principalId")
    assert isinstance(held, Ref)
    assert held.target == "azurerm_user_assigned_identity.app[0]"
