"""The peer of G8, run by the shard's interpreter: import torch, read the weights, nothing else.

Every tensor ends in memory of this process, as it must before anyone can compute with it.
"""

import sys
import time

import torch  # noqa: F401 - its import is what is measured
from safetensors.torch import load_file

begin, cpu = time.monotonic(), time.process_time()
# load_file maps the file; only the copy reads it.
weights = {name: tensor.clone() for name, tensor in load_file(sys.argv[1]).items()}
print(f"{time.monotonic() - begin:.3f} {time.process_time() - cpu:.3f}")
