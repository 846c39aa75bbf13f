"""Which adapters are resident, and where."""

import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from lorax_shard.adapters.reader import Adapter, GiveWay, go_on
from lorax_shard.checkpoint_files import UnsupportedCheckpoint
from lorax_shard.layers.device_loads import Writing
from lorax_shard.layers.lora_linear import LoraLinear, LoraMatrices, Projection
from lorax_shard.layers.routing import LoraSlot, rank_bucket
from lorax_shard.layers.staged import StagedAdapter, staging_room, unload

BASE_INDEX = 0


class UnknownAdapter(ValueError):
    """A request names an adapter index that is not loaded."""


@dataclass(frozen=True, slots=True, eq=False)
class ResidentAdapter:
    """An adapter in device memory. Compared by identity: a reload is another adapter."""

    id: str
    slot: LoraSlot
    rank: int  # the largest of its modules
    bytes: int  # of device memory on this shard


class AdapterTable:
    """Adapters by the index that requests name them with.

    A slot is reused only when no sequence uses it any more: an adapter that is offloaded or
    replaced while in use leaves the table at once, so that nothing new joins it, and its memory
    when the last of its sequences has ended.

    Any thread may install, while steps run: it writes to a slot that no step reads, and stacks that
    grow hold what they held. The table may be asked and adapters may be removed from any thread,
    too. What frees slots or changes weights is confined to the compute thread.
    """

    def __init__(
        self,
        linears: Iterable[LoraLinear],
        writing: Writing = nullcontext,
        staging: torch.device | None = None,
    ) -> None:
        """writing: what orders the writes of a load and the steps beside it.

        staging: the device to which adapters are copied in one piece; None writes matrix by matrix.
        """
        self._linears = list(linears)
        self._writing = writing
        self._staging = staging
        self._installing = threading.Lock()  # one at a time: stacks that grow are copied
        self._changing = threading.Lock()  # what is below; held for no longer than that takes
        self._resident: dict[int, ResidentAdapter] = {}
        self._leaving: list[ResidentAdapter] = []
        self._free: dict[int, list[int]] = {}  # bucket -> free slots
        self._capacity: dict[int, int] = {}  # bucket -> slots
        # Another number whenever adapters have moved, and before one that came to them is known.
        self.layout = 0
        self.projections: dict[str, Projection] = {
            projection.name: projection
            for linear in self._linears
            for projection in linear.projections
        }

    def get(self, index: int) -> ResidentAdapter | None:
        """The adapter of an index; None is the base model.

        Index 0 belongs to requests that name no adapter: they get the static one where there is.
        """
        if index == BASE_INDEX:
            return self._resident.get(BASE_INDEX)
        if index not in self._resident:
            raise UnknownAdapter(f"adapter index {index} is not loaded")
        return self._resident[index]

    def stacks(self, buckets: Iterable[int]) -> list[Tensor]:
        """The tensors that hold the adapters of these rank buckets now, in all layers."""
        return [
            tensor
            for bucket in buckets
            for linear in self._linears
            for tensor in linear.stack_tensors(bucket)
        ]

    def find(self, index: int) -> ResidentAdapter | None:
        """The adapter that is loaded under an index, if any."""
        return self._resident.get(index)

    def holds(self, index: int, adapter_id: str) -> bool:
        """Whether the index is loaded with this very adapter."""
        resident = self.find(index)
        return resident is not None and resident.id == adapter_id

    def fit(self, adapter: Adapter) -> Adapter:
        """The adapter with what it needs to know of the base model; what it cannot is refused.

        That is nothing unless it uses DoRA. Reads weights and changes nothing, so it need not run
        in the compute thread.
        """
        if not adapter.uses_dora:
            return adapter
        matrices: dict[str, LoraMatrices] = {}
        for linear in self._linears:
            found = linear.with_factors(adapter.matrices) if linear.holds_whole_rows else {}
            for projection in linear.projections:
                if projection.name in adapter.matrices and projection.name not in found:
                    raise UnsupportedCheckpoint(
                        f"adapter {adapter.id}: use_dora at {projection.name} is not supported on "
                        "several shards, which each hold a part of its inputs: serve it with "
                        "--num-shard 1, or train it for the other modules"
                    )
            matrices |= found
        return replace(adapter, matrices=matrices)

    @torch.inference_mode()
    def install(self, index: int, adapter: Adapter, give_way: GiveWay = go_on) -> bool:
        """Makes an adapter that was fitted usable under an index, in place of what was there.

        Whether there was something: its slot is free again after release_unused. give_way is
        called after each layer.
        """
        if self.can_stage(adapter):
            return self.install_staged(index, self.stage(adapter, give_way))
        self._check_fitted(adapter)

        def write(slot: LoraSlot, capacity: int) -> None:
            for linear in self._linears:
                if linear.put_adapter(slot, capacity, adapter.matrices):
                    self.layout += 1
                give_way()

        return self._install(index, adapter.id, adapter.rank, adapter.uses_dora, write)

    @property
    def stages(self) -> bool:
        """Whether adapters are put together on the host and copied to a device in one piece."""
        return self._staging is not None

    def can_stage(self, adapter: Adapter) -> bool:
        """Whether this one is: with DoRA it has factors beside."""
        return self.stages and not adapter.uses_dora

    @torch.inference_mode()
    def stage(self, adapter: Adapter, give_way: GiveWay = go_on) -> StagedAdapter:
        """An adapter as it will lie on the device, in host memory. Any thread, changes nothing."""
        assert self._staging is not None
        bucket = rank_bucket(adapter.rank)
        layers = [
            number
            for number, linear in enumerate(self._linears)
            if any(projection.name in adapter.matrices for projection in linear.projections)
        ]
        sizes = [self._linears[number].staged_numbers(bucket) for number in layers]
        dtype = self._linears[0].dtype
        numbers = staging_room(sum(sizes), dtype, self._staging)
        for number, part in zip(layers, numbers.split(sizes), strict=True):
            self._linears[number].stage(bucket, adapter.matrices, part)
            give_way()
        return StagedAdapter(adapter.id, adapter.rank, numbers, frozenset(layers))

    @torch.inference_mode()
    def install_staged(self, index: int, adapter: StagedAdapter) -> bool:
        """What install does, for an adapter that was staged."""

        def write(slot: LoraSlot, capacity: int) -> None:
            places: list[Tensor] = []
            for number, linear in enumerate(self._linears):
                own, has_moved = linear.places_of(slot, capacity, number in adapter.layers)
                places += own
                self.layout += has_moved
            unload(adapter.numbers, places)

        return self._install(index, adapter.id, adapter.rank, False, write)

    def _install(
        self,
        index: int,
        adapter_id: str,
        rank: int,
        multiplies: bool,
        write: Callable[[LoraSlot, int], None],
    ) -> bool:
        """Has an adapter written to a slot of stacks of some capacity, and makes it known."""
        bucket = rank_bucket(rank)
        with self._installing:
            number, capacity = self._take_slot(bucket)
            slot = LoraSlot(bucket, number, multiplies)
            try:
                with self._writing():
                    write(slot, capacity)
            except BaseException:
                with self._changing:
                    self._free[bucket].append(number)
                raise
            taken = sum(linear.adapter_bytes(bucket) for linear in self._linears)
            resident = ResidentAdapter(adapter_id, slot, rank, taken)
            with self._changing:
                replaced = self._leave(index)
                self._resident[index] = resident
        return replaced

    def merge(self, adapter: Adapter) -> None:
        """Adds a fitted adapter to the base model's weights for good. Costs nothing per token."""
        self._check_fitted(adapter)
        for linear in self._linears:
            linear.merge(adapter.matrices)

    def remove(self, index: int) -> bool:
        """Takes an adapter out of the table; False when the index was not loaded."""
        with self._changing:
            return self._leave(index)

    def release_unused(self, in_use: Callable[[], Sequence[ResidentAdapter | None]]) -> None:
        """Frees the slots of adapters that have left the table and that no sequence uses."""
        if not self._leaving:
            return
        used = {id(adapter) for adapter in in_use()}
        with self._changing:
            for adapter in self._leaving:
                if id(adapter) not in used:
                    self._free[adapter.slot.bucket].append(adapter.slot.slot)
            self._leaving = [adapter for adapter in self._leaving if id(adapter) in used]

    def _leave(self, index: int) -> bool:
        resident = self._resident.pop(index, None)
        if resident is not None:
            self._leaving.append(resident)
        return resident is not None

    def _check_fitted(self, adapter: Adapter) -> None:
        for name, pair in adapter.matrices.items():
            if pair.magnitude is not None and pair.factors is None:
                raise ValueError(f"adapter {adapter.id} was not fitted to the base model at {name}")

    def _take_slot(self, bucket: int) -> tuple[int, int]:
        """A free slot of the bucket, and how many slots the bucket has with it."""
        with self._changing:
            free = self._free.setdefault(bucket, [])
            if not free:
                # Doubling: loading n adapters one by one copies the stacks O(log n) times.
                capacity = self._capacity.get(bucket, 0)
                self._capacity[bucket] = max(1, 2 * capacity)
                free.extend(reversed(range(capacity, self._capacity[bucket])))
            return free.pop(), self._capacity[bucket]
