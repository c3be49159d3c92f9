"""Which id a declaration has, and which id a value is: the references of a unit followed to what they name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from scanner.facts import ids
from scanner.sources.declared.declaration import OTHER_TYPES, Declaration, Scope, Unit
from scanner.sources.declared.naming import (
    NO_GROUP,
    NO_MANAGEMENT_GROUP,
    brief,
    is_guid,
    printable,
    segment,
    unit_marker,
)
from scanner.sources.declared.repeated import is_repeated
from scanner.sources.declared.values import KeyRead, Object, Ref, Text, Unknown, Value, show, text

SUBSCRIPTION = "microsoft.resources/subscriptions"
RESOURCE_GROUPS = frozenset(
    ["microsoft.resources/resourcegroups", "microsoft.resources/subscriptions/resourcegroups"]
)
MANAGEMENT_GROUP = "microsoft.management/managementgroups"

_MOST_STEPS = 32
_LONGEST_ID = 4_096
_MOST_SEGMENTS = 60
_OWN_SUBSCRIPTION = re.compile(
    r"\{(?:(?:az\.)?subscription\(\)\.(?:subscriptionId|id)|data\.azurerm_client_config\.[^}]*\.subscription_id"
    r"|data\.azurerm_subscription\.[^}]*)\}",
    re.IGNORECASE,
)
_OWN_GROUP = re.compile(r"\{(?:az\.)?resourceGroup\(\)\.name\}", re.IGNORECASE)


_EXTENSIONS = {
    "roleassignments": "microsoft.authorization/roleassignments",
    "locks": "microsoft.authorization/locks",
    "diagnosticsettings": "microsoft.insights/diagnosticsettings",
}


def arm_type(declaration: Declaration) -> str:
    """Return a declaration's type in lower case; ``.../providers/roleAssignments`` as the extension that it is."""
    return _folded_type(declaration.type)


@lru_cache(maxsize=4_096)
def _folded_type(type_: str) -> str:
    lower = printable(type_).lower()
    if "/providers/" in lower:
        last = lower.rsplit("/providers/", 1)[1]
        return _EXTENSIONS.get(last, last)
    return lower


