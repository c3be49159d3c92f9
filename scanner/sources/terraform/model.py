"""A Terraform resource as evaluation or a plan gives it, before it becomes a declaration in ARM's words.

.tf, .tfvars --(parse, evaluate)--> TerraformObject --(catalog, declare)--> Declaration
plan JSON    --(plan)-------------> TerraformObject
"""

from __future__ import annotations

import msgspec

from scanner.sources.declared.declaration import Place
from scanner.sources.declared.values import Object


class TerraformObject(msgspec.Struct, kw_only=True):
    """One instance of a resource, data source, provider, backend, root output or variable with a default."""

    address: str
    """As Terraform writes it: ``module.app["a"].azurerm_role_assignment.owner[0]``, ``data.azurerm_client_config.me``;
    ``provider.azurerm``, ``backend.azurerm``, ``output.key``, ``var.password``, with the module's address before it."""
    mode: str
    """managed, data, provider, backend, output or variable."""
    type: str
    """``azurerm_role_assignment``; for provider and backend its name; ``output`` and ``variable`` otherwise."""
    name: str
    """The label: ``owner``."""
    body: Object
    """Arguments under Terraform's names; a nested block is a list of :class:`Object`, also where only one is allowed.
    In it, a :class:`~scanner.sources.declared.values.Ref` names another object's address and the Terraform
    path: ``("identity", "0", "principal_id")``. An output holds ``value`` and ``sensitive``, a variable ``default``
    and ``sensitive``."""
    place: Place
    whole: Place
    language: str
    """terraform or plan."""
    conditional: bool = False
    calls: tuple[Place, ...] = ()
    imported: str = ""
    """The id in Azure of what it takes over, where an import block says it."""
    provider: str = ""
    """The address of its provider configuration where one is given: ``provider.azurerm.hub``."""
