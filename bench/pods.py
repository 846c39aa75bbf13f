"""Pods as a kubelet would report them, where there is none."""

import http.server
import threading

from api_server import Client, Object

_LABELS = {
    "app.kubernetes.io/instance": "demo",
    "app.kubernetes.io/managed-by": "lorax-operator",
    "app.kubernetes.io/name": "lorax-server",
}
_METRICS = (
    b"lorax_queue_length 1\nlorax_batch_current_size 4\n"
    b"lorax_batch_current_max_tokens 100\nlorax_batch_max_total_tokens 1000\n"
)


class RouterLoad:
    """The metrics page of a router that has five requests."""

    def __init__(self) -> None:
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Page)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def port(self) -> int:
        """Where it answers, on the loopback address."""
        return int(self._server.server_address[1])

    def close(self) -> None:
        """Ends it."""
        self._server.shutdown()
        self._server.server_close()


class _Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(_METRICS)))
        self.end_headers()
        self.wfile.write(_METRICS)

    def log_message(self, format: str, *words: object) -> None:
        """Nothing."""


def ready_pod(client: Client, namespace: str, name: str, router_port: int) -> None:
    """Creates a pod of the server `demo` that answers requests."""
    router = {
        "name": "router",
        "image": "router",
        "ports": [{"name": "http", "containerPort": router_port}],
    }
    side = [
        {"name": part, "image": part, "restartPolicy": "Always"} for part in ("launcher", "shard-0")
    ]
    pods = f"/api/v1/namespaces/{namespace}/pods"
    client.create(
        pods,
        {
            "metadata": {"name": name, "labels": _LABELS},
            "spec": {"initContainers": side, "containers": [router]},
        },
    )
    _report(client, namespace, name, {"running": {}}, ready=True)


def crash(client: Client, namespace: str, name: str) -> None:
    """Lets its launcher end with a code."""
    end = {"exitCode": 1, "reason": "Error", "message": "ModelNotFound: no such model"}
    _report(client, namespace, name, {"terminated": end}, ready=False)


def _report(client: Client, namespace: str, name: str, launcher: Object, ready: bool) -> None:
    def status(container: str, state: Object, is_ready: bool) -> Object:
        return {
            "name": container,
            "image": container,
            "imageID": "",
            "restartCount": 0,
            "ready": is_ready,
            "state": state,
        }

    client.merge(
        f"/api/v1/namespaces/{namespace}/pods/{name}/status",
        {
            "status": {
                "phase": "Running",
                "podIP": "127.0.0.1",
                "podIPs": [{"ip": "127.0.0.1"}],
                "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
                "initContainerStatuses": [
                    status("launcher", launcher, ready),
                    status("shard-0", {"running": {}}, ready),
                ],
                "containerStatuses": [status("router", {"running": {}}, ready)],
            }
        },
    )
