"""The API server of a rehearsal: it keeps what it is given and tells who watches, no more.

No admission, no defaults, no schemas, no users. Everything is in memory.
"""

import base64
import hashlib
import http.server
import itertools
import json
import queue
import re
import ssl
import threading
import urllib.parse
from pathlib import Path
from typing import Any

_PLACE = re.compile(
    r"(?P<group>/api/v1|/apis/[^/]+/[^/]+)(?:/namespaces/(?P<namespace>[^/]+))?"
    r"/(?P<kind>[a-z]+)(?:/(?P<name>[^/]+))?(?P<status>/status)?$"
)
_ACCEPT = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

Object = dict[str, Any]


class ApiServer:
    """Listens on a free port of the loopback address with a certificate until it is closed."""

    def __init__(self, certificate: Path, key: Path) -> None:
        self._lock = threading.Lock()
        self._versions = itertools.count(1)
        self._objects: dict[str, dict[tuple[str, str], Object]] = {}
        self._watchers: dict[str, list[queue.Queue[str]]] = {}
        handler = type("Handler", (_Handler,), {"server_of": self})
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        """Its URL."""
        return f"https://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """Ends it; watches break."""
        self._server.shutdown()
        self._server.server_close()

    def objects(self, kind: str) -> list[Object]:
        """All objects of a kind, named with its group: `/apis/apps/v1/deployments`."""
        with self._lock:
            return list(self._objects.get(kind, {}).values())

    def put(self, kind: str, namespace: str, name: str, given: Object) -> Object:
        """Lays what is given over what is there, and tells it to who watches."""
        with self._lock:
            kept = self._objects.setdefault(kind, {})
            before = kept.get((namespace, name))
            version = str(next(self._versions))
            metadata = {
                "uid": f"00000000-0000-0000-0000-{int(version):012d}",
                "generation": 1,
                "creationTimestamp": "2026-01-01T00:00:00Z",
                **(before or {}).get("metadata", {}),
                **given.get("metadata", {}),
                "name": name,
                "namespace": namespace,
                "resourceVersion": version,
            }
            made = {**(before or {}), **given, "metadata": metadata}
            kept[namespace, name] = made
            event = json.dumps({"type": "MODIFIED" if before else "ADDED", "object": made})
            for watcher in self._watchers.get(kind, []):
                watcher.put(event)
            return made

    def listed(self, kind: str) -> Object:
        """The answer to who lists a kind."""
        items = self.objects(kind)
        with self._lock:
            version = str(next(self._versions))
        return {"kind": "List", "metadata": {"resourceVersion": version}, "items": items}

    def watch(self, kind: str) -> queue.Queue[str]:
        """Events from now on."""
        events: queue.Queue[str] = queue.Queue()
        with self._lock:
            self._watchers.setdefault(kind, []).append(events)
        return events


class _Handler(http.server.BaseHTTPRequestHandler):
    server_of: ApiServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = urllib.parse.urlsplit(self.path).path
        place = _PLACE.match(path)
        if self.headers.get("upgrade", "").lower() == "websocket" and place:
            self._watch(_kind(place))
        elif place is None:
            # What there is beside objects: the version, and the kinds of a group.
            self._answer(200, {"kind": "APIResourceList", "resources": [], "gitVersion": "v1.35.0"})
        elif place["name"] is None:
            self._answer(200, self.server_of.listed(_kind(place)))
        else:
            self._named(place)

    def _write(self) -> None:
        place = _PLACE.match(urllib.parse.urlsplit(self.path).path)
        given = json.loads(self.rfile.read(int(self.headers.get("content-length", "0"))))
        if place is None:
            self._answer(404, _missing(self.path))
            return
        name = place["name"] or given["metadata"].get("name") or "made"
        made = self.server_of.put(_kind(place), place["namespace"] or "", name, given)
        self._answer(201 if self.command == "POST" else 200, made)

    do_POST = do_PUT = do_PATCH = _write

    def _named(self, place: re.Match[str]) -> None:
        for found in self.server_of.objects(_kind(place)):
            metadata = found["metadata"]
            if (metadata["namespace"], metadata["name"]) == (place["namespace"], place["name"]):
                self._answer(200, found)
                return
        self._answer(404, _missing(self.path))

    def _watch(self, kind: str) -> None:
        """By web socket: one text frame for each event, until the other side goes."""
        self.close_connection = True
        events = self.server_of.watch(kind)
        key = self.headers["sec-websocket-key"].encode()
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        accepted = base64.b64encode(hashlib.sha1(key + _ACCEPT).digest()).decode()
        self.send_header("Sec-WebSocket-Accept", accepted)
        self.end_headers()
        try:
            while True:
                self.wfile.write(_frame(events.get().encode()))
        except OSError:
            return

    def _answer(self, status: int, body: Object) -> None:
        said = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, format: str, *words: object) -> None:
        """Nothing."""


def _kind(place: re.Match[str]) -> str:
    return f"{place['group']}/{place['kind']}"


def _missing(path: str) -> Object:
    return {
        "kind": "Status",
        "status": "Failure",
        "reason": "NotFound",
        "code": 404,
        "message": path,
    }


def _frame(text: bytes) -> bytes:
    """A whole message (RFC 6455, 5.2), which a server does not mask."""
    if len(text) < 126:
        return bytes([0x81, len(text)]) + text
    if len(text) < 1 << 16:
        return bytes([0x81, 126]) + len(text).to_bytes(2) + text
    return bytes([0x81, 127]) + len(text).to_bytes(8) + text
