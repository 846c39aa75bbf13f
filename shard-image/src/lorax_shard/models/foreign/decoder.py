"""A decoder that transformers computes, with our cache and our linear layers."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lorax_shard.checkpoint_files import CheckpointError, UnsupportedCheckpoint, label_of
from lorax_shard.layers.attention import LayerCache
from lorax_shard.layers.lora_linear import LoraLinear
from lorax_shard.layers.quantisation import Quantisation
from lorax_shard.layers.step import StepContext
from lorax_shard.layers.step_kernels import step_kernels
from lorax_shard.models.foreign.attention import NotServed, PagedAttention, SeenAttention
from lorax_shard.models.foreign.config import ForeignConfig
from lorax_shard.models.foreign.linears import adapt, widen
from lorax_shard.models.foreign.proof import (
    ask_transformers,
    linears_of_every_token,
    prove,
    question,
    shared_heads,
)


class ForeignDecoder:
    """See Decoder. All of it is on one shard."""

    def __init__(
        self,
        model: Any,
        config: ForeignConfig,
        attention: PagedAttention,
        linears: Sequence[LoraLinear],
    ) -> None:
        self.config = config
        self._model = model
        self._attention = attention
        self._linears = list(linears)

    @property
    def kv_heads(self) -> int:
        """See Decoder."""
        return self.config.kv_heads

    @property
    def is_capturable(self) -> bool:
        """See Decoder. Its code may do what it likes; that of experts reads numbers on the host."""
        return False

    def linears(self) -> Iterator[LoraLinear]:
        """See Decoder."""
        yield from self._linears

    def forward(self, step: StepContext, cache: Sequence[LayerCache]) -> Tensor:
        """See Decoder."""
        with self._attention.during(step, cache):
            output = self._model(
                input_ids=step.token_ids[None],
                position_ids=step.positions[None],
                use_cache=False,
                logits_to_keep=0 if step.logit_rows is None else step.logit_rows,
            )
        logits: Tensor = output.logits[0]
        return logits.float()

    def hidden_states(self, step: StepContext, cache: Sequence[LayerCache]) -> Tensor:
        """See Decoder."""
        with self._attention.during(step, cache):
            hidden: Tensor = self._model.base_model(
                input_ids=step.token_ids[None], position_ids=step.positions[None], use_cache=False
            ).last_hidden_state[0]
        return hidden if step.logit_rows is None else hidden[step.logit_rows]


def load_foreign_decoder(
    directory: Path,
    config: ForeignConfig,
    device: torch.device,
    quantisation: Quantisation | None,
) -> ForeignDecoder:
    """Loads a model of transformers and proves that it computes here what it computes there.

    It is loaded whole before anything of it is quantised.
    """
    what = f"{config.architecture} of model {label_of(directory)}"
    model = _load(directory, config).to(device).eval()
    sequences = question(config.vocab_size, device)
    attention = PagedAttention()
    like = torch.empty(0, dtype=config.dtype, device=device)
    try:
        names = linears_of_every_token(model, sequences)
        _refuse_unquantised(model, names, quantisation)
        linears = _adapt(model, names, attention, quantisation, like)
        expected = ask_transformers(model, attention, sequences)
        model.set_attn_implementation(attention.name)
        decoder = ForeignDecoder(model, config, attention, linears)
        layers = prove(decoder.forward, attention, sequences, expected)
        check_windows(layers, config)
        heads = shared_heads(layers)
        decoder.config = replace(config, kv_heads=heads.kv, head_dim=heads.dim)
    except (torch.OutOfMemoryError, MemoryError):
        raise
    # Whatever a model's code says to what it is given here, it is a model that is not served.
    except Exception as error:
        reason = str(error).strip().partition("\n")[0]
        if not isinstance(error, NotServed):
            reason = f"it fails on our attention or linear layers: {type(error).__name__}: {reason}"
        raise UnsupportedCheckpoint(f"{what} cannot be served: {reason}") from error
    return decoder


def _load(directory: Path, config: ForeignConfig) -> Any:
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    # Its warnings are about training and saving; bars have no place in a log.
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        model, report = AutoModelForCausalLM.from_pretrained(
            directory,
            dtype=config.dtype,
            attn_implementation="eager",
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise CheckpointError(
            f"model {label_of(directory)} cannot be loaded as {config.architecture}: {reason}"
        ) from error
    # What a file lacks transformers makes up.
    if missing := sorted(report["missing_keys"]):
        raise CheckpointError(
            f"model {label_of(directory)} has no tensor {missing[0]} for {config.architecture}, "
            f"and lacks {len(missing)} in all"
        )
    return model


def _adapt(
    model: Any,
    names: Sequence[str],
    attention: PagedAttention,
    quantisation: Quantisation | None,
    like: Tensor,
) -> list[LoraLinear]:
    head = model.get_output_embeddings()
    linears: list[LoraLinear] = [
        adapt(model, name, attention, model.get_submodule(name) is head, quantisation)
        for name in names
    ]
    attention.kernels = step_kernels(like.device, like.dtype)
    if attention.kernels is not None and attention.kernels.is_wide:
        widen(model)
    return linears


def check_windows(layers: Sequence[SeenAttention], config: ForeignConfig) -> None:
    """Raises NotServed where layers slide otherwise than config.json has it.

    Short sequences do not show whether a layer slides, so what it asks for must.
    """
    if len(layers) != config.layers:
        raise NotServed(f"{len(layers)} of its {config.layers} layers attend")
    if config.windows is None:
        if config.slides and not any(layer.window for layer in layers):
            raise NotServed("it slides by config.json, and no layer asks for a window")
        return
    for index, (layer, slides) in enumerate(zip(layers, config.windows, strict=True)):
        if slides != (layer.window > 0):
            asked = f"a window of {layer.window}" if layer.window else "no window"
            raise NotServed(
                f"layer {index} {'slides' if slides else 'does not slide'} by config.json, and "
                f"asks for {asked}"
            )


def _refuse_unquantised(
    model: Any, names: Sequence[str], quantisation: Quantisation | None
) -> None:
    if quantisation is None:
        return
    for name, parameter in model.named_parameters():
        owner = name.rpartition(".")[0]
        is_table = isinstance(model.get_submodule(owner), torch.nn.Embedding)
        if parameter.dim() > 1 and owner not in names and not is_table:
            raise NotServed(
                f"--quantize {quantisation.value} cannot quantise {name}, which is no linear layer "
                "of every token: leave it out"
            )
