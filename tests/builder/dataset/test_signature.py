"""A signature says who made a dataset, and holds for nothing else."""

import shutil
import stat
from pathlib import Path

import pytest
from fiubench.builder.dataset.signature import has_password, make_keys, sign
from fiubench.cli.main import run
from fiubench.support.errors import ConfigError, Refused

from fiubench import build, make_config, verify

minisign = pytest.importorskip("minisign")


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("clean") / "dataset"
    build(make_config({"identities": 10, "holdout": 2, "ratios": [10], "image_size": 32}), out)
    return out


@pytest.fixture
def dataset(clean: Path, tmp_path: Path) -> Path:
    shutil.copytree(clean, tmp_path / "dataset")
    return tmp_path / "dataset"


def test_signed_and_verified(dataset: Path, tmp_path: Path) -> None:
    public = make_keys(tmp_path / "mine")
    assert stat.S_IMODE((tmp_path / "mine").stat().st_mode) == 0o600
    assert sign(dataset, tmp_path / "mine") == dataset / "manifest.json.minisig"
    assert list(verify(dataset, signed_by=public)) == []
    assert list(verify(dataset, signed_by=public.read_text().splitlines()[1])) == []
    other = make_keys(tmp_path / "theirs")
    assert "not signed by" in next(verify(dataset, signed_by=other))
    elsewhere = tmp_path / "kept.minisig"
    (dataset / "manifest.json.minisig").rename(elsewhere)
    assert "nobody signed" in next(verify(dataset, signed_by=public))
    assert list(verify(dataset, signed_by=public, signature=elsewhere)) == []
    manifest = dataset / "manifest.json"
    manifest.write_text(manifest.read_text().replace("Apache-2.0", "CC0-1.0"))
    assert "not signed by" in next(verify(dataset, signed_by=public, signature=elsewhere))
    elsewhere.write_text("signed: me")
    assert "not signed by" in next(verify(dataset, signed_by=public, signature=elsewhere))


def test_a_key_with_a_password(dataset: Path, tmp_path: Path) -> None:
    pair = minisign.KeyPair.generate()
    pair.secret_key.encrypt("sesame", opslimit=minisign.OPSLIMIT // 32, memlimit=minisign.MEMLIMIT // 32)
    (tmp_path / "key").write_bytes(bytes(pair.secret_key))
    assert has_password(tmp_path / "key")
    for wrong in (None, "open"):
        with pytest.raises(ConfigError, match="password"):
            sign(dataset, tmp_path / "key", wrong)
    sign(dataset, tmp_path / "key", "sesame")
    (tmp_path / "key.pub").write_bytes(bytes(pair.public_key))
    assert list(verify(dataset, signed_by=tmp_path / "key.pub")) == []


def test_what_is_refused(dataset: Path, tmp_path: Path) -> None:
    make_keys(tmp_path / "mine")
    with pytest.raises(Refused, match="is there already"):
        make_keys(tmp_path / "mine")
    make_keys(dataset / "inside")
    with pytest.raises(Refused, match="lies in the dataset's folder"):
        sign(dataset, dataset / "inside")
    with pytest.raises(Refused, match="changed since it was built: inside"):
        sign(dataset, tmp_path / "mine")
    for file in dataset.glob("inside*"):
        file.unlink()
    (tmp_path / "none").write_text("no key")
    with pytest.raises(ConfigError, match="is no secret key"):
        sign(dataset, tmp_path / "none")
    with pytest.raises(ConfigError, match="is no public key"):
        list(verify(dataset, signed_by="RWx"))
    assert not (dataset / "manifest.json.minisig").exists()


def test_the_command(
    dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fiubench(*arguments: object) -> int:
        monkeypatch.setattr("sys.argv", ["fiubench", *map(str, arguments)])
        try:
            run()
        except SystemExit as ended:
            return int(ended.code or 0)
        return 0

    key = tmp_path / "mine"
    assert fiubench("sign", "--new-key", key) == 0
    assert fiubench("sign", dataset, "--key", key) == 0
    assert fiubench("verify", dataset, "--signed-by", f"{key}.pub") == 0
    assert f"rebuilt, and {key}.pub signed it" in capsys.readouterr().out
    assert fiubench("sign", dataset) == 2
    assert fiubench("verify", dataset, "--signature", key) == 2
