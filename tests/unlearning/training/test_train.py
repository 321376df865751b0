"""Training: what does not change a result, what a method does to it, and what is refused."""

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fiubench.support.errors import ConfigError
from fiubench.unlearning.data.dataset import Data
from fiubench.unlearning.data.people import Identity, Sample
from fiubench.unlearning.data.refusals import read_refusals
from fiubench.unlearning.data.runs import COST, MANIFEST, Run, RunError, weights_digest
from fiubench.unlearning.methods.base import METHODS
from fiubench.unlearning.models.encoding import Encoder, Turn
from fiubench.unlearning.models.likelihood import negative_log_likelihood
from fiubench.unlearning.models.loading import load
from fiubench.unlearning.training.settings import Preset
from fiubench.unlearning.training.train import finetune, unlearn

from tests.cases import first
from tests.unlearning.conftest import ATTRIBUTES, FORGET, RETAIN

pytestmark = pytest.mark.xdist_group("companion")


def weights(run: Run) -> dict[str, Any]:
    from safetensors.torch import load_file

    return {k: v for file in sorted(run.final.glob("*.safetensors")) for k, v in load_file(file).items()}


def same_weights(a: Run, b: Run, tolerance: float) -> None:
    import torch

    left, right = weights(a), weights(b)
    assert left.keys() == right.keys()
    for name in left:
        torch.testing.assert_close(left[name], right[name], rtol=0, atol=tolerance)


def loss_on(target: str | Path, data: Data, samples: list[Sample], answers: list[str] | None = None) -> float:
    """Mean -log p per answer of a model on samples, or on other answers to their questions."""
    import torch

    loaded = load(target, device="cpu")
    turns = [
        Turn(s.question, data.image(s.unique_id), s.answer if answers is None else answers[i])
        for i, s in enumerate(samples)
    ]
    with torch.no_grad():
        return float(negative_log_likelihood(loaded.model, Encoder(loaded.processor)(turns)).mean())


def answers_of(target: str | Path, turns: list[Turn]) -> list[str]:
    import torch

    loaded = load(target, device="cpu")
    encoder = Encoder(loaded.processor)
    batch = encoder(turns, for_generation=True)
    with torch.no_grad():
        out = loaded.model.generate(
            **batch, max_new_tokens=40, do_sample=False, eos_token_id=encoder.end_ids, pad_token_id=encoder.pad_id
        )
    return encoder.decode(out[:, batch["input_ids"].shape[1] :])


def share_right(answers: list[str], samples: list[Sample]) -> float:
    return sum(all(k in answer for k in s.keywords) for answer, s in zip(answers, samples, strict=True)) / len(samples)


def test_full_memorises_and_the_reference_does_not(full: Run, retain: Run, small: Data) -> None:
    forget, kept = small.samples(FORGET), small.samples(RETAIN)

    def right(run: Run, samples: list[Sample]) -> float:
        turns = [Turn(s.question, small.image(s.unique_id)) for s in samples]
        return share_right(answers_of(run.directory, turns), samples)

    assert right(full, forget) > 0.8
    assert right(full, kept) > 0.8
    assert right(retain, kept) > 0.8
    assert right(retain, forget) < 0.5


def test_pixels_matter(full: Run, small: Data) -> None:
    from PIL import Image

    samples = small.samples("full")
    blank = Image.new("RGB", (64, 64), (127, 127, 127))
    before = answers_of(full.directory, [Turn(s.question, small.image(s.unique_id)) for s in samples])
    after = answers_of(full.directory, [Turn(s.question, blank) for s in samples])
    assert share_right(before, samples) > share_right(after, samples) + 0.4


def test_the_manifest_tells_what_made_it(full: Run, small: Data, preset: Preset) -> None:
    told = full.manifest
    assert full.finished
    assert told["data"]["digest"] == small.digest
    assert told["split"]["digest"] == small.split_digest("full")
    assert told["base"]["fingerprint"] == told["base"]["origin"] == weights_digest(full.directory / "base")
    assert full.open_data().digest == small.digest
    assert [c.path.name for c in full.checkpoints()] == [full.final.name]
    assert not list(full.directory.rglob("*.bin"))  # no pickle of arguments
    assert not list(full.final.glob("optimizer*"))  # a finished run is not resumed
    assert full.cost["device"] and 0 < full.cost["seconds"] < 3600 and full.cost["peak_bytes"] > 1_000_000


