"""What `terraform show -json` prints of the plan that a configuration of one file makes where nothing exists yet.

Written after https://developer.hashicorp.com/terraform/internals/json-format and plans that azurerm made: values that
are known stand under `planned_values`; of the others only `after_unknown` and the names in the copy of the
configuration tell. What data sources found is in the prior state, and known.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from collections.abc import Mapping as Dict
from collections.abc import Sequence as List
from typing import Any, TypeAlias

from scanner.sources.declared.files import Files
from scanner.sources.declared.values import Object, Ref, Text, Unknown, Value
from scanner.sources.terraform.evaluate import evaluate_root
from scanner.sources.terraform.model import TerraformObject
from scanner.sources.terraform.parser import parse
from scanner.sources.terraform.providers import provider_key, provider_name
from scanner.sources.terraform.syntax import (
    Block,
    Body,
    Literal,
    Mapping,
    Name,
    Node,
    Sequence,
    Template,
    Traversal,
)

SUBSCRIPTION = "6d2f1c94-3b0e-4c57-8a1d-92e4f0b7c635"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-platform/providers"
SECRET = "-".join(["never", "shown"] * 4)
"""What is given for a variable that is sensitive."""
_GIVEN = {
    "plan_id": f"{GROUP}/Microsoft.Web/serverFarms/plan-shop",
    "environment_id": f"{GROUP}/Microsoft.App/managedEnvironments/cae-shop",
}
_DATA: dict[str, dict[str, Any]] = {
    "azurerm_subscription": {
        "id": f"/subscriptions/{SUBSCRIPTION}",
        "subscription_id": SUBSCRIPTION,
        "display_name": "shop",
        "state": "Enabled",
        "timeouts": None,
    },
    "azurerm_management_group": {
        "id": "/providers/Microsoft.Management/managementGroups/corp",
        "tenant_scoped_id": "/tenants/72f3f5a8-6d0e-4b1f-9a64-0f5b7f3c2d11/providers/corp",
        "timeouts": None,
    },
    "azuread_user": {
        "id": "/users/b1f6a7d0-52c4-4f0e-9d3b-7c8e2a4f6b19",
        "object_id": "b1f6a7d0-52c4-4f0e-9d3b-7c8e2a4f6b19",
        "timeouts": None,
    },
    "azuread_group": {
        "id": "/groups/e2c7b8a1-63d5-4a1f-8e4c-8d9f3b507c2a",
        "object_id": "e2c7b8a1-63d5-4a1f-8e4c-8d9f3b507c2a",
        "timeouts": None,
    },
}
"""What data sources find, besides what they were asked for."""
_COMPUTED: dict[str, tuple[str, ...]] = {
    "azurerm_user_assigned_identity": ("client_id", "principal_id", "tenant_id"),
    "azurerm_role_assignment": (
        "name",
        "principal_type",
        "role_definition_id",
        "role_definition_name",
        "skip_service_principal_aad_check",
    ),
    "azurerm_role_definition": ("role_definition_id", "role_definition_resource_id"),
    "azurerm_storage_account": (
        "access_tier",
        "primary_access_key",
        "primary_blob_endpoint",
        "primary_connection_string",
    ),
    "azurerm_key_vault": ("vault_uri",),
    "azurerm_key_vault_secret": ("resource_id", "version", "versionless_id"),
    "azurerm_linux_web_app": ("client_certificate_mode", "default_hostname", "kind", "site_credential"),
    "azurerm_kubernetes_cluster": ("fqdn", "kube_config", "kube_config_raw", "node_resource_group"),
    "azurerm_container_app": ("latest_revision_fqdn", "latest_revision_name", "outbound_ip_addresses"),
    "azuread_application": ("client_id", "object_id"),
    "azuread_application_password": ("display_name", "end_date", "key_id", "start_date", "value"),
    "azapi_resource": ("output",),
}
"""What the provider fills in when it applies, where the configuration does not."""
_UNSET: dict[str, tuple[str, ...]] = {
    "azurerm_role_assignment": (
        "condition",
        "condition_version",
        "delegated_managed_identity_resource_id",
        "description",
    ),
    "azurerm_user_assigned_identity": ("tags",),
    "azurerm_resource_group": ("managed_by", "tags"),
    "azurerm_storage_account": ("tags",),
    "azurerm_linux_web_app": ("app_settings", "key_vault_reference_identity_id", "tags"),
    "azurerm_kubernetes_cluster": ("disk_encryption_set_id", "tags"),
    "azurerm_container_app": ("tags",),
}
"""Arguments that are null in a plan where they are not written."""
_DEFAULTS: dict[str, dict[str, Any]] = {
    "azurerm_storage_account": {"account_kind": "StorageV2", "shared_access_key_enabled": True},
    "azurerm_linux_web_app": {
        "client_certificate_enabled": False,
        "connection_string": [],
        "enabled": True,
        "ftp_publish_basic_authentication_enabled": True,
        "https_only": False,
        "identity": [],
        "public_network_access_enabled": True,
        "storage_account": [],
        "webdeploy_publish_basic_authentication_enabled": True,
    },
    "azurerm_kubernetes_cluster": {
        "identity": [],
        "role_based_access_control_enabled": True,
        "run_command_enabled": True,
        "service_principal": [],
    },
    "azurerm_container_app": {"dapr": [], "identity": [], "ingress": [], "registry": [], "secret": []},
}
_SENSITIVE: dict[str, dict[str, Any]] = {
    "azurerm_key_vault_secret": {"value": True},
    "azurerm_linux_web_app": {"app_settings": True},
    "azurerm_mssql_server": {"administrator_login_password": True},
    "azurerm_kubernetes_cluster": {"service_principal": [{"client_secret": True}]},
    "azurerm_container_app": {"secret": True},
}
"""What the provider's schema calls sensitive."""
_SETS = frozenset({"identity_ids"})
"""A set is unknown as a whole when one of its items is."""


