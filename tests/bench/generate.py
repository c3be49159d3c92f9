"""A tenant of any size as a snapshot, made by columns and not by rows: deterministic, no two sizes alike.

Numbers follow from the assignments asked for: a tenth as many identities (two in five user-assigned), a
quarter as many resources. Assignments are spread as in large tenants: most on resources and resource groups,
two in a hundred on subscriptions, one in a thousand above; mostly narrow roles; seven in ten held by managed
identities, nearly all in their own subscription. One resource group in a hundred is locked by a deny assignment that
spares one principal, as those of managed applications are.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from scanner.catalog.roles import builtin_roles
from scanner.facts.derive import derive
from scanner.facts.schema import TABLES, Level
from scanner.facts.snapshot import Origin, write
from scanner.facts.store import FactStore, polars_schema

CUSTOM_ROLES = 2_000
NARROW = (
    "Reader",
    "Storage Blob Data Reader",
    "Key Vault Secrets User",
    "AcrPull",
    "Monitoring Metrics Publisher",
)
BROAD = ("Contributor", "Owner", "User Access Administrator", "Storage Blob Data Owner")


@dataclass(frozen=True)
class Plan:
    """Where each kind's keys begin, in the order of the fields."""

    assignments: int

    @property
    def identities(self) -> int:
        return self.assignments // 10

    @property
    def resources(self) -> int:
        return self.assignments // 4

    @property
    def subscriptions(self) -> int:
        return max(self.assignments // 10_000, 3)

    @property
    def groups(self) -> int:
        return self.subscriptions * 25

    @property
    def denials(self) -> int:
        return self.groups // 100 + 1

    @property
    def management_groups(self) -> int:
        return max(self.subscriptions // 20, 1)

    @property
    def principals(self) -> int:
        return self.identities + self.identities // 2

    @property
    def starts(self) -> dict[str, int]:
        counts = {
            "root": 1,
            "management_groups": self.management_groups,
            "subscriptions": self.subscriptions,
            "groups": self.groups,
            "resources": self.resources,
            "identities": self.identities,
            "principals": self.principals,
            "roles": len(builtin_roles()) + CUSTOM_ROLES,
            "credentials": self.identities // 20,
            "denials": self.denials,
            "assignments": self.assignments,
        }
        starts, at = {}, 0
        for name, count in counts.items():
            starts[name] = at
            at += count
        return starts | {"end": at}


def _keys(start: int, count: int) -> pl.LazyFrame:
    return pl.LazyFrame({"n": pl.int_range(count, dtype=pl.UInt32, eager=True)}).with_columns(
        key=(pl.col("n") + start).cast(pl.UInt32)
    )


def _random(seed: int, below: int) -> pl.Expr:
    return (pl.col("n").hash(seed) % max(below, 1)).cast(pl.UInt32)


def _in_subscription(plan: Plan, seed: int, count: int, subscription: pl.Expr) -> pl.Expr:
    """Return random numbers below ``count`` whose home (number modulo subscriptions) is the given one."""
    return subscription + plan.subscriptions * _random(seed, count // plan.subscriptions)


def _home_group(plan: Plan, seed: int) -> pl.Expr:
    number = _in_subscription(plan, seed, plan.groups, pl.col("n") % plan.subscriptions)
    return (plan.starts["groups"] + number).cast(pl.UInt32)


def snapshot(assignments: int, folder: Path) -> None:
    """Write a snapshot with this many role assignments."""
    plan = Plan(assignments)
    frames = _frames(plan)
    frames |= {
        name: pl.LazyFrame(schema=polars_schema(table))
        for name, table in TABLES.items()
        if name not in frames and not table.derived
    }
    shaped = {
        name: frame.select(pl.col(c).cast(t) for c, t in polars_schema(TABLES[name]).items())
        for name, frame in frames.items()
    }
    origin = Origin(
        source="azure",
        target=f"generated, {assignments:,} assignments",
        tenant="00000000-0000-0000-0000-000000000000",
        cloud="public",
        read_at=datetime(2026, 1, 1, tzinfo=UTC),
        tables=tuple(sorted(TABLES)),
    )
    write(FactStore(derive(shaped)), origin, folder)


def _frames(plan: Plan) -> dict[str, pl.LazyFrame]:
    at = plan.starts
    null = pl.lit(None, pl.UInt32)
    group_subscription = at["subscriptions"] + pl.col("n") % plan.subscriptions
    groups = _keys(at["groups"], plan.groups).select(
        scope="key", subscription=group_subscription.cast(pl.UInt32)
    )
    resources = _keys(at["resources"], plan.resources).with_columns(group=_home_group(plan, 1))
    identities = _keys(at["identities"], plan.identities).with_columns(
        user_assigned=pl.col("n") % 5 < 2, group=_home_group(plan, 2)
    )
    scopes = _scopes(plan, groups, resources)
    assignments = _assignments(plan, scopes)
    return {
        "entities": _entities(plan, groups, resources, identities, assignments),
        "scopes": scopes,
        "identities": identities.select(
            identity="key",
            user_assigned="user_assigned",
            principal=(at["principals"] + pl.col("n")).cast(pl.UInt32),
            resource=pl.when("user_assigned")
            .then(null)
            .otherwise(at["resources"] + pl.col("n") % plan.resources),
            client_id=pl.lit(None, pl.String),
            location=pl.lit("westeurope"),
            isolation=pl.lit("None"),
        ),
        "principals": _keys(at["principals"], plan.principals).select(
            principal="key",
            type=pl.when(pl.col("n") < plan.identities * 6 // 5)
            .then(pl.lit("ServicePrincipal"))
            .otherwise(pl.lit("User")),
            exists=pl.col("n") % 1_000 != 999,
            managed=pl.col("n") < plan.identities,
        ),
        "resources": resources.select(
            resource="key",
            type=pl.when(pl.col("n") % 2 == 0)
            .then(pl.lit("microsoft.compute/virtualmachines"))
            .otherwise(pl.lit("microsoft.storage/storageaccounts")),
            kind=pl.lit(None, pl.String),
            location=pl.lit("westeurope"),
            system_assigned=pl.col("n") % 3 == 0,
            user_assigned=pl.col("n") % 5 == 0,
            identity_capable=pl.lit(True),
        ),
        "attachments": resources.filter(pl.col("n") % 5 < 3).select(
            identity=pl.when(_random(4, 100) < 98)
            .then(
                at["identities"]
                + _in_subscription(plan, 3, plan.identities, pl.col("n") % plan.subscriptions)
            )
            .otherwise(at["identities"] + _random(3, plan.identities))
            .cast(pl.UInt32),
            resource="key",
            property=pl.lit("identity.userAssignedIdentities"),
            found=pl.col("n") % 5_000 != 0,
        ),
        "federated_credentials": _keys(at["credentials"], plan.identities // 20).select(
            credential="key",
            identity=(at["identities"] + pl.col("n") * 20).cast(pl.UInt32),
            issuer=pl.lit("https://token.actions.githubusercontent.com"),
            subject=pl.when(pl.col("n") % 50 == 0)
            .then(pl.lit("repo:contoso/shop:pull_request"))
            .otherwise(pl.lit("repo:contoso/shop:ref:refs/heads/main")),
            audience=pl.lit("api://AzureADTokenExchange"),
            expression=pl.lit(None, pl.String),
        ),
        "assignments": assignments.drop("n"),
        "deny_assignments": _denials(plan),
        **_roles(plan),
    }


def _denials(plan: Plan) -> pl.LazyFrame:
    at = plan.starts
    of_group = _keys(at["denials"], plan.denials).select(
        denial="key",
        scope=(at["groups"] + pl.col("n") * 100 % plan.groups).cast(pl.UInt32),
        below=pl.lit(value=True),
        spared=(at["principals"] + _random(31, plan.principals)).cast(pl.UInt32),
        entry=pl.lit(0, pl.UInt32),
        part=pl.lit("actions"),
        pattern=pl.lit("*"),
    )
    everybody = of_group.with_columns(principal=pl.lit(None, pl.UInt32), excluded=pl.lit(value=False))
    spared = of_group.with_columns(principal="spared", excluded=pl.lit(value=True))
    names = list(polars_schema(TABLES["deny_assignments"]))
    return pl.concat([everybody.select(names), spared.select(names)])


def _scopes(plan: Plan, groups: pl.LazyFrame, resources: pl.LazyFrame) -> pl.LazyFrame:
    at = plan.starts
    null = pl.lit(None, pl.UInt32)
    key = pl.UInt32

    def rows(frame: pl.LazyFrame, level: Level, subscription: pl.Expr, parent: pl.Expr) -> pl.LazyFrame:
        return frame.select(
            scope=pl.col("key").cast(key),
            level=pl.lit(int(level), pl.UInt8),
            subscription=subscription.cast(key),
            parent=parent.cast(key),
        )

    subscription_of_group = groups.rename({"scope": "group"})
    assigned = resources.filter(pl.col("n") < plan.resources // 5).join(subscription_of_group, on="group")
    return pl.concat(
        [
            rows(_keys(0, 1), Level.TENANT, null, null),
            rows(
                _keys(at["management_groups"], plan.management_groups),
                Level.MANAGEMENT_GROUP,
                null,
                pl.lit(0),
            ),
            rows(
                _keys(at["subscriptions"], plan.subscriptions),
                Level.SUBSCRIPTION,
                pl.col("key"),
                at["management_groups"] + pl.col("n") % plan.management_groups,
            ),
            rows(
                groups.rename({"scope": "key"}),
                Level.RESOURCE_GROUP,
                pl.col("subscription"),
                pl.col("subscription"),
            ),
            rows(assigned, Level.RESOURCE, pl.col("subscription"), pl.col("group")),
        ]
    )


def _assignments(plan: Plan, scopes: pl.LazyFrame) -> pl.LazyFrame:
    at = plan.starts
    roles = list(builtin_roles().values())
    number = {role.name: at["roles"] + index for index, role in enumerate(roles)}
    narrow = pl.Series([number[name] for name in NARROW], dtype=pl.UInt32)
    broad = pl.Series([number[name] for name in BROAD], dtype=pl.UInt32)
    dice = _random(11, 1_000)
    home = _random(14, plan.subscriptions)
    on_resource = (at["resources"] + _in_subscription(plan, 12, plan.resources // 5, home)).cast(pl.UInt32)
    on_group = (at["groups"] + _in_subscription(plan, 13, plan.groups, home)).cast(pl.UInt32)
    on_subscription = (at["subscriptions"] + home).cast(pl.UInt32)
    at_home = _in_subscription(plan, 17, plan.identities, home)
    who = (
        pl.when(_random(23, 200) < 139)
        .then(at_home)
        .when(_random(23, 200) < 140)
        .then(_random(24, plan.identities))
        .otherwise(plan.identities + _random(17, plan.principals - plan.identities))
        .cast(pl.UInt32)
    )
    on_management_group = (at["management_groups"] + _random(15, plan.management_groups)).cast(pl.UInt32)
    which = _random(16, 1_000)
    level = (
        pl.when(dice < 1).then(1).when(dice < 21).then(2).when(dice < 420).then(3).otherwise(4).cast(pl.UInt8)
    )
    return _keys(at["assignments"], plan.assignments).select(
        n="n",
        assignment="key",
        principal=(at["principals"] + who).cast(pl.UInt32),
        role=pl.when(which < 700)
        .then(pl.lit(narrow.implode()).list.get(_random(18, len(narrow))))
        .when(which < 730)
        .then(pl.lit(broad.implode()).list.get(_random(19, len(broad))))
        .otherwise((at["roles"] + _random(20, len(roles) + CUSTOM_ROLES)).cast(pl.UInt32)),
        scope=pl.when(dice < 1)
        .then(on_management_group)
        .when(dice < 21)
        .then(on_subscription)
        .when(dice < 420)
        .then(on_group)
        .otherwise(on_resource),
        level=level,
        eligible=_random(21, 200) == 0,
        workload=who < plan.identities * 6 // 5,
        condition=pl.when(_random(22, 500) == 0)
        .then(pl.lit("@Resource[x] StringEquals 'y'"))
        .otherwise(None),
    )


def _roles(plan: Plan) -> dict[str, pl.LazyFrame]:
    at = plan.starts
    roles, permissions = [], []
    for number, role in enumerate(builtin_roles().values()):
        key = at["roles"] + number
        roles.append({"role": key, "guid": role.guid, "custom": False, "readable": True})
        for entry, held in enumerate(role.permissions):
            parts = {
                "actions": held.actions,
                "notActions": held.not_actions,
                "dataActions": held.data_actions,
                "notDataActions": held.not_data_actions,
            }
            permissions += [
                {"role": key, "entry": entry, "part": part, "pattern": pattern, "condition": held.condition}
                for part, patterns in parts.items()
                for pattern in patterns
            ]
    for number in range(CUSTOM_ROLES):
        key = at["roles"] + len(builtin_roles()) + number
        roles.append({"role": key, "guid": f"{number:032x}", "custom": True, "readable": True})
        pattern = "*" if number % 400 == 0 else f"Microsoft.Provider{number % 90}/things{number}/read"
        permissions.append(
            {"role": key, "entry": 0, "part": "actions", "pattern": pattern, "condition": None}
        )
    return {
        "roles": pl.LazyFrame(roles, schema=polars_schema(TABLES["roles"])),
        "permissions": pl.LazyFrame(permissions, schema=polars_schema(TABLES["permissions"])),
    }


def _entities(
    plan: Plan,
    groups: pl.LazyFrame,
    resources: pl.LazyFrame,
    identities: pl.LazyFrame,
    assignments: pl.LazyFrame,
) -> pl.LazyFrame:
    at = plan.starts
    null = pl.lit(None, pl.UInt32)
    subscription_id = "/subscriptions/{}"
    group_id = subscription_id + "/resourceGroups/rg-{}"

    def rows(
        frame: pl.LazyFrame, kind: str, type_: str, id_: pl.Expr, subscription: pl.Expr, parent: pl.Expr
    ) -> pl.LazyFrame:
        return frame.select(
            entity="key",
            kind=pl.lit(kind),
            id=id_,
            name=pl.format(kind + "-{}", pl.col("key")),
            type=pl.lit(type_),
            subscription=subscription.cast(pl.UInt32),
            parent=parent.cast(pl.UInt32),
        )

    placed = groups.rename({"scope": "group"})

    def within(frame: pl.LazyFrame, kind: str, type_: str) -> pl.LazyFrame:
        text = pl.format(
            group_id + "/providers/" + type_ + "/" + kind + "-{}", "subscription", "group", "key"
        )
        joined = frame.join(placed, on="group", maintain_order="left")
        return rows(joined, kind, type_.lower(), text, pl.col("subscription"), pl.col("group"))

    def plain(
        name: str, count: int, kind: str, type_: str, template: str, parent: pl.Expr = null
    ) -> pl.LazyFrame:
        return rows(_keys(at[name], count), kind, type_, pl.format(template, pl.col("key")), null, parent)

    role_count = len(builtin_roles()) + CUSTOM_ROLES
    return pl.concat(
        [
            rows(_keys(0, 1), "scope", "", pl.lit("/"), null, null),
            plain(
                "management_groups",
                plan.management_groups,
                "scope",
                "microsoft.management/managementgroups",
                "/providers/Microsoft.Management/managementGroups/mg-{}",
                pl.lit(0),
            ),
            plain(
                "subscriptions",
                plan.subscriptions,
                "scope",
                "microsoft.resources/subscriptions",
                subscription_id,
            ),
            rows(
                groups.rename({"scope": "key"}),
                "scope",
                "microsoft.resources/subscriptions/resourcegroups",
                pl.format(group_id, "subscription", "key"),
                pl.col("subscription"),
                pl.col("subscription"),
            ),
            within(resources, "resource", "Microsoft.Compute/virtualMachines"),
            within(identities, "identity", "Microsoft.ManagedIdentity/userAssignedIdentities"),
            plain(
                "principals", plan.principals, "principal", "ServicePrincipal", "00000000-0000-0000-0000-{}"
            ),
            plain(
                "roles",
                role_count,
                "role",
                "microsoft.authorization/roledefinitions",
                "/providers/Microsoft.Authorization/roleDefinitions/{}",
            ),
            plain(
                "credentials",
                plan.identities // 20,
                "credential",
                "microsoft.managedidentity/userassignedidentities/federatedidentitycredentials",
                "/providers/Microsoft.ManagedIdentity/federated/{}",
            ),
            plain(
                "denials",
                plan.denials,
                "denial",
                "microsoft.authorization/denyassignments",
                "/providers/Microsoft.Authorization/denyAssignments/{}",
            ),
            rows(
                assignments.rename({"assignment": "key"}),
                "assignment",
                "microsoft.authorization/roleassignments",
                pl.format("/providers/Microsoft.Authorization/roleAssignments/{}-{}", "scope", "key"),
                null,
                pl.col("scope"),
            ),
        ]
    )
