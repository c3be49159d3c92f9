"""Role assignments and role definitions as code declares them: by name, GUID, reference, data source, custom."""

from __future__ import annotations

from typing import NamedTuple

from scanner.catalog.permissions import patterns, read_permissions
from scanner.catalog.roles import builtin_roles, role_by_name
from scanner.facts import ids
from scanner.facts.schema import Kind
from scanner.sources.declared.context import Context
from scanner.sources.declared.declaration import Declaration
from scanner.sources.declared.identity_rows import IdentityRows
from scanner.sources.declared.naming import brief, is_guid, printable, segment
from scanner.sources.declared.principal_rows import PrincipalRows
from scanner.sources.declared.resource_ids import arm_type
from scanner.sources.declared.values import KeyRead, Object, Ref, Unknown, Value
from scanner.sources.declared.walking import find, plain

ASSIGNMENTS = {
    "microsoft.authorization/roleassignments": False,
    "microsoft.authorization/roleassignmentschedulerequests": False,
    "microsoft.authorization/roleeligibilityschedulerequests": True,
}
"""Types that give a role, and whether it must first be activated."""
ROLE_DEFINITION = "microsoft.authorization/roledefinitions"
_ROLE_ID = "/providers/Microsoft.Authorization/roleDefinitions/"


class _Role(NamedTuple):
    key: int
    name: str | None = None
    """The name by which it is given, where it is."""
    found: bool = True


