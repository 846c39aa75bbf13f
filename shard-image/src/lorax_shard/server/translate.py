"""Between protobuf messages and the engine's own."""

from collections.abc import Iterable
from dataclasses import replace
from typing import TypeAlias

from lorax_shard.adapters.merging import AdapterChoice, MajoritySign, Merge, MergeStrategy
from lorax_shard.adapters.sources import AdapterReference, AdapterSource
from lorax_shard.engine.messages import (
    BatchRequest,
    BatchSummary,
    Classification,
    FinishReason,
    GeneratedText,
    Generation,
    GenerationRequest,
    InvalidRequest,
    SamplingParameters,
    StepResult,
    StoppingParameters,
    TextEmbedding,
    Tokens,
)
from lorax_shard.models import Task
from lorax_shard.pb import extensions_pb2
from lorax_shard.pb import generate_pb2 as pb

BASE_MODEL_ID = "__base_model__"
_SOURCES = {
    pb.HUB: AdapterSource.HUB,
    pb.S3: AdapterSource.S3,
    pb.LOCAL: AdapterSource.LOCAL,
    pb.PBASE: AdapterSource.PBASE,
}
_STRATEGIES = {
    pb.LINEAR: MergeStrategy.LINEAR,
    pb.TIES: MergeStrategy.TIES,
    pb.DARE_LINEAR: MergeStrategy.DARE_LINEAR,
    pb.DARE_TIES: MergeStrategy.DARE_TIES,
}
_SIGNS = {pb.TOTAL: MajoritySign.TOTAL, pb.FREQUENCY: MajoritySign.FREQUENCY}
_WIRE_SOURCES = {source: number for number, source in _SOURCES.items()}
_FINISH_REASONS = {
    FinishReason.LENGTH: pb.FINISH_REASON_LENGTH,
    FinishReason.EOS_TOKEN: pb.FINISH_REASON_EOS_TOKEN,
    FinishReason.STOP_SEQUENCE: pb.FINISH_REASON_STOP_SEQUENCE,
}


def batch_request(batch: pb.Batch) -> BatchRequest:
    """A batch to prefill or to warm up with."""
    return BatchRequest(batch.id, tuple(_request(request) for request in batch.requests))


def resumed_batch(request: extensions_pb2.ResumeRequest) -> BatchRequest:
    """A batch of which some requests have generated before."""
    batch = batch_request(request.batch)
    generated: dict[int, tuple[int, ...]] = {}
    known = {each.id for each in batch.requests}
    for tokens in request.generated:
        if tokens.request_id not in known:
            raise InvalidRequest(
                f"generated tokens of request {tokens.request_id}, which batch {batch.id} does "
                "not hold"
            )
        if tokens.request_id in generated:
            raise InvalidRequest(f"generated tokens of request {tokens.request_id} come twice")
        generated[tokens.request_id] = tuple(tokens.ids)
    return replace(
        batch,
        requests=tuple(
            replace(each, generated=generated.get(each.id, ())) for each in batch.requests
        ),
    )


def _request(request: pb.Request) -> GenerationRequest:
    chunks = request.tokenized_inputs.input_chunks
    text = "".join(chunk.text for chunk in chunks if chunk.WhichOneof("chunk") == "text")
    return GenerationRequest(
        id=request.id,
        inputs=request.inputs or text,
        token_ids=tuple(request.tokenized_inputs.ids),
        truncate=request.truncate,
        sampling=_sampling(request.parameters),
        stopping=StoppingParameters(
            max_new_tokens=request.stopping_parameters.max_new_tokens,
            stop_sequences=tuple(request.stopping_parameters.stop_sequences),
            ignore_eos=request.stopping_parameters.ignore_eos_token,
        ),
        adapter_index=request.adapter_index,
        blocks=tuple(request.blocks),
        slots=tuple(request.slots),
        cached_tokens=request.cache_len,
        chunk_tokens=request.chunk_len if request.HasField("chunk_len") else None,
        prefill_logprobs=request.prefill_logprobs,
    )


def _sampling(parameters: pb.NextTokenChooserParameters) -> SamplingParameters:
    """On the wire zero is also what an unset field reads as: there it means neutral."""
    return SamplingParameters(
        temperature=parameters.temperature,
        top_k=parameters.top_k,
        top_p=parameters.top_p or 1.0,
        typical_p=parameters.typical_p or 1.0,
        do_sample=parameters.do_sample,
        seed=parameters.seed,
        repetition_penalty=parameters.repetition_penalty or 1.0,
        frequency_penalty=parameters.frequency_penalty,
        presence_penalty=parameters.presence_penalty,
        alternatives=parameters.return_k_alternatives,
        watermark=parameters.watermark,
        schema=parameters.schema if parameters.HasField("schema") else None,
    )


