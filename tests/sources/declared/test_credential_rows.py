from typing import Any

import msgspec
import pytest

from scanner.sources.declared.values import KeyRead, Object, Property, Text, Unknown, Value
from tests.sources.declared.units import (
    APP_TYPE,
    GROUP,
    UNIT,
    body,
    declare,
    facts_of,
    kinds,
    names,
    placed,
    ref,
    rows,
    unknown,
)

SECRET = "".join(["x"] * 40)
STORAGE = "microsoft.storage/storageaccounts"
DATA = f"{GROUP}/providers/{STORAGE}/data"
STORE = declare(STORAGE, "store", "data", GROUP)
APP = f"{GROUP}/providers/microsoft.web/sites/app"
CONTAINER_APP = "microsoft.app/containerapps"
AKS = "microsoft.containerservice/managedclusters"


def key(
    of: Value = None, service: str = STORAGE, operation: str = "listKeys", more: str = ".keys[0].value"
) -> KeyRead:
    return KeyRead(ref("store") if of is None else of, service, operation, f"store.{operation}(){more}")


def resource(kind: str, properties: dict[str, Any], name: Value = "app", parent: Value = GROUP, **more: Any):
    return declare(kind, "receiver", name, parent, {"properties": properties}, **more)


def read(*declarations, **more) -> list[tuple[str | None, str, str]]:
    """Which service's key goes into which sink under which name."""
    facts = facts_of(STORE, *declarations, **more)
    return [(row["read_resource"], row["sink"], row["property"]) for row in rows(facts, "key_reads")]


# ---- keys that are read


@pytest.mark.parametrize(
    ("declaration", "sink", "where"),
    [
        (
            resource(
                APP_TYPE,
                {"siteConfig": {"appSettings": [{"name": "A", "value": "a"}, {"name": "B", "value": key()}]}},
            ),
            "app_setting",
            "B",
        ),
        (
            resource(
                "microsoft.web/sites/slots",
                {
                    "siteConfig": {
                        "connectionStrings": [{"name": "Data", "connectionString": Text(("k=", key()))}]
                    }
                },
            ),
            "connection_string",
            "Data",
        ),
        (
            resource("microsoft.web/sites/config", {"STORAGE": key()}, "appsettings", APP),
            "app_setting",
            "STORAGE",
        ),
        (
            resource(
                "microsoft.web/sites/config",
                {"Data": {"value": key(), "type": "Custom"}},
                "ConnectionStrings",
                APP,
            ),
            "connection_string",
            "Data",
        ),
        (
            resource("microsoft.web/sites/config", {"m": {"accessKey": key()}}, "azurestorageaccounts", APP),
            "property",
            "properties.m.accessKey",
        ),
        (
            resource(
                CONTAINER_APP, {"template": {"containers": [{"env": [{"name": "KEY", "value": key()}]}]}}
            ),
            "environment_variable",
            "KEY",
        ),
        (
            resource(CONTAINER_APP, {"configuration": {"secrets": [{"name": "storage", "value": key()}]}}),
            "secret",
            "storage",
        ),
        (
            resource(
                "microsoft.containerinstance/containergroups",
                {
                    "containers": [
                        {"properties": {"environmentVariables": [{"name": "K", "secureValue": key()}]}}
                    ]
                },
            ),
            "environment_variable",
            "K",
        ),
        (
            resource(
                "microsoft.machinelearningservices/workspaces/onlineendpoints/deployments",
                {"environmentVariables": {"K": key()}},
            ),
            "environment_variable",
            "K",
        ),
        (
            resource(
                "microsoft.containerinstance/containergroups",
                {"volumes": [{"azureFile": {"storageAccountKey": key()}}]},
            ),
            "property",
            "properties.volumes[0].azureFile.storageAccountKey",
        ),
        (resource("microsoft.keyvault/vaults/secrets", {"value": key()}), "secret", "properties.value"),
        (
            resource(
                "microsoft.streamanalytics/streamingjobs/outputs",
                {"datasource": {"properties": {"accountKey": key()}}},
            ),
            "property",
            "properties.datasource.properties.accountKey",
        ),
        (
            resource(
                APP_TYPE, {"siteConfig": {"appSettings": [{"name": unknown("var.name"), "value": key()}]}}
            ),
            "app_setting",
            "{var.name}",
        ),
    ],
)
def test_where_a_key_goes(declaration, sink: str, where: str) -> None:
    assert read(declaration) == [(DATA, sink, where)]


