"""JSON as Azure accepts it, with the place of everything, also when it is broken.

Azure Resource Manager takes comments, strings over several lines and a byte-order mark; people write trailing commas.
The result is in the classes of ``template.model``, so that a template needs no second tree: an object is an
:class:`ObjectLiteral`, and a string that ``expression`` recognises becomes what it says.

One regular expression reads a whole member (name, colon, scalar or opening bracket): about 6 MB/s with all nodes made.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from json import JSONDecoder

import msgspec

from scanner.sources.declared.declaration import Place, SourceGap
from scanner.sources.declared.source_text import BOM
from scanner.sources.template.model import Array, Constant, Entry, Expression, ObjectLiteral

ReadString = Callable[[str, int, int], Expression]
"""Makes an expression of a string and the offsets of its quotes; :func:`literal` for JSON that is only data."""

MOST_DEPTH = 100
"""Compiled templates nest about 60 deep (modules in modules); what is deeper is not read."""
MOST_BYTES = 10_000_000
"""Azure takes templates up to 4 MB; of what is larger a tree would take gigabytes and minutes."""
_MOST_ERRORS = 100
_MOST_GAPS = 20

_SPACE = rb"(?:[\s,]++|\xc2\xa0|\xef\xbb\xbf|//[^\r\n]*+|/\*[\s\S]*?(?:\*/|\Z))*"
_BESIDE_COLON = _SPACE.replace(b"[\\s,]", b"\\s")
_STRING = rb'"([^"\\]*+(?:\\.[^"\\]*+)*)"'
_VALUE = rb"(?:" + _STRING + rb"|([{\[])|(-?\d[\d.eE+-]*+)|(true|false|null)\b)"
_MEMBER = re.compile(
    _SPACE + rb"(?:" + _STRING + _BESIDE_COLON + rb":" + _BESIDE_COLON + _VALUE + rb"|([}\]]))", re.DOTALL
).match
_ITEM = re.compile(
    _SPACE + rb"(?:" + _VALUE.replace(b"(?:", b"(?:()(?!)|", 1) + rb"|([}\]]))", re.DOTALL
).match
# Both have the same groups: 1 name, 2 string, 3 opening bracket, 4 number, 5 literal, 6 closing bracket.
_SPACES = re.compile(_SPACE, re.DOTALL).match
_AFTER_STRING = re.compile(_SPACE + rb"(?:[:}\]\"]|\Z)", re.DOTALL).match
_SKIPPED = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*"|//[^\r\n]*+|/\*[\s\S]*?(?:\*/|\Z)|[{}\[\]]', re.DOTALL)
_GARBAGE = re.compile(rb'"[^"\\\r\n]*+(?:\\.[^"\\\r\n]*+)*"?|[^\s"{}\[\],]++|.', re.DOTALL).match
_LITERALS = {b"true": True, b"false": False, b"null": None}
_BAD_ESCAPE = re.compile(r'\\(?:u[0-9a-fA-F]{4}|["\\/bfnrt])|\\(.?)', re.DOTALL)


class Read(msgspec.Struct):
    """What was read of one file."""

    root: ObjectLiteral | None
    """None when it does not begin as an object."""
    gaps: list[SourceGap] = []
    copies: list[ObjectLiteral] = []
    """Objects that have a member called ``copy``: in a template these are loops."""


def literal(text: str, start: int, end: int) -> Expression:
    """Take a string for what it is."""
    return Constant(text, start, end)


def read_json(uri: str, data: bytes, string: ReadString = literal) -> Read:
    """Read a file. Never raises; what is broken is left out and told as a gap with its place.

    A file of more than :data:`MOST_BYTES` is read as an empty object with a gap. ``string`` makes an expression of each
    string value; for a name only where it begins with a bracket.
    """
    return _Reader(uri, data, string).read()


class _Reader:
    def __init__(self, uri: str, data: bytes, string: ReadString) -> None:
        self._uri = uri
        self._data = data
        self._string = string
        self._names: dict[bytes, str | Expression] = {}
        self._out = Read(None)
        self._errors = 0
        self._told_to = -1

    def read(self) -> Read:
        data = self._data
        if len(data) > MOST_BYTES:
            detail = f"The file is larger than {MOST_BYTES // 1_000_000} MB."
            self._out.root = ObjectLiteral([], 0, len(data))
            self._out.gaps.append(SourceGap(Place(self._uri, 0, 1), "skipped", detail))
            return self._out
        head = _SPACES(data, len(BOM) if data.startswith(BOM) else 0)
        start = head.end() if head else 0
        if data[start : start + 1] != b"{":
            return self._out
        root = ObjectLiteral([], start, len(data))
        self._out.root = root
        self._read_into(root, start + 1)
        return self._out

    def _read_into(self, root: ObjectLiteral, position: int) -> None:
        """Read members and items until the root is closed, without recursion."""
        data, names, string = self._data, self._names, self._string
        open_: list[tuple[ObjectLiteral | Array, Entry | None]] = []
        box: ObjectLiteral | Array = root
        holder: Entry | None = None
        lost_name = ""
        while True:
            in_object = type(box) is ObjectLiteral
            match = _MEMBER(data, position) if in_object else _ITEM(data, position)
            if match is None:
                after, name = self._recover(position, open_, box, holder, in_object)
                if after < 0:
                    return
                if name is not None:
                    lost_name = name
                position = after
                if not (in_object and data[position : position + 1] in (b"{", b"[")):
                    continue
                # A bracket without a name before it: the name or the colon is broken, what is inside may be whole.
                start, end, kind, name_start = position, position + 1, 3, position
                named: str | Expression = lost_name
                lost_name = ""
            else:
                kind = match.lastindex or 0
                end = match.end()
                if kind == 6:
                    position = end
                    closes = "}" if in_object else "]"
                    if match[6] != closes.encode():
                        self._tell(end - 1, end, f"Expected {closes} here.")
                        # The bracket closes something further out: what is open inside it ends here too.
                        wanted = ObjectLiteral if match[6] == b"}" else Array
                        while open_ and type(box) is not wanted:
                            box.end = end - 1
                            if holder is not None:
                                holder.end = end - 1
                            box, holder = open_.pop()
                        if type(box) is not wanted:
                            continue
                    box.end = end
                    if holder is not None:
                        holder.end = end
                    if not open_:
                        return
                    box, holder = open_.pop()
                    continue
                start = match.start(kind)
                if in_object:
                    name_start = match.start(1) - 1
                    raw = match[1]
                    known = names.get(raw)
                    if known is None:
                        known = self._name(raw, name_start, match.end(1) + 1)
                    named = known
                else:
                    name_start, named = start, ""
            node: Expression
            if kind == 2 and match is not None:
                start -= 1
                raw = match[2]
                if b"\n" in raw and not _AFTER_STRING(data, end):
                    # Not a string over several lines but one whose closing quote is missing.
                    end = start + 1 + raw.index(b"\n")
                    self._tell(start, end, "A string is not closed.")
                    raw = data[start + 1 : end]
                node = string(_decode(raw), start, end)
            elif kind == 3:
                node = (
                    ObjectLiteral([], start, len(data)) if data[start] == 123 else Array([], start, len(data))
                )
            elif kind == 4 and match is not None:
                node = Constant(_number(match[4]), start, end)
            else:
                node = Constant(_LITERALS[match[5]] if match is not None else None, start, end)
            entry: Entry | None = None
            if type(box) is ObjectLiteral:
                entry = Entry(named, node, name_start, end)
                box.entries.append(entry)
                if named == "copy":
                    self._out.copies.append(box)
            elif type(box) is Array:
                box.items.append(node)
            position = end
            if kind == 3:
                if len(open_) >= MOST_DEPTH:
                    position = self._skip(node, entry)
                    continue
                open_.append((box, holder))
                box, holder = node, entry  # type: ignore[assignment]  # kind 3 made one of the two

    def _name(self, raw: bytes, start: int, end: int) -> str | Expression:
        text = _decode(raw)
        if text.startswith("["):
            made = self._string(text, start, end)
            # Not kept: the same name elsewhere has another place.
            return made.value if isinstance(made, Constant) and isinstance(made.value, str) else made
        self._names[raw] = text
        return text

    def _recover(
        self,
        position: int,
        open_: list[tuple[ObjectLiteral | Array, Entry | None]],
        box: ObjectLiteral | Array,
        holder: Entry | None,
        in_object: bool,
    ) -> tuple[int, str | None]:
        """Return where to go on, -1 for nowhere, and the text of a string that was passed over."""
        data = self._data
        spaces = _SPACES(data, position)
        at = spaces.end() if spaces else position
        self._errors += 1
        if at >= len(data) or self._errors > _MOST_ERRORS:
            if at >= len(data):
                detail = f"The file ends before {'}' if in_object else ']'} closes what is opened here."
                self._tell(box.start, box.start + 1, detail, always=True)
            else:
                self._tell(at, len(data), "There are too many mistakes: the rest is not read.", always=True)
            for each, entry in [*open_, (box, holder)]:
                each.end = min(each.end, at)
                if entry is not None:
                    entry.end = min(entry.end, at)
            return -1, None
        if in_object and data[at : at + 1] in (b"{", b"["):
            self._tell(at, at + 1, 'Expected "name": before this.')
            return at, None
        garbage = _GARBAGE(data, at)
        end = garbage.end() if garbage else at + 1
        expected = 'Expected "name": value here.' if in_object else "Expected a value here."
        self._tell(at, end, expected)
        if data[at : at + 1] == b'"':
            return end, _decode(data[at + 1 : end].rstrip(b'"'))
        return end, None

    def _tell(self, start: int, end: int, detail: str, *, always: bool = False) -> None:
        """Record a mistake; of those on one line only the first, it explains the others."""
        if (start < self._told_to or len(self._out.gaps) >= _MOST_GAPS) and not always:
            return
        line_end = self._data.find(b"\n", end)
        self._told_to = len(self._data) if line_end < 0 else line_end
        self._out.gaps.append(SourceGap(Place(self._uri, start, end), "malformed", detail))

    def _skip(self, node: Expression, entry: Entry | None) -> int:
        """Pass over an object or array that is too deep; returns where it ends."""
        depth = 1
        end = len(self._data)
        for match in _SKIPPED.finditer(self._data, node.start + 1):
            token = match[0]
            if token in (b"{", b"["):
                depth += 1
            elif token in (b"}", b"]"):
                depth -= 1
                if depth == 0:
                    end = match.end()
                    break
        node.end = end
        if entry is not None:
            entry.end = end
        detail = f"What is nested more than {MOST_DEPTH} deep is not read."
        if len(self._out.gaps) < _MOST_GAPS:
            self._out.gaps.append(SourceGap(Place(self._uri, node.start, end), "skipped", detail))
        return end


_DECODER = JSONDecoder(strict=False)


def _unescaped(text: str) -> str:
    """Return a string without its escapes; line breaks in it are taken as they are."""
    return str(_DECODER.decode(f'"{text}"'))


def _decode(raw: bytes) -> str:
    text = raw.decode("utf-8", "replace")
    if "\\" not in text:
        return text
    if text.endswith("\\") and not text.endswith("\\\\"):
        text += "\\"
    try:
        decoded = _unescaped(text)
    except ValueError:
        mended = _BAD_ESCAPE.sub(lambda match: match[0] if match[1] is None else "\\\\" + match[1], text)
        try:
            decoded = _unescaped(mended)
        except ValueError:
            return text
    # Half of a surrogate pair is no text that could be written anywhere.
    return decoded.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _number(raw: bytes) -> int | float | str:
    """Return a number; what is none (``1.2.3``), or is absurdly long, as its text."""
    try:
        if raw.lstrip(b"-").isdigit():
            return int(raw) if len(raw) < 30 else raw.decode()
        number = float(raw)
        return number if math.isfinite(number) else raw.decode()
    except ValueError:
        return raw.decode()
