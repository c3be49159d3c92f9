"""Managed identities as code declares them, and the federated credentials on them."""

from __future__ import annotations

from scanner.catalog.identity_field import read_identity_type
from scanner.facts import ids
from scanner.facts.schema import Kind
from scanner.sources.declared.context import Context
from scanner.sources.declared.declaration import Declaration
from scanner.sources.declared.naming import is_guid
from scanner.sources.declared.principal_rows import PrincipalRows
from scanner.sources.declared.resource_ids import arm_type
from scanner.sources.declared.values import NOT_WRITTEN, Object, Ref, Unknown, Value

USER_ASSIGNED = "microsoft.managedidentity/userassignedidentities"
FEDERATED = f"{USER_ASSIGNED}/federatedidentitycredentials"
_OWN_IDENTITIES = "/providers/Microsoft.ManagedIdentity/identities/"
_OBJECT_IDS = ("principalid", "objectid")
_CLIENT_IDS = ("clientid", "applicationid")


class IdentityRows:
    """Makes identities, each with its service principal, and knows which reference means which identity."""

    def __init__(self, context: Context, principals: PrincipalRows) -> None:
        self._context = context
        self._principals = principals
        self._made: dict[str, int] = {}
        self._principal_of: dict[int, int] = {}
        self._by_guid: dict[str, int] = {}

    def add(self, declaration: Declaration) -> int:
        """Add a user-assigned identity; returns its key."""
        context = self._context
        identity = context.entity(Kind.IDENTITY, declaration)
        self._row(
            identity,
            context.ids.of(declaration),
            context.name_of(declaration),
            user_assigned=True,
            resource=None,
            client_id=self._guid(declaration, "properties.clientId", identity),
            object_id=self._guid(declaration, "properties.principalId", identity),
            location=context.known_text(declaration, "location"),
            isolation=context.known_text(declaration, "properties.isolationScope"),
        )
        return identity

    def own(self, declaration: Declaration, resource: int, label: str = "default") -> int:
        """Return the key of the identity that a resource has of itself; ``label`` tells several apart."""
        context = self._context
        resource_id = context.ids.of(declaration)
        identity_id = f"{resource_id}{_OWN_IDENTITIES}{label}"
        known = self._made.get(identity_id)
        if known is not None:
            return known
        name = context.name_of(declaration)
        if label != "default":
            name = f"{name} ({label})"
        identity = context.builder.entity(Kind.IDENTITY, identity_id, name=name)
        self._made[identity_id] = identity
        object_id = None
        if label == "default":
            object_id = self._guid(declaration, "identity.principalId", identity)
        self._row(
            identity,
            identity_id,
            name,
            user_assigned=False,
            resource=resource,
            client_id=None,
            object_id=object_id,
            location=context.known_text(declaration, "location"),
            isolation=None,
        )
        start, end = _written_at(declaration.body, "identity")
        context.place(identity, declaration, start, end)
        context.place(self._principal_of[identity], declaration, start, end)
        return identity

    def _row(
        self,
        identity: int,
        identity_id: str,
        name: str,
        *,
        user_assigned: bool,
        resource: int | None,
        client_id: str | None,
        object_id: str | None,
        location: str | None,
        isolation: str | None,
    ) -> None:
        principal = self._principals.of_identity(object_id or f"{identity_id}#principal", name)
        if identity not in self._principal_of:
            self._principal_of[identity] = principal
            self._context.builder.add(
                "identities",
                identity=identity,
                user_assigned=user_assigned,
                principal=principal,
                resource=resource,
                client_id=client_id,
                location=location,
                isolation=isolation,
            )

    def _guid(self, declaration: Declaration, path: str, identity: int) -> str | None:
        """Return an id that a plan knows already, and remember whose it is."""
        found = self._context.known_text(declaration, path)
        if found is None or not is_guid(found.strip()):
            return None
        guid = found.strip().lower()
        self._by_guid.setdefault(guid, identity)
        return guid

    # ---- references

    def named_by(self, value: Value) -> int | None:
        """Return the identity that a value names by its client id, its object id or its own id."""
        if isinstance(value, str):
            return self._by_guid.get(value.strip().lower())
        if not isinstance(value, Ref):
            return None
        target = self._context.ids.by_address.get(value.target)
        if target is None:
            return None
        path = tuple(step.lower() for step in value.path)
        if arm_type(target) == USER_ASSIGNED:
            return self.add(target) if path[-1:] and path[-1] in (*_OBJECT_IDS, *_CLIENT_IDS, "id") else None
        return self._of_resource(target, path, value.path)

    def _of_resource(
        self, target: Declaration, path: tuple[str, ...], spelled: tuple[str, ...]
    ) -> int | None:
        """Return the identity that a resource's exported property means: its own, or one that Azure makes for it."""
        if not path or path[-1] not in (*_OBJECT_IDS, *_CLIENT_IDS) or "." not in target.type:
            return None
        if path[0] == "identity":
            resource = self._context.builder.entity(Kind.RESOURCE, self._context.ids.of(target))
            return self.own(target, resource)
        beside = self._context.ids.follow(Ref(target.address, (*spelled[:-1], "resourceId"), ""))
        if not isinstance(beside, Ref) or beside.path == ("id",):
            # Where the identity is given by its id, as the kubelet's can be, its other ids are that identity's.
            given = self._context.ids.read(beside)
            key = None if given is None else self._context.builder.key_of(given)
            if key in self._principal_of:
                return key
        if not any("identity" in step for step in path[:-1]):
            return None
        label = next((spelled[at] for at in range(len(path) - 2, -1, -1) if path[at] != "identity"), "own")
        resource = self._context.builder.entity(Kind.RESOURCE, self._context.ids.of(target))
        return self.own(target, resource, label if label.isalnum() else "own")

    def principal_of(self, identity: int) -> int:
        """Return the service principal of an identity that was added."""
        return self._principal_of[identity]

    # ---- federated credentials

    def add_credential(self, declaration: Declaration) -> int:
        """Add a federated credential; returns its key. What is not known of it stands in braces."""
        context = self._context
        credential = context.entity(Kind.CREDENTIAL, declaration)
        identity_id = context.ids.of(declaration).rsplit("/", 2)[0]
        identity = context.builder.entity(Kind.IDENTITY, identity_id)
        context.mentioned.add(identity)
        issuer = context.text_or_none(context.value(declaration, "properties.issuer"))
        if issuer is None:
            context.builder.gap(
                "federated_credentials",
                declaration.place,
                "malformed",
                "The federated credential has no issuer.",
            )
            return credential
        audiences = context.value(declaration, "properties.audiences")
        listed = audiences if isinstance(audiences, list) else [audiences]
        shown = [context.text_or_none(audience) for audience in listed]
        expression = context.text_or_none(
            context.value(declaration, "properties.claimsMatchingExpression.value")
        )
        context.builder.add(
            "federated_credentials",
            credential=credential,
            identity=identity,
            issuer=issuer,
            subject=context.text_or_none(context.value(declaration, "properties.subject")),
            audience=", ".join(audience for audience in shown if audience is not None),
            expression=expression,
        )
        return credential


