"""Checks of the committed demo files that need no model."""

import hashlib
import json
import struct
from pathlib import Path
from typing import Any

import pytest

from behaviours import BEHAVIOURS
from behaviours.vocabulary import HELD_OUT_CITIES, HELD_OUT_PEOPLE
from generate_data import HELD_OUT_FILE, held_out_json, training_lines
from held_out import BASE, DIRECTORY, Check, Expectation, held_out_checks, showcase_checks

ADAPTER_NAMES = sorted(BEHAVIOURS)
MAX_ADAPTER_BYTES = 20 * 2**20

# SHA-256 of the training data at the time of the training.
TRAINED_ON = {
    "pirate": "6cfb076f6eec1879f548e9ae1603800983bf534993c141f7068d9a33f7333db7",
    "sentiment": "286b0d072584a100944d518ffe9470e889c4cd2473c6f5fc1c88a75fc745c96d",
    "sql": "22d0a6b67172aaaa3ca45ca2af0f37b5d2da461b9cb8f56c1c02de379ccae549",
}


def test_held_out_file_is_what_the_generator_writes() -> None:
    assert HELD_OUT_FILE.read_text() == held_out_json()


@pytest.mark.parametrize("adapter", ADAPTER_NAMES)
def test_training_data_is_what_the_committed_adapter_learnt_from(adapter: str) -> None:
    digest = hashlib.sha256(training_lines(adapter).encode()).hexdigest()
    assert digest == TRAINED_ON[adapter], "train the adapter anew, then update its digest"


@pytest.mark.parametrize("adapter", ADAPTER_NAMES)
def test_no_training_prompt_is_held_out_or_uses_a_held_out_word(adapter: str) -> None:
    kept_out = {check.prompt for check in held_out_checks() + showcase_checks()}
    for example in BEHAVIOURS[adapter].training():
        assert example.prompt not in kept_out
        assert not any(word in example.prompt for word in HELD_OUT_CITIES + HELD_OUT_PEOPLE)


@pytest.mark.parametrize("adapter", ADAPTER_NAMES)
def test_each_adapter_has_at_least_five_held_out_prompts(adapter: str) -> None:
    prompts = {check.prompt for check in held_out_checks() if check.adapter == adapter}
    assert len(prompts) >= 5


@pytest.mark.parametrize(
    "check", [c for c in held_out_checks() + showcase_checks() if c.adapter != BASE], ids=str
)
def test_an_answer_of_another_behaviour_fails_the_check(check: Check) -> None:
    for other in set(ADAPTER_NAMES) - {check.adapter}:
        for example in BEHAVIOURS[other].training():
            assert not check.expect.is_met_by(example.answer)


def test_the_base_model_must_not_answer_like_an_adapter() -> None:
    [base] = [check for check in showcase_checks() if check.adapter == BASE]
    for behaviour in BEHAVIOURS.values():
        for example in behaviour.training():
            assert not base.expect.is_met_by(example.answer)


def test_showcase_covers_the_base_model_and_every_adapter() -> None:
    assert sorted(c.adapter for c in showcase_checks()) == sorted([BASE, *ADAPTER_NAMES])


def test_an_empty_expectation_is_refused() -> None:
    with pytest.raises(ValueError, match="regex or not_regex"):
        Expectation()


@pytest.mark.parametrize("adapter", ADAPTER_NAMES)
def test_adapter_files_agree_with_each_other(adapter: str) -> None:
    directory = DIRECTORY / "adapters" / adapter
    config = json.loads((directory / "adapter_config.json").read_text())
    tensors = read_safetensors_header(directory / "adapter_model.safetensors")

    assert config["base_model_name_or_path"] == "HuggingFaceTB/SmolLM2-135M-Instruct"
    assert {tensor["dtype"] for tensor in tensors.values()} == {"BF16"}
    down = {name: t for name, t in tensors.items() if name.endswith("lora_A.weight")}
    assert {tensor["shape"][0] for tensor in down.values()} == {config["r"]}
    assert {name.split(".")[-3] for name in down} == set(config["target_modules"])


def test_adapter_files_stay_small_enough_to_commit() -> None:
    files = (DIRECTORY / "adapters").glob("*/adapter_model.safetensors")
    assert sum(file.stat().st_size for file in files) < MAX_ADAPTER_BYTES


def read_safetensors_header(path: Path) -> dict[str, dict[str, Any]]:
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header: dict[str, dict[str, Any]] = json.loads(file.read(length))
    header.pop("__metadata__", None)
    return header
