"""The images that the project ships, and what each is built from."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import demo_models
import jdk_runtime
import startup_image
from failure import Failure
from places import ADAPTERS, CHECKOUT
from stages import Stages

_IMAGES = CHECKOUT / "images"
_SHARD = CHECKOUT / "shard-image"
_DEMO_MODELS = CHECKOUT / "e2e" / "demo-models" / "Dockerfile"


@dataclass(frozen=True)
class Image:
    """One image: its Dockerfile, what decides its content, and folders besides the checkout."""

    name: str
    dockerfile: Path
    inputs: Callable[[], list[Path]]
    target: str | None = None
    contexts: Callable[[Stages], dict[str, Path]] = lambda _: {}
    by_default: bool = True  # built when no image is named

    @property
    def tag(self) -> str:
        """The full name, with the registry that an unqualified name means."""
        return f"docker.io/lorax/{self.name}:0.1.0"


def select(names: Iterable[str]) -> list[Image]:
    """The images of these names, in the order of the catalog; the usual ones if none is named."""
    known = [image.name for image in _ALL]
    wanted = set(names) or {image.name for image in _ALL if image.by_default}
    unknown = sorted(wanted.difference(known))
    if unknown:
        raise Failure(f"no image {', '.join(unknown)}; there are {', '.join(known)}")
    return [image for image in _ALL if image.name in wanted]


def _java(name: str) -> Image:
    jar = CHECKOUT / name / "target" / f"lorax-{name}.jar"
    dockerfile = _IMAGES / "java.Dockerfile"

    def inputs() -> list[Path]:
        if not jar.exists():
            raise Failure(f"{jar} is missing; mvn package --projects {name} --also-make makes it")
        return [
            dockerfile,
            jar,
            _IMAGES / "jlink.sh",
            _IMAGES / "bin" / f"lorax-{name}",
            jdk_runtime.release_file(),
            *(CHECKOUT / name).glob("jvm.options"),
            *startup_image.inputs(name),
        ]

    def contexts(stages: Stages) -> dict[str, Path]:
        return {
            "runtime": jdk_runtime.folder(stages),
            **startup_image.context(stages, name),
        }

    return Image(name, dockerfile, inputs, name, contexts)


def _shard_inputs() -> list[Path]:
    sources = [
        path
        for path in (_SHARD / "src").rglob("*")
        if path.is_file() and path.suffix != ".pyc" and not {"pb", "native"} & set(path.parts)
    ]
    build = [
        _SHARD / "Dockerfile",
        _SHARD / "pyproject.toml",
        *_SHARD.glob("*.py"),
        *(_SHARD / "native").iterdir(),
        *(_SHARD / "requirements").glob("*.txt"),
    ]
    protocol = CHECKOUT / "protocol" / "src" / "main" / "proto"
    return [*build, *protocol.glob("*.proto"), *sources]


def _model_inputs() -> list[Path]:
    # The module stands for the model, which it pins.
    adapters = [path for path in ADAPTERS.rglob("*") if path.is_file()]
    return [_DEMO_MODELS, Path(demo_models.__file__), *adapters]


def _model_contexts(stages: Stages) -> dict[str, Path]:
    return {"model": demo_models.gguf(stages).parent}


_ALL = (
    _java("launcher"),
    _java("router"),
    _java("operator"),
    Image("shard-cpu", _SHARD / "Dockerfile", _shard_inputs, "cpu"),
    Image("shard-cuda", _SHARD / "Dockerfile", _shard_inputs, "cuda", by_default=False),
    Image("demo-models", _DEMO_MODELS, _model_inputs, contexts=_model_contexts),
)
