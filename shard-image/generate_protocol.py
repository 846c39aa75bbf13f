"""Generates lorax_shard/pb from the protocol module: ``python generate_protocol.py``.

The generated code is not committed. The wheel build calls this too (hatch_build.py).
"""

import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROTOCOL = HERE.parent / "protocol" / "src" / "main" / "proto"
OUTPUT = HERE / "src"
PACKAGE = "lorax_shard/pb"
FILES = ("generate.proto", "extensions.proto")


def generate() -> None:
    """Writes the message classes, their type stubs and the service stubs."""
    from grpc_tools import protoc

    missing = [name for name in FILES if not (PROTOCOL / name).is_file()]
    if missing:
        raise SystemExit(f"protocol files {missing} not found in {PROTOCOL}")
    package = OUTPUT / PACKAGE
    package.mkdir(parents=True, exist_ok=True)
    (package / "__init__.py").write_text('"""Generated from the protocol module."""\n')
    # A file at the package's path is imported by it, in Python as in the protocol.
    with tempfile.TemporaryDirectory() as root:
        sources = Path(root) / PACKAGE
        sources.mkdir(parents=True)
        for name in FILES:
            text = (PROTOCOL / name).read_text()
            (sources / name).write_text(text.replace('import "', f'import "{PACKAGE}/'))
        arguments = ["protoc", f"-I{root}"]
        arguments += [f"--{kind}_out={OUTPUT}" for kind in ("python", "pyi", "grpc_python")]
        arguments += [f"{PACKAGE}/{name}" for name in FILES]
        if protoc.main(arguments) != 0:
            raise SystemExit("protoc failed")


if __name__ == "__main__":
    generate()
