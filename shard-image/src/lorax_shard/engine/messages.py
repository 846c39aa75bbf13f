"""What goes into the engine and comes out of it. Immutable; protobuf is the server's business."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple


class InvalidRequest(ValueError):
    """A request that cannot be served as it is. The rest of the engine is untouched by it."""


class RequestsFailed(ArithmeticError):
    """A step failed because of some of its requests; it would succeed without them."""

    def __init__(self, reason: str, request_ids: Sequence[int]) -> None:
        super().__init__(reason)
        self.request_ids = list(request_ids)


@dataclass(frozen=True, slots=True)
class SamplingParameters:
    """How the next token is chosen. Neutral values switch a part off."""

    temperature: float = 1.0  # 0 = greedy
    top_k: int = 0
    top_p: float = 1.0
    typical_p: float = 1.0
    do_sample: bool = False
    seed: int = 0
    repetition_penalty: float = 1.0
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    alternatives: int = 0
    watermark: bool = False
    schema: str | None = None

    @property
    def is_sampled(self) -> bool:
        """Whether chance has a say. As upstream, any warper asks for sampling by itself."""
        warped = (
            self.temperature != 1.0 or self.top_k > 0 or self.top_p < 1.0 or self.typical_p < 1.0
        )
        return self.temperature > 0.0 and (self.do_sample or warped)

    @property
    def is_penalised(self) -> bool:
        """Whether earlier tokens change the choice."""
        return (
            self.repetition_penalty != 1.0
            or self.frequency_penalty != 0.0
            or self.presence_penalty != 0.0
        )


@dataclass(frozen=True, slots=True)
class StoppingParameters:
    """When a sequence ends."""

    max_new_tokens: int
    stop_sequences: tuple[str, ...] = ()
    ignore_eos: bool = False


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """A prompt, the cache blocks it may fill, and what to make of it."""

    id: int
    inputs: str
    token_ids: tuple[int, ...]  # empty: inputs is tokenised here
    truncate: int  # keep only the last tokens; 0 = keep all
    sampling: SamplingParameters
    stopping: StoppingParameters
    adapter_index: int = 0
    blocks: tuple[int, ...] = ()
    slots: tuple[int, ...] = ()
    cached_tokens: int = 0  # of the prompt, that its first blocks hold already
    chunk_tokens: int | None = None  # of the rest, to be computed at first; None = all
    prefill_logprobs: bool = False
    generated: tuple[int, ...] = ()  # by a shard that is gone: the answer goes on after them


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """Prompts to run together; they stay together as the cached batch of this id."""

    id: int
    requests: tuple[GenerationRequest, ...]

    @property
    def schemas(self) -> set[str]:
        """The schemas that its answers must follow."""
        asked = (request.sampling.schema for request in self.requests)
        return {schema for schema in asked if schema is not None}


class FinishReason(Enum):
    """Why a sequence ended."""

    LENGTH = "length"
    EOS_TOKEN = "eos_token"
    STOP_SEQUENCE = "stop_sequence"


@dataclass(frozen=True, slots=True)
class Alternatives:
    """The likeliest tokens in place of the chosen one, best first."""

    ids: list[int]
    logprobs: list[float]
    texts: list[str]


# Those that are made for each row of each step are tuples, which take a third of the time.
class Tokens(NamedTuple):
    """Tokens with their log-probabilities and texts."""

    ids: list[int]
    logprobs: list[float]
    texts: list[str]
    special: list[bool]
    alternatives: list[Alternatives]


@dataclass(frozen=True, slots=True)
class GeneratedText:
    """The whole answer, on the last step of a sequence."""

    text: str
    generated_tokens: int
    skipped_tokens: int  # of these, that came with another one of the same step
    finish_reason: FinishReason
    seed: int | None


class Generation(NamedTuple):
    """What one step made of one sequence."""

    request_id: int
    next_tokens: Tokens
    prompt_tokens: int  # on the step that finishes the prompt, else 0
    prefill_tokens: Tokens | None
    text: GeneratedText | None


@dataclass(frozen=True, slots=True)
class BatchSummary:
    """A cached batch as the router sees it: sequences that go on, never finished ones."""

    id: int
    request_ids: list[int]
    max_tokens: int  # that its blocks can hold
    next_tokens: int  # that the next step computes

    @property
    def size(self) -> int:
        """Sequences."""
        return len(self.request_ids)


@dataclass(frozen=True, slots=True)
class StepResult:
    """The outcome of a prefill or decode step; no batch when every sequence has ended."""

    generations: list[Generation]
    batch: BatchSummary | None

    @property
    def ends_a_request(self) -> bool:
        """Whether this was the last step of one."""
        return any(generation.text is not None for generation in self.generations)


@dataclass(frozen=True, slots=True)
class TextEmbedding:
    """The vector of one text."""

    request_id: int
    values: list[float]


@dataclass(frozen=True, slots=True)
class Classification:
    """The classes of one text: of each of its tokens, or all classes of the text, best first."""

    request_id: int
    labels: list[str]
    scores: list[float]
