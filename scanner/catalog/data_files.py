"""The data beside the catalogue's code.

Without `importlib.resources`: that imports more than a small check does to read a file.
"""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).parent / "data"


def data(name: str) -> bytes:
    """Return the bytes of a file of the catalogue's data."""
    return (_FOLDER / name).read_bytes()


def text(name: str) -> str:
    """Return a file of the catalogue's data as text, its lines ending as Python's do."""
    return (_FOLDER / name).read_text(encoding="utf-8")
