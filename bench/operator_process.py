"""A controller as a process of its own, started against an address and killed at will."""

import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from process_tree import members

_READY_SECONDS = 120.0


@dataclass(frozen=True)
class Program:
    """What is started: ours, or the peer."""

    name: str
    # From the port on which it shall serve /readyz and /metrics.
    command: Callable[[int], list[str]]
    # Gauges that are 0 while nothing waits for a reconcile and nothing is in one.
    busy: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


def ours(java: Path, jar: Path, flags: Sequence[str]) -> Program:
    """The operator, with the flags of the JVM by which its image starts it."""
    images = {
        f"LORAX_{part}_IMAGE": f"lorax/{part.lower().replace('_', '-')}:bench"
        for part in ("LAUNCHER", "ROUTER", "SHARD_CPU", "SHARD_CUDA")
    }
    return Program(
        "ours",
        lambda port: ["env", f"LORAX_PORT={port}", str(java), *flags, "-jar", str(jar)],
        ("lorax_operator_reconciles_waiting", "lorax_operator_reconciles_running"),
        {**images, "LORAX_LOG_LEVEL": "WARN"},
    )


def peer(program: Path, writes: Path) -> Program:
    """The minimal controller in Go that makes the writes in a file."""
    return Program(
        "peer",
        lambda port: [str(program), f"--writes={writes}", f"--address=127.0.0.1:{port}"],
        ("workqueue_depth", "controller_runtime_active_workers"),
    )


class OperatorGone(Exception):
    """The process that was asked is no more."""


class OperatorProcess:
    """A running one; killed when it is closed."""

    def __init__(self, program: Program, address: str, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._program = program
        self._port = _free_port()
        self._log = folder / f"{program.name}.log"
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "KUBECONFIG": str(_kubeconfig(folder, address)),
            **program.environment,
        }
        with self._log.open("ab") as sink:
            self._process = subprocess.Popen(
                program.command(self._port), env=environment, stdout=sink, stderr=subprocess.STDOUT
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

    def await_idle(self) -> None:
        """Waits until nothing has waited for a reconcile, or been in one, twice in a row.

        Raises OperatorGone when it has ended, or ends meanwhile.
        """
        calm = 0
        while calm < 2:
            busy = sum(map(self._gauge, self._program.busy))
            calm = 0 if busy else calm + 1
            time.sleep(0.2)

    def require(self) -> None:
        """Raises OperatorGone when it has ended."""
        if self._process.poll() is not None:
            raise OperatorGone(f"{self._program.name} has ended")

    def kill(self) -> None:
        """SIGKILL; returns once it is gone."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def _gauge(self, name: str) -> float:
        """The sum of a metric over its labels."""
        page = f"http://127.0.0.1:{self._port}/metrics"
        try:
            with urllib.request.urlopen(page, timeout=30) as answer:
                text = answer.read().decode()
        except OSError:
            self.require()
            raise
        values = re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.MULTILINE)
        if not values:
            raise RuntimeError(f"the operator has no metric {name}")
        return sum(map(float, values))

    @property
    def cpu_seconds(self) -> float:
        """User and system time so far."""
        return sum(member.cpu_seconds for member in members(self._process.pid))

    @property
    def resident_mib(self) -> float:
        """Memory that it holds now."""
        return self._memory("VmRSS")

    @property
    def peak_mib(self) -> float:
        """The most memory that it has held."""
        return self._memory("VmHWM")

    def _memory(self, name: str) -> float:
        text = Path(f"/proc/{self._process.pid}/status").read_text()
        line = next(line for line in text.splitlines() if line.startswith(f"{name}:"))
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