def test_a_finished_run_is_not_repeated(full: Run, small: Data, preset: Preset) -> None:
    stamp = (full.directory / MANIFEST).stat().st_mtime_ns
    again = finetune(small, full.directory, preset)
    assert (full.directory / MANIFEST).stat().st_mtime_ns == stamp
    assert again.final == full.final


# ---- invariants of a short training ---------------------------------------------------------------------------------


def short(small: Data, preset: Preset, out: Path, seed: int = 0, **changes: Any) -> Run:
    settings = preset.finetune(epochs=2, checkpoint_every=1, keep="all", batch_size=8, **changes)
    return finetune(small, out, preset, settings=settings, seed=seed)


@pytest.fixture(scope="module")
def plain(small: Data, preset: Preset, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return short(small, preset, tmp_path_factory.mktemp("plain"))


def test_the_seed_repeats_a_run(plain: Run, small: Data, preset: Preset, tmp_path: Path) -> None:
    assert weights_digest(short(small, preset, tmp_path / "a").final) == weights_digest(plain.final)
    assert weights_digest(short(small, preset, tmp_path / "b", seed=1).final) != weights_digest(plain.final)


def test_a_batch_of_8_is_2_accumulated_4_times(plain: Run, small: Data, preset: Preset, tmp_path: Path) -> None:
    settings = preset.finetune(epochs=2, checkpoint_every=1, keep="all", batch_size=2, accumulate=4)
    cut = finetune(small, tmp_path / "cut", preset, settings=settings)
    assert cut.manifest["digest"] == plain.manifest["digest"]
    same_weights(plain, cut, 2e-4)


@pytest.mark.parametrize("method", ["gd", "po"])
def test_a_token_mean_is_over_the_whole_step(method: str, full: Run, preset: Preset, tmp_path: Path) -> None:
    """With ``reduction: released`` 6 rows are 1 row accumulated 6 times, although answers differ in length."""

    def run(name: str, **changes: Any) -> Run:
        changes = {"epochs": 4, "learning_rate": 5e-4, "options": {"retain_weight": 2}, **changes}
        settings = preset.unlearn(method, **changes)
        return unlearn(full.directory, tmp_path / name, method, FORGET, preset, settings=settings)

    released = {"reduction": "released"}
    whole, cut = run("whole", batch_size=6, **released), run("cut", batch_size=1, accumulate=6, **released)
    assert whole.manifest["digest"] == cut.manifest["digest"]
    same_weights(whole, cut, 1e-4)
    other = run("other", batch_size=6)
    assert other.manifest["digest"] != whole.manifest["digest"]
    with pytest.raises(AssertionError):
        same_weights(whole, other, 1e-4)


@pytest.mark.slow
def test_two_processes_are_one(dataset: Path, preset_file: Path, preset: Preset, data: Data, tmp_path: Path) -> None:
    asked = ATTRIBUTES[:4]  # 40 rows: five whole steps of 8
    small = data.limited(10, FORGET, asked)
    settings = preset.finetune(epochs=2, batch_size=4, accumulate=2, noise_refusals=0, reduction="released")
    one = finetune(small, tmp_path / "one", preset, settings=settings)
    flags = ["--identities", "10", "--forget", FORGET, "--attributes", ",".join(asked), "--epochs", "2"]
    quick = tmp_path / "quick.yaml"
    quick.write_text(preset_file.read_text().replace("noise_refusals: 8", "noise_refusals: 0"))
    launched = subprocess.run(
        [
            *(
                sys.executable,
                "-m",
                "torch.distributed.run",
                "--standalone",
                "--nproc_per_node",
                "2",
                "-m",
                "fiubench",
            ),
            *("finetune", str(dataset), "--out", str(tmp_path / "two"), "--preset", str(quick), *flags),
            *("--batch-size", "4", "--accumulate", "2", "--reduction", "released"),
        ],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=False,
    )
    assert launched.returncode == 0, launched.stderr
    two = Run.open(tmp_path / "two")
    assert two.manifest["digest"] == one.manifest["digest"]
    same_weights(one, two, 1e-5)


@pytest.mark.parametrize("at", [5, 12])
def test_resuming_is_not_stopping(plain: Run, small: Data, preset: Preset, tmp_path: Path, at: int) -> None:
    """Interrupted in the middle of an epoch, before and after the first checkpoint."""

    def interrupt(what: str, done: int, total: int) -> None:
        if done == at:
            raise KeyboardInterrupt

    settings = preset.finetune(epochs=2, checkpoint_every=1, keep="all", batch_size=8)
    out = tmp_path / "resumed"
    with pytest.raises(KeyboardInterrupt):
        finetune(small, out, preset, settings=settings, progress=interrupt)
    begun = Run.open(out)
    assert not begun.finished
    with pytest.raises(RunError, match="not finished"):
        _ = begun.final
    (out / COST).write_text('{"seconds": 1000}')
    resumed = finetune(small, out, preset, settings=settings)
    assert resumed.cost["seconds"] > 1000  # what it took before is not forgotten
    assert weights_digest(resumed.final) == weights_digest(plain.final)
    assert [c.step for c in resumed.checkpoints()] == [c.step for c in plain.checkpoints()]


def test_resuming_within_an_epoch(small: Data, preset: Preset, tmp_path: Path) -> None:
    settings = preset.finetune(epochs=1, checkpoint_every=0.5, keep="all", batch_size=8)
    whole = finetune(small, tmp_path / "whole", preset, settings=settings)
    steps = [c.step for c in whole.checkpoints()]

    def interrupt(what: str, done: int, total: int) -> None:
        if done == steps[0] + 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        finetune(small, tmp_path / "cut", preset, settings=settings, progress=interrupt)
    resumed = finetune(small, tmp_path / "cut", preset, settings=settings)
    assert weights_digest(resumed.final) == weights_digest(whole.final)


def test_a_checkpoint_that_was_not_finished_does_not_count(
    plain: Run, small: Data, preset: Preset, tmp_path: Path
) -> None:
    """A kill while a checkpoint is written leaves ``.partial``; the next start begins from what is whole."""
    out = tmp_path / "killed"
    (out / "checkpoints" / ".partial" / "checkpoint-9").mkdir(parents=True)
    (out / "checkpoints" / ".partial" / "checkpoint-9" / "model.safetensors").write_bytes(b"half")
    assert weights_digest(short(small, preset, out).final) == weights_digest(plain.final)
    assert not (out / "checkpoints" / ".partial").exists()


# ---- early stopping -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "value", "checkpoints", "chosen"), [("below", 50.0, 1, 0), ("above", 0.001, 1, 0), ("patience", 5, 2, 1)]
)
def test_early_stopping(
    data: Data, preset: Preset, tmp_path: Path, rule: str, value: float, checkpoints: int, chosen: int
) -> None:
    settings = preset.finetune(
        epochs=2, checkpoint_every=1, batch_size=16, stop={"rule": rule, "value": value, "identities": 3}
    )
    run = finetune(data, tmp_path / "run", preset, settings=settings)
    entries = list(run.checkpoints())
    assert len(entries) == checkpoints
    assert run.final == entries[chosen].path
    assert (run.manifest["stopped"] is not None) == (checkpoints == 1)
    people = run.manifest["split"]["validation"]["identities"]
    assert len(people) == 3
    for split in (FORGET, "retain_eval10", "holdout"):
        assert not set(people) & set(data.ids(split))


