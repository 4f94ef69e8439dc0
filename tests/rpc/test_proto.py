"""The proto file and what is generated from it."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from grpc_tools import protoc

from tools.make_protos import PROTOS, ROOT, Proto, generate

MESSAGES, ENUMS, SERVICES, FIELDS = 4, 5, 6, 2
"""Numbers of the descriptor's own fields, which the paths of comments are made of."""

PARTS = {"astra/session/v1/session.proto": 101, "astra/tenants/v1/config.proto": 12}
"""How many things there are to explain, at least: a reader of comments that finds none would find none missing."""


@pytest.mark.parametrize("proto", PROTOS, ids=[proto.name for proto in PROTOS])
def test_the_generated_code_is_that_of_the_proto_file(proto: Proto, tmp_path: Path) -> None:
    made = {path.name: path.read_text() for path in generate(proto, tmp_path)}
    kept = {path.name: path.read_text() for path in (ROOT / proto.target).glob("*_pb2*")}
    assert made == kept, "Run `make proto`."


def described(proto: Proto, folder: Path) -> FileDescriptorProto:
    target = folder / "described"
    command = [
        "protoc",
        f"-I{ROOT / proto.folder}",
        f"-I{files('grpc_tools') / '_proto'}",
        "--include_source_info",
        f"--descriptor_set_out={target}",
        proto.name,
    ]
    assert protoc.main(command) == 0
    return FileDescriptorSet.FromString(target.read_bytes()).file[0]


@pytest.mark.parametrize("proto", PROTOS, ids=[proto.name for proto in PROTOS])
def test_every_message_field_value_and_method_is_explained(proto: Proto, tmp_path: Path) -> None:
    file = described(proto, tmp_path)
    explained = {tuple(place.path) for place in file.source_code_info.location if place.leading_comments.strip()}
    parts: dict[tuple[int, ...], str] = {
        **{(MESSAGES, at): message.name for at, message in enumerate(file.message_type)},
        **{
            (MESSAGES, at, FIELDS, place): f"{message.name}.{field.name}"
            for at, message in enumerate(file.message_type)
            for place, field in enumerate(message.field)
        },
        **{(ENUMS, at): enum.name for at, enum in enumerate(file.enum_type)},
        **{
            (ENUMS, at, FIELDS, place): value.name
            for at, enum in enumerate(file.enum_type)
            for place, value in enumerate(enum.value)
        },
        **{(SERVICES, at): service.name for at, service in enumerate(file.service)},
        **{
            (SERVICES, at, FIELDS, place): method.name
            for at, service in enumerate(file.service)
            for place, method in enumerate(service.method)
        },
    }
    assert len(parts) >= PARTS[proto.name]
    assert [name for path, name in parts.items() if path not in explained] == []
