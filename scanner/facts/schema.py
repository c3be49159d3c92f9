"""The tables a rule may ask: one class per table, one sentence per column.

A column that ends in the name of an entity kind (``identity``, ``resource``, ``wider_assignment``...)
is a **key**: an unsigned 32-bit number that stands for a row of ``entities``. Strings are kept once.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Any, ClassVar, Literal

import msgspec

SCHEMA_VERSION = 1
"""Raised when a table or column changes its meaning; a snapshot of another version is refused."""

ColumnType = Literal["key", "count", "level", "flag", "text"]


class Level(IntEnum):
    """How wide a scope is; a smaller number is wider, so ``level <= Level.SUBSCRIPTION`` reads well."""

    TENANT = 0
    MANAGEMENT_GROUP = 1
    SUBSCRIPTION = 2
    RESOURCE_GROUP = 3
    RESOURCE = 4


LEVEL_NAMES: dict[Level, str] = {
    Level.TENANT: "tenant root",
    Level.MANAGEMENT_GROUP: "management group",
    Level.SUBSCRIPTION: "subscription",
    Level.RESOURCE_GROUP: "resource group",
    Level.RESOURCE: "resource",
}


class Kind(StrEnum):
    """What an entity is; also the last word of every column that holds its key."""

    IDENTITY = "identity"
    PRINCIPAL = "principal"
    RESOURCE = "resource"
    ASSIGNMENT = "assignment"
    ROLE = "role"
    SCOPE = "scope"
    CREDENTIAL = "credential"
    ADMINISTRATOR = "administrator"
    DENIAL = "denial"


KEY_WORDS = frozenset(
    [*(kind.value for kind in Kind), "entity", "subscription", "ancestor", "parent", "holder", "group"]
)
"""Last words of column names that hold an entity key."""


def is_key_column(name: str) -> bool:
    """Whether a column of this name holds entity keys: its last word is a kind of entity."""
    return name.rsplit("_", 1)[-1] in KEY_WORDS


class Span(StrEnum):
    """Where the rows that speak about a subject may come from; decides whom a gap concerns."""

    LOCAL = "local"
    """Only from the subject's own scope: a gap in one subscription leaves the others judged."""

    ANYWHERE = "anywhere"
    """From anywhere in the tenant: a gap in one subscription may hide a row about any subject."""


class Column(msgspec.Struct, frozen=True):
    """One column: its type, whether it may be null, and its sentence."""

    name: str
    type: ColumnType
    nullable: bool
    sentence: str


class _About(msgspec.Struct, frozen=True):
    type: ColumnType
    nullable: bool
    sentence: str


def key(sentence: str, *, nullable: bool = False) -> Any:
    """Declare a column of entity keys."""
    return _About("key", nullable, sentence)


def text(sentence: str, *, nullable: bool = False) -> Any:
    """Declare a column of strings."""
    return _About("text", nullable, sentence)


def flag(sentence: str, *, nullable: bool = False) -> Any:
    """Declare a column of booleans."""
    return _About("flag", nullable, sentence)


def count(sentence: str, *, nullable: bool = False) -> Any:
    """Declare a column of unsigned 32-bit numbers that are not keys."""
    return _About("count", nullable, sentence)


def level(sentence: str) -> Any:
    """Declare a column of :class:`Level` numbers."""
    return _About("level", False, sentence)