def test_a_key_read_tells_all_there_is_and_points_at_the_setting() -> None:
    made = resource(APP_TYPE, {"siteConfig": {"appSettings": [{"name": "K", "value": key()}]}})
    facts = facts_of(STORE, made)
    assert rows(facts, "key_reads") == [
        {
            "credential": f"{APP}#K",
            "read_resource": DATA,
            "service": STORAGE,
            "operation": "listKeys",
            "resource": APP,
            "sink": "app_setting",
            "property": "K",
        }
    ]
    settings = made.body.properties["properties"].value
    assert isinstance(settings, Object)
    config = settings.properties["siteConfig"].value
    assert isinstance(config, Object)
    listed = config.properties["appSettings"].value
    assert isinstance(listed, list)
    assert isinstance(listed[0], Object)
    written = listed[0].properties["value"]
    assert [(place.start, place.end) for entity, _, place in placed(facts) if entity == f"{APP}#K"] == [
        (written.start, written.end)
    ]
    assert kinds(facts)[f"{APP}#K"] == "credential"
    assert names(facts)[f"{APP}#K"] == "K"


def test_what_receives_a_key_has_a_row_of_resources() -> None:
    made = resource("microsoft.web/sites/config", {"K": key()}, "appsettings", APP)
    facts = facts_of(STORE, made)
    assert {
        "resource": f"{APP}/config/appsettings",
        "type": "microsoft.web/sites/config",
        "kind": None,
        "location": None,
        "system_assigned": False,
        "user_assigned": False,
        "identity_capable": False,
    } in rows(facts, "resources")


@pytest.mark.parametrize(
    ("value", "service", "read_id"),
    [
        (
            key("/subscriptions/x/resourceGroups/y/providers/Microsoft.Storage/storageAccounts/z"),
            STORAGE,
            "/z",
        ),
        (key(unknown("var.storage_id")), STORAGE, None),
        (key(unknown("var.storage_id"), ""), "", None),
        (key(None, ""), STORAGE, "/data"),
        (
            key(
                f"{GROUP}/providers/Microsoft.ServiceBus/namespaces/bus/queues/q/authorizationRules/send",
                "microsoft.servicebus/namespaces/queues/authorizationrules",
            ),
            "microsoft.servicebus/namespaces",
            "/bus",
        ),
        (
            key(
                unknown("var.rule"),
                "microsoft.eventhub/namespaces/authorizationrules",
                "primary_connection_string",
            ),
            "microsoft.eventhub/namespaces",
            None,
        ),
    ],
)
def test_whose_key_it_is(value: KeyRead, service: str, read_id: str | None) -> None:
    facts = facts_of(STORE, resource(APP_TYPE, {"x": value}))
    (row,) = rows(facts, "key_reads")
    assert row["service"] == service
    assert (row["read_resource"] or "").endswith(read_id) if read_id else row["read_resource"] is None


@pytest.mark.parametrize(
    "value",
    [
        key(more=".keys[0].keyName"),
        key(operation="listCredentials", more=".username"),
        key(
            service="microsoft.appconfiguration/configurationstores", operation="listKeyValue", more=".value"
        ),
        KeyRead(ref("store"), "microsoft.web/sites/config", "list", "list(settings)"),
        unknown("vault.getSecret('x')", secret=True),
    ],
)
def test_what_is_no_key(value: Value) -> None:
    assert read(resource(APP_TYPE, {"x": value})) == []


def test_keys_among_options_and_in_names_are_found() -> None:
    value = unknown("a ? b : c", options=(key(), None))
    assert read(resource(APP_TYPE, {"x": value})) == [(DATA, "property", "properties.x")]


def test_a_connection_string_tells_that_it_is_one_of_storage() -> None:
    written = Text(("DefaultEndpointsProtocol=https;AccountKey=", key(unknown("param id"), "")))
    facts = facts_of(resource(APP_TYPE, {"x": written}))
    assert [row["service"] for row in rows(facts, "key_reads")] == [STORAGE]
    facts = facts_of(resource(APP_TYPE, {"x": Text(("AccountKey=", key(unknown("param id"), "")))}))
    assert [row["service"] for row in rows(facts, "key_reads")] == [""]


def test_what_is_looked_up_receives_nothing() -> None:
    assert read(resource(APP_TYPE, {"x": key()}, existing=True)) == []


# ---- outputs


