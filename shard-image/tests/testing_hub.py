"""A hub on a local port that answers as the real one: API, redirects, headers of errors."""

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

TOKEN = "hf_of_somebody_who_may"
# Such files are stored as LFS objects, which come from another host.
LFS = (".safetensors", ".bin", ".pt")


@dataclass
class Repository:
    """One repository with one branch."""

    files: dict[str, bytes]
    private: bool = False
    gated: bool = False
    revision: str = "main"
    # How the content that is sent differs from what the API says about it.
    damage: bytes = b""

    @property
    def commit(self) -> str:
        running = hashlib.sha1(usedforsecurity=False)
        for name, content in sorted(self.files.items()):
            running.update(name.encode() + content)
        return running.hexdigest()

    def siblings(self) -> list[dict]:
        return [_sibling(name, content) for name, content in self.files.items()]


@dataclass
class Seen:
    """One request that came in."""

    host: str  # "api" or "content"
    method: str
    path: str
    authorization: str | None


@dataclass
class TestingHub:
    """Two servers: the hub itself and the one that LFS content is redirected to."""

    __test__ = False

    repositories: dict[str, Repository] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    seconds_per_request: float = 0.0
    endpoint: str = ""
    content_endpoint: str = ""

    def paths(self, host: str) -> list[str]:
        return [request.path for request in self.seen if request.host == host]


@contextmanager
def serving_hub() -> Iterator[TestingHub]:
    hub = TestingHub()
    servers = [
        ThreadingHTTPServer(("127.0.0.1", 0), _handler(hub, host)) for host in ("api", "content")
    ]
    hub.endpoint, hub.content_endpoint = (
        f"http://{name}:{server.server_port}"
        for name, server in zip(("localhost", "127.0.0.1"), servers, strict=True)
    )
    for server in servers:
        threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
    try:
        yield hub
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()


def repository_of(directory: Path, **changes) -> Repository:
    """What somebody would have pushed from a directory."""
    files = {path.name: path.read_bytes() for path in directory.iterdir() if path.is_file()}
    return Repository(files, **changes)


def _sibling(name: str, content: bytes) -> dict:
    blob = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
    described = {"rfilename": name, "size": len(content), "blobId": blob}
    if name.endswith(LFS):
        sha256 = hashlib.sha256(content).hexdigest()
        described["lfs"] = {"sha256": sha256, "size": len(content), "pointerSize": 134}
    return described


def _handler(hub: TestingHub, host: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self._answer()

        def do_GET(self) -> None:
            self._answer()

        def log_message(self, *arguments) -> None:
            """Nothing: pytest shows what matters."""

        def _answer(self) -> None:
            path = unquote(urlsplit(self.path).path)
            token = self.headers.get("Authorization")
            hub.seen.append(Seen(host, self.command, path, token))
            time.sleep(hub.seconds_per_request)
            if host == "content":
                self._content(path.removeprefix("/"))
            elif path.startswith("/api/models/"):
                name, _, revision = path.removeprefix("/api/models/").partition("/revision/")
                self._if_allowed(name, revision, lambda repository: self._info(name, repository))
            else:
                name, _, rest = path.removeprefix("/").partition("/resolve/")
                revision, _, file = rest.partition("/")
                self._if_allowed(
                    name, revision, lambda repository: self._file(name, repository, file)
                )

        def _if_allowed(self, name: str, revision: str, answer) -> None:
            token = self.headers.get("Authorization")
            repository = hub.repositories.get(name)
            if token not in (None, f"Bearer {TOKEN}"):
                message = "Invalid credentials in Authorization header"
                self._send(401, {"X-Error-Message": message})
            elif repository is None or (repository.private and token is None):
                self._send(404 if token else 401, {"X-Error-Code": "RepoNotFound"})
            elif repository.gated and token is None:
                self._send(401, {"X-Error-Code": "GatedRepo"})
            elif revision not in (repository.revision, repository.commit):
                self._send(404, {"X-Error-Code": "RevisionNotFound"})
            else:
                answer(repository)

        def _info(self, name: str, repository: Repository) -> None:
            body = {"id": name, "sha": repository.commit, "siblings": repository.siblings()}
            self._send(200, {"Content-Type": "application/json"}, json.dumps(body).encode())

        def _file(self, name: str, repository: Repository, file: str) -> None:
            content = repository.files[file]
            described = _sibling(file, content)
            headers = {"X-Repo-Commit": repository.commit, "ETag": f'"{described["blobId"]}"'}
            if "lfs" not in described:
                self._send(200, headers, content)
                return
            sha256 = described["lfs"]["sha256"]
            headers |= {
                "X-Linked-ETag": f'"{sha256}"',
                "X-Linked-Size": str(len(content)),
                "Location": f"{hub.content_endpoint}/{name}/{sha256}",
            }
            self._send(302, headers)

        def _content(self, path: str) -> None:
            name, _, sha256 = path.rpartition("/")
            repository = hub.repositories[name]
            for content in repository.files.values():
                if hashlib.sha256(content).hexdigest() == sha256:
                    sent = repository.damage + content[len(repository.damage) :]
                    self._send(200, {"ETag": f'"{sha256}"'}, sent)
                    return
            self._send(404, {})

        def _send(self, status: int, headers: dict[str, str], body: bytes = b"") -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

    return Handler