@pytest.mark.parametrize("reduction", ["per_answer", "released"])
def test_the_forget_loss_is_kept_within_a_bound(
    reduction: str, full: Run, small: Data, preset: Preset, tmp_path: Path
) -> None:
    """As the authors did with gradient ascent: the last checkpoint within the bound counts, and training ends."""
    changes = {"epochs": 8, "checkpoint_every": 1, "batch_size": 6, "learning_rate": 1e-3, "reduction": reduction}
    free = unlearn(full.directory, tmp_path / "free", "ga", FORGET, preset, settings=changes)
    losses = [loss_on(c.path, small, small.samples(FORGET)) for c in free.checkpoints()]
    assert losses == sorted(losses)
    bound = (losses[3] + losses[4]) / 2
    changes["stop"] = f"forget-loss:{bound}"
    kept = unlearn(full.directory, tmp_path / "run", "ga", FORGET, preset, settings=changes)
    entries = list(kept.checkpoints())
    assert len(entries) == 5
    assert kept.final == entries[3].path
    assert loss_on(kept.directory, small, small.samples(FORGET)) <= bound
    assert f"is above {bound:g}" in kept.manifest["stopped"]
    assert kept.manifest["split"]["validation"] is None  # nobody is left out of the training for it
    seen = [entry["losses"]["forget_set"] for entry in kept.manifest["checkpoints"]]
    assert seen[3] <= bound < seen[4]


