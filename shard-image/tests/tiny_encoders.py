"""Random encoders of the BERT family, small enough to run anywhere."""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from tiny_model import write_tokenizer
from transformers import (
    BertConfig,
    DistilBertConfig,
    PretrainedConfig,
    RobertaConfig,
    XLMRobertaConfig,
)

FAMILY: dict[str, tuple[type[PretrainedConfig], dict]] = {
    "bert": (BertConfig, {}),
    "bert-tanh-gelu": (BertConfig, {"hidden_act": "gelu_new"}),
    "distilbert": (DistilBertConfig, {}),
    "roberta": (RobertaConfig, {"type_vocab_size": 1}),
    "xlm-roberta": (XLMRobertaConfig, {"type_vocab_size": 1}),
}
MEAN = {"pooling_mode_mean_tokens": True}
MAX_TOKENS = 128


def write_encoder(directory: Path, name: str, auto_class, **changes):
    """The model of an architecture as `auto_class` makes it; also what transformers runs."""
    config_class, own = FAMILY[name]
    first = 2 if "roberta" in name else 0
    sizes = {"dim": 48, "hidden_dim": 80, "n_heads": 4, "n_layers": 3}
    if name != "distilbert":
        sizes = {
            "hidden_size": 48,
            "intermediate_size": 80,
            "num_attention_heads": 4,
            "num_hidden_layers": 3,
        }
    settings = {
        "vocab_size": write_tokenizer(directory),
        "max_position_embeddings": MAX_TOKENS + first,
        "initializer_range": 0.2,
        "pad_token_id": 1 if first else 0,
    }
    torch.manual_seed(0)
    model = auto_class.from_config(config_class(**settings | sizes | own | changes)).eval()
    for parameter_name, parameter in model.named_parameters():
        if parameter_name.endswith("bias"):
            torch.nn.init.normal_(parameter, std=0.2)
    model.save_pretrained(directory)
    return model


def write_sentence_files(
    directory: Path,
    pooling: dict,
    normalises: bool = False,
    max_tokens: int | None = None,
    dense: int = 0,
) -> None:
    """What sentence-transformers saves beside a model; the files of dense modules are their own."""
    kinds = ["Transformer", "Pooling", *["Dense"] * dense, *["Normalize"] * normalises]
    modules = [
        {
            "idx": place,
            "name": str(place),
            "path": f"{place}_{kind}" if place else "",
            "type": f"sentence_transformers.models.{kind}",
        }
        for place, kind in enumerate(kinds)
    ]
    (directory / "modules.json").write_text(json.dumps(modules))
    (directory / "1_Pooling").mkdir(exist_ok=True)
    (directory / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    if max_tokens is not None:
        limit = json.dumps({"max_seq_length": max_tokens})
        (directory / "sentence_bert_config.json").write_text(limit)


def write_dense(
    folder: Path, taken: int, made: int, *, pickled: bool = False, **config
) -> torch.nn.Linear:
    """A dense module as sentence-transformers saves it; also its linear layer."""
    linear = torch.nn.Linear(taken, made, bias=config.get("bias", True))
    folder.mkdir(exist_ok=True)
    written = {
        "in_features": taken,
        "out_features": made,
        "bias": True,
        "activation_function": "torch.nn.modules.activation.Tanh",
    }
    (folder / "config.json").write_text(json.dumps(written | config))
    tensors = {f"linear.{name}": each.detach() for name, each in linear.named_parameters()}
    if pickled:
        torch.save(tensors, folder / "pytorch_model.bin")
    else:
        save_file(tensors, folder / "model.safetensors")
    return linear


def texts(*lengths: int) -> list[list[int]]:
    """Token ids of texts of these lengths."""
    return [
        [(7 * place + 13 * text) % 300 + 3 for place in range(length)]
        for text, length in enumerate(lengths)
    ]
