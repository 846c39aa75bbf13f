"""How a shard ends, and that it answers until then: hanging steps, memory, damaged files, stops."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from shard_process import Shard, launch, start_group
from testing_router import LONG_PREFILL_REQUESTS, TestingRouter
from tiny_model import TinyModel

from lorax_shard.cgroup import ControlGroups
from lorax_shard.pb import generate_pb2 as pb


def test_a_step_beyond_its_time_ends_the_shard(tiny: TinyModel, folder: Path) -> None:
    # given
    environment = {
        "LORAX_STEP_TIMEOUT_S": "0.05",
        "LORAX_TERMINATION_LOG": str(folder / "termination-log"),
    }
    group = start_group(folder, tiny.directory, tiny.adapter_root, environment=environment)
    router = TestingRouter(group)

    # when
    step = router.master.Prefill.future(router.long_prefill(), timeout=60)

    # then
    assert group.shards[0].process.wait(timeout=60) == 70
    assert step.exception() is not None
    last = group.shards[0].log_records()[-1]
    assert last["level"]["name"] == "ERROR"
    assert last["message"].startswith("prefill did not end within 0.05 s (LORAX_STEP_TIMEOUT_S)")
    assert last["exception"] is None
    assert last["extra"] == {"code": "StepTimedOut"}
    assert (folder / "termination-log").read_text() == f"StepTimedOut: {last['message']}"


def test_health_is_answered_while_a_step_runs_and_a_stop_lets_it_end(
    tiny: TinyModel, folder: Path
) -> None:
    # given
    group = start_group(folder, tiny.directory, tiny.adapter_root)
    router = TestingRouter(group)

    # when
    step = router.master.Prefill.future(router.long_prefill(), timeout=60)
    answered = 0
    while not step.done() and answered < 5:
        router.master.Health(pb.HealthRequest(), timeout=10)
        answered += 1
    still_running = not step.done()
    group.shards[0].process.terminate()

    # then
    assert still_running
    assert len(step.result().generations) == LONG_PREFILL_REQUESTS
    assert group.shards[0].process.wait(timeout=30) == 0


@pytest.fixture
def broken(tiny: TinyModel, folder: Path):
    """A copy of the model whose weights the test replaces."""
    directory = folder / "model"
    shutil.copytree(tiny.directory, directory)
    return directory


def failure(
    folder: Path, model: Path, exit_code: int, words: Sequence[str] = ()
) -> tuple[str, str]:
    """The launcher's word for it, and the sentence."""
    shard: Shard = launch(folder, [str(model), "--json-output", *words], {})
    assert shard.process.wait(timeout=60) == exit_code
    last = shard.log_records()[-1]
    assert last["level"]["name"] == "ERROR"
    assert last["exception"] is None
    return last["extra"]["code"], last["message"]


def test_weights_that_cannot_fit_are_refused_before_they_are_read(
    broken: Path, folder: Path
) -> None:
    # given a terabyte of weights, of which nothing takes space on the disk
    numbers = 2**38
    entry = {"dtype": "F32", "shape": [numbers], "data_offsets": [0, 4 * numbers]}
    header = json.dumps({"model.embed_tokens.weight": entry}).encode()
    with (broken / "model.safetensors").open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        file.truncate(8 + len(header) + 4 * numbers)

    # when
    code, message = failure(folder, broken, 72)

    # then
    assert code == "OutOfMemory"
    assert "the weights of model model take 1024.0 GiB as float32 on each of 1 shards" in message
    for way in (
        "set --dtype bfloat16, which takes 512.0 GiB",
        "set --quantize int8, which takes 256.0 GiB",
        "set --quantize int4, which takes 160.0 GiB",
        "or raise the memory limit",
    ):
        assert way in message


@pytest.mark.parametrize(
    ("name", "content", "code", "reason"),
    [
        ("model.safetensors", b"short", "CorruptFile", "model.safetensors is not a safetensors"),
        ("model.safetensors", None, "CorruptFile", "is damaged: expected"),
        ("tokenizer.json", b"{}", "CorruptFile", "tokenizer.json is not a tokenizer"),
        ("config.json", b'{"model_type": "qwen9"}', "UnsupportedModel", "model_type 'qwen9'"),
        ("config.json", b'{"model_type": "llama"}', "CorruptFile", "config.json"),
        ("model.safetensors.index.json", b"{}", "CorruptFile", "lacks 'weight_map'"),
    ],
)
def test_files_that_cannot_be_served_are_named_in_one_line(
    broken: Path, folder: Path, name: str, content: bytes | None, code: str, reason: str
) -> None:
    # given
    path = broken / name
    path.write_bytes(path.read_bytes()[:-100] if content is None else content)

    # when
    said, message = failure(folder, broken, 1)

    # then
    assert said == code
    assert reason in message


@pytest.mark.skipif(torch.cuda.is_available(), reason="the device is there")
def test_a_device_that_is_not_there_is_missed_by_name(tiny: TinyModel, folder: Path) -> None:
    code, message = failure(folder, tiny.directory, 1, ["--device", "cuda"])

    assert code == "NoDevice"
    assert "device cuda was asked for" in message


GROUPS = {
    "version 2 in a container": (
        "0::/\n",
        {
            "cpu.max": "150000 100000",
            "memory.max": "1000",
            "memory.current": "700",
            "memory.stat": "anon 5\ninactive_file 200\n",
        },
    ),
    "version 1 on a host, with a tighter parent": (
        "4:memory:/pods/a\n1:cpu,cpuacct:/pods/a\n0::/\n",
        {
            "cpu/pods/a/cpu.cfs_quota_us": "300000",
            "cpu/pods/a/cpu.cfs_period_us": "100000",
            "cpu/pods/cpu.cfs_quota_us": "150000",
            "cpu/pods/cpu.cfs_period_us": "100000",
            "cpu/cpu.cfs_quota_us": "-1",
            "cpu/cpu.cfs_period_us": "100000",
            "memory/pods/a/memory.limit_in_bytes": "1000",
            "memory/pods/a/memory.usage_in_bytes": "700",
            "memory/pods/a/memory.stat": "inactive_file 1\ntotal_inactive_file 200\n",
        },
    ),
}


@pytest.mark.parametrize("name", GROUPS)
def test_limits_of_both_versions_of_control_groups_are_read(name: str, folder: Path) -> None:
    # given
    membership, files = GROUPS[name]
    (folder / "membership").write_text(membership)
    for path, text in files.items():
        (folder / "groups" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "groups" / path).write_text(text)

    # when
    groups = ControlGroups(folder / "groups", folder / "membership")

    # then
    assert groups.cpus() == 1.5
    assert groups.memory_limit() == 1000
    assert groups.memory_available() == 500


def test_without_limits_there_are_none(folder: Path) -> None:
    (folder / "cpu.max").write_text("max 100000")
    (folder / "memory.max").write_text("max")
    (folder / "memory.current").write_text("700")

    groups = ControlGroups(folder, folder / "nothing")

    assert (groups.cpus(), groups.memory_limit(), groups.memory_available()) == (None, None, None)
