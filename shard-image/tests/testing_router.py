"""What a router does to a shard, as far as the tests need it: blocks, batches, fan-out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from queue import SimpleQueue
from weakref import finalize

from shard_process import ShardGroup

from lorax_shard.pb import extensions_pb2, extensions_pb2_grpc
from lorax_shard.pb import generate_pb2 as pb

BLOCK_SIZE = 16
CACHE_TOKENS = 64 * 1024
LONG_PREFILL_REQUESTS = 40


@dataclass
class Answer:
    """All that came back for one request."""

    ids: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    special: list[bool] = field(default_factory=list)
    alternatives: list[pb.AlternativeTokens] = field(default_factory=list)
    prompt_tokens: int = 0
    steps: int = 0  # that brought tokens
    prefill: pb.NextTokens | None = None
    final: pb.GeneratedText | None = None

    def add(self, generation: pb.Generation) -> None:
        self.steps += 1
        self.ids += generation.next_tokens.ids
        self.logprobs += generation.next_tokens.logprobs
        self.texts += generation.next_tokens.texts
        self.special += generation.next_tokens.is_special
        self.alternatives += generation.next_tokens.alternative_tokens
        self.prompt_tokens += generation.prefill_tokens_length
        if generation.HasField("prefill_tokens"):
            self.prefill = generation.prefill_tokens
        if generation.HasField("generated_text"):
            self.final = generation.generated_text


class StepStream:
    """One call that carries steps to one shard. It ends when nobody has it any more."""

    def __init__(self, stub: extensions_pb2_grpc.ExtensionsStub) -> None:
        self._requests: SimpleQueue[extensions_pb2.StepRequest | None] = SimpleQueue()
        self.call = stub.Steps(iter(self._requests.get, None))
        finalize(self, self._requests.put, None)

    def ask(self, request: extensions_pb2.StepRequest) -> None:
        self._requests.put(request)

    def reply(self) -> extensions_pb2.StepReply:
        return next(self.call)


class TestingRouter:
    """Drives a shard group step by step. Blocks are handed out upwards and never reused.

    columns: whether it asks for steps whose answers come in columns.
    """

    __test__ = False  # no test class, whatever its name

    def __init__(self, group: ShardGroup) -> None:
        self.stubs = group.stubs()
        self._extensions = group.extensions_of_all()
        self._streams: list[StepStream] = []
        self.master = self.stubs[0]
        self.columns = False
        self.answers: dict[int, Answer] = {}
        self._next_request = 0
        self._next_batch = 1
        self._next_block = 1
        self.fan_out("ClearCache", pb.ClearCacheRequest())
        self.warm_up()

    def fan_out(self, method: str, request) -> list:
        """The answers of all shards, in order; every shard gets the call before one is awaited."""
        calls = [getattr(stub, method).future(request, timeout=60) for stub in self.stubs]
        return [call.result() for call in calls]

    def warm_up(self, prompt_tokens: int = 0) -> None:
        """Bounds what a step computes of prompts that go on; 0 = no bound."""
        request = pb.WarmupRequest(batch=warm_up_batch(), max_prefill_tokens=prompt_tokens)
        self.fan_out("Warmup", request)

    def load(self, index: int, adapter_id: str) -> None:
        parameters = pb.AdapterParameters(adapter_ids=[adapter_id])
        request = {"adapter_parameters": parameters, "adapter_source": pb.LOCAL}
        assert self.master.DownloadAdapter(pb.DownloadAdapterRequest(**request)).downloaded
        answers = self.fan_out("LoadAdapter", pb.LoadAdapterRequest(**request, adapter_index=index))
        assert all(answer.loaded for answer in answers)

    def load_at_once(self, adapters: Mapping[int, str]) -> None:
        """Loads as they may arrive when they overlap: every other shard gets them backwards."""
        requests = [
            pb.LoadAdapterRequest(
                adapter_parameters=pb.AdapterParameters(adapter_ids=[adapter_id]),
                adapter_source=pb.LOCAL,
                adapter_index=index,
            )
            for index, adapter_id in adapters.items()
        ]
        for rank, stub in enumerate(self.stubs):
            for request in reversed(requests) if rank % 2 else requests:
                assert stub.LoadAdapter(request, timeout=60).loaded

    def offload(self, index: int, adapter_id: str) -> bool:
        parameters = pb.AdapterParameters(adapter_ids=[adapter_id])
        request = pb.OffloadAdapterRequest(adapter_parameters=parameters, adapter_index=index)
        return self.master.OffloadAdapter(request).offloaded

    def request(
        self,
        prompt: list[int],
        adapter: int = 0,
        max_new_tokens: int = 12,
        stop: Iterable[str] = (),
        ignore_eos: bool = False,
        prefill_logprobs: bool = False,
        truncate: int = 0,
        chunk: int | None = None,
        prefix_of: tuple[pb.Request, int] | None = None,
        **parameters,
    ) -> pb.Request:
        """A request with blocks of its own; greedy unless parameters say otherwise.

        prefix_of: a request that was prefilled, and how many tokens of its prompt this one has in
        common with it and need not compute; those lie in whole blocks.
        """
        needed = len(prompt) + max_new_tokens - 1
        count = -(-needed // BLOCK_SIZE)
        blocks = range(self._next_block, self._next_block + count)
        if blocks.stop * BLOCK_SIZE > CACHE_TOKENS:
            blocks = range(1, 1 + count)
        self._next_block = blocks.stop
        shared, cached = prefix_of or (None, 0)
        if shared is not None:
            assert cached % BLOCK_SIZE == 0
            known = cached // BLOCK_SIZE
            blocks = [*shared.blocks[:known], *blocks[known:]]
        slots = [block * BLOCK_SIZE + place for block in blocks for place in range(BLOCK_SIZE)]
        self._next_request += 1
        return pb.Request(
            id=self._next_request,
            tokenized_inputs=pb.TokenizedInputs(ids=prompt),
            truncate=truncate,
            parameters=pb.NextTokenChooserParameters(**{"temperature": 1.0} | parameters),
            stopping_parameters=pb.StoppingCriteriaParameters(
                max_new_tokens=max_new_tokens, stop_sequences=stop, ignore_eos_token=ignore_eos
            ),
            prefill_logprobs=prefill_logprobs,
            adapter_index=adapter,
            blocks=blocks,
            slots=slots[:needed],
            cache_len=cached,
            chunk_len=chunk,
        )

    def long_prefill(self) -> pb.PrefillRequest:
        """What takes a shard a good part of a second."""
        requests = [
            self.request([60 + (start + place) % 200 for place in range(400)], max_new_tokens=2)
            for start in range(LONG_PREFILL_REQUESTS)
        ]
        return pb.PrefillRequest(batch=pb.Batch(id=900, requests=requests, size=len(requests)))

    def prefill(
        self, *requests: pb.Request, joined: pb.CachedBatch | None = None, holds: bool = False
    ) -> pb.CachedBatch | None:
        """Starts a batch, or joins one that makes a step meanwhile; what goes on of it.

        holds: unfinished prompts of the joined batch make no step; only Steps can say so.
        """
        batch = pb.Batch(id=self._next_batch, requests=requests, size=len(requests))
        self._next_batch += 1
        request = pb.PrefillRequest(batch=batch, cached_batch=joined)
        if self.columns or holds:
            return self._step(extensions_pb2.StepRequest(prefill=request, hold_prompts=holds))
        return self._take(self.fan_out("Prefill", request))

    def resume(self, generated: Mapping[int, Sequence[int]], *requests: pb.Request):
        """Starts a batch of requests of which some have generated before, by request id."""
        batch = pb.Batch(id=self._next_batch, requests=requests, size=len(requests))
        self._next_batch += 1
        request = extensions_pb2.ResumeRequest(
            batch=batch,
            generated=[
                extensions_pb2.GeneratedTokens(request_id=request_id, ids=ids)
                for request_id, ids in generated.items()
            ],
        )
        if self.columns:
            return self._step(extensions_pb2.StepRequest(resume=request))
        calls = [stub.Resume.future(request, timeout=60) for stub in self._extensions]
        return self._take([call.result() for call in calls])

    def decode(self, *batches: pb.CachedBatch) -> pb.CachedBatch | None:
        """One step of the batches, which become one."""
        request = pb.DecodeRequest(batches=batches)
        if self.columns:
            return self._step(extensions_pb2.StepRequest(decode=request))
        return self._take(self.fan_out("Decode", request))

    def finish(self, batch: pb.CachedBatch | None) -> None:
        """Steps until every request of the batch has ended."""
        while batch is not None:
            batch = self.decode(batch)

    def run(self, *requests: pb.Request) -> list[Answer]:
        """The answers to requests that run as one batch."""
        self.finish(self.prefill(*requests))
        return [self.answers.pop(request.id) for request in requests]

    def _step(self, request: extensions_pb2.StepRequest) -> pb.CachedBatch | None:
        self._streams = self._streams or [StepStream(stub) for stub in self._extensions]
        for stream in self._streams:
            stream.ask(request)
        responses = [stream.reply() for stream in self._streams]
        for response in responses:
            for generation in rows(response.tokens):
                self.answers.setdefault(generation.request_id, Answer()).add(generation)
        return self._take(responses)

    def _take(self, responses: list) -> pb.CachedBatch | None:
        for response in responses:
            for generation in response.generations:
                self.answers.setdefault(generation.request_id, Answer()).add(generation)
        last = responses[-1]
        return last.batch if last.HasField("batch") else None


def rows(columns: extensions_pb2.TokenColumns) -> list[pb.Generation]:
    """A message for each place of the columns."""
    special = set(columns.special)
    return [
        pb.Generation(
            request_id=request_id,
            next_tokens=pb.NextTokens(
                ids=[token], logprobs=[logprob], texts=[text], is_special=[place in special]
            ),
        )
        for place, (request_id, token, logprob, text) in enumerate(
            zip(columns.request_ids, columns.ids, columns.logprobs, columns.texts, strict=True)
        )
    ]


def warm_up_batch() -> pb.Batch:
    """As upstream's router sends it: no ids, no blocks, an image and settings nobody serves."""
    chunks = [
        pb.InputChunk(text="_test " * 40),
        pb.InputChunk(image=pb.Image(data=b"png", mimetype="image/png")),
    ]
    requests = [
        pb.Request(
            id=0,
            inputs="_test " * 40,
            tokenized_inputs=pb.TokenizedInputs(input_chunks=chunks if first else chunks[:1]),
            truncate=40,
            parameters=pb.NextTokenChooserParameters(
                temperature=0.9, top_k=10, top_p=0.9, typical_p=0.9, repetition_penalty=1.2,
                frequency_penalty=0.5, presence_penalty=0.5, watermark=True,
            ),
            stopping_parameters=pb.StoppingCriteriaParameters(max_new_tokens=24),
            prefill_logprobs=True,
        )
        for first in (True, False)
    ]  # fmt: skip
    return pb.Batch(id=0, requests=requests, size=2, max_tokens=128)
