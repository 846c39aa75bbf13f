"""Numbers of 4 or 8 bits, some of one output in a word of 32 bits, as the CPU kernels read them.

A depth is filled up with zeroes to a multiple of 32.
"""

from enum import Enum

import torch
from torch import Tensor
from torch.nn import functional

RUN = 32  # inputs, of which a depth is a multiple
_ZERO = 0x80  # what is added to numbers of 8 bits, as the kernels want none below zero
_HALF = 15
ROWS = 512  # outputs that are worth putting into words at a time, so that scratch stays small


def words_of_bytes(numbers: Tensor) -> Tensor:
    """Numbers [out, in] in int8 -> words [out, in / 4], the first number in the lowest byte."""
    filled = functional.pad(numbers, (0, -numbers.shape[1] % RUN))
    return (filled.view(torch.uint8) ^ _ZERO).view(torch.int32)


def bytes_of_words(words: Tensor, in_features: int) -> Tensor:
    """The numbers again."""
    return (words.view(torch.uint8) ^ _ZERO).view(torch.int8)[:, :in_features].contiguous()


class Order(Enum):
    """Which of eight numbers each half byte of a word holds, the lowest first."""

    FOURS = (0, 4, 1, 5, 2, 6, 3, 7)  # lower halves are the first four bytes, upper ones the next
    PAIRS = (0, 2, 4, 6, 1, 3, 5, 7)  # shifts bring neighbours to the lowest bits of both halves


def words_of_pairs(pairs: Tensor, order: Order) -> Tensor:
    """Numbers of 4 bits, [out, in / 2] in uint8 with the first of two in the lower half of a byte.

    -> words [out, in / 8] in this order.
    """
    filled = functional.pad(pairs, (0, -pairs.shape[1] % (RUN // 2)))
    four = filled.unflatten(1, (-1, 4))
    numbers = torch.stack((four & _HALF, four >> 4), 3).flatten(2)  # [out, words, 8]
    ordered = numbers[:, :, list(order.value)]
    both = ordered[:, :, ::2] | (ordered[:, :, 1::2] << 4)
    return both.view(torch.int32)[:, :, 0]


def pairs_of_words(words: Tensor, order: Order, bytes_of_output: int) -> Tensor:
    """The pairs again: [out, bytes]."""
    pairs = words.new_empty(len(words), bytes_of_output, dtype=torch.uint8)
    for first in range(0, len(words), ROWS):
        both = words[first : first + ROWS].contiguous().view(torch.uint8).unflatten(1, (-1, 4))
        ordered = torch.stack((both & _HALF, both >> 4), 3).flatten(2)
        numbers = torch.empty_like(ordered)
        numbers[:, :, list(order.value)] = ordered
        found = (numbers[:, :, ::2] | (numbers[:, :, 1::2] << 4)).flatten(1)
        pairs[first : first + ROWS] = found[:, :bytes_of_output]
    return pairs
