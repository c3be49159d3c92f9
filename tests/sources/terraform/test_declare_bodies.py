"""Arguments to ARM properties: defaults, inversions, words, lists of blocks, settings, children."""

from __future__ import annotations

import pytest

from scanner.sources.declared.values import KeyRead, Object, Property, Text, Unknown
from scanner.sources.terraform.declare_references import id_of
from tests.sources.terraform.declare_objects import absent, at, declared, ref, tf

GROUP = tf("azurerm_resource_group.main", name="rg", location="westeurope")
IDENTITY = tf(
    "azurerm_user_assigned_identity.app", name="app", resource_group_name="rg", location="westeurope"
)
SITE = {"name": "web", "resource_group_name": "rg", "service_plan_id": "plan"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [(True, False), (False, True), ("false", True), (None, False)],
)
def test_an_inverted_switch(given: object, expected: bool) -> None:
    namespace = tf(
        "azurerm_servicebus_namespace.n", name="n", resource_group_name="rg", local_auth_enabled=given
    )
    made = declared(namespace)["azurerm_servicebus_namespace.n"]
    assert at(made, "properties.disableLocalAuth") is expected


def test_an_inverted_switch_that_is_not_known() -> None:
    switch = Unknown("var.keys", "the variable has no default", options=(True, False))
    namespace = tf(
        "azurerm_servicebus_namespace.n", name="n", resource_group_name="rg", local_auth_enabled=switch
    )
    held = at(declared(namespace)["azurerm_servicebus_namespace.n"], "properties.disableLocalAuth")
    assert held == Unknown("!var.keys", "the variable has no default", options=(False, True))


def test_defaults_have_no_place_and_given_values_theirs() -> None:
    account = tf(
        "azurerm_storage_account.s", name="s", resource_group_name="rg", shared_access_key_enabled=False
    )
    properties = at(declared(account)["azurerm_storage_account.s"], "properties")
    assert isinstance(properties, Object)
    assert properties.properties["allowSharedKeyAccess"] == Property(False, 30, 39)
    assert properties.properties["isLocalUserEnabled"] == Property(True)
    public = properties.properties["allowBlobPublicAccess"]
    assert isinstance(public.value, Unknown)
    assert public.value.why == "it is not given, and its default differs between versions of the provider"


def test_an_older_spelling_wins_over_a_default() -> None:
    vault = tf("azurerm_key_vault.v", name="v", resource_group_name="rg", enable_rbac_authorization=True)
    assert at(declared(vault)["azurerm_key_vault.v"], "properties.enableRbacAuthorization") is True
    vault = tf("azurerm_key_vault.v", name="v", resource_group_name="rg")
    assert at(declared(vault)["azurerm_key_vault.v"], "properties.enableRbacAuthorization") is False


def test_words_that_differ() -> None:
    server = tf(
        "azurerm_postgresql_flexible_server.p",
        name="p",
        resource_group_name="rg",
        authentication=[{"password_auth_enabled": False, "active_directory_auth_enabled": True}],
    )
    made = declared(server)["azurerm_postgresql_flexible_server.p"]
    assert at(made, "properties.authConfig.passwordAuth") == "Disabled"
    assert at(made, "properties.authConfig.activeDirectoryAuth") == "Enabled"
    without = tf("azurerm_postgresql_flexible_server.p", name="p", resource_group_name="rg")
    assert absent(declared(without)["azurerm_postgresql_flexible_server.p"], "properties.authConfig")


def test_app_settings_and_keys_in_them() -> None:
    key = ref("azurerm_storage_account.s.primary_access_key")
    app = tf(
        "azurerm_linux_function_app.f",
        name="f",
        resource_group_name="rg",
        storage_account_access_key=key,
        app_settings={"A": "b", "Storage": Text(("AccountKey=", key))},
        connection_string=[{"name": "db", "type": "SQLAzure", "value": "Server=x"}],
        site_config=[{}],
    )
    made = declared(tf("azurerm_storage_account.s", name="s", resource_group_name="rg"), app)
    site = made["azurerm_linux_function_app.f"]
    read = KeyRead(
        id_of("azurerm_storage_account.s"),
        "microsoft.storage/storageaccounts",
        "primary_access_key",
        "azurerm_storage_account.s.primary_access_key",
    )
    assert at(site, "properties.siteConfig.appSettings.0.name") == "A"
    assert at(site, "properties.siteConfig.appSettings.0.value") == "b"
    assert at(site, "properties.siteConfig.appSettings.1.value") == Text(("AccountKey=", read))
    assert at(site, "properties.siteConfig.appSettings.2.name") == "AzureWebJobsStorage"
    assert at(site, "properties.siteConfig.appSettings.2.value") == read
    assert at(site, "properties.siteConfig.connectionStrings.0.connectionString") == "Server=x"
    assert at(site, "properties.siteConfig.ftpsState") == "Disabled"