class Table:
    """One table; subclasses declare the columns. ``row`` names the key that is unique, if one is."""

    name: ClassVar[str]
    columns: ClassVar[tuple[Column, ...]]
    row: ClassVar[str | None] = None
    span: ClassVar[Span] = Span.LOCAL
    derived: ClassVar[bool] = False
    """Computed from other tables, never collected."""
    stored: ClassVar[bool] = True
    """Kept in snapshots; a derived table that is not is computed when a rule reads it."""
    searched: ClassVar[bool] = False
    """Found by a search that runs when it is first asked for, where other derived tables are plans."""
    of_code: ClassVar[bool] = False
    """Filled by infrastructure files alone: empty for a tenant, and not there in a snapshot of an older Midas."""
    source_tables: ClassVar[tuple[str, ...]] = ()
    """For a derived table: the tables it is computed from, pulled when a rule reads it."""
    harmless_gaps: ClassVar[tuple[str, ...]] = ()
    """The source tables whose gaps are not its gaps: unread, they hide no weakness, or its rows say so themselves."""

    def __init_subclass__(cls, *, name: str) -> None:
        columns = []
        for column, about in list(vars(cls).items()):
            if isinstance(about, _About):
                if (about.type == "key") != is_key_column(column):
                    raise TypeError(
                        f"{name}.{column}: exactly the columns whose last word is an entity kind are keys"
                    )
                columns.append(Column(column, about.type, about.nullable, about.sentence))
        cls.columns = tuple(columns)
        cls.name = name  # only now: a table may have a column called name


class Entities(Table, name="entities"):
    """Everything a finding can be about, once."""

    row = "entity"
    entity = key("The key by which every other table refers to it.")
    kind = text("What it is: one of the kinds of entity (identity, principal, resource, assignment, ...).")
    id = text("Its Azure resource id or object id, as Azure wrote it.")
    name = text("Its name for people.")
    type = text("Its ARM type in lower case, or the kind of principal.")
    subscription = key(
        "The subscription it lies in; null above subscriptions and for directory objects.", nullable=True
    )
    parent = key(
        "The scope that directly contains it; null for the tenant root and directory objects.", nullable=True
    )


class Tags(Table, name="tags"):
    """A tag on an entity."""

    entity = key("What is tagged.")
    tag = text("The tag's name as written.")
    value = text("The tag's value as written.")


class Places(Table, name="places"):
    """Where in a repository an entity is declared; empty for a tenant."""

    row = "entity"
    entity = key("What is declared there.")
    uri = text("The file, relative to the scanned folder, with forward slashes.")
    line = count("First line, from 1.")
    column = count("First column, from 1.")
    end_line = count("Last line, from 1.")
    end_column = count("Column after the last character, from 1.")


class PropertyPlaces(Table, name="property_places"):
    """Where in a repository a property of an entity is written; empty for a tenant."""

    of_code = True
    entity = key("The entity.")
    path = text("The property, in ARM's words: properties.roleDefinitionId.")
    uri = text("The file, relative to the scanned folder, with forward slashes.")
    line = count("First line, from 1.")
    column = count("First column, from 1.")
    end_line = count("Last line, from 1.")
    end_column = count("Column after the last character, from 1.")


class ModuleCalls(Table, name="module_calls"):
    """A module call through which an entity is declared; empty for a tenant."""

    of_code = True
    entity = key("What is declared through it.")
    depth = count("0 for the outermost call.")
    uri = text("The file, relative to the scanned folder, with forward slashes.")
    line = count("First line, from 1.")
    column = count("First column, from 1.")
    end_line = count("Last line, from 1.")
    end_column = count("Column after the last character, from 1.")


class Declarations(Table, name="declarations"):
    """An entity that infrastructure files declare or look up; empty for a tenant."""

    of_code = True
    row = "entity"
    entity = key("What is declared.")
    address = text("How the language names it: azurerm_user_assigned_identity.app, or its symbolic name.")
    language = text("terraform, plan, bicep or arm.")
    unit = text("What it is deployed with: the folder of a Terraform root module, the path of a template.")
    existing = flag("True when it is only looked up (`data`, `existing`), false when it is made there.")
    conditional = flag("True when it depends on something unknown whether it is made.")
    referenced = flag("Whether anything else in its unit refers to it, an output of the unit left out.")
    exported = flag("Whether an output of its unit hands it on, or its id or name is given from outside.")
    whole = flag(
        "Whether all of its unit was read, so that whatever refers to it was seen; null when that is not said.",
        nullable=True,
    )


class Scopes(Table, name="scopes"):
    """A place where access can be granted: tenant root, management group, subscription, resource group, resource."""

    row = "scope"
    scope = key("The scope.")
    level = level("How wide it is.")
    subscription = key("The subscription it is or lies in; null above subscriptions.", nullable=True)
    parent = key(
        "The next wider scope; null for the tenant root, and where it could not be read.", nullable=True
    )