def kinds_of(context: Context, declaration: Declaration) -> tuple[bool | None, bool | None]:
    """Return whether a resource has a system-assigned and a user-assigned identity; None where that is not known."""
    held = declaration.body.get("identity")
    if held is None:
        return (None, None) if declaration.body.open or declaration.existing else (False, False)
    block = context.ids.follow(held.value)
    if block is None or block == "":
        return False, False
    if not isinstance(block, Object):
        return None, None
    system, user = _kinds(context, block)
    assigned = block.get("userAssignedIdentities")
    value = None if assigned is None else context.ids.follow(assigned.value)
    if isinstance(value, Object) and value.properties:
        user = True
    return system, user


def _kinds(context: Context, block: Object) -> tuple[bool | None, bool | None]:
    written = block.get("type")
    if written is None:
        return (None, None) if block.open else (False, False)
    value = context.ids.follow(written.value)
    options = value.options if isinstance(value, Unknown) and value.options else (value,)
    if not all(option is None or isinstance(option, str) for option in options):
        return None, None
    kinds = [read_identity_type(option) for option in options]
    system, user = {kind.system for kind in kinds}, {kind.user for kind in kinds}
    odd = any(kind.unknown for kind in kinds)
    return (
        None if len(system) > 1 or (odd and True not in system) else system.pop(),
        None if len(user) > 1 or (odd and True not in user) else user.pop(),
    )


def _written_at(body: Object, name: str) -> tuple[int, int]:
    held = body.get(name)
    return (held.start, held.end) if held is not None else (NOT_WRITTEN, NOT_WRITTEN)


def is_identity_id(entity_id: str) -> bool:
    """Whether an id is that of a user-assigned identity."""
    return ids.type_of(entity_id) == USER_ASSIGNED
