"""Files of requests: what they mean, and where a line that can't be carried out is said to be."""

from pathlib import Path

import pytest
from fiubench.schemas.requests import read_requests, together
from fiubench.support.errors import ConfigError
from hypothesis import example, given
from hypothesis import strategies as st

KNOWN = dict.fromkeys(("00000001", "00000002", "00000003"), ("doctor", "phone_number", "room_number"))


def write(folder: Path, *lines: str) -> Path:
    path = folder / "requests.jsonl"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_who_and_what_and_in_which_order(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        '{"who": ["00000002"], "attributes": ["phone_number"]}',
        "",
        '{"who": ["00000001", "00000003"], "attributes": ["doctor"]}',
        '{"who": ["00000002"]}',
    )
    read = read_requests(path, KNOWN)
    assert read == [
        {"00000002": ("phone_number",)},
        {"00000001": ("doctor",), "00000003": ("doctor",)},
        {"00000002": ("doctor", "room_number")},  # what the first left
    ]
    assert together(read) == {
        "00000002": ("phone_number", "doctor", "room_number"), "00000001": ("doctor",), "00000003": ("doctor",),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "not JSON"),
        ("[]", "is not of type"),
        ('{"people": ["00000002"]}', "people"),
        ('{"who": []}', "who: "),
        ('{"who": ["00000002", "00000002"]}', "who: "),
        ('{"who": ["00000002"], "attributes": []}', "attributes: "),
        ('{"who": ["0000002"]}', "nobody that can be forgotten is '0000002'\n  Did you mean '00000002'?"),
        (
            '{"who": ["00000002"], "attributes": ["docter"]}',
            "nothing is asked about 'docter'\n  Did you mean 'doctor'?",
        ),
        ('{"who": ["00000001"], "attributes": ["doctor"]}', "line 1 has doctor of 00000001 forgotten already"),
        ('{"who": ["00000001"]}', "nothing is left of 00000001"),
    ],
)
def test_a_line_that_is_refused(tmp_path: Path, line: str, message: str) -> None:
    path = write(tmp_path, '{"who": ["00000001"]}', line)
    with pytest.raises(ConfigError) as refused:
        read_requests(path, KNOWN)
    assert str(refused.value).startswith(f"{path}:2: ") and message in str(refused.value)


@given(text=st.one_of(st.binary(max_size=60), st.text(max_size=60).map(str.encode)))
@example(b'{"who": ["\\ud800"]}')
@example(b"[" * 5000)
@example(b"\xff\xfe{}")
def test_anything_else_is_refused_too(tmp_path_factory: pytest.TempPathFactory, text: bytes) -> None:
    path = tmp_path_factory.mktemp("any") / "requests.jsonl"
    path.write_bytes(text)
    with pytest.raises(ConfigError):
        read_requests(path, KNOWN)


def test_a_file_that_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no request is in the file"):
        read_requests(write(tmp_path, ""), KNOWN)
    with pytest.raises(ConfigError, match="everything about everybody"):
        read_requests(write(tmp_path, '{"who": ["00000001", "00000002", "00000003"]}'), KNOWN)
    with pytest.raises(ConfigError, match="no such file"):
        read_requests(tmp_path / "none", KNOWN)
