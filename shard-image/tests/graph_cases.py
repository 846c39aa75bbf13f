"""Models on Triton's kernels, and their decode steps when they are replayed; run by test_triton.py.

On a GPU they are CUDA graphs. Elsewhere the kernels run in Triton's interpreter, and captured work
is taped (tape.py), so that a step which is replayed runs no Python between kernels there either.
"""

import random
import sys
import threading
import time
from dataclasses import replace

import pytest
import torch
from conftest import ADAPTER_IDS
from tape import Deck, Tape, TapedKernel, tape
from test_failed_requests import batch, request
from test_models import FAMILY, our_logits
from tiny_model import (
    ADAPTERS,
    TinyModel,
    write_forgetful_model,
    write_model,
    write_tiny_model,
)
from transformers import AutoModelForCausalLM

from lorax_shard.adapters.reader import read_adapter
from lorax_shard.adapters.table import AdapterTable
from lorax_shard.engine import steps
from lorax_shard.engine.cuda_capture import CudaCapture
from lorax_shard.engine.engine import Engine
from lorax_shard.engine.graphs import Capturing, DecodeGraphs
from lorax_shard.engine.limits import NO_SPECULATION, MemoryLimits, SpeculationLimits
from lorax_shard.engine.memory import CacheSpace, DeviceMemory
from lorax_shard.engine.messages import GenerationRequest
from lorax_shard.engine.static_step import padded_rows
from lorax_shard.engine.tokenizer import Tokenizer
from lorax_shard.layers import (
    grouped_weight,
    kept_weight,
    lora,
    lora_linear,
    norm,
    routing,
    step_kernels,
    triton_kernels,
    triton_step,
    triton_weights,
)
from lorax_shard.layers.device_loads import writing_to
from lorax_shard.layers.parallel import ShardGroup
from lorax_shard.layers.quantisation import Quantisation
from lorax_shard.models import decoder, load_model, read_model_config

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
NAMES = list(ADAPTERS)
TOKENS = 9
KERNELS = {
    triton_kernels: ("_shrink_kernel", "_expand_kernel", "_attend_kernel", "_join_kernel"),
    triton_step: ("_norm_kernel", "_place_kernel", "_gate_kernel"),
    triton_weights: ("_int8_kernel", "_packed_kernel"),
}
FAULTS = {
    "reads back": "operation not permitted when stream is capturing",
    "stale": "logits of a replayed step are ",
}
SMALL = {
    "hidden_size": 48,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "num_key_value_heads": 1,
}


