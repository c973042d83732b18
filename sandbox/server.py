"""Serving a world over HTTPS: in this thread until a signal, or in another one for a while."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import trustme
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from sandbox.app import create_app
from sandbox.faults import ABORT_EXTENSION
from sandbox.tls import server_context
from sandbox.world import World

KEEP_ALIVE = 60
"""Seconds that an idle connection stays open."""


class Protocol(H11Protocol):
    """HTTP/1.1 whose connections the application can cut, which ASGI has no word for."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        app: ASGIApp = self.app

        async def with_abort(scope: Scope, receive: Receive, send: Send) -> None:
            scope["extensions"] = {ABORT_EXTENSION: self.transport.abort}
            await app(scope, receive, send)

        self.app = with_abort


def listen(port: int) -> socket.socket:
    """A socket on this machine only; port 0 takes a free one."""
    # asyncio switches Nagle's algorithm off only where the protocol is named; with it on, every
    # answer would wait some 40 ms for the client's delayed acknowledgement.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(512)
    return listener


def server(world: World, ca: trustme.CA) -> uvicorn.Server:
    context = server_context(ca)
    config = uvicorn.Config(
        create_app(world),
        http=Protocol,
        ws="none",
        proxy_headers=False,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=2,
        ssl_context_factory=lambda _config, _default: context,
    )
    return uvicorn.Server(config)


@contextmanager
def serving(world: World, ca: trustme.CA, listener: socket.socket) -> Iterator[None]:
    """Serves in a thread while the block runs."""
    running = server(world, ca)
    thread = threading.Thread(target=running.run, args=([listener],), name="sandbox", daemon=True)
    thread.start()
    try:
        yield
    finally:
        running.should_exit = True
        thread.join(timeout=10)
