"""What a person can do something about."""

from __future__ import annotations


class UserError(Exception):
    """Something outside of Midas is not as it must be; the message says what, where, and what to do, in one line.

    The command line prints that line and exits with 2; any other error is a fault of Midas itself.
    """