class ScopeAncestors(Table, name="scope_ancestors"):
    """Every scope with every scope that contains it, itself included."""

    derived = True
    source_tables = ("scopes",)
    scope = key("The scope.")
    ancestor = key("A scope that contains it, or itself.")
    distance = count("Steps from the scope up to the ancestor; 0 for itself.")


class Identities(Table, name="identities"):
    """A managed identity that was seen: user-assigned, or the system-assigned one of a resource."""

    row = "identity"
    identity = key("The identity.")
    user_assigned = flag("True for a user-assigned identity, false for a resource's own.")
    principal = key(
        "Its service principal in the directory; null while Azure has not given one.", nullable=True
    )
    resource = key(
        "The resource a system-assigned identity belongs to; null for user-assigned.", nullable=True
    )
    client_id = text("Its application (client) id in lower case.", nullable=True)
    location = text("The Azure region it lies in.", nullable=True)
    isolation = text("isolationScope as Azure gives it: None or Regional.", nullable=True)


class Principals(Table, name="principals"):
    """Somebody or something that holds access or could."""

    row = "principal"
    principal = key("The principal.")
    type = text("User, Group, ServicePrincipal, ForeignGroup, Device, or Unknown.")
    exists = flag(
        "Whether the directory still knows it; null where the directory was not asked or did not say.",
        nullable=True,
    )
    managed = flag("Whether it is known to be the service principal of a managed identity.")


class Memberships(Table, name="memberships"):
    """A principal is a member, directly or through nested groups, of a group that holds access."""

    span = Span.ANYWHERE
    principal = key("The member.")
    group = key("The group, itself a principal.")


class Resources(Table, name="resources"):
    """An Azure resource that rules or attachments speak about."""

    row = "resource"
    resource = key("The resource.")
    type = text("Its ARM type in lower case.")
    kind = text("Azure's `kind`, in lower case; null where the type has none.", nullable=True)
    location = text("The Azure region it lies in.", nullable=True)
    system_assigned = flag(
        "Whether it has a system-assigned identity; null where code does not let know.", nullable=True
    )
    user_assigned = flag(
        "Whether it has at least one user-assigned identity; null where code does not let know.",
        nullable=True,
    )
    identity_capable = flag("Whether its type can have a managed identity.")


class Attachments(Table, name="attachments"):
    """A resource can act as an identity, through its `identity` block or a nested property."""

    span = Span.ANYWHERE
    identity = key("The identity; it has no row in `identities` when it could not be found.")
    resource = key("The resource that can act as it.")
    property = text(
        "The property that says so, for example properties.identityProfile.kubeletidentity.resourceId."
    )
    found = flag(
        "True when the identity was found, false when the place where it should be was read whole and it is not there, "
        "null when that place was not read.",
        nullable=True,
    )


class FederatedCredentials(Table, name="federated_credentials"):
    """An external issuer's tokens are accepted as proof of being a user-assigned identity."""

    row = "credential"
    credential = key("The federated identity credential.")
    identity = key("The identity it lets its holder become.")
    issuer = text(
        "The issuer as written; what code does not let know of it, or of the next two, stands in braces: {var.issuer}."
    )
    subject = text(
        "The subject as written; null where an expression stands in its place or none is given.",
        nullable=True,
    )
    audience = text("The audiences, comma separated; Azure allows exactly one.")
    expression = text("The claims matching expression of a flexible credential.", nullable=True)


class Assignments(Table, name="assignments"):
    """A role assignment: principal, role, scope."""

    row = "assignment"
    span = Span.ANYWHERE
    assignment = key("The role assignment.")
    principal = key("Who holds it.")
    role = key("The role definition.")
    scope = key("Where it holds, and everywhere below.")
    level = level("How wide the scope is.")
    eligible = flag(
        "True when it must first be activated (Privileged Identity Management), false when it holds now."
    )
    workload = flag(
        "True when a service principal (managed identities included) holds it, itself or as a known member of the "
        "group; false for people; null when that is not known, because a group's members were not read.",
        nullable=True,
    )
    condition = text("The ABAC condition on the assignment.", nullable=True)


