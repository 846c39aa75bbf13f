"""What importing torch leaves out, in processes of their own, as torch is here already."""

import subprocess
import sys

import pytest

_IMPORT = "from lorax_shard.server.torch_import import import_torch\nimport_torch()\nimport torch\n"
_MODULE = "torch._meta_registrations"


def _run(code: str) -> str:
    code = _IMPORT + code
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_shard_computes_without_the_postponed_module() -> None:
    """Attention and random numbers, as serving uses them."""
    code = f"""
import sys
import lorax_shard.server.serve
with torch.inference_mode():
    query = torch.ones(1, 2, 3, 4)
    torch.nn.functional.scaled_dot_product_attention(query, query, query)
    torch.multinomial(torch.ones(4), 1, generator=torch.Generator().manual_seed(1))
print("__getattr__" in vars(sys.modules["{_MODULE}"]))
"""

    assert _run(code) == "True"


@pytest.mark.parametrize(
    "use",
    [
        f"import {_MODULE} as module; module.meta_mm",
        f"from {_MODULE} import meta_mm",
    ],
)
def test_whoever_uses_it_has_it(use: str) -> None:
    """With everything that running it registers."""
    code = f"""
{use}
import sys
print("__getattr__" in vars(sys.modules["{_MODULE}"]))
print(torch.mm(torch.empty(2, 3, device="meta"), torch.empty(3, 4, device="meta")).shape)
"""

    assert _run(code).splitlines() == ["False", "torch.Size([2, 4])"]


def test_a_name_that_it_has_not_is_an_error() -> None:
    """As for any module."""
    code = """
try:
    torch._meta_registrations.no_such_name
except AttributeError as error:
    print(error)
"""

    assert _run(code) == f"module '{_MODULE}' has no attribute 'no_such_name'"
