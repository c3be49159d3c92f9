"""What is declared: types, names, parents, loops, conditions, places."""

import json

from scanner.sources.declared.values import Ref, Text, Unknown, show
from tests.sources.template.evaluating import (
    ASSIGNMENTS,
    IDENTITIES,
    SCHEMA,
    addresses,
    arm,
    at,
    bicep,
    gaps,
    plain,
    resource,
    run,
    shown,
    value,
)

SERVERS = "Microsoft.Sql/servers"


def test_a_resource_in_arm_json() -> None:
    unit = arm(resources=[resource(IDENTITIES, "id-app", location="westeurope", tags={"a": "b"})])
    declared = at(unit, f"{IDENTITIES}/id-app")
    assert (declared.type, declared.name, declared.parent) == (IDENTITIES.lower(), "id-app", None)
    assert plain(declared.body) == {"name": "id-app", "location": "westeurope", "tags": {"a": "b"}}
    assert (declared.language, declared.existing, declared.conditional) == ("arm", False, False)
    assert (unit.scope.level, unit.root, unit.files) == ("resourceGroup", "a.json", ["a.json"])


def test_places_are_those_of_the_file() -> None:
    text = json.dumps(
        {"$schema": SCHEMA, "resources": [resource(IDENTITIES, "é", location="[x']")]}, ensure_ascii=False
    )
    data = b"\xef\xbb\xbf" + text.encode()
    declared = run({"a.json": data}, "a.json").declarations[0]
    assert data[declared.place.start : declared.place.end].decode() == f'"{IDENTITIES}"'
    assert data[declared.whole.start : declared.whole.end].startswith(b'{"type"')
    held = declared.body.get("location")
    assert held is not None
    assert data[held.start : held.end] == b'"location": "[x\']"'


def test_a_resource_in_bicep() -> None:
    text = "@description('x')\nresource app 'Microsoft.Web/sites@2023-01-01' = {\n  name: 'web'\n  kind: 'app'\n}\n"
    unit = bicep(text)
    declared = at(unit, "app")
    assert (declared.type, declared.name, declared.parent) == ("microsoft.web/sites", "web", None)
    held = declared.body.get("kind")
    assert held is not None
    assert text[held.start : held.end] == "kind: 'app'"
    assert text[declared.place.start : declared.place.end].startswith("resource app '")
    assert text[declared.whole.start : declared.whole.end].startswith("@description")


def test_children_by_name_find_their_parent() -> None:
    unit = arm(
        parameters={"server": {"type": "string"}},
        resources=[
            resource(f"{SERVERS}/databases", "[concat(parameters('server'), '/', 'db')]"),
            resource(SERVERS, "[parameters('server')]"),
        ],
    )
    database, server = unit.declarations
    assert database.name == "db"
    assert database.parent == Ref(server.address, ("id",), f"{server.address}.id")


def test_children_of_what_is_not_here_have_its_id() -> None:
    database = arm(resources=[resource(f"{SERVERS}/databases", "srv/db")]).declarations[0]
    assert isinstance(database.parent, Text)
    assert show(database.parent).endswith(
        "/resourceGroups/{resourceGroup().name}/providers/Microsoft.Sql/servers/srv"
    )


def test_a_child_whose_name_is_one_parameter_has_an_unknown_parent() -> None:
    unit = arm(
        parameters={"whole": {"type": "string"}},
        resources=[resource(f"{SERVERS}/databases", "[parameters('whole')]")],
    )
    [database] = unit.declarations
    assert shown(database.name) == "param whole"
    assert isinstance(database.parent, Unknown)


def test_resources_in_resources() -> None:
    unit = arm(
        resources=[
            resource(
                "Microsoft.Web/sites",
                "app",
                resources=[
                    resource("config", "appsettings", properties={"A": "1"}),
                    resource("providers/roleAssignments", "Microsoft.Authorization/guid"),
                    resource("Microsoft.Authorization/locks", "keep"),
                ],
            )
        ]
    )
    parent = Ref("Microsoft.Web/sites/app", ("id",), "Microsoft.Web/sites/app.id")
    assert [(each.type, each.name, each.parent) for each in unit.declarations[1:]] == [
        ("microsoft.web/sites/config", "appsettings", parent),
        ("microsoft.authorization/roleassignments", "guid", parent),
        ("microsoft.authorization/locks", "keep", parent),
    ]
    assert plain(value(unit, "Microsoft.Web/sites/app")) == {"name": "app"}


