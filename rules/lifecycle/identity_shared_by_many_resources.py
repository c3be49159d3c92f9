"""One user-assigned identity is shared by many resources.

## What it finds
A user-assigned managed identity that more resources can act as than one workload usually has: by default more
than five (a web app with its staging slot, a function, a job and a virtual machine are five). Resources are
counted once however many of their properties name the identity. A scale set counts as one: the virtual
machines that it runs are not counted beside it, and the node pools of a cluster count as one together.

An identity that Azure Policy puts on every virtual machine for the monitoring agent is found as well. Accept
it under `[[exceptions]]` when you have seen that it holds no more than that agent needs.

## Why it matters
Each resource that shares an identity has the access that all of them together need. Whoever runs code on the
weakest one has it all, the activity log does not say which of them acted, and the identity cannot be taken from one
without breaking the others.

## How to fix it
Give each workload an identity of its own with the roles that it needs, attach it, then take the shared one off:

```sh
az identity create --name "id-orders" --resource-group "orders"
az role assignment create --role "<narrow role>" --scope "<resource id>" \\
    --assignee-object-id "<principal id>" --assignee-principal-type ServicePrincipal
az webapp identity assign --ids "<web app id>" --identities "<new identity id>"
az webapp identity remove --ids "<web app id>" --identities "<shared identity id>"
```

Where resources live and die with their access, a system-assigned identity each is simpler. Where they really
are one workload, say so by raising the number:

```toml
[rules.MI105]
resources = 12
```
"""

from scanner.rule import (
    Facts,
    Frame,
    Meta,
    Parameter,
    Setting,
    Severity,
    attached,
    bad,
    col,
    good,
    identity,
    refused,
    resource,
    setting,
    subscription,
    unknown,
    when,
)

SCALE_SET = "microsoft.compute/virtualmachinescalesets"
CLUSTER = "microsoft.containerservice/managedclusters"
IN_SCALE_SET = Setting("Microsoft.Compute/virtualMachines", "properties.virtualMachineScaleSet.id")

META = Meta(
    id="MI105",
    name="identity-shared-by-many-resources",
    severity=Severity.MEDIUM,
    subject="user_assigned_identities",
    reads=("attachments", "resources"),
    settings=(IN_SCALE_SET,),
    parameters=(
        Parameter("resources", 5, "resources that may act as one identity before it is reported", minimum=1),
    ),
    message="{name} is shared by {sharing} resources, so each has the access that all of them need",
    controls=("mcsb:PA-7", "mcsb:IM-3"),
    since="0.1",
)


def check(facts: Facts) -> Frame:
    """Return user-assigned identities with more resources than allowed, and how many."""
    sharing = (
        _counted(facts)
        .group_by("identity")
        .agg(sharing=col("counted_entity").n_unique())
        .filter(col("sharing") > facts.parameter("resources"))
    )
    return facts.user_assigned_identities.select("identity").join(sharing, on="identity")


def _counted(facts: Facts) -> Frame:
    """Return identities with what counts as one resource: itself, or for node pools their resource group."""
    pairs = facts.attachments.select("identity", "resource")
    attachments = pairs.group_by("identity").agg(attachments=col("resource").len())
    # Nothing counts more than once per attachment: only what has enough of them needs a closer look.
    many = attachments.filter(col("attachments") > facts.parameter("resources"))  # for speed alone
    used = (
        pairs.join(many.select("identity"), on="identity")
        .unique()
        .join(facts.resources.select("resource", "type"), on="resource", how="left")
        .join(facts.entities.select("parent", resource="entity"), on="resource", how="left")
    )
    sets = used.filter(col("type") == SCALE_SET).select("identity", "resource", "parent")
    instances = (
        facts.settings.filter(col("path") == IN_SCALE_SET.path, ~col("value").is_null())
        .select("resource")
        .join(used, on="resource")
        # A scale set and its virtual machines are always in one resource group.
        .join(sets, on=["identity", "parent"], how="semi")
    )
    # A cluster's own identities are on all of its node pools, scale sets in one resource group.
    clusters = used.filter(col("type") == CLUSTER).select("identity")
    pools = sets.join(clusters, on="identity", how="semi").select(
        "identity", "resource", pool_parent="parent"
    )
    return (
        used.join(instances, on=["identity", "resource"], how="anti")
        .join(pools, on=["identity", "resource"], how="left")
        .with_columns(
            counted_entity=when(col("pool_parent").is_null())
            .then(col("resource"))
            .otherwise(col("pool_parent"))
        )
    )


