"""Speculation: what may come next, taken from what came before in the same sequence.

Answers often repeat their prompt or themselves: a summary, an edited file, a quotation. Where the
last tokens of a sequence have come before, those that followed them then are computed along, and
kept as far as they are what would have been chosen. No answer changes by it.
"""

from collections.abc import Sequence as List

from lorax_shard.engine.limits import SpeculationLimits
from lorax_shard.engine.messages import Generation
from lorax_shard.engine.sequence import Sequence


class Speculation:
    """Proposes drafts and counts what became of them. Confined to the compute thread.

    Drafts follow from the tokens alone, so all shards of a model propose the same.
    """

    def __init__(self, limits: SpeculationLimits) -> None:
        self.limits = limits
        self.proposed = 0  # tokens
        self.accepted = 0

    def propose(self, sequences: List[Sequence]) -> None:
        """Gives each sequence of the next step its draft, which is often empty.

        A step that computes prompts, or many sequences, has as much arithmetic as the device does
        at once: there each token that is refused takes as long as one that is wanted.
        """
        count = self.limits.tokens
        speculates = self.is_for(sequences) and not any(seq.is_prefilling for seq in sequences)
        for sequence in sequences:
            sequence.draft = []
            if speculates and sequence.draft_room > 0:
                sequence.draft = sequence.earlier.continuation(
                    sequence.ids, min(count, sequence.draft_room)
                )

    def is_for(self, sequences: List[Sequence]) -> bool:
        """Whether steps of so many sequences have drafts at all."""
        return self.limits.tokens > 0 and len(sequences) <= self.limits.sequences

    def count(self, sequences: List[Sequence], generations: List[Generation | None]) -> None:
        """Takes note of what the step has made of the drafts."""
        for sequence, generation in zip(sequences, generations, strict=True):
            if sequence.draft and generation is not None:
                self.proposed += len(sequence.draft)
                self.accepted += len(generation.next_tokens.ids) - 1
