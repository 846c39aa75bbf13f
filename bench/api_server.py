"""A Kubernetes API server with its etcd, without controllers and kubelets, and a client of it."""

import http.client
import json
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_TOKEN = "bench"
_START_SECONDS = 90.0

Object = dict[str, Any]


class ApiError(Exception):
    """An answer that is not what was expected."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status}: {text}")
        self.status = status


@dataclass(frozen=True)
class ApiServer:
    """A running one."""

    port: int

    @property
    def authorization(self) -> str:
        """The header of somebody who may do everything."""
        return f"Bearer {_TOKEN}"

    def client(self) -> "Client":
        """A client with a connection of its own."""
        return Client(self)


class Client:
    """Asks over one connection that is kept open. For one thread."""

    def __init__(self, server: ApiServer) -> None:
        self._server = server
        self._connection: http.client.HTTPSConnection | None = None

    def get(self, path: str) -> Object:
        """An object or a list."""
        return self.ask("GET", path)

    def create(self, path: str, body: Object) -> Object:
        """A new object."""
        return self.ask("POST", path, body)

    def merge(self, path: str, body: Object) -> Object:
        """Changes an object as `kubectl patch --type=merge` does."""
        return self.ask("PATCH", path, body, "application/merge-patch+json")

    def delete(self, path: str) -> Object:
        """Takes an object away."""
        return self.ask("DELETE", path)

    def ask(
        self, method: str, path: str, body: Object | None = None, kind: str = "application/json"
    ) -> Object:
        """Any request with JSON; raises ApiError for a refusal."""
        return self.ask_text(method, path, None if body is None else json.dumps(body), kind)

    def ask_text(self, method: str, path: str, text: str | None, kind: str) -> Object:
        """The same with a body as it is."""
        return dict(json.loads(self._ask(method, path, text, kind)))

    def text(self, path: str) -> str:
        """A page that is no JSON."""
        return self._ask("GET", path, None, "text/plain")

    def _ask(self, method: str, path: str, text: str | None, kind: str) -> str:
        if self._connection is None:
            self._connection = http.client.HTTPSConnection(
                "127.0.0.1", self._server.port, context=_unverified(), timeout=60
            )
        headers = {"Authorization": self._server.authorization, "Content-Type": kind}
        try:
            self._connection.request(method, path, text, headers)
            answer = self._connection.getresponse()
            said = answer.read().decode()
        except (OSError, http.client.HTTPException):
            # What is half said on it would be in the way of the next request.
            self._connection.close()
            raise
        if answer.status >= 400:
            raise ApiError(answer.status, said)
        return said


def _unverified() -> ssl.SSLContext:
    """The server signs its own certificate anew with each start."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@contextmanager
def started(program: Path, folder: Path) -> Iterator[ApiServer]:
    """Starts etcd and the API server of `lorax-cluster`, and ends them."""
    folder.mkdir(parents=True, exist_ok=True)
    etcd_port, peer_port, port = (_free_port() for _ in range(3))
    key = folder / "service-account.key"
    subprocess.run(
        ["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", str(key)],
        check=True,
        capture_output=True,
    )
    (folder / "tokens.csv").write_text(f'{_TOKEN},bench,bench,"system:masters"\n')
    etcd = _start(
        folder / "etcd.log",
        program,
        "etcd",
        {
            "data-dir": folder / "etcd",
            "unsafe-no-fsync": "true",
            "listen-client-urls": f"http://127.0.0.1:{etcd_port}",
            "advertise-client-urls": f"http://127.0.0.1:{etcd_port}",
            "listen-peer-urls": f"http://127.0.0.1:{peer_port}",
            "log-level": "warn",
            # Ten thousand servers and what belongs to them are more than the 2 GiB of the default.
            "quota-backend-bytes": 8 << 30,
        },
    )
    server = _start(
        folder / "apiserver.log",
        program,
        "kube-apiserver",
        {
            "etcd-servers": f"http://127.0.0.1:{etcd_port}",
            "secure-port": port,
            "bind-address": "127.0.0.1",
            "cert-dir": folder / "certs",
            "token-auth-file": folder / "tokens.csv",
            "authorization-mode": "RBAC",
            "service-account-issuer": "https://bench",
            "service-account-key-file": key,
            "service-account-signing-key-file": key,
            "service-cluster-ip-range": "10.0.0.0/12",
            "disable-admission-plugins": "ServiceAccount",
        },
    )
    try:
        running = ApiServer(port)
        _await_ready(running, server, folder / "apiserver.log")
        yield running
    finally:
        for process in (server, etcd):
            process.terminate()
        for process in (server, etcd):
            process.wait()


def install(client: Client, definition: Path) -> None:
    """Applies the resource definition and waits until its objects can be created."""
    name = "loraxservers.lorax.dev"
    client.ask_text(
        "PATCH",
        f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}?fieldManager=bench",
        definition.read_text(),
        "application/apply-patch+yaml",
    )
    _await(lambda: bool(client.get("/apis/lorax.dev/v1alpha1/loraxservers")), "the definition")


def _await_ready(server: ApiServer, process: "subprocess.Popen[bytes]", log: Path) -> None:
    client = server.client()

    def ready() -> bool:
        if process.poll() is not None:
            raise RuntimeError(f"the API server ended: {log.read_text()[-2000:]}")
        return client.get("/api/v1/namespaces/default") is not None

    _await(ready, f"the API server; see {log}")


def _await(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        try:
            if condition():
                return
        except (OSError, ApiError, http.client.HTTPException):
            pass
        time.sleep(0.2)
    raise RuntimeError(f"waited in vain for {what}")


def _start(
    log: Path, program: Path, part: str, flags: Mapping[str, object]
) -> "subprocess.Popen[bytes]":
    words = [f"--{name}={value}" for name, value in flags.items()]
    with log.open("wb") as sink:
        return subprocess.Popen([str(program), part, *words], stdout=sink, stderr=subprocess.STDOUT)


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
