"""A whole replica on this machine, from the start of the launcher to a token, with its phases."""

import http.client
import json
import os
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import process_tree

_DEADLINE_SECONDS = 180.0
_POLL_SECONDS = 0.02
_STOP_SECONDS = 60.0
_PROMPT = "The capital of France is"
_ROLES = {"lorax-launcher": "launcher", "lorax-router": "router", "lorax_shard": "shard"}


class ReplicaError(Exception):
    """The replica did not come so far; the message has what it said last."""


@dataclass(frozen=True)
class Moment:
    """A line of the launcher's log, or what we saw ourselves, and the CPU spent until then."""

    text: str
    wall: float  # time.monotonic()
    cpu: Mapping[str, float]  # role -> seconds

    @property
    def cpu_seconds(self) -> float:
        """Of launcher, shards and router together."""
        return sum(self.cpu.values())


class Replica:
    """Launcher, one shard and router in a socket directory of their own; stop() is a must."""

    def __init__(
        self, launcher: Path, arguments: Sequence[str], environment: Mapping[str, str]
    ) -> None:
        self._sockets = tempfile.TemporaryDirectory(prefix="lorax-bench-")
        self._port = _free_port()
        self._moments: list[Moment] = []
        self._start = time.monotonic()
        self._process = subprocess.Popen(
            [str(launcher), *arguments, *self._places()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def start(self) -> Moment:
        """The moment before the launcher was started."""
        return Moment("", self._start, {})

    @property
    def port(self) -> int:
        """Where the router listens."""
        return self._port

    def moments(self) -> list[Moment]:
        """What the log said so far."""
        return list(self._moments)

    def now(self, text: str) -> Moment:
        """The present moment, with the CPU time of all members."""
        cpu: dict[str, float] = {}
        for member in process_tree.members(self._process.pid):
            role = next((r for word, r in _ROLES.items() if word in member.command), "launcher")
            cpu[role] = cpu.get(role, 0.0) + member.cpu_seconds
        return Moment(text, time.monotonic(), cpu)

    def first_token(self) -> tuple[str, Moment]:
        """Asks until a request is answered; the token's text, and when it came."""
        text = self._until("an answer", self._ask)
        return text, self.now("first token")

    def metric(self, name: str) -> float:
        """A counter or gauge of the router that has no labels."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        connection.request("GET", "/metrics")
        page = connection.getresponse().read().decode()
        connection.close()
        lines = (line for line in page.splitlines() if line.startswith(f"{name} "))
        return next(float(line.split()[1]) for line in lines)

    def kill_shard(self, index: int = 0) -> Moment:
        """SIGKILL to a shard; the moment right before."""
        shards = [
            member.process_id
            for member in process_tree.members(self._process.pid)
            if "lorax_shard" in member.command
            and process_tree.variable(member.process_id, "RANK") == str(index)
        ]
        before = self.now("shard killed")
        for process_id in shards:
            os.kill(process_id, signal.SIGKILL)
        if len(shards) != 1:
            raise ReplicaError(f"expected one process of shard {index}, found {len(shards)}")
        return before

    def stop(self) -> None:
        """Ends it in order; one that does not end is killed with its members."""
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            for member in process_tree.members(self._process.pid):
                os.kill(member.process_id, signal.SIGKILL)
            self._process.wait()
        self._reader.join(_STOP_SECONDS)
        self._sockets.cleanup()

    def _places(self) -> list[str]:
        return [
            "--hostname",
            "127.0.0.1",
            "--port",
            str(self._port),
            "--status-port",
            "0",
            "--shard-uds-path",
            self._sockets.name,
            "--json-output",
        ]

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._moments.append(self.now(_message(line)))

    def _until(self, what: str, attempt: Callable[[], str | None]) -> str:
        deadline = time.monotonic() + _DEADLINE_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            answer = attempt()
            if answer is not None:
                return answer
            time.sleep(_POLL_SECONDS)
        said = "\n".join(moment.text for moment in self._moments[-20:])
        raise ReplicaError(f"no {what} within {_DEADLINE_SECONDS:.0f} s; the log ends:\n{said}")

    def _ask(self) -> str | None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, _DEADLINE_SECONDS)
        body = {"inputs": _PROMPT, "parameters": {"max_new_tokens": 1}}
        headers = {"Content-Type": "application/json"}
        try:
            connection.request("POST", "/generate", json.dumps(body), headers)
            response = connection.getresponse()
            content = response.read()
        except OSError:
            return None
        finally:
            connection.close()
        if response.status != 200:
            return None
        answer: dict[str, Any] = json.loads(content)
        return str(answer["generated_text"])


def _message(line: str) -> str:
    try:
        entry = json.loads(line)
    except json.JSONDecodeError:
        return line.strip()
    return str(entry.get("message", line)) if isinstance(entry, dict) else line.strip()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
