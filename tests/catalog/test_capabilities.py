import pytest

from scanner.catalog.capabilities import Capability, allows, capabilities, denied_powers, explain
from scanner.catalog.effect import effect
from scanner.catalog.permissions import PermissionEntry, read_permissions
from scanner.catalog.powers import MEANINGS, NOT_CUSTOMER_DATA, Power, breadth, operations_giving
from scanner.catalog.roles import builtin_roles, role_by_name

ASSIGN = "Microsoft.Authorization/roleAssignments/write"
CONDITION = f"(!(ActionMatches{{'{ASSIGN}'}})) OR (@Request[roleAssignments:X] StringEquals 'y')"


def powers(*entries: PermissionEntry) -> set[Power]:
    return {held.power for held in capabilities(entries)}


def held(power: Power, *entries: PermissionEntry) -> Capability:
    return next(one for one in capabilities(entries) if one.power is power)


def built_in(name: str) -> tuple[PermissionEntry, ...]:
    role = role_by_name(name)
    assert role is not None, name
    return role.permissions


def allow(*actions: str, but: tuple[str, ...] = (), condition: str | None = None) -> PermissionEntry:
    return PermissionEntry(actions, but, condition=condition)


def data(*actions: str, but: tuple[str, ...] = (), condition: str | None = None) -> PermissionEntry:
    return PermissionEntry(data_actions=actions, not_data_actions=but, condition=condition)


# The eight custom roles.

A = (allow("*"),)
B = (allow("Microsoft.Compute/virtualMachines/read"), allow("*"))
C = (allow("Microsoft.Authorization/*"),)
D = (allow(ASSIGN),)
E = (allow("*/read"),)
F = (data("*"),)
G = (allow("*", but=("Microsoft.Authorization/*/Write", "Microsoft.Authorization/*/Delete")),)
H = (allow("*/write"),)
CONTROL = {Power.FULL_CONTROL, Power.GRANT_ACCESS, Power.MANAGE_EVERYTHING, Power.WRITE_ROLE_ASSIGNMENTS}


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        pytest.param(A, CONTROL, id="a: *"),
        pytest.param(B, CONTROL, id="b: * in a second entry"),
        pytest.param(
            C, {Power.GRANT_ACCESS, Power.WRITE_ROLE_ASSIGNMENTS}, id="c: Microsoft.Authorization/*"
        ),
        pytest.param(D, {Power.GRANT_ACCESS, Power.WRITE_ROLE_ASSIGNMENTS}, id="d: roleAssignments/write"),
        pytest.param(E, set(), id="e: */read"),
        pytest.param(F, set(), id="f: data *"),
        pytest.param(G, {Power.MANAGE_EVERYTHING}, id="g: * without Authorization writes and deletes"),
        pytest.param(H, CONTROL, id="h: */write"),
    ],
)
def test_what_a_custom_role_controls(role: tuple[PermissionEntry, ...], expected: set[Power]) -> None:
    assert powers(*role) & CONTROL == expected
    assert {one.power for one in capabilities(role) if one.conditioned} == set()


def test_g_keeps_elevate_access_which_is_not_handing_out_access() -> None:
    """It takes effect at the root scope only, and a custom role cannot be assigned there."""
    assert held(Power.ELEVATE_ACCESS, *G).operation == "Microsoft.Authorization/elevateAccess/action"
    assert powers(allow("Microsoft.Authorization/elevateAccess/action")) == {
        Power.ELEVATE_ACCESS,
        Power.CHANGE,
    }


def test_f_is_all_data_and_nothing_else() -> None:
    assert powers(*F) == {
        Power.ALL_DATA,
        Power.DATA_ACCESS,
        Power.READ_CREDENTIALS,
        Power.RUN_CODE,
        Power.GRANT_SERVICE_ACCESS,
        Power.CHANGE,
        Power.READ,
    }


def test_e_only_reads() -> None:
    assert powers(*E) == {Power.READ}


def test_b_names_the_second_entry() -> None:
    assert held(Power.FULL_CONTROL, *B) == Capability(Power.FULL_CONTROL, 1, "*", ASSIGN)


