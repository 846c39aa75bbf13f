"""How a checkpoint is quantised, from its quantization_config; what cannot be read is refused."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lorax_shard.checkpoint_files import CheckpointError, UnsupportedCheckpoint, label_of, read_json
from lorax_shard.layers.packing import Packing, PackingMethod

# What AutoGPTQ and AutoAWQ write beside a config.json that says nothing, and which method it is of.
_FILES = {"quantize_config.json": "gptq", "quant_config.json": "awq"}
# GPTQ: "gptq" is its first format, whose zeros are stored less 1. Other kernels have others.
_FORMATS = {PackingMethod.GPTQ: ("gptq", "gptq_v2"), PackingMethod.AWQ: ("gemm",)}
# Where the format is named; the first counts, as it does in transformers.
_FORMAT_KEYS = {
    PackingMethod.GPTQ: ("checkpoint_format", "format"),
    PackingMethod.AWQ: ("version", "checkpoint_format", "format"),
}
# bitsandbytes, whose blocks are of this size unless a weight says otherwise.
_LEVELS = ("nf4", "fp4")
_BLOCK = 64
_BITS = {PackingMethod.GPTQ: (4, 8), PackingMethod.AWQ: (4,)}
# They change what is computed, and we do not.
_UNKNOWN = ("adapter", "rotation")


def read_packing(raw: Mapping[str, Any], path: Path) -> Packing | None:
    """How linear layers are packed; None where they are not. raw: config.json, at the path."""
    declared, path, method = _declared(raw, path)
    if not declared:
        return None
    if not isinstance(declared, dict):
        raise CheckpointError(
            f"quantization_config of {path} must be a JSON object, got {declared!r}"
        )
    name = str(declared.get("quant_method") or method).lower()
    if name not in [each.value for each in PackingMethod]:
        raise UnsupportedCheckpoint(
            f"quant_method {name!r} of {path} is not supported: expected awq, gptq or "
            "bitsandbytes, or a model that is not quantised, which --quantize quantises as it loads"
        )
    return _Declaration(PackingMethod(name), declared, path).packing()


def _declared(raw: Mapping[str, Any], path: Path) -> tuple[Any, Path, str | None]:
    """What is said of it, where, and the method that goes without saying there."""
    if declared := raw.get("quantization_config"):
        return declared, path, None
    for name, method in _FILES.items():
        beside = path.with_name(name)
        if beside.is_file():
            return read_json(beside, f"model {label_of(path.parent)}"), beside, method
    return None, path, None


class _Declaration:
    """A quantization_config of a method that we know."""

    def __init__(self, method: PackingMethod, raw: Mapping[str, Any], path: Path) -> None:
        self._method = method
        self._raw = raw
        self._path = path

    def packing(self) -> Packing:
        """All of it, checked."""
        if self._method is PackingMethod.BITSANDBYTES:
            return self._of_bitsandbytes()
        for key in _UNKNOWN:
            if self._raw.get(key):
                self._refuse(key, self._raw[key], "none")
        bits = self._bits()
        layout = self._layout()
        is_gptq = self._method is PackingMethod.GPTQ
        if is_gptq:
            self._check_modules()
        elif not self._raw.get("zero_point", True):
            self._refuse("zero_point", False, "true")
        return Packing(
            method=self._method,
            bits=bits,
            group_size=self._group_size(),
            has_order=is_gptq and bool(self._raw.get("desc_act", False)),
            zeros_less_one=is_gptq and layout == "gptq",
            zeros_borrow=self._is_of_gptqmodel(),
            plain_modules=tuple(map(str, self._raw.get("modules_to_not_convert") or ())),
        )

    def _of_bitsandbytes(self) -> Packing:
        """Its weights say for themselves what their levels are and which of them are plain."""
        if not self._raw.get("load_in_4bit", False):
            self._refuse("load_in_4bit", self._raw.get("load_in_4bit"), "true, or --quantize int8")
        kind = self._raw.get("bnb_4bit_quant_type", "fp4")
        if kind not in _LEVELS:
            self._refuse("bnb_4bit_quant_type", kind, " or ".join(_LEVELS))
        if (storage := self._raw.get("bnb_4bit_quant_storage") or "uint8") != "uint8":
            self._refuse("bnb_4bit_quant_storage", storage, "uint8")
        return Packing(self._method, bits=4, group_size=_BLOCK)

    def _bits(self) -> int:
        bits = self._first("bits", "w_bit")
        if bits not in (known := _BITS[self._method]):
            self._refuse("bits", bits, " or ".join(map(str, known)))
        return int(bits)

    def _group_size(self) -> int:
        size = int(self._first("group_size", "q_group_size"))
        if size != -1 and size < 1:
            self._refuse("group_size", size, "a number of inputs, or -1 for all of an output")
        return size

    def _layout(self) -> str:
        """The format of the words."""
        known = _FORMATS[self._method]
        keys = _FORMAT_KEYS[self._method]
        key = next((key for key in keys if self._raw.get(key) is not None), None)
        layout = known[0] if key is None else str(self._raw[key]).lower()
        if self._raw.get("is_marlin_format"):
            key, layout = "is_marlin_format", "true"
        if layout not in known:
            self._refuse(str(key), layout, " or ".join(known))
        if (words := self._raw.get("pack_dtype") or "int32") != "int32":
            self._refuse("pack_dtype", words, "int32")
        if (backend := self._raw.get("backend")) == "llm-awq":
            self._refuse("backend", backend, "autoawq")
        return layout

    def _check_modules(self) -> None:
        """Modules may be left out; those with bits or groups of their own are not read."""
        for pattern, changes in (self._raw.get("dynamic") or {}).items():
            if not str(pattern).startswith("-"):
                self._refuse("dynamic", {pattern: changes}, "the same for all modules")

    def _is_of_gptqmodel(self) -> bool:
        meta = self._raw.get("meta")
        quantizer = meta.get("quantizer") if isinstance(meta, dict) else None
        writers = quantizer if isinstance(quantizer, list) else [quantizer]
        return any(str(writer).startswith("gptqmodel") for writer in writers)

    def _first(self, *keys: str) -> Any:
        for key in keys:
            if self._raw.get(key) is not None:
                return self._raw[key]
        raise CheckpointError(
            f"quantization_config of {self._path} (quant_method {self._method.value}) lacks "
            f"{keys[0]!r}"
        )

    def _refuse(self, key: str, got: Any, expected: str) -> None:
        raise UnsupportedCheckpoint(
            f"{key} {got!r} of {self._path} (quant_method {self._method.value}) is not supported: "
            f"expected {expected}"
        )
