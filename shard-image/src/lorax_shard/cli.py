"""The command lorax-server."""

import gc
import os
import sys

from lorax_shard.server.command import run
from lorax_shard.server.threads import prepare_threads


def main() -> None:
    """Prepares the process and runs the command."""
    prepare_threads(os.environ)
    # Imports and loading leave no garbage, and looking for it is a tenth of their time. Serving
    # switches it on again.
    gc.disable()
    sys.exit(run(sys.argv[1:], os.environ))


if __name__ == "__main__":
    main()
