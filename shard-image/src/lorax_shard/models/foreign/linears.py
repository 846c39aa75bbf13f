"""The linear layers of a model of transformers, replaced by ours."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lorax_shard.layers.linear import ColumnParallelLinear
from lorax_shard.layers.lora_linear import Projection
from lorax_shard.layers.quantisation import Quantisation
from lorax_shard.models.foreign.attention import PagedAttention


class AdaptedLinear(nn.Module):
    """A linear layer of ours in the place of one of the model's: adapters are added to it."""

    def __init__(self, layer: ColumnParallelLinear, running: PagedAttention, is_head: bool) -> None:
        super().__init__()
        self.layer = layer
        projection = layer.projections[0]
        self.in_features, self.out_features = projection.in_features, projection.out_features
        self._running = running
        self._is_head = is_head

    def forward(self, x: Tensor) -> Tensor:
        """[..., in] -> [..., out]; all but the last dimension are the tokens of the step."""
        step = self._running.step
        wanted, routing = step.token_ids, step.lora
        if self._is_head:
            wanted = wanted if step.logit_rows is None else step.logit_rows
            routing = step.logit_lora
        rows = x.reshape(-1, self.in_features).contiguous()
        if len(rows) != len(wanted):
            name = self.layer.projections[0].name
            raise RuntimeError(
                f"{name} expected the {len(wanted)} tokens of the step, got {len(rows)}"
            )
        return self.layer(rows, routing).view(*x.shape[:-1], self.out_features)


@dataclass(frozen=True, slots=True)
class _Weights:
    """One layer's weight and bias, as a TensorReader has them."""

    tensors: Mapping[str, Tensor]
    quantisation: Quantisation | None

    def read(
        self,
        name: str,
        shape: tuple[int, ...],
        rows: range | None = None,
        columns: range | None = None,
    ) -> Tensor:
        """See TensorReader; a shard that is alone reads all rows."""
        tensor = self.tensors[name]
        assert tuple(tensor.shape) == shape
        assert columns is None
        return tensor

    def read_weight(
        self,
        name: str,
        shape: tuple[int, ...],
        rows: range | None = None,
        columns: range | None = None,
    ) -> Tensor:
        """See TensorReader."""
        return self.read(f"{name}.weight", shape, rows, columns)


def weight_of(module: nn.Module) -> Tensor | None:
    """[out, in] of a linear layer, in whatever order it keeps it; None for another module."""
    from transformers.pytorch_utils import Conv1D

    # A kind of its own may compute in its own way.
    if type(module) not in (nn.Linear, Conv1D):
        return None
    weight = module.get_parameter("weight").detach()
    return weight if type(module) is nn.Linear else weight.T


def adapt(
    model: nn.Module,
    name: str,
    running: PagedAttention,
    is_head: bool,
    quantisation: Quantisation | None,
) -> ColumnParallelLinear:
    """Puts a layer of ours in the place of the model's linear layer of this name."""
    module = model.get_submodule(name)
    weight = weight_of(module)
    assert weight is not None
    out_features, in_features = weight.shape
    layer = ColumnParallelLinear(
        [Projection(name, in_features, out_features)], [[range(out_features)]], is_head
    )
    tensors = {f"{name}.weight": weight.contiguous()}
    bias = module.bias
    if isinstance(bias, Tensor):
        tensors[f"{name}.bias"] = bias.detach()
    layer.load_shard(_Weights(tensors, quantisation), has_bias=isinstance(bias, Tensor))
    model.set_submodule(name, AdaptedLinear(layer, running, is_head))
    return layer


def widen(model: nn.Module) -> None:
    """Makes everything but the tables of embeddings float32, as activations are for the kernels."""
    for module in model.modules():
        if isinstance(module, nn.Embedding):
            module.register_forward_hook(_in_float32)
            continue
        for parameter in module.parameters(recurse=False):
            parameter.data = parameter.data.float()
        for name, buffer in module.named_buffers(recurse=False):
            if buffer.is_floating_point():
                setattr(module, name, buffer.float())


def _in_float32(module: nn.Module, arguments: object, output: Tensor) -> Tensor:
    return output.to(torch.float32)
