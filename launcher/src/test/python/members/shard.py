"""Stands in for `lorax-server serve`: binds the socket it was told and answers gRPC Health.

Starts in a few hundredths of a second, because most tests are about what happens around a shard.
The files that change its behaviour: shard-N-fails (it ends with a traceback), shard-N-deaf (it
ignores SIGTERM), shard-N-mute (it binds only when the file is gone).

Like a process of PyTorch it has a segment of shared memory, which only an orderly end removes; but
where there is no shared memory, it does without, as gloo does.
"""

import contextlib
import mmap
import os
import socket
import sys
import threading
from pathlib import Path

import script

_NAME = f"shard-{os.environ['RANK']}"

_SHARED_MEMORY = "/dev/shm"
_SEGMENT_BYTES = 256 << 10

# HTTP/2 (RFC 9113): frame types, flags, and the client's first bytes.
_DATA, _HEADERS, _SETTINGS, _PING = 0, 1, 4, 6
_END_STREAM, _ACK, _END_HEADERS = 1, 1, 4
_PREFACE_BYTES = 24
# HPACK (RFC 7541), nothing indexed but what the static table has: :status 200; content-type.
_HEAD = b"\x88" + b"\x0f\x10\x10application/grpc"
_EMPTY_MESSAGE = b"\0" * 5
_TRAILERS = b"\x00\x0bgrpc-status\x010"


def _frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return (
        len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload
    )


def _answer(stream: int) -> bytes:
    """An empty message, which is what HealthResponse is, and grpc-status 0."""
    return (
        _frame(_HEADERS, _END_HEADERS, stream, _HEAD)
        + _frame(_DATA, 0, stream, _EMPTY_MESSAGE)
        + _frame(_HEADERS, _END_HEADERS | _END_STREAM, stream, _TRAILERS)
    )


def _converse(connection: socket.socket) -> None:
    """Answers whatever a gRPC client asks as if it were Health."""
    # Who asks may be gone before the answer.
    with contextlib.suppress(OSError), connection, connection.makefile("rb") as requests:
        requests.read(_PREFACE_BYTES)
        connection.sendall(_frame(_SETTINGS, 0, 0))
        while len(head := requests.read(9)) == 9:
            payload = requests.read(int.from_bytes(head[:3], "big"))
            kind, flags, stream = head[3], head[4], int.from_bytes(head[5:], "big")
            if kind in (_SETTINGS, _PING) and not flags & _ACK:
                connection.sendall(_frame(kind, _ACK, 0, payload if kind == _PING else b""))
            elif kind in (_HEADERS, _DATA) and flags & _END_STREAM:
                connection.sendall(_answer(stream))


def _accept(server: socket.socket) -> None:
    while True:
        connection, _ = server.accept()
        threading.Thread(target=_converse, args=(connection,), daemon=True).start()


def _listen(path: str) -> None:
    """Appears under its name only when it listens, as a real shard's socket does."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(path + ".binding")
    server.listen()
    Path(path + ".binding").rename(path)
    threading.Thread(target=_accept, args=(server,), daemon=True).start()


def _share_memory() -> tuple[Path, mmap.mmap] | None:
    """Named as PyTorch does it, and so that a test finds what its members have left."""
    if not os.access(_SHARED_MEMORY, os.W_OK):
        return None
    name = f"torch_{os.getpid()}_{os.environ['SCRIPT_DIRECTORY'].replace('/', '-')}"
    segment = Path(_SHARED_MEMORY, name)
    with segment.open("w+b") as file:
        file.truncate(_SEGMENT_BYTES)
        memory = mmap.mmap(file.fileno(), _SEGMENT_BYTES)
    memory[:] = bytes(_SEGMENT_BYTES)
    return segment, memory


def _stop(shared: tuple[Path, mmap.mmap] | None) -> None:
    script.record(f"{_NAME} asked to stop")
    if not script.asks(f"{_NAME}-deaf"):
        if shared:
            shared[0].unlink()
        os._exit(0)


def _main() -> None:
    script.started(_NAME)
    if script.asks(f"{_NAME}-fails"):
        sys.exit(
            "Traceback (most recent call last):\n"
            "ValueError: model type gpt_neo is not supported\n"
            "  resource tracker: some semaphores leaked"
        )
    print(
        '{"text":"","record":{"level":{"name":"INFO"},"message":"weights loaded"}}',
        "a line that is no JSON",
        sep="\n",
        flush=True,
    )
    shared = _share_memory()
    script.at_sigterm(lambda: _stop(shared))
    script.wait_while_asked(f"{_NAME}-mute")
    _listen(f"{script.option('--uds-path')}-{os.environ['RANK']}")
    script.sleep_for_ever()


_main()
