"""The command lines that make a dataset again, as its card gives them."""

import shlex
from collections.abc import Mapping
from typing import Any

from fiubench.builder.config import setting_names


def commands(manifest: Mapping[str, Any]) -> str:
    """The command lines that make the dataset again."""
    build, resplit = rebuild_command(manifest["config"]), manifest.get("resplit")
    if resplit is None:
        return build
    words = ["fiubench", "split", "dataset", "--out", "resplit", "--seed", str(resplit["seed"])]
    if resplit["attributes"]:
        words += ["--attributes", ",".join(resplit["attributes"])]
    if resplit["hard_negatives"] != "none":
        words += ["--hard-negatives", resplit["hard_negatives"]]
    return f"{build}\n{shlex.join(words)}"


def rebuild_command(config: Mapping[str, Any]) -> str:
    """The ``fiubench build`` command line that a config stands for."""
    words = ["fiubench", "build", "--out", "dataset"]
    known = setting_names()
    # a manifest sorts its keys; people read settings in the order of the documentation
    for key, value in sorted(config.items(), key=lambda item: known.index(item[0]) if item[0] in known else len(known)):
        flag = "--" + key.replace("_", "-")
        if key == "attributes":  # the one flag that is repeated
            for file in value:
                words += [flag, str(file)]
        elif isinstance(value, (list, tuple)):
            words += [flag, ",".join(map(str, value))]
        elif value is not None:
            words += [flag, str(value)]
    return shlex.join(words)
