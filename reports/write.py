"""Where a report goes: a format by name, a file written whole or not at all, or standard output."""

from __future__ import annotations

import importlib
import os
import stat
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, TextIO

from scanner.errors import UserError

if TYPE_CHECKING:
    from reports.report import Report

STANDARD_OUTPUT = "-"

FORMATS: Mapping[str, str] = MappingProxyType(
    {
        "sarif": "reports.sarif",
        "html": "reports.html",
        "json": "reports.json_report",
        "markdown": "reports.markdown",
        "csv": "reports.csv_table",
        "junit": "reports.junit",
        "text": "reports.terminal",
    }
)
"""Format to the module whose ``render(report) -> bytes`` writes it; imported when used, to keep start-up short."""


class OutputError(UserError):
    """A report could not be written: what, where, and what to do."""


def writer(format_name: str) -> Callable[[Report], bytes]:
    """Return the writer of a format; :class:`OutputError` names the known ones when it is not among them."""
    render: Callable[[Report], bytes] = importlib.import_module(_module(format_name)).render
    return render


def _module(format_name: str) -> str:
    module = FORMATS.get(format_name)
    if module is None:
        raise OutputError(
            f"no report format is called {format_name!r}; the formats are {', '.join(sorted(FORMATS))}"
        )
    return module


def check(format_name: str, destination: str | Path) -> None:
    """Raise :class:`OutputError` if a report of this format could not be written there.

    Meant to be called before a long scan. It leaves nothing behind.
    """
    _module(format_name)  # not imported yet: it would only make the scan begin later
    if str(destination) == STANDARD_OUTPUT:
        _standard_output(format_name)
        return
    try:
        target = _target(format_name, destination)
        if not _is_special(target):
            import tempfile

            with tempfile.TemporaryFile(dir=target.parent):
                pass
    except OSError as error:
        raise _unwritable(format_name, destination, error) from error


def write(report: Report, format_name: str, destination: str | Path) -> None:
    """Render the report and write it to a file, or to standard output for ``-``.

    A file is replaced in one step, so a reader sees the old report or the new one, never half of one, and an
    error leaves the old one. A new file gets the permissions that the umask allows, an existing one keeps its
    own: a report tells who holds which access, so set a umask of 077 where others use the machine.
    Devices and pipes (``/dev/stdout``) are written directly. Raises :class:`OutputError`.
    """
    document = writer(format_name)(report)
    if str(destination) == STANDARD_OUTPUT:
        _send(document, _standard_output(format_name), format_name)
        return
    try:
        target = _target(format_name, destination)
        if _is_special(target):
            target.write_bytes(document)
        else:
            _replace(target, document)
    except OSError as error:
        raise _unwritable(format_name, destination, error) from error


def say(text: str, stream: TextIO, what: str) -> None:
    """Print text to a stream; what the stream cannot encode becomes question marks.

    A reader that has gone (``| head``) is no error. Raises :class:`OutputError`, which calls the text ``what``,
    when the stream is closed or takes no more.
    """
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        stream.write(text.encode(encoding, "replace").decode(encoding))
        stream.flush()
    except BrokenPipeError:
        _abandon(stream)
    except (OSError, ValueError) as error:
        _abandon(stream)
        raise _untaken(what, stream, error) from error


def _send(document: bytes, stream: TextIO, format_name: str) -> None:
    try:
        stream.flush()
        binary = getattr(stream, "buffer", None)
        if binary is None:
            # A stand-in for standard output, which holds text only.
            stream.write(document.decode())
        else:
            binary.write(document)
        stream.flush()
    except (OSError, ValueError) as error:
        _abandon(stream)
        raise _untaken(f"the {format_name} report", stream, error) from error


def _standard_output(format_name: str) -> TextIO:
    # Python has None for a standard stream that was closed before it started.
    stream: TextIO | None = sys.stdout
    if stream is None or stream.closed:
        raise OutputError(
            f"cannot write the {format_name} report to standard output: it is closed; open it or name a file"
        )
    return stream


def _abandon(stream: TextIO) -> None:
    """Send what the stream still holds nowhere, or Python fails once more when it flushes at its end."""
    try:
        descriptor = stream.fileno()
        nowhere = os.open(os.devnull, os.O_WRONLY)
    except (AttributeError, OSError, ValueError):
        return
    try:
        os.dup2(nowhere, descriptor)
    finally:
        os.close(nowhere)


def _untaken(what: str, stream: TextIO, error: OSError | ValueError) -> OutputError:
    place = "standard error" if stream is sys.stderr else "standard output"
    reason = (error.strerror if isinstance(error, OSError) else None) or "it is closed"
    return OutputError(
        f"cannot write {what} to {place}: {reason.lower()}; free the place or name a file with --output"
    )


def _target(format_name: str, destination: str | Path) -> Path:
    # Following a link here keeps the link: the file that it points to is what gets replaced.
    target = Path(os.path.realpath(destination))
    if target.is_dir():
        raise OutputError(
            f"cannot write the {format_name} report to {destination}: it is a folder; name a file in it, "
            f"for example {Path(destination) / ('midas.' + format_name)}"
        )
    if not target.parent.is_dir():
        raise OutputError(
            f"cannot write the {format_name} report to {destination}: the folder {target.parent} does not exist; "
            "create it or name another file"
        )
    return target


def _is_special(target: Path) -> bool:
    return target.exists() and not target.is_file()


def _replace(target: Path, document: bytes) -> None:
    import tempfile

    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o666 & ~_umask()
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name[:100]}.", suffix=".part", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(document)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(name, mode)
        os.replace(name, target)
    except BaseException:
        # Also on Ctrl-C: a half-written file must not stay behind.
        Path(name).unlink(missing_ok=True)
        raise


def _umask() -> int:
    # The only way to ask for the umask is to set it.
    current = os.umask(0o077)
    os.umask(current)
    return current


def _unwritable(format_name: str, destination: str | Path, error: OSError) -> OutputError:
    reason = error.strerror or str(error)
    return OutputError(
        f"cannot write the {format_name} report to {destination}: {reason.lower()}; "
        "free the place, change its permissions or name another file"
    )
