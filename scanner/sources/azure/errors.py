"""What can go wrong while collecting, and how it is told."""

from __future__ import annotations


class SourceError(Exception):
    """Collecting cannot go on: what happened, where, and what to do. Never holds a token or secret."""

    def __init__(self, what: str, *, where: str, todo: str) -> None:
        super().__init__(f"{what} ({where}): {todo}")
        self.what = what
        self.where = where
        self.todo = todo


class ReadOnlyViolation(Exception):
    """Code tried to send a request that is not on the list of reads. A fault of Midas itself, never sent."""


class ForeignHost(Exception):
    """An answer pointed the next request at a host that is not the service asked: not followed, no token sent."""


class TokenRejected(Exception):
    """The service refuses the token, and refused a newly requested one too; the rest of the scan cannot be read."""

    def __init__(self, code: str) -> None:
        super().__init__(f"the token is refused: {code}")
        self.code = code


class Stopped(Exception):
    """The scan was told to stop while this request waited for its turn."""
