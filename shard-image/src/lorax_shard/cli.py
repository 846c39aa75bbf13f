"""The command lorax-server."""

import os
import sys


def main() -> None:
    """Prepares the process and runs the command."""
    # Read once, when torch loads its thread pool, so nothing that imports torch may come before.
    # Threads that spin at a barrier take the core away from the thread they wait for: with two
    # threads on two busy cores a decode step took 20 times as long (measured, SmolLM2, B=1).
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from lorax_shard.server.command import run

    sys.exit(run(sys.argv[1:], os.environ))


if __name__ == "__main__":
    main()