@pytest.mark.parametrize(
    ("value", "secure", "secrets", "reads"),
    [
        (key(), False, ["connection"], ["output"]),
        (Text(("AccountKey=", key())), False, ["connection"], ["output"]),
        ({"inner": [key()]}, False, ["connection"], ["output"]),
        (key(), True, [], ["output"]),
        (unknown("var.password", secret=True), False, ["connection"], []),
        (unknown("var.password", secret=True), True, [], []),
        (unknown("base64ToString(param sshPublicKeyBase64)", secret=True), False, [], []),
        (unknown("vault.getSecret(publicKeySecretName)", secret=True), False, [], []),
        (unknown("var.ssh_public_key", secret=True), False, [], []),
        (unknown("join(param publicKey, param password)", secret=True), False, ["connection"], []),
        (unknown("param publicAndPrivateKey", secret=True), False, ["connection"], []),
        (unknown("vault.getSecret('public-and-private')", secret=True), False, ["connection"], []),
        (unknown("param publicKeyOfThePrivateOne", secret=True), False, ["connection"], []),
        (unknown("random_password.publicKey.result", secret=True), False, ["connection"], []),
        (unknown("var.name"), False, [], []),
        (ref("store"), False, [], []),
        ("plain", False, [], []),
    ],
)
def test_outputs(value: Value, secure: bool, secrets: list[str], reads: list[str]) -> None:
    made = declare("output", "output.connection", "connection", None, {"value": value, "secure": secure})
    facts = facts_of(STORE, made)
    assert [(row["type"], row["property"], row["resource"]) for row in rows(facts, "credentials")] == [
        ("output-secret", name, None) for name in secrets
    ]
    assert [(row["sink"], row["property"], row["resource"]) for row in rows(facts, "key_reads")] == [
        (sink, "connection", None) for sink in reads
    ]


def test_what_a_resource_is_called_is_no_secret_whoever_declares_it_one() -> None:
    token, password = unknown("param token", secret=True), unknown("param password", secret=True)
    app = declare(APP_TYPE, "app", Text(("app-", token)))
    outputs = [
        declare("output", f"output.{name}", name, None, {"value": value})
        for name, value in {
            "name": Text(("app-", token)),
            "token": token,
            "both": Text((token, password)),
        }.items()
    ]
    facts = facts_of(app, *outputs)
    assert [(row["type"], row["property"]) for row in rows(facts, "credentials")] == [
        ("output-secret", "both")
    ]


# ---- what is secret in code


@pytest.mark.parametrize(
    ("kind", "name", "arguments", "expected"),
    [
        (
            "terraform/provider",
            "azurerm",
            {"client_secret": SECRET},
            [("provider-client-secret", "client_secret")],
        ),
        (
            "terraform/provider",
            "azuread",
            {"client_secret": unknown("var.secret")},
            [("provider-client-secret", "client_secret")],
        ),
        (
            "terraform/provider",
            "azurerm",
            {"client_certificate_password": SECRET, "use_oidc": True},
            [("provider-certificate-password", "client_certificate_password")],
        ),
        ("terraform/provider", "azurerm", {"client_secret": None}, []),
        (
            "terraform/provider",
            "azurerm",
            {"client_secret": ""},
            [("provider-client-secret-perhaps", "client_secret")],
        ),
        (
            "terraform/provider",
            "azurerm",
            {"client_secret": Unknown("var.msi ? null : var.secret", "it depends", options=(None, SECRET))},
            [("provider-client-secret-perhaps", "client_secret")],
        ),
        (
            "terraform/provider",
            "azurerm",
            {"client_secret": Unknown("var.old ? var.a : var.b", "it depends", options=("a-secret", SECRET))},
            [("provider-client-secret", "client_secret")],
        ),
        ("terraform/provider", "azurerm", {"use_oidc": True, "client_id": "x"}, []),
        ("terraform/provider", "github", {"client_secret": SECRET}, []),
        ("terraform/backend", "azurerm", {"access_key": SECRET}, [("backend-access-key", "access_key")]),
        ("terraform/backend", "azurerm", {"sas_token": SECRET}, [("backend-sas-token", "sas_token")]),
        (
            "terraform/backend",
            "azurerm",
            {"client_secret": SECRET},
            [("backend-client-secret", "client_secret")],
        ),
        ("terraform/backend", "azurerm", {"use_azuread_auth": True}, []),
        ("terraform/backend", "s3", {"access_key": SECRET}, []),
    ],
)
def test_providers_and_backends(kind: str, name: str, arguments: dict[str, Any], expected) -> None:
    made = declare(kind, f"{kind}.{name}", name, None, arguments)
    facts = facts_of(made)
    assert [(row["type"], row["property"]) for row in rows(facts, "credentials")] == expected
    assert all(row["resource"] is None for row in rows(facts, "credentials"))
    for argument in expected:
        held = made.body.get(argument[1])
        assert held is not None
        assert [place.start for _, _, place in placed(facts)] == [held.start]
        assert argument[1] in names(facts).values()


