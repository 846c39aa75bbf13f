"""What our router asks of a shard: steps with answers in columns, and the moves of adapters."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

from decode_worker import Order
from lorax_shard.pb import extensions_pb2, extensions_pb2_grpc, generate_pb2_grpc  # type: ignore[import-not-found]
from lorax_shard.pb import generate_pb2 as pb

_BLOCK = 16


@dataclass(frozen=True)
class Stepped:
    """The answer to a step: the new tokens of each request, and the batch that goes on."""

    tokens: dict[int, Sequence[int]]
    batch: Any  # a CachedBatch, or None


class RouterCalls:
    """The calls of one router to one shard. Index and directory of an adapter are its number."""

    def __init__(self, channel: Any) -> None:
        self._shard = generate_pb2_grpc.LoraxServiceStub(channel)
        self._extensions = extensions_pb2_grpc.ExtensionsStub(channel)
        self._steps: SimpleQueue[Any] = SimpleQueue()
        self._replies = self._extensions.Steps(iter(self._steps.get, None))
        self._batches = 0

    def prefill(self, requests: Sequence[Any], beside: Any = None) -> Stepped:
        """A Prefill; a batch beside it makes a step and takes the requests in."""
        self._batches += 1
        batch = pb.Batch(id=self._batches, requests=requests, size=len(requests))
        prefill = pb.PrefillRequest(batch=batch, cached_batch=beside)
        return self._step(extensions_pb2.StepRequest(prefill=prefill))

    def decode(self, batch: Any) -> Stepped:
        """A Decode."""
        return self._step(extensions_pb2.StepRequest(decode=pb.DecodeRequest(batches=[batch])))

    def run(self, batch: Any) -> Iterator[Stepped]:
        """Decodes that the shard makes in a run, until all requests have ended."""
        decode = pb.DecodeRequest(batches=[batch])
        self._steps.put(
            extensions_pb2.StepRequest(decode=decode, run=extensions_pb2.RUN_UNTIL_TOLD)
        )
        goes_on = True
        while goes_on:
            answer = next(self._replies)
            goes_on = answer.run_goes_on
            yield _stepped(answer)

    def clear(self) -> None:
        """Drops all batches."""
        self._shard.ClearCache(pb.ClearCacheRequest())

    def download(self, adapter: int) -> None:
        """The first of the two moves before an adapter can be used."""
        self._shard.DownloadAdapter(pb.DownloadAdapterRequest(**_named(adapter)))

    def load(self, adapter: int) -> None:
        """The second: the load, in place of what may lie under the index, and what it is like."""
        index = _index(adapter)
        self._shard.LoadAdapter(pb.LoadAdapterRequest(**_named(adapter), adapter_index=index))
        question = extensions_pb2.DescribeAdapterRequest(adapter_index=index)
        self._extensions.DescribeAdapter(question)

    def bring(self, adapter: int) -> None:
        """Both moves."""
        self.download(adapter)
        self.load(adapter)

    def offload(self, adapter: int) -> None:
        """Takes an adapter out of device memory."""
        index = _index(adapter)
        self._shard.OffloadAdapter(pb.OffloadAdapterRequest(**_named(adapter), adapter_index=index))

    def _step(self, request: Any) -> Stepped:
        self._steps.put(request)
        return _stepped(next(self._replies))


def _stepped(answer: Any) -> Stepped:
    if answer.HasField("failure"):
        raise RuntimeError(answer.failure.message)
    plain = zip(answer.tokens.request_ids, answer.tokens.ids, strict=True)
    tokens: dict[int, Sequence[int]] = {request_id: (token,) for request_id, token in plain}
    for generation in answer.generations:
        tokens[generation.request_id] = generation.next_tokens.ids
    return Stepped(tokens, answer.batch if answer.HasField("batch") else None)


def blocks_of(tokens: int) -> int:
    """Blocks of the cache that so many tokens take."""
    return -(-tokens // _BLOCK)


def dealt(order: Order, vocabulary: int, new_tokens: int, first: int = 0) -> list[Any]:
    """The requests of a batch, which lies in the cache behind `first` others of the same size."""
    count = blocks_of(order.prompt + new_tokens)
    return [
        request(row, prompt, adapter, new_tokens, 1 + row * count)
        for row, (prompt, adapter) in enumerate(
            zip(order.prompts(vocabulary), order.adapters, strict=True), first
        )
    ]


def request(
    number: int, prompt: Sequence[int], adapter: int | None, new_tokens: int, first_block: int
) -> Any:
    """A greedy request that ends with its last token and no earlier; its blocks are neighbours."""
    count = blocks_of(len(prompt) + new_tokens)
    return pb.Request(
        id=number,
        tokenized_inputs=pb.TokenizedInputs(ids=prompt),
        parameters=pb.NextTokenChooserParameters(temperature=1.0),
        stopping_parameters=pb.StoppingCriteriaParameters(
            max_new_tokens=new_tokens, ignore_eos_token=True
        ),
        adapter_index=0 if adapter is None else _index(adapter),
        blocks=range(first_block, first_block + count),
    )


def _named(adapter: int) -> dict[str, Any]:
    parameters = pb.AdapterParameters(adapter_ids=[str(adapter)])
    return {"adapter_parameters": parameters, "adapter_source": pb.LOCAL}


def _index(adapter: int) -> int:
    """On the wire 0 is the base."""
    return adapter + 1
