"""The engine of a model that reads texts and generates none."""

from dataclasses import replace

import torch

from lorax_shard.adapters.reader import Adapter, GiveWay, go_on
from lorax_shard.adapters.table import AdapterTable
from lorax_shard.engine.encoding import TextModel
from lorax_shard.engine.limits import OutOfMemory
from lorax_shard.engine.messages import BatchRequest
from lorax_shard.engine.texts import TextReader, steps

# As for the engine that generates: on a host there is nothing to measure.
_HOST_TOKENS = 16


class TextEngine:
    """One model with its adapters, where nothing outlives a call.

    Confined to the compute thread but for load_adapter.
    """

    def __init__(
        self,
        model: TextModel,
        reader: TextReader,
        adapters: AdapterTable,
        device: torch.device,
    ) -> None:
        self.adapters = adapters
        self._model = model
        self._reader = reader
        self._device = device

    @torch.inference_mode()
    def warm_up(self, batch: BatchRequest, prompt_tokens: int) -> None:
        """Runs the batch, so that the first text finds threads started and memory proven.

        The router sends the prompts that it would send to a model that generates.
        prompt_tokens: as for such a model; texts are never cut, so it says nothing here.
        """
        longest = self._reader.max_tokens
        if self._device.type == "cpu":
            longest = min(longest, _HOST_TOKENS)
        cut = [
            replace(request, truncate=min(request.truncate or longest, longest))
            for request in batch.requests
        ]
        texts = self._reader.read(replace(batch, requests=tuple(cut)))
        try:
            shown = texts if self._device.type == "cuda" else texts[:1]
            for step in steps(shown, self._model.step_tokens):
                self._model.hidden_states(step)
        except torch.OutOfMemoryError:
            tokens = sum(map(len, texts))
            raise OutOfMemory(
                f"Not enough memory to handle {tokens} prefill tokens. "
                "You need to decrease `--max-batch-prefill-tokens`"
            ) from None

    def clear(self, batch_id: int | None) -> None:
        """Nothing is cached, so there is nothing to drop."""

    @torch.inference_mode()
    def load_adapter(self, index: int, adapter: Adapter, give_way: GiveWay = go_on) -> bool:
        """Makes an adapter usable under an index; runs in any thread, beside steps.

        Whether it is in the place of another one, whose memory release_adapters gives back.
        """
        return self.adapters.install(index, adapter, give_way)

    def release_adapters(self) -> None:
        """Gives back the memory of adapters that have left."""
        self.adapters.release_unused(lambda: ())

    def offload_adapter(self, index: int) -> bool:
        """Takes an adapter out. False when it was not loaded."""
        removed = self.adapters.remove(index)
        self.release_adapters()
        return removed
