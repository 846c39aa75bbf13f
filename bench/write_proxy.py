"""A proxy before an API server that counts writes and can stop the world right after one."""

import contextlib
import http.client
import http.server
import socket
import socketserver
import ssl
import sys
import threading
from collections.abc import Callable
from typing import Any

from api_server import ApiServer

_READS = {"GET", "HEAD"}
_SKIPPED = {
    "connection",
    "transfer-encoding",
    "content-length",
    "upgrade",
    "http2-settings",
    "host",
}


class WriteProxy:
    """Passes requests on; `after` is called once a write has been answered, before it is told.

    It gets the number of the write since the last reset, and its line (method and path). While it
    has not returned, whoever wrote does not know that the write was done: that is where a process
    is killed that is to die between a write and its knowledge of it.
    """

    def __init__(self, server: ApiServer) -> None:
        self._server = server
        self._lock = threading.Lock()
        self._writes: list[tuple[str, bytes]] = []
        self.after: Callable[[int, str], None] = lambda number, line: None
        handler = type("Handler", (_Handler,), {"proxy": self})
        self._listener = _Listener(("127.0.0.1", 0), handler)
        threading.Thread(target=self._listener.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        """Where it listens, without encryption."""
        return f"http://127.0.0.1:{self._listener.server_address[1]}"

    def reset(self) -> None:
        """Counts from the beginning."""
        with self._lock:
            self._writes = []

    def writes(self) -> list[str]:
        """The lines of all writes since the last reset, in the order of their answers."""
        return [line for line, _ in self.sent()]

    def sent(self) -> list[tuple[str, bytes]]:
        """The same with their bodies."""
        with self._lock:
            return list(self._writes)

    def close(self) -> None:
        """Ends it; connections that are open break."""
        self._listener.shutdown()
        self._listener.server_close()

    def written(self, line: str, body: bytes) -> None:
        """A write was answered."""
        with self._lock:
            self._writes.append((line, body))
            number = len(self._writes)
        self.after(number, line)

    def connect(self) -> http.client.HTTPSConnection:
        """A connection to the API server."""
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return http.client.HTTPSConnection("127.0.0.1", self._server.port, context=context)

    def socket(self) -> ssl.SSLSocket:
        """A connection to the API server for bytes."""
        connection = self.connect()
        connection.connect()
        assert isinstance(connection.sock, ssl.SSLSocket)
        return connection.sock

    @property
    def authorization(self) -> str:
        """The header with which requests are passed on."""
        return self._server.authorization


class _Listener(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Connections of a killed process break; anything else is told."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(http.server.BaseHTTPRequestHandler):
    proxy: WriteProxy
    protocol_version = "HTTP/1.1"

    def _pass_on(self) -> None:
        if self.headers.get("upgrade", "").lower() == "websocket":
            self._tunnel()
            return
        length = int(self.headers.get("content-length", "0"))
        body = self.rfile.read(length) if length else None
        headers = {
            name: value for name, value in self.headers.items() if name.lower() not in _SKIPPED
        }
        headers["Authorization"] = self.proxy.authorization
        upstream = self.proxy.connect()
        try:
            upstream.request(self.command, self.path, body, headers)
            answer = upstream.getresponse()
            if self.command in _READS:
                self._stream(answer)
            else:
                said = answer.read()
                if answer.status < 300:
                    self.proxy.written(f"{self.command} {self.path.split('?')[0]}", body or b"")
                self._whole(answer, said)
        except (OSError, http.client.HTTPException):
            # Whoever asked was killed, or the server was; both see it by the connection.
            self.close_connection = True
        finally:
            upstream.close()

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _pass_on

    def _tunnel(self) -> None:
        """Watches by web socket: bytes go both ways until one side ends."""
        self.close_connection = True
        lines = [
            f"{self.command} {self.path} HTTP/1.1",
            f"Authorization: {self.proxy.authorization}",
        ]
        lines += [
            f"{name}: {value}"
            for name, value in self.headers.items()
            if name.lower() != "authorization"
        ]
        with self.proxy.socket() as upstream:
            upstream.sendall("\r\n".join([*lines, "", ""]).encode())
            back = threading.Thread(target=_copy, args=(upstream, self.connection), daemon=True)
            back.start()
            _copy(self.connection, upstream)
            back.join()

    def _whole(self, answer: http.client.HTTPResponse, said: bytes) -> None:
        self._head(answer)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def _stream(self, answer: http.client.HTTPResponse) -> None:
        """Watches have no end, so what comes is passed on at once."""
        self._head(answer)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while piece := answer.read1(65536):
            self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")

    def _head(self, answer: http.client.HTTPResponse) -> None:
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in _SKIPPED:
                self.send_header(name, value)

    def log_message(self, format: str, *words: object) -> None:
        """Nothing: thousands of requests are passed on."""


def _copy(source: socket.socket, target: socket.socket) -> None:
    """Until the source ends; then the target hears of it, too."""
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            target.sendall(piece)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)
