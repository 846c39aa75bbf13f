"""Encoders against transformers: embeddings, classes, adapters, and what is refused."""

import json
from pathlib import Path

import pytest
import torch
from kernel_numbers import rounds
from peft import LoraConfig, get_peft_model
from text_shard import classify, embed, open_abilities
from tiny_encoders import (
    FAMILY,
    MAX_TOKENS,
    MEAN,
    texts,
    write_dense,
    write_encoder,
    write_sentence_files,
)
from torch.nn import functional
from transformers import (
    AutoModel,
    AutoModelForMaskedLM,
    AutoModelForQuestionAnswering,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
)

from lorax_shard.adapters.reader import read_adapter
from lorax_shard.checkpoint_files import CheckpointError
from lorax_shard.engine.messages import RequestsFailed
from lorax_shard.layers import native
from lorax_shard.models.task import Task

LENGTHS = (40, 1, 33, MAX_TOKENS, 2, 64, 33, 7)
TOLERANCE = {"atol": 2e-5, "rtol": 1e-4}


def hidden_states(model, ids: list[int]) -> torch.Tensor:
    """[T, hidden] of one text, as transformers computes it alone."""
    with torch.inference_mode():
        return model(input_ids=torch.tensor([ids])).last_hidden_state[0]


@pytest.mark.parametrize("kernels", [True, False], ids=["kernels", "torch"])
@pytest.mark.parametrize("name", FAMILY)
def test_embeddings_equal_those_of_transformers(
    tmp_path: Path, name: str, kernels: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given
    if not kernels:
        monkeypatch.setattr(native, "_load", lambda: (None, "without"))
    model = write_encoder(tmp_path, name, AutoModel)
    write_sentence_files(tmp_path, MEAN)

    # when
    ours = embed(open_abilities(tmp_path), texts(*LENGTHS))

    # then
    expected = torch.stack([hidden_states(model, ids).mean(0) for ids in texts(*LENGTHS)])
    torch.testing.assert_close(ours, expected, **TOLERANCE)


def test_a_model_in_bfloat16_rounds_no_more_than_products(tmp_path: Path) -> None:
    """Where the processor multiplies such numbers; else not even those."""
    # given
    model = write_encoder(tmp_path, "bert", AutoModel).to(torch.bfloat16)
    model.save_pretrained(tmp_path)
    write_sentence_files(tmp_path, MEAN)

    # when
    ours = embed(open_abilities(tmp_path), texts(*LENGTHS))

    # then
    wide = model.float()
    expected = torch.stack([hidden_states(wide, ids).mean(0) for ids in texts(*LENGTHS)])
    if rounds(torch.bfloat16):
        assert (ours - expected).norm() / expected.norm() < 0.015
    else:
        torch.testing.assert_close(ours, expected, **TOLERANCE)


@pytest.mark.parametrize(
    ("pooling", "expected"),
    [
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, lambda h: h[0]),
        ({"pooling_mode_lasttoken": True}, lambda h: h[-1]),
        ({"pooling_mode_max_tokens": True}, lambda h: h.max(0).values),
        ({"pooling_mode": "mean"}, lambda h: h.mean(0)),
        ({"pooling_mode": ["cls"]}, lambda h: h[0]),
    ],
    ids=["cls", "lasttoken", "max", "by-name", "by-list"],
)
def test_pooling_and_length_are_what_the_files_say(tmp_path: Path, pooling: dict, expected) -> None:
    # given
    model = write_encoder(tmp_path, "bert", AutoModel)
    write_sentence_files(tmp_path, pooling, normalises=True)

    # when
    ours = embed(open_abilities(tmp_path), texts(*LENGTHS))

    # then
    pooled = torch.stack([expected(hidden_states(model, ids)) for ids in texts(*LENGTHS)])
    torch.testing.assert_close(ours, functional.normalize(pooled), **TOLERANCE)


@torch.inference_mode()
def test_dense_modules_follow_the_pooling_in_their_order(tmp_path: Path) -> None:
    # given
    model = write_encoder(tmp_path, "bert", AutoModel)
    write_sentence_files(tmp_path, MEAN, normalises=True, dense=2)
    identity = "torch.nn.modules.linear.Identity"
    first = write_dense(
        tmp_path / "2_Dense", 48, 80, bias=False, activation_function=identity, pickled=True
    )
    second = write_dense(tmp_path / "3_Dense", 80, 16)

    # when
    ours = embed(open_abilities(tmp_path), texts(*LENGTHS))

    # then
    means = torch.stack([hidden_states(model, ids).mean(0) for ids in texts(*LENGTHS)])
    expected = functional.normalize(torch.tanh(second(first(means))))
    torch.testing.assert_close(ours, expected, **TOLERANCE)


