"""Who made a dataset: a detached signature of its manifest, which holds the digest of everything else.

It is one of minisign (https://jedisct1.github.io/minisign/), whose own program checks it, too, and whose keys are used.
"""

from pathlib import Path
from typing import Any

from fiubench.builder.dataset.intact import on_disk
from fiubench.builder.dataset.reading import open_dataset
from fiubench.schemas.documents import MANIFEST, SIGNATURE
from fiubench.support.errors import ConfigError, DatasetError, Refused
from fiubench.support.extras import need
from fiubench.support.files import write_atomic
from fiubench.support.reading import read_small

_KEY_BYTES = 4096  # more is no key
_PUBLIC = "RW"  # how a public key begins


def sign(directory: str | Path, key: str | Path, password: str | None = None) -> Path:
    """Sign a dataset as it is; the signature lies beside its manifest.

    >>> sign("dataset", "minisign.key")                                       # doctest: +SKIP

    Args:
        directory: the dataset; it is found to be what its manifest says first.
        key: a secret key that ``minisign -G`` or :func:`make_keys` made, outside the dataset's folder.
        password: of the key, where it has one.

    Returns:
        The file of the signature.

    Raises:
        Refused: the dataset was changed since it was built, or the key lies in it.
        ConfigError: no secret key, or another password.
    """
    dataset, path = open_dataset(Path(directory)), Path(key)
    if path.resolve().is_relative_to(dataset.directory.resolve()):
        hint = "Move it: whoever gets the dataset would get the key."
        raise Refused("the secret key lies in the dataset's folder", where=path, hint=hint)
    if problem := next(on_disk(dataset), None):
        raise Refused(f"changed since it was built: {problem}", where=directory, hint="Nothing was signed.")
    with _secret(path) as secret:
        try:
            secret.decrypt(password or "")
        except ValueError as error:
            raise ConfigError(str(error), where=path, hint="Give the password that it was made with.") from error
        data = (dataset.directory / MANIFEST).read_bytes()
        signature = secret.sign(data, trusted_comment=f"fiubench dataset {dataset.manifest['fingerprint']}")
    write_atomic(dataset.directory / SIGNATURE, bytes(signature) + b"\n")
    return dataset.directory / SIGNATURE


def has_password(key: Path) -> bool:
    """Whether a secret key can be used with its password alone.

    Raises:
        ConfigError: it is no secret key.
    """
    with _secret(key) as secret:
        return bool(secret.is_encrypted())


def signature_problem(directory: Path, key: str, signature: Path | None = None) -> str | None:
    """Why a dataset's manifest is not signed by a key; ``None`` if it is.

    Args:
        directory: the dataset.
        key: a public key, or a file that holds one.
        signature: the signature, where it does not lie beside the manifest.

    Raises:
        ConfigError: no public key.
    """
    minisign = _minisign()
    try:
        is_file = not key.startswith(_PUBLIC)
        public = minisign.PublicKey.from_bytes(_read(Path(key))) if is_file else minisign.PublicKey.from_base64(key)
    except ValueError as error:
        hint = "Give the file that ends in .pub, or the line in it that begins with RW."
        raise ConfigError(f"is no public key: {error}", where=key, hint=hint) from error
    path = signature or directory / SIGNATURE
    if not path.is_file():
        return f"{path.name}: missing: nobody signed {MANIFEST}"
    try:
        public.verify((directory / MANIFEST).read_bytes(), minisign.Signature.from_bytes(_read(path)))
    except ValueError as error:
        return f"{path.name}: {MANIFEST} is not signed by {key}: {error}"
    except OSError as error:
        raise DatasetError(f"cannot be read: {error.strerror}", where=directory / MANIFEST) from error
    return None


def make_keys(file: Path) -> Path:
    """Write a new secret key, which only its owner can read, and beside it the public one; returns that one's file.

    Raises:
        ConfigError: the file has no name.
        Refused: one of them is there.
        DatasetError: they can't be written.
    """
    if not file.name:
        raise ConfigError("is no file name", where=f"{str(file)!r}", hint="Name the file of the new key.")
    pair, public = _minisign().KeyPair.generate(), file.with_name(f"{file.name}.pub")
    for path in (file, public):
        if path.exists():
            raise Refused("is there already", where=path, hint="Keys are never overwritten. Name another file.")
    write_atomic(public, bytes(pair.public_key) + b"\n")
    try:
        file.touch(mode=0o600, exist_ok=False)
        file.write_bytes(bytes(pair.secret_key) + b"\n")
    except OSError as error:
        raise DatasetError(f"cannot write: {error.strerror}", where=file) from error
    return public


def _secret(path: Path) -> Any:
    try:
        return _minisign().SecretKey.from_bytes(_read(path))
    except ValueError as error:
        hint = "`minisign -G -s FILE` makes one, and `fiubench sign --new-key FILE`."
        raise ConfigError(f"is no secret key: {error}", where=path, hint=hint) from error


def _read(path: Path) -> bytes:
    return read_small(path, ConfigError, most=_KEY_BYTES, hint="`fiubench sign --new-key FILE` makes a pair of keys.")


def _minisign() -> Any:
    need("sign")
    import minisign  # noqa: PLC0415  an extra

    return minisign
