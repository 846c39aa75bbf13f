"""The peer of G3: transformers with PEFT's mixed batches. decode_peer.py MODEL DTYPE THREADS.

A bare arg-max loop over the model's own cache, which is faster than generate().
"""

import sys
import time
from pathlib import Path
from typing import Any

import torch
from decode_worker import Measured, Order, serve
from peft import PeftModel
from transformers import AutoModelForCausalLM, DynamicCache

_BASE = "__base__"  # PEFT's name for rows without an adapter


class Peer:
    """Plain transformers until a batch names adapters, which are loaded when they first appear."""

    def __init__(self, directory: Path, dtype: torch.dtype) -> None:
        self._directory = directory
        self._model: Any = AutoModelForCausalLM.from_pretrained(directory, dtype=dtype)
        self._vocabulary = int(self._model.config.vocab_size)
        self._adapted: Any = None
        self._known: set[str] = set()

    @torch.inference_mode()
    def run(self, order: Order) -> Measured:
        """Prefill and the asked number of decode steps."""
        names = [_BASE if index is None else str(index) for index in order.adapters]
        options: dict[str, Any] = {}
        if any(name != _BASE for name in names):
            self._load(set(names) - {_BASE})
            options = {"adapter_names": names}
        elif self._adapted is not None:
            raise ValueError("PEFT has wrapped the model: ask for the base first")
        model = self._adapted or self._model
        cache = DynamicCache()
        ids = torch.tensor(order.prompts(self._vocabulary))
        tokens: list[torch.Tensor] = []
        begin = time.process_time()
        for step in range(order.steps + 1):
            if step == 1:
                wall, cpu = time.monotonic(), time.process_time()
            out = model(input_ids=ids, past_key_values=cache, logits_to_keep=1, **options)
            ids = out.logits[:, -1].argmax(-1, keepdim=True)
            tokens.append(ids)
        cpu_s, wall_s = time.process_time() - cpu, time.monotonic() - wall
        return Measured(cpu_s, wall_s, cpu - begin, torch.cat(tokens, 1).tolist())

    def _load(self, names: set[str]) -> None:
        for name in sorted(names - self._known):
            path = self._directory / "adapters" / name
            if self._adapted is None:
                self._adapted = PeftModel.from_pretrained(self._model, path, adapter_name=name)
            else:
                self._adapted.load_adapter(path, adapter_name=name)
            self._known.add(name)
        if self._adapted is not None:
            self._adapted.eval()


if __name__ == "__main__":
    torch.set_num_threads(int(sys.argv[3]))
    serve(Peer(Path(sys.argv[1]), getattr(torch, sys.argv[2])).run)
