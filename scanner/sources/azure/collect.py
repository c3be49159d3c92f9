"""Collect a tenant: everything asked for, from Azure to facts.

Data flow: what there is to scan (scopes, types); then Resource Graph, the authorization provider and the
identity provider, all into the journal; then rows become facts; then the directory is asked about the
principals that were seen.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from scanner.sources.azure.errors import SourceError
from scanner.sources.azure.request import CollectRequest

if TYPE_CHECKING:
    from scanner.facts.store import FactStore
    from scanner.sources.azure.progress import Progress
    from scanner.sources.azure.throttle import Clock

__all__ = ["About", "CollectRequest", "SourceError", "about", "collect"]

ABOUT_NAME = "about.json"


class About(msgspec.Struct, frozen=True):
    """What a finished collection was of: the tenant's id, and the subscriptions that could be read."""

    tenant: str
    subscriptions: tuple[str, ...]


def about(work: Path) -> About:
    """Return what the collection that :func:`collect` finished in this work folder was of."""
    return msgspec.json.decode((work / ABOUT_NAME).read_bytes(), type=About)


def collect(request: CollectRequest, *, progress: Progress, clock: Clock | None = None) -> FactStore:
    """Read from Azure what the request asks for, and return it as facts with their gaps.

    Raises :class:`SourceError` when nothing at all can be read (no login, wrong tenant, no such subscription)
    or the work folder cannot be used. ``KeyboardInterrupt`` passes through; the journal stays usable. When the
    sign-in ends in the middle, the credential is asked once more; if that fails, all that was not yet read
    becomes gaps with the reason ``expired``.
    The log of all requests is ``requests.jsonl`` in the work folder. ``clock`` is for tests that do not want to wait.
    """
    from scanner.sources.azure.cloud import cloud_named
    from scanner.sources.azure.collection import Collection
    from scanner.sources.azure.credentials import Tokens, credential
    from scanner.sources.azure.journal import Journal, write_private
    from scanner.sources.azure.pools import Pools
    from scanner.sources.azure.request_log import RequestLog
    from scanner.sources.azure.throttle import SystemClock, Throttle
    from scanner.sources.azure.transport import WORKERS, Transport

    cloud = cloud_named(request.cloud)
    journal = Journal(request)
    clock = SystemClock() if clock is None else clock
    throttle = Throttle(clock, progress.waiting)
    tokens = Tokens(lambda: credential(request.auth, cloud), request.auth)
    pools = Pools.of(WORKERS)
    try:
        with Transport(cloud, tokens, clock, throttle, RequestLog(journal.folder)) as transport:
            try:
                store, told = Collection(request, transport, journal, pools, progress).run()
            except BaseException:
                # Interrupted or failed: nobody wants the answers that are under way.
                clock.stop()
                transport.hang_up()
                raise
            finally:
                # Before the transport closes: wake the sleepers, drop what has not begun.
                clock.stop()
                pools.end()
    finally:
        progress.done()
    write_private(journal.folder / ABOUT_NAME, msgspec.json.encode(told))
    return store
