"""From the logits of a step to what the router is told about it."""

import math
from collections.abc import Sequence as List
from dataclasses import replace

from torch import Tensor

from lorax_shard.engine.messages import Alternatives, Generation, Tokens
from lorax_shard.engine.sampling import Choice
from lorax_shard.engine.sequence import Sequence
from lorax_shard.engine.tokenizer import Tokenizer


def advance(sequence: Sequence, choice: Choice, logits: Tensor, tokenizer: Tokenizer) -> Generation:
    """Gives a sequence its next token. logits: [vocab], those the token was chosen from."""
    count = sequence.request.sampling.alternatives
    alternatives = [likeliest(logits, count, tokenizer)] if count else []
    text, reason = sequence.advance(choice.token_id)
    return Generation(
        request_id=sequence.request.id,
        next_tokens=Tokens(
            ids=[choice.token_id],
            logprobs=[choice.logprob],
            texts=[text],
            special=[tokenizer.is_special(choice.token_id)],
            alternatives=alternatives,
        ),
        prompt_tokens=0,
        prefill_tokens=None,
        text=sequence.final_text(reason) if reason else None,
    )


def first_generation(
    sequence: Sequence, choice: Choice, row: Tensor, rows: Tensor, tokenizer: Tokenizer
) -> Generation:
    """The first token after a prefill, and what is told of the prompt.

    row: [vocab], the logits of the choice; rows: [1 or prompt, vocab], those of the prompt. Of the
    prompt of a sequence that goes on, everything has been told before.
    """
    generation = advance(sequence, choice, row, tokenizer)
    if sequence.request.generated:
        return generation
    return replace(
        generation,
        prompt_tokens=sequence.prompt_length,
        prefill_tokens=prompt_tokens(sequence, rows, tokenizer)
        if sequence.request.prefill_logprobs
        else None,
    )


def likeliest(logits: Tensor, count: int, tokenizer: Tokenizer) -> Alternatives:
    """The best tokens before penalties and warpers."""
    top = logits.log_softmax(-1).topk(min(count, logits.numel()))
    ids = top.indices.tolist()
    return Alternatives(ids, top.values.tolist(), [tokenizer.decode([token]) for token in ids])


def prompt_tokens(sequence: Sequence, logits: Tensor, tokenizer: Tokenizer) -> Tokens:
    """The prompt with its log-probabilities; nothing predicts the first token, so its is NaN.

    logits: [prompt, vocab]; row i predicts token i + 1.
    """
    ids = sequence.prompt
    following = logits[:-1].log_softmax(-1)
    targets = logits.new_tensor(ids[1:]).long()
    logprobs: list[float] = following.gather(1, targets[:, None])[:, 0].tolist()
    return Tokens(
        ids=ids,
        logprobs=[math.nan, *logprobs],
        texts=[tokenizer.decode([token]) for token in ids],
        special=[tokenizer.is_special(token) for token in ids],
    )


def last_rows(counts: List[int]) -> list[int]:
    """Where the last row of each run of rows lies, for runs one after another."""
    ends, end = [], 0
    for count in counts:
        end += count
        ends.append(end - 1)
    return ends
