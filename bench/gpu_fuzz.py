"""H6: rows of a replayed step with any mix of adapters, against each adapter alone."""

# mypy: disable-error-code="import-not-found,no-any-return"

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from gpu_engine import new_engine, random_adapter
from lorax_shard.adapters.table import ResidentAdapter
from lorax_shard.engine.engine import Engine
from lorax_shard.kv_cache import BLOCK_SIZE
from lorax_shard.layers.attention import DecodePlan
from lorax_shard.layers.routing import route_segments
from lorax_shard.layers.step import StepContext
from torch import Tensor

_RANKS = (8, 8, 16, 16, 32, 64)  # of the adapters; 0 is the base
_ROWS = 48
_BLOCKS = 3  # of each row
# Of the largest logit: rows that are filled up make other products be chosen, with other roundings.
_ALLOWANCE = {torch.float32: 1e-4, torch.bfloat16: 0.03}


@dataclass(frozen=True)
class Fuzzed:
    """What was tried, and how far apart a row and its adapter alone were at most."""

    cases: int
    rows: int
    wrong: int  # rows beyond the allowance, or with another best token by more than that
    apart: float  # of the largest logit
    graphs: int

    def __str__(self) -> str:
        return (
            f"{self.wrong} of {self.rows} rows wrong in {self.cases} mixed steps over "
            f"{self.graphs} graphs, logits {self.apart:.2g} of the largest apart"
        )


class _Rows:
    """Sequences that stand still: a step of them changes nothing that another one reads."""

    def __init__(self, engine: Engine, device: torch.device) -> None:
        chance = torch.Generator().manual_seed(0)
        self._engine = engine
        self._device = device
        self._lengths = torch.randint(1, _BLOCKS * BLOCK_SIZE, (_ROWS,), generator=chance)
        self._tokens = torch.randint(3, 500, (_ROWS,), generator=chance)
        self._tables = 1 + torch.arange(_ROWS * _BLOCKS).view(_ROWS, _BLOCKS)
        for layer in engine._cache.layers:
            layer.keys.normal_()
            layer.values.normal_()

    def logits(self, rows: Sequence[int], adapters: Sequence[ResidentAdapter | None]) -> Tensor:
        """[len(rows), vocab] of a step of these rows, with the adapter of each."""
        own = torch.tensor(rows)
        positions, tables = self._lengths[own] - 1, self._tables[own]
        slots = tables.gather(1, (positions // BLOCK_SIZE)[:, None])[:, 0] * BLOCK_SIZE
        device = self._device
        plan = DecodePlan(
            (slots + positions % BLOCK_SIZE).to(device),
            tables.to(device),
            self._lengths[own].to(device),
        )
        slots_of = [adapter.slot if adapter else None for adapter in adapters]
        lora = route_segments(slots_of, [1] * len(rows), device)
        step = StepContext(
            self._tokens[own].to(device), positions.to(device), plan, lora, None, lora
        )
        graphs = self._engine._passes.graphs
        if graphs is not None:
            return graphs.forward(step).clone()
        return self._engine.model.forward(step, self._engine._cache.layers)


@torch.inference_mode()
def fuzz(device: torch.device, seconds: float, chance: random.Random) -> Fuzzed:
    """Mixes rows and adapters at random for so long."""
    engine = new_engine("tiny", device, device.type == "cuda", _ROWS)
    for index, rank in enumerate(_RANKS, 1):
        engine.load_adapter(index, random_adapter(engine, str(index), index, rank))
    adapters = [engine.adapters.get(index) for index in range(len(_RANKS) + 1)]
    rows = _Rows(engine, device)
    alone = [rows.logits(range(_ROWS), [adapter] * _ROWS) for adapter in adapters]
    largest = float(torch.stack(alone).abs().max())
    allowance = _ALLOWANCE[engine.model.config.dtype] * largest
    cases = tried = wrong = 0
    apart = 0.0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        chosen = chance.sample(range(_ROWS), chance.randint(1, _ROWS))
        # Few adapters in long runs, or another one for each row.
        among = chance.sample(range(len(adapters)), chance.randint(1, len(adapters)))
        mixed = sorted(chance.choice(among) for _ in chosen)
        found = rows.logits(chosen, [adapters[index] for index in mixed])
        expected = torch.stack(
            [alone[index][row] for row, index in zip(chosen, mixed, strict=True)]
        )
        off = (found - expected).abs().amax(1)
        best = expected.gather(1, found.argmax(1)[:, None])[:, 0]
        lost = expected.amax(1) - best
        wrong += int(((off > allowance) | (lost > allowance)).sum())
        apart = max(apart, float(off.max()) / largest)
        cases, tried = cases + 1, tried + len(chosen)
    graphs = engine._passes.graphs.count if engine._passes.graphs is not None else 0
    return Fuzzed(cases, tried, wrong, apart, graphs)
