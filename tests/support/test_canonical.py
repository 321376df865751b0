import hashlib
import json

import pytest
from fiubench.support.canonical import canonical_line, digest, digest_of, file_digest, readable_json
from hypothesis import given
from hypothesis import strategies as st

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_what_is_written_is_read_again(value):
    for data in (canonical_line(value), readable_json(value)):
        assert data.endswith(b"\n")
        assert json.loads(data) == value


@given(JSON)
def test_one_value_is_one_line(value):
    line = canonical_line(value)
    assert line.count(b"\n") == 1
    assert canonical_line(json.loads(line)) == line


@given(st.dictionaries(st.text(), JSON, max_size=6))
def test_the_order_of_keys_does_not_count(value):
    backwards = dict(reversed(value.items()))
    assert canonical_line(backwards) == canonical_line(value)
    assert digest_of(backwards) == digest_of(value)


def test_the_form():
    value = {"b": [1, 2.5, "é"], "a": {"z": None, "y": True}}
    assert canonical_line(value) == '{"a":{"y":true,"z":null},"b":[1,2.5,"é"]}\n'.encode()
    assert readable_json({"b": 1, "a": []}) == b'{\n  "a": [],\n  "b": 1\n}\n'


def test_digests(tmp_path):
    assert digest(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert digest_of({"a": 1}) == hashlib.sha256(b'{"a":1}\n').hexdigest()
    path = tmp_path / "file"
    path.write_bytes(b"x" * 3_000_000)
    assert file_digest(path) == digest(b"x" * 3_000_000)


@pytest.mark.parametrize("value", [2**70, {1: 2}, {"a": object()}, {"a": "\ud800"}])
def test_what_is_no_json_is_refused(value):
    with pytest.raises(TypeError):
        canonical_line(value)