# Built-in roles.


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Owner", set(Power) - {Power.ALL_DATA, Power.DATA_ACCESS, Power.NOT_UNDERSTOOD}),
        (
            "Contributor",
            {
                Power.MANAGE_EVERYTHING,
                Power.ASSIGN_IDENTITY,
                Power.FEDERATE_IDENTITY,
                Power.RUN_CODE,
                Power.GRANT_SERVICE_ACCESS,
                Power.READ_CREDENTIALS,
                Power.CHANGE,
                Power.READ,
            },
        ),
        (
            "User Access Administrator",
            {
                Power.GRANT_ACCESS,
                Power.WRITE_ROLE_ASSIGNMENTS,
                Power.DEFINE_ROLES,
                Power.ELEVATE_ACCESS,
                Power.RUN_CODE,
                Power.CHANGE,
                Power.READ,
            },
        ),
        (
            "Role Based Access Control Administrator",
            {Power.GRANT_ACCESS, Power.WRITE_ROLE_ASSIGNMENTS, Power.CHANGE, Power.READ},
        ),
        (
            "Key Vault Data Access Administrator",
            {Power.GRANT_ACCESS, Power.WRITE_ROLE_ASSIGNMENTS, Power.CHANGE, Power.READ},
        ),
        ("Reader", {Power.READ}),
        ("Managed Identity Operator", {Power.ASSIGN_IDENTITY, Power.CHANGE, Power.READ}),
        ("Managed Identity Contributor", {Power.FEDERATE_IDENTITY, Power.CHANGE, Power.READ}),
        ("Virtual Machine Contributor", {Power.RUN_CODE, Power.READ_CREDENTIALS, Power.CHANGE, Power.READ}),
        (
            "Log Analytics Contributor",
            {Power.RUN_CODE, Power.READ_CREDENTIALS, Power.DATA_ACCESS, Power.CHANGE, Power.READ},
        ),
        ("Monitoring Contributor", {Power.CHANGE, Power.READ}),
        ("Network Contributor", {Power.READ_CREDENTIALS, Power.CHANGE, Power.READ}),
        ("Storage Account Contributor", {Power.READ_CREDENTIALS, Power.CHANGE, Power.READ}),
        ("Storage Blob Data Reader", {Power.DATA_ACCESS, Power.CHANGE, Power.READ}),
        ("Key Vault Secrets User", {Power.DATA_ACCESS, Power.READ_CREDENTIALS, Power.READ}),
        ("Key Vault Contributor", {Power.GRANT_SERVICE_ACCESS, Power.CHANGE, Power.READ}),
        ("Monitoring Metrics Publisher", {Power.CHANGE, Power.READ}),
        ("Azure Red Hat OpenShift Federated Credential", {Power.FEDERATE_IDENTITY, Power.CHANGE, Power.READ}),
    ],
)
def test_the_powers_of_a_built_in_role(name: str, expected: set[Power]) -> None:
    assert powers(*built_in(name)) == expected


def with_power(power: Power, *, conditioned: bool, status: tuple[str, ...] = ("current",)) -> set[str]:
    return {
        role.name
        for role in builtin_roles().values()
        if role.status in status
        for one in capabilities(role.permissions)
        if one.power is power and one.conditioned is conditioned
    }


def test_which_built_in_roles_grant_access_without_a_condition() -> None:
    assert with_power(Power.GRANT_ACCESS, conditioned=False) == {
        "Owner",
        "User Access Administrator",
        "Role Based Access Control Administrator",
        "Reservations Administrator",  # assignable only at Microsoft.Capacity
        "Service Group Administrator",  # assignable only at service groups, by roleDefinitions/write
        "Service Group Contributor",
    }


def test_which_built_in_roles_write_role_assignments_without_a_condition() -> None:
    everywhere = {role.name for role in builtin_roles().values() if role.assignable_scopes == ("/",)}
    assert with_power(Power.WRITE_ROLE_ASSIGNMENTS, conditioned=False) & everywhere == {
        "Owner",
        "User Access Administrator",
        "Role Based Access Control Administrator",
    }