_SIX = tuple(attached("app", to=f"vm{number}") for number in range(6))
_FIVE = _SIX[:5]
_SETS = "Microsoft.Compute/virtualMachineScaleSets"
_CLUSTERS = "Microsoft.ContainerService/managedClusters"
_KUBELET = "properties.identityProfile.kubeletidentity.resourceId"
_POOLS = tuple(
    element
    for number in range(6)
    for element in (
        resource(f"pool{number}", _SETS, group="nodes", user_assigned=True),
        attached("app", to=f"pool{number}"),
    )
)

CASES = (
    bad("six virtual machines", identity("app"), *_SIX),
    bad("two, where one is allowed", identity("app"), *_SIX[:2], resources=1),
    bad(
        "six resources in three subscriptions",
        identity("app"),
        subscription("b"),
        subscription("c"),
        *_SIX[:2],
        *(attached("app", to=f"b{number}", subscription="b") for number in range(2)),
        *(attached("app", to=f"c{number}", subscription="c") for number in range(2)),
    ),
    bad(
        "six scale sets that no cluster owns",
        identity("app"),
        *_POOLS,
    ),
    bad(
        "six virtual machines, in a resource group with a scale set that has another identity",
        identity("app"),
        identity("other"),
        resource("set", _SETS),
        attached("other", to="set"),
        *_SIX,
        setting("vm0", IN_SCALE_SET.path, "/scale/set"),
        setting("vm1", IN_SCALE_SET.path, "/scale/set"),
    ),
    bad(
        "six virtual machines beside a scale set that they are not part of",
        identity("app"),
        resource("set", _SETS),
        attached("app", to="set"),
        *_FIVE,
        *(setting(f"vm{number}", IN_SCALE_SET.path, None) for number in range(5)),
    ),
    bad(
        "another property of the virtual machines is known, which says nothing of scale sets",
        identity("app"),
        resource("set", _SETS),
        attached("app", to="set"),
        *_FIVE,
        *(setting(f"vm{number}", "properties.licenseType", "Windows_Server") for number in range(5)),
    ),
    good("five virtual machines are one workload", identity("app"), *_FIVE),
    good("six, where twelve are allowed", identity("app"), *_SIX, resources=12),
    good(
        "one resource that names it in six properties",
        identity("app"),
        *(
            attached("app", to="web", property=f"properties.configuration.registries[{number}].identity")
            for number in range(6)
        ),
    ),
    good(
        "a scale set and the six virtual machines that it runs",
        identity("app"),
        resource("set", _SETS),
        attached("app", to="set"),
        *_SIX,
        *(setting(f"vm{number}", IN_SCALE_SET.path, "/scale/set") for number in range(6)),
    ),
    good(
        "the kubelet identity of a cluster with six node pools",
        identity("app"),
        resource("cluster", _CLUSTERS),
        attached("app", to="cluster", property=_KUBELET),
        *_POOLS,
    ),
    good(
        "six resources, each with an identity of its own",
        *(identity(f"id{number}") for number in range(6)),
        *(attached(f"id{number}", to=f"vm{number}") for number in range(6)),
    ),
    good("nothing uses it", identity("spare")),
    unknown(
        "one subscription was not read: more may use it there",
        identity("app"),
        *_FIVE,
        refused("attachments", at="subscription:other"),
    ),
)
