"""Files of ours under an URL that fsspec knows: ``s3://bucket/run``, ``memory://run``, ``hf://datasets/me/run``."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from fiubench.support.errors import ConfigError, DatasetError
from fiubench.support.files import make_folder


def is_remote(location: str | Path) -> bool:
    """Whether it is an URL of another place than this machine's files."""
    return "://" in str(location) and not str(location).startswith("file://")


def local_path(location: str | Path) -> Path:
    """A folder that is named by its path, or by an URL with ``file://``."""
    return Path(str(location).removeprefix("file://"))


class Storage:
    """A folder under an URL.

    Raises:
        ConfigError: nothing that is installed knows such URLs.
    """

    def __init__(self, url: str) -> None:
        import fsspec  # noqa: PLC0415  few need it

        self.url = url.rstrip("/")
        try:
            self._fs, root = fsspec.core.url_to_fs(self.url)
        except (ImportError, ValueError) as error:
            hint = "fsspec names the package that knows it: s3fs for s3://, gcsfs for gs://."
            raise ConfigError(f"can't be used: {error}", where=url, hint=hint) from error
        self._root: str = str(root).rstrip("/")

    def has(self, name: str) -> bool:
        """Whether there is a file of this name."""
        with self._told(name):
            self._fs.invalidate_cache()  # others write there
            return bool(self._fs.exists(self._path(name)))

    def folders(self, name: str) -> list[str]:
        """The names of the folders in a folder."""
        return sorted({PurePosixPath(file).parts[0] for file in self._files(name) if "/" in file})

    def fetch(self, name: str, target: Path) -> None:
        """Copy a file to this machine.

        Raises:
            DatasetError: there is none, or it can't be read.
        """
        make_folder(target.parent)
        with self._told(name):
            self._fs.get_file(self._path(name), str(target))

    def fetch_all(self, name: str, target: Path) -> None:
        """Copy the files of a folder to this machine.

        Raises:
            DatasetError: one can't be read.
        """
        for file in self._files(name):
            self.fetch(f"{name}/{file}", target / file)

    def store(self, source: Path, name: str) -> None:
        """Copy a file of this machine there.

        Raises:
            DatasetError: it can't be written.
        """
        with self._told(name):
            self._fs.makedirs(str(PurePosixPath(self._path(name)).parent), exist_ok=True)
            self._fs.put_file(str(source), self._path(name))

    def store_all(self, source: Path, name: str, last: str) -> None:
        """Copy the files of a folder there, the one called ``last`` after all others: then the others are whole.

        Raises:
            DatasetError: one can't be written.
        """
        files = sorted(path for path in source.rglob("*") if path.is_file() and path != source / last)
        for path in (*files, source / last):
            self.store(path, (PurePosixPath(name) / path.relative_to(source).as_posix()).as_posix())

    def remove(self) -> None:
        """Remove everything.

        Raises:
            DatasetError: it can't be removed.
        """
        with self._told(""):
            self._fs.rm(self._root, recursive=True)

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}" if name else self._root

    def _files(self, name: str) -> list[str]:
        """Every file in a folder, relative to it."""
        with self._told(name):
            self._fs.invalidate_cache()
            found = sorted(self._fs.find(self._path(name)))
        start = len(self._path(name)) + 1
        files = [file[start:] for file in found]
        if bad := [file for file in files if ".." in PurePosixPath(file).parts or PurePosixPath(file).is_absolute()]:
            raise DatasetError(f"has a file {bad[0]!r}, whose name leads out of it", where=f"{self.url}/{name}")
        return files

    @contextmanager
    def _told(self, name: str) -> Iterator[None]:
        """What goes wrong, in words: every file system has errors of its own."""
        try:
            yield
        except FileNotFoundError as error:
            raise DatasetError("no such file", where=f"{self.url}/{name}") from error
        except Exception as error:
            what = f"can't be reached: {type(error).__name__}: {' '.join(str(error).split())[:200]}"
            raise DatasetError(what, where=f"{self.url}/{name}") from error
