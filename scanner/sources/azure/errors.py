"""What can go wrong while collecting, and how it is told."""

from __future__ import annotations

from scanner.errors import UserError


class SourceError(UserError):
    """Collecting cannot go on: what happened, where, and what to do. Never holds a token or secret."""

    def __init__(self, what: str, *, where: str, todo: str) -> None:
        super().__init__(f"{what} ({where}): {todo}")
        self.what = what
        self.where = where
        self.todo = todo


class ReadOnlyViolation(Exception):  # noqa: N818 - the name says what happened
    """Code tried to send a request that is not on the list of reads. A fault of Midas itself, never sent."""


class ForeignHostError(Exception):
    """An answer pointed the next request at a host that is not the service asked: not followed, no token sent."""


class TokenRejectedError(Exception):
    """No token that the service accepts can be had any more, or (``never``) could be had at all for this service."""

    def __init__(self, why: str, *, never: bool = False) -> None:
        super().__init__(why)
        self.why = why
        self.never = never


class StoppedError(Exception):
    """The scan was told to stop while this request waited for its turn."""


class ServiceRefusalError(Exception):
    """A service answered with an error after all repetitions: its status, its error code and the codes inside."""

    def __init__(self, status: int, codes: tuple[str, ...]) -> None:
        super().__init__(f"{status} {codes[0] if codes else 'without an error code'}")
        self.status = status
        self.codes = codes

    @property
    def code(self) -> str:
        """The outermost error code; empty when there is none."""
        return self.codes[0] if self.codes else ""

    def says(self, code: str) -> bool:
        """Whether the error is of this code, at any depth, compared without case."""
        return code.lower() in (own.lower() for own in self.codes)


class BrokenAnswerError(Exception):
    """An answer that is not what the service documents: not JSON, not an object, a list that never ends."""
