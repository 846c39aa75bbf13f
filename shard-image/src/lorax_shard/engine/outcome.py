"""From the logits of a step to what the router is told about it."""

from collections.abc import Sequence as List

from torch import Tensor

from lorax_shard.engine.messages import Alternatives, Generation, Tokens
from lorax_shard.engine.sampling import Choice
from lorax_shard.engine.sequence import Sequence
from lorax_shard.engine.tokenizer import Tokenizer


def advance(
    sequence: Sequence, choice: Choice, row: Tensor, rows: Tensor, tokenizer: Tokenizer
) -> Generation | None:
    """Gives a sequence what a step brought it; None while its prompt goes on.

    row: [vocab], the logits of the choice; rows: [n, vocab], those that the step yields for the
    sequence. Of the prompt of one that has generated before, everything has been told before.
    """
    tells_prompt = sequence.is_prefilling and not sequence.request.generated
    wants_prompt = tells_prompt and sequence.request.prefill_logprobs
    if wants_prompt:
        sequence.prompt_logprobs += prompt_logprobs(sequence, rows)
    if not sequence.is_completed_by_step:
        sequence.advance_prompt()
        return None
    count = sequence.request.sampling.alternatives
    alternatives = [likeliest(row, count, tokenizer)] if count else []
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
        prompt_tokens=sequence.prompt_length if tells_prompt else 0,
        prefill_tokens=prompt_tokens(sequence, tokenizer) if wants_prompt else None,
        text=sequence.final_text(reason) if reason else None,
    )


def likeliest(logits: Tensor, count: int, tokenizer: Tokenizer) -> Alternatives:
    """The best tokens before penalties and warpers."""
    top = logits.log_softmax(-1).topk(min(count, logits.numel()))
    ids = top.indices.tolist()
    return Alternatives(ids, top.values.tolist(), [tokenizer.decode([token]) for token in ids])


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
