"""Rows of user-assigned identities and their federated credentials."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scanner.catalog.property_path import ABSENT, dig, member
from scanner.facts.schema import Kind
from scanner.sources.azure.principal_rows import PrincipalRows
from scanner.sources.azure.raw import UNREAD_EXPRESSION, Context, clean, guid_of, id_of, object_of, text_of
from scanner.sources.azure.tag_rows import add_tags

_CREDENTIALS = "/federatedidentitycredentials/"


class IdentityRows:
    """Makes identities, and knows them by client id and object id."""

    def __init__(self, context: Context, principals: PrincipalRows) -> None:
        self._context = context
        self._principals = principals
        self._by_client: dict[str, int] = {}
        self._by_object: dict[str, int] = {}

    def add(self, row: Mapping[str, Any]) -> None:
        """Add a user-assigned identity."""
        identity_id = id_of(row)
        if identity_id is None:
            self._context.malformed(row, "It has no id", "identities")
            return
        properties = object_of(row, "properties")
        client, principal = guid_of(properties, "clientId"), guid_of(properties, "principalId")
        if client is None or principal is None:
            missing = "client id" if client is None else "principal id"
            # Without them its assignments and its nested attachments cannot be told to be its own.
            self._context.malformed(
                row, f"It has no {missing}", "identities", "attachments" if client is None else "assignments"
            )
        name = text_of(row, "name")
        key = self._context.builder.entity(Kind.IDENTITY, identity_id, name=name)
        self._context.builder.add(
            "identities",
            identity=key,
            user_assigned=True,
            principal=self._principals.of_identity(principal, name),
            resource=None,
            client_id=client,
            location=text_of(row, "location"),
            isolation=text_of(properties, "isolationScope"),
        )
        self.know(key, client, principal)
        add_tags(self._context, row, key)

    def know(self, identity: int, client_id: str | None, object_id: str | None) -> None:
        """Remember by which ids an identity can be named."""
        if client_id is not None:
            self._by_client.setdefault(client_id, identity)
        if object_id is not None:
            self._by_object.setdefault(object_id, identity)

    def named(self, kind: str, value: str) -> int | None:
        """Return the identity with a client id, an object id, or (any other kind) either; None for a stranger."""
        if kind == "client_id":
            return self._by_client.get(value)
        if kind == "object_id":
            return self._by_object.get(value)
        return self._by_client.get(value, self._by_object.get(value))

    def add_credential(self, row: Mapping[str, Any]) -> None:
        """Add a federated credential."""
        context = self._context
        credential_id = id_of(row)
        cut = -1 if credential_id is None else credential_id.lower().rfind(_CREDENTIALS)
        if credential_id is None or cut < 0:
            context.malformed(row, "It has no id of a federated credential", "federated_credentials")
            return
        identity_id = credential_id[:cut]
        properties = object_of(row, "properties")
        issuer = text_of(properties, "issuer")
        audiences = member(properties, "audiences")
        if issuer is None or not isinstance(audiences, list):
            context.malformed(
                row, "It has no issuer or no audiences", "federated_credentials", scope_id=identity_id
            )
            return
        expression = dig(properties, "claimsMatchingExpression.value")
        subject = text_of(properties, "subject")
        unread = member(row, UNREAD_EXPRESSION)
        if unread is not ABSENT:
            context.builder.gap(
                "federated_credentials",
                credential_id,
                "unsupported",
                f"It has no subject, and the version of the API that shows expressions answers {unread}.",
            )
        elif subject is None and not isinstance(expression, str):
            context.malformed(row, "It has neither a subject nor an expression", "federated_credentials")
        context.builder.add(
            "federated_credentials",
            credential=context.builder.entity(Kind.CREDENTIAL, credential_id, name=text_of(row, "name")),
            identity=context.builder.entity(Kind.IDENTITY, identity_id),
            issuer=issuer,
            subject=subject,
            audience=", ".join(clean(audience) for audience in audiences if isinstance(audience, str)),
            expression=clean(expression) if isinstance(expression, str) and expression.strip() else None,
        )
