"""The operator serves one server on an API server that only keeps what it is given, and stops."""

import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import IO

from failure import Failure
from places import CHECKOUT
from startup_cache import Program, running

from rehearsal.api_in_memory import ApiServer, Object

PROGRAMS = {
    "lorax-operator": Program(
        CHECKOUT / "operator" / "target" / "lorax-operator.jar",
        CHECKOUT / "operator" / "jvm.options",
    )
}
_HERE = Path(__file__).resolve().parent
_SERVERS = "/apis/lorax.dev/v1alpha1/loraxservers"
_READY_SECONDS = 120
_NAMESPACE = "rehearsal"

# With the defaults that an API server would add.
_SERVER: Object = {
    "apiVersion": "lorax.dev/v1alpha1",
    "kind": "LoraxServer",
    "spec": {
        "model": {"hub": {"id": "org/model"}},
        "replicas": 1,
        "shards": {"count": 1, "device": "cpu"},
        "adapters": {"preload": ["org/adapter"]},
        "autoscaling": {
            "minReplicas": 1,
            "maxReplicas": 2,
            "scaleDownDelay": "5m",
            "scaleUpDelay": "0s",
        },
        "cache": {"newPvc": {"accessMode": "ReadWriteMany", "storage": "1Gi"}},
        "disruptionBudget": {"maxUnavailable": 1, "mode": "Managed"},
        "drainTimeout": "60s",
        "launcher": {},
        "podTemplate": {},
        "rollout": {"paused": False},
        "router": {},
        "service": {"port": 3000, "type": "ClusterIP"},
    },
}


class Operating:
    """The rehearsal of the operator."""

    programs = PROGRAMS
    sources = (Path(__file__).resolve(), _HERE / "api_in_memory.py")

    def play(self, stage: Path, log: IO[bytes]) -> None:
        """Waits until the server has a status, then ends the operator."""
        server = ApiServer(*_certificate(stage, log))
        try:
            server.put(_SERVERS, _NAMESPACE, "demo", _SERVER)
            _run(stage, log, server)
        finally:
            server.close()


def _run(stage: Path, log: IO[bytes], server: ApiServer) -> None:
    images = ("LAUNCHER", "ROUTER", "SHARD_CPU", "SHARD_CUDA")
    environment = {
        **os.environ,
        **{f"LORAX_{part}_IMAGE": "image" for part in images},
        "LORAX_PORT": "0",
        "HOME": str(stage),
        "KUBECONFIG": str(_kubeconfig(stage, server)),
    }
    with running([str(stage / "bin" / "lorax-operator")], environment, log) as operator:
        _wait_for_status(operator, server)


def _wait_for_status(operator: subprocess.Popen[bytes], server: ApiServer) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while operator.poll() is None and time.monotonic() < deadline:
        if "observedGeneration" in server.objects(_SERVERS)[0].get("status", {}):
            return
        time.sleep(0.1)
    raise Failure("the operator did not get so far as to write a status")


def _certificate(stage: Path, log: IO[bytes]) -> tuple[Path, Path]:
    """What openssl makes of the loopback address: a certificate and its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        raise Failure("openssl is not on PATH: it makes the certificate of the API server")
    certificate, key = stage / "tls.crt", stage / "tls.key"
    command = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-days", "1", "-subj", "/CN=rehearsal"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1"]
    command += ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, check=True)
    return certificate, key


def _kubeconfig(stage: Path, server: ApiServer) -> Path:
    path = stage / "kubeconfig"
    cluster = {"server": server.address, "certificate-authority": str(stage / "tls.crt")}
    context = {"cluster": "rehearsal", "user": "rehearsal", "namespace": _NAMESPACE}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "rehearsal", "cluster": cluster}],
        "users": [{"name": "rehearsal", "user": {"token": "rehearsal"}}],
        "contexts": [{"name": "rehearsal", "context": context}],
        "current-context": "rehearsal",
    }
    path.write_text(json.dumps(config))
    return path