@pytest.mark.parametrize(
    ("taken", "config", "reason"),
    [
        (40, {}, "takes vectors of 40 numbers, the module before it makes 48"),
        (48, {"out_features": 8}, r"linear.weight of shape \[8, 48\] .* got \[16, 48\]"),
        (48, {"out_features": 0}, "out_features of .* must be positive, got 0"),
        (48, {"activation_function": "my.own.Swish"}, "activation_function 'my.own.Swish' of"),
        (48, {"use_residual": True}, "use_residual True of .* expected False"),
        (48, {"module_input_name": "token_embeddings"}, "module_input_name 'token_embeddings'"),
    ],
)
def test_dense_modules_that_do_not_fit_are_refused(
    tmp_path: Path, taken: int, config: dict, reason: str
) -> None:
    write_encoder(tmp_path, "bert", AutoModel)
    write_sentence_files(tmp_path, MEAN, dense=1)
    write_dense(tmp_path / "2_Dense", taken, 16, **config)

    with pytest.raises(CheckpointError, match=reason):
        open_abilities(tmp_path)


def test_a_dense_module_without_weights_says_which(tmp_path: Path) -> None:
    write_encoder(tmp_path, "bert", AutoModel)
    write_sentence_files(tmp_path, MEAN, dense=1)
    write_dense(tmp_path / "2_Dense", 48, 16)
    (tmp_path / "2_Dense" / "model.safetensors").unlink()

    with pytest.raises(CheckpointError, match="2_Dense has no weights: expected model"):
        open_abilities(tmp_path)


def test_without_such_files_the_first_token_speaks_as_upstream(tmp_path: Path) -> None:
    # given a model with a head for another purpose, which is of no interest
    model = write_encoder(tmp_path, "bert", AutoModelForMaskedLM)

    # when
    ours = embed(open_abilities(tmp_path), texts(9, 30))

    # then
    expected = torch.stack([hidden_states(model.bert, ids)[0] for ids in texts(9, 30)])
    torch.testing.assert_close(ours, expected, **TOLERANCE)


@pytest.mark.parametrize("name", ["bert", "distilbert", "roberta"])
def test_classes_of_tokens_equal_those_of_transformers(tmp_path: Path, name: str) -> None:
    # given
    labels = {0: "O", 1: "B-PER", 2: "I-PER"}
    model = write_encoder(
        tmp_path, name, AutoModelForTokenClassification, num_labels=3, id2label=labels
    )

    # when
    ours = classify(open_abilities(tmp_path), texts(*LENGTHS))

    # then
    for ids, item in zip(texts(*LENGTHS), ours, strict=True):
        with torch.inference_mode():
            best = model(torch.tensor([ids])).logits[0].softmax(-1).max(-1)
        assert item.labels == [labels[index] for index in best.indices.tolist()]
        torch.testing.assert_close(torch.tensor(item.scores), best.values, **TOLERANCE)


@pytest.mark.parametrize("problem", ["single_label_classification", "multi_label_classification"])
@pytest.mark.parametrize("name", ["bert", "distilbert", "roberta"])
def test_classes_of_texts_equal_those_of_transformers(
    tmp_path: Path, name: str, problem: str
) -> None:
    # given
    labels = {0: "bad", 1: "fair", 2: "good"}
    model = write_encoder(
        tmp_path,
        name,
        AutoModelForSequenceClassification,
        num_labels=3,
        id2label=labels,
        problem_type=problem,
    )

    # when
    ours = classify(open_abilities(tmp_path), texts(*LENGTHS))

    # then
    for ids, item in zip(texts(*LENGTHS), ours, strict=True):
        with torch.inference_mode():
            logits = model(torch.tensor([ids])).logits[0]
        scores = logits.softmax(-1) if problem.startswith("single") else logits.sigmoid()
        expected = {labels[index]: score for index, score in enumerate(scores.tolist())}
        assert item.scores == sorted(item.scores, reverse=True)
        assert dict(zip(item.labels, item.scores, strict=True)) == pytest.approx(expected, abs=2e-5)


