"""The router between a scripted shard and a load generator, and what it is compared with."""

import http.client
import json
import subprocess
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import process_tree

_DEADLINE_SECONDS = 120.0
_MEMORY = ("-XX:+UseSerialGC", "-Xmx256m")
_LONGEST_INPUT = 100
_LONGEST_ANSWER = 1000
_WARM_LOADS = 5


class StreamsError(Exception):
    """A process of the measurement did not do its part; the message has what it said last."""


@dataclass(frozen=True)
class Setting:
    """What runs: the JVM with its flags, the router's jar, our own classes, a tokenizer."""

    java: Path
    flags: Sequence[str]
    router: Path
    classes: Path
    model: Path


@dataclass(frozen=True)
class Case:
    """What the clients ask and how the shard behaves."""

    name: str
    streams: int
    step_micros: int
    tokens: int
    cache_tokens: int = 1_000_000
    load_millis: int = 0
    adapters: int = 0
    pause_micros: int = 0  # the clients look so often instead of being woken
    form: str = "columns"  # of the shard's answers: rows as upstream's, columns, or chunks besides


class _Process:
    """A child whose lines are read as they come."""

    def __init__(self, command: Sequence[str]) -> None:
        self.lines: list[str] = []
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.append(line.rstrip("\n"))

    def wait_for(self, wanted: Callable[[str], bool], seconds: float = _DEADLINE_SECONDS) -> str:
        """The first line that is wanted."""
        deadline = time.monotonic() + seconds
        seen = 0
        while time.monotonic() < deadline:
            lines = self.lines[seen:]
            for line in lines:
                if wanted(line):
                    return line
            seen += len(lines)
            if self._process.poll() is not None:
                # It may have said more than has been read.
                self._reader.join()
                if seen == len(self.lines):
                    break
            time.sleep(0.02)
        raise StreamsError("\n".join(self.lines[-5:]) or "a process said nothing")

    def cpu_seconds(self) -> float:
        return sum(member.cpu_seconds for member in process_tree.members(self._process.pid))

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@dataclass(frozen=True)
class Seen:
    """What one measurement saw; times in milliseconds."""

    tokens: int
    seconds: float
    cpu_seconds: float
    busy: float
    facts: Mapping[str, float]

    @property
    def cpu_per_million(self) -> float:
        """CPU-seconds of the server for a million tokens."""
        return self.cpu_seconds / self.tokens * 1e6

    @property
    def tokens_per_second(self) -> float:
        """Of all streams together."""
        return self.tokens / self.seconds


class Server(ABC):
    """Something that streams, in processes of its own; a context manager."""

    def __init__(self, setting: Setting, case: Case) -> None:
        self._setting = setting
        self._case = case
        self._processes: list[_Process] = []
        self.port = 0

    def __enter__(self) -> "Server":
        try:
            self._start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process in reversed(self._processes):
            process.stop()

    @abstractmethod
    def _start(self) -> None:
        """Runs the processes and waits until they answer."""

    def _run(self, main: str, *arguments: object) -> _Process:
        setting = self._setting
        path = f"{setting.classes}:{setting.router}"
        process = _Process(
            [
                str(setting.java),
                *_MEMORY,
                *setting.flags,
                "-cp",
                path,
                f"dev.lorax.bench.{main}",
                *map(str, arguments),
            ]
        )
        self._processes.append(process)
        return process

    def _server(self) -> _Process:
        return self._processes[-1]

    def _busy(self) -> tuple[float, float]:
        """Now, and the time inside the shard's steps until now, both in seconds."""
        return time.monotonic(), 0.0

    def measure(self, warm_tokens: int, seconds: float) -> Seen:
        """Loads it, and looks at it once the warm-up is over."""
        case = self._case
        load = self._run(
            "LoadMain",
            self.port,
            case.streams,
            case.tokens,
            warm_tokens,
            seconds,
            case.adapters,
            case.pause_micros,
        )
        self._processes.remove(load)
        try:
            load.wait_for(lambda line: line == "begin", 600)
            cpu, busy = self._server().cpu_seconds(), self._busy()
            end = load.wait_for(lambda line: line.startswith("end "))
            cpu, later = self._server().cpu_seconds() - cpu, self._busy()
        finally:
            load.stop()
        facts = json.loads(end.removeprefix("end "))
        if facts["failures"]:
            raise StreamsError(f"{case.name}: {facts['failures']} connections broke")
        return Seen(
            facts["tokens"],
            facts["seconds"],
            cpu,
            (later[1] - busy[1]) / (later[0] - busy[0]),
            facts,
        )

    def warm_up(self, steps: int) -> None:
        """That many steps, under several loads.

        Code for which nobody has ever left a stream is made anew when the first clients do.
        """
        for _ in range(_WARM_LOADS):
            self.measure(steps * self._case.streams // _WARM_LOADS, 0.5)

    def sample(self) -> str:
        """The body of a short stream, to see that two servers say the same."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        body = '{"inputs":"hello","parameters":{"max_new_tokens":3,"ignore_eos_token":true}}'
        headers = {"content-type": "application/json"}
        connection.request("POST", "/generate_stream", body, headers)
        return connection.getresponse().read().decode()


class Router(Server):
    """The router on a scripted shard."""

    def __init__(self, setting: Setting, case: Case, *options: str) -> None:
        super().__init__(setting, case)
        self._options = options
        self._sockets = tempfile.TemporaryDirectory(prefix="lorax-bench-")

    def _start(self) -> None:
        case, setting = self._case, self._setting
        base = Path(self._sockets.name) / "shard"
        self._run(
            "ScriptedShardMain",
            base,
            case.step_micros,
            case.cache_tokens,
            case.load_millis,
            case.form,
        )
        router = _Process(
            [
                str(setting.java),
                *setting.flags,
                "-jar",
                str(setting.router),
                f"--master-shard-uds-path={base}-0",
                f"--tokenizer-name={setting.model}",
                "--model-id=bench",
                "--adapter-source=local",
                "--hostname=127.0.0.1",
                "--port=0",
                f"--max-input-length={_LONGEST_INPUT}",
                f"--max-total-tokens={_LONGEST_INPUT + _LONGEST_ANSWER}",
                "--max-batch-prefill-tokens=100000",
                "--eager-prefill",
                "--json-output",
                *self._options,
            ]
        )
        self._processes.append(router)
        line = router.wait_for(lambda text: '"router listens"' in text)
        pairs = json.loads(line)["kvpList"]
        self.port = int(next(pair["port"] for pair in pairs if "port" in pair))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        super().__exit__(kind, error, trace)
        self._sockets.cleanup()

    def _busy(self) -> tuple[float, float]:
        now, busy, _ = map(int, self._processes[0].lines[-1].split())
        return now / 1e9, busy / 1e9


class BareWriter(Server):
    """A server that writes the same bytes at the same pace and does nothing else."""

    def _start(self) -> None:
        writer = self._run("BareWriterMain", self._case.step_micros)
        self.port = int(writer.wait_for(lambda line: line.startswith("port ")).split()[1])
