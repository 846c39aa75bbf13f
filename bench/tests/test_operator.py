"""What the benchmarks of the operator count and compare; no API server runs here."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import g9
import g11
import servers

_PAGE = """\
apiserver_request_total{code="201",group="apps",resource="deployments",verb="APPLY",version="v1"} 7
apiserver_request_total{code="200",group="apps",resource="deployments",verb="LIST",version="v1"} 90
apiserver_request_total{code="200",group="coordination.k8s.io",resource="leases",verb="PUT"} 50
apiserver_request_total{code="201",group="",resource="services",verb="POST"} 1.2e+01
"""


def test_writes_of_servers_are_counted_and_nothing_else() -> None:
    """Reads are none, and the API server's own leases are not the operator's."""
    assert sum(float(count) for count in g9._WRITES.findall(_PAGE)) == 19


def test_what_differs_between_any_two_runs_is_left_out_at_every_depth() -> None:
    """Everything else stays."""
    deployment = {
        "metadata": {"name": "demo", "uid": "1", "ownerReferences": [{"uid": "2", "name": "x"}]},
        "about": "space/demo",
        "spec": {"replicas": 2},
    }

    assert servers._lasting(deployment, "space") == {
        "metadata": {"name": "demo", "ownerReferences": [{"name": "x"}]},
        "about": "NAMESPACE/demo",
        "spec": {"replicas": 2},
    }


def test_a_difference_names_the_place_and_both_states() -> None:
    """An object that is missing is a difference, too; what is equal is not told."""
    expected = {"services/demo": {"ports": [{"port": 1}, {"port": 3}]}}
    got = {"services/demo": {"ports": [{"port": 2}, {"port": 3}]}, "pods/a": {}}

    assert g11._difference(expected, got) == (
        "/pods/a: expected null, got {}; /services/demo/ports/0/port: expected 1, got 2"
    )


def test_one_kill_with_another_end_is_below_the_floor() -> None:
    """G11 asks for none."""
    good = g11._row("path", g11.WayResult(["POST /a"], same=1))
    bad = g11._row("path", g11.WayResult(["POST /a"], different=["after write 1"]))

    assert good.holds
    assert not bad.holds
