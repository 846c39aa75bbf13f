"""One request while it runs."""

import logging
import math
from collections.abc import Sequence as Ids

import numpy as np

from lorax_shard.adapters.table import ResidentAdapter
from lorax_shard.engine.earlier_tokens import EarlierTokens
from lorax_shard.engine.grammar import Grammar
from lorax_shard.engine.messages import (
    FinishReason,
    GeneratedText,
    GenerationRequest,
    InvalidRequest,
)
from lorax_shard.engine.sampling import TokenChooser
from lorax_shard.engine.tokenizer import Tokenizer, TokenTexts
from lorax_shard.kv_cache import BLOCK_SIZE

_LOG = logging.getLogger(__name__)


class Sequence:
    """The tokens of one request, its place in the cache and the state of its text.

    Confined to the compute thread. `advance` and `advance_prompt` are the only changes, and they
    happen after a step has succeeded: a step that fails can be run again.

    A step computes the `planned` tokens behind the `cached` ones. While the prompt is computed in
    chunks they are a part of it; later they are the one token that was generated last. The step
    that ends the prompt also replays what was generated on another shard.

    Behind the last token a step also computes the `draft`: tokens that may come next. Whether they
    do is seen from the logits before each. What the cache then holds of refused ones is written
    over before anything looks at it.
    """

    def __init__(
        self,
        request: GenerationRequest,
        prompt: Ids[int],
        blocks: Ids[int],
        adapter: ResidentAdapter | None,
        tokenizer: Tokenizer,
        grammar: Grammar | None = None,
    ) -> None:
        self.request = request
        self.adapter = adapter
        self.ids = list(prompt)
        self.prompt_length = len(self.ids)
        self.blocks = np.asarray(blocks, dtype=np.int64)  # [N], in the order of positions
        self.cached = request.cached_tokens  # tokens whose keys and values are in the cache
        whole = self.prompt_length - self.cached
        self.planned = whole if request.chunk_tokens is None else request.chunk_tokens
        self.draft: list[int] = []  # of the next step; proposed anew for each
        self.earlier = EarlierTokens()
        self.skipped = 0  # generated tokens that were accepted of drafts
        # Nothing predicts the first token, and nobody has computed what predicts cached ones.
        self.prompt_logprobs = [math.nan] * (1 + self.cached)
        self.chooser = TokenChooser(request.sampling, grammar)
        self._tokenizer = tokenizer
        self._texts = TokenTexts(tokenizer, self.prompt_length)
        self._catch_up(request.generated)

    @property
    def prompt(self) -> list[int]:
        """Token ids of the prompt."""
        return self.ids[: self.prompt_length]

    @property
    def generated(self) -> list[int]:
        """Token ids generated so far."""
        return self.ids[self.prompt_length :]

    @property
    def is_prefilling(self) -> bool:
        """Whether the next step computes tokens of the prompt."""
        return self.cached < self.prompt_length

    @property
    def is_completed_by_step(self) -> bool:
        """Whether the next step computes all there is, so that a token can be chosen after it."""
        return self.cached + self.planned + self._behind_prompt == len(self.ids)

    @property
    def is_replayed_by_step(self) -> bool:
        """Whether the next step ends with tokens that were generated on another shard."""
        return self._behind_prompt > 0 and self.is_completed_by_step

    @property
    def _behind_prompt(self) -> int:
        return len(self.request.generated) if self.is_prefilling else 0

    @property
    def own_blocks(self) -> np.ndarray:
        """Blocks that no other sequence reads.

        Whole blocks of the prompt may be shared: before the prompt is computed those that came
        with it, afterwards all.
        """
        shared = self.request.cached_tokens if self.is_prefilling else self.prompt_length
        return self.blocks[shared // BLOCK_SIZE :]

    def tokens(self, start: int, stop: int) -> list[int]:
        """Token ids at positions start to stop, the draft's included."""
        known = self.ids[start:stop]
        return (
            known + self.draft[: stop - start - len(known)] if len(known) < stop - start else known
        )

    @property
    def draft_room(self) -> int:
        """Tokens that a step can still bring beside the one that it brings in any case.

        So a draft never reaches beyond the slots that the sequence needs without it.
        """
        generated = len(self.ids) - self.prompt_length
        return self.request.stopping.max_new_tokens - generated - 1

    @property
    def is_decoding(self) -> bool:
        """Whether the next step computes a single token with others before it in the cache."""
        return self.planned == 1 and self.cached > 0

    @property
    def is_one_row(self) -> bool:
        """Whether the next step computes the token that was generated last and nothing else."""
        return self.planned == 1 and self.cached >= self.prompt_length and not self.draft

    @property
    def used_blocks(self) -> int:
        """Blocks that it may come to use, of those that it was given."""
        return -(-tokens_needed(self.request, self.prompt_length) // BLOCK_SIZE)

    def planned_slots(self) -> np.ndarray:
        """Cache slots of the planned tokens."""
        return self.slots(self.cached, self.cached + self.planned)

    def slots(self, start: int, stop: int) -> np.ndarray:
        """Cache slots of positions start to stop."""
        positions = np.arange(start, stop)
        return self.blocks[positions // BLOCK_SIZE] * BLOCK_SIZE + positions % BLOCK_SIZE

    def advance_prompt(self) -> None:
        """Takes note that a part of the prompt was computed; what comes next is planned anew."""
        self.cached += self.planned

    def advance(self, token_id: int) -> tuple[str, FinishReason | None]:
        """Takes the next token; its text, and why the sequence ends with it if it does."""
        self.cached = len(self.ids)
        self.planned = 1
        self.ids.append(token_id)
        self.chooser.took(1)
        if self.chooser.grammar is not None:
            self.chooser.grammar.accept(token_id)
        text = self._texts.add(self.ids)
        return text, self._finish(token_id, text)

    def final_text(self, reason: FinishReason) -> GeneratedText:
        """The whole answer. One token before it is decoded along and cut off again."""
        context = self.ids[self.prompt_length - 1 : self.prompt_length]
        before = self._tokenizer.decode(context, skip_special=True)
        text = self._tokenizer.decode(self.ids[self.prompt_length - 1 :], skip_special=True)
        sampling = self.request.sampling
        return GeneratedText(
            text=text[len(before) :],
            generated_tokens=len(self.ids) - self.prompt_length,
            skipped_tokens=self.skipped,
            finish_reason=reason,
            seed=sampling.seed if sampling.is_sampled else None,
        )

    def _catch_up(self, generated: Ids[int]) -> None:
        """Takes the state in which these tokens have left the sequence."""
        if not generated:
            return
        for token_id in generated:
            self.ids.append(token_id)
            self._texts.add(self.ids)
        self.chooser.took(len(generated))
        grammar = self.chooser.grammar
        if grammar is not None:
            grammar.accept_all(generated)
            if grammar.is_complete or grammar.failure:
                raise InvalidRequest(
                    f"request {self.request.id}: its {len(generated)} generated tokens end the "
                    f"answer or do not follow its schema {grammar.failure}".rstrip()
                )

    def _finish(self, token_id: int, added: str) -> FinishReason | None:
        stopping = self.request.stopping
        if len(self.ids) - self.prompt_length >= stopping.max_new_tokens:
            return FinishReason.LENGTH
        if not stopping.ignore_eos and token_id in self._tokenizer.eos_token_ids:
            return FinishReason.EOS_TOKEN
        grammar = self.chooser.grammar
        if grammar is not None and grammar.is_complete:
            return FinishReason.EOS_TOKEN
        if grammar is not None and grammar.failure:
            # The text so far is right, and nobody can say how it goes on: it is cut.
            _LOG.warning("request %d is cut: %s", self.request.id, grammar.failure)
            return FinishReason.LENGTH
        for stop in stopping.stop_sequences:
            # A stop sequence may begin in an earlier token and end inside the new one.
            if added and stop in self._texts.text[-(len(stop) + len(added)) :]:
                return FinishReason.STOP_SEQUENCE
        return None


def prompt_ids(request: GenerationRequest, tokenizer: Tokenizer, vocab_size: int) -> list[int]:
    """The prompt's tokens, cut on the left to `truncate`."""
    ids = list(request.token_ids) or tokenizer.encode(request.inputs)
    if request.truncate:
        ids = ids[-request.truncate :]
    if not ids:
        raise InvalidRequest(f"request {request.id}: the prompt is empty")
    highest = max([*ids, *request.generated])
    if highest >= vocab_size:
        raise InvalidRequest(
            f"request {request.id}: token id {highest} does not exist: "
            f"the vocabulary has {vocab_size}"
        )
    return ids


def check_parts(request: GenerationRequest, prompt_length: int) -> None:
    """Refuses a cached part that leaves nothing to compute, and a chunk beyond the rest."""
    if request.cached_tokens >= prompt_length:
        raise InvalidRequest(
            f"request {request.id}: cache_len must be less than the {prompt_length} tokens of the "
            f"prompt, got {request.cached_tokens}: the last one must be computed"
        )
    rest = prompt_length - request.cached_tokens
    if request.chunk_tokens is not None and not 0 < request.chunk_tokens <= rest:
        raise InvalidRequest(
            f"request {request.id}: chunk_len must be from 1 to {rest}, the tokens of the prompt "
            f"that are not cached, got {request.chunk_tokens}"
        )


def tokens_needed(request: GenerationRequest, prompt_length: int) -> int:
    """Cache slots of a request: the last generated token never enters the cache."""
    return prompt_length + request.stopping.max_new_tokens - 1


def check_blocks(request: GenerationRequest, needed: int, available: int) -> None:
    """Refuses blocks that are too few, do not exist, or disagree with the slots."""
    if len(request.blocks) * BLOCK_SIZE < needed:
        raise InvalidRequest(
            f"request {request.id}: needs {needed} cache slots, "
            f"its {len(request.blocks)} blocks of {BLOCK_SIZE} have too few"
        )
    if max(request.blocks) >= available:
        raise InvalidRequest(
            f"request {request.id}: block {max(request.blocks)} does not exist: "
            f"the cache has {available} blocks"
        )
    if request.slots:
        positions = np.arange(needed)
        expected = np.asarray(request.blocks)[positions // BLOCK_SIZE] * BLOCK_SIZE
        expected += positions % BLOCK_SIZE
        given = np.asarray(request.slots[:needed])
        if not np.array_equal(given, expected):
            raise InvalidRequest(
                f"request {request.id}: its {len(request.slots)} slots are not the first "
                f"{needed} places of its blocks"
            )
