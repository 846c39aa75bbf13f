"""G11: the operator is killed after every single write of every path; the end must be the same.

A path is something that happens to a server. It is run once undisturbed, then once for each write
that the operator does on it: right after that write was answered, before the operator hears of it,
the process gets SIGKILL, and another takes its place. What the API server holds at the end is
compared with the undisturbed run. Reports that follow each other quickly may share a write or not,
so a path is over when its next write does not come in several runs, not when as many came as in
the undisturbed one.
"""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from api_server import ApiServer, Object, install
from operator_process import OperatorGone, OperatorProcess, Program
from pods import RouterLoad, crash, ready_pod
from ratios import Interval, Row
from servers import create, object_path, of, server_path, snapshot
from write_proxy import WriteProxy

_QUIET_SECONDS = 1.5
_SETTLE_SECONDS = 90.0
_TRIES = 3

Report = Callable[[str], None]
Step = Callable[["Case"], None]


@dataclass(frozen=True)
class Setting:
    """What is run."""

    program: Program
    definition: Path
    folder: Path


@dataclass(frozen=True)
class Case:
    """One run of a path, in a namespace of its own."""

    api: ApiServer
    namespace: str
    router: RouterLoad

    def merge(self, change: Object) -> None:
        """Changes the server."""
        self.api.client().merge(server_path(self.namespace), change)


@dataclass(frozen=True)
class Way:
    """Something that happens to a server, once the steps before it are over."""

    name: str
    before: Sequence[Step]
    step: Step


@dataclass
class WayResult:
    """What became of one path."""

    writes: list[str] = field(default_factory=list)
    same: int = 0
    different: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Run:
    """What the API server held in the end, and after which write the operator was killed, if so."""

    end: Object
    killed_after: str


def _created(case: Case) -> None:
    create(case.api.client(), case.namespace)


def _refused(case: Case) -> None:
    bad = {"requests": {"memory": "2Gi"}, "limits": {"memory": "1Gi"}}
    server = of()
    server["spec"]["router"] = {"resources": bad}
    create(case.api.client(), case.namespace, server)


def _changed(case: Case) -> None:
    case.merge(
        {
            "spec": {
                "drainTimeout": "90s",
                "service": {"port": 8080},
                "disruptionBudget": {"mode": "None"},
                "autoscaling": None,
            }
        }
    )


def _pods(case: Case) -> None:
    for name in ("pod-a", "pod-b"):
        ready_pod(case.api.client(), case.namespace, name, case.router.port)


def _crashed(case: Case) -> None:
    crash(case.api.client(), case.namespace, "pod-a")


def _shrunk(case: Case) -> None:
    case.merge({"spec": {"replicas": 1}})


def _mended(case: Case) -> None:
    case.merge({"spec": {"router": {"resources": None}}})


def _meddled(case: Case) -> None:
    """Somebody else takes a label away, sets a field, and deletes two objects."""
    client = case.api.client()
    labels = {"metadata": {"labels": {"app.kubernetes.io/managed-by": "somebody"}}}
    client.merge(object_path(case.namespace, "services"), labels)
    client.merge(object_path(case.namespace, "deployments"), {"spec": {"minReadySeconds": 77}})
    client.delete(object_path(case.namespace, "poddisruptionbudgets"))
    client.delete(object_path(case.namespace, "horizontalpodautoscalers"))


def _halted(case: Case) -> None:
    case.merge({"spec": {"replicas": 0, "autoscaling": None, "rollout": {"paused": True}}})


_PATHS = (
    Way("a server is created", (), _created),
    Way("a spec that cannot be served", (), _refused),
    Way("it is mended", (_refused,), _mended),
    Way("a server is changed, two objects go", (_created,), _changed),
    Way("its pods become ready", (_created,), _pods),
    Way("a container crashes", (_created, _pods), _crashed),
    Way("a server shrinks", (_created, _pods), _shrunk),
    Way("others change and delete what it owns", (_created,), _meddled),
    Way("a server is paused and scaled to zero", (_created, _pods), _halted),
)


