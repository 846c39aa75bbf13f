"""tiny_shard.py FOLDER: a shard of the tiny model, for tests of the router; ends with its input.

The model is FOLDER/tiny, the socket FOLDER/shard-0; the adapters are those of tiny_model.py.
"""

import sys
from pathlib import Path

from shard_process import start_group
from tiny_model import write_tiny_model


def main() -> None:
    folder = Path(sys.argv[1])
    tiny = write_tiny_model(folder)
    group = start_group(folder, tiny.directory, tiny.adapter_root)
    try:
        print("serving", flush=True)
        sys.stdin.read()
    finally:
        group.stop()


if __name__ == "__main__":
    main()
