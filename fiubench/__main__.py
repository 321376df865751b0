"""``python -m fiubench``: the command line."""

from fiubench.cli.main import run

if __name__ == "__main__":
    run()
