"""A shard, or a group of them, as child processes that are spoken to over their sockets."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import grpc

import lorax_shard
from lorax_shard.pb import extensions_pb2_grpc, generate_pb2_grpc

START_SECONDS = 120
# The child runs the very package that the tests import.
ENVIRONMENT = os.environ | {
    "PYTHONPATH": str(Path(lorax_shard.__file__).parents[1]),
    "LORAX_DEVICE": "cpu",
    "OMP_NUM_THREADS": "1",
}


@dataclass
class Shard:
    """One running process."""

    process: subprocess.Popen
    socket_path: Path
    log_path: Path
    channel: grpc.Channel = field(init=False)

    def wait_until_serving(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self.socket_path.exists():
            if self.process.poll() is not None:
                raise AssertionError(f"shard exited {self.process.returncode}: {self.log()}")
            assert time.monotonic() < deadline, f"shard did not start: {self.log()}"
            time.sleep(0.02)
        self.channel = grpc.insecure_channel(f"unix:{self.socket_path}")
        grpc.channel_ready_future(self.channel).result(timeout=10)

    def log(self) -> str:
        return self.log_path.read_text()

    def log_records(self) -> list[dict]:
        return [json.loads(line)["record"] for line in self.log().splitlines()]

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(timeout=30)


@dataclass
class ShardGroup:
    """All shards of one model."""

    shards: list[Shard]

    def stubs(self) -> list[generate_pb2_grpc.LoraxServiceStub]:
        return [generate_pb2_grpc.LoraxServiceStub(shard.channel) for shard in self.shards]

    def extensions(self) -> extensions_pb2_grpc.ExtensionsStub:
        return self.extensions_of_all()[0]

    def extensions_of_all(self) -> list[extensions_pb2_grpc.ExtensionsStub]:
        return [extensions_pb2_grpc.ExtensionsStub(shard.channel) for shard in self.shards]

    def stop(self) -> None:
        for shard in self.shards:
            shard.process.terminate()
        for shard in self.shards:
            shard.process.wait(timeout=30)


def launch(folder: Path, arguments: list[str], environment: dict[str, str]) -> Shard:
    """Starts one process and does not wait for it."""
    rank = environment.get("RANK", "0")
    uds = folder / "shard"
    log_path = folder / f"shard-{rank}.log"
    with log_path.open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "lorax_shard.cli", "serve", *arguments, f"--uds-path={uds}"],
            stdout=log,
            stderr=subprocess.STDOUT,
            env=ENVIRONMENT | environment,
        )
    return Shard(process, Path(f"{uds}-{rank}"), log_path)


def start_group(
    folder: Path,
    model: Path,
    adapter_root: Path,
    world: int = 1,
    extra: tuple[str, ...] = (),
    environment: Mapping[str, str] = MappingProxyType({}),
) -> ShardGroup:
    """Starts all shards of a model and waits until they serve."""
    arguments = [str(model), "--json-output", "--adapter-source=local", *extra]
    shared = {
        "WORLD_SIZE": str(world),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(_free_port()),
        "LORAX_ADAPTER_ROOTS": str(adapter_root),
        **environment,
    }
    shards = [launch(folder, arguments, shared | {"RANK": str(rank)}) for rank in range(world)]
    try:
        for shard in shards:
            shard.wait_until_serving()
    except BaseException:
        for shard in shards:
            shard.process.kill()
        raise
    return ShardGroup(shards)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
