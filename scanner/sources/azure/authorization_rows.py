"""Rows of roles, role assignments, deny assignments, PIM schedule instances and classic administrators."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from scanner.catalog.permissions import PermissionEntry, patterns, read_permissions
from scanner.catalog.property_path import member
from scanner.catalog.roles import builtin_roles
from scanner.facts import ids
from scanner.facts.schema import Kind
from scanner.sources.azure.principal_rows import PrincipalRows
from scanner.sources.azure.raw import Context, clean, guid_of, id_of, is_guid, object_of, text_of

_ROLE_ID = "/providers/Microsoft.Authorization/roleDefinitions/"
_EVERYBODY = "00000000-0000-0000-0000-000000000000"


class AuthorizationRows:
    """Makes roles, assignments and denials."""

    def __init__(self, context: Context, principals: PrincipalRows) -> None:
        self._context = context
        self._principals = principals
        self._roles: dict[str, int] = {}
        self._scopes: dict[str, tuple[int, int]] = {}
        self._schedules: list[tuple[Mapping[str, Any], bool]] = []

    # ---- roles

    def add_role(self, row: Mapping[str, Any]) -> None:
        """Add a role definition. The same one is given once for each scope at times; its GUID tells."""
        role_id = id_of(row)
        if role_id is None:
            self._context.malformed(row, "It has no id", "roles", "permissions")
            return
        guid = ids.last_segment(role_id)
        if guid in self._roles:
            return
        properties = object_of(row, "properties")
        kind = (text_of(properties, "type") or "").lower()
        custom = kind == "customrole" or (kind != "builtinrole" and guid not in builtin_roles())
        entries = read_permissions(member(properties, "permissions") if properties else None)
        problems = [problem for entry in entries for problem in entry.problems]
        if problems:
            self._context.malformed(row, "Its " + "; ".join(problems[:3]), "roles", "permissions")
        name = text_of(properties, "roleName")
        self._role(role_id, guid, name, entries, custom=custom, readable=not problems)

    def _role(
        self,
        role_id: str,
        guid: str,
        name: str | None,
        entries: tuple[PermissionEntry, ...],
        *,
        custom: bool,
        readable: bool,
    ) -> int:
        builder = self._context.builder
        key = builder.entity(Kind.ROLE, role_id, name=name)
        self._roles[guid] = key
        builder.add("roles", role=key, guid=guid, custom=custom, readable=readable)
        for number, part, pattern, condition in _patterns(entries):
            builder.add(
                "permissions", role=key, entry=number, part=part, pattern=pattern, condition=condition
            )
        return key

    def role(self, role_id: str) -> int:
        """Return the key of a role that an assignment names; made from the catalogue when no row told of it."""
        guid = ids.last_segment(role_id)
        key = self._roles.get(guid)
        if key is not None:
            return key
        shipped = builtin_roles().get(guid)
        if shipped is not None:
            return self._role(
                _ROLE_ID + guid, guid, shipped.name, shipped.permissions, custom=False, readable=True
            )
        for table in self._context.needs.feeds("roles", "permissions"):
            self._context.builder.gap(
                table,
                role_id,
                "refused",
                "A role assignment names this role definition, which was not shown.",
            )
        return self._role(role_id, guid, None, (), custom=True, readable=False)

    def unknown_roles(self, rows: Iterable[Any]) -> set[str]:
        """Return the GUIDs of the roles that assignments name and that neither a row nor the catalogue told of."""
        named = (text_of(object_of(row, "properties"), "roleDefinitionId") for row in rows)
        guids = {ids.last_segment(role_id) for role_id in named if role_id is not None}
        return {
            guid for guid in guids if is_guid(guid) and not (guid in self._roles or guid in builtin_roles())
        }

    # ---- assignments

    def add_assignment(self, row: Mapping[str, Any]) -> None:
        """Add a role assignment that holds now."""
        self._assignment(row, id_of(row), eligible=False)

    def _assignment(self, row: Mapping[str, Any], assignment_id: str | None, *, eligible: bool) -> None:
        properties = object_of(row, "properties")
        principal, role_id = guid_of(properties, "principalId"), text_of(properties, "roleDefinitionId")
        scope_id = text_of(properties, "scope")
        if scope_id is None and assignment_id is not None:
            scope_id = ids.scope_of(assignment_id)
        missing = [
            what
            for what, value in (
                ("id", assignment_id),
                ("principal", principal),
                ("role", role_id),
                ("scope", scope_id),
            )
            if value is None
        ]
        if assignment_id is None or principal is None or role_id is None or scope_id is None:
            self._context.malformed(row, f"It has no {' and no '.join(missing)}", "assignments")
            return
        builder = self._context.builder
        key = self._principals.named(principal, text_of(properties, "principalType"))
        scope, level = self._scope(scope_id)
        builder.add(
            "assignments",
            assignment=builder.entity(Kind.ASSIGNMENT, assignment_id, name=text_of(row, "name")),
            principal=key,
            role=self.role(role_id),
            scope=scope,
            level=level,
            eligible=eligible,
            workload=self._principals.kind(key) == "ServicePrincipal",
            condition=text_of(properties, "condition"),
        )

    def _scope(self, scope_id: str) -> tuple[int, int]:
        """Return the key and level of a scope; remembered, for many assignments share few scopes."""
        found = self._scopes.get(scope_id)
        if found is None:
            found = self._context.builder.scope(scope_id), int(ids.place(scope_id).level)
            self._scopes[scope_id] = found
        return found

    def add_schedule(self, row: Mapping[str, Any], *, eligible: bool) -> None:
        """Keep a PIM schedule instance until all assignments are read."""
        self._schedules.append((row, eligible))

    # ---- denials

    def add_denial(self, row: Mapping[str, Any]) -> None:
        """Add a deny assignment. One with a condition may not deny at all and is not counted."""
        context = self._context
        denial_id = id_of(row)
        properties = object_of(row, "properties")
        if text_of(properties, "condition") is not None:
            return
        scope_id = text_of(properties, "scope") or (None if denial_id is None else ids.scope_of(denial_id))
        entries = read_permissions(member(properties, "permissions") if properties else None)
        whom = list(_principal_ids(member(properties, "principals")))
        spared = list(_principal_ids(member(properties, "excludePrincipals"), absent=True))
        problems = [problem for entry in entries for problem in entry.problems]
        if denial_id is None or scope_id is None or not whom or None in whom or None in spared or problems:
            context.malformed(
                row,
                "Its id, scope, principals or permissions cannot be read",
                "deny_assignments",
                scope_id=scope_id,
            )
            return
        key = context.builder.entity(Kind.DENIAL, denial_id, name=text_of(properties, "denyAssignmentName"))
        scope = context.builder.scope(scope_id)
        below = member(properties, "doNotApplyToChildScopes") is not True
        for object_id, excluded in [*((one, False) for one in whom), *((one, True) for one in spared)]:
            everybody = object_id == _EVERYBODY
            principal = None if everybody else self._principals.named(str(object_id), None)
            for number, part, pattern, _ in _patterns(entries):
                context.builder.add(
                    "deny_assignments",
                    denial=key,
                    scope=scope,
                    below=below,
                    principal=principal,
                    excluded=excluded,
                    entry=number,
                    part=part,
                    pattern=pattern,
                )

    # ---- classic administrators

    def add_classic(self, row: Mapping[str, Any]) -> None:
        """Add a classic administrator."""
        builder = self._context.builder
        own_id = id_of(row)
        subscription = guid_of(row, "subscriptionId")
        where = f"/subscriptions/{subscription}" if subscription else None
        if where is None and own_id is not None:
            where = ids.place(own_id).subscription
        role = text_of(object_of(row, "properties"), "role")
        if own_id is None or where is None or role is None:
            self._context.malformed(row, "It has no id, subscription or role", "classic_administrators")
            return
        name = text_of(object_of(row, "properties"), "emailAddress")
        builder.add(
            "classic_administrators",
            administrator=builder.entity(Kind.ADMINISTRATOR, own_id, name=name),
            scope=builder.scope(where),
            type=role,
        )

    def complete(self) -> None:
        """Add the schedule instances that say something new.

        An activated or time-bound assignment is in the list of assignments too, under its own id.
        """
        if self._schedules:
            rows = self._context.builder.rows("assignments")
            held = {(row["principal"], row["role"], row["scope"], row["eligible"]) for row in rows}
            for row, eligible in self._schedules:
                self._complete_with(row, held, eligible=eligible)

    def settle(self) -> None:
        """Correct who is a workload: old assignments do not say what their principal is."""
        for row in self._context.builder.rows("assignments"):
            if not row["workload"] and self._principals.kind(row["principal"]) == "ServicePrincipal":
                row["workload"] = True

    def _complete_with(
        self, row: Mapping[str, Any], held: set[tuple[int, int, int, bool]], *, eligible: bool
    ) -> None:
        properties = object_of(row, "properties")
        principal, role_id = guid_of(properties, "principalId"), text_of(properties, "roleDefinitionId")
        scope_id = text_of(properties, "scope")
        if principal is not None and role_id is not None and scope_id is not None:
            key = self._principals.named(principal, text_of(properties, "principalType"))
            what = (key, self.role(role_id), self._context.builder.scope(scope_id), eligible)
            if what in held:
                return
            held.add(what)
        self._assignment(row, id_of(row), eligible=eligible)


def _patterns(entries: tuple[PermissionEntry, ...]) -> Iterator[tuple[int, str, str, str | None]]:
    for number, part, pattern, condition in patterns(entries):
        yield number, part, clean(pattern), None if condition is None else clean(condition)


def _principal_ids(value: Any, *, absent: bool = False) -> Iterator[str | None]:
    """Yield object ids of a list of principals, None for each that cannot be read."""
    if absent and not isinstance(value, list):
        value = [] if not isinstance(value, Mapping | str) else [None]
    for one in value if isinstance(value, list) else [None]:
        text = text_of(one, "id")
        if text is not None and text.strip() == _EVERYBODY:
            yield _EVERYBODY
        else:
            yield guid_of(one, "id")