@pytest.fixture(autouse=True)
def on_triton(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is chosen by the device is chosen as for a GPU."""
    if DEVICE.type == "cuda":
        return
    for module in (grouped_weight, kept_weight, lora, routing, step_kernels, steps):
        monkeypatch.setattr(module, "uses_triton", lambda device: True)
    for module in (kept_weight, lora_linear, norm, steps):
        monkeypatch.setattr(module, "native_kernels", lambda device, dtype: None)
    # Each program takes the interpreter a millisecond.
    monkeypatch.setattr(triton_kernels, "_ATTENDING_PROGRAMS", 4)
    for module, names in KERNELS.items():
        for name in names:
            monkeypatch.setattr(module, name, TapedKernel(getattr(module, name)))


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> TinyModel:
    return write_tiny_model(tmp_path_factory.mktemp("tiny"), **SMALL)


def new_deck(room: int = 1000) -> Deck:
    return Deck(CudaCapture(DEVICE) if DEVICE.type == "cuda" else tape, room)


def is_capturing() -> bool:
    if DEVICE.type == "cuda":
        return torch.cuda.is_current_stream_capturing()
    return Tape.recording is not None


def new_engine(
    tiny: TinyModel,
    deck: Deck | None,
    speculation: SpeculationLimits = NO_SPECULATION,
    most_graphs: int = 64,
    quantisation: Quantisation | None = None,
    most_rows: int = 8,
) -> Engine:
    capturing = None
    if deck is not None:
        capturing = Capturing(deck, most_rows, most_graphs)
    config = replace(read_model_config(tiny.directory), dtype=torch.float32)
    model = load_model(tiny.directory, config, ShardGroup(), DEVICE, quantisation=quantisation)
    memory = DeviceMemory(DEVICE, MemoryLimits(), 1)
    adapters = AdapterTable(model.linears(), writing_to(DEVICE), DEVICE)
    engine = Engine(
        model, Tokenizer(tiny.directory), adapters, memory, ShardGroup(), DEVICE, speculation,
        capturing, overlaps=True,
    )  # fmt: skip
    memory.cache_space = lambda size, reserved=0: CacheSpace(200, "200 blocks")
    engine.warm_up(batch(0, request(0, ())))
    return engine


def graphs_of(engine: Engine) -> DecodeGraphs:
    assert engine._passes is not None
    assert engine._passes.graphs is not None
    return engine._passes.graphs


def load(engine: Engine, tiny: TinyModel, index: int, name: str) -> None:
    found = read_adapter(tiny.adapter_root / name, name, engine.adapters.projections)
    engine.load_adapter(index, found)


def asked(number: int, adapter: int, tokens: int = TOKENS) -> GenerationRequest:
    first = 1 + 4 * number
    prompt = tuple(range(40 + number, 47 + 2 * number))
    return replace(
        request(number, tuple(range(first, first + 4)), tokens),
        token_ids=prompt,
        adapter_index=adapter,
    )


def serve(engine: Engine, arrivals: dict[int, list[GenerationRequest]]) -> dict[int, list[int]]:
    """Answers by request; arrivals by the step before which they come. Steps begin ahead."""
    answers: dict[int, list[int]] = {}
    running = False
    for step in range(200):
        if step in arrivals:
            result = engine.prefill(batch(1000 + step, *arrivals[step]), 1000 if running else None)
            assert running or step == 0
        elif running:
            result = engine.decode([1000], lambda: True)
        else:
            break
        running = result.batch is not None
        for generation in result.generations:
            answers.setdefault(generation.request_id, []).extend(generation.next_tokens.ids)
    return answers


@pytest.mark.parametrize("name", ["phi3-partial", "gemma2", "gemma3", "qwen3"])
def test_logits_equal_those_of_transformers(tmp_path, name: str) -> None:
    """Heads that are normalised, rotated in part, capped, within windows."""
    config_class, changes = FAMILY[name]
    narrow = {"hidden_size": 48, "num_attention_heads": 3, "num_key_value_heads": 1}
    window = {"sliding_window": 10} if "sliding_window" in changes else {}
    write_model(tmp_path, config_class, **changes | narrow | window)
    ids = [(11 * place) % 300 + 3 for place in range(22)]

    ours = our_logits(tmp_path, ids, [7, 18], device=DEVICE)

    reference = AutoModelForCausalLM.from_pretrained(
        tmp_path, dtype=torch.float32, attn_implementation="eager"
    )
    with torch.inference_mode():
        expected = reference(torch.tensor([ids])).logits[0]
    torch.testing.assert_close(ours, expected, atol=2e-4, rtol=1e-4)


def test_answers_are_those_of_transformers_and_peft(tiny: TinyModel, greedy) -> None:
    """Requests come and go, most with adapters, of four rank buckets."""
    # given
    chance = random.Random(0)
    arrivals: dict[int, list[GenerationRequest]] = {}
    for number in range(8):
        step = 0 if number < 4 else chance.randrange(1, 4)
        asks = asked(number, chance.randrange(len(ADAPTER_IDS)), chance.randrange(8, 12))
        arrivals.setdefault(step, []).append(asks)
    deck = new_deck()
    engine = new_engine(tiny, deck)
    for index, name in enumerate(NAMES, 1):
        load(engine, tiny, index, name)

    # when
    answers = serve(engine, arrivals)

    # then
    for asks in (each for step in arrivals.values() for each in step):
        expected = greedy(asks.token_ids, asks.adapter_index, asks.stopping.max_new_tokens)
        assert answers[asks.id][: len(expected)] == expected
    assert sum(graph.plays for graph in deck.graphs) > 4


def test_a_shape_is_captured_once_and_replayed_from_then_on(tiny: TinyModel) -> None:
    deck = new_deck()
    engine = new_engine(tiny, deck)
    at_start = len(deck.graphs)
    for index in (1, 3):
        load(engine, tiny, index, NAMES[index - 1])

    answers = serve(engine, {0: [asked(0, 1), asked(1, 0), asked(2, 3)]})

    assert [len(answer) for answer in answers.values()] == [TOKENS] * 3
    (graph,) = deck.graphs[at_start:]
    # The first token is the prompt's, the second that of the step which is only filled up.
    assert graph.plays == TOKENS - 2


def test_adapters_that_move_are_captured_anew(tiny: TinyModel, greedy) -> None:
    """The second of a rank makes their stack grow, which is another tensor then."""
    # given
    deck = new_deck()
    engine = new_engine(tiny, deck)
    first, second = (ADAPTER_IDS.index(name) for name in ("every-module", "one-layer"))
    load(engine, tiny, first, "every-module")
    serve(engine, {0: [asked(0, first)]})
    before = graphs_of(engine).count

    # when
    load(engine, tiny, second, "one-layer")
    requests = [asked(1, first)], [asked(2, second)]
    answers = [serve(engine, {0: asks}) for asks in requests]

    # then
    for (asks,), answer in zip(requests, answers, strict=True):
        expected = greedy(asks.token_ids, asks.adapter_index, TOKENS)
        assert answer[asks.id][: len(expected)] == expected
    assert graphs_of(engine).count == before
    # Filled up once, captured and replayed, and replayed at once when the next request came.
    assert deck.graphs[-1].plays == TOKENS - 2 + TOKENS - 1


def test_answers_stay_the_same_while_adapters_are_loaded(tiny: TinyModel, greedy) -> None:
    """Their stacks grow again and again, and with them every graph is another one."""
    # given
    engine = new_engine(tiny, new_deck())
    load(engine, tiny, 1, NAMES[0])
    serve(engine, {0: [asked(3, 1)]})
    arrivals = {0: [asked(0, 1, 11), asked(1, 0, 11)]}
    loaded: list[int] = []
    ends = threading.Event()

    def load_more() -> None:
        while not ends.is_set() and len(loaded) < 40:
            index = 10 + len(loaded)
            load(engine, tiny, index, NAMES[index % len(NAMES)])
            loaded.append(index)
            time.sleep(0.05)

    # when
    loader = threading.Thread(target=load_more)
    loader.start()
    answers = serve(engine, arrivals)
    ends.set()
    loader.join()

    # then
    assert len(loaded) > 5
    for asks in arrivals[0]:
        expected = greedy(asks.token_ids, asks.adapter_index, asks.stopping.max_new_tokens)
        assert answers[asks.id][: len(expected)] == expected
    # An adapter that came meanwhile, in a step of the shape that was captured first.
    late = asked(2, next(index for index in loaded if NAMES[index % len(NAMES)] == "attention"))
    expected = greedy(late.token_ids, ADAPTER_IDS.index("attention"), TOKENS)
    assert serve(engine, {0: [late]})[2][: len(expected)] == expected


@pytest.mark.parametrize("quantisation", Quantisation)
def test_weights_in_few_bits_are_replayed_too(tiny: TinyModel, quantisation) -> None:
    deck = new_deck()
    engines = [
        new_engine(tiny, each, quantisation=quantisation, most_rows=2) for each in (None, deck)
    ]
    arrivals = {0: [asked(0, 0, 7), asked(1, 0, 4)]}

    plain, replayed = (serve(engine, arrivals) for engine in engines)

    assert replayed == plain
    assert sum(graph.plays for graph in deck.graphs) > 3


def test_drafts_are_replayed_too(tmp_path) -> None:
    forgetful = write_forgetful_model(tmp_path, **SMALL)
    deck = new_deck()
    arrivals = {0: [asked(0, 0, 14), asked(1, 1, 14)]}
    answers = []
    for engine in (
        new_engine(forgetful, None),
        new_engine(forgetful, deck, SpeculationLimits(3, 8)),
    ):
        load(engine, forgetful, 1, "stabilised")
        answers.append(serve(engine, arrivals))

    assert answers[0] == answers[1]
    assert sum(graph.plays for graph in deck.graphs) > 3


def test_the_graph_that_was_used_least_recently_makes_room(tiny: TinyModel) -> None:
    deck = new_deck()
    engine = new_engine(tiny, deck, most_graphs=1)
    at_start = len(deck.graphs)

    serve(engine, {0: [asked(0, 0, 5), asked(1, 0, 12)]})

    assert graphs_of(engine).count == 1
    assert [graph.plays for graph in deck.graphs[at_start:]] == [3, 6]


def test_without_memory_for_more_steps_go_on(tiny: TinyModel, caplog) -> None:
    plain, engine = new_engine(tiny, None), new_engine(tiny, new_deck(room=3))
    arrivals = {0: [asked(0, 0, 5), asked(1, 0, 12)]}

    assert serve(engine, arrivals) == serve(plain, arrivals)
    assert graphs_of(engine).count == 1
    (warning,) = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert warning == (
        "no more CUDA graphs than these 1, so steps of other shapes take longer, a lower "
        "MEMORY_WIGGLE_ROOM leaves more memory for them: CUDA out of memory."
    )


@pytest.mark.parametrize("fault", FAULTS)
def test_what_cannot_be_replayed_is_not(tiny: TinyModel, caplog, monkeypatch, fault: str) -> None:
    """A model that asks the device for a number, and one that makes another of it in Python."""
    forward = decoder.LlamaDecoder.forward

    def faulty(self, step, cache):
        first = step.token_ids
        if fault == "reads back":
            assert int(first[0]) >= 0
        elif is_capturing():
            step = replace(step, token_ids=torch.zeros_like(first))
        return forward(self, step, cache)

    monkeypatch.setattr(decoder.LlamaDecoder, "forward", faulty)

    engine = new_engine(tiny, new_deck())

    assert engine._passes is not None
    assert engine._passes.graphs is None
    (warning,) = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert warning.startswith("no CUDA graphs, so decode steps take longer: ")
    assert FAULTS[fault] in warning


def test_rows_are_filled_up_to_few_sizes() -> None:
    sizes = {padded_rows(rows) for rows in range(1, 257)}

    assert all(padded_rows(rows) >= rows for rows in range(1, 257))
    assert max(padded_rows(rows) / rows for rows in range(1, 257)) < 2
    assert len(sizes) == 23


if __name__ == "__main__":
    sys.exit(pytest.main([__file__, "-q", "-p", "no:cacheprovider", *sys.argv[1:]]))
