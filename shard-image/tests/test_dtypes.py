"""Which numbers a model is served in on a CPU when nobody says so."""

from pathlib import Path

import pytest
import torch
from shard_process import start_group
from testing_router import TestingRouter
from tiny_model import TinyModel
from transformers import AutoModelForCausalLM

from lorax_shard.pb import generate_pb2 as pb

PROMPT = list(range(60, 95))


def test_a_model_in_bfloat16_stays_so(tiny: TinyModel, tmp_path: Path) -> None:
    """The answers are those of float32 arithmetic but for the rounding of the cache.

    A cached prefix is rounded like the prompt that it came from, so that a hit changes nothing.
    """
    # given
    directory = tmp_path / "model"
    exact = save(tiny, directory, torch.bfloat16).float().eval()

    # when
    group = start_group(tmp_path, directory, tiny.adapter_root)
    try:
        router = TestingRouter(group)
        info = router.master.Info(pb.InfoRequest())
        asked = router.request(PROMPT, prefill_logprobs=True)
        (answer,) = router.run(asked)
        (hit,) = router.run(router.request(PROMPT, prefix_of=(asked, 32)))
    finally:
        group.stop()

    # then
    assert hit.ids == answer.ids
    assert hit.logprobs == pytest.approx(answer.logprobs, abs=1e-4)
    logits = exact(torch.tensor([PROMPT])).logits[0].log_softmax(-1)
    expected = logits[:-1].gather(1, torch.tensor(PROMPT[1:])[:, None])[:, 0].tolist()
    assert info.dtype == "torch.bfloat16"
    assert answer.prefill.logprobs[1:] == pytest.approx(expected, abs=0.06)
    assert answer.logprobs[0] == pytest.approx(float(logits[-1].max()), abs=0.06)


@pytest.mark.parametrize(
    ("options", "expected"), [((), "float32"), (("--quantize=int4",), "bfloat16")]
)
def test_a_model_in_float16_is_served_exactly_unless_it_is_quantised(
    tiny: TinyModel, tmp_path: Path, options: tuple[str, ...], expected: str
) -> None:
    """Then bfloat16 is several times as fast, and what it rounds is little beside that."""
    save(tiny, tmp_path / "model", torch.float16)

    group = start_group(tmp_path, tmp_path / "model", tiny.adapter_root, 1, options)
    try:
        info = TestingRouter(group).master.Info(pb.InfoRequest())
    finally:
        group.stop()

    assert info.dtype == f"torch.{expected}"


def save(tiny: TinyModel, directory: Path, dtype: torch.dtype):
    """The model rounded to a number format, which is returned, too."""
    model = AutoModelForCausalLM.from_pretrained(tiny.directory, dtype=dtype)
    model.save_pretrained(directory)
    for file in tiny.directory.iterdir():
        if not (directory / file.name).exists():
            (directory / file.name).symlink_to(file)
    return model
