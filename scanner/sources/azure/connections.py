"""The open connections, so that answers that are still awaited can be given up."""

from __future__ import annotations

import contextlib
import socket
import threading
from weakref import WeakSet

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


class OpenConnections:
    """Knows every connection that was opened by pools of its classes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: WeakSet[HTTPConnection] = WeakSet()

    def pool_classes(self) -> dict[str, type[HTTPConnectionPool]]:
        """Return classes, by URL scheme, for a pool manager to make its pools of."""
        note = self._note

        class Plain(HTTPConnection):
            def connect(self) -> None:
                super().connect()
                note(self)

        class Secure(HTTPSConnection):
            def connect(self) -> None:
                super().connect()
                note(self)

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class SecurePool(HTTPSConnectionPool):
            ConnectionCls = Secure

        return {"http": PlainPool, "https": SecurePool}

    def _note(self, connection: HTTPConnection) -> None:
        with self._lock:
            self._open.add(connection)

    def hang_up(self) -> None:
        """End all connections: whoever reads from one gets an error at once."""
        with self._lock:
            opened = [connection.sock for connection in self._open]
        for one in opened:
            if isinstance(one, socket.socket):
                # One that the other side ended already is ended. The method of the plain socket, because that of
                # a TLS one takes its state away from the thread that reads.
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(one, socket.SHUT_RDWR)
