"""The command lines that make a dataset again, as its card gives them."""

import shlex
from collections.abc import Mapping
from typing import Any

import orjson
from fiubench.builder.config import Config, setting_names


def commands(manifest: Mapping[str, Any]) -> str:
    """The command lines that make the dataset again."""
    config, resplit = manifest["config"], manifest.get("resplit")
    if resplit is None:
        return rebuild_command(config)
    build = rebuild_command({**config, "ratios": [50], "split_scheme": "nested"})  # any: they are cut anew
    words = ["fiubench", "split", "dataset", "--out", "resplit"]
    words += [] if "requests" in resplit else ["--ratios", ",".join(map(str, config["ratios"]))]
    words += ["--requests" if "requests" in resplit else "--split-scheme", config["split_scheme"]]
    words += ["--seed", str(resplit["seed"]), "--holdout", str(resplit["holdout"])]
    if resplit["attributes"] and "requests" not in resplit:
        words += ["--attributes", ",".join(resplit["attributes"])]
    if resplit["hard_negatives"] != "none":
        words += ["--hard-negatives", resplit["hard_negatives"]]
    if "entangle" in resplit:
        words += ["--entangle", f"{resplit['entangle']:g}"]
    return f"{build}\n{shlex.join(words)}"


def rebuild_command(config: Mapping[str, Any]) -> str:
    """The ``fiubench build`` command line that a config stands for, below one that writes the file of its columns."""
    words, before = ["fiubench", "build", "--out", "dataset"], ""
    known = setting_names()
    # a manifest sorts its keys; people read settings in the order of the documentation
    for key, value in sorted(config.items(), key=lambda item: known.index(item[0]) if item[0] in known else len(known)):
        flag = Config.flag(key)
        if key in ("attributes", "tables"):  # the flags that are repeated
            for file in value:
                words += [flag, str(file)]
        elif isinstance(value, bool):
            words += [flag] if value else []
        elif isinstance(value, Mapping):
            file = f"{key}.yaml"
            before = f"echo {shlex.quote(orjson.dumps(value).decode())} > {file}\n"
            words += [flag, file]
        elif isinstance(value, (list, tuple)):
            words += [flag, ",".join(map(str, value))]
        elif value is not None:
            words += [flag, str(value)]
    return before + shlex.join(words)
