"""``yamldecode``: YAML as people write it in settings beside Terraform.

Block and flow collections, quoted, plain and block scalars, comments. What is rare in settings and changes what other
parts mean (anchors, tags, merged keys, several documents, quoted text over several lines) is not determined rather than
guessed. Which plain words are no text is what Terraform's own reader says, which knows YAML 1.1's ``yes`` and ``off``:
https://github.com/zclconf/go-cty-yaml
"""

from __future__ import annotations

import json
import re

from scanner.sources.declared.values import Object, Property, Value
from scanner.sources.terraform.functions_text import known_text
from scanner.sources.terraform.symbolic import MOST_VALUE_DEPTH, Failed, Undetermined, number

_TRUE = frozenset(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"))
_FALSE = frozenset(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"))
_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_NUMBER = re.compile(r"[-+]?(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][-+]?\d+)?")
_OTHER_NUMBER = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)|-?0b[01_]+|\d{4}-\d{1,2}-\d{1,2}.*")
"""Dates and numbers that are rarely meant."""
_BLOCK_SCALAR = re.compile(r"([|>])([-+]?)([1-9]?)([-+]?)[ \t]*(?:#.*)?")
_COMMENT = re.compile(r"(?:^|[ \t])#.*")
_INDICATORS = "&*!%@`?|>"
"""What a value that is no plain text begins with, where it is no quote or bracket."""
_ESCAPES = {"0": "\0", "a": "\a", "e": "\x1b", " ": " ", "N": "\x85", "_": "\xa0", "v": "\v", "\t": "\t"}
"""Those of YAML that JSON does not have."""


def yamldecode(arguments: list[Value]) -> Value:
    """Return what a text of YAML says; raises :class:`Failed` for what is none."""
    return _Reader(known_text(arguments[0])).document()


class _Reader:
    """Reads one document line by line."""

    def __init__(self, text: str) -> None:
        self._lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
        self._at = 0
        self._depth = 0

    def document(self) -> Value:
        """Read the whole text."""
        first = self._ahead()
        if first is not None and self._lines[first].startswith("%"):
            raise Undetermined("its YAML has a directive")
        if first is not None and _is_mark(self._lines[first], "---"):
            rest = self._lines[first][3:]
            if _uncommented(rest):
                raise Undetermined("its YAML begins on the line of its mark")
            self._at = first + 1
        value = self._block(-1)
        left = self._ahead()
        if left is not None and _is_mark(self._lines[left], "..."):
            self._at = left + 1
            left = self._ahead()
        if left is not None:
            if _is_mark(self._lines[left], "---"):
                raise Undetermined("its YAML has several documents")
            raise Failed("its YAML cannot be read")
        return value

    # ---- lines

    def _ahead(self) -> int | None:
        """Return the number of the next line that says something, without going there."""
        for number_ in range(self._at, len(self._lines)):
            line = self._lines[number_].strip(" \t")
            if line and not line.startswith("#"):
                return number_
        return None

    def _next(self) -> tuple[int, str] | None:
        """Go to the next line that says something; return its indentation and its text."""
        found = self._ahead()
        if found is None:
            return None
        line = self._lines[found]
        if _is_mark(line, "---") or _is_mark(line, "..."):
            return None
        self._at = found
        content = line.lstrip(" ")
        if content.startswith("\t"):
            raise Failed("its YAML is indented with a tab")
        return len(line) - len(content), content.rstrip(" \t")

    # ---- blocks

    def _block(self, around: int) -> Value:
        """Read what is indented more than ``around``; null when nothing is."""
        found = self._next()
        if found is None or found[0] <= around:
            return None
        indent, content = found
        self._depth += 1
        if self._depth > MOST_VALUE_DEPTH:
            raise Failed("its YAML is nested too deeply")
        if _is_item(content):
            value: Value = self._sequence(indent)
        elif _key(content) is not None:
            value = self._mapping(indent)
        else:
            self._at += 1
            value = self._value(content, around)
        self._depth -= 1
        return value

    def _sequence(self, indent: int) -> Value:
        items: list[Value] = []
        while (found := self._next()) is not None and found[0] == indent and _is_item(found[1]):
            rest = found[1][1:].lstrip(" ")
            if _is_item(rest) or _key(rest) is not None:
                # A collection that begins on the line of its dash is indented as far as its first word.
                inner = indent + len(found[1]) - len(rest)
                self._lines[self._at] = " " * inner + rest
                items.append(self._block(inner - 1))
            else:
                self._at += 1
                items.append(self._value(rest, indent))
        return items

    def _mapping(self, indent: int) -> Value:
        properties: dict[str, Property] = {}
        while (found := self._next()) is not None and found[0] == indent:
            entry = _key(found[1])
            if entry is None:
                raise Failed("its YAML has a line without a key among those with one")
            name, rest = entry
            if name in properties:
                raise Failed(f"its YAML has {name} twice")
            self._at += 1
            ahead = None if _uncommented(rest) else self._next()
            if ahead is not None and ahead[0] == indent and _is_item(ahead[1]):
                properties[name] = Property(self._sequence(indent))
            else:
                properties[name] = Property(self._value(rest, indent))
        if found is not None and found[0] > indent:
            raise Failed("its YAML is indented in a way that means nothing")
        return Object(properties)

    def _value(self, written: str, around: int) -> Value:
        """Read what stands after a key or a dash, the lines that belong to it included."""
        scalar = _BLOCK_SCALAR.fullmatch(written)
        if scalar is not None:
            return self._scalar_block(scalar, around)
        if written[:1] in ("[", "{"):
            return self._flow(written)
        if written[:1] in ('"', "'"):
            value, end = _quoted(written, 0)
            if _uncommented(written[end:]):
                raise Failed("its YAML has something after a closing quote")
            return value
        if not _uncommented(written):
            return self._block(around)
        text = _plain(written)
        while (found := self._next()) is not None and found[0] > around:
            if self._at and not self._lines[self._at - 1].strip():
                raise Undetermined("its YAML has plain text with an empty line")
            if _key(found[1]) is not None:
                raise Failed("its YAML has a key within plain text")
            text += " " + _plain(found[1])
            self._at += 1
        return _resolved(text)

    def _scalar_block(self, header: re.Match[str], around: int) -> str:
        folded, chomp = header[1] == ">", header[2] or header[4]
        start = self._at
        end = start
        indent = max(around, 0) + int(header[3]) if header[3] else None
        while end < len(self._lines):
            line = self._lines[end]
            own = len(line) - len(line.lstrip(" "))
            if line.strip(" "):
                if own <= around or (indent is not None and own < indent):
                    break
                indent = own if indent is None else indent
            end += 1
        self._at = end
        lines = ["" if indent is None else line[indent:] for line in self._lines[start:end]]
        kept = len(lines)
        while kept and not lines[kept - 1]:
            kept -= 1
        if folded and any(line.startswith((" ", "\t")) for line in lines[:kept]):
            raise Undetermined("its YAML folds lines that are indented further")
        text = _folded(lines[:kept]) if folded else "\n".join(lines[:kept])
        if chomp == "-" or (kept == len(lines) and end == len(self._lines)):
            # Where the text ends with the last line of all, that has no end to keep.
            return text
        # The last line of a text that ends in a line end is empty, and none of its own.
        after = len(lines) - kept - (1 if end == len(self._lines) and kept < len(lines) else 0)
        return text + "\n" * (1 + after if chomp == "+" else min(kept, 1))

    def _flow(self, written: str) -> Value:
        """Read a collection in brackets, which may go over several lines."""
        pieces, depth = [written], _opened(written)
        while depth > 0:
            if self._at >= len(self._lines):
                raise Failed("its YAML has brackets that do not close")
            pieces.append(self._lines[self._at].strip())
            depth += _opened(pieces[-1])
            self._at += 1
        flow = _Flow("\n".join(pieces))
        value = flow.value(self._depth)
        if _uncommented(flow.rest()):
            raise Failed("its YAML has something after a closing bracket")
        return value


class _Flow:
    """Reads a collection in brackets from a text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def rest(self) -> str:
        """What follows."""
        return self._text[self._at :]

    def _skip(self) -> str:
        """Go to the next character that is no white space or comment, and return it; empty at the end."""
        while self._at < len(self._text):
            character = self._text[self._at]
            if character == "#" and self._text[self._at - 1 : self._at] in ("", " ", "\t", "\n"):
                end = self._text.find("\n", self._at)
                self._at = len(self._text) if end < 0 else end
            elif character in " \t\n":
                self._at += 1
            else:
                return character
        return ""

    def value(self, depth: int) -> Value:
        """Read one value."""
        if depth > MOST_VALUE_DEPTH:
            raise Failed("its YAML is nested too deeply")
        first = self._skip()
        if first == "[":
            return self._items(depth)
        if first == "{":
            return self._entries(depth)
        if first in ('"', "'"):
            text, self._at = _quoted(self._text, self._at)
            return text
        return _resolved(self._word())

    def _word(self) -> str:
        if self._text[self._at : self._at + 1] and self._text[self._at] in _INDICATORS:
            raise Undetermined("its YAML has anchors or tags")
        start = self._at
        while self._at < len(self._text):
            character = self._text[self._at]
            after = self._text[self._at + 1 : self._at + 2]
            if character in ",[]{}" or (character == ":" and (not after or after in " \n,[]{}")):
                break
            if character == "\n" or (character == "#" and self._text[self._at - 1] in " \t"):
                break
            self._at += 1
        return self._text[start : self._at].strip()

    def _items(self, depth: int) -> list[Value]:
        items: list[Value] = []
        self._at += 1
        while self._skip() != "]":
            items.append(self.value(depth + 1))
            if self._skip() == ":":
                raise Undetermined("its YAML has a pair in a list")
            self._separator("]")
        self._at += 1
        return items

    def _entries(self, depth: int) -> Object:
        properties: dict[str, Property] = {}
        self._at += 1
        while (first := self._skip()) != "}":
            if first in ('"', "'"):
                name, self._at = _quoted(self._text, self._at)
            else:
                name = self._word()
            value: Value = None
            if self._skip() == ":":
                self._at += 1
                value = None if self._skip() in (",", "}") else self.value(depth + 1)
            if name in properties or name == "<<":
                raise Failed(f"its YAML has {name} twice") if name != "<<" else Undetermined("it merges keys")
            properties[name] = Property(value)
            self._separator("}")
        self._at += 1
        return Object(properties)

    def _separator(self, closes: str) -> None:
        found = self._skip()
        if found == ",":
            self._at += 1
        elif found != closes:
            raise Failed("its YAML has brackets that cannot be read")


def _is_mark(line: str, mark: str) -> bool:
    return line.startswith(mark) and line[3:4] in ("", " ", "\t")


def _is_item(content: str) -> bool:
    return content == "-" or content.startswith("- ")


def _uncommented(text: str) -> str:
    return _COMMENT.sub("", text, count=1).strip(" \t\n")


def _key(content: str) -> tuple[str, str] | None:
    """Return the key that a line begins with and what follows its colon; None where it has none."""
    if content[:1] in ('"', "'"):
        try:
            name, end = _quoted(content, 0)
        except Undetermined:
            return None
        rest = content[end:].lstrip(" ")
        if rest[:1] != ":" or rest[1:2] not in ("", " ", "\t"):
            return None
        return name, rest[1:].strip(" \t")
    if content[:1] in ("[", "{", "#"):
        return None
    at = content.find(":")
    while at >= 0 and content[at + 1 : at + 2] not in ("", " ", "\t"):
        at = content.find(":", at + 1)
    comment = _COMMENT.search(content)
    if at < 0 or (comment is not None and comment.start() < at):
        return None
    name = content[:at].rstrip(" \t")
    if name[:1] in _INDICATORS and name:
        raise Undetermined("its YAML has anchors, tags or keys of another kind")
    if name == "<<":
        raise Undetermined("its YAML merges keys")
    return name, content[at + 1 :].strip(" \t")


def _plain(written: str) -> str:
    text = _uncommented(written)
    if text[:1] in _INDICATORS:
        raise Undetermined("its YAML has anchors or tags")
    if ": " in text or text.endswith(":"):
        raise Failed("its YAML has a key within plain text")
    return text


def _resolved(text: str) -> Value:
    """Return what a plain word is: a boolean, null, a number, or text."""
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if _NUMBER.fullmatch(text):
        plain = text.replace("_", "")
        return number(int(plain) if plain.lstrip("+-").isdigit() else float(plain))
    if _OTHER_NUMBER.fullmatch(text):
        raise Undetermined("its YAML has a date or an unusual number")
    return text


def _quoted(text: str, start: int) -> tuple[str, int]:
    """Return a quoted text that begins at a position, and where it ends."""
    quote = text[start]
    at = start + 1
    pieces: list[str] = []
    while at < len(text):
        character = text[at]
        if character == "\n":
            break
        if character == quote:
            if quote == "'" and text[at + 1 : at + 2] == "'":
                pieces.append("'")
                at += 2
                continue
            return "".join(pieces), at + 1
        if character == "\\" and quote == '"':
            piece, at = _escaped(text, at + 1)
            pieces.append(piece)
            continue
        pieces.append(character)
        at += 1
    raise Undetermined("its YAML has quoted text over several lines")


def _escaped(text: str, at: int) -> tuple[str, int]:
    """Return what an escape after its backslash stands for, and where it ends."""
    kind = text[at : at + 1]
    length = {"x": 2, "u": 4, "U": 8}.get(kind)
    if length is not None:
        digits = text[at + 1 : at + 1 + length]
        try:
            return chr(int(digits, 16)), at + 1 + length
        except (ValueError, OverflowError):
            raise Failed("its YAML has an escape that means nothing") from None
    if kind in _ESCAPES:
        return _ESCAPES[kind], at + 1
    try:
        return str(json.loads(f'"\\{kind}"')), at + 1
    except ValueError:
        raise Failed("its YAML has an escape that means nothing") from None


def _folded(lines: list[str]) -> str:
    """Return lines with single ends between them as spaces; of more than one, one is left out."""
    text = ""
    empty = 0
    for line in lines:
        if not line:
            empty += 1
            continue
        text += (("\n" * empty or " ") if text or empty else "") + line
        empty = 0
    return text


def _opened(line: str) -> int:
    """Return how many more brackets a line opens than it closes; what is in quotes or a comment does not count."""
    depth = at = 0
    while at < len(line):
        character = line[at]
        before = line[at - 1] if at else " "
        if character in ('"', "'") and before in " \t[{,:":
            at = _quoted(line, at)[1]
            continue
        if character == "#" and before in " \t":
            break
        depth += (character in "[{") - (character in "]}")
        at += 1
    return depth
