"""G5 and G7: their arithmetic, and one short run of each against a shard with a tiny model."""

import os
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import g5
import g7
import sweep
from side import DecodeError, Setting, Side

_SHARD = Path(__file__).resolve().parents[2] / "shard-image" / "src"


def test_the_99th_percentile_is_a_value_that_one_of_a_hundred_exceeds() -> None:
    """Not interpolated: a gap that was seen."""
    assert g5.p99([*range(1, 101)]) == 99
    assert g5.p99([5.0]) == 5.0


def test_requests_of_a_pair_are_compared_as_a_whole() -> None:
    """Cold and warm have the same adapters at the same moments of a step."""
    answers = [_requests(cold=[3.0, 1.0], warm=[1.0, 1.0])] * 7

    row = g5.first_token_row("case", answers)

    assert (row.ratio.median, row.ours, row.peer, row.unit) == (2.0, 2.0, 1.0, "s")
    assert not row.holds


def test_a_cold_adapter_that_answers_otherwise_makes_a_result_void() -> None:
    """It would not be the same work."""
    answers = [_requests([1.0], [1.0])] * 6 + [_requests([1.0], [1.0], warm_token=8)]

    with pytest.raises(DecodeError, match=r"case: void.*\[7\], \[8\]"):
        g5.first_token_row("case", answers)


def test_windows_without_a_load_or_with_other_tokens_are_void() -> None:
    """Neither says what loads do to streams."""
    idle = {"gaps": [0.1], "tokens": [[1]], "loads": 0}

    with pytest.raises(DecodeError, match="no adapter was loaded in 1 steps"):
        g5.gap_row("case", [(idle, idle)] * 7)
    with pytest.raises(DecodeError, match="tokens differ"):
        g5.gap_row("case", [(idle | {"tokens": [[2]], "loads": 3}, idle)] * 7)


def test_the_parts_of_a_step_are_its_wall_time() -> None:
    """Texts are written while tokens are chosen; the answer is sent beside the next step."""
    points = {name: 1_000_000 * place for place, name in enumerate(_POINTS)}

    parts = g7.parts(points | {"texts_ns": 250_000, "received": 9_000_000})

    assert parts.pop("answer on its way") == 9.0 - points["ended"] / 1e6
    assert sum(parts.values()) == pytest.approx(len(_POINTS) - 1)
    assert (parts["forward"], parts["sampling"], parts["detokenise"]) == (1.0, 0.75, 0.25)


def test_a_step_that_passed_a_point_too_early_or_not_at_all_is_refused() -> None:
    """The stopwatches hang on names of the shard, which may change."""
    points = {name: 1_000_000 * place for place, name in enumerate(_POINTS)}
    points |= {"texts_ns": 0, "received": 9_000_000}
    lacking = {name: when for name, when in points.items() if name != "computed"}

    with pytest.raises(DecodeError, match="passed no computed"):
        g7.parts(lacking)
    with pytest.raises(DecodeError, match="passed computed before forward"):
        g7.parts(points | {"computed": 0})


def test_the_gap_is_what_a_step_takes_beside_the_forward_pass() -> None:
    """Of all steps of a run together, as the tokens of a second are."""
    run = [{"forward": 10.0, "sampling": 1.0}, {"forward": 30.0, "sampling": 1.0}]

    row = g7.gap_row("case", [run] * 7)

    assert (row.ratio.median, row.ours, row.peer) == (0.05, 1.0, 20.0)
    assert row.holds


def test_a_shard_tells_where_the_time_of_its_steps_went(setting: Setting) -> None:
    """Real calls over a real socket; the order of all points is checked by parts()."""
    with Side("g7_shard.py", setting.models["tiny"], "bfloat16", setting) as shard:
        answer = shard.ask({"adapters": [None, 0, 1], "prompt": 8, "steps": 4})

    steps = [g7.parts(step) for step in answer["steps"]]
    assert len(steps) == 4
    assert all(step["forward"] > 0 and step["detokenise"] > 0 for step in steps)


def test_batches_with_adapters_and_without_make_their_steps_in_turn(setting: Setting) -> None:
    """As many tokens in each window, whatever the run made beyond it."""
    order = {"adapters": [0, 32, 34], "prompt": 8, "windows": 3, "steps": 60}
    with Side("sweep_shard.py", setting.models["tiny"], "bfloat16", setting) as shard:
        answer = shard.ask(order)

    for side in (answer["adapted"], answer["base"]):
        assert [window["tokens"] for window in side] == [180, 180, 180]
        assert all(window["cpu_s"] > 0 for window in side)


def test_points_of_the_sweep_deal_adapters_of_their_rank() -> None:
    """The model has 128 of rank 16, then 32 of rank 8 and 32 of rank 64."""
    points = dict(sweep.points())

    assert points["rank 64"].dealt()[:2] == [160, 161]
    assert points["4 adapters"].dealt()[:5] == [0, 1, 2, 3, 0]
    mixed = points["rank 8, 16 and 64"].dealt()
    assert mixed[:4] == [128, 0, 160, 129]
    assert len(set(mixed)) == 32


def test_cold_adapters_answer_as_warm_ones_do_beside_streams(setting: Setting) -> None:
    """A cold request is moved by two calls and joins streams that go on."""
    with Side("g5_shard.py", setting.models["tiny"], "bfloat16", setting) as shard:
        answer = shard.ask({"order": "first tokens", "adapters": [8, 9], "prompt": 8})
        loads, idle = (
            shard.ask({"order": "gaps", "steps": 200, "loads": loads}) for loads in (True, False)
        )

    cold, warm = answer["cold"], answer["warm"]
    tokens = [[each["token"] for each in side] for side in (cold, warm)]
    assert tokens[0] == tokens[1]
    assert all(list(each["moves"]) == ["download", "load"] for each in cold)
    assert all(each["steps"] == 0 and not each["moves"] for each in warm)
    assert loads["tokens"] == idle["tokens"]
    assert loads["loads"] > 0


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Setting:
    """A model with all adapters, in the form of the benchmarks' own."""
    import decode_model

    folder = tmp_path_factory.mktemp("models") / "tiny"
    decode_model.write("tiny", "16:32,8:2,64:2", folder)
    environment = {**os.environ, "PYTHONPATH": str(_SHARD)}
    return Setting(Path(sys.executable), environment, {"tiny": folder})


def _requests(cold: list[float], warm: list[float], warm_token: int = 7) -> dict[str, Any]:
    def side(times: list[float], token: int = 7) -> list[dict[str, Any]]:
        return [{"seconds": seconds, "token": token} for seconds in times]

    return {"cold": side(cold), "warm": side(warm, warm_token)}


_POINTS = ("began", "forward", "computed", "chosen", "ended", "next")