def test_which_built_in_roles_write_role_assignments_under_a_condition() -> None:
    everywhere = {role.name for role in builtin_roles().values() if role.assignable_scopes == ("/",)}
    assert with_power(Power.WRITE_ROLE_ASSIGNMENTS, conditioned=True) & everywhere == {
        "Azure Container Storage Contributor",
        "Azure Container Storage Owner",
        "Azure File Sync Administrator",
        "Azure IoT Operations Onboarding",
        "Azure Local Migrate Execute Expert",
        "Azure Local Migrate Owner",
        "Azure Migrate Execute Expert",
        "Azure Migrate Owner",
        "Azure Resilience Management Drills Administrator",
        "Azure Resilience Management Drills Assets Administrator",
        "Azure Resilience Management Drills Target Resource Administrator",
        "Azure Resilience Management Goals Administrator",
        "Azure Resilience Management Recovery Administrator",
        "Azure Sphere Owner",
        "Azure Stack HCI Administrator",
        "Defender CSPM Storage Scanner Operator",
        "Defender for Storage Scanner Operator",
        "DevCenter Owner",
        "Foundry Account Owner",
        "Foundry Owner",
        "Foundry Project Manager",
        "Key Vault Data Access Administrator",
        "Microsoft Discovery Platform Administrator (Preview)",
        "Storage Actions Task Assignment Contributor",
        "Virtual Machine Data Access Administrator (preview)",
    }


@pytest.mark.parametrize(
    ("power", "expected"),
    [
        (Power.FULL_CONTROL, {"Owner", "Service Group Administrator", "Service Group Contributor"}),
        (
            Power.MANAGE_EVERYTHING,
            {"Owner", "Contributor", "Service Group Administrator", "Service Group Contributor"},
        ),
        (Power.ALL_DATA, set()),
        (
            Power.DEFINE_ROLES,
            {
                "Owner",
                "User Access Administrator",
                "Service Group Administrator",
                "Service Group Contributor",
            },
        ),
    ],
)
def test_which_built_in_roles_have_a_broad_power(power: Power, expected: set[str]) -> None:
    assert with_power(power, conditioned=False) == expected
    assert with_power(power, conditioned=True) == set()


def test_breadth_has_a_clear_gap() -> None:
    """If new roles close the gap around the threshold, it has to be measured again."""
    data_shares = {}
    write_shares = {}
    for role in builtin_roles().values():
        write_shares[role.name] = max(
            breadth().write_share(effect(entry).control) for entry in role.permissions
        )
        data_shares[role.name] = max(breadth().data_share(effect(entry).data) for entry in role.permissions)
    assert {name for name, share in write_shares.items() if 0.25 < share < 0.95} == set()
    assert max(data_shares.values()) < 0.1
    assert breadth().data_share(operations_giving()[Power.DATA_ACCESS].data) == 1.0


def test_equal_permissions_are_computed_once() -> None:
    assert capabilities([allow("*/read", "a/b")]) is capabilities([allow("*/read", "a/b")])


def test_data_roles_that_are_not_access_to_data() -> None:
    """The cut in NOT_CUSTOMER_DATA, seen from the built-in roles."""
    outside = {
        role.name.strip()
        for role in builtin_roles().values()
        if any(entry.data_actions for entry in role.permissions)
        and Power.DATA_ACCESS not in powers(*role.permissions)
    }
    assert outside == {
        "Azure Copilot User",
        "Azure Maps Search and Render Data Reader",
        "Azure Usage Billing Data Sender",
        "Container Registry Repository Catalog Lister",
        "Grounding with Bing User",
        "Key Vault Reader",
        "Lab Contributor",
        "Lab Creator",
        "Lab Services Contributor",
        "Monitoring Metrics Publisher",
        "Policy Insights Data Writer (Preview)",
    }


# Semantics.


def test_not_actions_of_one_entry_do_not_touch_another() -> None:
    assert Power.GRANT_ACCESS not in powers(allow("*", but=("Microsoft.Authorization/*",)))
    assert Power.GRANT_ACCESS in powers(allow("*", but=("Microsoft.Authorization/*",)), allow(ASSIGN))