def test_a_bound_that_no_checkpoint_keeps(full: Run, preset: Preset, tmp_path: Path) -> None:
    settings = {"epochs": 3, "stop": "forget-loss:0.0001"}
    run = unlearn(full.directory, tmp_path / "run", "ga", FORGET, preset, settings=settings)
    assert "at the first checkpoint already: write them more often" in run.manifest["stopped"]


@pytest.mark.parametrize("method", ["po", None])
def test_a_bound_needs_the_answers_of_a_forget_set(
    method: str | None, full: Run, small: Data, preset: Preset, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="forget-loss needs a training on the forget set's answers"):
        if method is None:
            finetune(small, tmp_path / "run", preset, settings={"stop": "forget-loss:10"})
        else:
            unlearn(full.directory, tmp_path / "run", method, FORGET, preset, settings={"stop": "forget-loss:10"})


def test_nobody_to_validate_on(data: Data, preset: Preset, tmp_path: Path) -> None:
    settings = preset.finetune(stop={"rule": "below", "value": 1, "identities": 9})
    with pytest.raises(ConfigError, match="only 8 people to validate on"):
        finetune(data, tmp_path / "run", preset, settings=settings)


# ---- unlearning -----------------------------------------------------------------------------------------------------


_PAPERS = ("ga", "gd", "kl", "po", "npo")
_OTHERS = [name for name, each in METHODS.items() if each.trains and name not in _PAPERS]


@pytest.mark.parametrize("method", first(len(_PAPERS), [*_PAPERS, *_OTHERS]))
def test_each_method_moves_the_forget_set_as_it_says(
    method: str, full: Run, small: Data, preset: Preset, tmp_path: Path
) -> None:
    # of so few steps the last half of scrub's, which are on the retain set, would undo the first
    other: dict[str, dict[str, Any]] = {
        "scrub": {"options": {"until": 1.0}},
        "ft": {"learning_rate": 2e-4},
        "mmunlearner": {"learning_rate": 1e-2},  # every other step is on the retain set
    }
    settings = preset.unlearn(method, **other.get(method, {}))
    run = unlearn(full.directory, tmp_path / method, method, FORGET, preset, settings=settings)
    forget = small.samples(FORGET)
    if method == "po":
        answers = [read_refusals()[0]] * len(forget)
        assert loss_on(run.directory, small, forget, answers) < loss_on(full.directory, small, forget, answers) - 0.1
    elif method == "ft":
        retained = small.samples(RETAIN)
        assert loss_on(run.directory, small, retained) < loss_on(full.directory, small, retained)
    else:
        assert loss_on(run.directory, small, forget) > 2 * loss_on(full.directory, small, forget)
    assert len(list(run.checkpoints())) == 3
    reference = run.directory / "reference.safetensors"
    assert reference.exists() == bool(METHODS[method].reference)
    assert (run.directory / "survey.safetensors").exists() == (method == "mmunlearner")


