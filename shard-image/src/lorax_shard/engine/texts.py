"""Texts that are read once, for an embedding or a class, and the steps they are read in."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from lorax_shard.adapters.order import side_by_side
from lorax_shard.adapters.table import AdapterTable, ResidentAdapter, UnknownAdapter
from lorax_shard.engine.messages import BatchRequest, InvalidRequest, RequestsFailed
from lorax_shard.engine.sequence import prompt_ids
from lorax_shard.engine.tokenizer import Tokenizer

# Of one forward pass; a longer text has one of its own. What a pass computes in between takes a few
# times the hidden state of its tokens, whatever a router puts into one call. On a host it should
# stay in the caches: all-MiniLM-L6-v2 does 3,900 tokens per CPU second so and 3,300 with 8,192.
_STEP_TOKENS = {"cpu": 1024, "cuda": 16384}


@dataclass(frozen=True, slots=True)
class Text:
    """One request's tokens."""

    request_id: int
    ids: list[int]
    adapter: ResidentAdapter | None

    def __len__(self) -> int:
        """Tokens."""
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class TextReader:
    """Makes texts of requests. Confined to the compute thread."""

    tokenizer: Tokenizer
    adapters: AdapterTable
    vocab_size: int
    max_tokens: int  # of one text

    def read(self, batch: BatchRequest) -> list[Text]:
        """The texts of a batch. One that cannot be served is named, and the others can be."""
        if not batch.requests:
            raise InvalidRequest(f"batch {batch.id} has no requests")
        texts = []
        for request in batch.requests:
            try:
                ids = prompt_ids(request, self.tokenizer, self.vocab_size)
                if len(ids) > self.max_tokens:
                    raise InvalidRequest(
                        f"request {request.id}: the text has {len(ids)} tokens, the model reads "
                        f"{self.max_tokens}"
                    )
                adapter = self.adapters.get(request.adapter_index)
            except (InvalidRequest, UnknownAdapter) as error:
                raise RequestsFailed(str(error), [request.id]) from None
            texts.append(Text(request.id, ids, adapter))
        return texts


def step_tokens(device: torch.device) -> int:
    """Tokens of one forward pass on a device."""
    return _STEP_TOKENS[device.type]


def steps(texts: Sequence[Text], budget: int) -> Iterator[list[Text]]:
    """The texts in steps of at most that many tokens, those of one adapter side by side.

    Within an adapter the short ones come first, so that the texts of a step are about as long.
    """
    step: list[Text] = []
    tokens = 0
    for text in side_by_side(sorted(texts, key=len)):
        if step and tokens + len(text) > budget:
            yield step
            step, tokens = [], 0
        step.append(text)
        tokens += len(text)
    if step:
        yield step
