"""What string tokens stand for: escapes, verbatim text, UTF-8."""

from __future__ import annotations

import re

_ESCAPE = re.compile(r"\\(?:u\{([0-9A-Fa-f]{1,8})\}|(.))", re.DOTALL)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", "'": "'", "$": "$"}
_LAST_CODE_POINT = 0x10FFFF
_SURROGATE = re.compile("[\ud800-\udfff]")


def decode(content: str) -> str:
    """Return Latin-1 text as the UTF-8 it is; bytes that are not UTF-8 become the replacement character."""
    return content if content.isascii() else content.encode("latin-1").decode("utf-8", "replace")


def unescape(content: str) -> tuple[str, int]:
    """Return what stands between quotes, and the offset in it of the first escape that Bicep does not know, or -1.

    Such an escape is kept as it is written.
    """
    if "\\" not in content:
        return decode(content), -1
    wrong = next((match.start() for match in _ESCAPE.finditer(content) if _character(match) is None), -1)
    # UTF-8 first: an escape may stand for any character, and most have no place in Latin-1.
    found = _ESCAPE.sub(lambda match: _character(match) or match[0], decode(content))
    if _SURROGATE.search(found):  # a character may be written as the two halves it has in UTF-16
        found = found.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return found, wrong


def _character(match: re.Match[str]) -> str | None:
    digits, character = match.groups()
    if not digits:
        return _ESCAPED.get(character)
    point = int(digits, 16)
    return chr(point) if point <= _LAST_CODE_POINT else None


def without_first_line_end(content: str) -> str:
    """Return verbatim text as it counts: a line end directly behind the opening quotes does not."""
    if content.startswith("\r\n"):
        return content[2:]
    return content[1:] if content.startswith("\n") else content