def test_an_extension_written_as_a_child() -> None:
    unit = arm(
        resources=[
            resource("Microsoft.Storage/storageAccounts", "st"),
            resource(
                "Microsoft.Storage/storageAccounts/providers/roleAssignments",
                "[concat('st', '/Microsoft.Authorization/', guid('x'))]",
            ),
        ]
    )
    assignment = unit.declarations[1]
    assert assignment.type == ASSIGNMENTS.lower()
    assert assignment.parent == Ref(
        "Microsoft.Storage/storageAccounts/st", ("id",), "Microsoft.Storage/storageAccounts/st.id"
    )
    assert shown(assignment.name) == "guid('x')"


def test_scope_of_an_extension_in_arm() -> None:
    unit = arm(
        resources=[
            resource("Microsoft.Storage/storageAccounts", "st"),
            resource(ASSIGNMENTS, "a", scope="Microsoft.Storage/storageAccounts/st"),
            resource(ASSIGNMENTS, "b", scope="[resourceId('Microsoft.Storage/storageAccounts', 'st')]"),
            resource(ASSIGNMENTS, "c", scope="/"),
            resource(ASSIGNMENTS, "d", scope="[subscription().id]"),
            resource(ASSIGNMENTS, "e", scope="Microsoft.Management/managementGroups/mg"),
            resource(ASSIGNMENTS, "f", scope="Microsoft.Storage/storageAccounts/other"),
        ]
    )
    storage = Ref("Microsoft.Storage/storageAccounts/st", ("id",), "Microsoft.Storage/storageAccounts/st.id")
    parents = [each.parent for each in unit.declarations[1:]]
    assert parents[:3] == [storage, storage, "/"]
    assert show(parents[3]) == "/subscriptions/{subscription().subscriptionId}"
    assert parents[4] == "/providers/Microsoft.Management/managementGroups/mg"
    assert show(parents[5]).endswith("/providers/Microsoft.Storage/storageAccounts/other")


def test_scope_and_parent_in_bicep() -> None:
    unit = bicep(
        """
resource st 'Microsoft.Storage/storageAccounts@2023-01-01' existing = {
  name: 'st'
  scope: resourceGroup('rg-data')
}
resource blob 'Microsoft.Storage/storageAccounts/blobServices@2023-01-01' existing = {
  parent: st
  name: 'default'
  resource box 'containers' = {
    name: 'box'
  }
}
resource onBox 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(blob::box.id)
  scope: blob::box
}
resource onSub 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: 'x'
  scope: subscription()
}
resource onTenant 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: 'x'
  scope: tenant()
}
resource onGroup 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: 'x'
  scope: managementGroup('mg')
}
"""
    )
    assert (
        show(at(unit, "st").parent) == "/subscriptions/{subscription().subscriptionId}/resourceGroups/rg-data"
    )
    assert at(unit, "st").existing
    assert at(unit, "blob").parent == Ref("st", ("id",), "st.id")
    box = at(unit, "blob::box")
    assert (box.type, box.parent) == (
        "microsoft.storage/storageaccounts/blobservices/containers",
        Ref("blob", ("id",), "blob.id"),
    )
    assert at(unit, "onBox").parent == Ref("blob::box", ("id",), "blob::box.id")
    assert shown(at(unit, "onBox").name) == "guid(blob::box.id)"
    assert show(at(unit, "onSub").parent) == "/subscriptions/{subscription().subscriptionId}"
    assert at(unit, "onTenant").parent == "/"
    assert at(unit, "onGroup").parent == "/providers/Microsoft.Management/managementGroups/mg"


