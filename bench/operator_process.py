"""The operator as a process of its own, started against an address and killed at will."""

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from process_tree import members

_READY_SECONDS = 120.0


class OperatorProcess:
    """A running one; killed when it is closed."""

    def __init__(self, java: Path, jar: Path, address: str, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._port = _free_port()
        self._log = folder / "operator.log"
        command = [str(java), "-XX:+UseSerialGC", "-Xmx2g", "-jar", str(jar)]
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "KUBECONFIG": str(_kubeconfig(folder, address)),
            "LORAX_LAUNCHER_IMAGE": "lorax/launcher:bench",
            "LORAX_ROUTER_IMAGE": "lorax/router:bench",
            "LORAX_SHARD_CPU_IMAGE": "lorax/shard-cpu:bench",
            "LORAX_SHARD_CUDA_IMAGE": "lorax/shard-cuda:bench",
            "LORAX_LOG_LEVEL": "WARN",
            "LORAX_PORT": str(self._port),
        }
        with self._log.open("ab") as sink:
            self._process = subprocess.Popen(
                command, env=environment, stdout=sink, stderr=subprocess.STDOUT
            )

    def await_ready(self) -> None:
        """Waits until it watches; raises RuntimeError when it has ended or takes too long."""
        deadline = time.monotonic() + _READY_SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise RuntimeError(f"the operator ended: {self._log.read_text()[-2000:]}")
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/readyz", timeout=2):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        raise RuntimeError(f"the operator is not ready: {self._log.read_text()[-2000:]}")

    def kill(self) -> None:
        """SIGKILL; returns once it is gone."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def gauge(self, name: str) -> float:
        """A metric of it without labels."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/metrics", timeout=10) as page:
            for line in page.read().decode().splitlines():
                if line.startswith(name + " "):
                    return float(line.split()[1])
        raise RuntimeError(f"the operator has no metric {name}")

    @property
    def cpu_seconds(self) -> float:
        """User and system time so far."""
        return sum(member.cpu_seconds for member in members(self._process.pid))

    @property
    def resident_mib(self) -> float:
        """Memory that it holds now."""
        text = Path(f"/proc/{self._process.pid}/status").read_text()
        line = next(line for line in text.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) / 1024


def _kubeconfig(folder: Path, address: str) -> Path:
    path = folder / "kubeconfig"
    # The API server signs its certificate anew with each start.
    unverified = {"insecure-skip-tls-verify": True} if address.startswith("https") else {}
    cluster = {"name": "bench", "cluster": {"server": address, **unverified}}
    user = {"name": "bench", "user": {"token": "bench"}}
    context = {"name": "bench", "context": {"cluster": "bench", "user": "bench"}}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [cluster],
        "users": [user],
        "contexts": [context],
        "current-context": "bench",
    }
    path.write_text(json.dumps(config))
    return path


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
