"""The command line, which is that of upstream's lorax-server."""

import argparse
import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import NoReturn

from lorax_shard.adapters.sources import AdapterSource
from lorax_shard.server.config import DEVICES, PACKINGS, QUANTISATIONS, ConfigurationError
from lorax_shard.server.log import LEVELS

_SWITCH = argparse.BooleanOptionalAction
# Upstream's other commands.
_ELSEWHERE = {
    "download-weights": "lorax-launcher --model-id ID --download-only downloads a model and "
    "converts it where that is needed",
    "quantize": "serve --quantize int8 quantises a model as it loads",
}
# What a bug report is about. Their versions are read from files: importing torch takes seconds.
_LIBRARIES = ("torch", "tokenizers", "safetensors", "grpcio")
# Options of upstream that would change what is served and that we do not have. Accepted by the
# parser so that the refusal can say what to do instead.
_UNSUPPORTED = {
    "embedding_dim": "leave it out: a model embeds as its files say",
}


class _Parser(argparse.ArgumentParser):
    """Raises what is wrong, so that it is said in one log line like every other failure."""

    def error(self, message: str) -> NoReturn:
        raise ConfigurationError(f"{message}; lorax-server serve --help lists the options")


def parse(words: Sequence[str]) -> argparse.Namespace:
    """The arguments of serve; what cannot be parsed is a ConfigurationError."""
    if words and words[0] in _ELSEWHERE:
        raise ConfigurationError(
            f"lorax-server {words[0]} is not supported: {_ELSEWHERE[words[0]]}"
        )
    return _parser().parse_args(words)


def versions() -> str:
    """One line for people who report a bug."""
    libraries = [f"{library} {_version(library, 'absent')}" for library in _LIBRARIES]
    parts = ", ".join([f"python {platform.python_version()}", *libraries])
    return f"lorax-server {_version('lorax-shard', 'from source')} ({parts})"


def _version(package: str, otherwise: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return otherwise


def unsupported(arguments: argparse.Namespace) -> list[str]:
    """A sentence for each option that is set and that we do not have."""
    return [
        f"--{name.replace('_', '-')} {getattr(arguments, name)} is not supported: {instead}"
        for name, instead in _UNSUPPORTED.items()
        if getattr(arguments, name)
    ]


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="lorax-server", description="Serves one shard of a model.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)
    serve = commands.add_parser("serve", help="serve a model on a Unix socket")
    serve.add_argument("model", help="directory in HF layout, or the id of a model in the cache")
    serve.add_argument("--uds-path", default="/tmp/lorax-server", help="socket path without -RANK")
    serve.add_argument("--device", choices=DEVICES, help="default: LORAX_DEVICE, else auto")
    serve.add_argument("--dtype", help="float32, float16 or bfloat16")
    serve.add_argument(
        "--quantize",
        help=f"{' or '.join(QUANTISATIONS)}: weights in fewer bits; {' or '.join(PACKINGS)}: "
        "expects a model that is quantised so",
    )
    serve.add_argument("--logger-level", default="INFO", type=str.upper, choices=LEVELS)
    serve.add_argument("--json-output", action=_SWITCH, default=False)
    serve.add_argument("--sharded", action=_SWITCH, default=False, help="WORLD_SIZE is above 1")
    serve.add_argument("--source", default="hub", help="where the launcher got the model")
    serve.add_argument("--revision", help="of a model that is named by its id")
    _add_adapters(serve)
    serve.add_argument(
        "--compile",
        action=_SWITCH,
        default=False,
        help="on a GPU, replay decode steps as CUDA graphs",
    )
    serve.add_argument(
        "--trust-remote-code", action=_SWITCH, default=False, help="accepted; none is ever run"
    )
    serve.add_argument("--otlp-endpoint", help="http(s)://HOST:PORT of a collector of spans")
    serve.add_argument(
        "--speculative-tokens",
        type=int,
        default=0,
        metavar="K",
        help="tokens that are proposed for each sequence and step; 0 = none",
    )
    serve.add_argument("--embedding-dim", type=int, help="refused unless 0: not supported")
    return parser


def _add_adapters(serve: argparse.ArgumentParser) -> None:
    sources = [source.value for source in AdapterSource]
    serve.add_argument("--adapter-id", help="adapter of requests that name none")
    serve.add_argument("--adapter-source", default="hub", choices=sources)
    serve.add_argument("--merge-adapter-weights", action=_SWITCH, default=False)
    serve.add_argument("--preloaded-adapter-ids", action="append", default=[], metavar="ID")
    serve.add_argument("--preloaded-adapter-source", choices=sources)
