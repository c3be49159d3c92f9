"""Scopes: tenant root, management groups, subscriptions, resource groups, resources, and which lies under which."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

ROOT = "/"
MANAGEMENT_GROUPS = "/providers/microsoft.management/managementgroups/"
SUBSCRIPTIONS = "/subscriptions/"
ScopeFilter = Literal["AtScopeAndBelow", "AtScopeAndAbove", "AtScopeAboveAndBelow", "AtScopeExact"]
# The filter acts on these tables only; in the others a row is always shown at its own place and above.
FILTERED_TABLES = frozenset({"authorizationresources", "policyresources"})


@dataclass(frozen=True, slots=True)
class ManagementGroup:
    """A management group. `parent` is the name of another one, None for the tenant root group."""

    name: str
    display_name: str
    parent: str | None

    @property
    def id(self) -> str:
        """Its resource id."""
        return f"/providers/Microsoft.Management/managementGroups/{self.name}"


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription; `key` is its short name in the tenant file, `management_group` the name of its parent."""

    key: str
    id: str
    name: str
    management_group: str
    state: str = "Enabled"


@dataclass(frozen=True)
class Hierarchy:
    """All management groups and subscriptions of a tenant. The root group is named as the tenant."""

    root_group: str
    groups: dict[str, ManagementGroup] = field(default_factory=dict)
    """By lower-case name."""
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    """By lower-case id."""

    def group_chain(self, name: str) -> list[ManagementGroup]:
        """The group of that name and its ancestors, nearest first, the root group last."""
        chain: list[ManagementGroup] = []
        current: ManagementGroup | None = self.groups[name.lower()]
        while current is not None:
            chain.append(current)
            current = self.groups[current.parent.lower()] if current.parent else None
        return chain

    def above(self, scope: str) -> list[str]:
        """Lower-case scopes above `scope`, nearest first, down to `/`. `scope` itself is not in it."""
        scope = scope.lower().rstrip("/") or ROOT
        if scope == ROOT:
            return []
        if scope.startswith(MANAGEMENT_GROUPS):
            chain = self.group_chain(scope.removeprefix(MANAGEMENT_GROUPS).split("/")[0])
            return [group.id.lower() for group in chain[1:]] + [ROOT]
        parts = scope.split("/")
        found = []
        if len(parts) > 5:
            found.append("/".join(parts[:5]))
        if len(parts) > 3:
            found.append("/".join(parts[:3]))
        subscription = self.subscriptions.get(parts[2])
        if subscription is not None:
            found += [group.id.lower() for group in self.group_chain(subscription.management_group)]
        return [*found, ROOT]

    @cached_property
    def _subscription_groups(self) -> dict[str, frozenset[str]]:
        return {
            key: frozenset(group.name.lower() for group in self.group_chain(subscription.management_group))
            for key, subscription in self.subscriptions.items()
        }

    def below_group(self, name: str) -> tuple[set[str], set[str]]:
        """Lower-case names of the groups at and below that group, and lower-case ids of the subscriptions there."""
        wanted = name.lower()
        groups = {key for key in self.groups if any(g.name.lower() == wanted for g in self.group_chain(key))}
        subscriptions = {key for key, chain in self._subscription_groups.items() if wanted in chain}
        return groups, subscriptions


@dataclass(frozen=True, slots=True)
class Window:
    """What one Resource Graph query may see: SQL conditions over the hidden columns of the inventory."""

    key: str
    """Distinguishes windows: queries with equal text and key have equal answers."""
    plain: str
    filtered: str

    def condition(self, table: str) -> str:
        """The condition for one table."""
        return self.filtered if table in FILTERED_TABLES else self.plain


def window(
    hierarchy: Hierarchy,
    *,
    subscriptions: Iterable[str] | None,
    groups: Iterable[str] | None,
    refused: frozenset[str],
    scope_filter: ScopeFilter,
) -> Window:
    """The rows visible to a query for these subscriptions or groups; None for both is the whole tenant.

    Unknown and refused subscriptions are left out without a word, as Azure does; ids and names in any case.
    Role definitions that Azure ships belong to `/` and are shown under every filter.
    """
    asked = set(hierarchy.subscriptions)
    inside: set[str] = set()
    if subscriptions is not None:
        asked = {s.lower() for s in subscriptions} & asked
        exact = {f"/subscriptions/{s}" for s in asked}
    else:
        names = [hierarchy.root_group] if groups is None else list(groups)
        asked = set()
        for name in names:
            below, held = hierarchy.below_group(name)
            inside |= {f"{MANAGEMENT_GROUPS}{group}" for group in below}
            asked |= held
        exact = {f"{MANAGEMENT_GROUPS}{name.lower()}" for name in names}
    readable = asked - refused
    above = {
        scope for start in exact if start.split("/")[-1] not in refused for scope in hierarchy.above(start)
    }
    exact = {scope for scope in exact if scope.split("/")[-1] not in refused}
    held_sql = f"_sub IN ({_listed(readable)})" if readable else "FALSE"
    below_sql = f"({held_sql} OR _scope IN ({_listed(inside)}))" if inside else held_sql
    at = f"_scope IN ({_listed(exact)})" if exact else "FALSE"
    over = f"_scope IN ({_listed(above)})" if above else "FALSE"
    chosen = {
        "AtScopeAndBelow": below_sql,
        "AtScopeAndAbove": f"({at} OR {over})",
        "AtScopeAboveAndBelow": f"({below_sql} OR {over})",
        "AtScopeExact": at,
    }[scope_filter]
    if (
        len(readable) == len(hierarchy.subscriptions)
        and subscriptions is None
        and len(inside) == len(hierarchy.groups)
    ):
        below_sql = "_scope <> '/'"
        chosen = {"AtScopeAndBelow": below_sql, "AtScopeAboveAndBelow": "TRUE"}.get(scope_filter, chosen)
    shipped = "(type = 'microsoft.authorization/roledefinitions' AND _scope = '/')"
    filtered = f"({chosen} OR {shipped})"
    # Whoever may read a group may read what is below it: above a refused subscription there is no readable group.
    hidden = {
        f"{MANAGEMENT_GROUPS}{group.name.lower()}"
        for key in refused
        if key in hierarchy.subscriptions
        for group in hierarchy.group_chain(hierarchy.subscriptions[key].management_group)
    }
    plain = f"({below_sql} AND _scope NOT IN ({_listed(hidden)}))" if hidden else below_sql
    return Window(key=f"{plain}|{filtered}", plain=plain, filtered=filtered)


def _listed(values: Iterable[str]) -> str:
    return ", ".join("'" + value.replace("'", "''") + "'" for value in sorted(values))