def test_planes_do_not_touch_each_other() -> None:
    assert Power.DATA_ACCESS not in powers(allow("*"))
    assert Power.GRANT_ACCESS not in powers(data("*"))
    assert Power.DATA_ACCESS in powers(PermissionEntry(("*",), ("*",), ("Microsoft.Storage/*",)))


@pytest.mark.parametrize(
    "spelling",
    [
        "Microsoft.ManagedIdentity/userAssignedIdentities/*/assign/action",
        "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action",
        "MICROSOFT.MANAGEDIDENTITY/USERASSIGNEDIDENTITIES/ASSIGN/ACTION",
        "microsoft.managedidentity/*",
        "*/assign/action",
        "  Microsoft.ManagedIdentity/userAssignedIdentities/assign / action ",
    ],
)
def test_every_spelling_of_assigning_an_identity(spelling: str) -> None:
    assert Power.ASSIGN_IDENTITY in powers(allow(spelling))
    assert held(Power.ASSIGN_IDENTITY, allow(spelling)).by == spelling


def test_a_not_action_in_the_other_spelling_takes_it_away() -> None:
    role = allow(
        "Microsoft.ManagedIdentity/*",
        but=("Microsoft.ManagedIdentity/userAssignedIdentities/*/assign/action",),
    )
    assert powers(role) & {Power.ASSIGN_IDENTITY, Power.FEDERATE_IDENTITY} == {Power.FEDERATE_IDENTITY}


def test_contributor_is_judged_on_what_is_left() -> None:
    contributor = built_in("Contributor")[0]
    narrowed = PermissionEntry(contributor.actions, (*contributor.not_actions, "Microsoft.Network/*"))
    gutted = PermissionEntry(contributor.actions, (*contributor.not_actions, "*/write"))
    assert Power.MANAGE_EVERYTHING in powers(narrowed)
    assert Power.MANAGE_EVERYTHING not in powers(gutted)


def test_breadth_is_counted_over_all_entries() -> None:
    first, second = allow("Microsoft.A*/write", "Microsoft.D*/write"), allow("Microsoft.*/write")
    halves = (
        allow(
            "*/write", but=("Microsoft.N*", "Microsoft.S*", "Microsoft.W*", "Microsoft.A*", "Microsoft.D*")
        ),
        allow("Microsoft.N*", "Microsoft.S*", "Microsoft.W*", "Microsoft.D*"),
    )
    assert Power.MANAGE_EVERYTHING not in powers(first)
    assert Power.MANAGE_EVERYTHING in powers(second)
    assert Power.MANAGE_EVERYTHING not in powers(halves[0])
    assert Power.MANAGE_EVERYTHING not in powers(halves[1])
    assert Power.MANAGE_EVERYTHING in powers(*halves)


# Conditions.


def test_a_condition_on_the_operation_makes_the_power_conditioned() -> None:
    assert held(Power.GRANT_ACCESS, allow(ASSIGN, condition=CONDITION)).conditioned


def test_a_condition_on_another_operation_does_not() -> None:
    role = allow("Microsoft.Authorization/*", condition=CONDITION)
    assert held(Power.WRITE_ROLE_ASSIGNMENTS, role).conditioned
    granting = held(Power.GRANT_ACCESS, role)
    assert granting.operation == "Microsoft.Authorization/roleDefinitions/write"
    assert not granting.conditioned


def test_an_unconditioned_entry_wins() -> None:
    granting = held(Power.GRANT_ACCESS, allow(ASSIGN, condition=CONDITION), allow(ASSIGN))
    assert (granting.entry, granting.conditioned) == (1, False)


def test_full_control_needs_access_without_a_condition() -> None:
    role = allow(
        "*",
        but=("Microsoft.Authorization/roleDefinitions/*", "*ScheduleRequests/*", "*/elevateAccess/*"),
        condition=CONDITION,
    )
    assert Power.FULL_CONTROL not in powers(role)
    assert held(Power.GRANT_ACCESS, role).conditioned
    assert not held(Power.MANAGE_EVERYTHING, role).conditioned


