"""A local server that gives one scripted answer, byte for byte, to whatever is asked; all requests go to it."""

import gzip
import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import pytest
import requests

from .contents import HTML
from .mutations import Mutator

HEADERS = ("Content-Type: text/html", "Content-Type: application/json; charset=utf-16", "Content-Length: 3",
           "Content-Length: 99999999", "Content-Length: abc", "Content-Length: -1", "Content-Encoding: gzip",
           "Content-Encoding: br", "Transfer-Encoding: chunked", "Location: /again", "Retry-After: 99999", "no colon",
           "")
STATUS = ("200 OK", "204 No Content", "206 Partial Content", "301 Moved Permanently", "400 Bad Request",
          "403 Forbidden",
          "404 Not Found", "406 Not Acceptable", "429 Too Many Requests", "500 Error", "504 Gateway Timeout", "999 Odd",
          "abc")


class Answer:
    """What the server sends: a head, a body, and how: at once, in drips, cut off, or nothing at all."""

    def __init__(self, body: bytes, status: str = "200 OK", headers: tuple[str, ...] | None = None,
                 way: str = "at once"):
        length = (f"Content-Length: {len(body)}",) if headers is None else headers
        self.body, self.way = body, way
        self.head = "\r\n".join([f"HTTP/1.1 {status}", *length, "Connection: close", "", ""]).encode()


def answer(m: Mutator, body: bytes, mutate: tuple = ()) -> Answer:
    """Return a mutated answer: another status, other headers, another body or way."""
    if not m.wants(0.95):
        return Answer(body)
    kind = m.one((*["body"] * 3, "status", "headers", "way", "compressed", "html"))
    m.say(kind)
    if kind == "body":
        return Answer(m.one((m.bytes, *mutate, *mutate))(body))
    if kind == "status":
        return Answer(m.choice(body, (HTML, b""), "body"), m.choice("200 OK", STATUS, "status", 1.0))
    if kind == "headers":
        odd = m.choice("", HEADERS, "header", 1.0)
        return Answer(body, headers=(odd,) if "Length" in odd else (odd, f"Content-Length: {len(body)}"))
    if kind == "compressed":
        packed = gzip.compress(body)
        packed = m.bytes(packed) if m.number(0, 1) else packed
        return Answer(packed, headers=(f"Content-Length: {len(packed)}", "Content-Encoding: gzip"))
    if kind == "html":
        return Answer(HTML, headers=("Content-Type: text/html", f"Content-Length: {len(HTML)}"))
    return Answer(body,
                  way=m.choice("at once", ("drip", "cut", "silent", "closed", "reset", "endless head"), "way", 1.0))


class _Handler(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        script = self.server.script    # type: ignore[attr-defined]
        self.request.settimeout(3.0)
        try:
            self._send(script)
        except OSError:    # the client has gone
            pass

    def _send(self, script: Answer) -> None:
        self.request.recv(65536)
        if script.way == "closed":
            return
        if script.way == "reset":
            self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        elif script.way == "silent":
            time.sleep(3.0)
        elif script.way == "endless head":
            self.request.sendall(b"HTTP/1.1 200 OK\r\n" + b"X: " + b"a" * 200_000)
        elif script.way == "cut":
            self.request.sendall(script.head + script.body[: len(script.body) // 2])
        elif script.way == "drip":
            self.request.sendall(script.head)
            for at in range(30):
                self.request.sendall(script.body[at:at + 1])
                time.sleep(0.1)
        else:
            self.request.sendall(script.head + script.body)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads, allow_reuse_address, block_on_close, script = True, True, False, Answer(b"")

    def handle_error(self, *_: object) -> None:
        """The client has gone: no news."""


@cache
def _server() -> _Server:
    server = _Server(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


@contextmanager
def answering(script: Answer) -> Iterator[None]:
    """Send every request of `requests` to the local server, which answers by the script."""
    server = _server()
    server.script = script
    send = requests.adapters.HTTPAdapter.send

    def rerouted(self, request, *rest, **more):
        request.url = f"http://127.0.0.1:{server.server_address[1]}/"
        return send(self, request, *rest, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(requests.adapters.HTTPAdapter, "send", rerouted)
        for variable in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
            patch.delenv(variable, raising=False)
        yield
