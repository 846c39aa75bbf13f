"""How many threads compute, and how they wait. Decided before torch is imported."""

import math
import os
import threading
from collections.abc import MutableMapping

from lorax_shard.cgroup import ControlGroups

# How often a thread looks before it sleeps at a barrier, about 0.2 ms; a step has hundreds. If it
# slept at once it would have to be woken: a step took 1.7 times as long (docs/performance.md). For
# milliseconds, as is usual, it would take a busy core away from the thread that it waits for.
_SPINS = 10_000
# Of Unix's niceness: a third of the weight that others of the process have. It counts within a
# container, or a session, and not between them.
_NICER = 5


def prepare_threads(environment: MutableMapping[str, str]) -> None:
    """Sets what the thread pools of torch and its BLAS read once, when they are loaded.

    A value that is set already stays.
    """
    world = environment.get("WORLD_SIZE") or "1"
    # A value that is no number is reported later, with whatever else is wrong.
    threads = str(_fair_threads(int(world) if world.isdecimal() else 1))
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        environment.setdefault(name, threads)
    if "OMP_WAIT_POLICY" not in environment:
        environment.setdefault("GOMP_SPINCOUNT", str(_SPINS))


def stand_back() -> None:
    """Has this thread, and those that compute along with it, let others of the process go first.

    Those have little to do: they take requests, send replies and load adapters, which somebody
    waits for. Where all cores compute, each of their turns had to wait for one (decision 0031).
    """
    thread = threading.get_native_id()
    nice = os.getpriority(os.PRIO_PROCESS, thread)
    os.setpriority(os.PRIO_PROCESS, thread, nice + _NICER)


def _fair_threads(shards: int) -> int:
    """Cores that this process may use: its container's quota, else a fair part of the machine."""
    cores = len(os.sched_getaffinity(0))
    granted = ControlGroups().cpus()
    if granted is not None:
        return max(1, min(cores, math.ceil(granted)))
    return max(1, cores // max(1, shards))
