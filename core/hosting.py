"""One web process: uvicorn on a socket that already listens.

``manage.py up`` holds the socket and starts several of these on it, so that callers wait in its
queue while a process is restarted. ``python -m core.hosting FD BOARD SLOT`` is what it starts: the
socket, and where the processes tell one another how busy they are (see ``core.entrance``).
"""

import errno
import os
import socket
import sys
from typing import Any

import uvicorn

from core.entrance import Board, Connections, Entrance
from core.limits import FRAME_MAX_BYTES

APPLICATION = "core.asgi:application"
BACKLOG = 1024
DRAIN_SECONDS = 20  # for open streams to end; a supervisor must wait longer than this
KEEP_ALIVE_SECONDS = 75  # above the idle time-out of a balancer in front (60), else random 502s
SOCKET_PING_SECONDS = 20.0  # a peer that is gone is found within twice as long


class PortTaken(Exception):
    """Nothing can listen at this address; the message says why, for whoever started it."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises:
        PortTaken: the address is in use, not on this machine, or not allowed.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        raise PortTaken(_reason(error, host, port)) from error
    return listener


def _reason(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is taken by another program. Choose another: PORT={port + 1} make run"
    if error.errno == errno.EACCES:
        return f"This user may not listen on port {port}. Choose one above 1023."
    return f"Cannot listen on {host}, port {port}: {error.strerror}."


class OneOfSeveral(uvicorn.Server):
    """A server that shares its callers out with the other processes on its socket."""

    def __init__(self, config: uvicorn.Config, board: Board) -> None:
        super().__init__(config)
        self._connections = Connections(board)
        self.server_state.connections = self._connections

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's, but the sockets are listened on by ``Entrance``."""
        await super().startup(sockets=[])
        self.servers: Any = [
            Entrance(listener, self._protocol, self._connections) for listener in sockets or ()
        ]

    def _protocol(self) -> Any:
        made: Any = self.config.http_protocol_class
        return made(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )


def server(board: Board | None = None) -> uvicorn.Server:
    """uvicorn as the product needs it; with a board, one of several processes.

    Its log of addresses stays off, since a query is someone's words; proxies' headers are read in
    one place, ``core.throttles``, which counts the proxies.
    """
    config = uvicorn.Config(
        APPLICATION,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=DRAIN_SECONDS,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        ws_max_size=FRAME_MAX_BYTES,
        ws_ping_interval=SOCKET_PING_SECONDS,
        ws_ping_timeout=SOCKET_PING_SECONDS,
        ws_per_message_deflate=False,  # memory for each socket, for texts of a few words
    )
    return OneOfSeveral(config, board) if board is not None else uvicorn.Server(config)


def main() -> None:
    """Serve on the inherited socket until a signal."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")
    listener, board, slot = map(int, sys.argv[1:])
    server(Board(board, slot)).run(sockets=[socket.socket(fileno=listener)])


if __name__ == "__main__":
    main()
