"""Streams survive the death of a shard: launcher, shards and router as processes of this machine.

LORAX_LAUNCHER names the launcher's program, whose folder has those of router and shard;
LORAX_DEMO_GGUF the demo's model. `./lorax test` sets both.
"""

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))

from kept_streams import Streams, first_difference
from replica import Replica

CHECKOUT = Path(__file__).resolve().parents[2]
ADAPTERS = CHECKOUT / "shard-image" / "demo" / "adapters"
TOKENS = 60
DEADLINE_SECONDS = 180.0
SUBJECTS = ["a ship", "the moon", "bread", "a robot", "Rome", "a fox", "größere 🦙", "music"]
SCHEMA = {
    "type": "object",
    "properties": {"text": {"type": "string", "minLength": 200}},
    "required": ["text"],
}


def questions() -> list[dict[str, Any]]:
    """32 greedy ones of the base and three adapters, and one of each kind of other state."""
    greedy = [
        asked(f"Tell me a long story about {subject}.", adapter)
        for subject in SUBJECTS
        for adapter in ("", "pirate", "sentiment", "sql")
    ]
    others = [
        asked("Tell me about Mars.", "pirate", do_sample=True, temperature=1.2, seed=7),
        asked("Tell me about Mars.", "", do_sample=True, top_p=0.9, seed=8),
        asked("Tell me about Mars.", "", repetition_penalty=1.3),
        asked("Tell me about Mars.", "", response_format={"type": "json_object", "schema": SCHEMA}),
    ]
    return greedy + others


def asked(prompt: str, adapter: str, **parameters: Any) -> dict[str, Any]:
    """The body of a request."""
    named = {"adapter_id": adapter} if adapter else {}
    limits = {"max_new_tokens": TOKENS, "ignore_eos_token": True, "details": True}
    return {"inputs": prompt, "parameters": {**limits, **named, **parameters}}


@pytest.fixture(scope="module", params=[1, 2], ids=["one shard", "two shards"])
def shards(request: pytest.FixtureRequest) -> int:
    """How many shards share the model."""
    count: int = request.param
    return count


@pytest.fixture(scope="module")
def replica(shards: int) -> Iterator[Replica]:
    """A replica that has answered once."""
    launcher = Path(os.environ["LORAX_LAUNCHER"])
    arguments = [
        "--model-id",
        os.environ["LORAX_DEMO_GGUF"],
        "--num-shard",
        str(shards),
        "--adapter-source",
        "local",
        "--adapter-root",
        str(ADAPTERS),
        "--max-restarts",
        "1000",
    ]
    environment = {**os.environ, "PATH": f"{launcher.parent}{os.pathsep}{os.environ['PATH']}"}
    running = Replica(launcher, arguments, environment)
    try:
        running.first_token()
        yield running
    finally:
        running.stop()


def wait_for_events(streams: Streams, count: int) -> None:
    """Until every stream has got that many."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while streams.least() < count:
        assert not streams.failures()
        assert time.monotonic() < deadline, f"{streams.least()} of {count} events"
        time.sleep(0.01)


def test_every_stream_goes_on_as_in_a_quiet_run(
    replica: Replica, shards: int, request: pytest.FixtureRequest
) -> None:
    """To the byte, whatever its adapter, sampling or schema, and wherever it was."""
    # given
    bodies = questions()
    quiet = Streams(replica.port, bodies).wait()
    assert all("generated_text" in events[-1] for events in quiet)
    kills = request.config.getoption("--kills")

    for kill in range(kills):
        resumed = replica.metric("lorax_request_resumed")

        # when
        streams = Streams(replica.port, bodies)
        wait_for_events(streams, 1 + kill * (TOKENS // 2) // max(kills - 1, 1))
        replica.kill_shard(kill % shards)
        disturbed = streams.wait()

        # then
        assert streams.failures() == []
        wrong = [
            f"{json.dumps(body)}\n  {difference}"
            for body, expected, got in zip(bodies, quiet, disturbed, strict=True)
            if (difference := first_difference(expected, got))
        ]
        assert not wrong, f"kill {kill}: {len(wrong)} of {len(bodies)}\n" + "\n".join(wrong)
        resumed = replica.metric("lorax_request_resumed") - resumed
        assert resumed == len(bodies)
        print(f"{resumed:.0f} streams resumed after a pause of {streams.longest_pause():.1f} s")