class ResourceIds:
    """The ids of one unit. Two declarations only have the same one when they declare, or look up, the same thing.

    ``state``: the ids of what is deployed already, by address; what is not yet then lies in the same subscription.
    """

    def __init__(self, unit: Unit, state: Mapping[str, str] | None = None) -> None:
        self.by_address = {declaration.address: declaration for declaration in unit.declarations}
        self.marker = unit_marker(unit.root)
        self._root = printable(unit.root) or "."
        self._scope = unit.scope
        self._known: dict[str, str] = {}
        self._busy: set[str] = set()
        self._taken: dict[str, str] = {}
        self._state = state or {}
        taken_over = {one.address: one.id for one in unit.declarations if one.id}
        self.subscription = f"/subscriptions/{self._own_subscription()}"
        self.group = f"{self.subscription}/resourceGroups/{self._own_group()}"
        self.scope = self._own_scope(unit.scope)
        for address, known in (taken_over | dict(self._state)).items():
            declared = self.by_address.get(address)
            if declared is not None and ids.type_of(known) == arm_type(declared):
                self._known[address] = self._canonical(known)
                self._taken.setdefault(ids.same(known), address)
        for declaration in unit.declarations:
            self.of(declaration)

    # ---- the unit's own scope

    def _own_subscription(self) -> str:
        given = self._scope.subscription
        if isinstance(given, str) and is_guid(given.strip()):
            return given.strip().lower()
        deployed_to = {(ids.place(known).subscription or "").lower() for known in self._state.values()} - {""}
        return deployed_to.pop().rpartition("/")[2] if len(deployed_to) == 1 else self.marker

    def _own_group(self) -> str:
        given = self._scope.resource_group
        return segment(show(given)) if given is not None and not _is_own_group(given) else NO_GROUP

    def _own_scope(self, scope: Scope) -> str:
        level = scope.level.lower()
        if level == "tenant":
            return ids.ROOT
        if level == "managementgroup":
            given = scope.management_group
            name = NO_MANAGEMENT_GROUP if given is None else segment(show(given))
            return self._canonical(f"/providers/Microsoft.Management/managementGroups/{name}")
        return self.subscription if level == "subscription" else self.group

    def spoken(self, entity_id: str) -> str:
        """Return what people call what has a synthetic id and no other name."""
        unit = f"that {self._root} goes to" if self._root != "." else "deployed to"
        if entity_id == self.subscription:
            return f"the subscription {unit}"
        if entity_id == self.group:
            return f"the resource group {unit}"
        if entity_id == self.scope and NO_MANAGEMENT_GROUP in entity_id:
            return f"the management group {unit}"
        last = entity_id.rsplit("/", 1)[-1].replace(self.marker, "")
        inner = last[1:-1]
        whole = last[:1] == "{" and last[-1:] == "}" and not set(inner) & set("{}")
        return brief((inner if whole else last).replace("%2F", "/"))

    # ---- declarations

    def of(self, declaration: Declaration) -> str:
        """Return the id of a declaration."""
        address = declaration.address
        known = self._known.get(address)
        if known is not None:
            return known
        if address in self._busy or len(self._busy) > _MOST_STEPS:
            # What contains itself, or lies too deep, is contained in the unit.
            return f"{self.group}/providers/{arm_type(declaration)}/{segment(address)}"
        self._busy.add(address)
        made = self._make(declaration)
        self._busy.discard(address)
        if not declaration.existing:
            first = self._taken.setdefault(ids.same(made), address)
            if first != address and not self._is_again(declaration, self.by_address.get(first), made):
                made = f"{made}{{{segment(address)}}}"
                self._taken[ids.same(made)] = address
        self._known[address] = made
        return made

    def _is_again(self, one: Declaration, other: Declaration | None, made: str) -> bool:
        """Whether a declaration declares again what another one with the same id does."""
        kind = arm_type(one)
        return (
            other is not None
            and arm_type(other) == kind
            and is_repeated(one, other, kind, made, self._meaning)
        )

    def _meaning(self, declaration: Declaration, path: str) -> str:
        """Return a property as a text that is the same for everything that refers to the same."""
        value = self._follow(_at(declaration.body, ("properties", path)))
        target = self.by_address.get(value.target) if isinstance(value, Ref) else None
        if isinstance(value, Ref) and target is not None:
            return f"{self.of(target)}#{'.'.join(value.path)}"
        return self.text(value)

    def _make(self, declaration: Declaration) -> str:
        kind = arm_type(declaration)
        if kind in OTHER_TYPES or "/" not in kind or "." not in kind.split("/")[0]:
            return f"{self.marker}/{segment(declaration.address)}"
        name = segment(self.text(declaration.name)) if declaration.name not in (None, "") else "{}"
        if kind == SUBSCRIPTION:
            return self._canonical(f"/subscriptions/{name}")
        if kind == MANAGEMENT_GROUP:
            return self._canonical(f"/providers/Microsoft.Management/managementGroups/{name}")
        above = self.scope if declaration.parent is None else self.read(declaration.parent)
        if kind in RESOURCE_GROUPS:
            subscription = None if above is None else ids.place(above).subscription
            return self._canonical(f"{subscription or self.subscription}/resourceGroups/{name}")
        provider, *parts = kind.split("/")
        if above is not None and len(parts) > 1 and ids.type_of(above) == "/".join([provider, *parts[:-1]]):
            return self._canonical(f"{above}/{parts[-1]}/{name}")
        unknown = segment(show(declaration.parent)) if above is None else "{}"
        if above is None and len(parts) == 1:
            above = f"{self.subscription}/resourceGroups/{unknown}"
        elif above is None:
            above = self.group
        within = above.rstrip("/") + f"/providers/{provider}"
        for number, part in enumerate(parts):
            last, before = number == len(parts) - 1, number == len(parts) - 2
            within += f"/{part}/{name if last else unknown if before else '{}'}"
        return self._canonical(within)

    # ---- values

    def follow(self, value: Value) -> Value:
        """Return what a value comes to where the declarations say it: references followed, sure options taken.

        A text whose parts are all known becomes a plain one. A reference to an id stays one.
        """
        found = self._follow(value)
        if isinstance(found, Text):
            return text([self._follow(part) for part in found.parts])
        return found

    def _follow(self, value: Value) -> Value:
        for _ in range(_MOST_STEPS):
            if isinstance(value, Unknown) and value.options:
                first = value.options[0]
                if any(show(option) != show(first) for option in value.options[1:]):
                    return value
                value = first
                continue
            if not isinstance(value, Ref):
                return value
            target = self.by_address.get(value.target)
            if target is None:
                return value
            if value.path == ("name",):
                value = target.name
                continue
            inner = _at(target.body, value.path)
            if inner is None or isinstance(inner, Unknown):
                return value
            value = inner
        return value

    def shown(self, value: Value) -> str:
        """Return a value for people: what is not known in braces, as it is written."""
        return printable(show(self.follow(value)))

    def text(self, value: Value) -> str:
        """Return a value as text: ids of what it refers to in full, what is not known in braces and without slashes."""
        return self._text(value, 0)

    def _text(self, value: Value, depth: int) -> str:
        value = self._follow(value)
        if isinstance(value, Ref):
            target = self.by_address.get(value.target)
            if target is not None and value.path == ("id",):
                return self.of(target)
        if isinstance(value, Text) and depth < _MOST_STEPS:
            return "".join(self._text(part, depth + 1) for part in value.parts)
        if isinstance(value, str):
            return value
        return show(value).replace("/", "%2F")

    def read(self, value: Value) -> str | None:
        """Return the id that a value is, synthetic where parts of it are not known; None for what is no id."""
        value = self.follow(value)
        if isinstance(value, Object | KeyRead | list | int | float) or value is None:
            return None
        whole = self.text(value).strip()
        if isinstance(value, str | Ref):
            return self._canonical(whole) if whole.startswith("/") else None
        if whole.startswith("/"):
            return self._canonical(whole)
        own = self._own(whole)
        if own is not None:
            return own
        if not isinstance(value, Text):
            return None
        return self._continued(whole)

    def _own(self, whole: str) -> str | None:
        """Read text that begins with the unit's own scope: ``{resourceGroup().id}/providers/...``."""
        for written, scope in (
            ("{resourcegroup().id}", self.group),
            ("{subscription().id}", self.subscription),
            ("{managementgroup().id}", self.scope),
        ):
            if whole.lower().startswith(written):
                return self._canonical(scope + whole[len(written) :])
        return None

    def _continued(self, whole: str) -> str | None:
        """Read text that begins with an id nobody knows, where what follows tells how wide it is."""
        cut = whole.lower().find("}/providers/")
        if cut >= 0:
            rest = whole[cut + 1 :]
            if rest.lower().startswith("/providers/microsoft.management/managementgroups/"):
                return self._canonical(rest)
            return self._canonical(f"{self.subscription}/resourceGroups/{segment(whole[: cut + 1])}{rest}")
        cut = whole.lower().find("}/resourcegroups/")
        if cut >= 0:
            return self._canonical(f"/subscriptions/{segment(whole[: cut + 1])}{whole[cut + 1 :]}")
        return None

    def _canonical(self, whole: str) -> str:
        """Return an id with every part bounded and clean, and with this unit's marker where it is synthetic."""
        parts = whole[:_LONGEST_ID].rstrip("/").split("/")[:_MOST_SEGMENTS]
        parts = [part if not part or self.marker in part else segment(part) for part in parts]
        if len(parts) < 2:
            return ids.ROOT
        marked = False
        if parts[1].lower() == "subscriptions" and len(parts) > 2:
            parts[2], marked = self._subscription_part(parts[2])
            if len(parts) > 4 and parts[3].lower() == "resourcegroups" and _OWN_GROUP.fullmatch(parts[4]):
                parts[4] = self._own_group()
        for number, part in enumerate(parts):
            if marked or self.marker in part:
                break
            if "{" in part or part == NO_GROUP:
                parts[number] = part + self.marker
                marked = True
        return "/".join(parts)

    def _subscription_part(self, part: str) -> tuple[str, bool]:
        """Return the part of an id that names a subscription, and whether it bears the marker."""
        if is_guid(part):
            return part, False
        given = self._scope.subscription
        own = _OWN_SUBSCRIPTION.fullmatch(part) or (given is not None and part == segment(show(given)))
        if own:
            part = self._own_subscription()
        elif "{" in part and not part.startswith(self.marker):
            part = self.marker + part
        return part, part.startswith(self.marker)


def _is_own_group(value: Value) -> bool:
    return _OWN_GROUP.fullmatch(segment(show(value))) is not None


def _at(body: Object, path: tuple[str, ...]) -> Value | None:
    """Return what stands exactly at a path of a body; None when nothing does."""
    value: Value = body
    for step in path:
        if isinstance(value, Object):
            held = value.get(step)
            if held is None:
                return None
            value = held.value
        elif isinstance(value, list) and step.isdigit() and len(step) < 9 and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value