def test_app_settings_that_are_not_wholly_known() -> None:
    settings = Object({"A": Property("b", 3, 9)}, open=True)
    app = tf("azurerm_linux_web_app.web", **SITE, app_settings=settings)
    held = at(declared(app)["azurerm_linux_web_app.web"], "properties.siteConfig.appSettings")
    assert held == [
        Object({"name": Property("A", 3, 9), "value": Property("b", 3, 9)}),
        Unknown("...", "there may be more of them than are known"),
    ]


def test_children_that_the_provider_makes() -> None:
    app = tf("azurerm_linux_web_app.web", **SITE, ftp_publish_basic_authentication_enabled=False)
    made = declared(app)
    ftp = made["azurerm_linux_web_app.web/basicpublishingcredentialspolicies/ftp"]
    assert ftp.type == "microsoft.web/sites/basicpublishingcredentialspolicies"
    assert (ftp.name, at(ftp, "properties.allow")) == ("ftp", False)
    assert ftp.parent == id_of("azurerm_linux_web_app.web")
    scm = made["azurerm_linux_web_app.web/basicpublishingcredentialspolicies/scm"]
    assert at(scm, "properties.allow") is True
    assert "azurerm_linux_web_app.web/config/authsettings" not in made


def test_a_list_of_blocks_in_a_list_of_blocks() -> None:
    app = tf(
        "azurerm_container_app.c",
        name="c",
        resource_group_name="rg",
        registry=[{"server": "r", "identity": "system"}],
        secret=[{"name": "k", "value": "v"}, {"name": "l", "key_vault_secret_id": "u", "identity": "i"}],
        template=[
            {
                "container": [
                    {"name": "one", "env": [{"name": "A", "value": "1"}, {"name": "B", "secret_name": "k"}]},
                    {"name": "two", "env": [{"name": "C", "value": "3"}]},
                ]
            }
        ],
    )
    made = declared(app)["azurerm_container_app.c"]
    assert at(made, "properties.configuration.registries.0.identity") == "system"
    assert at(made, "properties.configuration.secrets.0.value") == "v"
    assert at(made, "properties.configuration.secrets.1.identity") == "i"
    assert at(made, "properties.template.containers.0.env.1.secretRef") == "k"
    assert at(made, "properties.template.containers.1.name") == "two"
    assert at(made, "properties.template.containers.1.env.0.value") == "3"


def test_blocks_of_two_kinds_in_one_list() -> None:
    service = tf(
        "azurerm_api_management.a",
        name="a",
        resource_group_name="rg",
        hostname_configuration=[
            {
                "proxy": [{"host_name": "p", "ssl_keyvault_identity_client_id": "one"}],
                "portal": [{"host_name": "q", "ssl_keyvault_identity_client_id": "two"}],
            }
        ],
    )
    held = at(declared(service)["azurerm_api_management.a"], "properties.hostnameConfigurations")
    assert isinstance(held, list)
    clients = [item.properties["identityClientId"].value for item in held if isinstance(item, Object)]
    assert sorted(map(str, clients)) == ["one", "two"]


def test_blocks_that_cannot_be_known() -> None:
    registries = Unknown("var.registries", "the variable has no default")
    app = tf("azurerm_container_app.c", name="c", resource_group_name="rg", registry=registries)
    assert at(declared(app)["azurerm_container_app.c"], "properties.configuration.registries") == registries


def test_settings_that_depend_on_something_unknown_are_kept_apart() -> None:
    key = ref("azurerm_storage_account.s.primary_access_key")
    either = Unknown(
        "var.x ? a : b",
        "the variable has no default",
        options=(Object({"A": Property(key, 3, 9)}), Object({"B": Property("b", 3, 9)})),
    )
    app = tf("azurerm_linux_web_app.web", **SITE, app_settings=either)
    made = declared(tf("azurerm_storage_account.s", name="s", resource_group_name="rg"), app)
    held = at(made["azurerm_linux_web_app.web"], "properties.siteConfig.appSettings")
    assert isinstance(held, Unknown)
    first, second = held.options
    assert isinstance(first, list)
    assert isinstance(first[0], Object)
    assert isinstance(first[0].properties["value"].value, KeyRead)
    assert second == [Object({"name": Property("B", 3, 9), "value": Property("b", 3, 9)})]


