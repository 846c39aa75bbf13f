"""A decode step whose tensors stay where they are, for work that is replayed.

Steps of one shape differ by the numbers in those tensors alone. A step that is smaller than its
shape is filled up with rows of token 0, which see nothing but themselves in block 0, that belongs
to nobody.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from lorax_shard.layers.attention import DecodePlan
from lorax_shard.layers.routing import LoraRouting, Segments, TokenRouting
from lorax_shard.layers.step import StepContext


@dataclass(frozen=True, slots=True)
class StepShape:
    """What is the same in all steps that one graph serves."""

    rows: int
    buckets: tuple[int, ...]  # of ranks, in order


class StaticStep:
    """The tensors of all shapes up to a number of rows; smaller shapes use the first rows."""

    def __init__(self, most_rows: int, table_width: int, device: torch.device) -> None:
        """table_width: blocks of the longest sequence that there can be."""
        self._token_ids, self._positions, self._slots = (
            torch.zeros(most_rows, dtype=torch.int64, device=device) for _ in range(3)
        )
        self._lengths = torch.ones(most_rows, dtype=torch.int64, device=device)
        self._tables = torch.zeros(most_rows, table_width, dtype=torch.int64, device=device)
        self._tiles: dict[int, Tensor] = {}  # by rank bucket; as many as there are rows
        self._most_rows = most_rows
        self._table_width = table_width
        self._device = device

    def shape_of(self, step: StepContext) -> StepShape | None:
        """The shape that a step is filled up to; None if there is none for it.

        A prompt makes every step another one, DoRA multiplies rows that Python has chosen, and some
        steps are too large.
        """
        plan = step.attention
        if not isinstance(plan, DecodePlan) or step.logit_rows is not None or step.lora.multiplied:
            return None
        rows, width = plan.block_tables.shape
        if rows > self._most_rows or width > self._table_width:
            return None
        buckets = sorted(tokens.bucket for tokens in step.lora.buckets)
        return StepShape(padded_rows(rows), tuple(buckets))

    def fill(self, step: StepContext, shape: StepShape) -> None:
        """Takes over the numbers of a step of this shape."""
        plan = step.attention
        assert isinstance(plan, DecodePlan)
        rows, width = plan.block_tables.shape
        _fill(self._token_ids[: shape.rows], step.token_ids, 0)
        _fill(self._positions[: shape.rows], step.positions, 0)
        _fill(self._slots[: shape.rows], plan.slots, 0)
        _fill(self._lengths[: shape.rows], plan.lengths, 1)
        # Nobody reads on behind the blocks of a sequence.
        self._tables[:rows, :width] = plan.block_tables
        self._tables[rows : shape.rows, 0] = 0
        for tokens in step.lora.buckets:
            tiles = _tiles(tokens)
            self._tiles_of(tokens.bucket, rows)[: len(tiles)] = tiles

    def of_shape(self, shape: StepShape) -> StepContext:
        """The step that is filled, as the model wants it."""
        segments: list[TokenRouting] = []
        for bucket in shape.buckets:
            tiles = self._tiles_of(bucket, shape.rows)
            segments.append(Segments(bucket, [], tiles[:0], tiles))
        routing = LoraRouting(segments)
        rows = slice(shape.rows)
        return StepContext(
            token_ids=self._token_ids[rows],
            positions=self._positions[rows],
            attention=DecodePlan(self._slots[rows], self._tables[rows], self._lengths[rows]),
            lora=routing,
            logit_rows=None,
            logit_lora=routing,
        )

    def _tiles_of(self, bucket: int, rows: int) -> Tensor:
        """With room for as many as there are rows, and for their number. See routing.tiles_of."""
        if bucket not in self._tiles:
            size = (1 + self._most_rows, 3)
            self._tiles[bucket] = torch.zeros(size, dtype=torch.int32, device=self._device)
        return self._tiles[bucket][: 1 + rows]


def padded_rows(rows: int) -> int:
    """1, 2, 4, then multiples of 8 up to 64, then of 16: few shapes, and few rows in vain."""
    if rows <= 4:
        return 1 << (rows - 1).bit_length()
    step = 8 if rows <= 64 else 16
    return -(-rows // step) * step


def _tiles(tokens: object) -> Tensor:
    assert isinstance(tokens, Segments)
    assert tokens.tiles is not None
    return tokens.tiles


def _fill(static: Tensor, own: Tensor, rest: int) -> None:
    static[: len(own)] = own
    static[len(own) :] = rest
