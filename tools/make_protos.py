"""`make proto`: the Python code of our gRPC services, generated from their proto files.

Proto files keep their public name (`astra/session/v1/session.proto`), which reflection shows to clients; the generated
modules live in the package of the app that serves them, so the imports that protoc writes are turned to there.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Proto:
    """A proto file below the folder that imports are relative to, and the folder of its generated modules."""

    folder: str
    name: str
    target: str


PROTOS = (
    Proto("sessions_app/rpc/protos", "astra/session/v1/session.proto", "sessions_app/rpc/generated"),
    Proto("tenants/rpc/protos", "astra/tenants/v1/config.proto", "tenants/rpc/generated"),
)


def generate(proto: Proto, target: Path) -> list[Path]:
    """Write the modules and their types into `target`; return their paths. Raises `ValueError` for a bad file."""
    plugins = Path(sys.executable).parent
    with TemporaryDirectory() as scratch:
        command = [
            "protoc",
            f"--plugin=protoc-gen-mypy={plugins / 'protoc-gen-mypy'}",
            f"--plugin=protoc-gen-mypy_grpc={plugins / 'protoc-gen-mypy_grpc'}",
            f"-I{ROOT / proto.folder}",
            f"-I{files('grpc_tools') / '_proto'}",
            *(f"--{kind}_out={scratch}" for kind in ("python", "grpc_python", "mypy", "mypy_grpc")),
            proto.name,
        ]
        if protoc.main(command) != 0:
            raise ValueError(f"{proto.name} is not a proto file that protoc accepts; its message stands above.")
        written = []
        for path in sorted(Path(scratch).rglob("*.py*")):
            copy = target / path.name
            copy.write_text(_with_own_imports(path.read_text(), proto))
            written.append(copy)
        return written


def _with_own_imports(code: str, proto: Proto) -> str:
    """Import the generated modules from the app's package, not from the proto's."""
    theirs = str(Path(proto.name).parent).replace("/", ".")
    ours = proto.target.replace("/", ".")
    return re.sub(rf"\b{re.escape(theirs)}(?=\.\w+_pb2| import \w+_pb2)", ours, code)


def main() -> int:
    """Generate everything in place."""
    for proto in PROTOS:
        for path in generate(proto, ROOT / proto.target):
            print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
