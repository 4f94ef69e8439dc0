"""Configurations from files: taken as they are, or refused with a reason."""

from __future__ import annotations

import json

import pytest

from tenants.config.importing import read_configuration
from tenants.config.schema import MAX_BYTES
from tenants.errors import ConfigInvalid, ConfigTooLarge
from tests.config.samples import content

WHOLE = json.dumps(content(), ensure_ascii=False)


def test_what_is_exported_is_imported() -> None:
    read = read_configuration(WHOLE.encode()).to_json()
    assert read_configuration(json.dumps(read).encode()).to_json() == read
    assert read_configuration(b"\xef\xbb\xbf" + WHOLE.encode()).to_json() == read


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "Expecting value"),
        (b"PK\x03\x04", "Expecting value"),
        (b"\xff\xfe{}", "can't decode"),
        (b"[]", "holds no object"),
        (b'{"schema": "astra.config/1", "schema": "astra.config/1"}', "'schema' stands twice"),
        (b'{"default_zone": NaN}', "NaN is no JSON number"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 50 + b"1" + b"}" * 50, "nested too deeply"),
    ],
)
def test_what_is_no_json_is_refused_with_the_reason(body: bytes, said: str) -> None:
    with pytest.raises(ConfigInvalid, match=said) as refused:
        read_configuration(body)
    assert refused.value.code == "config_not_json"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"schema": "astra.config/2"}, "schema:"),
        ({"extra": 1}, "extra:"),
        ({"zone_map": {"TPL_DEBATE": 7}}, "zone_map.TPL_DEBATE:"),
        ({"members": "John"}, "members:"),
        ({"entity_dictionary": {"a": "x" * 400}}, "entity_dictionary.a:"),
        ({"hotwords": ["a\x00"]}, "hotwords.0:"),
        ({"hotwords": ["\ud800"]}, "hotwords.0:"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_path(changes: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigInvalid) as refused:
        read_configuration(json.dumps(content(**changes)).encode())
    problems = refused.value.details["problems"]
    assert isinstance(problems, list)
    assert any(problem.startswith(said) for problem in problems)


def test_a_file_beyond_the_limit_is_refused_unread() -> None:
    with pytest.raises(ConfigTooLarge):
        read_configuration(b" " * (MAX_BYTES + 1))
