"""Signing in, as users of azure-identity expect, and one token for all threads and clients of a scan."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from scanner.sources.azure.errors import SourceError, TokenRejectedError
from scanner.sources.azure.request import AuthSettings

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

    from scanner.sources.azure.cloud import Cloud

REFRESH_BEFORE = 300
"""Seconds before its end at which a token is replaced."""

_TODO = {
    "default": "run `az login`, or set AZURE_CLIENT_ID, AZURE_TENANT_ID and a secret or certificate, or run where "
    "a managed identity is attached; --auth names one method",
    "managed-identity": "run on an Azure host with a managed identity; with several, name one by --client-id or "
    "--identity-resource-id",
    "workload-identity": "check that the pod has AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_FEDERATED_TOKEN_FILE: its "
    "service account needs the label azure.workload.identity/use",
    "azure-cli": "run `az login` (with --tenant ID for a certain tenant)",
    "environment": "set AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_CLIENT_SECRET or AZURE_CLIENT_CERTIFICATE_PATH",
}
_WRONG_TENANT = frozenset(
    ["AADSTS90002", "AADSTS50020", "AADSTS700016", "AADSTS500011", "AADSTS90072", "AADSTS50034"]
)


def credential(auth: AuthSettings, cloud: Cloud) -> TokenCredential:
    """Make the credential that the settings name. Nothing is sent yet.

    Raises :class:`SourceError` for settings that contradict each other or that azure-identity refuses.
    """
    from azure import identity

    options: dict[str, Any] = {"authority": cloud.authority}
    if auth.tenant_id is not None:
        options["additionally_allowed_tenants"] = [auth.tenant_id]
    if auth.client_id and auth.identity_resource_id:
        raise SourceError(
            "--client-id and --identity-resource-id name one identity twice",
            where="sign-in",
            todo="give one of them",
        )
    if auth.identity_resource_id and auth.method != "managed-identity":
        raise SourceError(
            f"--identity-resource-id does not go with --auth {auth.method}",
            where="sign-in",
            todo="use --auth managed-identity",
        )
    try:
        if auth.method == "managed-identity":
            if auth.identity_resource_id:
                return identity.ManagedIdentityCredential(
                    identity_config={"resource_id": auth.identity_resource_id}
                )
            return identity.ManagedIdentityCredential(**_present(client_id=auth.client_id))
        if auth.method == "workload-identity":
            return identity.WorkloadIdentityCredential(
                **_present(tenant_id=auth.tenant_id, client_id=auth.client_id), **options
            )
        if auth.method == "azure-cli":
            options.pop("authority")
            return identity.AzureCliCredential(**_present(tenant_id=auth.tenant_id), **options)
        if auth.method == "environment":
            return identity.EnvironmentCredential(**options)
        return identity.DefaultAzureCredential(
            **_present(managed_identity_client_id=auth.client_id, workload_identity_tenant_id=auth.tenant_id),
            **options,
        )
    except ValueError as error:
        raise SourceError(
            f"the settings of --auth {auth.method} are not complete or not valid",
            where="sign-in",
            todo=_TODO[auth.method],
        ) from error


def _present(**values: str | None) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value}


class Token(msgspec.Struct, frozen=True):
    """An access token. Its text is in no ``repr``, so that it cannot slip into a log."""

    text: str
    expires_on: int

    def __repr__(self) -> str:
        return f"Token(expires_on={self.expires_on})"


class Tokens:
    """The tokens of one scan, one for each scope, asked for once whatever the number of threads.

    Some credentials start a program for each token, so they must not be asked by every client of every thread.
    """

    def __init__(
        self, make: Callable[[], TokenCredential], auth: AuthSettings, *, now: Callable[[], float] = time.time
    ) -> None:
        self._make = make
        self._auth = auth
        self._now = now
        self._credential: TokenCredential | None = None
        self._held: dict[str, Token] = {}
        self._renewed: set[str] = set()
        self._ended: dict[str, TokenRejectedError] = {}
        self._lock = threading.Lock()

    def get(self, scope: str) -> Token:
        """Return a valid token; raises :class:`SourceError` if none was ever got, else :class:`TokenRejectedError`."""
        with self._lock:
            if scope in self._ended:
                raise self._ended[scope]
            token = self._held.get(scope)
            if token is None or token.expires_on - self._now() < REFRESH_BEFORE:
                token = self._ask(scope, None)
            return token

    def replace(self, scope: str, rejected: Token, claims: str | None) -> Token:
        """Return another token than the one the service refused, from a credential made anew.

        A new credential, because the old one has the refused token in its cache. Raises :class:`TokenRejectedError`
        when the refused token is already a replacement, or no other can be got.
        """
        with self._lock:
            held = self._held.get(scope)
            if held is not None and held != rejected:
                return held
            if rejected.text in self._renewed:
                raise self._end(scope, "a newly requested token is refused as well")
            self._credential = None
            token = self._ask(scope, claims)
            if token.text == rejected.text:
                raise self._end(scope, "no newer token can be had")
            self._renewed.add(token.text)
            return token

    def _ask(self, scope: str, claims: str | None) -> Token:
        from azure.core.exceptions import ClientAuthenticationError
        from azure.identity import CredentialUnavailableError

        options: dict[str, Any] = {}
        if claims:
            options["claims"] = claims
        if self._auth.tenant_id:
            options["tenant_id"] = self._auth.tenant_id
        try:
            if self._credential is None:
                self._credential = self._make()
            got = self._credential.get_token(scope, **options)
        except CredentialUnavailableError as error:
            raise self._failure(scope, "no Azure login was found") from error
        except ClientAuthenticationError as error:
            codes = re.findall(r"AADSTS\d+", str(error))
            what = f"the sign-in was refused ({codes[0]})" if codes else "the sign-in was refused"
            if not codes and self._auth.method == "default":
                # The chain of methods says it like this when none of them is set up.
                what = "no Azure login was found"
            raise self._failure(scope, what, wrong_tenant=bool(_WRONG_TENANT & set(codes))) from error
        except ValueError as error:
            raise self._failure(scope, "the credential cannot be used as configured") from error
        token = Token(str(got.token), int(got.expires_on))
        self._held[scope] = token
        return token

    def _end(self, scope: str, why: str) -> TokenRejectedError:
        """Give up on a scope: whoever asks for its token again is told at once."""
        self._ended[scope] = TokenRejectedError(why, never=scope not in self._held)
        return self._ended[scope]

    def _failure(
        self, scope: str, what: str, *, wrong_tenant: bool = False
    ) -> SourceError | TokenRejectedError:
        if self._held:
            return self._end(scope, what)
        todo = _TODO[self._auth.method]
        if wrong_tenant:
            todo = "the account or application is not known in this tenant: name the right one, or " + todo
        return SourceError(what, where=f"sign-in, --auth {self._auth.method}", todo=todo)