class Roles(Table, name="roles"):
    """A role definition."""

    row = "role"
    role = key("The role definition.")
    guid = text("Its GUID in lower case.")
    custom = flag("True for a custom role, false for a built-in one.")
    readable = flag(
        "False when its permissions could not be read or understood: what it allows is not known."
    )


class Permissions(Table, name="permissions"):
    """One pattern of one permission entry of a role."""

    role = key("The role definition.")
    entry = count("Which permission entry, from 0; notActions subtract only within their entry.")
    part = text("actions, notActions, dataActions or notDataActions.")
    pattern = text("The pattern as written, `*` standing for any run of characters.")
    condition = text("The ABAC condition of the entry.", nullable=True)


class Capabilities(Table, name="capabilities"):
    """A power that a role really gives, computed from its action lists and never from its name."""

    derived = True
    source_tables = ("roles", "permissions")
    role = key("The role definition.")
    power = text(
        "The power: one of scanner.catalog.powers.Power; not_understood where a role's permissions are not known."
    )
    pattern = text("The action pattern that gives it; empty for not_understood.")
    conditioned = flag("True when every permission entry that gives it carries a condition.")
    data = flag("True when a data action gives it.")


class Denials(Table, name="denials"):
    """A deny assignment takes a power away from a role assignment."""

    derived = True
    source_tables = ("deny_assignments", "memberships")
    harmless_gaps = (
        "deny_assignments",
        "memberships",
    )  # an unread denial leaves a finding standing, it hides none
    assignment = key("The role assignment that is cut short.")
    power = text("The power it does not give after all.")
    denial = key("The deny assignment that takes it away.")


class Limits(Table, name="limits"):
    """The condition on a role assignment restricts a power of its role."""

    derived = True
    source_tables = ("assignments",)
    assignment = key("The role assignment.")
    power = text("The power that it gives only where its condition is met.")


class DenyAssignments(Table, name="deny_assignments"):
    """One pattern, for one principal, of a deny assignment."""

    span = Span.ANYWHERE
    denial = key("The deny assignment.")
    scope = key("Where it holds.")
    below = flag("Whether it also holds below its scope.")
    principal = key("Who is denied; null means everybody.", nullable=True)
    excluded = flag("True when this row says that the principal is spared.")
    entry = count("Which permission entry, from 0.")
    part = text("actions, notActions, dataActions or notDataActions.")
    pattern = text("The pattern as written.")


class Grants(Table, name="grants"):
    """Access as it is held: a role assignment with whoever ends up with it, directly or through a group."""

    derived = True
    span = Span.ANYWHERE
    source_tables = ("assignments", "memberships")
    harmless_gaps = ("memberships",)  # `workload` is null where a group's members were not read
    assignment = key("The role assignment.")
    role = key("The role definition.")
    scope = key("Where it holds, and everywhere below.")
    level = level("How wide the scope is.")
    holder = key(
        "The principal that ends up with the access: the one assigned, or a member of the assigned group."
    )
    identity = key("The managed identity that is this principal; null for anything else.", nullable=True)
    group = key("The group through which it is held; null when direct.", nullable=True)
    workload = flag(
        "True when the holder is a service principal, managed identities included; false for people and for a group, "
        "whose members have rows of their own; null for a group whose members were not read.",
        nullable=True,
    )
    eligible = flag("True when it must first be activated.")
    conditioned = flag("True when the assignment carries a condition.")


class Access(Table, name="access"):
    """A power as it is held now: a grant, with a power that its role gives and no deny assignment takes away."""

    derived = True
    stored = False
    span = Span.ANYWHERE
    source_tables = ("grants", "capabilities", "denials", "limits")
    harmless_gaps = ("denials",)
    assignment = key("The role assignment.")
    role = key("The role definition.")
    scope = key("Where it holds, and everywhere below.")
    level = level("How wide the scope is.")
    holder = key("The principal that ends up with the access.")
    identity = key("The managed identity that is this principal; null for anything else.", nullable=True)
    group = key("The group through which it is held; null when direct.", nullable=True)
    workload = flag("Whether the holder is a service principal, as in `grants`.", nullable=True)
    power = text("The power; not_understood where the role's permissions are not known.")
    pattern = text("The action pattern that gives it; empty for not_understood.")
    data = flag("True when a data action gives it.")
    conditioned = flag(
        "True when a condition, of the role's permission entries or of the assignment, restricts it."
    )
    doubt = text("Why it is not known whether a workload holds the power; null when it is.", nullable=True)


