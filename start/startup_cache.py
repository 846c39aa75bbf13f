"""Start-up caches of launcher and router: classes loaded and linked ahead of time (JEP 483, 514).

A cache is recorded in a rehearsal: the two programs run once, as they always do, on a shard without
a model, answer a few requests and stop. A JVM that finds a cache of another JVM says so on stderr
and starts without it, only slower. It does not look whether the jar is another one, so a cache is
kept under a key of its jar, or in one image with it.
"""

import http.client
import json
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from failure import Failure
from places import CHECKOUT, LAUNCHER_JAR, LOGS, ROUTER_JAR, content_key

# Jar and options of the JVM.
PROGRAMS: Mapping[str, tuple[Path, Path]] = {
    "lorax-launcher": (LAUNCHER_JAR, CHECKOUT / "launcher" / "jvm.options"),
    "lorax-router": (ROUTER_JAR, CHECKOUT / "router" / "jvm.options"),
}
_SHARD = CHECKOUT / "start" / "rehearsal" / "shard.py"
_ROUNDS = 3
_READY_SECONDS = 120
_END_SECONDS = 300


def file(folder: Path, program: str) -> Path:
    """Where a program's cache lies in a folder of caches."""
    return folder / f"{program}.aot"


def key(*others: Path) -> str:
    """What the caches stand for. A JVM knows a jar by the second in which it was made, too."""
    files = [file for program in PROGRAMS.values() for file in program]
    made = [str(int(jar.stat().st_mtime)) for jar, _ in PROGRAMS.values()]
    return content_key([*files, *others], *made)


def flag(folder: Path, program: str) -> str:
    """What makes a JVM use the cache."""
    return f"-XX:AOTCache={file(folder, program)}"


def record(java: Path, python: Path, folder: Path) -> None:
    """Rehearses with this JVM and leaves both caches in the folder, which appears when complete."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".rehearsal-") as name:
        stage = Path(name)
        made = stage / "made"
        made.mkdir()
        _write_programs(stage, java, python, made)
        _write_model(stage / "model")
        _rehearse(stage)
        missing = [each for each in PROGRAMS if not file(made, each).exists()]
        if missing:
            raise Failure(
                f"the rehearsal left no start-up cache of {', '.join(missing)}; see {_log()}"
            )
        made.rename(folder)


def _write_programs(stage: Path, java: Path, python: Path, made: Path) -> None:
    programs = stage / "bin"
    programs.mkdir()
    # Profiles of the rehearsal would make the next JVM compile at once whatever ran in it.
    recording = "-XX:+UnlockDiagnosticVMOptions -XX:-AOTRecordTraining"
    for name, (jar, options) in PROGRAMS.items():
        output = f"{recording} -XX:AOTCacheOutput={file(made, name)}"
        script = f'exec "{java}" "@{options}" {output} -jar "{jar}" "$@"'
        _script(programs / name, script)
    source = CHECKOUT / "shard-image" / "src"
    _script(
        programs / "lorax-server",
        f'PYTHONPATH="{source}" exec "{python}" "{_SHARD}" "$@"',
    )


def _script(path: Path, body: str) -> None:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


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


def _rehearse(stage: Path) -> None:
    port = _free_port()
    _log().parent.mkdir(parents=True, exist_ok=True)
    with _log().open("wb") as log:
        launcher = subprocess.Popen(
            [
                str(stage / "bin" / "lorax-launcher"),
                *("--model-id", str(stage / "model")),
                *("--hostname", "127.0.0.1"),
                *("--port", str(port)),
                *("--status-port", "0"),
                # A JVM writes its cache when it ends, which takes seconds.
                *("--drain-timeout", f"{_END_SECONDS}s"),
                *("--shard-uds-path", str(stage / "s")),
                *("--huggingface-hub-cache", str(stage / "cache")),
            ],
            env={**os.environ, "PATH": f"{stage / 'bin'}{os.pathsep}{os.environ['PATH']}"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_until_ready(launcher, port)
            for _ in range(_ROUNDS):
                _ask_everything(port)
            launcher.send_signal(signal.SIGTERM)
            launcher.wait(_END_SECONDS)
        finally:
            launcher.kill()
            launcher.wait()


def _wait_until_ready(launcher: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while launcher.poll() is None and time.monotonic() < deadline:
        try:
            if _request(port, "/health") == 200:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise Failure(f"launcher and router did not come up in the rehearsal; see {_log()}")


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
            raise Failure(f"the rehearsal's {path} was answered with status {status}; see {_log()}")


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


def _log() -> Path:
    return LOGS / "rehearsal.log"