class _Later:
    """The class of ``_LATER``."""


_LATER = _Later()
"""Stands for what is known after apply."""
Held: TypeAlias = Any
"""JSON in which ``_LATER`` may stand."""


def planned(text: str) -> str:
    """Return the plan of a configuration as one line of JSON."""
    data = text.encode()
    tree = parse("main.tf", data)
    assert tree.gaps == []
    given = _given(tree.body)
    tfvars = "".join(f"{name} = {json.dumps(value)}\n" for name, value in given.items())
    files = {"main.tf": data, "terraform.tfvars": tfvars.encode()}
    objects, gaps = evaluate_root(Files(files.get, lambda _folder: sorted(files)), ".", sorted(files))
    assert gaps == []
    return json.dumps(_Plan(tree.body, objects, given).whole(), separators=(",", ":"))


def _given(body: Body) -> dict[str, str]:
    """A value for every variable that has no default."""
    return {
        block.labels[0]: SECRET if _flag(block, "sensitive") else _GIVEN[block.labels[0]]
        for block in body.blocks
        if block.type == "variable" and "default" not in block.body.attributes
    }


def _flag(block: Block, name: str) -> bool:
    held = block.body.attributes.get(name)
    return held is not None and isinstance(held.value, Literal) and held.value.value is True


class _Plan:
    def __init__(self, body: Body, objects: List[TerraformObject], given: Dict[str, str]) -> None:
        self._blocks = body.blocks
        self._objects = {item.address: item for item in objects}
        self._secrets = {
            block.labels[0] for block in body.blocks if block.type == "variable" and _flag(block, "sensitive")
        }
        self._variables: dict[str, Any] = dict(given)
        for item in objects:
            if item.mode == "variable":
                self._variables[item.name] = item.body.properties["default"].value

    def whole(self) -> dict[str, Any]:
        managed = [item for item in self._objects.values() if item.mode == "managed"]
        read = [self._data(item) for item in self._objects.values() if item.mode == "data"]
        held = {item.address: self._arguments(item) for item in managed}
        prior = {"format_version": "1.0", "values": {"root_module": {"resources": read}}}
        return {
            "format_version": "1.2",
            "terraform_version": "1.9.8",
            "variables": {name: {"value": value} for name, value in self._variables.items()},
            "planned_values": {
                "outputs": self._outputs(),
                "root_module": {
                    "resources": [self._resource(item, _known(held[item.address])) for item in managed]
                },
            },
            "resource_changes": [
                {
                    "address": item.address,
                    "mode": "managed",
                    "type": item.type,
                    "name": item.name,
                    "change": {
                        "actions": ["create"],
                        "before": None,
                        "after": _known(held[item.address]),
                        "after_unknown": _later(held[item.address]),
                        "before_sensitive": False,
                        "after_sensitive": self._sensitive(item),
                    },
                }
                for item in managed
            ],
            **({"prior_state": prior} if read else {}),
            "configuration": self._configuration(),
            "applyable": True,
            "complete": True,
            "errored": False,
        }

    # ---- values

    def _resource(self, item: TerraformObject, values: Dict[str, Any]) -> dict[str, Any]:
        _, bracket, index = item.address.partition("[")
        return {
            "address": item.address,
            "mode": item.mode,
            "type": item.type,
            "name": item.name,
            **({"index": json.loads(index[:-1])} if bracket else {}),
            "provider_name": _provider(item.type),
            "schema_version": 0,
            "values": values,
            "sensitive_values": self._sensitive(item),
        }

    def _data(self, item: TerraformObject) -> dict[str, Any]:
        return self._resource(item, {**_known(self._value(item.body)), **_DATA[item.type]})

    def _arguments(self, item: TerraformObject) -> dict[str, Held]:
        values: dict[str, Held] = {
            **dict.fromkeys(_UNSET.get(item.type, ())),
            **_DEFAULTS.get(item.type, {}),
            **dict.fromkeys(_COMPUTED.get(item.type, ()), _LATER),
            "id": _LATER,
            "timeouts": None,
        }
        written = self._value(item.body)
        for block in written.get("identity", ()):
            block.setdefault("identity_ids", None)
            if item.type != "azapi_resource":
                block.update({"principal_id": _LATER, "tenant_id": _LATER})
        return dict(sorted({**values, **written}.items()))

    def _value(self, value: Value, name: str = "") -> Held:
        if isinstance(value, Object):
            return {key: self._value(held.value, key) for key, held in value.properties.items()}
        if isinstance(value, list):
            items = [self._value(item) for item in value]
            return _LATER if name in _SETS and _LATER in items else items
        if isinstance(value, Ref):
            return self._referred(value)
        if isinstance(value, Text):
            parts = [self._value(part) for part in value.parts]
            return _LATER if _LATER in parts else "".join(str(part) for part in parts)
        if isinstance(value, Unknown):
            return self._variables.get(value.shown.removeprefix("var."), _LATER)
        assert value is None or isinstance(value, str | int | float | bool)
        return value

    def _referred(self, ref: Ref) -> Held:
        item = self._objects[ref.target]
        found: Held = (
            {**self._value(item.body), **_DATA[item.type]} if item.mode == "data" else self._arguments(item)
        )
        for step in ref.path:
            found = found[int(step)] if isinstance(found, list) else found.get(step, _LATER)
            if found is _LATER:
                break
        return found

    def _sensitive(self, item: TerraformObject) -> Any:
        """The arguments that the schema or a sensitive variable makes so."""
        block = next(
            block
            for block in self._blocks
            if block.type in ("resource", "data") and block.labels == [item.type, item.name]
        )
        named = {
            name: True
            for name, attribute in block.body.attributes.items()
            if any(one.removeprefix("var.") in self._secrets for one in _references(attribute.value))
        }
        schema = _SENSITIVE.get(item.type, {})
        return {**named, **{name: held for name, held in schema.items() if name in item.body.properties}}

    def _outputs(self) -> dict[str, Any]:
        outputs: dict[str, Any] = {}
        for item in self._objects.values():
            if item.mode == "output":
                value = self._value(item.body.properties["value"].value)
                sensitive = item.body.properties["sensitive"].value is True
                outputs[item.name] = {
                    "sensitive": sensitive,
                    **({} if value is _LATER else {"type": "string", "value": value}),
                }
        return outputs

    # ---- the copy of the configuration

    def _configuration(self) -> dict[str, Any]:
        providers: dict[str, Any] = {}
        root: dict[str, Any] = {}
        for block in self._blocks:
            if block.type in ("resource", "data"):
                short = block.labels[0].partition("_")[0]
                providers.setdefault(short, {"name": short, "full_name": _provider(block.labels[0])})
                root.setdefault("resources", []).append(_configured(block))
            elif block.type == "provider":
                short, key = block.labels[0], provider_key(block)
                providers[key] = {
                    "name": short,
                    "full_name": _provider(f"{short}_"),
                    **({} if key == short else {"alias": key.partition(".")[2]}),
                    "expressions": _expressions(block.body, ("alias",)),
                }
            elif block.type == "output":
                held: dict[str, Any] = {"expression": _expression(block.body.attributes["value"].value)}
                if _flag(block, "sensitive"):
                    held["sensitive"] = True
                root.setdefault("outputs", {})[block.labels[0]] = held
            elif block.type == "variable":
                root.setdefault("variables", {})[block.labels[0]] = {
                    **({"default": self._variables[block.labels[0]]} if _defaults(block) else {}),
                    **({"sensitive": True} if _flag(block, "sensitive") else {}),
                }
        ordered = {name: root[name] for name in ("outputs", "resources", "variables") if name in root}
        return {"provider_config": dict(sorted(providers.items())), "root_module": ordered}


