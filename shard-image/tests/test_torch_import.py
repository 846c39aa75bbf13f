"""What importing torch leaves out, in processes of their own, as torch is here already."""

import subprocess
import sys

import pytest

from lorax_shard.torch_import import POSTPONED

_IMPORT = """
import sys
from importlib.util import find_spec
from lorax_shard.torch_import import POSTPONED, import_torch, seeded_generator

def runs(name):
    return name in sys.modules and getattr(
        vars(sys.modules[name]).get("__getattr__"), "__name__", ""
    ) != "load_and_get"

import_torch()
import torch
"""
_META = "torch._meta_registrations"


def _run(code: str) -> str:
    code = _IMPORT + code
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_shard_computes_without_the_postponed_modules() -> None:
    """Attention, as serving uses it."""
    code = """
import lorax_shard.server.serve
with torch.inference_mode():
    query = torch.ones(1, 2, 3, 4)
    torch.nn.functional.scaled_dot_product_attention(query, query, query)
print([name for name in sorted(POSTPONED) if runs(name)])
"""

    assert _run(code) == "[]"


@pytest.mark.parametrize("names", [sorted(POSTPONED), sorted(POSTPONED, reverse=True)])
def test_whoever_uses_one_has_it(names: list[str]) -> None:
    """By whatever name, be it one that the module has not, and in whatever order."""
    code = f"""
from importlib import import_module
for name in {names}:
    try:
        import_module(name).no_such_name
    except ModuleNotFoundError:
        print(name, "is not installed")
    except AttributeError as error:
        print(runs(name), error)
"""

    found = _run(code).splitlines()

    for name, line in zip(names, found, strict=True):
        # What the pinned version of torch brings is named as it names it.
        absent = f"{name} is not installed" if name.startswith("cuda.") else ""
        assert line in (f"True module '{name}' has no attribute 'no_such_name'", absent)


@pytest.mark.parametrize(
    "use",
    [
        f"import {_META} as module; module.meta_mm",
        f"from {_META} import meta_mm",
    ],
)
def test_whoever_uses_one_has_what_it_registers(use: str) -> None:
    """Here the shapes of products of tensors without storage."""
    code = f"""
{use}
print(torch.mm(torch.empty(2, 3, device="meta"), torch.empty(3, 4, device="meta")).shape)
"""

    assert _run(code) == "torch.Size([2, 4])"


def test_threads_wait_for_one_that_loads() -> None:
    """None of them sees half a module."""
    code = """
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(8) as threads:
    print(set(threads.map(lambda _: torch.optim.AdamW.__name__, range(8))))
"""

    assert _run(code) == "{'AdamW'}"


def test_random_numbers_are_there_all_the_same() -> None:
    code = """
print(torch.equal(*(torch.rand(3, generator=seeded_generator(5)) for _ in range(2))))
"""

    assert _run(code) == "True"
