"""G9: the operator with ten, a hundred, a thousand and ten thousand servers.

There are no controllers and no kubelets: what is measured is the operator and nothing else. The
servers are there before it starts. Then it is stopped and started again, and finds everything as it
left it; meanwhile new servers are created, and how long they wait for their Deployment is told. The
peer, a minimal controller in Go (bench/peer), makes the same writes on an API server of its own.
"""

import concurrent.futures
import http.client
import json
import math
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from api_server import ApiError, ApiServer, Client, Object, install, started
from operator_process import OperatorProcess, Program
from ratios import Interval, Row
from recorded_writes import record
from servers import create, plain

SIZES = (10, 100, 1_000, 10_000)
_NAMESPACE = "default"
_CREATORS = 4
_NEW = 100
_REST_SECONDS = 30.0
_CONVERGE_SECONDS = 1_800.0
_WRITES = re.compile(
    r'^apiserver_request_total\{.*resource="'
    r"(?:loraxservers|deployments|services|poddisruptionbudgets|events|pods)"
    r'".*verb="(?:POST|PUT|PATCH|APPLY|DELETE)".*\} ([0-9.e+]+)$',
    re.MULTILINE,
)

Report = Callable[[str], None]


@dataclass(frozen=True)
class Setting:
    """What is run."""

    cluster: Path
    ours: Program
    # From a file of writes.
    peer: Callable[[Path], Program]
    definition: Path
    folder: Path


@dataclass(frozen=True)
class Size:
    """What a number of servers costs."""

    servers: int
    converge_seconds: float
    converge_cpu_seconds: float
    resync_seconds: float
    resync_cpu_seconds: float
    resident_mib: float
    peak_mib: float
    rest_writes: int
    rest_cpu_seconds: float
    new_p50_seconds: float
    new_p99_seconds: float


def measure(setting: Setting, sizes: tuple[int, ...], report: Report) -> tuple[list[Row], Object]:
    """Rows for the largest size; a table of all."""
    with started(setting.cluster, setting.folder / "recorded") as api:
        install(api.client(), setting.definition)
        peer = setting.peer(record(api, setting.ours, setting.folder))
    found: dict[str, list[Size]] = {setting.ours.name: [], peer.name: []}
    for size in sizes:
        for program in (setting.ours, peer):
            folder = setting.folder / f"{program.name}-{size}"
            with started(setting.cluster, folder) as api:
                install(api.client(), setting.definition)
                one = _size(api, program, folder, size)
            shutil.rmtree(folder)
            found[program.name].append(one)
            report(f"{program.name}: {json.dumps(asdict(one))}")
    rows = _rows(found[setting.ours.name][-1], found[peer.name][-1])
    sizes_of = {name: [asdict(size) for size in sizes] for name, sizes in found.items()}
    return rows, {"sizes": sizes_of}


def _rows(ours: Size, peer: Size) -> list[Row]:
    name = f"{ours.servers} servers"

    def row(
        case: str, field: str, goal: tuple[float, float], unit: str, peerless: bool = False
    ) -> Row:
        one, other = getattr(ours, field), getattr(peer, field)
        value = one if peerless else one / other
        return Row(f"{name}: {case}", Interval(value, value, value), *goal, one, other, unit)

    return [
        row("CPU until all are as they shall be / peer", "converge_cpu_seconds", (1.5, 1), "s"),
        row("CPU of a restart that finds them so / peer", "resync_cpu_seconds", (1.5, 1), "s"),
        row("memory / peer", "resident_mib", (3, 2), "MiB"),
        row(
            f"API writes at rest in {_REST_SECONDS:.0f} s",
            "rest_writes",
            (0, 0),
            "writes",
            peerless=True,
        ),
        row("p99 of a new one while resyncing", "new_p99_seconds", (2, 0.5), "s", peerless=True),
    ]


def _size(api: ApiServer, program: Program, folder: Path, size: int) -> Size:
    _create(api, [f"server-{number}" for number in range(size)])
    first, converge_seconds = _start(api, program, folder, size)
    converge_cpu = first.cpu_seconds
    writes, cpu = _writes(api.client()), first.cpu_seconds
    time.sleep(_REST_SECONDS)
    rest_writes, rest_cpu = _writes(api.client()) - writes, first.cpu_seconds - cpu
    first.kill()
    second = _operator(api, program, folder)
    begin = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor() as beside:
        waits = beside.submit(_new_servers, api, second)
        second.await_ready()
        second.await_idle()
        resync_seconds = time.monotonic() - begin
        waited = sorted(waits.result())
    resync_cpu, resident, peak = second.cpu_seconds, second.resident_mib, second.peak_mib
    second.kill()
    return Size(
        servers=size,
        converge_seconds=round(converge_seconds, 1),
        converge_cpu_seconds=round(converge_cpu, 1),
        resync_seconds=round(resync_seconds, 1),
        resync_cpu_seconds=round(resync_cpu, 1),
        resident_mib=round(resident),
        peak_mib=round(peak),
        rest_writes=rest_writes,
        rest_cpu_seconds=round(rest_cpu, 2),
        new_p50_seconds=round(waited[len(waited) // 2], 3),
        new_p99_seconds=round(waited[math.ceil(0.99 * len(waited)) - 1], 3),
    )


def _create(api: ApiServer, names: list[str]) -> None:
    def some(part: int) -> None:
        client = api.client()
        for name in names[part::_CREATORS]:
            create(client, _NAMESPACE, plain(name))

    with concurrent.futures.ThreadPoolExecutor(_CREATORS) as creators:
        list(creators.map(some, range(_CREATORS)))


def _operator(api: ApiServer, program: Program, folder: Path) -> OperatorProcess:
    return OperatorProcess(program, f"https://127.0.0.1:{api.port}", folder)


def _start(
    api: ApiServer, program: Program, folder: Path, size: int
) -> tuple[OperatorProcess, float]:
    """An operator that has made everything for the first time, and how long that took."""
    begin = time.monotonic()
    operator = _operator(api, program, folder)
    operator.await_ready()
    client = api.client()
    deadline = begin + _CONVERGE_SECONDS
    while _count(client, "/apis/policy/v1", "poddisruptionbudgets") < size:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{size} servers did not converge within {_CONVERGE_SECONDS:.0f} s")
        time.sleep(0.2)
    operator.await_idle()
    return operator, time.monotonic() - begin


def _new_servers(api: ApiServer, operator: OperatorProcess) -> list[float]:
    """How long each of some new servers waits for its Deployment, from when it watches on."""
    client = api.client()
    operator.await_ready()
    waits = []
    for number in range(_NEW):
        name = f"new-{number}"
        create(client, _NAMESPACE, plain(name))
        begin = time.monotonic()
        while not _exists(client, f"/apis/apps/v1/namespaces/{_NAMESPACE}/deployments/{name}"):
            time.sleep(0.005)
        waits.append(time.monotonic() - begin)
    return waits


def _exists(client: Client, path: str) -> bool:
    try:
        client.get(path)
    except ApiError as refusal:
        if refusal.status != http.client.NOT_FOUND:
            raise
        return False
    return True


def _count(client: Client, group: str, kind: str) -> int:
    """Objects of a kind, without reading them all."""
    listed = client.get(f"{group}/namespaces/{_NAMESPACE}/{kind}?limit=1")
    metadata: dict[str, Any] = listed["metadata"]
    return len(listed["items"]) + int(metadata.get("remainingItemCount", 0))


def _writes(client: Client) -> int:
    """Writes of servers and of what belongs to them, as the API server counts them."""
    page = client.text("/metrics")
    return round(sum(float(match) for match in _WRITES.findall(page)))
