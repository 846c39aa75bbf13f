"""tiny_shard.py FOLDER [OPTION ...]: a shard of the tiny model, for tests of the router.

It ends with its input. The model is FOLDER/tiny, one that repeats itself where there are options;
the socket is FOLDER/shard-0; the adapters are those of tiny_model.py.
"""

import sys
from pathlib import Path

from shard_process import start_group
from tiny_model import write_forgetful_model, write_tiny_model


def main() -> None:
    folder = Path(sys.argv[1])
    options = tuple(sys.argv[2:])
    tiny = write_forgetful_model(folder) if options else write_tiny_model(folder)
    group = start_group(folder, tiny.directory, tiny.adapter_root, extra=options)
    try:
        print("serving", flush=True)
        sys.stdin.read()
    finally:
        group.stop()


if __name__ == "__main__":
    main()
