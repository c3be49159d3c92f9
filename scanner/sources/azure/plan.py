"""Which Resource Graph queries a scan needs: built from the tables and settings asked for, as narrow as they go.

Simple queries, joined here and not there: the service's joins, and its way to expand lists, drop rows silently.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from scanner.catalog.attachments import projections, resource_graph_table, types_with_nested_attachments
from scanner.catalog.credential_use import credential_prefixes, types_with_credentials
from scanner.catalog.identity_types import can_have_identity
from scanner.catalog.property_path import fixed_part
from scanner.sources.azure.kql import listed, member
from scanner.sources.azure.needs import IDENTITY_TYPE, Needs
from scanner.sources.azure.resource_graph import PAGE, Query

_IDENTITY_PREFIXES = ("properties.clientId", "properties.principalId", "properties.isolationScope")
_COLUMNS_AT_MOST = 40
_ALREADY = frozenset(["id", "name", "type", "kind", "location", "subscriptionId", "tags", "identity"])
# An instance of a scale set acts as what the set is given: the same attachment once more for each machine.
_INSTANCES = frozenset(["microsoft.compute/virtualmachinescalesets/virtualmachines"])
# Extension resources, which have no parent in their type: present only where one of these is.
_EXTENSION_OF = {
    "kubernetesconfigurationresources": frozenset(
        ["microsoft.containerservice/managedclusters", "microsoft.kubernetes/connectedclusters"]
    ),
    "guestconfigurationresources": frozenset(
        ["microsoft.compute/virtualmachines", "microsoft.hybridcompute/machines"]
    ),
}


def containers(needs: Needs) -> Query:
    """Management groups, subscriptions and resource groups: what there is to scan."""
    types = [
        "microsoft.management/managementgroups",
        "microsoft.resources/subscriptions",
        "microsoft.resources/subscriptions/resourcegroups",
    ]
    return Query(
        name="containers",
        text=f"resourcecontainers | where type in~ ({listed(types)}) "
        "| project id, name, type, location, subscriptionId, tenantId, tags, properties | order by id asc",
        feeds=needs.feeds("scopes", "tags"),
        whole=True,
    )


def census() -> Query:
    """How many resources there are of each type: a type without any needs no query."""
    return Query(
        name="census",
        text="resources | summarize rows = count() by type | project id = type, rows | order by id asc",
        feeds=(),
    )


def queries(needs: Needs, present: Mapping[str, int] | None) -> list[Query]:
    """Return the queries for resources, policies and authorization.

    ``present`` counts the resources of each type in lower case; None when that is not known.
    """
    found = [*typed(needs, present), _other_resources(needs, present)]
    found += tables_of_their_own(needs, present)
    found += _authorization(needs)
    return found


def unasked(needs: Needs) -> list[str]:
    """Return the types whose settings are asked for and of which Resource Graph has no rows."""
    return [kind for kind in needs.settings if resource_graph_table(kind) in (None, "authorizationresources")]


def _detailed_types(needs: Needs) -> frozenset[str]:
    """The types in the resources table of which more than the head of a row is read."""
    types = {IDENTITY_TYPE, *needs.settings, *types_with_nested_attachments()}
    if needs.any_of("credentials"):
        types |= types_with_credentials()
    return frozenset(kind for kind in types if resource_graph_table(kind) == "resources")


def _prefixes(kind: str, needs: Needs) -> set[tuple[str, ...]]:
    wanted = {fixed_part(path) for path in (*projections(kind), *needs.settings.get(kind, ()))}
    if kind == IDENTITY_TYPE:
        wanted |= {fixed_part(path) for path in _IDENTITY_PREFIXES}
    if needs.any_of("credentials"):
        wanted |= {fixed_part(path) for path in credential_prefixes(kind)}
    wanted = {path for path in wanted if path and not (len(path) == 1 and path[0] in _ALREADY)}
    wanted = {path for path in wanted if path[0] not in _ALREADY}
    return {
        path for path in wanted if not any(path != other and path[: len(other)] == other for other in wanted)
    }


def typed(needs: Needs, present: Mapping[str, int] | None) -> Iterator[Query]:
    """Yield the queries for types of which more than the head of a row is read.

    Types are bundled so that small ones share a page, and large ones project nothing that only others have."""
    types = sorted(
        _detailed_types(needs), key=lambda kind: (0 if present is None else present.get(kind, 0), kind)
    )
    bundle: list[str] = []
    rows = 0
    columns: set[tuple[str, ...]] = set()
    for kind in types:
        count = 0 if present is None else present.get(kind, 0)
        if present is not None and count == 0:
            continue
        own = _prefixes(kind, needs)
        if bundle and (rows + count > PAGE or len(columns | own) > _COLUMNS_AT_MOST):
            yield _bundled(bundle, columns, needs)
            bundle, rows, columns = [], 0, set()
        bundle.append(kind)
        rows += count
        columns |= own
    if bundle:
        yield _bundled(bundle, columns, needs)


def _bundled(types: list[str], paths: set[tuple[str, ...]], needs: Needs) -> Query:
    columns = {f"p{number}": path for number, path in enumerate(sorted(paths))}
    projected = "".join(f", {column} = {member(path)}" for column, path in columns.items())
    return Query(
        name=f"resources of {', '.join(sorted(types))}",
        text=f"resources | where type in~ ({listed(types)}) | project id, name, type, ['kind'], location, "
        f"subscriptionId, tags, identity{projected} | order by id asc",
        feeds=needs.feeds("identities", "attachments", "resources", "tags", "settings", "credentials"),
        columns=columns,
    )


def _other_resources(needs: Needs, present: Mapping[str, int] | None) -> Query:
    detailed = _detailed_types(needs)
    condition = "(isnotempty(identity) and tostring(identity.type) !~ 'None')"
    if needs.any_of("resources") and present is not None:
        capable = [kind for kind in present if can_have_identity(kind) and kind not in detailed]
        if capable:
            condition = f"(isnotempty(identity) or type in~ ({listed(capable)}))"
    elif needs.any_of("resources"):
        condition = "true"
    excluded = sorted(detailed if present is None else detailed & set(present))
    without = f"type !in~ ({listed(excluded)}) and " if excluded else ""
    return Query(
        name="other resources",
        text=f"resources | where {without}{condition} "
        "| project id, name, type, ['kind'], location, subscriptionId, tags, identity | order by id asc",
        feeds=needs.feeds("identities", "attachments", "resources", "tags"),
    )


def tables_of_their_own(needs: Needs, present: Mapping[str, int] | None) -> Iterator[Query]:
    """Yield the queries for types whose rows stand in other tables than most."""
    tables: dict[str, list[str]] = {}
    wanted = {*types_with_nested_attachments(), "microsoft.batch/batchaccounts/pools"} - _INSTANCES
    wanted |= {*needs.settings, "microsoft.authorization/policyassignments"}
    for kind in sorted(wanted):
        table = resource_graph_table(kind)
        if table not in (None, "resources", "authorizationresources") and _may_exist(
            kind, table or "", present
        ):
            tables.setdefault(table or "", []).append(kind)
    for table, types in sorted(tables.items()):
        paths = set[tuple[str, ...]]().union(*(_prefixes(kind, needs) for kind in types))
        columns = {f"p{number}": path for number, path in enumerate(sorted(paths))}
        projected = "".join(f", {column} = {member(path)}" for column, path in columns.items())
        # Policy assignments are there in hundreds, and only those with an identity matter.
        narrowed = (
            " and isnotempty(identity)" if types == ["microsoft.authorization/policyassignments"] else ""
        )
        yield Query(
            name=table,
            text=f"{table} | where type in~ ({listed(types)}){narrowed} | project id, name, type, ['kind'], location, "
            f"subscriptionId, tags, identity{projected} | order by id asc",
            feeds=needs.feeds("attachments", "identities", "resources", "settings", "tags"),
            columns=columns,
            whole=table == "policyresources",
        )


def _may_exist(kind: str, table: str, present: Mapping[str, int] | None) -> bool:
    if present is None:
        return True
    if table in _EXTENSION_OF:
        return not _EXTENSION_OF[table].isdisjoint(present)
    above = kind.rsplit("/", 1)[0]
    while above.count("/") > 1 and above not in present:
        above = above.rsplit("/", 1)[0]
    return "/" not in above or kind.count("/") < 2 or above in present


def _authorization(needs: Needs) -> Iterator[Query]:
    def query(name: str, types: list[str], *feeds: str) -> Query:
        return Query(
            name=name,
            text=f"authorizationresources | where type in~ ({listed(types)}) "
            "| project id, name, type, subscriptionId, properties | order by id asc",
            feeds=needs.feeds(*feeds),
            whole=True,
        )

    kinds = []
    if needs.any_of("assignments"):
        kinds.append("microsoft.authorization/roleassignments")
    if needs.any_of("classic_administrators"):
        kinds.append("microsoft.authorization/classicadministrators")
    if kinds:
        yield query("assignments", kinds, "assignments", "classic_administrators", "attachments")
    if needs.any_of("roles"):
        yield query("roles", ["microsoft.authorization/roledefinitions"], "roles", "permissions")