@pytest.mark.parametrize(
    ("default", "secure", "found"),
    [
        (SECRET, True, True),
        (SECRET, False, False),
        ("", True, False),
        ("  ", True, False),
        (None, True, False),
        ("@Microsoft.KeyVault(SecretUri=https://v/secrets/s)", True, False),
        (unknown("newGuid()"), True, False),
        (Text(("P", unknown("uniqueString()"))), True, False),
        ({"password": SECRET}, True, True),
        ({"password": ""}, True, False),
        ([SECRET], True, True),
        (7, True, False),
        ({"name": "administrator", "value": "n/a"}, True, False),
        ([{"name": "n", "secretValue": SECRET}], True, True),
    ],
)
def test_defaults_of_parameters(default: Value, secure: bool, found: bool) -> None:
    made = declare("parameter", "param.password", "password", None, {"value": default, "secure": secure})
    facts = facts_of(made)
    assert [(row["type"], row["property"]) for row in rows(facts, "credentials")] == (
        [("parameter-default", "password")] if found else []
    )


WORD = "".join(["Pa", "ss", "w0rd!"])
GUID = "44b29aa9-ccd0-4314-aaa0-fd4df282b906"


@pytest.mark.parametrize(
    ("name", "default", "found"),
    [
        ("password", WORD, True),
        ("password", "changeme", True),
        ("password", "password", True),
        ("cred1Password", "Aocred", True),
        ("clientSecret", GUID, True),
        ("accessKey", f"<{WORD}>", True),
        ("settings", f'{{"password": "{WORD}"}}', True),
        ("clientSecret", "n/a", False),
        ("clientSecret", "NA", False),
        ("clientSecret", "none", False),
        ("clientSecret", "not-used", False),
        ("clientSecret", "CLIENT-SECRET", False),
        ("licenseKey", "defaultValue", False),
        ("sasToken", "?", False),
        ("secrets", "{}", False),
        ("password", "**********", False),
        ("password", "<your password>", False),
        ("password", "[password]", False),
        ("password", "#{AdminPassword}#", False),
        ("password", "#_adminPassword_#", False),
        ("password", "__admin_password__", False),
        ("password", "$(adminPassword)", False),
        ("objectId", GUID, False),
        ("tenant_id", GUID, False),
        ("clientID", GUID, False),
        ("bid", GUID, True),
    ],
)
def test_what_only_stands_where_a_secret_will_be_given(name: str, default: str, found: bool) -> None:
    made = declare("parameter", name, name, None, {"value": default, "secure": True})
    assert [row["property"] for row in rows(facts_of(made), "credentials")] == ([name] if found else [])


def test_a_parameter_without_default() -> None:
    assert facts_of(declare("parameter", "param.p", "p", None, {"secure": True})).rows == {}


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("azuread/password", "application-password"), ("azuread/certificate", "application-certificate")],
)
def test_secrets_that_are_made_for_applications(kind: str, expected: str) -> None:
    made = declare(kind, "azuread_application_password.ci", None, "/", {"of": ref("store")})
    facts = facts_of(made)
    address = "azuread_application_password.ci"
    assert [(row["type"], row["property"]) for row in rows(facts, "credentials")] == [(expected, address)]
    assert address in names(facts).values()
    assert [place for _, _, place in placed(facts)] == [made.place]


@pytest.mark.parametrize(
    ("kind", "properties", "expected"),
    [
        (
            CONTAINER_APP,
            {
                "configuration": {
                    "secrets": [
                        {"name": "a", "value": unknown("param x", secret=True)},
                        {"name": "b", "keyVaultUrl": unknown("vault.uri"), "identity": "system"},
                    ],
                    "registries": [
                        {"server": "hub.docker.com", "username": "u", "passwordSecretRef": "a"},
                        {"server": "s.azurecr.io", "username": unknown("u"), "passwordSecretRef": "a"},
                    ],
                }
            },
            [
                ("secret-value", "properties.configuration.secrets[0]"),
                ("registry-password", "properties.configuration.registries[1].passwordSecretRef"),
            ],
        ),
        (CONTAINER_APP, {"configuration": {"secrets": unknown("var.secrets")}}, []),
        (CONTAINER_APP, unknown("var.properties"), []),
        (
            "microsoft.containerinstance/containergroups",
            {
                "imageRegistryCredentials": [
                    {"server": "https://index.docker.io/v1/", "username": "u", "password": SECRET},
                    {"server": "S.AzureCR.io", "username": "u", "password": SECRET},
                    {"server": unknown("acr.loginServer"), "username": "u", "password": SECRET},
                ]
            },
            [
                ("registry-password", "properties.imageRegistryCredentials[1].username"),
                ("registry-password", "properties.imageRegistryCredentials[2].username"),
            ],
        ),
        (
            AKS,
            {"servicePrincipalProfile": {"clientId": unknown("var.client"), "secret": unknown("var.secret")}},
            [("service-principal", "properties.servicePrincipalProfile.clientId")],
        ),
        (AKS, {"servicePrincipalProfile": {"clientId": unknown("var.client")}}, []),
        (AKS, {"servicePrincipalProfile": {"clientId": "msi"}}, []),
        (
            APP_TYPE,
            {
                "functionAppConfig": {
                    "deployment": {"storage": {"authentication": {"type": "StorageAccountConnectionString"}}}
                }
            },
            [("storage-key", "properties.functionAppConfig.deployment.storage.authentication.type")],
        ),
    ],
)
def test_credentials_that_resources_use(kind: str, properties: Value, expected) -> None:
    made = declare(kind, "receiver", "app", GROUP, {"properties": properties})
    facts = facts_of(made)
    assert [(row["type"], row["property"]) for row in rows(facts, "credentials")] == expected
    owner = f"{GROUP}/providers/{kind}/app"
    assert all(row["resource"] == owner for row in rows(facts, "credentials"))


