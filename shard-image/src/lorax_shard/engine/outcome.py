"""From the logits of a step to what the router is told about it."""

from collections.abc import Mapping
from collections.abc import Sequence as List
from math import isfinite

import torch
from torch import Tensor

from lorax_shard.engine.choice import FetchedChoices
from lorax_shard.engine.messages import (
    Alternatives,
    FinishReason,
    Generation,
    RequestsFailed,
    Tokens,
)
from lorax_shard.engine.passes import Share, StepUnderWay
from lorax_shard.engine.sequence import Sequence
from lorax_shard.engine.tokenizer import Tokenizer
from lorax_shard.kv_cache import KvCache


def finish(
    step: StepUnderWay, sequences: List[Sequence], cache: KvCache, tokenizer: Tokenizer
) -> list[Generation | None]:
    """Gives sequences, which are all or some of a step's, what it has brought them.

    None to those whose prompt goes on. Waits for the device. Raises RequestsFailed, before any of
    them knows of anything, if there is one without a next token.
    """
    chosen = step.fetch.result()
    if step.are_rows and step.sequences == sequences and all(map(isfinite, chosen.likeliest)):
        return [
            _advance_row(sequence, step.last, chosen, row, tokenizer)
            for row, sequence in enumerate(sequences)
        ]
    shares = step.shares()
    if not all(map(isfinite, chosen.likeliest)):
        _check(step, sequences, shares, chosen, cache)
    return [
        _advance(sequence, step, chosen, shares[id(sequence)], tokenizer) for sequence in sequences
    ]


def _check(
    step: StepUnderWay,
    sequences: List[Sequence],
    shares: Mapping[int, Share],
    chosen: FetchedChoices,
    cache: KvCache,
) -> None:
    """Raises RequestsFailed if one of the sequences has no next token.

    Masked places of the cache are multiplied by zero, which does not silence a NaN: neither a
    sequence that goes on nor the next owner of a block must find one.
    """
    lost = []
    going_on = set(map(id, sequences))
    for sequence, cached in zip(step.sequences, step.cached, strict=True):
        sound = [isfinite(chosen.likeliest[row]) for row in shares[id(sequence)].rows]
        if not sound[0] and id(sequence) in going_on:
            lost.append(sequence)
            cache.scrub(torch.from_numpy(sequence.own_blocks))
        elif not all(sound):
            # Behind a draft that is no text, or an answer that has ended, numbers overflow that
            # otherwise do not.
            slots = sequence.slots(cached + sound.index(False), cached + len(sound))
            cache.scrub_slots(torch.from_numpy(slots))
    if lost:
        names = {seq.adapter.id if seq.adapter else "no adapter" for seq in lost}
        raise RequestsFailed(
            f"the model yields NaN or infinite logits with {', '.join(sorted(names))}",
            [sequence.request.id for sequence in lost],
        )


def _advance(
    sequence: Sequence,
    step: StepUnderWay,
    chosen: FetchedChoices,
    share: Share,
    tokenizer: Tokenizer,
) -> Generation | None:
    """Gives a sequence what a step brought it; None while its prompt goes on.

    Of the prompt of one that has generated before, everything has been told before.
    """
    tells_prompt = sequence.is_prefilling and not sequence.request.generated
    wants_prompt = tells_prompt and sequence.request.prefill_logprobs
    if wants_prompt:
        own = step.logits[share.first : share.first + sequence.planned]
        sequence.prompt_logprobs += prompt_logprobs(sequence, own)
    if not sequence.is_completed_by_step:
        sequence.advance_prompt()
        return None
    tokens, reason = _take_tokens(sequence, step.last, chosen, share.rows, tokenizer)
    return Generation(
        sequence.request.id,
        tokens,
        sequence.prompt_length if tells_prompt else 0,
        prompt_tokens(sequence, tokenizer) if wants_prompt else None,
        sequence.final_text(reason) if reason else None,
    )


