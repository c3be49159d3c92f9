"""What Resource Graph does not hold of authorization: denials, Privileged Identity Management, classic administrators.

One list for each subscription, which covers everything in it, and one for each management group.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from scanner.sources.azure.answer import SINK, Sink
from scanner.sources.azure.errors import ServiceRefusalError
from scanner.sources.azure.gather import Read

if TYPE_CHECKING:
    from scanner.sources.azure.needs import Needs
    from scanner.sources.azure.transport import Transport

PIM = "Privileged Identity Management"
DENIALS = "the list of deny assignments"
CLASSIC = "the list of classic administrators"
_UNLICENSED = "AadPremiumLicenseRequired"
# The client wants a subscription even where the scope names a management group, and puts it nowhere then.
_NO_SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"


class AuthorizationReader:
    """Plans the reads. The licence belongs to the tenant: once one answer says it is missing, none is asked again."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._unlicensed = False

    def reads(self, needs: Needs, subscriptions: Sequence[str], groups: Iterable[str]) -> list[Read]:
        """Return the reads for subscriptions (GUIDs) and management groups (resource ids)."""
        found: list[Read] = []
        places = [(subscription, f"/subscriptions/{subscription}", "") for subscription in subscriptions]
        # A list at a management group does not reach into its subscriptions; without the filter it is the same
        # rows, and with it those above as well, which the groups above give themselves.
        places += [(_NO_SUBSCRIPTION, group, "atScope()") for group in sorted(groups)]
        for subscription, scope, only in places:
            if needs.any_of("deny_assignments"):
                found.append(self._denials(subscription, scope, only))
            if needs.any_of("assignments"):
                found += self._schedules(subscription, scope, only)
        return found

    def denials(self, subscriptions: Iterable[str]) -> list[Read]:
        """Return the reads of the deny assignments of subscriptions (GUIDs)."""
        return [
            self._denials(subscription, f"/subscriptions/{subscription}", "")
            for subscription in subscriptions
        ]

    def classic(self, subscriptions: Iterable[str]) -> list[Read]:
        """Return the reads of classic administrators, for where Resource Graph does not have them."""
        return [
            Read(
                name=f"classic administrators | {subscription}",
                service=CLASSIC,
                ask=lambda subscription=subscription: _listed(  # type: ignore[misc]
                    self._transport.authorization(subscription, "classic").classic_administrators.list
                ),
                gaps=(("classic_administrators", f"/subscriptions/{subscription}"),),
            )
            for subscription in subscriptions
        ]

    def _denials(self, subscription: str, scope: str, only: str) -> Read:
        def ask() -> list[Any]:
            operations = self._transport.authorization(subscription, "deny").deny_assignments
            return _listed(operations.list_for_scope, scope=scope, filter=only or None)

        return Read(
            name=f"deny assignments | {scope}", service=DENIALS, ask=ask, gaps=(("deny_assignments", scope),)
        )

    def _schedules(self, subscription: str, scope: str, only: str) -> list[Read]:
        def active() -> list[Any]:
            client = self._transport.authorization(subscription, "active")
            return _listed(
                client.role_assignment_schedule_instances.list_for_scope, scope=scope, filter=only or None
            )

        def eligible() -> list[Any]:
            client = self._transport.authorization(subscription, "eligible")
            return _listed(
                client.role_eligibility_schedule_instances.list_for_scope, scope=scope, filter=only or None
            )

        # Resource Graph lists what holds now, however it came about, so that without the first list nothing is
        # missing. Without the second, `grants` lacks what could be activated. It is people who could: Azure lets no
        # service principal be eligible, and verdicts on workloads do not depend on it.
        return [
            Read(name=f"active | {scope}", service=PIM, ask=self._licensed(active), gaps=()),
            Read(
                name=f"eligible | {scope}",
                service=PIM,
                ask=self._licensed(eligible),
                gaps=(("grants", scope),),
            ),
        ]

    def _licensed(self, ask: Callable[[], list[Any]]) -> Callable[[], list[Any]]:
        def guarded() -> list[Any]:
            if self._unlicensed:
                raise ServiceRefusalError(400, (_UNLICENSED,))
            try:
                return ask()
            except ServiceRefusalError as error:
                if error.says(_UNLICENSED):
                    self._unlicensed = True
                raise

        return guarded


def _listed(operation: Callable[..., Iterable[Any]], **arguments: Any) -> list[Any]:
    """Follow an SDK list to its end and return the raw rows of its pages."""
    sink = Sink()
    for _ in operation(**arguments, **{SINK: sink}):
        pass
    return sink.rows()
