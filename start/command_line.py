"""The commands of `./lorax`."""

import shutil
import sys

from checks import test
from demo import demo
from failure import Failure
from form import fmt, lint
from places import CHECKOUT, cache
from serve import serve

from bench import bench

_USAGE = """\
usage: ./lorax COMMAND [options]

  demo    run the whole system on a real Kubernetes: build, install, serve, four answers
          --context NAME  on a cluster of yours; --down  remove everything again
  serve   run launcher, shards and router on this machine, without Kubernetes
          without options it serves the demo model; ./lorax serve --help lists them
  test    run every check and test; --no-cluster leaves out what needs root
  fmt     bring the code into its form; lint  check form, types and rules
  bench   measure a goal as a ratio, keep and draw the result; ./lorax bench --help lists them
  clean   remove what was built and cached
"""


def main(arguments: list[str]) -> int:
    """Runs one command; the exit status is 2 for a wrong call and 1 for a failure."""
    commands = {
        "demo": demo,
        "serve": serve,
        "test": test,
        "fmt": fmt,
        "lint": lint,
        "bench": bench,
        "clean": _clean,
    }
    name = arguments[0] if arguments else ""
    if name in ("", "-h", "--help", "help"):
        print(_USAGE, end="")
        return 0 if name else 2
    if name not in commands:
        print(f"./lorax: no command {name!r}\n\n{_USAGE}", end="", file=sys.stderr)
        return 2
    try:
        return commands[name](arguments[1:])
    except Failure as failure:
        print(f"./lorax {name}: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\n./lorax {name}: stopped", file=sys.stderr)
        return 130


def _clean(arguments: list[str]) -> int:
    if arguments:
        raise Failure(f"clean takes no options, got {' '.join(arguments)}")
    for folder in (CHECKOUT / "target", cache()):
        if folder.exists():
            print(f"removing {folder}")
            shutil.rmtree(folder)
    return 0
