"""One line for a terminal: text with styles, and how wide it is. No colour is made before one is needed."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import TextIO


def cells(text: str) -> int:
    """Return how many columns a terminal takes for a text: two for a wide character, none for one that combines."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def _cells(character: str) -> int:
    if unicodedata.east_asian_width(character) in ("W", "F"):
        return 2
    return 0 if unicodedata.combining(character) else 1


def cut_to(text: str, columns: int) -> str:
    """Return the text, or as much of it as fits with an ellipsis after it."""
    if cells(text) <= columns:
        return text
    kept, used = [], 0
    for character in text:
        used += _cells(character)
        if used > columns - 1:
            break
        kept.append(character)
    return "".join(kept) + "…"


def wrapped(text: str, columns: int, most: int | None = None) -> list[str]:
    """Return the text in lines that fit, broken at blanks, a longer word anywhere; at most so many, the last cut."""
    lines = [""]
    for word in text.split():
        joined = f"{lines[-1]} {word}" if lines[-1] else word
        if cells(joined) <= columns:
            lines[-1] = joined
            continue
        pieces = _pieces(word, columns)
        lines[-1:] = [lines[-1], *pieces] if lines[-1] else pieces
    if most is not None and len(lines) > most:
        lines = [*lines[: most - 1], cut_to(" ".join(lines[most - 1 :]), columns)]
    return lines


def _pieces(word: str, columns: int) -> list[str]:
    if cells(word) <= columns:
        return [word]
    pieces, used = [""], 0
    for character in word:
        width = _cells(character)
        if used + width > columns and pieces[-1]:
            pieces.append("")
            used = 0
        pieces[-1] += character
        used += width
    return pieces


class Line:
    """Parts of text, each with a style of rich (``bold red``) or none."""

    __slots__ = ("parts",)

    def __init__(self, *parts: str | tuple[str, str]) -> None:
        self.parts = [(part, "") if isinstance(part, str) else part for part in parts]

    @property
    def plain(self) -> str:
        """The text without styles, and without blanks at its end."""
        return "".join(text for text, _ in self.parts).rstrip()

    def truncated(self, columns: int | None) -> Line:
        """Return the line cut to so many columns; None: as it is."""
        if columns is None:
            return self
        line, left = Line(), columns
        for text, style in self.parts:
            line.parts.append((cut_to(text, left), style))
            left -= cells(text)
            if left < 0:
                break
        return line


def plain(lines: Sequence[Line]) -> str:
    """Return lines as plain text."""
    return "".join(f"{line.plain}\n" for line in lines)


def coloured(lines: Sequence[Line], stream: TextIO) -> str:
    """Return lines with the colours that a terminal knows."""
    from rich.console import Console
    from rich.text import Text

    console = Console(file=stream, highlight=False, markup=False, emoji=False)
    with console.capture() as capture:
        for line in lines:
            text = Text.assemble(*line.parts)
            text.rstrip()
            console.print(text, no_wrap=True, overflow="ignore", crop=False)
    return capture.get()