class Escalations(Table, name="escalations"):
    """By an assignment its holder can become an identity that controls a subscription or more, in one step or several.

    One row for each assignment and holder: the path that leads widest. Nobody is told of what it controls already, nor
    of what others control on every host of its own: whoever runs as it can act as one of them anyway.
    """

    derived = True
    stored = False
    searched = True
    span = Span.ANYWHERE
    source_tables = (
        "assignments",
        "roles",
        "permissions",
        "identities",
        "attachments",
        "federated_credentials",
        "deny_assignments",
        "memberships",
        "principals",
        "resources",
    )
    harmless_gaps = (
        "federated_credentials",
        "deny_assignments",
        "memberships",
        "principals",
        "resources",
    )  # a row says so itself where a group or a credential was not read: `doubt`; the last two only leave holders out
    assignment = key("The role assignment that makes it possible.")
    holder = key("The principal that ends up with the assignment's access.")
    identity = key("The managed identity that is this principal; null for anything else.", nullable=True)
    group = key("The group through which it is held; null when direct.", nullable=True)
    power = text(
        "How: assign_identity, federate_identity, or run_code on a host of the identity; who can hand out access there "
        "gives it to itself first."
    )
    host_resource = key("The host on which the holder can run code; null for the other ways.", nullable=True)
    target_identity = key("The identity that the holder can become.")
    owner_identity = key("The identity at the end of the path; the target itself when that is all there is.")
    gained_scope = key(
        "What the identity at the end controls: a subscription, a management group or the tenant root."
    )
    gained_level = level("How wide that scope is.")
    gained_power = text("full_control, or grant_access where it can only hand out access there.")
    steps = count("How many identities the path leads through, the last one included.")
    identities = count(
        "How many identities on such paths the holder can become by the assignment; at least 1."
    )
    role = key("The role definition.")
    scope = key("Where the assignment holds.")
    level = level("How wide that scope is.")
    doubt = text("Why it is not known whether the path exists; null when it does.", nullable=True)


class Settings(Table, name="settings"):
    """The value of a resource property that a rule asked for."""

    resource = key("The resource.")
    path = text(
        "The property path as the rule wrote it, for example properties.servicePrincipalProfile.clientId."
    )
    value = text(
        "The value as JSON; null when the property is absent or could not be resolved.", nullable=True
    )
    resolved = flag(
        "False when the value cannot be known (an expression in code); true for values and for absence."
    )


class RoleNames(Table, name="role_names"):
    """A role assignment in code that gives its role by name; empty for a tenant."""

    of_code = True
    row = "assignment"
    assignment = key("The role assignment.")
    name = text("The role's name as written.")
    found = flag(
        "True when a role of that name is built in or declared beside it; false when there is none, "
        "so that it would have to be a custom role of the tenant."
    )


class KeyReads(Table, name="key_reads"):
    """Code reads a key, password or connection string of a service and hands it on; empty for a tenant."""

    of_code = True
    row = "credential"
    credential = key("This use of the key.")
    read_resource = key("The service whose key is read; null when it cannot be told.", nullable=True)
    service = text("The ARM type of that service in lower case; empty when it cannot be told.")
    operation = text("How it is read: listKeys, primary_access_key, ...")
    resource = key("The resource that receives it; null for an output.", nullable=True)
    sink = text(
        "Where it goes: app_setting, connection_string, environment_variable, secret, output, or property."
    )
    property = text("The property or the setting's name that receives it.")