class Measurement:
    """Runs paths one after the other, on one API server."""

    def __init__(self, api: ApiServer, setting: Setting, report: Report) -> None:
        self._api = api
        self._setting = setting
        self._report = report
        self._proxy = WriteProxy(api)
        self._router = RouterLoad()
        self._operator = self._start()
        self._operator.await_ready()
        self._cases = 0
        self.kills = 0

    def path(self, path: Way) -> WayResult:
        """The undisturbed run, then one with a kill after each of its writes."""
        expected = self._run(path, None).end
        result = WayResult()
        while run := self._killed_after(path, len(result.writes) + 1):
            result.writes.append(run.killed_after)
            if run.end == expected:
                result.same += 1
            else:
                result.different.append(
                    f"after write {len(result.writes)} ({run.killed_after}): "
                    f"{_difference(expected, run.end)}"
                )
        self._report(f"{path.name}: {result.same} of {len(result.writes)} as undisturbed")
        for difference in result.different:
            self._report(f"  {difference}")
        return result

    def close(self) -> None:
        """Ends everything but the API server."""
        self._operator.kill()
        self._proxy.close()
        self._router.close()

    def _killed_after(self, path: Way, write: int) -> Run | None:
        """None when that write does not come."""
        runs = (self._run(path, write) for _ in range(_TRIES))
        return next((run for run in runs if run.killed_after), None)

    def _run(self, path: Way, victim: int | None) -> Run:
        self._cases += 1
        case = Case(self._api, f"case-{self._cases}", self._router)
        body = {"metadata": {"name": case.namespace}}
        self._api.client().create("/api/v1/namespaces", body)
        for step in path.before:
            step(case)
            self._settle(case)
        last: list[str] = []

        def after(number: int, line: str) -> None:
            if number == victim:
                last.append(line)
                self._operator.kill()

        self._proxy.reset()
        self._proxy.after = after
        path.step(case)
        try:
            self._settle(case)
        except OperatorGone:
            self.kills += 1
            self._operator = self._start()
            self._operator.await_ready()
            self._settle(case)
        self._proxy.after = lambda number, line: None
        return Run(snapshot(self._api.client(), case.namespace), "".join(last))

    def _settle(self, case: Case) -> None:
        """Waits until the operator has seen the spec and writes no more.

        Raises OperatorGone when it was killed before.
        """
        deadline = time.monotonic() + _SETTLE_SECONDS
        quiet_since, count = time.monotonic(), -1
        while time.monotonic() < deadline:
            self._operator.require()
            now = len(self._proxy.writes())
            if now != count:
                quiet_since, count = time.monotonic(), now
            server = self._api.client().get(server_path(case.namespace))
            seen = server.get("status", {}).get("observedGeneration")
            if (
                seen == server["metadata"]["generation"]
                and time.monotonic() - quiet_since >= _QUIET_SECONDS
            ):
                # An attempt that was refused is no write.
                self._operator.await_idle()
                if len(self._proxy.writes()) == count:
                    return
            time.sleep(0.1)
        raise RuntimeError(f"{case.namespace} did not settle: {json.dumps(server)[:2000]}")

    def _start(self) -> OperatorProcess:
        setting = self._setting
        return OperatorProcess(setting.program, self._proxy.address, setting.folder)


def measure(api: ApiServer, setting: Setting, report: Report) -> tuple[list[Row], Object]:
    """One row for each path, and its writes."""
    install(api.client(), setting.definition)
    begin = time.monotonic()
    measurement = Measurement(api, setting, report)
    try:
        results = {path.name: measurement.path(path) for path in _PATHS}
    finally:
        measurement.close()
    rows = [_row(name, result) for name, result in results.items()]
    details = {
        "kills": measurement.kills,
        "minutes": round((time.monotonic() - begin) / 60, 1),
        "writes": {name: result.writes for name, result in results.items()},
        "different": {name: result.different for name, result in results.items()},
    }
    return rows, details


def _row(name: str, result: WayResult) -> Row:
    """Kills after which something was different; of none of them there may be any."""
    wrong = len(result.different)
    share = Interval(wrong, wrong, wrong)
    return Row(name, share, 0, 0, result.same, len(result.writes), "kills")


def _difference(expected: Any, got: Any, place: str = "") -> str:
    """Where two snapshots differ, and in what; each place once."""
    if expected == got:
        return ""
    if isinstance(expected, dict) and isinstance(got, dict):
        keys = sorted(expected.keys() | got.keys())
        parts = [_difference(expected.get(key), got.get(key), f"{place}/{key}") for key in keys]
        return "; ".join(filter(None, parts))
    if isinstance(expected, list) and isinstance(got, list) and len(expected) == len(got):
        pairs = enumerate(zip(expected, got, strict=True))
        parts = [_difference(*pair, f"{place}/{number}") for number, pair in pairs]
        return "; ".join(filter(None, parts))
    return f"{place}: expected {json.dumps(expected)}, got {json.dumps(got)}"
