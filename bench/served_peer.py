"""The peer of G3b: batches of transformers with PEFT. served_peer.py MODEL DTYPE THREADS.

`{"requests": [{"prompt", "new_tokens", "adapter"}]}` runs them as one batch, prompts padded on the
left, until the longest answer ends, as generate() does; a bare arg-max loop is faster than that.
"""

import sys
import time
from pathlib import Path
from typing import Any

import torch
from decode_worker import serve_orders
from peft import PeftModel
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, DynamicCache


class Peer:
    """A model with all adapters of its directory."""

    def __init__(self, directory: Path, dtype: torch.dtype) -> None:
        self._tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
        model: Any = AutoModelForCausalLM.from_pretrained(directory, dtype=dtype)
        adapted: Any = None
        for path in sorted((directory / "adapters").iterdir()):
            if adapted is None:
                adapted = PeftModel.from_pretrained(model, path, adapter_name=path.name)
            else:
                adapted.load_adapter(path, adapter_name=path.name)
        self._model = adapted.eval()

    @torch.inference_mode()
    def answer(self, order: dict[str, Any]) -> dict[str, Any]:
        """See the module."""
        requests = order["requests"]
        prompts = [self._tokenizer.encode(request["prompt"]).ids for request in requests]
        width = max(map(len, prompts))
        ids = torch.tensor([[0] * (width - len(prompt)) + prompt for prompt in prompts])
        seen = torch.tensor([[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts])
        names = [str(request["adapter"]) for request in requests]
        cache = DynamicCache()
        firsts: list[int] = []
        cpu = time.process_time()
        for _ in range(max(request["new_tokens"] for request in requests)):
            places = (seen.cumsum(-1) - 1).clamp(min=0)[:, -ids.shape[1] :]
            out = self._model(
                input_ids=ids,
                attention_mask=seen,
                position_ids=places,
                past_key_values=cache,
                logits_to_keep=1,
                adapter_names=names,
            )
            ids = out.logits[:, -1].argmax(-1, keepdim=True)
            seen = torch.cat([seen, torch.ones_like(ids)], 1)
            firsts = firsts or ids[:, 0].tolist()
        return {
            "cpu_s": time.process_time() - cpu,
            "first_tokens": firsts,
        }


if __name__ == "__main__":
    torch.set_num_threads(int(sys.argv[3]))
    serve_orders(Peer(Path(sys.argv[1]), getattr(torch, sys.argv[2])).answer)