def test_a_condition_nobody_can_parse_counts_as_one() -> None:
    role = allow("*", condition="((((")
    assert held(Power.MANAGE_EVERYTHING, role).conditioned
    assert held(Power.GRANT_ACCESS, role).conditioned
    assert Power.FULL_CONTROL not in powers(role)


def test_what_a_condition_rules_out_is_not_held() -> None:
    assert Power.GRANT_ACCESS not in powers(allow("*", condition="ActionMatches{'*/read'}"))


# What cannot be understood.


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (None, "permissions is missing"),
        ([{"actions": 5}], "actions is a number, not a list"),
        ([{"actions": ["*/read"], "notActions": {"a": 1}}], "notActions is an object, not a list"),
    ],
)
def test_a_role_that_cannot_be_read_is_not_harmless(raw: object, problem: str) -> None:
    one = held(Power.NOT_UNDERSTOOD, *read_permissions(raw))
    assert one == Capability(Power.NOT_UNDERSTOOD, 0, problem, "")


def test_unreadable_not_actions_take_nothing_away() -> None:
    role = read_permissions([{"actions": ["*"], "notActions": 7}])
    assert {Power.FULL_CONTROL, Power.NOT_UNDERSTOOD} <= powers(*role)


def test_a_blank_inside_a_not_action_takes_nothing_away() -> None:
    assert Power.GRANT_ACCESS in powers(allow(ASSIGN, but=("Microsoft.Authorization / *",)))


def test_an_unknown_data_action_is_access_to_data() -> None:
    one = held(Power.DATA_ACCESS, data("Contoso.NewStore/things/read"))
    assert one.operation == "Contoso.NewStore/things/read"
    assert Power.DATA_ACCESS in powers(data("Contoso.NewStore/*"))
    assert Power.DATA_ACCESS not in powers(data("Contoso.NewStore/*", but=("contoso.newstore/*",)))


def test_keys_with_which_logs_are_sent_are_no_credentials() -> None:
    workspace = "Microsoft.OperationalInsights/workspaces"
    for operation in ("sharedKeys", "listKeys", "regenerateSharedKey"):
        assert powers(allow(f"{workspace}/{operation}/action")) == {Power.CHANGE}
    assert powers(allow(f"{workspace}/*/action", but=(f"{workspace}/sharedKeys/action",))) == {Power.CHANGE}


@pytest.mark.parametrize(
    "operation",
    [
        "Microsoft.Insights/actionGroups/write",
        "Microsoft.Network/bastionHosts/createShareableLinks/action",
        "Microsoft.Storage/storageAccounts/storageTaskAssignments/write",
    ],
)
def test_what_only_starts_the_code_of_others_runs_none(operation: str) -> None:
    assert powers(allow(operation)) == {Power.CHANGE}
    attaching = "Microsoft.ManagedIdentity/userAssignedIdentities/*/assign/action"
    assert powers(allow(operation), allow(attaching)) == {Power.ASSIGN_IDENTITY, Power.CHANGE}


def test_an_unknown_control_operation_is_judged_by_its_name() -> None:
    assert powers(allow("Contoso.NewStore/stores/listKeys/action")) == {Power.READ_CREDENTIALS, Power.CHANGE}
    assert powers(allow("Contoso.NewStore/stores/read")) == {Power.READ}
    assert powers(allow("Contoso.NewStore/*")) == {Power.CHANGE}


@pytest.mark.parametrize("entries", [(), (PermissionEntry(),), (allow("*", but=("*",)),), (allow("", "  "),)])
def test_nothing_is_nothing(entries: tuple[PermissionEntry, ...]) -> None:
    assert capabilities(entries) == ()


@pytest.mark.parametrize(
    "hostile", ["<script>alert(1)</script>", "\x1b[31m*", "*" * 2_000, "İ/*", "a" * 2_048, "\n*\n"]
)
def test_hostile_patterns_are_survived(hostile: str) -> None:
    for one in capabilities((allow(hostile), data(hostile))):
        assert one.by == hostile
        assert all(isinstance(line, str) for line in explain((allow(hostile), data(hostile)), one))


# Questions about single operations, denials, reasons.


