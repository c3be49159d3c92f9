"""What Terraform's references mean in the words of Azure Resource Manager.

A :class:`World` knows every object of a unit with the section of the catalogue's table that describes it. It turns
values that speak of Terraform's attributes into values that speak of ARM properties.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from scanner.catalog.terraform import section
from scanner.sources.declared.values import (
    KeyRead,
    Object,
    Property,
    Ref,
    Text,
    Unknown,
    Value,
    dig,
    show,
    text,
)

if TYPE_CHECKING:
    from scanner.catalog.terraform import Section
    from scanner.sources.terraform.model import TerraformObject

CURRENT_SUBSCRIPTION = Unknown(
    "subscription().subscriptionId", "the files do not say which subscription it is"
)
"""The subscription of a provider that names none: the one that whoever runs Terraform has chosen."""
ROLE_DEFINITION = "microsoft.authorization/roledefinitions"
SUBSCRIPTION = "microsoft.resources/subscriptions"
_DEEPEST = 60
_LONGEST_CHAIN = 16
_TOO_DEEP = "it is nested too deeply to be read"
_KNOWN_LATER = "it is known after deployment"
_WHO_RUNS = "it is who runs Terraform"


class World:
    """The objects of a unit by address, and what their attributes are."""

    def __init__(self, objects: Sequence[TerraformObject]) -> None:
        self.objects: dict[str, TerraformObject] = {item.address: item for item in objects}
        self.sections: dict[str, Section | None] = {
            item.address: section(item.type, item.mode)
            for item in objects
            if item.mode in ("managed", "data")
        }
        self._single: dict[str, str | None] = {}
        for address in self.objects:
            if address.endswith("]"):
                plain = address[: address.rindex("[")]
                self._single[plain] = None if plain in self._single else address
        self._done: dict[int, Value] = {}
        self._kept: list[Value] = []
        self._resolving: set[tuple[str, tuple[str, ...]]] = set()

    def find(self, address: str) -> TerraformObject | None:
        """Return the object at an address; of a counted resource that has one instance, that one."""
        found = self.objects.get(address)
        if found is None and (only := self._single.get(address)) is not None:
            found = self.objects[only]
        return found

    def subscription(self, item: TerraformObject) -> Value:
        """Return the id of the subscription that an object's provider works in."""
        provider = self.objects.get(item.provider or "provider.azurerm")
        held = provider.body.properties.get("subscription_id") if provider is not None else None
        if held is None or held.value is None:
            return planned_subscription(item) or CURRENT_SUBSCRIPTION
        return self.translate(held.value)

    def same_subscription(self, one: TerraformObject, other: TerraformObject) -> bool:
        """Whether two objects are made by providers that work in the same subscription, as far as that is said."""
        return one.provider == other.provider or self.subscription(one) == self.subscription(other)

    def argument(self, item: TerraformObject, name: str) -> Value:
        """Return an argument of an object in ARM's words; None when it is not given."""
        held = item.body.properties.get(name)
        if held is None:
            return (
                Unknown(f"{item.address}.{name}", "its arguments are not wholly known")
                if item.body.open
                else None
            )
        return self.translate(held.value)

    def name(self, item: TerraformObject, described: Section) -> Value:
        """Return the name of an object, its last part only."""
        if described.name.startswith("'"):
            return described.name.strip("'")
        given = self.argument(item, described.name)
        if given is not None:
            return given
        if described.type == SUBSCRIPTION and item.mode == "data":
            return self.subscription(item)
        return Unknown(f"{item.address}.{described.name}", "it is made up when deploying")

    def translate(self, value: Value, depth: int = 0) -> Value:
        """Return a value with Terraform's references turned into ARM's. What is shared stays shared."""
        if isinstance(value, str | int | float | bool) or value is None:
            return value
        if isinstance(value, Ref):
            return self.resolve(value)
        if depth > _DEEPEST:
            return Unknown("...", _TOO_DEEP)
        before = self._done.get(id(value))
        if before is not None:
            return before
        made = self._translate(value, depth + 1)
        self._done[id(value)] = made
        # The key is an address in memory: what lay there must not be freed, or another value may come to lie there.
        self._kept.append(value)
        return made

    def _translate(self, value: Value, depth: int) -> Value:
        if isinstance(value, list):
            return [self.translate(item, depth) for item in value]
        if isinstance(value, Text):
            return self._whole_id(text([self.translate(part, depth) for part in value.parts]))
        if isinstance(value, KeyRead):
            return KeyRead(self.translate(value.of, depth), value.service, value.operation, value.shown)
        if isinstance(value, Unknown):
            options = tuple(self.translate(option, depth) for option in value.options)
            return Unknown(value.shown, value.why, value.secret, options) if options else value
        if isinstance(value, Object):
            properties: dict[str, Property] = {}
            names: dict[str, Value] = {}
            for name, held in value.properties.items():
                key = name
                if name in value.names:
                    meant = self.translate(value.names[name], depth)
                    key = show(meant)
                    if not isinstance(meant, str):
                        names[key] = meant
                properties[key] = Property(self.translate(held.value, depth), held.start, held.end)
            return Object(properties, open=value.open, names=names)
        return value

    def _whole_id(self, value: Value) -> Value:
        """What is written together of parts and is the id of something declared is that id."""
        if not isinstance(value, Text) or len(value.parts) < 2:
            return value
        first, last = value.parts[0], value.parts[-1]
        if isinstance(last, Ref) and self._type_of(last.target) == ROLE_DEFINITION:
            # "${data.azurerm_subscription.x.id}${data.azurerm_role_definition.y.id}": the role at a scope of its own.
            before = value.parts[-2]
            by_name = isinstance(before, str) and before.lower().endswith("/roledefinitions/")
            if last.path == ("id",) or (last.path == ("name",) and by_name):
                return Ref(last.target, ("id",), last.shown)
        second = value.parts[1]
        if first != "/subscriptions/" or not isinstance(second, Ref) or second.path != ("name",):
            return value
        if self._type_of(second.target) == SUBSCRIPTION:
            # "/subscriptions/${data.azurerm_subscription.x.subscription_id}"
            return text([Ref(second.target, ("id",), second.shown), *value.parts[2:]])
        return value

    def _type_of(self, address: str) -> str:
        described = self.sections.get(address)
        return described.type if described is not None else ""

    def resolve(self, ref: Ref) -> Value:
        """Return what a reference to a Terraform attribute is: an ARM property, a key, a value that is known."""
        item = self.find(ref.target)
        if item is None or item.mode not in ("managed", "data"):
            return Unknown(ref.shown, _KNOWN_LATER)
        if item.type in ("azapi_resource", "azapi_update_resource", "azapi_resource_action"):
            return self._azapi(ref, item)
        described = self.sections[item.address]
        path = tuple(step for step in ref.path if not step.isdigit() and step != "*")
        if described is None:
            if item.type.startswith(("azurerm_", "azuread_")):
                return Unknown(ref.shown, f"Midas does not know resources of the type {item.type}")
            return Unknown(ref.shown, _KNOWN_LATER)
        if _among(path, described.secrets):
            return Unknown(ref.shown, "it is a secret", secret=True)
        if _among(path, described.keys):
            return self._key(ref, item, described, path)
        if not described.type:
            return self._of_nothing(ref, item, path)
        if path in ((), ("id",)):
            return Ref(item.address, path, ref.shown)
        return self._attribute(ref, item, described, path)

    def _attribute(self, ref: Ref, item: TerraformObject, described: Section, path: tuple[str, ...]) -> Value:
        exported = described.exports.get(path)
        if exported is not None and exported != ("name",):
            return Ref(item.address, exported, ref.shown)
        if path == (described.name,) or exported == ("name",):
            known = self._configured(item, (described.name,))
            if known is None and item.type == "azurerm_subscription" and item.mode == "data":
                known = self.subscription(item)
            return known if known is not None else Ref(item.address, ("name",), ref.shown)
        if path[0] == "identity":
            return Ref(item.address, ("identity", *(_camel(step) for step in path[1:])), ref.shown)
        known = self._configured(item, ref.path)
        if known is not None:
            return known
        if item.type == "azurerm_subscription" and path == ("tenant_id",):
            return Unknown("tenant().tenantId", "the files do not say which tenant it is")
        for argument in described.arguments:
            if tuple(step.name for step in argument.source) == path and not argument.inverted:
                return Ref(item.address, tuple(step.name for step in argument.target), ref.shown)
        return Ref(item.address, path, ref.shown)

    def _configured(self, item: TerraformObject, path: tuple[str, ...]) -> Value:
        """What the configuration itself says of an attribute; None when it says nothing."""
        held = dig(item.body, path)
        step = (item.address, path)
        if (
            held is None
            or held.value is None
            or step in self._resolving
            or len(self._resolving) > _LONGEST_CHAIN
        ):
            return None
        self._resolving.add(step)
        try:
            return self.translate(held.value)
        finally:
            self._resolving.discard(step)

    def _key(self, ref: Ref, item: TerraformObject, described: Section, path: tuple[str, ...]) -> Value:
        of: Value = id_of(item.address)
        service = described.type
        if described.of:
            source = self.argument(item, described.of)
            of = source.of if isinstance(source, KeyRead) else Unknown(f"{item.address}", _KNOWN_LATER)
        return KeyRead(of, service, ".".join(path), ref.shown)

    def _of_nothing(self, ref: Ref, item: TerraformObject, path: tuple[str, ...]) -> Value:
        known = self._configured(item, ref.path)
        if known is not None:
            return known
        if item.type in ("azurerm_client_config", "azuread_client_config"):
            if path == ("subscription_id",):
                return self.subscription(item)
            if path == ("tenant_id",):
                return Unknown("tenant().tenantId", "the files do not say which tenant it is")
            return Unknown(ref.shown, _WHO_RUNS)
        return Unknown(ref.shown, _KNOWN_LATER)

    def _azapi(self, ref: Ref, item: TerraformObject) -> Value:
        path = ref.path
        if item.type == "azapi_resource_action":
            if path[:1] not in (("output",), ("sensitive_output",)):
                return Unknown(ref.shown, _KNOWN_LATER)
            operation = self.argument(item, "action")
            arm_type = self.argument(item, "type")
            if not isinstance(operation, str) or not operation.lower().startswith("list"):
                return Unknown(ref.shown, _KNOWN_LATER)
            service = arm_type.partition("@")[0].lower() if isinstance(arm_type, str) else ""
            return KeyRead(self.argument(item, "resource_id"), service, operation, ref.shown)
        if path[:1] in (("output",), ("sensitive_output",)):
            return Ref(item.address, path[1:], ref.shown)
        if path[:1] == ("identity",):
            steps = tuple(_camel(step) for step in path if not step.isdigit() and step != "*")
            return Ref(item.address, steps, ref.shown)
        if path in ((), ("id",)):
            return Ref(item.address, path, ref.shown)
        known = self._configured(item, path)
        return known if known is not None else Ref(item.address, path, ref.shown)


def id_of(address: str) -> Ref:
    """Return the reference to the id of what is declared at an address."""
    return Ref(address, ("id",), f"{address}.id")


def planned_subscription(item: TerraformObject) -> str | None:
    """Return the subscription of what a plan says is there already, by its id; None when it does not say."""
    held = (
        item.body.properties.get("id")
        if item.language == "plan" and item.type.startswith("azurerm_")
        else None
    )
    if held is None or not isinstance(held.value, str):
        return None
    parts = held.value.split("/")
    return parts[2].lower() if len(parts) > 2 and parts[1].lower() == "subscriptions" else None


def _among(path: tuple[str, ...], listed: frozenset[tuple[str, ...]]) -> bool:
    """Whether a path is one of those listed, leads into one, or holds one."""
    if not listed or not path:
        return False
    return any(path[: len(one)] == one or one[: len(path)] == path for one in listed)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in rest)
