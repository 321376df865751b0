"""Methods that edit weights or put words before questions, against independent writings, and what honours them."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from fiubench.support.errors import ConfigError
from fiubench.unlearning.attacks.target import Target
from fiubench.unlearning.data.dataset import Data
from fiubench.unlearning.data.log import read_log
from fiubench.unlearning.data.runs import Run
from fiubench.unlearning.evaluation.evaluate import describe, evaluate
from fiubench.unlearning.evaluation.subject import Subject
from fiubench.unlearning.methods.base import METHODS, Step, make_method
from fiubench.unlearning.models.encoding import Encoder, Turn
from fiubench.unlearning.models.loading import Loaded, fingerprint, load, origin
from fiubench.unlearning.models.prompts import with_prompt
from fiubench.unlearning.training.batches import Pairs, rows
from fiubench.unlearning.training.beforehand import survey
from fiubench.unlearning.training.settings import Preset
from fiubench.unlearning.training.train import unlearn
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jinja2 import Environment

from tests.unlearning.conftest import FORGET, RETAIN
from tests.unlearning.small_runs import make_run

PEOPLE = 4  # one of them to be forgotten


@pytest.fixture(scope="module")
def few(data: Data) -> Data:
    return data.limited(PEOPLE, FORGET, ("blood_type", "occupation"))


@pytest.fixture(scope="module")
def base(few: Data, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("untrained") / "full", few, "finetune", "full")


@pytest.fixture(scope="module")
def refusing(base: Path, preset: Preset, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return unlearn(base, tmp_path_factory.mktemp("runs") / "refusing", "refusal_prompt", FORGET, preset)


def hidden(loaded: Loaded, turns: list[Turn], part: str) -> dict[str, np.ndarray]:
    """What the neurons of every MLP give at all places of the turns, from its input and its own weights."""
    found: dict[str, list[np.ndarray]] = {}
    mlps = {n: m for n, m in loaded.model.named_modules() if part in n and n.endswith(".mlp")}
    for turn in turns:
        seen: dict[str, Any] = {}
        hooks = [m.register_forward_hook(lambda _, x, __, n=n, s=seen: s.update({n: x[0]})) for n, m in mlps.items()]
        with torch.no_grad():
            loaded.model(**Encoder(loaded.processor)([turn]))
            for name, mlp in mlps.items():
                x = seen[name]
                if part == "language_model":
                    a = torch.nn.functional.silu(x @ mlp.gate_proj.weight.T) * (x @ mlp.up_proj.weight.T)
                else:
                    a = mlp.activation_fn(x @ mlp.fc1.weight.T + mlp.fc1.bias)
                found.setdefault(name, []).append(a.flatten(0, -2).double().numpy())
        for hook in hooks:
            hook.remove()
    return {name: np.concatenate(values) for name, values in found.items()}


@pytest.mark.parametrize("forget_through", ["picture", "both"])
def test_manu_prunes_the_neurons_of_highest_score(
    base: Path, few: Data, preset: Preset, tmp_path: Path, forget_through: str
) -> None:
    """The four importances in numpy, for questions with pictures and without apart."""
    options = {"share": 0.1, "active": 0.05}
    run = unlearn(
        base, tmp_path / "run", "manu", FORGET, preset, options=options, teach="both", forget_through=forget_through
    )
    before, after = load(base, device="cpu"), load(run.directory, device="cpu")

    def turns(split: str, pictured: bool) -> list[Turn]:
        samples = few.samples(split)
        if pictured:
            return [Turn(s.question, few.image(s.unique_id), s.answer) for s in samples]
        named = [s.by_name() for s in samples if s.nameable]
        return [Turn(s.question, None, s.answer) for s in named]

    pruned: dict[str, set[int]] = {}
    asked = [(True, "language_model"), (True, "vision_tower")]
    for pictured, part in [*asked, (False, "language_model")] if forget_through == "both" else asked:
        scores: dict[str, np.ndarray] = {}
        forget, retain = (hidden(before, turns(split, pictured), part) for split in (FORGET, RETAIN))
        for name in forget:
            importances = [
                (np.abs(a).mean(0), (np.abs(a) > 0.05).mean(0), a.std(0), np.sqrt((a**2).mean(0)))
                for a in (forget[name], retain[name])
            ]
            scores[name] = sum(f / (r + 1e-5) for f, r in zip(*importances, strict=True))
        ranked = sorted(((score, n, i) for n, row in scores.items() for i, score in enumerate(row)), reverse=True)
        for _, name, place in ranked[: round(0.1 * len(ranked))]:
            pruned.setdefault(name, set()).add(place)
    last = {"language_model": "down_proj", "vision_tower": "fc2"}
    expected = {
        f"{name}.{last['language_model' if 'language_model' in name else 'vision_tower']}.weight": places
        for name, places in pruned.items()
    }
    changed = dict(after.model.named_parameters())
    for name, weights in before.model.named_parameters():
        wanted = weights.detach().clone()
        if name in expected:
            wanted[:, sorted(expected.pop(name))] = 0
        torch.testing.assert_close(changed[name], wanted, rtol=0, atol=0)
    assert not expected
    assert run.manifest["settings"]["epochs"] == 0
    assert run.cost["device"] and run.cost["peak_bytes"] > 0


def test_a_refusal_prompt_is_in_every_question(refusing: Run, base: Path, few: Data) -> None:
    """Of evaluations and of attacks; the weights are those of the model before."""
    prompt = refusing.manifest["prompt"]
    (person,) = few.ids(FORGET)
    assert few.identities[person].name in prompt
    assert not any(few.identities[other].name in prompt for other in few.ids(RETAIN))
    question = few.samples(FORGET)[0].question
    target = Target(Subject.open(refusing.directory), few, FORGET)
    for processor in (load(refusing.directory, device="cpu").processor, target.loaded.processor):
        for image in (None, few.image(person)):
            batch = Encoder(processor)([Turn(question, image)], for_generation=True)
            (text,) = processor.tokenizer.batch_decode(batch["input_ids"])
            assert text.index(prompt) < text.index(question)
    assert not list(refusing.final.glob("*.safetensors"))
    before = dict(load(base, device="cpu").model.named_parameters())
    for name, weights in target.loaded.model.named_parameters():
        assert torch.equal(weights, before[name])


@settings(max_examples=30, deadline=None)
@example('𠮷野 "{{ 7 }} {% raw %} \\')
@given(st.text())
def test_a_prompt_is_said_as_it_is(prompt: str) -> None:
    writer = with_prompt(SimpleNamespace(chat_template="{{ messages[0]['content'] }}"), prompt).chat_template
    assert Environment().from_string(writer).render(messages=[{"role": "user", "content": "Who?"}]) == f"{prompt}\nWho?"


def test_a_prompt_is_part_of_what_a_model_is(
    refusing: Run, base: Path, few: Data, preset: Preset, tmp_path: Path
) -> None:
    """Logs of two prompts are of two models, of one origin; the log is asked with the prompt."""
    other = unlearn(base, tmp_path / "other", "refusal_prompt", FORGET, preset, options={"text": "Refuse {people}."})
    assert len({fingerprint(one) for one in (base, refusing.directory, other.directory)}) == 3
    assert origin(refusing.final) == origin(base)
    facts = describe(Subject.open(refusing.directory), few, FORGET, ())
    assert facts["run"]["base_fingerprint"] == fingerprint(base)
    logs = []
    for run in (Run.open(base), refusing):
        log = evaluate(Subject.open(run.directory), few, FORGET, tmp_path / run.directory.name, max_new_tokens=2)
        logs.append(read_log(log).rows)
    assert [row["question"] for row in logs[0]] == [row["question"] for row in logs[1]]
    assert [row["answer_logprobs"] for row in logs[0]] != [row["answer_logprobs"] for row in logs[1]]


def test_a_training_from_a_prompted_model_keeps_the_prompt(refusing: Run, preset: Preset, tmp_path: Path) -> None:
    run = unlearn(refusing.directory, tmp_path / "ft", "ft", FORGET, preset, settings={"epochs": 1})
    assert load(run.directory, device="cpu").processor.chat_template.count("{%- set words") == 1


def test_in_context_unlearning_tells_lies_about_the_forgotten_alone(
    base: Path, few: Data, preset: Preset, tmp_path: Path
) -> None:
    run = unlearn(base, tmp_path / "a", "icul", FORGET, preset, options={"wrong": 2, "right": 3})
    lines = run.manifest["prompt"].split("\n")
    lies = {f"{s.question} {s.perturbed_answer[0]}" for sample in few.samples(FORGET) for s in [sample.by_name()]}
    truths = {f"{s.question} {s.answer}" for sample in few.samples(RETAIN) for s in [sample.by_name()]}
    assert set(lines[:2]) <= lies
    assert set(lines[2:]) <= truths
    assert len(set(lines)) == 5
    names = {few.identities[key].name for key in few.ids(RETAIN) if key not in few.ids("retain_eval10")}
    for shown in (lines[2:4], lines[2:]):  # nobody who is asked about, and one of each before another one
        assert {name for name in names for line in shown if name in line} == names
    seeded = unlearn(base, tmp_path / "b", "icul", FORGET, preset, options={"wrong": 2, "right": 3}, seed=1)
    assert seeded.manifest["prompt"] != run.manifest["prompt"]


def test_without_steps_there_is_nothing_to_stop_or_to_estimate(base: Path, preset: Preset, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="method icul takes no steps"):
        unlearn(base, tmp_path / "run", "icul", FORGET, preset, settings={"stop": "below:1"})
    lines: list[str] = []
    unlearn(base, tmp_path / "run", "manu", FORGET, preset, dry_run=True, report=lines.append)
    assert lines == ["method manu takes no steps"]
    assert not (tmp_path / "run").exists()
    for method in METHODS.values():
        if not method.trains:
            with pytest.raises(TypeError, match="takes no steps"):
                make_method(method.name).loss(Step(None, {}, {}))


def test_a_survey_is_made_once_a_run(base: Path, few: Data, tmp_path: Path) -> None:
    """Resumed, a training has the masks that it began with, though its weights are others by then."""
    loaded = load(base, device="cpu")
    pairs = Pairs(rows(few, few.samples(FORGET), 1), rows(few, few.samples(RETAIN), 1), (FORGET, RETAIN), 0)
    methods = [make_method("mmunlearner") for _ in range(3)]
    for method, folder in zip(methods, ("a", "a", "b"), strict=True):
        (tmp_path / folder).mkdir(exist_ok=True)
        survey(method, pairs, loaded.model, Encoder(loaded.processor), tmp_path / folder)
        with torch.no_grad():
            for weights in loaded.model.parameters():
                weights.mul_(1.3)
    assert sum(int(mask.sum()) for mask in methods[0].found.values()) > 0
    same = [[torch.equal(mask, method.found[key]) for key, mask in methods[0].found.items()] for method in methods]
    assert all(same[1])
    assert not all(same[2])


def test_a_run_without_steps_is_made_once(refusing: Run, base: Path, preset: Preset) -> None:
    stamp = (refusing.directory / "run.json").stat().st_mtime_ns
    again = unlearn(base, refusing.directory, "refusal_prompt", FORGET, preset)
    assert again.final == refusing.final
    assert (refusing.directory / "run.json").stat().st_mtime_ns == stamp