def test_a_name_with_slashes_in_bicep_finds_its_parent() -> None:
    unit = bicep(
        """
param server string
resource srv 'Microsoft.Sql/servers@2023-01-01' = { name: server }
resource db 'Microsoft.Sql/servers/databases@2023-01-01' = { name: '${srv.name}/db' }
resource other 'Microsoft.Sql/servers/databases@2023-01-01' = { name: '${server}/other' }
"""
    )
    for address, name in (("db", "db"), ("other", "other")):
        assert (at(unit, address).name, at(unit, address).parent) == (name, Ref("srv", ("id",), "srv.id"))


def test_copy_over_a_known_count() -> None:
    unit = arm(
        variables={"names": ["a", "b"]},
        resources=[
            resource(
                IDENTITIES,
                "[concat('id-', variables('names')[copyIndex()], copyIndex(5))]",
                copy={"name": "ids", "count": "[length(variables('names'))]"},
                tags={"index": "[copyIndex('ids')]"},
            )
        ],
    )
    assert [each.name for each in unit.declarations] == ["id-a5", "id-b6"]
    assert [plain(each.body)["tags"] for each in unit.declarations] == [{"index": 0}, {"index": 1}]
    assert [each.address[-3:] for each in unit.declarations] == ["[0]", "[1]"]


def test_copy_over_an_unknown_count_declares_one_for_all() -> None:
    unit = arm(
        parameters={"count": {"type": "int"}},
        resources=[
            resource(
                IDENTITIES,
                "[format('id-{0}', copyIndex())]",
                copy={"name": "ids", "count": "[parameters('count')]"},
            )
        ],
    )
    [declared] = unit.declarations
    assert declared.conditional
    assert declared.address.endswith("[*]")
    assert isinstance(declared.name, Text)


def test_loops_in_bicep() -> None:
    unit = bicep(
        """
param unknown array
var names = ['a', 'b', 'skip']
resource ids 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = [for (name, i) in names: if (
  name != 'skip'
) {
  name: 'id-${name}-${i}'
}]
resource more 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = [for each in unknown: {
  name: each.name
}]
output second string = ids[1].properties.principalId
"""
    )
    assert addresses(unit)[:3] == ["ids[0]", "ids[1]", "more[*]"]
    assert at(unit, "ids[1]").name == "id-b-1"
    assert at(unit, "more[*]").conditional
    assert shown(at(unit, "more[*]").name) == "each of param unknown.name"
    assert value(unit, "output.second", "value") == Ref(
        "ids[1]", ("properties", "principalId"), "ids[1].properties.principalId"
    )


def test_a_false_condition_declares_nothing_and_an_unknown_one_is_told() -> None:
    unit = bicep(
        """
param ask bool
resource never 'Microsoft.Web/sites@2023-01-01' = if (false) { name: 'never' }
resource maybe 'Microsoft.Web/sites@2023-01-01' = if (ask) { name: 'maybe' }
resource sure 'Microsoft.Web/sites@2023-01-01' = if (!(1 > 2)) { name: 'sure' }
"""
    )
    assert addresses(unit) == ["maybe", "sure"]
    assert [each.conditional for each in unit.declarations] == [True, False]


def test_same_type_and_name_have_addresses_of_their_own() -> None:
    unit = arm(
        parameters={"new": {"type": "bool"}},
        resources=[
            resource(IDENTITIES, "id", condition="[parameters('new')]"),
            resource(IDENTITIES, "id", condition="[not(parameters('new'))]"),
        ],
    )
    assert addresses(unit) == [f"{IDENTITIES}/id", f"{IDENTITIES}/id#2"]
    assert [each.conditional for each in unit.declarations] == [True, True]


def test_the_level_of_a_unit_is_that_of_its_template() -> None:
    unit = bicep(
        "targetScope = 'subscription'\nresource rg 'Microsoft.Resources/resourceGroups@2023-07-01' = { name: 'rg' }\n"
    )
    assert unit.scope.level == "subscription"
    assert (at(unit, "rg").type, at(unit, "rg").parent) == ("microsoft.resources/resourcegroups", None)


