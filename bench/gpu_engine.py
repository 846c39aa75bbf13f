"""An engine on a GPU, in this process, with random weights that never were in a file."""

# mypy: disable-error-code="import-not-found,no-any-return"

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch
from bench_tokenizer import write_tokenizer
from lorax_shard.adapters.reader import Adapter
from lorax_shard.adapters.table import AdapterTable
from lorax_shard.engine.engine import Engine
from lorax_shard.engine.graphs import Capturing
from lorax_shard.engine.limits import MemoryLimits
from lorax_shard.engine.memory import DeviceMemory
from lorax_shard.engine.messages import (
    BatchRequest,
    GenerationRequest,
    SamplingParameters,
    StoppingParameters,
)
from lorax_shard.engine.tokenizer import Tokenizer
from lorax_shard.kv_cache import BLOCK_SIZE
from lorax_shard.layers.device_loads import writing_to
from lorax_shard.layers.lora_linear import LoraMatrices
from lorax_shard.layers.parallel import ShardGroup
from lorax_shard.models.config import read_model_config
from lorax_shard.models.decoder import LlamaDecoder
from shapes import SHAPES
from torch import Tensor

RANK = 16
BATCH = 1  # the id of the batch that is measured


class _RandomWeights:
    """A TensorReader of weights that are made where they are wanted."""

    quantisation = None

    def __init__(self, device: torch.device, dtype: torch.dtype) -> None:
        self._device = device
        self._dtype = dtype

    def read(
        self,
        name: str,
        shape: tuple[int, ...],
        rows: range | None = None,
        columns: range | None = None,
    ) -> Tensor:
        """Small numbers, and norms of 1, so that activations stay as large as they are."""
        del rows, columns
        if name.endswith("norm.weight"):
            return torch.ones(shape, dtype=self._dtype, device=self._device)
        return torch.empty(shape, dtype=self._dtype, device=self._device).normal_(std=0.02)

    read_weight = read


@torch.inference_mode()
def new_engine(shape: str, device: torch.device, captures: bool, rows: int) -> Engine:
    """An engine that is warm for batches of so many rows. captures: as CUDA graphs."""
    hidden, inner, layers, heads, kv_heads, vocabulary = SHAPES[shape]
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": vocabulary,
        "hidden_size": hidden,
        "intermediate_size": inner,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": kv_heads,
        "max_position_embeddings": 8192,
        "rms_norm_eps": 1e-5,
        "hidden_act": "silu",
        "torch_dtype": "bfloat16" if device.type == "cuda" else "float32",
        "eos_token_id": 2,
    }
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory(prefix="lorax-bench-") as name:
        directory = Path(name)
        (directory / "config.json").write_text(json.dumps(config))
        write_tokenizer(directory, vocabulary)
        parsed = read_model_config(directory)
        tokenizer = Tokenizer(directory)
    model = LlamaDecoder(parsed, ShardGroup(), device)
    model.load(_RandomWeights(device, parsed.dtype))
    capturing = None
    if captures:
        from lorax_shard.engine.cuda_capture import CudaCapture

        capturing = Capturing(CudaCapture(device))
    memory = DeviceMemory(device, MemoryLimits(), 1)
    staging = device if device.type == "cuda" else None
    adapters = AdapterTable(model.linears(), writing_to(device), staging)
    engine = Engine(
        model, tokenizer, adapters, memory, ShardGroup(), device, capturing=capturing,
        overlaps=device.type == "cuda",
    )  # fmt: skip
    engine.warm_up(BatchRequest(0, tuple(requests([0] * rows, 32, 2))))
    return engine


def requests(adapters: Sequence[int], prompt: int, tokens: int) -> list[GenerationRequest]:
    """One greedy request for each adapter index (0 is the base), with prompts that differ."""
    count = -(-(prompt + tokens) // BLOCK_SIZE)
    return [
        GenerationRequest(
            id=row,
            inputs="",
            token_ids=tuple(3 + (7919 * row + 104729 * place) % 500 for place in range(prompt)),
            truncate=0,
            sampling=SamplingParameters(),
            stopping=StoppingParameters(max_new_tokens=tokens, ignore_eos=True),
            adapter_index=adapter,
            blocks=tuple(range(1 + row * count, 1 + (row + 1) * count)),
        )
        for row, adapter in enumerate(adapters)
    ]


def random_adapter(engine: Engine, name: str, seed: int, rank: int = RANK) -> Adapter:
    """One of every linear layer but the head, in host memory."""
    generator = torch.Generator().manual_seed(seed)
    dtype = engine.model.config.dtype

    def numbers(*shape: int) -> Tensor:
        return (0.05 * torch.randn(*shape, generator=generator)).to(dtype)

    matrices = {
        projection.name: LoraMatrices(
            numbers(rank, projection.in_features), numbers(projection.out_features, rank)
        )
        for projection in engine.adapters.projections.values()
        if projection.name != "lm_head"
    }
    return Adapter(name, rank, matrices)


def adapter_bytes(adapter: Adapter) -> int:
    """Of its matrices."""
    return sum(pair.down.nbytes + pair.up.nbytes for pair in adapter.matrices.values())


def weight_bytes(engine: Engine) -> int:
    """What a decode step reads of the base model: every linear layer and the head."""
    return sum(
        projection.in_features * projection.out_features * engine.model.config.dtype.itemsize
        for projection in engine.adapters.projections.values()
    )


def context_bytes(engine: Engine, tokens: int) -> int:
    """Keys and values of so many tokens."""
    config = engine.model.config
    per_token = 2 * config.layers * engine.model.kv_heads * config.head_dim
    return tokens * per_token * config.dtype.itemsize