def test_no_secret_enters_the_facts() -> None:
    holder = {"siteConfig": {"appSettings": [{"name": "K", "value": SECRET}]}, "password": SECRET}
    facts = facts_of(
        resource(APP_TYPE, holder),
        declare("terraform/provider", "provider.azurerm", "azurerm", None, {"client_secret": SECRET}),
        declare("parameter", "param.p", "p", None, {"value": SECRET, "secure": True}),
        declare("output", "output.o", "o", None, {"value": SECRET, "secure": False}),
        declare(
            CONTAINER_APP,
            "ca",
            "ca",
            GROUP,
            {"properties": {"configuration": {"secrets": [{"name": "s", "value": SECRET}]}}},
        ),
        settings={(APP_TYPE, "properties.password"), (CONTAINER_APP, "properties.configuration")},
        points_at=["properties.password"],
    )
    assert {row["type"] for row in rows(facts, "credentials")} == {
        "provider-client-secret",
        "parameter-default",
        "secret-value",
    }
    assert SECRET.encode() not in msgspec.json.encode(facts)


def test_a_credential_in_a_module_has_its_calls() -> None:
    made = resource(APP_TYPE, {"x": key()}, calls=(STORE.place, STORE.whole))
    facts = facts_of(STORE, made)
    assert [
        (what, place)
        for entity, what, place in placed(facts, "module_calls")
        if entity == f"{APP}#properties.x"
    ] == [("0", STORE.place), ("1", STORE.whole)]


def test_two_keys_in_one_setting_are_one_credential_entity() -> None:
    value = Text((key(), ";", key(operation="listAccountSas")))
    facts = facts_of(STORE, resource(APP_TYPE, {"x": value}))
    assert {row["credential"] for row in rows(facts, "key_reads")} == {f"{APP}#properties.x"}
    assert len([1 for entity, _, _ in placed(facts) if entity == f"{APP}#properties.x"]) == 1


def test_unwritten_values_point_at_the_declaration() -> None:
    values = Object({"properties": Property(Object({"x": Property(key())}))})
    made = declare(APP_TYPE, "receiver", "app", GROUP, values)
    facts = facts_of(STORE, made)
    assert [place for entity, _, place in placed(facts) if entity == f"{APP}#properties.x"] == [made.place]
    assert body({}).open is False
    assert UNIT in APP


def test_settings_are_called_after_their_app() -> None:
    settings = declare(
        f"{APP_TYPE}/config", "settings", "appsettings", ref("web"), {"properties": {"KEY": key()}}
    )
    facts = facts_of(STORE, declare(APP_TYPE, "web", parent=GROUP), settings)
    names = [name for _, entity_id, name, _ in facts.entities if entity_id.endswith("/config/appsettings")]
    assert names == ["appsettings of web"]


@pytest.mark.parametrize("name", ["default", "Default", "main"])
def test_a_part_without_a_name_of_its_own_is_called_after_its_type_and_service(name: str) -> None:
    log = declare(
        "microsoft.sql/servers/auditingsettings", "log", name, ref("sql"), {"properties": {"key": key()}}
    )
    facts = facts_of(STORE, declare("microsoft.sql/servers", "sql", parent=GROUP), log)
    names = [
        called for _, entity_id, called, _ in facts.entities if "/auditingsettings/" in entity_id.lower()
    ]
    assert names[0] == ("main" if name == "main" else "auditingsettings of sql")