def test_an_identity_id_of_older_versions() -> None:
    older = ref("azurerm_user_assigned_identity.app.id")
    cluster = tf(
        "azurerm_kubernetes_cluster.k",
        name="k",
        resource_group_name="rg",
        identity=[{"type": "UserAssigned", "user_assigned_identity_id": older}],
    )
    held = at(declared(IDENTITY, cluster)["azurerm_kubernetes_cluster.k"], "identity.userAssignedIdentities")
    assert isinstance(held, Object)
    assert list(held.names.values()) == [older]


def test_blocks_go_where_one_of_their_arguments_says() -> None:
    kind = Unknown("var.kind", "the variable has no default")
    hub = tf(
        "azurerm_iothub.h",
        name="h",
        resource_group_name="rg",
        endpoint=[
            {"type": "AzureIotHub.StorageContainer", "name": "files", "connection_string": "a"},
            {"type": "AzureIotHub.EventHub", "name": "events", "connection_string": "b"},
            {"type": "azureiothub.storagecontainer", "name": "more", "authentication_type": "identityBased"},
            {"type": kind, "name": "other", "connection_string": "c"},
            {"type": "AzureIotHub.ServiceBusTopic", "name": "topic"},
        ],
    )
    made = declared(hub)["azurerm_iothub.h"]
    endpoints = "properties.routing.endpoints"
    assert at(made, f"{endpoints}.storageContainers.0.name") == "files"
    assert at(made, f"{endpoints}.storageContainers.0.connectionString") == "a"
    assert at(made, f"{endpoints}.storageContainers.0.authenticationType") == "keyBased"
    assert at(made, f"{endpoints}.storageContainers.1.name") == "more"
    assert at(made, f"{endpoints}.storageContainers.1.authenticationType") == "identityBased"
    assert absent(made, f"{endpoints}.storageContainers.1.connectionString")
    assert at(made, f"{endpoints}.eventHubs.0.name") == "events"
    assert at(made, f"{endpoints}.eventHubs.1.connectionString") == "c"
    assert at(made, f"{endpoints}.serviceBusTopics.0.name") == "topic"
    assert absent(made, f"{endpoints}.serviceBusQueues")


def test_blocks_that_are_not_known_may_be_of_every_kind() -> None:
    hub = tf(
        "azurerm_iothub.h", name="h", resource_group_name="rg", endpoint=Unknown("var.all", "no default")
    )
    made = declared(hub)["azurerm_iothub.h"]
    for kind in ("eventHubs", "serviceBusQueues", "serviceBusTopics", "storageContainers"):
        assert isinstance(at(made, f"properties.routing.endpoints.{kind}"), Unknown)


@pytest.mark.parametrize(
    ("server", "made"),
    [
        ("azurerm_sql_server.s", "microsoft.sql/servers/extendedauditingsettings"),
        ("azurerm_mssql_server.s", "microsoft.sql/servers/extendedauditingsettings"),
        ("azurerm_sql_database.s", "microsoft.sql/servers/databases/extendedauditingsettings"),
        ("azurerm_mssql_database.s", "microsoft.sql/servers/databases/extendedauditingsettings"),
    ],
)
def test_the_audit_log_of_a_database_server_in_older_versions(server: str, made: str) -> None:
    key = ref("azurerm_storage_account.logs.primary_access_key")
    account = tf("azurerm_storage_account.logs", name="logs", resource_group_name="rg")
    where = {"resource_group_name": "rg", "server_name": "main", "server_id": "main"}
    policy = [{"storage_endpoint": "https://logs", "storage_account_access_key": key}]
    several = declared(account, tf(server, name="s", **where, extended_auditing_policy=policy)).values()
    (policy_made,) = [one for one in several if one.type == made]
    held = at(policy_made, "properties.storageAccountAccessKey")
    assert isinstance(held, KeyRead)
    assert held.of == id_of("azurerm_storage_account.logs")
    several = declared(tf(server, name="s", **where)).values()
    assert [one.type for one in several if one.type == made] == []


def test_the_key_of_a_connection_of_an_ai_account() -> None:
    search = tf("azurerm_search_service.s", name="s", resource_group_name="rg")
    link = tf(
        "azurerm_cognitive_account_connection_api_key.c",
        name="c",
        cognitive_account_id="account",
        api_key=ref("azurerm_search_service.s.primary_key"),
    )
    made = declared(search, link)["azurerm_cognitive_account_connection_api_key.c"]
    held = at(made, "properties.credentials.key")
    assert isinstance(held, KeyRead)
    assert held.of == id_of("azurerm_search_service.s")
