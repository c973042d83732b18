"""A subscriber: a tiny HTTP server that proves its address and keeps what it is told."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class Receiver:
    """`statuses` are the answers to come, then `status`; `posts` what each taken POST held."""

    url: str = ""
    status: int = 202
    statuses: list[int] = field(default_factory=list)
    delay: float = 0.0
    proof: str | None = None
    proof_type: str = "text/plain"
    proof_status: int = 200
    asked: list[str] = field(default_factory=list)
    tried: int = 0
    posts: list[list[dict[str, Any]]] = field(default_factory=list)

    @property
    def told(self) -> list[dict[str, Any]]:
        return [told for post in self.posts for told in post]


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            parts = urlsplit(self.path)
            token = parse_qs(parts.query).get("validationToken", [""])[0]
            time.sleep(receiver.delay)
            if token:
                receiver.asked.append(parts.path)
                proof = token if receiver.proof is None else receiver.proof
                self._answer(receiver.proof_status, proof, receiver.proof_type)
                return
            with lock:
                receiver.tried += 1
                status = receiver.statuses.pop(0) if receiver.statuses else receiver.status
                if 200 <= status < 300:
                    receiver.posts.append(json.loads(body)["value"])
            self._answer(status, "", "text/plain")

        def _answer(self, status: int, text: str, kind: str) -> None:
            content = text.encode()
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    receiver.url = f"http://localhost:{server.server_port}"
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
