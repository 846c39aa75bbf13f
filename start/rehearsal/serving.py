"""Launcher and router run on a shard without a model, answer a few requests and stop."""

import http.client
import json
import os
import socket
import subprocess
import time
from pathlib import Path
from typing import IO

from failure import Failure
from places import CHECKOUT, LAUNCHER_JAR, ROUTER_JAR
from startup_cache import END_SECONDS, Program, running, script

PROGRAMS = {
    "lorax-launcher": Program(LAUNCHER_JAR, CHECKOUT / "launcher" / "jvm.options"),
    "lorax-router": Program(ROUTER_JAR, CHECKOUT / "router" / "jvm.options"),
}
_SHARD = Path(__file__).resolve().parent / "shard.py"
_ROUNDS = 3
_READY_SECONDS = 120


class Serving:
    """The rehearsal of launcher and router; the shard runs with a Python that has grpcio."""

    programs = PROGRAMS
    sources = (Path(__file__).resolve(), _SHARD)

    def __init__(self, python: Path) -> None:
        self._python = python

    def play(self, stage: Path, log: IO[bytes]) -> None:
        """Starts the launcher, which starts the rest, asks for everything, and ends it."""
        source = CHECKOUT / "shard-image" / "src"
        run_shard = f'PYTHONPATH="{source}" exec "{self._python}" "{_SHARD}" "$@"'
        script(stage / "bin" / "lorax-server", run_shard)
        _write_model(stage / "model")
        _rehearse(stage, log)


def _write_model(folder: Path) -> None:
    """What launcher and router read of a model; the rehearsal's shard reads nothing."""
    folder.mkdir()
    tokenizer = {
        "version": "1.0",
        "added_tokens": [],
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True},
        "model": {"type": "BPE", "vocab": {"a": 0}, "merges": []},
    }
    contents = {
        "config.json": json.dumps({"model_type": "llama", "max_position_embeddings": 2048}),
        "tokenizer.json": json.dumps(tokenizer),
        "tokenizer_config.json": "{}",
    }
    for name, text in contents.items():
        (folder / name).write_text(text)
    header = json.dumps({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    weights = len(header).to_bytes(8, "little") + header + bytes(4)
    (folder / "model.safetensors").write_bytes(weights)


def _rehearse(stage: Path, log: IO[bytes]) -> None:
    port = _free_port()
    command = [
        str(stage / "bin" / "lorax-launcher"),
        *("--model-id", str(stage / "model")),
        *("--hostname", "127.0.0.1"),
        *("--port", str(port)),
        *("--status-port", "0"),
        # The router writes its cache before it has ended.
        *("--drain-timeout", f"{END_SECONDS}s"),
        *("--shard-uds-path", str(stage / "s")),
        *("--huggingface-hub-cache", str(stage / "cache")),
    ]
    path = f"{stage / 'bin'}{os.pathsep}{os.environ['PATH']}"
    with running(command, {**os.environ, "PATH": path}, log) as launcher:
        _wait_until_ready(launcher, port)
        for _ in range(_ROUNDS):
            _ask_everything(port)


def _wait_until_ready(launcher: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while launcher.poll() is None and time.monotonic() < deadline:
        try:
            if _request(port, "/health") == 200:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise Failure("launcher and router did not come up")


def _ask_everything(port: int) -> None:
    parameters = {"parameters": {"max_new_tokens": 8}}
    chat = {"model": "", "messages": [{"role": "user", "content": "a"}], "max_tokens": 8}
    for path, body in (
        ("/info", None),
        ("/metrics", None),
        ("/generate", {"inputs": "a", **parameters}),
        ("/generate_stream", {"inputs": "a", **parameters}),
        ("/v1/completions", {"model": "", "prompt": "a", "max_tokens": 8}),
        ("/v1/chat/completions", chat),
        ("/v1/chat/completions", {**chat, "stream": True}),
    ):
        status = _request(port, path, body)
        if status != 200:
            raise Failure(f"{path} was answered with status {status}, expected 200")


def _request(port: int, path: str, body: object = None) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        if body is None:
            connection.request("GET", path)
        else:
            headers = {"Content-Type": "application/json"}
            connection.request("POST", path, json.dumps(body), headers)
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