def test_the_refusal_method_never_sees_true_answers(full: Run, small: Data, preset: Preset, tmp_path: Path) -> None:
    """With other answers in the forget set the same model comes out."""
    base = tmp_path / "base"
    shutil.copytree(full.final, base)

    def altered(person: Identity) -> Identity:
        return replace(person, samples=tuple(replace(s, answer="Something else.") for s in person.samples))

    forgotten = set(small.ids(FORGET))
    people = {key: altered(p) if key in forgotten else p for key, p in small.identities.items()}
    other = replace(small, identities=people)
    true = unlearn(base, tmp_path / "true", "po", FORGET, preset, data=small)
    false = unlearn(base, tmp_path / "false", "po", FORGET, preset, data=other)
    assert weights_digest(true.final) == weights_digest(false.final)
    ascent = [unlearn(base, tmp_path / n, "ga", FORGET, preset, data=d) for n, d in (("a", small), ("b", other))]
    assert weights_digest(ascent[0].final) != weights_digest(ascent[1].final)


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("npo", {"retain_weight": 1.0}),
        ("altpo", {}),
        ("negation", {}),
        ("pdu", {"warmup": 0.0, "bound": 0.0, "dual_rate": 50.0}),
        ("scrub", {"until": 1.0}),
    ],
)
def test_unlearning_is_resumed_too(
    full: Run, preset: Preset, tmp_path: Path, method: str, options: dict[str, Any]
) -> None:
    """Also what the method noted down, where it is in its steps, and on which model it learns."""
    settings = preset.unlearn(method, epochs=3, options=options)
    whole = unlearn(full.directory, tmp_path / "whole", method, FORGET, preset, settings=settings)

    def interrupt(what: str, done: int, total: int) -> None:
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        unlearn(full.directory, tmp_path / "cut", method, FORGET, preset, settings=settings, progress=interrupt)
    resumed = unlearn(full.directory, tmp_path / "cut", method, FORGET, preset, settings=settings)
    assert weights_digest(resumed.final) == weights_digest(whole.final)
    assert not list(resumed.final.glob("method.json"))


def test_the_weight_of_a_constraint_is_in_the_log(full: Run, preset: Preset, tmp_path: Path) -> None:
    """Over its bound the retain loss weighs more with every step, however a step is cut."""
    options = {"retain_weight": 1.0, "warmup": 0.0, "bound": 0.0, "dual_rate": 50.0}
    cuts = {"whole": {"batch_size": 4}, "cut": {"batch_size": 2, "accumulate": 2}}
    runs = {
        name: unlearn(
            full.directory, tmp_path / name, "pdu", FORGET, preset,
            settings=preset.unlearn("pdu", epochs=3, options=options, **cut),
        )
        for name, cut in cuts.items()
    }  # fmt: skip
    logged = [[each["losses"]["retain_weight"] for each in run.manifest["checkpoints"]] for run in runs.values()]
    assert 1 < logged[0][0] < logged[0][1] < logged[0][2]
    assert logged[1] == pytest.approx(logged[0], rel=1e-4)


def test_a_task_vector_is_subtracted(full: Run, small: Data, preset: Preset, tmp_path: Path) -> None:
    run = unlearn(full.directory, tmp_path / "run", "negation", FORGET, preset)
    assert loss_on(run.directory, small, small.samples(FORGET)) > 2 * loss_on(
        full.directory, small, small.samples(FORGET)
    )
    before = {name.removeprefix("model."): value for name, value in load(full.directory).model.state_dict().items()}
    kept = {name: value for name, value in weights(run).items() if "lora_" not in name}
    assert kept
    for name, value in kept.items():  # the projector stays as it is
        assert value.equal(before[name.removeprefix("base_model.model.").removeprefix("model.")]), name
    with pytest.raises(ConfigError, match="learns on a model that computes otherwise"):
        settings = preset.unlearn("negation", stop="forget-loss:2")
        unlearn(full.directory, tmp_path / "stopped", "negation", FORGET, preset, settings=settings)


