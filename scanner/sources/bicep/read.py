"""A Bicep file or parameter file, as its bytes, to what is written in it.

Nothing raises: what cannot be read is a gap with its place and what was expected there, and everything before and
after it is kept. Offsets are in bytes of the file, its byte order mark included. The language is that of the compiler's
own grammar of August 2026 (``src/Bicep.Core/Parsing`` of github.com/Azure/bicep), its experimental statements included.
"""

from __future__ import annotations

from scanner.sources.bicep.parameters import ParameterReader
from scanner.sources.bicep.template import TemplateReader
from scanner.sources.bicep.tokens import Tokens, tokenize
from scanner.sources.template.model import ParameterFile, Template

MAX_BYTES = 8 * 1024 * 1024
"""Twice what Azure accepts as a template; the largest real file has 0.12 MB."""

_BOM = b"\xef\xbb\xbf"
_OTHER_BOMS = (b"\xff\xfe", b"\xfe\xff")


def read_template(uri: str, data: bytes) -> Template:
    """Read a Bicep file. ``uri`` is its path in the repository, for the places of gaps."""
    reader = TemplateReader(uri, _tokens(data))
    reader.read()
    return reader.template


def read_parameter_file(uri: str, data: bytes) -> ParameterFile:
    """Read a ``.bicepparam`` file."""
    reader = ParameterReader(uri, _tokens(data))
    reader.read()
    return reader.file


def _tokens(data: bytes) -> Tokens:
    if len(data) > MAX_BYTES:
        sentence = f"The file has more than {MAX_BYTES // 1024 // 1024} MB."
        return _nothing(data, "skipped", sentence)
    if data.startswith(_OTHER_BOMS) or b"\0" in data:
        return _nothing(data, "malformed", "The file is not text in UTF-8.")
    return tokenize(data.decode("latin-1"), len(_BOM) if data.startswith(_BOM) else 0)


def _nothing(data: bytes, reason: str, sentence: str) -> Tokens:
    tokens = tokenize("")
    tokens.unread = (0, len(data), reason, sentence)
    return tokens