class Credentials(Table, name="credentials"):
    """A key, password or secret that a resource or a piece of code is seen to use."""

    row = "credential"
    credential = key("The use of the credential.")
    resource = key("The resource that uses it; null for code outside any resource.", nullable=True)
    type = text(
        "What it is: registry-password, secret-value, storage-key, service-principal, ...; outside resources "
        "provider-client-secret (and every other secret of a provider: provider-...), backend-access-key, "
        "backend-sas-token, backend-client-secret, ..., each with -perhaps at its end where it may be left out, "
        "application-password, application-certificate, "
        "output-secret (a key or secret in an output that is not marked secure), parameter-default (a secret given "
        "as a parameter's default), parameter-value (a secret that a parameter file or a module call gives)."
    )
    property = text("Where it is seen: the property path or the setting's name, never the secret itself.")


class ClassicAdministrators(Table, name="classic_administrators"):
    """A classic (pre-RBAC) administrator of a subscription."""

    row = "administrator"
    administrator = key("The classic administrator entry.")
    scope = key("The subscription.")
    type = text("ServiceAdministrator, CoAdministrator or AccountAdministrator, as Azure writes it.")


class Gaps(Table, name="gaps"):
    """Something that was not read, and why. Unread is never clean."""

    table = text("The table that lacks rows.")
    scope_id = text(
        "The Azure id of what was not read, in lower case; the tenant root `/` for everything; in a repository "
        "the place: infra/main.tf:12."
    )
    reason = text(
        "One word: refused, unlicensed, throttled, truncated, skipped, unsupported, malformed, failed, expired, "
        "unresolved (a value in code that cannot be known), or outside (outside the scope that was asked for)."
    )
    detail = text("What happened, in one sentence, without secrets.")


TABLES: dict[str, type[Table]] = {table.name: table for table in Table.__subclasses__()}


class View(msgspec.Struct, frozen=True):
    """A named part of a table, usable wherever a table is: as a subject, or read by a rule."""

    name: str
    table: str
    sentence: str


VIEWS: dict[str, View] = {
    view.name: view
    for view in (
        View("user_assigned_identities", "identities", "The user-assigned identities."),
        View("system_assigned_identities", "identities", "The system-assigned identities."),
        View(
            "workload_assignments",
            "assignments",
            "Role assignments that hold now and are held by service principals, or may be (`workload` is null).",
        ),
        View("custom_roles", "roles", "The custom roles."),
        View(
            "unresolved_federated_credentials",
            "federated_credentials",
            "Those of code that does not let know all that they say: some of it stands in braces.",
        ),
        View(
            "needless_key_reads",
            "key_reads",
            "Keys that code reads of services which a managed identity could open without one; `opened` says which.",
        ),
        View(
            "subscriptions_not_given",
            "scopes",
            "Subscriptions of code that does not say which ones they are: two of them may be one.",
        ),
        View(
            "assignments_of_unreadable_roles",
            "assignments",
            "Workload assignments whose role's permissions are not known; with a `reason`, for undecided(facts).",
        ),
        View(
            "assignments_of_unread_groups",
            "assignments",
            "Role assignments that hold now, of groups whose members were not read; with a `reason`.",
        ),
        View(
            "assignments_of_unseen_identities",
            "assignments",
            "Workload assignments held, or perhaps held, by a managed identity that was not read; with a `reason`.",
        ),
    )
}


def table_of(name: str) -> type[Table]:
    """Return the table behind a table's or a view's name; :class:`KeyError` when there is none."""
    view = VIEWS.get(name)
    return TABLES[view.table if view else name]


def collected_tables(name: str) -> frozenset[str]:
    """Return the collected tables that a table or view rests on: what is pulled when a rule reads it."""
    table = table_of(name)
    if not table.derived:
        return frozenset([table.name])
    return frozenset().union(*(collected_tables(source) for source in table.source_tables))


def gap_tables(name: str) -> frozenset[str]:
    """Return the collected tables whose gaps leave doubt about the rows of a table or view."""
    table = table_of(name)
    if not table.derived:
        return frozenset([table.name])
    sources = [source for source in table.source_tables if source not in table.harmless_gaps]
    return frozenset[str]().union(*(gap_tables(source) for source in sources))