def _advance_row(
    sequence: Sequence, logits: Tensor, chosen: FetchedChoices, row: int, tokenizer: Tokenizer
) -> Generation:
    """What _advance does, for a sequence that has one row and wants nothing of its prompt."""
    token_id, logprob = _choice(sequence, logits, chosen, row, is_first=True)
    count = sequence.request.sampling.alternatives
    alternatives = [likeliest(logits[row], count, tokenizer)] if count else []
    text, reason = sequence.advance(token_id)
    return Generation(
        sequence.request.id,
        Tokens([token_id], [logprob], [text], [tokenizer.is_special(token_id)], alternatives),
        0,
        None,
        sequence.final_text(reason) if reason else None,
    )


def _take_tokens(
    sequence: Sequence, logits: Tensor, chosen: FetchedChoices, rows: range, tokenizer: Tokenizer
) -> tuple[Tokens, FinishReason | None]:
    """The next token, and those behind it for as long as the draft has foretold them.

    Each is chosen as it would be in a step of its own: after everything that the tokens before it
    change, and by the next of the sequence's random numbers.
    """
    draft = sequence.draft
    count = sequence.request.sampling.alternatives
    tokens = Tokens([], [], [], [], [])
    reason: FinishReason | None = None
    for place, row in enumerate(rows):
        if not isfinite(chosen.likeliest[row]):  # behind a token that nobody would have chosen
            break
        token_id, logprob = _choice(sequence, logits, chosen, row, is_first=place == 0)
        if count:
            tokens.alternatives.append(likeliest(logits[row], count, tokenizer))
        text, reason = sequence.advance(token_id)
        tokens.ids.append(token_id)
        tokens.logprobs.append(logprob)
        tokens.texts.append(text)
        tokens.special.append(tokenizer.is_special(token_id))
        if reason is not None or place == len(draft) or token_id != draft[place]:
            break
    sequence.skipped += len(tokens.ids) - 1
    return tokens, reason


def _choice(
    sequence: Sequence, logits: Tensor, chosen: FetchedChoices, row: int, is_first: bool
) -> tuple[int, float]:
    """The token behind a row and its log-probability, chosen at once for all rows or only now.

    is_first: whether it is the first of the sequence in its step; others are not drawn at once.
    """
    chooser = sequence.chooser
    if chooser.is_plain or (chooser.is_drawn and is_first):
        return chosen.ids[row], chosen.logprobs[row]
    return chooser.choose(logits[row], sequence.prompt, sequence.generated)


def likeliest(logits: Tensor, count: int, tokenizer: Tokenizer) -> Alternatives:
    """The best tokens before penalties and warpers."""
    top = logits.log_softmax(-1).topk(min(count, logits.numel()))
    ids = top.indices.tolist()
    return Alternatives(ids, top.values.tolist(), [tokenizer.text_of(token) for token in ids])


def prompt_logprobs(sequence: Sequence, logits: Tensor) -> list[float]:
    """Log-probabilities of the prompt tokens that the planned ones predict.

    logits: [planned, vocab]; row i predicts the token behind planned token i. The last token of the
    prompt predicts none of it.
    """
    predicted = sequence.prompt[sequence.cached + 1 : sequence.cached + 1 + sequence.planned]
    following = logits[: len(predicted)].log_softmax(-1)
    targets = logits.new_tensor(predicted).long()
    found: list[float] = following.gather(1, targets[:, None])[:, 0].tolist()
    return found


def prompt_tokens(sequence: Sequence, tokenizer: Tokenizer) -> Tokens:
    """The prompt with its log-probabilities, NaN for those that nothing predicts."""
    ids = sequence.prompt
    return Tokens(
        ids=ids,
        logprobs=sequence.prompt_logprobs,
        texts=[tokenizer.text_of(token) for token in ids],
        special=[tokenizer.is_special(token) for token in ids],
        alternatives=[],
    )