def test_allows() -> None:
    role = (allow("Microsoft.Compute/*", but=("*/delete",)), data("Microsoft.Storage/*"))
    assert allows(role, "microsoft.compute/virtualMachines/WRITE")
    assert not allows(role, "Microsoft.Compute/virtualMachines/delete")
    assert not allows(role, "Microsoft.Storage/x/read")
    assert allows(role, "Microsoft.Storage/x/read", data=True)
    assert not allows((), "a/read")


def test_allows_follows_the_condition() -> None:
    assert allows((allow("*", condition=CONDITION),), ASSIGN)
    assert not allows((allow("*", condition="ActionMatches{'*/read'}"),), ASSIGN)


def test_denied_powers() -> None:
    owner = built_in("Owner")
    assert denied_powers([allow("*/write")], owner) == {
        Power.FULL_CONTROL,
        Power.GRANT_ACCESS,
        Power.WRITE_ROLE_ASSIGNMENTS,
        Power.DEFINE_ROLES,
        Power.MANAGE_EVERYTHING,
        Power.FEDERATE_IDENTITY,
    }
    assert denied_powers([allow("*", but=("*/read",))], owner) == powers(*owner) - {Power.READ}
    assert denied_powers([data("*")], owner) == set()
    assert denied_powers([], owner) == set()


def test_a_denial_that_is_conditional_or_unreadable_is_not_relied_upon() -> None:
    owner = built_in("Owner")
    assert denied_powers([allow("*", condition="@Resource[x] StringEquals 'y'")], owner) == set()
    assert denied_powers(read_permissions([{"actions": ["*"], "notActions": 3}]), owner) == set()


def test_a_denial_covers_operations_nobody_knows() -> None:
    role = (data("Contoso.NewStore/things/read"),)
    assert denied_powers([data("Contoso.*")], role) == {Power.DATA_ACCESS, Power.READ}
    assert denied_powers([data("Contoso.*", but=("*/read",))], role) == set()


def test_the_reasons_for_a_power() -> None:
    role = (allow("Microsoft.Compute/*/read"), allow("*", but=("Microsoft.Network/*", "*/delete")))
    assert explain(role, held(Power.GRANT_ACCESS, *role)) == (
        "Permission entry 2 of 2 lists '*'.",
        f"It covers {ASSIGN}.",
        "None of the entry's 2 notActions covers that.",
    )
    assert explain(role, held(Power.MANAGE_EVERYTHING, *role))[-1].startswith(
        "Of 4,079 known write operations "
    )


def test_the_reasons_for_a_conditioned_power() -> None:
    role = (allow(ASSIGN, condition=CONDITION),)
    assert explain(role, held(Power.GRANT_ACCESS, *role)) == (
        f"Permission entry 1 of 1 lists '{ASSIGN}'.",
        f"It covers {ASSIGN}.",
        "The entry has no notActions.",
        "The entry's condition restricts it.",
    )


def test_the_reasons_for_a_data_power_name_the_data_plane() -> None:
    role = built_in("Key Vault Administrator")
    assert explain(role, held(Power.DATA_ACCESS, *role)) == (
        "Permission entry 1 of 1 lists 'Microsoft.KeyVault/vaults/*'.",
        "It covers Microsoft.KeyVault/vaults/secrets/getSecret/action.",
        "The entry has no notDataActions.",
    )


def test_the_reason_for_not_understanding() -> None:
    role = read_permissions([{"actions": 5}])
    assert explain(role, held(Power.NOT_UNDERSTOOD, *role)) == (
        "Permission entry 1 of 1 could not be read: actions is a number, not a list.",
    )


# The tables.


def test_every_power_has_a_meaning() -> None:
    assert set(MEANINGS) == set(Power)
    assert {text for text in MEANINGS.values() if text.count(".") != 1 or not text.endswith(".")} == set()


def test_every_power_by_operation_has_operations() -> None:
    giving = operations_giving()
    assert {power for power, one in giving.items() if not one.control | one.data} == set()


def test_the_cut_of_data_actions_has_a_reason_for_each() -> None:
    assert {name for name in NOT_CUSTOMER_DATA if name != name.lower()} == set()
    assert {name for name, reason in NOT_CUSTOMER_DATA.items() if not reason} == set()
