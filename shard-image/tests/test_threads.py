"""What a shard tells the thread pools of its libraries before they are loaded."""

import os
from pathlib import Path

from shard_process import ShardGroup

from lorax_shard.server.threads import prepare_threads


def test_threads_look_for_a_while_before_they_sleep() -> None:
    environment: dict[str, str] = {}

    prepare_threads(environment)

    assert int(environment["GOMP_SPINCOUNT"]) > 0
    assert "OMP_WAIT_POLICY" not in environment
    assert environment["OMP_NUM_THREADS"] == environment["OPENBLAS_NUM_THREADS"]


def test_what_is_set_stays() -> None:
    set_by_user = {"OMP_NUM_THREADS": "3", "OPENBLAS_NUM_THREADS": "2", "OMP_WAIT_POLICY": "ACTIVE"}
    environment = dict(set_by_user)

    prepare_threads(environment)

    assert environment == set_by_user


def test_shards_of_one_machine_share_its_cores() -> None:
    alone, one_of_many = {"WORLD_SIZE": "1"}, {"WORLD_SIZE": "4096"}

    prepare_threads(alone)
    prepare_threads(one_of_many)

    assert int(one_of_many["OMP_NUM_THREADS"]) <= int(alone["OMP_NUM_THREADS"])


def test_those_that_compute_let_others_of_the_process_go_first(group: ShardGroup) -> None:
    process = group.shards[0].process.pid
    own = os.getpriority(os.PRIO_PROCESS, process)

    threads = [int(each.name) for each in Path(f"/proc/{process}/task").iterdir()]
    priorities = [os.getpriority(os.PRIO_PROCESS, each) for each in threads]

    behind = min(own + 5, 19)  # there is nothing beyond
    assert set(priorities) == {own, behind}
    # The one that steps, and those that compute along with it.
    assert priorities.count(behind) >= 1
    assert priorities.count(own) >= 2