class AuthorizationRows:
    """Makes roles and assignments. All role definitions of the unit must be added before the first assignment."""

    def __init__(self, context: Context, principals: PrincipalRows, identities: IdentityRows) -> None:
        self._context = context
        self._principals = principals
        self._identities = identities
        self._by_segment: dict[str, int] = {}
        self._by_name: dict[str, int] = {}
        self._made: set[int] = set()

    # ---- roles

    def add_role(self, declaration: Declaration) -> int:
        """Add a custom role definition; returns its key."""
        context = self._context
        key = context.builder.entity(
            Kind.ROLE,
            context.ids.of(declaration),
            name=self._role_name(declaration) or context.name_of(declaration),
            type=ROLE_DEFINITION,
        )
        last = ids.last_segment(context.ids.of(declaration))
        self._by_segment.setdefault(last, key)
        written = self._role_name(declaration)
        if written is not None:
            self._by_name.setdefault(written.strip().lower(), key)
        found = find(declaration.body, "properties.permissions", 1)
        decoded, whole = plain(context.ids.follow(found[0].value) if found else None, _NotKnown)
        entries = read_permissions(decoded)
        problems = [problem for entry in entries for problem in entry.problems]
        readable = whole and not problems
        self._add(key, last, custom=True, readable=readable)
        for entry, part, pattern, condition in patterns(entries):
            context.builder.add(
                "permissions",
                role=key,
                entry=entry,
                part=part,
                pattern=printable(pattern),
                condition=None if condition is None else printable(condition),
            )
        if not readable:
            why = "some of its permissions are known only when it is deployed"
            context.builder.doubt("roles", key, "unresolved", f"{self._at(declaration)}: {why}.")
        return key

    def _role_name(self, declaration: Declaration) -> str | None:
        return self._context.text_or_none(self._context.value(declaration, "properties.roleName"))

    def _at(self, declaration: Declaration) -> str:
        return printable(declaration.address)

    def _add(self, key: int, guid: str, *, custom: bool, readable: bool) -> int:
        if key not in self._made:
            self._made.add(key)
            self._context.builder.add("roles", role=key, guid=guid, custom=custom, readable=readable)
        return key

    def _built_in(self, guid: str, name: str) -> int:
        key = self._context.builder.entity(Kind.ROLE, _ROLE_ID + guid, name=name, type=ROLE_DEFINITION)
        return self._add(key, guid, custom=False, readable=True)

    def _not_known(self, last: str, name: str, *, custom: bool) -> int:
        """Return a role of which it is not known what it allows: a custom one of the tenant, or any at all."""
        marker = "" if is_guid(last) else self._context.ids.marker
        key = self._context.builder.entity(
            Kind.ROLE, f"{_ROLE_ID}{last}{marker}", name=printable(name), type=ROLE_DEFINITION
        )
        return self._add(key, last, custom=custom, readable=False)

    def _given_by(self, declaration: Declaration) -> _Role:
        """Return the role that an assignment gives."""
        context = self._context
        named = context.value(declaration, "properties.roleDefinitionName")
        if named is not None and named != "":
            return self._by(named, by_name=True)
        value = context.value(declaration, "properties.roleDefinitionId")
        if value is None or value == "":
            return _Role(self._not_known("{}", "a role that is not given", custom=False))
        return self._by(value, by_name=False)

    def _by(self, value: Value, *, by_name: bool) -> _Role:
        value = self._context.ids.follow(value)
        if isinstance(value, Unknown) and value.options:
            roles = {self._by(option, by_name=by_name).key for option in value.options if _is_sure(option)}
            if len(roles) == 1 and all(_is_sure(option) for option in value.options):
                return _Role(roles.pop())
        target = self._context.ids.by_address.get(value.target) if isinstance(value, Ref) else None
        if target is not None and arm_type(target) == ROLE_DEFINITION:
            return self._of(target)
        written = self._context.ids.shown(value)
        if by_name:
            return self._named(written) if isinstance(value, str) else self._unknown(written)
        last = segment(self._context.ids.text(value).split("|")[0].rstrip("/").rsplit("/", 1)[-1]).lower()
        known = self._by_segment.get(last)
        if known is not None:
            return _Role(known)
        shipped = builtin_roles().get(last)
        if shipped is not None:
            return _Role(self._built_in(last, shipped.name))
        if is_guid(last):
            return _Role(self._not_known(last, f"role {last}", custom=True))
        return self._unknown(written)

    def _unknown(self, written: str) -> _Role:
        name = written[1:-1] if written.startswith("{") and written.endswith("}") else written
        return _Role(self._not_known(segment(written), brief(name), custom=False))

    def _named(self, name: str) -> _Role:
        declared = self._by_name.get(name.strip().lower())
        if declared is not None:
            return _Role(declared, name)
        shipped = role_by_name(name)
        if shipped is not None:
            return _Role(self._built_in(shipped.guid, shipped.name), name, shipped.status != "removed")
        return _Role(self._not_known(segment(name), name, custom=True), name, found=False)

    def _of(self, target: Declaration) -> _Role:
        """Return the role that a reference to a role definition means, declared here or looked up."""
        own = self._context.ids.of(target)
        declared = self._by_segment.get(ids.last_segment(own))
        if declared is not None:
            return _Role(declared)
        guid = self._context.ids.follow(target.name)
        if isinstance(guid, str) and is_guid(guid.strip()):
            return self._by(guid.strip(), by_name=False)
        named = self._context.value(target, "properties.roleName")
        if isinstance(named, str) and named.strip():
            return self._named(printable(named))
        return self._unknown(self._context.ids.shown(target.name if named is None else named))

    # ---- assignments

    def add_assignment(self, declaration: Declaration) -> int | None:
        """Add a role assignment; returns its key. None, and a gap, where its scope cannot be known."""
        context = self._context
        request = context.known_text(declaration, "properties.requestType")
        if request is not None and "remove" in request.lower():
            return None
        scope_id = context.ids.scope if declaration.parent is None else self._scope(declaration.parent)
        if scope_id is None:
            # Some write it among the properties too, where Azure shows it, beside a name that is not known.
            scope_id = context.ids.read(context.value(declaration, "properties.scope"))
        if scope_id is None:
            scope = context.ids.follow(declaration.parent)
            context.unresolved("assignments", declaration, "The scope of the role assignment", scope, "scope")
            return None
        condition = context.value(declaration, "properties.condition")
        if isinstance(condition, Unknown | Ref | KeyRead):
            # With a condition it may be harmless, without one it may not.
            context.unresolved(
                "assignments",
                declaration,
                "The condition of the role assignment",
                condition,
                "properties.condition",
            )
            return None
        given = context.value(declaration, "properties.principalId")
        kind = context.known_text(declaration, "properties.principalType")
        principal = self._principals.named(given, kind, self._identities)
        if principal is None and isinstance(given, str):
            # An empty default stands for one that is given when deploying: with it, nothing could be deployed.
            principal = self._principals.not_given(declaration, kind)
        if principal is None:
            context.builder.gap(
                "assignments", declaration.place, "malformed", "The role assignment names no principal."
            )
            return None
        role = self._given_by(declaration)
        key = context.builder.entity(Kind.ASSIGNMENT, context.ids.of(declaration), type=arm_type(declaration))
        scope_key = context.builder.scope(scope_id)
        context.mentioned.add(scope_key)
        context.builder.add(
            "assignments",
            assignment=key,
            principal=principal,
            role=role.key,
            scope=scope_key,
            level=int(ids.place(scope_id).level),
            eligible=ASSIGNMENTS[arm_type(declaration)],
            workload=self._principals.is_workload(principal),
            condition=context.text_or_none(condition),
        )
        if role.name is not None and "role_names" in context.tables:
            context.builder.add("role_names", assignment=key, name=role.name, found=role.found)
        return key

    def _scope(self, value: Value) -> str | None:
        """Return the id of a scope; of several possible ones the first, when all are equally wide."""
        value = self._context.ids.follow(value)
        if isinstance(value, Unknown) and value.options:
            found = [self._context.ids.read(option) for option in value.options]
            levels = {None if one is None else ids.place(one).level for one in found}
            return found[0] if len(levels) == 1 else None
        return self._context.ids.read(value)


class _NotKnown:
    """Stands for a value that is not known in decoded JSON; it is of no type that JSON has."""

    def __init__(self, _value: Value) -> None:
        pass


def _is_sure(value: Value) -> bool:
    return not isinstance(value, Unknown | Object | list) and value is not None
