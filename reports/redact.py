"""Take secrets out of a line of code before anything shows it.

What is masked: the values of ``AccountKey=...``, ``Password=...`` and their kin in connection strings and URLs; literal
texts that are given to something whose name says secret (``client_secret = "..."``, ``adminPassword: '...'``); tokens
of a known shape; and any long run of letters and digits that looks random. Expressions stay: ``${var.password}``,
``"[parameters('password')]"`` and a reference say where a secret comes from, not what it is. When in doubt it is
masked: a line that shows too little is a nuisance, one that shows a key is a leak.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

import msgspec

MASK = "***"
"""What stands in place of a secret, whatever its length."""

_KEYS = (
    "(?:account|access|api|admin|client|connection|encryption|function|host|instrumentation|license|master|primary"
    "|private|read|secondary|service|shared|shared[_-]?access|signing|storage|subscription|system|write)"
)
_SECRET_NAME = re.compile(
    rf"(?:passwords?|passwd|pwd|passphrases?|secrets?|credentials?|tokens?|sas|sas[_-]?url|signature|{_KEYS}[_-]?keys?"
    r"|conn(?:ection)?[_-]?str(?:ing)?s?|connectionstrings?|pat|pfx|pem|private[_-]?key)"
    r"(?:[_-]?(?:value|text|base64|data|wo|[0-9]))?$",
    re.IGNORECASE,
)
"""The end of a name that says secret; ``secret_name`` and ``key_permissions`` end in something else."""

_PAIR = re.compile(
    r"(?<![A-Za-z0-9])(?:AccountKey|SharedAccessKey|SharedAccessSignature|SharedSecret(?:Value)?|(?:Client|App)?[_-]?Secret"
    r"|Password|Passwd|Pwd|ApiKey|Api[_-]Key|AccessKey|Access[_-]Key|PrimaryKey|SecondaryKey|(?:Access|Refresh|Id)?[_-]?Token"
    r"|sig|sv_sig|code)=(?P<value>[^\s;&\"'<>`]+)",
    re.IGNORECASE,
)
"""``key=value`` without blanks, as in connection strings, queries of URLs and command lines."""

_NAMED = re.compile(
    r"(?<![\w.-])(?P<name>[A-Za-z_][\w.-]*)[\"']?\s*(?:\?\s*)?(?:string\??\s*)?[=:]\s*$", re.IGNORECASE
)
"""What stands before a literal that is given to a name; in Bicep a type may stand between them."""

_LITERAL = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.|'')*'")
_NAMED_ROOM = 400
"""Characters before a literal in which its name is looked for."""
_OPENS = re.compile(
    r"(?<![\w.-])(?P<name>[A-Za-z_][\w.-]*)[\"']?\s*(?:string\s*)?[=:]\s*(?:<<[-~]?\w+|(?P<text>\$*'''))",
    re.IGNORECASE,
)
_HOLE = re.compile(r"[$%]\{(?:[^{}]|\{[^{}]*\})*\}")
_REFERENCE = re.compile(r"(?:@Microsoft\.KeyVault\(|\[(?!\[).*\]$)", re.IGNORECASE | re.DOTALL)
_ADDRESS = re.compile(r"https?://[^@\s]*$", re.IGNORECASE)
"""An address without a user: what is secret in it is found as a pair, or because it looks random."""
_SAS_NAME = re.compile(r"sas|signature", re.IGNORECASE)
_PLAIN_NAME = re.compile(
    "apiversion|description|displayname|kind|location|name|ref|sku|secretname|secretref|source|tags|tier|type|version",
    re.IGNORECASE,
)
"""Names whose literal is no secret even where everything is suspect."""

_WORD = re.compile(r"(?:secret|passw|pwd|token|credential|key|connection|sas)", re.IGNORECASE)
_CARRIER = re.compile(r"(?:value|default|defaultvalue|content|data)$", re.IGNORECASE)

_SHAPES = re.compile(
    r"eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?"  # JSON Web Token
    r"|[\w~.-]{3}[0-9]Q~[\w~.-]{31,}"  # client secret of Microsoft Entra
    r"|gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{30,}|glpat-[\w-]{20,}|xox[abprs]-[\w-]{10,}|AKIA[0-9A-Z]{16}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*(?:-----END [A-Z ]*PRIVATE KEY-----)?"
)
_RUN = re.compile(r"[A-Za-z0-9+/_~.-]{20,}={0,2}")
_GUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_HEX = re.compile(r"[0-9a-f]{32,}", re.IGNORECASE)
_PART = re.compile(r"[^/.]+")
_CHANGES = 0.25
"""Share of neighbours of different kinds (upper, lower, digit): names have fewer, random texts about 0.45."""
_CHANGES_IN_LONG = 0.2
"""The same for 32 characters and more."""


class Redacted(msgspec.Struct, frozen=True):
    """A line without its secrets: what was masked, as (first, last + 1) characters of the line, in their order."""

    line: str
    masked: tuple[tuple[int, int], ...]

    @property
    def text(self) -> str:
        """The line with :data:`MASK` in place of each secret."""
        parts, at = [], 0
        for start, end in self.masked:
            parts += [self.line[at:start], MASK]
            at = end
        return "".join([*parts, self.line[at:]])


def redact(line: str, *, suspect: bool = False) -> Redacted:
    """Find the secrets of a line.

    ``suspect``: the line is known to hold one, so every literal text that is given to something is masked, names and
    types apart.
    """
    spans = sorted(
        [
            *((match.start(), match.end()) for match in _SHAPES.finditer(line)),
            *_pairs(line),
            *_literals(line, suspect=suspect),
            *_random(line),
        ]
    )
    merged: list[tuple[int, int]] = []
    for start, end in spans:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        elif end > start:
            merged.append((start, end))
    return Redacted(line, tuple(merged))


def says_secret(name: str) -> bool:
    """Whether a name says that what it holds is a secret."""
    return _SECRET_NAME.search(name) is not None


def opens_secret(line: str) -> bool:
    """Whether a secret begins on this line and goes on below: ``password = <<EOT`` or ``adminPassword: '''``."""
    match = _OPENS.search(line)
    closed = match is not None and match["text"] is not None and "'''" in line[match.end() :]
    return match is not None and not closed and says_secret(match["name"])


