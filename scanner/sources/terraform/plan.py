"""A Terraform plan, as `terraform show -json` prints it, to the objects that will be there when it is applied.

    plan.json --(decode)--> planned values, data sources read, configuration --> TerraformObject with places

What is deleted is not planned any more and so does not count. A value that is only known after apply is looked up in
the plan's own copy of the configuration, which says what it refers to (plan_references); a sensitive value is never
kept, only what it refers to. Format: https://developer.hashicorp.com/terraform/internals/json-format
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from scanner.sources.declared.declaration import Place, SourceGap
from scanner.sources.declared.source_text import BOM
from scanner.sources.declared.values import NOT_WRITTEN, Object, Property, Unknown, Value
from scanner.sources.terraform.model import TerraformObject
from scanner.sources.terraform.plan_places import Places, Spans
from scanner.sources.terraform.plan_references import Configuration, Instances, as_dict

_AZURE = ("azurerm_", "azapi_", "azuread_", "random_password", "tls_private_key")
_DEEPEST = 60
_AFTER_APPLY = "it is known after apply"
_SENSITIVE = "it is sensitive"
_NOWHERE = (NOT_WRITTEN, NOT_WRITTEN)


class _Planned(msgspec.Struct):
    root_module: dict[str, Any] | None = None
    outputs: dict[str, Any] = {}


class _State(msgspec.Struct):
    values: _Planned | None = None


class _Change(msgspec.Struct):
    after_unknown: Any = None
    importing: Any = None


class _ResourceChange(msgspec.Struct):
    address: str = ""
    change: _Change | None = None


class _Plan(msgspec.Struct):
    format_version: str = ""
    planned_values: _Planned | None = None
    prior_state: _State | None = None
    resource_changes: list[_ResourceChange] | None = None
    configuration: dict[str, Any] | None = None
    variables: dict[str, Any] | None = None


def read_plan(uri: str, data: bytes) -> tuple[list[TerraformObject], list[SourceGap]]:
    """Return what a plan leaves behind when it is applied, and what of it cannot be read.

    Places are those of the plan file: of a resource its address and the whole of its object among the planned values.
    """
    whole = Place(uri, 0, len(data))
    try:
        plan = msgspec.json.decode(data.removeprefix(BOM), type=_Plan)
    except (msgspec.DecodeError, UnicodeError) as error:
        return [], [SourceGap(whole, "malformed", f"The plan is not JSON that can be read: {_brief(error)}.")]
    except RecursionError:
        return [], [SourceGap(whole, "malformed", "The plan is nested too deeply to be read.")]
    if plan.format_version.partition(".")[0] not in ("0", "1"):
        version = plan.format_version[:20] or "none"
        return [], [
            SourceGap(
                whole, "unsupported", f"The plan has the format version {version}; Midas reads version 1."
            )
        ]
    if plan.planned_values is None or plan.planned_values.root_module is None:
        return [], [SourceGap(whole, "malformed", "The plan has no planned values.")]
    return _Reader(uri, data, plan).read()


def _brief(error: Exception) -> str:
    return str(error).split("\n", 1)[0].rstrip(".")[:200]


class _Reader:
    def __init__(self, uri: str, data: bytes, plan: _Plan) -> None:
        self._uri = uri
        self._plan = plan
        self._planned = plan.planned_values or _Planned()
        self._places = Places(uri, data)
        self._gaps: list[SourceGap] = []
        self._unknown: dict[str, Any] = {
            entry.address: entry.change.after_unknown
            for entry in plan.resource_changes or []
            if entry.change is not None
        }
        self._imported = {
            entry.address: as_dict(entry.change.importing).get("id")
            for entry in plan.resource_changes or []
            if entry.change is not None and entry.change.importing is not None
        }
        resources = list(_resources(as_dict(self._planned.root_module)))
        planned = {as_dict(entry).get("address") for entry in resources}
        if plan.prior_state is not None and plan.prior_state.values is not None:
            for entry in _resources(as_dict(plan.prior_state.values.root_module)):
                if entry.get("mode") == "data" and entry.get("address") not in planned:
                    resources.append(entry)
        self._resources = resources
        self._configuration = Configuration(
            plan.configuration or {}, plan.variables or {}, Instances(resources)
        )

    def read(self) -> tuple[list[TerraformObject], list[SourceGap]]:
        objects: list[TerraformObject] = []
        objects.extend(self._providers())
        for entry in self._resources:
            made = self._resource(entry)
            if made is not None:
                objects.append(made)
        objects.extend(self._outputs())
        objects.extend(self._variables())
        return objects, self._gaps

    def _resource(self, entry: Mapping[str, Any]) -> TerraformObject | None:
        address, kind = entry.get("address"), entry.get("type")
        if not isinstance(address, str) or not isinstance(kind, str) or not kind.startswith(_AZURE):
            return None
        place, whole, spans = self._places.resource(address)
        self._configuration.enter(address)
        body = self._object(
            _Shape(
                as_dict(entry.get("values")),
                self._unknown.get(address),
                entry.get("sensitive_values"),
                self._configuration.expressions(),
            ),
            spans,
            ("values",),
            address,
        )
        return TerraformObject(
            address=address,
            mode=entry["mode"] if entry.get("mode") in ("managed", "data") else "managed",
            type=kind,
            name=str(entry.get("name", "")),
            body=body,
            place=place,
            whole=whole,
            language="plan",
            imported=self._known_id(address, entry),
            provider=self._configuration.provider(),
        )

    def _known_id(self, address: str, entry: Mapping[str, Any]) -> str:
        """Return the id of what is there already: it is managed by now, or will be taken over."""
        known = self._imported.get(address) or as_dict(entry.get("values")).get("id")
        # A role assignment across tenants carries the other tenant behind a bar.
        return known.partition("|")[0] if isinstance(known, str) and known.startswith("/") else ""

    def _object(self, shape: _Shape, spans: Spans, path: tuple[str, ...], shown: str) -> Object:
        if len(path) > _DEEPEST:
            return Object({}, open=True)
        names = dict.fromkeys([*as_dict(shape.value), *as_dict(shape.unknown)])
        properties: dict[str, Property] = {}
        for name in names:
            if not isinstance(name, str):
                continue
            inner = shape.member(name)
            if inner.value is None and inner.unknown in (None, False, [], {}):
                continue
            value = self._value(inner, spans, (*path, name), f"{shown}.{name}")
            start, end = spans.get((*path, name), _NOWHERE)
            properties[name] = Property(value, start, end)
        return Object(properties)

    def _value(self, shape: _Shape, spans: Spans, path: tuple[str, ...], shown: str) -> Value:
        if len(path) > _DEEPEST:
            return Unknown(shown, "it is nested too deeply to be read")
        if shape.unknown is True:
            return self._later(shape, path, shown)
        if isinstance(shape.value, dict):
            return self._object(shape, spans, path, shown)
        if isinstance(shape.value, list) or isinstance(shape.unknown, list):
            return self._list(shape, spans, path, shown)
        if isinstance(shape.unknown, dict) and shape.unknown:
            return self._object(shape, spans, path, shown)
        found = self._configuration.linked(shape.references(), shape.value)
        if found is not None:
            return found
        if shape.sensitive is True:
            return Unknown(shown, _SENSITIVE, secret=True)
        return shape.value if isinstance(shape.value, str | int | float | bool) else None

    def _list(self, shape: _Shape, spans: Spans, path: tuple[str, ...], shown: str) -> Value:
        values = shape.value if isinstance(shape.value, list) else []
        unknown = shape.unknown if isinstance(shape.unknown, list) else []
        later = [item for item in unknown if item is True]
        if later and len(later) == len(unknown):
            found = self._configuration.referred(shape.references())
            if len(found) == len(later):
                return found
        count = max(len(values), len(unknown))
        return [
            self._value(shape.item(number), spans, (*path, str(number)), f"{shown}[{number}]")
            for number in range(count)
        ]

    def _later(self, shape: _Shape, path: tuple[str, ...], shown: str) -> Value:
        references = shape.references()
        found = self._configuration.referred(references, path[-1])
        is_list = path[-1].endswith("_ids")
        if found and is_list and not path[-1].isdigit():
            return found
        secret = shape.sensitive is True
        if len(found) == 1:
            return found[0]
        if found and shape.own:
            return self._configuration.joined(found)
        return Unknown(shown, _AFTER_APPLY, secret, tuple(found))

    def _providers(self) -> Iterator[TerraformObject]:
        for key, entry in as_dict(as_dict(self._plan.configuration).get("provider_config")).items():
            held = as_dict(entry)
            name = held.get("name")
            if name not in ("azurerm", "azapi", "azuread"):
                continue
            self._configuration.enter(str(held.get("module_address") or ""), whole_module=True)
            place, whole, spans = self._places.member("configuration", "provider_config", str(key))
            body = self._expressions(as_dict(held.get("expressions")), spans, str(key))
            yield self._pseudo("provider", str(key), body, (place, whole), str(name))

    def _expressions(self, expressions: Mapping[str, Any], spans: Spans, shown: str) -> Object:
        properties: dict[str, Property] = {}
        for name, expression in expressions.items():
            if not isinstance(expression, dict):
                continue
            start, end = spans.get(("expressions", name), _NOWHERE)
            if "constant_value" in expression:
                constant = expression["constant_value"]
                if isinstance(constant, str | int | float | bool):
                    properties[name] = Property(constant, start, end)
            elif "references" in expression:
                known = self._configuration.variable(expression)
                if known is None:
                    found = self._configuration.referred(expression)
                    known = found[0] if len(found) == 1 else Unknown(f"{shown}.{name}", _AFTER_APPLY)
                properties[name] = Property(known, start, end)
        return Object(properties)

    def _outputs(self) -> Iterator[TerraformObject]:
        root = as_dict(as_dict(self._plan.configuration).get("root_module"))
        configured = as_dict(root.get("outputs"))
        for name, entry in self._planned.outputs.items():
            held = as_dict(entry)
            self._configuration.enter("", whole_module=True)
            expression = as_dict(as_dict(configured.get(name)).get("expression"))
            known = "value" in held
            shape = _Shape(
                held.get("value"), None if known else True, held.get("sensitive"), {"value": expression}
            ).inside("value")
            place, whole, spans = self._places.member("planned_values", "outputs", str(name))
            value = self._value(shape, spans, ("value",), f"output.{name}")
            start, end = spans.get(("value",), _NOWHERE)
            sensitive = Property(held.get("sensitive") is True)
            body = Object({"value": Property(value, start, end), "sensitive": sensitive})
            yield self._pseudo("output", str(name), body, (place, whole))

    def _variables(self) -> Iterator[TerraformObject]:
        root = as_dict(as_dict(self._plan.configuration).get("root_module"))
        for name, entry in as_dict(root.get("variables")).items():
            held = as_dict(entry)
            default = held.get("default")
            if not isinstance(default, str | int | float | bool):
                continue
            secure = held.get("sensitive") is True
            at = ("configuration", "root_module", "variables", str(name))
            place, whole, spans = self._places.member(*at)
            start, end = spans.get(("default",), _NOWHERE)
            body = Object({"default": Property(default, start, end), "sensitive": Property(secure)})
            yield self._pseudo("variable", str(name), body, (place, whole))

    def _pseudo(
        self, mode: str, name: str, body: Object, place: tuple[Place, Place], kind: str = ""
    ) -> TerraformObject:
        word = {"variable": "var"}.get(mode, mode)
        return TerraformObject(
            address=f"{word}.{name}",
            mode=mode,
            type=kind or mode,
            name=kind or name,
            body=body,
            place=place[0],
            whole=place[1],
            language="plan",
        )


class _Shape:
    """The same place in what a plan says of a resource: value, what is unknown, what is sensitive, expression."""

    __slots__ = ("expression", "own", "sensitive", "unknown", "value")

    def __init__(
        self, value: Any, unknown: Any, sensitive: Any, expression: Any, *, own: bool = False
    ) -> None:
        self.value = value
        self.unknown = unknown
        self.sensitive = sensitive
        self.expression = expression
        self.own = own
        """Whether the expression is that of this very value, not of a map or list around it."""

    def member(self, name: str) -> _Shape:
        expression, own = self._below(name)
        return _Shape(
            as_dict(self.value).get(name),
            as_dict(self.unknown).get(name),
            True if self.sensitive is True else as_dict(self.sensitive).get(name),
            expression,
            own=own,
        )

    def item(self, number: int) -> _Shape:
        expression = self.expression
        if isinstance(expression, list):
            # A dynamic block is configured once and may come out as many.
            expression = expression[min(number, len(expression) - 1)] if expression else {}
        return _Shape(
            _at(self.value, number),
            _at(self.unknown, number),
            True if self.sensitive is True else _at(self.sensitive, number),
            expression,
        )

    def inside(self, name: str) -> _Shape:
        """The same value with the expression of a name."""
        expression, own = self._below(name)
        return _Shape(self.value, self.unknown, self.sensitive, expression, own=own)

    def _below(self, name: str) -> tuple[Any, bool]:
        expression = self.expression
        if isinstance(expression, dict):
            if "references" in expression or "constant_value" in expression:
                return expression, False
            return expression.get(name), True
        return None, False

    def references(self) -> Mapping[str, Any]:
        return self.expression if isinstance(self.expression, dict) else {}


def _at(values: Any, number: int) -> Any:
    return values[number] if isinstance(values, list) and number < len(values) else None


def _resources(module: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    waiting = [module]
    while waiting:
        one = waiting.pop(0)
        resources = one.get("resources")
        for entry in resources if isinstance(resources, list) else []:
            if isinstance(entry, dict):
                yield entry
        children = one.get("child_modules")
        waiting.extend(
            child for child in (children if isinstance(children, list) else []) if isinstance(child, dict)
        )
