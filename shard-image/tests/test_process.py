"""The process: arguments, start-up failures, log lines, signals."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import grpc
import pytest
import torch
from shard_process import Shard, launch
from tiny_model import TinyModel

import lorax_shard
from lorax_shard.pb import generate_pb2 as pb
from lorax_shard.pb import generate_pb2_grpc


def failed(shard: Shard, code: int = 1) -> str:
    assert shard.process.wait(timeout=60) == code
    assert not shard.socket_path.exists()
    return shard.log()


def test_the_version_is_one_line_with_what_a_bug_report_needs() -> None:
    # when
    command = [sys.executable, "-m", "lorax_shard.cli", "--version"]
    source = Path(lorax_shard.__file__).parent.parent
    environment = {**os.environ, "PYTHONPATH": str(source)}
    line = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=True
    ).stdout

    # then
    assert line.startswith("lorax-server ")
    assert f"torch {torch.__version__.partition('+')[0]}" in line
    assert line.count("\n") == 1


def test_what_is_not_supported_is_refused_all_at_once(tiny: TinyModel, folder: Path) -> None:
    # given
    termination_log = folder / "termination-log"
    arguments = [
        "--quantize=eetq", "--speculative-tokens=17",
        "--merge-adapter-weights", "--embedding-dim=64", "--dtype=int8",
        "--otlp-endpoint=collector:4317",
    ]  # fmt: skip
    environment = {
        "LORAX_TERMINATION_LOG": str(termination_log),
        "ADAPTER_MEMORY_FRACTION": "lots",
        "LORAX_SPECULATION_MAX_BATCH_SIZE": "0",
        "LORAX_COMPILE_MAX_BATCH_SIZE": "0",
    }

    # when
    log = failed(launch(folder, [str(tiny.directory), *arguments], environment))

    # then
    for reason in (
        "--quantize eetq is not supported: expected int8 or int4, which quantises any model as it "
        "loads, or awq or gptq for a model that is quantised so",
        "--speculative-tokens must be from 0 to 16, got 17",
        "LORAX_SPECULATION_MAX_BATCH_SIZE must be at least 1, got 0",
        "LORAX_COMPILE_MAX_BATCH_SIZE must be at least 1, got 0",
        "--merge-adapter-weights needs --adapter-id, which names what to merge",
        "--embedding-dim 64 is not supported",
        "--otlp-endpoint collector:4317 is not the address of a collector",
        "dtype 'int8' is unknown: expected one of float32, float16, bfloat16",
        "ADAPTER_MEMORY_FRACTION must be a number from 0 to 1, got 'lots'",
    ):
        assert reason in log
        assert reason in termination_log.read_text()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["/nowhere"], "model /nowhere is not a directory"),
        (["MODEL", "--preloaded-adapter-ids=x", "--adapter-source=local"], "has no adapter roots"),
        (["MODEL", "--adapter-id=org/x", "--adapter-source=pbase"], "expected hub, s3 or local"),
        (["MODEL", "--adapter-id=../x"], "'../x' is no id of source hub: expected owner/name"),
        (["MODEL", "--no-such-option"], "unrecognized arguments: --no-such-option"),
        (["MODEL", "--dtype"], "argument --dtype: expected one argument"),
    ],
)
def test_a_start_that_cannot_work_says_why(
    tiny: TinyModel, folder: Path, arguments: list[str], reason: str
) -> None:
    words = [str(tiny.directory) if word == "MODEL" else word for word in arguments]

    assert reason in failed(launch(folder, words, {}))


def test_a_socket_path_that_is_too_long_is_refused(tiny: TinyModel, folder: Path) -> None:
    deep = folder / ("x" * 120)
    deep.mkdir()

    log = failed(launch(deep, [str(tiny.directory)], {}))

    assert "Unix sockets allow 107: shorten --uds-path" in log


def test_upstreams_launcher_can_start_it(tiny: TinyModel, folder: Path) -> None:
    # given the socket of a process that was killed, and the arguments of upstream's launcher
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(folder / "shard-0"))
    arguments = [
        str(tiny.directory), "--logger-level", "INFO", "--json-output", "--source", "hub",
        "--adapter-source", "local", "--trust-remote-code", "--compile",
    ]  # fmt: skip
    shard = launch(folder, arguments, {"PREFIX_CACHING": "1", "CHUNKED_PREFILL": "0"})
    stale.close()

    # when
    deadline = time.monotonic() + 60
    while "Server started" not in shard.log():
        assert time.monotonic() < deadline, shard.log()
        assert shard.process.poll() is None, shard.log()
        time.sleep(0.05)
    shard.wait_until_serving()
    stub = generate_pb2_grpc.LoraxServiceStub(shard.channel)
    info = stub.Info(pb.InfoRequest())
    stub.Health(pb.HealthRequest())

    # then
    assert (info.dtype, info.device_type, info.block_size) == ("torch.float32", "cpu", 16)
    assert info.requires_block_allocator
    assert info.supports_generation
    assert not info.requires_padding
    assert not info.chunked_prefill
    for line in shard.log().splitlines():
        parsed = json.loads(line)
        assert parsed["text"].rstrip("\n") == parsed["record"]["message"]
        assert parsed["record"]["level"]["name"] == "INFO"
    with pytest.raises(grpc.RpcError) as early:
        stub.Decode(pb.DecodeRequest(batches=[pb.CachedBatch(id=1)]))
    assert "call Warmup first" in early.value.details()

    # when
    shard.process.send_signal(signal.SIGTERM)

    # then
    assert shard.process.wait(timeout=30) == 0
    assert not shard.socket_path.exists()


def test_reflection_lists_the_services(group) -> None:
    from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

    stub = reflection_pb2_grpc.ServerReflectionStub(group.shards[0].channel)
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    (answer,) = stub.ServerReflectionInfo(iter([request]))

    names = {service.name for service in answer.list_services_response.service}
    assert {"generate.v1.LoraxService", "lorax.extensions.v1.Extensions"} <= names


def test_failed_calls_are_logged(group) -> None:
    # given
    stub = generate_pb2_grpc.LoraxServiceStub(group.shards[0].channel)

    # when
    with pytest.raises(grpc.RpcError):
        stub.FilterBatch(pb.FilterBatchRequest(batch_id=424242))

    # then
    last = group.shards[0].log_records()[-1]
    assert last["level"]["name"] == "ERROR"
    assert last["message"] == "FilterBatch failed: Batch ID 424242 not found in cache."
    assert last["exception"] is None
    assert last["process"]["id"] == group.shards[0].process.pid != os.getpid()
