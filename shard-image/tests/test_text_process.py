"""Embed and Classify of running shards, as a router calls them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
import torch
from shard_process import ShardGroup, launch, start_group
from testing_router import TestingRouter, warm_up_batch
from tiny_encoders import MEAN, texts, write_encoder, write_sentence_files
from transformers import (
    AutoModel,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
)

from lorax_shard.pb import extensions_pb2
from lorax_shard.pb import generate_pb2 as pb

Start = Callable[..., ShardGroup]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """The directory of the model that is started."""
    return tmp_path / "model"


@pytest.fixture
def start(tmp_path: Path, model: Path) -> Iterator[Start]:
    """Makes an encoder and starts its shards."""
    running = []

    def started(auto_class=AutoModel, world: int = 1, **changes) -> ShardGroup:
        write_encoder(model, "bert", auto_class, **changes)
        write_sentence_files(model, MEAN)
        running.append(start_group(tmp_path, model, tmp_path, world))
        return running[-1]

    yield started
    for group in running:
        group.stop()


def test_a_model_that_does_not_generate_has_nothing_to_speculate(tmp_path: Path, model) -> None:
    write_encoder(model, "bert", AutoModel)

    shard = launch(tmp_path, [str(model), "--speculative-tokens=3"], {})

    assert shard.process.wait(timeout=60) == 1
    assert "--speculative-tokens 3 is about models that generate, model embeds" in shard.log()


def as_batch(asked: list[list[int]]) -> pb.Batch:
    requests = [
        pb.Request(id=place, tokenized_inputs=pb.TokenizedInputs(ids=ids), truncate=500)
        for place, ids in enumerate(asked)
    ]
    return pb.Batch(id=7, requests=requests, size=len(requests))


@contextmanager
def refused(reason: str):
    with pytest.raises(grpc.RpcError) as failed:
        yield
    assert failed.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert failed.value.details() == reason


def test_a_router_finds_an_encoder_ready(start: Start) -> None:
    # given
    group = start()
    (stub,) = group.stubs()

    # then
    info = stub.Info(pb.InfoRequest())
    assert info.supports_embeddings
    assert not info.supports_generation
    assert not info.supports_classification
    assert not info.requires_block_allocator
    stub.ClearCache(pb.ClearCacheRequest())
    assert stub.Warmup(pb.WarmupRequest(batch=warm_up_batch())) == pb.WarmupResponse()
    stub.Health(pb.HealthRequest())
    about = group.extensions().DescribeModel(extensions_pb2.DescribeModelRequest())
    assert about.max_text_tokens == 128
    assert about.classification == extensions_pb2.CLASSIFICATION_KIND_NONE
    # upstream's question for health
    health = pb.Request(
        id=2**64 - 1,
        inputs="liveness",
        tokenized_inputs=pb.TokenizedInputs(ids=[75]),
        truncate=10,
        blocks=[0],
        slots=range(16),
    )
    answer = stub.Embed(pb.EmbedRequest(batch=pb.Batch(id=2**64 - 1, requests=[health], size=1)))
    assert [item.request_id for item in answer.embeddings] == [2**64 - 1]


def test_an_encoder_says_what_it_does_not_do(start: Start) -> None:
    (stub,) = start().stubs()
    batch = as_batch(texts(5))

    with refused("this model embeds texts, it does not generate text"):
        stub.Prefill(pb.PrefillRequest(batch=batch))
    with refused("this model embeds texts, it does not generate text"):
        stub.Decode(pb.DecodeRequest(batches=[pb.CachedBatch(id=7)]))
    with refused("this model embeds texts, it does not classify"):
        stub.Classify(pb.ClassifyRequest(batch=batch))


def test_a_decoder_embeds_beside_generating_and_does_not_classify(router: TestingRouter) -> None:
    # given
    info = router.master.Info(pb.InfoRequest())
    assert info.supports_generation
    assert info.supports_embeddings
    assert not info.supports_classification
    alone = router.run(router.request(list(range(60, 80))))[0].ids

    # when an embedding comes between the steps of a stream
    request = router.request(list(range(60, 80)))
    batch = router.prefill(request)
    embeddings = router.master.Embed(pb.EmbedRequest(batch=as_batch(texts(9, 30)))).embeddings
    router.finish(batch)

    # then
    assert {len(item.values) for item in embeddings} == {72}
    assert router.answers.pop(request.id).ids == alone
    with refused("this model generates text, it does not classify"):
        router.master.Classify(pb.ClassifyRequest(batch=as_batch(texts(9))))


def test_two_shards_share_the_answers_and_equal_transformers(start: Start, model: Path) -> None:
    # given
    router = TestingRouter(start(world=2))
    asked = texts(12, 5, 40, 3)

    # when
    answers = router.fan_out("Embed", pb.EmbedRequest(batch=as_batch(asked)))

    # then
    told = [sorted(item.request_id for item in answer.embeddings) for answer in answers]
    assert told == [[0, 2], [1, 3]]
    reference = AutoModel.from_pretrained(model, dtype=torch.float32)
    for item in (item for answer in answers for item in answer.embeddings):
        with torch.inference_mode():
            hidden = reference(torch.tensor([asked[item.request_id]])).last_hidden_state[0]
        ours = torch.tensor(list(item.values))
        torch.testing.assert_close(ours, hidden.mean(0), atol=5e-5, rtol=1e-4)


def test_a_text_that_cannot_be_served_is_named_in_the_trailer(start: Start) -> None:
    (stub,) = start().stubs()

    with pytest.raises(grpc.RpcError) as failed:
        stub.Embed(pb.EmbedRequest(batch=as_batch(texts(5, 129, 7))))

    assert failed.value.code() is grpc.StatusCode.INTERNAL
    assert failed.value.details() == "request 1: the text has 129 tokens, the model reads 128"
    assert dict(failed.value.trailing_metadata())["lorax-failed-requests"] == "1"


def test_tokens_are_classified_in_their_order(start: Start) -> None:
    # given
    group = start(AutoModelForTokenClassification, num_labels=2, id2label={0: "O", 1: "B-X"})
    (stub,) = group.stubs()
    assert stub.Info(pb.InfoRequest()).supports_classification

    # when
    answer = stub.Classify(pb.ClassifyRequest(batch=as_batch(texts(6, 2))))

    # then
    lists = {item.request_id: item for item in answer.classify_prediction_lists}
    assert [len(lists[place].predictions) for place in range(2)] == [6, 2]
    assert set(lists[0].predictions) <= {"O", "B-X"}
    assert all(0.5 <= score <= 1 for score in lists[0].scores)
    about = group.extensions().DescribeModel(extensions_pb2.DescribeModelRequest())
    assert about.classification == extensions_pb2.CLASSIFICATION_KIND_TOKENS
    with refused("this model classifies the tokens of texts, it does not embed"):
        stub.Embed(pb.EmbedRequest(batch=as_batch(texts(5))))


def test_texts_are_classified_as_a_whole(start: Start) -> None:
    # given
    group = start(
        AutoModelForSequenceClassification, num_labels=3, id2label={0: "a", 1: "b", 2: "c"}
    )
    (stub,) = group.stubs()

    # when
    answer = stub.Classify(pb.ClassifyRequest(batch=as_batch(texts(6))))

    # then
    (item,) = answer.classify_prediction_lists
    assert sorted(item.predictions) == ["a", "b", "c"]
    assert sum(item.scores) == pytest.approx(1, abs=1e-5)
    about = group.extensions().DescribeModel(extensions_pb2.DescribeModelRequest())
    assert about.classification == extensions_pb2.CLASSIFICATION_KIND_TEXTS
