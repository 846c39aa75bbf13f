"""The arithmetic of the benchmarks and the form of their results; nothing is measured here."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import g8
import process_tree
import result
from ratios import Interval, Pair, Row, median_interval, ratio_row
from replica import Moment, ReplicaError


def test_seven_values_are_enclosed_by_the_extremes() -> None:
    """Leaving out the extremes of 7 would enclose the median in 87.5 % of cases only."""
    assert median_interval([7, 1, 3, 2, 6, 5, 4]) == Interval(4, 1, 7)


def test_more_values_narrow_the_interval() -> None:
    """For 20 values the tables of the sign test give the 6th and the 15th."""
    assert median_interval(list(range(1, 21))) == Interval(10.5, 6, 15)


def test_fewer_than_seven_values_are_refused() -> None:
    """No goal is judged by them."""
    with pytest.raises(ValueError, match="at least 7 values, got 6"):
        median_interval([1.0] * 6)


def test_a_ratio_is_the_median_of_the_pairs_and_not_the_ratio_of_medians() -> None:
    """A machine that is slow for a whole pair changes nothing."""
    pairs = [Pair(2.0 * slow, 1.0 * slow) for slow in (1, 9, 1, 1, 5, 1, 1)]

    row = ratio_row("case", pairs, "s", floor=2.5, target=1.5)

    assert row.ratio == Interval(2.0, 2.0, 2.0)
    assert (row.ours, row.peer) == (2.0, 1.0)
    assert row.holds


def test_a_row_above_its_floor_does_not_hold() -> None:
    """Smaller is better; without a floor there is nothing to miss."""
    ratio = Interval(1.4, 1.2, 1.5)

    assert not Row("case", ratio, 1.3, 1.1, 1.4, 1.0, "s").holds
    assert Row("case", ratio, None, None, 1.4, 1.0, "s").holds


def test_a_row_whose_target_lies_above_its_floor_is_better_when_larger() -> None:
    """Throughput, as against time."""
    ratio = Interval(1.4, 1.2, 1.5)

    assert Row("case", ratio, 1.3, 2.0, 1.4, 1.0, "tokens/CPU-s").holds
    assert not Row("case", ratio, 1.5, 2.0, 1.4, 1.0, "tokens/CPU-s").holds


def test_a_result_has_the_form_that_all_goals_share() -> None:
    """Machine facts name no host and no user."""
    row = Row("restart", Interval(1.23456, 1.1, 1.3), 1.3, 1.1, 2.0, 1.6, "CPU-s")

    document = result.document("G8", [row], "./lorax bench g8", {"phases": {}})

    assert list(document)[:6] == ["goal", "rows", "command", "commit", "date", "machine"]
    assert document["rows"] == [
        {
            "case": "restart",
            "ratio": 1.235,
            "low": 1.1,
            "high": 1.3,
            "floor": 1.3,
            "target": 1.1,
            "ours": 2.0,
            "peer": 1.6,
            "unit": "CPU-s",
        }
    ]
    assert set(document["machine"]) == {"cores", "cpu_flags", "memory_gib"}


def test_a_log_is_cut_where_its_lines_say() -> None:
    """CPU time is that of all members; a line before the start is not looked at."""
    start = Moment("", 10.0, {"launcher": 1.0})
    log = [
        Moment("ready", 9.0, {"launcher": 0.5}),
        Moment("noise", 11.0, {"launcher": 1.1}),
        Moment("ready", 12.0, {"launcher": 1.5, "shard": 0.5}),
        Moment("token", 13.0, {"launcher": 1.5, "shard": 1.0}),
    ]

    way = g8.phases(start, log, [("starting", "^ready$"), ("answering", "^token$")])

    assert [(phase.name, phase.wall, phase.cpu) for phase in way.phases] == [
        ("starting", 2.0, 1.0),
        ("answering", 1.0, 0.5),
    ]
    assert (way.wall, way.cpu) == (3.0, 1.5)
    assert way.cpu_by_role == {"launcher": 0.5, "shard": 1.0}


def test_a_line_that_never_came_is_named() -> None:
    """The texts belong to other modules and may change there."""
    with pytest.raises(ReplicaError, match=r"phase 'starting' has no end.*\^ready\$"):
        g8.phases(Moment("", 0.0, {}), [Moment("steady", 1.0, {})], [("starting", "^ready$")])


def test_cpu_time_of_a_tree_holds_ended_children() -> None:
    """What a child used stays counted when it has ended and was waited for."""
    burn = "import time\nwhile time.process_time() < 0.3: pass\n"
    parent = (
        "import subprocess, sys\n"
        f"subprocess.run([sys.executable, '-c', {burn!r}], check=True)\n"
        "print('done', flush=True)\nsys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", parent], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        found = process_tree.members(process.pid)
        process.communicate(b"")

    assert [member.process_id for member in found] == [process.pid]
    assert found[0].cpu_seconds >= 0.28


def test_a_tree_names_the_commands_of_living_children() -> None:
    """That is how a member is told from another."""
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    child = subprocess.Popen(command)
    try:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            commands = [member.command for member in process_tree.members(os.getpid())]
            if any("time.sleep(60)" in each for each in commands):
                break
        assert any("time.sleep(60)" in each for each in commands)
    finally:
        child.kill()
        child.wait()
