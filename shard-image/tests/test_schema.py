"""Answers that follow a JSON schema, with any adapter and beside any other request."""

import json
import re

import grpc
import pytest
import torch
from conftest import ADAPTER_IDS
from testing_router import TestingRouter
from tiny_model import TinyModel

from lorax_shard.engine.grammar import Grammars
from lorax_shard.engine.messages import (
    FinishReason,
    GenerationRequest,
    SamplingParameters,
    StoppingParameters,
)
from lorax_shard.engine.sequence import Sequence
from lorax_shard.engine.tokenizer import Tokenizer
from lorax_shard.pb import extensions_pb2
from lorax_shard.pb import generate_pb2 as pb

PROMPT = list(range(60, 95))
CITIES = ["Paris", "Palermo", "Pärnu", "東京"]
CITY = json.dumps({"enum": CITIES})
PERSON = json.dumps(
    {
        "type": "object",
        "properties": {
            "name": {"type": "string", "pattern": "^[a-z]{1,6}$"},
            "age": {"type": "integer", "minimum": 0, "maximum": 150},
            "tags": {"type": "array", "items": {"enum": ["a", "b"]}, "maxItems": 2},
        },
        "required": ["name", "age", "tags"],
        "additionalProperties": False,
    }
)


def check_person(text: str) -> None:
    person = json.loads(text)
    assert list(person) == ["name", "age", "tags"]
    assert re.fullmatch("[a-z]{1,6}", person["name"])
    assert 0 <= person["age"] <= 150
    assert set(person["tags"]) <= {"a", "b"}
    assert len(person["tags"]) <= 2


@pytest.mark.parametrize("sampled", [False, True], ids=["greedy", "sampled"])
def test_every_answer_follows_its_schema(router: TestingRouter, sampled: bool) -> None:
    """Each adapter with a schema, beside requests of the same adapter without one."""
    # given
    settings = {"do_sample": True, "temperature": 1.5, "seed": 3} if sampled else {}
    free = [router.request(PROMPT, adapter=index) for index in range(len(ADAPTER_IDS))]
    alone = [answer.ids for answer in router.run(*free)]

    # when
    bound = [
        router.request(PROMPT, adapter=index, max_new_tokens=80, schema=PERSON, **settings)
        for index in range(len(ADAPTER_IDS))
    ]
    free = [router.request(PROMPT, adapter=index) for index in range(len(ADAPTER_IDS))]
    answers = router.run(*bound, *free)

    # then
    for answer in answers[: len(bound)]:
        check_person(answer.final.text)
        assert answer.final.finish_reason == pb.FINISH_REASON_EOS_TOKEN
        assert "".join(answer.texts) == answer.final.text
        assert all(logprob <= 0 for logprob in answer.logprobs)
    assert [answer.ids for answer in answers[len(bound) :]] == alone


def test_a_greedy_answer_takes_the_likeliest_token_that_fits(
    router: TestingRouter, tiny: TinyModel
) -> None:
    """Found with transformers and by trying every token."""
    # given
    model, tokenizer = tiny.reference(None).eval(), Tokenizer(tiny.directory)
    texts = [json.dumps(city, ensure_ascii=False).encode() for city in CITIES]
    pieces = [bytes_of(tokenizer, token) for token in range(model.config.vocab_size)]
    ids, written = list(PROMPT), b""
    while written not in texts:
        logits = model(torch.tensor([ids])).logits[0, -1]
        fitting = [
            token
            for token, piece in enumerate(pieces)
            if piece and any(text.startswith(written + piece) for text in texts)
        ]
        chosen = max(fitting, key=lambda token: float(logits[token]))
        ids.append(chosen)
        written += pieces[chosen]

    # when
    (answer,) = router.run(router.request(PROMPT, max_new_tokens=40, schema=CITY))

    # then
    assert answer.ids == ids[len(PROMPT) :]
    assert answer.final.text == written.decode()


def bytes_of(tokenizer: Tokenizer, token: int) -> bytes:
    """What a token of a byte-level vocabulary stands for; nothing where it is special."""
    if tokenizer.is_special(token):
        return b""
    return _bytes(json.loads(tokenizer.to_json())["model"]["vocab"], token)


def _bytes(vocab: dict[str, int], token: int) -> bytes:
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in shown]
    of_character = {chr(byte): byte for byte in shown}
    of_character |= {chr(256 + place): byte for place, byte in enumerate(hidden)}
    names = [name for name, number in vocab.items() if number == token]
    return bytes(of_character[character] for name in names for character in name)


def test_an_answer_that_is_complete_ends_whatever_else_is_asked(router: TestingRouter) -> None:
    asked = router.request(PROMPT, max_new_tokens=80, schema=CITY, ignore_eos=True)

    (answer,) = router.run(asked)

    assert json.loads(answer.final.text) in CITIES
    assert len(answer.ids) < 80


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ("{", "the schema is no JSON: Expecting property name"),
        ("[]", "the schema must be a JSON object, got a list"),
        ('{"type": "text"}', "the schema cannot be followed: Invalid type: text"),
        ('{"enum": []}', "the schema cannot be followed: Unsatisfiable schema"),
        ('{"$ref": "http://127.0.0.1/s"}', "Default retriever does not fetch resources"),
        ('{"type": "string", "pattern": "(?=a)"}', "look-around"),
    ],
)
def test_a_schema_that_no_answer_can_follow_is_refused(
    router: TestingRouter, group, schema: str, reason: str
) -> None:
    extensions = group.extensions()

    with pytest.raises(grpc.RpcError) as ahead:
        extensions.PrepareSchema(extensions_pb2.PrepareSchemaRequest(schema=schema))
    with pytest.raises(grpc.RpcError) as late:
        router.run(router.request(PROMPT, schema=schema))

    assert ahead.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert late.value.code() is grpc.StatusCode.INTERNAL
    assert reason in ahead.value.details()
    assert reason in late.value.details()


def test_a_schema_can_be_prepared(group) -> None:
    answer = group.extensions().PrepareSchema(extensions_pb2.PrepareSchemaRequest(schema=PERSON))

    assert answer == extensions_pb2.PrepareSchemaResponse()


def test_an_answer_whose_grammar_gives_up_is_cut(tiny: TinyModel) -> None:
    """Here because of a token that it does not allow; a schema may also ask for too much."""
    # given
    tokenizer = Tokenizer(tiny.directory)
    request = GenerationRequest(
        id=1,
        inputs="",
        token_ids=tuple(PROMPT),
        truncate=0,
        sampling=SamplingParameters(schema=CITY),
        stopping=StoppingParameters(max_new_tokens=20),
    )
    grammar = Grammars(tokenizer, 512).start(CITY)
    sequence = Sequence(request, PROMPT, [1, 2, 3, 4], None, tokenizer, grammar)
    first, second = tokenizer.encode('"'), tokenizer.encode("x")

    # when
    reasons = [sequence.advance(token)[1] for token in (first[-1], second[-1])]

    # then
    assert reasons == [None, FinishReason.LENGTH]
    assert not grammar.is_complete
