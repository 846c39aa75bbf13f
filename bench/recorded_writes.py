"""What the operator writes for one server, so that a peer can make the same writes for any."""

import json
import time
from pathlib import Path
from typing import Any

from api_server import ApiServer
from operator_process import OperatorProcess, Program
from servers import create, plain, server_path
from write_proxy import WriteProxy

_NAMESPACE = "default"
_NAME = "recorded"
_QUIET_SECONDS = 5.0
_KINDS = {
    f"/deployments/{_NAME}": "deployment",
    f"/services/{_NAME}": "service",
    f"/poddisruptionbudgets/{_NAME}": "budget",
    f"/loraxservers/{_NAME}/status": "status",
    "/events": "event",
}


def record(api: ApiServer, program: Program, folder: Path) -> Path:
    """Lets the operator serve one plain server and keeps its writes, as bodies by kind."""
    proxy = WriteProxy(api)
    operator = OperatorProcess(program, proxy.address, folder)
    try:
        operator.await_ready()
        create(api.client(), _NAMESPACE, plain(_NAME))
        count = -1
        while count != len(proxy.sent()) or not count:
            count = len(proxy.sent())
            time.sleep(_QUIET_SECONDS)
        writes = _by_kind(proxy.sent())
    finally:
        operator.kill()
        proxy.close()
    server = api.client().get(server_path(_NAMESPACE, _NAME))
    # As it is kept, so that the peer sees when there is nothing to write.
    writes["status"]["status"] = server["status"]
    path = folder / "writes.json"
    path.write_text(json.dumps({"name": _NAME, "uid": server["metadata"]["uid"], **writes}))
    return path


def _by_kind(sent: list[tuple[str, bytes]]) -> dict[str, Any]:
    found = {}
    for line, body in sent:
        kind = next((kind for end, kind in _KINDS.items() if line.endswith(end)), None)
        if kind is None or kind in found:
            raise RuntimeError(f"expected one write each of {sorted(_KINDS)}, got {line} as well")
        found[kind] = json.loads(body)
    if len(found) != len(_KINDS):
        raise RuntimeError(f"expected one write each of {sorted(_KINDS)}, got {sorted(found)}")
    return found