@pytest.mark.parametrize("name", ["bert", "distilbert", "xlm-roberta"])
def test_adapters_mix_in_one_call_and_equal_peft(tmp_path: Path, name: str) -> None:
    # given
    model = write_encoder(tmp_path, name, AutoModel)
    write_sentence_files(tmp_path, MEAN)
    abilities = open_abilities(tmp_path)
    asked, plain = texts(20, 5, 20, 61), embed(abilities, texts(20, 5, 20, 61))
    settings = LoraConfig(
        r=6,
        lora_alpha=12,
        target_modules="all-linear",
        exclude_modules=".*pooler.*",
        init_lora_weights=False,
    )
    adapted = get_peft_model(model, settings)
    adapted.save_pretrained(tmp_path / "adapter")
    projections = abilities.engine.adapters.projections
    abilities.engine.load_adapter(3, read_adapter(tmp_path / "adapter", "it", projections))

    # when
    ours = embed(abilities, asked, adapters=[3, 0, 0, 3])

    # then
    with_adapter = torch.stack([hidden_states(adapted, ids).mean(0) for ids in asked])
    torch.testing.assert_close(ours[[0, 3]], with_adapter[[0, 3]], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(ours[[1, 2]], plain[[1, 2]], **TOLERANCE)
    assert not torch.allclose(ours[0], plain[0], atol=1e-2)


def test_a_text_that_cannot_be_served_is_named_and_the_others_can(tmp_path: Path) -> None:
    # given
    write_encoder(tmp_path, "bert", AutoModel)
    write_sentence_files(tmp_path, MEAN, max_tokens=50)
    abilities = open_abilities(tmp_path)

    # then
    for bad, adapters, reason in [
        (texts(9, 51), (0, 0), "the text has 51 tokens, the model reads 50"),
        ([[5, 6], [900]], (0, 0), "token id 900 does not exist"),
        (texts(9, 8), (0, 4), "adapter index 4 is not loaded"),
        ([[5, 6], []], (0, 0), "the prompt is empty"),
    ]:
        with pytest.raises(RequestsFailed, match=reason) as failed:
            embed(abilities, bad, adapters)
        assert failed.value.request_ids == [1]
    assert embed(abilities, texts(50)).isfinite().all()


def test_weights_that_overflow_are_named(tmp_path: Path) -> None:
    # given
    write_encoder(tmp_path, "bert", AutoModel)
    abilities = open_abilities(tmp_path)
    model = abilities.embedder._model._model
    with torch.inference_mode():
        model._tokens[77] = torch.nan

    # when
    with pytest.raises(RequestsFailed, match="NaN or infinite numbers with no adapter") as failed:
        embed(abilities, [[5, 6], [5, 77], [8]])

    # then
    assert failed.value.request_ids == [1]


@pytest.mark.parametrize(
    ("auto_class", "changes", "reason"),
    [
        (AutoModel, {"hidden_act": "swish7"}, "activation 'swish7'"),
        (AutoModel, {"position_embedding_type": "relative_key"}, "'relative_key'.*absolute"),
        (AutoModel, {"num_attention_heads": 5}, "hidden size 48 .* no multiple of its 5 heads"),
        (AutoModel, {"is_decoder": True}, "is_decoder"),
        (AutoModel, {"num_hidden_layers": 4}, "no tensor encoder.layer.3"),
        (AutoModelForQuestionAnswering, {}, "architecture BertForQuestionAnswering"),
        (
            AutoModelForSequenceClassification,
            {"problem_type": "regression"},
            "problem_type regression",
        ),
        (
            AutoModelForTokenClassification,
            {"id2label": {"0": "a", "2": "b"}},
            "id2label .* classes 0 to 1",
        ),
    ],
)
def test_encoders_that_do_not_fit_are_refused_by_name(
    tmp_path: Path, auto_class, changes: dict, reason: str
) -> None:
    write_encoder(tmp_path, "bert", auto_class)
    path = tmp_path / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    with pytest.raises(CheckpointError, match=reason):
        open_abilities(tmp_path)


@pytest.mark.parametrize(
    ("file", "content", "reason"),
    [
        ("modules.json", [{"type": "x.Transformer", "path": ""}], "modules Transformer of"),
        (
            "modules.json",
            [{"type": "x.Pooling", "path": "1_Pooling"}, {"type": "x.Dense", "path": "2_Dense"}],
            "modules Pooling, Dense of .* expected Transformer, Pooling and, if at all, Dense",
        ),
        (
            "modules.json",
            [
                {"type": f"x.{kind}", "path": "1_Pooling"}
                for kind in ("Transformer", "Pooling", "WordWeights")
            ],
            "modules Transformer, Pooling, WordWeights",
        ),
        ("modules.json", {"a": 1}, "must list modules with type and path"),
        ("1_Pooling/config.json", {}, "pooling of no kind"),
        (
            "1_Pooling/config.json",
            {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True},
            "pooling cls and mean",
        ),
        ("1_Pooling/config.json", {"pooling_mode": "weightedmean"}, "pooling weightedmean"),
        ("sentence_bert_config.json", {"max_seq_length": 0}, "max_seq_length 0"),
    ],
)
def test_sentence_files_that_ask_for_more_are_refused_by_name(
    tmp_path: Path, file: str, content, reason: str
) -> None:
    write_encoder(tmp_path, "bert", AutoModel)
    write_sentence_files(tmp_path, MEAN)
    (tmp_path / file).write_text(json.dumps(content))

    with pytest.raises(CheckpointError, match=reason):
        open_abilities(tmp_path)


def test_the_task_is_told_by_the_architecture(tmp_path: Path) -> None:
    for auto_class, task in [
        (AutoModel, Task.EMBEDDING),
        (AutoModelForTokenClassification, Task.TOKEN_CLASSIFICATION),
        (AutoModelForSequenceClassification, Task.TEXT_CLASSIFICATION),
    ]:
        directory = tmp_path / task.name
        write_encoder(directory, "bert", auto_class)
        abilities = open_abilities(directory)
        assert abilities.task is task
        assert (abilities.embedder is None) == (task is not Task.EMBEDDING)
        assert (abilities.classifier is None) == (task is Task.EMBEDDING)