def _defaults(block: Block) -> bool:
    return "default" in block.body.attributes


def _provider(kind: str) -> str:
    short = kind.partition("_")[0]
    return f"registry.terraform.io/{'azure' if short == 'azapi' else 'hashicorp'}/{short}"


def _configured(block: Block) -> dict[str, Any]:
    kind, name = block.labels
    mode = "managed" if block.type == "resource" else "data"
    each = block.body.attributes.get("for_each")
    provider = block.body.attributes.get("provider")
    return {
        "address": f"{'data.' if mode == 'data' else ''}{kind}.{name}",
        "mode": mode,
        "type": kind,
        "name": name,
        "provider_config_key": kind.partition("_")[0] if provider is None else provider_name(provider.value),
        **({"expressions": held} if (held := _expressions(block.body, ("for_each", "provider"))) else {}),
        "schema_version": 0,
        **({"for_each_expression": _expression(each.value)} if each is not None else {}),
    }


def _expressions(body: Body, apart: List[str] = ()) -> dict[str, Any]:
    made: dict[str, Any] = {
        name: _expression(attribute.value) for name, attribute in body.attributes.items() if name not in apart
    }
    for block in body.blocks:
        made.setdefault(block.type, []).append(_expressions(block.body))
    return dict(sorted(made.items()))