def carries_secret(line: str, around: list[str]) -> bool:
    """Whether a literal on this line belongs to a name on a neighbouring line that says secret.

    ``{ name: 'DB_PASSWORD'`` above ``value: '...'``, or ``variable "client_secret" {`` above ``default = "..."``.
    """
    for literal in _LITERAL.finditer(line):
        named = _NAMED.search(line[max(0, literal.start() - _NAMED_ROOM) : literal.start()])
        if named is not None and _CARRIER.search(named["name"]):
            return any(_WORD.search(other) for other in around)
    return False


def _pairs(line: str) -> Iterator[tuple[int, int]]:
    for match in _PAIR.finditer(line):
        start, end = match.span("value")
        yield from _between_holes(line, start, end)


def _literals(line: str, *, suspect: bool) -> Iterator[tuple[int, int]]:
    for literal in _LITERAL.finditer(line):
        start, end = literal.start() + 1, literal.end() - 1
        before = line[max(0, start - 1 - _NAMED_ROOM) : start - 1]
        named = _NAMED.search(before)
        if _REFERENCE.match(line[start:end]):
            continue
        if _ADDRESS.match(line[start:end]) and not (named and _SAS_NAME.search(named["name"])):
            continue
        if named is not None:
            name = named["name"]
            # What is put together around an expression is the form of a connection string; the secret comes from there.
            suspected = suspect and not _PLAIN_NAME.fullmatch(name) and not _HOLE.search(line, start, end)
            if says_secret(name) or suspected:
                yield from _between_holes(line, start, end)
        elif suspect and before.rstrip()[-1:] in ("", "=", "[", ":"):
            following = line[end + 1 :].lstrip()[:1]
            if following not in ("=", ":"):
                yield from _between_holes(line, start, end)


def _between_holes(line: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield what is literal between interpolations; single signs (quotes, brackets) are left."""
    at = start
    for hole in _HOLE.finditer(line, start, end):
        if hole.start() > at:
            yield at, hole.start()
        at = hole.end()
    if end > at:
        yield at, end


def _random(line: str) -> Iterator[tuple[int, int]]:
    for match in _RUN.finditer(line):
        run = _GUID.sub(lambda guid: "." * len(guid[0]), match[0])
        parts = [part.span() for part in _PART.finditer(run) if _is_random(part[0])]
        if not parts and run.endswith("=") and len(run) >= 24 and len(run) % 4 == 0 and "//" not in run:
            parts = [(0, len(run))]
        # A key in Base64 has slashes of its own and is masked whole; of an address only the random part.
        if parts and ("//" in run or run.startswith("/") or run.count("/") * 8 > len(run)):
            yield from ((match.start() + start, match.start() + end) for start, end in parts)
        elif parts:
            yield match.span()


def _is_random(part: str) -> bool:
    if len(part) < 20:
        return False
    hexadecimal = _HEX.search(part)
    if hexadecimal and any(c.isdigit() for c in hexadecimal[0]) and any(c.isalpha() for c in hexadecimal[0]):
        return True
    kinds = ["d" if c.isdigit() else "u" if c.isupper() else "l" if c.islower() else "" for c in part]
    # Words in camel case change from an upper letter to lower ones too, so that change says nothing.
    changes = sum(a != b and "" not in (a, b) and a + b != "ul" for a, b in pairwise(kinds))
    digits, upper, lower = kinds.count("d"), kinds.count("u"), kinds.count("l")
    mixed = (upper >= 2 and lower >= 2) or len(part) >= 40
    least = _CHANGES if len(part) < 32 else _CHANGES_IN_LONG
    return mixed and digits >= 2 and changes >= least * (len(part) - 1)
