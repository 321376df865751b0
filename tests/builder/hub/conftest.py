import os

import pytest

from tests.builder.hub.harness import PETS, READER, WRITER, Commands, Loopback, build, clean


@pytest.fixture
def hub():
    """An empty hub."""
    running = Loopback()
    yield running
    running.stop()


@pytest.fixture
def other_host():
    """A second host, to which no token may go."""
    running = Loopback()
    yield running
    running.stop()


@pytest.fixture
def token_file(tmp_path):
    path = tmp_path / "token"
    path.write_text(WRITER + "\n")
    return path


@pytest.fixture
def reader_file(tmp_path):
    path = tmp_path / "reader"
    path.write_text(READER + "\n")
    return path


@pytest.fixture
def fiubench(hub, token_file, tmp_path):
    return Commands(hub, clean(os.environ, tmp_path / "hf_home"), token_file)


@pytest.fixture(scope="session")
def dataset(tmp_path_factory):
    """A small dataset. Tests that change it work on a copy."""
    return build(tmp_path_factory.mktemp("first") / "dataset")


@pytest.fixture(scope="session")
def extended(tmp_path_factory):
    """The same with one attribute more."""
    folder = tmp_path_factory.mktemp("extended")
    (folder / "pets.yaml").write_text(PETS)
    return build(folder / "dataset", "--attributes", folder / "pets.yaml")


@pytest.fixture(scope="module")
def published(dataset, tmp_path_factory):
    """A hub with `dataset` as v1.0.0, for tests that only read; and the commands against it."""
    folder = tmp_path_factory.mktemp("published")
    (folder / "token").write_text(WRITER)
    running = Loopback()
    commands = Commands(running, clean(os.environ, folder / "hf_home"), folder / "token")
    commands.publish(dataset, "v1.0.0")
    yield commands
    running.stop()