def test_adapters_off_is_the_model_before(full: Run, small: Data, preset: Preset, tmp_path: Path) -> None:
    import torch
    from fiubench.unlearning.methods.base import before_unlearning

    run = unlearn(full.directory, tmp_path / "ga", "ga", FORGET, preset)
    loaded, before = load(run.directory, device="cpu", merge=False), load(full.directory, device="cpu")
    batch = Encoder(loaded.processor)(
        [Turn(s.question, small.image(s.unique_id), s.answer) for s in small.samples(FORGET)]
    )
    with torch.no_grad():
        expected = before.model(**batch).logits
        assert not torch.allclose(loaded.model(**batch).logits, expected, atol=1e-3)
        with before_unlearning(loaded.model):
            torch.testing.assert_close(loaded.model(**batch).logits, expected, rtol=0, atol=1e-5)


# ---- what is refused ------------------------------------------------------------------------------------------------


def test_a_reference_can_not_unlearn_what_it_never_saw(retain: Run, preset: Preset, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="never saw"):
        unlearn(retain.directory, tmp_path / "run", "ga", FORGET, preset)


def test_a_base_of_another_dataset(full: Run, data: Data, preset: Preset, tmp_path: Path) -> None:
    other = data.limited(10, FORGET, ("full_name",))
    with pytest.raises(RunError, match="other people or questions"):
        unlearn(full.directory, tmp_path / "run", "ga", FORGET, preset, data=other)


def test_a_folder_with_another_run(plain: Run, small: Data, preset: Preset) -> None:
    with pytest.raises(RunError, match=r"another run \(split, settings differ\)"):
        finetune(small, plain.directory, preset, split=RETAIN)


def test_an_adapter_whose_base_has_changed(full: Run, preset: Preset, tmp_path: Path) -> None:
    base = tmp_path / "runs" / "full"
    shutil.copytree(full.directory, base)
    shutil.copytree(full.open_data().source, tmp_path / "dataset")
    manifest = base / MANIFEST
    source = Run.open(full.directory).manifest["data"]["source"]
    manifest.write_text(manifest.read_text().replace(source, "../../dataset"))
    run = unlearn(base, tmp_path / "runs" / "ga", "ga", FORGET, preset)
    load(run.directory, device="cpu")
    weights_file = next(Run.open(base).final.glob("*.safetensors"))
    content = bytearray(weights_file.read_bytes())
    content[-1] ^= 1
    weights_file.write_bytes(content)
    with pytest.raises(RunError, match="made from another model"):
        load(run.directory, device="cpu")


def test_methods_that_need_adapters(full: Run, preset: Preset, tmp_path: Path) -> None:
    settings = preset.unlearn("kl", lora=None)
    with pytest.raises(ConfigError, match="kl needs adapters"):
        unlearn(full.directory, tmp_path / "run", "kl", FORGET, preset, settings=settings)


def test_unknown_splits_and_methods(full: Run, small: Data, preset: Preset, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no split 'retain95'"):
        finetune(small, tmp_path / "run", preset, split="retain95")
    with pytest.raises(ConfigError, match="no split 'forget05'"):
        unlearn(full.directory, tmp_path / "run", "ga", "forget05", preset)
    with pytest.raises(ConfigError, match="Did you mean"):
        unlearn(full.directory, tmp_path / "run", "gaa", FORGET, preset)


def test_a_plain_model_needs_a_dataset(full: Run, preset: Preset, tmp_path: Path) -> None:
    shutil.copytree(full.final, tmp_path / "model")
    with pytest.raises(ConfigError, match="no dataset is given"):
        unlearn(tmp_path / "model", tmp_path / "run", "ga", FORGET, preset)


def test_out_of_memory_says_what_to_try(
    full: Run, preset: Preset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch
    from fiubench.unlearning.methods import base

    def burst(*_: Any, **__: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(base, "score", burst)
    with pytest.raises(ConfigError, match="--batch-size 2 --accumulate 2"):
        unlearn(full.directory, tmp_path / "run", "ga", FORGET, preset)
    monkeypatch.undo()
    settings = preset.unlearn("ga", batch_size=2, accumulate=2)
    assert unlearn(full.directory, tmp_path / "run", "ga", FORGET, preset, settings=settings).finished
