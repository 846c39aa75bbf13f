"""From the logits of a step to what the router is told about it."""

import itertools
from collections.abc import Sequence as List
from dataclasses import dataclass

from torch import Tensor

from lorax_shard.engine.choice import Choice
from lorax_shard.engine.drawing import draw_tokens
from lorax_shard.engine.messages import Alternatives, FinishReason, Generation, Tokens
from lorax_shard.engine.sequence import Sequence
from lorax_shard.engine.tokenizer import Tokenizer


@dataclass(frozen=True, slots=True)
class Rows:
    """Some rows of logits [T, vocab]. A tensor of them is made for those who look at them alone."""

    logits: Tensor
    first: int
    count: int

    def whole(self) -> Tensor:
        """[count, vocab]."""
        return self.logits[self.first : self.first + self.count]

    def row(self, number: int) -> Tensor:
        """[vocab]."""
        return self.logits[self.first + number]


def parts_of(logits: Tensor, counts: List[int]) -> list[Rows]:
    """The rows of each of those that lie there one after another."""
    firsts = itertools.accumulate(counts, initial=0)
    return [Rows(logits, first, count) for first, count in zip(firsts, counts, strict=False)]


def advance(
    sequence: Sequence,
    last: Rows,
    best: List[Choice | None],
    drawn: Choice | None,
    rows: Rows,
    tokenizer: Tokenizer,
) -> Generation | None:
    """Gives a sequence what a step brought it; None while its prompt goes on.

    last: the logits behind its last token and behind each of its draft; best: the likeliest token
    of each, the first of which is known to exist; drawn: the next token, where it has been drawn;
    rows: all that the step yields for the sequence.
    Of the prompt of one that has generated before, everything has been told before.
    """
    tells_prompt = sequence.is_prefilling and not sequence.request.generated
    wants_prompt = tells_prompt and sequence.request.prefill_logprobs
    if wants_prompt:
        sequence.prompt_logprobs += prompt_logprobs(sequence, rows.whole())
    if not sequence.is_completed_by_step:
        sequence.advance_prompt()
        return None
    tokens, reason = _take_tokens(sequence, last, best, drawn, tokenizer)
    return Generation(
        request_id=sequence.request.id,
        next_tokens=tokens,
        prompt_tokens=sequence.prompt_length if tells_prompt else 0,
        prefill_tokens=prompt_tokens(sequence, tokenizer) if wants_prompt else None,
        text=sequence.final_text(reason) if reason else None,
    )


def _take_tokens(
    sequence: Sequence,
    logits: Rows,
    best: List[Choice | None],
    drawn: Choice | None,
    tokenizer: Tokenizer,
) -> tuple[Tokens, FinishReason | None]:
    """The next token, and those behind it for as long as the draft has foretold them.

    Each is chosen as it would be in a step of its own: after everything that the tokens before it
    change, and by the next of the sequence's random numbers.
    """
    draft, chooser = sequence.draft, sequence.chooser
    count = sequence.request.sampling.alternatives
    tokens = Tokens([], [], [], [])
    reason: FinishReason | None = None
    for row, likeliest_token in enumerate(best):
        if likeliest_token is None:  # behind a token that nobody would have chosen
            break
        choice = likeliest_token
        if row == 0 and drawn is not None:
            choice = drawn
        elif not chooser.is_plain:
            choice = chooser.choose(logits.row(row), sequence.prompt, sequence.generated)
        if count:
            tokens.alternatives.append(likeliest(logits.row(row), count, tokenizer))
        text, reason = sequence.advance(choice.token_id)
        tokens.ids.append(choice.token_id)
        tokens.logprobs.append(choice.logprob)
        tokens.texts.append(text)
        tokens.special.append(tokenizer.is_special(choice.token_id))
        if reason is not None or row == len(draft) or choice.token_id != draft[row]:
            break
    sequence.skipped += len(tokens.ids) - 1
    return tokens, reason


def draw_first(sequences: List[Sequence], logits: Tensor, counts: List[int]) -> list[Choice | None]:
    """The next token of each sequence that draws it from its logits as they stand, all at once.

    counts: rows of logits [T, vocab] of each, one sequence after another; the first is drawn from.
    """
    firsts = itertools.accumulate(counts, initial=0)
    drawing = [
        (place, first, sequence.chooser)
        for place, (sequence, first) in enumerate(zip(sequences, firsts, strict=False))
        if sequence.is_completed_by_step and sequence.chooser.is_drawn
    ]
    drawn: list[Choice | None] = [None] * len(sequences)
    if drawing:
        choices = draw_tokens(
            logits,
            [first for _, first, _ in drawing],
            [chooser.parameters for _, _, chooser in drawing],
            [chooser.uniform() for _, _, chooser in drawing],
        )
        for (place, _, _), choice in zip(drawing, choices, strict=True):
            drawn[place] = choice
    return drawn


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
    )


def choice_rows(counts: List[int], choices: List[int]) -> list[int]:
    """Where the last rows of each run of rows lie, so many as choices, for runs in turn."""
    rows: list[int] = []
    end = 0
    for count, wanted in zip(counts, choices, strict=True):
        end += count
        rows += range(end - wanted, end)
    return rows