def _expression(node: Node) -> dict[str, Any]:
    names = list(dict.fromkeys(_references(node)))
    if names:
        return {"references": names}
    constant = _constant(node)
    return {} if constant is _LATER else {"constant_value": constant}


def _constant(node: Node) -> Held:
    """What is written without any name; what calls a function is not evaluated in a plan's configuration."""
    if isinstance(node, Literal):
        return node.value
    if isinstance(node, Sequence):
        items = [_constant(item) for item in node.items]
        return _LATER if _LATER in items else items
    if isinstance(node, Mapping):
        pairs = [(_constant(key), _constant(value)) for key, value, _, _ in node.items]
        return _LATER if any(_LATER in pair for pair in pairs) else dict(pairs)
    if isinstance(node, Template):
        parts = [_constant(part) for part in node.parts]
        return _LATER if _LATER in parts else "".join(str(part) for part in parts)
    return _LATER


def _references(node: Any) -> Iterator[str]:
    """Yield what an expression names as a plan lists it: the whole name, then the shorter ones down to the thing."""
    if isinstance(node, Traversal) and isinstance(node.base, Name):
        steps: list[str] = [node.base.name]
        inner: list[Node] = []
        for step in node.steps:
            if isinstance(step, Literal):
                steps.append(f"[{json.dumps(step.value)}]")
            elif isinstance(step, str) and step[0] not in ".[":
                steps.append(f".{step}")
            else:
                # What follows an index that is computed is no part of the name any more.
                inner = [one for one in node.steps if not isinstance(one, str | Literal)]
                break
        least = {"data": 3, "each": 2, "var": 2, "local": 2}.get(node.base.name, 2)
        for length in range(len(steps), least - 1, -1):
            yield "".join(steps[:length])
        for one in inner:
            yield from _references(one)
        return
    for child in _children(node):
        yield from _references(child)


def _children(node: Any) -> Iterator[Any]:
    if isinstance(node, list | tuple):
        yield from node
    elif hasattr(node, "__struct_fields__"):
        for field in node.__struct_fields__:
            yield getattr(node, field)


def _known(held: Held) -> Any:
    """What is known of a value; in a list null stands for what is not."""
    if isinstance(held, dict):
        return {name: _known(one) for name, one in held.items() if one is not _LATER}
    if isinstance(held, list):
        return [None if one is _LATER else _known(one) for one in held]
    return held


def _later(held: Held) -> Any:
    """The same with true for what is known after apply; of objects only that."""
    if isinstance(held, dict):
        found = {name: _later(one) for name, one in held.items()}
        return {name: one for name, one in found.items() if one is not False}
    if isinstance(held, list):
        return [_later(one) for one in held]
    return held is _LATER