def test_secret_defaults_and_outputs_are_declared_and_nothing_else_holds_the_secret() -> None:
    password = "x" * 40
    unit = run(
        {
            "main.bicep": f"""
@secure()
param password string = '{password}'
@secure()
param empty string = ''
@secure()
param made string = newGuid()
param open string = 'open'
resource app 'Microsoft.Web/sites@2023-01-01' = {{
  name: 'app'
  properties: {{ password: password, none: empty(empty) }}
}}
output open string = open
@secure()
output hidden string = password
"""
        },
        "main.bicep",
    )
    assert addresses(unit) == ["param.password", "app", "output.open", "output.hidden"]
    assert (at(unit, "param.password").type, at(unit, "param.password").name) == ("parameter", "password")
    assert plain(at(unit, "param.password").body) == {"value": password, "secure": True}
    assert value(unit, "app", "properties", "password") == Unknown("param password", "it is a secret", True)
    assert value(unit, "app", "properties", "none") is True
    assert plain(at(unit, "output.open").body) == {"value": "open", "secure": False}
    assert value(unit, "output.hidden", "secure") is True
    assert gaps(unit) == []


def test_objects_of_the_directory_are_in_the_common_words() -> None:
    unit = bicep(
        """
extension microsoftGraphV1
resource app 'Microsoft.Graph/applications@v1.0' = {
  uniqueName: 'app'
  displayName: 'App'
  keyCredentials: [{ usage: 'Verify' }]
  resource github 'federatedIdentityCredentials' = {
    name: 'app/github'
    issuer: 'https://token.actions.githubusercontent.com'
    subject: 'repo:o/r:ref:refs/heads/main'
    audiences: ['api://AzureADTokenExchange']
  }
}
resource principal 'Microsoft.Graph/servicePrincipals@v1.0' = { appId: app.appId }
"""
    )
    assert [(each.address, each.type) for each in unit.declarations] == [
        ("app", "azuread/application"),
        ("app.keyCredentials", "azuread/certificate"),
        ("app::github", "azuread/federatedcredential"),
        ("principal", "azuread/serviceprincipal"),
    ]
    own = Ref("app", ("id",), "app.id")
    assert at(unit, "app").name == "App"
    assert value(unit, "app.keyCredentials", "of") == own
    assert value(unit, "app::github", "of") == own
    assert value(unit, "principal", "appId") == Ref("app", ("appId",), "app.appId")


def test_a_deployment_written_as_a_resource_is_no_resource() -> None:
    unit = bicep(
        """
resource telemetry 'Microsoft.Resources/deployments@2024-03-01' = {
  name: 'pid'
  properties: { mode: 'Incremental', template: { resources: [] } }
}
resource hidden 'Microsoft.Resources/deployments@2024-03-01' = {
  name: 'x'
  properties: { mode: 'Incremental', template: hiddenTemplate }
}
param hiddenTemplate object
resource old 'Microsoft.Resources/deployments@2024-03-01' existing = { name: 'old' }
"""
    )
    assert addresses(unit) == []
    assert gaps(unit) == [("unsupported", "The template of this deployment cannot be told.")]


def test_what_is_not_deployed_is_null_where_the_code_expects_that() -> None:
    unit = bicep(
        """
resource st 'Microsoft.Storage/storageAccounts@2023-01-01' = if (false) { name: 'st' }
output o string = st.?properties.?x ?? 'none'
"""
    )
    assert value(unit, "output.o", "value") == "none"


def test_a_file_that_is_not_here_or_no_template() -> None:
    assert gaps(run({}, "a.json")) == [("failed", "The file is not here.")]
    assert gaps(run({"a.json": b"{}"}, "a.json")) == [
        ("malformed", "The file is no template that can be read.")
    ]


def test_loops_over_arrays_of_which_only_a_part_is_known() -> None:
    unit = bicep(
        """
param given array
param ask bool
resource some 'A.B/c@1' = [for x in concat(['a'], given): { name: x }]
resource mapped 'A.B/c@1' = [for x in map(given, g => g.name): { name: x }]
resource maybe 'A.B/c@1' = [for x in filter(['a'], g => ask): { name: x }]
"""
    )
    assert [(each.address, show(each.name), each.conditional) for each in unit.declarations] == [
        ("some[0]", "a", False),
        ("some[*]", "{x of param given}", True),
        ("mapped[*]", "{item of param given.name}", True),
        ("maybe[*]", "a", True),
    ]