def prefill_response(result: StepResult, rank: int, world: int) -> pb.PrefillResponse:
    """A message for each request of this shard's share."""
    return pb.PrefillResponse(
        generations=generations(result.generations, rank, world),
        batch=cached_batch(result.batch),
    )


def generations(items: Iterable[Generation], rank: int, world: int) -> list[pb.Generation]:
    """Every shard knows all results; each tells those of its share of the request ids."""
    return [_generation(item) for item in items if item.request_id % world == rank]


def _generation(item: Generation) -> pb.Generation:
    return pb.Generation(
        request_id=item.request_id,
        prefill_tokens=_tokens(item.prefill_tokens) if item.prefill_tokens else None,
        next_tokens=_tokens(item.next_tokens),
        generated_text=_text(item.text) if item.text else None,
        prefill_tokens_length=item.prompt_tokens,
    )


def _tokens(tokens: Tokens) -> pb.NextTokens:
    return pb.NextTokens(
        ids=tokens.ids,
        logprobs=tokens.logprobs,
        texts=tokens.texts,
        is_special=tokens.special,
        alternative_tokens=[
            pb.AlternativeTokens(ids=other.ids, logprobs=other.logprobs, texts=other.texts)
            for other in tokens.alternatives
        ],
    )


def _text(text: GeneratedText) -> pb.GeneratedText:
    return pb.GeneratedText(
        text=text.text,
        generated_tokens=text.generated_tokens,
        skipped_tokens=text.skipped_tokens,
        finish_reason=_FINISH_REASONS[text.finish_reason],
        seed=text.seed,
    )


def cached_batch(summary: BatchSummary | None) -> pb.CachedBatch | None:
    """A batch that goes on; None when it has ended."""
    if summary is None:
        return None
    return pb.CachedBatch(
        id=summary.id,
        request_ids=summary.request_ids,
        size=summary.size,
        max_tokens=summary.max_tokens,
        current_tokens=summary.next_tokens,
    )


def embeddings(items: Iterable[TextEmbedding], rank: int, world: int) -> list[pb.Embedding]:
    """As for generations, each shard tells those of its share: the router concatenates."""
    return [
        pb.Embedding(request_id=item.request_id, values=item.values)
        for item in items
        if item.request_id % world == rank
    ]


def classifications(
    items: Iterable[Classification], rank: int, world: int
) -> list[pb.ClassifyPredictionList]:
    """As for embeddings."""
    return [
        pb.ClassifyPredictionList(
            request_id=item.request_id, predictions=item.labels, scores=item.scores
        )
        for item in items
        if item.request_id % world == rank
    ]


def classification_kind(task: Task) -> extensions_pb2.ClassificationKind:
    """What the predictions of a text stand for."""
    match task:
        case Task.TOKEN_CLASSIFICATION:
            return extensions_pb2.CLASSIFICATION_KIND_TOKENS
        case Task.TEXT_CLASSIFICATION:
            return extensions_pb2.CLASSIFICATION_KIND_TEXTS
        case Task.EMBEDDING | Task.GENERATION:
            return extensions_pb2.CLASSIFICATION_KIND_NONE


AdapterCall: TypeAlias = (
    pb.DownloadAdapterRequest | pb.LoadAdapterRequest | pb.OffloadAdapterRequest
)


def adapter(request: AdapterCall) -> AdapterChoice:
    """The adapter that a call names, or those that it wants merged."""
    parameters = request.adapter_parameters
    ids = tuple(map(str, parameters.adapter_ids))
    if not ids:
        raise InvalidRequest("the call names no adapter: expected one id, or several to merge")
    if request.adapter_source not in _SOURCES:
        raise InvalidRequest(f"adapter source {request.adapter_source} is unknown: expected 0 to 3")
    source = _SOURCES[request.adapter_source]
    references = tuple(AdapterReference(each, source) for each in ids)
    # One adapter as it is, however a router writes that.
    if len(ids) == 1 and list(parameters.weights) in ([], [1.0]) and not parameters.merge_strategy:
        return AdapterChoice(references)
    if parameters.merge_strategy not in _STRATEGIES:
        raise InvalidRequest(
            f"merge strategy {parameters.merge_strategy} is unknown: expected 0 to 3"
        )
    if parameters.majority_sign_method not in _SIGNS:
        raise InvalidRequest(
            f"majority sign method {parameters.majority_sign_method} is unknown: expected 0 or 1"
        )
    merge = Merge(
        weights=tuple(parameters.weights),
        strategy=_STRATEGIES[parameters.merge_strategy],
        density=parameters.density,
        majority_sign=_SIGNS[parameters.majority_sign_method],
    )
    merge.check(len(ids))
    return AdapterChoice(references, merge)


def wire_source(source: AdapterSource) -> pb.AdapterSource:
    """The number of a source."""
    return _WIRE_SOURCES[source]
