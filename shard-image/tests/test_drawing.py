"""Drawing by the CPU kernel and by PyTorch: the same tokens, which are those that are asked for."""

import pytest
import torch

from lorax_shard.engine import drawing
from lorax_shard.engine.choice import Choice
from lorax_shard.engine.drawing import draw_tokens
from lorax_shard.engine.messages import SamplingParameters

ROWS = 6
WARPS = [
    {},
    {"temperature": 0.3},
    {"temperature": 5.0},
    {"top_k": 1},
    {"top_k": 40},
    {"top_p": 0.9},
    {"top_p": 0.0015},
    {"top_k": 40, "top_p": 0.5, "temperature": 0.7},
    {"top_k": 10**6, "top_p": 0.9985},
    {"typical_p": 0.9},
    {"typical_p": 0.2, "temperature": 1.7},
    {"typical_p": 0.6, "top_k": 40, "top_p": 0.8333},
]


def settings_of(warps: dict) -> SamplingParameters:
    return SamplingParameters(**({"do_sample": True} | warps))


def draw(logits, rows, settings, uniforms, monkeypatch, kernels: bool):
    with monkeypatch.context() as patch:
        if not kernels:
            patch.setattr(drawing, "native_kernels", lambda device, dtype: None)
        tokens, logprobs = draw_tokens(logits, rows, settings, uniforms)
        return [Choice(*found) for found in zip(tokens.tolist(), logprobs.tolist(), strict=True)]


@pytest.mark.parametrize("warps", WARPS, ids=str)
@pytest.mark.parametrize("vocab", [3, 40, 1000, 49152])
@pytest.mark.parametrize("kind", ["random", "ties", "masked", "flat"])
def test_both_draw_the_same(vocab: int, warps: dict, kind: str, monkeypatch) -> None:
    torch.manual_seed(vocab)
    logits = 4 * torch.randn(ROWS, vocab)
    if kind == "ties":
        logits = logits.round()
    elif kind == "masked":
        logits[:, vocab // 3 :] = -torch.inf
    elif kind == "flat":
        logits[:] = 1.5
    rows = [4, 0, 0, 5, 2]
    uniforms = [0.0, 0.25, 0.999, 0.5, 0.77]
    settings = [settings_of(warps)] * len(rows)

    ours = draw(logits, rows, settings, uniforms, monkeypatch, kernels=True)
    plain = draw(logits, rows, settings, uniforms, monkeypatch, kernels=False)

    for found, expected, row in zip(ours, plain, rows, strict=True):
        assert logits[row, found.token_id].isfinite()
        assert found.logprob == pytest.approx(expected.logprob, abs=2e-4)
        # A place of the distribution is as exact as float32.
        if found.token_id != expected.token_id:
            assert kind == "flat"
            assert abs(found.token_id - expected.token_id) <= 1


def test_rows_do_not_depend_on_their_neighbours(monkeypatch) -> None:
    """Each with settings of its own."""
    torch.manual_seed(1)
    logits = 3 * torch.randn(len(WARPS), 5000)
    settings = [*map(settings_of, WARPS)]
    uniforms = torch.rand(len(settings)).tolist()

    for kernels in (True, False):
        rows = range(len(settings))
        together = draw(logits, rows, settings, uniforms, monkeypatch, kernels)
        alone = [
            draw(logits, [row], [settings[row]], [uniforms[row]], monkeypatch, kernels)[0]
            for row in rows
        ]

        assert [choice.token_id for choice in together] == [choice.token_id for choice in alone]
        for one, other in zip(together, alone, strict=True):
            assert one.logprob == pytest.approx(other.logprob, abs=0 if kernels else 1e-5)


@pytest.mark.parametrize("kernels", [True, False])
def test_the_likeliest_tokens_that_hold_a_share_are_kept(kernels: bool, monkeypatch) -> None:
    """Four likely ones of 40, 30, 20 and 10 %, among a thousand that are not."""
    logits = torch.full((1, 1000), -40.0)
    logits[0, [7, 500, 3, 900]] = torch.tensor([0.4, 0.3, 0.2, 0.1]).log()
    uniforms = [(place + 0.5) / 100 for place in range(100)]

    def kept(**warps) -> set[int]:
        settings = [settings_of(warps)] * len(uniforms)
        rows = [0] * len(uniforms)
        found = draw(logits, rows, settings, uniforms, monkeypatch, kernels)
        return {choice.token_id for choice in found}

    assert kept() == {7, 500, 3, 900}
    assert kept(top_p=0.8) == {7, 500, 3}
    assert kept(top_p=0.65) == {7, 500}
    assert kept(top_p=0.1) == {7}
    assert kept(top_k=3) == {7, 500, 3}
    assert kept(top_k=3, top_p=0.6) == {7, 500}  # of the three, 7 and 500 hold 0.78
    assert kept(top_k=1) == {7}
    # The expected surprise is 1.28; theirs are 0.92, 1.2, 1.61 and 2.3.
    assert kept(typical_p=0.25) == {500}
    assert kept(typical_p=0.35) == {500, 3}
    assert kept(typical_p=0.6) == {500, 3, 7}
    assert kept(typical_p=0.95) == {500, 3, 7, 900}
    assert kept(typical_p=0.5, top_k=2) == {7}  # of 0.57 and 0.43, the first surprises as expected


def test_frequencies_are_the_probabilities(monkeypatch) -> None:
    torch.manual_seed(2)
    logits = 2 * torch.randn(1, 30)
    uniforms = [(place + 0.5) / 20000 for place in range(20000)]
    settings = [settings_of({"temperature": 0.8})] * len(uniforms)

    found = draw(logits, [0] * len(uniforms), settings, uniforms, monkeypatch, kernels=True)

    counts = torch.bincount(torch.tensor([each.token_id for each in found]), minlength=30)
    expected = (logits[0] / 0.8).softmax(-1)
    assert (counts / len(uniforms) - expected).abs().max() < 1e-3
