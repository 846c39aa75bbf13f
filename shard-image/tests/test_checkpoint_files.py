"""Files of tensors: read as their library reads them, and refused where they are none."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load, save

from lorax_shard.checkpoint_files import CheckpointError, TensorFile, read_tensors

_DTYPES = [torch.float32, torch.bfloat16, torch.float16, torch.int64]
_SHAPES = st.lists(st.integers(0, 5), max_size=3)


def read(folder: Path, content: bytes) -> TensorFile:
    path = folder / "adapter_model.safetensors"
    path.write_bytes(content)
    return read_tensors(path, "adapter a")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files")


@given(
    shapes=st.dictionaries(st.text("ab.é", min_size=1), _SHAPES, max_size=6),
    dtypes=st.lists(st.sampled_from(_DTYPES), min_size=1, max_size=2),
    pads=st.integers(0, 8),
)
def test_tensors_are_those_that_the_library_reads(folder, shapes, dtypes, pads) -> None:
    """Of one dtype or of several, wherever they begin: the header may be of any length."""
    tensors = {
        name: torch.randn(shape).mul(9).to(dtypes[place % len(dtypes)])
        for place, (name, shape) in enumerate(shapes.items())
    }
    content = lengthened(save(tensors), pads)

    file = read(folder, content)

    expected = load(content)
    assert file.tensors.keys() == expected.keys()
    for name, tensor in expected.items():
        assert file.tensors[name].dtype is tensor.dtype
        assert torch.equal(file.tensors[name], tensor)
    assert sum(part.nbytes for part in file.numbers) == sum(t.nbytes for t in expected.values())


def lengthened(content: bytes, pads: int) -> bytes:
    """The same file with so many spaces behind its header."""
    length = int.from_bytes(content[:8], "little")
    header, data = content[8 : 8 + length], content[8 + length :]
    return (length + pads).to_bytes(8, "little") + header + b" " * pads + data


def change(name: str, **entries: Any) -> Callable[[dict[str, Any]], None]:
    return lambda header: header[name].update(entries)


@pytest.mark.parametrize(
    "change",
    [
        change("a", shape=[3, 2]),
        change("a", shape=[-1, 4]),
        change("a", shape=["4"]),
        change("a", shape=None),
        change("a", data_offsets=[0, 12]),
        change("a", data_offsets=[4, 16]),
        change("a", data_offsets=["0", 16]),
        change("a", dtype="F7"),
        change("a", dtype=["F32"]),
        lambda header: header["a"].pop("dtype"),
        lambda header: header.pop("a"),
        lambda header: header.update(b=header["a"], a=header["b"], c=header["a"]),
    ],
)
def test_a_header_that_does_not_fit_its_numbers_is_refused(tmp_path, change) -> None:
    content = save({"a": torch.ones(4), "b": torch.ones(2, 2)})
    length = int.from_bytes(content[:8], "little")
    header: dict[str, Mapping[str, Any]] = json.loads(content[8 : 8 + length])
    change(header)
    written = json.dumps(header).encode()
    changed = len(written).to_bytes(8, "little") + written + content[8 + length :]

    with pytest.raises(CheckpointError, match=r"adapter a: .*adapter_model\.safetensors is "):
        read(tmp_path, changed)


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    (tmp_path / "adapter_model.safetensors").mkdir()

    with pytest.raises(CheckpointError, match=r"adapter a: .* cannot be read: Is a directory"):
        read_tensors(tmp_path / "adapter_model.safetensors", "adapter a")
